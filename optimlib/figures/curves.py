"""Learning curves that were recorded, one rate at a time."""

import numpy as np

from optimlib import checks
from optimlib.figures import svg
from optimlib.figures.controls import Controls
from optimlib.figures.explorable import Explorable
from optimlib.figures.words import number, rounded


def recorded(
    sweeps,
    metric="val_loss",
    *,
    initial=None,
    goal="Find the best rate of each optimizer.",
    reached=None,
    caption=None,
):
    """Learning curves that `training.sweep` recorded: a slider over the rates, medians, quartiles.

    Facts: "<name> rate", "<name> loss" (the last median of `metric`) and "<name> accuracy" (the
    median of the validation accuracy: test images are not for tuning).

    Example:
        >>> runs = {"learning_rate": np.array([0.1, 1.0]), "val_loss": np.ones((2, 3, 9)) / 2}
        >>> recorded({"SGD": runs | {"val_accuracy": np.full((2, 3, 9), 0.9)}})
        <explorable recorded: ...

    Args:
        sweeps: {name: sweep}.
        metric: what of them is drawn.
        initial: {name: value} where sliders stand at first.
        goal, reached, caption: what to try, when it is reached, what to see.

    Raises:
        ValueError: for sweeps that lack the metric or have fewer than two rates.
    """
    if not sweeps:
        raise ValueError(f"sweeps={sweeps!r} is empty: expected a dict of at least one sweep")
    controls = Controls(initial)
    data = {name: _quartiles(name, sweep, metric) for name, sweep in sweeps.items()}
    finals = {
        name: np.array([np.inf if row[-1] is None else row[-1] for row in one["middle"]])
        for name, one in data.items()
    }
    learning, ends = _panels(data, metric)
    high = ends.y[1]
    facts, said = {}, []
    for i, (name, one) in enumerate(data.items()):
        series, rates = (name, i), one["rates"]
        controls.steps(f"{name} rate", rates, f"{name} rate", series)
        at = controls.state[f"{name} rate"]
        loss, accuracy, rate = float(finals[name][at]), one["accuracy"][at], rates[at]
        facts |= {f"{name} rate": rate, f"{name} loss": loss, f"{name} accuracy": accuracy}
        _draw(learning, name, one, at, series)
        line = ends.line(rates, np.minimum(finals[name], 1e30))  # what diverged runs off the panel
        ends.still += f'<path class="x-thin x-s"{svg.colours(series)} d="{line}"/>'
        shown = "inline" if loss <= high else "none"
        ends.marker(f"{name} end", rate, min(loss, high), series, display=shown)
        fate = "diverged"
        if loss < np.inf:
            fate = f"loss {number(loss)}, {number(100 * accuracy)} % right"
        said.append(f"{name} at rate {number(rate)}: {fate}")
    if caption is None:
        seeds = next(iter(sweeps.values()))[metric].shape[1]
        caption = (
            f"The curves are medians of {seeds} seeds, the bands their quartiles; "
            "every rate was run and recorded. Right: of the validation images."
        )
    if reached is None:
        reached = " and ".join(f"{name} loss <= {1.05 * finals[name].min():.6g}" for name in data)
    return Explorable(
        "recorded",
        {"sweeps": data},
        [learning, ends],
        controls,
        facts,
        f"{'; '.join(said)}.",
        goal,
        reached,
        caption,
        scripts=["curves"],
        best=True,
        quiet=True,
    )


def _panels(data, metric):
    """The panel of the curves, and that of the last epoch against the rate."""
    every = [v for one in data.values() for row in one["middle"] for v in row if v is not None]
    low, high = 0.8 * min(every), 1.25 * min(max(every), 4.0)
    label = metric.replace("val_", "validation ").replace("_", " ")
    rates = [rate for one in data.values() for rate in one["rates"]]
    epochs = len(next(iter(data.values()))["middle"][0])
    learning = svg.Panel(
        label.capitalize(),
        (1, epochs),
        (low, high),
        "epoch",
        log="y",
        alt=f"Learning curves: {label} against epoch, the median over the seeds and a band of "
        "quartiles for each optimizer.",
    )
    ends = svg.Panel(
        "Last epoch, by rate",
        (min(rates) / 1.3, max(rates) * 1.3),
        (low, high),
        "learning rate",
        size=svg.SIDE,
        log="xy",
        alt=f"The {label} of the last epoch against the learning rate, a curve each; a marker "
        "stands at the chosen rate.",
    )
    return learning, ends


def _draw(panel, name, one, at, series):
    """The curve of one rate, with its band; both are empty where it diverged from the start."""
    rows = {key: [v for v in one[key][at] if v is not None] for key in ("low", "middle", "high")}
    epochs = np.arange(1, 1 + len(rows["middle"]))
    line = band = ""
    if len(epochs):
        line = panel.line(epochs, rows["middle"])
        edge = panel.line((*epochs, *epochs[::-1]), (*rows["low"], *rows["high"][::-1]))
        band = f"{edge}z"
    panel.mark(f"{name} band", "x-area", band, series)
    panel.mark(f"{name} curve", "x-line", line, series)


def _quartiles(name, sweep, metric):
    """A sweep as the script needs it: rates, test accuracies, and quartiles by rate and epoch.

    They are None where they diverged.
    """
    checks.known("metric", metric, sweep)
    if len(sweep["learning_rate"]) < 2:
        rates = len(sweep["learning_rate"])
        raise ValueError(f"the sweep of {name!r} has {rates} learning rate: expected at least two")
    runs = np.nan_to_num(sweep[metric], nan=np.inf, posinf=np.inf)
    with np.errstate(invalid="ignore"):
        quartiles = np.quantile(runs, [0.25, 0.5, 0.75], axis=1)
    low, middle, high = np.nan_to_num(quartiles, nan=np.inf, posinf=np.inf)
    high = np.where(np.isfinite(high), high, middle)
    return {
        "rates": [float(f"{v:.4g}") for v in sweep["learning_rate"]],
        "accuracy": rounded(np.median(np.nan_to_num(sweep["val_accuracy"][..., -1]), axis=1)),
        "middle": rounded(middle),
        "low": rounded(low),
        "high": rounded(high),
    }
