"""Networks that a chapter uses and does not derive."""

from optimlib.networks.rnn import RNN
from optimlib.networks.transformer import CNN, Transformer, windows

__all__ = ["CNN", "RNN", "Transformer", "windows"]
