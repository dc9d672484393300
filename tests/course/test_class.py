"""A class as a teacher grades it: downloads of every kind, marks by hand, runs that were broken
off."""

import csv
import io
import json
import os
import re
import shutil
import signal
import subprocess
import time
import zipfile
from functools import partial
from types import SimpleNamespace

import pytest
from hand_ins import (
    FIRST,
    NAMES,
    PYTHON,
    ROOT,
    answered,
    cell_of,
    handed_out,
    points,
    reference,
    run,
    stripped,
    without,
    written_to,
)
from nbformat.v4 import new_markdown_cell

ENDLESS = "def rates(curvatures):\n    while True:\n        pass"


def essay_below():
    """The reference with one written answer in a new cell below its place."""
    book = reference()
    cell_of(book, "bounce").source = cell_of(handed_out(), "bounce").source
    book.cells.insert(book.cells.index(cell_of(book, "bounce")) + 1, new_markdown_cell("My essay."))
    return book


# student: (file in the downloads, notebook, automatic points of 20)
HANDED_IN = {
    "garciaana": ("garciaana_101_9001_1-gradient-descent.ipynb", reference, 20),
    "obrienpat": (
        "obrienpat_LATE_102_9002_1-gradient-descent-1.ipynb",
        lambda: answered(step="{answer}\n    hm ="),
        17,
    ),
    "José-Núñez": (
        "José Núñez_103_assignsubmission_file/my homework (2).ipynb",
        lambda: without(reference(), *points()),
        20,
    ),
    "Mia-Wong": (
        "Mia Wong_104_assignsubmission_file_final.ipynb",
        lambda: stripped(reference()),
        20,
    ),
    "王-Li": ("王 Li.ipynb", lambda: answered(rates=ENDLESS), 17),
    "untouched": ("1-gradient-descent untouched (3).ipynb", handed_out, 0),
    "renamed": ("renamed.json", essay_below, 20),
}


def marks(out):
    """The rows of marks.csv by student."""
    text = (out / "marks.csv").read_text(encoding="utf-8-sig")
    comma = ";" if text.split("\n")[0].count(";") > 5 else ","
    return {row["student"]: row for row in csv.DictReader(io.StringIO(text), delimiter=comma)}


def change(out, student, **cells):
    """Marks by hand, as a spreadsheet of the continent saves them."""
    rows = marks(out)
    rows[student] |= {key.replace("_", " "): value for key, value in cells.items()}
    with (out / "marks.csv").open("w", encoding="utf-8-sig", newline="") as file:
        table = csv.DictWriter(file, rows[student], delimiter=";")
        table.writeheader()
        table.writerows(rows.values())


def graded_at(out):
    """When each hand-in was run, by student."""
    return {path.stem: path.stat().st_mtime_ns for path in (out / "graded").glob("*.ipynb")}


@pytest.fixture(scope="session")
def graded(grader, tmp_path_factory):
    """All of them graded in one run, into a folder of an odd name, with what cannot be graded."""
    folder = tmp_path_factory.mktemp("course")
    downloads, out = folder / "downloads", folder / "out [2026] what?"
    for path, book, _ in HANDED_IN.values():
        written_to(downloads, path, book())
    (downloads / "essayist_105_9005_essay.pdf").write_bytes(b"%PDF-1.7 my answer")
    written_to(downloads, "elsewhere.ipynb", handed_out(NAMES[1]))
    (downloads / ".DS_Store").write_bytes(b"\0")
    done = run(
        "grade", "1", downloads, "--to", out, "--seconds", 3, TMPDIR=str(long_folder(folder))
    )
    return SimpleNamespace(downloads=downloads, out=out, done=done, rows=marks(out))


def long_folder(folder):
    """A folder with a path as long as some machines have for temporary files."""
    path = folder / ("x" * 120)
    path.mkdir()
    return path


@pytest.mark.parametrize("student", HANDED_IN)
def test_each_gets_the_marks_of_the_own_work(graded, student):
    row = graded.rows[student]
    assert row["automatic"] == str(HANDED_IN[student][2]), row["remarks"] + graded.done.stdout


def test_all_are_graded_in_one_run_and_named_as_they_are_called(graded):
    assert graded.done.returncode == 1, graded.done.stdout + graded.done.stderr
    assert "NOT GRADED, 2: elsewhere, essayist" in graded.done.stdout
    assert set(graded.rows) == {*HANDED_IN, "essayist", "elsewhere"}
    assert graded.rows["José-Núñez"]["name"] == "José Núñez"
    numbers = [graded.rows[s]["number"] for s in ("garciaana", "obrienpat", "Mia-Wong", "renamed")]
    assert numbers == ["101", "102", "104", ""]
    said = {student: row["remarks"] for student, row in graded.rows.items()}
    assert "handed in late" in said["obrienpat"]
    assert "lost their metadata" in said["Mia-Wong"]
    assert "step-test: was deleted, and is put back" in said["José-Núñez"]
    assert "bounce: was answered in another cell beside it" in said["renamed"]
    assert "it is a PDF, not a notebook" in said["essayist"]
    assert "a notebook of something else" in said["elsewhere"]
    assert re.search(r"\d of 9  ", graded.done.stdout) and "Traceback" not in graded.done.stderr


def test_what_is_not_marked_is_empty_and_what_was_not_answered_is_zero(graded):
    hand = ["bounce (4)", "units (2)", "total"]
    assert [graded.rows["garciaana"][column] for column in hand] == ["", "", ""]
    assert [graded.rows["untouched"][column] for column in hand] == ["0", "0", "0"]
    assert graded.rows["renamed"]["bounce (4)"] == ""
    empty = {graded.rows["essayist"][f"{test} ({value:g})"] for test, value in points().items()}
    assert empty | {graded.rows["essayist"]["automatic"]} == {""}


def test_pages_are_named_as_the_platform_wants_them_back(graded):
    feedback = graded.out / "feedback"
    pages = {str(path.relative_to(feedback)) for path in feedback.rglob("*.html")}
    assert "José Núñez_103_assignsubmission_file/my homework (2)-feedback.html" in pages
    assert "Mia Wong_104_assignsubmission_file_final-feedback.html" in pages
    assert len(pages) == len(HANDED_IN)
    with zipfile.ZipFile(graded.out / "feedback.zip") as packed:
        assert pages == set(packed.namelist())


@pytest.fixture
def begun(graded, tmp_path):
    """A copy of what was graded, to go on from."""
    shutil.copytree(graded.out, tmp_path / "out")
    shutil.copytree(graded.downloads, tmp_path / "downloads", copy_function=shutil.copy2)

    def again(*more, **environment):
        where = ("grade", "1", tmp_path / "downloads", "--to", tmp_path / "out")
        return run(*where, "--seconds", 3, *more, **environment)

    return SimpleNamespace(out=tmp_path / "out", downloads=tmp_path / "downloads", again=again)


def test_marking_by_hand_runs_no_code_and_makes_totals_and_pages(begun):
    before, pages = graded_at(begun.out), {}
    for path in (begun.out / "feedback").rglob("*.html"):
        pages[path.name] = path.stat().st_mtime_ns
    change(
        begun.out,
        "renamed",
        **{"bounce (4)": "3,5", "units (2)": "2", "decide (2)": "2", "step-test (1)": "0,5"},
    )
    change(begun.out, "renamed", bounce_comment="The factor at 1.9/L <is> missing; see =chapter 1")
    change(begun.out, "garciaana", late_days="2")
    done = begun.again("--late", "10", PATH=f"/nowhere:{os.environ['PATH']}")
    assert graded_at(begun.out) == before
    row = marks(begun.out)["renamed"]
    assert (row["bounce (4)"], row["automatic"], row["total"]) == ("3.5", "19.5", "27")
    page = (begun.out / "feedback/renamed-feedback.html").read_text()
    assert "1.9/L &lt;is&gt; missing; see =chapter 1" in page and "27 of 28 points" in page
    late = (begun.out / "feedback/garciaana_101_9001_1-gradient-descent-feedback.html").read_text()
    assert "2 days late" in late and "16 of 28 points so far" in late
    changed = {
        path.name
        for path in (begun.out / "feedback").rglob("*.html")
        if pages[path.name] != path.stat().st_mtime_ns
    }
    assert changed == {
        "renamed-feedback.html",
        "garciaana_101_9001_1-gradient-descent-feedback.html",
    }
    assert " of 2  " in done.stdout


def test_only_what_changed_is_graded_again(begun):
    """A resubmission under another name, with another answer, and its marks by hand."""
    change(begun.out, "renamed", **{"bounce (4)": "3", "units (2)": "2", "decide (2)": "1"})
    book = answered(step="def step(w, g, learning_rate):\n    return w")
    cell_of(book, "bounce").source = "Another answer."
    later = written_to(begun.downloads, "renamed (1).ipynb", book)
    os.utime(later, (time.time() + 9,) * 2)
    before = graded_at(begun.out)
    begun.again()
    assert {s for s, when in graded_at(begun.out).items() if when != before[s]} == {"renamed"}
    row = marks(begun.out)["renamed"]
    assert (row["automatic"], row["bounce (4)"], row["units (2)"], row["total"]) == (
        "17",
        "",
        "2",
        "",
    )
    assert "2 notebooks, graded the last: renamed (1).ipynb" in row["remarks"]
    assert "it was marked with 3, mark it anew" in row["remarks"]
    with zipfile.ZipFile(begun.out / "feedback.zip") as packed:
        assert [n for n in packed.namelist() if "renamed" in n] == ["renamed (1)-feedback.html"]


def test_a_run_that_is_interrupted_keeps_its_marks_and_goes_on(grader, tmp_path):
    for number in range(6):
        slow = ENDLESS if number else "{answer}"
        written_to(tmp_path / "downloads", f"student{number}.ipynb", answered(rates=slow))
    command = [
        PYTHON,
        "-m",
        "course",
        "grade",
        "1",
        tmp_path / "downloads",
        "--to",
        tmp_path / "out",
    ]
    command += ["--jobs", "1", "--seconds", "2"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    heard = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)  # also where tests hear none
    running = subprocess.Popen(list(map(str, command)), cwd=ROOT, preexec_fn=heard, **pipes)
    for line in running.stdout:
        if "1 of 6" in line:
            running.send_signal(signal.SIGINT)
            break
    rest = running.stdout.read()
    assert running.wait() == 130 and "the same command goes on" in rest and "Traceback" not in rest
    done = marks(tmp_path / "out")
    assert 1 <= len(done) < 6 and all(row["automatic"] for row in done.values())
    first = graded_at(tmp_path / "out")
    again = run(*command[3:])
    assert again.returncode == 0, again.stdout + again.stderr
    assert len(marks(tmp_path / "out")) == 6
    assert all(graded_at(tmp_path / "out")[s] == first[s] for s in done)


def test_a_worker_that_is_killed_is_said_and_tried_again(begun, tmp_path):
    """With an exit code that says it; the others are graded."""
    for number in range(3):
        written_to(begun.downloads, f"new{number}.ipynb", reference())
    script = tmp_path / "script.py"
    script.write_text(
        "import os, sys\nfrom course import __main__, grade\nwork = grade.work\n"
        "def dies(job):\n    if job.hand_in.student == 'new1': os.kill(os.getpid(), 9)\n"
        "    work(job)\n"
        "if __name__ == '__main__':\n    grade.work = dies\n"
        f"    sys.argv[1:] = ['grade', '1', {str(begun.downloads)!r}, '--to', {str(begun.out)!r},"
        " '--seconds', '3']\n    sys.exit(__main__.main())\n"
    )
    done = run(script=script)
    assert done.returncode == 1 and "NOT GRADED" in done.stdout, done.stdout + done.stderr
    rows = marks(begun.out)
    assert (rows["new0"]["automatic"], rows["new1"]["automatic"]) == ("20", "")
    assert "NOT GRADED: the grader failed on it" in rows["new1"]["remarks"]
    assert begun.again().returncode == 1  # of those that hold no notebook
    assert marks(begun.out)["new1"]["automatic"] == "20"


def test_a_mended_test_is_run_and_marks_by_hand_stay(begun, tmp_path):
    change(begun.out, "garciaana", **{"bounce (4)": "4", "units (2)": "1", "decide (2)": "2"})
    for path in (begun.out / "results").glob("*.json"):  # as if the source had been another
        result = json.loads(path.read_text())
        result["digest"] = "old"
        path.write_text(json.dumps(result))
    before = graded_at(begun.out)
    begun.again()
    assert all(when != before[student] for student, when in graded_at(begun.out).items())
    assert marks(begun.out)["garciaana"]["total"] == "27"


def test_a_row_that_is_nobody_s_is_named(begun):
    change(begun.out, "renamed", **{"bounce (4)": "1"})
    text = (begun.out / "marks.csv").read_text(encoding="utf-8-sig")
    text = text.replace("\nrenamed;", "\n2,02012E+11;").replace("renamed.json", "gone.json")
    (begun.out / "marks.csv").write_text(text, encoding="utf-8-sig")
    done = begun.again()
    assert "the row '2,02012E+11' is nobody's" in done.stdout
    assert "2,02012E+11" in marks(begun.out)


@pytest.mark.parametrize(
    "arguments, said",
    [
        (["grade"], "Which assignment?"),
        (["grade", "9", "x"], "A=9 is none of these: 1-gradient-descent"),
        (["grade", "1"], "Which downloads? FROM=folder"),
        (["grade", "1", "no such folder"], "there is no folder no such folder"),
        (["assignment"], "Which assignment?"),
    ],
)
def test_mistakes_of_the_teacher_are_said_in_words(grader, arguments, said, tmp_path):
    extra = ["--to", tmp_path / "out"] if arguments[0] == "grade" else []
    done = run(*arguments, *extra)
    assert done.returncode == 2 and said in done.stderr and "Traceback" not in done.stderr


def test_downloads_in_the_home_folder_are_found(grader, tmp_path):
    """As a shell other than bash hands them on."""
    written_to(tmp_path, "x/anna.ipynb", reference())
    done = run("grade", "1", "~/x", "--to", "~/out", HOME=str(tmp_path))
    assert done.returncode == 0 and marks(tmp_path / "out")["anna"]["automatic"] == "20"


def test_a_teacher_may_grade_without_a_sandbox(grader, tmp_path):
    written_to(tmp_path, "downloads/a.ipynb", reference())
    where = ("grade", "1", tmp_path / "downloads", "--to", tmp_path / "out")
    done = run(*where, "--no-sandbox", PATH=str(tmp_path))
    said = done.stdout + done.stderr
    assert done.returncode == 0 and "WITHOUT A SANDBOX" in said and "20 of 20" in said, said
    assert marks(tmp_path / "out")["a"]["look"] == ""


def test_the_tests_fail_where_python_drops_its_asserts(grader, tmp_path):
    written_to(tmp_path, "downloads/a.ipynb", answered(step="def step(w, g, rate):\n    return w"))
    where = ("grade", "1", tmp_path / "downloads", "--to", tmp_path / "out")
    run(*where, "--no-sandbox", PYTHONOPTIMIZE="1")
    assert marks(tmp_path / "out")["a"]["automatic"] == "17"


def test_the_page_of_a_first_assignment_names_its_student(graded):
    page = (graded.out / "feedback/王 Li-feedback.html").read_text(encoding="utf-8")
    assert "<strong>王 Li</strong>" in page and f"Assignment {FIRST[0]}" in page
