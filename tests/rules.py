"""The rules of optimlib, a row each: what the tests and the recorder of Keras' numbers read.

A new optimizer is a new row. Nothing is imported from optimlib here: the recorder makes Keras'
optimizers of the same rows.
"""

from typing import NamedTuple


class Rule(NamedTuple):
    """A rule: a class and what makes it that rule.

    Attributes:
        kind: The name of its class, in optimlib as in Keras.
        settings: What makes it that rule, beside the rate.
        rate: A rate that suits it.
        other: Settings other than the defaults, for the recording.
        pencil: Settings for two steps at rate 0.1 from w = 1, which paper can check.
        weights: The weights after the first and after the second step.
        gradients: The gradients of the two steps.
    """

    kind: str
    settings: dict
    rate: float
    other: dict
    pencil: dict
    weights: tuple
    gradients: tuple = (1.0, -2.0)


MOMENTUM = {"momentum": 0.9}
NESTEROV = {"momentum": 0.9, "nesterov": True}
CENTERED = {"centered": True}
AMSGRAD = {"amsgrad": True}

RULES = {
    "SGD": Rule("SGD", {}, 0.1, {"learning_rate": 0.3}, {}, (0.9, 1.1)),
    "SGD-momentum": Rule(
        "SGD",
        MOMENTUM,
        0.02,
        {"momentum": 0.53},
        {"momentum": 0.5},
        (0.9, 1.05),  # velocity -0.1, then -0.05 + 0.2
    ),
    "SGD-nesterov": Rule(
        "SGD",
        NESTEROV,
        0.02,
        {"momentum": 0.99},
        {"momentum": 0.5, "nesterov": True},
        (0.85, 1.125),  # velocity as above; w + velocity / 2 - lr g
    ),
    "Adagrad": Rule(
        "Adagrad",
        {},
        0.3,
        {"initial_accumulator_value": 0.0, "epsilon": 1e-3},
        {"initial_accumulator_value": 0.0, "epsilon": 0.0},
        (0.9, 0.9 + 0.2 / 5**0.5),
    ),
    "RMSprop": Rule(
        "RMSprop",
        {},
        0.02,
        {"rho": 0.73, "epsilon": 1e-3},
        {"rho": 0.75, "epsilon": 0.0},
        (0.8, 0.8 + 0.2 / 1.1875**0.5),  # v = 0.25, then 1.1875
    ),
    "RMSprop-momentum": Rule(
        "RMSprop",
        MOMENTUM,
        0.005,
        {"rho": 0.99, "momentum": 0.5, "epsilon": 1e-2},
        {"rho": 0.75, "momentum": 0.5, "epsilon": 0.0},
        (0.8, 0.7 + 0.2 / 1.1875**0.5),
    ),
    "RMSprop-centered": Rule(
        "RMSprop",
        CENTERED,
        0.02,
        {"rho": 0.95, "epsilon": 1e-4},
        {"rho": 0.5, "epsilon": 0.0, "centered": True},
        (0.8, 0.8 + 0.2 / 1.6875**0.5),  # v - m^2 = 0.25, then 2.25 - 0.5625
    ),
    "RMSprop-centered-momentum": Rule(
        "RMSprop",
        CENTERED | MOMENTUM,
        0.005,
        {"rho": 0.8, "epsilon": 1e-1},
        {"rho": 0.5, "epsilon": 0.0, "centered": True, "momentum": 0.5},
        (0.8, 0.7 + 0.2 / 1.6875**0.5),
    ),
    "Adam": Rule(
        "Adam",
        {},
        0.05,
        {"beta_1": 0.5, "beta_2": 0.9, "epsilon": 1e-3},
        {"beta_1": 0.5, "beta_2": 0.75, "epsilon": 0.0},
        (0.9, 0.9 + 0.1 / (1.1875 / 0.4375) ** 0.5),  # m_hat = -0.75 / 0.75
    ),
    "Adam-amsgrad": Rule(
        "Adam",
        AMSGRAD,
        0.05,
        {"beta_1": 0.0, "beta_2": 0.7, "epsilon": 1e-2},
        {"beta_1": 0.0, "beta_2": 0.25, "epsilon": 0.0, "amsgrad": True},
        (0.9, 0.9 + 0.1 * (0.9375 / 3) ** 0.5),  # v = 3, then 1.5, but the largest is 3
        (2.0, -1.0),
    ),
    "AdamW": Rule(
        "AdamW",
        {},
        0.05,
        {"beta_1": 0.95, "beta_2": 0.99, "epsilon": 1e-4, "weight_decay": 0.3},
        {"weight_decay": 0.5, "beta_1": 0.5, "beta_2": 0.75, "epsilon": 0.0},
        (0.85, 0.8075 + 0.1 / (1.1875 / 0.4375) ** 0.5),
    ),
    "AdamW-amsgrad": Rule(
        "AdamW",
        AMSGRAD,
        0.05,
        {"beta_2": 0.8, "weight_decay": 0.05},
        {"weight_decay": 0.5, "beta_1": 0.0, "beta_2": 0.25, "epsilon": 0.0, "amsgrad": True},
        (0.85, 0.8075 + 0.1 * (0.9375 / 3) ** 0.5),
        (2.0, -1.0),
    ),
}
