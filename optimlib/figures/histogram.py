"""How long a step each weight took: a histogram at each of some steps of a run."""

import numpy as np

from optimlib import checks
from optimlib.figures import svg
from optimlib.figures.controls import Controls
from optimlib.figures.explorable import Explorable
from optimlib.figures.words import number

BINS = 36


def step_sizes(
    steps,
    times,
    *,
    xlabel="length of a step",
    initial=None,
    goal="",
    reached="",
    caption="Each line is a histogram over all weights, on a logarithmic scale; weights that did "
    "not move are left out.",
):
    """Histograms of how far each weight moved, with a slider over the steps that were kept.

    Facts: "time", and by name "<name> median" and "<name> spread", the step that nine tenths of the
    weights stay below over the one that a tenth stays below.

    Example:
        >>> moved = np.random.default_rng(0).lognormal(-7, 1, (3, 500))
        >>> step_sizes({"SGD": moved}, times=[1, 10, 100])
        <explorable step_sizes: ...

    Args:
        steps: {name: (times, weights)}, the steps of every weight, or their lengths.
        times: which steps they are.
        xlabel: what is counted.
        initial: {"time": value} where the slider stands at first.
        goal, reached, caption: what to try, when it is reached, what to see.

    Raises:
        ValueError: for fewer than two times, another number of them in `steps`, and where no weight
            moved.
    """
    times = [checks.number("times", time, 0, open_low=True) for time in times]
    sizes = {name: np.abs(np.asarray(rows, dtype=float)) for name, rows in steps.items()}
    if len(times) < 2:
        raise ValueError(f"times={times!r}: expected at least two")
    for name, rows in sizes.items():
        if rows.ndim != 2 or len(rows) != len(times):
            raise ValueError(f"{name!r} has shape {rows.shape}: expected ({len(times)}, weights)")
    moved = np.concatenate([rows[rows > 0] for rows in sizes.values()])
    if not moved.size:
        raise ValueError("no weight moved: there is no step to draw")
    low, high = np.log10(np.quantile(moved, [0.001, 0.999])) + np.array([-0.1, 0.1])
    edges = np.linspace(low, high, BINS + 1)
    data = {name: [_row(row, edges) for row in rows] for name, rows in sizes.items()}
    top = max(max(row["shares"]) for rows in data.values() for row in rows)
    controls = Controls(initial)
    controls.steps("time", times, "step")
    at = controls.state["time"]
    panel = svg.Panel(
        "Weights",
        (10**low, 10**high),
        (0, 1.05 * top),
        xlabel,
        "in % of all, a bin",
        size=svg.HALF,
        log="x",
        keys=[((name, i), name) for i, name in enumerate(sizes)],
        alt=f"Histograms over the weights of the {xlabel}, on a logarithmic scale: "
        f"{', '.join(sizes)}.",
    )
    facts, said = {"time": times[at]}, []
    for i, (name, rows) in enumerate(data.items()):
        panel.mark(name, "x-line", outline(panel, edges, rows[at]["shares"]), (name, i))
        facts |= {f"{name} {key}": rows[at][key] for key in ("median", "spread")}
        said.append(
            f"{name} moves half of the weights by more than {number(rows[at]['median'])}, "
            f"and a tenth {number(rows[at]['spread'])} times as far as another tenth"
        )
    return Explorable(
        "step_sizes",
        {"times": times, "edges": [float(f"{10**edge:.5g}") for edge in edges], "rows": data},
        [panel],
        controls,
        facts,
        f"Step {number(times[at])}: {'; '.join(said)}.",
        goal,
        reached,
        caption,
        scripts=["histogram"],
    )


def _row(sizes, edges):
    """The shares of the bins in percent, the median, and the spread from tenth to tenth."""
    moved = sizes[sizes > 0]
    if not moved.size:
        return {"shares": [0.0] * BINS, "median": 0.0, "spread": 1.0}
    counts, _ = np.histogram(np.clip(np.log10(moved), edges[0], edges[-1]), edges)
    tenth, median, most = np.quantile(moved, [0.1, 0.5, 0.9])
    return {
        "shares": [float(f"{share:.4g}") for share in 100 * counts / sizes.size],
        "median": float(f"{median:.4g}"),
        "spread": float(f"{most / tenth:.4g}"),
    }


def outline(panel, edges, shares):
    """The path data of a histogram."""
    x = np.repeat(10**edges, 2)
    return panel.line(x, [0.0, *np.repeat(shares, 2), 0.0])
