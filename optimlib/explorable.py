"""Figures that answer with no kernel: an SVG still drawn here, and a small script that redraws it under the reader's hand.

Each function returns an `Explorable`, which a notebook shows as one self-contained block of HTML. The script, explorable.js,
repeats the rules of `optimizers` and the surfaces of `surfaces` in a few lines each; the tests hold the two side by side. What
a reader can be asked to reach are *facts*, numbers with a name such as "SGD steps"; every function lists its own.
"""

import json
import re
import warnings
from html import escape
from pathlib import Path

import numpy as np

from optimlib import checks, optimizers, palette, surfaces

DOTS = 60  # the steps that get a dot on the path
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
SYMBOLS = {
    "o": "M-4,0a4,4 0 1,0 8,0a4,4 0 1,0 -8,0",
    "s": "M-4,-4h8v8h-8z",
    "D": "M0,-5.5l5.5,5.5l-5.5,5.5l-5.5,-5.5z",
    "v": "M-5,-4h10l-5,9z",
    "^": "M-5,4h10l-5,-9z",
    "P": "M-2,-5h4v3h3v4h-3v3h-4v-3h-3v-4h3z",
    "X": "M-5,-3l2,-2l3,3l3,-3l2,2l-3,3l3,3l-2,2l-3,-3l-3,3l-2,-2l3,-3z",
    "*": "M0,-7l1.7,4.7h5l-4,3.1l1.5,4.8l-4.2,-2.9l-4.2,2.9l1.5,-4.8l-4,-3.1h5z",
}


class Explorable:
    """A figure with sliders: `facts` are its numbers at first, `_repr_html_` its block of HTML."""

    def __init__(self, kind, data, panels, picture, controls, *, handle=None, choices=None, best=False, **words):
        controls.check()
        self.facts = controls.state | picture["facts"]
        self.said, self.marks = picture["said"], picture["marks"]
        self.goal, self.caption = words["goal"], words["caption"]
        reached = words["reached"] if words["goal"] else ""
        self.panels, self.controls, self.handle, self.best = panels, controls, handle, best
        self.spec = {
            "kind": kind,
            "data": data,
            "state": controls.state,
            "panels": [panel.scale() for panel in panels],
            "frame": [Panel.LEFT, Panel.TOP, Panel.WIDTH, panels[0].height],
            "choices": choices or {},
            "reached": _condition(reached, self.facts),
        }

    def __repr__(self):
        return f"<explorable {self.spec['kind']}: {self.said}>"

    def _repr_html_(self):
        script = _script(self.spec["kind"])
        data = json.dumps(self.spec, separators=(",", ":"), ensure_ascii=False, allow_nan=False).replace("</", "<\\/")
        goal = f'<p class="x-goal"><b>Try</b>{escape(self.goal)} <span class="x-done" hidden>Reached</span></p>' if self.goal else ""
        panels = "".join(panel.html(self.marks, self.handle if i == 0 else "") for i, panel in enumerate(self.panels))
        quiet = " x-quiet" if self.spec["kind"] in ("explore", "recorded") else ""  # said beside the sliders already
        best = '<button type="button" class="x-best">Best setting</button>' if self.best else ""
        return (
            f'<div class="explorable" role="group" aria-label="Figure with sliders">'
            f'<script type="application/json">{data}</script><style>{_style()}</style>{goal}<div class="x-body">'
            f'<div class="x-panels">{panels}</div>'
            f'<div class="x-controls" hidden>{self.controls.html()}'
            f'<div class="x-buttons"><button type="button" class="x-reset">Reset</button>{best}</div></div></div>'
            f'<p class="x-said{quiet}" aria-live="polite">{escape(self.said)}</p>'
            f'<p data-still>With scripts switched on, this figure has sliders.</p>'
            f'<p class="x-caption">{escape(self.caption)}</p></div><script>{script}</script>'
        )


class Panel:
    """One pair of axes: it maps values to pixels and draws its frame; what moves is drawn into it as marks."""

    LEFT, TOP, RIGHT, BOTTOM, WIDTH = 58, 28, 14, 42, 352

    def __init__(self, title, x, y, xlabel, ylabel, alt, *, log="", height=350, limits=None, under="", over="", back=None, rows=None, keys=(), left=LEFT):
        self.title, self.xlabel, self.ylabel, self.alt, self.height, self.limits = title, xlabel, ylabel, alt, height, limits
        self.rows, self.keys = rows, keys  # ticks of y with texts of their own; series and texts told under the panel
        self.x, self.y = (*x, "x" in log), (*y, "y" in log)
        self.left, self.w, self.h = left, self.WIDTH - left - self.RIGHT, height - self.TOP - self.BOTTOM
        self.under, self.over, self.back = under, over, back  # SVG: what stands still, what moves, what replaces the frame

    def scale(self):
        """What the script needs of this panel."""
        return {"x": self.x, "y": self.y, "w": self.w, "h": self.h} | ({"limits": self.limits} if self.limits else {})

    def place(self, x, y):
        """Pixels (N, 2) of the points (x, y)."""
        px, py = _along(x, self.x) * self.w, self.h - _along(y, self.y) * self.h
        return np.stack(np.broadcast_arrays(px, py), axis=-1)

    def line(self, x, y):
        """The path data of a line through (x, y), up to its first gap."""
        points = self.place(x, y)
        bad = ~np.isfinite(points).all(axis=-1)
        return _lines(_thinned(points[: bad.argmax() if bad.any() else None]), "l")

    def dots(self, x, y):
        """The path data of a dot at each of the first points (x, y)."""
        return _lines(self.place(x, y)[:DOTS], "h0m") + "h0"

    def move(self, x, y):
        """The attributes that put a mark at (x, y)."""
        return {"transform": f"translate({_pair(_tenths(self.place(x, y)))})"}

    def frame(self):
        """Grid, ticks, labels and what stands still, as SVG."""
        grid, parts = "", []
        for v, text in _ticks(*self.x):
            (x, _) = _tenths(self.place(v, self.y[0])) / 10
            grid += f"M{x:g},0v{self.h}"
            parts.append(f'<text x="{x:g}" y="{self.h + 16}" text-anchor="middle">{text}</text>')
        for v, text in self.rows or _ticks(*self.y):
            (_, y) = _tenths(self.place(self.x[0], v)) / 10
            grid += f"M0,{y:g}h{self.w}"
            parts.append(f'<text x="-6" y="{y + 4:g}" text-anchor="end">{text}</text>')
        parts.append(f'<path class="x-grid" d="{grid}"/>')
        middle = f'text-anchor="middle" transform="translate(-44,{self.h / 2:.0f}) rotate(-90)"'
        parts.append(f'<text x="{self.w / 2:.0f}" y="{self.h + 34}" text-anchor="middle">{escape(self.xlabel)}</text>')
        parts.append(f'<text class="x-title" x="0" y="-10">{escape(self.title)}</text><text {middle}>{escape(self.ylabel)}</text>')
        return f'<g transform="translate({self.left},{self.TOP})">{"".join(parts)}</g>{self.inside(self.under)}'

    def inside(self, svg):
        """SVG in the pixels of the axes, clipped to them."""
        return f'<svg x="{self.left}" y="{self.TOP}" width="{self.w}" height="{self.h}">{svg}</svg>'

    def html(self, marks, handle):
        """The panel's SVG; a mark is a path `<path data-mark="name" ...>` which gets its attributes from `marks`."""
        keys = "".join(f"<span>{_swatch(series)}{escape(text)}</span>" for series, text in self.keys)
        keys = f'<div class="x-keys">{keys}</div>' if keys else ""
        svg = (self.back or self.frame()) + self.inside(self.over)
        svg = re.sub(r' data-mark="([^"]+)"', lambda hit: hit[0] + _attributes(marks.get(hit[1], {})), svg)
        return (
            f'<div class="x-panel"><svg viewBox="0 0 {self.WIDTH} {self.height}" role="img" aria-label="{escape(self.alt)}">'
            f"{svg}</svg>{handle or ''}{keys}</div>"
        )


class Controls:
    """The sliders and select boxes of a figure, and the state they start from."""

    def __init__(self, initial):
        self.initial, self.state, self.rows, self.grids = dict(initial or {}), {}, [], {}

    def value(self, name, value):
        """A part of the state that has no slider."""
        self.state[name] = value

    def slider(self, name, limits, scale, label=None, unit="", series=None, start=None, outs=True, by=1):
        """A slider for `name` if `limits` is a pair (low, high), else a fixed value."""
        low, high = _limits(name, limits)
        if low == high:
            return self.value(name, low)
        position, value = SCALES[scale]
        first, last = (low, high) if scale == "linear" else (position(low), position(high))
        if scale == "zero":
            first -= 1
        start = self.initial.pop(name, start)
        if start is None:
            start = value((first + last) // 2) if scale != "linear" else (low + high) / 2
        if not low <= checks.number(f"initial[{name!r}]", start) <= high and not (scale == "zero" and start == 0):
            raise ValueError(f"initial[{name!r}]={start!r} lies outside its slider, {low:g} to {high:g}")
        where = round(start / by) * by if scale == "linear" else first if scale == "zero" and start == 0 else position(start)
        self.state[name] = 0.0 if scale == "zero" and where == first else float(f"{value(where):.6g}")
        self.grids[name] = lambda by: np.array([value(p) for p in range(int(first), int(last) + 1, by)])
        range_ = f'min="{first:g}" max="{last:g}" step="{by if scale == "linear" else 1:g}" value="{where:.10g}"'
        self._row(name, label, series, f'{range_} data-scale="{scale}" data-unit="{unit}"', outs)

    def steps(self, name, values, label, series):
        """A slider over the recorded `values`: the state is the index."""
        start = self.initial.pop(name, None)
        index = len(values) // 2 if start is None else int(np.abs(np.log(np.asarray(values) / start)).argmin())
        self.state[name] = index
        texts = " ".join(f"{v:.4g}" for v in values)
        range_ = f'min="0" max="{len(values) - 1}" step="1" value="{index}"'
        self._row(name, label, series, f'{range_} data-values="{texts}"', True)

    def select(self, name, texts, start=0):
        """A select box; the state is the index."""
        self.state[name] = start
        first = self.initial.pop(name, None)
        if first is not None:
            self.state[name] = texts.index(checks.known(f"initial[{name!r}]", first, dict(zip(texts, texts, strict=True))))
        options = "".join(
            f'<option value="{i}"{" selected" if i == self.state[name] else ""}>{escape(text)}</option>' for i, text in enumerate(texts)
        )
        self.rows.append(
            f'<div class="x-row x-choice"><label><span>{name}</span><select data-name="{name}" data-lm-suppress-shortcuts="true">'
            f"{options}</select></label></div>"
        )

    def _row(self, name, label, series, control, outs):
        out = f'<span class="x-out" data-out="{name}"></span>' if outs else ""
        colours = f' class="x-s" style="{_colours(series)}"' if series else ""
        self.rows.append(
            f'<div class="x-row"><label><span>{_swatch(series) if series else ""}{escape(label or name)}</span>'
            f'<input type="range"{colours} {control} data-name="{name}" data-lm-suppress-shortcuts="true"></label>'
            f'<output data-out="= {name}"></output>{out}</div>'
        )

    def grid(self, name, by):
        """Every `by`-th value of a slider, or the value itself where there is none."""
        return self.grids[name](by) if name in self.grids else np.array([self.state[name]])

    def html(self):
        """The rows of the controls."""
        return "".join(self.rows)

    def check(self):
        """Raise ValueError for an initial value that found no slider."""
        if self.initial:
            unknown, names = (", ".join(map(repr, found)) for found in (self.initial, self.state))
            raise ValueError(f"initial has no slider for {unknown}: expected one of {names}")


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
    caption="Drag the ring, where all paths start, or move it with the arrow keys; each dot is a step. The dotted line is a thousandth "
    "of the loss at the start: from where a path stays below it, it counts as at the minimum.",
):
    """Optimizers raced from one start on a surface, or on one of several chosen in a box; each has a slider for its rate.

    learning_rate: (low, high), or a dict of them by name. A hyper-parameter is a number, or a pair (low, high) that gets a slider;
    angle=(low, high) turns a quadratic. Facts: "SGD rate", "SGD steps" (to the minimum), "SGD loss", "SGD diverged" (the step),
    "SGD turns" (steps on which the gradient changed sign), ... for every optimizer, and the hyper-parameters, "x" and "y".
    Raises ValueError for unknown optimizers, for arguments out of range, and for a `reached` that names no fact.
    """
    steps, names = checks.integer("steps", steps, 1), [optimizers] if isinstance(optimizers, str) else list(optimizers)
    for name in names:
        checks.known("optimizers", name, dict.fromkeys(RACERS))
    several = list(surface) if isinstance(surface, list | tuple) else [surface]
    turning = angle is not None and isinstance(surface, surfaces.Quadratic)
    if angle is not None and not turning:
        raise ValueError(f"angle={angle!r} can only turn one quadratic surface, but surface is {surface!r}")
    controls = Controls(initial)
    if len(several) > 1:
        controls.select("surface", [one.name for one in several])
    else:
        controls.value("surface", 0)
    chosen = several[controls.state["surface"]]
    for name in names:
        limits = learning_rate[name] if isinstance(learning_rate, dict) else learning_rate
        controls.slider(f"{name} rate", limits, "log", f"{name} rate", series=name)
    given = {"momentum": momentum, "rho": rho, "beta_1": beta_1, "beta_2": beta_2, "weight_decay": weight_decay}
    sliders = [key for key, value in given.items() if np.ndim(value)] + ["angle"] * turning
    for key, value in given.items():
        controls.slider(key, value, "log" if key == "weight_decay" else "memory", outs=False)
    if turning:
        controls.slider("angle", angle, "linear", "angle of the valley", "°", start=min(max(chosen.angle, angle[0]), angle[1]), outs=False)
        chosen = surfaces.Quadratic(chosen.curvatures, controls.state["angle"], chosen.name, chosen.start, chosen.box)
    controls.slider("noise", noise, "zero", "noise on the gradient", start=0.0, outs=False)
    draws = np.random.default_rng(0).standard_normal((steps, 2)).round(2) if np.any(noise) else np.zeros((0, 2))
    x, y = checks.number("start", list(chosen.start if start is None else start))
    controls.value("x", float(x))
    controls.value("y", float(y))

    def run(name, on=chosen, **changes):
        state = controls.state | {"rate": controls.state[f"{name} rate"]} | changes
        return _descend(name, state, on, (x, y) if on is chosen else on.start, steps, draws)

    def par(on):  # 1.1 times the fewest steps over the slider of the rate and, where it has one, of the momentum
        least = {}
        for name in names:
            changes = {"rate": controls.grid(f"{name} rate", 3)[:, None]}
            if name in USES["momentum"]:
                changes["momentum"] = controls.grid("momentum", 10)[:, None, None]
            least[name] = float(np.floor(1.1 * outcome(run(name, on, **changes), on)["steps"].min()))
        none = min(least.values()) == np.inf
        return {name: -1 if none else min(value, 1e9) for name, value in least.items()}

    if reached is None:
        reached = " and ".join(f"{name} steps <= {name} par" for name in names)
        pars = [par(chosen if i == controls.state["surface"] else one) for i, one in enumerate(several)]
    else:
        pars = [{}] * len(several)
    state, marks, facts, said = controls.state, {}, {}, []
    maps = [_map(chosen if i == controls.state["surface"] else one) for i, one in enumerate(several)]
    loss_panel = Panel(
        *("Loss", (0, steps), (1e-6, 1e2), "step", "loss / loss at the start"),
        "Loss against step on a logarithmic scale, one curve an optimizer.",
        log="y",
        over="".join(_mark(f"{name} loss", "x-line", name) for name in names),
    )
    loss_panel.under = f'<path class="x-goalline" d="{loss_panel.line([0, steps], [GOAL, GOAL])}"/>'
    map_panel = maps[state["surface"]]
    for name in names:
        path = run(name)
        facts |= {f"{name} {key}": float(value) for key, value in outcome(path, chosen).items()}
        facts |= {f"{name} par": value for value in [pars[state["surface"]].get(name)] if value is not None}
        loss = chosen(path) - chosen.lowest
        marks[f"{name} path"], marks[f"{name} dots"] = map_panel.line(*path.T), map_panel.dots(*path.T)
        marks[f"{name} end"] = map_panel.move(*path[np.isfinite(path[:, 0])][-1])
        marks[f"{name} loss"] = loss_panel.line(np.arange(steps + 1), loss / loss[0])
        fate = _fate({key: facts[f"{name} {key}"] for key in ("steps", "diverged", "loss")}, steps)
        said.append(f"{name} at rate {number(state[f'{name} rate'])}: {fate}")
    marks |= {f"surface {i}": {"display": "inline" if i == state["surface"] else "none"} for i in range(len(several))}
    marks |= {"start": map_panel.move(x, y)}
    if turning:
        marks["contours"] = {"transform": f"rotate({-state['angle']:g} {map_panel.w / 2:g} {map_panel.h / 2:g})"}
    frames = "".join(f'<g data-mark="surface {i}">{one.frame()}</g>' for i, one in enumerate(maps))
    lines = "".join(_mark(f"{n} path", "x-thin", n) + _mark(f"{n} dots", "x-dots", n) + _end(f"{n} end", n) for n in names)
    alt = f"Contour lines of the {' or the '.join(one.name for one in several)} with the paths of {', '.join(names)}."
    board = Panel("", map_panel.x[:2], map_panel.y[:2], "", "", alt, over=lines + START, back=frames)
    data = {
        "optimizers": names,
        "steps": steps,
        "draws": draws.tolist(),
        "sliders": sliders,
        "surfaces": [_described(*one) for one in zip(several, maps, pars, strict=True)],
    }
    choices = {"surface": [{"x": float(one.start[0]), "y": float(one.start[1])} for one in several]}
    picture = {"facts": facts, "marks": marks, "said": f"From ({number(x)}, {number(y)}). {'; '.join(said)}."}
    words = {"goal": goal, "reached": reached, "caption": caption}
    handle = _handle("start", "x", "y", map_panel, state)
    return Explorable("explore", data, [board, loss_panel], picture, controls, handle=handle, choices=choices, best=True, **words)


def momentum_map(
    condition_number=10,
    *,
    steps=80,
    initial=None,
    goal="Find the rate and the momentum at which the error shrinks fastest.",
    reached=None,
    caption="The stronger the colour, the faster the error shrinks in the long run (L is the largest curvature); drag the ring. The "
    "phase portrait is one weight as an oscillator: its position, and its velocity, scaled so that without friction it goes round a "
    "circle. The dotted line is the error that the map foretells.",
):
    """The convergence rate of momentum on a valley over (learning rate, momentum), with a probe; path, phase portrait and error.

    Facts: "rate" (times the largest curvature L), "momentum", "convergence" (the spectral radius: the factor by which a step
    multiplies the error in the long run) and "steps" (to the minimum). Raises ValueError for arguments out of range.
    """
    kappa, steps = checks.number("condition_number", condition_number, 1), checks.integer("steps", steps, 1)
    surface, controls = surfaces.valley(kappa), Controls(initial)
    controls.slider("rate", (0.02, 3.98), "linear", "rate × L", start=1.0, by=0.01)
    controls.slider("momentum", (0, 0.99), "linear", start=0.8, by=0.01)
    controls.select("direction", ["along the floor", "across the floor"], start=1)
    state = controls.state
    rate, momentum, direction = state["rate"], state["momentum"], state["direction"]
    path = _descend("momentum", {"rate": rate / kappa, "momentum": momentum}, surface, surface.start, steps)
    shrinks = float(max(radius(rate / kappa, momentum), radius(rate, momentum)))
    facts = {"convergence": shrinks, "steps": float(outcome(path, surface)["steps"])}
    board = Panel(
        *("Speed of convergence", (0, 4), (0, 1), "learning rate × L", "momentum"),
        f"Map of the convergence rate over learning rate and momentum for the condition number {kappa:g}.",
        limits=[[0.02, 3.98], [0, 0.99]],
        over=START.replace("start", "probe", 2).replace("x-probe", "x-start"),
    )
    board.under = _heat(board, kappa)
    valley = _map(surface)
    valley.over = _mark("path", "x-thin", "momentum") + _mark("dots", "x-dots", "momentum") + _end("end", "momentum")
    valley.alt = "The path of momentum on the contour lines of the valley."
    phase = Panel(
        *("Phase portrait", (-1.6, 1.6), (-1.6, 1.6), "position, in starts", "velocity, scaled"),
        "Phase portrait of one weight: position against velocity, a dot a step.",
        over=_mark("phase", "x-thin", "momentum") + _mark("phase dots", "x-dots", "momentum") + _end("phase end", "momentum"),
    )
    error = Panel(
        *("Distance to the minimum", (0, steps), (1e-6, 1e2), "step", "distance / distance at the start"),
        "Distance to the minimum against step, with the line that the convergence rate foretells.",
        log="y",
        over=_mark("asymptote", "x-goalline") + _mark("distance", "x-line", "momentum"),
    )
    pull = rate if direction else rate / kappa
    w = path[:, direction] / surface.start[direction]
    u = np.diff(w, prepend=w[0]) / np.sqrt(pull)
    last = np.isfinite(path[:, 0]).sum() - 1
    time = np.arange(steps + 1)
    marks = {
        "path": valley.line(*path.T),
        "dots": valley.dots(*path.T),
        "end": valley.move(*path[last]),
        "phase": phase.line(w, u),
        "phase dots": phase.dots(w, u),
        "phase end": phase.move(w[last], u[last]),
        "distance": error.line(time, np.hypot(*path.T) / np.hypot(*surface.start)),
        "asymptote": error.line(time, shrinks**time),
        "probe": board.move(rate, momentum),
    }
    damping = [damped(rate / kappa, momentum), damped(rate, momentum)]
    fate = _fate({"loss": surface(path)[-1], **outcome(path, surface)}, steps)
    said = (
        f"Rate {number(rate)} / L, momentum {number(momentum)}: along the floor {damping[0]}, across it {damping[1]}; in the long run "
        f"a step multiplies the error by {number(shrinks)}; {fate}."
    )
    root = np.sqrt(kappa)
    optimum = {"rate": float(4 * kappa / (root + 1) ** 2), "momentum": float(((root - 1) / (root + 1)) ** 2)}
    data = {"condition_number": kappa, "surface": _described(surface), "steps": steps, "optimum": optimum}
    words = {"goal": goal, "caption": caption}
    words["reached"] = f"convergence <= {1.02 * np.sqrt(optimum['momentum']) + 1e-9:.6g}" if reached is None else reached
    handle = _handle("probe", "rate", "momentum", board, state)
    picture = {"facts": facts, "marks": marks, "said": said}
    return Explorable("momentum_map", data, [board, valley, phase, error], picture, controls, handle=handle, best=True, **words)


def bias_correction(
    beta_1=(0, 0.99),
    beta_2=(0.9, 0.9999),
    *,
    noise=(0.01, 3),
    steps=300,
    initial=None,
    goal="Find betas for which the first step without correction is as long as with it.",
    reached="first uncorrected >= 0.95 and first uncorrected <= 1.05",
    caption="The gradient is 1 and noise. Without the correction the running means start from 0, and their ratio is the length of a step.",
):
    """Adam's first steps on a gradient of mean 1, with and without bias correction.

    Facts: "beta_1", "beta_2", "noise", and "first corrected", "first uncorrected", "largest corrected", "largest uncorrected": the
    length of the first and of the longest step, in learning rates. Raises ValueError for arguments out of range.
    """
    steps, controls = checks.integer("steps", steps, 2), Controls(initial)
    controls.slider("beta_1", beta_1, "memory", start=0.9, outs=False)
    controls.slider("beta_2", beta_2, "memory", start=0.999, outs=False)
    controls.slider("noise", noise, "zero", "noise on the gradient", start=0.0, outs=False)
    state = controls.state
    draws = np.random.default_rng(0).standard_normal(steps).round(2)
    rows = first_steps(state["beta_1"], state["beta_2"], 1 + state["noise"] * draws)
    lengths = Panel(
        *("Length of a step", (1, steps), (0.01, 100), "step", "in learning rates"),
        "Length of each step of Adam with and without bias correction, both axes logarithmic.",
        log="xy",
        over=_mark("without", "x-line", "Adam + L2") + _mark("with", "x-line", "Adam"),
    )
    lengths.under = f'<path class="x-goalline" d="{lengths.line([1, steps], [1, 1])}"/>'
    means = Panel(
        *("Running means", (1, steps), (0, 2), "step", "in mean gradients"),
        "The running mean m of the gradient and the root of the running mean v of its square, raw and corrected.",
        log="x",
    )
    styles = {"m": "momentum", "m corrected": "Nesterov", "root v": "RMSprop", "root v corrected": "AdamW"}
    means.over = "".join(_mark(name, "x-line", series) for name, series in styles.items())
    time = np.arange(1, steps + 1)
    marks = {name: (lengths if name.startswith("with") else means).line(time, row) for name, row in rows.items()}
    facts = {
        f"{which} {name}": float(rows[row][0] if which == "first" else rows[row].max())
        for which in ("first", "largest")
        for name, row in (("corrected", "with"), ("uncorrected", "without"))
    }
    said = [f"first step {number(facts[f'first {n}'])}, largest {number(facts[f'largest {n}'])}" for n in ("uncorrected", "corrected")]
    said = f"In learning rates: without correction {said[0]}; with it {said[1]}."
    lengths.keys = [("Adam", "corrected"), ("Adam + L2", "not corrected")]
    means.keys = [("momentum", "m"), ("Nesterov", "m corrected"), ("RMSprop", "√v"), ("AdamW", "√v corrected")]
    words = {"goal": goal, "reached": reached, "caption": caption}
    picture = {"facts": facts, "marks": marks, "said": said}
    data = {"steps": steps, "draws": draws.tolist()}
    return Explorable("bias_correction", data, [lengths, means], picture, controls, **words)


def decay_only(
    learning_rate=(1e-3, 0.1),
    weight_decay=(1e-3, 1.0),
    gradient=(0.01, 10.0),
    *,
    steps=200,
    initial=None,
    goal="Make both leave about as much of the idle weight; then compare the busy one.",
    reached=None,
    caption="Two weights start at 1. The idle one sees no gradient from the loss, the busy one +g, −g, +g, ... in turn.",
):
    """AdamW against Adam + L2 on a weight that sees no gradient and on one that sees a gradient of mean zero.

    Facts: "rate", "decay", "gradient", and what is left: "AdamW idle", "AdamW busy", "Adam + L2 idle", "Adam + L2 busy".
    Raises ValueError for arguments out of range.
    """
    steps, controls = checks.integer("steps", steps, 1), Controls(initial)
    controls.slider("rate", learning_rate, "log", "learning rate", outs=False)
    controls.slider("decay", weight_decay, "log", "weight decay", outs=False)
    controls.slider("gradient", gradient, "log", "busy gradient g", start=1.0, outs=False)
    state, names = controls.state, ("AdamW", "Adam + L2")
    panels = [
        Panel(
            *(f"The {kind} weight", (0, steps), (-0.25, 1.25), "step", "weight"),
            f"The {kind} weight against step under AdamW and under Adam with an L2 penalty.",
            over="".join(_mark(f"{name} {kind}", "x-line", name) for name in names),
            keys=[(name, name) for name in names],
        )
        for kind in ("idle", "busy")
    ]
    marks, facts = {}, {}
    for name in names:
        for kind, panel, size in zip(("idle", "busy"), panels, (0.0, state["gradient"]), strict=True):
            w = decaying(name, state["rate"], state["decay"], size, steps)
            marks[f"{name} {kind}"], facts[f"{name} {kind}"] = panel.line(np.arange(steps + 1), w), float(w[-1])
    said = [f"{n} leaves {number(facts[f'{n} idle'])} of the idle weight and {number(facts[f'{n} busy'])} of the busy one" for n in names]
    words = {"goal": goal, "caption": caption}
    words["reached"] = "idle gap <= 0.05 and busy gap >= 0.1" if reached is None else reached
    for kind in ("idle", "busy"):
        facts[f"{kind} gap"] = abs(facts[f"AdamW {kind}"] - facts[f"Adam + L2 {kind}"])
    picture = {"facts": facts, "marks": marks, "said": f"After {steps} steps {'; '.join(said)}."}
    return Explorable("decay_only", {"steps": steps}, panels, picture, controls, **words)


def schedule_designer(
    recorded=None,
    *,
    steps=100,
    initial=None,
    goal=None,
    reached=None,
    caption=None,
):
    """The learning rate over a run for a warmup, a shape and a floor, and the loss recorded for the nearest setting.

    recorded: list of dicts with "shape" (one of SHAPES), "warmup" (share of all steps), "floor" (share of the peak), "loss" (a
    number a seed) and, in all or none, "rate", the peak. Facts: "warmup", "floor", "rate" and "loss". Raises ValueError for
    arguments out of range and for a setting that lacks one of them.
    """
    steps, controls, settings = checks.integer("steps", steps, 2), Controls(initial), list(recorded or [])
    names = [shape for shape in SHAPES if not settings or any(one.get("shape") == shape for one in settings)]
    keys = ["warmup", "floor"] + ["rate"] * any("rate" in one for one in settings)
    for one in settings:
        checks.known("shape", one.get("shape"), SHAPES)
        for key in (*keys, "loss"):
            if key not in one:
                raise ValueError(f"the recorded setting {one!r} has no {key!r}")
    seen = {key: [checks.number(key, one[key], 0) for one in settings] for key in keys}
    controls.select("shape", names)
    controls.slider("warmup", (0.0, 0.5), "linear", "warmup, of the run", start=0.0, outs=False, by=0.01)
    controls.slider("floor", (0.0, 1.0), "linear", "floor, of the peak", start=0.0, outs=False, by=0.01)
    if "rate" in keys:
        controls.slider("rate", (min(seen["rate"]), max(seen["rate"])), "log", "peak rate", outs=False)
    state = controls.state
    shape = names[state["shape"]]
    time = np.arange(steps + 1) / steps
    rates = Panel(
        *("Learning rate", (0, 100), (0, 105), "% of the run", "% of the peak"),
        "The learning rate over the run, in percent of its peak.",
        over=_mark("rate", "x-line", "momentum"),
    )
    marks = {"rate": rates.line(100 * time, 100 * designed(shape, state["warmup"], state["floor"])(time))}
    what = f"{shape}, warmup {_share(state['warmup'])}, floor {_share(state['floor'])}"
    panels, facts, said, best = [rates], {}, f"The rate over time: {what}.", None
    ranges = {key: float(np.ptp(np.log(seen[key]) if key == "rate" else seen[key])) or 1.0 for key in keys} if settings else {}
    data = {"names": names, "steps": steps, "ranges": ranges, "settings": []}
    if settings:
        median = np.array([np.median(np.nan_to_num(one["loss"], nan=np.inf)) for one in settings])
        finite = median[np.isfinite(median)]
        low, high = finite.min() / 1.05, min(finite.max() * 1.05, 30 * finite.min())
        losses = Panel(
            *("Recorded loss", (low, high), (len(names) - 0.5, -0.5), "loss, median over the seeds", ""),
            "The recorded loss of every setting, a dot each, by shape; a ring marks the setting nearest to the one drawn.",
            log="x",
            over='<circle class="x-start" r="7" data-mark="nearest"/>',
            rows=list(enumerate(names)),
            left=82,
        )
        order = sorted(range(len(settings)), key=lambda i: [settings[i][key] for key in keys])
        for one, loss in zip(settings, median, strict=True):
            mine = [i for i in order if settings[i]["shape"] == one["shape"]]
            row = names.index(one["shape"]) + 0.8 * ((mine.index(settings.index(one)) + 1) / (len(mine) + 1) - 0.5)
            at = {"x": float(min(loss, high)), "y": round(row, 3), "loss": float(loss) if loss < np.inf else None}
            data["settings"].append(at | {"shape": one["shape"]} | {key: float(one[key]) for key in keys})
        shown = np.array([(one["x"], one["y"]) for one in data["settings"]])
        losses.under = f'<path class="x-dots x-s" style="{_colours("momentum")}" d="{losses.dots(*shown.T)}"/>'
        hit = _nearest(state, shape, data["settings"], ranges)
        marks["nearest"], facts["loss"] = losses.move(hit["x"], hit["y"]), np.inf if hit["loss"] is None else hit["loss"]
        at = f"warmup {_share(hit['warmup'])}, floor {_share(hit['floor'])}"
        at += f", peak rate {number(hit['rate'])}" if "rate" in hit else ""
        loss = f"loss {number(facts['loss'])}" if facts["loss"] < np.inf else "diverged"
        said, best = f"You drew: {what}. Nearest recorded: {shape}, {at}: {loss}.", float(finite.min())
        panels.append(losses)
    if goal is None:
        goal = "Design the schedule with the lowest recorded loss." if settings else ""
    if caption is None:
        caption = "A dot is the final loss of one recorded setting; the ring is the one nearest to the schedule drawn."
        caption = caption if settings else "The learning rate over the run."
    if reached is None:
        reached = f"loss <= {1.02 * best:.6g}" if settings else ""
    picture = {"facts": facts, "marks": marks, "said": said}
    words = {"goal": goal, "reached": reached, "caption": caption}
    return Explorable("schedule_designer", data, panels, picture, controls, best=bool(settings), **words)


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
    controls, data, best = Controls(initial), {}, {}
    for name, sweep in sweeps.items():
        checks.known("metric", metric, sweep)
        if len(sweep["learning_rate"]) < 2:
            raise ValueError(f"the sweep of {name!r} has {len(sweep['learning_rate'])} learning rate: expected at least two")
        runs = np.nan_to_num(sweep[metric], nan=np.inf, posinf=np.inf)
        with np.errstate(invalid="ignore"):
            low, middle, high = np.nan_to_num(np.quantile(runs, [0.25, 0.5, 0.75], axis=1), nan=np.inf)
        high = np.where(np.isfinite(high), high, middle)
        rates = [float(f"{v:.4g}") for v in sweep["learning_rate"]]
        accuracy = _rounded(np.median(np.nan_to_num(sweep["test_accuracy"]), axis=1))
        data[name] = {"rates": rates, "accuracy": accuracy, "middle": _rounded(middle), "low": _rounded(low), "high": _rounded(high)}
        best[name] = float(middle[:, -1].min())
        controls.steps(f"{name} rate", rates, f"{name} rate", name)
    finals = {n: np.array([np.inf if row[-1] is None else row[-1] for row in d["middle"]]) for n, d in data.items()}
    everything = np.array([v for d in data.values() for row in d["middle"] for v in row if v is not None])
    low, high = 0.8 * min(min(best.values()), everything.min()), 1.25 * min(everything.max(), 4.0)
    epochs = len(next(iter(data.values()))["middle"][0])
    label = metric.replace("val_", "validation ").replace("_", " ")
    curves = Panel(
        *(label.capitalize(), (1, epochs), (low, high), "epoch", label),
        f"Learning curves: {label} against epoch, the median over the seeds and a band of quartiles for each optimizer.",
        log="y",
        over="".join(_mark(f"{n} band", "x-area", n) + _mark(f"{n} curve", "x-line", n) for n in data),
    )
    rates = [rate for d in data.values() for rate in d["rates"]]
    ends = Panel(
        *("Last epoch, by rate", (min(rates) / 1.3, max(rates) * 1.3), (low, high), "learning rate", label),
        f"The {label} of the last epoch against the learning rate, a curve for each optimizer; a marker stands at the chosen rate.",
        log="xy",
        over="".join(_end(f"{n} end", n) for n in data),
    )
    for n, d in data.items():
        line = ends.line(d["rates"], np.minimum(finals[n], high))
        ends.under += _mark(f"{n} ends", "x-thin", n).replace(f'data-mark="{n} ends"', f'd="{line}"')
    marks, facts, said = {}, {}, []
    for n, d in data.items():
        i = controls.state[f"{n} rate"]
        row = {key: np.array([v for v in d[key][i] if v is not None], dtype=float) for key in ("low", "middle", "high")}
        time = np.arange(1, 1 + len(row["middle"]))
        facts |= {f"{n} rate": d["rates"][i], f"{n} loss": float(finals[n][i]), f"{n} accuracy": d["accuracy"][i]}
        fine = d["middle"][i][0] is not None
        there = (*time, *time[::-1])
        marks[f"{n} curve"] = curves.line(time, row["middle"]) if fine else ""
        marks[f"{n} band"] = curves.line(there, (*row["low"], *row["high"][::-1])) + "Z" if fine else ""
        marks[f"{n} end"] = ends.move(d["rates"][i], min(finals[n][i], high))
        fate = f"loss {number(finals[n][i])}, test accuracy {number(100 * d['accuracy'][i])} %" if finals[n][i] < np.inf else "diverged"
        said.append(f"{n} at rate {number(d['rates'][i])}: {fate}")
    seeds = next(iter(sweeps.values()))[metric].shape[1]
    if caption is None:
        caption = f"The curves are medians of {seeds} seeds, the bands their quartiles; every rate was run and recorded."
    if reached is None:
        reached = " and ".join(f"{n} loss <= {1.05 * best[n]:.6g}" for n in data)
    picture = {"facts": facts, "marks": marks, "said": f"{'; '.join(said)}."}
    words = {"goal": goal, "reached": reached, "caption": caption}
    return Explorable("recorded", {"sweeps": data}, [curves, ends], picture, controls, best=True, **words)


# ---- what the figures compute


def _descend(name, state, surface, start, steps, draws=None):
    """The path of the optimizer `name` with the hyper-parameters of `state`, by optimlib itself."""
    noise = float(state.get("noise", 0.0))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # the figure says itself where a path diverged
        return surfaces.descend(_optimizer(name, state), surface, start, steps, noise, _Recorded(draws) if noise else None)


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
    return np.where(inside < 0, np.sqrt(momentum), (np.abs(trace) + np.sqrt(np.maximum(inside, 0))) / 2)


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
        rows.append((m, m / first, root, root / second, abs(m) / (root + 1e-7), second / first * abs(m) / (root + 1e-7)))
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
    "step": lambda p, floor: np.maximum(floor, np.select([p < 0.5, p < 0.75], [1.0, 0.1], 0.01)),
    "reversed": lambda p, floor: floor + (1 - floor) * (1 - np.cos(np.pi * p)) / 2,
}


def designed(shape, warmup=0.0, floor=0.0, *, peak=1.0, steps=1):
    """The schedule that the designer draws, a function of the step: for `warmup` of the `steps` up in a straight line, then `shape`.

    warmup: share of the steps; floor: share of the peak; exponential and step end no lower than 1 % of it. Raises ValueError for
    arguments out of range.
    """
    decay = checks.known("shape", shape, SHAPES)
    warmup, floor = checks.number("warmup", warmup, 0, 1), checks.number("floor", floor, 0, 1)
    peak, steps = checks.number("peak", peak, 0), checks.number("steps", steps, 0, open_low=True)

    def schedule(step):
        time = np.asarray(step) / steps
        p = np.clip((time - warmup) / max(1 - warmup, 1e-9), 0, 1)
        rate = peak * np.where(time < warmup, decay(np.zeros(()), floor) * time / max(warmup, 1e-9), decay(p, floor))
        return float(rate) if rate.ndim == 0 else rate

    return schedule


def _nearest(state, shape, settings, ranges):
    def far(one):
        apart = {k: np.log(state[k] / one[k]) if k == "rate" else state[k] - one[k] for k in ranges}
        return sum((apart[k] / ranges[k]) ** 2 for k in ranges)

    return min((one for one in settings if one["shape"] == shape), key=far)


# ---- sliders: a position is a whole number, its value a round one: 1, 1.05, ... 2, 2.1, ... 5, 5.2, ... 9.8 times a power of ten


def _value(position):
    decade, k = divmod(position, 75)
    mantissa = 1 + 0.05 * k if k < 20 else 2 + 0.1 * (k - 20) if k < 50 else 5 + 0.2 * (k - 50)
    return float(f"{mantissa * 10.0**decade:.3g}")


def _position(value):
    decade = int(np.floor(np.log10(value) + 1e-12))
    m = value / 10.0**decade
    return 75 * decade + int(np.floor(0.5 + ((m - 1) / 0.05 if m < 2 else 20 + (m - 2) / 0.1 if m < 5 else 50 + (m - 5) / 0.2)))


SCALES = {
    "log": (_position, _value),
    "zero": (_position, _value),
    "memory": (lambda value: -_position(1 - value), lambda position: float(f"{1 - _value(-position):.6g}")),
    "linear": (lambda value: value, lambda position: position),
}


def _limits(name, value):
    """A number as (value, value), a pair as (low, high)."""
    top = {"open_high": True, "high": 1} if name in ("momentum", "rho", "beta_1", "beta_2") else {}
    if np.ndim(value) == 0:
        return (checks.number(name, value, 0, **top),) * 2
    value = checks.number(name, list(value), *([] if name == "angle" else [0]), **top)
    if len(value) != 2 or value[0] >= value[1]:
        raise ValueError(f"{name}={value!r} is not a number or a pair (low, high) with low < high")
    return float(value[0]), float(value[1])


def _condition(text, facts):
    """Comparisons joined by " and " as triples: a fact, a sign, and a number or another fact."""
    triples = []
    for part in text.split(" and ") if text else []:
        hit = re.fullmatch(r"(.+?) *(<=|>=|<|>) *(.+)", part.strip())
        if hit is None:
            raise ValueError(f"reached={text!r}: {part!r} is not a comparison such as 'SGD steps <= 20'")
        left, sign, right = hit.groups()
        checks.known("reached", left, facts)
        try:
            right = min(float(right), 1e308)  # JSON has no infinity
        except ValueError:
            checks.known("reached", right, facts)
        triples.append([left, sign, right])
    return triples


# ---- words, lines and marks


def number(v):
    """A number for the reader: three digits, and powers of ten only where they are needed."""
    if not np.isfinite(v):
        return "∞"
    if v == 0 or 1e-3 <= abs(v) < 1e5:
        text = f"{float(f'{v:.2e}'):g}"
    else:
        mantissa, exponent = f"{v:.1e}".split("e")
        text = f"{mantissa}e{int(exponent):+d}"
    return text.replace("-", "−")


def _fate(run, steps):
    if run["diverged"] < np.inf:
        return f"diverged at step {run['diverged']:g}"
    when = f"{run['steps']:g} steps to the minimum" if run["steps"] < np.inf else f"not there in {steps} steps"
    return f"{when}, final loss {number(run['loss'])}"


def _share(v):
    return f"{number(100 * v)} %"


def _rounded(array):
    """Nested lists of four significant digits, None for what is not finite."""
    if np.ndim(array):
        return [_rounded(part) for part in array]
    return float(f"{array:.4g}") if np.isfinite(array) else None


def _tenths(points):
    return np.floor(10 * np.clip(points, -5000, 5000) + 0.5)


def _pair(tenths):
    return f"{tenths[0] / 10 + 0:g},{tenths[1] / 10 + 0:g}"


def _lines(points, join):
    """Path data in tenths of a pixel, relative, without the points that fall on the one before."""
    points = _tenths(points[np.isfinite(points).all(axis=-1)])
    moves = np.diff(points, axis=0)
    return f"M{_pair(points[0])}" + "".join(join + _pair(move) for move in moves[(moves != 0).any(axis=1)])


def _along(v, limits):
    low, high, log = limits
    v = np.asarray(v, dtype=float)
    if log:
        return np.log10(np.maximum(v, 1e-300) / low) / np.log10(high / low)
    return (v - low) / (high - low)


def _ticks(low, high, log):
    """Round values between low and high, with their texts."""
    if not log or high / low < 5:
        size = 10.0 ** np.floor(np.log10(high - low))
        by = next(size * part for part in (1, 0.5, 0.2, 0.1) if (high - low) / (size * part) >= 3.5)
        ticks = np.arange(np.ceil(low / by - 1e-9), np.floor(high / by + 1e-9) + 1) * by + 0.0
        return [(v, f"{v:g}".replace("-", "−")) for v in ticks]
    decades = range(int(np.floor(np.log10(low) + 1e-9)), int(np.ceil(np.log10(high) - 1e-9)) + 1)
    few = len(decades) <= 4
    ticks = [m * 10.0**d for d in decades for m in ((1, 2, 5) if few else (1,)) if low <= 1.001 * m * 10.0**d <= 1.002 * high]
    return [(v, f"{v:g}" if few else "10" + str(round(np.log10(v))).translate(RAISED)) for v in ticks]


RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
START = '<circle class="x-start" r="6" data-mark="start"/>'


def _colours(name):
    colour = palette.style(name)[0]
    return f"--l:{colour};--d:{palette.DARK[colour]}"


def _mark(name, kind, series=None):
    """A path that moves, in the colour of `series`, and in its dash if it is a line."""
    dash = " ".join(f"{1.5 * part:g}" for part in palette.style(series)[1]) if series and kind == "x-line" else ""
    colours = f' style="{_colours(series)}"' if series else ""
    dashed = f' stroke-dasharray="{dash}"' if dash else ""
    return f'<path class="{kind}{" x-s" if series else ""}" data-mark="{escape(name)}"{colours}{dashed}/>'


def _end(name, series):
    """The marker of `series`, where its path ends."""
    return f'<path class="x-end x-s" data-mark="{escape(name)}" style="{_colours(series)}" d="{SYMBOLS[palette.style(series)[2]]}"/>'


def _swatch(name):
    colour, dash, marker = palette.style(name)
    dashed = f' stroke-dasharray="{" ".join(f"{1.5 * part:g}" for part in dash)}"' if dash else ""
    line = f'<path class="x-line" d="M0,6h34"{dashed}/><path class="x-end" transform="translate(17,6)" d="{SYMBOLS[marker]}"/>'
    return f'<svg class="x-s" style="{_colours(name)}" viewBox="0 0 34 12" aria-hidden="true">{line}</svg>'


def _attributes(mark):
    mark = {"d": mark} if isinstance(mark, str) else mark
    return "".join(f' {key}="{text}"' for key, text in mark.items())


def _handle(label, x, y, panel, state):
    left, top = panel.place(state[x], state[y])
    where = f"left:{100 * (Panel.LEFT + left) / Panel.WIDTH:.2f}%;top:{100 * (Panel.TOP + top) / panel.height:.2f}%"
    value = f'aria-valuenow="{state[x]}" aria-valuetext="{x} {number(state[x])}, {y} {number(state[y])}"'
    return (
        f'<span class="x-handle" role="slider" tabindex="0" aria-label="{label}, move with the arrow keys" {value} style="{where}" '
        f'aria-valuemin="{panel.x[0]}" aria-valuemax="{panel.x[1]}" data-x="{x}" data-y="{y}" '
        f'data-lm-suppress-shortcuts="true" hidden></span>'
    )


def _described(surface, panel=None, par=None):
    """What the script needs to know of a surface."""
    kept = {key: np.asarray(getattr(surface, key)).tolist() for key in KEPT if hasattr(surface, key)}
    about = {"kind": type(surface).__name__, "start": list(surface.start), "lowest": surface.lowest} | kept
    return about | ({"panel": panel.scale(), "par": par} if panel else {})


KEPT = ("curvatures", "angle", "samples", "constants", "height", "length")


LEVELS = np.linspace(0.03, 1, 15) ** 2  # of the contour lines, as shares of the highest value: dense near the bottom


def _map(surface):
    """A panel with the contour lines and the minima of a surface."""
    from contourpy import contour_generator

    panel = Panel(surface.name[0].upper() + surface.name[1:], *surface.box, "weight x", "weight y", "")
    (left, right), (bottom, top) = surface.box
    middle = f"{panel.w / 2:g},{panel.h / 2:g}"
    if isinstance(surface, surfaces.Quadratic) and panel.w == panel.h and right - left == top - bottom and right + left == top + bottom == 0:
        far = surface([left, bottom]), surface([left, top])
        radii = [panel.w / (right - left) * np.sqrt(2 * max(far) * level / surface.curvatures) for level in LEVELS[:-1]]
        shapes = "".join(f'<ellipse rx="{rx:.1f}" ry="{ry:.1f}"/>' for rx, ry in radii)
        lines = f'<g data-mark="contours" transform="rotate({-surface.angle:g} {middle})"><g transform="translate({middle})">{shapes}</g></g>'
    else:
        x, y = np.linspace(left, right, 121), np.linspace(bottom, top, 121)
        f = surface(np.stack(np.meshgrid(x, y), axis=-1)) - surface.lowest
        levels = contour_generator(x, y, f).multi_lines(f.max() * LEVELS[:-1:2])
        lines = f'<path d="{"".join(_lines(_thinned(panel.place(*line.T)), "l") for level in levels for line in level)}"/>'
    minima = ((0.0, 1.0), (0.0, -1.0)) if isinstance(surface, surfaces.Saddle) else (surface.minimum,)
    stars = "".join(f'<path class="x-star" transform="translate({_pair(_tenths(panel.place(*point)))})" d="{SYMBOLS["*"]}"/>' for point in minima)
    panel.under = f'<g class="x-contour">{lines}</g>{stars}'
    return panel


def _heat(panel, kappa):
    """Nested regions of convergence: in each, a step shrinks the error to at most `c` of it; their edges are straight.

    Both roots of z^2 - (1 + momentum - pull) z + momentum lie within c where momentum <= c^2 and
    (1 - c) (1 - momentum / c) <= pull <= (1 + c) (1 + momentum / c); pull is x / kappa along the floor, and x across it.
    """
    best, shapes = (np.sqrt(kappa) - 1) / (np.sqrt(kappa) + 1), ""
    for c in max(best, 0.05) ** np.arange(0, 1, 0.05):
        left, right = kappa * (1 - c), 1 + c
        low = c * max((left - right) / (left + right), 0)  # where the edges meet
        momentum = np.array([low, low, c**2, c**2])
        x = np.where([1, 0, 0, 1], left * (1 - momentum / c), right * (1 + momentum / c))
        shapes += f'<path d="{_lines(panel.place(x, momentum), "l")}z"/>'
    (x, y) = panel.place(3.1, 0.25)
    edge = f'<path class="x-goalline" d="{panel.line([2, 4], [0, 1])}"/>'
    return f'<g class="x-heat">{shapes}</g>{edge}<text x="{x:.0f}" y="{y:.0f}" text-anchor="middle">diverges</text>'


def _thinned(points, far=0.4):
    """The points of a line that matter, in half pixels: those dropped lie within `far` of it (Douglas & Peucker, 1973)."""
    points = np.round(2 * np.clip(points, -5000, 5000)) / 2
    if len(points) < 3:
        return points
    start, along = points[0], points[-1] - points[0]
    apart = points - start
    off = np.abs(along[0] * apart[:, 1] - along[1] * apart[:, 0]) / max(np.hypot(*along), 1e-9) if along.any() else np.hypot(*apart.T)
    i = off.argmax()
    if off[i] <= far:
        return points[[0, -1]]
    return np.concatenate([_thinned(points[: i + 1], far)[:-1], _thinned(points[i:], far)])


def _script(kind):
    """The script without comments, needless spaces and the other kinds of figure."""
    text = (HERE / "explorable.js").read_text("utf-8")
    parts = re.split(r"^ *// kind: (\w+)\n", text, flags=re.MULTILINE)  # before, name, body, name, body, ..., "end", after
    kinds = dict(zip(parts[1::2], parts[2::2], strict=True))
    lines = (re.sub(r"(^| +)// .*", "", line).strip() for line in (parts[0] + kinds[kind] + kinds["end"]).splitlines())
    code = re.split(r"(`[^`]*`|\"[^\"]*\")", "\n".join(filter(None, lines)))  # every second piece is a string
    code[::2] = [re.sub(r" ?([=+*/<>?:,;{}()&|!-]) ?", r"\1", piece) for piece in code[::2]]
    return "".join(code)


def _style():
    """The style sheet without needless spaces."""
    text = re.sub(r"\s+", " ", (HERE / "explorable.css").read_text("utf-8"))
    return re.sub(r" ?([{};,]) ?|(?<=:) ", r"\1", text)
