"""Losses and metrics: what a network's outputs z are held to, and the slope that training needs.

Outputs and targets have shape (..., outputs, B): the samples stand on the last axis. A loss returns
three arrays: the predictions p of the network, the loss of each sample (..., B), and dL/dz.
"""

import numpy as np


def categorical_crossentropy(z, y):
    """Softmax and cross-entropy, for one-hot y: p are probabilities.

    p = exp(z) / sum exp(z);  loss = -log p[true class];  dL/dz = p - y
    """
    z = z - z.max(axis=-2, keepdims=True)  # the softmax stays the same, and exp cannot overflow
    e = np.exp(z)
    total = e.sum(axis=-2, keepdims=True)
    p = e / total
    return p, np.log(total[..., 0, :]) - np.vecdot(y, z, axis=-2), p - y


def mean_squared_error(z, y):
    """The mean of the squared errors of a sample's outputs: p is z itself.

    loss = mean (z - y)^2;  dL/dz = 2 (z - y) / outputs
    """
    error = z - y
    return z, (error * error).mean(axis=-2), 2 * error / z.shape[-2]


def accuracy(p, y):
    """Whether the most probable class of each sample is the true one, (..., B)."""
    return p.argmax(axis=-2) == y.argmax(axis=-2)


def mean_absolute_error(p, y):
    """The mean distance between the outputs and the targets of each sample, (..., B)."""
    return np.abs(p - y).mean(axis=-2)


LOSSES = {
    "categorical_crossentropy": categorical_crossentropy,
    "sparse_categorical_crossentropy": categorical_crossentropy,
    "mean_squared_error": mean_squared_error,
    "mse": mean_squared_error,
}
METRICS = {
    "accuracy": accuracy,
    "acc": accuracy,
    "mean_absolute_error": mean_absolute_error,
    "mae": mean_absolute_error,
}


def one_hot(labels, classes):
    """Labels 0 ... classes - 1 of shape (N,) as rows with a single 1, (N, classes).

    Raises:
        ValueError: A label is not whole, or out of range.
    """
    labels = np.asarray(labels)
    wrong = labels[(labels < 0) | (labels >= classes) | (labels != np.floor(labels))]
    if wrong.size:
        raise ValueError(
            f"y has the label {wrong.flat[0]}: expected whole numbers from 0 to {classes - 1}, "
            f"or one-hot rows of shape (N, {classes})"
        )
    return np.eye(classes)[labels.astype(int)]
