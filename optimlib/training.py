"""Training as in Keras: a `Model` with compile, fit, evaluate and predict; `sweep`.

A model has all its parameters in one flat vector `w` of shape (..., P). Leading axes are replicas:
seeds given as an array, and hyper-parameters given as arrays of shape (..., 1), train that many
networks in one loop. Inside, samples stand on the last axis: x is (features, samples), the
activations are (..., units, samples).
"""

import copy
import json
import math
import os

import numpy as np

from optimlib import checks, losses, newer, optimizers  # noqa: F401  (newer adds its names)
from optimlib.callbacks import CallbackList, History

QUIET = {"over": "ignore", "under": "ignore", "invalid": "ignore", "divide": "ignore"}


class Model:
    """What every network shares.

    A network sets `inputs`, `outputs` and `shapes`, and adds `initialize`, `forward` and `backward`
    (see `MLP`). Its `layers` are views of `w` in these shapes; `gradients` are views of dL/dw.

    Args:
        seed: A whole number, or an array of them, one network each: it draws the weights and then
            the order of the batches.
        l2: The rate of a penalty on w: l2 * w is added to the gradient, and nothing to the loss
            shown; a number or an array.
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

        Write to it, as in `model.w[...] = new`, or assign to it: `model.w = new` takes a copy. An
        array that was read from here is not changed by fit.
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
        return self.group(_parts(flat, self.shapes))

    def group(self, parts):
        """The parameters, one for each of `shapes`, as the network's `layers` present them."""
        return parts

    @property
    def kernels(self):
        """A mask (P,) that is True at the entries of matrices and False at biases and the like."""
        return np.concatenate([np.full(math.prod(s), len(s) > 1) for s in self.shapes])

    def get_weights(self):
        """Copies of the layers' parameters, an array for each of `shapes`, as in Keras."""
        return _parts(self.w.copy(), self.shapes)

    def set_weights(self, weights):
        """Take over parameters from a list as `get_weights` returns it."""
        shapes = [self.w.shape[:-1] + shape for shape in self.shapes]
        if [np.shape(part) for part in weights] != shapes:
            found = ", ".join(str(np.shape(part)) for part in weights)
            raise ValueError(
                f"weights has the shapes {found}: expected {', '.join(map(str, shapes))}"
            )
        rows = (*self.w.shape[:-1], -1)
        self.w = np.concatenate([np.reshape(part, rows) for part in weights], axis=-1)

    def save(self, filepath):
        """Write the weights, the optimizer's memory and the seeds' states to an .npz file."""
        store = {}
        if self.optimizer is not None:
            self.optimizer.save_own_variables(store)
        states = json.dumps([rng.bit_generator.state for rng in self.rngs])
        np.savez(filepath, w=self.w, rngs=states, **{f"optimizer.{k}": v for k, v in store.items()})

    def load(self, filepath):
        """Go on from a file that `save` wrote, in a model that is made and compiled alike.

        Raises:
            ValueError: The file is of another network, or of another optimizer.
        """
        path = os.fspath(filepath)
        with np.load(path if path.endswith(".npz") else path + ".npz") as file:
            content = dict(file)
        if not {"w", "rngs"} <= content.keys():
            raise ValueError(f"{path} is no file that save wrote: it has {', '.join(content)}")
        states = json.loads(content.pop("rngs").item())
        if content["w"].shape[-1] != self.w.shape[-1] or len(states) != len(self.rngs):
            raise ValueError(
                f"{path} has weights of shape {content['w'].shape} and {len(states)} seeds, "
                f"but the network has {self.w.shape} and {len(self.rngs)}"
            )
        w = content.pop("w")
        if self.optimizer is not None:
            self.optimizer.load_own_variables(
                {name.removeprefix("optimizer."): v for name, v in content.items()}
            )
        self.w = w
        for rng, state in zip(self.rngs, states):
            rng.bit_generator.state = state

    def __getstate__(self):
        views = ("layers", "gradients", "_g")
        return {name: value for name, value in vars(self).items() if name not in views}

    def __setstate__(self, state):
        vars(self).update(state)
        self.w = self._w

    def __copy__(self):
        return copy.deepcopy(self)

    def compile(self, optimizer="rmsprop", loss=None, metrics=None, **absent):
        """Choose the optimizer, the loss and the metrics, by name or as objects.

        Replicas of the optimizer's hyper-parameters replicate the weights.

        Args:
            optimizer: An `optimizers.Optimizer`, or its name in lower case.
            loss: A name of `losses.LOSSES`, or a function of z and y as those there.
            metrics: A list of names of `losses.METRICS`.
            **absent: Other arguments of Keras, refused unless they change nothing.

        Raises:
            ValueError: A name is unknown, or the network does not fit.
        """
        checks.refuse("compile", absent)
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
        self.optimizer = optimizer
        optimizer.build(self.shapes)
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
        with np.errstate(under="ignore"):
            _, loss, g = self._gradient(*self._samples(x, y))
        return loss.mean(axis=-1), g.copy()

    def _gradient(self, x, y):
        """Outputs, losses (..., B) and gradient (..., P) of a batch; its memory is used again."""
        cache = self.forward(x)
        p, loss, delta = self.loss(cache[-1], y)
        self.backward(cache, delta / delta.shape[-1])  # the mean over the samples
        return p, loss, self._g + self.l2 * self.w if self.penalized else self._g

    def fit(
        self,
        x,
        y,
        batch_size=None,
        epochs=1,
        verbose="auto",
        callbacks=None,
        validation_split=0.0,
        validation_data=None,
        shuffle=True,
        *,
        initial_epoch=0,
        **absent,
    ):
        """Train for some epochs, each a pass over the samples in batches.

        A replica whose loss, gradient or weights would not be finite stops with its last good
        weights; its history goes on as inf for losses and NaN for metrics, and one warning names
        the rate. Where all have stopped, so does fit.

        Args:
            x: The samples (N, features).
            y: Labels (N,), or one-hot rows or targets (N, outputs).
            batch_size: How many samples a batch has, 32 for None; the last one may be smaller.
            epochs: The epoch to stop before.
            verbose: 0 shows nothing, "auto" and 1 a bar where it takes long, 2 a line an epoch.
            callbacks: A `callbacks.Callback`, a list of them, or None.
            validation_split: The share of the samples, the last ones, that are validation data.
            validation_data: A pair (x, y), or None: its loss and metrics come after each epoch.
            shuffle: Whether each epoch takes the samples in a new order.
            initial_epoch: The epoch to begin with.
            **absent: Other arguments of Keras, refused unless they change nothing.

        Returns:
            A `callbacks.History`: for each epoch the loss and the metrics, means over its batches,
            and those of the validation data, with the prefix `val_`.

        Raises:
            ValueError: The data do not fit the network.
            RuntimeError: The model is not compiled.
        """
        checks.refuse("fit", absent)
        self._require_compiled()
        batch_size = 32 if batch_size is None else checks.integer("batch_size", batch_size, 1)
        initial_epoch = checks.integer("initial_epoch", initial_epoch, 0)
        epochs = checks.integer("epochs", epochs, 1)
        x, y, validation = self._fit_data(x, y, validation_split, validation_data)
        shape = self.optimizer.broadcast_shape(self.w.shape)
        if shape != self.w.shape:
            raise ValueError(
                f"hyper-parameters ask for weights of shape {shape}, but the model has "
                f"{self.w.shape}: compile it again"
            )
        history = History()
        stopped = history.stopped = np.zeros(self.w.shape[:-1], dtype=int)
        params = {"verbose": verbose, "epochs": epochs, "steps": -(-x.shape[-1] // batch_size)}
        hooks = CallbackList(callbacks, history, self, params)
        first_rate, logs = self.optimizer.learning_rate, {}
        self.history, self.stop_training = history, False
        hooks("on_train_begin")
        reuse_freed_memory()
        with np.errstate(**QUIET):
            for epoch in _progress(range(initial_epoch, epochs), verbose):
                hooks("on_epoch_begin", epoch)
                shuffled = self._shuffle(x, y, shuffle)
                logs = self._epoch(*shuffled, batch_size, epoch, stopped, hooks)
                if validation is not None:
                    logs |= self._validation_logs(*validation, hooks)
                    _mark(stopped, epoch, np.isfinite(logs["val_loss"]))
                for name, value in logs.items():
                    bad = np.inf if "loss" in name else np.nan
                    logs[name] = np.where(stopped > 0, bad, value)[()]
                hooks("on_epoch_end", epoch, logs)
                if verbose == 2:
                    scores = ", ".join(f"{name} {np.round(v, 4)}" for name, v in logs.items())
                    print(f"Epoch {epoch + 1}/{epochs}: {scores}")
                if stopped.all() or self.stop_training:
                    break
        if self.optimizer.use_ema and logs:
            self.w = np.where(stopped[..., None] > 0, self.w, self.optimizer.average)
        hooks("on_train_end", logs)
        checks.warn_diverged(
            stopped,
            first_rate,
            "epoch",
            "it stopped there, with its last finite weights; the optimizer remembers the steps "
            "that led there until its reset()",
        )
        return history

    def _fit_data(self, x, y, validation_split, validation_data):
        """The samples to train on, x and y, and the pair to validate on, or None."""
        share = checks.fraction("validation_split", validation_split)
        if validation_data is not None:
            if not isinstance(validation_data, tuple | list) or len(validation_data) != 2:
                raise ValueError("validation_data is no pair (x, y), which is what fit takes")
        elif share > 0:
            samples = self._samples(x, y)[0].shape[-1]
            first = math.floor(samples * (1 - share))
            if first == 0:
                raise ValueError(
                    f"validation_split={share} of {samples} samples leaves none to train on"
                )
            validation_data = x[first:], y[first:]
            x, y = x[:first], y[:first]
        if validation_data is not None:
            validation_data = self._samples(*validation_data, name="validation_data")
        return *self._samples(x, y), validation_data

    def _require_compiled(self):
        if self.optimizer is None:
            raise RuntimeError("the model has no optimizer and no loss yet: call compile first")

    def _shuffle(self, x, y, shuffle):
        """The samples in a new order, one for each seed, gathered at once: a batch is a view."""
        if not shuffle:
            return x, y
        orders = [rng.permutation(x.shape[-1]) for rng in self.rngs]
        if self.seed.ndim == 0:
            return _gather(x, orders[0]), y.take(orders[0], -1)
        x = np.stack([_gather(x, order) for order in orders])
        y = np.stack([y.take(order, -1) for order in orders])
        return x.reshape(*self.seed.shape, *x.shape[1:]), y.reshape(*self.seed.shape, *y.shape[1:])

    def _epoch(self, x, y, batch_size, epoch, stopped, hooks):
        """One pass over the data: means over its batches. Marks in `stopped` who diverges."""
        self.w = self.w  # whoever has looked at the weights keeps what they saw
        outputs, loss_parts, well = [], [], not stopped.any()
        for number, start in enumerate(range(0, x.shape[-1], batch_size)):
            if hooks.by_batch:
                hooks("on_train_batch_begin", number)
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
            if hooks.by_batch:
                hooks("on_train_batch_end", number, self._epoch_logs(outputs, loss_parts, y))
                self.w = self.w
                if self.stop_training:
                    break
        return self._epoch_logs(outputs, loss_parts, y)

    def _epoch_logs(self, outputs, loss_parts, y):
        p, loss = np.concatenate(outputs, axis=-1), np.concatenate(loss_parts, axis=-1)
        return self._means(p, loss, y[..., : p.shape[-1]])

    def _validation_logs(self, x, y, hooks):
        hooks("on_test_begin")
        hooks("on_test_batch_begin", 0)
        scores = self._scores(x, y)
        hooks("on_test_batch_end", 0, scores)
        hooks("on_test_end", scores)
        return {f"val_{name}": value for name, value in scores.items()}

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

    def evaluate(self, x, y, batch_size=None, verbose="auto", *, return_dict=False, **absent):
        """The loss and the metrics on samples x, y: numbers, or arrays (...) over replicas.

        Args:
            x: The samples (N, features).
            y: Labels (N,), or one-hot rows or targets (N, outputs).
            batch_size: As in Keras; the samples are one batch here, and the means the same.
            verbose: As in Keras; nothing is shown.
            return_dict: Whether a dict is returned.
            **absent: Other arguments of Keras, refused unless they change nothing.

        Returns:
            A dict; or a list, the loss first; or the loss alone, where there are no metrics.
        """
        checks.refuse("evaluate", absent)
        self._require_compiled()
        with np.errstate(**QUIET):
            scores = self._scores(*self._samples(x, y))
        scores = {name: float(v) if np.ndim(v) == 0 else v for name, v in scores.items()}
        if return_dict:
            return scores
        return list(scores.values()) if self.metrics else scores["loss"]

    def predict(self, x, batch_size=None, verbose="auto", **absent):
        """The outputs for samples x (N, features), (..., N, outputs).

        Under cross-entropy they are probabilities. The other arguments are those of `evaluate`.
        """
        checks.refuse("predict", absent)
        with np.errstate(**QUIET):
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
        has_labels = y.shape[1:] in ((), (1,)) if by_class else y.ndim == 1 and y.dtype.kind in "iu"
        if has_labels and self.outputs > 1:
            if self.loss is losses.mean_squared_error:
                raise ValueError(
                    f"y has whole numbers {y.shape} for {self.outputs} outputs: mean_squared_error "
                    f"takes targets (N, {self.outputs}), such as losses.one_hot(y, {self.outputs})"
                )
            y = losses.one_hot(y.ravel(), self.outputs)
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


def reuse_freed_memory():
    """Let arrays of up to 31 MB that are freed serve again for the next ones.

    glibc returns what is larger than 128 kB, or than the largest array freed so far, to the system;
    to get it back, zeroed, costs a tenth of the time of fit on 784-128-10. To free an array that
    nothing was written to costs next to nothing.
    """
    np.empty(31 << 20, dtype=np.uint8)


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
    for name, function in (("build", build), ("optimizer", optimizer)):
        if not callable(function):
            raise ValueError(f"{name}={function!r} is no function, as sweep takes it")
    if len(data) != 3:
        raise ValueError(f"data has {len(data)} parts: expected pairs to train, validate and test")
    train, validation, test = data
    parts, size = [], max(1, chunk // len(seeds))
    for start in _progress(range(0, len(learning_rates), size)):
        model = build(seeds)
        if model.w.shape[:-1] != seeds.shape:
            raise ValueError(
                f"build makes networks of shape {model.w.shape[:-1]} of seeds of shape "
                f"{seeds.shape}: it has to pass them on"
            )
        rates = learning_rates[start : start + size, None, None]
        model.compile(optimizer(rates), "categorical_crossentropy", ["accuracy"])
        if model.w.shape[:-1] != (len(rates), len(seeds)):
            raise ValueError(
                f"optimizer makes {model.optimizer} of learning rates of shape {rates.shape}: "
                "it has to pass them on"
            )
        fit |= {"batch_size": batch_size, "epochs": epochs, "validation_data": validation}
        history = model.fit(*train, **fit)
        part = {name: _pad(values, epochs) for name, values in history.history.items()}
        loss, right = model.evaluate(*test)
        part["test_loss"] = np.where(history.stopped > 0, np.inf, loss)
        part["test_accuracy"] = np.where(history.stopped > 0, np.nan, right)
        parts.append(part)
    joined = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    return joined | {"learning_rate": learning_rates}


def _pad(values, epochs):
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


def _parts(flat, shapes):
    """A flat vector (..., P) cut into arrays of some shapes, which are views of it."""
    parts, start = [], 0
    for shape in shapes:
        stop = start + math.prod(shape)
        parts.append(flat[..., start:stop].reshape(flat.shape[:-1] + shape))
        start = stop
    return parts


def _progress(steps, verbose="auto"):
    """The steps, with a bar on work that lasts over two seconds.

    TQDM_DISABLE=1 silences it; tqdm's own bar for notebooks does not look at that.
    """
    if os.environ.get("TQDM_DISABLE") or verbose in (0, 2):
        return steps
    try:
        from tqdm.auto import tqdm
    except ImportError:
        return steps
    return tqdm(steps, delay=2, leave=False)
