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
# (width, height) of a panel in pixels: alone on its side, beside the sliders, one of two alike
MAP, SIDE, HALF = (344, 346), (356, 156), (344, 258)


class Panel:
    """One pair of axes: it maps values to pixels, draws its frame, and collects the marks in it.

    Args:
        title: what it shows, over the axes.
        x, y: (lowest, highest) of each axis.
        xlabel: what x counts, under the axes.
        ylabel: what y counts, behind the title.
        alt: what is seen, for those who do not see it.
        size: (width, height) of all of it, in pixels.
        log: which axes are logarithmic, "x", "y" or "xy".
        left: room for the texts of y, in pixels.
        limits: ((low, high), (low, high)), how far a handle goes, where that is less than the axes.
        rows: ticks of y as pairs (value, text).
        keys: pairs (series, text) to tell below.
        back: SVG in place of the frame.
    """

    LEFT, TOP, RIGHT, BOTTOM = 44, 24, 12, 34

    def __init__(
        self,
        title,
        x,
        y,
        xlabel="",
        ylabel="",
        *,
        alt="",
        size=MAP,
        log="",
        left=LEFT,
        limits=None,
        rows=None,
        keys=(),
        back="",
    ):
        self.title, self.xlabel, self.ylabel, self.alt, self.left = title, xlabel, ylabel, alt, left
        self.x, self.y = (*x[:2], "x" in log), (*y[:2], "y" in log)
        self.width, self.height = size
        self.w, self.h = self.width - left - self.RIGHT, self.height - self.TOP - self.BOTTOM
        self.limits, self.rows, self.keys, self.back = limits, rows, keys, back
        self.marks = {}  # the attributes of each mark by its name
        self.still = ""  # SVG below the marks
        # SVG of the marks: lines within the axes, points near them, and what lies anywhere
        self.moving = self.points = self.over = ""

    def scale(self):
        """What the script needs of this panel."""
        limits = {"limits": self.limits} if self.limits else {}
        frame = [self.left, self.TOP, self.width, self.height]
        return {"x": self.x, "y": self.y, "w": self.w, "h": self.h, "frame": frame} | limits

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
        self.moving += self.shape(name, f'path class="{kind}{colour}{dash}', d=data)

    def curve(self, name, x, y, series):
        """A line through (x, y)."""
        self.mark(name, "x-line", self.line(x, y), series)

    def trail(self, name, points, series, t):
        """A path of points (N, 2), pale, and over it what is behind at step t, with a marker there.

        Both end where the path diverges.
        """
        points = points[np.isfinite(points).all(axis=-1)]
        self.mark(f"{name} path", "x-thin x-whole", self.line(*points.T), series)
        self.mark(f"{name} dots", "x-dots", self.dots(*points.T), series)
        t = min(t, len(points) - 1)
        self.mark(f"{name} past", "x-past", self.line(*points[: t + 1].T), series)
        self.marker(f"{name} now", *points[t], series)

    def marker(self, name, x, y, series, **attributes):
        """The marker of `series` at (x, y)."""
        look = f'path class="x-end x-s"{colours(series)} d="{style_of(series).shape}"'
        self.points += self.shape(name, look, **self.move(x, y), **attributes)

    def ring(self, name, x, y, **attributes):
        """A ring at (x, y)."""
        self.over += self.shape(
            name, 'circle class="x-start" r="6"', **self.move(x, y), **attributes
        )

    def shape(self, name, element, **attributes):
        """The SVG of a mark, which is now one of this panel's."""
        self.marks[name] = attributes
        return f'<{element} data-mark="{escape(name)}"{attribute_text(attributes)}/>'

    def frame(self):
        """Grid, ticks, labels and what stands still, as SVG."""
        grid, parts = "", []
        for v, text in self._columns():
            (x, _) = tenths(self.place(v, self.y[0])) / 10
            grid += f"M{x:g},0v{self.h}"
            parts.append(f'<text x="{x:g}" y="{self.h + 15}" text-anchor="middle">{text}</text>')
        for v, text in self.rows or ticks(*self.y, room=self.h / 22):
            (_, y) = tenths(self.place(self.x[0], v)) / 10
            grid += f"M0,{y:g}h{self.w}"
            parts.append(f'<text x="-6" y="{y + 4:g}" text-anchor="end">{text}</text>')
        parts.append(f'<path class="x-grid" d="{grid}"/>')
        corner = f'x="{self.w}" y="{self.h + 29}" text-anchor="end"'
        parts.append(f"<text {corner}>{escape(self.xlabel)}</text>")
        title = f'<tspan class="x-title">{escape(self.title)}</tspan>' if self.title else ""
        left = 0 if self.title else -self.left + 6
        parts.append(f'<text x="{left}" y="-9">{title} {escape(self.ylabel)}</text>')
        return f"{self.outside(''.join(parts))}{self.inside(self.still)}"

    def _columns(self):
        """The ticks of x, as many as stand side by side without touching."""
        for room in range(int(self.w / 40), 1, -1):
            found = ticks(*self.x, room=room)
            at = self.place([v for v, _ in found], self.y[0])[:, 0]
            wide = np.array([6.4 * len(text) for _, text in found])
            if (np.diff(at) >= (wide[:-1] + wide[1:]) / 2 + 4).all():
                break
        return found

    def outside(self, shapes):
        """SVG in the pixels of the axes, wherever it lies."""
        return f'<g transform="translate({self.left},{self.TOP})">{shapes}</g>'

    def inside(self, shapes, margin=0):
        """SVG in the pixels of the axes, clipped to them and a margin around them."""
        size = f'width="{self.w + 2 * margin}" height="{self.h + 2 * margin}"'
        corner = f'x="{self.left - margin}" y="{self.TOP - margin}"'
        if margin:
            size += f' viewBox="{-margin} {-margin} {self.w + 2 * margin} {self.h + 2 * margin}"'
        return f"<svg {corner} {size}>{shapes}</svg>"

    def html(self, handle=""):
        """The panel as HTML: what stands, what moves over it, a handle, its keys below.

        The two pictures lie one over the other, so that a browser paints only what moved.
        """
        keys = "".join(f"<span>{swatch(series)}{escape(text)}</span>" for series, text in self.keys)
        keys = f'<div class="x-keys">{keys}</div>' if keys else ""
        size = f'viewBox="0 0 {self.width} {self.height}"'
        moving = self.inside(self.moving) + self.inside(self.points, 6) + self.outside(self.over)
        return (
            f'<div class="x-panel"><div class="x-plot">'
            f'<svg {size} role="img" aria-label="{escape(self.alt)}">{self.back or self.frame()}'
            f'</svg><svg class="x-moving" {size} aria-hidden="true">{moving}</svg>{handle}'
            f"</div>{keys}</div>"
        )


def handle_html(label, x, y, panel, state, hint=False):
    """A handle that moves values of the state, by pointer and by arrow keys.

    Args:
        label: what it moves.
        x, y: the names of the values; y is a number where the handle only moves aside.
        panel: the panel it lies over.
        state: {name: value}, with both.
        hint: whether it invites the hand.
    """
    names = [name for name in (x, y) if isinstance(name, str)]
    left, top = panel.place(state[x], state.get(y, y))
    left, top = (panel.left + left) / panel.width, (panel.TOP + top) / panel.height
    place_text = ", ".join(f"{name} {number(state[name])}" for name in names)
    moved = "".join(f' data-{axis}="{name}"' for axis, name in zip("xy", names))
    return (
        f'<span class="x-handle{" x-hint" if hint else ""}" role="slider" tabindex="0" '
        f'aria-label="{label}, move with the arrow keys" '
        f'aria-valuenow="{state[x]}" aria-valuetext="{place_text}" '
        f'style="left:{100 * left:.2f}%;top:{100 * top:.2f}%" '
        f'aria-valuemin="{panel.x[0]}" aria-valuemax="{panel.x[1]}"{moved} '
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


def arrow(start, end, head):
    """An arrow from pixel to pixel as path data, its line and its head.

    The head never outgrows the arrow; both are "" where it is shorter than a pixel.
    """
    start, along = np.asarray(start), np.subtract(end, start)
    length = np.hypot(*along)
    if not length > 1:
        return "", ""
    along = along / length
    size = min(head, 0.6 * length)
    base, side = end - size * along, 0.48 * size * np.array([-along[1], along[0]])
    corners = np.stack([end, base + side, base - side])
    return path_data(np.stack([start, base]), "l"), path_data(corners, "l") + "z"


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


def ticks(low, high, log, room=8):
    """Round values between low and high, with their texts, and no more than there is room for."""
    if not log or high / low < 5:
        size = 10.0 ** np.floor(np.log10(high - low))
        parts = [part for part in (5, 2, 1, 0.5, 0.2, 0.1) if (high - low) / (size * part) <= room]
        by = size * next((part for part in parts if (high - low) / (size * part) >= 3.5), parts[-1])
        values = np.arange(np.ceil(low / by - 1e-9), np.floor(high / by + 1e-9) + 1) * by + 0.0
        return [(v, f"{v:g}".replace("-", "−")) for v in values]
    first, last = np.floor(np.log10(low) + 1e-9), np.ceil(np.log10(high) - 1e-9)
    decades = range(int(first), int(last) + 1)
    for parts in ((1, 2, 5), (1,)):
        values = [m * 10.0**decade for decade in decades for m in parts]
        values = [v for v in values if low <= 1.001 * v <= 1.002 * high]
        if len(parts) > 1 and len(values) <= room + 1:
            return [(v, f"{v:g}") for v in values]
    values = values[:: int(np.ceil(len(values) / (room + 2)))]
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
    return f'<svg class="x-s"{colours(series)} viewBox="5 0 24 12" aria-hidden="true">{line}</svg>'


def attribute_text(attributes):
    """Attributes as SVG."""
    return "".join(f' {key}="{text}"' for key, text in attributes.items())
