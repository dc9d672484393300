"""The rule with a step's numbers: the right numbers, and lines that come out as they stand."""

import re

import numpy as np
import pytest
from in_node import SURFACES, ask, code

from optimlib import optimizers, surfaces
from optimlib.figures import explore, paths, words, working
from optimlib.figures.paths import RACERS, RULES
from optimlib.figures.rules import Rule

STEPS = 40
SETTINGS = [
    (surface, rate, noise)
    for surface in ("turned valley", "plateau", "rosenbrock")
    for rate in (0.003, 0.3)
    for noise in (0.0, 0.4)
]


def run(name, setting):
    """The path of an optimizer without what diverged, its state, its surface and the noise."""
    kind, rate, noise = setting
    state = {key: default for key, (_, default) in RACERS[name].sliders.items()}
    state |= {"rate": rate, "noise": noise}
    draws = np.random.default_rng(2).standard_normal((STEPS, 2))
    surface = SURFACES[kind]
    path = paths.descend(name, state, surface, surface.start, STEPS, draws)
    return path[np.isfinite(path[:, 0])], state, surface, draws


@pytest.mark.parametrize("name", RACERS)
def test_step_by_step_the_script_has_optimlibs_numbers(name):
    """At each of the first twenty steps, and then at every seventh."""
    requests, expected, steps = [], [], []
    for setting in SETTINGS:
        path, state, surface, draws = run(name, setting)
        given = {key: state[key] for key in ("rate", *RACERS[name].sliders)}
        for t in (*range(1, min(20, len(path))), *range(21, len(path), 7)):
            about = paths.surface_data(surface)
            last = [state["noise"], draws.tolist()]
            requests.append(["environments", name, given, about, path[: t + 1].tolist(), t, *last])
            expected.append(paths.environments(name, state, surface, path, t, draws))
            steps.append(path[t] - path[t - 1])
    answers = ask(requests, code("paths", "working"))
    assert len(answers) > 100
    for answer, both, step in zip(answers, expected, steps, strict=True):
        assert answer == [pytest.approx(one, rel=1e-9, abs=1e-9) for one in both]
        if not RULES[name].terms:
            continue
        terms = [working.worked(RULES[name], one)[1] for one in both]
        total = np.array([sum(one.values()) for one in terms])
        np.testing.assert_allclose(total, step, rtol=1e-9, atol=1e-9 * max(1, np.abs(step).max()))


@pytest.mark.parametrize("name", RACERS)
def test_the_texts_of_the_script_are_pythons(name):
    environments = [
        one
        for setting in SETTINGS[:4]
        for path, state, surface, draws in [run(name, setting)]
        for t in range(1, len(path), 3)
        for one in paths.environments(name, state, surface, path, t, draws)
    ]
    requests = [["workedOf", name, one] for one in environments]
    answers = ask(requests, code("paths", "working"))
    same = 0
    for answer, one in zip(answers, environments, strict=True):
        lines, terms = working.worked(RULES[name], one)
        assert answer["terms"] == pytest.approx(terms, rel=1e-9, abs=1e-12)
        same += answer["lines"] == lines
    assert same >= 0.99 * len(answers) > 40  # a tie may round to either side


def read(text):
    """The number that a text says."""
    return float(text.strip("()").replace("−", "-"))


@pytest.mark.parametrize("rule", [*RULES.values(), Rule(optimizers.Adam(amsgrad=True))])
def test_lines_come_out_as_they_stand(rule):
    rng = np.random.default_rng(3)
    lines = rough = 0
    for _ in range(300):
        one = {"w": rng.normal(), "g": rng.normal() * 10 ** rng.uniform(-4, 1), "lr": 0.05, "t": 7}
        one |= {f"self.{key}": value for key, value in rule.hyper.items()}
        one |= {f"self.{key}": abs(rng.normal()) * 10 ** rng.uniform(-4, 0) for key in rule.memory}
        told, terms = working.worked(rule, one)
        expressions = [expression for _, expression in rule.lines]
        expressions += [working.total(terms)] if len(terms) > 1 else []
        assert len(told) == len(expressions)
        for (sign, result, *numbers), expression in zip(told, expressions, strict=True):
            names = [name for name, _ in working.leaves(expression)]
            shown = dict(zip(names, map(read, numbers), strict=True))
            again, said = working.value(expression, shown), read(result)
            mantissa, _, power = result.partition("e")
            places = len(mantissa.partition(".")[2]) - int(power.replace("−", "-") or 0)
            unit = 10.0**-places
            assert (abs(again - said) <= 0.51 * unit) == (sign == "=") or sign == "≈"
            lines, rough = lines + 1, rough + (sign == "≈")
    assert rough < 0.02 * lines


@pytest.mark.parametrize(
    ("value", "digits", "given", "text"),
    [
        (0.125, 3, False, "0.125"),
        (1.125, 3, False, "1.13"),
        (-1.125, 3, False, "-1.13"),
        (9.996, 3, False, "10.0"),
        (12345.0, 3, False, "12300"),
        (0.9, 6, True, "0.9"),
        (1e-7, 6, True, "1e-7"),
        (2.5e-6, 3, False, "2.5e-6"),
        (9.99e7, 3, False, "1e8"),
        (0.0, 3, False, "0"),
        (20.0, 3, True, "20"),
    ],
)
def test_digits_are_those_of_the_script(value, digits, given, text):
    assert words.significant(value, digits, given) == text
    assert ask([["significant", value, digits, given]], code()) == [text]


def test_no_number_is_minus_nothing():
    values = [-0.004, 0.005, 0.015, -2.675, 1.005]
    expected = ["0.00", "0.01", "0.01", "-2.67", "1.00"]
    assert [words.decimals(value, 2) for value in values] == expected
    assert ask([["decimals", value, 2] for value in values], code()) == expected


def test_the_still_has_the_numbers_of_a_full_step():
    html = explore(surfaces.valley(10), ["momentum", "Adam"], rule="Adam", step=3)._repr_html_()
    hidden, shown = re.findall(r'<div class="x-rule"[^>]*?( hidden)?>', html)
    assert hidden and not shown
    numbers = re.findall(r"<i data-n>([^<]*)</i>", html)
    assert len(numbers) > 60 and all(numbers)
    assert "<b>beta_1</b>" in html and "<b>self." not in html
    assert "x-kept" in html and "x-push" in html
    heard = re.findall(r'role="img" data-code="([^"]*)" aria-label="([^"]*)"', html)
    assert heard[0][0] == "velocity = momentum * velocity - lr * g"
    assert re.fullmatch(r".* = .*: −?[\d.]+ and −?[\d.]+", heard[0][1])
