"""Numbers as a reader is told them."""

from decimal import ROUND_HALF_UP, Decimal

import numpy as np


def number(v):
    """A number in three digits, with a power of ten only where it needs one."""
    if not np.isfinite(v):
        return "∞"
    if v == 0 or 1e-3 <= abs(v) < 1e5:
        text = f"{float(f'{v:.2e}'):g}"
    else:
        mantissa, exponent = f"{v:.1e}".split("e")
        text = f"{mantissa}e{int(exponent):+d}"
    return text.replace("-", "−")


def percent(v):
    """A share in percent."""
    return f"{number(100 * v)} %"


def rounded(array):
    """Nested lists of four significant digits, None for what is not finite."""
    if np.ndim(array):
        return [rounded(part) for part in array]
    return float(f"{array:.4g}") if np.isfinite(array) else None


def significant(v, digits, given=False):
    """A number in so many digits, as a script's `toPrecision` rounds it.

    Args:
        v: the number.
        digits: how many.
        given: whether it is a setting, which goes without zeros at its end.
    """
    if v == 0:
        return "0"
    exact = Decimal(float(v))
    exponent = exact.adjusted()
    if 1e-4 <= abs(v) < 1e5:
        text = _rounded(exact, digits - 1 - exponent)
        if text.adjusted() > exponent:  # 9.996 became 10.00
            text = _rounded(exact, digits - 2 - exponent)
        return f"{text.normalize() if given else text:f}"
    mantissa = _rounded(exact.scaleb(-exponent), min(digits - 2, 2))
    if mantissa.adjusted() > 0:
        mantissa, exponent = mantissa.scaleb(-1), exponent + 1
    return f"{mantissa.normalize():f}e{exponent}"


def decimals(v, places):
    """A number with so many decimals, as a script's `toFixed` rounds it, but never as minus 0."""
    text = _rounded(Decimal(float(v)), places)
    return f"{abs(text) if text == 0 else text:f}"


def _rounded(exact, places):
    return exact.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)
