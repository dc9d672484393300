"""An assignment: its source, the students' version that nbgrader makes of it, what is handed
out."""

import copy
import io
import logging
import re
import shutil
import tempfile
import zipfile
from pathlib import Path

import nbformat

COURSE = Path(__file__).resolve().parent
ROOT = COURSE.parent
STUB = "# YOUR CODE HERE\nraise NotImplementedError()"
PAGES = ROOT / "book/assignments"
REGION = re.compile(r"[ \t]*### (BEGIN|END) SOLUTION[^\n]*\n?")
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
HIDDEN = re.compile(r"[ \t]*### BEGIN HIDDEN TESTS.*?### END HIDDEN TESTS[^\n]*\n?", re.S)


class Mistake(Exception):
    """Something that the teacher can put right; the message says how."""


def about(cell):
    """What nbgrader's metadata says of a cell; empty for a plain one."""
    return cell.metadata.get("nbgrader") or {}


def role(cell):
    """`answer` in code, `written` and marked by hand, `test`, another `locked` cell, or `plain`."""
    marked, own = about(cell).get("grade"), about(cell).get("solution")
    if own:
        return "written" if marked else "answer"
    return "test" if marked else "locked" if about(cell).get("locked") else "plain"


def text(cell):
    """The text of a cell, as far as it matters when two are compared."""
    return "\n".join(line.rstrip() for line in cell.source.strip().splitlines())


def names():
    """The names of all assignments."""
    return sorted(path.stem for path in COURSE.glob("source/*/*.ipynb"))


def named(wanted):
    """The assignment of this name or number.

    Raises:
        Mistake: there is none, or more than one.
    """
    fitting = [name for name in names() if wanted and f"{name}-".startswith(f"{wanted}-")]
    if len(fitting) != 1:
        raise Mistake(
            f"Which assignment? A={wanted or '...'} is none of these: {', '.join(names())} "
            "(A=1 is short for the first)."
        )
    return fitting[0]


def source(name):
    """The notebook of an assignment that is written by hand, with solutions and hidden tests."""
    return nbformat.read(COURSE / f"source/{name}/{name}.ipynb", as_version=4)


def student_version(name):
    """The students' version of an assignment, made by nbgrader; the same for every run.

    Raises:
        Mistake: nbgrader cannot make it; the message is nbgrader's.
    """
    # nbgrader is needed for this alone, and is slow to load
    from nbgrader.converters import GenerateAssignment
    from nbgrader.coursedir import CourseDirectory
    from traitlets.config import Config

    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / f"source/{name}"
        place.mkdir(parents=True)
        shutil.copy(COURSE / f"source/{name}/{name}.ipynb", place)
        config = Config()
        config.CourseDirectory.root = folder
        config.ClearSolutions.code_stub = {"python": STUB}
        config.GenerateAssignment.no_database = True
        config.SaveCells.enabled = False
        course = CourseDirectory(config=config)
        course.assignment_id, course.student_id = name, "."
        step, said = GenerateAssignment(coursedir=course, config=config), io.StringIO()
        step.log.handlers, step.log.propagate = [logging.StreamHandler(said)], False
        step.log.setLevel("ERROR")
        try:
            step.start()
        except Exception as error:
            raise Mistake(f"nbgrader on {name}: {error}\n{said.getvalue()[-3000:]}") from error
        made = nbformat.read(Path(folder) / f"release/{name}/{name}.ipynb", as_version=4)
    made.metadata = METADATA
    return made


def written(book):
    """The text of a notebook's file."""
    return nbformat.writes(book).rstrip("\n") + "\n"


def solved(book, answers=None):
    """The source `book` as one who solves it hands it in, without marks of solutions and hidden
    tests.

    Args:
        answers: texts in place of some of the solutions, by grade_id.
    """
    book = copy.deepcopy(book)
    for cell in book.cells:
        cell.source = REGION.sub("", (answers or {}).get(about(cell).get("grade_id"), cell.source))
        cell.source = HIDDEN.sub("", cell.source).rstrip()
    return book


def write_pages(folder=PAGES):
    """Write the students' versions of all assignments. Returns what was done, in lines of text."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = []
    for name in names():
        new = written(student_version(name))
        page = folder / f"{name}.ipynb"
        if not page.exists() or page.read_text(encoding="utf-8") != new:
            page.write_text(new, encoding="utf-8", newline="\n")
            lines.append(f"{page}: written")
    gone = {page.stem for page in folder.glob("*.ipynb")} - {*names()}
    return lines + [f"{folder / name}.ipynb has no source: delete it" for name in sorted(gone)]


def write_handout(name, folder=ROOT / "_build/course"):
    """Write a zip to hand out and the solution to publish later. Returns the paths of both."""
    folder.mkdir(parents=True, exist_ok=True)
    packed, solution = folder / f"{name}.zip", folder / f"{name}-solution.ipynb"
    entry = zipfile.ZipInfo(f"{name}/{name}.ipynb")  # dated 1980: the same for every run
    entry.external_attr = 0o644 << 16
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr(entry, written(student_version(name)), zipfile.ZIP_DEFLATED)
    solution.write_text(written(solved(source(name))), encoding="utf-8", newline="\n")
    return packed, solution
