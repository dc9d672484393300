"""What every module says of a wrong argument: its name, its value, what was expected."""

import warnings
from difflib import get_close_matches

import numpy as np

# arguments of Keras that are not here: the value that changes nothing, and why
ABSENT = {
    "auto_scale_loss": (True, "all numbers are float64, and the loss needs no scaling"),
    "callbacks": (None, "only fit calls callbacks"),
    "class_weight": (None, "every sample counts alike"),
    "jit_compile": ("auto", "numpy compiles nothing"),
    "loss_scale_factor": (None, "all numbers are float64, and the loss needs no scaling"),
    "loss_weights": (None, "a network has one loss"),
    "run_eagerly": (False, "numpy runs every line as it comes"),
    "sample_weight": (None, "every sample counts alike"),
    "steps": (None, "x and y are arrays, and all of them is used"),
    "steps_per_epoch": (None, "an epoch is one pass over x"),
    "steps_per_execution": (1, "numpy runs every step as it comes"),
    "validation_batch_size": (None, "the validation data are one batch"),
    "validation_freq": (1, "the validation data are scored after every epoch"),
    "validation_steps": (None, "x and y are arrays, and all of them is used"),
    "weighted_metrics": (None, "every sample counts alike"),
}


def number(name, value, low=-np.inf, high=np.inf, *, open_low=False, open_high=False):
    """A finite number, or an array of them, between `low` and `high`.

    A single one comes back as a Python float: numpy is slow, and changes the dtype, where an
    `np.float64` meets a float32 array. An array comes back as a copy, which stays as checked.

    Raises:
        ValueError: `value` is no number, or out of range.
    """
    try:
        array = np.array(value)
        if array.dtype.kind not in "fiubO" or isinstance(value, bool):
            raise TypeError
        array = array.astype(float)
    except (TypeError, ValueError):
        raise ValueError(f"{name}={value!r} is not a number") from None
    too_low = array <= low if open_low else array < low
    too_high = array >= high if open_high else array > high
    wrong = ~np.isfinite(array) | too_low | too_high
    if wrong.any():
        left = "(" if open_low or low == -np.inf else "["
        right = ")" if open_high or high == np.inf else "]"
        culprit = f"{name}={value!r}" if array.ndim == 0 else f"{name} has {array[wrong][0]}, which"
        raise ValueError(
            f"{culprit} is out of range: expected a finite number in {left}{low:g}, {high:g}{right}"
        )
    return float(array) if array.ndim == 0 else array


def optional(name, value, low=-np.inf, high=np.inf, **bounds):
    """None, or what `number` makes of the value."""
    return None if value is None else number(name, value, low, high, **bounds)


def fraction(name, value):
    """A number in [0, 1), or an array of them: the share of something that is left."""
    return number(name, value, 0, 1, open_high=True)


def integer(name, value, low):
    """A whole number of at least `low`, as an int.

    Raises:
        ValueError: It is not.
    """
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < low:
        raise ValueError(f"{name}={value!r} is not a whole number of at least {low}")
    return int(value)


def known(name, value, table):
    """`table[value]`.

    Raises:
        ValueError: The table has no such key; the nearest one is named.
    """
    if isinstance(value, str) and value in table:
        return table[value]
    near = get_close_matches(str(value), table, n=1, cutoff=0.4)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    listed = ", ".join(map(repr, table))
    raise ValueError(f"{name}={value!r} is unknown: expected one of {listed}{hint}")


def refuse(function, arguments):
    """Accept arguments of Keras that are not here only with the value that changes nothing.

    Raises:
        ValueError: An argument of Keras has another value; the reason why it is not here is said.
        TypeError: Keras has no such argument either.
    """
    for name, value in arguments.items():
        if name not in ABSENT:
            raise TypeError(f"{function} has no argument {name!r}")
        neutral, reason = ABSENT[name]
        if type(value) is not type(neutral) or value != neutral:
            raise ValueError(f"{function} takes no {name}: {reason}")


def warn_diverged(when, learning_rate, unit, consequence):
    """Warn once if any replica diverged: how many did, the first one, its learning rate.

    Args:
        when: The epoch or step in which a replica diverged, 0 where none did, an array (...).
        learning_rate: The rate that they had, a number or an array (..., 1).
        unit: "epoch" or "step".
        consequence: What became of the replica, as the end of a sentence.
    """
    if not np.any(when):
        return
    width = np.shape(learning_rate)[-1] if np.ndim(learning_rate) else 1
    rates = np.broadcast_to(learning_rate, (*when.shape, width))
    first = np.unravel_index(np.where(when > 0, when, np.inf).argmin(), when.shape)
    culprit = "the run diverged"
    if when.ndim:
        culprit = f"{(when > 0).sum()} of {when.size} replicas diverged, the first"
    warnings.warn(
        f"{culprit} at {unit} {when[first]} with learning_rate={rates[first][0]:.3g}: "
        f"{consequence}",
        RuntimeWarning,
        stacklevel=3,
    )
