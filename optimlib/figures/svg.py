"""The parts that a figure's picture is made of: axes, lines and marks as SVG.

Everything here stands still; what moves is a *mark*, a shape with a name that the script finds
again and redraws. A panel draws each mark a first time, in the same tenths of a pixel as the script
uses.
"""

from html import escape

import numpy as np

from optimlib.figures import palette
from optimlib.figures.words import number

DOTS = 50  # the steps that get a dot on the path
RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


class Panel:
    """One pair of axes: it maps values to pixels, draws its frame, and collects the marks in it.

    Args:
        title: what it shows, over the axes.
        x, y: (lowest, highest) of each axis.
        xlabel, ylabel: what the axes count.
        alt: what is seen, for those who do not see it.
        log: which axes are logarithmic, "x", "y" or "xy".
        left: room for the texts of y, in pixels.
        limits: ((low, high), (low, high)), how far a handle goes, where that is less than the axes.
        rows: ticks of y as pairs (value, text).
        keys: pairs (series, text) to tell below.
        back: SVG in place of the frame.
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
        self.marks = {}  # the attributes of each mark by its name
        self.still = self.moving = ""  # SVG below the marks, SVG of the marks

    def scale(self):
        """What the script needs of this panel."""
        limits = {"limits": self.limits} if self.limits else {}
        return {"x": self.x, "y": self.y, "w": self.w, "h": self.h} | limits

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
        colour = f' x-s"{colours(series)}' if series else '"'
        dash = dashes(series) if series and kind == "x-line" else ""
        self._add(name, {"d": data}, f'<path class="{kind}{colour}{dash}')

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
        shape = f'<path class="x-end x-s"{colours(series)} d="{style_of(series).shape}"'
        self._add(name, self.move(x, y), shape)

    def ring(self, name, x, y, **attributes):
        """A ring at (x, y)."""
        self._add(name, self.move(x, y) | attributes, '<circle class="x-start" r="6"')

    def _add(self, name, attributes, shape):
        self.marks[name] = attributes
        self.moving += f'{shape} data-mark="{escape(name)}"{attribute_text(attributes)}/>'

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
        below = f'x="{self.w / 2:.0f}" y="{self.h + 34}" text-anchor="middle"'
        parts.append(f"<text {below}>{escape(self.xlabel)}</text>")
        parts.append(f'<text class="x-title" x="0" y="-10">{escape(self.title)}</text>')
        turned = f'text-anchor="middle" transform="translate(-44,{self.h / 2:.0f}) rotate(-90)"'
        parts.append(f"<text {turned}>{escape(self.ylabel)}</text>")
        shift = f"translate({self.left},{self.TOP})"
        return f'<g transform="{shift}">{"".join(parts)}</g>{self.inside(self.still)}'

    def inside(self, shapes):
        """SVG in the pixels of the axes, clipped to them."""
        size = f'x="{self.left}" y="{self.TOP}" width="{self.w}" height="{self.h}"'
        return f"<svg {size}>{shapes}</svg>"

    def html(self, handle=""):
        """The panel as HTML: its picture, a handle over it, its keys below."""
        keys = "".join(f"<span>{swatch(series)}{escape(text)}</span>" for series, text in self.keys)
        keys = f'<div class="x-keys">{keys}</div>' if keys else ""
        size = f'viewBox="0 0 {self.WIDTH} {self.HEIGHT}"'
        return (
            f'<div class="x-panel"><svg {size} role="img" aria-label="{escape(self.alt)}">'
            f"{self.back or self.frame()}{self.inside(self.moving)}</svg>{handle}{keys}</div>"
        )


def handle_html(label, x, y, panel, state):
    """A handle that moves two values of the state, by pointer and by arrow keys.

    Args:
        label: what it moves.
        x, y: the names of the two values.
        panel: the panel it lies over.
        state: {name: value}, with both.
    """
    left, top = panel.place(state[x], state[y])
    left, top = (Panel.LEFT + left) / Panel.WIDTH, (Panel.TOP + top) / Panel.HEIGHT
    told = f"{x} {number(state[x])}, {y} {number(state[y])}"
    return (
        f'<span class="x-handle" role="slider" tabindex="0" '
        f'aria-label="{label}, move with the arrow keys" '
        f'aria-valuenow="{state[x]}" aria-valuetext="{told}" '
        f'style="left:{100 * left:.2f}%;top:{100 * top:.2f}%" '
        f'aria-valuemin="{panel.x[0]}" aria-valuemax="{panel.x[1]}" data-x="{x}" data-y="{y}" '
        f'data-lm-suppress-shortcuts="true" hidden></span>'
    )


# ---- lines and marks


def tenths(points):
    """Pixels in whole tenths, no farther out than any screen."""
    return np.floor(10 * np.clip(points, -5000, 5000) + 0.5)


def pair(point):
    """A point in tenths of a pixel, as path data."""
    return f"{point[0] / 10 + 0:g},{point[1] / 10 + 0:g}"


def path_data(points, join):
    """Path data in tenths of a pixel, relative, without the points that fall on the one before."""
    points = tenths(points[np.isfinite(points).all(axis=-1)])
    moves = np.diff(points, axis=0)
    moves = moves[(moves != 0).any(axis=1)]
    return f"M{pair(points[0])}" + "".join(join + pair(move) for move in moves)


def thinned(points, far=0.5):
    """The points of a line that matter, in half pixels: those dropped lie within `far` of it.

    Source: Douglas & Peucker (1973).
    """
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
        parts = (1, 0.5, 0.2, 0.1)
        by = next(size * part for part in parts if (high - low) / (size * part) >= 3.5)
        values = np.arange(np.ceil(low / by - 1e-9), np.floor(high / by + 1e-9) + 1) * by + 0.0
        return [(v, f"{v:g}".replace("-", "−")) for v in values]
    first, last = np.floor(np.log10(low) + 1e-9), np.ceil(np.log10(high) - 1e-9)
    decades = range(int(first), int(last) + 1)
    few = len(decades) <= 4
    values = [m * 10.0**decade for decade in decades for m in ((1, 2, 5) if few else (1,))]
    values = [v for v in values if low <= 1.001 * v <= 1.002 * high]
    if few:
        return [(v, f"{v:g}") for v in values]
    return [(v, "10" + str(round(np.log10(v))).translate(RAISED)) for v in values]


def style_of(series):
    """The `palette.Style` of a series: an optimizer's name, or a pair (name, index)."""
    return palette.style(*series) if isinstance(series, tuple) else palette.style(series)


def colours(series):
    """The colours of `series` on a light page and on a dark one, as an attribute."""
    look = style_of(series) if series else palette.STYLES["momentum"]
    return f' style="--l:{look.colour};--d:{look.dark}"'


def dashes(series):
    """The dash of `series`, as an attribute."""
    dash = " ".join(f"{1.5 * part:g}" for part in style_of(series).dash)
    return f' stroke-dasharray="{dash}"' if dash else ""


def swatch(series):
    """A short line with the marker of `series`."""
    marker = f'<path class="x-end" transform="translate(17,6)" d="{style_of(series).shape}"/>'
    line = f'<path class="x-line" d="M0,6h34"{dashes(series)}/>{marker}'
    return f'<svg class="x-s"{colours(series)} viewBox="0 0 34 12" aria-hidden="true">{line}</svg>'


def attribute_text(attributes):
    """Attributes as SVG."""
    return "".join(f' {key}="{text}"' for key, text in attributes.items())
