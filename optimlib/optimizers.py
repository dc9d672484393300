"""The optimizers of the book: SGD, Adagrad, RMSprop, Adam and AdamW, with the numbers of Keras 3.

Every rule maps weights w and their gradient g to new weights, `w = opt.step(w, g)`. Both have
shape (..., P): the last axis runs over the P parameters, the axes before it over replicas,
independent runs that advance together. A hyper-parameter may be a number, or an array that
broadcasts against w: a `learning_rate` of shape (R, 1) trains R replicas at R rates.
"""

import math

import numpy as np

from optimlib import checks


class Optimizer:
    """What all optimizers share: the learning rate, the count of steps, weight decay and clipping.

    Args:
        learning_rate: A number >= 0, an array, or a schedule: a function of the step 0, 1, 2, ...
        weight_decay: The rate lambda >= 0 of w <- w - learning_rate * lambda * w before each
            update, a number or an array, or None (Loshchilov & Hutter, 2019).
        global_clipnorm: The longest gradient allowed; a longer one is scaled down to it (Pascanu
            et al., 2013). None for no limit.

    Raises:
        ValueError: A hyper-parameter is out of its range.
    """

    state = ()  # the names of what a rule remembers between steps

    def __init__(self, learning_rate, weight_decay=None, global_clipnorm=None):
        self.learning_rate = learning_rate
        self.weight_decay = checks.optional("weight_decay", weight_decay, 0)
        self.global_clipnorm = checks.optional("global_clipnorm", global_clipnorm, 0, open_low=True)
        self.reset()

    def reset(self):
        """Forget all steps: the state is 0.0 until the first gradient gives it a shape."""
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

    @property
    def has_schedule(self):
        """Whether the rate is a function of the step."""
        return callable(self._learning_rate)

    def broadcast_shape(self, shape):
        """The shape that weights of `shape` take on together with the hyper-parameters.

        Raises:
            ValueError: The shapes do not fit.
        """
        own = {name: v for name, v in vars(self).items() if name not in self.state}
        arrays = [v for v in own.values() if isinstance(v, np.ndarray)]
        shapes = [np.shape(self.learning_rate), *map(np.shape, arrays)]
        try:
            return np.broadcast_shapes(shape, *shapes)
        except ValueError:
            listed = ", ".join(str(s) for s in dict.fromkeys(shapes) if s)
            raise ValueError(
                f"hyper-parameters of shape {listed} do not fit weights of shape {shape}: "
                "R replicas take shape (R, 1)"
            ) from None

    def step(self, w, g, out=None):
        """One update: new weights from w and g, which stay as they are.

        Args:
            w: The weights (..., P).
            g: The gradient, of the same shape.
            out: An array to write the new weights to; it may be w itself.

        Raises:
            ValueError: The shapes of w and g differ, they are not those of the step before, or g
                has a NaN.
        """
        w, g = _floats("w", w), _floats("g", g)
        if w.shape != g.shape:
            raise ValueError(
                f"w has shape {w.shape} but g has shape {g.shape}: "
                "the gradient has one number for every weight"
            )
        if math.isnan(np.vdot(g, g)):  # a sum of squares is NaN only where one of its terms is
            raise ValueError(
                f"g has a NaN at step {self.iterations}: "
                "the run has diverged, or the gradient has a fault"
            )
        if self.shape is None:
            self.shape = self.broadcast_shape(w.shape)
            # each replica whole in memory
            w, g = (np.array(np.broadcast_to(v, self.shape), order="C") for v in (w, g))
        elif w.shape != self.shape:
            raise ValueError(
                f"w has shape {w.shape} but earlier steps had {self.shape}: "
                "call reset() or make a new optimizer"
            )
        lr = self.learning_rate
        if self.global_clipnorm is not None:
            norm = np.sqrt((g * g).sum(axis=-1, keepdims=True))
            g = g * (self.global_clipnorm / np.maximum(norm, self.global_clipnorm))
        self.iterations += 1
        new = self.update(self.decayed(w, lr), g, lr)
        if out is None:
            return new
        np.copyto(out, new)
        return out

    def build(self, shapes):
        """Learn the shapes of all parameters in their order; most rules have no use for them.

        Returns:
            The optimizer itself.
        """
        return self

    def evaluated(self, w):
        """The weights (..., P) at which a network that trains at w is evaluated: most often w."""
        return w

    def update(self, w, g, lr):
        """The rule itself: new weights from w, g and the rate of this step."""
        raise NotImplementedError(f"{type(self).__name__} defines no update rule")

    def decayed(self, w, lr):
        """The weights w after decoupled weight decay, which comes before the update."""
        if self.weight_decay is not None:
            w = w - lr * self.weight_decay * w
        return w

    def build(self, shapes):
        """Learn the shapes of all parameters, in their order in w; `compile` calls it.

        Most rules treat every weight by itself, and the shapes make no difference to them.
        """
        return self

    def evaluated(self, w):
        """The weights at which a network with the weights w is evaluated: w, but for some rules."""
        return w

    def __repr__(self):
        rate = self._learning_rate
        shown = rate if callable(rate) or np.ndim(rate) == 0 else "<array>"
        return f"{type(self).__name__}(learning_rate={shown})"


class SGD(Optimizer):
    """Gradient descent, with momentum: a velocity that sums the past steps (Polyak, 1964).

    velocity <- momentum * velocity - learning_rate * g;  w <- w + velocity

    With `nesterov`, w <- w + momentum * velocity - learning_rate * g in place of the second
    (Nesterov, 1983; Sutskever et al., 2013).

    Args:
        learning_rate: As in `Optimizer`, and so are the arguments after `nesterov`.
        momentum: In [0, 1): each past step counts that much less than the next.
        nesterov: Whether to look ahead.
    """

    state = ("velocity",)

    def __init__(self, learning_rate=0.01, momentum=0.0, nesterov=False, *shared, **named):
        self.momentum = checks.fraction("momentum", momentum)
        self.nesterov = nesterov
        super().__init__(learning_rate, *shared, **named)

    def update(self, w, g, lr):
        self.velocity = self.momentum * self.velocity - lr * g
        if self.nesterov:
            return w + self.momentum * self.velocity - lr * g
        return w + self.velocity


class Adagrad(Optimizer):
    """Every weight has a rate of its own, which falls as its gradients add up.

    s <- s + g^2;  w <- w - learning_rate * g / sqrt(s + epsilon)   (Duchi, Hazan & Singer, 2011)

    Args:
        learning_rate: As in `Optimizer`, and so are the arguments after `epsilon`.
        initial_accumulator_value: What s is at the start, >= 0.
        epsilon: Keeps the root from zero, >= 0.
    """

    state = ("s",)

    def __init__(
        self, learning_rate=0.001, initial_accumulator_value=0.1, epsilon=1e-7, *shared, **named
    ):
        self.initial_accumulator_value = checks.number(
            "initial_accumulator_value", initial_accumulator_value, 0
        )
        self.epsilon = checks.number("epsilon", epsilon, 0)
        super().__init__(learning_rate, *shared, **named)

    def reset(self):
        super().reset()
        self.s = self.initial_accumulator_value
        return self

    def update(self, w, g, lr):
        self.s = self.s + g * g
        return w - lr * g / np.sqrt(self.s + self.epsilon)


class RMSprop(Optimizer):
    """Every weight's gradient is divided by the root of its recent mean square.

    v <- rho * v + (1 - rho) * g^2;  w <- w - learning_rate * g / sqrt(v + epsilon)
    (Tieleman & Hinton, 2012, lecture 6.5)

    Args:
        learning_rate: As in `Optimizer`, and so are the arguments after `centered`.
        rho: In [0, 1): how much of the mean square is left after a step.
        momentum: In [0, 1): the scaled steps are summed in a velocity, as in SGD.
        epsilon: Keeps the root from zero, >= 0.
        centered: Whether v - m^2 stands in place of v, with m the running mean of g
            (Graves, 2013).
    """

    state = ("v", "m", "velocity")

    def __init__(
        self,
        learning_rate=0.001,
        rho=0.9,
        momentum=0.0,
        epsilon=1e-7,
        centered=False,
        *shared,
        **named,
    ):
        self.rho = checks.fraction("rho", rho)
        self.momentum = checks.fraction("momentum", momentum)
        self.epsilon = checks.number("epsilon", epsilon, 0)
        self.centered = centered
        super().__init__(learning_rate, *shared, **named)

    def update(self, w, g, lr):
        self.v = self.rho * self.v + (1 - self.rho) * g * g
        if self.centered:
            self.m = self.rho * self.m + (1 - self.rho) * g
        scale = np.sqrt(self.v - self.m**2 + self.epsilon)
        self.velocity = self.momentum * self.velocity - lr * g / scale
        return w + self.velocity


class Adam(Optimizer):
    """A running mean of the gradient over the root of a running mean of its square.

    m <- beta_1 * m + (1 - beta_1) * g;  v <- beta_2 * v + (1 - beta_2) * g^2
    w <- w - alpha * m / (sqrt(v) + epsilon)
    alpha = learning_rate * sqrt(1 - beta_2^t) / (1 - beta_1^t) at step t = 1, 2, ...

    This is the faster form of the paper (Kingma & Ba, 2015, end of section 2), as in Keras: its
    epsilon is the paper's epsilon-hat.

    Args:
        learning_rate: As in `Optimizer`, and so are the arguments after `amsgrad`.
        beta_1: In [0, 1): how much of m is left after a step.
        beta_2: In [0, 1): how much of v is left after a step.
        epsilon: Keeps the divisor from zero, >= 0.
        amsgrad: Whether the largest v so far stands in place of v (Reddi, Kale & Kumar, 2018).
    """

    state = ("m", "v", "v_max")

    def __init__(
        self,
        learning_rate=0.001,
        beta_1=0.9,
        beta_2=0.999,
        epsilon=1e-7,
        amsgrad=False,
        *shared,
        **named,
    ):
        self.beta_1 = checks.fraction("beta_1", beta_1)
        self.beta_2 = checks.fraction("beta_2", beta_2)
        self.epsilon = checks.number("epsilon", epsilon, 0)
        self.amsgrad = amsgrad
        super().__init__(learning_rate, *shared, **named)

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
    """Adam with weight decay beside it (Loshchilov & Hutter, 2019).

    w <- w - learning_rate * weight_decay * w, and then Adam's step.

    Args:
        learning_rate: As in `Adam`, and so are the other arguments.
        weight_decay: The rate of the decay, >= 0.
    """

    def __init__(
        self,
        learning_rate=0.001,
        weight_decay=0.004,
        beta_1=0.9,
        beta_2=0.999,
        epsilon=1e-7,
        amsgrad=False,
        *shared,
        **named,
    ):
        super().__init__(
            learning_rate, beta_1, beta_2, epsilon, amsgrad, weight_decay, *shared, **named
        )


BY_NAME = {c.__name__.lower(): c for c in (SGD, Adagrad, RMSprop, Adam, AdamW)}


def get(optimizer):
    """The optimizer itself, or for a name such as "adam" a new one with its defaults.

    Raises:
        ValueError: There is no optimizer of that name.
    """
    if isinstance(optimizer, Optimizer):
        return optimizer
    name = optimizer.lower() if isinstance(optimizer, str) else optimizer
    return checks.known("optimizer", name, BY_NAME)()


def _floats(name, value):
    array = np.asarray(value)
    if array.dtype.kind not in "fiu":
        raise ValueError(f"{name} has dtype {array.dtype}: expected real numbers")
    return array if array.dtype.kind == "f" else array.astype(float)
