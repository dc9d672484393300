"""Networks that a chapter uses and does not derive."""

from optimlib.networks.cnn import CNN
from optimlib.networks.rnn import RNN
from optimlib.networks.transformer import Transformer, windows

__all__ = ["CNN", "RNN", "Transformer", "windows"]
