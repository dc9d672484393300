"""The optimizers against pencil numbers, properties, their equations written out, and bad input."""

from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimlib import optimizers, schedules
from optimlib.optimizers import SGD, Adagrad, Adam, AdamW, RMSprop
from tests.rules import RULES

EVERY = {
    name: partial(getattr(optimizers, rule.kind), **rule.settings) for name, rule in RULES.items()
}
every = pytest.mark.parametrize("make", EVERY.values(), ids=EVERY)


def walk(opt, w, gradients):
    """The weights after each gradient in turn."""
    path = [w]
    for g in gradients:
        path.append(opt.step(path[-1], g))
    return path


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_two_steps_by_pencil(rule):
    path = walk(getattr(optimizers, rule.kind)(0.1, **rule.pencil), 1.0, rule.gradients)
    np.testing.assert_allclose(path[1:], rule.weights, rtol=1e-14)


@pytest.mark.parametrize(
    ("opt", "expected"),
    [
        # s starts at 0.1, and epsilon stands inside the root
        (Adagrad(0.1, epsilon=0.9), [1 - 0.1 / 2**0.5, 1 - 0.1 / 2**0.5 + 0.2 / 6**0.5]),
        (RMSprop(0.1, rho=0.75, epsilon=0.75), [0.9, 0.9 + 0.2 / 1.9375**0.5]),
        (
            Adam(0.1, beta_1=0.5, beta_2=0.75, epsilon=0.5),  # outside the root
            [0.95, 0.95 + 0.1 * 0.4375**0.5 / (1.1875**0.5 + 0.5)],
        ),
    ],
    ids=repr,
)
def test_where_epsilon_stands_by_pencil(opt, expected):
    path = walk(opt, np.array([1.0]), np.array([[1.0], [-2.0]]))
    np.testing.assert_allclose(np.ravel(path[1:]), expected, rtol=1e-14)


def test_what_is_remembered_by_pencil():
    """After gradients 1, then -2: the sums and running means that the chapters look at."""
    for opt, remembered in [
        (SGD(0.1, momentum=0.5), {"velocity": 0.15}),
        (Adagrad(0.1), {"s": 5.1}),
        (RMSprop(0.1, rho=0.5, centered=True), {"v": 2.25, "m": -0.75}),
        (Adam(0.1, beta_1=0.5, beta_2=0.75), {"m": -0.75, "v": 1.1875}),
    ]:
        walk(opt, np.array([1.0]), np.array([[1.0], [-2.0]]))
        assert {name: pytest.approx(getattr(opt, name).item()) for name in remembered} == remembered


def test_amsgrad_divides_by_the_largest_second_moment():
    gradients = np.array([[10.0], [0.1], [0.1]])
    opt = Adam(0.1, beta_1=0.0, beta_2=0.5, epsilon=0.0, amsgrad=True)
    before, after = walk(opt, np.array([0.0]), gradients)[-2:]
    assert after - before == pytest.approx(
        -0.1 * 0.1 * (1 - 0.5**3) ** 0.5 / 50**0.5
    )  # v was 50 after the first gradient
    assert opt.v_max == 50 > opt.v


def test_first_steps_are_what_the_chapters_say():
    g = np.array([1e-3, 1.0, 1e3])
    assert np.abs(Adam(0.1, epsilon=0).step(np.zeros(3), g)) == pytest.approx(
        0.1
    )  # the rate, whatever the gradient
    assert np.abs(RMSprop(0.1, epsilon=0).step(np.zeros(3), g)) == pytest.approx(
        0.1 / 0.1**0.5
    )  # lr / sqrt(1 - rho)


@every
def test_inputs_stay_as_they_are(make):
    rng = np.random.default_rng(0)
    w, g = rng.normal(size=(2, 5))
    w_before, g_before = w.copy(), g.copy()
    opt = make(0.1, weight_decay=0.1, global_clipnorm=0.5)
    for _ in range(3):
        new = opt.step(w, g)
    assert (w == w_before).all() and (g == g_before).all()
    assert not np.shares_memory(new, w) and not np.shares_memory(new, g)


@every
def test_out_writes_in_place_the_same_numbers(make):
    w = np.linspace(-1, 1, 7)
    gradients = np.random.default_rng(1).normal(size=(4, 7))
    expected = walk(make(0.1, weight_decay=0.01), w, gradients)[-1]
    opt, v = make(0.1, weight_decay=0.01), w.copy()
    for g in gradients:
        assert opt.step(v, g, out=v) is v
    np.testing.assert_array_equal(v, expected)


@every
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dtype_is_kept(make, dtype):
    w = np.ones(4, dtype)
    opt = make(0.1)
    for _ in range(2):
        w = opt.step(w, w)
    assert w.dtype == dtype
    assert all(np.result_type(getattr(opt, name)) in (dtype, np.float64) for name in opt.state)


@every
def test_whole_numbers_are_taken_as_floats(make):
    assert make(0.1).step(np.array([1, 2]), np.array([1, 1])).dtype == float


@every
def test_replicas_equal_single_runs_to_the_last_bit(make):
    rng = np.random.default_rng(2)
    rates = np.array([[1e-3], [1e-2], [1e-1], [1.0]])
    starts, gradients = rng.normal(size=(4, 6)), rng.normal(size=(20, 4, 6))
    together = np.stack(walk(make(rates, weight_decay=0.01), starts, gradients))
    for i, rate in enumerate(rates[:, 0]):
        alone = np.stack(walk(make(float(rate), weight_decay=0.01), starts[i], gradients[:, i]))
        np.testing.assert_array_equal(together[:, i], alone)


def test_hyperparameters_may_differ_by_replica():
    momenta, betas = np.array([[0.0], [0.5], [0.9]]), np.array([[0.9], [0.5], [0.0]])
    g = np.random.default_rng(3).normal(size=(10, 4))
    for make, values in (
        (lambda m: SGD(0.1, momentum=m), momenta),
        (lambda b: Adam(0.1, beta_1=b), betas),
    ):
        together = walk(make(values), np.ones(4), g[:1])  # the first step brings the replica axis
        assert together[-1].shape == (3, 4)
        opts = [make(float(v)) for v in values[:, 0]]
        np.testing.assert_array_equal(together[-1], [o.step(np.ones(4), g[0]) for o in opts])


def test_state_has_the_shape_of_the_replicas_from_the_first_step_on():
    opt = Adam(np.array([[0.1], [0.2], [0.3]]))
    opt.step(np.zeros(2), np.ones(2))
    assert opt.m.shape == opt.v.shape == (3, 2)
    assert opt.broadcast_shape((4,)) == (3, 4), (
        "what it remembers asks for no shape of the next weights"
    )


def test_rates_and_decays_may_be_given_for_each_weight():
    rate, decay = np.linspace(0.01, 0.1, 7), np.linspace(0, 1, 7)
    w, g = np.ones(7), np.linspace(-1, 1, 7)
    expected = w - rate * decay * w - rate * g
    np.testing.assert_allclose(SGD(rate, weight_decay=decay).step(w, g), expected, rtol=1e-15)


@every
def test_zero_gradient_from_the_start_moves_nothing(make):
    opt = make(0.1, weight_decay=0.0)
    assert (walk(opt, np.ones(3), np.zeros((5, 3)))[-1] == 1).all()


@every
def test_a_schedule_is_asked_for_the_steps_0_1_2(make):
    asked = []

    def schedule(step):
        asked.append(step)
        return 0.1 / (1 + step)

    opt, g = make(schedule), np.random.default_rng(5).normal(size=(4, 3))
    by_schedule = walk(opt, np.ones(3), g)[-1]
    assert asked[-1] == 3 and set(asked) == {0, 1, 2, 3}
    by_hand, w = make(0.1), np.ones(3)
    for i in range(4):
        by_hand.learning_rate = 0.1 / (1 + i)
        w = by_hand.step(w, g[i])
    np.testing.assert_array_equal(by_schedule, w)


@every
def test_reset_forgets_everything(make):
    g = np.random.default_rng(6).normal(size=(5, 3))
    opt = make(schedules.ExponentialDecay(0.1, 10, 0.5))
    first = walk(opt, np.ones(3), g)
    assert opt.iterations == 5
    np.testing.assert_array_equal(first, walk(opt.reset(), np.ones(3), g))


@every
def test_weight_decay_is_decoupled_and_comes_first(make):
    w, g = np.array([2.0, -3.0]), np.array([0.5, 0.1])
    decayed = make(0.1, weight_decay=4.0).step(w, g)
    plain = make(0.1, weight_decay=0.0).step(w - 0.1 * 4.0 * w, g)
    np.testing.assert_allclose(decayed, plain, rtol=1e-15)


def test_weight_decay_by_mask_spares_the_rest():
    w = SGD(0.1, weight_decay=np.array([1.0, 0.0])).step(np.ones(2), np.zeros(2))
    np.testing.assert_allclose(w, [0.9, 1.0])


@given(st.floats(0.01, 10), st.lists(st.floats(-100, 100), min_size=1, max_size=5))
def test_clipping_shortens_long_gradients_and_keeps_their_direction(limit, g):
    g = np.array(g)
    used = -SGD(1.0, global_clipnorm=limit).step(np.zeros(len(g)), g)
    norm = np.linalg.norm(g)
    np.testing.assert_allclose(
        used, g * min(1, limit / norm) if norm else g, rtol=1e-12, atol=1e-300
    )


def test_rates_that_fit_no_replica_are_named():
    optimizer = optimizers.SGD(np.array([0.1, 0.2]))
    with pytest.raises(
        ValueError,
        match=r"hyper-parameters of shape \(2,\) do not fit weights of shape \(5,\): R replicas",
    ):
        optimizer.step(np.ones(5), np.ones(5))


def test_a_rate_stays_as_it_was_checked():
    rates = np.array([[0.1], [0.2]])
    optimizer = optimizers.SGD(rates)
    rates[...] = -5
    np.testing.assert_array_equal(optimizer.learning_rate, [[0.1], [0.2]])


def test_clipping_is_by_replica():
    g = np.array([[3.0, 4.0], [0.3, 0.4]])
    np.testing.assert_allclose(
        -SGD(1.0, global_clipnorm=1.0).step(np.zeros((2, 2)), g), [[0.6, 0.8], [0.3, 0.4]]
    )


@given(st.floats(1e-3, 1e3), st.integers(0, 2**32 - 1))
def test_adam_and_rmsprop_do_not_see_the_scale_of_the_loss(scale, seed):
    g = np.random.default_rng(seed).normal(size=(10, 3)) + 0.1
    for make in (lambda: Adam(0.1, epsilon=0.0), lambda: RMSprop(0.1, epsilon=0.0)):
        np.testing.assert_allclose(
            walk(make(), np.ones(3), scale * g)[-1],
            walk(make(), np.ones(3), g)[-1],
            rtol=1e-9,
            atol=1e-9,
        )


def test_defaults_are_those_of_keras():
    assert SGD().learning_rate == 0.01 and SGD().momentum == 0.0 and SGD().nesterov is False
    rms = RMSprop()
    assert (rms.learning_rate, rms.rho, rms.momentum, rms.epsilon, rms.centered) == (
        0.001,
        0.9,
        0.0,
        1e-7,
        False,
    )
    for adam, decay in ((Adam(), None), (AdamW(), 0.004)):
        assert (adam.learning_rate, adam.beta_1, adam.beta_2, adam.epsilon) == (
            0.001,
            0.9,
            0.999,
            1e-7,
        )
        assert adam.amsgrad is False and adam.weight_decay == decay
    assert (Adagrad().learning_rate, Adagrad().initial_accumulator_value, Adagrad().epsilon) == (
        0.001,
        0.1,
        1e-7,
    )


def test_get_by_name():
    assert isinstance(optimizers.get("adam"), Adam) and isinstance(
        optimizers.get("RMSprop"), RMSprop
    )
    opt = SGD(0.5)
    assert optimizers.get(opt) is opt
    with pytest.raises(ValueError, match=r"optimizer='adm' is unknown.*did you mean 'adam'"):
        optimizers.get("adm")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: SGD(-0.1), "learning_rate=-0.1 is out of range"),
        (lambda: SGD(np.nan), "learning_rate=nan is out of range"),
        (lambda: SGD("fast"), "learning_rate='fast' is not a number"),
        (
            lambda: SGD(np.array([[0.1], [-1.0]])),
            r"learning_rate has -1.0, which is out of range: expected a finite number in \[0, inf",
        ),
        (
            lambda: SGD(momentum=1.0),
            r"momentum=1.0 is out of range: expected a finite number in \[0, 1\)",
        ),
        (lambda: SGD(momentum=-0.1), "momentum=-0.1"),
        (lambda: RMSprop(rho=1.0), "rho=1.0"),
        (lambda: RMSprop(momentum=1.0), "momentum=1.0"),
        (lambda: RMSprop(epsilon=-1), "epsilon=-1"),
        (lambda: Adam(beta_1=1.0), "beta_1=1.0"),
        (lambda: Adam(beta_2=1.0), "beta_2=1.0"),
        (lambda: Adam(epsilon=np.inf), "epsilon=inf"),
        (lambda: AdamW(weight_decay=-0.1), "weight_decay=-0.1"),
        (lambda: Adagrad(initial_accumulator_value=-1), "initial_accumulator_value=-1"),
        (lambda: Adagrad(epsilon=-1), "epsilon=-1"),
        (lambda: SGD(global_clipnorm=0), "global_clipnorm=0"),
        (
            lambda: SGD(0.1).step(np.ones(3), np.ones(2)),
            r"w has shape \(3,\) but g has shape \(2,\)",
        ),
        (
            lambda: SGD(0.1).step(np.ones(2), np.array([1.0, np.nan])),
            "g has 1 values that are not finite at step 0",
        ),
        (
            lambda: Adam().step(np.ones(2), np.array([np.inf, -np.inf])),
            "g has 2 values that are not finite at step 0: the run has diverged, or",
        ),
        (lambda: SGD(0.1).step(np.array(["a"]), np.ones(1)), "w has dtype"),
        (lambda: SGD(lambda step: -1.0).step(np.ones(1), np.ones(1)), "learning_rate=-1.0"),
    ],
)
def test_bad_input_is_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_changed_weights_are_named():
    opt = Adam()
    opt.step(np.ones(3), np.ones(3))
    with pytest.raises(
        ValueError, match=r"w has shape \(4,\) but earlier steps had \(3,\): call reset"
    ):
        opt.step(np.ones(4), np.ones(4))


def test_an_optimizer_without_a_rule_says_so():
    with pytest.raises(NotImplementedError, match="Optimizer defines no update rule"):
        optimizers.Optimizer(0.1).step(np.ones(1), np.ones(1))
