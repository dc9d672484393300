"""Sliders and select boxes as HTML, and the state that they start from."""

from html import escape

import numpy as np

from optimlib import checks
from optimlib.figures import svg


class Controls:
    """The sliders and select boxes of a figure, and the state they start from.

    Args:
        initial: {name: value} where sliders stand at first, in place of their defaults.
    """

    def __init__(self, initial):
        self.initial = dict(initial or {})  # a slider takes its value out
        self.state = {}
        self.rows = []  # HTML
        self.bar = ""  # HTML of the controls of time
        self.grids = {}  # by name, a function: every n-th value of the slider

    def slider(
        self, name, limits, scale, label=None, *, unit="", series=None, start=None, outs=True, by=1
    ):
        """A slider for `name`, or a fixed value.

        Args:
            name: its name in the state.
            limits: (low, high), or a number, which stays fixed.
            scale: one of SCALES.
            label: the text beside it, the name where None.
            unit: written behind the value.
            series: whose colour it has.
            start: where it stands at first, the middle where None.
            outs: whether a sentence stands beside it.
            by: the step of a linear slider.

        Raises:
            ValueError: for limits or a first value out of range.
        """
        low, high = limits_of(name, limits, scale)
        if low == high:
            self.state[name] = low
            return
        if scale in ("log", "zero") and low == 0:
            raise ValueError(f"{name}={limits!r} starts at 0, but its slider is logarithmic")
        position, value = SCALES[scale]
        first, last = position(low), position(high)
        if scale == "zero":
            first -= 1  # the lowest position is 0
        start = self.initial.pop(name, start)
        if start is None:
            start = (low + high) / 2 if scale == "linear" else value((first + last) // 2)
        off = scale == "zero" and start == 0
        if not (low <= checks.number(f"initial[{name!r}]", start) <= high or off):
            outside = f"initial[{name!r}]={start!r} lies outside its slider, {low:g} to {high:g}"
            raise ValueError(outside)
        if scale == "linear":
            at = round(start / by) * by
        else:
            at, by = first if off else position(start), 1
        self.state[name] = 0.0 if off else float(f"{value(at):.6g}")
        self.grids[name] = lambda every: np.array(
            [value(p) for p in range(int(first), int(last) + 1, every)]
        )
        limits = f'min="{first:g}" max="{last:g}" step="{by:g}" value="{at:.10g}"'
        control = f'{limits} data-scale="{scale}" data-unit="{unit}"'
        self._row(name, label, series, control, outs)

    def steps(self, name, values, label, series=None):
        """A slider over the recorded `values`: the state is the index."""
        start = self.initial.pop(name, None)
        index = len(values) // 2
        if start is not None:
            index = int(np.abs(np.log(np.asarray(values) / start)).argmin())
        self.state[name] = index
        texts = " ".join(f"{v:.4g}" for v in values)
        limits = f'min="0" max="{len(values) - 1}" step="1" value="{index}"'
        self._row(name, label, series, f'{limits} data-values="{texts}"', series is not None)

    def select(self, name, texts, start=0):
        """A select box; the state is the index."""
        first = self.initial.pop(name, None)
        if first is not None:
            checks.known(f"initial[{name!r}]", first, dict.fromkeys(texts))
            start = texts.index(first)
        self.state[name] = start
        options = "".join(
            f'<option value="{i}"{" selected" if i == start else ""}>{escape(text)}</option>'
            for i, text in enumerate(texts)
        )
        self.rows.append(
            f'<div class="x-row x-choice"><label><span>{name}</span>'
            f'<select data-name="{name}" autocomplete="off" data-lm-suppress-shortcuts="true">'
            f"{options}</select></label></div>"
        )

    def time(self, steps, start):
        """Play, one step back and on, and a slider over the steps from 1: the state is "t"."""
        start = checks.integer("initial['t']", self.initial.pop("t", min(start, steps)), 1)
        if start > steps:
            raise ValueError(f"initial['t']={start!r} lies outside its slider, 1 to {steps}")
        self.state["t"] = start
        back, play, forth = (
            f'<button type="button" class="x-{kind}" aria-label="{label}">{icon}</button>'
            for kind, label, icon in (
                ("back", "One step back", _icon("M11.5,1l-7.5,6l7.5,6zM1.5,1h2v12h-2z")),
                ("play", "Play", _icon(PLAY, "x-when-still") + _icon(PAUSE, "x-when-playing")),
                ("forth", "One step on", _icon("M2.5,1l7.5,6l-7.5,6zM10.5,1h2v12h-2z")),
            )
        )
        self.bar = (
            f'<div class="x-time">{back}{play}{forth}<label><span class="x-ears">step</span>'
            f'<input type="range" class="x-s"{svg.colours(None)} min="1" max="{steps}" step="1" '
            f'value="{start}" data-scale="linear" data-unit=" / {steps}" data-name="t" '
            f'autocomplete="off" data-lm-suppress-shortcuts="true"></label>'
            f'<output data-out="= t">{start} / {steps}</output></div>'
        )

    def pick(self, name, label, texts, start=0):
        """Buttons of which one is pressed, as HTML; the state is the index."""
        self.state[name] = start
        buttons = "".join(
            f'<button type="button" data-value="{i}" aria-pressed="{str(i == start).lower()}">'
            f"{escape(text)}</button>"
            for i, text in enumerate(texts)
        )
        return (
            f'<div class="x-pick" role="group" aria-label="{escape(label)}" data-name="{name}">'
            f"<span>{escape(label)}</span>{buttons}</div>"
        )

    def _row(self, name, label, series, control, outs):
        name, label = escape(name), escape(label or name)
        out = f'<span class="x-out" data-out="{name}"></span>' if outs else ""
        self.rows.append(
            f'<div class="x-row"><label><span>{svg.swatch(series) if series else ""}{label}</span>'
            f'<input type="range" class="x-s"{svg.colours(series)} {control} data-name="{name}" '
            f'autocomplete="off" data-lm-suppress-shortcuts="true">'
            f'</label><output data-out="= {name}"></output>{out}</div>'
        )

    def grid(self, name, every):
        """Every n-th value of a slider, or the value itself where there is none."""
        return self.grids[name](every) if name in self.grids else np.array([self.state[name]])

    def html(self):
        """The rows of the controls."""
        return "".join(self.rows)

    def check(self):
        """Raise ValueError for an initial value that found no slider."""
        if self.initial:
            unknown, names = (", ".join(map(repr, found)) for found in (self.initial, self.state))
            raise ValueError(f"initial has no slider for {unknown}: expected one of {names}")


PLAY, PAUSE = "M2.5,1l10,6l-10,6z", "M2,1h3.5v12h-3.5zM8.5,1h3.5v12h-3.5z"


def _icon(data, kind=""):
    return f'<svg class="{kind}" viewBox="0 0 14 14" aria-hidden="true"><path d="{data}"/></svg>'


# ---- a position is a whole number, its value a round one:
# 1, 1.05, ... 2, 2.1, ... 5, 5.2, ... 9.8 times a power of ten


def slider_value(position):
    """The value at a position of a logarithmic slider."""
    decade, k = divmod(position, 75)
    mantissa = 1 + 0.05 * k if k < 20 else 2 + 0.1 * (k - 20) if k < 50 else 5 + 0.2 * (k - 50)
    return float(f"{mantissa * 10.0**decade:.3g}")


def slider_position(value):
    """The position of a logarithmic slider nearest to a value."""
    decade = int(np.floor(np.log10(value) + 1e-12))
    m = value / 10.0**decade
    k = (m - 1) / 0.05 if m < 2 else 20 + (m - 2) / 0.1 if m < 5 else 50 + (m - 5) / 0.2
    return 75 * decade + int(np.floor(0.5 + k))


def memory_value(position):
    """The value at a position of a slider for a momentum or a beta: 1 - value is logarithmic."""
    return float(f"{1 - slider_value(-position):.6g}")


def memory_position(value):
    """The position of such a slider."""
    return -slider_position(1 - value)


SCALES = {  # position of a value, value at a position
    "log": (slider_position, slider_value),
    "zero": (slider_position, slider_value),  # logarithmic, with a lowest position that is 0
    "memory": (memory_position, memory_value),
    "linear": (lambda value: value, lambda position: position),
}


def limits_of(name, value, scale):
    """A number as (value, value), a pair as (low, high).

    Raises:
        ValueError: for what is neither, and for numbers that the scale does not reach.
    """
    low = -np.inf if scale == "linear" else 0
    below_one = {"high": 1, "open_high": True} if scale == "memory" else {}
    if np.ndim(value) == 0:
        return (checks.number(name, value, low, **below_one),) * 2
    value = checks.number(name, list(value), low, **below_one)
    if len(value) != 2 or value[0] >= value[1]:
        raise ValueError(f"{name}={value!r} is not a number or a pair (low, high) with low < high")
    return float(value[0]), float(value[1])
