"""The parts that explorables are made of: axes and lines as SVG, sliders as HTML, numbers as words.

Everything here stands still; what moves is a *mark*, a shape with a name that the script finds again and redraws. A panel draws
each mark a first time, in the same tenths of a pixel as the script uses.
"""

from html import escape

import numpy as np

from optimlib import checks
from optimlib.figures import palette

DOTS = 50  # the steps that get a dot on the path
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


class Panel:
    """One pair of axes: it maps values to pixels, draws its frame, and collects the marks drawn into it.

    x, y: (lowest, highest); log: which of them are logarithmic, "x", "y" or "xy"; rows: ticks of y with texts of their own;
    keys: series and texts to tell below; limits: how far a handle goes, where that is less than the axes; back: SVG in place of
    the frame.
    """

    LEFT, TOP, RIGHT, BOTTOM, WIDTH, HEIGHT = 58, 28, 14, 42, 352, 350

    def __init__(
        self,
        title,
        x,
        y,
        xlabel="",
        ylabel="",
        *,
        alt="",
        log="",
        left=LEFT,
        limits=None,
        rows=None,
        keys=(),
        back="",
    ):
        self.title, self.xlabel, self.ylabel, self.alt, self.left = title, xlabel, ylabel, alt, left
        self.x, self.y = (*x[:2], "x" in log), (*y[:2], "y" in log)
        self.w, self.h = self.WIDTH - left - self.RIGHT, self.HEIGHT - self.TOP - self.BOTTOM
        self.limits, self.rows, self.keys, self.back = limits, rows, keys, back
        self.marks, self.still, self.moving = (
            {},
            "",
            "",
        )  # attributes of the marks by name; SVG below them; SVG of the marks

    def scale(self):
        """What the script needs of this panel."""
        return {"x": self.x, "y": self.y, "w": self.w, "h": self.h} | (
            {"limits": self.limits} if self.limits else {}
        )

    def place(self, x, y):
        """Pixels (N, 2) of the points (x, y)."""
        px, py = along(x, self.x) * self.w, self.h - along(y, self.y) * self.h
        return np.stack(np.broadcast_arrays(px, py), axis=-1)

    def line(self, x, y):
        """The path data of a line through (x, y), up to its first gap."""
        points = self.place(x, y)
        bad = ~np.isfinite(points).all(axis=-1)
        return path_data(thinned(points[: bad.argmax() if bad.any() else None]), "l")

    def dots(self, x, y):
        """The path data of a dot at each of the first points (x, y)."""
        return path_data(self.place(x, y)[:DOTS], "h0m") + "h0"

    def move(self, x, y):
        """The attributes that put a mark at (x, y)."""
        return {"transform": f"translate({pair(tenths(self.place(x, y)))})"}

    def mark(self, name, kind, data, series=None):
        """A path that moves, in the colour of `series`, and in its dash if it is a line."""
        dash = dashes(series) if series and kind == "x-line" else ""
        self._add(
            name,
            {"d": data},
            f'<path class="{kind}{" x-s" if series else ""}"{colours(series) if series else ""}{dash}',
        )

    def curve(self, name, x, y, series):
        """A line through (x, y)."""
        self.mark(name, "x-line", self.line(x, y), series)

    def trail(self, name, points, series):
        """A path of points (N, 2): a thin line, dots, and the marker of `series` at its end."""
        self.mark(f"{name} path", "x-thin", self.line(*points.T), series)
        self.mark(f"{name} dots", "x-dots", self.dots(*points.T), series)
        self.marker(f"{name} end", *points[np.isfinite(points).all(axis=-1)][-1], series)

    def marker(self, name, x, y, series):
        """The marker of `series` at (x, y)."""
        self._add(
            name,
            self.move(x, y),
            f'<path class="x-end x-s"{colours(series)} d="{SYMBOLS[look(series)[2]]}"',
        )

    def ring(self, name, x, y, **attributes):
        """A ring at (x, y)."""
        self._add(name, self.move(x, y) | attributes, '<circle class="x-start" r="6"')

    def _add(self, name, attributes, svg):
        self.marks[name] = attributes
        self.moving += f'{svg} data-mark="{escape(name)}"{told(attributes)}/>'

    def frame(self):
        """Grid, ticks, labels and what stands still, as SVG."""
        grid, parts = "", []
        for v, text in ticks(*self.x):
            (x, _) = tenths(self.place(v, self.y[0])) / 10
            grid += f"M{x:g},0v{self.h}"
            parts.append(f'<text x="{x:g}" y="{self.h + 16}" text-anchor="middle">{text}</text>')
        for v, text in self.rows or ticks(*self.y):
            (_, y) = tenths(self.place(self.x[0], v)) / 10
            grid += f"M0,{y:g}h{self.w}"
            parts.append(f'<text x="-6" y="{y + 4:g}" text-anchor="end">{text}</text>')
        parts.append(f'<path class="x-grid" d="{grid}"/>')
        middle = f'text-anchor="middle" transform="translate(-44,{self.h / 2:.0f}) rotate(-90)"'
        parts.append(
            f'<text x="{self.w / 2:.0f}" y="{self.h + 34}" text-anchor="middle">{escape(self.xlabel)}</text>'
        )
        parts.append(f'<text class="x-title" x="0" y="-10">{escape(self.title)}</text>')
        parts.append(f"<text {middle}>{escape(self.ylabel)}</text>")
        return f'<g transform="translate({self.left},{self.TOP})">{"".join(parts)}</g>{self.inside(self.still)}'

    def inside(self, svg):
        """SVG in the pixels of the axes, clipped to them."""
        return f'<svg x="{self.left}" y="{self.TOP}" width="{self.w}" height="{self.h}">{svg}</svg>'

    def html(self, handle=""):
        """The panel as HTML: its picture, a handle over it, its keys below."""
        keys = "".join(f"<span>{swatch(series)}{escape(text)}</span>" for series, text in self.keys)
        keys = f'<div class="x-keys">{keys}</div>' if keys else ""
        return (
            f'<div class="x-panel"><svg viewBox="0 0 {self.WIDTH} {self.HEIGHT}" role="img" aria-label="{escape(self.alt)}">'
            f"{self.back or self.frame()}{self.inside(self.moving)}</svg>{handle}{keys}</div>"
        )


class Controls:
    """The sliders and select boxes of a figure, and the state they start from."""

    def __init__(self, initial):
        self.initial, self.state, self.rows, self.grids = dict(initial or {}), {}, [], {}

    def slider(
        self, name, limits, scale, label=None, unit="", series=None, start=None, outs=True, by=1
    ):
        """A slider for `name` if `limits` is a pair (low, high), else a fixed value."""
        low, high = limits_of(name, limits)
        if low == high:
            self.state[name] = low
            return
        if scale in ("log", "zero") and low == 0:
            raise ValueError(f"{name}={limits!r} starts at 0, but its slider is logarithmic")
        position, value = SCALES[scale]
        first, last = (low, high) if scale == "linear" else (position(low), position(high))
        if scale == "zero":
            first -= 1
        start = self.initial.pop(name, start)
        if start is None:
            start = value((first + last) // 2) if scale != "linear" else (low + high) / 2
        if not low <= checks.number(f"initial[{name!r}]", start) <= high and not (
            scale == "zero" and start == 0
        ):
            raise ValueError(
                f"initial[{name!r}]={start!r} lies outside its slider, {low:g} to {high:g}"
            )
        where = (
            round(start / by) * by
            if scale == "linear"
            else first
            if scale == "zero" and start == 0
            else position(start)
        )
        self.state[name] = (
            0.0 if scale == "zero" and where == first else float(f"{value(where):.6g}")
        )
        self.grids[name] = lambda by: np.array(
            [value(p) for p in range(int(first), int(last) + 1, by)]
        )
        range_ = f'min="{first:g}" max="{last:g}" step="{by if scale == "linear" else 1:g}" value="{where:.10g}"'
        self._row(name, label, series, f'{range_} data-scale="{scale}" data-unit="{unit}"', outs)

    def steps(self, name, values, label, series=None):
        """A slider over the recorded `values`: the state is the index."""
        start = self.initial.pop(name, None)
        index = (
            len(values) // 2
            if start is None
            else int(np.abs(np.log(np.asarray(values) / start)).argmin())
        )
        self.state[name] = index
        texts = " ".join(f"{v:.4g}" for v in values)
        range_ = f'min="0" max="{len(values) - 1}" step="1" value="{index}"'
        self._row(name, label, series, f'{range_} data-values="{texts}"', series is not None)

    def select(self, name, texts, start=0):
        """A select box; the state is the index."""
        self.state[name] = start
        first = self.initial.pop(name, None)
        if first is not None:
            self.state[name] = texts.index(
                checks.known(f"initial[{name!r}]", first, dict(zip(texts, texts, strict=True)))
            )
        chosen = {self.state[name]: " selected"}
        options = "".join(
            f'<option value="{i}"{chosen.get(i, "")}>{escape(text)}</option>'
            for i, text in enumerate(texts)
        )
        self.rows.append(
            f'<div class="x-row x-choice"><label><span>{name}</span><select data-name="{name}" data-lm-suppress-shortcuts="true">'
            f"{options}</select></label></div>"
        )

    def _row(self, name, label, series, control, outs):
        told = escape(name)
        out = f'<span class="x-out" data-out="{told}"></span>' if outs else ""
        self.rows.append(
            f'<div class="x-row"><label><span>{swatch(series) if series else ""}{escape(label or name)}</span>'
            f'<input type="range" class="x-s"{colours(series)} {control} data-name="{told}" data-lm-suppress-shortcuts="true">'
            f'</label><output data-out="= {told}"></output>{out}</div>'
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


# ---- sliders: a position is a whole number, its value a round one: 1, 1.05, ... 2, 2.1, ... 5, 5.2, ... 9.8 times a power of ten


def slider_value(position):
    """The value at a position of a logarithmic slider."""
    decade, k = divmod(position, 75)
    mantissa = 1 + 0.05 * k if k < 20 else 2 + 0.1 * (k - 20) if k < 50 else 5 + 0.2 * (k - 50)
    return float(f"{mantissa * 10.0**decade:.3g}")


def slider_position(value):
    """The position of a logarithmic slider nearest to a value."""
    decade = int(np.floor(np.log10(value) + 1e-12))
    m = value / 10.0**decade
    return 75 * decade + int(
        np.floor(
            0.5 + ((m - 1) / 0.05 if m < 2 else 20 + (m - 2) / 0.1 if m < 5 else 50 + (m - 5) / 0.2)
        )
    )


SCALES = {
    "log": (slider_position, slider_value),
    "zero": (slider_position, slider_value),
    "memory": (
        lambda value: -slider_position(1 - value),
        lambda position: float(f"{1 - slider_value(-position):.6g}"),
    ),
    "linear": (lambda value: value, lambda position: position),
}


def limits_of(name, value):
    """A number as (value, value), a pair as (low, high)."""
    top = {"open_high": True, "high": 1} if name in ("momentum", "rho", "beta_1", "beta_2") else {}
    if np.ndim(value) == 0:
        return (checks.number(name, value, 0, **top),) * 2
    value = checks.number(name, list(value), *([] if name == "angle" else [0]), **top)
    if len(value) != 2 or value[0] >= value[1]:
        raise ValueError(f"{name}={value!r} is not a number or a pair (low, high) with low < high")
    return float(value[0]), float(value[1])


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


def percent(v):
    """A share for the reader."""
    return f"{number(100 * v)} %"


def rounded(array):
    """Nested lists of four significant digits, None for what is not finite."""
    if np.ndim(array):
        return [rounded(part) for part in array]
    return float(f"{array:.4g}") if np.isfinite(array) else None


def tenths(points):
    """Pixels in whole tenths, no farther out than any screen."""
    return np.floor(10 * np.clip(points, -5000, 5000) + 0.5)


def pair(tenths):
    """A point in tenths of a pixel, as path data."""
    return f"{tenths[0] / 10 + 0:g},{tenths[1] / 10 + 0:g}"


def path_data(points, join):
    """Path data in tenths of a pixel, relative, without the points that fall on the one before."""
    points = tenths(points[np.isfinite(points).all(axis=-1)])
    moves = np.diff(points, axis=0)
    return f"M{pair(points[0])}" + "".join(
        join + pair(move) for move in moves[(moves != 0).any(axis=1)]
    )


def along(v, limits):
    """How far along an axis a value lies, from 0 to 1."""
    low, high, log = limits
    v = np.asarray(v, dtype=float)
    if log:
        return np.log10(np.maximum(v, 1e-300) / low) / np.log10(high / low)
    return (v - low) / (high - low)


def ticks(low, high, log):
    """Round values between low and high, with their texts."""
    if not log or high / low < 5:
        size = 10.0 ** np.floor(np.log10(high - low))
        by = next(size * part for part in (1, 0.5, 0.2, 0.1) if (high - low) / (size * part) >= 3.5)
        ticks = np.arange(np.ceil(low / by - 1e-9), np.floor(high / by + 1e-9) + 1) * by + 0.0
        return [(v, f"{v:g}".replace("-", "−")) for v in ticks]
    decades = range(int(np.floor(np.log10(low) + 1e-9)), int(np.ceil(np.log10(high) - 1e-9)) + 1)
    few = len(decades) <= 4
    ticks = [m * 10.0**d for d in decades for m in ((1, 2, 5) if few else (1,))]
    ticks = [v for v in ticks if low <= 1.001 * v <= 1.002 * high]
    return [
        (v, f"{v:g}" if few else "10" + str(round(np.log10(v))).translate(RAISED)) for v in ticks
    ]


RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def look(series):
    """(colour, dash, marker) of a series: an optimizer's name, or a pair (name, index) as `palette.style` takes them."""
    return palette.style(*series) if isinstance(series, tuple) else palette.style(series)


def colours(series):
    """The colour of `series` on a light page and on a dark one, as an attribute; the accent where there is no series."""
    light = look(series)[0] if series else palette.ACCENT
    return f' style="--l:{light};--d:{palette.DARK[light]}"'


def dashes(series):
    """The dash of `series`, as an attribute."""
    dash = " ".join(f"{1.5 * part:g}" for part in look(series)[1])
    return f' stroke-dasharray="{dash}"' if dash else ""


def swatch(series):
    """A short line with the marker of `series`."""
    marker = f'<path class="x-end" transform="translate(17,6)" d="{SYMBOLS[look(series)[2]]}"/>'
    line = f'<path class="x-line" d="M0,6h34"{dashes(series)}/>{marker}'
    return f'<svg class="x-s"{colours(series)} viewBox="0 0 34 12" aria-hidden="true">{line}</svg>'


def told(attributes):
    """Attributes as SVG."""
    return "".join(f' {key}="{text}"' for key, text in attributes.items())


def handle(label, x, y, panel, state):
    """A handle over the point (x, y) of a panel: it moves these two values of the state, by pointer and by arrow keys."""
    left, top = panel.place(state[x], state[y])
    where = f"left:{100 * (Panel.LEFT + left) / Panel.WIDTH:.2f}%;top:{100 * (Panel.TOP + top) / Panel.HEIGHT:.2f}%"
    value = f'aria-valuenow="{state[x]}" aria-valuetext="{x} {number(state[x])}, {y} {number(state[y])}"'
    return (
        f'<span class="x-handle" role="slider" tabindex="0" aria-label="{label}, move with the arrow keys" {value} '
        f'style="{where}" aria-valuemin="{panel.x[0]}" aria-valuemax="{panel.x[1]}" data-x="{x}" data-y="{y}" '
        f'data-lm-suppress-shortcuts="true" hidden></span>'
    )


def thinned(points, far=0.5):
    """The points of a line that matter, in half pixels: those dropped lie within `far` of it (Douglas & Peucker, 1973)."""
    points = np.round(2 * np.clip(points, -5000, 5000)) / 2
    if len(points) < 3:
        return points
    apart, chord = points - points[0], points[-1] - points[0]
    share = np.clip(apart @ chord / max(chord @ chord, 1e-9), 0, 1)
    off = np.hypot(*(apart - share[:, None] * chord).T)
    i = off.argmax()
    if off[i] <= far:
        return points[[0, -1]]
    return np.concatenate([thinned(points[: i + 1], far)[:-1], thinned(points[i:], far)])
