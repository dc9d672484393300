"""A small recurrent network, which learns by backpropagation through time."""

import numpy as np

from optimlib import checks
from optimlib.mlp import glorot_uniform
from optimlib.training import Model


def orthogonal(rng, units):
    """A random rotation (units, units) (Saxe, McClelland & Ganguli, 2014).

    A state that it is applied to again and again neither grows nor shrinks.
    """
    Q, R = np.linalg.qr(rng.normal(size=(units, units)))
    return Q * np.sign(np.diag(R))


class RNN(Model):
    """It reads a sequence step by step, and answers at the end (Elman, 1990).

    h_t = tanh(W^T x_t + U^T h_{t-1} + b) for t = 1 ... T, from h_0 = 0;  z = V^T h_T + c

    Samples are sequences x (N, T, inputs) of any length T >= 1. The parameters are the flat `w`
    (..., P). The `layers` are views of it: W (..., inputs, units), U (..., units, units) and
    b (..., units) as in Keras' SimpleRNN, then V (..., units, outputs) and c (..., outputs) as in
    Dense.

    Args:
        inputs: How many numbers it reads at each step.
        units: The size of the state h.
        outputs: The size of z.
        seed: A whole number, or an array of them for replicas.
        gain: The recurrent kernel U starts as this number >= 0 times a random rotation.
        l2: The rate of an L2 penalty.

    Raises:
        ValueError: A size is below 1, or the gain below 0.
    """

    def __init__(self, inputs, units, outputs, seed=0, gain=1.0, l2=0.0):
        m = checks.integer("inputs", inputs, 1)
        n = checks.integer("units", units, 1)
        k = checks.integer("outputs", outputs, 1)
        self.gain = checks.number("gain", gain, 0)
        self.shapes = [(m, n), (n, n), (n,), (n, k), (k,)]
        self.inputs, self.outputs = (None, m), k
        super().__init__(seed, l2)

    def initialize(self, rng):
        """Fresh parameters: W and V by Glorot, U a rotation times the gain, biases zero."""
        W, (n, _), b, V, c = self.shapes
        return [
            glorot_uniform(rng, *W),
            self.gain * orthogonal(rng, n),
            np.zeros(b),
            glorot_uniform(rng, *V),
            np.zeros(c),
        ]

    def forward(self, x):
        """[x, states, z] for sequences x (..., T, inputs, B).

        The states h_0 ... h_T are each (..., units, B), the outputs z (..., outputs, B).
        """
        W, U, b, V, c = self.layers
        states = [np.zeros((*b.shape, x.shape[-1]))]
        for t in range(x.shape[-3]):
            states.append(np.tanh(W.mT @ x[..., t, :, :] + U.mT @ states[-1] + b[..., None]))
        return [x, states, V.mT @ states[-1] + c[..., None]]

    def backward(self, cache, delta):
        """Write dL/dw to the network's own vector, from what `forward` returned.

        W, U and b act at every step: the gradient of each is a sum over the steps, which is
        gathered from the last to the first.

        Args:
            cache: [x, states, z].
            delta: dL/dz (..., outputs, B) of the outputs.
        """
        x, states, _ = cache
        gW, gU, gb, gV, gc = self.gradients
        gW[...] = gU[...] = gb[...] = 0
        gV[...] = states[-1] @ delta.mT
        gc[...] = delta.sum(axis=-1)
        for t, _, da in self.through_time(states, delta):
            gW += x[..., t - 1, :, :] @ da.mT
            gU += states[t - 1] @ da.mT
            gb += da.sum(axis=-1)

    def through_time(self, states, delta):
        """Yield t, dL/dh_t and dL/da_t for t = T ... 1, each (..., units, B).

        h_t = tanh(a_t): the way back leads through tanh, then through U.
        """
        _, U, _, V, _ = self.layers
        dh = V @ delta
        for t in reversed(range(1, len(states))):
            da = dh * (1 - states[t] ** 2)
            yield t, dh, da
            dh = U @ da

    def gradient_norms(self, x, y):
        """How much the loss hears of each step t = 1 ... T: the length of dL/dh_t, (..., T).

        It is a mean over the samples x, y.
        """
        self._require_compiled()
        x, y = self._samples(x, y)
        _, states, z = self.forward(x)
        _, _, delta = self.loss(z, y)
        norms = [
            np.sqrt((dh**2).sum(axis=-2)).mean(axis=-1)
            for _, dh, _ in self.through_time(states, delta)
        ]
        return np.stack(norms[::-1], axis=-1)
