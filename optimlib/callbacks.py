"""What `fit` calls as it goes, as in Keras: a record, a rate cut on a plateau, an early end."""

import numpy as np

from optimlib import checks

ABSENT = {
    "BackupAndRestore": "use Model.save and Model.load",
    "CSVLogger": "the History that fit returns has the numbers",
    "LambdaCallback": "write a subclass of Callback",
    "LearningRateScheduler": "give the optimizer a schedule",
    "ModelCheckpoint": "use Model.save, or EarlyStopping(restore_best_weights=True)",
    "ProgbarLogger": "use fit(verbose=2)",
    "SwapEMAWeights": "an optimizer with use_ema has its average",
    "TensorBoard": "the History that fit returns has the numbers",
    "TerminateOnNaN": "fit stops a run that diverges by itself",
}


def __getattr__(name):
    if name in ABSENT:
        raise AttributeError(f"callbacks.{name} is not here: {ABSENT[name]}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


class Callback:
    """Something to do as fit goes. A subclass writes the hooks that it needs.

    `self.model` is the model, `self.params` what fit was asked for. Hooks are called at the begin
    and the end of fit ("train"), of each epoch and each batch 0, 1, 2, ..., and of the scoring of
    the validation data ("test"), which are one batch. At an end, `logs` is a dict of losses and
    metrics: the means over the epoch so far.
    """

    model, params = None, None

    def set_model(self, model):
        self.model = model

    def set_params(self, params):
        self.params = params

    def on_train_begin(self, logs=None): ...
    def on_train_end(self, logs=None): ...
    def on_epoch_begin(self, epoch, logs=None): ...
    def on_epoch_end(self, epoch, logs=None): ...
    def on_batch_begin(self, batch, logs=None): ...
    def on_batch_end(self, batch, logs=None): ...
    def on_test_begin(self, logs=None): ...
    def on_test_end(self, logs=None): ...
    def on_test_batch_begin(self, batch, logs=None): ...
    def on_test_batch_end(self, batch, logs=None): ...

    def on_train_batch_begin(self, batch, logs=None):
        self.on_batch_begin(batch, logs)  # its older name

    def on_train_batch_end(self, batch, logs=None):
        self.on_batch_end(batch, logs)


class CallbackList:
    """The callbacks of a fit: `hooks("on_epoch_end", epoch, logs)` calls that hook of each.

    Args:
        callbacks: A `Callback`, a list of them, or None.
        history: The `History` of the fit; its hooks are called last.
        model: The model.
        params: What fit was asked for.
    """

    def __init__(self, callbacks, history, model, params):
        if callbacks is not None and not isinstance(callbacks, list | tuple):
            callbacks = [callbacks]
        self.callbacks = [*(callbacks or ()), history]
        for callback in self.callbacks:
            if not isinstance(callback, Callback):
                raise ValueError(f"callbacks has {callback!r}: expected objects of class Callback")
            callback.set_model(model)
            callback.set_params(params)
        names = ("on_train_batch_begin", "on_train_batch_end", "on_batch_begin", "on_batch_end")
        kinds = {type(callback) for callback in self.callbacks}
        self.by_batch = any(getattr(k, n) is not getattr(Callback, n) for k in kinds for n in names)

    def __call__(self, hook, *arguments):
        for callback in self.callbacks:
            getattr(callback, hook)(*arguments)


class History(Callback):
    """The record of a fit.

    Attributes:
        history: `history["loss"][epoch]` and so on: numbers, or arrays (...) over replicas.
        epoch: The epochs 0, 1, 2, ...
        stopped: The epoch 1, 2, ... in which a replica diverged, 0 where it did not, (...).
    """

    def __init__(self):
        self.history, self.epoch, self.stopped = {}, [], np.array(0)

    def on_epoch_end(self, epoch, logs=None):
        self.epoch.append(epoch)
        for name, value in logs.items():
            self.history.setdefault(name, []).append(float(value) if np.ndim(value) == 0 else value)


class MonitorCallback(Callback):
    """The part of a callback that watches one loss or metric; replicas are judged one by one."""

    def __init__(self, monitor, mode, min_delta):
        self.monitor, self.mode = monitor, mode
        modes = {"auto": "acc" in monitor, "min": False, "max": True}
        self.sign = -1 if checks.known("mode", mode, modes) else 1  # what improves, falls
        self.min_delta = abs(checks.number("min_delta", min_delta))
        self.on_train_begin()

    def on_train_begin(self, logs=None):
        self.best, self.wait = np.inf, 0

    def value(self, logs):
        """The value of the epoch, (...), with its sign changed where it should rise."""
        if self.monitor not in logs:
            names = ", ".join(map(repr, logs))
            raise ValueError(f"monitor={self.monitor!r} is not recorded: expected one of {names}")
        return self.sign * np.asarray(logs[self.monitor])


class ReduceLROnPlateau(MonitorCallback):
    """The rate is multiplied by `factor` once `monitor` has stopped improving.

    The history then has the rates as well, as `learning_rate`. In fit, a ValueError is raised if
    the optimizer has a schedule, or the monitor is not recorded.

    Args:
        monitor: The name of the loss or metric.
        factor: In [0, 1).
        patience: How many epochs without improvement it takes, >= 0.
        verbose: Whether a cut is printed.
        mode: "min" or "max", or "auto": "max" where `monitor` is an accuracy.
        min_delta: What counts as an improvement.
        cooldown: How many epochs after a cut do not count, >= 0.
        min_lr: The lowest rate, >= 0.
    """

    def __init__(
        self,
        monitor="val_loss",
        factor=0.1,
        patience=10,
        verbose=0,
        mode="auto",
        min_delta=1e-4,
        cooldown=0,
        min_lr=0.0,
    ):
        self.factor = checks.fraction("factor", factor)
        self.patience = checks.integer("patience", patience, 0)
        self.verbose = verbose
        self.cooldown = checks.integer("cooldown", cooldown, 0)
        self.min_lr = checks.number("min_lr", min_lr, 0)
        super().__init__(monitor, mode, min_delta)

    def set_model(self, model):
        if model.optimizer.has_schedule:
            raise ValueError(
                f"ReduceLROnPlateau needs a constant learning_rate, not {model.optimizer}"
            )
        super().set_model(model)

    def on_train_begin(self, logs=None):
        super().on_train_begin()
        self.cooldown_counter = 0

    def on_epoch_end(self, epoch, logs=None):
        value, rate = self.value(logs), self.model.optimizer.learning_rate
        logs["learning_rate"] = (
            rate if np.ndim(rate) == 0 else np.broadcast_to(rate[..., 0], value.shape)
        )
        self.cooldown_counter = np.maximum(self.cooldown_counter - 1, 0)
        better = value < self.best - self.min_delta
        self.best = np.where(better, value, self.best)
        counts = ~better & (self.cooldown_counter == 0)
        self.wait = np.where(counts, self.wait + 1, 0)
        cut = counts & (self.wait >= self.patience)
        self.wait = np.where(cut, 0, self.wait)
        self.cooldown_counter = np.where(cut, self.cooldown, self.cooldown_counter)
        if cut.any():
            lower = np.minimum(rate, np.maximum(rate * self.factor, self.min_lr))
            self.model.optimizer.learning_rate = np.where(
                cut[..., None] if cut.ndim else cut, lower, rate
            )
            if self.verbose:
                new = self.model.optimizer.learning_rate
                print(f"Epoch {epoch + 1}: ReduceLROnPlateau reducing learning rate to {new}.")


class EarlyStopping(MonitorCallback):
    """Training ends once `monitor` has stopped improving.

    Replicas run on until the last one is through, and then take the weights that each would have
    ended with alone; one that diverges after its end has not diverged.

    Args:
        monitor, min_delta, patience, verbose, mode: As in `ReduceLROnPlateau`.
        baseline: What has to be reached for an improvement to count, or None.
        restore_best_weights: Whether the weights of the best epoch come back.
        start_from_epoch: How many epochs do not count, >= 0.

    Attributes:
        stopped_epoch: The epoch in which the end came, 0 where it did not, (...).
        best_epoch: The epoch of the best value, (...).
    """

    def __init__(
        self,
        monitor="val_loss",
        min_delta=0,
        patience=0,
        verbose=0,
        mode="auto",
        baseline=None,
        restore_best_weights=False,
        start_from_epoch=0,
    ):
        self.patience = checks.integer("patience", patience, 0)
        self.verbose = verbose
        self.baseline = checks.optional("baseline", baseline)
        self.restore_best_weights = restore_best_weights
        self.start_from_epoch = checks.integer("start_from_epoch", start_from_epoch, 0)
        super().__init__(monitor, mode, min_delta)

    def on_train_begin(self, logs=None):
        super().on_train_begin()
        self.stopped_epoch, self.best_epoch, self.weights = 0, 0, None

    def on_epoch_end(self, epoch, logs=None):
        value = self.value(logs)
        if epoch < self.start_from_epoch:
            return
        runs = np.asarray(self.stopped_epoch) == 0
        better = runs & ((value < self.best - self.min_delta) | (self.weights is None))
        keeps = better if self.restore_best_weights else runs
        w = self.model.w
        if self.model.optimizer.use_ema and not self.restore_best_weights:
            # with which a run that ends here would end
            w = np.where(self.model.history.stopped[..., None] > 0, w, self.model.optimizer.average)
        self.weights = w if self.weights is None else np.where(keeps[..., None], w, self.weights)
        self.best = np.where(better, value, self.best)
        self.best_epoch = np.where(better, epoch, self.best_epoch)
        reached = True
        if self.baseline is not None:
            reached = value < self.sign * self.baseline - self.min_delta
        self.wait = np.where(better & reached, 0, self.wait + 1)
        ends = runs & ~better & (self.wait >= self.patience) & (epoch > 0)
        self.stopped_epoch = np.where(ends, epoch, self.stopped_epoch)
        if np.all(self.stopped_epoch > 0):
            self.model.stop_training = True

    def on_train_end(self, logs=None):
        if self.weights is None:
            return
        diverged, end = self.model.history.stopped, np.asarray(self.stopped_epoch)
        diverged[(end > 0) & (diverged > end + 1)] = 0
        if self.verbose and np.all(self.stopped_epoch > 0):
            print(f"Epoch {np.max(self.stopped_epoch) + 1}: early stopping")
        if self.restore_best_weights or self.model.w.ndim > 1:
            self.model.w = self.weights
