"""Learning-rate schedules, with the names, arguments and numbers of `keras.optimizers.schedules`.

A schedule is a pure function of the step: `schedule(step)` is the rate of step 0, 1, 2, ..., the same whenever and however
often it is asked. `step` may be an array of steps; rates given as arrays of shape (R, 1) are R schedules for R replicas.
"""

import numpy as np

from optimlib import checks


class Schedule:
    """The part that all schedules share: a step that is checked, and a rate that is a Python float for a single step."""

    def __call__(self, step):
        """The learning rate of `step` (>= 0, a number or an array). Raises ValueError for a negative step."""
        rate = self.rate(checks.number("step", step, 0))
        return float(rate) if np.ndim(rate) == 0 else rate

    def rate(self, step):
        """The formula itself; each schedule writes its own."""
        raise NotImplementedError(f"{type(self).__name__} defines no rate")

    def __repr__(self):
        return f"{type(self).__name__}({', '.join(f'{k}={v!r}' for k, v in vars(self).items() if v is not None)})"


def _rate(name, value):
    return checks.number(name, value, 0)


def _steps(name, value):
    return checks.number(name, value, 0, open_low=True)


class ExponentialDecay(Schedule):
    """Multiply the rate by `decay_rate` every `decay_steps` steps: smoothly, or in jumps where `staircase`.

    rate(step) = initial_learning_rate * decay_rate^(step / decay_steps). Raises ValueError for an argument out of range.
    """

    def __init__(self, initial_learning_rate, decay_steps, decay_rate, staircase=False):
        self.initial_learning_rate = _rate("initial_learning_rate", initial_learning_rate)
        self.decay_steps = _steps("decay_steps", decay_steps)
        self.decay_rate = checks.number("decay_rate", decay_rate, 0)
        self.staircase = staircase

    def rate(self, step):
        p = step / self.decay_steps
        return self.initial_learning_rate * self.decay_rate ** (
            np.floor(p) if self.staircase else p
        )


class InverseTimeDecay(Schedule):
    """Divide the rate by a number that grows evenly with the step (Robbins & Monro, 1951, asked for such a decay).

    rate(step) = initial_learning_rate / (1 + decay_rate * step / decay_steps), with whole parts of step / decay_steps where
    `staircase`. Raises ValueError for an argument out of range.
    """

    def __init__(self, initial_learning_rate, decay_steps, decay_rate, staircase=False):
        self.initial_learning_rate = _rate("initial_learning_rate", initial_learning_rate)
        self.decay_steps = _steps("decay_steps", decay_steps)
        self.decay_rate = checks.number("decay_rate", decay_rate, 0)
        self.staircase = staircase

    def rate(self, step):
        p = step / self.decay_steps
        return self.initial_learning_rate / (
            1 + self.decay_rate * (np.floor(p) if self.staircase else p)
        )


class PiecewiseConstantDecay(Schedule):
    """`values[0]` up to and with step `boundaries[0]`, then `values[1]` up to and with `boundaries[1]`, and so on.

    Raises ValueError unless the boundaries increase and there is one value more than boundaries.
    """

    def __init__(self, boundaries, values):
        self.boundaries = np.asarray(checks.number("boundaries", list(boundaries), 0))
        self.values = np.asarray(checks.number("values", list(values), 0))
        if len(self.values) != len(self.boundaries) + 1:
            raise ValueError(
                f"values has {len(self.values)} rates for {len(self.boundaries)} boundaries: expected one more"
            )
        if (np.diff(self.boundaries) <= 0).any():
            raise ValueError(f"boundaries={boundaries!r} do not increase")

    def rate(self, step):
        return self.values[np.searchsorted(self.boundaries, step, side="left")]


class PolynomialDecay(Schedule):
    """From `initial_learning_rate` to `end_learning_rate` in `decay_steps` steps, along (1 - p)^power.

    rate(step) = (initial - end) * (1 - p)^power + end, p = min(step / decay_steps, 1). Where `cycle`, decay_steps grows by
    whole multiples instead, and the rate rises anew after each. Raises ValueError for an argument out of range.
    """

    def __init__(
        self, initial_learning_rate, decay_steps, end_learning_rate=0.0001, power=1.0, cycle=False
    ):
        self.initial_learning_rate = _rate("initial_learning_rate", initial_learning_rate)
        self.decay_steps = _steps("decay_steps", decay_steps)
        self.end_learning_rate = _rate("end_learning_rate", end_learning_rate)
        self.power = checks.number("power", power, 0)
        self.cycle = cycle

    def rate(self, step):
        periods = np.maximum(np.ceil(step / self.decay_steps), 1) if self.cycle else 1
        p = np.minimum(step / (self.decay_steps * periods), 1)
        return (self.initial_learning_rate - self.end_learning_rate) * (
            1 - p
        ) ** self.power + self.end_learning_rate


class CosineDecay(Schedule):
    """Half a cosine, from the top rate to `alpha` times it in `decay_steps` steps (Loshchilov & Hutter, 2017).

    rate(step) = top * ((1 - alpha) * (1 + cos(pi * p)) / 2 + alpha), p = min(step / decay_steps, 1). With a `warmup_target` the
    rate first climbs in a straight line from initial_learning_rate to warmup_target, the top, in `warmup_steps` steps; the
    cosine follows. Raises ValueError for an argument out of range.
    """

    def __init__(
        self, initial_learning_rate, decay_steps, alpha=0.0, warmup_target=None, warmup_steps=0
    ):
        self.initial_learning_rate = _rate("initial_learning_rate", initial_learning_rate)
        self.decay_steps = _steps("decay_steps", decay_steps)
        self.alpha = checks.number("alpha", alpha, 0)
        self.warmup_target = (
            None if warmup_target is None else _rate("warmup_target", warmup_target)
        )
        self.warmup_steps = checks.number("warmup_steps", warmup_steps, 0)

    def rate(self, step):
        start, top, warmup_steps = self.initial_learning_rate, self.warmup_target, self.warmup_steps
        if top is None:
            top, warmup_steps = start, 0
        p = np.clip((step - warmup_steps) / self.decay_steps, 0, 1)
        decay = top * ((1 - self.alpha) * (1 + np.cos(np.pi * p)) / 2 + self.alpha)
        warmup = start + (top - start) * step / np.maximum(warmup_steps, 1)
        return np.where(step < warmup_steps, warmup, decay)


class CosineDecayRestarts(Schedule):
    """Cosine decays one after another: each `t_mul` times as long as the one before, and starting `m_mul` times as high.

    The first takes `first_decay_steps` steps and falls to `alpha` times its start, as each does (SGDR: Loshchilov & Hutter,
    2017). Raises ValueError for an argument out of range.
    """

    def __init__(self, initial_learning_rate, first_decay_steps, t_mul=2.0, m_mul=1.0, alpha=0.0):
        self.initial_learning_rate = _rate("initial_learning_rate", initial_learning_rate)
        self.first_decay_steps = _steps("first_decay_steps", first_decay_steps)
        self.t_mul = checks.number("t_mul", t_mul, 1)
        if np.ndim(t_mul):
            raise ValueError(f"t_mul has shape {np.shape(t_mul)}: expected a single number")
        self.m_mul = checks.number("m_mul", m_mul, 0)
        self.alpha = checks.number("alpha", alpha, 0)

    def rate(self, step):
        p, t = step / self.first_decay_steps, self.t_mul
        # restart i comes after 1 + t + ... + t^(i-1) = (t^i - 1) / (t - 1) first periods
        i = (
            np.floor(p) if t == 1 else np.floor(np.log1p(p * (t - 1)) / np.log(t) + 1e-12)
        )  # the logarithm may fall short of a whole number
        p = p - i if t == 1 else (p - (t**i - 1) / (t - 1)) / t**i
        cosine = self.m_mul**i * (1 + np.cos(np.pi * p)) / 2
        return self.initial_learning_rate * ((1 - self.alpha) * cosine + self.alpha)
