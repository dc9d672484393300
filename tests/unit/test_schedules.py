"""The schedules against their formulas at chosen steps, as pure functions, and bad input."""

import numpy as np
import pytest

from optimlib import optimizers
from optimlib.schedules import (
    WSD,
    CosineDecay,
    CosineDecayRestarts,
    ExponentialDecay,
    InverseTimeDecay,
    PiecewiseConstantDecay,
    PolynomialDecay,
    Schedule,
)

PENCIL = [
    (ExponentialDecay(1.0, 10, 0.25), {0: 1.0, 5: 0.5, 10: 0.25, 20: 0.0625}),
    (
        ExponentialDecay(1.0, 10, 0.25, staircase=True),
        {0: 1.0, 9: 1.0, 10: 0.25, 19: 0.25, 20: 0.0625},
    ),
    (InverseTimeDecay(1.0, 10, 2.0), {0: 1.0, 5: 0.5, 10: 1 / 3}),
    (InverseTimeDecay(1.0, 10, 2.0, staircase=True), {0: 1.0, 9: 1.0, 10: 1 / 3}),
    (
        PiecewiseConstantDecay([2, 5], [1.0, 0.5, 0.1]),
        {0: 1.0, 2: 1.0, 3: 0.5, 5: 0.5, 6: 0.1, 100: 0.1},
    ),
    (PolynomialDecay(1.0, 10, 0.2), {0: 1.0, 5: 0.6, 10: 0.2, 30: 0.2}),
    (PolynomialDecay(1.0, 10, 0.0, power=2.0), {5: 0.25}),
    (PolynomialDecay(1.0, 10, 0.0, cycle=True), {0: 1.0, 10: 0.0, 15: 0.25, 20: 0.0, 25: 1 / 6}),
    (CosineDecay(1.0, 10), {0: 1.0, 5: 0.5, 10: 0.0, 30: 0.0}),
    (CosineDecay(1.0, 10, alpha=0.2), {0: 1.0, 5: 0.6, 10: 0.2}),
    (
        CosineDecay(0.2, 10, warmup_target=1.0, warmup_steps=4),
        {0: 0.2, 1: 0.4, 2: 0.6, 4: 1.0, 9: 0.5, 14: 0.0},
    ),
    (CosineDecay(0.5, 10, warmup_steps=4), {0: 0.5, 5: 0.25}),  # no target, no warmup
    (CosineDecayRestarts(1.0, 10), {0: 1.0, 5: 0.5, 10: 1.0, 20: 0.5, 30: 1.0, 50: 0.5}),
    (
        CosineDecayRestarts(1.0, 10, t_mul=1.0, m_mul=0.5, alpha=0.1),
        {0: 1.0, 10: 0.55, 15: 0.325, 20: 0.325},
    ),
    (WSD(1.0, 10, 4), {0: 1.0, 6: 1.0, 7: 0.75, 9: 0.25, 10: 0.0, 30: 0.0}),
    (
        WSD(2.0, 10, 4, warmup_steps=4, alpha=0.5),
        {0: 0.0, 1: 0.5, 4: 2.0, 6: 2.0, 8: 1.5, 10: 1.0, 30: 1.0},
    ),
    (WSD(1.0, 10, 8, warmup_steps=2), {1: 0.5, 2: 1.0, 6: 0.5}),  # nothing is held
]


@pytest.mark.parametrize(
    ("schedule", "rates"), PENCIL, ids=lambda p: repr(p) if isinstance(p, Schedule) else ""
)
def test_rates_by_pencil(schedule, rates):
    for step, rate in rates.items():
        assert schedule(step) == pytest.approx(rate, abs=1e-12), f"at step {step}"


@pytest.mark.parametrize("schedule", [s for s, _ in PENCIL], ids=repr)
def test_a_pure_function_of_the_step(schedule):
    forward = [schedule(s) for s in range(40)]
    backward = [schedule(s) for s in reversed(range(40))][::-1]
    assert forward == backward and all(type(rate) is float for rate in forward)
    np.testing.assert_allclose(schedule(np.arange(40)), forward, rtol=1e-14, atol=1e-16)


@pytest.mark.parametrize("t_mul", [1, 1.5, 2, 3, 10])
@pytest.mark.parametrize("first", [7, 100])
def test_every_restart_is_at_the_top(first, t_mul):
    """Also where the logarithm that counts the periods falls just short of a whole number."""
    restarts = np.cumsum([first * t_mul**i for i in range(6)])
    schedule = CosineDecayRestarts(1.0, first, t_mul=t_mul)
    np.testing.assert_allclose(schedule(restarts), 1, atol=1e-12)
    assert (schedule(restarts * (1 - 1e-9)) < 1e-6).all()


def test_a_warmup_may_end_between_two_steps():
    np.testing.assert_allclose(CosineDecay(0.0, 100, warmup_target=1.0, warmup_steps=1.5)(1), 2 / 3)


def test_a_warmup_may_differ_by_replica():
    together = CosineDecay(0.0, 100, warmup_target=1.0, warmup_steps=[[0], [10]])
    alone = [CosineDecay(0.0, 100, warmup_target=1.0, warmup_steps=n) for n in (0, 10)]
    np.testing.assert_array_equal(together(5), [[schedule(5)] for schedule in alone])


def test_replicas_follow_their_own_schedule():
    rates = np.array([[0.1], [1.0]])
    w = np.ones((2, 3))
    together, alone = optimizers.SGD(CosineDecay(rates, 10)), optimizers.SGD(CosineDecay(1.0, 10))
    for _ in range(5):
        w = together.step(w, w)
    v = np.ones(3)
    for _ in range(5):
        v = alone.step(v, v)
    np.testing.assert_array_equal(w[1], v)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ExponentialDecay(-1.0, 10, 0.5), "initial_learning_rate=-1.0"),
        (lambda: ExponentialDecay(1.0, 0, 0.5), "decay_steps=0"),
        (lambda: ExponentialDecay(1.0, 10, -0.5), "decay_rate=-0.5"),
        (lambda: InverseTimeDecay(1.0, -1, 0.5), "decay_steps=-1"),
        (lambda: InverseTimeDecay(1.0, 1, -0.5), "decay_rate=-0.5"),
        (
            lambda: PiecewiseConstantDecay([1, 2], [1.0, 0.5]),
            "values has 2 rates for 2 boundaries: expected one more",
        ),
        (
            lambda: PiecewiseConstantDecay([2, 1], [1.0, 0.5, 0.1]),
            r"boundaries=\[2, 1\] do not increase",
        ),
        (lambda: PolynomialDecay(1.0, 10, -0.1), "end_learning_rate=-0.1"),
        (lambda: PolynomialDecay(1.0, 10, power=-1), "power=-1"),
        (lambda: CosineDecay(1.0, 0), "decay_steps=0"),
        (lambda: CosineDecay(1.0, 10, alpha=-0.1), "alpha=-0.1"),
        (lambda: CosineDecay(1.0, 10, warmup_target=-1, warmup_steps=1), "warmup_target=-1"),
        (lambda: CosineDecay(1.0, 10, warmup_target=1, warmup_steps=-1), "warmup_steps=-1"),
        (lambda: CosineDecayRestarts(1.0, 0), "first_decay_steps=0"),
        (lambda: CosineDecayRestarts(1.0, 10, t_mul=0.5), "t_mul=0.5"),
        (
            lambda: CosineDecayRestarts(1.0, 10, t_mul=[1.0, 2.0]),
            r"t_mul has shape \(2,\): expected a single number",
        ),
        (lambda: CosineDecayRestarts(1.0, 10, m_mul=-1), "m_mul=-1"),
        (lambda: CosineDecayRestarts(1.0, 10, alpha=-1), "alpha=-1"),
        (lambda: WSD(-1.0, 10, 4), "learning_rate=-1.0"),
        (lambda: WSD(1.0, 0, 4), "total_steps=0"),
        (lambda: WSD(1.0, 10, 0), "decay_steps=0"),
        (lambda: WSD(1.0, 10, 4, warmup_steps=-1), "warmup_steps=-1"),
        (lambda: WSD(1.0, 10, 4, alpha=-0.1), "alpha=-0.1"),
        (
            lambda: WSD(1.0, 10, 8, warmup_steps=3),
            "warmup_steps=3.0 and decay_steps=8.0 are more than total_steps=10.0",
        ),
        (lambda: CosineDecay(1.0, 10)(-1), "step=-1"),
        (lambda: CosineDecay(1.0, 10)(np.nan), "step=nan"),
    ],
)
def test_bad_input_is_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_a_schedule_without_a_formula_says_so():
    with pytest.raises(NotImplementedError, match="Schedule defines no rate"):
        Schedule()(0)


def test_the_stable_part_does_not_know_the_end():
    """What a cooldown begins with is what any longer run had done so far."""
    short, long = WSD(0.3, 100, 20, warmup_steps=10), WSD(0.3, 1000, 20, warmup_steps=10)
    steps = np.arange(81)
    np.testing.assert_array_equal(short(steps), long(steps))
