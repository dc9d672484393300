"""CNN and Transformer: gradients against finite differences, definitions, clear errors."""

import numpy as np
import pytest
from differences import finite_differences

from optimlib import optimizers
from optimlib.data import load_digits
from optimlib.networks import CNN, Transformer, windows

CROSSENTROPY = "categorical_crossentropy"


def images(rng, samples=6):
    return rng.normal(size=(samples, 36)), rng.integers(0, 3, samples)


def sentences(rng, samples=4, length=5, characters=6):
    following = rng.integers(0, characters, (samples, length))
    return rng.integers(0, characters, (samples, length)), np.eye(characters)[following].reshape(
        samples, -1
    )


KINDS = {
    "cnn": (lambda seed=0, **settings: CNN(6, 3, 3, seed, **settings), images),
    "transformer": (
        lambda seed=0, **settings: Transformer(6, 5, 4, 2, 2, seed, **settings),
        sentences,
    ),
}
kinds = pytest.mark.parametrize("kind", KINDS)


def made(kind, seed=0, optimizer="sgd", loss=CROSSENTROPY, metrics=(), **settings):
    model = KINDS[kind][0](seed, **settings)
    model.compile(optimizer, loss, metrics)
    return model


@kinds
@pytest.mark.parametrize(("loss", "l2"), [(CROSSENTROPY, 0.3), ("mse", 0.0)])
def test_every_gradient_against_finite_differences(kind, loss, l2):
    rng = np.random.default_rng(3)
    x, y = KINDS[kind][1](rng)
    model = made(kind, loss=loss, l2=l2)
    if kind == "cnn":
        y = np.eye(3)[y]
    model.w = model.w + rng.normal(
        0, 0.3, model.w.shape
    )  # biases away from zero, gains away from one
    _, g = model.loss_and_gradient(x, y)
    assert (g != 0).mean() > 0.9
    np.testing.assert_allclose(g, finite_differences(model, x, y, h=1e-6), atol=1e-8, rtol=1e-6)


@kinds
def test_replicas_equal_single_runs(kind):
    """Seeds in one loop to the last bit; rates too, but for sums that BLAS may order otherwise."""
    x, y = KINDS[kind][1](np.random.default_rng(4), samples=20)
    rates, seeds = np.array([0.01, 0.03]), np.array([4, 5, 6])
    fit = {"epochs": 3, "batch_size": 8, "validation_data": (x, y)}
    together = made(kind, seeds, optimizers.Adam(rates[:, None, None]), metrics=["accuracy"])
    history = together.fit(x, y, **fit).history
    assert together.w.shape[:2] == (2, 3)
    for i, rate in enumerate(rates):
        for j, seed in enumerate(seeds):
            single = made(kind, int(seed), optimizers.Adam(rate), metrics=["accuracy"])
            alone = single.fit(x, y, **fit).history
            np.testing.assert_allclose(together.w[i, j], single.w, rtol=0, atol=1e-11)
            np.testing.assert_allclose(
                [e[i, j] for e in history["val_loss"]], alone["val_loss"], rtol=1e-11
            )
            assert [e[i, j] for e in history["val_accuracy"]] == alone["val_accuracy"]


def test_convolution_is_its_definition():
    """Every filter at every place, a ReLU, means over squares, the dense layer: written out for one
    image.
    """
    rng = np.random.default_rng(5)
    model = CNN(side=6, filters=3, outputs=4, seed=1)
    model.compile("sgd", "mse")
    model.w = model.w + rng.normal(0, 0.3, model.w.shape)
    K, b, W, c = model.layers
    image = rng.normal(size=(6, 6))
    a = np.array(
        [
            [
                [
                    max((image[i : i + 3, j : j + 3].ravel() * K[:, f]).sum() + b[f], 0)
                    for j in range(4)
                ]
                for i in range(4)
            ]
            for f in range(3)
        ]
    )
    pooled = [a[f, i : i + 2, j : j + 2].mean() for f in range(3) for i in (0, 2) for j in (0, 2)]
    np.testing.assert_allclose(model.predict(image.reshape(1, 36))[0], pooled @ W + c, rtol=1e-12)


def test_transformer_does_not_hear_the_future():
    rng = np.random.default_rng(6)
    x, _ = sentences(rng)
    model = made("transformer")
    before = model.predict(x).reshape(4, 5, 6)
    x[:, 3] = (x[:, 3] + 1) % 6
    after = model.predict(x).reshape(4, 5, 6)
    np.testing.assert_allclose(after[:, :3], before[:, :3], rtol=0, atol=1e-14)
    assert np.abs(after - before)[:, 3:].max(axis=-1).min() > 1e-6
    np.testing.assert_allclose(before.sum(axis=-1), 1, rtol=1e-12)


def test_transformer_loss_is_a_mean_over_positions():
    x, y = sentences(np.random.default_rng(7))
    model = made("transformer", metrics=["accuracy"])
    p, truth = model.predict(x).reshape(-1, 6), y.reshape(-1, 6)
    loss, accuracy = model.evaluate(x, y)
    assert loss == pytest.approx(-np.log((p * truth).sum(axis=1)).mean(), rel=1e-12)
    assert accuracy == (p.argmax(axis=1) == truth.argmax(axis=1)).mean()


def test_they_learn():
    (x, y), _, (x_test, y_test) = load_digits(0)
    cnn = CNN()
    cnn.compile(optimizers.Adam(0.02), CROSSENTROPY, ["accuracy"])
    cnn.fit(x, y, epochs=4)
    assert cnn.evaluate(x_test, y_test)[1] >= 0.9
    x, y = windows("abcabdabe" * 40, "abcde", 9)  # what follows "ab" stands three characters before
    transformer = Transformer(5, 9, width=8, blocks=1)
    transformer.compile(optimizers.Adam(0.02), CROSSENTROPY, ["accuracy"])
    transformer.fit(x, y, epochs=60, batch_size=8)
    assert transformer.evaluate(x, y)[1] >= 0.85


def test_windows_shift_by_one():
    x, y = windows("abcabcabcab", "abc", 4)
    np.testing.assert_array_equal(x, [[0, 1, 2, 0], [1, 2, 0, 1]])
    np.testing.assert_array_equal(y.reshape(2, 4, 3).argmax(axis=-1), [[1, 2, 0, 1], [2, 0, 1, 2]])
    with pytest.raises(ValueError, match="text has 4 characters"):
        windows("abca", "abc", 4)
    with pytest.raises(
        ValueError, match="text has the character 'z', which is not in alphabet='abc'"
    ):
        windows("abcz", "abc", 2)
    with pytest.raises(ValueError, match="length=0"):
        windows("abcab", "abc", 0)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: CNN(side=7), "side=7 is odd"),
        (lambda: CNN(side=2), "side=2"),
        (lambda: CNN(filters=0), "filters=0"),
        (lambda: CNN(outputs=1.5), "outputs=1.5"),
        (lambda: Transformer(0), "characters=0"),
        (lambda: Transformer(9, width=10, heads=3), "heads=3 does not divide width=10"),
        (lambda: Transformer(9, blocks=-1), "blocks=-1"),
        (lambda: Transformer(9, seed=-2), "seed=-2"),
    ],
)
def test_bad_arguments_are_named(build, message):
    with pytest.raises(ValueError, match=message):
        build()


def test_bad_data_is_named():
    x, y = sentences(np.random.default_rng(8))
    model = made("transformer")
    for wrong in (x + 6, x - 7, x * 0.5):
        with pytest.raises(ValueError, match="whole numbers from 0 to 5"):
            model.fit(wrong, y)
    with pytest.raises(ValueError, match=r"takes \(N, 5\)"):
        model.fit(x[:, :4], y)
    with pytest.raises(ValueError, match="y has 6 columns"):
        model.fit(x, y[:, :6])
