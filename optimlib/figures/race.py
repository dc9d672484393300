"""Optimizers raced from one start on a surface."""

import numpy as np

from optimlib import checks, surfaces
from optimlib.figures import svg, working
from optimlib.figures.controls import Controls
from optimlib.figures.explorable import Explorable
from optimlib.figures.paths import (
    GOAL,
    RACERS,
    RULES,
    descend,
    environments,
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
    noises=1,
    steps=60,
    start=None,
    initial=None,
    goal="Bring every path to the minimum in as few steps as you can.",
    reached=None,
    caption="Drag the ring, where all paths start, or click where it should be; each dot is a "
    "step. Play, or point at a dot or a curve, to see one. The dotted line is a thousandth of the "
    "loss at the start: from where a path stays below it, it counts as at the minimum.",
    step=6,
    rule=None,
    best=None,
    hint=False,
    **hyper,
):
    """Optimizers raced from one start on a surface, or on one of several chosen in a box.

    Each has a slider for its rate. Facts: "SGD rate", "SGD steps" (to the minimum), "SGD share"
    (the last loss over the loss at the start), "SGD diverged" (the step), "SGD turns" (steps on
    which the gradient changed sign), ... for every optimizer; the hyper-parameters, "x", "y" and
    "t"; "draw", which noise it is.

    The map shows one step of one optimizer as arrows: the terms that it is the sum of, head to
    tail. Under it stands the optimizer's rule with the numbers of this step.

    Example:
        >>> explore(surfaces.valley(10), ["SGD", "momentum"], (1e-3, 0.5), momentum=(0, 0.99))
        <explorable explore: ...

    Args:
        surface: a surface, or a list of them.
        optimizers: names of RACERS.
        learning_rate: (low, high), or a dict of them by name.
        angle: (low, high), a slider that turns the one quadratic surface, in degrees.
        noise: standard deviation of the noise on the gradient, or (low, high), which gets a slider.
        noises: how many noises there are to choose from, by a slider where they are several.
        steps: how many.
        start: where the paths begin, the surface's own where None.
        initial: {name: value} where sliders stand at first.
        goal, reached, caption: what to try, when it is reached, what to see.
        step: the step that is shown at first.
        rule: the optimizer whose rule is shown at first, the first where None.
        best: {name: value} that the button for the best setting brings along where the rates alone
            do not reach the goal, such as a start {"x": -2.0}.
        hint: whether the ring invites the hand.
        **hyper: a hyper-parameter of the optimizers by its name, momentum=0.9, or a pair
            (low, high) that gets a slider.

    Raises:
        ValueError: for unknown optimizers, and for arguments out of range.
    """
    steps, noises = checks.integer("steps", steps, 1), checks.integer("noises", noises, 1)
    names = [optimizers] if isinstance(optimizers, str) else list(optimizers)
    several = list(surface) if isinstance(surface, list | tuple) else [surface]
    for name in names:
        checks.known("optimizers", name, RACERS)
    if angle is not None and (len(several) > 1 or not isinstance(surface, surfaces.Quadratic)):
        raise ValueError(
            f"angle={angle!r} can only turn one quadratic surface, but surface is {surface!r}"
        )
    if noises > 1 and not np.any(noise):
        raise ValueError(f"noises={noises!r} moves nothing: noise={noise!r}")
    controls = _controls(several, names, learning_rate, angle, noise, noises, hyper, initial)
    state = controls.state
    controls.time(steps, step)
    rule = names[0] if rule is None else checks.known("rule", rule, dict(zip(names, names)))
    if angle is not None:
        (one,) = several
        several = [surfaces.Quadratic(one.curvatures, state["angle"], one.name, one.start, one.box)]
    chosen = several[state["surface"]]
    start = checks.number("start", list(chosen.start if start is None else start)).tolist()
    state["x"], state["y"] = start
    draws = np.zeros((0, 2))
    if np.any(noise):  # several weigh less with one decimal
        draws = np.random.default_rng(0).standard_normal((noises * steps, 2))
        draws = draws.round(2 if noises == 1 else 1)
    drawn = draws[int(state["draw"] - 1) * steps :][:steps]

    def run(name, on, **changes):
        first = start if on is chosen else on.start
        return descend(name, _own(state, name) | changes, on, first, steps, drawn)

    pars = [{} for _ in several]
    if reached is None:
        reached = " and ".join(f"{name} steps <= {name} par" for name in names)
        pars = [_pars(run, one, names, controls) for one in several]
    maps, paths = [surface_map(one) for one in several], {name: run(name, chosen) for name in names}
    lengths = {name: int(np.isfinite(path[:, 0]).sum()) - 1 for name, path in paths.items()}
    t = min(state["t"], lengths[rule])
    foot, terms = _working(names, rule, state, chosen, paths, lengths, drawn, controls)
    board = _board(several, maps, chosen, paths, start, state["t"])
    _arrows(board, paths[rule], t, terms, chosen)
    panels = [board, _loss_panel(paths, chosen, state["t"])]
    facts, said = _facts(paths, chosen, pars[state["surface"]], state)
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
    handle = svg.handle_html("start", "x", "y", maps[state["surface"]], state, hint)
    return Explorable(
        "explore",
        data,
        panels,
        controls,
        facts,
        f"{_step_said(rule, paths[rule], t, chosen)} {said}",
        goal,
        reached,
        caption,
        scripts=["paths", "working", "race"],
        rules={name: RULES[name] for name in names},
        handle=handle,
        foot=foot,
        choices=choices,
        best=True if best is None else best,
        quiet=True,
    )


def _own(state, name):
    """The state as the optimizer `name` sees it."""
    return state | {"rate": state[f"{name} rate"]}


def _working(names, rule, state, surface, paths, lengths, draws, controls):
    """The rules with the numbers of the step, as HTML, and the terms of the one in sight.

    Returns:
        HTML, and {role: [number of x, number of y]}.
    """
    heads, rules, shown = "", "", {}
    if len(names) > 1:
        heads = controls.pick("rule", "Rule of", names, names.index(rule))
    else:
        state["rule"] = 0
    heads += controls.pick("weight", "Weight", ["x", "y", "both"], 2)
    for name in names:
        t = min(state["t"], lengths[name])
        each = []
        if t:
            path = paths[name]
            each = environments(name, _own(state, name), surface, path, t, draws)
        rules += working.rule_html(name, RULES[name], each, name == rule)
        if name == rule and t:
            both = [working.worked(RULES[name], one)[1] for one in each]
            shown = {role: [one[role] for one in both] for role in both[0]}
            shown["downhill"] = [-one["g"] for one in each]
    head = f'<div class="x-working-head" hidden>{heads}</div>'
    return f'<div class="x-working" data-weight="2">{head}{rules}</div>', shown


def _arrows(board, path, t, terms, surface):
    """The arrows of step t on the map, and what a lens over them needs."""
    here, there = (board.place(*path[i]) for i in (max(t - 1, 0), t))
    tails = {"step": (here, there)}
    tip = here
    scale = np.array([board.w / np.ptp(board.x[:2]), -board.h / np.ptp(board.y[:2])])
    downhill = terms.pop("downhill", None)
    if len(terms) > 1:
        for role, by in terms.items():
            tails[role] = tip, tip + scale * by
            tip = tails[role][1]
    elif downhill is not None:
        down, along = scale * downhill, there - here
        size = np.hypot(*along) / (np.hypot(*down) or 1.0)
        if abs(down[0] * along[1] - down[1] * along[0]) > 0.05 * np.hypot(*down) * np.hypot(*along):
            tails["downhill"] = here, here + size * down
    lens = ""
    for role in ("step", "downhill", "decay", "kept", "push"):
        line, head = (
            svg.arrow(*tails[role], 11 if role == "step" else 8) if role in tails else ("", "")
        )
        board.moving += _arrow(board, f"map {role}", role, line, head)
        lens += _arrow(board, f"lens {role}", role, "", "")
    here = board.move(*path[max(t - 1, 0)])
    board.points += board.shape("step from", 'circle class="x-from" r="4"', **here)
    board.moving += '<path class="x-spot" data-mark="lens spot"/>'
    size = f'width="{LENS}" height="{LENS}"'
    copies = "".join(
        f'<g data-mark="{name}" data-copy="{name}"></g>'
        for name in board.marks
        if name.startswith("surface ")
    )
    board.over += (
        f'<g data-mark="lens" display="none"><svg {size}><rect class="x-lens" {size}/>'
        f'<g class="x-view" data-mark="lens view">{copies}<path class="x-whole x-thin" '
        f'data-mark="lens path"/><path class="x-dots" data-mark="lens dots"/></g>'
        f'<circle class="x-to" r="5" data-mark="lens to"/>{lens}'
        f'<circle class="x-from" r="4" data-mark="lens from"/>'
        f'<text x="4" y="{LENS - 5}" data-out="zoom"></text></svg>'
        f'<rect class="x-rim" {size}/></g>'
    )


LENS = 92  # the side of the enlarged view, in pixels


def _arrow(board, name, role, line, head):
    """The two marks of an arrow."""
    stem = board.shape(name, f'path class="x-arrow x-{role}"', d=line)
    return stem + board.shape(f"{name} head", f'path class="x-head x-{role}"', d=head)


def _step_said(name, path, t, surface):
    """Step t in words."""
    if not t:
        return f"{name} diverges at its first step."
    a, b = (", ".join(map(number, path[i])) for i in (t - 1, t))
    loss = surface(path) - surface.lowest
    return (
        f"Step {t} of {name}: from ({a}) to ({b}), loss {number(loss[t] / loss[0])} of the start’s."
    )


def _controls(several, names, learning_rate, angle, noise, noises, hyper, initial):
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
    for key, (scale, _) in every.items():
        if key in hyper:  # else every optimizer has its own default
            controls.slider(key, hyper[key], scale, outs=False)
    controls.slider("noise", noise, "zero", "noise on the gradient", start=0.0, outs=False)
    which = (1, noises) if noises > 1 else 1
    controls.slider("draw", which, "linear", "which noise", start=1, outs=False)
    return controls


def _board(several, maps, chosen, paths, start, t):
    """The panel of the maps: one of them in sight, with the paths on it up to step t."""
    on_map = maps[several.index(chosen)]
    for name, path in paths.items():
        on_map.trail(name, path, name, t)
    on_map.ring("start", *start)
    board = svg.Panel("", on_map.x, on_map.y, size=(on_map.width, on_map.height))
    what = " or the ".join(one.name for one in several)
    board.alt = f"Contour lines of the {what}; from one start, the paths of {', '.join(paths)}."
    board.moving, board.points, board.over = on_map.moving, on_map.points, on_map.over
    for i, one in enumerate(maps):
        board.marks[f"surface {i}"] = {"display": "inline" if one is on_map else "none"}
        mark = f'data-mark="surface {i}"{svg.attribute_text(board.marks[f"surface {i}"])}'
        board.back += f"<g {mark}>{one.frame()}</g>"
    board.marks |= on_map.marks
    return board


def _loss_panel(paths, surface, t):
    """The panel of the losses, as shares of the loss at the start."""
    steps = len(next(iter(paths.values()))) - 1
    panel = svg.Panel(
        "Loss",
        (0, steps),
        (1e-6, 1e2),
        "step",
        "as a share of the start’s",
        size=svg.SIDE,
        log="y",
        alt="Loss as a share of the loss at the start against step, on a logarithmic scale, "
        "one curve an optimizer.",
    )
    panel.still = f'<path class="x-dotted" d="{panel.line([0, steps], [GOAL, GOAL])}"/>'
    for name, path in paths.items():
        path = path[np.isfinite(path).all(axis=-1)]
        k = min(t, len(path) - 1)
        loss = surface(path) - surface.lowest
        share, step = loss / loss[0], np.arange(len(path))
        panel.mark(f"{name} loss", "x-thin x-whole", panel.line(step, share), name)
        panel.mark(f"{name} loss past", "x-past", panel.line(step[: k + 1], share[: k + 1]), name)
        panel.marker(f"{name} loss now", k, share[k], name)
    return panel


def _facts(paths, surface, pars, state):
    """The facts, and the sentence about them."""
    facts, said = {f"{name} par": par for name, par in pars.items()}, []
    for name, path in paths.items():
        fate = outcome(path, surface)
        first = surface(path[0]) - surface.lowest
        told = {**fate, "share": fate["loss"] / first}
        facts |= {f"{name} {key}": float(value) for key, value in told.items() if key != "loss"}
        rate = number(state[f"{name} rate"])
        said.append(f"{name} at rate {rate}: {outcome_words(fate, first)}")
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
        if "momentum" in RACERS[name].sliders and "momentum" in controls.grids:
            changes["momentum"] = controls.grid("momentum", 10)[:, None, None]
        fewest = outcome(run(name, surface, **changes), surface)["steps"].min()
        least[name] = float(np.floor(1.1 * fewest))
    if min(least.values()) == np.inf:
        return dict.fromkeys(names, -1.0)
    return {name: min(par, 1e9) for name, par in least.items()}
