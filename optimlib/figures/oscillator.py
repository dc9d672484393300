"""Momentum on a quadratic: how fast it converges, and one weight as an oscillator."""

import numpy as np

from optimlib import checks, surfaces
from optimlib.figures import svg
from optimlib.figures.controls import Controls
from optimlib.figures.explorable import Explorable
from optimlib.figures.paths import (
    RULES,
    descend,
    outcome,
    outcome_words,
    surface_data,
    surface_map,
)
from optimlib.figures.words import number

RATES, MOMENTA = (0.02, 3.98), (0, 0.99)


def momentum_map(
    condition_number=10,
    *,
    steps=80,
    initial=None,
    goal="Find the rate and the momentum at which the error shrinks fastest.",
    reached=None,
    caption="The stronger the colour, the faster the error shrinks in the long run (L is the "
    "largest curvature); drag the ring. The phase portrait is one weight as an oscillator: its "
    "position, and its velocity, scaled so that without friction it goes round a circle. "
    "The dotted line is the error that the map foretells.",
    step=10,
):
    """The convergence rate of momentum on a valley over (learning rate, momentum), with a probe.

    Below it the path, the phase portrait and the error. Facts: "rate" (times the largest curvature
    L), "momentum", "convergence" (the spectral radius: the factor by which a step multiplies the
    error in the long run), "steps" (to the minimum) and "t".

    Example:
        >>> momentum_map(100, initial={"rate": 1.0, "momentum": 0.9})
        <explorable momentum_map: ...

    Args:
        condition_number: of the valley, >= 1.
        steps: how many.
        initial: {name: value} where sliders stand at first.
        goal, reached, caption: what to try, when it is reached, what to see.
        step: the step that is shown at first.

    Raises:
        ValueError: for arguments out of range.
    """
    kappa = checks.number("condition_number", condition_number, 1)
    steps = checks.integer("steps", steps, 1)
    surface, controls = surfaces.valley(kappa), Controls(initial)
    controls.slider("rate", RATES, "linear", "rate × L", start=1.0, by=0.01)
    controls.slider("momentum", MOMENTA, "linear", start=0.8, by=0.01)
    controls.select("direction", ["along the floor", "across the floor"], start=1)
    controls.time(steps, step)
    t = controls.state["t"]
    rate, momentum, direction = (controls.state[key] for key in ("rate", "momentum", "direction"))
    hyper = {"rate": rate / kappa, "momentum": momentum}
    path = descend("momentum", hyper, surface, surface.start, steps)
    shrinks = float(max(radius(rate / kappa, momentum), radius(rate, momentum)))

    board = _board(kappa, rate, momentum)
    valley = surface_map(surface)
    valley.alt = (
        "The path of momentum from its start over the contour lines of the valley, a dot a step."
    )
    valley.trail("valley", path, "momentum", t)
    w = path[:, direction] / surface.start[direction]
    pull = rate if direction else rate / kappa  # rate times the curvature in this direction
    panels = [board, _error_panel(path, shrinks, t), valley, _phase_panel(w, pull, t)]

    fate = outcome(path, surface)
    fate_words = outcome_words(fate, surface(path[0]))
    words = f"along the floor {damped(rate / kappa, momentum)}, across it {damped(rate, momentum)}"
    k = min(t, int(np.isfinite(path[:, 0]).sum()) - 1)
    left = number(np.hypot(*path[k]) / np.hypot(*path[0]))
    said = (
        f"Step {k}: {left} of the distance left. Rate {number(rate)} / L, "
        f"momentum {number(momentum)}: {words}; in the long run "
        f"a step multiplies the error by {number(shrinks)}; {fate_words}."
    )
    fastest = best_of(kappa)
    if reached is None:
        reached = f"convergence <= {1.02 * np.sqrt(fastest['momentum']) + 1e-9:.6g}"
    data = {
        "condition_number": kappa,
        "surface": surface_data(surface),
        "steps": steps,
        "fastest": fastest,
    }
    return Explorable(
        "momentum_map",
        data,
        panels,
        controls,
        {"convergence": shrinks, "steps": float(fate["steps"])},
        said,
        goal,
        reached,
        caption,
        scripts=["paths", "oscillator"],
        rules={"momentum": RULES["momentum"]},
        handle=svg.handle_html("probe", "rate", "momentum", board, controls.state),
        best=True,
    )


def _board(kappa, rate, momentum):
    """The map of the convergence rate, with a ring at the probe."""
    panel = svg.Panel(
        "Speed of convergence",
        (0, 4),
        (0, 1),
        "learning rate × L",
        "momentum",
        limits=[list(RATES), list(MOMENTA)],
        alt="Map of the convergence rate over learning rate and momentum "
        f"for the condition number {kappa:g}.",
    )
    panel.still = _heat(panel, kappa)
    panel.ring("probe", rate, momentum)
    return panel


def _phase_panel(w, pull, t):
    """The velocity of one weight against its position."""
    panel = svg.Panel(
        "Phase portrait",
        (-1.6, 1.6),
        (-1.6, 1.6),
        "position, in starts",
        "velocity, scaled",
        alt="Phase portrait of one weight: its velocity against its position, a dot a step.",
    )
    velocity = np.diff(w, prepend=w[0]) / np.sqrt(pull)
    panel.trail("phase", np.stack([w, velocity], axis=-1), "momentum", t)
    return panel


def _error_panel(path, shrinks, t):
    """The distance to the minimum, and what the map foretells of it."""
    steps = np.arange(len(path))
    panel = svg.Panel(
        "Distance",
        (0, len(path) - 1),
        (1e-6, 1e2),
        "step",
        "left, as a share of the start’s",
        size=svg.SIDE,
        log="y",
        alt="Distance to the minimum against step on a logarithmic scale, with the line that the "
        "convergence rate foretells.",
    )
    panel.mark("asymptote", "x-dotted", panel.line(steps, shrinks**steps))
    path = path[np.isfinite(path).all(axis=-1)]
    t, distance = min(t, len(path) - 1), np.hypot(*path.T) / np.hypot(*path[0])
    panel.mark("distance", "x-thin x-whole", panel.line(steps[: len(path)], distance), "momentum")
    past = panel.line(steps[: t + 1], distance[: t + 1])
    panel.mark("distance past", "x-past", past, "momentum")
    panel.marker("distance now", t, distance[t], "momentum")
    return panel


def radius(pull, momentum):
    """The spectral radius of momentum on one curvature; pull is the rate times the curvature.

    It is that of the companion matrix of w' = (1 + momentum - pull) w - momentum * (w one step
    before).
    """
    trace = 1 + momentum - pull
    inside = trace**2 - 4 * momentum
    real = (np.abs(trace) + np.sqrt(np.maximum(inside, 0))) / 2
    return np.where(inside < 0, np.sqrt(momentum), real)


def damped(pull, momentum):
    """What momentum does on one curvature.

    Returns:
        "diverging", "critically damped", "overdamped" or "oscillating".
    """
    trace = 1 + momentum - pull
    if radius(pull, momentum) >= 1:
        return "diverging"
    near = min(0.005, 0.05 * (1 - np.sqrt(momentum)))
    if abs(np.sqrt(momentum) - abs(1 - np.sqrt(pull))) < near:
        return "critically damped"
    return "overdamped" if trace > 0 and trace**2 > 4 * momentum else "oscillating"


def best_of(kappa):
    """The rate, times L, and the momentum that shrink the error fastest (Polyak, 1964)."""
    root = np.sqrt(kappa)
    return {
        "rate": float(4 * kappa / (root + 1) ** 2),
        "momentum": float(((root - 1) / (root + 1)) ** 2),
    }


def region(kappa, factor):
    """The corners of the region where a step shrinks the error to `factor` of it or less.

    Both roots of z^2 - (1 + momentum - pull) z + momentum lie within c where momentum <= c^2 and
    (1 - c) (1 - momentum / c) <= pull <= (1 + c) (1 + momentum / c); pull is x / kappa along the
    floor, and x across it.

    Returns:
        x, the rates times L, and the momenta of four corners.
    """
    left, right = kappa * (1 - factor), 1 + factor
    low = factor * max((left - right) / (left + right), 0)  # where the edges meet
    momentum = np.array([low, low, factor**2, factor**2])
    x = np.where([1, 0, 0, 1], left * (1 - momentum / factor), right * (1 + momentum / factor))
    return x, momentum


def _heat(panel, kappa):
    """Nested regions of convergence, each a little better: the colours add up."""
    best = max((np.sqrt(kappa) - 1) / (np.sqrt(kappa) + 1), 0.05)
    regions = [panel.place(*region(kappa, factor)) for factor in best ** np.arange(0, 1, 0.05)]
    shapes = "".join(f'<path d="{svg.path_data(corners, "l")}z"/>' for corners in regions)
    (x, y), edge = panel.place(3.1, 0.25), panel.line([2, 4], [0, 1])
    words = f'<text x="{x:.0f}" y="{y:.0f}" text-anchor="middle">diverges</text>'
    return f'<g class="x-heat">{shapes}</g><path class="x-dotted" d="{edge}"/>{words}'
