"""The optimizers after AdamW: Lion, Muon, SOAP and Schedule-Free, with the numbers of Keras 3.

Lion and Schedule-Free treat every weight alone, as all rules before them. Muon and SOAP see
matrices: they learn the shapes of the layers in `build(shapes)`, which `Model.compile` calls. A
network that trains by Schedule-Free is evaluated at the average of its weights, `evaluated(w)`.
"""

import math

import numpy as np

from optimlib import checks
from optimlib.optimizers import BY_NAME, Adam, Optimizer


class Lion(Optimizer):
    """Steps of one length: the sign of a mean of the gradients (Chen et al., 2023).

    d = beta_1 * m + (1 - beta_1) * g;  w <- w - learning_rate * sign(d)
    m <- beta_2 * m + (1 - beta_2) * g

    Args:
        learning_rate: As in `Optimizer`, and so are the arguments after beta_2.
        beta_1: In [0, 1): the share of m in the step.
        beta_2: In [0, 1): the share of m that is left for the next.
    """

    state = ("m",)

    def __init__(self, learning_rate=0.001, beta_1=0.9, beta_2=0.99, *shared, **named):
        self.beta_1 = checks.fraction("beta_1", beta_1)
        self.beta_2 = checks.fraction("beta_2", beta_2)
        super().__init__(learning_rate, *shared, **named)

    def update(self, w, g, lr):
        d = self.beta_1 * self.m + (1 - self.beta_1) * g
        self.m = self.beta_2 * self.m + (1 - self.beta_2) * g
        return w - lr * np.sign(d)


class MatrixRule(Adam):
    """What Muon and SOAP share: they know which weights form matrices, and have Adam's settings.

    Args:
        exclude_layers: Positions in `shapes` of matrices that are treated as single weights, such
            as [-2] for the kernel of the last dense layer. (Keras takes names.)
    """

    shapes = None  # of all parameters, once built

    def __init__(self, *arguments, exclude_layers=(), **named):
        self.exclude_layers = tuple(exclude_layers or ())
        super().__init__(*arguments, **named)

    def build(self, shapes):
        """Learn where the matrices lie in the flat vector of weights; `Model.compile` calls this.

        Args:
            shapes: The shapes of all parameters in their order, such as
                [(64, 32), (32,), (32, 10), (10,)].

        Returns:
            The optimizer itself.

        Raises:
            ValueError: `exclude_layers` has a position that `shapes` has not.
        """
        super().build(shapes)
        count = len(shapes)
        for i in self.exclude_layers:
            if checks.integer("exclude_layers", i, -count) >= count:
                raise ValueError(f"exclude_layers has {i}, but there are {count} shapes")
        excluded = {i % count for i in self.exclude_layers}
        self.shapes, self.places, start = [tuple(shape) for shape in shapes], [], 0
        for i, shape in enumerate(self.shapes):
            stop = start + math.prod(shape)
            if len(shape) == 2 and i not in excluded:
                self.places.append((slice(start, stop), shape))
            start = stop
        self.in_matrix = np.zeros(start, dtype=bool)
        for place, _ in self.places:
            self.in_matrix[place] = True
        return self

    def broadcast_shape(self, shape):
        if self.shapes is None:
            raise RuntimeError(
                f"{type(self).__name__} sees matrices, but nobody said where they are: call "
                "build(shapes) first, with the shapes of all parameters, as compile does"
            )
        if shape[-1:] != self.in_matrix.shape:
            raise ValueError(
                f"w has shape {shape}, but the shapes {self.shapes} of build have "
                f"{self.in_matrix.size} numbers"
            )
        return super().broadcast_shape(shape)

    def matrices(self, flat):
        """The matrices, each (..., rows, columns), as views of a flat vector (..., P)."""
        return [flat[..., place].reshape(flat.shape[:-1] + shape) for place, shape in self.places]


class Muon(MatrixRule):
    """Each matrix steps by its momentum made orthogonal (Jordan et al., 2024).

    M <- momentum * M + G;  U = G + momentum * M
    W <- W - learning_rate * rms_rate * sqrt(max(rows, columns)) * orthogonalize(U)

    The scale gives the step the size of Adam's (Liu et al., 2025). What is in no matrix steps by
    Adam. `velocity` holds M; Adam's m and v hold only what Adam steps.

    Args:
        learning_rate: As in `Optimizer`, and so are the arguments that are not named here.
        adam_beta_1: Adam's beta_1.
        adam_beta_2: Adam's beta_2.
        adam_weight_decay: As `weight_decay`, for what Adam steps.
        epsilon: Adam's epsilon.
        weight_decay: As in `Optimizer`, for the matrices.
        exclude_layers: As in `MatrixRule`: matrices that Adam steps.
        muon_a: The coefficients a, b and c of `orthogonalize`.
        muon_b: See muon_a.
        muon_c: See muon_a.
        adam_lr_ratio: Adam's rate is learning_rate * adam_lr_ratio.
        momentum: In [0, 1).
        ns_steps: The steps of `orthogonalize`.
        nesterov: Whether U looks ahead; else U = M.
        rms_rate: See above; None for no scale at all.
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
        *shared,
        exclude_layers=(),
        muon_a=3.4445,
        muon_b=-4.7750,
        muon_c=2.0315,
        adam_lr_ratio=1.0,
        momentum=0.95,
        ns_steps=5,
        nesterov=True,
        rms_rate=0.2,
        **named,
    ):
        self.adam_weight_decay = checks.optional("adam_weight_decay", adam_weight_decay, 0)
        coefficients = {"muon_a": muon_a, "muon_b": muon_b, "muon_c": muon_c}
        self.coefficients = tuple(checks.number(name, v) for name, v in coefficients.items())
        self.adam_lr_ratio = checks.number("adam_lr_ratio", adam_lr_ratio, 0)
        self.momentum = checks.fraction("momentum", momentum)
        self.ns_steps = checks.integer("ns_steps", ns_steps, 0)
        self.nesterov = nesterov
        self.rms_rate = checks.optional("rms_rate", rms_rate, 0)
        adam = (learning_rate, adam_beta_1, adam_beta_2, epsilon, False)
        super().__init__(*adam, weight_decay, *shared, exclude_layers=exclude_layers, **named)

    def decayed(self, w, lr):
        decay = self.adam_weight_decay
        rest = w if decay is None else w - lr * decay * w
        return np.where(self.in_matrix, super().decayed(w, lr), rest)

    def update(self, w, g, lr):
        self.velocity = self.momentum * self.velocity + g
        U = g + self.momentum * self.velocity if self.nesterov else self.velocity.copy()
        for M in self.matrices(U):
            M[...] = self.scale(*M.shape[-2:]) * self.rounded(M)
        new, rest = w - lr * U, ~self.in_matrix
        new[..., rest] = super().update(w[..., rest], g[..., rest], self.adam_lr_ratio * lr)
        return new

    def rounded(self, U):
        """The orthogonal matrices that the step takes from U (..., rows, columns)."""
        return orthogonalize(U, self.ns_steps, self.coefficients)

    def scale(self, rows, columns):
        """What the orthogonal matrix is multiplied by."""
        return 1.0 if self.rms_rate is None else self.rms_rate * math.sqrt(max(rows, columns))


def orthogonalize(G, steps=5, coefficients=(3.4445, -4.7750, 2.0315)):
    """Matrices with the singular vectors of G, and singular values near 1 (Newton-Schulz).

    X = G / (|G| + 1e-7), |G| the root of the sum of squares; then, `steps` times,
    X <- a X + b (X X^T) X + c (X X^T)^2 X, which turns each singular value s into
    a s + b s^3 + c s^5. With these coefficients (Jordan et al., 2024), five steps take all s from
    0.01 to 1 into 0.68 to 1.14.

    Args:
        G: Matrices (..., rows, columns).
        steps: How many; 0 only scales G to the length 1.
        coefficients: a, b and c.
    """
    a, b, c = coefficients
    X = G / (np.sqrt((G * G).sum(axis=(-2, -1), keepdims=True)) + 1e-7)
    is_tall = G.shape[-2] > G.shape[-1]
    X = X.mT if is_tall else X  # X X^T is then the smaller of the two products
    for _ in range(steps):
        A = X @ X.mT
        X = a * X + (b * A + c * A @ A) @ X
    return X.mT if is_tall else X


class SOAP(MatrixRule):
    """Adam along axes of each matrix's own, in which its gradients vary apart (Vyas et al., 2024).

    L and R are running means, by beta_2, of G G^T and G^T G; the columns of the orthogonal Q_L and
    Q_R follow their eigenvectors. m is a running mean of G, v of the squares of Q_L^T G Q_R, and
    Adam's step S = Q_L^T m Q_R / (sqrt(v) + epsilon) is turned back:
    W <- W - alpha * Q_L S Q_R^T, alpha as in Adam. The first gradient sets the axes, and moves
    nothing. What is in no matrix steps by Adam. (The authors' code also sorts the axes when their
    order by size changes.)

    Args:
        learning_rate: As in `Optimizer`, and so are the arguments after epsilon.
        beta_1: As in `Adam`.
        beta_2: As in `Adam`, also for L and R.
        epsilon: As in `Adam`.
        weight_decay: As in `Optimizer`. (The authors' code lets it act after the step.)
        precondition_frequency: The axes follow L and R once in so many steps.
        exclude_layers: As in `MatrixRule`.
    """

    state = ("m", "v", "L", "R", "Q_L", "Q_R")

    def __init__(
        self,
        learning_rate=0.003,
        beta_1=0.95,
        beta_2=0.95,
        epsilon=1e-8,
        weight_decay=0.01,
        *shared,
        precondition_frequency=10,
        exclude_layers=(),
        **named,
    ):
        self.precondition_frequency = checks.integer(
            "precondition_frequency", precondition_frequency, 1
        )
        adam = (learning_rate, beta_1, beta_2, epsilon, False)
        super().__init__(*adam, weight_decay, *shared, exclude_layers=exclude_layers, **named)

    def update(self, w, g, lr):
        t = self.iterations - 1
        if np.ndim(self.m) == 0:  # the first gradient moves nothing
            self.m, self.v = np.zeros_like(g), np.zeros_like(g)
        else:
            self.m = self.beta_1 * self.m + (1 - self.beta_1) * g
            self.v = self.beta_2 * self.v + (1 - self.beta_2) * self.turn(g) ** 2
            alpha = lr * (1 - self.beta_2**t) ** 0.5 / (1 - self.beta_1**t)
            w = w - alpha * self.turn_back(self.turn(self.m) / (np.sqrt(self.v) + self.epsilon))
        self.follow(g, t)
        return w

    def turn(self, flat):
        """A flat vector (..., P) with every matrix M along its own axes: Q_L^T M Q_R."""
        result = flat.copy()
        for M, Q_L, Q_R in zip(self.matrices(result), *self.axes(), strict=True):
            M[...] = Q_L.mT @ M @ Q_R
        return result

    def turn_back(self, flat):
        """The inverse of `turn`: Q_L M Q_R^T."""
        result = flat.copy()
        for M, Q_L, Q_R in zip(self.matrices(result), *self.axes(), strict=True):
            M[...] = Q_L @ M @ Q_R.mT
        return result

    def follow(self, g, t):
        """L and R take in g; at first, and then once in so many steps, Q_L and Q_R follow them."""
        matrices = self.matrices(g)
        L, R = _flat([G @ G.mT for G in matrices], g), _flat([G.mT @ G for G in matrices], g)
        self.L = self.beta_2 * self.L + (1 - self.beta_2) * L
        self.R = self.beta_2 * self.R + (1 - self.beta_2) * R
        is_first = np.ndim(self.Q_L) == 0
        if is_first or t % self.precondition_frequency == 0:
            squares = self.squares(self.L, 0), self.squares(self.R, 1)
            if is_first:
                Q_L, Q_R = ([np.linalg.eigh(A)[1][..., ::-1] for A in side] for side in squares)
            else:  # one step of the power method, for all eigenvectors together
                Q_L, Q_R = (
                    [np.linalg.qr(A @ Q)[0] for A, Q in zip(*pair, strict=True)]
                    for pair in zip(squares, self.axes(), strict=True)
                )
            self.Q_L, self.Q_R = _flat(Q_L, g), _flat(Q_R, g)

    def axes(self):
        """Q_L and Q_R of all matrices: two lists."""
        return self.squares(self.Q_L, 0), self.squares(self.Q_R, 1)

    def squares(self, flat, axis):
        """The square matrices, as long as the matrices' `axis`, that lie end to end in `flat`."""
        squares, start = [], 0
        for _, shape in self.places:
            n, stop = shape[axis], start + shape[axis] ** 2
            squares.append(flat[..., start:stop].reshape((*flat.shape[:-1], n, n)))
            start = stop
        return squares


def _flat(matrices, g):
    """Matrices (..., rows, columns) end to end in one vector; empty, and like g, if there are none.

    So each part of the state is one array, as in all other optimizers.
    """
    return np.concatenate([g[..., :0], *(M.reshape((*M.shape[:-2], -1)) for M in matrices)], -1)


class ScheduleFree(Optimizer):
    """The gradient is taken at y and moves z; the network is evaluated at x, the mean of all z.

    z <- z - learning_rate * (direction(g) + weight_decay * y)
    x <- (1 - c) * x + c * z,  c = learning_rate^2 / (sum of all learning_rate^2 so far)
    y <- (1 - beta_1) * z + beta_1 * x   (Defazio et al., 2024)

    At a constant rate c is 1/t. y is what `step` takes and returns; z and x start where y does, and
    from then on only steps move them.

    Args:
        learning_rate: As in `Optimizer`, and so are the arguments after warmup_steps.
        beta_1: In [0, 1]: where the gradient is taken, from 0, at z (Polyak & Juditsky, 1992),
            to 1, at the mean itself.
        warmup_steps: For so many steps the rate grows evenly.
    """

    state = ("z", "x", "total")

    def __init__(self, learning_rate, beta_1=0.9, warmup_steps=0, *shared, **named):
        self.beta_1 = checks.number("beta_1", beta_1, 0, 1)
        self.warmup_steps = checks.integer("warmup_steps", warmup_steps, 0)
        super().__init__(learning_rate, *shared, **named)

    def decayed(self, w, lr):
        return w  # here decay moves z

    def update(self, w, g, lr):
        if self.iterations == 1:
            self.z = self.x = w
        lr = lr * min(1.0, self.iterations / max(1, self.warmup_steps))
        step = self.direction(g)
        if self.weight_decay is not None:
            step = step + self.weight_decay * w
        self.z = self.z - lr * step
        self.total = self.total + lr**2
        c = lr**2 / (self.total + 1e-300)  # 0 while all rates were 0
        self.x = (1 - c) * self.x + c * self.z
        return (1 - self.beta_1) * self.z + self.beta_1 * self.x

    def direction(self, g):
        """Where z goes, for the gradient g."""
        raise NotImplementedError(f"{type(self).__name__} defines no direction")

    def evaluated(self, w):
        return self.x if self.iterations else w


class ScheduleFreeSGD(ScheduleFree):
    """Schedule-Free gradient descent: the direction is the gradient. Arguments: `ScheduleFree`."""

    def __init__(self, learning_rate=1.0, *shared, **named):
        super().__init__(learning_rate, *shared, **named)

    def direction(self, g):
        return g


class ScheduleFreeAdamW(ScheduleFree):
    """Schedule-Free AdamW: the direction is g / (sqrt(v / (1 - beta_2^t)) + epsilon).

    v <- beta_2 * v + (1 - beta_2) * g^2 at step t = 1, 2, ...

    Args:
        learning_rate: As in `ScheduleFree`, and so are the arguments that are not named here.
        beta_2: As in `Adam`.
        epsilon: As in `Adam`, but beside the corrected root.
    """

    state = (*ScheduleFree.state, "v")

    def __init__(
        self,
        learning_rate=0.0025,
        beta_1=0.9,
        beta_2=0.999,
        epsilon=1e-8,
        warmup_steps=0,
        *shared,
        **named,
    ):
        self.beta_2 = checks.fraction("beta_2", beta_2)
        self.epsilon = checks.number("epsilon", epsilon, 0)
        super().__init__(learning_rate, beta_1, warmup_steps, *shared, **named)

    def direction(self, g):
        self.v = self.beta_2 * self.v + (1 - self.beta_2) * g * g
        return g / (np.sqrt(self.v / (1 - self.beta_2**self.iterations)) + self.epsilon)


BY_NAME.update(
    {c.__name__.lower(): c for c in (Lion, Muon, SOAP, ScheduleFreeSGD, ScheduleFreeAdamW)}
)
