"""Training as in Keras: `Model` with compile, fit, evaluate and predict; its history and callbacks; `sweep` over rates and seeds.

A model keeps all its parameters in one flat vector `w` of shape (..., P). Leading axes are replicas: seeds given as an array,
and hyper-parameters given as arrays of shape (..., 1), train that many networks in one loop. Inside, samples stand on the last
axis: x is (features, samples), the activations (..., units, samples).
"""

import math
import os

import numpy as np

from optimlib import checks, optimizers


def categorical_crossentropy(z, y):
    """Softmax and cross-entropy of the outputs z, one-hot y (..., classes, B): probabilities, losses (..., B), dL/dz.

    p = exp(z) / sum exp(z);  loss = -log p[true class];  dL/dz = p - y.
    """
    z = z - z.max(axis=-2, keepdims=True)  # the softmax stays the same, and exp cannot overflow
    e = np.exp(z)
    total = e.sum(axis=-2, keepdims=True)
    p = e / total
    return p, np.log(total[..., 0, :]) - np.vecdot(y, z, axis=-2), p - y


def mean_squared_error(z, y):
    """Squared error of the outputs z against y (..., outputs, B): the outputs themselves, losses (..., B), dL/dz.

    loss = mean over outputs of (z - y)^2;  dL/dz = 2 (z - y) / outputs.
    """
    error = z - y
    return z, (error * error).mean(axis=-2), 2 * error / z.shape[-2]


def accuracy(p, y):
    """For each sample, shape (..., B), whether its most probable class is the true one."""
    return p.argmax(axis=-2) == y.argmax(axis=-2)


def mean_absolute_error(p, y):
    """For each sample, shape (..., B), the mean distance between outputs and targets."""
    return np.abs(p - y).mean(axis=-2)


LOSSES = {
    "categorical_crossentropy": categorical_crossentropy,
    "sparse_categorical_crossentropy": categorical_crossentropy,
    "mean_squared_error": mean_squared_error,
    "mse": mean_squared_error,
}
METRICS = {
    "accuracy": accuracy,
    "acc": accuracy,
    "mean_absolute_error": mean_absolute_error,
    "mae": mean_absolute_error,
}


class Model:
    """What every network shares; a network adds `inputs`, `outputs`, `initialize`, `views`, `forward` and `backward` (see `MLP`).

    seed: whole number, or an array of them, one network each: it draws the weights and then the order of the batches.
    l2: rate of the penalty l2 * |w|^2 / 2 that is added to the gradient (and not to the loss shown): number or array.
    """

    inputs = ()  # the shape of one sample; None stands for any length
    outputs = 1  # how many numbers the network gives for a sample

    def __init__(self, seed, l2):
        self.seed = np.asarray(seed)
        if self.seed.dtype.kind not in "iu" or (self.seed < 0).any():
            raise ValueError(
                f"seed={seed!r} is not a whole number of at least 0, or an array of them"
            )
        self.l2 = checks.number("l2", l2, 0)
        self.penalized = np.any(self.l2)
        self.rngs = [np.random.default_rng(s) for s in self.seed.ravel().tolist()]
        self.w = np.stack([self.initialize(rng) for rng in self.rngs]).reshape(*self.seed.shape, -1)
        self.optimizer = self.loss = None

    @property
    def w(self):
        """All parameters in one flat vector (..., P); `model.w[...] = new` keeps the layers' views, `model.w = new` remakes them."""
        return self._w

    @w.setter
    def w(self, new):
        new = np.asarray(new)
        if new.dtype.kind != "f" or new.shape[-1:] != np.shape(getattr(self, "_w", new))[-1:]:
            raise ValueError(
                f"w has shape {new.shape}, dtype {new.dtype}: expected floats of shape (..., {self.w.shape[-1]})"
            )
        self._w, self._g = new, np.empty_like(new)
        self.layers, self.gradients = self.views(self._w), self.views(self._g)

    def compile(self, optimizer="rmsprop", loss=None, metrics=()):
        """Choose the optimizer, the loss and the metrics, by name or as objects; replicas of the optimizer replicate the weights.

        Raises ValueError for an unknown name, with the nearest known one.
        """
        optimizer = optimizers.get(optimizer)
        if optimizer.iterations and optimizer is not self.optimizer:
            raise ValueError(
                f"optimizer={optimizer} has made {optimizer.iterations} steps elsewhere: call its reset(), or make a new one"
            )
        self.loss = loss if callable(loss) else checks.known("loss", loss, LOSSES)
        if isinstance(metrics, str):
            raise ValueError(f"metrics={metrics!r} is no list: expected [{metrics!r}]")
        self.metrics = {m: checks.known("metrics", m, METRICS) for m in metrics or ()}
        if self.outputs == 1 and (
            self.loss is categorical_crossentropy or accuracy in self.metrics.values()
        ):
            raise ValueError(
                f"loss={loss!r} with metrics={metrics!r} asks for an output for each class, but the network has one"
            )
        self.optimizer = optimizer.build(self.shapes)
        shape = np.broadcast_shapes(self.optimizer.broadcast_shape(self.w.shape), np.shape(self.l2))
        self.w = np.array(
            np.broadcast_to(self.w, shape), order="C"
        )  # each replica whole in memory, as a single run is

    def loss_and_gradient(self, x, y):
        """Mean loss (...) over the samples and its gradient (..., P), at the present weights.

        x: samples (N, features); y: labels (N,) or one-hot (N, classes).
        """
        self._require_compiled()
        x, y = self._samples(x, y)
        p, loss, g = self._gradient(x, y)
        return loss.mean(axis=-1), g.copy()

    def _gradient(self, x, y):
        """Outputs, losses (..., B) and gradient (..., P) of a batch; the gradient's memory serves again for the next."""
        cache = self.forward(x)
        p, loss, delta = self.loss(cache[-1], y)
        delta /= delta.shape[-1]  # the mean over the samples
        self.backward(cache, delta)
        return p, loss, self._g + self.l2 * self.w if self.penalized else self._g

    def fit(self, x, y, epochs=1, batch_size=32, validation_data=None, callbacks=(), shuffle=True):
        """Train for `epochs` passes over x (N, features), y (N,) or (N, classes), in batches; the last may be smaller.

        Returns a History: for each epoch the loss and the metrics, means over its batches, and the same on validation_data,
        with the prefix val_. A replica whose loss, gradient or weights would not be finite stops with its last good weights; the history of
        that replica goes on as inf for losses and NaN for metrics, and one warning names the rate. Where all have stopped, so
        does fit. Raises ValueError for data that do not fit the network, and RuntimeError before compile.
        """
        self._require_compiled()
        x, y = self._samples(x, y)
        if validation_data is not None:
            x_val, y_val = self._samples(*validation_data, name="validation_data")
        epochs, batch_size = (
            checks.integer("epochs", epochs, 1),
            checks.integer("batch_size", batch_size, 1),
        )
        history, stopped = (
            History(),
            np.zeros(self.w.shape[:-1], dtype=int),
        )  # the epoch in which a replica stopped
        starting_rate = self.optimizer.learning_rate
        for callback in callbacks:
            callback.model = self
            callback.on_train_begin()
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            for epoch in _progress(epochs):
                logs = self._epoch(*self._shuffled(x, y, shuffle), batch_size, epoch, stopped)
                if validation_data is not None:
                    logs |= {f"val_{k}": v for k, v in self._scores(x_val, y_val).items()}
                    stopped[~np.isfinite(logs["val_loss"]) & (stopped == 0)] = epoch + 1
                for name in logs:
                    logs[name] = np.where(
                        stopped > 0, np.inf if "loss" in name else np.nan, logs[name]
                    )[()]
                history.add(epoch, logs)
                for callback in callbacks:
                    callback.on_epoch_end(epoch, logs)
                if stopped.all():
                    break
        history.stopped = stopped
        checks.warn_diverged(
            stopped, starting_rate, "epoch", "it stopped there, with its last finite weights"
        )
        return history

    def _require_compiled(self):
        if self.optimizer is None:
            raise RuntimeError("the model has no optimizer and no loss yet: call compile first")

    def _shuffled(self, x, y, shuffle):
        """The samples in a new random order, one order a seed, gathered once an epoch: a batch is then a view."""
        if not shuffle:
            return x, y
        orders = [rng.permutation(x.shape[-1]) for rng in self.rngs]
        if self.seed.ndim == 0:
            return _gather(x, orders[0]), y.take(orders[0], -1)
        x, y = (
            np.stack([_gather(x, order) for order in orders]),
            np.stack([y.take(order, -1) for order in orders]),
        )
        return x.reshape(*self.seed.shape, *x.shape[1:]), y.reshape(*self.seed.shape, *y.shape[1:])

    def _epoch(self, x, y, batch_size, epoch, stopped):
        """One pass over the data; returns the means over its batches, and marks in `stopped` whichever replicas diverge."""
        outputs, losses, all_well = [], [], not stopped.any()
        for start in range(0, x.shape[-1], batch_size):
            batch = (..., slice(start, start + batch_size))
            p, loss, g = self._gradient(x[batch], y[batch])
            outputs.append(p)
            losses.append(loss)
            if not (
                all_well and math.isfinite(np.vdot(g, g) + np.vdot(loss, loss))
            ):  # a sum of squares is finite only if its terms are
                stopped[
                    ~(np.isfinite(g).all(axis=-1) & np.isfinite(loss).all(axis=-1)) & (stopped == 0)
                ] = epoch + 1
                if stopped.all():
                    break
                all_well = not stopped.any()
            new = self.optimizer.apply(self.w, g)
            if not (all_well and math.isfinite(np.vdot(new, new))):
                stopped[~np.isfinite(new).all(axis=-1) & (stopped == 0)] = epoch + 1
                new = np.where(stopped[..., None] > 0, self.w, new)
                all_well = not stopped.any()
            np.copyto(self.w, new)
        p = np.concatenate(outputs, axis=-1)
        seen = {"loss": np.concatenate(losses, axis=-1)}
        seen |= {name: metric(p, y[..., : p.shape[-1]]) for name, metric in self.metrics.items()}
        return {name: values.mean(axis=-1) for name, values in seen.items()}

    def _outputs(self, x):
        """The outputs z for samples x, at the weights where the optimizer has the network evaluated."""
        w = self.w if self.optimizer is None else self.optimizer.evaluated(self.w)
        layers = self.layers
        try:
            self.layers = layers if w is self.w else self.views(w)
            return self.forward(x)[-1]
        finally:
            self.layers = layers

    def _scores(self, x, y):
        z = self._outputs(x)
        p, loss, _ = self.loss(z, y)
        return {"loss": loss.mean(axis=-1)} | {
            name: metric(p, y).mean(axis=-1) for name, metric in self.metrics.items()
        }

    def evaluate(self, x, y, return_dict=False):
        """Loss and metrics on x, y: a list in that order, or a dict; numbers, or arrays (...) over replicas."""
        self._require_compiled()
        with np.errstate(over="ignore", invalid="ignore"):
            scores = self._scores(*self._samples(x, y))
        scores = {name: float(v) if np.ndim(v) == 0 else v for name, v in scores.items()}
        return scores if return_dict else list(scores.values())

    def predict(self, x):
        """The outputs for samples x (N, features): probabilities under cross-entropy, else plain; shape (..., N, outputs)."""
        z = self._outputs(self._inputs(x, "x"))
        p, _, _ = (self.loss or mean_squared_error)(z, np.zeros_like(z))
        return p.swapaxes(-1, -2)

    def _samples(self, x, y, name="x"):
        """x and y checked, with samples on the last axis and labels as one-hot columns."""
        x = self._inputs(x, name)
        return x, self._targets(y, x.shape[-1], name)

    def _inputs(self, x, name):
        x = np.asarray(x)
        if x.dtype.kind not in "fiu" or x.ndim != len(self.inputs) + 1:
            raise ValueError(
                f"{name} has shape {x.shape}, dtype {x.dtype}: expected numbers of shape (N, {_sizes(self.inputs)})"
            )
        if any(
            want not in (None, have) for want, have in zip(self.inputs, x.shape[1:], strict=True)
        ):
            raise ValueError(
                f"{name} has shape {x.shape}, but the network takes (N, {_sizes(self.inputs)})"
            )
        if x.size == 0:
            raise ValueError(
                f"{name} has shape {x.shape} and is empty: expected at least one sample"
            )
        if x.dtype.kind == "f" and not np.isfinite(x).all():
            raise ValueError(
                f"{name} has {np.count_nonzero(~np.isfinite(x))} values that are not finite"
            )
        return np.moveaxis(
            np.ascontiguousarray(x, dtype=x.dtype if self.integer_inputs else float), 0, -1
        )

    def _targets(self, y, samples, name):
        shape, y = np.shape(y), np.asarray(y)
        if y.dtype.kind not in "fiub" or y.ndim == 0:
            raise ValueError(
                f"y has shape {shape}, dtype {y.dtype}: expected a label or a row of numbers for each sample of {name}"
            )
        if len(y) != samples:
            raise ValueError(f"y has {len(y)} rows for {samples} samples of {name}")
        if not np.isfinite(y).all():
            raise ValueError(
                f"y has {np.count_nonzero(~np.isfinite(y))} values that are not finite"
            )
        by_class = self.loss is categorical_crossentropy
        if y.ndim == 1 and (by_class or y.dtype.kind in "iu" and self.outputs > 1):
            y = one_hot(y, self.outputs)
        y = y.reshape(samples, -1)
        if y.shape[1] != self.outputs:
            raise ValueError(
                f"y has {y.shape[1]} columns, but the network has {self.outputs} outputs"
            )
        if by_class and ((y < 0).any() or not np.allclose(y.sum(axis=1), 1)):
            raise ValueError(
                "y has rows that are no probabilities: expected numbers of at least 0 that sum to 1, such as one-hot rows"
            )
        return np.ascontiguousarray(y.T, dtype=float)

    integer_inputs = False


class History:
    """The record of a fit: `history["loss"][epoch]` and so on (arrays (...) where there are replicas), and `epoch`.

    `stopped` is the epoch (1, 2, ...) in which a replica diverged, 0 where it did not.
    """

    def __init__(self):
        self.history, self.epoch, self.stopped = {}, [], 0

    def add(self, epoch, logs):
        self.epoch.append(epoch)
        for name, value in logs.items():
            self.history.setdefault(name, []).append(float(value) if np.ndim(value) == 0 else value)


class Callback:
    """Something to do after each epoch of fit; `self.model` is the model."""

    def on_train_begin(self):
        """Called when fit begins."""

    def on_epoch_end(self, epoch, logs):
        """Called with the epoch 0, 1, 2, ... and the dict of its losses and metrics."""


class ReduceLROnPlateau(Callback):
    """Multiply the rate by `factor` once `monitor` has not improved by `min_delta` for `patience` epochs; as in Keras.

    mode: "min" or "max", or "auto": "max" where `monitor` is an accuracy. cooldown: epochs after a cut that are not counted.
    min_lr: the lowest rate. Replicas are judged one by one. Raises ValueError for an argument out of range, an optimizer with
    a schedule, and a monitor that the fit does not record.
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
        self.factor = checks.number("factor", factor, 0, 1, open_high=True)
        self.patience = checks.integer("patience", patience, 0)
        self.maximize = checks.known(
            "mode", mode, {"auto": "acc" in monitor, "min": False, "max": True}
        )
        self.min_delta = checks.number("min_delta", min_delta, 0)
        self.cooldown = checks.integer("cooldown", cooldown, 0)
        self.min_lr = checks.number("min_lr", min_lr, 0)
        self.on_train_begin()

    def on_train_begin(self):
        self.best, self.wait, self.resting = np.inf, 0, 0

    def on_epoch_end(self, epoch, logs):
        if self.monitor not in logs:
            raise ValueError(
                f"monitor={self.monitor!r} is not recorded: expected one of {', '.join(map(repr, logs))}"
            )
        value = -logs[self.monitor] if self.maximize else logs[self.monitor]
        self.resting = np.maximum(self.resting - 1, 0)
        better = value < self.best - self.min_delta
        self.best = np.where(better, value, self.best)
        counted = ~better & (self.resting == 0)
        self.wait = np.where(counted, self.wait + 1, 0)
        cut = counted & (self.wait >= self.patience)
        self.wait, self.resting = (
            np.where(cut, 0, self.wait),
            np.where(cut, self.cooldown, self.resting),
        )
        if cut.any():
            optimizer = self.model.optimizer
            if callable(optimizer._learning_rate):
                raise ValueError(
                    "ReduceLROnPlateau needs a constant learning_rate: this optimizer follows a schedule"
                )
            rate, cut = optimizer.learning_rate, cut[..., None] if cut.ndim else cut
            lower = np.minimum(rate, np.maximum(rate * self.factor, self.min_lr))
            optimizer.learning_rate = np.where(cut, lower, rate)


def one_hot(labels, classes):
    """Labels 0 .. classes - 1 of shape (N,) as rows of zeros with a single 1, shape (N, classes).

    Raises ValueError for a label out of range or not whole.
    """
    labels = np.asarray(labels)
    if labels.dtype.kind not in "iu":
        raise ValueError(
            f"y has dtype {labels.dtype}: expected whole-number labels, or one-hot rows of shape (N, {classes})"
        )
    wrong = labels[(labels < 0) | (labels >= classes)]
    if wrong.size:
        raise ValueError(
            f"y has the label {wrong.flat[0]}, out of range: expected 0 to {classes - 1}"
        )
    return np.eye(classes)[labels]


def sweep(
    build,
    optimizer,
    learning_rates,
    data,
    seeds=range(5),
    epochs=20,
    batch_size=32,
    chunk=40,
    **fit,
):
    """Train a network for every learning rate and seed, about `chunk` at a time: a dict of arrays (rates, seeds, epochs).

    build: seeds -> model, such as `lambda seed: MLP([64, 32, 10], seed=seed)`; optimizer: learning_rate -> optimizer; data:
    (train, validation, test) pairs (x, y). Keys: the history's (loss, accuracy, val_loss, val_accuracy), `test_loss` and
    `test_accuracy` (rates, seeds) of the last weights (inf and NaN where the run diverged), and `learning_rate` (rates,).
    """
    learning_rates, seeds = (
        checks.number("learning_rates", np.atleast_1d(learning_rates), 0),
        np.atleast_1d(np.asarray(seeds)),
    )
    for name, values in (("learning_rates", learning_rates), ("seeds", seeds)):
        if values.ndim != 1 or values.size == 0:
            raise ValueError(f"{name} has shape {values.shape}: expected one or more in a row")
    train, validation, test = data
    parts, size = [], max(1, chunk // len(seeds))
    for start in _progress(len(learning_rates), size):
        rates = learning_rates[start : start + size, None, None]
        model = build(seeds)
        model.compile(optimizer(rates), "categorical_crossentropy", ["accuracy"])
        history = model.fit(*train, epochs, batch_size, validation, **fit)
        part = {
            k: np.moveaxis(np.stack(v + v[-1:] * (epochs - len(v))), 0, -1)
            for k, v in history.history.items()
        }
        loss, accuracy = model.evaluate(*test)
        part["test_loss"] = np.where(history.stopped > 0, np.inf, loss)
        part["test_accuracy"] = np.where(history.stopped > 0, np.nan, accuracy)
        parts.append(part)
    joined = {k: np.concatenate([part[k] for part in parts]) for k in parts[0]}
    return joined | {"learning_rate": learning_rates}


def _gather(x, order):
    """The samples (last axis) in a new order, each whole in memory: that is where time goes when a sample is large."""
    return np.moveaxis(np.moveaxis(x, -1, 0).take(order, 0), 0, -1)


def _progress(total, step=1):
    """0, step, 2 step, ... below total, with a bar on work that lasts over two seconds (TQDM_DISABLE=1 silences it)."""
    if os.environ.get("TQDM_DISABLE"):  # tqdm's own bar for notebooks does not look at it
        return range(0, total, step)
    try:
        from tqdm.auto import tqdm
    except ImportError:
        return range(0, total, step)
    return tqdm(range(0, total, step), delay=2, leave=False)


def _sizes(shape):
    return ", ".join("any" if n is None else str(n) for n in shape)
