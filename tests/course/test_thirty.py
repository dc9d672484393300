"""A class of thirty in Canvas' zip, as messy as classes are, against marks found in another way.

Each student is said twice: by what was meant, answers in plain text, and by the form in which it
was handed in. The marks of what was meant are found by a script that uses nothing of the course but
the assignment's own test cells; the command sees the form alone.
"""

import copy
import csv
import io
import json
import subprocess
import sys
import zipfile
from dataclasses import dataclass, field

import nbformat
import pytest
from hand_ins import (
    FIRST,
    NAMES,
    cell_of,
    duplicated,
    handed_out,
    points,
    reference,
    run,
    source,
    stripped,
    without,
)
from nbformat.v4 import new_code_cell, new_markdown_cell

from course.assignment import REGION, about, role

INDEPENDENT = """
import json, os, signal, sys
import numpy
given = json.load(sys.stdin)
passed = {}
for name, test in given["tests"].items():
    child = os.fork()
    if not child:
        signal.setitimer(signal.ITIMER_PROF, 4)
        status, space = 1, {}
        try:
            sys.stdout = sys.stderr = open(os.devnull, "w")
            for text in [*given["helpers"], *given["answers"]]:
                try: exec(text, space)
                except Exception: pass
            exec(test, dict(space))
            status = 0
        finally:
            os._exit(status)
    passed[name] = os.waitpid(child, 0)[1] == 0
print(json.dumps(passed))
"""


def right(name):
    """The reference's answer."""
    return REGION.sub("", cell_of(source(FIRST), name).source)


ANSWERS = [about(c)["grade_id"] for c in source(FIRST).cells if role(c) == "answer"]
UPHILL = "def step(w, g, learning_rate):\n    return w + learning_rate * g"
SUMMED = "def gradient(w, X, y):\n    return X.T @ (X @ w - y)"
IN_PLACE = "def step(w, g, learning_rate):\n    w -= learning_rate * g\n    return w"
LAST = (
    "def descend(step, gradient, w, learning_rate, steps):\n    for _ in range(steps):\n"
    "        w = step(w, gradient(w), learning_rate)\n    return w"
)
PLAIN = (
    "def descend(step, gradient, w, learning_rate, steps):\n    path = [np.array(w)]\n"
    "    for _ in range(steps):\n        w = w - learning_rate * gradient(w)\n"
    "        path.append(w)\n    return np.array(path)"
)
ENDLESS = "def rates(curvatures):\n    while True: pass"
UNSORTED = (
    "def rates(curvatures):\n    return 2 / curvatures[-1], 2 / (curvatures[0] + curvatures[-1])"
)
ROUNDED = (
    "def steps_needed(curvatures, learning_rate, shrink):\n"
    "    worst = np.max(np.abs(1 - learning_rate * np.asarray(curvatures)))\n"
    "    return np.inf if worst >= 1 else np.round(np.log(shrink) / np.log(worst))"
)
LOOPED = (
    "def steps_needed(curvatures, learning_rate, shrink):\n    left = np.ones(len(curvatures))\n"
    "    for k in range(100000):\n        if max(abs(left)) <= shrink:\n            return k\n"
    "        if max(abs(left)) > 1:\n            return np.inf\n"
    "        left = left * (1 - learning_rate * np.asarray(curvatures))\n    return np.inf"
)
LAMBDA = "step = lambda w, g, learning_rate: w - learning_rate * g"
SIGNED = "SIGN = -1\ndef step(w, g, learning_rate):\n    return w + SIGN * learning_rate * g"
UNKNOWN = "def step(w, g, learning_rate):\n    return w - rate * g"
SYNTAX = "def step(w, g, learning_rate)\n    return w"
RENAMED = "def one_step(w, g, learning_rate):\n    return w - learning_rate * g"
EXIT = "def rates(curvatures):\n    exit()"
UPSIDE = "def forecast():\n    return ['2.1', '1.95', 'best', '1', '1.5']"
NEARLY = "def forecast():\n    return ['1', '1.5', 'best', '1.95', '2.1']"
NOISY = "def gradient(w, X, y):\n    print(w)\n    return X.T @ (X @ w - y) / len(y)"


def plain(book):
    """As it was meant."""
    return book


def changed_tests(book):
    for cell in book.cells:
        if role(cell) == "test":
            cell.source = "assert True"
    return book


def answers_split(book):
    """Each answer in two cells: a remark, and the answer in a cell of the student's own."""
    for name in ("step", "rates"):
        cell = cell_of(book, name)
        own = new_code_cell(cell.source)
        book.cells.insert(book.cells.index(cell) + 1, own)
        cell.source = cell_of(handed_out(), name).source
    return stripped(book)


def made_markdown(book):
    cell = cell_of(book, "gradient")
    at = book.cells.index(cell)
    book.cells[at] = new_markdown_cell(cell.source, metadata=cell.metadata)
    return book


def slow_cells(book):
    slow = "import time\nfor _ in range(9):\n    time.sleep(60)"
    book.cells[2:2] = [new_code_cell(slow), new_code_cell("1 / 0"), new_code_cell("!pip list")]
    return book


def turned(book):
    """The answers in another order, below all else."""
    answers = [cell for cell in book.cells if role(cell) == "answer"]
    book.cells = [cell for cell in book.cells if role(cell) != "answer"] + answers[::-1]
    return book


def magics(book):
    for cell in book.cells:
        if role(cell) == "answer":
            cell.source = f"%matplotlib inline\n{cell.source}\n"
    return book


def outputs(book):
    for cell in book.cells:
        if cell.cell_type == "code":
            cell.outputs = [nbformat.v4.new_output("stream", text="x" * 200_000)]
    return book


def drafts(book):
    """Before each answer a wrong draft of it with the same metadata."""
    for name in ("step", "rates"):
        cell = cell_of(book, name)
        draft = copy.deepcopy(cell)
        draft.source = cell.source.split("\n")[0] + "\n    return None"
        book.cells.insert(book.cells.index(cell), draft)
    return book


def essay_below(book):
    cell = cell_of(book, "bounce")
    at = book.cells.index(cell)
    book.cells.insert(at + 1, new_markdown_cell(cell.source))
    cell.source = cell_of(handed_out(), "bounce").source
    return book


@dataclass
class Student:
    """What a student meant, how it was handed in, and which tests that should cost."""

    name: str
    answers: dict = field(default_factory=dict)
    lost: tuple = ()
    form: object = plain
    file: str = "1-gradient-descent.ipynb"
    late: str = ""
    encode: object = lambda text: text.encode()


def both(*names):
    return tuple(f"{name}-{part}" for name in names for part in ("test", "hidden"))


GRADED = [
    Student("abbotann"),
    Student("bakerben", {"step": UPHILL}, both("step")),
    Student("costacarl", {"gradient": SUMMED}, both("gradient"), form=stripped),
    Student("diazdora", {"step": IN_PLACE}, ("step-hidden",), late="_LATE"),
    Student("evansed", {"descend": LAST}, both("descend"), form=changed_tests),
    Student("fischerfay", {"descend": PLAIN}, ("descend-hidden",), form=stripped),
    Student("grantgus", {"rates": ENDLESS}, both("rates")),
    Student("haddadhana", {"rates": UNSORTED}, ("rates-hidden",), form=duplicated),
    Student("ivanovilya", {"steps-needed": ROUNDED}, both("steps-needed")),
    Student("jensenjo", {"steps-needed": LOOPED}, (), form=slow_cells),
    Student("kimkay", {"step": LAMBDA}, ()),
    Student("leelia", {"step": SIGNED}, (), form=magics),
    Student("martinmax", {"step": UNKNOWN}, both("step"), form=outputs),
    Student("novaknina", {"step": SYNTAX}, both("step"), form=drafts),
    Student("okaforoby", {"step": RENAMED}, both("step")),
    Student("perezpia", {"rates": EXIT}, both("rates"), form=essay_below),
    Student("quinnquin", {"forecast": UPSIDE}, ("forecast-test",), form=stripped),
    Student("rossirea", {"forecast": NEARLY}, (), form=answers_split),
    Student("singhsam", {"gradient": NOISY}, (), form=made_markdown),
    Student("tanakatomo", {}, (), form=turned),
    Student("umarula", {"gradient": SUMMED, "step": UPHILL}, both("gradient", "step")),
    Student("vegavic", {}, (), form=lambda book: without(book, *points())),
    Student("wangwei", {"steps-needed": ROUNDED, "rates": UNSORTED}, (), late="_LATE"),
]
GRADED[-1].lost = (*both("steps-needed"), "rates-hidden")
GRADED[0].encode = lambda text: b"\xef\xbb\xbf" + text.encode().replace(b"\n", b"\r\n")
REFUSED = {  # student: (file, bytes, what is said)
    "xuxia": ("answers.pdf", b"%PDF-1.7", "it is a PDF"),
    "youngyve": ("1-gradient-descent.html", b"<!doctype html>", "it is a web page"),
    "zhuzoe": ("1-gradient-descent.ipynb", b"", "it is empty"),
    "adamsal": ("1-gradient-descent.ipynb", b'{"cells": [{"cell_ty', "it cannot be read"),
    "blancbo": ("1-gradient-descent.py", b"import numpy as np\n", "it cannot be read"),
    "cruzcy": ("homework.docx", b"PK\x03\x04 damaged", "it is a zip file"),
    "dubois": (
        "2-backpropagation.ipynb",
        nbformat.writes(handed_out(NAMES[1])).encode(),
        "a notebook of something else",
    ),
}


def meant(student):
    """The answers of a student in plain text."""
    return [student.answers.get(name) or right(name) for name in ANSWERS]


def notebook(student):
    """What a student hands in, as bytes."""
    book = reference()
    for name, text in student.answers.items():
        cell_of(book, name).source = text
    return student.encode(nbformat.writes(student.form(book)))


def independent(student):
    """The points of each test for what a student meant, by a script of its own."""
    cells = [cell for cell in source(FIRST).cells if cell.cell_type == "code"]
    given = {
        "tests": {about(c)["grade_id"]: c.source for c in cells if role(c) == "test"},
        "helpers": [c.source for c in cells if role(c) == "locked" and "plt" not in c.source],
        "answers": ["import numpy as np", *meant(student)],
    }
    command = [sys.executable, "-c", INDEPENDENT]
    done = subprocess.run(command, input=json.dumps(given), capture_output=True, text=True)
    passed = json.loads(done.stdout)
    return {name: points()[name] if passed[name] else 0 for name in points()}


@pytest.fixture(scope="module")
def thirty(grader, tmp_path_factory):
    """Canvas' zip of thirty, whose entries stand in no order, with earlier hand-ins of some."""
    folder = tmp_path_factory.mktemp("thirty")
    files = {}
    for number, student in enumerate(GRADED):
        name = f"{student.name}{student.late}_{100 + number}_{9000 + number}_{student.file}"
        files[name] = notebook(student)
    for number, name in enumerate(REFUSED):
        file, data, _ = REFUSED[name]
        files[f"{name}_{200 + number}_{9200 + number}_{file}"] = data
    late = files.pop("grantgus_106_9006_1-gradient-descent.ipynb")
    files["grantgus_106_9906_1-gradient-descent-2.ipynb"] = late
    files["grantgus_106_9006_1-gradient-descent-1.ipynb"] = nbformat.writes(reference()).encode()
    zipped, kim = io.BytesIO(), files.pop("kimkay_110_9010_1-gradient-descent.ipynb")
    with zipfile.ZipFile(zipped, "w") as packed:
        packed.writestr("my work/.ipynb_checkpoints/a-checkpoint.ipynb", b"{}")
        packed.writestr("my work/homework final.ipynb", kim)
    files["kimkay_110_9010_all of it.zip"] = zipped.getvalue()
    with zipfile.ZipFile(folder / "submissions.zip", "w", zipfile.ZIP_DEFLATED) as packed:
        for name in sorted(files, key=lambda name: name[::-1]):
            packed.writestr(name, files[name])
    where = ("grade", "1", folder / "submissions.zip", "--to", folder / "out", "--seconds", 3)
    done = run(*where)
    text = (folder / "out/marks.csv").read_text(encoding="utf-8-sig")
    return done, {row["student"]: row for row in csv.DictReader(io.StringIO(text))}


def test_they_are_thirty_and_seven_are_named(thirty):
    done, rows = thirty
    assert len(rows) == len(GRADED) + len(REFUSED) == 30
    assert done.returncode == 1 and f"NOT GRADED, {len(REFUSED)}: " in done.stdout
    for name, (_, _, said) in REFUSED.items():
        assert said in rows[name]["remarks"] and not rows[name]["automatic"]
    assert [row["look"] for row in rows.values() if row["look"]] == []


@pytest.mark.parametrize("student", GRADED, ids=lambda student: student.name)
def test_each_mark_is_the_one_that_is_found_independently(thirty, student):
    _, rows = thirty
    row, expected = rows[student.name], independent(student)
    got = {name: float(row[f"{name} ({most:g})"]) for name, most in points().items()}
    assert got == expected, row["remarks"]
    assert float(row["automatic"]) == sum(expected.values())
    assert {name for name, mark in expected.items() if not mark} == set(student.lost)
    assert ("handed in late" in row["remarks"]) == bool(student.late)


def test_what_was_written_waits_for_the_teacher(thirty):
    _, rows = thirty
    for student in GRADED:
        row = rows[student.name]
        assert [row["bounce (4)"], row["units (2)"], row["total"]] == ["", "", ""]
