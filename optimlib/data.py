"""The data of the book, shipped with it (sources and licence: data_files/README.md) and split by a seed; and its recordings."""

import json
from pathlib import Path
from typing import NamedTuple

import numpy as np

from optimlib import checks

FOLDER = Path(__file__).parent / "data_files"
RECORDINGS = FOLDER / "recordings"


class Split(NamedTuple):
    """Three pairs (x, y): x of shape (N, features), y whole-number labels (N,)."""

    train: tuple
    validation: tuple
    test: tuple


def load_digits(seed=0, train=1000, validation=297):
    """1797 handwritten digits, 8 x 8 pixels scaled to 0..1, as a Split: `train`, `validation`, and the rest as test samples.

    x (N, 64), y (N,) in 0..9. seed draws the split. Raises ValueError where the sizes leave nothing to test on.
    Source: Alpaydin & Kaynak (1998), UCI Machine Learning Repository, CC BY 4.0.
    """
    x, y = _read("digits")
    return split(x / 16, y, train, validation, seed)


def load_breast_cancer(seed=0, train=300, validation=100):
    """569 cell samples with 30 raw measurements, whose scales differ by thousands, as a Split; y is 0 malignant, 1 benign.

    Source: Wolberg et al. (1995), UCI Machine Learning Repository, CC BY 4.0.
    """
    return split(*_read("breast_cancer"), train, validation, seed)


def load_wine(seed=0, train=90, validation=40):
    """178 wines with 13 raw chemical measurements, as a Split; y in 0..2 is the cultivar.

    Source: Aeberhard & Forina (1992), UCI Machine Learning Repository, CC BY 4.0.
    """
    return split(*_read("wine"), train, validation, seed)


def load_recording(name):
    """A recording as dicts and lists: runs too long for a chapter ("cnn", "transformer") or of other libraries ("frameworks").

    Raises ValueError for a name that is not recorded.
    """
    known = sorted(path.stem for path in RECORDINGS.glob("*.json"))
    if name not in known:
        raise ValueError(f"there is no recording {name!r}; there are {', '.join(known)}")
    return json.loads((RECORDINGS / f"{name}.json").read_text(encoding="utf-8"))


def split(x, y, train, validation, seed=0):
    """Shuffle the samples by `seed` and deal them out: `train`, then `validation`, and the rest to the test pair of a Split."""
    train, validation = (
        checks.integer("train", train, 1),
        checks.integer("validation", validation, 1),
    )
    if len(y) != len(x):
        raise ValueError(f"y has {len(y)} rows for {len(x)} samples of x")
    if train + validation >= len(x):
        raise ValueError(
            f"train={train} and validation={validation} leave no test sample of {len(x)}"
        )
    order = np.random.default_rng(seed).permutation(len(x))
    parts = np.split(order, [train, train + validation])
    return Split(*((x[part], y[part]) for part in parts))


def standardize(data):
    """A Split with every feature shifted and scaled to mean 0 and standard deviation 1 on its training part.

    A feature that never varies there is only shifted.
    """
    known = data.train[0]
    varies = (
        np.ptp(known, axis=0) > 0
    )  # the mean of equal numbers, and so their spread, may be off by a rounding error
    mean, spread = (
        np.where(varies, known.mean(axis=0), known[0]),
        np.where(varies, known.std(axis=0), 1.0),
    )
    return Split(*(((x - mean) / spread, y) for x, y in data))


def _read(name):
    with np.load(FOLDER / f"{name}.npz") as file:
        return file["x"].astype(float), file["y"].astype(int)
