"""A small convolutional network for images."""

import numpy as np

from optimlib import checks
from optimlib.mlp import glorot_uniform, he_normal
from optimlib.training import Model


class CNN(Model):
    """One convolution of 3 x 3, ReLU, the mean over squares of 2 x 2, a dense layer.

    (LeCun et al., 1989, on the smallest scale.) Samples are images (N, side * side), row by row.
    The parameters are the flat `w` (..., P). The `layers` are views of it: the kernel
    K (..., 9, filters) and b (..., filters), then W (..., cells * filters, outputs) and
    c (..., outputs).

    Args:
        side: The pixels of a row or a column, even and at least 4.
        filters: How many patterns it looks for.
        outputs: How many classes there are.
        seed: A whole number, or an array of them for replicas.
        l2: The rate of an L2 penalty.

    Raises:
        ValueError: A size is out of range.
    """

    def __init__(self, side=8, filters=8, outputs=10, seed=0, l2=0.0):
        if checks.integer("side", side, 4) % 2:
            raise ValueError(
                f"side={side} is odd: the mean over squares of 2 x 2 needs an even side"
            )
        self.filters = checks.integer("filters", filters, 1)
        self.inputs, self.outputs = (side * side,), checks.integer("outputs", outputs, 1)
        # which pixels stand in which patch, (9, 4 * cells): the nine places of a patch, and its
        # corner at each of a cell's four points
        row, column = np.divmod(np.arange(9), 3)
        even = 2 * np.arange(side // 2 - 1)
        corners = [(even[:, None] + i) * side + even + j for i in (0, 1) for j in (0, 1)]
        self.patches = (row * side + column)[:, None] + np.ravel(corners)
        rows = len(even) ** 2 * filters
        self.shapes = [(9, filters), (filters,), (rows, outputs), (outputs,)]
        super().__init__(seed, l2)

    def initialize(self, rng):
        """Fresh parameters: the kernel by He, the dense layer by Glorot, biases zero."""
        K, b, W, c = self.shapes
        return [he_normal(rng, *K), np.zeros(b), glorot_uniform(rng, *W), np.zeros(c)]

    def forward(self, x):
        """[patches, a, pooled, z] for images x (..., pixels, B).

        After ReLU, a is (..., filters, 4, cells * B); the outputs z are (..., outputs, B).
        """
        K, b, W, c = self.layers
        patches = x[..., self.patches, :].reshape(*x.shape[:-2], 9, -1)
        a = np.maximum(K.mT @ patches + b[..., None], 0)
        a = a.reshape(*a.shape[:-1], 4, -1)
        pooled = a.mean(axis=-2).reshape(*a.shape[:-3], -1, x.shape[-1])
        return [patches, a, pooled, W.mT @ pooled + c[..., None]]

    def backward(self, cache, delta):
        """Write dL/dw to the network's own vector, from what `forward` returned.

        Args:
            cache: [patches, a, pooled, z].
            delta: dL/dz (..., outputs, B) of the outputs.
        """
        patches, a, pooled, _ = cache
        gK, gb, gW, gc = self.gradients
        gW[...] = pooled @ delta.mT
        gc[...] = delta.sum(axis=-1)
        dpooled = self.layers[2] @ delta
        # each of a square's four points has its share of the mean; then ReLU's slope
        da = (dpooled / 4).reshape(*a.shape[:-2], 1, -1) * np.sign(a)
        da = da.reshape(*a.shape[:-2], -1)
        gK[...] = patches @ da.mT
        gb[...] = da.sum(axis=-1)
