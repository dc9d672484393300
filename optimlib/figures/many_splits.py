"""What two chapters measure on many splits of the digits, each as a function of the split's number.

Chapter 7 asks what the ways to end a run gain, and a warmup before a constant rate and before a
cosine; chapter 8 what more data, more units and another optimizer do. All were measured once on 24
splits (`python -m tools.record splits`); the chapters run some of them again.
"""

import numpy as np

from optimlib.callbacks import ReduceLROnPlateau
from optimlib.data import Split, load_digits, load_recording
from optimlib.figures.scoreboard import decades
from optimlib.mlp import MLP
from optimlib.optimizers import SGD, Adam
from optimlib.schedules import WSD, CosineDecay
from optimlib.training import sweep

ENDS = {  # name: (what is made of the rate, further arguments of SGD, callbacks)
    "constant rate": (lambda rates: rates, {}, []),
    "cosine": (lambda rates: CosineDecay(rates, 15 * 32), {}, []),
    "halved on a plateau": (
        lambda rates: rates,
        {},
        [ReduceLROnPlateau(factor=0.5, patience=2)],
    ),
    "running average": (lambda rates: rates, {"use_ema": True}, []),
}
LEVERS = {  # name: (optimizer, its rates, training images, hidden units)
    "momentum": (lambda rate: SGD(rate, momentum=0.9), decades(-2, -0.5), 1000, 32),
    "Adam": (Adam, decades(-2.75, -1.25), 1000, 32),
    "500 images": (Adam, decades(-2.75, -1.25), 500, 32),
    "250 images": (Adam, decades(-2.75, -1.25), 250, 32),
    "64 units": (Adam, decades(-2.75, -1.25), 1000, 64),
}
WARMUPS = {  # name: what is made of the top rates, for 128 updates
    "constant": lambda top: top,
    "constant after a warmup": lambda top: WSD(top, 10**6, 1, warmup_steps=30),
    "cosine": lambda top: CosineDecay(top, 128),
    "cosine after a warmup": lambda top: CosineDecay(
        0 * top, 128 - 30, warmup_target=top, warmup_steps=30
    ),
}


def ends(seed, only=ENDS):
    """Test accuracy in percent of momentum on split `seed`, for each way to end: a dict by name.

    Fifteen epochs, eight rates, two random starts; the validation loss at the end chooses the rate.
    """
    data, found = load_digits(seed), {}
    rates = np.tile(decades(-2, -0.25)[:, None, None], (1, 2, 1))  # one a run
    for name in only:
        schedule, settings, callbacks = ENDS[name]
        model = MLP([64, 32, 10], seed=2 * seed + np.arange(2))
        optimizer = SGD(schedule(rates), momentum=0.9, **settings)
        model.compile(optimizer, "categorical_crossentropy", ["accuracy"])
        fit = {"epochs": 15, "validation_data": data.validation, "callbacks": callbacks}
        model.fit(*data.train, **fit)
        loss = model.evaluate(*data.validation)[0]
        best = np.nan_to_num(loss, nan=np.inf).mean(axis=1).argmin()
        found[name] = 100 * float(model.evaluate(*data.test)[1][best].mean())
    return found


def levers(seed, only=LEVERS):
    """Test accuracy in percent on split `seed` with each of `LEVERS`, tuned: a dict by name.

    As many updates for all, 384; seven rates, two random starts; the validation loss chooses.
    """
    (x, y), *rest = load_digits(seed)
    found = {}
    for name in only:
        rule, rates, size, units = LEVERS[name]
        runs = sweep(
            lambda s, units=units: MLP([64, units, 10], seed=s),
            rule,
            rates,
            Split((x[:size], y[:size]), *rest),
            2 * seed + np.arange(2),
            epochs=12 * 1000 // size,
        )
        best = np.nan_to_num(runs["val_loss"][..., -1], nan=np.inf).mean(axis=1).argmin()
        found[name] = 100 * float(runs["test_accuracy"][best].mean())
    return found


def warmups(seed, only=WARMUPS):
    """Test accuracy in percent of a deep network by Adam on split `seed`, tuned: a dict by name.

    Five hidden layers, 128 updates; seven top rates, six random starts; the median validation
    accuracy chooses.
    """
    data, found = load_digits(seed), {}
    top = np.tile(decades(-2.75, -1.25)[:, None, None], (1, 6, 1))  # one a run
    for name in only:
        model = MLP([64, 32, 32, 32, 32, 32, 10], seed=6 * seed + np.arange(6))
        optimizer = Adam(WARMUPS[name](top))
        model.compile(optimizer, "categorical_crossentropy", ["accuracy"])
        model.fit(*data.train, epochs=4)
        best = np.median(model.evaluate(*data.validation)[1], axis=1).argmax()
        found[name] = 100 * float(model.evaluate(*data.test)[1][best].mean())
    return found


def recorded(name):
    """What was recorded of one of these functions: a dict by name of arrays, a number a split."""
    rows = load_recording("splits")[name]
    return {row: np.array(values) for row, values in rows.items()}
