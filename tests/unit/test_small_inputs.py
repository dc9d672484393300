"""Small inputs, each standing for a kind: copies, sizes, dtypes, Keras' habits, clear errors."""

import copy
import pickle
import warnings
from contextlib import redirect_stdout
from functools import partial
from io import StringIO

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimlib import callbacks, data, optimizers, schedules, surfaces, training
from optimlib.callbacks import Callback, EarlyStopping, ReduceLROnPlateau
from optimlib.mlp import MLP
from optimlib.networks import CNN, RNN, Transformer
from optimlib.optimizers import SGD, Adam, AdamW, RMSprop
from tests.rules import RULES

EVERY = {name: partial(getattr(optimizers, r.kind), **r.settings) for name, r in RULES.items()}
every = pytest.mark.parametrize("make", EVERY.values(), ids=EVERY)

CROSSENTROPY = "categorical_crossentropy"


def clouds(samples=50):
    """Three clouds of points in the plane, far apart."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, samples)
    return np.array([[0, 0], [4, 0], [0, 4]])[y] + rng.normal(size=(samples, 2)), y


X, Y = clouds()


def compiled(
    optimizer="sgd", loss=CROSSENTROPY, metrics=("accuracy",), sizes=(2, 8, 3), **settings
):
    model = MLP(sizes, **settings)
    model.compile(optimizer, loss, metrics=list(metrics))
    return model


# --- copies and state -----------------------------------------------------------------------------


def letters():
    rng = np.random.default_rng(1)
    return rng.integers(0, 5, (20, 4)), np.eye(5)[rng.integers(0, 5, (20, 4))].reshape(20, -1)


NETWORKS = {
    "MLP": (lambda: MLP([2, 8, 3]), (X, Y)),
    "MLP, sigmoid, replicas": (lambda: MLP([2, 8, 3], "sigmoid", seed=[1, 2]), (X, Y)),
    "RNN": (lambda: RNN(1, 4, 3), (X[..., None], Y)),
    "CNN": (lambda: CNN(4, 2, 3), (np.random.default_rng(2).normal(size=(50, 16)), Y)),
    "Transformer": (lambda: Transformer(5, 4, 4, 2, 1), letters()),
}
networks = pytest.mark.parametrize("name", NETWORKS)
COPIES = {
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "pickle": lambda thing: pickle.loads(pickle.dumps(thing)),
}
copies = pytest.mark.parametrize("duplicate", COPIES.values(), ids=COPIES)


@networks
@copies
def test_a_copy_of_a_model_trains_on_by_itself(name, duplicate):
    """Compiled, trained, in mid-run: to the last bit as the original would have."""
    build, (x, y) = NETWORKS[name]
    model = build()
    fresh = duplicate(model)
    np.testing.assert_array_equal(fresh.predict(x), model.predict(x))
    rate = schedules.CosineDecay(0.01, 30)
    model.compile(Adam(rate, amsgrad=True, use_ema=True), CROSSENTROPY, metrics=["accuracy"])
    model.fit(x, y, epochs=2, batch_size=16)
    other, before = duplicate(model), model.w.copy()
    other.fit(x, y, epochs=2, batch_size=16)
    np.testing.assert_array_equal(model.w, before)
    assert not np.array_equal(other.w, before)
    model.fit(x, y, epochs=2, batch_size=16)
    np.testing.assert_array_equal(other.w, model.w)
    np.testing.assert_array_equal(other.predict(x), model.predict(x))
    assert other.evaluate(x, y, return_dict=True).keys() == {"loss", "accuracy"}


@every
@copies
def test_a_copy_of_an_optimizer_goes_its_own_way(make, duplicate):
    rng = np.random.default_rng(3)
    opt, w, g = make(0.1, gradient_accumulation_steps=2), rng.normal(size=6), rng.normal(size=6)
    for _ in range(3):
        w = opt.step(w, g)
    other = duplicate(opt)
    theirs = [other.step(w, g) for _ in range(3)][-1]
    ours = [opt.step(w, g) for _ in range(3)][-1]
    np.testing.assert_array_equal(theirs, ours)


def test_schedules_and_callbacks_are_copied_whole():
    for thing in (
        schedules.CosineDecayRestarts(0.1, 5),
        schedules.PiecewiseConstantDecay([3], [1, 2]),
    ):
        for duplicate in COPIES.values():
            assert duplicate(thing)(4) == thing(4)
    model = compiled(SGD(0.1))
    watch = ReduceLROnPlateau("loss", factor=0.5, patience=1, min_delta=100)
    model.fit(X, Y, epochs=3, callbacks=[watch])
    for duplicate in COPIES.values():
        assert duplicate(watch).wait == watch.wait


def test_weights_that_were_read_come_back():
    model = compiled(SGD(0.1))
    before, values = model.w, model.w.copy()
    model.fit(X, Y, epochs=2)
    np.testing.assert_array_equal(before, values)
    model.w = before
    np.testing.assert_array_equal(model.w, values)


def test_assigned_weights_are_a_copy():
    a, b = MLP([2, 3], seed=0), compiled(SGD(0.1), sizes=(2, 3), seed=1)
    b.w = a.w
    b.fit(X, Y)
    assert not np.array_equal(a.w, b.w)
    np.testing.assert_array_equal(a.w, MLP([2, 3], seed=0).w)


@pytest.mark.parametrize("by_batch", [False, True])
def test_weights_that_a_callback_saw_stay_as_they_were(by_batch):
    class Walk(Callback):
        def __init__(self):
            self.path, self.values = [], []

        def note(self):
            self.path.append(self.model.w)
            self.values.append(self.model.w.copy())

        def on_epoch_end(self, epoch, logs=None):
            self.note()

    class EachBatch(Walk):
        def on_train_batch_end(self, batch, logs=None):
            self.note()

    walk = EachBatch() if by_batch else Walk()
    compiled(SGD(0.1)).fit(X, Y, epochs=3, callbacks=walk)
    np.testing.assert_array_equal(walk.path, walk.values)
    assert len(walk.path) == (9 if by_batch else 3)
    assert len({w.tobytes() for w in walk.path}) == (6 if by_batch else 3)


@networks
def test_get_and_set_weights_are_those_of_keras(name):
    build, (x, _) = NETWORKS[name]
    a, b = build(), build()
    b.w = b.w + 0.1
    weights = b.get_weights()
    assert [part.shape for part in weights] == [a.w.shape[:-1] + shape for shape in a.shapes]
    a.set_weights(weights)
    np.testing.assert_array_equal(a.predict(x), b.predict(x))
    weights[0][...] = 0
    np.testing.assert_array_equal(a.w, b.w)
    with pytest.raises(ValueError, match=r"weights has the shapes .*: expected"):
        a.set_weights(weights[1:])


@pytest.mark.parametrize(
    ("name", "make"),
    [*((n, EVERY["Adam"]) for n in NETWORKS), *(("MLP", m) for m in EVERY.values())],
)
def test_resumed_from_a_file_is_never_stopped(name, make, tmp_path):
    build, (x, y) = NETWORKS[name]
    settings = {"use_ema": True, "gradient_accumulation_steps": 2}
    models = []
    for _ in range(2):
        models.append(build())
        models[-1].compile(make(schedules.ExponentialDecay(0.01, 9, 0.5), **settings), CROSSENTROPY)
    whole, second = models
    whole.fit(x, y, epochs=2, batch_size=16)
    whole.save(tmp_path / "run")
    whole.fit(x, y, epochs=2, batch_size=16)
    second.load(tmp_path / "run")
    second.fit(x, y, epochs=2, batch_size=16)
    np.testing.assert_array_equal(second.w, whole.w)
    assert second.optimizer.iterations == whole.optimizer.iterations


@every
def test_resumed_before_the_first_step_is_never_stopped(make):
    """Where it starts from an array, too."""
    settings = {"initial_accumulator_value": np.array([[0.1], [0.2]])}
    makes = [make, partial(optimizers.Adagrad, **settings)]
    for new in makes if make is EVERY["Adagrad"] else [make]:
        first, second, store = new(0.1), new(0.1), {}
        first.save_own_variables(store)
        second.load_own_variables(store)
        w = np.linspace(-1, 1, 5)
        np.testing.assert_array_equal(second.step(w, w), first.step(w, w))


def test_a_file_remembers_the_rate_and_is_of_one_kind(tmp_path):
    model = compiled(SGD(0.1, momentum=0.9))
    model.fit(X, Y, callbacks=[ReduceLROnPlateau("loss", 0.5, 0, min_delta=9)], epochs=3)
    rate = model.optimizer.learning_rate
    assert rate < 0.1
    model.save(tmp_path / "run.npz")
    other = compiled(SGD(0.1, momentum=0.9))
    other.load(tmp_path / "run.npz")
    assert other.optimizer.learning_rate == rate
    with pytest.raises(
        ValueError, match=r"Adam\(.*\) remembers .*, but what was saved is .*velocity"
    ):
        compiled(Adam(0.1)).load(tmp_path / "run.npz")
    np.savez(tmp_path / "other.npz", a=1)
    with pytest.raises(ValueError, match=r"other.npz is no file that save wrote: it has a"):
        other.load(tmp_path / "other.npz")
    with pytest.raises(ValueError, match=r"run.npz has weights of shape \(51,\) and 1 seeds, but"):
        compiled(SGD(0.1), sizes=(2, 4, 3)).load(tmp_path / "run.npz")


# --- any size, dtype and shape --------------------------------------------------------------------


@every
def test_numbers_and_0d_weights_stay_0d(make):
    w, opt = 3.0, make(0.1, global_clipnorm=5.0, weight_decay=0.1)
    v, alone = np.array([3.0]), make(0.1, global_clipnorm=5.0, weight_decay=0.1)
    for _ in range(3):
        w, v = opt.step(w, 2 * w), alone.step(v, 2 * v)
    assert np.shape(w) == () and w == v[0]
    assert SGD(0.1, clipnorm=1.0).step(1.0, 10.0) == pytest.approx(0.9)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@every
def test_the_weights_keep_their_dtype(make, dtype):
    """Also where a rate, a decay or a mask is an array."""
    mask = np.array([1.0, 0.0, 1.0])
    for settings in (
        {"learning_rate": np.array([[0.1], [0.2]])},
        {"learning_rate": 0.1, "weight_decay": mask},
        {"learning_rate": 0.1, "weight_decay": mask > 0},
        {"learning_rate": 0.1, "use_ema": True, "gradient_accumulation_steps": 2},
    ):
        opt, w = make(**settings), np.ones((2, 3), dtype)
        for _ in range(4):
            w = opt.step(w, w)
            assert w.dtype == dtype
        assert {np.result_type(getattr(opt, n)) for n in opt.state if np.ndim(getattr(opt, n))} <= {
            np.dtype(dtype)
        }


@every
def test_what_was_kept_of_the_state_is_not_written_over(make):
    for size in (10, 400_000):
        opt, w, g = make(0.1), np.ones(size), np.linspace(-1, 1, size)
        seen = []
        for _ in range(3):
            w = opt.step(w, g * w)
            seen.append([(v, np.array(v)) for v in (getattr(opt, n) for n in opt.state)])
        for state in seen:
            for value, before in state:
                np.testing.assert_array_equal(value, before)


@pytest.mark.parametrize("size", [4, 400_000])
def test_a_rule_may_remember_a_number_take_a_norm_and_begin_late(size):
    class Shrinking(optimizers.Optimizer):
        """Steps of length lr, half as long each time."""

        state = ("velocity", "product")

        def update(self, w, g, lr):
            self.product = self.product * 0.5 if self.iterations > 1 else 1.0
            self.velocity = self.product * lr * g / np.linalg.norm(g)
            return w - self.velocity

    opt, w = Shrinking(1.0), np.ones(size)
    for _ in range(3):
        w = opt.step(w, np.ones(size))
    assert np.linalg.norm(w - 1) == pytest.approx(1.75, rel=1e-9)
    late = Adam(0.01)
    late.iterations = 1000
    late_w = [late.step(np.ones(size), np.ones(size)) for _ in range(2)][-1]
    few = Adam(0.01)
    few.iterations = 1000
    few_w = [few.step(np.ones(2), np.ones(2)) for _ in range(2)][-1]
    assert (late_w == few_w[0]).all() and late.iterations == 1002


def test_a_rule_may_remember_the_gradient_itself():
    """In fit, too, where the memory of the gradient serves again for the next."""

    class Last(optimizers.Optimizer):
        state = ("last",)

        def update(self, w, g, lr):
            step, self.last = g - self.last, g
            return w - lr * step

    x, y = X[:32], Y[:32]
    model, w, last = compiled(Last(0.1)), compiled().w.copy(), 0.0
    model.fit(x, y, epochs=3, batch_size=16, shuffle=False)
    by_hand = compiled()
    for start in (0, 16) * 3:
        by_hand.w = w
        g = by_hand.loss_and_gradient(x[start : start + 16], y[start : start + 16])[1]
        w, last = w - 0.1 * (g - last), g
    np.testing.assert_allclose(model.w, w, rtol=1e-13)


def layouts(array):
    """The same numbers as Fortran order, as every second of more, backwards, and read-only."""
    wide = np.repeat(array, 2, axis=-1)[..., ::2]
    read_only = array.copy()
    read_only.flags.writeable = False
    return [np.asfortranarray(array), wide, array[..., ::-1].copy()[..., ::-1], read_only]


@st.composite
def walks(draw):
    """A rule with its settings, starting weights and gradients, (steps, ..., P)."""
    name = draw(st.sampled_from(sorted(RULES)))
    rule = RULES[name]
    settings = dict(rule.settings)
    settings |= draw(
        st.sampled_from([{}, {"clipvalue": 0.5}, {"global_clipnorm": 1.0}, {"clipnorm": 0.7}])
    )
    if draw(st.booleans()):
        settings["weight_decay"] = draw(st.sampled_from([0.0, 0.1]))
    settings["gradient_accumulation_steps"] = draw(st.sampled_from([None, 2, 3]))
    shape = draw(st.sampled_from([(), (1,), (3,), (17,), (2, 5), (3, 2, 4)]))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    dtype = draw(st.sampled_from([np.float32, np.float64]))
    w, g = rng.normal(size=shape).astype(dtype), rng.normal(size=(7, *shape)).astype(dtype)
    return getattr(optimizers, rule.kind), rule.rate, settings, w, g


def plain_loop(kind, rate, settings, w, gradients):
    """The path of one weight vector by the rule's own `update`, in Python's numbers or float64."""
    settings = dict(settings)
    n = settings.pop("gradient_accumulation_steps") or 1
    decay = settings.pop("weight_decay", 0.004 if kind is AdamW else None)
    limits = [settings.pop(name, None) for name in ("clipvalue", "global_clipnorm", "clipnorm")]
    value, length = limits[0], limits[1] or limits[2]
    rule = kind(rate, **settings)
    for i in range(0, len(gradients) - n + 1, n):
        g = sum(gradients[i : i + n]) / n
        if value:
            g = np.minimum(np.maximum(g, -value), value)
        if length and np.sqrt((g**2).sum()) > length:
            g = g * length / np.sqrt((g**2).sum())
        rule.iterations += 1
        w = w - rate * decay * w if decay else w
        w = rule.update(w, g, rate)
    return w


@given(walks(), st.sampled_from(sorted(COPIES)), st.integers(0, 6), st.integers(0, 3))
def test_every_rule_is_a_plain_loop_at_any_size_dtype_layout_and_copy(walk, duplicate, when, how):
    kind, rate, settings, w, gradients = walk
    opt, v = kind(rate, **settings), w
    for i, g in enumerate(gradients):
        if i == when:
            opt = COPIES[duplicate](opt)
        if g.ndim:
            v, g = layouts(v)[how], layouts(g)[how]
        v = opt.step(v, g)
    assert v.dtype == w.dtype and np.shape(v) == w.shape
    flat_w, flat_g = (
        np.reshape(w, (-1, *w.shape[-1:])),
        np.reshape(gradients, (7, -1, *w.shape[-1:])),
    )
    within = 1e-12 if w.dtype == np.float64 else 3e-4
    for i, row in enumerate(np.reshape(v, (-1, *w.shape[-1:]))):
        expected = plain_loop(
            kind, rate, settings, flat_w[i].astype(float), flat_g[:, i].astype(float)
        )
        np.testing.assert_allclose(row, expected, rtol=within, atol=within)
    if w.ndim > 1:  # replicas, to the last bit
        alone, row = kind(rate, **settings), w[0]
        for g in gradients[:, 0]:
            row = alone.step(row, g)
        np.testing.assert_array_equal(v[0], row)


def test_arrays_of_the_wrong_shape_are_named():
    opt = SGD(np.array([[0.1], [0.2]]))
    with pytest.raises(ValueError, match=r"out has shape \(3,\): expected \(2, 3\)"):
        opt.step(np.ones(3), np.ones(3), out=np.ones(3))
    with pytest.raises(ValueError, match=r"out has shape \(4, 3\): expected \(3,\)"):
        SGD(0.1).step(np.ones(3), np.ones(3), out=np.ones((4, 3)))
    one = SGD(0.1)
    one.step(np.ones(3), np.ones(3))
    with pytest.raises(
        ValueError, match=r"learning_rate has shape \(2, 1\) but the weights \(3,\)"
    ):
        one.learning_rate = np.array([[0.1], [0.2]])
    one.momentum = np.array([[0.1], [0.2]])
    with pytest.raises(ValueError, match=r"update has shape \(2, 3\) for weights of shape \(3,\)"):
        one.step(np.ones(3), np.ones(3))
    model = compiled(SGD(0.1))
    model.optimizer.learning_rate = np.array([[0.1], [0.2]])
    with pytest.raises(
        ValueError, match=r"ask for weights of shape \(2, 51\), but the model has \(51,"
    ):
        model.fit(X, Y)


def test_a_view_from_before_compile_is_one_after_it():
    model = MLP([2, 8, 3])
    W = model.layers[0][0]
    model.compile("sgd", CROSSENTROPY)
    W[...] = 7
    assert (model.w[:16] == 7).all()


# --- Keras' habits --------------------------------------------------------------------------------


class Diary(Callback):
    """Notes every hook that is called, and what it is told."""

    def __init__(self):
        self.entries = []

    def __getattribute__(self, name):
        hook = super().__getattribute__(name)
        if not name.startswith("on_") or name.startswith("on_batch"):
            return hook

        def noted(*arguments):
            logs = arguments[-1] if arguments and isinstance(arguments[-1], dict) else None
            numbers = [a for a in arguments if isinstance(a, int)]
            self.entries.append((name, *numbers, *(sorted(logs) if logs else ())))
            return hook(*arguments)

        return noted

    def on_train_batch_end(self, batch, logs=None):
        self.last = logs["loss"]


def test_all_hooks_are_called_in_the_order_of_keras():
    diary = Diary()
    model = compiled(metrics=())
    history = model.fit(X, Y, epochs=1, batch_size=25, validation_data=(X, Y), callbacks=diary)
    batches = [(f"on_train_batch_{end}", i) for i in (0, 1) for end in ("begin", "end")]
    assert diary.entries == [
        ("on_train_begin",),
        ("on_epoch_begin", 0),
        *[entry if "begin" in entry[0] else (*entry, "loss") for entry in batches],
        ("on_test_begin",),
        ("on_test_batch_begin", 0),
        ("on_test_batch_end", 0, "loss"),
        ("on_test_end", "loss"),
        ("on_epoch_end", 0, "loss", "val_loss"),
        ("on_train_end", "loss", "val_loss"),
    ]
    assert diary.last == history.history["loss"][0]
    assert diary.model is model and diary.params == {"verbose": "auto", "epochs": 1, "steps": 2}


def test_the_old_names_of_the_batch_hooks_work():
    class Old(Callback):
        batches = 0

        def on_batch_end(self, batch, logs=None):
            self.batches += 1

    old = Old()
    compiled().fit(X, Y, batch_size=10, callbacks=[old])
    assert old.batches == 5


@pytest.mark.parametrize("number", [None, [], (), Callback(), [Callback(), Callback()]])
def test_callbacks_may_be_none_one_or_many(number):
    model = compiled()
    assert model.fit(X, Y, callbacks=number) is model.history


def test_stop_training_ends_the_epoch_or_the_fit():
    class Stop(Callback):
        def on_epoch_end(self, epoch, logs=None):
            self.model.stop_training = epoch == 2

    class StopAtOnce(Callback):
        def on_train_batch_end(self, batch, logs=None):
            self.model.stop_training = batch == 1

    model = compiled(SGD(0.1))
    assert model.fit(X, Y, epochs=9, callbacks=[Stop()]).epoch == [0, 1, 2]
    assert model.fit(X, Y, epochs=2).epoch == [0, 1]
    steps = model.optimizer.iterations
    assert model.fit(X, Y, epochs=9, batch_size=10, callbacks=[StopAtOnce()]).epoch == [0]
    assert model.optimizer.iterations == steps + 2


def test_early_stopping_restores_the_best_weights():
    x, y = X[:16], np.arange(16) % 3  # nothing to learn: the validation loss soon rises
    model = compiled(Adam(0.05), sizes=(2, 32, 3))
    stop = EarlyStopping(patience=3, restore_best_weights=True)
    history = model.fit(x, y, epochs=200, validation_data=(X[16:], Y[16:]), callbacks=stop)
    values = history.history["val_loss"]
    assert stop.best_epoch == np.argmin(values) == stop.stopped_epoch - 3 == len(values) - 4
    assert model.evaluate(X[16:], Y[16:])[0] == pytest.approx(min(values), rel=1e-12)


@pytest.mark.parametrize("best", [False, True])
def test_early_stopping_of_replicas_is_that_of_single_runs(best):
    rates, ends = np.array([0.002, 0.03, 0.2]), set()
    x, y, validation = X[:16], np.arange(16) % 3, (X[16:], Y[16:])
    fit = {"epochs": 40, "validation_data": validation}
    together, stop = compiled(Adam(rates[:, None])), EarlyStopping("val_loss", 0, 2)
    stop.restore_best_weights = best
    together.fit(x, y, callbacks=stop, **fit)
    for i, rate in enumerate(rates):
        alone, watch = compiled(Adam(float(rate))), EarlyStopping("val_loss", 0, 2)
        watch.restore_best_weights = best
        alone.fit(x, y, callbacks=watch, **fit)
        np.testing.assert_array_equal(together.w[i], alone.w)
        assert watch.stopped_epoch == stop.stopped_epoch[i]
        ends.add(int(watch.stopped_epoch))
    assert len(ends) > 1


def test_what_is_printed():
    for verbose, lines in ((0, 0), ("auto", 0), (1, 0), (2, 3)):
        with redirect_stdout(StringIO()) as printed:
            compiled().fit(X, Y, epochs=3, verbose=verbose)
        assert printed.getvalue().count("Epoch ") == lines
    with redirect_stdout(StringIO()) as printed:
        stop, cut = EarlyStopping("loss", 9, 1, verbose=1), ReduceLROnPlateau("loss", 0.5, 1, 1)
        cut.min_delta = 9
        compiled(SGD(0.1)).fit(X, Y, epochs=9, callbacks=[stop, cut])
    assert "Epoch 2: early stopping" in printed.getvalue()
    assert "Epoch 2: ReduceLROnPlateau reducing learning rate to 0.05" in printed.getvalue()


def test_the_history_has_the_rates_where_they_are_cut():
    model = compiled(SGD(np.array([[0.1], [0.2]])))
    cut = ReduceLROnPlateau("loss", 0.5, 1, min_delta=9)
    rates = model.fit(X, Y, epochs=3, callbacks=cut).history["learning_rate"]
    np.testing.assert_allclose(rates, [[0.1, 0.2], [0.1, 0.2], [0.05, 0.1]])
    history = compiled(SGD(0.1)).fit(X, Y, epochs=3, callbacks=cut).history
    assert history["learning_rate"] == [0.1, 0.1, 0.05]


def test_initial_epoch_and_batch_size_none():
    model = compiled()
    assert model.fit(X, Y, epochs=5, initial_epoch=3, batch_size=None).epoch == [3, 4]
    assert model.optimizer.iterations == 4
    assert model.fit(X, Y, epochs=3, initial_epoch=3).epoch == []


def test_validation_split_takes_the_last_samples_before_they_are_shuffled():
    split, by_hand = compiled(SGD(0.1)), compiled(SGD(0.1))
    a = split.fit(X, Y, epochs=2, validation_split=0.3).history
    b = by_hand.fit(X[:35], Y[:35], epochs=2, validation_data=(X[35:], Y[35:])).history
    assert a == b and np.array_equal(split.w, by_hand.w)
    with pytest.raises(
        ValueError, match=r"validation_split=0.999 of 50 samples leaves none to train"
    ):
        compiled().fit(X, Y, validation_split=0.999)


@pytest.mark.parametrize(
    "wrong", [X, (X,), (X, Y, np.ones(50)), data.Split((X, Y), (X, Y), (X, Y)), "all"]
)
def test_validation_data_is_a_pair(wrong):
    with pytest.raises(ValueError, match=r"validation_data is no pair \(x, y\)"):
        compiled().fit(X, Y, validation_data=wrong)
    compiled().fit(X, Y, validation_data=[X, Y])


@pytest.mark.parametrize("labels", [Y.astype(float), Y[:, None], Y[:, None].astype(float)])
def test_labels_may_be_floats_and_columns(labels):
    assert compiled().evaluate(X, labels) == compiled().evaluate(X, Y)


def test_evaluate_without_metrics_is_a_number():
    assert type(compiled(metrics=()).evaluate(X, Y)) is float
    assert compiled(metrics=(), seed=[1, 2]).evaluate(X, Y).shape == (2,)
    assert compiled(metrics=()).evaluate(X, Y, return_dict=True).keys() == {"loss"}


def test_fit_ends_with_the_mean_of_the_weights():
    x, y = X[:32], Y[:32]
    model = compiled(SGD(0.1, use_ema=True, ema_momentum=0.5))
    model.fit(x, y, epochs=3, batch_size=32, shuffle=False)
    plain, mean = compiled(SGD(0.1)), None
    for _ in range(3):
        plain.fit(x, y, batch_size=32, shuffle=False)
        mean = plain.w if mean is None else 0.5 * mean + 0.5 * plain.w
    np.testing.assert_allclose(model.w, mean, rtol=1e-14)


@pytest.mark.parametrize("restore", [False, True])
def test_replicas_that_end_early_end_with_the_means_of_the_runs_alone(restore):
    """The weights of each replica at its own end: the mean of its weights, or its best ones."""
    rates = np.array([0.02, 3.0])
    stop = {"monitor": "loss", "patience": 1, "restore_best_weights": restore}

    def trained(rate, seed):
        model = compiled(SGD(rate, use_ema=True, ema_momentum=0.9), seed=seed)
        early = EarlyStopping(**stop)
        model.fit(X, Y, epochs=8, batch_size=16, callbacks=[early])
        return model.w, np.asarray(early.stopped_epoch)

    alone = [trained(rate, 0) for rate in rates]
    together, ends = trained(rates[:, None], np.zeros(2, dtype=int))
    assert list(ends) == [end for _, end in alone] and len(set(ends)) == 2
    for one, (w, _) in zip(together, alone, strict=True):
        np.testing.assert_allclose(one, w, rtol=1e-12)


def bursting(rates, seed=0, start=2, **settings):
    """Weights, early end and divergence of a training whose rate becomes huge at `start`."""
    model = compiled(SGD(rates, **settings), "mse", (), seed=seed)

    class Burst(Callback):
        def on_epoch_end(self, epoch, logs=None):
            if epoch == start:
                self.model.optimizer.learning_rate = self.model.optimizer.learning_rate * 1e200

    early = EarlyStopping("loss", patience=1, min_delta=1e-3)
    history = model.fit(X, np.eye(3)[Y], epochs=9, callbacks=[early, Burst()])
    return model.w, early.stopped_epoch, history.stopped


@pytest.mark.parametrize("use_ema", [False, True])
@pytest.mark.filterwarnings("ignore:.*replicas? diverged:RuntimeWarning", "ignore:the run diverged")
def test_a_replica_that_ended_early_has_not_diverged_later(use_ema):
    """Each as the run alone: here one ends before the rates burst, the other diverges."""
    rates, settings = np.array([1e-9, 0.05]), {"use_ema": use_ema, "ema_momentum": 0.5}
    together = bursting(rates[:, None], np.zeros(2, dtype=int), **settings)
    for i, rate in enumerate(rates):
        for one, alone in zip(together, bursting(float(rate), **settings), strict=True):
            np.testing.assert_allclose(one[i], alone, rtol=1e-12)
    assert together[2][0] == 0 < together[2][1] and np.isfinite(together[0]).all()


def test_clipnorm_is_by_layer():
    w, g = np.zeros(8), np.array([3.0, 4.0, 0, 0, 0, 0, 0.3, 0.4])
    opt = SGD(1.0, clipnorm=1.0)
    opt.build([(2, 3), (2,)])
    np.testing.assert_allclose(-opt.step(w, g), [0.6, 0.8, 0, 0, 0, 0, 0.3, 0.4])
    model, norms = compiled(SGD(1.0, clipnorm=1e-3)), []
    before = model.get_weights()
    model.fit(X, Y, batch_size=50)
    norms = [np.linalg.norm(a - b) for a, b in zip(before, model.get_weights(), strict=True)]
    np.testing.assert_allclose(norms, 1e-3)
    with pytest.raises(ValueError, match="g has 4 numbers, but build was told 8"):
        opt.reset().step(np.ones(4), np.ones(4))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: SGD("0.1"), ValueError, "learning_rate='0.1' is not a number"),
        (lambda: SGD(True), ValueError, "learning_rate=True is not a number"),
        (lambda: SGD(1j), ValueError, "learning_rate=1j is not a number"),
        (lambda: SGD(np.array([[1j]])), ValueError, "is not a number"),
        (lambda: SGD(None), ValueError, "learning_rate=None is out of range"),
        (
            lambda: SGD(schedules.CosineDecay),
            ValueError,
            "learning_rate=CosineDecay is a class: call it with its arguments",
        ),
        (lambda: AdamW(weight_decay=None), ValueError, "AdamW takes a number for weight_decay"),
        (
            lambda: setattr(SGD(schedules.CosineDecay(0.1, 9)), "learning_rate", 0.5),
            TypeError,
            "learning_rate=0.5 cannot replace a schedule",
        ),
        (lambda: setattr(SGD(), "lr", 0.5), AttributeError, "no lr: its rate is learning_rate"),
        (lambda: SGD().lr, AttributeError, "no lr: its rate is learning_rate"),
        (lambda: SGD(clipnorm=1, clipvalue=1), ValueError, "SGD takes one of clipnorm, clipvalue"),
        (lambda: SGD(clipvalue=0), ValueError, "clipvalue=0"),
        (lambda: SGD(clipnorm=-1), ValueError, "clipnorm=-1"),
        (lambda: SGD(ema_momentum=1.5), ValueError, "ema_momentum=1.5"),
        (lambda: SGD(ema_overwrite_frequency=0), ValueError, "ema_overwrite_frequency=0"),
        (lambda: SGD(gradient_accumulation_steps=1), ValueError, "gradient_accumulation_steps=1"),
        (lambda: SGD(loss_scale_factor=2.0), ValueError, "SGD takes no loss_scale_factor: all"),
        (lambda: SGD(0.1, momentun=0.9), TypeError, "SGD has no argument 'momentun'"),
        (
            lambda: compiled().compile("sgd", CROSSENTROPY, jit_compile=True),
            ValueError,
            "compile takes no jit_compile: numpy compiles nothing",
        ),
        (
            lambda: compiled().fit(X, Y, sample_weight=np.ones(50)),
            ValueError,
            "fit takes no sample_weight: every sample counts alike",
        ),
        (
            lambda: compiled().fit(X, Y, class_weight={0: 2}),
            ValueError,
            "fit takes no class_weight",
        ),
        (lambda: compiled().fit(X, Y, epoch=2), TypeError, "fit has no argument 'epoch'"),
        (lambda: compiled().evaluate(X, Y, steps=3), ValueError, "evaluate takes no steps"),
        (lambda: compiled().predict(X, callbacks=[]), ValueError, "predict takes no callbacks"),
        (lambda: compiled().fit(X, Y, callbacks=[3]), ValueError, "callbacks has 3: expected"),
        (lambda: compiled().fit(X, Y, callbacks=3), ValueError, "callbacks has 3: expected"),
        (
            lambda: compiled().fit(X, Y, callbacks=EarlyStopping),
            ValueError,
            "callbacks has <class .*EarlyStopping'>: expected objects of class",
        ),
        (lambda: callbacks.ModelCheckpoint, AttributeError, "ModelCheckpoint is not here"),
        (lambda: compiled().fit(X, Y, initial_epoch=-1), ValueError, "initial_epoch=-1"),
    ],
)
def test_what_is_not_here_says_so(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_values_of_keras_that_change_nothing_are_taken():
    model = compiled()
    model.compile("sgd", CROSSENTROPY, metrics=None, jit_compile="auto", run_eagerly=False)
    model.fit(X, Y, verbose=0, class_weight=None, sample_weight=None, validation_freq=1)
    assert model.evaluate(X, Y, 32, 0, steps=None) == model.evaluate(X, Y)
    np.testing.assert_array_equal(model.predict(X, 32, 0, callbacks=None), model.predict(X))


# --- errors ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("clip", ["global_clipnorm", "clipnorm"])
@pytest.mark.parametrize(("huge", "dtype"), [(1e200, np.float64), (1e20, np.float32)])
def test_clipping_that_overflows_is_loud(clip, huge, dtype):
    opt = SGD(0.1, **{clip: 1.0})
    g = np.array([[huge, 1.0], [1.0, 1.0]], dtype)
    with pytest.warns(RuntimeWarning, match=r"squares of g overflow at step 0, .* clipped to 1.0"):
        w = opt.step(np.zeros((2, 2), dtype), g)
    assert np.isnan(w[0]).all() and np.isfinite(w[1]).all()


def test_a_fit_after_a_divergence_is_told_of_reset():
    model = compiled(SGD(1e200, momentum=0.9), "mse", ())
    start, y = model.w, np.eye(3)[Y]
    with pytest.warns(
        RuntimeWarning, match=r"remembers the steps that led there until its reset\(\)"
    ):
        model.fit(X, y, epochs=3)
    model.w, model.optimizer.learning_rate = start, 1e-4
    model.optimizer.reset()
    assert model.fit(X, y, epochs=2).stopped == 0


def tiny_sweep(build=lambda s: MLP([2, 3], seed=s), optimizer=SGD, rates=(0.1, 0.2), seeds=(0, 1)):
    split = data.Split((X, Y), (X, Y), (X, Y))
    return training.sweep(build, optimizer, rates, split, seeds, epochs=1)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: tiny_sweep(optimizer="adam"), "optimizer='adam' is no function"),
        (lambda: tiny_sweep(optimizer=SGD(0.1)), r"optimizer=SGD\(.*\) is no function"),
        (lambda: tiny_sweep(build=MLP([2, 3])), "build=<.*MLP.*> is no function"),
        (
            lambda: tiny_sweep(optimizer=lambda rate: SGD(0.1)),
            r"optimizer makes SGD\(learning_rate=0.1\) of learning rates .*: it has to pass",
        ),
        (
            lambda: tiny_sweep(build=lambda seeds: MLP([2, 3], seed=0)),
            r"build makes networks of shape \(\) of seeds of shape \(2,\): it has to pass them on",
        ),
        (
            lambda: surfaces.descend(SGD(0.1), surfaces.bowl(), noise=1, rng=0),
            r"noise=1.0 needs an rng such as np.random.default_rng\(0\): rng=0",
        ),
        (
            lambda: training.sweep(MLP, SGD, [0.1], (X, Y)),
            "data has 2 parts: expected pairs to train, validate and test",
        ),
        (lambda: surfaces.descend("sgd", surfaces.bowl()), "optimizer='sgd' is no optimizer"),
        (lambda: surfaces.descend(SGD(0.1), "bowl"), "surface='bowl' is no surface, such as"),
        (lambda: surfaces.descend(SGD(0.1), surfaces.bowl), "surface=<function bowl .* no surface"),
        (lambda: surfaces.descend(SGD(0.1), surfaces.Beale), "surface=<class .*Beale'> is no surf"),
        (
            lambda: surfaces.descend(SGD, surfaces.bowl()),
            "optimizer=<class .*SGD'> is no optimizer",
        ),
    ],
)
def test_wrong_things_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_a_schedule_may_grow_beyond_all_numbers():
    assert schedules.ExponentialDecay(0.1, 1, 2.0)(2000) == np.inf
    assert schedules.CosineDecayRestarts(0.1, 1, 1.0, 10.0)(2000) == np.inf
    with pytest.raises(ValueError, match="learning_rate=inf is out of range"):
        opt = SGD(schedules.ExponentialDecay(0.1, 1, 2.0))
        opt.iterations = 2000
        opt.step(1.0, 1.0)


def test_a_surface_with_an_infinite_slope_is_a_divergence():
    class Cliff(surfaces.Surface):
        name = "cliff"

        def value(self, x, y):
            return x * 0.0

        def slopes(self, x, y):
            return np.where(x > 0, np.inf, -1.0), y

    starts = np.array([[-5.0, 1.0], [-1.5, 1.0]])
    with pytest.warns(RuntimeWarning, match="1 of 2 replicas diverged, the first at step 3"):
        path = surfaces.descend(SGD(1.0), Cliff(), starts, steps=4)
    assert np.isfinite(path[:, 0]).all() and np.isnan(path[3:, 1]).all()


def test_an_underflow_means_zero_and_is_no_error():
    with np.errstate(all="raise"):
        for model in (compiled(Adam(1e-3)), compiled(RMSprop(1e-3), seed=[1, 2])):
            model.fit(1000 * X, Y, epochs=2, validation_data=(1000 * X, Y))
            model.evaluate(1000 * X, Y)
            model.predict(1000 * X)
            model.loss_and_gradient(1000 * X, Y)
        surfaces.descend(Adam(0.1), surfaces.bowl(), (1e-200, 1e-200))


def test_training_after_all_that_warns_of_nothing():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        compiled(Adam(1e-3, clipnorm=1.0, use_ema=True)).fit(X, Y, epochs=2, verbose=0)
