"""optimlib gives the numbers of Keras 3, as recorded in float64.

The second part holds the recording that chapter 12 draws, of Keras, PyTorch and optax side by side,
against the rules that the chapter's table states.

tests/parity/keras.json holds what real Keras computed, tests/parity/record_keras.py how. Equal
means: to 1e-12 of the largest value that the coordinate takes on its path. Both sides compute the
same formula in float64 but not in the same order (Keras writes m + (g - m) * (1 - beta_1), the book
beta_1 * m + (1 - beta_1) * g), so each step may differ by a few units in the 16th digit, and forty
steps add them up. The unit is the coordinate's own scale, because a path that passes through zero
has no relative error to speak of there, and because an absolute 1e-12 would let anything pass where
the gradients are 1e-8.
"""

import json
from pathlib import Path

import numpy as np
import pytest

from optimlib import optimizers, schedules
from optimlib.callbacks import EarlyStopping, History, ReduceLROnPlateau
from optimlib.data import load_digits, load_recording
from optimlib.mlp import MLP
from tests.rules import RULES

RECORDED = json.loads((Path(__file__).parents[1] / "parity/keras.json").read_text())
FRAMEWORKS = load_recording("frameworks")
TOLERANCE = 1e-12


def cases(kind):
    return pytest.mark.parametrize(
        "case", RECORDED[kind], ids=[case["id"] for case in RECORDED[kind]]
    )


def make(case):
    """The optimlib object that the recorded case describes, by the same names."""

    def value(argument):
        if not isinstance(argument, dict):
            return argument
        arguments = {k: v for k, v in argument.items() if k != "schedule"}
        return getattr(schedules, argument["schedule"])(**arguments)

    module = optimizers if hasattr(optimizers, case["class"]) else schedules
    return getattr(module, case["class"])(**{k: value(v) for k, v in case["arguments"].items()})


def run(case, copies=1, what="path"):
    """The path of optimlib at the recorded steps, (steps, copies, 4), or that of the mean weights.

    It runs over `copies` of the problem, side by side in one vector.
    """
    problem, optimizer = RECORDED["problems"][case["problem"]], make(case)
    optimizer.build(case.get("shapes", [[4]]))
    w = np.tile(problem["start"], copies)
    rows, means = [w], [np.zeros_like(w)]
    for step in range(RECORDED["kept"][-1]):
        if "gradients" in problem:
            g = np.tile(problem["gradients"][step], copies)
        else:
            distance = w.reshape(copies, -1) - problem["minimum"]
            # not by BLAS, some of whose kernels round one row of a product otherwise than the next
            g = np.einsum("ij,jk->ik", distance, np.array(problem["hessian"])).reshape(w.shape)
        w = optimizer.step(w, g)
        rows.append(w)
        means.append(optimizer.average + np.zeros_like(w))
    rows = np.array(rows if what == "path" else means)[RECORDED["kept"]]
    return rows.reshape(len(RECORDED["kept"]), copies, -1)


def assert_same(ours, theirs):
    """Equal to 1e-12 of the largest size of each column; a column that is 0 throughout is 0
    exactly.
    """
    scale = np.abs(theirs).max(axis=0)
    worst = np.abs(ours - theirs).max(axis=0)
    assert np.all(worst <= TOLERANCE * scale), (
        f"off by {worst} where the largest values are {scale}"
    )


def test_the_recording_says_what_made_it():
    versions = RECORDED["versions"]
    assert versions["keras"].startswith("3.")
    assert {"backend", "tensorflow", "numpy", "python", "script"} <= set(versions)


@cases("paths")
def test_path(case):
    assert_same(run(case)[:, 0], np.array(case["path"]))


@pytest.mark.parametrize(
    "case",
    [case for case in RECORDED["paths"] if "average" in case],
    ids=lambda case: case["id"],
)
def test_mean_of_the_weights(case):
    assert_same(run(case, what="average")[:, 0], np.array(case["average"]))


@pytest.mark.parametrize("name", RULES)
def test_the_recording_is_of_the_table(name):
    """Each row of tests/rules.py was recorded with the settings that stand there now."""
    rule, recorded = RULES[name], {case["id"]: case for case in RECORDED["paths"]}
    case = recorded[f"{name}-other-settings"]
    assert case["class"] == rule.kind
    assert case["arguments"] == {"learning_rate": rule.rate, **rule.settings, **rule.other}
    assert recorded[f"{name}-defaults"]["arguments"] == rule.settings


@pytest.mark.parametrize(
    "case",
    [case for case in RECORDED["paths"] if case["id"].endswith("-other-settings")],
    ids=lambda case: case["id"],
)
def test_path_in_a_long_vector(case):
    """Each of many copies of the problem, side by side in one vector, takes the recorded path."""
    path = run(case, copies=1000)
    assert np.ptp(path, axis=1).max() == 0
    assert_same(path[:, 0], np.array(case["path"]))


@cases("schedules")
def test_schedule(case):
    schedule = make(case)
    one_by_one, all_at_once = (
        [schedule(step) for step in case["steps"]],
        schedule(np.array(case["steps"])),
    )
    for ours in (one_by_one, all_at_once):
        np.testing.assert_allclose(
            ours, case["rates"], rtol=TOLERANCE, atol=TOLERANCE * max(case["rates"])
        )


@cases("plateaus")
def test_plateau(case):
    class Model:
        optimizer = optimizers.SGD(case["learning_rate"])

    callback, trace = ReduceLROnPlateau(**case["arguments"]), []
    callback.model = Model()
    for epoch, value in enumerate(case["values"]):
        callback.on_epoch_end(epoch, {case["arguments"]["monitor"]: value})
        trace.append(float(callback.model.optimizer.learning_rate))
    np.testing.assert_allclose(trace, case["rates"], rtol=TOLERANCE)


@cases("stops")
def test_stop(case):
    """The epoch in which EarlyStopping ends it, the best one, and the one whose weights stay."""

    class Model:
        stop_training, w, optimizer = False, np.zeros(1), optimizers.SGD()
        history = History()

    callback = EarlyStopping(**case["arguments"])
    callback.set_model(Model())
    callback.on_train_begin()
    for epoch, value in enumerate(case["values"]):
        callback.model.w = np.array([float(epoch)])
        callback.on_epoch_end(epoch, {"val_loss": value})
        if callback.model.stop_training:
            break
    callback.on_train_end()
    assert (epoch + 1, callback.stopped_epoch) == (case["epochs"], case["stopped_epoch"])
    assert callback.model.w == case["weights"]
    assert callback.best_epoch == case["best_epoch"]


# --- Keras, PyTorch and optax under one name: the recording "frameworks" --------------------------


def walk(case, step):
    """The path of the rule `step(t, w, g)`, t = 0, 1, ..., on the problem of the case."""
    rows = [np.array(FRAMEWORKS["start"])]
    for t in range(len(case["paths"]["keras"]) - 1):
        g = case["problem"]["scale"] * np.array(case["problem"]["curvature"]) * rows[-1]
        rows.append(step(t, rows[-1], g))
    return np.array(rows)


def constant(rate):
    return lambda t: rate


def cut(rate):
    """A tenth of the rate from step 10 on."""
    return lambda t: rate if t < 10 else rate / 10


class Sum:
    """Momentum with the rate outside: b <- mu b + g, w <- w - lr b; Nesterov: w <- w - lr (g + mu
    b). L2 adds to g.
    """

    def __init__(self, rate, mu=0.0, nesterov=False, l2=0.0):
        self.rate, self.mu, self.nesterov, self.l2, self.b = rate, mu, nesterov, l2, 0.0

    def __call__(self, t, w, g):
        g = g + self.l2 * w
        self.b = self.mu * self.b + g
        return w - self.rate(t) * (g + self.mu * self.b if self.nesterov else self.b)


class MeanSquare:
    """RMSprop: epsilon `inside` the root or outside it; with momentum, the rate inside the velocity
    or outside it; centered.
    """

    def __init__(self, rate, rho, epsilon, inside, mu=0.0, rate_inside=False, centered=False):
        self.rate, self.rho, self.epsilon, self.inside, self.mu, self.rate_inside = (
            rate,
            rho,
            epsilon,
            inside,
            mu,
            rate_inside,
        )
        self.centered = centered
        self.v = self.m = self.b = 0.0

    def __call__(self, t, w, g):
        self.v = self.rho * self.v + (1 - self.rho) * g**2
        self.m = self.rho * self.m + (1 - self.rho) * g
        v = self.v - self.m**2 if self.centered else self.v
        u = g / (np.sqrt(v + self.epsilon) if self.inside else np.sqrt(v) + self.epsilon)
        self.b = self.mu * self.b + (self.rate(t) * u if self.rate_inside else u)
        return w - (self.b if self.rate_inside else self.rate(t) * self.b)


class Moments:
    """Adam as in the paper's Algorithm 1: epsilon after the correction; decay as L2 or decoupled;
    two forms of AMSGrad.
    """

    def __init__(self, rate, epsilon=1e-8, l2=0.0, decay=0.0, amsgrad=None):
        self.rate, self.epsilon, self.l2, self.decay, self.amsgrad = (
            rate,
            epsilon,
            l2,
            decay,
            amsgrad,
        )
        self.m = self.v = self.top = 0.0

    def __call__(self, t, w, g):
        g = g + self.l2 * w
        self.m, self.v = 0.9 * self.m + 0.1 * g, 0.999 * self.v + 0.001 * g**2
        correction = 1 - 0.999 ** (t + 1)
        v = self.v / correction
        if self.amsgrad:
            self.top = np.maximum(self.top, v if self.amsgrad == "of the corrected v" else self.v)
            v = self.top if self.amsgrad == "of the corrected v" else self.top / correction
        step = self.m / (1 - 0.9 ** (t + 1)) / (np.sqrt(v) + self.epsilon)
        return w - self.rate * self.decay * w - self.rate * step


class SumOfSquares:
    """Adagrad: the sum starts at `start`; epsilon inside the root or outside it."""

    def __init__(self, rate, start, epsilon, inside):
        self.rate, self.epsilon, self.inside, self.s = rate, epsilon, inside, start

    def __call__(self, t, w, g):
        self.s = self.s + g**2
        return w - self.rate * g / (
            np.sqrt(self.s + self.epsilon) if self.inside else np.sqrt(self.s) + self.epsilon
        )


class Clipped:
    """A rule that sees the gradient no longer than `limit`."""

    def __init__(self, limit, rule):
        self.limit, self.rule = limit, rule

    def __call__(self, t, w, g):
        return self.rule(t, w, g * min(1, self.limit / np.linalg.norm(g)))


OTHERS = {  # what PyTorch and optax do, each as the table of chapter 12 states it
    "momentum-constant": dict.fromkeys(["torch", "optax"], lambda: Sum(constant(0.02), 0.9)),
    "momentum-step": dict.fromkeys(["torch", "optax"], lambda: Sum(cut(0.02), 0.9)),
    "momentum-exponential": dict.fromkeys(
        ["torch", "optax"], lambda: Sum(lambda t: 0.02 * 0.9**t, 0.9)
    ),
    "nesterov-constant": dict.fromkeys(
        ["torch", "optax"], lambda: Sum(constant(0.02), 0.9, nesterov=True)
    ),
    "nesterov-step": dict.fromkeys(["torch", "optax"], lambda: Sum(cut(0.02), 0.9, nesterov=True)),
    "sgd-defaults": {"torch": lambda: Sum(constant(0.001))},
    "rmsprop-defaults": {"torch": lambda: MeanSquare(constant(0.01), 0.99, 1e-8, inside=False)},
    "rmsprop-ordinary": {
        "torch": lambda: MeanSquare(constant(0.01), 0.9, 1e-8, inside=False),
        "optax": lambda: MeanSquare(constant(0.01), 0.9, 1e-8, inside=True),
    },
    "rmsprop-faint": {
        "torch": lambda: MeanSquare(constant(0.01), 0.9, 1e-8, inside=False),
        "optax": lambda: MeanSquare(constant(0.01), 0.9, 1e-8, inside=True),
    },
    "rmsprop-faint-eps-outside": dict.fromkeys(
        ["torch", "optax"], lambda: MeanSquare(constant(0.01), 0.9, 1e-8, inside=False)
    ),
    "rmsprop-momentum-step": {
        "torch": lambda: MeanSquare(cut(0.01), 0.9, 1e-8, inside=False, mu=0.9),
        "optax": lambda: MeanSquare(cut(0.01), 0.9, 1e-8, inside=True, mu=0.9, rate_inside=True),
    },
    "adam-ordinary": dict.fromkeys(["torch", "optax"], lambda: Moments(0.05)),
    "adam-fainter": dict.fromkeys(["torch", "optax"], lambda: Moments(0.05)),
    "adam-fainter-same-epsilon": dict.fromkeys(["torch", "optax"], lambda: Moments(0.05)),
    "amsgrad": {
        "torch": lambda: Moments(0.05, epsilon=0.0, amsgrad="of v"),
        "optax": lambda: Moments(0.05, epsilon=0.0, amsgrad="of the corrected v"),
    },
    "adam-weight-decay": dict.fromkeys(["torch", "optax"], lambda: Moments(0.05, l2=0.1)),
    "sgd-weight-decay": dict.fromkeys(["torch", "optax"], lambda: Sum(constant(0.02), l2=0.1)),
    "momentum-weight-decay": dict.fromkeys(
        ["torch", "optax"], lambda: Sum(constant(0.02), 0.9, l2=0.1)
    ),
    "adamw": dict.fromkeys(["torch", "optax"], lambda: Moments(0.05, epsilon=0.0, decay=0.1)),
    "adamw-defaults": {
        "torch": lambda: Moments(0.05, decay=0.01),
        "optax": lambda: Moments(0.05, decay=1e-4),
    },
    "adagrad-defaults": {
        "torch": lambda: SumOfSquares(0.1, 0.0, 1e-10, inside=False),
        "optax": lambda: SumOfSquares(0.1, 0.1, 1e-7, inside=True),
    },
    "adagrad-default-rate": {"torch": lambda: SumOfSquares(0.01, 0.0, 1e-10, inside=False)},
    "rmsprop-centered": {
        "torch": lambda: MeanSquare(constant(0.01), 0.9, 1e-8, inside=False, centered=True),
        "optax": lambda: MeanSquare(constant(0.01), 0.9, 1e-8, inside=True, centered=True),
    },
    "clipped": {"optax": lambda: Clipped(1.0, Sum(constant(0.02), 0.9))},
}


def frameworks(kind):
    return pytest.mark.parametrize(
        "case", FRAMEWORKS[kind], ids=[case["id"] for case in FRAMEWORKS[kind]]
    )


@frameworks("paths")
def test_the_keras_line_runs_in_optimlib(case):
    """The line that the reader sees, as it stands, with `optimizers` and `schedules` from
    optimlib.
    """
    optimizer = eval(case["lines"]["keras"], {"optimizers": optimizers, "schedules": schedules})
    assert_same(walk(case, lambda t, w, g: optimizer.step(w, g)), np.array(case["paths"]["keras"]))


@frameworks("paths")
def test_the_other_frameworks_follow_the_table(case):
    assert set(OTHERS[case["id"]]) == set(case["paths"]) - {"keras"}
    for framework, rule in OTHERS[case["id"]].items():
        assert_same(walk(case, rule()), np.array(case["paths"][framework]))


@pytest.mark.parametrize(
    "case",
    [
        {**case, "numbers": case[numbers]}
        for kind, numbers in (("paths", "paths"), ("schedules", "rates"))
        for case in FRAMEWORKS[kind]
    ],
    ids=lambda case: case["id"],
)
def test_who_agrees_with_whom(case):
    """Inside a group the numbers are equal; between groups they differ by more than rounding could,
    1e-10 of their size.
    """
    numbers = {framework: np.array(values) for framework, values in case["numbers"].items()}
    assert sorted(numbers) == sorted(f for group in case["groups"] for f in group)
    for group in case["groups"]:
        for framework in group:
            assert_same(numbers[framework], numbers[group[0]])
        for other in case["groups"]:
            if other is not group:
                assert (
                    np.abs(numbers[group[0]] - numbers[other[0]]).max()
                    > 1e-10 * np.abs(numbers[group[0]]).max()
                )


@frameworks("schedules")
def test_the_schedule_line_runs_in_optimlib(case):
    schedule = eval(case["lines"]["keras"], {"schedules": schedules})
    np.testing.assert_allclose(
        schedule(np.arange(len(case["rates"]["keras"]))),
        case["rates"]["keras"],
        rtol=TOLERANCE,
        atol=TOLERANCE * 0.1,
    )


@frameworks("training")
def test_training_ends_where_the_frameworks_end(case):
    """Their mean test accuracies and optimlib's of today differ by less than 4 standard errors.

    The noise is that of the seed, measured here over 20 runs: a standard deviation of 0.006 to
    0.008, so that with five seeds a framework the bound lies near 0.015.
    """
    data, model = load_digits(), MLP([64, 32, 10], seed=np.arange(20))
    opt = eval(case["lines"]["keras"], {"optimizers": optimizers})
    model.compile(optimizer=opt, loss="categorical_crossentropy", metrics=["accuracy"])
    model.fit(*data.train, epochs=20, batch_size=32)
    ours = model.evaluate(*data.test)[1]
    assert ours.std(ddof=1) < 0.01
    for theirs in case["test_accuracy"].values():
        error = ours.std(ddof=1) * np.sqrt(1 / len(theirs) + 1 / len(ours))
        assert abs(np.mean(theirs) - ours.mean()) < 4 * error
