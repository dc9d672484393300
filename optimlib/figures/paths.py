"""Who walks in the figures, along what, and what became of it."""

import warnings
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np

from optimlib import newer, optimizers, surfaces
from optimlib.figures import palette, svg
from optimlib.figures.rules import Rule
from optimlib.figures.words import number

GOAL = 1e-3  # "at the minimum": the loss is down to this share of its start, and stays there


class Racer(NamedTuple):
    """An optimizer as the figures know it."""

    make: Callable  # makes one from a learning rate and the hyper-parameters below
    sliders: dict  # the hyper-parameters that may have one, {name: (scale, default)}


MOMENTUM = {"momentum": ("memory", 0.9)}
BETAS = {"beta_1": ("memory", 0.9), "beta_2": ("memory", 0.999)}
RACERS = {
    "SGD": Racer(optimizers.SGD, {}),
    "momentum": Racer(optimizers.SGD, MOMENTUM),
    "Nesterov": Racer(partial(optimizers.SGD, nesterov=True), MOMENTUM),
    "Adagrad": Racer(optimizers.Adagrad, {}),
    "RMSprop": Racer(optimizers.RMSprop, {"rho": ("memory", 0.9)}),
    "Adam": Racer(optimizers.Adam, BETAS),
    "AdamW": Racer(optimizers.AdamW, BETAS | {"weight_decay": ("log", 0.004)}),
    "Lion": Racer(newer.Lion, {"beta_1": ("memory", 0.9), "beta_2": ("memory", 0.99)}),
    "Schedule-Free": Racer(newer.ScheduleFreeSGD, {"beta_1": ("memory", 0.9)}),
}
RULES = {
    name: Rule(
        racer.make(**{key: value for key, (_, value) in racer.sliders.items()}), racer.sliders
    )
    for name, racer in RACERS.items()
}


def optimizer_of(name, state):
    """The optimizer `name` at the rate, and with those of its hyper-parameters, in `state`."""
    racer = RACERS[name]
    hyper = {key: default for key, (_, default) in racer.sliders.items()}
    return racer.make(state["rate"], **{key: state.get(key, hyper[key]) for key in hyper})


def descend(name, state, surface, start, steps, draws=None):
    """The path of the optimizer `name` with the hyper-parameters of `state`, by optimlib itself."""
    noise = float(state.get("noise", 0.0))
    optimizer, rng = optimizer_of(name, state), RecordedNoise(draws) if noise else None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # the figure says where a path diverged
        return surfaces.descend(optimizer, surface, start, steps, noise, rng)


class RecordedNoise:
    """In place of a random generator: the same noise for every optimizer and every setting."""

    def __init__(self, draws):
        self.draws = iter(draws)

    def standard_normal(self, shape):
        """The noise of the next step."""
        return np.broadcast_to(next(self.draws), shape)


def outcome(path, surface):
    """What became of a path (steps + 1, ..., 2).

    Returns:
        "steps": the first step from which on the loss above the lowest stays within GOAL times its
        value at the start, inf where there is none; "loss", the last; "diverged", the step, inf
        where it did not; "turns", on how many steps a component of the gradient, along the axes
        of a quadratic, changed sign.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        loss = surface(path) - surface.lowest
        stays = np.logical_and.accumulate((loss <= GOAL * loss[0])[::-1])[::-1]
        g = surface.gradient(path) @ getattr(surface, "axes", np.eye(2)).T
        size = (g[0] * g[0]).sum(axis=-1)[..., None]
        turned = (g[1:] * g[:-1] < -1e-12 * size).any(axis=-1)
    gone = np.isnan(path[..., 0])
    return {
        "steps": np.where(stays.any(axis=0), stays.argmax(axis=0), np.inf),
        "loss": np.where(gone[-1], np.inf, loss[-1]),
        "diverged": np.where(gone.any(axis=0), gone.argmax(axis=0), np.inf),
        "turns": turned.sum(axis=0),
    }


def outcome_words(fate, first):
    """What became of a path, in words; first: the loss at its start."""
    if fate["diverged"] < np.inf:
        return f"diverged at step {fate['diverged']:g}"
    if fate["steps"] < np.inf:
        return f"{fate['steps']:g} steps to the minimum"
    return f"{number(fate['loss'] / first)} of the loss left"


def environments(name, state, surface, path, t, draws):
    """What `working.worked` takes, for each of the two weights, at step t of a path."""
    optimizer, noise = optimizer_of(name, state), float(state.get("noise", 0.0))

    def gradient(step):
        g = surface.gradient(path[step - 1])
        return g + noise * draws[step - 1] if noise else g

    for step in range(1, t):
        optimizer.step(path[step - 1], gradient(step))
    rule, g = RULES[name], gradient(t)
    hyper = {f"self.{key}": getattr(optimizer, key) for key in rule.hyper}
    memory = {key: np.broadcast_to(getattr(optimizer, key), 2) for key in rule.memory}
    return [
        {"w": float(path[t - 1, i]), "g": float(g[i]), "lr": state["rate"], "t": t}
        | hyper
        | {f"self.{key}": float(v[i]) for key, v in memory.items()}
        for i in range(2)
    ]


CONSTANTS = ("curvatures", "angle", "samples", "constants", "height", "length")  # of the surfaces
AXES = {surfaces.Plateau: ("weight w", "bias b")}
# of the contour lines, as shares of the highest value: dense near the bottom
LEVELS = np.linspace(0.03, 1, 15) ** 2


def surface_data(surface):
    """What the script needs to know of a surface."""
    constants = {
        key: np.asarray(getattr(surface, key)).tolist()
        for key in CONSTANTS
        if hasattr(surface, key)
    }
    kind, start = type(surface).__name__, list(surface.start)
    return {"kind": kind, "start": start, "lowest": surface.lowest} | constants


def surface_map(surface):
    """A panel with the contour lines and the minima of a surface."""
    title = surface.name[0].upper() + surface.name[1:]
    panel = svg.Panel(title, *surface.box, *AXES.get(type(surface), ("weight x", "weight y")))
    (left, right), (bottom, top) = surface.box
    centred = left == bottom == -right == -top
    if isinstance(surface, surfaces.Quadratic) and centred:
        lines = _ellipses(panel, surface)
    else:
        lines = _contours(panel, surface)
    minima = [surface.minimum]
    if isinstance(surface, surfaces.Saddle):
        minima = [(0.0, 1.0), (0.0, -1.0)]
    places = (svg.attribute_text(panel.move(*point)) for point in minima)
    stars = "".join(f'<path class="x-star"{place} d="{palette.STAR}"/>' for place in places)
    panel.still = f'<g class="x-contour">{lines}</g>{stars}'
    return panel


def _ellipses(panel, surface):
    """The contour lines of a quadratic: short, and easy to turn."""
    left, right = surface.box[0]
    highest = max(surface([left, left]), surface([left, right]))
    scale = panel.w / (right - left)
    radii = [scale * np.sqrt(2 * highest * level / surface.curvatures) for level in LEVELS[:-1]]
    shapes = "".join(f'<ellipse rx="{rx:.1f}" ry="{ry:.1f}"/>' for rx, ry in radii)
    middle = f"{panel.w / 2:g} {panel.h / 2:g}"
    turn = panel.marks["contours"] = {"transform": f"rotate({-surface.angle + 0:g} {middle})"}
    turned = f'<g data-mark="contours"{svg.attribute_text(turn)}>'
    return f'{turned}<g transform="translate({middle})">{shapes}</g></g>'


def _contours(panel, surface):
    """The contour lines of any surface."""
    from contourpy import contour_generator

    x, y = (np.linspace(*side, 121) for side in surface.box)
    f = surface(np.stack(np.meshgrid(x, y), axis=-1)) - surface.lowest
    levels = contour_generator(x, y, f).multi_lines(f.max() * LEVELS[:-1:2])
    data = "".join(
        svg.path_data(2 * svg.thinned(panel.place(*line.T)), "l")
        for level in levels
        for line in level
    )
    return f'<path transform="scale(.5)" stroke-width="1.8" d="{data}"/>'  # whole half pixels
