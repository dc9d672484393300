"""The optimizers after AdamW: Lion, Muon, SOAP and Schedule-Free, with the names and numbers of Keras 3 where it has them.

Lion and Schedule-Free treat every weight alone, as all rules before them. Muon and SOAP see matrices: they learn the shapes of
the layers in `build(shapes)`, which `Model.compile` calls. `evaluated(w)` says at which weights a network answers: the average
x for Schedule-Free, w itself for all others.
"""

import math

import numpy as np

from optimlib import checks
from optimlib.optimizers import Adam, Optimizer


class Lion(Optimizer):
    """Steps of one length: the sign of a mean of the gradients, the newest counted more than it will be later.

    c = beta_1 * m + (1 - beta_1) * g;  w <- w - learning_rate * sign(c);  m <- beta_2 * m + (1 - beta_2) * g
    (Chen et al., 2023). `m` is of shape (..., P).

    Args:
        learning_rate: Number >= 0, array or schedule: the length of the step in every weight.
        beta_1: In [0, 1). How much of the mean stands in the step.
        beta_2: In [0, 1). How much of the mean is kept for the next.
        weight_decay: Rate >= 0 of decoupled decay, or None.
        global_clipnorm: The longest gradient allowed, or None.

    Raises:
        ValueError: For a hyper-parameter out of its range.
    """

    state = ("m",)

    def __init__(
        self,
        learning_rate=0.001,
        beta_1=0.9,
        beta_2=0.99,
        weight_decay=None,
        global_clipnorm=None,
    ):
        self.beta_1 = checks.number("beta_1", beta_1, 0, 1, open_high=True)
        self.beta_2 = checks.number("beta_2", beta_2, 0, 1, open_high=True)
        super().__init__(learning_rate, weight_decay, global_clipnorm)

    def update(self, w, g, lr):
        c = self.beta_1 * self.m + (1 - self.beta_1) * g
        self.m = self.beta_2 * self.m + (1 - self.beta_2) * g
        return w - lr * np.sign(c)


class _OnMatrices(Adam):
    """What Muon and SOAP share: which weights form matrices. All others, `~in_matrix`, are left to Adam."""

    shapes = None  # of the layers, once built

    def __init__(self, *arguments, exclude_layers=(), **named):
        self.exclude_layers = tuple(exclude_layers)
        super().__init__(*arguments, **named)

    def build(self, shapes):
        """Learn where the matrices stand in the flat vector of weights; `Model.compile` calls this.

        Args:
            shapes: The shapes of all parameters in their order, such as [(64, 32), (32,), (32, 10), (10,)].

        Returns:
            The optimizer itself.

        Raises:
            ValueError: Where `exclude_layers` names a position that `shapes` has not.
        """
        for i in self.exclude_layers:
            if not -len(shapes) <= i < len(shapes):
                raise ValueError(
                    f"exclude_layers={self.exclude_layers} has the position {i}, but there are {len(shapes)} shapes"
                )
        excluded = {range(len(shapes))[i] for i in self.exclude_layers}
        self.shapes = [tuple(shape) for shape in shapes]
        ends = np.cumsum([math.prod(shape) for shape in shapes]).tolist()
        self.places = [
            (slice(end - math.prod(shape), end), shape)
            for i, (end, shape) in enumerate(zip(ends, self.shapes, strict=True))
            if len(shape) == 2 and i not in excluded
        ]
        self.in_matrix = np.zeros(ends[-1], dtype=bool)
        for place, _ in self.places:
            self.in_matrix[place] = True
        return self

    def broadcast_shape(self, shape):
        if self.shapes is None:
            raise RuntimeError(
                f"{type(self).__name__} steps matrices: call build with the shapes of the layers, as compile does"
            )
        if shape[-1] != len(self.in_matrix):
            raise ValueError(
                f"w has shape {shape}, but build was told shapes with {len(self.in_matrix)} entries in all"
            )
        return super().broadcast_shape(shape)

    def matrices(self, flat):
        """The matrices, each (..., rows, columns), as views of a flat vector (..., P)."""
        return [flat[..., at].reshape(*flat.shape[:-1], *shape) for at, shape in self.places]


class Muon(_OnMatrices):
    """A matrix steps with its momentum made orthogonal: every singular value becomes about 1. The rest steps by Adam.

    M <- momentum * M + G;  U = G + momentum * M;  W <- W - learning_rate * scale * orthogonalize(U)
    (Jordan et al., 2024), scale = rms_rate * sqrt(max(rows, columns)), so that the step has the size of Adam's (Liu et al.,
    2025). `velocity` (..., P) holds M; Adam's m and v hold only the weights that are in no matrix.

    Args:
        learning_rate: Number >= 0, array or schedule.
        adam_beta_1: In [0, 1), for the rest.
        adam_beta_2: In [0, 1), for the rest.
        adam_weight_decay: Rate >= 0 of decoupled decay of the rest, or None.
        epsilon: For the rest, as in Adam.
        weight_decay: Rate >= 0 of decoupled decay of the matrices, or None.
        global_clipnorm: The longest gradient allowed, or None.
        exclude_layers: Positions in `shapes` of matrices that are left to Adam, such as (-2,) for the kernel of the last
            dense layer (Keras takes names).
        muon_a: Coefficients a, b and c of `orthogonalize`.
        muon_b: See muon_a.
        muon_c: See muon_a.
        adam_lr_ratio: The rest steps at learning_rate * adam_lr_ratio.
        momentum: In [0, 1).
        ns_steps: Newton-Schulz steps.
        nesterov: False: U = M.
        rms_rate: See above; None: no scale at all.

    Raises:
        ValueError: For a hyper-parameter out of its range.
        RuntimeError: At a step before `build`.
    """

    state = ("velocity", *Adam.state)

    def __init__(
        self,
        learning_rate=0.001,
        adam_beta_1=0.9,
        adam_beta_2=0.999,
        adam_weight_decay=0.004,
        epsilon=1e-7,
        weight_decay=0.004,
        global_clipnorm=None,
        exclude_layers=(),
        muon_a=3.4445,
        muon_b=-4.7750,
        muon_c=2.0315,
        adam_lr_ratio=1.0,
        momentum=0.95,
        ns_steps=5,
        nesterov=True,
        rms_rate=0.2,
    ):
        self.adam_weight_decay = checks.optional("adam_weight_decay", adam_weight_decay, 0)
        self.coefficients = tuple(
            checks.number(f"muon_{name}", value)
            for name, value in (("a", muon_a), ("b", muon_b), ("c", muon_c))
        )
        self.adam_lr_ratio = checks.number("adam_lr_ratio", adam_lr_ratio, 0)
        self.momentum = checks.number("momentum", momentum, 0, 1, open_high=True)
        self.ns_steps = checks.integer("ns_steps", ns_steps, 0)
        self.nesterov = nesterov
        self.rms_rate = checks.optional("rms_rate", rms_rate, 0)
        super().__init__(
            learning_rate,
            adam_beta_1,
            adam_beta_2,
            epsilon,
            weight_decay=weight_decay,
            global_clipnorm=global_clipnorm,
            exclude_layers=exclude_layers,
        )

    def scale(self, rows, columns):
        """How long the step is, in multiples of an orthogonal matrix."""
        return 1.0 if self.rms_rate is None else self.rms_rate * math.sqrt(max(rows, columns))

    def decayed(self, w, lr):
        rest = w if self.adam_weight_decay is None else w - lr * self.adam_weight_decay * w
        return np.where(self.in_matrix, super().decayed(w, lr), rest)

    def update(self, w, g, lr):
        self.velocity = self.momentum * self.velocity + g
        U = g + self.momentum * self.velocity if self.nesterov else self.velocity.copy()
        for M in self.matrices(U):
            M[...] = self.scale(*M.shape[-2:]) * orthogonalize(M, self.ns_steps, self.coefficients)
        new, rest = w - lr * U, ~self.in_matrix
        new[..., rest] = super().update(w[..., rest], g[..., rest], self.adam_lr_ratio * lr)
        return new


def orthogonalize(G, steps=5, coefficients=(3.4445, -4.7750, 2.0315)):
    """The matrix G with its singular values carried to about 1, its singular vectors unchanged (Newton-Schulz).

    X = G / (|G| + 1e-7), then `steps` times X <- a X + b (X X^T) X + c (X X^T)^2 X. Each step applies s -> a s + b s^3 + c s^5 to
    every singular value; with these coefficients (Jordan et al., 2024) five steps carry all of [0.01, 1] into [0.68, 1.14].

    Args:
        G: Matrices (..., rows, columns).
        steps: How many; 0 only scales G to length 1.
        coefficients: a, b and c.

    Returns:
        Matrices of the same shape.
    """
    a, b, c = coefficients
    X = G / (np.sqrt((G * G).sum(axis=(-2, -1), keepdims=True)) + 1e-7)
    tall = G.shape[-2] > G.shape[-1]
    X = X.mT if tall else X  # so that X X^T is the smaller of the two products
    for _ in range(steps):
        A = X @ X.mT
        X = a * X + (b * A + c * A @ A) @ X
    return X.mT if tall else X


class SOAP(_OnMatrices):
    """Adam in axes of its own: those in which the gradients of a matrix, as seen so far, are uncorrelated.

    L and R are running means of G G^T and G^T G, Q_L and Q_R orthogonal matrices that follow their eigenvectors. Adam's m and v
    see Q_L^T G Q_R, and its step S is turned back: W <- W - learning_rate * Q_L S Q_R^T (Vyas et al., 2024). The first gradient
    only sets the axes, and moves nothing. Weights in no matrix step by Adam in their own axes.

    Args:
        learning_rate: Number >= 0, array or schedule.
        beta_1: In [0, 1), of m.
        beta_2: In [0, 1), of v, L and R.
        epsilon: As in Adam.
        weight_decay: Rate >= 0 of decoupled decay, or None.
        precondition_frequency: The axes follow L and R every so many steps.
        global_clipnorm: The longest gradient allowed, or None.
        exclude_layers: Positions in `shapes` of matrices that are left to Adam.

    Raises:
        ValueError: For a hyper-parameter out of its range.
        RuntimeError: At a step before `build`.
    """

    state = ("m", "v", "L", "R", "Q_L", "Q_R")

    def __init__(
        self,
        learning_rate=0.003,
        beta_1=0.95,
        beta_2=0.95,
        epsilon=1e-8,
        weight_decay=0.01,
        precondition_frequency=10,
        global_clipnorm=None,
        exclude_layers=(),
    ):
        self.precondition_frequency = checks.integer(
            "precondition_frequency", precondition_frequency, 1
        )
        super().__init__(
            learning_rate,
            beta_1,
            beta_2,
            epsilon,
            weight_decay=weight_decay,
            global_clipnorm=global_clipnorm,
            exclude_layers=exclude_layers,
        )

    def update(self, w, g, lr):
        t = self.iterations - 1  # steps that moved
        if t > 0:
            self.m = self.beta_1 * self.m + (1 - self.beta_1) * g
            self.v = self.beta_2 * self.v + (1 - self.beta_2) * self.turn(g) ** 2
            alpha = lr * (1 - self.beta_2**t) ** 0.5 / (1 - self.beta_1**t)
            w = w - alpha * self.turn_back(self.turn(self.m) / (np.sqrt(self.v) + self.epsilon))
        self.follow(g, t)
        return w

    def follow(self, g, t):
        """L and R take in the gradient; at the first, and then every so many steps, the axes follow them."""
        self.L = self.beta_2 * self.L + (1 - self.beta_2) * _flat(
            G @ G.mT for G in self.matrices(g)
        )
        self.R = self.beta_2 * self.R + (1 - self.beta_2) * _flat(
            G.mT @ G for G in self.matrices(g)
        )
        if t % self.precondition_frequency == 0:
            self.Q_L = _flat(map(_axes, self.squares(self.L, 0), self.squares(self.Q_L, 0)))
            self.Q_R = _flat(map(_axes, self.squares(self.R, 1), self.squares(self.Q_R, 1)))

    def turn(self, flat):
        """A flat vector (..., P) with each of its matrices in the turned axes: Q_L^T M Q_R."""
        turned = flat.copy()
        axes = self.squares(self.Q_L, 0), self.squares(self.Q_R, 1)
        for M, Q_L, Q_R in zip(self.matrices(turned), *axes, strict=True):
            M[...] = Q_L.mT @ M @ Q_R
        return turned

    def turn_back(self, flat):
        """The reverse of `turn`: Q_L M Q_R^T."""
        turned = flat.copy()
        axes = self.squares(self.Q_L, 0), self.squares(self.Q_R, 1)
        for M, Q_L, Q_R in zip(self.matrices(turned), *axes, strict=True):
            M[...] = Q_L @ M @ Q_R.mT
        return turned

    def squares(self, flat, axis):
        """L, Q_L (axis 0) or R, Q_R (axis 1) of every matrix, (..., n, n), as views of all of them in one flat vector."""
        if np.ndim(flat) == 0:
            return [None] * len(self.places)
        sides = [shape[axis] for _, shape in self.places]
        ends = np.cumsum([n * n for n in sides])[:-1]
        parts = np.split(flat, ends, axis=-1)
        return [
            part.reshape(*flat.shape[:-1], n, n) for part, n in zip(parts, sides, strict=True)
        ]


def _axes(L, Q):
    """The eigenvectors of L, largest first, where there are no axes Q yet; else one power step from Q towards them."""
    return np.linalg.eigh(L)[1][..., ::-1] if Q is None else np.linalg.qr(L @ Q)[0]


def _flat(matrices):
    """Matrices (..., rows, columns) end to end in one vector (..., their entries)."""
    return np.concatenate([M.reshape(*M.shape[:-2], -1) for M in matrices], axis=-1)


class ScheduleFree(Optimizer):
    """No schedule: the gradient is taken at y, moves z, and the average x of all z is where the network is evaluated.

    z <- z - learning_rate * (direction(g) + weight_decay * y), g at y
    x <- (1 - c) * x + c * z,  c = learning_rate^2 / (the sum of all learning_rate^2 so far): 1/t at a constant rate
    y <- (1 - beta_1) * z + beta_1 * x
    (Defazio et al., 2024). y is the weights w that `step` takes and returns; `z` and `x` (..., P) start where y does.
    `ScheduleFreeSGD` and `ScheduleFreeAdamW` say what the direction is.

    Args:
        learning_rate: Number >= 0, array or schedule.
        beta_1: In [0, 1]: where between z and x the gradient is taken. 0: at z (Polyak & Juditsky, 1992); 1: at the average
            itself.
        warmup_steps: The rate grows evenly over so many steps; 0 for none.
        weight_decay: Rate >= 0 of decay, at y, or None.
        global_clipnorm: The longest gradient allowed, or None.

    Raises:
        ValueError: For a hyper-parameter out of its range.
    """

    state = ("z", "x", "total")

    def __init__(
        self, learning_rate, beta_1=0.9, warmup_steps=0, weight_decay=None, global_clipnorm=None
    ):
        self.beta_1 = checks.number("beta_1", beta_1, 0, 1)
        self.warmup_steps = checks.integer("warmup_steps", warmup_steps, 0)
        super().__init__(learning_rate, weight_decay, global_clipnorm)

    def direction(self, g):
        """Where z steps, up to the rate, for the gradient g."""
        raise NotImplementedError(f"{type(self).__name__} defines no direction")

    def decayed(self, w, lr):
        return w  # decay moves z, in `update`

    def update(self, w, g, lr):
        if self.iterations == 1:
            self.z = self.x = w
        lr = lr * min(1.0, self.iterations / max(1, self.warmup_steps))
        self.z = self.z - lr * (self.direction(g) + (self.weight_decay or 0.0) * w)
        self.total = self.total + lr**2
        c = lr**2 / (self.total + 1e-300)  # 0 at a rate of 0
        self.x = (1 - c) * self.x + c * self.z
        return (1 - self.beta_1) * self.z + self.beta_1 * self.x

    def evaluated(self, w):
        """The average x; w itself before the first step."""
        return self.x if self.iterations else w


class ScheduleFreeSGD(ScheduleFree):
    """Schedule-Free gradient descent: the direction is the gradient itself. Arguments as in `ScheduleFree`."""

    def __init__(
        self,
        learning_rate=0.0025,
        beta_1=0.9,
        warmup_steps=0,
        weight_decay=None,
        global_clipnorm=None,
    ):
        super().__init__(learning_rate, beta_1, warmup_steps, weight_decay, global_clipnorm)

    def direction(self, g):
        return g


class ScheduleFreeAdamW(ScheduleFree):
    """Schedule-Free AdamW: the direction is g / (sqrt(v / (1 - beta_2^t)) + epsilon); the average x is its momentum.

    v <- beta_2 * v + (1 - beta_2) * g^2 at step t = 1, 2, ... Arguments as in `ScheduleFree`.

    Args:
        beta_2: In [0, 1), of v.
        epsilon: >= 0.
    """

    state = (*ScheduleFree.state, "v")

    def __init__(
        self,
        learning_rate=0.0025,
        beta_1=0.9,
        beta_2=0.999,
        epsilon=1e-8,
        warmup_steps=0,
        weight_decay=None,
        global_clipnorm=None,
    ):
        self.beta_2 = checks.number("beta_2", beta_2, 0, 1, open_high=True)
        self.epsilon = checks.number("epsilon", epsilon, 0)
        super().__init__(learning_rate, beta_1, warmup_steps, weight_decay, global_clipnorm)

    def direction(self, g):
        self.v = self.beta_2 * self.v + (1 - self.beta_2) * g * g
        return g / (np.sqrt(self.v / (1 - self.beta_2**self.iterations)) + self.epsilon)
