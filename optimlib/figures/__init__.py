"""The figures of the book: those that answer with no kernel, one a module, and `plotting`.

Each function gives an `Explorable`. What a reader can be asked to reach are *facts*, numbers with a
name such as "SGD steps"; every function lists its own. `reached` compares them, joined by " and ",
as in "SGD steps <= 20 and SGD rate >= 0.1"; where it or `initial` names no fact and no slider, a
ValueError says so. `plotting` draws with matplotlib, and is imported by itself.
"""

from optimlib.figures.correction import bias_correction
from optimlib.figures.curves import recorded
from optimlib.figures.decay import decay_only
from optimlib.figures.ellipse import rounding
from optimlib.figures.histogram import step_sizes
from optimlib.figures.oscillator import momentum_map
from optimlib.figures.parabola import parabola
from optimlib.figures.race import explore
from optimlib.figures.schedule import SHAPES, designed, schedule_designer
from optimlib.figures.settings import measured

__all__ = [
    "SHAPES",
    "bias_correction",
    "decay_only",
    "designed",
    "explore",
    "measured",
    "momentum_map",
    "parabola",
    "recorded",
    "rounding",
    "schedule_designer",
    "step_sizes",
]
