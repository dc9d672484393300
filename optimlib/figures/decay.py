"""Decoupled weight decay against an L2 penalty, on one weight."""

import numpy as np

from optimlib import checks, optimizers
from optimlib.figures.controls import Controls
from optimlib.figures.explorable import Explorable
from optimlib.figures.paths import RULES
from optimlib.figures.svg import HALF, Panel
from optimlib.figures.words import number

NAMES = ("AdamW", "Adam + L2")


def decay_only(
    learning_rate=(1e-3, 0.1),
    weight_decay=(1e-3, 1.0),
    gradient=(0.01, 10.0),
    *,
    steps=200,
    initial=None,
    goal="Make both leave about as much of the idle weight; then compare the busy one.",
    reached="idle gap <= 0.05 and busy gap >= 0.1",
    caption="Two weights start at 1. The idle one sees no gradient from the loss, the busy one "
    "+g, −g, +g, ... in turn.",
):
    """AdamW against Adam + L2 on a weight without a gradient, and on one whose gradients cancel.

    Facts: "rate", "decay", "gradient", what is left: "AdamW idle", "AdamW busy", "Adam + L2 idle",
    "Adam + L2 busy", and how far the two are apart: "idle gap", "busy gap".

    Example:
        >>> decay_only(steps=200, initial={"rate": 0.05})
        <explorable decay_only: ...

    Args:
        learning_rate, weight_decay, gradient: a number, or a pair (low, high) that gets a slider.
        steps: how many.
        initial: {name: value} where sliders stand at first.
        goal, reached, caption: what to try, when it is reached, what to see.

    Raises:
        ValueError: for arguments out of range.
    """
    steps, controls = checks.integer("steps", steps, 1), Controls(initial)
    controls.slider("rate", learning_rate, "log", "learning rate", outs=False)
    controls.slider("decay", weight_decay, "log", "weight decay", outs=False)
    controls.slider("gradient", gradient, "log", "busy gradient g", start=1.0, outs=False)
    state, panels, facts = controls.state, [], {}
    for kind, g in (("idle", 0.0), ("busy", state["gradient"])):
        panel = Panel(f"The {kind} weight", (0, steps), (-0.3, 1.1), "step", size=HALF)
        panel.alt = f"The {kind} weight against step under AdamW and under Adam with an L2 penalty."
        for name in NAMES:
            w = decaying(name, state["rate"], state["decay"], g, steps)
            panel.curve(f"{name} {kind}", np.arange(steps + 1), w, name)
            panel.keys = (*panel.keys, (name, name))
            facts[f"{name} {kind}"] = float(w[-1])
        facts[f"{kind} gap"] = abs(facts[f"AdamW {kind}"] - facts[f"Adam + L2 {kind}"])
        panels.append(panel)
    left = {name: number(value) for name, value in facts.items()}
    said = "; ".join(
        f"{name} leaves {left[f'{name} idle']} of the idle weight "
        f"and {left[f'{name} busy']} of the busy one"
        for name in NAMES
    )
    return Explorable(
        "decay_only",
        {"steps": steps},
        panels,
        controls,
        facts,
        f"After {steps} steps {said}.",
        goal,
        reached,
        caption,
        scripts=["paths", "decay"],
        layout="pair",
        rules={name: RULES[name] for name in ("Adam", "AdamW")},
    )


def decaying(name, rate, decay, gradient, steps):
    """A weight that starts at 1 and sees +gradient, -gradient, ... under "AdamW" or "Adam + L2".

    Returns:
        The weight before each step and after the last: shape (steps + 1,).
    """
    optimizer = optimizers.AdamW(rate, decay) if name == "AdamW" else optimizers.Adam(rate)
    w = [np.array([1.0])]
    for t in range(steps):
        g = gradient * (-1) ** t + (0.0 if name == "AdamW" else decay * w[-1])
        w.append(optimizer.step(w[-1], np.broadcast_to(g, 1)))
    return np.concatenate(w)
