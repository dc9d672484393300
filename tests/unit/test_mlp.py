"""The MLP: its gradient against finite differences, views, initial weights, bad input."""

import numpy as np
import pytest
from differences import finite_differences

from optimlib.mlp import ACTIVATIONS, MLP

LOSSES = ["categorical_crossentropy", "mean_squared_error"]


def small(activation="relu", loss="categorical_crossentropy", sizes=(5, 4, 6, 3), **settings):
    model = MLP(sizes, activation, **settings)
    model.compile("sgd", loss)
    return model


def batch(rng, samples=7, features=5, classes=3):
    return rng.normal(size=(samples, features)), rng.integers(0, classes, samples)


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("l2", [0.0, 0.3])
def test_gradient_agrees_with_finite_differences(activation, loss, l2):
    x, y = batch(np.random.default_rng(0))
    y = np.eye(3)[y]
    model = small(activation, loss, l2=l2)
    model.w[...] += 0.1 * np.random.default_rng(1).normal(size=model.w.shape)  # no bias at zero
    _, g = model.loss_and_gradient(x, y)
    np.testing.assert_allclose(g, finite_differences(model, x, y), atol=2e-9)


def test_gradient_of_replicas_agrees_with_finite_differences():
    x, y = batch(np.random.default_rng(0))
    model = small("tanh", seed=np.arange(6).reshape(2, 3))
    _, g = model.loss_and_gradient(x, y)
    assert g.shape == (2, 3, model.w.shape[-1])
    np.testing.assert_allclose(g, finite_differences(model, x, y), atol=2e-9)


def test_loss_by_pencil():
    model = small(sizes=(2, 3))
    model.w[...] = 0
    loss, g = model.loss_and_gradient([[1.0, 2.0]], [1])
    assert loss == pytest.approx(np.log(3))  # three equal probabilities
    ((W, b),) = model.views(g)
    np.testing.assert_allclose(b, [1 / 3, -2 / 3, 1 / 3])  # p - y
    np.testing.assert_allclose(W, np.outer([1.0, 2.0], b))
    model = small(sizes=(1, 1), loss="mse")
    model.w[...] = [3.0, 1.0]
    loss, g = model.loss_and_gradient([[2.0]], [5.0])
    assert loss == pytest.approx(4.0)  # (3 * 2 + 1 - 5)^2
    np.testing.assert_allclose(g, [8.0, 4.0])


def test_layers_are_views_of_one_flat_vector():
    model = MLP([4, 3, 2])
    assert model.w.shape == (4 * 3 + 3 + 3 * 2 + 2,)
    (W1, b1), (W2, b2) = model.layers
    assert (W1.shape, b1.shape, W2.shape, b2.shape) == ((4, 3), (3,), (3, 2), (2,))
    model.w[...] = np.arange(model.w.size)
    assert W1[0, 1] == 1 and b1[0] == 12 and W2[0, 0] == 15 and b2[-1] == 22
    W2[...] = -1
    assert (model.w[15:21] == -1).all()


def test_kernels_mask_marks_weights_and_not_biases():
    model = MLP([4, 3, 2], seed=[0, 1])
    assert model.kernels.sum() == 4 * 3 + 3 * 2
    assert not any(b.any() for _, b in model.views(model.kernels))


def test_initial_weights():
    (he, b), (_, _) = MLP([400, 300, 10], seed=1).layers
    assert he.std() == pytest.approx(np.sqrt(2 / 400), rel=0.02) and (b == 0).all()
    (glorot, _), (_, _) = MLP([400, 300, 10], activation="tanh", seed=1).layers
    assert glorot.std() == pytest.approx(np.sqrt(2 / 700), rel=0.02)
    assert np.abs(glorot).max() <= np.sqrt(6 / 700)
    ((chosen, _),) = MLP([400, 300], activation="tanh", kernel_initializer="he_normal").layers
    assert chosen.std() == pytest.approx(np.sqrt(2 / 400), rel=0.02)


def test_each_seed_is_its_own_network():
    together = MLP([4, 3, 2], seed=[5, 7])
    for i, seed in enumerate((5, 7)):
        np.testing.assert_array_equal(together.w[i], MLP([4, 3, 2], seed=seed).w)
    assert (together.w[0] != together.w[1]).any()


def test_forward_is_the_equation():
    model = MLP([5, 4, 3], activation="sigmoid", seed=3)
    x = np.random.default_rng(0).normal(size=(5, 6))
    (W1, b1), (W2, b2) = model.layers
    a1 = 1 / (1 + np.exp(-(W1.T @ x + b1[:, None])))
    activations = model.forward(x)
    np.testing.assert_allclose(activations[1], a1, rtol=1e-14)
    np.testing.assert_allclose(activations[2], W2.T @ a1 + b2[:, None], rtol=1e-13)


def test_predictions_are_probabilities_under_crossentropy_and_plain_otherwise():
    x, _ = batch(np.random.default_rng(0))
    p = small(seed=[0, 1]).predict(x)
    assert p.shape == (2, 7, 3) and (p > 0).all()
    np.testing.assert_allclose(p.sum(axis=-1), 1)
    plain = small(loss="mse")
    np.testing.assert_allclose(plain.predict(x), plain.forward(x.T)[-1].T)


def test_softmax_does_not_overflow():
    model = small(sizes=(1, 3))
    model.w[...] = [1e4, 0, -1e4, 0, 0, 0]
    loss, g = model.loss_and_gradient([[1.0]], [2])
    assert loss == 2e4 and np.isfinite(g).all()


def test_labels_may_be_whole_numbers_or_one_hot():
    x, y = batch(np.random.default_rng(0))
    for loss in ("categorical_crossentropy", "sparse_categorical_crossentropy"):
        model = small(loss=loss)
        whole, one_hot = model.loss_and_gradient(x, y), model.loss_and_gradient(x, np.eye(3)[y])
        assert whole[0] == one_hot[0] and (whole[1] == one_hot[1]).all()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: MLP([64]), r"sizes=\[64\] needs at least an input and an output size"),
        (lambda: MLP([64, 0, 10]), "sizes=0 is not a whole number of at least 1"),
        (lambda: MLP([64, 2.5]), "sizes=2.5"),
        (
            lambda: MLP([64, 10], activation="rellu"),
            "activation='rellu' is unknown.*did you mean 'relu'",
        ),
        (lambda: MLP([64, 10], kernel_initializer="he"), "kernel_initializer='he' is unknown"),
        (lambda: MLP([64, 10], seed=-1), "seed=-1"),
        (lambda: MLP([64, 10], seed=0.5), "seed=0.5"),
        (lambda: MLP([64, 10], l2=-1), "l2=-1"),
    ],
)
def test_bad_input_is_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()
