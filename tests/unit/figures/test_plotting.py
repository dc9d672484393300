"""The figures drawn with matplotlib: labels, styles, medians and bands; runs that diverged."""

import subprocess
import sys
from itertools import pairwise

import matplotlib

matplotlib.use("Agg")

import numpy as np
import pytest

from optimlib import surfaces
from optimlib.figures import diagrams, palette, plotting


@pytest.fixture
def ax():
    axes = plotting.axes("step", "loss")
    yield axes
    plotting.plt.close(axes.figure)


def test_axes_are_labelled(ax):
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("step", "loss")
    two = plotting.axes("x", "y", columns=2, titles=("left", "right"), yscale="log")
    assert [a.get_title(loc="left") for a in two] == ["left", "right"] and two[
        1
    ].get_yscale() == "log"


def test_every_optimizer_has_its_own_style():
    for part in zip(*palette.STYLES.values(), strict=True):
        assert len(set(part)) == len(palette.STYLES)
    assert palette.style("Adam") == palette.style("Adam (rate 0.01)") == palette.STYLES["Adam"]
    assert palette.style("AdamW") == palette.STYLES["AdamW"] != palette.style("Adam + L2")
    assert palette.style("batch 4", 1) != palette.style("batch 4", 2)
    assert len({palette.style("batch", i).colour for i in range(8)}) == 8


def test_colours_stand_out_from_paper_and_from_each_other():
    def luminance(colour):
        channels = [
            c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4
            for c in matplotlib.colors.to_rgb(colour)
        ]
        return np.dot(channels, [0.2126, 0.7152, 0.0722])

    for name, style in palette.STYLES.items():
        assert 1.05 / (luminance(style.colour) + 0.05) >= 3, f"{name} is too pale on white"
        assert (luminance(style.dark) + 0.05) / 0.06 >= 3, f"{name} is too dark on black"


def test_a_band_is_the_median_and_the_quartiles(ax):
    runs = np.array([[1.0, 10.0], [2.0, 20.0], [3.0, 30.0], [4.0, 40.0], [5.0, 50.0]])
    plotting.band(ax, [0, 1], runs, "Adam")
    np.testing.assert_allclose(ax.lines[0].get_ydata(), [3, 30])
    low, high = (
        ax.collections[0].get_paths()[0].vertices[:, 1].min(),
        ax.collections[0].get_paths()[0].vertices[:, 1].max(),
    )
    assert (low, high) == (2, 40) and ax.lines[0].get_color() == palette.STYLES["Adam"].colour


def test_a_median_that_diverged_is_a_gap(ax):
    runs = np.array([[1.0, np.inf], [2.0, np.nan], [3.0, 5.0]])
    plotting.band(ax, [0, 1], runs, "SGD")
    np.testing.assert_allclose(ax.lines[0].get_ydata(), [2, np.nan])


def test_a_run_that_diverged_is_the_worst_by_accuracy_too(ax):
    sweep = {
        "test_accuracy": np.array([[0.9, 0.8, 0.7, np.nan, np.nan], [0.5] + [np.nan] * 4]),
        "learning_rate": np.array([0.1, 1.0]),
    }
    plotting.loss_against_rate(ax, {"SGD": sweep}, key="test_accuracy")
    np.testing.assert_allclose(ax.lines[0].get_ydata(), [0.7, np.nan])


def test_loss_against_rate_draws_diverged_runs_at_the_cap(ax):
    sweep = {
        "val_loss": np.array([[[0.5], [0.7], [0.6]], [[np.inf], [np.nan], [np.inf]]]),
        "learning_rate": np.array([0.1, 1.0]),
    }
    plotting.loss_against_rate(ax, {"SGD": sweep})
    np.testing.assert_allclose(ax.lines[0].get_ydata(), [0.6, np.log(10)])
    assert ax.get_xscale() == "log"


def test_a_legend_of_rates_lies_on_no_curve_and_the_numbers_of_an_axis_do_not_touch(ax):
    rates = np.geomspace(0.18, 3.2, 6)
    losses = {"learning_rate": rates, "val_loss": np.geomspace(2.3, 0.1, 6)[:, None].repeat(3, 1)}
    names = ("SGD", "momentum", "clipped momentum", "Adam")
    plotting.loss_against_rate(ax, dict.fromkeys(names, losses))
    ax.figure.canvas.draw()
    assert ax.get_legend().get_window_extent().y0 >= ax.get_window_extent().y1 - 1
    shown = [t for t in ax.get_xticklabels(which="both") if t.get_text()]
    boxes = sorted((t.get_window_extent() for t in shown), key=lambda box: box.x0)
    assert [t.get_text() for t in shown if t.get_text() == "0.5"] == ["0.5"]
    assert all(a.x1 < b.x0 for a, b in pairwise(boxes))


def test_a_drawing_of_a_network_has_no_blank_below():
    ax = diagrams.flow([("x", "64"), ("z", "10"), ("p", "10")], ["W", "softmax"])
    assert ax.get_ylim()[0] >= -0.3
    plotting.plt.close(ax.figure)


def test_paths_and_contours_fill_the_box(ax):
    plotting.contours(ax, surfaces.beale())
    plotting.path(ax, np.array([[0.0, 0.0], [1.0, 1.0]]), "momentum")
    assert ax.get_xlim() == surfaces.beale().box[0] and len(ax.collections) >= 1


def test_digits_are_drawn_one_by_one(ax):
    plotting.digits(ax, np.zeros((13, 64)), [str(i) for i in range(13)])
    assert len(ax.images) == 13 and [t.get_text() for t in ax.texts][:2] == ["0", "1"]


def test_optimlib_does_not_import_matplotlib():
    rooms = ("optimizers", "schedules", "surfaces", "mlp", "training", "data", "figures")
    modules = ", ".join(f"optimlib.{room}" for room in rooms)
    check = f"import sys, {modules}; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", check], check=False).returncode == 0


def test_labels_of_a_cell_s_own_stay_on_a_logarithmic_axis():
    ax = plotting.axes("batch", "loss", xscale="log", xticks=[8, 32], xticklabels=["8", "all"])
    ax.figure.canvas.draw()
    assert [label.get_text() for label in ax.get_xticklabels()] == ["8", "all"]
