"""compile, fit, evaluate: replicas, divergence, callbacks, the sweep, and bad input."""

import platform
import subprocess
import sys
import warnings

import numpy as np
import pytest

from optimlib import callbacks, data, losses, optimizers, schedules, training
from optimlib.mlp import MLP
from optimlib.networks.rnn import RNN


@pytest.fixture(scope="module")
def digits():
    return data.load_digits()


def tiny(samples=50, seed=0):
    """Three clouds of points in the plane, far apart."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 3, samples)
    return np.array([[0, 0], [4, 0], [0, 4]])[y] + rng.normal(size=(samples, 2)), y


def compiled(
    optimizer, sizes=(2, 8, 3), metrics=("accuracy",), loss="categorical_crossentropy", **settings
):
    model = MLP(sizes, **settings)
    model.compile(optimizer, loss, list(metrics))
    return model


@pytest.mark.parametrize(
    "optimizer",
    [
        optimizers.Adam(learning_rate=1e-3),
        optimizers.SGD(learning_rate=0.01, momentum=0.9),
        optimizers.RMSprop(learning_rate=1e-3),
        optimizers.AdamW(learning_rate=1e-3, weight_decay=1e-2),
    ],
    ids=repr,
)
def test_the_keras_lines_train_the_digits(optimizer, digits):
    model = MLP([64, 32, 10])
    model.compile(optimizer=optimizer, loss="categorical_crossentropy", metrics=["accuracy"])
    history = model.fit(*digits.train, epochs=20, batch_size=32, validation_data=digits.validation)
    assert list(history.history) == ["loss", "accuracy", "val_loss", "val_accuracy"]
    assert all(len(v) == 20 and type(v[0]) is float for v in history.history.values())
    loss, accuracy = model.evaluate(*digits.test)
    assert accuracy > 0.9 and history.history["loss"][-1] < history.history["loss"][0] / 3
    assert model.evaluate(*digits.test, return_dict=True) == {"loss": loss, "accuracy": accuracy}
    assert (model.predict(digits.test[0]).argmax(axis=-1) == digits.test[1]).mean() == accuracy


def test_one_epoch_is_the_loop_written_out():
    x, y = tiny()
    model, rng = compiled(optimizers.Adam(0.01), seed=4), np.random.default_rng(4)
    w, opt = model.w.copy(), optimizers.Adam(0.01)
    drawn = np.concatenate([part.ravel() for part in model.initialize(rng)])
    np.testing.assert_array_equal(drawn, w)  # the seed draws the weights, then the order
    order, losses = rng.permutation(50), []
    for batch in np.split(order, [16, 32, 48]):
        model.w[...] = w
        loss, g = model.loss_and_gradient(x[batch], y[batch])
        losses.append(len(batch) * loss)
        w = opt.step(w, g)
    fitted = compiled(optimizers.Adam(0.01), seed=4)
    history = fitted.fit(x, y, epochs=1, batch_size=16)
    np.testing.assert_allclose(fitted.w, w, rtol=1e-12)
    assert history.history["loss"][0] == pytest.approx(sum(losses) / 50)
    assert fitted.optimizer.iterations == 4  # the last batch has two samples


def test_fitting_twice_goes_on():
    x, y = tiny()
    twice, once = (
        compiled(optimizers.SGD(0.1, momentum=0.9)),
        compiled(optimizers.SGD(0.1, momentum=0.9)),
    )
    twice.fit(x, y, epochs=2)
    twice.fit(x, y, epochs=3)
    once.fit(x, y, epochs=5)
    np.testing.assert_array_equal(twice.w, once.w)


def test_without_shuffling_the_order_is_kept():
    x, y = tiny()
    a, b = compiled(optimizers.SGD(0.1)), compiled(optimizers.SGD(0.1))
    a.fit(x, y, epochs=2, shuffle=False)
    for start in (0, 32) * 2:
        b.w = b.optimizer.step(
            b.w, b.loss_and_gradient(x[start : start + 32], y[start : start + 32])[1]
        )
    np.testing.assert_allclose(a.w, b.w, rtol=1e-13)


@pytest.mark.parametrize(
    "make",
    [lambda lr: optimizers.Adam(lr), lambda lr: optimizers.SGD(lr, momentum=0.9, weight_decay=0.1)],
)
def test_replicas_equal_single_runs_to_the_last_bit(make, digits):
    rates, seeds = np.array([0.003, 0.1]), [3, 5, 8]
    together = compiled(make(rates[:, None, None]), (64, 32, 10), seed=seeds)
    record = together.fit(*digits.train, epochs=2, validation_data=digits.validation).history
    assert record["val_loss"][0].shape == (2, 3)
    for i, rate in enumerate(rates):
        for j, seed in enumerate(seeds):
            alone = compiled(make(float(rate)), (64, 32, 10), seed=seed)
            single = alone.fit(*digits.train, epochs=2, validation_data=digits.validation).history
            np.testing.assert_array_equal(together.w[i, j], alone.w)
            for name, values in single.items():
                np.testing.assert_array_equal([v[i, j] for v in record[name]], values)


def test_regression_with_mean_squared_error():
    x = np.linspace(-1, 1, 40)[:, None]
    model = compiled(
        optimizers.Adam(0.02), (1, 16, 1), ["mae"], "mean_squared_error", activation="tanh"
    )
    history = model.fit(x, np.sin(3 * x[:, 0]), epochs=200)
    assert history.history["loss"][-1] < 0.01 and history.history["mae"][-1] < 0.1


def test_l2_pulls_the_weights_in():
    x, y = tiny()
    norms = []
    for l2 in (0.0, 0.1):
        model = compiled(optimizers.SGD(0.1), l2=l2)
        model.fit(x, y, epochs=20)
        norms.append(np.linalg.norm(model.w))
    assert norms[1] < 0.7 * norms[0]


def diverging(seed=0):
    return compiled(optimizers.SGD(1e200), (2, 8, 3), loss="mse", seed=seed)


def test_a_diverging_run_stops_with_its_last_finite_weights_and_says_so():
    x, y = tiny()
    model = diverging()
    with pytest.warns(
        RuntimeWarning,
        match=r"the run diverged at epoch 1 with learning_rate=1e\+200: it stopped there",
    ):
        history = model.fit(x, np.eye(3)[y], epochs=20)
    assert (
        history.stopped == 1 and history.history["loss"] == [np.inf] and np.isfinite(model.w).all()
    )


def test_a_diverging_replica_leaves_the_others_alone():
    x, y = tiny()
    y = np.eye(3)[y]
    both = compiled(optimizers.SGD(np.array([[0.01], [1e200]])), loss="mse")
    with pytest.warns(RuntimeWarning, match="1 of 2 replicas diverged, the first at epoch 1"):
        history = both.fit(x, y, epochs=3, validation_data=(x, y))
    alone = compiled(optimizers.SGD(0.01), loss="mse")
    alone.fit(x, y, epochs=3)
    np.testing.assert_array_equal(both.w[0], alone.w)
    assert list(history.stopped) == [0, 1] and len(history.history["loss"]) == 3
    assert (
        np.isfinite(history.history["val_loss"])[:, 0].all()
        and np.isinf(history.history["val_loss"])[:, 1].all()
    )
    assert np.isnan(history.history["accuracy"])[:, 1].all()


@pytest.mark.parametrize("samples", [50, 16])
def test_a_step_that_overflows_by_itself_is_not_taken(samples):
    """Finite loss and gradient, and yet no finite weights: also where it is the last step of the
    fit.
    """
    x, y = tiny(samples)
    x = 10 * x
    model = compiled(optimizers.SGD(np.array([[0.01], [1.7e308]])))
    before = model.w[1].copy()
    with pytest.warns(
        RuntimeWarning,
        match=r"1 of 2 replicas diverged, the first at epoch 1 with learning_rate=1.7e\+308",
    ):
        history = model.fit(x, y, batch_size=16, validation_data=(x, y))
    np.testing.assert_array_equal(model.w[1], before)
    alone = compiled(optimizers.SGD(0.01))
    alone.fit(x, y, batch_size=16)
    np.testing.assert_array_equal(model.w[0], alone.w)
    assert list(history.stopped) == [0, 1] and history.history["val_loss"][0][1] == np.inf


def test_a_replica_that_stops_in_mid_epoch_keeps_the_weights_it_had():
    def loss_that_breaks(z, y):
        """Infinite for the first network from the fourth batch on."""
        p, loss, delta = losses.categorical_crossentropy(z, y)
        batches.append(None)
        if len(batches) > 3:
            loss[(0,) if loss.ndim > 1 else ...] = np.inf
        return p, loss, delta

    x, y = tiny()
    ends = []
    for seed in (0, [0, 1]):
        batches = []
        model = compiled(optimizers.SGD(0.1, momentum=0.9), loss=loss_that_breaks, seed=seed)
        with pytest.warns(RuntimeWarning, match="diverged"):
            model.fit(x, y, epochs=2, batch_size=10)
        ends.append(model.w)
    # the velocity of the three steps before moves it no further, beside others as alone
    np.testing.assert_array_equal(ends[1][0], ends[0])


def test_weights_that_overflow_on_the_validation_data_are_a_divergence():
    x, y = tiny(16)
    model = compiled(optimizers.SGD(1e308), loss="mse")
    with pytest.warns(RuntimeWarning, match="the run diverged at epoch 1"):
        history = model.fit(
            1e-3 * x, np.eye(3)[y], batch_size=16, validation_data=(x, np.eye(3)[y])
        )
    assert history.history["val_loss"] == [np.inf] and np.isfinite(model.w).all()


def test_a_gradient_whose_square_overflows_is_finite():
    x, y = tiny()
    model = compiled(optimizers.SGD(1e-160), loss="mse")
    history = model.fit(x * 1e80, np.eye(3)[y], batch_size=50)
    assert history.stopped == 0


def test_training_that_goes_well_warns_of_nothing(digits):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        compiled(optimizers.Adam(), (64, 32, 10)).fit(*digits.train, epochs=1)


def plateau_trace(values, rate=1.0, **settings):
    """The rates after each epoch in which ReduceLROnPlateau saw these values."""
    model = compiled(optimizers.SGD(rate))
    callback, trace = callbacks.ReduceLROnPlateau(**settings), []
    callback.model = model
    for epoch, value in enumerate(values):
        callback.on_epoch_end(
            epoch, {"val_loss": np.asarray(value), "val_accuracy": np.asarray(value)}
        )
        trace.append(model.optimizer.learning_rate)
    return trace


def test_reduce_on_plateau_by_pencil():
    assert plateau_trace([1.0, 0.9, 0.9, 0.9, 0.8], factor=0.5, patience=2) == [1, 1, 1, 0.5, 0.5]
    assert plateau_trace([1.0, 1.0, 1.0], factor=0.5, patience=1, min_lr=0.4) == [1, 0.5, 0.4]
    assert plateau_trace([1.0] * 6, factor=0.5, patience=1, cooldown=2) == [
        1,
        0.5,
        0.5,
        0.25,
        0.25,
        0.125,
    ]
    assert plateau_trace([1.0, 0.99, 0.98], factor=0.5, patience=1, min_delta=0.1) == [1, 0.5, 0.25]
    assert plateau_trace([0.5, 0.6, 0.7], factor=0.5, patience=1, monitor="val_accuracy") == [
        1,
        1,
        1,
    ]
    assert plateau_trace([0.5, 0.6, 0.7], factor=0.5, patience=1, mode="min") == [1, 0.5, 0.25]


def early_trace(values, **settings):
    """EarlyStopping after these values, and the epochs that it saw."""
    model = compiled(optimizers.SGD(0.1))
    model.history = callbacks.History()
    early = callbacks.EarlyStopping("val_loss", **settings)
    early.model, model.stop_training = model, False
    early.on_train_begin()
    for epoch, value in enumerate(values):
        early.on_epoch_end(epoch, {"val_loss": np.asarray(value)})
        if model.stop_training:
            break
    early.on_train_end()
    return early, epoch + 1


def test_early_stopping_by_pencil():
    assert early_trace([3.0, 2.0, 2.5, 2.5], patience=2)[1] == 4
    falls = [1.0, 0.9, 0.8, 0.7, 0.6]  # always better, and above the baseline but for the last
    assert early_trace(falls, patience=2, baseline=0.65)[1] == 5
    # what is worse ends it once `patience` epochs have not come below the baseline by min_delta
    values = [0.8, 0.64, 0.9, 0.9, 0.9, 0.9]
    assert early_trace(values, patience=3, baseline=0.65)[1] == 5
    assert early_trace(values, patience=3, baseline=0.65, min_delta=0.05)[1] == 3
    assert early_trace([0.8, 0.9, 0.9, 0.9], patience=3, baseline=0.65)[1] == 3
    assert early_trace([0.8, 0.9], patience=3, baseline=0.65)[0].stopped_epoch == 0
    # where more is better a difference counts as it is
    rising, epochs = early_trace([0.5, 0.6, 0.7], patience=1, mode="max", min_delta=0.15)
    assert epochs == 2 and rising.best_epoch == 0


def test_epochs_that_do_not_count_leave_early_stopping_as_it_began(capsys):
    early, epochs = early_trace([1.0, 2.0, 3.0], start_from_epoch=9, restore_best_weights=True)
    before = compiled(optimizers.SGD(0.1)).w
    assert (epochs, early.best_epoch, early.stopped_epoch) == (3, 0, 0)
    np.testing.assert_array_equal(early.model.w, before)
    early_trace([1.0, 2.0, 3.0], patience=1)
    early_trace([3.0, 2.0, 1.0], patience=1, verbose=1)  # it never ends
    assert capsys.readouterr().out == ""


def test_no_epoch_is_a_cooldown_before_the_first_cut():
    values = [1.0, 1.0]
    assert plateau_trace(values, factor=0.5, patience=1, cooldown=5) == [1, 0.5]
    model = compiled(optimizers.SGD(1.0))
    cut = callbacks.ReduceLROnPlateau(factor=0.5, patience=2, min_delta=9)
    cut.model = model
    cut.on_train_begin()
    cut.on_epoch_end(0, {"val_loss": np.array(1.0)})
    assert cut.wait == 0 and cut.cooldown_counter == 0


@pytest.mark.parametrize(
    "name", ["on_batch_begin", "on_batch_end", "on_train_batch_begin", "on_train_batch_end"]
)
def test_each_name_of_a_batch_s_hook_is_called(name):
    seen, (x, y) = [], tiny()
    hook = type(
        "Hook", (callbacks.Callback,), {name: lambda self, batch, logs=None: seen.append(batch)}
    )
    compiled(optimizers.SGD(0.1)).fit(x, y, epochs=1, batch_size=1, callbacks=[hook()])
    assert seen == list(range(len(x)))
    idle = callbacks.CallbackList([callbacks.Callback()], callbacks.History(), None, {})
    assert (
        not idle.by_batch
        and callbacks.CallbackList([hook()], idle.callbacks[-1], None, {}).by_batch
    )


def test_reduce_on_plateau_judges_replicas_one_by_one():
    rates = plateau_trace(
        [[1.0, 1.0], [0.5, 1.0]], rate=np.array([[1.0], [1.0]]), factor=0.5, patience=1
    )[-1]
    np.testing.assert_array_equal(rates, [[1.0], [0.5]])


def test_callbacks_are_called_by_fit(digits):
    model = compiled(optimizers.SGD(0.1), (64, 10))
    model.fit(
        *digits.train,
        epochs=3,
        callbacks=[callbacks.ReduceLROnPlateau("loss", factor=0.5, patience=1, min_delta=100)],
    )
    assert model.optimizer.learning_rate == 0.025
    with pytest.raises(
        ValueError, match="monitor='val_loss' is not recorded: expected one of 'loss', 'accuracy'"
    ):
        model.fit(*digits.train, callbacks=[callbacks.ReduceLROnPlateau()])
    scheduled = compiled(optimizers.SGD(schedules.CosineDecay(0.1, 10)), (64, 10))
    with pytest.raises(ValueError, match=r"needs a constant learning_rate, not SGD\(.*Cosine"):
        scheduled.fit(*digits.train, callbacks=[callbacks.ReduceLROnPlateau("loss")])
    assert scheduled.optimizer.iterations == 0


def test_a_callback_begins_anew_with_every_fit():
    x, y = tiny()
    plateau = callbacks.ReduceLROnPlateau("loss", factor=0.5, patience=2, min_delta=100)
    for seeds in (0, [1, 2], [1, 2, 3]):
        model = compiled(optimizers.SGD(0.1), seed=seeds)
        model.fit(x, y, epochs=3, callbacks=[plateau])
        np.testing.assert_array_equal(
            model.optimizer.learning_rate,
            np.full((*model.w.shape[:-1], 1), 0.05) if model.w.ndim > 1 else 0.05,
        )


def test_sweep_is_every_single_run(digits):
    rates = [0.01, 0.1, 1.0]

    def build(seed):
        return MLP([64, 16, 10], seed=seed)

    result = training.sweep(build, optimizers.SGD, rates, digits, seeds=[2, 9], epochs=3, chunk=4)
    assert result["val_loss"].shape == (3, 2, 3) and result["test_accuracy"].shape == (3, 2)
    alone = build(9)
    alone.compile(optimizers.SGD(0.1), "categorical_crossentropy", ["accuracy"])
    history = alone.fit(*digits.train, epochs=3, validation_data=digits.validation)
    np.testing.assert_array_equal(result["val_loss"][1, 1], history.history["val_loss"])
    assert result["test_loss"][1, 1] == alone.evaluate(*digits.test)[0]
    np.testing.assert_array_equal(result["learning_rate"], rates)


def test_sweep_by_default_takes_five_seeds_and_twenty_epochs(digits):
    few = data.Split(*((x[:20], y[:20]) for x, y in digits))
    assert training.sweep(lambda seed: MLP([64, 10], seed=seed), optimizers.SGD, 0.1, few)[
        "loss"
    ].shape == (1, 5, 20)


def test_sweep_keeps_its_shape_where_every_run_stops_early(digits):
    def late(rates):
        """Harmless for the two epochs, then none."""
        return optimizers.SGD(lambda step: rates if step < 64 else rates + 1.7e308)

    with pytest.warns(RuntimeWarning, match="diverged"):
        result = training.sweep(
            lambda seed: MLP([64, 10], seed=seed), late, [0.1, 10.0], digits, seeds=[0], epochs=6
        )
    assert result["loss"].shape == result["val_accuracy"].shape == (2, 1, 6)
    np.testing.assert_array_equal(np.isinf(result["loss"]), [[[False] * 2 + [True] * 4]] * 2)
    assert np.isinf(result["test_loss"]).all() and np.isnan(result["test_accuracy"]).all()


def test_sweep_shows_diverged_runs_as_infinite(digits):
    wild = data.Split(*((x * 1e200, y) for x, y in digits))
    with pytest.warns(RuntimeWarning, match="diverged"):
        result = training.sweep(
            lambda seed: MLP([64, 10], seed=seed),
            optimizers.SGD,
            [1e200],
            wild,
            seeds=[0],
            epochs=2,
        )
    assert np.isinf(result["test_loss"]).all() and np.isnan(result["test_accuracy"]).all()
    assert result["loss"].shape == (1, 1, 2)


def test_a_loss_of_one_s_own_takes_numbers_and_labels():
    """Numbers are targets; whole numbers are labels where there is an output for each class."""

    def halved(z, y):
        p, loss, delta = losses.mean_squared_error(z, y)
        return p, loss / 2, delta / 2

    x = np.linspace(-1, 1, 20)[:, None]
    one, mse = (compiled("sgd", (1, 4, 1), (), loss) for loss in (halved, "mse"))
    assert one.evaluate(x, x[:, 0]) == mse.evaluate(x, x[:, 0]) / 2
    labels = np.arange(20) % 3
    many = compiled("sgd", (1, 4, 3), (), halved)
    assert many.evaluate(x, labels) == many.evaluate(x, np.eye(3)[labels])


def test_an_epoch_sees_every_sequence():
    model = RNN(1, 4, 2)
    model.compile("sgd", "categorical_crossentropy")
    x, y = np.random.default_rng(0).normal(size=(12, 5, 1)), np.arange(12) % 2
    before = model.evaluate(x, y)
    assert model.fit(x, y, batch_size=12).history["loss"][0] == pytest.approx(before, rel=1e-12)


def test_whole_numbers_are_targets_of_one_output_and_labels_of_several():
    x = np.linspace(-1, 1, 20)[:, None]
    labels = np.arange(20) % 2
    one, two = (compiled("sgd", (1, 4, outputs), ("mae",), "mse") for outputs in (1, 2))
    assert one.evaluate(x, labels) == one.evaluate(x, labels.astype(float))
    error = abs(two.predict(x) - np.eye(2)[labels])
    assert two.evaluate(x, np.eye(2)[labels])[1] == pytest.approx(error.mean())
    with pytest.raises(ValueError, match=r"y has whole numbers \(20,\) for 2 outputs: mean"):
        two.evaluate(x, labels)
    np.testing.assert_array_equal(
        losses.mean_absolute_error(np.array([[1.0, 5], [3, 5]]), np.ones((2, 2))), [1, 4]
    )
    with pytest.raises(ValueError, match="y has 1 columns, but the network has 2 outputs"):
        two.evaluate(x, labels.astype(float))
    np.testing.assert_array_equal(losses.one_hot([1, 0], 2), [[0, 1], [1, 0]])


def test_what_keras_users_read_is_there():
    """Scores are plain numbers, a history counts its epochs, and the defaults of a callback are
    Keras'.
    """
    x, y = tiny()
    model = compiled("sgd")
    assert callbacks.History().stopped == 0
    assert model.fit(x, y, epochs=3, batch_size=1).epoch == [0, 1, 2]
    assert [type(score) for score in model.evaluate(x, y)] == [float, float]
    plateau = callbacks.ReduceLROnPlateau()
    found = [
        plateau.monitor,
        plateau.factor,
        plateau.patience,
        plateau.min_delta,
        plateau.cooldown,
        plateau.min_lr,
    ]
    assert found == ["val_loss", 0.1, 10, 1e-4, 0, 0.0]


def test_a_replica_whose_weights_overflow_in_mid_epoch_keeps_those_it_had():
    class Plain(optimizers.Optimizer):
        """Without a velocity, in which the overflow would stay."""

        def update(self, w, g, lr):
            return w - lr * g

    def rate(huge):
        return lambda step: np.where(
            step == 2, huge, 0.1
        )  # one step too long, and then harmless ones

    x, y = tiny()
    before = compiled(optimizers.SGD(0.1))
    before.fit(1e3 * x[:20], y[:20], batch_size=10, shuffle=False)
    for seed, huge in ((0, 1e308), ([0, 1], np.array([[1e308], [0.1]]))):
        model = compiled(Plain(rate(huge)), seed=seed)
        with pytest.warns(RuntimeWarning, match="diverged"):
            model.fit(1e3 * x, y, epochs=2, batch_size=10, shuffle=False)
        np.testing.assert_array_equal(model.w.reshape(-1, 51)[0], before.w)


def test_weights_are_replaced_by_their_like():
    model = compiled("sgd")
    with pytest.raises(ValueError, match=r"expected floats of shape \(..., 51\)"):
        model.w = np.zeros(50)
    model.w = (2 * model.w).tolist()
    assert model.w.shape == (51,) and model.layers[0][0].base is not None
    model.w = model.w + np.zeros((4, 1))
    assert model.layers[0][0].shape == (4, 2, 8)
    for wrong in (np.zeros(99), np.zeros(model.w.shape[-1], dtype=int)):
        found = rf"w has shape \({wrong.size},\), dtype {wrong.dtype}"
        with pytest.raises(ValueError, match=rf"{found}: expected floats of shape \(..., 51\)"):
            model.w = wrong


def test_an_optimizer_serves_one_model():
    x, y = tiny()
    used = optimizers.Adam()
    model = compiled(used)
    model.fit(x, y)
    model.compile(used, "categorical_crossentropy")  # the same model goes on
    with pytest.raises(
        ValueError,
        match=r"Adam\(.*\) has made 2 steps elsewhere: call its reset\(\), or make a new one",
    ):
        compiled(used)
    compiled(used.reset())


GOOD = (np.ones((4, 2)), np.array([0, 1, 2, 0]))
SPLIT = data.Split(GOOD, GOOD, GOOD)


def swept(rates=(0.1,), seeds=(0,)):
    return training.sweep(lambda s: MLP([2, 3], seed=s), optimizers.SGD, rates, SPLIT, seeds, 1)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda m: m.fit(np.ones((4, 3)), GOOD[1]),
            r"x has shape \(4, 3\), but the network takes \(N, 2\)",
        ),
        (
            lambda m: m.fit(np.ones(4), GOOD[1]),
            r"x has shape \(4,\), dtype float64: expected numbers of shape \(N, 2\)",
        ),
        (lambda m: m.fit(np.array([["a", "b"]]), [0]), "dtype <U1: expected numbers"),
        (
            lambda m: m.fit(np.ones((0, 2)), []),
            r"x has shape \(0, 2\) and is empty: expected at least one sample",
        ),
        (lambda m: m.fit(np.full((4, 2), np.nan), GOOD[1]), "x has 8 values that are not finite"),
        (
            lambda m: m.fit(GOOD[0], [0, 1, 3, 0]),
            "y has the label 3: expected whole numbers from 0 to 2",
        ),
        (lambda m: m.fit(GOOD[0], [0, 1, -1, 0]), "y has the label -1: expected whole"),
        (lambda m: m.fit(GOOD[0], [0, 1]), "y has 2 rows for 4 samples"),
        (
            lambda m: m.fit(GOOD[0], [0.5, 1, 1, 1]),
            "y has the label 0.5: expected whole numbers from 0 to 2, or one-hot rows",
        ),
        (
            lambda m: m.fit(GOOD[0], np.ones((4, 4))),
            "y has 4 columns, but the network has 3 outputs",
        ),
        (
            lambda m: m.fit(GOOD[0], None),
            r"y has shape \(\), dtype object: expected a label or a row of numbers for each",
        ),
        (lambda m: m.evaluate(GOOD[0], 3), r"y has shape \(\), dtype int64"),
        (lambda m: m.evaluate(GOOD[0], np.full(4, 1j)), "dtype complex128"),
        (lambda m: m.fit(GOOD[0], np.full((4, 3), np.nan)), "y has 12 values that are not finite"),
        (lambda m: m.fit(GOOD[0], np.full((4, 3), 2.0)), "y has rows that are no probabilities"),
        (lambda m: m.fit(GOOD[0], [[1.5, -0.5, 0.0]] * 4), "y has rows that are no probabilities"),
        (lambda m: m.fit(*GOOD, epochs=0), "epochs=0"),
        (lambda m: m.fit(*GOOD, batch_size=0), "batch_size=0"),
        (
            lambda m: m.fit(*GOOD, validation_data=(np.ones((1, 9)), [0])),
            r"validation_data has shape \(1, 9\)",
        ),
        (lambda m: m.predict(np.ones((1, 9))), r"x has shape \(1, 9\)"),
        (
            lambda m: m.compile("sgd", "crossentropy"),
            "loss='crossentropy' is unknown.*did you mean '.*crossentropy'",
        ),
        (lambda m: m.compile("sgd", None), "loss=None is unknown"),
        (
            lambda m: m.compile("sgd", "mse", ["acuracy"]),
            "metrics='acuracy' is unknown.*did you mean 'accuracy'",
        ),
        (lambda m: m.compile("sgd", "mse", "mae"), r"metrics='mae' is no list: expected \['mae'\]"),
        (
            lambda m: compiled("sgd", (2, 1), ()),
            "asks for an output for each class, but the network has one",
        ),
        (
            lambda m: compiled("sgd", (2, 1), loss="mse"),
            r"metrics=\['accuracy'\] asks for an output for each class",
        ),
        (lambda m: m.compile("sdg", "mse"), "optimizer='sdg' is unknown"),
        (lambda m: swept(rates=[]), r"learning_rates has shape \(0,\)"),
        (
            lambda m: swept(rates=[[0.1], [0.2]]),
            r"learning_rates has shape \(2, 1\): expected one or more in a row",
        ),
        (lambda m: swept(seeds=[]), r"seeds has shape \(0,\)"),
        (lambda m: callbacks.ReduceLROnPlateau(factor=1.0), "factor=1.0"),
        (lambda m: callbacks.ReduceLROnPlateau(mode="up"), "mode='up' is unknown"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call(compiled("sgd"))


def test_calls_before_compile_are_named():
    with pytest.raises(RuntimeError, match="call compile first"):
        RNN(1, 2, 3).gradient_norms(np.ones((4, 2, 1)), GOOD[1])
    for call in (
        lambda m: m.fit(*GOOD),
        lambda m: m.evaluate(*GOOD),
        lambda m: m.loss_and_gradient(*GOOD),
    ):
        with pytest.raises(RuntimeError, match="call compile first"):
            call(MLP([2, 3]))


@pytest.mark.skipif(
    platform.libc_ver()[0] != "glibc", reason="it is glibc that keeps or returns what is freed"
)
def test_the_memory_of_a_step_serves_again_for_the_next():
    """Else the system zeroes new memory for every intermediate result, page by page."""
    code = (
        "import resource, numpy as np\n"
        "from optimlib.mlp import MLP\n"
        "x, y = np.ones((64, 784)), np.arange(64) % 10\n"
        "model = MLP([784, 128, 10])\n"
        "model.compile('adam', 'categorical_crossentropy')\n"
        "def faults(): return resource.getrusage(resource.RUSAGE_SELF).ru_minflt\n"
        "model.fit(x, y)\n"
        "before = faults()\n"
        "model.fit(x, y, epochs=20)\n"
        "print((faults() - before) / 40)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert float(done.stdout) < 50  # a step; without reuse_freed_memory it is two hundred
