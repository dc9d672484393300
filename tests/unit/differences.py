"""The gradient of a network by central differences: what backpropagation is held against."""

import numpy as np


def finite_differences(model, x, y, h=1e-5):
    """dL/dw (..., P) of the mean loss and of the penalty l2 |w|^2 / 2.

    Each weight is moved by h both ways; the weights end as they were.
    """
    w, g = model.w.copy(), np.empty_like(model.w)
    for i in range(w.shape[-1]):
        sides = []
        for sign in (1, -1):
            model.w[...] = w
            model.w[..., i] += sign * h
            sides.append(
                model.loss_and_gradient(x, y)[0] + (model.l2 * model.w**2).sum(axis=-1) / 2
            )
        g[..., i] = (sides[0] - sides[1]) / (2 * h)
    model.w[...] = w
    return g
