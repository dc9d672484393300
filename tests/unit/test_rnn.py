"""The RNN: its gradient against finite differences, replicas, clear errors."""

import numpy as np
import pytest
from differences import finite_differences

from optimlib import optimizers
from optimlib.networks.rnn import RNN, orthogonal


def problem(rng, samples=7, steps=5, inputs=3, classes=4):
    return rng.normal(size=(samples, steps, inputs)), rng.integers(0, classes, samples)


def made(seed=0, loss="categorical_crossentropy", optimizer="sgd", metrics=(), **settings):
    model = RNN(3, 6, 4, seed=seed, **settings)
    model.compile(optimizer, loss, metrics)
    return model


@pytest.mark.parametrize("steps", [1, 2, 9])
@pytest.mark.parametrize("l2", [0.0, 0.3])
def test_every_gradient_against_finite_differences(steps, l2):
    rng = np.random.default_rng(steps)
    x, y = problem(rng, steps=steps)
    model = made(l2=l2)
    model.w += rng.normal(0, 0.3, model.w.shape)  # biases away from zero, too
    _, g = model.loss_and_gradient(x, y)
    assert np.abs(g).min() > 0 or steps == 1  # at one step the recurrent kernel meets only h_0 = 0
    np.testing.assert_allclose(g, finite_differences(model, x, y, h=1e-6), atol=1e-8, rtol=1e-6)


def test_forward_is_the_recurrence_sample_by_sample():
    x, _ = problem(np.random.default_rng(1))
    model = made(loss="mse")
    W, U, b, V, c = model.layers
    for n, sequence in enumerate(x):
        h = np.zeros(6)
        for x_t in sequence:
            h = np.tanh(x_t @ W + h @ U + b)
        np.testing.assert_allclose(model.predict(x)[n], h @ V + c, rtol=1e-12)


def test_through_time_gives_the_derivative_in_each_state():
    """dL/dh_t, measured: nudge h_t alone, and let the network read on from there."""
    x, y = problem(np.random.default_rng(2), samples=1, steps=4)
    model = made()
    W, U, b, V, c = model.layers
    xs, ys = model._samples(x, y)
    _, states, z = model.forward(xs)
    _, _, delta = model.loss(z, ys)

    def loss_from(t, h):
        for x_t in x[0, t:]:
            h = np.tanh(x_t @ W + h @ U + b)
        return model.loss((h @ V + c)[:, None], ys)[1][0]

    for t, dh, _ in model.through_time(states, delta):
        h, nudges = states[t][:, 0], 1e-6 * np.eye(6)
        measured = [(loss_from(t, h + e) - loss_from(t, h - e)) / 2e-6 for e in nudges]
        np.testing.assert_allclose(dh[:, 0], measured, atol=1e-8)
    lengths = model.gradient_norms(x, y)
    assert lengths.shape == (4,)
    np.testing.assert_allclose(lengths[-1], np.linalg.norm(V @ delta), rtol=1e-12)


def test_replicas_equal_single_runs_to_the_last_bit():
    x, y = problem(np.random.default_rng(3), samples=40)
    rates, seeds = np.array([0.01, 0.03]), np.array([4, 5, 6])
    fit = {"epochs": 3, "batch_size": 8, "validation_data": (x, y)}
    together = made(seeds, optimizer=optimizers.RMSprop(rates[:, None, None]), metrics=["accuracy"])
    history = together.fit(x, y, **fit).history
    assert together.w.shape[:2] == (2, 3)
    for i, rate in enumerate(rates):
        for j, seed in enumerate(seeds):
            single = made(int(seed), optimizer=optimizers.RMSprop(rate), metrics=["accuracy"])
            alone = single.fit(x, y, **fit).history
            np.testing.assert_array_equal(together.w[i, j], single.w)
            np.testing.assert_array_equal([e[i, j] for e in history["val_loss"]], alone["val_loss"])


def test_layers_are_views_with_the_shapes_of_keras():
    model = RNN(3, 6, 4, seed=[0, 1])
    assert [part.shape for part in model.layers] == [
        (2, 3, 6),
        (2, 6, 6),
        (2, 6),
        (2, 6, 4),
        (2, 4),
    ]
    model.layers[1][:] = 7.0
    assert (model.w == 7).sum() == 2 * 36


def test_starting_weights():
    U = RNN(3, 6, 4, gain=0.5).layers[1]
    np.testing.assert_allclose(U.T @ U, 0.25 * np.eye(6), atol=1e-12)
    Q = orthogonal(np.random.default_rng(0), 5)
    np.testing.assert_allclose(Q @ Q.T, np.eye(5), atol=1e-12)
    assert not RNN(3, 6, 4).layers[2].any() and not RNN(3, 6, 4).layers[4].any()
    assert not np.array_equal(RNN(3, 6, 4, seed=0).w, RNN(3, 6, 4, seed=1).w)


def test_it_learns_what_only_memory_can_tell():
    """The class is the sign of the first input; nothing after it tells."""
    rng = np.random.default_rng(0)
    x = 0.1 * rng.normal(size=(300, 6, 1))
    y = rng.integers(0, 2, 300)
    x[:, 0, 0] = 2 * y - 1
    model = RNN(1, 8, 2)
    model.compile(optimizers.RMSprop(0.01), "categorical_crossentropy", ["accuracy"])
    model.fit(x[:200], y[:200], epochs=20)
    assert model.evaluate(x[200:], y[200:])[1] >= 0.95


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"inputs": 0}, "inputs=0"),
        ({"units": 2.5}, "units=2.5"),
        ({"outputs": -1}, "outputs=-1"),
        ({"gain": -1}, "gain=-1"),
        ({"gain": np.nan}, "gain=nan"),
        ({"seed": -3}, "seed=-3"),
        ({"l2": -0.1}, "l2=-0.1"),
    ],
)
def test_bad_arguments_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        RNN(**{"inputs": 3, "units": 6, "outputs": 4, **arguments})


def test_bad_data_is_named():
    x, y = problem(np.random.default_rng(0))
    model = made()
    with pytest.raises(ValueError, match=r"x has shape \(7, 15\)"):
        model.fit(x.reshape(7, 15), y)
    with pytest.raises(
        ValueError, match=r"x has shape \(7, 5, 2\), but the network takes \(N, any, 3\)"
    ):
        model.fit(x[..., :2], y)
    with pytest.raises(ValueError, match="label 4"):
        model.fit(x, np.full(7, 4))
    with pytest.raises(ValueError, match="1 values that are not finite"):
        model.predict(np.where(np.arange(x.size).reshape(x.shape) == 0, np.nan, x))
