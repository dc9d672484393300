"""The shipped data: whole, split without overlap, scaled as promised, and bad input."""

import numpy as np
import pytest

from optimlib import data


def test_digits_are_the_uci_digits():
    split = data.load_digits()
    assert [x.shape for x, _ in split] == [(1000, 64), (297, 64), (500, 64)]
    x, y = np.concatenate([x for x, _ in split]), np.concatenate([y for _, y in split])
    assert x.min() == 0 and x.max() == 1 and y.dtype.kind == "i"
    np.testing.assert_array_equal(
        np.bincount(y), [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    )
    assert (x * 16).sum() == 561718  # every pixel of the 1797 images


@pytest.mark.parametrize(
    ("load", "samples", "features", "classes"),
    [
        (data.load_digits, 1797, 64, 10),
        (data.load_breast_cancer, 569, 30, 2),
        (data.load_wine, 178, 13, 3),
    ],
)
def test_every_sample_is_dealt_out_once(load, samples, features, classes):
    a, b = load(seed=1), load(seed=2)
    for split in (a, b):
        x, y = np.concatenate([x for x, _ in split]), np.concatenate([y for _, y in split])
        assert x.shape == (samples, features) and set(y) == set(range(classes))
        assert np.isfinite(x).all()
    rows = [np.sort(np.concatenate([x for x, _ in split]).sum(axis=1)) for split in (a, b)]
    np.testing.assert_allclose(*rows)
    assert not np.array_equal(a.train[1], b.train[1])
    np.testing.assert_array_equal(a.train[0], load(seed=1).train[0])


def test_x_and_y_stay_together():
    x, y = np.arange(20)[:, None], np.arange(20)
    for part_x, part_y in data.split(x, y, 10, 5, seed=3):
        np.testing.assert_array_equal(part_x[:, 0], part_y)


def test_standardize_learns_from_the_training_part_alone():
    raw = data.load_breast_cancer()
    scaled = data.standardize(raw)
    np.testing.assert_allclose(scaled.train[0].mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(scaled.train[0].std(axis=0), 1)
    assert abs(scaled.test[0].mean()) > 1e-4
    flat = data.standardize(data.Split(*[(np.ones((3, 1)), np.zeros(3))] * 3))
    assert (flat.train[0] == 0).all()


def test_a_feature_that_never_varies_is_only_shifted():
    """A mean of equal numbers is off by a rounding error: their spread is not zero, and must not
    become the unit.
    """
    known, new = np.full((300, 1), 0.1), np.full((3, 1), 1.1)
    scaled = data.standardize(
        data.Split((known, np.zeros(300)), (new, np.zeros(3)), (new, np.zeros(3)))
    )
    assert (scaled.train[0] == 0).all()
    np.testing.assert_allclose(scaled.test[0], 1.0)


def test_recordings_are_found_from_any_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert {
        name: sorted(data.load_recording(name)) for name in ("cnn", "transformer", "frameworks")
    } == {
        "cnn": ["axes of the numbers", "runs", "settings", "versions"],
        "transformer": ["axes of the numbers", "runs", "settings", "versions"],
        "frameworks": ["paths", "programs", "schedules", "start", "training", "versions"],
    }
    with pytest.raises(
        ValueError,
        match="no recording 'rnn'; there are cnn, frameworks, race, scoreboard, transformer",
    ):
        data.load_recording("rnn")


def test_bad_sizes_are_named():
    with pytest.raises(
        ValueError, match="train=1500 and validation=297 leave no test sample of 1797"
    ):
        data.load_digits(train=1500)
    with pytest.raises(ValueError, match="validation=0"):
        data.load_digits(validation=0)
    with pytest.raises(ValueError, match="y has 9 rows for 8 samples of x"):
        data.split(np.ones((8, 1)), np.ones(9), 4, 2)
