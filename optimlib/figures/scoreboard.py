"""The scoreboard: three tasks that run through the book, and what tuned optimizers make of them.

The rows were measured once (`python -m tools.record scoreboard`); each chapter measures its own
anew for one split.
"""

from typing import NamedTuple

import numpy as np

from optimlib.data import Split, load_digits, load_recording, standardize
from optimlib.figures.results import table
from optimlib.mlp import MLP
from optimlib.optimizers import SGD, Adagrad, Adam, AdamW, RMSprop
from optimlib.training import sweep

EPOCHS, TARGET = 20, 0.9  # of validation accuracy


class Entry(NamedTuple):
    """What a tuned optimizer makes of a task: its rate, its test accuracy, its epochs to 90 %."""

    rate: float
    accuracy: float
    epochs: float  # inf where it never gets there


def loud(digits, seed):
    """The digits with six of the 64 pixels a hundred times brighter, drawn by seed."""
    scale = np.where(np.random.default_rng(seed).permutation(64) < 6, 100.0, 1.0)
    return Split(*((x * scale, y) for x, y in digits))


def network(seed):
    """The network of the clean and the loud digits."""
    return MLP([64, 32, 10], seed=seed)


def deep(seed):
    """Three hidden layers of sigmoids, with the usual start."""
    return MLP([64, 32, 32, 32, 10], "sigmoid", seed=seed)


def deep_well_started(seed):
    """The same with weights four times as large, as the sigmoid's slope of 1/4 wants them."""
    model = deep(seed)
    model.w *= np.where(model.kernels, 4.0, 1.0)
    return model


TASKS = {  # name: (build, data of the digits and the split's seed)
    "clean digits": (network, lambda digits, seed: digits),
    "loud pixels": (network, loud),
    "deep network": (deep, lambda digits, seed: digits),
}
MENDED = TASKS | {
    "loud pixels": (network, lambda digits, seed: standardize(loud(digits, seed))),
    "deep network": (deep_well_started, lambda digits, seed: digits),
}


def decades(low, high):
    """Rates from 10**low to 10**high, a quarter of a decade apart."""
    return 10.0 ** np.arange(low, high + 0.01, 0.25)


ROWS = {  # name: (optimizer, numbers it remembers per weight, tasks, rates by task)
    "SGD": (SGD, 0, TASKS, [decades(-1.5, 0.5), decades(-4.5, -1.5), decades(-0.5, 1.25)]),
    "momentum": (
        lambda rate: SGD(rate, momentum=0.9),
        1,
        TASKS,
        [decades(-2.25, -0.25), decades(-5.5, -2.5), decades(-1.5, 0.25)],
    ),
    "Adagrad": (Adagrad, 1, TASKS, [decades(-1.5, 0.25), decades(-2, 0), decades(-1, 0.75)]),
    "RMSprop": (RMSprop, 1, TASKS, [decades(-3, -1), decades(-3, -0.75), decades(-2.75, -0.75)]),
    "Adam": (Adam, 2, TASKS, [decades(-3, -1), decades(-3, -0.75), decades(-2.75, -0.75)]),
    "AdamW": (
        lambda rate: AdamW(rate, weight_decay=0.01),
        2,
        TASKS,
        [decades(-3, -1), decades(-3, -0.75), decades(-2.75, -0.75)],
    ),
    "SGD, data and start mended": (
        SGD,
        0,
        MENDED,
        [decades(-1.5, 0.5), decades(-2, 0.25), decades(-1.25, 0.75)],
    ),
}

BETAS = [
    (0, 0.999), (0.5, 0.999), (0.9, 0.999), (0.99, 0.999), (0.9, 0.9), (0.9, 0.99), (0.9, 0.9999)
]  # fmt: skip


def uncorrected(rate):
    """Adam whose rate undoes the correction of both means."""
    return Adam(lambda step: rate * (1 - 0.9 ** (step + 1)) / (1 - 0.999 ** (step + 1)) ** 0.5)


PARTS = {  # from RMSprop to Adam, one part at a time, on the same tasks
    "RMSprop": ROWS["RMSprop"],
    "small epsilon": (
        lambda rate: RMSprop(rate, epsilon=1e-14),  # under the root: as Adam's 1e-7 beside it
        1,
        TASKS,
        [decades(-3.75, -1.25)] * 3,
    ),
    "slow memory": (
        lambda rate: RMSprop(rate, rho=0.999, epsilon=1e-14),
        1,
        TASKS,
        [decades(-3.75, -1.25)] * 3,
    ),
    "slow, corrected": (lambda rate: Adam(rate, beta_1=0), 1, TASKS, [decades(-3.5, -0.75)] * 3),
    "slow, corrected, averaged: Adam": ROWS["Adam"],
    "Adam without correction": (uncorrected, 2, TASKS, [decades(-3.75, -1.25)] * 3),
}


def measure(name, seed, only=TASKS):
    """Train a row's optimizer on its tasks for the split `seed`: a dict of `Entry` by task.

    Every rate of the row's grid, three random starts, twenty epochs; the validation loss after the
    last epoch chooses the rate (medians over the starts). Raises RuntimeError where the best rate
    stands at the edge of its grid: then the grid proves nothing. `only` names the tasks.
    """
    optimizer, _, tasks, grids = (ROWS | PARTS)[name]
    entries = {}
    for (task, (build, data)), rates in zip(tasks.items(), grids, strict=True):
        if task not in only:
            continue
        runs = sweep(
            build, optimizer, rates, data(load_digits(seed), seed), seed + np.arange(3), EPOCHS
        )
        loss = np.median(np.nan_to_num(runs["val_loss"][..., -1], nan=np.inf), axis=1)
        best = loss.argmin()
        if best in (0, len(rates) - 1):
            raise RuntimeError(f"{name} on {task}: the best rate {rates[best]:.2g} is at the edge")
        there = np.median(runs["val_accuracy"][best], axis=0) >= TARGET
        epochs = there.argmax() + 1 if there.any() else np.inf
        entries[task] = Entry(
            rates[best], float(np.median(runs["test_accuracy"][best])), float(epochs)
        )
    return entries


def loss_of_betas(beta_1, beta_2, seed, epochs=8):
    """The test loss of Adam with these betas on the clean digits, its rate tuned for the split.

    Twelve rates, three random starts; raises RuntimeError where the best rate is at the edge.
    """
    rates, starts = decades(-3.5, -0.75), 10 * seed + np.arange(3)
    runs = sweep(
        network, lambda rate: Adam(rate, beta_1, beta_2), rates, load_digits(seed), starts, epochs
    )
    best = runs["val_loss"][..., -1].mean(axis=1).argmin()
    if best in (0, len(rates) - 1):
        raise RuntimeError(f"betas {beta_1}, {beta_2}: the best rate is at the edge")
    return float(runs["test_loss"][best].mean())


def recorded(file="scoreboard"):
    """The rows of a recording: a dict by name of dicts by task of one `Entry` a split.

    "scoreboard" holds `ROWS` for splits 0 to 2, "adam_parts" `PARTS` for splits 0 to 5.
    """
    rows = load_recording(file)["rows"]
    return {
        name: {
            task: [
                Entry(rate, accuracy, np.inf if epochs is None else epochs)
                for rate, accuracy, epochs in splits
            ]
            for task, splits in tasks.items()
        }
        for name, tasks in rows.items()
    }


def means(name):
    """The recorded accuracies of a row in percent, means over the splits: a dict by task."""
    return {
        task: 100 * float(np.mean([entry.accuracy for entry in splits]))
        for task, splits in recorded()[name].items()
    }


def gain(name, other, task, file="adam_parts"):
    """What one row reads more than another on a task: points by split, (splits,)."""
    rows = recorded(file)
    pairs = zip(rows[name][task], rows[other][task], strict=True)
    return 100 * np.array([one.accuracy - two.accuracy for one, two in pairs])


def difference(name, entries, seed, file="scoreboard"):
    """How far a row that was measured anew stands from the recorded one, in accuracy, at most.

    A split that was not recorded is held against the mean of those that were.
    """
    rows = recorded(file)[name]
    known = {
        task: splits[seed].accuracy if seed < len(splits) else np.mean([e.accuracy for e in splits])
        for task, splits in rows.items()
    }
    return max(abs(entries[task].accuracy - known[task]) for task in entries)


def show(name):
    """The scoreboard up to the row `name`, as a table; the last row shows what data and start do.

    An entry is the mean test accuracy over three splits and the median number of epochs to 90 %.
    """
    names = list(ROWS)
    shown = [*names[: names.index(name) + 1], names[-1]]
    lines = []
    for row in dict.fromkeys(shown):
        cells = []
        for splits, accuracy in zip(recorded()[row].values(), means(row).values(), strict=True):
            epochs = np.median([entry.epochs for entry in splits])
            when = f"{epochs:.0f}" if np.isfinite(epochs) else "–"
            cells.append(f"{accuracy:.1f} % ({when})")
        lines.append([row, ROWS[row][1], *cells])
    return table(["tuned", "remembers per weight", *TASKS], lines)
