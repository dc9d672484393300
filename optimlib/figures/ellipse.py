"""Newton-Schulz, the iteration of Muon, on an ellipse."""

import numpy as np

from optimlib.figures.controls import Controls
from optimlib.figures.explorable import Explorable
from optimlib.figures.svg import HALF, Panel
from optimlib.figures.words import number

STEPS, POINTS, ANGLE = 12, 72, np.radians(30)
COEFFICIENTS = {"Muon’s": (3.4445, -4.7750, 2.0315), "cubic": (1.5, -0.5, 0.0)}


def rounding(
    thin=(0.001, 1),
    *,
    initial=None,
    goal="Find the thinnest ellipse that five steps, as every rounder one, bring into the band.",
    reached="steps <= 5 and thin <= 0.0056 and thin >= 0.0052 and short <= 1.14",
    caption="A matrix is drawn as what it makes of the dotted circle. Scaled to length 1 first, it "
    "goes through so many steps of X ← aX + b(XXᵀ)X + c(XXᵀ)²X. The dotted lines on the right are "
    "0.68 and 1.14.",
):
    """The ellipse of a matrix under Newton-Schulz, and its two half-axes after every step.

    Facts: "thin" (the short half-axis over the long one, at first), "steps", and the half-axes
    after so many steps, "long" and "short".

    Example:
        >>> rounding(initial={"thin": 0.01, "steps": 5})
        <explorable rounding: ...

    Args:
        thin: a number, or a pair (low, high) that gets a slider.
        initial: {name: value} where sliders stand at first.
        goal, reached, caption: what to try, when it is reached, what to see.

    Raises:
        ValueError: for arguments out of range.
    """
    controls = Controls(initial)
    controls.slider("thin", thin, "log", "short / long, at first", start=0.05, outs=False)
    controls.slider("steps", (0, STEPS), "linear", start=0, outs=False)
    controls.select("coefficients", list(COEFFICIENTS))
    state = controls.state
    steps = int(state["steps"])
    axes = half_axes(state["thin"], tuple(COEFFICIENTS.values())[state["coefficients"]])
    ellipse = Panel(
        "The ellipse",
        (-1.8, 1.8),
        (-1.25, 1.25),
        size=HALF,
        alt="What the matrix makes of a circle: an ellipse, rounder after each step.",
    )
    turn = np.linspace(0, 2 * np.pi, POINTS + 1)
    around = ellipse.line(np.cos(turn), np.sin(turn))
    ellipse.still = f'<path class="x-dotted" d="{around}"/>'
    ellipse.curve("ellipse", *_outline(axes["long"][steps], axes["short"][steps]), "Muon")
    course = Panel(
        "Half-axes",
        (0, STEPS),
        (0.001, 3),
        "step",
        size=HALF,
        log="y",
        keys=[("momentum", "long"), ("RMSprop", "short")],
        alt="The long and the short half-axis after each step, on a logarithmic scale.",
    )
    course.still = "".join(
        f'<path class="x-dotted" d="{course.line([0, STEPS], [edge, edge])}"/>'
        for edge in (0.68, 1.14)
    )
    for name, series in (("long", "momentum"), ("short", "RMSprop")):
        course.curve(name, np.arange(STEPS + 1), axes[name], series)
        course.marker(f"{name} now", steps, axes[name][steps], series)
    facts = {name: float(values[steps]) for name, values in axes.items()}
    return Explorable(
        "rounding",
        {"steps": STEPS, "points": POINTS, "coefficients": list(COEFFICIENTS.values())},
        [ellipse, course],
        controls,
        facts,
        f"After {steps} steps the half-axes are {number(facts['long'])} "
        f"and {number(facts['short'])}.",
        goal,
        reached,
        caption,
        scripts=["ellipse"],
        layout="pair",
        best={"thin": 0.0054, "steps": 5, "coefficients": 0} if np.ndim(thin) else False,
    )


def half_axes(thin, coefficients):
    """The half-axes of a 2 x 2 matrix before Newton-Schulz and after each of its steps.

    Args:
        thin: the short one over the long one, at first.
        coefficients: a, b and c.

    Returns:
        {"long", "short": (STEPS + 1,)}, whichever is longer later.
    """
    a, b, c = coefficients
    s = np.array([1.0, thin]) / np.sqrt(1 + thin * thin)
    rows = [s]
    for _ in range(STEPS):
        s = a * s + b * s**3 + c * s**5
        rows.append(s)
    return dict(zip(("long", "short"), np.transpose(rows), strict=True))


def _outline(long, short):
    """The points x and y of an ellipse with these half-axes, the long one turned by ANGLE."""
    turn = np.linspace(0, 2 * np.pi, POINTS + 1)
    along, across = long * np.cos(turn), short * np.sin(turn)
    x = np.cos(ANGLE) * along - np.sin(ANGLE) * across
    return x, np.sin(ANGLE) * along + np.cos(ANGLE) * across
