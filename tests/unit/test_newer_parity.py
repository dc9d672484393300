"""Lion, Muon, SOAP and Schedule-Free take the paths of other libraries' Lion, Muon, and so on.

tests/parity/newer.json holds what Keras, PyTorch, optax, schedulefree and pytorch_optimizer
computed in float64, and tests/parity/record_newer.py how. Equal means what it means in
test_parity.py: to 1e-12 of the largest value that a weight takes on its path. A case with `instead`
was recorded with more digits, or another array, inside the library than it ships with. A case with
`differs` does not follow the published rule: what it follows is written out here, and is equal to
1e-12; or, where only its rounding differs, its distance is held between bounds.
"""

import json
from pathlib import Path

import numpy as np
import pytest

from optimlib import newer, optimizers, schedules

FILE = Path(__file__).parents[1] / "parity" / "newer.json"
RECORDED = json.loads(FILE.read_text(encoding="utf-8"))
BY_ID = {case["id"]: case for case in RECORDED["paths"]}
TOLERANCE = 1e-12


def make(case, module=newer):
    return eval(case["ours"], {"optimizers": module, "schedules": schedules})


def run(case, optimizer):
    """The path at the recorded rows, and the averages x, each (rows, P)."""
    problem = RECORDED["problems"][case["problem"]]
    optimizer.build([tuple(shape) for shape in problem["shapes"]])
    path, averages = [np.array(problem["start"])], [np.array(problem["start"])]
    for step in range(RECORDED["rows"][-1]):
        if "gradients" in problem:
            g = np.array(problem["gradients"][step])
        else:
            # not by BLAS, some of whose kernels round otherwise than others
            distance = path[-1] - problem["minimum"]
            g = problem.get("scale", 1.0) * np.einsum("ij,j->i", problem["hessian"], distance)
        path.append(optimizer.step(path[-1], g))
        averages.append(optimizer.evaluated(path[-1]))
    rows = RECORDED["rows"]
    return np.array(path)[rows], np.array(averages)[rows]


def distance(ours, theirs):
    """The largest difference of each weight, in units of its own largest size on their path."""
    size = np.abs(theirs).max(axis=0)
    return np.abs(ours - theirs).max(axis=0) / np.where(size > 0, size, 1)


@pytest.mark.parametrize("id", [id for id, case in BY_ID.items() if "differs" not in case])
def test_the_same_path(id):
    case = BY_ID[id]
    path, averages = run(case, make(case))
    assert np.ptp(case["path"], axis=0).max() > 1e-9  # it moves
    assert distance(path, case["path"]).max() <= TOLERANCE
    if "x" in case:
        assert distance(averages, case["x"]).max() <= TOLERANCE


def test_the_recording_says_what_made_it():
    assert RECORDED["versions"]["keras"].startswith("3.")
    assert {"torch", "optax", "schedulefree", "pytorch_optimizer"} <= set(RECORDED["versions"])
    libraries = {case["library"] for case in RECORDED["paths"]}
    assert libraries == {"keras", "torch", "optax", "schedulefree", "pytorch_optimizer"}


# --- what is not the published rule -----------------------------------------------------------


class KerasFree(newer.ScheduleFreeAdamW):
    """As Keras has it: every z counts alike, warmup or not, and decay moves y before x is found."""

    def decayed(self, w, lr):
        if self.iterations == 1:
            self.z = w
        return optimizers.Optimizer.decayed(self, w, lr)

    def update(self, w, g, lr):
        t, old = self.iterations, self.z
        lr = lr * min(1, t / max(1, self.warmup_steps))
        self.z = old - lr * self.direction(g)
        x = (w - (1 - self.beta_1) * old) / self.beta_1
        self.x = (1 - 1 / t) * x + self.z / t
        return (1 - self.beta_1) * self.z + self.beta_1 * self.x


class OptaxFree(newer.ScheduleFreeAdamW):
    """As optax has it: step t moves at the rate of t - 1, and is weighted by that of t."""

    def update(self, w, g, lr):
        t, warmup = self.iterations, self.warmup_steps
        self.z = (w if t == 1 else self.z) - lr * min(1, (t - 1) / warmup) * self.direction(g)
        weight = (lr * min(1, t / warmup)) ** 2
        self.total = self.total + weight
        c = weight / self.total
        self.x = (1 - c) * (w if t == 1 else self.x) + c * self.z
        return (1 - self.beta_1) * self.z + self.beta_1 * self.x


class OptaxMuon(newer.Muon):
    """As optax has it: both parts of U corrected, each by a step of its own; and so in its Adam."""

    def mix(self, m, g, beta):
        t = self.iterations
        return beta * m / (1 - beta ** (t + 1)) + (1 - beta) * g / (1 - beta**t)

    def update(self, w, g, lr):
        mu, b1, b2, t = self.momentum, self.beta_1, self.beta_2, self.iterations
        self.velocity = mu * self.velocity + (1 - mu) * g
        U = self.mix(self.velocity, g, mu)
        for M in self.matrices(U):
            M[...] = self.scale(*M.shape[-2:]) * newer.orthogonalize(M)
        self.m = b1 * self.m + (1 - b1) * g
        self.v = b2 * self.v + (1 - b2) * g * g
        step = self.mix(self.m, g, b1) / np.sqrt(self.v / (1 - b2**t))
        return w - lr * np.where(self.in_matrix, U, step)


@pytest.mark.parametrize(
    ("id", "module", "least"),
    [
        ("keras-ScheduleFreeAdamW-warmup", {"ScheduleFreeAdamW": KerasFree}, 0.03),
        ("keras-ScheduleFreeAdamW-weight-decay", {"ScheduleFreeAdamW": KerasFree}, 0.01),
        ("optax-ScheduleFreeAdamW-warmup", {"ScheduleFreeAdamW": OptaxFree}, 0.01),
        ("optax-Muon", {"Muon": OptaxMuon}, 0.01),
    ],
)
def test_another_rule_under_the_name(id, module, least):
    """It is the rule written out here, and more than `least` from the published one."""
    case = BY_ID[id]
    theirs = type("module", (), module)
    assert distance(run(case, make(case, theirs))[0], case["path"]).max() <= TOLERANCE
    assert distance(run(case, make(case))[0], case["path"]).max() > least


@pytest.mark.parametrize(
    ("id", "least", "most"),
    [
        ("torch-Muon-as-shipped", 1e-5, 0.02),  # bfloat16 has 8 bits: 0.004 of each step
        ("torch-Muon-not-Nesterov-as-shipped", 1e-5, 0.02),
        ("pytorch_optimizer-SOAP-as-shipped", 1e-9, 1e-5),
    ],
)
def test_fewer_digits_inside(id, least, most):
    case = BY_ID[id]
    assert least < distance(run(case, make(case))[0], case["path"]).max() < most


def test_keras_free_on_tensorflow_does_not_know_beta_1():
    """The path as shipped is that with beta_1 = 1, and far from that with 0.9, which was asked."""
    case = BY_ID["keras-ScheduleFreeAdamW-as-shipped"]
    asked = newer.ScheduleFreeAdamW(0.05)
    assert case["line"].endswith("ScheduleFreeAdamW(learning_rate=0.05)")
    assert distance(run(case, make(case))[0], case["path"]).max() <= TOLERANCE
    assert distance(run(case, asked)[0], case["path"]).max() > 0.03
