"""A learning-rate schedule to design, beside what was recorded for its like."""

import numpy as np

from optimlib import checks
from optimlib.figures import svg
from optimlib.figures.controls import Controls
from optimlib.figures.explorable import Explorable
from optimlib.figures.words import number, percent


def _step(p, floor):
    rates = np.select([p < 0.5 - 1e-9, p < 0.75 - 1e-9], [1.0, 0.1], 0.01)
    return np.maximum(floor, rates)


SHAPES = {  # the rate from 1 to `floor`, for p from 0 to 1
    "constant": lambda p, floor: 1 + 0 * p,
    "cosine": lambda p, floor: floor + (1 - floor) * (1 + np.cos(np.pi * p)) / 2,
    "linear": lambda p, floor: 1 - (1 - floor) * p,
    "exponential": lambda p, floor: max(floor, 0.01) ** p,
    "step": _step,
    "reversed": lambda p, floor: floor + (1 - floor) * (1 - np.cos(np.pi * p)) / 2,
}


def designed(shape, warmup=0.0, floor=0.0, *, peak=1.0, steps=1):
    """The schedule that the designer draws: up in a straight line at first, then along `shape`.

    Args:
        shape: one of SHAPES; exponential and step end no lower than 1 % of the peak.
        warmup: share of the steps.
        floor: share of the peak.
        peak: the highest rate, a number or an array.
        steps: the length of the run.

    Returns:
        A function of the step.

    Raises:
        ValueError: for arguments out of range.
    """
    decay = checks.known("shape", shape, SHAPES)
    warmup, floor = checks.number("warmup", warmup, 0, 1), checks.number("floor", floor, 0, 1)
    peak, steps = checks.number("peak", peak, 0), checks.number("steps", steps, 0, open_low=True)

    def schedule(step):
        time = np.asarray(step) / steps
        p = np.clip((time - warmup) / max(1 - warmup, 1e-9), 0, 1)
        climb = decay(np.zeros(()), floor) * time / max(warmup, 1e-9)
        rate = peak * np.where(time < warmup, climb, decay(p, floor))
        return float(rate) if rate.ndim == 0 else rate

    return schedule


def schedule_designer(
    recorded=None, *, steps=100, initial=None, goal=None, reached=None, caption=None
):
    """The learning rate over a run for a warmup, a shape and a floor, with the nearest record.

    Facts: "warmup", "floor", "rate" and "loss".

    Example:
        >>> run = {"shape": "cosine", "warmup": 0.1, "floor": 0.0, "loss": [0.21, 0.24]}
        >>> schedule_designer([run, run | {"shape": "linear", "loss": [0.3, 0.31]}])
        <explorable schedule_designer: ...

    Args:
        recorded: list of dicts with "shape" (one of SHAPES), "warmup" (share of all steps), "floor"
            (share of the peak), "loss" (a number a seed) and, in all or none, "rate", the peak.
        steps: at how many points the curve is drawn.
        initial: {name: value} where sliders stand at first.
        goal, reached, caption: what to try, when it is reached, what to see.

    Raises:
        ValueError: for arguments out of range, for a setting that lacks one of them, and where
            every setting diverged.
    """
    steps, controls = checks.integer("steps", steps, 2), Controls(initial)
    settings = list(recorded or [])
    keys = _setting_keys(settings)
    drawn = {one["shape"] for one in settings}
    names = [shape for shape in SHAPES if not settings or shape in drawn]
    peaks = None
    if "rate" in keys:
        peaks = sorted({checks.number("rate", one["rate"], 0, open_low=True) for one in settings})
    controls.select("shape", names)
    controls.slider(
        "warmup", (0.0, 0.5), "linear", "warmup, of the run", start=0.0, outs=False, by=0.01
    )
    controls.slider("floor", (0.0, 1.0), "linear", "floor, of the peak", start=0.0, by=0.01)
    if peaks:
        controls.steps("rate", peaks, "peak rate")
    state = controls.state
    mine = {
        "shape": names[state["shape"]],
        "warmup": state["warmup"],
        "floor": state["floor"],
    } | ({"rate": peaks[state["rate"]]} if peaks else {})
    facts = {"rate": mine["rate"]} if peaks else {}
    panels = [_rate_panel(mine, steps)]
    data = {"names": names, "rates": peaks, "steps": steps, "settings": []}
    said, seen = f"The rate over time: {_words(mine)}.", "The learning rate over the run."
    if settings:
        data["settings"], losses, lowest = _losses(settings, names, keys)
        panels.append(losses)
        hit = _nearest(mine, data["settings"])
        at = (hit["x"], hit["y"]) if hit else (losses.x[0], 0)
        losses.ring("nearest", *at, display="inline" if hit else "none")
        facts["loss"] = np.inf if hit is None or hit["loss"] is None else hit["loss"]
        fate = f"loss {number(facts['loss'])}" if facts["loss"] < np.inf else "diverged"
        nearby = "none"
        if hit:
            nearby = f"warmup {percent(hit['warmup'])}, floor {percent(hit['floor'])}: {fate}"
        said = f"You drew: {_words(mine)}. Nearest recorded: {nearby}."
        seen = (
            "A dot is the final loss of one recorded setting; "
            "the ring is the one nearest to the schedule drawn."
        )
        if any(one["loss"] is None for one in data["settings"]):
            seen += " A cross on the right diverged."
        goal = "Design the schedule with the lowest recorded loss." if goal is None else goal
        reached = f"loss <= {1.02 * lowest:.6g}" if reached is None else reached
    return Explorable(
        "schedule_designer",
        data,
        panels,
        controls,
        facts,
        said,
        goal or "",
        reached or "",
        seen if caption is None else caption,
        scripts=["schedule"],
        layout="pair",
        best=bool(settings),
    )


def _setting_keys(settings):
    """The numbers that every recorded setting has beside its loss."""
    keys = ["warmup", "floor"] + ["rate"] * any("rate" in one for one in settings)
    for one in settings:
        checks.known("shape", one.get("shape"), SHAPES)
        for key in (*keys, "loss"):
            if key not in one:
                raise ValueError(f"the recorded setting {one!r} has no {key!r}")
    return keys


def _rate_panel(mine, steps):
    """The panel of the rate over the run."""
    panel = svg.Panel(
        "Learning rate",
        (0, 100),
        (0, 115),
        "% of the run",
        "in % of the peak",
        size=svg.HALF,
        alt="The learning rate over the run, in percent of its peak: after the warmup it follows "
        "the shape down to the floor.",
    )
    time = np.arange(steps + 1) / steps
    schedule = designed(mine["shape"], mine["warmup"], mine["floor"])
    rates = 100 * schedule(time)
    # the area under it: a constant rate is a full panel, and not an empty one
    area = panel.line([*100 * time, 100, 0], [*rates, 0, 0]) + "z"
    panel.mark("rate area", "x-area", area, "SGD")
    panel.curve("rate", 100 * time, rates, "SGD")
    return panel


def _words(mine):
    """A setting in words."""
    peak = f", peak rate {number(mine['rate'])}" if "rate" in mine else ""
    warmup, floor = percent(mine["warmup"]), percent(mine["floor"])
    return f"{mine['shape']}, warmup {warmup}, floor {floor}{peak}"


def _nearest(mine, settings):
    """The recorded setting of the same shape and rate that is nearest, None where there is none."""

    def distance(one):
        return (2 * (mine["warmup"] - one["warmup"])) ** 2 + (mine["floor"] - one["floor"]) ** 2

    alike = [
        one for one in settings if all(one[k] == mine[k] for k in ("shape", "rate") if k in one)
    ]
    return min(alike, key=distance, default=None)


def _losses(settings, names, keys):
    """The recorded settings as the script needs them, the panel with a dot for each, the lowest."""
    losses = [np.median(np.nan_to_num(one["loss"], nan=np.inf, posinf=np.inf)) for one in settings]
    finite = [loss for loss in losses if loss < np.inf]
    if not finite:
        raise ValueError("every recorded setting diverged: there is no loss to draw")
    low, high = min(finite) / 1.2, max(finite) * 1.2
    gone = len(finite) < len(losses)  # a run that diverged has a cross on the right edge, no dot
    edge = high * (high / low) ** 0.06 if gone else high
    panel = svg.Panel(
        "Recorded loss",
        (low, edge * (edge / low) ** 0.03),
        (len(names) - 0.5, -0.5),
        "loss, median over the seeds",
        size=svg.HALF,
        log="x",
        left=82,
        rows=list(enumerate(names)),
        alt="The recorded loss of every setting, a dot each, by shape; a ring marks the setting "
        "nearest to the one drawn.",
    )
    order = sorted(range(len(settings)), key=lambda i: [settings[i][key] for key in keys])
    placed = []
    for i, (one, loss) in enumerate(zip(settings, losses, strict=True)):
        alike = [j for j in order if settings[j]["shape"] == one["shape"]]
        row = names.index(one["shape"]) + 0.8 * ((alike.index(i) + 1) / (len(alike) + 1) - 0.5)
        at = {
            "x": float(loss if loss < np.inf else edge),
            "y": round(row, 3),
            "loss": float(loss) if loss < np.inf else None,
        }
        placed.append(at | {"shape": one["shape"]} | {key: float(one[key]) for key in keys})
    dots = crosses = ""
    for one in placed:
        place = svg.pair(svg.tenths(panel.place(one["x"], one["y"])))
        if one["loss"] is None:
            crosses += f"M{place}m-3,-3l6,6m0,-6l-6,6"
        else:
            dots += f"M{place}h0"
    colours = svg.colours("momentum")
    panel.still = f'<path class="x-dots x-s"{colours} d="{dots}"/>'
    if gone:
        panel.still += f'<path class="x-off x-s"{colours} d="{crosses}"/>'
    return placed, panel, min(finite)
