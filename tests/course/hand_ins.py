"""Notebooks as students hand them in, and the course's commands as a teacher calls them."""

import copy
import os
import re
import subprocess
from pathlib import Path

import nbformat

from course import assignment
from course.assignment import about, role, source

ROOT = Path(__file__).resolve().parents[2]
PYTHON = ROOT / ".venv-course/bin/python"
FIRST = "1-gradient-descent"
NAMES = assignment.names()
HIDDEN = r"### BEGIN HIDDEN TESTS\n(.*?)### END HIDDEN TESTS"


def run(*arguments, script=None, **environment):
    """A command of the course, or a script of a test, in the course's own environment."""
    command = [PYTHON, script] if script else [PYTHON, "-m", "course", *arguments]
    return subprocess.run(
        list(map(str, command)),
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        errors="replace",
    )


def handed_out(name=FIRST):
    return nbformat.read(ROOT / f"book/assignments/{name}.ipynb", as_version=4)


def reference(name=FIRST):
    return assignment.solved(source(name))


def cell_of(book, grade_id):
    return next(cell for cell in book.cells if about(cell).get("grade_id") == grade_id)


def answered(**texts):
    """The reference of the first assignment with some answers replaced; a text may use {answer}
    for the reference's own."""
    book = reference()
    for name, text in texts.items():
        cell = cell_of(book, name.replace("_", "-"))
        cell.source = text.replace("{answer}", cell.source)
    return book


def points(name=FIRST):
    return {
        about(c)["grade_id"]: about(c)["points"] for c in source(name).cells if role(c) == "test"
    }


def lines_of(pattern, name=FIRST):
    """The lines of an assignment's source that stand in regions and nowhere else, long enough to
    be its own."""
    found = {
        line.strip()
        for cell in source(name).cells
        for part in re.findall(pattern, cell.source, re.S)
        for line in part.splitlines()
    }
    shown = "\n".join(re.sub(pattern, "", cell.source, flags=re.S) for cell in source(name).cells)
    return {line for line in found if len(line) >= 25 and line not in shown}


def stripped(book):
    """As from Colab: other ids, no metadata, outputs of another run."""
    book = copy.deepcopy(book)
    for number, cell in enumerate(book.cells):
        cell.metadata = nbformat.from_dict({"id": f"colab{number}"})
        cell.pop("id", None)
        if cell.cell_type == "code":
            cell.execution_count = number
            cell.outputs = [
                nbformat.v4.new_output("stream", name="stderr", text="DeprecationWarning")
            ]
    book.nbformat_minor = 0
    return book


def without(book, *gone):
    """The notebook without the cells of these grade_ids or ids."""
    book = copy.deepcopy(book)
    book.cells = [
        cell for cell in book.cells if not {about(cell).get("grade_id"), cell.id} & set(gone)
    ]
    return book


def duplicated(book):
    book = copy.deepcopy(book)
    book.cells = [copy.deepcopy(cell) for cell in book.cells for _ in range(2)]
    for number, cell in enumerate(book.cells):
        cell.id = f"twice-{number}"
    return book


def tampered():
    """Every test made to pass, moved, made worth more, under another id; no answer given."""
    book = copy.deepcopy(handed_out())
    for cell in book.cells:
        if role(cell) == "test":
            cell.source = "assert True"
            about(cell).update(points=100, locked=False)
    cell = cell_of(book, "step-test")
    about(cell)["grade_id"] = "step-tested"
    about(cell_of(book, "gradient-test")).update(grade=False)
    book.cells.sort(key=lambda cell: role(cell) != "test")
    return book


def written_to(folder, path, book):
    """A notebook handed in at a path of the downloads."""
    place = folder / path
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(nbformat.writes(book), encoding="utf-8")
    return place
