"""optimlib: the optimizers of deep learning, one equation a line, with the names and the numbers of Keras 3."""

__version__ = "1.0.0"
