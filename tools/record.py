"""Record the runs that are too long for a chapter: `make recordings`.

    python -m tools.record [--jobs 2] [kind ...]

The scoreboard is what `optimlib.figures.scoreboard` measures, on three splits; adam_parts, on six,
has the rows between RMSprop and Adam; adam_betas, on eight, has pairs of betas; splits, on 24, what
`optimlib.figures.many_splits` measures. The others are
sweeps of the learning rate with optimlib, several splits of the data and one or two seeds a split,
in optimlib/data_files/recordings:

- cnn.json: a convolutional network on the digits;
- rnn.json: a recurrent network that reads them in 32 steps, and in 8; in 8 rows, each held for four
  steps; with a recurrent kernel 1.3 times as large; with other limits of the gradient's length;
- transformer.json: a Transformer on text.txt, at a constant rate and with warmup;
- clipping.json: the same, with clipped momentum as a control, at three limits;
- race.json: the rules after AdamW, on the scoreboard's three tasks, eight splits; some again
  on standardized digits, with a falling rate and four decays, for longer, with a better start; on
  the Transformer; and what a step of each costs;
- batches.json: a Transformer on 128 shorter windows, for 64 updates of 8, 32 or all of them; there
  val_loss is the loss on these windows.

The text is the prose of this book's first two chapters as it was when the file was made, in lower
case, without formulas, code, digits and most punctuation. It is frozen: the recordings hold for it.
Chapters 9 and 11 draw them, and tests/unit/test_recordings.py runs a part of them again. Losses are
those after the last epoch; null stands for a run that diverged.
"""

import argparse
import json
import os
import platform
import sys
import time
from concurrent.futures import ProcessPoolExecutor

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ["TQDM_DISABLE"] = "1"

import numpy as np

from optimlib import newer, optimizers, schedules
from optimlib.data import RECORDINGS, load_digits, split, standardize
from optimlib.figures import many_splits, scoreboard
from optimlib.networks import CNN, RNN, Transformer, windows
from optimlib.training import sweep

ALPHABET = " ,.abcdefghijklmnopqrstuvwxyz"
LENGTH = 16
SETTINGS = {
    "cnn": {
        "filters": 16,
        "epochs": 20,
        "batch_size": 32,
        "splits": 8,
        "seeds a split": 2,
        "train": 1000,
        "validation": 297,
    },
    "transformer": {
        "length": LENGTH,
        "width": 24,
        "heads": 2,
        "blocks": 2,
        "epochs": 10,
        "batch_size": 16,
        "warmup updates": 100,
        "weight_decay of AdamW": 0.1,
        "splits": 2,
        "seeds a split": 2,
        "train": 1000,
        "validation": 190,
    },
    "rnn": {
        "units": 16,
        "epochs": 8,
        "batch_size": 32,
        "clip": 1.0,
        "splits": 8,
        "seeds a split": 2,
        "train": 1000,
        "validation": 297,
    },
}
SETTINGS["clipping"] = SETTINGS["transformer"] | {"clip": 1.0}
SETTINGS["batches"] = SETTINGS["transformer"] | {
    "length": 8,
    "updates": 64,
    "splits": 3,
    "seeds a split": 1,
    "train": 128,
}
for unused in ("epochs", "batch_size", "warmup updates", "weight_decay of AdamW"):
    del SETTINGS["batches"][unused]


def momentum(rate):
    return optimizers.SGD(rate, momentum=0.9)


def clipped(rate):
    return optimizers.SGD(rate, momentum=0.9, global_clipnorm=1.0)


def clipped_sgd(rate):
    return optimizers.SGD(rate, global_clipnorm=1.0)


def rmsprop_with_momentum(rate):
    return optimizers.RMSprop(rate, momentum=0.9)


def limited(limit):
    """Momentum, its gradient clipped to another limit."""
    return lambda rate: optimizers.SGD(rate, momentum=0.9, global_clipnorm=limit)


def with_limit(rule):
    """The rule, its gradient clipped to 1."""
    return lambda rate: rule(rate, global_clipnorm=1.0)


def adamw(rate):
    return optimizers.AdamW(rate, weight_decay=SETTINGS["transformer"]["weight_decay of AdamW"])


def warm(rule):
    """The rule with a rate that grows evenly over the first updates, and then stays."""
    updates = SETTINGS["transformer"]["warmup updates"]
    return lambda rate: rule(lambda step: rate * min(1.0, (step + 1) / updates))


def half_decades(low, high, step=0.5):
    """low, ..., high: powers of ten with exponents `step` apart, rounded to four digits."""
    return [float(f"{10**e:.4g}") for e in np.arange(low, high + step / 2, step)]


RULES = {  # kind: {name: (rule, learning rates)}
    "cnn": {
        "SGD": (optimizers.SGD, half_decades(-1.5, 0.5)),
        "momentum": (momentum, half_decades(-2.5, 0)),
        "RMSprop": (optimizers.RMSprop, half_decades(-3, -1)),
        "Adam": (optimizers.Adam, half_decades(-3, -0.5)),
    },
    "transformer": {
        name + suffix: (change(rule), rates)
        for name, rule, rates in (
            ("momentum", momentum, half_decades(-3, 0)),
            ("Adam", optimizers.Adam, half_decades(-3.5, -1)),
            ("AdamW", adamw, half_decades(-3.5, -1)),
        )
        for suffix, change in (("", lambda rule: rule), (", warmup", warm))
    },
    "rnn": {
        "SGD": (optimizers.SGD, half_decades(-2.5, 0)),
        "momentum": (momentum, half_decades(-3.5, -0.5)),
        "clipped momentum": (clipped, half_decades(-3, 0)),
        "RMSprop": (optimizers.RMSprop, half_decades(-3.5, -1)),
        "Adam": (optimizers.Adam, half_decades(-3.5, -1)),
        "SGD, 8 steps": (optimizers.SGD, half_decades(-2, 0.5)),
        "momentum, 8 steps": (momentum, half_decades(-3, -0.5)),
        "clipped momentum, 8 steps": (clipped, half_decades(-2.5, 0)),
        "RMSprop, 8 steps": (optimizers.RMSprop, half_decades(-3.5, -1)),
        "Adam, 8 steps": (optimizers.Adam, half_decades(-3.5, -1)),
        "momentum, rows held": (momentum, half_decades(-3, -1)),
        "clipped momentum, rows held": (clipped, half_decades(-2.5, -0.5)),
        "RMSprop, rows held": (optimizers.RMSprop, half_decades(-3, -1)),
        "Adam, rows held": (optimizers.Adam, half_decades(-3, -1)),
        "momentum, gain 1.3": (momentum, half_decades(-3.5, -1)),
        "clipped momentum, gain 1.3": (clipped, half_decades(-2.5, -0.5)),
        "clipped SGD": (clipped_sgd, half_decades(-1.5, 1)),
        "RMSprop with momentum": (rmsprop_with_momentum, half_decades(-4, -1.5)),
        "momentum, limit 0.3": (limited(0.3), half_decades(-2, 0)),
        "momentum, limit 5": (limited(5.0), half_decades(-3, -1)),
        "RMSprop, limit 1": (with_limit(optimizers.RMSprop), half_decades(-3, -1)),
        "Adam, limit 1": (with_limit(optimizers.Adam), half_decades(-3, -1)),
    },
    "clipping": {
        "clipped momentum": (clipped, half_decades(-1.5, 0)),
        "momentum, limit 0.3": (limited(0.3), half_decades(-1.5, 0.5)),
        "momentum, limit 0.1": (limited(0.1), half_decades(-1, 1)),
    },
    "batches": {
        f"{name}, {size}": (rule, rates)
        for name, rule, rates in (
            ("momentum", momentum, half_decades(-1.75, 0, 0.25)),
            ("Adam", optimizers.Adam, half_decades(-2.5, -1.25, 0.25)),
        )
        for size in (8, 32, 128)
    },
}


def muon(rate, kind=newer.Muon, exclude_layers=(-2,), decay=None, **settings):
    """Muon, with one decay or none; by default the output layer is left to Adam."""
    both = {"weight_decay": decay, "adam_weight_decay": decay}
    return kind(rate, exclude_layers=exclude_layers, **both, **settings)


def soap(rate, decay=None):
    return newer.SOAP(rate, weight_decay=decay)


def whole(U):
    """The length of an orthogonal matrix of the shape of U."""
    return min(U.shape[-2:]) ** 0.5


class Exact(newer.Muon):
    """Muon with the orthogonal matrix itself, by the singular value decomposition."""

    def rounded(self, U):
        left, _, right = np.linalg.svd(U, full_matrices=False)
        return left @ right


class SameLength(newer.Muon):
    """U itself, as long as the orthogonal matrix would be."""

    def rounded(self, U):
        length = np.sqrt((U * U).sum(axis=(-2, -1), keepdims=True))
        return whole(U) * U / (length + 1e-7)


class BySign(newer.Muon):
    """The signs of U, as long as the orthogonal matrix would be."""

    def rounded(self, U):
        return whole(U) * np.sign(U) / (U.shape[-2] * U.shape[-1]) ** 0.5


FREE = newer.ScheduleFreeAdamW


def inner(rate, decay=None):
    """Muon for a Transformer: the characters, the places and the last layer are left to Adam."""
    return muon(rate, exclude_layers=(0, 1, -2), decay=decay)


def risen(rate, warmup=SETTINGS["transformer"]["warmup updates"], epochs=10):
    """For the Transformer: the rate, up over the first updates, then down to 0 by a cosine."""
    s = SETTINGS["transformer"]
    updates = epochs * -(-s["train"] // s["batch_size"])
    return schedules.CosineDecay(0.0, updates - warmup, warmup_target=rate, warmup_steps=warmup)


def averaged(rate):
    return optimizers.Adam(rate, use_ema=True, ema_momentum=0.99)


def on_text():
    """Rows of the race: a Transformer, the rates risen and falling, with a decay or none."""
    rows = {
        "Adam": (lambda rate: optimizers.Adam(risen(rate)), -1.75),
        "Lion": (lambda rate: newer.Lion(risen(rate)), -2.5),
        "Lion, no warmup": (lambda rate: newer.Lion(risen(rate, 0)), -2.25),
        "Lion, no warmup, 0.3": (
            lambda rate: newer.Lion(risen(rate, 0), weight_decay=0.3),
            -2.25,
        ),
        "Muon": (lambda rate: inner(risen(rate)), -1.5),
        "SOAP": (lambda rate: soap(risen(rate)), -1.5),
        "Schedule-Free": (lambda rate: FREE(rate, warmup_steps=100), -1.5),
        "Adam, averaged": (warm(averaged), -1.75),  # at a rate that stays, after the warmup
    }
    for decay in (0.03, 0.1):
        rows |= {
            f"{name}, {decay}": (
                lambda rate, rule=rule, decay=decay: rule(risen(rate), decay),
                middle,
            )
            for name, rule, middle in (
                ("AdamW", lambda r, d: optimizers.AdamW(r, weight_decay=d), -1.75),
                ("Muon", inner, -1.5),
                ("SOAP", soap, -1.5),
            )
        }
    for betas in ((0.9, 0.95), (0.95, 0.95)):  # SOAP's are the second pair
        rows["AdamW, 0.03, betas {} and {}".format(*betas)] = (
            lambda rate, betas=betas: optimizers.AdamW(risen(rate), 0.03, *betas),
            -1.75,
        )
    rows["SOAP, 0.03, as Muon"] = (  # the characters, the places and the last layer by Adam
        lambda rate: newer.SOAP(risen(rate), weight_decay=0.03, exclude_layers=(0, 1, -2)),
        -1.5,
    )
    return rows


def falling(rate, epochs=20):
    """The rate, down to 0 over so many epochs of 32 steps by a cosine."""
    return schedules.CosineDecay(rate, 32 * epochs)


def decayed_adam(rate, decay=0.1, epochs=20):
    return optimizers.AdamW(falling(rate, epochs), weight_decay=decay)


def with_decays(middle):
    """Rows of the race: under a cosine Muon and SOAP with three decays, AdamW with two more."""
    adam = {
        f"AdamW, {decay}": (lambda rate, decay=decay: decayed_adam(rate, decay), -1.75)
        for decay in (0.03, 0.3)
    }
    others = {
        f"{name}, {decay}": (
            lambda rate, rule=rule, decay=decay: rule(falling(rate), decay=decay),
            middle,
        )
        for name, rule in (("Muon", muon), ("SOAP", soap))
        for decay in (0.1, 0.3, 1)
    }
    return adam | others


# task: {name: (rule, exponent of the middle of its grid)}; a grid has nine rates or more, quarter
# decades apart, and no decay where the name has none
RACE = {
    "clean digits": {
        "momentum": (momentum, -1.5),
        "Adam": (optimizers.Adam, -2),
        "Lion": (newer.Lion, -3),
        "Muon": (muon, -2.25),
        "Muon, all matrices": (lambda rate: muon(rate, exclude_layers=()), -2.25),
        "SOAP": (soap, -2.5),
        "Schedule-Free": (FREE, -2),
    },
    "loud pixels": {
        "momentum": (momentum, -4),
        "Adam": (optimizers.Adam, -2),
        "Lion": (newer.Lion, -2.75),
        "Muon": (muon, -2.25),
        "SOAP": (soap, -2.25),
        "Schedule-Free": (FREE, -1.5),
    },
    "deep network": {
        "momentum": (momentum, -0.5),
        "Adam": (optimizers.Adam, -1.5),
        "Lion": (newer.Lion, -2.5),
        "Muon": (muon, -2),
        "SOAP": (soap, -2.25),
        "Schedule-Free": (FREE, -1.5),
    },
    "parts of Muon": {
        "exact": (lambda rate: muon(rate, Exact), -2.25),
        "three steps": (lambda rate: muon(rate, ns_steps=3), -2.25),
        "one step": (lambda rate: muon(rate, ns_steps=1), -2.25),
        "no momentum": (lambda rate: muon(rate, momentum=0.0), -1.75),
        "same length": (lambda rate: muon(rate, SameLength), -2.25),
        "by sign": (lambda rate: muon(rate, BySign), -2.25),
    },
    "standardized digits": {
        "Adam": (optimizers.Adam, -2),
        "Lion": (newer.Lion, -3),
        "Muon": (muon, -2.25),
        "SOAP": (soap, -2.5),
        "Schedule-Free": (FREE, -2),
    },
    "cosine": {  # on the clean digits, from the rate down to 0
        "Adam": (lambda rate: optimizers.Adam(falling(rate)), -1.75),
        "AdamW": (decayed_adam, -1.75),
        "Lion": (lambda rate: newer.Lion(falling(rate)), -2.75),
        "Muon": (lambda rate: muon(falling(rate)), -2),
        "SOAP": (lambda rate: soap(falling(rate)), -2.25),
        **with_decays(-1.5),
    },
    "cosine over 50 epochs": {  # what Muon's 20 epochs cost in time
        "Adam": (lambda rate: optimizers.Adam(falling(rate, 50)), -2),
        "AdamW, 0.03": (lambda rate: decayed_adam(rate, 0.03, 50), -2),
        "AdamW": (lambda rate: decayed_adam(rate, 0.1, 50), -2),
    },
    "loud pixels with a cosine": {
        "Adam": (lambda rate: optimizers.Adam(falling(rate)), -1.75),
        "AdamW": (decayed_adam, -1.75),
        "Muon": (lambda rate: muon(falling(rate)), -1.75),
        "Muon, 0.1": (lambda rate: muon(falling(rate), decay=0.1), -1.75),
        "SOAP": (lambda rate: soap(falling(rate)), -1.75),
        "SOAP, 0.1": (lambda rate: soap(falling(rate), 0.1), -1.75),
    },
    "standardized digits with a cosine": {
        "Adam": (lambda rate: optimizers.Adam(falling(rate)), -2),
        "Muon": (lambda rate: muon(falling(rate)), -2.25),
        "SOAP": (lambda rate: soap(falling(rate)), -2.5),
        "AdamW": (decayed_adam, -1.75),
        **with_decays(-1.75),
    },
    "deep network with a better start": {"Adam": (optimizers.Adam, -2), "Muon": (muon, -2.25)},
    "Transformer": {
        "momentum": (momentum, -0.75),
        "Adam": (optimizers.Adam, -2),
        "Lion": (newer.Lion, -2.5),
        "Muon": (inner, -2),
        "SOAP": (soap, -2),
        "Schedule-Free": (FREE, -1.5),
    },
    "Transformer with a cosine": on_text(),
    "Transformer for 15 epochs": {  # about what SOAP's 10 epochs cost in time
        "AdamW, 0.03": (
            lambda rate: optimizers.AdamW(risen(rate, epochs=15), weight_decay=0.03),
            -1.75,
        )
    },
    "betas": {"Adam, betas 0.95": (lambda rate: optimizers.Adam(rate, 0.95, 0.95), -2)},
}
RACE_SETTINGS = {
    "splits": 8,
    "epochs": 20,
    "batch_size": 32,
    "shorter": [5, 10],
    "other epochs": {"cosine over 50 epochs": 50}
    | {"Transformer": 10, "Transformer with a cosine": 10, "Transformer for 15 epochs": 15},
    "seeds a split": {"clean digits": 2, "loud pixels": 1, "deep network": 1, "parts of Muon": 1}
    | {"standardized digits": 2, "cosine": 2, "standardized digits with a cosine": 2}
    | {"deep network with a better start": 1, "betas": 2}
    | {"cosine over 50 epochs": 2, "loud pixels with a cosine": 1}
    | {"Transformer": 1, "Transformer with a cosine": 1, "Transformer for 15 epochs": 1},
}


def race_rates(task, name):
    """The rates of a rule: quarter decades, a decade to either side; wider where it is needed."""
    wide = 1.25 if task.startswith("loud") or task == "deep network" else 1.0
    return [
        float(f"{10**e:.6g}") for e in RACE[task][name][1] + np.arange(-wide, wide + 0.01, 0.25)
    ]


def race_lengths(task):
    """The numbers of epochs that a task is run for."""
    shorter = RACE_SETTINGS["shorter"] if task == "clean digits" else ()
    return (RACE_SETTINGS["other epochs"].get(task, RACE_SETTINGS["epochs"]), *shorter)


def run_race(task, name, number, epochs=20, rates=None):
    """The sweep of one rule on split `number`: each entry (rates, seeds), val_loss all epochs."""
    build, data = scoreboard.TASKS.get(task, scoreboard.TASKS["clean digits"])
    text = SETTINGS["transformer"]
    if task == "deep network with a better start":
        build = scoreboard.deep_well_started
    if task.startswith("loud"):
        build, data = scoreboard.TASKS["loud pixels"]
    if task.startswith("standardized"):
        data = lambda digits, number: standardize(digits)  # noqa: E731
    seeds = 2 * number + np.arange(RACE_SETTINGS["seeds a split"][task])
    rates = rates or race_rates(task, name)
    samples, settings = data(load_digits(number), number), {}
    if task.startswith("Transformer"):
        samples = text_data(number, text["train"], text["validation"])
        build, settings = transformer, {"batch_size": text["batch_size"], "chunk": 10}
    rule = RACE[task][name][0]
    with np.errstate(all="ignore"):
        result = sweep(build, rule, rates, samples, seeds, epochs, **settings)
        if name == "Adam, averaged":  # epochs end without the average, and only `fit` with it
            train, validation, _ = samples
            parts = train, validation, validation
            again = sweep(build, rule, rates, parts, seeds, epochs, **settings)
            result["val_loss"][..., -1] = again["test_loss"]
    return {key: result[key] for key in ("val_loss", "test_loss", "test_accuracy")}


def seconds_of_a_step(task, repetitions=40):
    """What a step of training costs on a task, in microseconds, the least of many."""
    build, size, (x, y) = scoreboard.network, 32, load_digits(0).train
    if task == "Transformer":
        text = SETTINGS["transformer"]
        build, size = transformer, text["batch_size"]
        x, y = text_data(0, text["train"], text["validation"]).train
    models, least = {}, {}
    for name in ("momentum", "Adam", "Lion", "Muon", "SOAP", "Schedule-Free"):
        rule, middle = RACE[task][name]
        models[name] = build(0)
        models[name].compile(rule(10**middle), "categorical_crossentropy")
    for _ in range(repetitions):
        for name, model in models.items():  # in turn, so that each meets the same company
            start = time.process_time()
            model.fit(x[: 20 * size], y[: 20 * size], batch_size=size)
            took = 1e6 * (time.process_time() - start) / 20
            least[name] = min(took, least.get(name, np.inf))
    return {name: float(f"{took:.3g}") for name, took in least.items()}


def record_race(pool):
    """Run all rules of the race, and write its file."""
    costs = {task: seconds_of_a_step(task) for task in ("clean digits", "Transformer")}
    splits = range(RACE_SETTINGS["splits"])
    jobs = [
        (task, name, number, epochs)
        for task, rules in RACE.items()
        for epochs in race_lengths(task)
        for name in rules
        for number in splits
    ]
    parts = dict(zip(jobs, pool.map(run_race, *zip(*jobs, strict=True)), strict=True))
    runs, curves = {}, {}
    for task, name, number, epochs in jobs:
        if number:
            continue
        found = [parts[task, name, split, epochs] for split in splits]
        place = task if epochs == race_lengths(task)[0] else f"{task}, {epochs} epochs"
        loss = np.stack([part["val_loss"] for part in found])
        if place == "clean digits":
            curves[name] = loss.mean(axis=2)  # splits, rates, epochs
        ends = {"val_loss": loss[..., -1]} | {
            key: np.stack([part[key] for part in found]) for key in ("test_loss", "test_accuracy")
        }
        entry = {"learning_rate": race_rates(task, name)}
        runs.setdefault(place, {})[name] = entry | {k: numbers(v, 5) for k, v in ends.items()}
        best = np.median(ends["val_loss"], axis=2).argmin(axis=1)
        edges = int(np.isin(best, (0, loss.shape[1] - 1)).sum())
        print(f"{place}, {name}: test loss {ends['test_loss'][splits, best].mean():.4f}", end=", ")
        print(f"median rate {np.median(np.array(entry['learning_rate'])[best]):.3g}, edges {edges}")
    goal = curves["Adam"][..., -1].min(axis=1)  # of each split
    arrival = {}
    for name, curve in curves.items():
        there = curve <= goal[:, None, None] * (1 + 1e-9)
        first = np.where(there.any(axis=2), there.argmax(axis=2) + 1, np.inf).min(axis=1)
        arrival[name] = [int(epoch) if np.isfinite(epoch) else None for epoch in first]
    content = {
        "versions": {"numpy": np.__version__, "python": platform.python_version()}
        | {"script": "tools/record.py"},
        "settings": RACE_SETTINGS,
        "axes of the numbers": "splits, learning rates, seeds",
        "microseconds of a step of training": costs,
        "epochs to the validation loss at which Adam ends": arrival,
        "runs": runs,
    }
    path = RECORDINGS / "race.json"
    path.write_text(json.dumps(content) + "\n", encoding="utf-8", newline="\n")


def text_data(number, train, validation, length=LENGTH):
    """The frozen text as a Split of windows."""
    text = " ".join((RECORDINGS / "text.txt").read_text(encoding="utf-8").split())
    return split(*windows(text, ALPHABET, length), train, validation, number)


def transformer(seed, **other):
    """The Transformer of chapter 9; `other` sizes as named."""
    sizes = {key: SETTINGS["transformer"][key] for key in ("length", "width", "heads", "blocks")}
    return Transformer(len(ALPHABET), **sizes | other, seed=seed)


def run(kind, name, number, rates=None, seeds=None):
    """The sweep of one rule on split `number`.

    Returns:
        {"val_loss", "test_loss", "test_accuracy"}, each of shape (rates, seeds).
    """
    s = SETTINGS[kind]
    rule, every = RULES[kind][name]
    if seeds is None:
        seeds = range(number * s["seeds a split"], (number + 1) * s["seeds a split"])
    if kind == "cnn":
        data, chunk = load_digits(number, s["train"], s["validation"]), 40

        def build(seed):
            return CNN(filters=s["filters"], seed=seed)

    elif kind == "rnn":
        steps = (8, 8) if name.endswith(("8 steps", "rows held")) else (32, 2)
        held = 4 if name.endswith("rows held") else 1  # each row of the image, for so many steps
        gain = 1.3 if name.endswith("gain 1.3") else 1.0
        digits, chunk = load_digits(number, s["train"], s["validation"]), 40
        data = [(x.reshape(-1, *steps).repeat(held, axis=1), y) for x, y in digits]

        def build(seed):
            return RNN(steps[1], s["units"], 10, seed=seed, gain=gain)

    else:
        data, chunk = text_data(number, s["train"], s["validation"], s["length"]), 10

        def build(seed):
            return transformer(seed, length=s["length"])

    if kind == "batches":
        return same_updates(build, rule, rates or every, data, seeds, int(name.split(", ")[1]))
    length = {"epochs": s["epochs"], "batch_size": s["batch_size"]}
    result = sweep(build, rule, rates or every, data, seeds, **length, chunk=chunk)
    return {
        "val_loss": result["val_loss"][..., -1],
        "test_loss": result["test_loss"],
        "test_accuracy": result["test_accuracy"],
    }


def same_updates(build, rule, rates, data, seeds, size):
    """As `run`, for a number of updates; val_loss is the loss on all training samples, at the end.

    The validation samples are not used: what is asked is how fast a rule trains.
    """
    updates, found = SETTINGS["batches"]["updates"], {}
    epochs = updates * size // len(data.train[0])
    for rate in rates:
        model = build(np.asarray(seeds))
        model.compile(rule(rate), "categorical_crossentropy", ["accuracy"])
        stopped = model.fit(*data.train, batch_size=size, epochs=epochs).stopped
        loss, (test_loss, right) = model.evaluate(*data.train)[0], model.evaluate(*data.test)
        for key, value in (("val_loss", loss), ("test_loss", test_loss), ("test_accuracy", right)):
            found.setdefault(key, []).append(np.where(stopped > 0, np.nan, value))
    return {key: np.array(values) for key, values in found.items()}


def numbers(array, digits=6):
    """An array as lists, six significant digits, null where it is not finite."""
    if array.ndim > 1:
        return [numbers(part, digits) for part in array]
    return [float(f"{value:.{digits}g}") if np.isfinite(value) else None for value in array]


def record(kind, pool):
    """Run all rules of a kind on all splits, and write its file."""
    jobs = [(name, number) for name in RULES[kind] for number in range(SETTINGS[kind]["splits"])]
    parts = list(pool.map(run, [kind] * len(jobs), *zip(*jobs, strict=True)))
    runs = {}
    for rule, (_, rates) in RULES[kind].items():
        splits = [part for part, (name, _) in zip(parts, jobs, strict=True) if name == rule]
        measured = {key: numbers(np.stack([part[key] for part in splits])) for key in splits[0]}
        runs[rule] = {"learning_rate": rates} | measured
    versions = {
        "numpy": np.__version__,
        "python": platform.python_version(),
        "script": "tools/record.py",
    }
    content = {
        "versions": versions,
        "settings": SETTINGS[kind],
        "axes of the numbers": "splits, learning rates, seeds",
        "runs": runs,
    }
    text = json.dumps(content, indent=1).replace("\n     ", " ").replace("\n    ]", " ]")
    (RECORDINGS / f"{kind}.json").write_text(text + "\n", encoding="utf-8", newline="\n")
    for rule, result in runs.items():
        loss = np.nan_to_num(np.array(result["val_loss"], dtype=float), nan=np.inf)
        best = np.array(result["learning_rate"])[np.median(loss, axis=2).argmin(axis=1)]
        print(f"{kind}, {rule}: best rate of each split {best.tolist()}")


ROWS = {"scoreboard": (scoreboard.ROWS, 3), "adam_parts": (scoreboard.PARTS, 6)}


KINDS = [*RULES, *ROWS, "adam_betas", "splits", "race"]


def record_rows(pool, file, names, splits):
    """Measure these rows of the scoreboard on all splits, and write their file."""
    jobs = [(name, number) for name in names for number in range(splits)]
    parts = list(pool.map(scoreboard.measure, *zip(*jobs, strict=True)))
    rows = {name: {} for name in names}
    for (name, _), entries in zip(jobs, parts, strict=True):
        for task, entry in entries.items():
            epochs = entry.epochs if np.isfinite(entry.epochs) else None
            rate = float(f"{entry.rate:.6g}")
            rows[name].setdefault(task, []).append([rate, entry.accuracy, epochs])
    text = json.dumps({"script": "tools/record.py", "rows": rows}, indent=1)
    path = RECORDINGS / f"{file}.json"
    path.write_text(text + "\n", encoding="utf-8", newline="\n")


def record_betas(pool, splits=8):
    """Measure Adam's betas on all splits, and write their file."""
    pairs = [pair for pair in scoreboard.BETAS for _ in range(splits)]
    numbers = [*range(splits)] * len(scoreboard.BETAS)
    losses = np.reshape(
        list(pool.map(scoreboard.loss_of_betas, *zip(*pairs, strict=True), numbers)), (-1, splits)
    )
    rows = [
        {"betas": pair, "test loss": [float(f"{loss:.6g}") for loss in row]}
        for pair, row in zip(scoreboard.BETAS, losses, strict=True)
    ]
    text = json.dumps({"script": "tools/record.py", "rows": rows}, indent=1)
    (RECORDINGS / "adam_betas.json").write_text(text + "\n", encoding="utf-8", newline="\n")


def record_splits(pool, count=24):
    """Measure what chapters 7 and 8 ask on so many splits, and write its file."""
    content = {"script": "tools/record.py"}
    for function in (many_splits.ends, many_splits.levers, many_splits.warmups):
        found = list(pool.map(function, range(count)))
        content[function.__name__] = {
            name: [float(f"{one[name]:.6g}") for one in found] for name in found[0]
        }
    path = RECORDINGS / "splits.json"
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8", newline="\n")


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument(
        "kinds", nargs="*", metavar="kind", help=f"{', '.join(KINDS)}; all by default"
    )
    options = parser.parse_args(arguments)
    with ProcessPoolExecutor(options.jobs) as pool:
        for kind in options.kinds or KINDS:
            if kind in ROWS:
                record_rows(pool, kind, *ROWS[kind])
            elif kind == "adam_betas":
                record_betas(pool)
            elif kind == "splits":
                record_splits(pool)
            elif kind == "race":
                record_race(pool)
            else:
                record(kind, pool)
    return 0


if __name__ == "__main__":
    sys.exit(main())
