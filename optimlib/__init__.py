"""The optimizers of deep learning, an equation a line, with the names and numbers of Keras 3."""

__version__ = "2.0.0"
