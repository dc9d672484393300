"""What every module says when it is handed something it cannot use: the argument's name, its value, what was expected."""

import warnings
from difflib import get_close_matches

import numpy as np


def number(name, value, low=-np.inf, high=np.inf, *, open_low=False, open_high=False):
    """Return `value`, a finite number or array of numbers between `low` and `high`, else raise ValueError.

    A scalar comes back as a Python float: numpy is slow, and changes the dtype, where an `np.float64` meets a float32 array.
    """
    try:
        array = np.array(
            value, dtype=float
        )  # a copy: what the caller does to the array later is not checked
    except (TypeError, ValueError):
        raise ValueError(f"{name}={value!r} is not a number") from None
    below = array <= low if open_low else array < low
    above = array >= high if open_high else array > high
    wrong = ~np.isfinite(array) | below | above
    if wrong.any():
        interval = f"{'(' if open_low or low == -np.inf else '['}{low:g}, {high:g}{')' if open_high or high == np.inf else ']'}"
        shown = f"{name}={value!r}" if array.ndim == 0 else f"{name} has {array[wrong][0]}, which"
        raise ValueError(f"{shown} is out of range: expected a finite number in {interval}")
    return float(array) if array.ndim == 0 else array


def optional(name, value, low=-np.inf, high=np.inf, *, open_low=False, open_high=False):
    """As `number`, but None passes."""
    limits = {"open_low": open_low, "open_high": open_high}
    return None if value is None else number(name, value, low, high, **limits)


def integer(name, value, low):
    """Return `value` as an int if it is a whole number of at least `low`, else raise ValueError."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < low:
        raise ValueError(f"{name}={value!r} is not a whole number of at least {low}")
    return int(value)


def known(name, value, names):
    """Return `names[value]`, else raise ValueError that offers the nearest known name."""
    if isinstance(value, str) and value in names:
        return names[value]
    near = get_close_matches(str(value), names, n=1, cutoff=0.4)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    raise ValueError(
        f"{name}={value!r} is unknown: expected one of {', '.join(map(repr, names))}{hint}"
    )


def warn_diverged(when, learning_rate, unit, then):
    """Warn once, if any replica diverged: how many did, the first one, its learning rate; `when` (...) is 0 where none did."""
    if not np.any(when):
        return
    rates = np.broadcast_to(
        np.asarray(learning_rate),
        (*when.shape, np.shape(learning_rate)[-1] if np.ndim(learning_rate) else 1),
    )
    first = np.unravel_index(np.where(when > 0, when, np.inf).argmin(), when.shape)
    count = (
        f"{(when > 0).sum()} of {when.size} replicas diverged, the first"
        if when.ndim
        else "the run diverged"
    )
    message = f"{count} at {unit} {when[first]} with learning_rate={rates[first][0]:.3g}: {then}"
    warnings.warn(message, RuntimeWarning, stacklevel=3)
