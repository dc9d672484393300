"""A small recurrent network: it reads a sequence step by step, answers at the end, and learns by backpropagation through time."""

import numpy as np

from optimlib import checks
from optimlib.mlp import glorot_uniform
from optimlib.training import Model


def orthogonal(rng, units):
    """A random rotation (units, units): repeating it neither grows nor shrinks a state (Saxe, McClelland & Ganguli, 2014)."""
    Q, R = np.linalg.qr(rng.normal(size=(units, units)))
    return Q * np.sign(np.diag(R))


class RNN(Model):
    """Elman's network (1990): h_t = tanh(W^T x_t + U^T h_{t-1} + b) for t = 1 ... T from h_0 = 0, and the outputs z = V^T h_T + c.

    inputs: numbers read at each step; units: size of the state h; outputs: size of z; seed: whole number, or an array of them for
    replicas; gain: the recurrent kernel U starts as `gain` times a random rotation; l2: rate of an L2 penalty. Samples are
    sequences x (N, T, inputs) of any length T >= 1. The parameters are the flat `w` (..., P); `layers` are views of it: kernel
    W (..., inputs, units), recurrent kernel U (..., units, units) and bias b (..., units) as in Keras' SimpleRNN, then V (..., units,
    outputs) and c (..., outputs) as in Dense. Raises ValueError for sizes below 1 and a gain below 0.
    """

    def __init__(self, inputs, units, outputs, seed=0, gain=1.0, l2=0.0):
        m, n, k = (
            checks.integer(name, v, 1)
            for name, v in (("inputs", inputs), ("units", units), ("outputs", outputs))
        )
        self.gain = checks.number("gain", gain, 0)
        self.shapes = [(m, n), (n, n), (n,), (n, k), (k,)]  # of W, U, b, V, c
        self.inputs, self.outputs = (None, m), k
        super().__init__(seed, l2)

    def initialize(self, rng):
        """Fresh parameters (P,): W and V by Glorot, U a rotation times the gain, biases zero."""
        (m, n), _, _, (_, k), _ = self.shapes
        parts = (
            glorot_uniform(rng, m, n),
            self.gain * orthogonal(rng, n),
            np.zeros(n),
            glorot_uniform(rng, n, k),
            np.zeros(k),
        )
        return np.concatenate([part.ravel() for part in parts])

    def views(self, flat):
        """W, U, b, V, c as views of a flat vector (..., P)."""
        ends = np.cumsum([np.prod(shape) for shape in self.shapes])[:-1]
        return [
            part.reshape(*flat.shape[:-1], *shape)
            for part, shape in zip(np.split(flat, ends, axis=-1), self.shapes)
        ]

    def forward(self, x):
        """[x, states, z] for sequences x (..., T, inputs, B): the states h_0 ... h_T, each (..., units, B), and the outputs z."""
        W, U, b, V, c = self.layers
        states = [np.zeros((*b.shape, x.shape[-1]))]
        for t in range(x.shape[-3]):
            states.append(np.tanh(W.mT @ x[..., t, :, :] + U.mT @ states[-1] + b[..., None]))
        return [x, states, V.mT @ states[-1] + c[..., None]]

    def backward(self, cache, delta):
        """The gradient, written to the network's own vector, from `forward` and delta = dL/dz (..., outputs, B) of the outputs.

        W, U and b act at every step, so the gradient of each is a sum over the steps, gathered from the last to the first.
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
        """Yield t, dL/dh_t and dL/da_t for t = T ... 1, each (..., units, B), where h_t = tanh(a_t): back through tanh, then U."""
        _, U, _, V, _ = self.layers
        dh = V @ delta
        for t in reversed(range(1, len(states))):
            da = dh * (1 - states[t] ** 2)
            yield t, dh, da
            dh = U @ da

    def gradient_norms(self, x, y):
        """The length of dL/dh_t at t = 1 ... T, a mean over the samples x, y, (..., T): how much the loss hears of each step."""
        self._require_compiled()
        x, y = self._samples(x, y)
        _, states, z = self.forward(x)
        _, _, delta = self.loss(z, y)
        lengths = [
            np.sqrt((dh**2).sum(axis=-2)).mean(axis=-1)
            for _, dh, _ in self.through_time(states, delta)
        ]
        return np.stack(lengths[::-1], axis=-1)
