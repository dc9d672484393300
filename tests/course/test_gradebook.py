"""Rosters as platforms export them come back with marks; sheets, statistics, hand-ins that are
alike."""

import csv
import io

import pytest
from hand_ins import FIRST, answered, reference, run, written_to

from course.assignment import Mistake, source
from course.gradebook import Roster, write
from course.marks import Marks, Result, Table, sheet_code

CANVAS = """Student,ID,SIS User ID,SIS Login ID,Section,Assignment 1 (771),Assignment 11 (9)
    Points Possible,,,,,24,10
"García, Ana",101,s101,ana@uni.edu,A,,
"O'Brien, Pat",102,s102,pat@uni.edu,A,,
"Wong, Mia",104,s104,mia@uni.edu,A,3,
"""
MOODLE = """Identifier,"Full name","Email address",Status,Grade,"Maximum grade"
"Participant 101","Ana García",ana@uni.edu,Submitted,,100
"Participant 102","Pat O'Brien",pat@uni.edu,Submitted,,100
"Participant 104","Mia Wong",mia@uni.edu,"No submission",,100
"""
LIST = "name;number\nAna García;\nPat O'Brien;\nMia Wong;\n"
TITLE = "Assignment 1: Gradient descent and the valley"


def hand_ins(numbers):
    """What was found of Ana and Pat, by Canvas' names of files where there are numbers."""
    names = (
        [("garciaana", "101"), ("obrienpat", "102")]
        if numbers
        else [("Ana García", ""), ("pat_o'brien", "")]
    )
    results = [Result(n, n, number, graded=True, tests={}) for n, number in names]
    return results, {r.student: Marks(tests={"a": 17.5 + k}) for k, r in enumerate(results)}


@pytest.mark.parametrize(
    "text, numbers, column",
    [
        (CANVAS, True, "Assignment 1 (771)"),
        (MOODLE, True, "Grade"),
        (MOODLE, False, "Grade"),
        (LIST, False, TITLE),
    ],
)
def test_a_roster_comes_back_with_its_column_filled(tmp_path, text, numbers, column):
    path = tmp_path / "roster.csv"
    path.write_text(text, encoding="utf-8-sig")
    results, marks = hand_ins(numbers)
    stranger = Result("eve", "eve", "999", graded=True, tests={})
    said = write(
        path, tmp_path, TITLE, 24, [*results, stranger], marks | {"eve": Marks(tests={"a": 1})}
    )
    comma = ";" if text is LIST else ","
    before = list(csv.DictReader(io.StringIO(text), delimiter=comma))
    after = list(
        csv.DictReader(
            io.StringIO((tmp_path / "gradebook.csv").read_text("utf-8")), delimiter=comma
        )
    )
    rows = [row for row in after if "Points Possible" not in next(iter(row.values()))]
    assert [row[column] for row in rows][:2] == ["17.5", "18.5"]
    assert rows[2][column] == ("3" if text is CANVAS else "")
    for old, new in zip(before, after, strict=True):
        assert {k: v for k, v in new.items() if k != column} == {
            k: v for k, v in old.items() if k != column
        }
    states = list(csv.reader(io.StringIO((tmp_path / "roster.csv").read_text("utf-8-sig"))))
    assert [row[3] for row in states[1:]] == [
        "graded",
        "graded",
        "handed in nothing",
        "not on the roster",
    ]
    assert "1 of 3 handed in nothing" in said[0] and "NOT ON THE ROSTER: eve" in said[1]


@pytest.mark.parametrize("text", ["", "a,b\n1,2\n"])
def test_what_is_no_roster_is_said(tmp_path, text):
    (tmp_path / "r.csv").write_text(text)
    with pytest.raises(Mistake, match="no column of names"):
        Roster(tmp_path / "r.csv")


@pytest.fixture(scope="module")
def small_class(grader, tmp_path_factory):
    """Three students, two of whom wrote the same in their own words."""
    folder = tmp_path_factory.mktemp("small")
    same = {
        "step": "def step(w, g, learning_rate):\n    small = g * learning_rate\n    there "
        "= w - small\n    return there",
        "descend": "def descend(step, gradient, w, learning_rate, steps):\n    ways = "
        "[w]\n    for number in range(steps):\n        ways += [step(ways[-1], "
        "gradient(ways[-1]), learning_rate)]\n    return np.array(ways)",
        "gradient": "def gradient(w, X, y):\n    off = X @ w - y\n    many = len(off)\n   "
        " return off @ X / many",
    }
    written_to(folder, "downloads/anna.ipynb", answered(**same))
    renamed = {k: v.replace("    # x", "") + "\n# mine" for k, v in same.items()}
    written_to(folder, "downloads/bo.ipynb", answered(**renamed))
    for name in ("cy", "di", "ed"):
        written_to(folder, f"downloads/{name}.ipynb", reference())
    where = ("grade", "1", folder / "downloads", "--to", folder / "out")
    done = run(*where)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "out", done.stdout, where


def test_answers_that_are_alike_beyond_the_usual_are_named(small_class):
    out, said, _ = small_class
    rows = list(csv.reader(io.StringIO((out / "similar.csv").read_text("utf-8-sig"))))
    assert [row[:2] for row in rows[1:]] == [["anna", "bo"]] and "ALIKE:    1 pairs" in said


def test_a_sheet_shows_all_answers_with_the_rubric_and_no_name(small_class):
    out, *_ = small_class
    page = (out / "sheets/bounce.html").read_text(encoding="utf-8")
    assert "One point each" in page and page.count('<section class="answer">') == 5
    assert not any(name in page for name in ("anna", "<h2>bo", ".ipynb"))
    assert all(f"<h2>{sheet_code(name)}" in page for name in ("anna", "bo", "cy", "di", "ed"))


def test_marks_on_a_sheet_count_and_run_no_code(small_class):
    out, _, where = small_class
    before = [path.stat().st_mtime_ns for path in sorted((out / "graded").glob("*"))]
    for name in ("bounce", "units", "decide"):
        path = out / f"sheets/{name}.csv"
        head, *rows = path.read_text(encoding="utf-8-sig").splitlines()
        filled = [row.replace(",,", ",1.5,Why?") for row in rows]
        path.write_text("\n".join([head, *filled]).replace(",", ";").replace("1.5", "1,5"), "utf-8")
    done = run(*where)
    assert done.returncode == 0, done.stdout + done.stderr
    assert [path.stat().st_mtime_ns for path in sorted((out / "graded").glob("*"))] == before
    table = Table(out / "marks.csv", source(FIRST))
    row = table.rows["anna"]
    assert (row["bounce (4)"], row["bounce comment"], row["total"]) == ("1.5", "Why?", "24.5")
    rows = {r["question"]: r for r in csv.DictReader(open_csv(out / "statistics.csv"))}
    assert rows["units"]["mean share"] == "0.75" and rows["step-test"]["full"] == "5"
    text = (out / "marks.csv").read_text(encoding="utf-8-sig").replace("1.5", "2")
    (out / "marks.csv").write_text(text, encoding="utf-8-sig")
    done = run(*where)
    assert done.returncode == 2 and "empty one of them" in done.stderr


def open_csv(path):
    """A table as lines."""
    return io.StringIO(path.read_text(encoding="utf-8-sig"))
