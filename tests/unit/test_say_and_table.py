"""What a cell says: Markdown where a notebook shows it, plain text in a terminal."""

import numpy as np
import pytest

from optimlib.figures.results import say, table


def test_sentences_stand_on_lines_of_their_own():
    said = say("One.", "Two, $x$.")
    assert repr(said) == "One.\nTwo, $x$."
    assert said._repr_markdown_() == "One.\n\nTwo, $x$."


@pytest.mark.parametrize("sentences", [(), (3,), (["One."],)])
def test_say_takes_sentences(sentences):
    with pytest.raises(TypeError, match="say takes one sentence or more"):
        say(*sentences)


def test_a_table_shows_numbers_with_three_digits_and_below_each_other():
    shown = table(["rule", "loss"], [["SGD", 0.123456], ["a|b", np.float32(2e-7)]])
    assert repr(shown) == "rule   loss\nSGD   0.123\na|b   2e-07"
    head, rule, first, second = shown._repr_markdown_().splitlines()
    assert (head, rule) == ("| rule | loss |", "| --- | ---: |")
    assert (first, second) == ("| SGD | 0.123 |", r"| a\|b | 2e-07 |")


@pytest.mark.parametrize(
    ("entry", "text"),
    [
        (3, "3"),
        (np.int64(1234567), "1234567"),
        (1297.3, "1297"),
        (12.0, "12"),
        ("0.10", "0.10"),
        (float("nan"), "nan"),
        (1e7, "1e+07"),
    ],
)
def test_the_entries_of_a_table(entry, text):
    assert repr(table(["x"], [[entry]])).splitlines()[1] == text


def test_a_row_has_an_entry_a_column():
    with pytest.raises(ValueError, match=r"\[1\] should have 2 entries"):
        table(["a", "b"], [[1]])
