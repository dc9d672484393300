"""Curves that were measured, one setting at a time."""

import numpy as np

from optimlib.figures import svg
from optimlib.figures.controls import Controls
from optimlib.figures.explorable import Explorable
from optimlib.figures.words import number, rounded


def measured(
    settings,
    slider="setting",
    *,
    title="Loss",
    xlabel="epoch",
    first=1,
    log="y",
    initial=None,
    goal="",
    reached="",
    best=None,
    caption="Move the slider; point at the curves to read them.",
):
    """Measured curves, with a slider over the settings that were measured.

    Facts: the slider's, and by each name the last value of its curve.

    Example:
        >>> runs = {0.01: {"SGD": [2.3, 1.9, 1.4]}, 0.1: {"SGD": [2.3, 0.8, 0.3]}}
        >>> measured(runs, "learning rate", goal="Get below 1.", reached="SGD < 1")
        <explorable measured: ...

    Args:
        settings: {value of the slider: {name: curve}}; a curve is (points,), or (runs, points),
            which is drawn as a median with a band of quartiles. Every setting has the same names.
        slider: what the slider's values are.
        title: what the curves are.
        xlabel: what x counts.
        first: x of the first point; the others follow one by one.
        log: "y" where the values are drawn on a logarithmic scale, else "".
        initial: {slider: value} where it stands at first.
        goal, reached, caption: what to try, when it is reached, what to see.
        best: the setting that a button for the best one brings; None for no such button.

    Raises:
        ValueError: for fewer than two settings, and where their names or lengths differ.
    """
    values = sorted(settings)
    if len(values) < 2:
        raise ValueError(f"settings has {len(values)} setting: expected at least two")
    names = list(settings[values[0]])
    if any(set(settings[value]) != set(names) for value in values):
        raise ValueError(f"the settings differ in their names: expected {names} in each")
    data = {name: [_quartiles(settings[value][name]) for value in values] for name in names}
    lengths = {len(row["middle"]) for rows in data.values() for row in rows}
    if len(lengths) > 1:
        raise ValueError(f"the curves have {sorted(lengths)} points: expected one length")
    (length,) = lengths
    controls = Controls(initial)
    controls.steps(slider, values, slider)
    at = controls.state[slider]
    every = [v for rows in data.values() for row in rows for v in row["high"] + row["low"]]
    every = [v for v in every if v is not None]
    low, high = (0.9 * min(every), 1.1 * max(every)) if log else (min(every), max(every))
    panel = svg.Panel(
        title,
        (first, first + length - 1),
        (low, high),
        xlabel,
        size=svg.HALF,
        log=log,
        keys=[((name, i), name) for i, name in enumerate(names)] if len(names) > 1 else (),
        alt=f"{title} against {xlabel} for the chosen setting: {', '.join(names)}.",
    )
    facts = {slider: values[at]}
    for i, name in enumerate(names):
        draw(panel, name, data[name][at], first, (name, i))
        last = data[name][at]["middle"][-1]
        facts[name] = np.inf if last is None else last
    ends = "; ".join(f"{name} {number(facts[name])}" for name in names)
    return Explorable(
        "measured",
        {"slider": slider, "values": values, "first": first, "unit": xlabel, "curves": data},
        [panel],
        controls,
        facts,
        f"{slider} {number(values[at])}: at the end {ends}.",
        goal,
        reached,
        caption,
        scripts=["settings"],
        best=False if best is None else {slider: values.index(best)},
    )


def draw(panel, name, row, first, series):
    """A curve with its band."""
    low, middle, high = (
        [v for v in row[key] if v is not None] for key in ("low", "middle", "high")
    )
    x = first + np.arange(len(middle))
    line = band = ""
    if len(x):
        line = panel.line(x, middle)
        band = panel.line((*x, *x[::-1]), (*low, *high[::-1])) + "z"
    panel.mark(f"{name} band", "x-area", band, series)
    panel.mark(f"{name} curve", "x-line", line, series)


def _quartiles(curve):
    """The quartiles at each point, None from where the median is not finite."""
    runs = np.atleast_2d(np.nan_to_num(np.asarray(curve, float), nan=np.inf, posinf=np.inf))
    with np.errstate(invalid="ignore"):
        low, middle, high = np.quantile(runs, [0.25, 0.5, 0.75], axis=0)
    gone = np.logical_or.accumulate(~np.isfinite(middle))
    low, middle, high = (np.where(gone, np.nan, row) for row in (low, middle, high))
    high = np.where(np.isfinite(high), high, middle)
    low = np.where(np.isfinite(low), low, middle)
    return {"middle": rounded(middle), "low": rounded(low), "high": rounded(high)}
