"""The surfaces: gradients against finite differences, minima; paths and their divergence."""

import warnings

import numpy as np
import pytest

from optimlib import optimizers, surfaces

EVERY = [
    surfaces.bowl(),
    surfaces.valley(10),
    surfaces.valley(100, angle=30),
    surfaces.Quadratic((3.0, 0.5), angle=-70),
    surfaces.plateau(),
    surfaces.saddle(),
    surfaces.rosenbrock(),
    surfaces.beale(),
    surfaces.ripples(),
]
every = pytest.mark.parametrize("surface", EVERY, ids=repr)


def logistic(z):
    return 1 / (1 + np.exp(-z))


SQUARE = ((-2.0, 2.0), (-2.0, 2.0))
# as readers meet them: the name, where a path begins, the value there by pencil, and the box
FRAMES = [
    (surfaces.bowl(), "round bowl", (-1.5, 1.0), 3.25 / 2, SQUARE),
    (surfaces.valley(), "valley, condition number 10", (-1.5, 1.0), 12.25 / 2, SQUARE),
    (
        surfaces.plateau(),
        "plateau",
        (-6.0, 1.0),
        ((logistic(7) - 0.1) ** 2 + (0.9 - logistic(-5)) ** 2) / 4,
        ((-8, 6), (-4, 4)),
    ),
    (
        surfaces.saddle(),
        "saddle",
        (-1.5, 0.01),
        2.25 / 2 + 0.9999**2 / 4,
        ((-2.0, 2.0), (-1.8, 1.8)),
    ),
    (surfaces.rosenbrock(), "Rosenbrock's valley", (-1.2, 1.0), 24.2, ((-2.0, 2.0), (-1.0, 3.0))),
    (
        surfaces.beale(),
        "Beale's function",
        (1.0, 1.5),
        2**2 + 3.5**2 + 5**2,
        ((-1.0, 4.5), (-2.0, 2.0)),
    ),
    (
        surfaces.ripples(),
        "rippled bowl",
        (-1.7, 1.3),
        4.58 / 2 + 0.1,
        SQUARE,
    ),  # both cosines are 0 there
]


@every
def test_gradient_agrees_with_finite_differences(surface):
    w, h = np.random.default_rng(0).normal(size=(50, 2)), 1e-6
    slopes = [(surface(w + h * e) - surface(w - h * e)) / (2 * h) for e in np.eye(2)]
    scale = 1 + np.abs(surface.gradient(w)).max()
    np.testing.assert_allclose(surface.gradient(w), np.stack(slopes, axis=-1), atol=1e-8 * scale)


@every
def test_minimum_is_the_lowest_point_of_the_box(surface):
    assert surface(surface.minimum) == pytest.approx(surface.lowest, abs=1e-12)
    np.testing.assert_allclose(surface.gradient(surface.minimum), 0, atol=1e-12)
    (left, right), (bottom, top) = surface.box
    x, y = np.meshgrid(np.linspace(left, right, 101), np.linspace(bottom, top, 101))
    assert surface(np.stack([x, y], -1)).min() >= surface.lowest - 1e-12
    for point in (surface.start, surface.minimum):
        assert left <= point[0] <= right and bottom <= point[1] <= top


@pytest.mark.parametrize(("surface", "name", "start", "value", "box"), FRAMES, ids=repr)
def test_name_start_and_box(surface, name, start, value, box):
    assert (surface.name, surface.start, surface.box) == (name, start, box)
    assert surface(start) == pytest.approx(value, rel=1e-12)


@every
def test_shapes(surface):
    w = np.zeros((3, 4, 2))
    assert surface(w).shape == (3, 4) and surface.gradient(w).shape == (3, 4, 2)


def test_known_values():
    assert surfaces.bowl()((3.0, 4.0)) == 12.5
    assert surfaces.Quadratic((1.0, 3.0))((1.0, 1.0)) == 2.0  # not turned
    assert surfaces.valley(1)((3.0, 4.0)) == 12.5  # as wide as it is long
    assert surfaces.beale()((0.0, 0.0)) == pytest.approx(1.5**2 + 2.25**2 + 2.625**2)
    assert surfaces.saddle()((0.0, 0.0)) == 0.25 and surfaces.saddle()((0.0, -1.0)) == 0.0
    assert surfaces.ripples(0.1, 0.4)((0.2, 0.0)) == pytest.approx(0.02 + 0.2)
    assert vars(surfaces.ripples()) == vars(surfaces.Ripples()) == {"height": 0.05, "length": 0.4}
    assert surfaces.plateau()((-6.0, 0.0)) == pytest.approx((0.9 - logistic(-6)) ** 2 / 2)


@pytest.mark.parametrize("angle", [0, 30, 90, -45])
def test_a_turned_valley_has_the_curvatures_it_was_given(angle):
    valley = surfaces.valley(50, angle=angle)
    np.testing.assert_allclose(np.linalg.eigvalsh(valley.hessian), [1, 50], rtol=1e-12)
    floor = [np.cos(np.radians(angle)), np.sin(np.radians(angle))]
    np.testing.assert_allclose(
        valley.gradient(floor), floor, atol=1e-12
    )  # curvature 1 along the floor


def test_plain_descent_on_a_quadratic_has_a_closed_form():
    path = surfaces.descend(optimizers.SGD(0.15), surfaces.valley(10), start=(-1.5, 1.0), steps=20)
    k = np.arange(21)[:, None]
    np.testing.assert_allclose(
        path, np.array([-1.5, 1.0]) * (1 - 0.15 * np.array([1, 10])) ** k, rtol=1e-12
    )


def test_replicas_equal_single_paths_to_the_last_bit():
    rates, starts = (
        np.array([[0.01], [0.1], [0.15]]),
        np.array([[1.0, 1.0], [-1.0, 0.5], [0.3, -2.0]]),
    )
    together = surfaces.descend(optimizers.Adam(rates), surfaces.beale(), starts, steps=30)
    assert together.shape == (31, 3, 2)
    for i in range(3):
        alone = surfaces.descend(
            optimizers.Adam(float(rates[i, 0])), surfaces.beale(), starts[i], steps=30
        )
        np.testing.assert_array_equal(together[:, i], alone)


def test_one_start_serves_every_rate():
    path = surfaces.descend(optimizers.SGD(np.array([[0.1], [0.2]])), surfaces.bowl(), steps=1)
    assert path.shape == (2, 2, 2) and (path[0] == surfaces.bowl().start).all()


def test_descend_starts_afresh_and_leaves_its_state_to_be_looked_at():
    opt = optimizers.Adam(0.1)
    first = surfaces.descend(opt, surfaces.saddle(), steps=10)
    assert opt.iterations == 10 and opt.m.shape == (2,)
    np.testing.assert_array_equal(first, surfaces.descend(opt, surfaces.saddle(), steps=10))


def test_noise_is_drawn_from_the_given_generator_and_added_to_the_gradient():
    rate, valley = 0.1, surfaces.valley(10)
    path = surfaces.descend(
        optimizers.SGD(rate), valley, steps=200, noise=0.5, rng=np.random.default_rng(0)
    )
    noise = (path[:-1] - path[1:]) / rate - valley.gradient(path[:-1])
    np.testing.assert_allclose(
        noise, 0.5 * np.random.default_rng(0).standard_normal((200, 2)), atol=1e-12
    )
    assert noise.std() == pytest.approx(0.5, rel=0.15) and abs(noise.mean()) < 0.1


def test_each_weight_may_have_a_noise_of_its_own():
    sgd, valley, rng = optimizers.SGD(0.1), surfaces.valley(5), np.random.default_rng(0)
    noisy, calm = (
        surfaces.descend(sgd, valley, noise=(0.5, 0.0), rng=rng),
        surfaces.descend(sgd, valley),
    )
    np.testing.assert_array_equal(noisy[:, 1], calm[:, 1])
    assert (noisy[1:, 0] != calm[1:, 0]).all()


@pytest.mark.filterwarnings("ignore:2 of 4 replicas diverged")
def test_a_coordinate_beyond_1e9_is_divergence():
    starts = [(1e9 - 0.5, 0.0), (0.0, 0.5 - 1e9), (1e9 + 0.5, 0.0), (0.0, -1e9 - 0.5)]
    path = surfaces.descend(
        optimizers.SGD(0.0), surfaces.bowl(), starts, steps=3
    )  # a rate of zero: it stays where it is
    np.testing.assert_array_equal(path[0], starts)
    np.testing.assert_array_equal(path[1:, :2], [starts[:2]] * 3)
    assert np.isnan(path[1:, 2:]).all()


@pytest.mark.filterwarnings("ignore:1 of 2 replicas diverged")
def test_a_replica_that_diverged_meets_no_gradient_any_more():
    sgd = optimizers.SGD(np.array([[0.1], [1e10]]))
    path = surfaces.descend(sgd, surfaces.bowl(), steps=100)
    assert np.isnan(path[1:, 1]).all() and (sgd.velocity[1] == 0).all()
    np.testing.assert_array_equal(
        path[:, 0], surfaces.descend(optimizers.SGD(0.1), surfaces.bowl(), steps=100)
    )


def test_divergence_stops_that_replica_only_and_is_said_once():
    rates = np.array([[0.1], [0.25], [0.3]])
    with pytest.warns(
        RuntimeWarning,
        match=r"2 of 3 replicas diverged, the first at step 30 with learning_rate=0.3",
    ) as seen:
        path = surfaces.descend(optimizers.SGD(rates), surfaces.valley(10), steps=100)
    assert len(seen) == 1
    assert (
        np.isfinite(path[:, 0]).all()
        and np.isfinite(path[:30, 2]).all()
        and np.isnan(path[30:, 2]).all()
    )
    assert np.nanmax(np.abs(path)) <= surfaces.FAR


def test_a_single_run_that_diverges_says_its_rate():
    with pytest.warns(RuntimeWarning, match="the run diverged at step .* with learning_rate=1"):
        path = surfaces.descend(optimizers.SGD(1.0), surfaces.rosenbrock(), steps=20)
    assert np.isnan(path[-1]).all()


def test_a_path_that_converges_warns_of_nothing():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        path = surfaces.descend(optimizers.SGD(0.1, momentum=0.9), surfaces.valley(10))
    assert len(path) == 101  # the start, and the hundred steps that are meant where none are named


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: surfaces.valley(0.5), r"condition_number=0.5 is out of range: .* in \[1, inf\)"),
        (lambda: surfaces.valley(10, angle=np.inf), "angle=inf"),
        (lambda: surfaces.Quadratic((1.0, 0.0)), "curvatures has 0.0"),
        (lambda: surfaces.ripples(height=-1), "height=-1"),
        (lambda: surfaces.ripples(length=0), "length=0"),
        (
            lambda: surfaces.bowl()(np.ones(3)),
            r"w has shape \(3,\): a point on the round bowl has two coordinates",
        ),
        (lambda: surfaces.bowl().gradient(1.0), r"w has shape \(\)"),
        (
            lambda: surfaces.descend(optimizers.SGD(0.1), surfaces.bowl(), start=(np.nan, 0)),
            "start has nan",
        ),
        (
            lambda: surfaces.descend(optimizers.SGD(0.1), surfaces.bowl(), steps=0),
            "steps=0 is not a whole number of at least 1",
        ),
        (
            lambda: surfaces.descend(optimizers.SGD(0.1), surfaces.bowl(), noise=-1.0),
            "noise=-1.0 is out of range",
        ),
        (
            lambda: surfaces.descend(optimizers.SGD(0.1), surfaces.bowl(), noise=1.0),
            "noise=1.0 needs an rng",
        ),
    ],
)
def test_bad_input_is_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()
