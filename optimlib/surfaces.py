"""Loss surfaces over two weights: bowls, valleys, and what makes them hard to descend.

For w of shape (..., 2), the value `surface(w)` has shape (...) and `surface.gradient(w)` has shape
(..., 2). A surface also has its `minimum`, the value there `lowest`, a good `start`, and the `box`
((left, right), (bottom, top)) worth drawing. An argument out of its range raises ValueError.
"""

import numpy as np

from optimlib import checks

FAR = 1e9  # a path with a coordinate beyond this has diverged


class Surface:
    """A function of two weights with its gradient, minimum, lowest value, start and box."""

    name = "surface"
    minimum, lowest = (0.0, 0.0), 0.0
    start, box = (-1.5, 1.0), ((-2.0, 2.0), (-2.0, 2.0))

    def __call__(self, w):
        """The value (...) at w (..., 2)."""
        return self.value(*self._coordinates(w))

    def gradient(self, w):
        """The gradient (..., 2) at w (..., 2)."""
        return np.stack(self.slopes(*self._coordinates(w)), axis=-1)

    def _coordinates(self, w):
        w = np.asarray(w, dtype=float)
        if w.shape[-1:] != (2,):
            raise ValueError(
                f"w has shape {w.shape}: "
                f"a point on the {self.name} has two coordinates on the last axis"
            )
        return w[..., 0], w[..., 1]

    def __repr__(self):
        return f"<{self.name}>"


class Quadratic(Surface):
    """A bowl f(w) = (c1 u1^2 + c2 u2^2) / 2, with axes u1, u2 of its own.

    Args:
        curvatures: c1, c2 > 0. The largest, L, limits the rate of plain descent to 2 / L; L over
            the smallest is the condition number.
        angle: By how many degrees u1, u2 are turned against the axes of w.
        name: What the surface is called in a figure or a message.
        start: A good point to begin at.
        box: The part worth drawing.
    """

    def __init__(
        self, curvatures, angle=0.0, name="quadratic", start=Surface.start, box=Surface.box
    ):
        self.curvatures = checks.number("curvatures", list(curvatures), 0, open_low=True)
        self.angle = checks.number("angle", angle)
        self.name, self.start, self.box = name, start, box
        cos, sin = np.cos(np.radians(self.angle)), np.sin(np.radians(self.angle))
        self.axes = np.array([[cos, sin], [-sin, cos]])  # row i is the direction of curvature c_i
        self.hessian = self.axes.T * self.curvatures @ self.axes

    def value(self, x, y):
        (xx, xy), (_, yy) = self.hessian
        return (xx * x**2 + 2 * xy * x * y + yy * y**2) / 2

    def slopes(self, x, y):
        (xx, xy), (_, yy) = self.hessian
        return xx * x + xy * y, xy * x + yy * y


def bowl():
    """The round bowl f = (x^2 + y^2) / 2."""
    return Quadratic((1.0, 1.0), name="round bowl")


def valley(condition_number=10.0, angle=0.0):
    """A valley turned by `angle` degrees: curvature 1 along it, `condition_number` across."""
    kappa = checks.number("condition_number", condition_number, 1)
    return Quadratic((1.0, kappa), angle, f"valley, condition number {kappa:g}")


class Plateau(Surface):
    """A sigmoid neuron that should give 0.1 at x = -1 and 0.9 at x = 1: flat where it is saturated.

    f(w, b) = mean over the two samples of (sigmoid(w x + b) - y)^2 / 2, for weight w and bias b;
    its minimum is at w = ln 9, b = 0.
    """

    name = "plateau"
    minimum = (float(np.log(9)), 0.0)
    start, box = (-6.0, 1.0), ((-8.0, 6.0), (-4.0, 4.0))
    samples = ((-1.0, 0.1), (1.0, 0.9))

    def value(self, w, b):
        return sum((_sigmoid(w * x + b) - y) ** 2 for x, y in self.samples) / 4

    def slopes(self, w, b):
        dw = db = 0.0
        for x, y in self.samples:
            a = _sigmoid(w * x + b)
            delta = (a - y) * a * (1 - a) / 2  # the chain rule: error times the sigmoid's slope
            dw, db = dw + delta * x, db + delta
        return dw, db


class Saddle(Surface):
    """f = x^2 / 2 + (y^2 - 1)^2 / 4: a saddle at the origin, between minima at y = -1 and y = 1."""

    name = "saddle"
    minimum = (0.0, 1.0)
    start, box = (-1.5, 0.01), ((-2.0, 2.0), (-1.8, 1.8))

    def value(self, x, y):
        return x**2 / 2 + (y**2 - 1) ** 2 / 4

    def slopes(self, x, y):
        return x, y * (y**2 - 1)


class Rosenbrock(Surface):
    """f = (1 - x)^2 + 100 (y - x^2)^2: a curved valley, minimum at (1, 1) (Rosenbrock, 1960)."""

    name = "Rosenbrock's valley"
    minimum = (1.0, 1.0)
    start, box = (-1.2, 1.0), ((-2.0, 2.0), (-1.0, 3.0))

    def value(self, x, y):
        return (1 - x) ** 2 + 100 * (y - x**2) ** 2

    def slopes(self, x, y):
        return -2 * (1 - x) - 400 * x * (y - x**2), 200 * (y - x**2)


class Beale(Surface):
    """f = sum of (c_i - x + x y^i)^2, c = 1.5, 2.25, 2.625: plateaus and steep walls (Beale, 1958).

    Its minimum is at (3, 0.5).
    """

    name = "Beale's function"
    minimum = (3.0, 0.5)
    start, box = (1.0, 1.5), ((-1.0, 4.5), (-2.0, 2.0))
    constants = ((1, 1.5), (2, 2.25), (3, 2.625))

    def value(self, x, y):
        return sum((c - x + x * y**i) ** 2 for i, c in self.constants)

    def slopes(self, x, y):
        dx = dy = 0.0
        for i, c in self.constants:
            r = c - x + x * y**i
            dx, dy = dx + 2 * r * (y**i - 1), dy + 2 * r * x * i * y ** (i - 1)
        return dx, dy


class Ripples(Surface):
    """A round bowl with bumps of some `height` >= 0, a `length` > 0 apart.

    f = (x^2 + y^2) / 2 + height * (2 - cos(2 pi x / length) - cos(2 pi y / length))
    """

    name = "rippled bowl"
    start = (-1.7, 1.3)

    def __init__(self, height=0.05, length=0.4):
        self.height = checks.number("height", height, 0)
        self.length = checks.number("length", length, 0, open_low=True)

    def value(self, x, y):
        k = 2 * np.pi / self.length
        return (x**2 + y**2) / 2 + self.height * (2 - np.cos(k * x) - np.cos(k * y))

    def slopes(self, x, y):
        k = 2 * np.pi / self.length
        return x + self.height * k * np.sin(k * x), y + self.height * k * np.sin(k * y)


plateau, saddle, rosenbrock, beale, ripples = Plateau, Saddle, Rosenbrock, Beale, Ripples


def descend(optimizer, surface, start=None, steps=100, noise=0.0, rng=None):
    """The path of an optimizer on a surface, (steps + 1, ..., 2), from its start on.

    The optimizer starts afresh; its last state is there to be looked at. A replica with a
    coordinate beyond 1e9 has diverged: from there on its path is NaN, and one warning names its
    rate.

    Args:
        optimizer: The optimizer; replicas of its hyper-parameters are replicas of the path.
        surface: The surface.
        start: The first point (..., 2), or None for the surface's own.
        steps: How many.
        noise: The standard deviation of Gaussian noise that is added to every gradient.
        rng: A numpy Generator that draws the noise.
    """
    steps = checks.integer("steps", steps, 1)
    noise = checks.number("noise", noise, 0)
    if isinstance(optimizer, type) or not hasattr(optimizer, "step"):
        raise ValueError(f"optimizer={optimizer!r} is no optimizer, such as optimizers.SGD(0.1)")
    if isinstance(surface, type) or not hasattr(surface, "gradient"):
        raise ValueError(f"surface={surface!r} is no surface, such as surfaces.bowl()")
    if np.any(noise) and not hasattr(rng, "standard_normal"):
        raise ValueError(
            f"noise={noise!r} needs an rng such as np.random.default_rng(0): rng={rng!r}"
        )
    optimizer.reset()
    w = checks.number("start", surface.start if start is None else start)
    w = np.array(np.broadcast_to(w, optimizer.broadcast_shape(np.shape(w))))
    path = np.full((steps + 1, *w.shape), np.nan)
    path[0] = w
    diverged = np.zeros(w.shape[:-1], dtype=int)  # the step of it, 0 for none
    rate = optimizer.learning_rate
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        for step in range(1, steps + 1):
            g = surface.gradient(w)
            if np.any(noise):
                g = g + noise * rng.standard_normal(g.shape)
            diverged[~np.isfinite(g).all(axis=-1) & (diverged == 0)] = step
            w = optimizer.step(w, np.where(diverged[..., None] > 0, 0.0, g))
            diverged[~(np.abs(w) < FAR).all(axis=-1) & (diverged == 0)] = step
            path[step] = w = np.where(diverged[..., None] > 0, np.nan, w)
    checks.warn_diverged(diverged, rate, "step", "the path is NaN from there")
    return path


def _sigmoid(z):
    return 0.5 * (1 + np.tanh(z / 2))  # never overflows
