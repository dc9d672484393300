"""The book's figures in one style: paths on contours, curves with bands over seeds, loss against
learning rate, digits.

Every function draws on axes made by `axes`; colours, dashes and markers belong to optimizers and
stay the same in every chapter (`palette`). Importing this module sets the style; the rest of
optimlib never imports it.
"""

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
from matplotlib import ticker

from optimlib.figures import palette

LOSS_OF_A_GUESS = np.log(10)  # of ten digits, one as likely as the other

mpl.rcdefaults()  # a style of its own, whatever the reader's matplotlibrc says
mpl.rcParams.update(
    {
        "figure.figsize": (5.6, 3.6),
        "figure.constrained_layout.use": True,
        "font.size": 11,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.grid": True,
        "axes.axisbelow": True,
        "axes.titlesize": 11,
        "axes.titlelocation": "left",
        "grid.color": "#d9dde2",
        "grid.linewidth": 0.6,
        "lines.linewidth": 1.8,
        "legend.frameon": False,
        "legend.fontsize": 10,
        "image.cmap": "gray_r",
        "svg.hashsalt": "optimlib",
        "savefig.facecolor": "white",
    }
)
try:  # vector figures in notebooks: sharp at any width, and small
    from IPython import get_ipython
    from matplotlib_inline.backend_inline import set_matplotlib_formats

    if get_ipython() is not None:
        set_matplotlib_formats("svg")
except ImportError:
    pass


def axes(xlabel="", ylabel="", columns=1, rows=1, height=None, width=None, titles=(), **settings):
    """New axes, labelled; more than one come as an array.

    Args:
        xlabel, ylabel: what the axes count.
        columns, rows: how many axes.
        height, width: of the figure, in inches.
        titles: one over each of the axes.
        **settings: what goes to every `Axes.set`, such as yscale="log".
    """
    width = width or (
        5.6 if columns == 1 else 6.4
    )  # inches; on a phone the letters are still legible
    height = height or (3.6 if columns == 1 else 3.0 * rows)
    _, grid = plt.subplots(rows, columns, figsize=(width, height), squeeze=False)
    for i, ax in enumerate(grid.flat):
        ax.set(xlabel=xlabel, ylabel=ylabel, **settings)
        _plain_decades(ax)
        if i < len(titles):
            ax.set_title(titles[i])
    return grid[0, 0] if grid.size == 1 else grid.ravel()


def line(ax, x, y, name, index=0, label=True, markers=False, **settings):
    """One line in the style of the optimizer `name`, and its name at its last finite point.

    Args:
        ax: the axes.
        x, y: the points, (N,).
        name: an optimizer, or another name; that gets the style of its `index`.
        label: whether the name is written.
        markers: whether each point has a marker.
        **settings: what goes to `Axes.plot`.
    """
    style = palette.style(name, index)
    settings = {"color": style.colour, "dashes": style.dash} | settings
    if markers:
        settings |= {"marker": style.marker, "markersize": 5}
    ax.plot(x, y, **settings)
    if label:
        _name_end(ax, x, y, name, settings["color"])


def band(ax, x, runs, name, index=0, label=True, markers=False, axis=0):
    """The median over `axis` of `runs` (seeds, points), and the interquartile range as a band.

    A run that diverged counts as larger than all others where it is inf or NaN, as smaller where it
    is -inf. The other arguments are those of `line`.
    """
    huge = 1e300  # stands for a run that diverged, so that quantiles stay defined
    runs = np.nan_to_num(np.asarray(runs, dtype=float), nan=huge, posinf=huge, neginf=-huge)
    low, middle, high = np.where(
        abs(q := np.quantile(runs, [0.25, 0.5, 0.75], axis=axis)) < huge / 1e9, q, np.nan
    )  # a median that diverged is a gap
    low = np.where(np.isnan(low), middle, low)
    high = np.where(np.isnan(high), middle, high)
    colour = palette.style(name, index).colour
    ax.fill_between(x, low, high, color=colour, alpha=0.18, linewidth=0)
    line(ax, x, middle, name, index, label, markers)


def contours(ax, surface, levels=14, points=161):
    """Contour lines of a surface over its box, dense near the bottom, and a star at its minimum."""
    (left, right), (bottom, top) = surface.box
    x, y = np.meshgrid(np.linspace(left, right, points), np.linspace(bottom, top, points))
    f = surface(np.stack([x, y], axis=-1)) - surface.lowest
    ax.contour(
        x,
        y,
        f,
        levels=f.max() * np.linspace(0.03, 1, levels) ** 2,
        colors="#aab2bb",
        linewidths=0.8,
    )
    ax.plot(*surface.minimum, "*", color="#222222", markersize=10)
    ax.set(xlim=surface.box[0], ylim=surface.box[1])
    ax.grid(False)


def path(ax, points, name, index=0, label=True, every=1):
    """A path (steps + 1, 2) in the colour of `name`: a dot a step, a ring at its start."""
    colour = palette.style(name, index).colour
    points = np.asarray(points)
    ax.plot(*points[::every].T, "-", color=colour, linewidth=1.2)
    ax.plot(*points[::every].T, ".", color=colour, markersize=4, label=name if label else None)
    ax.plot(*points[0], "o", color=colour, markersize=7, markerfacecolor="white")


def dots(ax, x, y, name, index=0):
    """A cloud of dots (x, y) in the colour of `name`, which stands beside its rightmost dot."""
    colour = palette.style(name, index).colour
    many = np.size(x) > 500  # as a drawing, they would outweigh the rest of the page
    ax.plot(x, y, ".", color=colour, markersize=3, alpha=0.5, rasterized=many)
    order = np.argsort(x)
    _name_end(ax, np.asarray(x)[order], np.asarray(y)[order], name, colour)


def learning_curves(ax, curves):
    """Curves {name: (seeds, epochs)} as medians with bands against the epoch 1, 2, ..."""
    for i, (name, runs) in enumerate(curves.items()):
        band(ax, np.arange(1, np.shape(runs)[-1] + 1), runs, name, i)
    ax.xaxis.get_major_locator().set_params(integer=True)


def loss_against_rate(ax, sweeps, key="val_loss", cap=LOSS_OF_A_GUESS, markers=True):
    """What training ended at against the learning rate, medians with bands.

    Args:
        ax: the axes.
        sweeps: {name: sweep}.
        key: what of the sweep, its last epoch.
        cap: losses are drawn up to it.
        markers: whether each rate has a marker.
    """
    for i, (name, result) in enumerate(sweeps.items()):
        final = result[key] if result[key].ndim == 2 else result[key][..., -1]
        final = (
            np.minimum(np.nan_to_num(final, nan=np.inf), cap)
            if "loss" in key
            else np.nan_to_num(final, nan=-np.inf, neginf=-np.inf)
        )
        band(ax, result["learning_rate"], final, name, i, markers=markers, axis=1, label=False)
        look = palette.style(name, i)
        ax.plot([], [], color=look.colour, dashes=look.dash, marker=look.marker, label=name)
    ax.set_xscale("log")
    _plain_decades(ax)
    if ax.get_title(loc="left"):
        ax.legend()
    else:  # over the axes, where no curve is
        columns = min(len(sweeps), 3)
        ax.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=columns, borderaxespad=0.2)


def digits(ax, images, titles=(), columns=10):
    """Images (N, 64) of digits side by side on one pair of axes, a short title over each."""
    images = np.asarray(images).reshape(-1, 8, 8)
    rows = -(-len(images) // columns)
    ax.set(xlim=(-1, columns * 10 - 1), ylim=(rows * 12, -3), aspect="equal")
    ax.axis("off")
    for i, image in enumerate(images):
        left, top = 10 * (i % columns), 12 * (i // columns)
        ax.imshow(
            image, extent=(left, left + 8, top + 8, top), vmin=0, vmax=1, interpolation="nearest"
        )
        if i < len(titles):
            ax.text(left + 4, top - 0.7, titles[i], ha="center", va="bottom", fontsize=9)
    ax.set(xlim=(-1, columns * 10 - 1), ylim=(rows * 12, -3))


class _Decades(ticker.LogFormatterMathtext):
    """Powers of ten; over fewer than two decades plain numbers, 0.2, 0.5, 1, 2."""

    def __call__(self, x, pos=None):
        low, high = sorted(self.axis.get_view_interval())
        if low <= 0 or high / low >= 100:
            return super().__call__(x, pos) if round(np.log10(x), 6) % 1 == 0 else ""
        first = round(x / 10.0 ** np.floor(np.log10(x) + 1e-9), 6)
        return f"{x:g}" if first in (1, 2, 5) else ""


def _plain_decades(ax):
    """Have logarithmic axes say no more than fits side by side; labels of a cell's own stay."""
    for axis in (ax.xaxis, ax.yaxis):
        own = not isinstance(axis.get_major_formatter(), ticker.LogFormatter)
        if axis.get_scale() == "log" and not own:
            axis.set_major_formatter(_Decades())
            axis.set_minor_formatter(_Decades())


def _name_end(ax, x, y, name, colour):
    """Write the name beside the last finite point, and part the names that would overlap."""
    x, y = np.broadcast_arrays(np.asarray(x, dtype=float), np.asarray(y, dtype=float))
    seen = np.flatnonzero(np.isfinite(y))
    if not seen.size:
        return
    end = (x[seen[-1]], y[seen[-1]])
    ax.annotate(
        name,
        end,
        xytext=(5, 0),
        textcoords="offset points",
        color=colour,
        va="center",
        fontsize=10,
        gid="end of a line",
    )
    ax.autoscale_view()
    names = [text for text in ax.texts if text.get_gid() == "end of a line"]
    points = ax.transData.transform([text.xy for text in names]) * 72 / ax.figure.dpi
    order, gap = np.argsort(points[:, 1]), 12.0
    heights = points[order, 1].copy()
    for _ in range(50):
        near = np.abs(np.diff(points[order, 0])) < 60  # names far apart sideways cannot touch
        push = np.where(near, np.maximum(gap - np.diff(heights), 0) / 2, 0)
        heights[:-1] -= push
        heights[1:] += push
    for i, height in zip(order, heights, strict=True):
        names[i].xyann = (5, height - points[i, 1])
