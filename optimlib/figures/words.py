"""Numbers as a reader is told them."""

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
