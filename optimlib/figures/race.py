"""Optimizers raced from one start on a surface."""

import numpy as np

from optimlib import checks, surfaces
from optimlib.figures import svg
from optimlib.figures.controls import Controls
from optimlib.figures.explorable import Explorable
from optimlib.figures.paths import (
    GOAL,
    RACERS,
    RULES,
    descend,
    outcome,
    outcome_words,
    surface_data,
    surface_map,
)
from optimlib.figures.words import number


def explore(
    surface,
    optimizers=("SGD",),
    learning_rate=(1e-3, 1.0),
    *,
    angle=None,
    noise=0.0,
    steps=60,
    start=None,
    initial=None,
    goal="Bring every path to the minimum in as few steps as you can.",
    reached=None,
    caption="Drag the ring, where all paths start, or move it with the arrow keys; each dot is a "
    "step. The dotted line is a thousandth of the loss at the start: from where a path stays "
    "below it, it counts as at the minimum.",
    **hyper,
):
    """Optimizers raced from one start on a surface, or on one of several chosen in a box.

    Each has a slider for its rate. Facts: "SGD rate", "SGD steps" (to the minimum), "SGD loss",
    "SGD diverged" (the step), "SGD turns" (steps on which the gradient changed sign), ... for every
    optimizer, and the hyper-parameters, "x" and "y".

    Args:
        surface: a surface, or a list of them.
        optimizers: names of RACERS.
        learning_rate: (low, high), or a dict of them by name.
        angle: (low, high), a slider that turns the one quadratic surface, in degrees.
        noise: standard deviation of the noise on the gradient, or (low, high), which gets a slider.
        steps: how many.
        start: where the paths begin, the surface's own where None.
        initial: {name: value} where sliders stand at first.
        goal, reached, caption: what to try, when it is reached, what to see.
        **hyper: a hyper-parameter of the optimizers by its name, momentum=0.9, or a pair
            (low, high) that gets a slider.

    Raises:
        ValueError: for unknown optimizers, and for arguments out of range.
    """
    steps = checks.integer("steps", steps, 1)
    names = [optimizers] if isinstance(optimizers, str) else list(optimizers)
    several = list(surface) if isinstance(surface, list | tuple) else [surface]
    for name in names:
        checks.known("optimizers", name, RACERS)
    if angle is not None and (len(several) > 1 or not isinstance(surface, surfaces.Quadratic)):
        raise ValueError(
            f"angle={angle!r} can only turn one quadratic surface, but surface is {surface!r}"
        )
    controls = _controls(several, names, learning_rate, angle, noise, hyper, initial)
    state = controls.state
    if angle is not None:
        (one,) = several
        several = [surfaces.Quadratic(one.curvatures, state["angle"], one.name, one.start, one.box)]
    chosen = several[state["surface"]]
    start = checks.number("start", list(chosen.start if start is None else start)).tolist()
    state["x"], state["y"] = start
    draws = np.zeros((0, 2))
    if np.any(noise):
        draws = np.random.default_rng(0).standard_normal((steps, 2)).round(2)

    def run(name, on, **changes):
        first = start if on is chosen else on.start
        rate = {"rate": state[f"{name} rate"]}
        return descend(name, state | rate | changes, on, first, steps, draws)

    pars = [{} for _ in several]
    if reached is None:
        reached = " and ".join(f"{name} steps <= {name} par" for name in names)
        pars = [_pars(run, one, names, controls) for one in several]
    maps, paths = [surface_map(one) for one in several], {name: run(name, chosen) for name in names}
    panels = [_board(several, maps, chosen, paths, start), _loss_panel(paths, chosen)]
    facts, said = _told(paths, chosen, pars[state["surface"]], state)
    data = {
        "optimizers": {name: list(RACERS[name].sliders) for name in names},
        "steps": steps,
        "draws": draws.tolist(),
        "sliders": list(controls.grids),
        "surfaces": [
            surface_data(one) | {"panel": panel.scale(), "par": par}
            for one, panel, par in zip(several, maps, pars, strict=True)
        ],
    }
    choices = {"surface": [{"x": float(one.start[0]), "y": float(one.start[1])} for one in several]}
    return Explorable(
        "explore",
        data,
        panels,
        controls,
        facts,
        said,
        goal,
        reached,
        caption,
        scripts=["paths", "race"],
        rules={name: RULES[name] for name in names},
        handle=svg.handle_html("start", "x", "y", maps[state["surface"]], state),
        choices=choices,
        best=True,
        quiet=True,
    )


def _controls(several, names, learning_rate, angle, noise, hyper, initial):
    """The controls of a race: surface, rates, angle, hyper-parameters, noise."""
    controls = Controls(initial)
    if len(several) > 1:
        controls.select("surface", [one.name for one in several])
    else:
        controls.state["surface"] = 0
    for name in names:
        limits = learning_rate.get(name) if isinstance(learning_rate, dict) else learning_rate
        if limits is None:
            raise ValueError(f"learning_rate={learning_rate!r} has no range for {name!r}")
        controls.slider(f"{name} rate", limits, "log", series=name)
    if angle is not None:
        first = float(np.clip(several[0].angle, *angle))
        controls.slider(
            "angle", angle, "linear", "angle of the valley", unit="°", start=first, outs=False
        )
    every = {key: row for racer in RACERS.values() for key, row in racer.sliders.items()}
    used = {key for name in names for key in RACERS[name].sliders}
    for key, value in hyper.items():
        checks.known("the hyper-parameter", key, every)
        if key not in used:
            raise ValueError(f"{key}={value!r} moves nothing: none of {', '.join(names)} uses it")
    for key, (scale, default) in every.items():
        if key in used:
            controls.slider(key, hyper.get(key, default), scale, outs=False)
    controls.slider("noise", noise, "zero", "noise on the gradient", start=0.0, outs=False)
    return controls


def _board(several, maps, chosen, paths, start):
    """The panel of the maps: one of them in sight, with the paths on it."""
    on_map = maps[several.index(chosen)]
    for name, path in paths.items():
        on_map.trail(name, path, name)
    on_map.ring("start", *start)
    board = svg.Panel("", on_map.x, on_map.y)
    what = " or the ".join(one.name for one in several)
    board.alt = f"Contour lines of the {what}; from one start, the paths of {', '.join(paths)}."
    board.marks, board.moving = dict(on_map.marks), on_map.moving
    for i, one in enumerate(maps):
        shown = board.marks[f"surface {i}"] = {"display": "inline" if one is on_map else "none"}
        mark = f'data-mark="surface {i}"{svg.attribute_text(shown)}'
        board.back += f"<g {mark}>{one.frame()}</g>"
    return board


def _loss_panel(paths, surface):
    """The panel of the losses, as shares of the loss at the start."""
    steps = len(next(iter(paths.values()))) - 1
    panel = svg.Panel(
        "Loss",
        (0, steps),
        (1e-6, 1e2),
        "step",
        "loss / loss at the start",
        log="y",
        alt="Loss as a share of the loss at the start against step, on a logarithmic scale, "
        "one curve an optimizer.",
    )
    panel.still = f'<path class="x-dotted" d="{panel.line([0, steps], [GOAL, GOAL])}"/>'
    for name, path in paths.items():
        loss = surface(path) - surface.lowest
        panel.curve(f"{name} loss", np.arange(steps + 1), loss / loss[0], name)
    return panel


def _told(paths, surface, pars, state):
    """The facts, and the sentence about them."""
    facts, said = {f"{name} par": par for name, par in pars.items()}, []
    for name, path in paths.items():
        fate = outcome(path, surface)
        facts |= {f"{name} {key}": float(value) for key, value in fate.items()}
        rate = number(state[f"{name} rate"])
        said.append(f"{name} at rate {rate}: {outcome_words(fate, len(path) - 1)}")
    return facts, f"From ({number(state['x'])}, {number(state['y'])}). {'; '.join(said)}."


def _pars(run, surface, names, controls):
    """What a reader should reach: 1.1 times the fewest steps to the minimum, {name: steps}.

    They are sought over the slider of the rate and, where it has one, of the momentum. It is as
    good as infinite for an optimizer that never gets there, and -1 where all are such: they have
    nothing to reach.
    """
    least = {}
    for name in names:
        changes = {"rate": controls.grid(f"{name} rate", 3)[:, None]}
        if "momentum" in RACERS[name].sliders:
            changes["momentum"] = controls.grid("momentum", 10)[:, None, None]
        fewest = outcome(run(name, surface, **changes), surface)["steps"].min()
        least[name] = float(np.floor(1.1 * fewest))
    if min(least.values()) == np.inf:
        return dict.fromkeys(names, -1.0)
    return {name: min(par, 1e9) for name, par in least.items()}
