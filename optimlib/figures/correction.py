"""Adam's first steps, with and without bias correction."""

import numpy as np

from optimlib import checks
from optimlib.figures.controls import Controls
from optimlib.figures.explorable import Explorable
from optimlib.figures.svg import HALF, Panel, attribute_text
from optimlib.figures.words import number


def bias_correction(
    beta_1=(0, 0.99),
    beta_2=(0.9, 0.9999),
    *,
    noise=(0.01, 3),
    steps=200,
    initial=None,
    goal="Find betas for which the first step without correction is as long as with it.",
    reached="first uncorrected >= 0.95 and first uncorrected <= 1.05",
    caption="The gradient is 1 and noise. Without the correction the running means start from 0, "
    "and their ratio is the length of a step.",
):
    """Adam's first steps on a gradient of mean 1, with and without bias correction.

    Facts: "beta_1", "beta_2", "noise", and "first corrected", "first uncorrected", "largest
    corrected", "largest uncorrected": the length of the first and of the longest step, in learning
    rates.

    Example:
        >>> bias_correction(steps=100)
        <explorable bias_correction: ...

    Args:
        beta_1, beta_2, noise: a number, or a pair (low, high) that gets a slider.
        steps: how many, at least 2.
        initial: {name: value} where sliders stand at first.
        goal, reached, caption: what to try, when it is reached, what to see.

    Raises:
        ValueError: for arguments out of range.
    """
    steps, controls = checks.integer("steps", steps, 2), Controls(initial)
    controls.slider("beta_1", beta_1, "memory", start=0.9, outs=False)
    controls.slider("beta_2", beta_2, "memory", start=0.999, outs=False)
    controls.slider("noise", noise, "zero", "noise on the gradient", start=0.0, outs=False)
    state, time = controls.state, np.arange(1, steps + 1)
    draws = np.random.default_rng(0).standard_normal(steps).round(2)
    rows = first_steps(state["beta_1"], state["beta_2"], 1 + state["noise"] * draws)
    lengths = Panel(
        "Length of a step",
        (1, steps),
        (0.01, 100),
        "step",
        "in learning rates",
        size=HALF,
        log="xy",
        keys=[("Adam", "corrected"), ("Adam + L2", "not corrected")],
        alt="Length of each step of Adam with and without bias correction, both axes logarithmic.",
    )
    lengths.still = f'<path class="x-dotted" d="{lengths.line([1, steps], [1, 1])}"/>'
    far = np.ceil(1 + np.max(noise) * np.abs(draws).max())
    heights = [*HEIGHTS, (float(-far), float(far))]
    means, *_ = boards = [_means(steps, height) for height in heights]
    at = _fitting([row for name, row in rows.items() if not name.startswith("with")], heights)
    means.y = boards[at].y
    for i, board in enumerate(boards):
        mark = {"display": "inline" if i == at else "none"}
        means.marks[f"frame {i}"] = mark
        means.back += f'<g data-mark="frame {i}"{attribute_text(mark)}>{board.frame()}</g>'
    series = {
        "m": "momentum",
        "m corrected": "Nesterov",
        "root v": "RMSprop",
        "root v corrected": "AdamW",
        "with": "Adam",
        "without": "Adam + L2",
    }
    for name, row in rows.items():
        (lengths if name in ("with", "without") else means).curve(name, time, row, series[name])
    facts, sentences = {}, {}
    for name, row in (("corrected", rows["with"]), ("uncorrected", rows["without"])):
        facts[f"first {name}"], facts[f"largest {name}"] = float(row[0]), float(row.max())
        sentences[name] = f"first step {number(row[0])}, largest {number(row.max())}"
    without, corrected = sentences["uncorrected"], sentences["corrected"]
    return Explorable(
        "bias_correction",
        {"steps": steps, "draws": draws.tolist(), "heights": heights},
        [lengths, means],
        controls,
        facts,
        f"In learning rates: without correction {without}; with it {corrected}.",
        goal,
        reached,
        caption,
        scripts=["correction"],
        layout="pair",
        best=_betas(beta_1, beta_2, noise),
    )


# of the axis of the running means, the first that holds them; the last one holds all
HEIGHTS = [(0.0, 2.0), (-1.5, 4.5)]


def _means(steps, height):
    """The panel of the running means."""
    return Panel(
        "Running means",
        (1, steps),
        height,
        "step",
        "in mean gradients",
        size=HALF,
        log="x",
        keys=[
            ("momentum", "m"),
            ("Nesterov", "m corrected"),
            ("RMSprop", "√v"),
            ("AdamW", "√v corrected"),
        ],
        alt="The running mean m of the gradient and the root of the running mean v of its square, "
        "raw and corrected.",
    )


def _fitting(rows, heights):
    """The index of the first (low, high) that holds all rows."""
    low, high = np.min(rows), np.max(rows)
    return next(i for i, (a, b) in enumerate(heights) if a <= low and high <= b)


def _betas(beta_1, beta_2, noise):
    """A setting at which the first step without correction is about as long as with it.

    That is where 1 - beta_1 = sqrt(1 - beta_2). Without such betas on both sliders there is none.
    """
    if not (np.ndim(beta_1) and np.ndim(beta_2)):
        return False
    for second in np.arange(0.9, 1, 0.001):
        first = float(f"{1 - np.sqrt(1 - second):.2f}")
        if beta_1[0] <= first <= beta_1[1] and beta_2[0] <= second <= beta_2[1]:
            quiet = {"noise": 0.0} if np.ndim(noise) else {}
            return {"beta_1": first, "beta_2": round(float(second), 3)} | quiet
    return False


def first_steps(beta_1, beta_2, gradients):
    """Adam's running means over the gradients (steps,), and the lengths of its steps.

    Returns:
        {name: (steps,)}: "m" and "root v", each also "corrected"; "with" and "without" correction,
        the lengths in learning rates.
    """
    m, v, rows = 0.0, 0.0, []
    for t, g in enumerate(gradients, 1):
        m, v = beta_1 * m + (1 - beta_1) * g, beta_2 * v + (1 - beta_2) * g * g
        first, second, root = 1 - beta_1**t, (1 - beta_2**t) ** 0.5, v**0.5
        length = abs(m) / (root + 1e-7)
        rows.append((m, m / first, root, root / second, length, second / first * length))
    names = ("m", "m corrected", "root v", "root v corrected", "without", "with")
    return dict(zip(names, np.transpose(rows), strict=True))
