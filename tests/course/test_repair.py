"""What comes back from students becomes a notebook that can be graded."""

import copy
import re

import nbformat
import pytest
from hand_ins import about, cell_of, handed_out, points, reference, stripped
from hypothesis import given, settings
from hypothesis import strategies as st

from course.repair import repair


def own(book):
    return [about(cell)["grade_id"] for cell in book.cells if about(cell)]


operations = st.lists(
    st.tuples(
        st.sampled_from(["delete", "duplicate", "strip", "move", "edit", "insert"]),
        st.integers(0, 99),
        st.integers(0, 99),
    ),
    max_size=12,
)


@given(operations)
@settings(max_examples=150)
def test_whatever_happened_every_cell_comes_once_and_every_test_after_its_answer(
    done,
):
    """Cells deleted, copied, stripped, moved, edited and added at random; answers that are there
    reach the grader in their order."""
    released, book = handed_out(), reference()
    for what, where, to in done:
        if not book.cells:
            break
        where, to = where % len(book.cells), to % len(book.cells)
        if what == "delete":
            del book.cells[where]
        elif what == "duplicate":
            book.cells.insert(to, copy.deepcopy(book.cells[where]))
        elif what == "strip":
            book.cells[where].metadata = nbformat.from_dict({})
        elif what == "move":
            book.cells.insert(to, book.cells.pop(where))
        elif what == "edit":
            book.cells[where].source += "\n# a remark"
        else:
            book.cells.insert(where, nbformat.v4.new_code_cell("helper = 1"))
    repaired, _ = repair(released, book)
    assert sorted(own(repaired)) == sorted(own(released))
    assert [name for name in own(repaired) if name in points()] == [
        name for name in own(released) if name in points()
    ]
    for test in points():
        answer = re.sub("-(test|hidden)$", "", test)
        assert own(repaired).index(answer) < own(repaired).index(test)
        assert cell_of(repaired, test).source == cell_of(released, test).source
    code = [
        cell.source
        for cell in book.cells
        if cell.cell_type == "code" and cell.source.startswith("def ")
    ]
    kept = [
        cell.source
        for cell in repaired.cells
        if cell.cell_type == "code" and cell.source.startswith("def ")
    ]
    assert [source for source in kept if source in code] == [
        s for i, s in enumerate(code) if s in kept and (s not in code[:i] or kept.count(s) > 1)
    ][: len(kept)]
    assert len({cell.id for cell in repaired.cells}) == len(repaired.cells)


@pytest.mark.parametrize("answers", [(), ("bounce",), ("units",), ("bounce", "units")])
def test_a_stripped_notebook_is_repaired_to_what_was_handed_in(answers):
    """Also where one written answer is still the placeholder, which is the same for both."""
    book = reference()
    for name in ("bounce", "units"):
        cell_of(book, name).source = (
            f"My words on {name}." if name in answers else cell_of(handed_out(), name).source
        )
    book.cells.insert(3, nbformat.v4.new_code_cell("helper = 1"))
    repaired, remarks = repair(handed_out(), stripped(book))
    assert [cell.source for cell in repaired.cells] == [cell.source for cell in book.cells]
    assert own(repaired) == own(handed_out()) and "lost their metadata" in remarks[0]


def test_the_last_changed_copy_of_an_answer_counts_and_written_copies_are_joined():
    book = handed_out()
    at = book.cells.index(cell_of(book, "step"))
    first, second = copy.deepcopy(book.cells[at]), copy.deepcopy(book.cells[at])
    first.source, second.source = (
        "def step(w, g, r):\n    return 1",
        "def step(w, g, r):\n    return 2",
    )
    book.cells[at + 1 : at + 1] = [first, second, copy.deepcopy(book.cells[at])]
    at = book.cells.index(cell_of(book, "bounce"))
    book.cells[at].source = "One half."
    other = copy.deepcopy(book.cells[at])
    other.source = "The other half."
    book.cells.insert(at + 1, other)
    repaired, _ = repair(handed_out(), book)
    assert cell_of(repaired, "step").source == second.source
    assert [cell.source for cell in repaired.cells].index(first.source) < repaired.cells.index(
        cell_of(repaired, "step")
    )
    assert cell_of(repaired, "bounce").source == "One half.\n\nThe other half."
