"""The data of the book, shipped with it and split by a seed; and its recordings.

Sources and licence: data_files/README.md.
"""

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
    """1797 handwritten digits as a Split; what is left over is for testing.

    x (N, 64) has 8 x 8 pixels scaled to 0 ... 1, y (N,) the digits (Alpaydin & Kaynak, 1998, UCI
    Machine Learning Repository, CC BY 4.0).
    """
    x, y = _read("digits")
    return split(x / 16, y, train, validation, seed)


def load_breast_cancer(seed=0, train=300, validation=100):
    """569 cell samples as a Split, with 30 raw measurements whose scales differ by thousands.

    y is 0 for malignant, 1 for benign (Wolberg et al., 1995, UCI, CC BY 4.0).
    """
    return split(*_read("breast_cancer"), train, validation, seed)


def load_wine(seed=0, train=90, validation=40):
    """178 wines as a Split, with 13 raw chemical measurements; y is the cultivar, 0, 1 or 2.

    (Aeberhard & Forina, 1992, UCI, CC BY 4.0)
    """
    return split(*_read("wine"), train, validation, seed)


def load_recording(name):
    """A recording as dicts and lists.

    "cnn", "rnn", "transformer", "clipping" and "batches" are runs too long for a chapter;
    "frameworks" and "recipes" are of other libraries.
    """
    names = sorted(path.stem for path in RECORDINGS.glob("*.json"))
    if name not in names:
        raise ValueError(f"there is no recording {name!r}; there are {', '.join(names)}")
    return json.loads((RECORDINGS / f"{name}.json").read_text(encoding="utf-8"))


def split(x, y, train, validation, seed=0):
    """Shuffle the samples by `seed` and deal them out to a Split.

    Raises:
        ValueError: `train` and `validation`, the numbers of samples, leave none to test on.
    """
    train = checks.integer("train", train, 1)
    validation = checks.integer("validation", validation, 1)
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
    """A Split whose features have mean 0 and standard deviation 1 on its training part.

    A feature that never varies there is only shifted.
    """
    x = data.train[0]
    # the mean of equal numbers, and so their spread, may be off by a rounding error
    varies = np.ptp(x, axis=0) > 0
    mean = np.where(varies, x.mean(axis=0), x[0])
    spread = np.where(varies, x.std(axis=0), 1.0)
    return Split(*(((x - mean) / spread, y) for x, y in data))


def _read(name):
    with np.load(FOLDER / f"{name}.npz") as file:
        return file["x"].astype(float), file["y"].astype(int)
