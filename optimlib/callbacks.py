"""What `fit` calls as it goes: the record of the epochs, and a rate that is cut on a plateau."""

import numpy as np

from optimlib import checks


class Callback:
    """Something to do after each epoch of fit; `self.model` is the model."""

    def on_train_begin(self):
        """Called when fit begins."""

    def on_epoch_end(self, epoch, logs):
        """Called with the epoch 0, 1, 2, ... and the dict of its losses and metrics."""


class ReduceLROnPlateau(Callback):
    """The rate is multiplied by `factor` once `monitor` has stopped improving; as in Keras.

    Replicas are judged one by one.

    Args:
        monitor: The name of the loss or metric.
        factor: In [0, 1).
        patience: How many epochs without improvement it takes, >= 0.
        mode: "min" or "max", or "auto": "max" where `monitor` is an accuracy.
        min_delta: What counts as an improvement, >= 0.
        cooldown: How many epochs after a cut do not count, >= 0.
        min_lr: The lowest rate, >= 0.

    Raises:
        ValueError: An argument is out of range; in fit, the optimizer has a schedule, or the
            monitor is not recorded.
    """

    def __init__(
        self,
        monitor="val_loss",
        factor=0.1,
        patience=10,
        mode="auto",
        min_delta=1e-4,
        cooldown=0,
        min_lr=0.0,
    ):
        self.monitor = monitor
        self.factor = checks.fraction("factor", factor)
        self.patience = checks.integer("patience", patience, 0)
        modes = {"auto": "acc" in monitor, "min": False, "max": True}
        self.maximize = checks.known("mode", mode, modes)
        self.min_delta = checks.number("min_delta", min_delta, 0)
        self.cooldown = checks.integer("cooldown", cooldown, 0)
        self.min_lr = checks.number("min_lr", min_lr, 0)
        self.on_train_begin()

    def on_train_begin(self):
        self.best, self.wait, self.cooldown_counter = np.inf, 0, 0

    def on_epoch_end(self, epoch, logs):
        if self.monitor not in logs:
            names = ", ".join(map(repr, logs))
            raise ValueError(f"monitor={self.monitor!r} is not recorded: expected one of {names}")
        value = -logs[self.monitor] if self.maximize else logs[self.monitor]
        self.cooldown_counter = np.maximum(self.cooldown_counter - 1, 0)
        better = value < self.best - self.min_delta
        self.best = np.where(better, value, self.best)
        counts = ~better & (self.cooldown_counter == 0)
        self.wait = np.where(counts, self.wait + 1, 0)
        cut = counts & (self.wait >= self.patience)
        self.wait = np.where(cut, 0, self.wait)
        self.cooldown_counter = np.where(cut, self.cooldown, self.cooldown_counter)
        if cut.any():
            self._cut(cut[..., None] if cut.ndim else cut)

    def _cut(self, where):
        optimizer = self.model.optimizer
        if optimizer.has_schedule:
            raise ValueError(
                "ReduceLROnPlateau needs a constant learning_rate: "
                "this optimizer follows a schedule"
            )
        rate = optimizer.learning_rate
        lower = np.minimum(rate, np.maximum(rate * self.factor, self.min_lr))
        optimizer.learning_rate = np.where(where, lower, rate)


class History:
    """The record of a fit.

    Attributes:
        history: `history["loss"][epoch]` and so on: numbers, or arrays (...) over replicas.
        epoch: The epochs 0, 1, 2, ...
        stopped: The epoch 1, 2, ... in which a replica diverged, 0 where it did not, (...).
    """

    def __init__(self):
        self.history, self.epoch, self.stopped = {}, [], 0

    def add(self, epoch, logs):
        """Append the losses and metrics of an epoch."""
        self.epoch.append(epoch)
        for name, value in logs.items():
            self.history.setdefault(name, []).append(float(value) if np.ndim(value) == 0 else value)
