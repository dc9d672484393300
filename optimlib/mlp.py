"""The multilayer perceptron of the book: dense layers, forward and backward, all parameters in one flat vector."""

import numpy as np

from optimlib import checks
from optimlib.training import Model

# activation a = f(z), and its slope f'(z) as the backward pass needs it: from a alone
ACTIVATIONS = {
    "relu": (lambda z: np.maximum(z, 0), np.sign),  # a >= 0, and its sign is the slope
    "tanh": (np.tanh, lambda a: 1 - a * a),
    "sigmoid": (lambda z: 0.5 * (1 + np.tanh(0.5 * z)), lambda a: a * (1 - a)),
}


def he_normal(rng, inputs, outputs):
    """Normal weights of variance 2 / inputs: keeps the size of activations through ReLU layers (He et al., 2015)."""
    return rng.normal(0, np.sqrt(2 / inputs), (inputs, outputs))


def glorot_uniform(rng, inputs, outputs):
    """Uniform weights of variance 2 / (inputs + outputs): activations and gradients keep their size (Glorot & Bengio, 2010)."""
    limit = np.sqrt(6 / (inputs + outputs))
    return rng.uniform(-limit, limit, (inputs, outputs))


INITIALIZERS = {"he_normal": he_normal, "glorot_uniform": glorot_uniform}


class MLP(Model):
    """Dense layers of the given sizes: z = W^T a + b, a = activation(z), the last layer without activation.

    sizes: units from input to output, such as [64, 32, 10]; activation: "relu", "tanh" or "sigmoid"; seed: a whole number, or
    an array of them for replicas; kernel_initializer: "he_normal" or "glorot_uniform", where None He for ReLU and Glorot else;
    l2: rate of an L2 penalty. The parameters are the flat `w`, (..., P); `layers` are views of it, W (..., inputs, outputs)
    and b (..., outputs), as in Keras. Raises ValueError for sizes below 1 and unknown names.
    """

    def __init__(self, sizes, activation="relu", seed=0, kernel_initializer=None, l2=0.0):
        self.sizes = [checks.integer("sizes", n, 1) for n in sizes]
        if len(self.sizes) < 2:
            raise ValueError(f"sizes={sizes!r} needs at least an input and an output size")
        self.activation, self.slope = checks.known("activation", activation, ACTIVATIONS)
        name = kernel_initializer or ("he_normal" if activation == "relu" else "glorot_uniform")
        self.initializer = checks.known("kernel_initializer", name, INITIALIZERS)
        self.inputs, self.outputs = (self.sizes[0],), self.sizes[-1]
        self.shapes = [
            shape for m, n in zip(self.sizes, self.sizes[1:]) for shape in ((m, n), (n,))
        ]
        super().__init__(seed, l2)

    def initialize(self, rng):
        """Fresh parameters (P,) drawn from rng: kernels by the initializer, biases zero."""
        pairs = zip(self.sizes, self.sizes[1:])
        return np.concatenate(
            [part for m, n in pairs for part in (self.initializer(rng, m, n).ravel(), np.zeros(n))]
        )

    def views(self, flat):
        """The layers [(W, b), ...] as views of a flat vector (..., P)."""
        layers, start = [], 0
        for m, n in zip(self.sizes, self.sizes[1:]):
            W = flat[..., start : start + m * n].reshape(*flat.shape[:-1], m, n)
            layers.append((W, flat[..., start + m * n : start + m * n + n]))
            start += m * n + n
        return layers

    @property
    def kernels(self):
        """A mask (P,) that is True at the entries of the kernels W and False at the biases b."""
        mask = np.zeros(self.w.shape[-1], dtype=bool)
        for W, _ in self.views(mask):
            W[...] = True
        return mask

    def forward(self, x):
        """All activations [x, a1, ..., z] for samples x (..., inputs, B); the last are the outputs z (..., outputs, B)."""
        activations = [x]
        for W, b in self.layers[:-1]:
            activations.append(self.activation(W.mT @ activations[-1] + b[..., None]))
        W, b = self.layers[-1]
        return [*activations, W.mT @ activations[-1] + b[..., None]]

    def backward(self, activations, delta):
        """The gradient, written to the network's own vector, from `forward` and delta = dL/dz (..., outputs, B) of the outputs."""
        for i in reversed(range(len(self.layers))):
            (W, _), (gW, gb) = self.layers[i], self.gradients[i]
            np.matmul(activations[i], delta.mT, out=gW)
            delta.sum(axis=-1, out=gb)
            if i > 0:
                delta = W @ delta
                delta *= self.slope(activations[i])
