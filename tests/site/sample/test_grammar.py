"""What is wrong in a chapter's marks is said when it is built."""

import nbformat
import pytest
from nbformat.v4 import new_code_cell as code
from nbformat.v4 import new_markdown_cell as text
from nbformat.v4 import new_notebook

from tests.site import small_book

ON_AXIS = "**Predict.** Where?\n\n*A point from 0 to 5{}.*\n\n**Answer.** {}. So it is."
FAULTS = {  # what an author may write: what the build says
    "**Predict.** Which?\n\n- One\n- Two\n\nNo answer follows.": "Predict. no **Answer.** before",
    "**Question.** Which?\n\n- One\n- Two\n\n**Answer.** Three.": "begins with none of the choices",
    "**Predict.** How many?\n\n*A number.*\n\n**Answer.** It is 7.": "is not of the form",
    ON_AXIS.format("", "4 (5 to 6 will do)"): "4.0 does not lie between",
    ON_AXIS.format(", in steps", "7 steps (6 to 8 will do)"): "does not lie on the axis",
    ON_AXIS.format(", on a log scale", "2 (1 to 3 will do)"): "a log scale has no 0",
    "**Claim.** It holds.\n\nAnd more text.": "no cell follows that asserts it",
    "**What we see.** Nothing.": "no 'Often said.' stands before it",
    "$$a = b \\tag{1.3}$$": "equation (1.3) is (1.1) here",
    "As in figure 1.9.": "there is no figure 1.9",
}


@pytest.fixture(scope="module")
def log():
    """What the build of a chapter with all faults says."""
    folder = small_book.arrange(f"faulty{small_book.WORKER}")
    cells = [text("# Faults")]
    for number, fault in enumerate(FAULTS):
        cells += [text(f"## Section {number}"), text(fault), code("assert 1 + 1 == 2")]
    kernel = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
    nbformat.write(new_notebook(cells=cells, metadata=kernel), folder / "book/01-sample.ipynb")
    return small_book.build(folder, "--all", "--keep-going")[0]


@pytest.mark.parametrize("fault", FAULTS, ids=FAULTS.values())
def test_a_fault_is_a_warning(log, fault):
    said = [line for line in log.splitlines() if "WARNING" in line]
    assert sum(FAULTS[fault] in line for line in said) == 1, said
