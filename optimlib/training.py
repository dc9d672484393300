"""Training as in Keras: a `Model` with compile, fit, evaluate and predict; `sweep`.

A model has all its parameters in one flat vector `w` of shape (..., P). Leading axes are replicas:
seeds given as an array, and hyper-parameters given as arrays of shape (..., 1), train that many
networks in one loop. Inside, samples stand on the last axis: x is (features, samples), the
activations are (..., units, samples).
"""

import math
import os

import numpy as np

from optimlib import checks, losses, optimizers
from optimlib.callbacks import History


class Model:
    """What every network shares.

    A network sets `inputs`, `outputs` and `shapes`, and adds `initialize`, `forward` and `backward`
    (see `MLP`). Its `layers` are views of `w` in these shapes; `gradients` are views of dL/dw.

    Args:
        seed: A whole number, or an array of them, one network each: it draws the weights and then
            the order of the batches.
        l2: The rate of the penalty l2 * |w|^2 / 2 that is added to the gradient, and not to the
            loss shown; a number or an array.
    """

    inputs = ()  # the shape of one sample; None stands for any length
    outputs = 1  # how many numbers the network gives for a sample
    shapes = ()  # the shapes of the layers' parameters, in the order in which they lie in w
    integer_inputs = False  # whether samples are whole numbers

    def __init__(self, seed, l2):
        self.seed = np.asarray(seed)
        if self.seed.dtype.kind not in "iu" or (self.seed < 0).any():
            raise ValueError(
                f"seed={seed!r} is not a whole number of at least 0, or an array of them"
            )
        self.l2 = checks.number("l2", l2, 0)
        self.penalized = np.any(self.l2)
        self.rngs = [np.random.default_rng(s) for s in self.seed.ravel().tolist()]
        w = [np.concatenate([p.ravel() for p in self.initialize(rng)]) for rng in self.rngs]
        self.w = np.reshape(w, (*self.seed.shape, -1))
        self.optimizer = self.loss = None

    @property
    def w(self):
        """All parameters in one flat vector (..., P).

        Write to it, as in `model.w[...] = new`, or assign to it: `model.w = new` takes a copy.
        """
        return self._w

    @w.setter
    def w(self, new):
        new, size = np.array(new, order="C"), sum(map(math.prod, self.shapes))
        if new.dtype.kind != "f" or new.shape[-1:] != (size,):
            raise ValueError(
                f"w has shape {new.shape}, dtype {new.dtype}: "
                f"expected floats of shape (..., {size})"
            )
        self._w, self._g = new, np.empty_like(new)
        self.layers, self.gradients = self.views(self._w), self.views(self._g)

    def views(self, flat):
        """A flat vector (..., P) as the layers' parameters: a view of it for each of `shapes`."""
        parts, start = [], 0
        for shape in self.shapes:
            stop = start + math.prod(shape)
            parts.append(flat[..., start:stop].reshape(flat.shape[:-1] + shape))
            start = stop
        return self.group(parts)

    def group(self, parts):
        """The parameters, one for each of `shapes`, as the network's `layers` present them."""
        return parts

    @property
    def kernels(self):
        """A mask (P,) that is True at the entries of matrices and False at biases and the like."""
        return np.concatenate([np.full(math.prod(s), len(s) > 1) for s in self.shapes])

    def compile(self, optimizer="rmsprop", loss=None, metrics=()):
        """Choose the optimizer, the loss and the metrics, by name or as objects.

        Replicas of the optimizer's hyper-parameters replicate the weights.

        Args:
            optimizer: An `optimizers.Optimizer`, or its name in lower case.
            loss: A name of `losses.LOSSES`, or a function of z and y as those there.
            metrics: A list of names of `losses.METRICS`.

        Raises:
            ValueError: A name is unknown, or the network does not fit.
        """
        optimizer = optimizers.get(optimizer)
        if optimizer.iterations and optimizer is not self.optimizer:
            raise ValueError(
                f"optimizer={optimizer} has made {optimizer.iterations} steps elsewhere: "
                "call its reset(), or make a new one"
            )
        self.loss = loss if callable(loss) else checks.known("loss", loss, losses.LOSSES)
        if isinstance(metrics, str):
            raise ValueError(f"metrics={metrics!r} is no list: expected [{metrics!r}]")
        self.metrics = {m: checks.known("metrics", m, losses.METRICS) for m in metrics or ()}
        by_class = (
            self.loss is losses.categorical_crossentropy or losses.accuracy in self.metrics.values()
        )
        if self.outputs == 1 and by_class:
            raise ValueError(
                f"loss={loss!r} with metrics={metrics!r} asks for an output for each class, "
                "but the network has one"
            )
        self.optimizer = optimizer.build(self.shapes)
        shape = np.broadcast_shapes(optimizer.broadcast_shape(self.w.shape), np.shape(self.l2))
        if shape != self.w.shape:
            self.w = np.broadcast_to(self.w, shape)  # a copy: each replica whole in memory

    def loss_and_gradient(self, x, y):
        """The mean loss (...) of the samples and its gradient (..., P), at the present weights.

        Args:
            x: The samples (N, features).
            y: Labels (N,), or one-hot rows or targets (N, outputs).
        """
        self._require_compiled()
        _, loss, g = self._gradient(*self._samples(x, y))
        return loss.mean(axis=-1), g.copy()

    def _gradient(self, x, y):
        """Outputs, losses (..., B) and gradient (..., P) of a batch; its memory is used again."""
        cache = self.forward(x)
        p, loss, delta = self.loss(cache[-1], y)
        self.backward(cache, delta / delta.shape[-1])  # the mean over the samples
        return p, loss, self._g + self.l2 * self.w if self.penalized else self._g

    def fit(self, x, y, epochs=1, batch_size=32, validation_data=None, callbacks=(), shuffle=True):
        """Train for some epochs, each a pass over the samples in batches.

        A replica whose loss, gradient or weights would not be finite stops with its last good
        weights; its history goes on as inf for losses and NaN for metrics, and one warning names
        the rate. Where all have stopped, so does fit.

        Args:
            x: The samples (N, features).
            y: Labels (N,), or one-hot rows or targets (N, outputs).
            epochs: How many.
            batch_size: How many samples a batch has; the last one may be smaller.
            validation_data: A pair (x, y), or None: its loss and metrics come after each epoch.
            callbacks: A list of `callbacks.Callback`.
            shuffle: Whether each epoch takes the samples in a new order.

        Returns:
            A `callbacks.History`: for each epoch the loss and the metrics, means over its batches,
            and those of the validation data, with the prefix val_.

        Raises:
            ValueError: The data do not fit the network.
            RuntimeError: The model is not compiled.
        """
        self._require_compiled()
        x, y = self._samples(x, y)
        if validation_data is not None:
            x_val, y_val = self._samples(*validation_data, name="validation_data")
        epochs = checks.integer("epochs", epochs, 1)
        batch_size = checks.integer("batch_size", batch_size, 1)
        history, stopped = History(), np.zeros(self.w.shape[:-1], dtype=int)
        first_rate = self.optimizer.learning_rate
        for callback in callbacks:
            callback.model = self
            callback.on_train_begin()
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            for epoch in _progress(epochs):
                logs = self._epoch(*self._shuffled(x, y, shuffle), batch_size, epoch, stopped)
                if validation_data is not None:
                    logs |= {f"val_{k}": v for k, v in self._scores(x_val, y_val).items()}
                    _mark(stopped, epoch, np.isfinite(logs["val_loss"]))
                for name, value in logs.items():
                    bad = np.inf if "loss" in name else np.nan
                    logs[name] = np.where(stopped > 0, bad, value)[()]
                history.add(epoch, logs)
                for callback in callbacks:
                    callback.on_epoch_end(epoch, logs)
                if stopped.all():
                    break
        history.stopped = stopped
        checks.warn_diverged(
            stopped, first_rate, "epoch", "it stopped there, with its last finite weights"
        )
        return history

    def _require_compiled(self):
        if self.optimizer is None:
            raise RuntimeError("the model has no optimizer and no loss yet: call compile first")

    def _shuffled(self, x, y, shuffle):
        """The samples in a new order, one for each seed, gathered at once: a batch is a view."""
        if not shuffle:
            return x, y
        orders = [rng.permutation(x.shape[-1]) for rng in self.rngs]
        if self.seed.ndim == 0:
            return _gather(x, orders[0]), y.take(orders[0], -1)
        x = np.stack([_gather(x, order) for order in orders])
        y = np.stack([y.take(order, -1) for order in orders])
        return x.reshape(*self.seed.shape, *x.shape[1:]), y.reshape(*self.seed.shape, *y.shape[1:])

    def _epoch(self, x, y, batch_size, epoch, stopped):
        """One pass over the data: means over its batches. Marks in `stopped` who diverges."""
        self.w = self.w  # whoever has looked at the weights keeps what they saw
        outputs, loss_parts, well = [], [], not stopped.any()
        for start in range(0, x.shape[-1], batch_size):
            batch = (..., slice(start, start + batch_size))
            p, loss, g = self._gradient(x[batch], y[batch])
            outputs.append(p)
            loss_parts.append(loss)
            # a sum of squares is finite only if all its terms are, and quick to take
            if not (well and math.isfinite(np.vdot(g, g) + np.vdot(loss, loss))):
                fine = np.isfinite(g).all(axis=-1) & np.isfinite(loss).all(axis=-1)
                well = _mark(stopped, epoch, fine)
                if stopped.all():
                    break
                g = np.where(stopped[..., None] > 0, 0.0, g)
            new = self.optimizer.step(self.w, g)
            if not (well and math.isfinite(np.vdot(new, new))):
                well = _mark(stopped, epoch, np.isfinite(new).all(axis=-1))
                new = np.where(stopped[..., None] > 0, self.w, new)
            np.copyto(self.w, new)
        p, loss = np.concatenate(outputs, axis=-1), np.concatenate(loss_parts, axis=-1)
        return self._means(p, loss, y[..., : p.shape[-1]])

    def _means(self, p, loss, y):
        """The loss and the metrics of samples, by name: numbers, or arrays (...) over replicas."""
        metrics = {name: metric(p, y).mean(axis=-1) for name, metric in self.metrics.items()}
        return {"loss": loss.mean(axis=-1)} | metrics

    def _outputs(self, x):
        """The outputs z for samples x, at the weights where the optimizer wants to be evaluated."""
        training = self.layers
        if self.optimizer is not None:
            w = self.optimizer.evaluated(self.w)
            self.layers = training if w is self.w else self.views(w)
        try:
            return self.forward(x)[-1]
        finally:
            self.layers = training

    def _scores(self, x, y):
        p, loss, _ = self.loss(self._outputs(x), y)
        return self._means(p, loss, y)

    def evaluate(self, x, y, return_dict=False):
        """The loss and the metrics on samples x, y: numbers, or arrays (...) over replicas.

        Returns:
            A list, the loss first; or a dict.
        """
        self._require_compiled()
        with np.errstate(over="ignore", invalid="ignore"):
            scores = self._scores(*self._samples(x, y))
        scores = {name: float(v) if np.ndim(v) == 0 else v for name, v in scores.items()}
        return scores if return_dict else list(scores.values())

    def predict(self, x):
        """The outputs for samples x (N, features), (..., N, outputs).

        Under cross-entropy they are probabilities.
        """
        z = self._outputs(self._inputs(x, "x"))
        p, _, _ = (self.loss or losses.mean_squared_error)(z, np.zeros_like(z))
        return p.swapaxes(-1, -2)

    def _samples(self, x, y, name="x"):
        """x and y checked, with samples on the last axis and labels as one-hot columns."""
        x = self._inputs(x, name)
        return x, self._targets(y, x.shape[-1], name)

    def _inputs(self, x, name):
        x, sizes = np.asarray(x), ", ".join("any" if n is None else str(n) for n in self.inputs)
        if x.dtype.kind not in "fiu" or x.ndim != len(self.inputs) + 1:
            raise ValueError(
                f"{name} has shape {x.shape}, dtype {x.dtype}: "
                f"expected numbers of shape (N, {sizes})"
            )
        if any(n not in (None, size) for n, size in zip(self.inputs, x.shape[1:])):
            raise ValueError(f"{name} has shape {x.shape}, but the network takes (N, {sizes})")
        if x.size == 0:
            raise ValueError(
                f"{name} has shape {x.shape} and is empty: expected at least one sample"
            )
        _require_finite(name, x)
        dtype = x.dtype if self.integer_inputs else float
        return np.moveaxis(np.ascontiguousarray(x, dtype=dtype), 0, -1)

    def _targets(self, y, samples, name):
        y = np.asarray(y)
        if y.dtype.kind not in "fiub" or y.ndim == 0:
            raise ValueError(
                f"y has shape {y.shape}, dtype {y.dtype}: "
                f"expected a label or a row of numbers for each sample of {name}"
            )
        if len(y) != samples:
            raise ValueError(f"y has {len(y)} rows for {samples} samples of {name}")
        _require_finite("y", y)
        by_class = self.loss is losses.categorical_crossentropy
        if y.ndim == 1 and (by_class or (y.dtype.kind in "iu" and self.outputs > 1)):
            y = losses.one_hot(y, self.outputs)
        y = y.reshape(samples, -1)
        if y.shape[1] != self.outputs:
            raise ValueError(
                f"y has {y.shape[1]} columns, but the network has {self.outputs} outputs"
            )
        if by_class and ((y < 0).any() or not np.allclose(y.sum(axis=1), 1)):
            raise ValueError(
                "y has rows that are no probabilities: "
                "expected numbers of at least 0 that sum to 1, such as one-hot rows"
            )
        return np.ascontiguousarray(y.T, dtype=float)


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
    """Train a network for every learning rate and seed.

    Args:
        build: A function from seeds to a model: `lambda seed: MLP([64, 32, 10], seed=seed)`.
        optimizer: A function from a learning rate to an optimizer, such as `optimizers.Adam`.
        learning_rates: The rates.
        data: Pairs (x, y) to train, to validate and to test, such as a `data.Split`.
        seeds: The seeds.
        epochs: How many.
        batch_size: How many samples a batch has.
        chunk: About how many runs are trained at a time.
        **fit: Further arguments of `Model.fit`.

    Returns:
        A dict of arrays: loss, accuracy, val_loss and val_accuracy (rates, seeds, epochs), of which
        a run that diverged has inf and NaN; test_loss and test_accuracy (rates, seeds), with the
        last weights; learning_rate (rates,).
    """
    learning_rates = checks.number("learning_rates", np.atleast_1d(learning_rates), 0)
    seeds = np.atleast_1d(np.asarray(seeds))
    for name, values in (("learning_rates", learning_rates), ("seeds", seeds)):
        if values.ndim != 1 or values.size == 0:
            raise ValueError(f"{name} has shape {values.shape}: expected one or more in a row")
    train, validation, test = data
    parts, size = [], max(1, chunk // len(seeds))
    for start in _progress(len(learning_rates), size):
        model = build(seeds)
        rates = learning_rates[start : start + size, None, None]
        model.compile(optimizer(rates), "categorical_crossentropy", ["accuracy"])
        history = model.fit(*train, epochs, batch_size, validation, **fit)
        part = {name: _padded(values, epochs) for name, values in history.history.items()}
        loss, right = model.evaluate(*test)
        part["test_loss"] = np.where(history.stopped > 0, np.inf, loss)
        part["test_accuracy"] = np.where(history.stopped > 0, np.nan, right)
        parts.append(part)
    joined = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    return joined | {"learning_rate": learning_rates}


def _padded(values, epochs):
    """A history's list of arrays (...) as one array (..., epochs); the last stands for the rest."""
    values = values + values[-1:] * (epochs - len(values))
    return np.stack(values, axis=-1)


def _mark(stopped, epoch, fine):
    """Note in `stopped` which replicas are not fine any more; whether none has stopped so far."""
    stopped[~fine & (stopped == 0)] = epoch + 1
    return not stopped.any()


def _require_finite(name, values):
    bad = np.count_nonzero(~np.isfinite(values))
    if bad:
        raise ValueError(f"{name} has {bad} values that are not finite")


def _gather(x, order):
    """The samples (last axis) in a new order, each whole in memory: copying them takes the time."""
    return np.moveaxis(np.moveaxis(x, -1, 0).take(order, 0), 0, -1)


def _progress(total, step=1):
    """0, step, 2 step, ... below total, with a bar on work that lasts over two seconds.

    TQDM_DISABLE=1 silences it; tqdm's own bar for notebooks does not look at that.
    """
    if os.environ.get("TQDM_DISABLE"):
        return range(0, total, step)
    try:
        from tqdm.auto import tqdm
    except ImportError:
        return range(0, total, step)
    return tqdm(range(0, total, step), delay=2, leave=False)
