"""The optimizers of the book: SGD, Adagrad, RMSprop, Adam and AdamW, with the names, defaults and numbers of Keras 3.

Every rule maps weights w and their gradient g to new weights, `w = opt.step(w, g)`. Both have shape (..., P): the last axis
runs over the P parameters, the axes before it over replicas, independent runs that advance together. A hyper-parameter may be
a number or an array that broadcasts against w: a `learning_rate` of shape (R, 1) trains R replicas at R rates.
"""

import copy

import numpy as np

from optimlib import checks

BLOCK = (
    1 << 20
)  # bytes of w that a rule handles at a time: its temporaries then stay in the cache, however long w is


class Optimizer:
    """The part that all optimizers share: the learning rate, the step counter, decoupled weight decay and clipping.

    learning_rate: number >= 0, array, or a schedule (a function of the step 0, 1, 2, ...).
    weight_decay: rate lambda >= 0 of w <- w - learning_rate * lambda * w before the update, number or array, or None
    (Loshchilov & Hutter, 2019).
    global_clipnorm: the longest gradient allowed; a longer one is scaled down to it (Pascanu et al., 2013), or None.
    Raises ValueError for a hyper-parameter out of its range.
    """

    state = ()  # the names of what a rule remembers between steps

    def __init__(self, learning_rate, weight_decay=None, global_clipnorm=None):
        self.learning_rate = learning_rate
        self.weight_decay = (
            None if weight_decay is None else checks.number("weight_decay", weight_decay, 0)
        )
        self.global_clipnorm = (
            None
            if global_clipnorm is None
            else checks.number("global_clipnorm", global_clipnorm, 0, open_low=True)
        )
        self.reset()

    def reset(self):
        """Forget all steps: the state starts as 0.0 and takes the shape of the first gradient."""
        self.iterations, self.shape = 0, None
        for name in self.state:
            setattr(self, name, 0.0)
        return self

    @property
    def learning_rate(self):
        """The rate of the next step: a number or an array."""
        rate = self._learning_rate
        return checks.number("learning_rate", rate(self.iterations), 0) if callable(rate) else rate

    @learning_rate.setter
    def learning_rate(self, rate):
        self._learning_rate = rate if callable(rate) else checks.number("learning_rate", rate, 0)

    def broadcast_shape(self, shape):
        """The shape that weights of `shape` take when the hyper-parameters bring replica axes of their own."""
        hyper = [
            np.shape(v)
            for k, v in vars(self).items()
            if k not in self.state and isinstance(v, np.ndarray)
        ]
        try:
            return np.broadcast_shapes(shape, np.shape(self.learning_rate), *hyper)
        except ValueError:
            shapes = ", ".join(
                str(s) for s in dict.fromkeys([np.shape(self.learning_rate), *hyper]) if s
            )
            raise ValueError(
                f"hyper-parameters of shape {shapes} do not fit weights of shape {shape}: R replicas take shape (R, 1)"
            ) from None

    def step(self, w, g, out=None):
        """One update: new weights from weights w and gradient g, both (..., P); w and g stay as they are.

        out: array to write the new weights to (it may be w itself). Raises ValueError where the shapes of w and g differ, where
        they are not those of the step before, and where g has a NaN.
        """
        w, g = _floats("w", w), _floats("g", g)
        if w.shape != g.shape:
            raise ValueError(
                f"w has shape {w.shape} but g has shape {g.shape}: the gradient has one number for every weight"
            )
        if np.isnan(np.vdot(g, g)):  # a sum of squares is NaN only where one of its terms is
            raise ValueError(
                f"g has a NaN at step {self.iterations}: the run has diverged, or the gradient has a fault"
            )
        return self.apply(w, g, out)

    def apply(self, w, g, out=None):
        """The update of `step`, for a loop that has checked the gradient itself."""
        if self.shape is None:
            self.shape = self.broadcast_shape(w.shape)
            w, g = (
                np.ascontiguousarray(np.broadcast_to(v, self.shape)) for v in (w, g)
            )  # each replica whole in memory
        elif w.shape != self.shape:
            raise ValueError(
                f"w has shape {w.shape} but earlier steps had {self.shape}: call reset() or make a new optimizer"
            )
        lr = self.learning_rate
        if self.global_clipnorm is not None:
            norm = np.sqrt((g * g).sum(axis=-1, keepdims=True))
            g = g * (self.global_clipnorm / np.maximum(norm, self.global_clipnorm))
        self.iterations += 1
        if (
            self.iterations > 1 and w.nbytes > 2 * BLOCK
        ):  # the first step, taken whole, gives the state its shape
            return self._in_blocks(w, g, lr, np.empty_like(w) if out is None else out)
        new = self._decay_and_update(w, g, lr)
        if out is None:
            return new
        np.copyto(out, new)
        return out

    def update(self, w, g, lr):
        """The rule itself: new weights from w, g and the rate of this step; each optimizer writes its own."""
        raise NotImplementedError(f"{type(self).__name__} defines no update rule")

    def decayed(self, w, lr):
        """w after decoupled weight decay, which comes before the update."""
        return w if self.weight_decay is None else w - lr * self.weight_decay * w

    def build(self, shapes):
        """Learn the shapes of all parameters, in their order in w; returns the optimizer. Here they make no difference."""
        return self

    def evaluated(self, w):
        """The weights at which a network with the weights w is evaluated: w itself, but for Schedule-Free."""
        return w

    def _decay_and_update(self, w, g, lr):
        return self.update(self.decayed(w, lr), g, lr)

    def _in_blocks(self, w, g, lr, out):
        """The same, a block of the last axis at a time: all of it is elementwise, so only the speed differs."""

        def cut(value):
            return value[block] if np.shape(value)[-1:] == w.shape[-1:] else value

        arrays = {
            name: value for name, value in vars(self).items() if isinstance(value, np.ndarray)
        }  # state, hyper-parameters
        part, length = copy.copy(self), max(1, BLOCK // w[..., :1].nbytes)
        for start in range(0, w.shape[-1], length):
            block = (..., slice(start, start + length))
            for name, value in arrays.items():
                setattr(part, name, cut(value))
            out[block] = part._decay_and_update(w[block], g[block], cut(lr))
            for name in arrays.keys() & self.state:
                arrays[name][block] = getattr(part, name)
        return out

    def __repr__(self):
        rate = self._learning_rate
        return f"{type(self).__name__}(learning_rate={rate if callable(rate) or np.ndim(rate) == 0 else '<array>'})"


class SGD(Optimizer):
    """Gradient descent, with momentum: a velocity that sums the past steps, each `momentum` times weaker than the next.

    velocity <- momentum * velocity - learning_rate * g;  w <- w + velocity  (Polyak, 1964)
    nesterov: w <- w + momentum * velocity - learning_rate * g  (Nesterov, 1983; Sutskever et al., 2013)
    momentum: in [0, 1). Raises ValueError for a hyper-parameter out of its range.
    """

    state = ("velocity",)

    def __init__(
        self,
        learning_rate=0.01,
        momentum=0.0,
        nesterov=False,
        weight_decay=None,
        global_clipnorm=None,
    ):
        self.momentum = checks.number("momentum", momentum, 0, 1, open_high=True)
        self.nesterov = nesterov
        super().__init__(learning_rate, weight_decay, global_clipnorm)

    def update(self, w, g, lr):
        self.velocity = self.momentum * self.velocity - lr * g
        if self.nesterov:
            return w + self.momentum * self.velocity - lr * g
        return w + self.velocity


class Adagrad(Optimizer):
    """Every weight has its own rate, which falls with the sum of its squared gradients (Duchi, Hazan & Singer, 2011).

    s <- s + g^2;  w <- w - learning_rate * g / sqrt(s + epsilon), with s = initial_accumulator_value at the start.
    Raises ValueError for a hyper-parameter out of its range.
    """

    state = ("s",)

    def __init__(
        self,
        learning_rate=0.001,
        initial_accumulator_value=0.1,
        epsilon=1e-7,
        weight_decay=None,
        global_clipnorm=None,
    ):
        self.initial_accumulator_value = checks.number(
            "initial_accumulator_value", initial_accumulator_value, 0
        )
        self.epsilon = checks.number("epsilon", epsilon, 0)
        super().__init__(learning_rate, weight_decay, global_clipnorm)

    def reset(self):
        super().reset()
        self.s = self.initial_accumulator_value
        return self

    def update(self, w, g, lr):
        self.s = self.s + g * g
        return w - lr * g / np.sqrt(self.s + self.epsilon)


class RMSprop(Optimizer):
    """Every weight's gradient is divided by the root of its recent mean square (Tieleman & Hinton, 2012, lecture 6.5).

    v <- rho * v + (1 - rho) * g^2;  w <- w - learning_rate * g / sqrt(v + epsilon)
    centered: v - m^2 in place of v, with m the running mean of g (Graves, 2013).
    momentum: the scaled steps are summed in a velocity, as in SGD.
    rho, momentum: in [0, 1). Raises ValueError for a hyper-parameter out of its range.
    """

    state = ("v", "m", "velocity")

    def __init__(
        self,
        learning_rate=0.001,
        rho=0.9,
        momentum=0.0,
        epsilon=1e-7,
        centered=False,
        weight_decay=None,
        global_clipnorm=None,
    ):
        self.rho = checks.number("rho", rho, 0, 1, open_high=True)
        self.momentum = checks.number("momentum", momentum, 0, 1, open_high=True)
        self.epsilon = checks.number("epsilon", epsilon, 0)
        self.centered = centered
        super().__init__(learning_rate, weight_decay, global_clipnorm)

    def update(self, w, g, lr):
        self.v = self.rho * self.v + (1 - self.rho) * g * g
        if self.centered:
            self.m = self.rho * self.m + (1 - self.rho) * g
        self.velocity = self.momentum * self.velocity - lr * g / np.sqrt(
            self.v - self.m**2 + self.epsilon
        )
        return w + self.velocity


class Adam(Optimizer):
    """A running mean of the gradient over the root of a running mean of its square (Kingma & Ba, 2015).

    m <- beta_1 * m + (1 - beta_1) * g;  v <- beta_2 * v + (1 - beta_2) * g^2
    w <- w - alpha * m / (sqrt(v) + epsilon),  alpha = learning_rate * sqrt(1 - beta_2^t) / (1 - beta_1^t) at step t = 1, 2, ...
    This is the paper's faster form (end of its section 2), as in Keras: its epsilon is the paper's epsilon-hat.
    amsgrad: the largest v so far in place of v (Reddi, Kale & Kumar, 2018).
    beta_1, beta_2: in [0, 1). Raises ValueError for a hyper-parameter out of its range.
    """

    state = ("m", "v", "v_max")

    def __init__(
        self,
        learning_rate=0.001,
        beta_1=0.9,
        beta_2=0.999,
        epsilon=1e-7,
        amsgrad=False,
        weight_decay=None,
        global_clipnorm=None,
    ):
        self.beta_1 = checks.number("beta_1", beta_1, 0, 1, open_high=True)
        self.beta_2 = checks.number("beta_2", beta_2, 0, 1, open_high=True)
        self.epsilon = checks.number("epsilon", epsilon, 0)
        self.amsgrad = amsgrad
        super().__init__(learning_rate, weight_decay, global_clipnorm)

    def update(self, w, g, lr):
        t = self.iterations
        self.m = self.beta_1 * self.m + (1 - self.beta_1) * g
        self.v = self.beta_2 * self.v + (1 - self.beta_2) * g * g
        v = self.v
        if self.amsgrad:
            v = self.v_max = np.maximum(self.v_max, v)
        alpha = lr * (1 - self.beta_2**t) ** 0.5 / (1 - self.beta_1**t)
        return w - alpha * self.m / (np.sqrt(v) + self.epsilon)


class AdamW(Adam):
    """Adam with decoupled weight decay: w <- w - learning_rate * weight_decay * w, then Adam's step (Loshchilov & Hutter, 2019).

    Raises ValueError for a hyper-parameter out of its range.
    """

    def __init__(
        self,
        learning_rate=0.001,
        weight_decay=0.004,
        beta_1=0.9,
        beta_2=0.999,
        epsilon=1e-7,
        amsgrad=False,
        global_clipnorm=None,
    ):
        super().__init__(
            learning_rate, beta_1, beta_2, epsilon, amsgrad, weight_decay, global_clipnorm
        )


BY_NAME = {c.__name__.lower(): c for c in (SGD, Adagrad, RMSprop, Adam, AdamW)}


def get(optimizer):
    """The optimizer itself, or, for a name such as "adam", a new one with its defaults; else raises ValueError."""
    if isinstance(optimizer, Optimizer):
        return optimizer
    return checks.known(
        "optimizer", optimizer.lower() if isinstance(optimizer, str) else optimizer, BY_NAME
    )()


def _floats(name, value):
    array = np.asarray(value)
    if array.dtype.kind not in "fiu":
        raise ValueError(f"{name} has dtype {array.dtype}: expected real numbers")
    return array if array.dtype.kind == "f" else array.astype(float)
