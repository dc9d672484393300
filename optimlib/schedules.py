"""Learning-rate schedules, with the names and numbers of `keras.optimizers.schedules`, and `WSD`.

A schedule is a pure function of the step: `schedule(step)` is the rate of step 0, 1, 2, ..., the
same whenever and however often it is asked. `step` may be an array of steps; rates given as arrays
of shape (R, 1) are R schedules for R replicas. An argument out of its range raises ValueError.
"""

from dataclasses import dataclass, fields

import numpy as np

from optimlib import checks

POSITIVE = {"low": 0, "open_low": True}
LOWEST = {
    "decay_steps": POSITIVE,
    "first_decay_steps": POSITIVE,
    "total_steps": POSITIVE,
    "t_mul": {"low": 1},
}


@dataclass(repr=False)
class Schedule:
    """What all schedules share: checks of the arguments, which are at least 0, and of the step."""

    def __post_init__(self):
        for field in fields(self):
            value = getattr(self, field.name)
            if value is not None and field.name not in ("name", "staircase", "cycle"):
                bounds = LOWEST.get(field.name, {"low": 0})
                setattr(self, field.name, checks.number(field.name, value, **bounds))

    def __call__(self, step):
        """The learning rate of `step`: a Python float, or an array for an array of steps.

        Raises:
            ValueError: The step is no number of at least 0.
        """
        step = np.asarray(checks.number("step", step, 0))[()]  # numpy's numbers overflow to inf
        with np.errstate(over="ignore", under="ignore"):
            rate = self.rate(step)
        return float(rate) if np.ndim(rate) == 0 else rate

    def rate(self, step):
        """The formula itself."""
        raise NotImplementedError(f"{type(self).__name__} defines no rate")

    def __repr__(self):
        settings = ", ".join(f"{k}={v!r}" for k, v in vars(self).items() if v is not None)
        return f"{type(self).__name__}({settings})"


@dataclass(repr=False)
class ExponentialDecay(Schedule):
    """The rate is multiplied by `decay_rate` every `decay_steps` steps.

    rate(step) = initial_learning_rate * decay_rate^(step / decay_steps)

    Args:
        initial_learning_rate: The rate at step 0.
        decay_steps: How many steps a decay takes, > 0.
        decay_rate: The factor.
        staircase: Whether the rate falls in jumps: whole parts of step / decay_steps.
    """

    initial_learning_rate: float
    decay_steps: float
    decay_rate: float
    staircase: bool = False
    name: str | None = None

    def rate(self, step):
        p = step / self.decay_steps
        p = np.floor(p) if self.staircase else p
        return self.initial_learning_rate * self.decay_rate**p


@dataclass(repr=False)
class InverseTimeDecay(Schedule):
    """The rate is divided by a number that grows evenly (as Robbins & Monro, 1951, asked for).

    rate(step) = initial_learning_rate / (1 + decay_rate * step / decay_steps)

    Args:
        initial_learning_rate: The rate at step 0.
        decay_steps: How many steps a unit takes, > 0.
        decay_rate: How much the divisor grows in a unit.
        staircase: Whether the rate falls in jumps: whole parts of step / decay_steps.
    """

    initial_learning_rate: float
    decay_steps: float
    decay_rate: float
    staircase: bool = False
    name: str | None = None

    def rate(self, step):
        p = step / self.decay_steps
        p = np.floor(p) if self.staircase else p
        return self.initial_learning_rate / (1 + self.decay_rate * p)


@dataclass(repr=False)
class PiecewiseConstantDecay(Schedule):
    """`values[0]` up to and with step `boundaries[0]`, then `values[1]`, and so on.

    Args:
        boundaries: The last step of each piece but the last, increasing.
        values: The rates, one more than there are boundaries.
    """

    boundaries: list
    values: list
    name: str | None = None

    def __post_init__(self):
        boundaries = self.boundaries = list(self.boundaries)
        self.values = list(self.values)
        super().__post_init__()
        if len(self.values) != len(self.boundaries) + 1:
            raise ValueError(
                f"values has {len(self.values)} rates for {len(self.boundaries)} boundaries: "
                "expected one more"
            )
        if (np.diff(self.boundaries) <= 0).any():
            raise ValueError(f"boundaries={boundaries!r} do not increase")

    def rate(self, step):
        return self.values[np.searchsorted(self.boundaries, step, side="left")]


@dataclass(repr=False)
class PolynomialDecay(Schedule):
    """From one rate to another along (1 - p)^power.

    rate(step) = (initial - end) * (1 - p)^power + end,  p = min(step / decay_steps, 1)

    Args:
        initial_learning_rate: The rate at step 0.
        decay_steps: How many steps the decay takes, > 0.
        end_learning_rate: The rate from there on.
        power: The shape of the way.
        cycle: Whether the rate rises anew: decay_steps then grows by whole multiples of itself.
    """

    initial_learning_rate: float
    decay_steps: float
    end_learning_rate: float = 0.0001
    power: float = 1.0
    cycle: bool = False
    name: str | None = None

    def rate(self, step):
        periods = np.maximum(np.ceil(step / self.decay_steps), 1) if self.cycle else 1
        p = np.minimum(step / (self.decay_steps * periods), 1)
        start, end = self.initial_learning_rate, self.end_learning_rate
        return (start - end) * (1 - p) ** self.power + end


@dataclass(repr=False)
class CosineDecay(Schedule):
    """Half a cosine, from the top rate down to `alpha` times it (Loshchilov & Hutter, 2017).

    rate(step) = top * ((1 - alpha) * (1 + cos(pi * p)) / 2 + alpha)
    p = min(step / decay_steps, 1), counted from the end of the warmup

    Args:
        initial_learning_rate: The rate at step 0: the top, where there is no warmup.
        decay_steps: How many steps the cosine takes, > 0.
        alpha: What is left of the top at the end.
        warmup_target: The top, to which the rate first climbs in a straight line; or None.
        warmup_steps: How many steps the line takes.
    """

    initial_learning_rate: float
    decay_steps: float
    alpha: float = 0.0
    name: str | None = None
    warmup_target: float | None = None
    warmup_steps: float = 0

    def rate(self, step):
        start, top, warmup_steps = self.initial_learning_rate, self.warmup_target, self.warmup_steps
        if top is None:
            top, warmup_steps = start, 0
        p = np.clip((step - warmup_steps) / self.decay_steps, 0, 1)
        decay = top * ((1 - self.alpha) * (1 + np.cos(np.pi * p)) / 2 + self.alpha)
        warmup = start + (top - start) * step / np.maximum(warmup_steps, 1)
        return np.where(step < warmup_steps, warmup, decay)


@dataclass(repr=False)
class CosineDecayRestarts(Schedule):
    """One cosine decay after another (SGDR: Loshchilov & Hutter, 2017).

    Args:
        initial_learning_rate: The rate at step 0.
        first_decay_steps: How many steps the first cosine takes, > 0.
        t_mul: How many times as long each is as the one before, a single number >= 1.
        m_mul: How many times as high each starts as the one before.
        alpha: What is left of its start at the end of each.
    """

    initial_learning_rate: float
    first_decay_steps: float
    t_mul: float = 2.0
    m_mul: float = 1.0
    alpha: float = 0.0
    name: str | None = None

    def __post_init__(self):
        super().__post_init__()
        if np.ndim(self.t_mul):
            raise ValueError(f"t_mul has shape {self.t_mul.shape}: expected a single number")

    def rate(self, step):
        p, t = step / self.first_decay_steps, self.t_mul
        if t == 1:
            i = np.floor(p)
            p = p - i
        else:
            # restart i comes after 1 + t + ... + t^(i-1) = (t^i - 1) / (t - 1) first periods;
            # the logarithm may fall just short of a whole number
            i = np.floor(np.log1p(p * (t - 1)) / np.log(t) + 1e-12)
            p = (p - (t**i - 1) / (t - 1)) / t**i
        cosine = self.m_mul**i * (1 + np.cos(np.pi * p)) / 2
        return self.initial_learning_rate * ((1 - self.alpha) * cosine + self.alpha)


@dataclass(repr=False)
class WSD(Schedule):
    """Warmup, stable, decay: up in a straight line, then held, then down in a straight line.

    Keras has no such schedule: this one is the book's own (Hu et al., 2024, MiniCPM).

    rate(step) = learning_rate * min(step / warmup_steps, 1, alpha + (1 - alpha) * left)
    left = (total_steps - step) / decay_steps, and 0 from total_steps on

    Args:
        learning_rate: The rate that is held.
        total_steps: How many steps the run has.
        decay_steps: How many of them, the last, the way down takes, > 0.
        warmup_steps: How many of them, the first, the way up takes.
        alpha: What is left of the rate at the end, at most 1.
    """

    learning_rate: float
    total_steps: float
    decay_steps: float
    warmup_steps: float = 0
    alpha: float = 0.0
    name: str | None = None

    def __post_init__(self):
        super().__post_init__()
        if np.any(self.warmup_steps + self.decay_steps > self.total_steps):
            raise ValueError(
                f"warmup_steps={self.warmup_steps!r} and decay_steps={self.decay_steps!r} "
                f"are more than total_steps={self.total_steps!r}"
            )

    def rate(self, step):
        left = np.clip((self.total_steps - step) / self.decay_steps, 0, 1)
        climb = np.where(step < self.warmup_steps, step / np.maximum(self.warmup_steps, 1), 1.0)
        return self.learning_rate * np.minimum(climb, self.alpha + (1 - self.alpha) * left)
