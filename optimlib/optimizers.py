"""The optimizers of the book: SGD, Adagrad, RMSprop, Adam and AdamW, with the numbers of Keras 3.

Every rule maps weights w and their gradient g to new weights, `w = opt.step(w, g)`. Both have
shape (..., P): the last axis runs over the P parameters, the axes before it over replicas,
independent runs that advance together. A hyper-parameter may be a number, or an array that
broadcasts against w: a `learning_rate` of shape (R, 1) trains R replicas at R rates.
"""

import math
import warnings

import numpy as np

from optimlib import checks


class Optimizer:
    """What all optimizers share, with the meaning and the order of Keras.

    Args:
        learning_rate: A number >= 0, an array, or a schedule: a function of the step 0, 1, 2, ...
        weight_decay: The rate lambda >= 0 of w <- w - learning_rate * lambda * w before each
            update, a number or an array, or None (Loshchilov & Hutter, 2019).
        clipnorm: The longest gradient that each layer's parameters may have (see `build`).
        clipvalue: The largest number that a gradient may have.
        global_clipnorm: The longest gradient allowed (Pascanu et al., 2013). Of these three, one;
            a longer or larger gradient is cut down to it.
        use_ema: Whether to have a running mean of the weights, `average`, with which fit ends
            (Polyak & Juditsky, 1992).
        ema_momentum: How much of that mean is left after a step, in [0, 1].
        ema_overwrite_frequency: After how many updates the weights become that mean, or None.
        loss_scale_factor: Not here.
        gradient_accumulation_steps: How many gradients make one update with their mean, or None.
        name: A name, or None.

    Raises:
        ValueError: An argument is out of its range.
    """

    state = ()  # the names of what a rule remembers between steps

    def __init__(
        self,
        learning_rate,
        weight_decay=None,
        clipnorm=None,
        clipvalue=None,
        global_clipnorm=None,
        use_ema=False,
        ema_momentum=0.99,
        ema_overwrite_frequency=None,
        loss_scale_factor=None,
        gradient_accumulation_steps=None,
        name=None,
        **absent,
    ):
        kind = type(self).__name__
        checks.refuse(kind, {"loss_scale_factor": loss_scale_factor} | absent)
        limits = {"clipnorm": clipnorm, "clipvalue": clipvalue, "global_clipnorm": global_clipnorm}
        self.clips = sum(limit is not None for limit in limits.values())
        if self.clips > 1:
            raise ValueError(f"{kind} takes one of clipnorm, clipvalue and global_clipnorm")
        for limit, value in limits.items():
            setattr(self, limit, checks.optional(limit, value, 0, open_low=True))
        self.weight_decay = checks.optional("weight_decay", weight_decay, 0)
        self.use_ema = use_ema
        self.ema_momentum = checks.number("ema_momentum", ema_momentum, 0, 1)
        self.ema_overwrite_frequency = ema_overwrite_frequency
        self.gradient_accumulation_steps = gradient_accumulation_steps
        for count, low in (("ema_overwrite_frequency", 1), ("gradient_accumulation_steps", 2)):
            if getattr(self, count) is not None:
                checks.integer(count, getattr(self, count), low)
        self.name = name or kind.lower()
        self.sizes = None
        self.reset()
        self.learning_rate = learning_rate

    def build(self, shapes):
        """Learn how w is made up, from the shapes of the layers' parameters; `compile` does it.

        Returns:
            The optimizer itself.
        """
        self.sizes = [math.prod(shape) for shape in shapes]
        return self

    def reset(self):
        """Forget all steps: what is remembered is 0.0 until the first gradient gives it a shape."""
        self.iterations, self.gradient_count, self.shape = 0, 0, None
        for name in self._memory():
            setattr(self, name, 0.0)
        return self

    def _memory(self):
        """The names of all that is remembered between steps."""
        return [*self.state, "average", "gradient_sum"]

    @property
    def learning_rate(self):
        """The rate of the next step: a number or an array."""
        rate = self._learning_rate
        if not callable(rate):
            return rate
        step = self.iterations * (self.gradient_accumulation_steps or 1) + self.gradient_count
        return checks.number("learning_rate", rate(step), 0)

    @learning_rate.setter
    def learning_rate(self, rate):
        if isinstance(rate, type):
            raise ValueError(
                f"learning_rate={rate.__name__} is a class: call it with its arguments"
            )
        if not callable(rate):
            rate = checks.number("learning_rate", rate, 0)
            if getattr(self, "has_schedule", False):
                raise TypeError(
                    f"learning_rate={rate} cannot replace a schedule: make a new optimizer"
                )
            if self.shape is not None and _common_shape(self.shape, [rate]) != self.shape:
                raise ValueError(
                    f"learning_rate has shape {np.shape(rate)} but the weights {self.shape}: "
                    "call reset() first, or compile a new model"
                )
        self._learning_rate, self.has_schedule = rate, callable(rate)

    def _no_lr(self, rate=None):
        raise AttributeError("an optimizer has no lr: its rate is learning_rate")

    lr = property(_no_lr, _no_lr)

    def broadcast_shape(self, shape):
        """The shape that weights of `shape` take on together with the hyper-parameters.

        Raises:
            ValueError: The shapes do not fit.
        """
        memory = self._memory()
        own = [v for k, v in vars(self).items() if isinstance(v, np.ndarray) and k not in memory]
        if self.has_schedule:
            own.append(self.learning_rate)
        common = _common_shape(shape, own)
        if common is None:
            listed = ", ".join(str(s) for s in dict.fromkeys(map(np.shape, own)) if s)
            raise ValueError(
                f"hyper-parameters of shape {listed} do not fit weights of shape {shape}: "
                "R replicas take shape (R, 1)"
            )
        return common

    def step(self, w, g, out=None):
        """One step: new weights from w and g, which stay as they are.

        Args:
            w: The weights (..., P).
            g: The gradient, of the same shape.
            out: An array to write the new weights to; it may be w itself.

        Raises:
            ValueError: The shapes of w, g and out differ, they are not those of the step before,
                or g has a number that is not finite.
        """
        w, g = self._check(w, g, out)
        rate, updates = self.learning_rate, self.iterations
        if self.gradient_accumulation_steps is None:
            new = self._apply(w, g, rate)
        else:
            new = self._accumulate(w, g, rate)
        if self.use_ema:
            momentum = self.ema_momentum if updates else 0.0
            self.average = momentum * self.average + (1 - momentum) * new
            if self.ema_overwrite_frequency and (updates + 1) % self.ema_overwrite_frequency == 0:
                new = self.average.copy()
        if out is None:
            return new
        np.copyto(out, new)
        return out

    def update(self, w, g, lr):
        """The rule itself: new weights from w, g and the rate of this step."""
        raise NotImplementedError(f"{type(self).__name__} defines no update rule")

    def _check(self, w, g, out):
        w, g = np.asarray(w), np.asarray(g)
        if w.dtype.kind != "f" or g.dtype.kind != "f":
            w, g = _floats("w", w), _floats("g", g)
        if w.shape != g.shape:
            raise ValueError(
                f"w has shape {w.shape} but g has shape {g.shape}: "
                "the gradient has one number for every weight"
            )
        # a sum of squares is finite only if all its terms are, and quick to take
        if not math.isfinite(np.vdot(g, g)) and not np.isfinite(g).all():
            raise ValueError(
                f"g has {np.count_nonzero(~np.isfinite(g))} values that are not finite at step "
                f"{self.iterations}: the run has diverged, or the gradient has a fault"
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
        if out is not None and np.shape(out) != self.shape:
            raise ValueError(f"out has shape {np.shape(out)}: expected {self.shape}")
        return w, g

    def _accumulate(self, w, g, lr):
        """The weights as they are, or, with enough gradients, an update by their mean."""
        self.gradient_sum, self.gradient_count = self.gradient_sum + g, self.gradient_count + 1
        if self.gradient_count < self.gradient_accumulation_steps:
            return w.copy()
        g = self.gradient_sum / self.gradient_count
        self.gradient_sum, self.gradient_count = 0.0, 0
        return self._apply(w, g, lr)

    def _apply(self, w, g, lr):
        """Clipping, weight decay and the rule, in the shape and the dtype of the weights."""
        dtype, g = w.dtype, self._clip(g) if self.clips else g
        self.iterations += 1
        new = self.update(self.decayed(w, lr), g, lr)
        if new.shape != self.shape:
            raise ValueError(
                f"the update has shape {new.shape} for weights of shape {self.shape}: "
                "hyper-parameters take no new axes after the first step"
            )
        for name in self.state:
            value = getattr(self, name)
            if value is g:  # whoever computed the gradient may use its memory again
                setattr(self, name, g.copy())
            elif new.dtype != dtype and isinstance(value, np.ndarray):
                setattr(self, name, value.astype(dtype))
        return new if new.dtype == dtype else new.astype(dtype)

    def _clip(self, g):
        if self.clipvalue is not None:
            return np.clip(g, -self.clipvalue, self.clipvalue)
        limit = self.clipnorm if self.clipnorm is not None else self.global_clipnorm
        with np.errstate(over="ignore"):
            squares = g * g
        if self.clipnorm is None or self.sizes is None or g.ndim == 0:
            norm = np.sqrt(squares.sum(axis=-1 if g.ndim else None, keepdims=True))
        elif sum(self.sizes) != g.shape[-1]:
            raise ValueError(f"g has {g.shape[-1]} numbers, but build was told {sum(self.sizes)}")
        else:
            starts = np.cumsum([0, *self.sizes[:-1]])
            norm = np.sqrt(np.add.reduceat(squares, starts, axis=-1)).repeat(self.sizes, axis=-1)
        scale = limit / np.maximum(norm, limit)
        if not np.isfinite(norm).all():
            scale = np.where(np.isfinite(norm), scale, np.nan)
            warnings.warn(
                f"the squares of g overflow at step {self.iterations}, and its length cannot be "
                f"clipped to {limit}: the weights become NaN; scale the loss down",
                RuntimeWarning,
                stacklevel=4,
            )
        return g * scale

    def save_own_variables(self, store):
        """Put all that is remembered into a dict, as arrays."""
        names = ["iterations", "gradient_count", *self._memory()]
        store |= {name: np.asarray(getattr(self, name)) for name in names}
        store["shape"] = np.array(self.shape or (), dtype=int)
        if not self.has_schedule:
            store["learning_rate"] = np.asarray(self._learning_rate)

    def load_own_variables(self, store):
        """Remember what `save_own_variables` put into a dict.

        Raises:
            ValueError: It is of another optimizer.
        """
        own = {}
        self.save_own_variables(own)
        if set(store) != set(own):
            names = [", ".join(sorted(names)) for names in (own, store)]
            raise ValueError(f"{self} remembers {names[0]}, but what was saved is {names[1]}")
        self.reset()
        for name in set(store) - {"shape"}:
            setattr(self, name, store[name].copy() if store[name].ndim else store[name].item())
        self.shape = tuple(store["shape"].tolist()) or None

    def decayed(self, w, lr):
        """The weights w after decoupled weight decay, which comes before the update."""
        if self.weight_decay is not None:
            w = w - lr * self.weight_decay * w
        return w

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
        if weight_decay is None:
            raise ValueError("AdamW takes a number for weight_decay: without decay it is Adam")
        super().__init__(
            learning_rate, beta_1, beta_2, epsilon, amsgrad, weight_decay, *shared, **named
        )


BY_NAME = {c.__name__.lower(): c for c in (SGD, Adagrad, RMSprop, Adam, AdamW)}


def get(optimizer):
    """The optimizer itself, or for a name such as "adam" a new one with its defaults.

    The names are those of the classes, in lower case: those here, and those of `newer`, which adds
    its own when it is imported, as `training` does.

    Raises:
        ValueError: There is no optimizer of that name.
    """
    if isinstance(optimizer, Optimizer):
        return optimizer
    name = optimizer.lower() if isinstance(optimizer, str) else optimizer
    return checks.known("optimizer", name, BY_NAME)()


def _common_shape(shape, arrays):
    """The shape that arrays take on together with `shape`, or None where they do not fit."""
    try:
        return np.broadcast_shapes(shape, *map(np.shape, arrays))
    except ValueError:
        return None


def _floats(name, value):
    array = np.asarray(value)
    if array.dtype.kind not in "fiu":
        raise ValueError(f"{name} has dtype {array.dtype}: expected real numbers")
    return array if array.dtype.kind == "f" else array.astype(float)
