"""Lion, Muon, SOAP and Schedule-Free against pencil numbers, what they promise, and bad input."""

import copy
import itertools
import pickle
import subprocess
import sys

import numpy as np
import pytest

from optimlib import optimizers
from optimlib.data import load_digits
from optimlib.mlp import MLP
from optimlib.networks import CNN, RNN, Transformer
from optimlib.newer import (
    SOAP,
    Lion,
    Muon,
    ScheduleFreeAdamW,
    ScheduleFreeSGD,
    orthogonalize,
)

SHAPES = [(4, 3), (3,), (3, 5), (5, 2), (2,)]
SIZE = sum(int(np.prod(shape)) for shape in SHAPES)
EVERY = {
    "Lion": Lion,
    "Muon": Muon,
    "Muon, output by Adam": lambda lr, **k: Muon(lr, exclude_layers=[-2], **k),
    "Muon, not Nesterov": lambda lr, **k: Muon(lr, nesterov=False, **k),
    "SOAP": lambda lr, **k: SOAP(lr, precondition_frequency=3, **k),
    "ScheduleFreeSGD": ScheduleFreeSGD,
    "ScheduleFreeAdamW": lambda lr, **k: ScheduleFreeAdamW(lr, warmup_steps=3, **k),
}
every = pytest.mark.parametrize("make", EVERY.values(), ids=EVERY)


def walk(opt, w, gradients):
    """The weights after each gradient in turn, the start first."""
    path = [w]
    for g in gradients:
        path.append(opt.step(path[-1], g))
    return np.array(path)


def rotation(rng, n):
    return np.linalg.qr(rng.normal(size=(n, n)))[0]


# --- Lion -------------------------------------------------------------------------------------


def test_lion_by_pencil():
    """The second gradient has turned, and a short memory forgets the first as a long one does not.

    c = 0.5, 0.5 * m - 0.05, ... with m = 0.25 at beta_2 = 0.75, and 0.05 at beta_2 = 0.95.
    """
    gradients = np.array([[1.0], [-0.1]])
    remembers = walk(Lion(0.1, beta_1=0.5, beta_2=0.75), np.array([1.0]), gradients)
    forgets = walk(Lion(0.1, beta_1=0.5, beta_2=0.95), np.array([1.0]), gradients)
    np.testing.assert_allclose(remembers[:, 0], [1, 0.9, 0.8], rtol=1e-15)
    np.testing.assert_allclose(forgets[:, 0], [1, 0.9, 1.0], rtol=1e-15)


def test_lion_sees_signs_only():
    """Every weight moves by the rate; the scale of a weight's gradients makes no difference."""
    rng = np.random.default_rng(0)
    gradients = rng.normal(size=(30, 6))
    path = walk(Lion(0.01), np.zeros(6), gradients)
    np.testing.assert_allclose(np.abs(np.diff(path, axis=0)), 0.01, rtol=1e-12)
    scaled = walk(Lion(0.01), np.zeros(6), gradients * 2.0 ** np.array([-40, -9, 0, 3, 20, 60]))
    np.testing.assert_array_equal(scaled, path)
    assert (walk(Lion(0.01), np.ones(2), np.zeros((3, 2))) == 1).all()


def test_lion_with_one_beta_is_the_sign_of_momentum():
    gradients = np.random.default_rng(1).normal(size=(30, 4))
    path, m = walk(Lion(0.01, beta_1=0.8, beta_2=0.8), np.zeros(4), gradients), 0.0
    for t, g in enumerate(gradients):
        m = 0.8 * m + 0.2 * g
        np.testing.assert_allclose(path[t + 1] - path[t], -0.01 * np.sign(m), rtol=1e-10)


# --- Muon -------------------------------------------------------------------------------------


def newton_schulz(s, steps=5, a=3.4445, b=-4.7750, c=2.0315):
    for _ in range(steps):
        s = a * s + b * s**3 + c * s**5
    return s


@pytest.mark.parametrize("shape", [(5, 5), (3, 7), (7, 3), (1, 6), (6, 1)])
def test_orthogonalize_keeps_the_vectors_and_levels_the_values(shape):
    rng = np.random.default_rng(2)
    u, v = rotation(rng, shape[0]), rotation(rng, shape[1])
    s = np.zeros(shape)
    np.fill_diagonal(s, np.geomspace(1, 0.02, min(shape)))
    G = u @ s @ v
    left = np.diag(u.T @ orthogonalize(G) @ v.T)
    np.testing.assert_allclose(left, newton_schulz(np.diag(s) / np.linalg.norm(s)), rtol=1e-6)
    assert left.min() > 0.68 and left.max() < 1.14
    rest = u.T @ orthogonalize(G) @ v.T
    np.fill_diagonal(rest, 0)
    assert np.abs(rest).max() < 1e-12
    np.testing.assert_allclose(orthogonalize(G.T), orthogonalize(G).T, atol=1e-13)


def test_the_band_of_five_steps():
    """What the docstring says of s from 0.01 to 1; and ever more steps stay in a band."""
    s = np.linspace(0.01, 1, 100_000)
    assert 0.68 < newton_schulz(s).min() < 0.69 and 1.13 < newton_schulz(s).max() < 1.14
    assert newton_schulz(s, 20).min() < 0.75 and newton_schulz(s, 20).max() > 1.1


def test_orthogonalize_turns_with_its_argument():
    rng = np.random.default_rng(3)
    G, A, B = rng.normal(size=(4, 6)), rotation(rng, 4), rotation(rng, 6)
    np.testing.assert_allclose(orthogonalize(A @ G @ B), A @ orthogonalize(G) @ B, atol=1e-13)
    cubic = orthogonalize(G, 30, (1.5, -0.5, 0.0))
    np.testing.assert_allclose(cubic @ cubic.T, np.eye(4), atol=1e-12)
    assert np.linalg.norm(orthogonalize(G, 0)) == pytest.approx(1)
    assert not orthogonalize(np.zeros((3, 4))).any()


def muon(lr=0.01, **settings):
    """Muon without decay."""
    return Muon(lr, **{"weight_decay": None, "adam_weight_decay": None} | settings)


def matrices(flat):
    return muon().build(SHAPES).matrices(flat)


def test_muon_steps_are_as_long_as_adams():
    """0.2 to a weight, but for the band, whatever the shape; rows or columns are orthogonal."""
    rng = np.random.default_rng(4)
    w = rng.normal(size=SIZE)
    opt = muon(0.1).build(SHAPES)
    path = walk(opt, w, rng.normal(size=(6, SIZE)))
    for step in np.diff(path, axis=0) / 0.1:
        for M in matrices(step):
            s = np.linalg.svd(M / (0.2 * max(M.shape) ** 0.5), compute_uv=False)
            assert s.min() > 0.4 and s.max() < 1.14
            assert 0.1 < np.sqrt((M**2).mean()) < 0.2 * 1.14


def test_muon_takes_its_momentum_first_and_then_makes_it_orthogonal():
    rng = np.random.default_rng(5)
    gradients = rng.normal(size=(5, 12))
    M, expected = 0.0, np.zeros((4, 3))
    for g in gradients:
        M = 0.9 * M + g.reshape(4, 3)
        expected = expected - 0.01 * 0.2 * 4**0.5 * orthogonalize(g.reshape(4, 3) + 0.9 * M)
    opt = muon(momentum=0.9).build([(4, 3)])
    np.testing.assert_allclose(walk(opt, np.zeros(12), gradients)[-1], expected.ravel(), rtol=1e-12)


def test_the_scale_of_the_gradient_makes_no_difference_to_muon():
    rng = np.random.default_rng(6)
    gradients = rng.normal(size=(5, SIZE))
    path, large = (
        walk(muon(epsilon=0.0).build(SHAPES), np.zeros(SIZE), scale * gradients)
        for scale in (1.0, 2.0**30)
    )
    np.testing.assert_allclose(large, path, rtol=1e-6, atol=1e-9)


def test_muon_leaves_what_never_has_a_gradient():
    """A row of zeros, as of a pixel that is always blank, stays exactly as it is."""
    rng = np.random.default_rng(7)
    gradients = rng.normal(size=(5, 6, 4))
    gradients[:, 2] = 0
    path = walk(muon().build([(6, 4)]), np.ones(24), gradients.reshape(5, -1)).reshape(-1, 6, 4)
    assert (path[:, 2] == 1).all()
    assert (path[-1, [0, 1, 3, 4, 5]] != 1).all()


@pytest.mark.parametrize("excluded", [[], [0], [-2], [0, 2, 3]])
def test_muon_leaves_the_rest_to_adam(excluded):
    rng = np.random.default_rng(8)
    w, gradients = rng.normal(size=SIZE), rng.normal(size=(6, SIZE))
    opt = muon(adam_lr_ratio=0.3, adam_beta_1=0.7, exclude_layers=excluded).build(SHAPES)
    path = walk(opt, w, gradients)
    adam = walk(optimizers.Adam(0.003, beta_1=0.7), w, gradients)
    rest = ~opt.in_matrix
    np.testing.assert_array_equal(path[:, rest], adam[:, rest])
    assert (path[1:, ~rest] != adam[1:, ~rest]).all()
    assert [shape for _, shape in opt.places] == [
        shape
        for i, shape in enumerate(SHAPES)
        if len(shape) == 2 and i not in excluded and i - len(SHAPES) not in excluded
    ]
    assert opt.velocity.size == SIZE and opt.m.size == opt.v.size == rest.sum()


def test_muon_without_rounding_steps_along_its_sum():
    muon = Muon(1.0, ns_steps=0, nesterov=False, weight_decay=None, rms_rate=None)
    g = np.array([[3.0, 0.0], [0.0, 4.0]]).ravel()
    step = -muon.build([(2, 2)]).step(np.zeros(4), g)
    np.testing.assert_allclose(step / np.sqrt((step * step).sum()), g / 5, atol=1e-12)


@pytest.mark.parametrize("rule", [Muon, SOAP])
def test_clipnorm_cuts_each_parameter_of_a_matrix_rule_by_itself(rule):
    g, shapes = np.array([30.0, 0.0, 0.0, 40.0, 3.0, 4.0]), [(2, 2), (2,)]
    cut = g / np.repeat([50.0, 5.0], [4, 2])
    ends = []
    for gradient, limit in ((g, {"clipnorm": 1.0}), (cut, {})):
        opt, w = rule(0.1, epsilon=1.0, **limit).build(shapes), np.ones(6)
        for _ in range(3):
            w = opt.step(w, gradient)
        ends.append(w)
    np.testing.assert_allclose(*ends, rtol=1e-12)


def test_muon_has_two_decays():
    opt = Muon(0.5, weight_decay=0.2, adam_weight_decay=0.1).build(SHAPES)
    w = opt.step(np.ones(SIZE), np.zeros(SIZE))
    np.testing.assert_allclose(w, np.where(opt.in_matrix, 0.9, 0.95), rtol=1e-15)


def test_another_rounding_takes_the_place_of_newton_schulz():
    """As chapter 11's ablations have it; the momentum, the scale and Adam's part stay."""

    class Exact(Muon):
        def rounded(self, U):
            left, _, right = np.linalg.svd(U, full_matrices=False)
            return left @ right

    g = np.random.default_rng(22).normal(size=SIZE)
    opt, other = (rule(0.1, weight_decay=None).build(SHAPES) for rule in (Exact, Muon))
    w, usual = opt.step(np.zeros(SIZE), g), other.step(np.zeros(SIZE), g)
    for M in opt.matrices(w):
        s = np.linalg.svd(M, compute_uv=False)
        np.testing.assert_allclose(s, 0.1 * 0.2 * max(M.shape) ** 0.5, rtol=1e-12)
    np.testing.assert_array_equal(w[~opt.in_matrix], usual[~opt.in_matrix])
    assert (w[opt.in_matrix] != usual[opt.in_matrix]).all()


# --- SOAP -------------------------------------------------------------------------------------


def uneven(rng, steps, n):
    """Gradients (steps, n, n) whose L and R are diagonal, the largest entries first."""
    return np.array([np.diag(rng.normal(size=n) * 10.0 ** -np.arange(n)) for _ in range(steps)])


@pytest.mark.parametrize("frequency", [1, 4])
def test_soap_is_adam_along_its_own_axes(frequency):
    """Where Adam's axes are right, SOAP is Adam; turn the valley, and SOAP's path turns with it."""
    rng = np.random.default_rng(9)
    gradients, n = uneven(rng, 30, 3), 3
    gradients[0] = np.diag(10.0 ** -np.arange(n))
    A, B = rotation(rng, n), rotation(rng, n)
    start = rng.normal(size=(n, n))
    settings = {"beta_1": 0.9, "beta_2": 0.99, "epsilon": 1e-8}

    def soap(left, right):
        opt = SOAP(0.01, weight_decay=None, precondition_frequency=frequency, **settings)
        turned = (left @ gradients @ right).reshape(-1, n * n)
        return walk(opt.build([(n, n)]), (left @ start @ right).ravel(), turned).reshape(-1, n, n)

    adam = walk(optimizers.Adam(0.01, **settings), start.ravel(), gradients[1:].reshape(-1, n * n))
    straight = soap(np.eye(n), np.eye(n))
    np.testing.assert_allclose(straight[1:].reshape(-1, n * n), adam, rtol=1e-12)
    # off the diagonal of the turned gradients rounding is left, 1e-16, and Adam divides it by 1e-8
    np.testing.assert_allclose(soap(A, B), A @ straight @ B, atol=1e-7)


def test_soaps_own_rate_and_decay():
    soap = SOAP()
    assert (soap.learning_rate, soap.weight_decay) == (0.003, 0.01)
    assert (soap.beta_1, soap.beta_2, soap.epsilon) == (0.95, 0.95, 1e-8)


def test_soap_turns_with_the_valley_for_any_gradients():
    rng = np.random.default_rng(10)
    gradients, A, B = rng.normal(size=(40, 4, 4)), rotation(rng, 4), rotation(rng, 4)
    path, turned = (
        walk(SOAP(0.01).build([(4, 4)]), np.zeros(16), seen.reshape(-1, 16)).reshape(-1, 4, 4)
        for seen in (gradients, A @ gradients @ B)
    )
    np.testing.assert_allclose(turned, A @ path @ B, atol=1e-10)
    adam = walk(optimizers.Adam(0.01), np.zeros(16), (A @ gradients @ B).reshape(-1, 16))
    other = walk(optimizers.Adam(0.01), np.zeros(16), gradients.reshape(-1, 16))[-1].reshape(4, 4)
    assert np.abs(adam[-1].reshape(4, 4) - A @ other @ B).max() > 0.01


def test_soaps_first_gradient_only_sets_the_axes():
    rng = np.random.default_rng(11)
    gradients = rng.normal(size=(9, SIZE))
    opt = SOAP(0.01, precondition_frequency=4).build(SHAPES)
    w, axes = np.zeros(SIZE), []
    for g in gradients:
        new = opt.step(w, g)
        assert (new == w).all() == (opt.iterations == 1)
        axes.append(opt.Q_L)
        w = new
    changes = [not np.array_equal(a, b) for a, b in itertools.pairwise(axes)]
    assert changes == [t % 4 == 0 for t in range(1, 9)]


def test_soaps_axes_become_the_eigenvectors():
    rng = np.random.default_rng(12)
    A, B = rotation(rng, 4), rotation(rng, 3)
    s = np.diag(10.0 ** -np.arange(4))[:, :3]
    opt = SOAP(0.01, beta_2=0.99, precondition_frequency=1).build([(4, 3)])
    gradients = A @ (s * rng.normal(size=(300, 4, 3))) @ B
    w = walk(opt, np.zeros(12), gradients.reshape(-1, 12))[-1]
    (Q_L,), (Q_R,) = opt.axes()
    np.testing.assert_allclose(np.abs(Q_L.T @ A), np.eye(4), atol=1e-9)
    np.testing.assert_allclose(np.abs(Q_R.T @ B.T), np.eye(3), atol=1e-9)
    (L,), (R,) = opt.squares(opt.L, 0), opt.squares(opt.R, 1)
    np.testing.assert_allclose(opt.turn_back(opt.turn(w)), w, atol=1e-14)
    weights = 0.01 * 0.99 ** np.arange(299, -1, -1)
    np.testing.assert_allclose(
        L, np.einsum("t,tij->ij", weights, gradients @ gradients.mT), atol=1e-12
    )
    np.testing.assert_allclose(
        R, np.einsum("t,tij->ij", weights, gradients.mT @ gradients), atol=1e-12
    )


# --- Schedule-Free ----------------------------------------------------------------------------


def test_schedule_free_by_pencil():
    """Gradients 1, then -2, from 1 at rate 0.1: z = 0.9, 1.1; x = 0.9, 1.0; y half way."""
    opt = ScheduleFreeSGD(0.1, beta_1=0.5)
    path = walk(opt, np.array([1.0]), np.array([[1.0], [-2.0]]))
    np.testing.assert_allclose(path[:, 0], [1, 0.9, 1.05], rtol=1e-14)
    assert opt.evaluated(path[-1]) == pytest.approx(1.0)
    opt = ScheduleFreeAdamW(0.1, beta_1=0.5, beta_2=0.75, epsilon=0.0)
    path = walk(opt, np.array([1.0]), np.array([[1.0], [-2.0]]))
    z = 0.9 + 0.2 / (1.1875 / 0.4375) ** 0.5  # v = 0.25, then 1.1875
    x = (0.9 + z) / 2
    np.testing.assert_allclose(path[:, 0], [1, 0.9, (z + x) / 2], rtol=1e-14)
    assert opt.evaluated(path[-1]) == pytest.approx(x)


@pytest.mark.parametrize("rule", [ScheduleFreeSGD, ScheduleFreeAdamW])
def test_x_is_the_mean_of_z_and_y_lies_between(rule):
    gradients = np.random.default_rng(13).normal(size=(20, 3))
    opt, w, z = rule(0.1, beta_1=0.8), np.ones(3), []
    assert opt.evaluated(w) is w
    for g in gradients:
        w = opt.step(w, g)
        z.append(opt.z)
        np.testing.assert_allclose(opt.evaluated(w), np.mean(z, axis=0), rtol=1e-12)
        np.testing.assert_allclose(w, 0.2 * opt.z + 0.8 * opt.x, rtol=1e-12)


def test_the_mean_is_weighted_by_the_squared_rates():
    gradients = np.random.default_rng(14).normal(size=(12, 3))
    rates = 0.1 * np.minimum(1, np.arange(1, 13) / 5)
    runs = []
    for opt in (ScheduleFreeSGD(0.1, warmup_steps=5), ScheduleFreeSGD(lambda t: rates[t])):
        w, z = np.zeros(3), []
        for g in gradients:
            w = opt.step(w, g)
            z.append(opt.z)
        np.testing.assert_allclose(np.diff(z, axis=0), -rates[1:, None] * gradients[1:], rtol=1e-9)
        np.testing.assert_allclose(opt.x, np.average(z, axis=0, weights=rates**2), rtol=1e-12)
        runs.append(w)
    np.testing.assert_allclose(*runs, rtol=1e-12)


def test_the_ends_of_beta_1():
    """At 0 the path is gradient descent's, and x Polyak's average of it; at 1 it is x itself."""
    H = np.diag([1.0, 5.0])
    free, plain, primal = (
        ScheduleFreeSGD(0.1, beta_1=0),
        optimizers.SGD(0.1),
        ScheduleFreeSGD(0.1, 1),
    )
    y = w = p = np.ones(2)
    path = []
    for _ in range(20):
        y, w, p = free.step(y, H @ y), plain.step(w, H @ w), primal.step(p, H @ p)
        path.append(w)
        np.testing.assert_allclose(y, w, rtol=1e-12)
        np.testing.assert_allclose(free.evaluated(y), np.mean(path, axis=0), rtol=1e-12)
        assert (primal.evaluated(p) == p).all()


def test_schedule_free_decay_reaches_z():
    """Without a gradient, z loses a twentieth of y at each step."""
    for rule in (ScheduleFreeSGD, ScheduleFreeAdamW):
        path = walk(rule(0.1, beta_1=0.9, weight_decay=0.5), np.ones(1), np.zeros((2, 1)))
        z = 0.95, 0.95 - 0.05 * 0.95
        np.testing.assert_allclose(path[:, 0], [1, z[0], 0.1 * z[1] + 0.9 * np.mean(z)])


def test_a_rate_of_zero_moves_nothing_and_counts_nothing():
    opt = ScheduleFreeSGD(lambda t: [0.0, 0.0, 0.1][t])
    path = walk(opt, np.ones(1), np.ones((3, 1)))
    np.testing.assert_allclose(path[:, 0], [1, 1, 1, 0.9], rtol=1e-15)


def test_a_network_is_evaluated_at_x_and_trained_at_y():
    data = load_digits()
    model = MLP([64, 8, 10], seed=0)
    model.compile(ScheduleFreeAdamW(0.05), "categorical_crossentropy", ["accuracy"])
    before = model.evaluate(*data.test)
    other = MLP([64, 8, 10], seed=0)
    other.compile("sgd", "categorical_crossentropy", ["accuracy"])
    assert before == other.evaluate(*data.test)
    history = model.fit(*data.train, epochs=2, validation_data=data.validation)
    other.w = model.optimizer.x
    assert model.evaluate(*data.test) == other.evaluate(*data.test)
    assert history.history["val_loss"][-1] == other.evaluate(*data.validation)[0]
    np.testing.assert_array_equal(model.predict(data.test[0]), other.predict(data.test[0]))
    other.w = model.w
    assert model.evaluate(*data.test) != other.evaluate(*data.test)
    ours, theirs = (m.loss_and_gradient(*data.train) for m in (model, other))
    assert ours[0] == theirs[0] and (ours[1] == theirs[1]).all()
    assert np.shares_memory(model.layers[0][0], model.w)


# --- all of them ------------------------------------------------------------------------------


@every
def test_replicas_equal_single_runs_to_the_last_bit(make):
    rng = np.random.default_rng(15)
    rates = np.array([[1e-3], [1e-2], [1e-1], [1.0]])
    starts, gradients = rng.normal(size=(4, SIZE)), rng.normal(size=(20, 4, SIZE))
    together = make(rates, weight_decay=0.01).build(SHAPES)
    path = walk(together, starts, gradients)
    for i, rate in enumerate(rates[:, 0]):
        alone = make(float(rate), weight_decay=0.01).build(SHAPES)
        np.testing.assert_array_equal(path[:, i], walk(alone, starts[i], gradients[:, i]))
        x = alone.evaluated(path[-1, i])
        np.testing.assert_array_equal(together.evaluated(path[-1])[i], x)


@every
def test_float32_stays(make):
    rng = np.random.default_rng(16)
    w = rng.normal(size=SIZE).astype(np.float32)
    opt = make(0.1, weight_decay=0.01).build(SHAPES)
    for g in rng.normal(size=(8, SIZE)).astype(np.float32):
        w = opt.step(w, g)
        assert w.dtype == opt.evaluated(w).dtype == np.float32
    kinds = {name: np.asarray(getattr(opt, name)).dtype for name in opt.state}
    assert all(kind == np.float32 for name, kind in kinds.items() if np.ndim(getattr(opt, name)))


@every
def test_nothing_that_was_handed_over_is_written_to(make):
    rng = np.random.default_rng(17)
    opt = make(0.1, weight_decay=0.1).build(SHAPES)
    w, gradients = rng.normal(size=SIZE), rng.normal(size=(6, SIZE))
    for g in gradients:
        before = w.copy(), g.copy(), {name: np.copy(getattr(opt, name)) for name in opt.state}
        held = {name: getattr(opt, name) for name in opt.state}
        new = opt.step(w, g)
        assert (w == before[0]).all() and (g == before[1]).all()
        for name, value in before[2].items():
            np.testing.assert_array_equal(held[name], value)
        w = new


@every
@pytest.mark.parametrize(
    "duplicate", [copy.copy, copy.deepcopy, lambda o: pickle.loads(pickle.dumps(o))]
)
def test_a_copy_goes_on_as_the_original_would(make, duplicate):
    rng = np.random.default_rng(18)
    w, gradients = rng.normal(size=SIZE), rng.normal(size=(12, SIZE))
    whole = walk(make(0.1).build(SHAPES), w, gradients)
    opt = make(0.1).build(SHAPES)
    half = walk(opt, w, gradients[:7])[-1]
    twin = duplicate(opt)
    np.testing.assert_array_equal(walk(twin, half, gradients[7:])[-1], whole[-1])
    np.testing.assert_array_equal(walk(opt, half, gradients[7:])[-1], whole[-1])
    np.testing.assert_array_equal(walk(opt.reset(), w, gradients), whole)


@every
@pytest.mark.parametrize("steps", [1, 7])
def test_what_was_saved_goes_on(make, steps):
    rng = np.random.default_rng(21)
    w, gradients = rng.normal(size=SIZE), rng.normal(size=(12, SIZE))
    opt, store = make(0.1).build(SHAPES), {}
    w = walk(opt, w, gradients[:steps])[-1]
    opt.save_own_variables(store)
    assert all(value.dtype.kind in "fi" for value in store.values())  # as a file of arrays has them
    other = make(0.3).build(SHAPES)
    other.load_own_variables(store)
    ends = [walk(o, w, gradients[steps:])[-1] for o in (opt, other)]
    np.testing.assert_array_equal(*ends)
    np.testing.assert_array_equal(*(o.evaluated(w) for o in (opt, other)))


@every
@pytest.mark.parametrize(
    "build",
    [
        lambda seed: MLP([6, 4, 3], seed=seed),
        lambda seed: CNN(side=4, filters=2, outputs=3, seed=seed),
        lambda seed: RNN(2, 4, 3, seed=seed),
        lambda seed: Transformer(3, length=4, width=4, heads=2, blocks=1, seed=seed),
    ],
    ids=["MLP", "CNN", "RNN", "Transformer"],
)
def test_compile_builds_for_every_network(make, build):
    """Two networks side by side end where each alone ends, and the loss falls."""
    rng = np.random.default_rng(19)
    model = build(np.array([3, 5]))
    inputs = tuple(4 if n is None else n for n in model.inputs)
    if model.integer_inputs:
        x = rng.integers(0, 3, (12, *inputs))
        y = np.eye(3)[np.roll(x, -1, axis=1)].reshape(12, -1)
    else:
        x, y = rng.normal(size=(12, *inputs)), rng.integers(0, 3, 12)
    ends = []
    for network in (model, build(3), build(5)):
        network.compile(make(0.03), "categorical_crossentropy")
        before = np.copy(network.evaluate(x, y))
        network.fit(x, y, epochs=15, batch_size=4)
        assert (network.evaluate(x, y) < before).all()
        ends.append(network.w)
    np.testing.assert_array_equal(ends[0], ends[1:])


@pytest.mark.parametrize("rule", [Lion, Muon, SOAP, ScheduleFreeSGD, ScheduleFreeAdamW])
def test_compile_knows_them_by_name(rule):
    for name in (rule.__name__, rule.__name__.lower()):
        opt = optimizers.get(name)
        assert type(opt) is rule and repr(opt) == repr(rule())
    model = MLP([6, 4, 3], seed=0)
    model.compile(rule.__name__.lower(), "categorical_crossentropy")
    assert type(model.optimizer) is rule
    x, y = np.random.default_rng(23).normal(size=(12, 6)), np.arange(12) % 3
    before = model.evaluate(x, y)
    model.fit(x, y, epochs=3, batch_size=4)
    assert model.evaluate(x, y) < before


def test_a_wrong_name_names_the_nearest_of_all():
    with pytest.raises(ValueError, match="did you mean 'muon'"):
        optimizers.get("moun")


@pytest.mark.parametrize("module", ["optimlib.newer", "optimlib.mlp", "optimlib.training"])
def test_names_are_known_wherever_a_model_is(module):
    code = f"import {module}; from optimlib import optimizers; optimizers.get('lion')"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("rule", [Lion, Muon, SOAP, ScheduleFreeSGD, ScheduleFreeAdamW])
def test_a_decay_may_be_a_mask_and_single_precision_stays(rule):
    mask, gradients = np.array([1.0, 0, 1, 0, 1, 0]), np.random.default_rng(24).normal(size=(4, 6))
    ends = []
    for decay in (0.1 * mask, 0.1, 0.0):
        opt, w = rule(0.1, weight_decay=decay).build([(2, 2), (2,)]), np.ones(6, np.float32)
        if rule is Muon:
            opt.adam_weight_decay = decay  # the biases'
        for g in gradients.astype(np.float32):
            w = opt.step(w, g)
        assert w.dtype == np.float32
        ends.append(w)
    if rule not in (Muon, SOAP):  # which see each matrix as a whole
        np.testing.assert_allclose(ends[0], np.where(mask > 0, ends[1], ends[2]), rtol=1e-6)


@pytest.mark.parametrize("rule", [Lion, Muon, SOAP])
def test_the_count_of_steps_may_begin_late(rule):
    """As to resume a schedule; what is remembered begins with the first gradient all the same."""
    gradients = np.random.default_rng(25).normal(size=(3, 6))
    late = rule(lambda step: 0.1 if step > 999 else 0.0).build([(2, 2), (2,)])
    late.iterations = 1000
    assert np.isfinite(walk(late, np.ones(6), gradients)).all() and late.iterations == 1003


@pytest.mark.parametrize("rule", [Muon, SOAP])
def test_matrices_must_be_known(rule):
    with pytest.raises(RuntimeError, match=rf"{rule.__name__} sees matrices.*build\(shapes\)"):
        rule().step(np.ones(4), np.ones(4))
    with pytest.raises(ValueError, match=r"w has shape \(5,\), but the shapes .* have 4 numbers"):
        rule().build([(2, 2)]).step(np.ones(5), np.ones(5))
    with pytest.raises(ValueError, match="exclude_layers has 2, but there are 2 shapes"):
        rule(exclude_layers=[2]).build([(2, 2), (2,)])
    with pytest.raises(ValueError, match="exclude_layers=-3 is not a whole number"):
        rule(exclude_layers=[-3]).build([(2, 2), (2,)])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Lion(beta_1=1.0), r"beta_1=1.0 .* \[0, 1\)"),
        (lambda: Lion(beta_2=-0.1), "beta_2=-0.1"),
        (lambda: Lion(-1.0), "learning_rate=-1.0"),
        (lambda: Muon(momentum=1.0), "momentum=1.0"),
        (lambda: Muon(ns_steps=2.5), "ns_steps=2.5"),
        (lambda: Muon(rms_rate=-1), "rms_rate=-1"),
        (lambda: Muon(adam_weight_decay=-1), "adam_weight_decay=-1"),
        (lambda: Muon(adam_lr_ratio=-1), "adam_lr_ratio=-1"),
        (lambda: Muon(muon_b=np.nan), "muon_b=nan"),
        (lambda: SOAP(precondition_frequency=0), "precondition_frequency=0"),
        (lambda: ScheduleFreeSGD(beta_1=1.1), "beta_1=1.1"),
        (lambda: ScheduleFreeSGD(warmup_steps=-1), "warmup_steps=-1"),
        (lambda: ScheduleFreeAdamW(beta_2=1.0), "beta_2=1.0"),
        (lambda: ScheduleFreeAdamW(epsilon=-1), "epsilon=-1"),
    ],
)
def test_a_setting_out_of_range_is_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize("rule", [Muon, SOAP])
def test_without_any_matrix_all_is_adam(rule):
    gradients = np.random.default_rng(20).normal(size=(6, 5))
    off = (
        {"adam_weight_decay": None}
        if rule is Muon
        else {"beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7}
    )
    opt = rule(0.01, weight_decay=None, **off).build([(2,), (3,)])
    first = int(rule is SOAP)  # whose first gradient moves nothing
    path = walk(opt, np.ones(5), gradients)[first:]
    adam = walk(optimizers.Adam(0.01), np.ones(5), gradients[first:])
    np.testing.assert_allclose(path, adam, rtol=1e-14)
