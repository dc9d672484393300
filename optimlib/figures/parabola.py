"""Gradient descent on one weight: a staircase of steps down a parabola."""

import numpy as np

from optimlib import checks
from optimlib.figures import svg, working
from optimlib.figures.controls import Controls, slider_position, slider_value
from optimlib.figures.explorable import Explorable
from optimlib.figures.paths import RULES
from optimlib.figures.words import number

FAR = 1e9  # beyond this it has diverged


def parabola(
    curvature=1.0,
    learning_rate=(0.01, 3.0),
    *,
    minimum=0.0,
    lowest=0.0,
    start=-2.0,
    width=3.0,
    steps=20,
    initial=None,
    goal="Find the rate that arrives in one step. Then the smallest that never arrives.",
    reached="left <= 0.03 and left >= -0.03",
    best=None,
    caption="Drag the dot, or click where it should start. The short line is the slope that a step "
    "feels; the step is the rate times that slope, the other way.",
    step=1,
    hint=False,
):
    """Gradient descent on f(w) = lowest + curvature * (w - minimum)^2 / 2, one step at a time.

    Beside it the distance to the minimum, and under it the rule with the numbers of the step.
    Facts: "rate", "w" (the start), "t", "left" (the share of the distance that a step leaves,
    1 - rate * curvature), "steps" (until a thousandth of the loss is left) and "distance" (the last
    over the first).

    Example:
        >>> parabola(0.436, (0.1, 6), minimum=0.93, lowest=0.08, start=3, initial={"rate": 2})
        <explorable parabola: ...

    Args:
        curvature: > 0, how sharply the parabola bends.
        learning_rate: (low, high).
        minimum, lowest: where the lowest point is, and its value.
        start: where the descent begins.
        width: how far the picture reaches to both sides of the minimum.
        steps: how many.
        initial: {name: value} where sliders stand at first.
        goal, reached, caption: what to try, when it is reached, what to see.
        best: what the button for the best setting brings; where None, the rate 1 / curvature.
        step: the step that is shown at first.
        hint: whether the dot invites the hand.

    Raises:
        ValueError: for arguments out of range.
    """
    curvature = checks.number("curvature", curvature, 0, open_low=True)
    width, steps = (
        checks.number("width", width, 0, open_low=True),
        checks.integer("steps", steps, 1),
    )
    left, right = minimum - width, minimum + width
    controls = Controls(initial)
    controls.slider("rate", learning_rate, "log", "learning rate")
    controls.time(steps, step)
    state = controls.state
    state["w"] = checks.number("start", start, left, right)
    path = stairs(curvature, state["rate"], state["w"] - minimum, steps) + minimum
    t = min(state["t"], len(path) - 1)
    loss = lowest + curvature * (path - minimum) ** 2 / 2
    panels = [
        _curve_panel(curvature, minimum, lowest, (left, right), path, loss, t),
        _distance_panel(path - minimum, steps, t),
    ]
    rule = RULES["SGD"]
    numbers = []
    if t:
        slope = curvature * (path[t - 1] - minimum)
        numbers = [{"w": float(path[t - 1]), "g": float(slope), "lr": state["rate"], "t": t}]
    foot = f'<div class="x-working" data-weight="0">{working.rule_html("SGD", rule, numbers, True)}'
    facts, said = facts_of(path - minimum, curvature, state, t, steps)
    if best is None:
        best = {"rate": slider_value(slider_position(np.clip(1 / curvature, *learning_rate)))}
    return Explorable(
        "parabola",
        {"curvature": curvature, "minimum": minimum, "lowest": lowest, "steps": steps},
        panels,
        controls,
        facts,
        said,
        goal,
        reached,
        caption,
        scripts=["paths", "working", "parabola"],
        rules={"SGD": rule},
        handle=svg.handle_html("start", "w", loss[0], panels[0], state, hint),
        foot=f"{foot}</div>",
        best=best,
    )


def stairs(curvature, rate, distance, steps):
    """The distances from the minimum, up to where they are out of all bounds."""
    path = [distance]
    for _ in range(steps):
        distance = distance - rate * (curvature * distance)
        if not abs(distance) < FAR:
            break
        path.append(distance)
    return np.array(path)


def facts_of(distances, curvature, state, t, steps):
    """The facts, and the sentence about them."""
    left = 1 - state["rate"] * curvature
    share = np.abs(distances) / max(abs(distances[0]), 1e-300)
    there = np.flatnonzero(share**2 > 1e-3)
    arrived = (there[-1] + 1 if there.size else 0) if share[-1] ** 2 <= 1e-3 else np.inf
    ended = len(distances) - 1 < steps
    facts = {
        "left": left,
        "steps": np.inf if ended else float(arrived),
        "distance": np.inf if ended else float(share[-1]),
    }
    return facts, f"A step leaves {number(left)} of the distance. {_step_said(distances, t)}"


def _step_said(distances, t):
    if not t:
        return "The first step is out of all bounds."
    a, b = (number(distances[i]) for i in (t - 1, t))
    return f"Step {t}: from {a} to {b} beside the minimum."


def _curve_panel(curvature, minimum, lowest, sides, path, loss, t):
    """The parabola, with the steps on it."""
    w = np.linspace(*sides, 81)
    f = lowest + curvature * (w - minimum) ** 2 / 2
    top = f.max()
    bottom = min(0.0, lowest)
    panel = svg.Panel(
        "Loss",
        sides,
        (bottom - 0.06 * (top - bottom), top),
        "weight w",
        "of one weight",
        alt="A parabola, the loss against one weight; a staircase of steps from the start towards "
        "its lowest point, and the slope at the point of the step shown.",
    )
    panel.still = f'<path class="x-line x-soft" d="{panel.line(w, f)}"/>'
    panel.mark("stairs", "x-thin x-whole", stair_line(panel, path, loss), "SGD")
    panel.mark("stairs past", "x-past", stair_line(panel, path[: t + 1], loss[: t + 1]), "SGD")
    panel.mark("dots", "x-dots", panel.dots(path, loss), "SGD")
    k = max(t - 1, 0)
    panel.mark("slope", "x-slope", tangent(panel, curvature, minimum, path[k], loss[k]))
    line, head = svg.arrow(panel.place(path[k], loss[k]), panel.place(path[t], loss[k]), 10)
    panel.moving += panel.shape("step", 'path class="x-arrow x-push"', d=line)
    panel.moving += panel.shape("step head", 'path class="x-head x-push"', d=head)
    panel.ring("start", path[0], loss[0])
    panel.marker("now", path[t], loss[t], "SGD")
    return panel


def stair_line(panel, path, loss):
    """Across at the height of the old point, then down, or up, to the curve."""
    w, f = np.repeat(path, 2)[1:], np.repeat(loss, 2)[:-1]
    return svg.path_data(panel.place(w, f), "l") if len(path) > 1 else ""


def tangent(panel, curvature, minimum, w, f):
    """A short piece of the tangent at (w, f), 60 pixels long."""
    scale = np.array([panel.w / np.ptp(panel.x[:2]), -panel.h / np.ptp(panel.y[:2])])
    along = scale * [1.0, curvature * (w - minimum)]
    along *= 30 / np.hypot(*along)
    middle = panel.place(w, f)
    return svg.path_data(np.stack([middle - along, middle + along]), "l")


def _distance_panel(distances, steps, t):
    """The distance to the minimum as a share of the first."""
    panel = svg.Panel(
        "Distance",
        (0, steps),
        (1e-4, 1e2),
        "step",
        "left, as a share of the start’s",
        size=svg.SIDE,
        log="y",
        alt="The distance to the minimum against step, on a logarithmic scale: a straight line.",
    )
    share = np.abs(distances) / max(abs(distances[0]), 1e-300)
    step = np.arange(len(share))
    panel.mark("distance", "x-thin x-whole", panel.line(step, share), "SGD")
    panel.mark("distance past", "x-past", panel.line(step[: t + 1], share[: t + 1]), "SGD")
    panel.marker("distance now", t, share[t], "SGD")
    return panel
