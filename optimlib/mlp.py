"""The multilayer perceptron of the book: dense layers, forward and backward."""

import numpy as np

from optimlib import checks
from optimlib.training import Model


def relu(z):
    """max(z, 0)."""
    return np.maximum(z, 0.0)


def sigmoid(z):
    """1 / (1 + exp(-z)), in a form that never overflows."""
    return 0.5 * (1 + np.tanh(0.5 * z))


def _tanh_slope(a):
    return 1 - a * a


def _sigmoid_slope(a):
    return a * (1 - a)


# an activation a = f(z), and its slope f'(z) as the backward pass needs it: from a alone
ACTIVATIONS = {
    "relu": (relu, np.sign),  # a >= 0, and its sign is the slope
    "tanh": (np.tanh, _tanh_slope),
    "sigmoid": (sigmoid, _sigmoid_slope),
}


def he_normal(rng, inputs, outputs):
    """Normal weights (inputs, outputs) of variance 2 / inputs (He et al., 2015).

    They keep the size of activations through ReLU layers.
    """
    return rng.normal(0, np.sqrt(2 / inputs), (inputs, outputs))


def glorot_uniform(rng, inputs, outputs):
    """Uniform weights (inputs, outputs) of variance 2 / (inputs + outputs) (Glorot & Bengio, 2010).

    They keep the size of activations and of gradients.
    """
    limit = np.sqrt(6 / (inputs + outputs))
    return rng.uniform(-limit, limit, (inputs, outputs))


INITIALIZERS = {"he_normal": he_normal, "glorot_uniform": glorot_uniform}


class MLP(Model):
    """Dense layers: z = W^T a + b, a = activation(z), the last layer without activation.

    The parameters are the flat `w`, (..., P). The `layers` are pairs of views of it, as in Keras:
    the kernel W (..., inputs, outputs) and the bias b (..., outputs).

    Args:
        sizes: The units from input to output, such as [64, 32, 10].
        activation: "relu", "tanh" or "sigmoid".
        seed: A whole number, or an array of them for replicas.
        kernel_initializer: "he_normal", "glorot_uniform", or None: He for ReLU, and Glorot else.
        l2: The rate of an L2 penalty.

    Raises:
        ValueError: A size is below 1, or a name is unknown.
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
        """Fresh parameters, one array for each of `shapes`: biases are zero."""
        return [self.initializer(rng, *s) if len(s) == 2 else np.zeros(s) for s in self.shapes]

    def group(self, parts):
        """The layers [(W, b), ...]."""
        return list(zip(parts[::2], parts[1::2]))

    def forward(self, x):
        """All activations [x, a1, ..., z] for samples x (..., inputs, B).

        The last are the outputs z (..., outputs, B).
        """
        activations = [x]
        for W, b in self.layers[:-1]:
            activations.append(self.activation(W.mT @ activations[-1] + b[..., None]))
        W, b = self.layers[-1]
        return [*activations, W.mT @ activations[-1] + b[..., None]]

    def backward(self, activations, delta):
        """Write dL/dw to the network's own vector, from what `forward` returned.

        Args:
            activations: [x, a1, ..., z].
            delta: dL/dz (..., outputs, B) of the outputs.
        """
        for i in reversed(range(len(self.layers))):
            (W, _), (gW, gb) = self.layers[i], self.gradients[i]
            np.matmul(activations[i], delta.mT, out=gW)
            delta.sum(axis=-1, out=gb)
            if i > 0:
                delta = W @ delta
                delta *= self.slope(activations[i])
