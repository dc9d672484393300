"""Figures that answer with no kernel: an SVG still drawn here, and a small script that redraws it under the reader's hand.

Each function returns an `Explorable`, which a notebook shows as one self-contained block of HTML. The script, explorable.js,
repeats the rules of `optimizers` and the surfaces of `surfaces` in a few lines each; the tests hold the two side by side. What
a reader can be asked to reach are *facts*, numbers with a name such as "SGD steps"; every function lists its own.

Every function takes, by keyword: goal, a sentence that says what to try; reached, comparisons of facts joined by " and ", such as
"SGD steps <= 20 and SGD rate >= 0.1", which say when it is reached; initial, {fact: value}, where sliders stand at first; and a
caption. Each has defaults of its own. All raise ValueError for an `initial` or a `reached` that names no slider and no fact.
"""

import json
import re
import warnings
from html import escape
from pathlib import Path

import numpy as np

from optimlib import checks, optimizers, surfaces
from optimlib.figures import svg as stills
from optimlib.figures.svg import Controls, Panel, number, percent, rounded

GOAL = 1e-3  # "at the minimum": the loss is down to this share of its start, and stays there
HERE = Path(__file__).parent
RACERS = ("SGD", "momentum", "Nesterov", "Adagrad", "RMSprop", "Adam", "AdamW")
USES = {
    "momentum": ("momentum", "Nesterov"),
    "rho": ("RMSprop",),
    "beta_1": ("Adam", "AdamW"),
    "beta_2": ("Adam", "AdamW"),
    "weight_decay": ("AdamW",),
}


class Explorable:
    """A figure with sliders: `facts` are its numbers at first, `said` a sentence about them, `_repr_html_` its block of HTML."""

    def __init__(
        self,
        kind,
        data,
        panels,
        controls,
        facts,
        said,
        goal,
        reached,
        caption,
        *,
        handle="",
        choices=None,
        best=False,
    ):
        controls.check()
        self.panels, self.controls, self.handle, self.best = panels, controls, handle, best
        self.facts, self.said, self.goal, self.caption = controls.state | facts, said, goal, caption
        self.spec = {
            "kind": kind,
            "data": data,
            "state": controls.state,
            "panels": [panel.scale() for panel in panels],
            "frame": [Panel.LEFT, Panel.TOP, Panel.WIDTH, Panel.HEIGHT],
            "choices": choices or {},
            "reached": _condition(reached if goal else "", self.facts),
        }

    def __repr__(self):
        return f"<explorable {self.spec['kind']}: {self.said}>"

    def _repr_html_(self):
        shown = self.spec["data"].get("surfaces") or [
            self.spec["data"].get("surface", {"kind": ""})
        ]
        script = _script({self.spec["kind"], *(one["kind"] for one in shown)})
        data = json.dumps(
            self.spec, separators=(",", ":"), ensure_ascii=False, allow_nan=False
        ).replace("</", "<\\/")
        done = '<span class="x-done" hidden>Reached</span>'
        goal = f'<p class="x-goal"><b>Try</b>{escape(self.goal)} {done}</p>' if self.goal else ""
        panels = self.panels[0].html(self.handle) + "".join(
            panel.html() for panel in self.panels[1:]
        )
        best = '<button type="button" class="x-best">Best setting</button>' if self.best else ""
        quiet = (
            " x-quiet" if self.spec["kind"] in ("explore", "recorded") else ""
        )  # said beside the sliders already
        return (
            f'<div class="explorable" role="group" aria-label="Figure with sliders. {escape(self.goal or self.caption)}">'
            f'<script type="application/json">{data}</script><style>{_style()}</style>{goal}<div class="x-body">'
            f'<div class="x-panels">{panels}</div><div class="x-controls" hidden>{self.controls.html()}'
            f'<div class="x-buttons"><button type="button" class="x-reset">Reset</button>{best}</div></div></div>'
            f'<p class="x-said{quiet}" aria-live="polite">{escape(self.said)}</p>'
            f"<p data-still>With scripts switched on, this figure has sliders.</p>"
            f'<p class="x-caption">{escape(self.caption)}</p></div><script>{script}</script>'
        )


def explore(
    surface,
    optimizers=("SGD",),
    learning_rate=(1e-3, 1.0),
    *,
    momentum=0.9,
    rho=0.9,
    beta_1=0.9,
    beta_2=0.999,
    weight_decay=0.004,
    angle=None,
    noise=0.0,
    steps=60,
    start=None,
    initial=None,
    goal="Bring every path to the minimum in as few steps as you can.",
    reached=None,
    caption="Drag the ring, where all paths start, or move it with the arrow keys; each dot is a step. The dotted line is a "
    "thousandth of the loss at the start: from where a path stays below it, it counts as at the minimum.",
):
    """Optimizers raced from one start on a surface, or on one of several chosen in a box; each has a slider for its rate.

    learning_rate: (low, high), or a dict of them by name. A hyper-parameter is a number, or a pair (low, high) that gets a
    slider; angle=(low, high) turns a quadratic. Facts: "SGD rate", "SGD steps" (to the minimum), "SGD loss", "SGD diverged" (the step),
    "SGD turns" (steps on which the gradient changed sign), ... for every optimizer, and the hyper-parameters, "x" and "y".
    Raises ValueError for unknown optimizers and for arguments out of range.
    """
    steps, names = (
        checks.integer("steps", steps, 1),
        [optimizers] if isinstance(optimizers, str) else list(optimizers),
    )
    several = list(surface) if isinstance(surface, list | tuple) else [surface]
    for name in names:
        checks.known("optimizers", name, dict.fromkeys(RACERS))
    if angle is not None and not isinstance(surface, surfaces.Quadratic):
        raise ValueError(
            f"angle={angle!r} can only turn one quadratic surface, but surface is {surface!r}"
        )
    controls = _race_controls(several, names, learning_rate, angle, initial)
    given = {
        "momentum": momentum,
        "rho": rho,
        "beta_1": beta_1,
        "beta_2": beta_2,
        "weight_decay": weight_decay,
    }
    for key, value in given.items():
        if np.ndim(value) and not set(USES[key]) & set(names):
            raise ValueError(
                f"{key}={value!r} is a slider that moves nothing: none of {', '.join(names)} uses it"
            )
        controls.slider(key, value, "log" if key == "weight_decay" else "memory", outs=False)
    controls.slider("noise", noise, "zero", "noise on the gradient", start=0.0, outs=False)
    state = controls.state
    if angle is not None:
        several = [
            surfaces.Quadratic(
                surface.curvatures, state["angle"], surface.name, surface.start, surface.box
            )
        ]
    chosen = several[state["surface"]]
    state["x"], state["y"] = checks.number(
        "start", list(chosen.start if start is None else start)
    ).tolist()
    draws = (
        np.random.default_rng(0).standard_normal((steps, 2)).round(2)
        if np.any(noise)
        else np.zeros((0, 2))
    )

    def run(name, on, **changes):
        first = (state["x"], state["y"]) if on is chosen else on.start
        return _descend(
            name, state | {"rate": state[f"{name} rate"]} | changes, on, first, steps, draws
        )

    maps, pars = [_map(one) for one in several], [{} for _ in several]
    if reached is None:
        reached = " and ".join(f"{name} steps <= {name} par" for name in names)
        pars = [_pars(run, one, names, controls) for one in several]
    on_map, loss_panel = maps[state["surface"]], Panel(
        "Loss", (0, steps), (1e-6, 1e2), "step", "loss / loss at the start", log="y",
        alt="Loss as a share of the loss at the start against step, on a logarithmic scale, one curve an optimizer.",
    )  # fmt: skip
    loss_panel.still = f'<path class="x-dotted" d="{loss_panel.line([0, steps], [GOAL, GOAL])}"/>'
    facts, said = {f"{name} par": par for name, par in pars[state["surface"]].items()}, []
    for name in names:
        path = run(name, chosen)
        fate, loss = outcome(path, chosen), chosen(path) - chosen.lowest
        facts |= {f"{name} {key}": float(value) for key, value in fate.items()}
        on_map.trail(name, path, name)
        loss_panel.curve(f"{name} loss", np.arange(steps + 1), loss / loss[0], name)
        said.append(f"{name} at rate {number(state[f'{name} rate'])}: {_told(fate, steps)}")
    on_map.ring("start", state["x"], state["y"])
    board = Panel("", on_map.x, on_map.y)
    what = " or the ".join(one.name for one in several)
    board.alt = f"Contour lines of the {what}; from one start, the paths of {', '.join(names)}."
    board.marks = dict(on_map.marks)
    for i, one in enumerate(maps):
        board.marks[f"surface {i}"] = {"display": "inline" if one is on_map else "none"}
        board.back += f'<g data-mark="surface {i}"{stills.told(board.marks[f"surface {i}"])}>{one.frame()}</g>'
    board.moving = on_map.moving
    data = {
        "optimizers": names,
        "steps": steps,
        "draws": draws.tolist(),
        "sliders": list(controls.grids),
        "surfaces": [_described(*one) for one in zip(several, maps, pars, strict=True)],
    }
    choices = {"surface": [{"x": float(one.start[0]), "y": float(one.start[1])} for one in several]}
    said = f"From ({number(state['x'])}, {number(state['y'])}). {'; '.join(said)}."
    handle = stills.handle("start", "x", "y", on_map, state)
    panels, words = [board, loss_panel], (goal, reached, caption)
    return Explorable(
        "explore",
        data,
        panels,
        controls,
        facts,
        said,
        *words,
        handle=handle,
        choices=choices,
        best=True,
    )


def _race_controls(several, names, learning_rate, angle, initial):
    """The controls of a race: the surface, the rates, the angle."""
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
        start = float(np.clip(several[0].angle, *angle))
        controls.slider(
            "angle", angle, "linear", "angle of the valley", "°", start=start, outs=False
        )
    return controls


def _pars(run, surface, names, controls):
    """1.1 times the fewest steps to the minimum, over the slider of the rate and, where it has one, of the momentum.

    It is as good as infinite for an optimizer that never gets there, and -1 where all are such: they have nothing to reach.
    """
    least = {}
    for name in names:
        changes = {"rate": controls.grid(f"{name} rate", 3)[:, None]}
        if name in USES["momentum"]:
            changes["momentum"] = controls.grid("momentum", 10)[:, None, None]
        least[name] = float(
            np.floor(1.1 * outcome(run(name, surface, **changes), surface)["steps"].min())
        )
    return {
        name: -1.0 if min(least.values()) == np.inf else min(par, 1e9)
        for name, par in least.items()
    }


def momentum_map(
    condition_number=10,
    *,
    steps=80,
    initial=None,
    goal="Find the rate and the momentum at which the error shrinks fastest.",
    reached=None,
    caption="The stronger the colour, the faster the error shrinks in the long run (L is the largest curvature); drag the ring. "
    "The phase portrait is one weight as an oscillator: its position, and its velocity, scaled so that without friction it goes "
    "round a circle. The dotted line is the error that the map foretells.",
):
    """The convergence rate of momentum on a valley over (learning rate, momentum), with a probe; path, phase portrait and error.

    Facts: "rate" (times the largest curvature L), "momentum", "convergence" (the spectral radius: the factor by which a step
    multiplies the error in the long run) and "steps" (to the minimum). Raises ValueError for arguments out of range.
    """
    kappa, steps = (
        checks.number("condition_number", condition_number, 1),
        checks.integer("steps", steps, 1),
    )
    surface, controls = surfaces.valley(kappa), Controls(initial)
    controls.slider("rate", (0.02, 3.98), "linear", "rate × L", start=1.0, by=0.01)
    controls.slider("momentum", (0, 0.99), "linear", start=0.8, by=0.01)
    controls.select("direction", ["along the floor", "across the floor"], start=1)
    rate, momentum, direction = (controls.state[key] for key in ("rate", "momentum", "direction"))
    path = _descend(
        "momentum", {"rate": rate / kappa, "momentum": momentum}, surface, surface.start, steps
    )
    fate, shrinks = (
        outcome(path, surface),
        float(max(radius(rate / kappa, momentum), radius(rate, momentum))),
    )

    board = Panel(
        "Speed of convergence", (0, 4), (0, 1), "learning rate × L", "momentum", limits=[[0.02, 3.98], [0, 0.99]],
        alt=f"Map of the convergence rate over learning rate and momentum for the condition number {kappa:g}.",
    )  # fmt: skip
    board.still = _heat(board, kappa)
    board.ring("probe", rate, momentum)
    valley = _map(surface)
    valley.alt = (
        "The path of momentum from its start over the contour lines of the valley, a dot a step."
    )
    valley.trail("valley", path, "momentum")
    phase = Panel(
        "Phase portrait", (-1.6, 1.6), (-1.6, 1.6), "position, in starts", "velocity, scaled",
        alt="Phase portrait of one weight: its velocity against its position, a dot a step.",
    )  # fmt: skip
    w = path[:, direction] / surface.start[direction]
    pull = (
        rate if direction else rate / kappa
    )  # rate times the curvature in the direction looked at
    phase.trail(
        "phase", np.stack([w, np.diff(w, prepend=w[0]) / np.sqrt(pull)], axis=-1), "momentum"
    )
    error = Panel(
        "Distance to the minimum", (0, steps), (1e-6, 1e2), "step", "distance / distance at the start", log="y",
        alt="Distance to the minimum against step on a logarithmic scale, with the line that the convergence rate foretells.",
    )  # fmt: skip
    time = np.arange(steps + 1)
    error.mark("asymptote", "x-dotted", error.line(time, shrinks**time))
    error.curve("distance", time, np.hypot(*path.T) / np.hypot(*surface.start), "momentum")

    words = f"along the floor {damped(rate / kappa, momentum)}, across it {damped(rate, momentum)}"
    said = (
        f"Rate {number(rate)} / L, momentum {number(momentum)}: {words}; in the long run "
        f"a step multiplies the error by {number(shrinks)}; {_told(fate, steps)}."
    )
    root = np.sqrt(kappa)
    best = {
        "rate": float(4 * kappa / (root + 1) ** 2),
        "momentum": float(((root - 1) / (root + 1)) ** 2),
    }
    if reached is None:
        reached = f"convergence <= {1.02 * np.sqrt(best['momentum']) + 1e-9:.6g}"
    data = {
        "condition_number": kappa,
        "surface": _described(surface),
        "steps": steps,
        "optimum": best,
    }
    facts = {"convergence": shrinks, "steps": float(fate["steps"])}
    handle = stills.handle("probe", "rate", "momentum", board, controls.state)
    panels, words = [board, valley, phase, error], (goal, reached, caption)
    return Explorable(
        "momentum_map", data, panels, controls, facts, said, *words, handle=handle, best=True
    )


def bias_correction(
    beta_1=(0, 0.99),
    beta_2=(0.9, 0.9999),
    *,
    noise=(0.01, 3),
    steps=200,
    initial=None,
    goal="Find betas for which the first step without correction is as long as with it.",
    reached="first uncorrected >= 0.95 and first uncorrected <= 1.05",
    caption="The gradient is 1 and noise. Without the correction the running means start from 0, and their ratio is the length "
    "of a step.",
):
    """Adam's first steps on a gradient of mean 1, with and without bias correction.

    Facts: "beta_1", "beta_2", "noise", and "first corrected", "first uncorrected", "largest corrected", "largest uncorrected":
    the length of the first and of the longest step, in learning rates. Raises ValueError for arguments out of range.
    """
    steps, controls = checks.integer("steps", steps, 2), Controls(initial)
    controls.slider("beta_1", beta_1, "memory", start=0.9, outs=False)
    controls.slider("beta_2", beta_2, "memory", start=0.999, outs=False)
    controls.slider("noise", noise, "zero", "noise on the gradient", start=0.0, outs=False)
    state, time = controls.state, np.arange(1, steps + 1)
    draws = np.random.default_rng(0).standard_normal(steps).round(2)
    rows = first_steps(state["beta_1"], state["beta_2"], 1 + state["noise"] * draws)
    lengths = Panel(
        "Length of a step", (1, steps), (0.01, 100), "step", "in learning rates", log="xy",
        keys=[("Adam", "corrected"), ("Adam + L2", "not corrected")],
        alt="Length of each step of Adam with and without bias correction, both axes logarithmic.",
    )  # fmt: skip
    lengths.still = f'<path class="x-dotted" d="{lengths.line([1, steps], [1, 1])}"/>'
    means = Panel(
        "Running means", (1, steps), (0, 2), "step", "in mean gradients", log="x",
        keys=[("momentum", "m"), ("Nesterov", "m corrected"), ("RMSprop", "√v"), ("AdamW", "√v corrected")],
        alt="The running mean m of the gradient and the root of the running mean v of its square, raw and corrected.",
    )  # fmt: skip
    series = {
        "m": "momentum",
        "m corrected": "Nesterov",
        "root v": "RMSprop",
        "root v corrected": "AdamW",
        "with": "Adam",
    }
    for name, row in rows.items():
        (lengths if name.startswith("with") else means).curve(
            name, time, row, series.get(name, "Adam + L2")
        )
    which = {"corrected": rows["with"], "uncorrected": rows["without"]}
    facts = {f"first {name}": float(row[0]) for name, row in which.items()}
    facts |= {f"largest {name}": float(row.max()) for name, row in which.items()}
    told = {
        name: f"first step {number(row[0])}, largest {number(row.max())}"
        for name, row in which.items()
    }
    said = (
        f"In learning rates: without correction {told['uncorrected']}; with it {told['corrected']}."
    )
    data, panels = {"steps": steps, "draws": draws.tolist()}, [lengths, means]
    return Explorable(
        "bias_correction", data, panels, controls, facts, said, goal, reached, caption
    )


def decay_only(
    learning_rate=(1e-3, 0.1),
    weight_decay=(1e-3, 1.0),
    gradient=(0.01, 10.0),
    *,
    steps=200,
    initial=None,
    goal="Make both leave about as much of the idle weight; then compare the busy one.",
    reached="idle gap <= 0.05 and busy gap >= 0.1",
    caption="Two weights start at 1. The idle one sees no gradient from the loss, the busy one +g, −g, +g, ... in turn.",
):
    """AdamW against Adam + L2 on a weight that sees no gradient and on one that sees a gradient of mean zero.

    Facts: "rate", "decay", "gradient", what is left: "AdamW idle", "AdamW busy", "Adam + L2 idle", "Adam + L2 busy", and how far
    the two are apart: "idle gap", "busy gap". Raises ValueError for arguments out of range.
    """
    steps, controls = checks.integer("steps", steps, 1), Controls(initial)
    controls.slider("rate", learning_rate, "log", "learning rate", outs=False)
    controls.slider("decay", weight_decay, "log", "weight decay", outs=False)
    controls.slider("gradient", gradient, "log", "busy gradient g", start=1.0, outs=False)
    state, panels, facts, both = controls.state, [], {}, ("AdamW", "Adam + L2")
    for kind, g in (("idle", 0.0), ("busy", state["gradient"])):
        panel = Panel(f"The {kind} weight", (0, steps), (-0.25, 1.25), "step", "weight")
        panel.alt = f"The {kind} weight against step under AdamW and under Adam with an L2 penalty."
        for name in both:
            w = decaying(name, state["rate"], state["decay"], g, steps)
            panel.curve(f"{name} {kind}", np.arange(steps + 1), w, name)
            panel.keys = (*panel.keys, (name, name))
            facts[f"{name} {kind}"] = float(w[-1])
        facts[f"{kind} gap"] = abs(facts[f"AdamW {kind}"] - facts[f"Adam + L2 {kind}"])
        panels.append(panel)
    left = {name: number(value) for name, value in facts.items()}
    said = (
        f"{n} leaves {left[f'{n} idle']} of the idle weight and {left[f'{n} busy']} of the busy one"
        for n in both
    )
    said = f"After {steps} steps {'; '.join(said)}."
    return Explorable(
        "decay_only", {"steps": steps}, panels, controls, facts, said, goal, reached, caption
    )


def schedule_designer(
    recorded=None, *, steps=100, initial=None, goal=None, reached=None, caption=None
):
    """The learning rate over a run for a warmup, a shape and a floor, and the loss recorded for the nearest setting.

    recorded: list of dicts with "shape" (one of SHAPES), "warmup" (share of all steps), "floor" (share of the peak), "loss" (a
    number a seed) and, in all or none, "rate", the peak. Facts: "warmup", "floor", "rate" and "loss". Raises ValueError for
    arguments out of range, for a setting that lacks one of them, and where every setting diverged.
    """
    steps, controls, settings = (
        checks.integer("steps", steps, 2),
        Controls(initial),
        list(recorded or []),
    )
    keys = ["warmup", "floor"] + ["rate"] * any("rate" in one for one in settings)
    for one in settings:
        checks.known("shape", one.get("shape"), SHAPES)
        for key in (*keys, "loss"):
            if key not in one:
                raise ValueError(f"the recorded setting {one!r} has no {key!r}")
    names = [
        shape for shape in SHAPES if not settings or any(one["shape"] == shape for one in settings)
    ]
    peaks = (
        sorted({checks.number("rate", one["rate"], 0, open_low=True) for one in settings})
        if "rate" in keys
        else None
    )
    controls.select("shape", names)
    controls.slider(
        "warmup", (0.0, 0.5), "linear", "warmup, of the run", start=0.0, outs=False, by=0.01
    )
    controls.slider("floor", (0.0, 1.0), "linear", "floor, of the peak", start=0.0, by=0.01)
    if peaks:
        controls.steps("rate", peaks, "peak rate")
    state = controls.state
    shape, warmup, floor = names[state["shape"]], state["warmup"], state["floor"]
    facts = {"rate": peaks[state["rate"]]} if peaks else {}
    rates = Panel(
        "Learning rate", (0, 100), (0, 105), "% of the run", "% of the peak",
        alt="The learning rate over the run, in percent of its peak: after the warmup it follows the shape down to the floor.",
    )  # fmt: skip
    time = np.arange(steps + 1) / steps
    rates.curve("rate", 100 * time, 100 * designed(shape, warmup, floor)(time), "SGD")
    what = f"{shape}, warmup {percent(warmup)}, floor {percent(floor)}"
    what += f", peak rate {number(facts['rate'])}" if peaks else ""
    data, panels, best = (
        {"names": names, "rates": peaks, "steps": steps, "settings": []},
        [rates],
        "",
    )
    said, told = f"The rate over time: {what}.", "The learning rate over the run."
    if settings:
        data["settings"], losses, lowest = _recorded_losses(settings, names, keys)
        panels.append(losses)
        near = [
            one
            for one in data["settings"]
            if one["shape"] == shape and (not peaks or one["rate"] == facts["rate"])
        ]
        hit = min(
            near,
            key=lambda one: (2 * (warmup - one["warmup"])) ** 2 + (floor - one["floor"]) ** 2,
            default=None,
        )
        at = (hit["x"], hit["y"]) if hit else (losses.x[0], 0)
        losses.ring("nearest", *at, display="inline" if hit else "none")
        facts["loss"] = np.inf if hit is None or hit["loss"] is None else hit["loss"]
        fate = f"loss {number(facts['loss'])}" if facts["loss"] < np.inf else "diverged"
        nearby = (
            f"warmup {percent(hit['warmup'])}, floor {percent(hit['floor'])}: {fate}"
            if hit
            else "none"
        )
        said, best = (
            f"You drew: {what}. Nearest recorded: {nearby}.",
            f"loss <= {1.02 * lowest:.6g}",
        )
        told = "A dot is the final loss of one recorded setting; the ring is the one nearest to the schedule drawn."
    if goal is None:
        goal = "Design the schedule with the lowest recorded loss." if settings else ""
    words = goal, best if reached is None else reached, told if caption is None else caption
    return Explorable(
        "schedule_designer", data, panels, controls, facts, said, *words, best=bool(settings)
    )


def _recorded_losses(settings, names, keys):
    """What the script needs of the recorded settings, the panel that shows each as a dot, and the lowest loss."""
    losses = [np.median(np.nan_to_num(one["loss"], nan=np.inf, posinf=np.inf)) for one in settings]
    finite = [loss for loss in losses if loss < np.inf]
    if not finite:
        raise ValueError("every recorded setting diverged: there is no loss to draw")
    low, high = min(finite) / 1.05, min(max(finite) * 1.05, 30 * min(finite))
    panel = Panel(
        "Recorded loss", (low / 1.15, high * 1.15), (len(names) - 0.5, -0.5), "loss, median over the seeds", log="x", left=82,
        rows=list(enumerate(names)),
        alt="The recorded loss of every setting, a dot each, by shape; a ring marks the setting nearest to the one drawn.",
    )  # fmt: skip
    order, placed = (
        sorted(range(len(settings)), key=lambda i: [settings[i][key] for key in keys]),
        [],
    )
    for i, (one, loss) in enumerate(zip(settings, losses, strict=True)):
        mine = [j for j in order if settings[j]["shape"] == one["shape"]]
        row = names.index(one["shape"]) + 0.8 * ((mine.index(i) + 1) / (len(mine) + 1) - 0.5)
        at = {
            "x": float(min(loss, high)),
            "y": round(row, 3),
            "loss": float(loss) if loss < np.inf else None,
        }
        placed.append(at | {"shape": one["shape"]} | {key: float(one[key]) for key in keys})
    points = "".join(
        f"M{stills.pair(stills.tenths(panel.place(one['x'], one['y'])))}h0" for one in placed
    )
    panel.still = f'<path class="x-dots x-s"{stills.colours("momentum")} d="{points}"/>'
    return placed, panel, min(finite)


def recorded(
    sweeps,
    metric="val_loss",
    *,
    initial=None,
    goal="Find the best rate of each optimizer.",
    reached=None,
    caption=None,
):
    """Learning curves that `training.sweep` recorded, {name: sweep}: a slider over the rates of each; medians and quartiles.

    Facts: "<name> rate", "<name> loss" (the last median of `metric`) and "<name> accuracy" (the median on the test set). Raises
    ValueError for sweeps that lack the metric or have fewer than two rates.
    """
    if not sweeps:
        raise ValueError(f"sweeps={sweeps!r} is empty: expected a dict of at least one sweep")
    controls, data = (
        Controls(initial),
        {name: _quartiles(name, sweep, metric) for name, sweep in sweeps.items()},
    )
    finals = {
        n: np.array([np.inf if row[-1] is None else row[-1] for row in d["middle"]])
        for n, d in data.items()
    }
    every = [v for d in data.values() for row in d["middle"] for v in row if v is not None]
    low, high = 0.8 * min(every), 1.25 * min(max(every), 4.0)
    label = metric.replace("val_", "validation ").replace("_", " ")
    rates = [rate for d in data.values() for rate in d["rates"]]
    curves = Panel(
        label.capitalize(), (1, len(next(iter(data.values()))["middle"][0])), (low, high), "epoch", label, log="y",
        alt=f"Learning curves: {label} against epoch, the median over the seeds and a band of quartiles for each optimizer.",
    )  # fmt: skip
    ends = Panel(
        "Last epoch, by rate", (min(rates) / 1.3, max(rates) * 1.3), (low, high), "learning rate", label, log="xy",
        alt=f"The {label} of the last epoch against the learning rate, a curve each; a marker stands at the chosen rate.",
    )  # fmt: skip
    facts, said = {}, []
    for i, (n, d) in enumerate(data.items()):
        controls.steps(f"{n} rate", d["rates"], f"{n} rate", (n, i))
        at = controls.state[f"{n} rate"]
        facts |= {
            f"{n} rate": d["rates"][at],
            f"{n} loss": float(finals[n][at]),
            f"{n} accuracy": d["accuracy"][at],
        }
        rows = {key: [v for v in d[key][at] if v is not None] for key in ("low", "middle", "high")}
        time = np.arange(1, 1 + len(rows["middle"]))
        band = (
            curves.line((*time, *time[::-1]), (*rows["low"], *rows["high"][::-1])) + "z"
            if len(time)
            else ""
        )
        curves.mark(f"{n} band", "x-area", band, (n, i))
        curves.mark(
            f"{n} curve", "x-line", curves.line(time, rows["middle"]) if len(time) else "", (n, i)
        )
        line = ends.line(d["rates"], np.minimum(finals[n], high))
        ends.still += f'<path class="x-thin x-s"{stills.colours((n, i))} d="{line}"/>'
        ends.marker(f"{n} end", d["rates"][at], min(finals[n][at], high), (n, i))
        fate = f"loss {number(finals[n][at])}, test accuracy {number(100 * d['accuracy'][at])} %"
        said.append(
            f"{n} at rate {number(d['rates'][at])}: {fate if finals[n][at] < np.inf else 'diverged'}"
        )
    if caption is None:
        seeds = next(iter(sweeps.values()))[metric].shape[1]
        caption = f"The curves are medians of {seeds} seeds, the bands their quartiles; every rate was run and recorded."
    if reached is None:
        reached = " and ".join(f"{n} loss <= {1.05 * finals[n].min():.6g}" for n in data)
    words, said = (goal, reached, caption), f"{'; '.join(said)}."
    return Explorable(
        "recorded", {"sweeps": data}, [curves, ends], controls, facts, said, *words, best=True
    )


def _quartiles(name, sweep, metric):
    """What the script needs of a sweep: rates, test accuracies, and the quartiles by rate and epoch, None where they diverged."""
    checks.known("metric", metric, sweep)
    if len(sweep["learning_rate"]) < 2:
        raise ValueError(
            f"the sweep of {name!r} has {len(sweep['learning_rate'])} learning rate: expected at least two"
        )
    runs = np.nan_to_num(sweep[metric], nan=np.inf, posinf=np.inf)
    with np.errstate(invalid="ignore"):
        low, middle, high = np.nan_to_num(
            np.quantile(runs, [0.25, 0.5, 0.75], axis=1), nan=np.inf, posinf=np.inf
        )
    high = np.where(np.isfinite(high), high, middle)
    accuracy = rounded(np.median(np.nan_to_num(sweep["test_accuracy"]), axis=1))
    rates = [float(f"{v:.4g}") for v in sweep["learning_rate"]]
    return {
        "rates": rates,
        "accuracy": accuracy,
        "middle": rounded(middle),
        "low": rounded(low),
        "high": rounded(high),
    }


# ---- what the figures compute


def _descend(name, state, surface, start, steps, draws=None):
    """The path of the optimizer `name` with the hyper-parameters of `state`, by optimlib itself."""
    noise = float(state.get("noise", 0.0))
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore", RuntimeWarning
        )  # the figure says itself where a path diverged
        return surfaces.descend(
            _optimizer(name, state),
            surface,
            start,
            steps,
            noise,
            _Recorded(draws) if noise else None,
        )


def _optimizer(name, state):
    rate, betas = state["rate"], {key: state[key] for key in ("beta_1", "beta_2") if key in state}
    make = {
        "SGD": lambda: optimizers.SGD(rate),
        "momentum": lambda: optimizers.SGD(rate, state["momentum"]),
        "Nesterov": lambda: optimizers.SGD(rate, state["momentum"], nesterov=True),
        "Adagrad": lambda: optimizers.Adagrad(rate),
        "RMSprop": lambda: optimizers.RMSprop(rate, state["rho"]),
        "Adam": lambda: optimizers.Adam(rate, **betas),
        "AdamW": lambda: optimizers.AdamW(rate, state["weight_decay"], **betas),
    }
    return make[name]()


class _Recorded:
    """In place of a random generator: the same noise, step by step, for every optimizer and every setting."""

    def __init__(self, draws):
        self.draws = iter(draws)

    def standard_normal(self, shape):
        return np.broadcast_to(next(self.draws), shape)


def outcome(path, surface):
    """What became of a path (steps + 1, ..., 2): steps to the minimum, last loss, the step at which it diverged, its turns.

    "steps" is the first step from which on the loss above the lowest stays within GOAL times its value at the start, inf where
    there is none; "turns" counts the steps on which a component of the gradient, along the axes of a quadratic, changed sign.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        loss = surface(path) - surface.lowest
        stays = np.logical_and.accumulate((loss <= GOAL * loss[0])[::-1])[::-1]
        g = surface.gradient(path) @ getattr(surface, "axes", np.eye(2)).T
        turned = (g[1:] * g[:-1] < -1e-12 * (g[0] * g[0]).sum(axis=-1)[..., None]).any(axis=-1)
    gone = np.isnan(path[..., 0])
    return {
        "steps": np.where(stays.any(axis=0), stays.argmax(axis=0), np.inf),
        "loss": np.where(gone[-1], np.inf, loss[-1]),
        "diverged": np.where(gone.any(axis=0), gone.argmax(axis=0), np.inf),
        "turns": turned.sum(axis=0),
    }


def radius(pull, momentum):
    """The spectral radius of momentum on one curvature; pull is the rate times the curvature.

    It is that of the companion matrix of w' = (1 + momentum - pull) w - momentum * (w one step before).
    """
    trace = 1 + momentum - pull
    inside = trace**2 - 4 * momentum
    return np.where(
        inside < 0, np.sqrt(momentum), (np.abs(trace) + np.sqrt(np.maximum(inside, 0))) / 2
    )


def damped(pull, momentum):
    """What momentum does on one curvature: "diverging", "critically damped", "overdamped" or "oscillating"."""
    trace = 1 + momentum - pull
    if radius(pull, momentum) >= 1:
        return "diverging"
    if abs(np.sqrt(momentum) - abs(1 - np.sqrt(pull))) < 0.01:
        return "critically damped"
    return "overdamped" if trace > 0 and trace**2 > 4 * momentum else "oscillating"


def first_steps(beta_1, beta_2, gradients):
    """Adam's running means over the gradients (steps,), raw and corrected, and the lengths of its steps in learning rates."""
    m, v, rows = 0.0, 0.0, []
    for t, g in enumerate(gradients, 1):
        m, v = beta_1 * m + (1 - beta_1) * g, beta_2 * v + (1 - beta_2) * g * g
        first, second, root = 1 - beta_1**t, (1 - beta_2**t) ** 0.5, v**0.5
        rows.append(
            (
                m,
                m / first,
                root,
                root / second,
                abs(m) / (root + 1e-7),
                second / first * abs(m) / (root + 1e-7),
            )
        )
    names = ("m", "m corrected", "root v", "root v corrected", "without", "with")
    return dict(zip(names, np.transpose(rows), strict=True))


def decaying(name, rate, decay, gradient, steps):
    """A weight that starts at 1 and sees +gradient, -gradient, ... under "AdamW" or "Adam + L2": shape (steps + 1,)."""
    optimizer = optimizers.AdamW(rate, decay) if name == "AdamW" else optimizers.Adam(rate)
    w = [np.array([1.0])]
    for t in range(steps):
        g = gradient * (-1) ** t + (0.0 if name == "AdamW" else decay * w[-1])
        w.append(optimizer.step(w[-1], np.broadcast_to(g, 1)))
    return np.concatenate(w)


SHAPES = {
    "constant": lambda p, floor: 1 + 0 * p,
    "cosine": lambda p, floor: floor + (1 - floor) * (1 + np.cos(np.pi * p)) / 2,
    "linear": lambda p, floor: 1 - (1 - floor) * p,
    "exponential": lambda p, floor: max(floor, 0.01) ** p,
    "step": lambda p, floor: np.maximum(
        floor, np.select([p < 0.5 - 1e-9, p < 0.75 - 1e-9], [1.0, 0.1], 0.01)
    ),
    "reversed": lambda p, floor: floor + (1 - floor) * (1 - np.cos(np.pi * p)) / 2,
}


def designed(shape, warmup=0.0, floor=0.0, *, peak=1.0, steps=1):
    """The schedule that the designer draws, a function of the step: up in a straight line at first, then along `shape`.

    warmup: share of the steps; floor: share of the peak; exponential and step end no lower than 1 % of it. Raises ValueError for
    arguments out of range.
    """
    decay = checks.known("shape", shape, SHAPES)
    warmup, floor = checks.number("warmup", warmup, 0, 1), checks.number("floor", floor, 0, 1)
    peak, steps = checks.number("peak", peak, 0), checks.number("steps", steps, 0, open_low=True)

    def schedule(step):
        time = np.asarray(step) / steps
        p = np.clip((time - warmup) / max(1 - warmup, 1e-9), 0, 1)
        rate = peak * np.where(
            time < warmup, decay(np.zeros(()), floor) * time / max(warmup, 1e-9), decay(p, floor)
        )
        return float(rate) if rate.ndim == 0 else rate

    return schedule


def _condition(text, facts):
    """Comparisons joined by " and " as triples: a fact, a sign, and a number or another fact."""
    triples = []
    for part in text.split(" and ") if text else []:
        hit = re.fullmatch(r"(.+?) *(<=|>=|<|>) *(.+)", part.strip())
        if hit is None:
            raise ValueError(
                f"reached={text!r}: {part!r} is not a comparison such as 'SGD steps <= 20'"
            )
        left, sign, right = hit.groups()
        checks.known("reached", left, facts)
        try:
            right = min(float(right), 1e308)  # JSON has no infinity
        except ValueError:
            checks.known("reached", right, facts)
        triples.append([left, sign, right])
    return triples


# ---- what is said, drawn and sent


def _told(run, steps):
    """What became of a path, in words."""
    if run["diverged"] < np.inf:
        return f"diverged at step {run['diverged']:g}"
    when = (
        f"{run['steps']:g} steps to the minimum"
        if run["steps"] < np.inf
        else f"not there in {steps} steps"
    )
    return f"{when}, final loss {number(run['loss'])}"


def _described(surface, panel=None, par=None):
    """What the script needs to know of a surface."""
    kept = {
        key: np.asarray(getattr(surface, key)).tolist() for key in KEPT if hasattr(surface, key)
    }
    about = {
        "kind": type(surface).__name__,
        "start": list(surface.start),
        "lowest": surface.lowest,
    } | kept
    return about | ({"panel": panel.scale(), "par": par} if panel else {})


KEPT = ("curvatures", "angle", "samples", "constants", "height", "length")
LEVELS = (
    np.linspace(0.03, 1, 15) ** 2
)  # of the contour lines, as shares of the highest value: dense near the bottom


def _map(surface):
    """A panel with the contour lines and the minima of a surface."""
    from contourpy import contour_generator

    panel = Panel(surface.name[0].upper() + surface.name[1:], *surface.box, "weight x", "weight y")
    (left, right), (bottom, top) = surface.box
    if (
        isinstance(surface, surfaces.Quadratic) and left == bottom == -right == -top
    ):  # ellipses: short, and easy to turn
        highest, middle = (
            max(surface([left, bottom]), surface([left, top])),
            f"{panel.w / 2:g} {panel.h / 2:g}",
        )
        radii = [
            panel.w / (right - left) * np.sqrt(2 * highest * level / surface.curvatures)
            for level in LEVELS[:-1]
        ]
        shapes = "".join(f'<ellipse rx="{rx:.1f}" ry="{ry:.1f}"/>' for rx, ry in radii)
        turn = panel.marks["contours"] = {"transform": f"rotate({-surface.angle + 0:g} {middle})"}
        lines = f'<g data-mark="contours"{stills.told(turn)}><g transform="translate({middle})">{shapes}</g></g>'
    else:
        x, y = np.linspace(left, right, 121), np.linspace(bottom, top, 121)
        f = surface(np.stack(np.meshgrid(x, y), axis=-1)) - surface.lowest
        levels = contour_generator(x, y, f).multi_lines(f.max() * LEVELS[:-1:2])
        paths = "".join(
            stills.path_data(2 * stills.thinned(panel.place(*line.T)), "l")
            for level in levels
            for line in level
        )
        lines = f'<path transform="scale(.5)" stroke-width="1.8" d="{paths}"/>'  # whole half pixels: fewer digits
    minima = (
        ((0.0, 1.0), (0.0, -1.0)) if isinstance(surface, surfaces.Saddle) else (surface.minimum,)
    )
    stars = (
        f'<path class="x-star"{stills.told(panel.move(*point))} d="{stills.SYMBOLS["*"]}"/>'
        for point in minima
    )
    panel.still = f'<g class="x-contour">{lines}</g>{"".join(stars)}'
    return panel


def region(kappa, factor):
    """The corners (x, momentum) of the region where a step shrinks the error to `factor` of it or less; x is the rate times L.

    Both roots of z^2 - (1 + momentum - pull) z + momentum lie within c where momentum <= c^2 and
    (1 - c) (1 - momentum / c) <= pull <= (1 + c) (1 + momentum / c); pull is x / kappa along the floor, and x across it.
    """
    left, right = kappa * (1 - factor), 1 + factor
    low = factor * max((left - right) / (left + right), 0)  # where the edges meet
    momentum = np.array([low, low, factor**2, factor**2])
    return np.where(
        [1, 0, 0, 1], left * (1 - momentum / factor), right * (1 + momentum / factor)
    ), momentum


def _heat(panel, kappa):
    """Nested regions of convergence, each a little better: the colours add up."""
    best = max((np.sqrt(kappa) - 1) / (np.sqrt(kappa) + 1), 0.05)
    regions = [panel.place(*region(kappa, factor)) for factor in best ** np.arange(0, 1, 0.05)]
    shapes = "".join(f'<path d="{stills.path_data(corners, "l")}z"/>' for corners in regions)
    (x, y), edge = panel.place(3.1, 0.25), panel.line([2, 4], [0, 1])
    words = f'<text x="{x:.0f}" y="{y:.0f}" text-anchor="middle">diverges</text>'
    return f'<g class="x-heat">{shapes}</g><path class="x-dotted" d="{edge}"/>{words}'


def _script(needed):
    """The script without comments, needless spaces, and the figures and surfaces that are not in `needed`."""
    text = (HERE / "explorable.js").read_text("utf-8")
    parts = [
        "all",
        *re.split(r"^ *// part: (\w+)\n", text, flags=re.MULTILINE),
    ]  # name, text, name, text, ...
    kept = "".join(
        part
        for name, part in zip(parts[::2], parts[1::2], strict=True)
        if name == "all" or name in needed
    )
    lines = (re.sub(r"(^| +)// .*", "", line).strip() for line in kept.splitlines())
    code = re.split(
        r"(`[^`]*`|\"[^\"]*\")", "\n".join(filter(None, lines))
    )  # every second piece is a string
    code[::2] = [re.sub(r" ?([=+*/<>?:,;{}()&|!-]) ?", r"\1", piece) for piece in code[::2]]
    return "".join(code)


def _style():
    """The style sheet without needless spaces."""
    text = re.sub(r"\s+", " ", (HERE / "explorable.css").read_text("utf-8"))
    return re.sub(r" ?([{};,]) ?|(?<=:) ", r"\1", text)
