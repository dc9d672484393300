"""`make margins`: what is noted of a claim's assertions, and when a bound is too near."""

import ast

import pytest

from tools import margins


def noted(code, **names):
    """[(low side, high side, comparison), ...] of a claim's cell."""
    found = []

    def note(words, low, high):
        found.append((low, high, words.split("\n")[1]))
        return low <= high

    tree = ast.fix_missing_locations(margins.with_notes(ast.parse(code), "A claim."))
    exec(compile(tree, "cell", "exec"), {"__note__": note, **names})
    return found


def test_every_comparison_of_a_claim_is_noted_also_after_one_that_fails():
    assert noted("assert 1 <= x <= 2 and y > 5", x=3, y=7) == [
        (1, 3, "1 <= x"),
        (3, 2, "x <= 2"),
        (5, 7, "y > 5"),
    ]
    assert noted("assert all(v <= 4 for v in x)", x=[1, 2]) == [(1, 4, "v <= 4"), (2, 4, "v <= 4")]


@pytest.mark.parametrize(
    ("test", "held"),
    [
        ("x == 3", True),
        ("x == 4", False),
        ("x not in (0, 3)", False),
        ("sum(v > 0 for v in (-1, 1, 1)) == 2", True),
        ("not any(v > 0 for v in (-1, 1))", False),
    ],
)
def test_what_compares_no_sizes_is_noted_as_holding_or_not(test, held):
    words = ast.unparse(ast.parse(test))
    assert noted(f"assert {test}", x=3) == [(0, 1 if held else -1, words)]


@pytest.mark.parametrize(
    ("highs", "safe"),
    [
        ([3, 3, 3], True),
        ([3, 3, -0.1], False),  # once it failed
        ([2, 3, 4], True),
        ([0.5, 3, 6], False),  # nearer than twice its spread towards the bound
        ([2.5, 3, 90], True),  # far away on the other side is no danger
    ],
)
def test_a_bound_is_safe_twice_its_spread_away(highs, safe):
    row = margins.row("01", "A claim.\n0 <= x", [(0, high) for high in highs])
    assert row["safe"] is safe


def test_what_only_chooses_is_not_noted():
    code = "if x > 9:\n    x = 1\nassert all(v <= 4 for v in (2, 7) if v < x)"
    assert noted(code, x=3) == [(2, 4, "v <= 4")]
