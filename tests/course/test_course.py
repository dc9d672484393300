"""The course as a teacher meets it: hand-outs, what comes back from students in every state, marks and pages, through the real nbgrader."""

import contextlib
import copy
import csv
import json
import os
import re
import shutil
import socket
import sqlite3
import subprocess
import sys
import zipfile
from html import unescape
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from course import assignment, collect, trial
from course.assignment import about, role, source
from course.collect import NotANotebook, read
from course.grade import page_of
from course.marks import Table, safe, unsafe
from course.repair import repair

ROOT = Path(__file__).resolve().parents[2]

PYTHON = ROOT / ".venv-course" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
FIRST = "1-gradient-descent"
NAMES = assignment.names()
assignments = pytest.mark.parametrize("name", NAMES)


def run(*arguments, **environment):
    """A command of python -m course in the course's own environment."""
    command = [str(PYTHON), "-m", "course", *map(str, arguments)]
    return subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        errors="replace",
    )


@pytest.fixture(scope="session")
def grader():
    """Skip where nothing can be graded, or fail where SANDBOX_NEEDED is set; `make test` makes the environment."""
    reason = None
    if not PYTHON.exists():
        reason = "no .venv-course: `make .venv-course/made`"
    elif shutil.which("bwrap") is None:
        reason = "no bubblewrap: homework is graded in a sandbox"
    else:
        tried = subprocess.run(
            [str(PYTHON), "-c", "from course import sandbox; sandbox.check()"],
            cwd=ROOT,
            capture_output=True,
            text=True,
        )
        reason = tried.stderr[-1500:] if tried.returncode else None
    if reason and os.environ.get("SANDBOX_NEEDED"):
        pytest.fail(reason)
    if reason:
        pytest.skip(reason)


def handed_out(name=FIRST):
    return nbformat.read(ROOT / f"book/assignments/{name}.ipynb", as_version=4)


def reference(name=FIRST):
    return assignment.solved(source(name))


def cell_of(book, grade_id):
    return next(cell for cell in book.cells if about(cell).get("grade_id") == grade_id)


def answered(**texts):
    """The reference of the first assignment with some answers replaced; a text may use {answer} for the reference's own."""
    book = reference()
    for name, text in texts.items():
        cell = cell_of(book, name.replace("_", "-"))
        cell.source = text.replace("{answer}", cell.source)
    return book


def undrawn(**texts):
    """The same without the figure at the end, which calls every answer once more."""
    return without(answered(**texts), "picture-code")


def points(name=FIRST):
    return {
        about(c)["grade_id"]: about(c)["points"] for c in source(name).cells if role(c) == "test"
    }


def lines_of(pattern, name=FIRST):
    """The lines of an assignment's source that stand in regions and nowhere else, long enough to be its own."""
    found = {
        line.strip()
        for cell in source(name).cells
        for part in re.findall(pattern, cell.source, re.S)
        for line in part.splitlines()
    }
    shown = "\n".join(re.sub(pattern, "", cell.source, flags=re.S) for cell in source(name).cells)
    return {line for line in found if len(line) >= 25 and line not in shown}


HIDDEN = r"### BEGIN HIDDEN TESTS\n(.*?)### END HIDDEN TESTS"


# --- what every assignment must do


@assignments
def test_every_wrong_answer_loses_its_tests_and_no_other(grader, name):
    """One by one, their cells run as they stand; `python -m course check` hands each to nbgrader, which takes minutes."""
    done = run("check", name, "--bare")
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert (
        len(done.stdout.splitlines()) >= len(points(name)) + len(list(trial.wrong_answers(name)))
        and "FAULT" not in done.stdout
    )


@assignments
def test_nbgrader_gives_the_reference_the_untouched_version_and_mistakes_their_marks(grader, name):
    done = run("check", name, "--few", "1")
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert (
        "the reference" in done.stdout
        and "the untouched version" in done.stdout
        and " + " in done.stdout
        and "FAULT" not in done.stdout
    )


@assignments
def test_the_table_of_wrong_answers_covers_every_answer_and_every_test(name):
    wrong = list(trial.wrong_answers(name))
    assert len(wrong) >= 10
    cells = source(name).cells
    assert {grade_id for _, answers, _ in wrong for grade_id in answers} == {
        about(c)["grade_id"] for c in cells if role(c) == "answer"
    }
    assert {test for _, _, lost in wrong for test in lost} == set(points(name)), (
        "a test that no wrong answer fails"
    )


@assignments
def test_a_source_is_written_as_the_course_asks(name):
    book = source(name)
    ids = [about(cell)["grade_id"] for cell in book.cells if about(cell)]
    assert len(ids) == len(set(ids)) and all(re.fullmatch(r"[\w-]+", one) for one in ids)
    kinds = [role(cell) for cell in book.cells]
    assert kinds.count("written") >= 1 and kinds.count("test") >= 4
    assert all(1 <= value <= 3 for value in points(name).values())
    assert re.match(r"# Assignment \d: .+", book.cells[0].source)
    for needed in ("*Time:*", "*Points:*", "*Belongs to*"):
        assert needed in book.cells[0].source, f"the first cell does not say {needed}"
    assert lines_of(HIDDEN, name), "no hidden tests"
    for cell in book.cells:
        if role(cell) in ("answer", "written"):
            assert (
                cell.source.count("### BEGIN SOLUTION")
                == cell.source.count("### END SOLUTION")
                == 1
            ), about(cell)
        if role(cell) == "written":
            assert "**Marking" in cell.source, f"no rubric: {about(cell)['grade_id']}"
        if cell.cell_type == "code":
            imports = set(re.findall(r"(?m)^\s*(?:import|from) (\w+)", cell.source))
            assert imports <= {"numpy", "matplotlib", "math"}, f"students may not have {imports}"


def test_generating_the_students_versions_again_changes_nothing(grader, tmp_path):
    done = run("assignments", "--to", tmp_path)
    assert done.returncode == 0, done.stderr
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(
        p.name for p in (ROOT / "book/assignments").glob("*.ipynb")
    )
    for path in tmp_path.iterdir():
        assert path.read_bytes() == (ROOT / "book/assignments" / path.name).read_bytes(), (
            f"{path.name}: run `make assignments`"
        )


@assignments
def test_a_students_version_shows_no_solution_and_no_hidden_test(name):
    text = "\n".join(cell.source for cell in handed_out(name).cells)
    assert "BEGIN" not in text and "END HIDDEN" not in text and "**Marking" not in text
    assert not [line for line in lines_of(HIDDEN, name) if line in text]
    answers = [cell for cell in handed_out(name).cells if role(cell) == "answer"]
    assert answers and all("raise NotImplementedError()" in cell.source for cell in answers)


def test_the_zip_and_the_solution(grader):
    done = run("assignment", "1")
    assert done.returncode == 0, done.stderr
    with zipfile.ZipFile(ROOT / f"_build/course/{FIRST}.zip") as packed:
        assert packed.namelist() == [f"{FIRST}/{FIRST}.ipynb"]
        assert (
            packed.read(packed.namelist()[0])
            == (ROOT / f"book/assignments/{FIRST}.ipynb").read_bytes()
        )
    assert nbformat.read(
        ROOT / f"_build/course/{FIRST}-solution.ipynb", as_version=4
    ) == nbformat.from_dict(reference())


@assignments
def test_the_solution_to_publish_shows_no_hidden_test(name):
    text = "\n".join(cell.source for cell in reference(name).cells if cell.cell_type == "code")
    assert "NotImplementedError" not in text and "BEGIN" not in text and "END" not in text
    assert not [line for line in lines_of(HIDDEN, name) if line in text]


def test_the_points_are_those_that_the_first_cell_says():
    for name in NAMES:
        book = source(name)
        by_hand = sum(about(cell)["points"] for cell in book.cells if role(cell) == "written")
        said = re.search(
            r"\*Points:\* (\d+) from tests, (\d+) for written answers", book.cells[0].source
        )
        assert [int(number) for number in said.groups()] == [sum(points(name).values()), by_hand], (
            name
        )


def test_no_hidden_test_is_anywhere_on_the_site(site):
    """Not in a page, not in what the pages offer for download, not in the search, in whatever way the file writes a line."""
    pages = [nbformat.read(path, as_version=4) for path in (ROOT / "book").rglob("*.ipynb")]
    public = "\n".join(cell.source for page in pages for cell in page.cells)
    public += "\n".join(
        path.read_text(encoding="utf-8")
        for path in [*ROOT.glob("optimlib/*"), *ROOT.glob("book/*.md")]
        if path.is_file()
    )
    secrets = {
        line for name in NAMES for line in lines_of(HIDDEN, name) if line not in public
    }  # some lines are Adam's equations
    words = {word.lower() for line in secrets for word in re.findall(r"[A-Za-z_]{7,}", line)}
    words -= set(re.findall(r"[a-z_]{7,}", public.lower()))
    assert len(secrets) > 100 and len(words) > 10
    seen = 0
    for path in site.rglob("*"):
        if path.is_file() and path.suffix not in (
            ".png",
            ".woff",
            ".woff2",
            ".svg",
            ".ttf",
            ".ico",
            ".whl",
            ".inv",
        ):
            text = path.read_text(encoding="utf-8", errors="replace")
            seen += 1
            for version in {
                text,
                unescape(re.sub(r"<[^>]+>", "", text)),
                text.replace('\\"', '"').replace("\\\\", "\\"),
            }:
                assert not [line for line in secrets if line in version], path
                assert "### BEGIN HIDDEN" not in version or "book/teachers" in str(path), path
    found = (site / "searchindex.js").read_text(encoding="utf-8").lower()
    assert not [word for word in words if re.search(rf'"{word}"', found)]
    assert (
        seen > 50
        and (site / f"book/assignments/{FIRST}.html").exists()
        and (site / f"_sources/book/assignments/{FIRST}.ipynb").exists()
    )


@assignments
def test_the_page_of_an_assignment_gives_the_students_version(site, name):
    """The button at its top downloads what `make assignment` hands out."""
    page = (site / f"book/assignments/{name}.html").read_text(encoding="utf-8")
    (button,) = set(re.findall(r'href="([^"]+\.ipynb)"[^>]*class="btn btn-sm btn-download', page))
    assert (site / "book/assignments" / button).resolve().read_bytes() == (
        ROOT / f"book/assignments/{name}.ipynb"
    ).read_bytes()


# --- what comes back from students


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


DELETES = """
{answer}
import os, shutil
folders = [DECOY]  # all that is at stake where a fault of ours has left the walls away
if os.uname().nodename == "sandbox" and os.path.expanduser("~") == "/home/student":
    folders += [COURSE, "..", ".", "/home/student", "/usr", "/", "../../.."]
for folder in folders:  # a walk over the whole disk would cost more time than a cell has
    os.system(f"timeout 0.2 rm -rf --no-preserve-root {folder} 2>/dev/null; timeout 0.2 find {folder} -delete 2>/dev/null")
shutil.rmtree(DECOY, ignore_errors=True)
os.system("python -c 'import shutil; shutil.rmtree(\\"../../..\\", ignore_errors=True)' &")  # to its end, while the next cells run
"""
WRITES = """
{answer}
import glob, os, sqlite3
seen = [GRADEBOOK] + glob.glob("/**/*.db", recursive=True)
for path in seen:
    if os.path.exists(path):
        with sqlite3.connect(path) as book:
            book.execute("UPDATE grade SET auto_score = 2, manual_score = 0")
"""
CALLS = """
{answer}
import socket
for address in [("127.0.0.1", PORT), ("localhost", PORT), ("1.1.1.1", 53)]:
    try:
        with socket.create_connection(address, timeout=1) as line:
            line.sendall(b"the answers, please")
    except OSError:
        pass
"""
WARNS = """
def step(w, g, learning_rate):
    import sys, warnings
    warnings.warn("a habit of mine")
    print("also on stderr", file=sys.stderr)
    print(0.25)
    return w - learning_rate * g
"""
STUBBORN = """
def rates(curvatures):
    while True:
        try:
            while True:
                pass
        except BaseException:
            pass
"""
PEEKS = """
def step(w, g, learning_rate):
    print(In[-1])
    raise ValueError(In[-1])
"""
PEEKS_LATER = """
{answer}
print("\\n".join(In))
print("<script>alert('from a student')</script>")
from IPython.display import HTML, display
display(HTML("<script>alert('from a student')</script><img src=x onerror=alert(1)>"))
"""
WORDY = """
{answer}
raise type("Long" * 1_000_000, (Exception,), {})("x" * 30_000_000)
"""
ALL = None  # every automatic point

# student: (file in the downloads, notebook, the exercises whose tests are lost). The numbers of Canvas and Moodle are 101, 102, ...
HANDED_IN = {
    "garciaana": ("garciaana_101_9001_1-gradient-descent.ipynb", reference, ()),
    "obrienpat": (
        "obrienpat_LATE_102_9002_1-gradient-descent-1.ipynb",
        lambda: answered(step="{answer}\n    hm ="),
        ("step",),
    ),
    "Jose-Nunez": (
        "José Núñez_103_assignsubmission_file/my homework (2).ipynb",
        lambda: without(reference(), *points()),
        (),
    ),
    "Mia-Wong": (
        "Mia Wong_104_assignsubmission_file_final.ipynb",
        lambda: stripped(reference()),
        (),
    ),
    "stripped-blank": (
        "stripped-blank/1-gradient-descent.ipynb",
        lambda: stripped(handed_out()),
        ALL,
    ),
    "duplicated": ("duplicated.ipynb", lambda: duplicated(reference()), ()),
    "tampered": ("tampered 1-gradient-descent.ipynb", tampered, ALL),
    "untouched": ("1-gradient-descent untouched (3).ipynb", handed_out, ALL),
    "renamed": ("renamed.json", reference, ()),
    "warns": ("warns.ipynb", lambda: answered(step=WARNS), ()),
    "loops": (
        "loops.ipynb",
        lambda: undrawn(rates="def rates(curvatures):\n    while True:\n        pass"),
        ("rates",),
    ),
    "stubborn": ("stubborn.ipynb", lambda: undrawn(rates=STUBBORN), ("rates",)),
    "dies": (
        "dies.ipynb",
        lambda: undrawn(descend="def descend(*a):\n    import os\n    os._exit(1)"),
        ("descend",),
    ),
    "exits": (
        "exits.ipynb",
        lambda: answered(
            step="{answer}\nexit()\nquit()", rates="def rates(c):\n    raise SystemExit"
        ),
        ("rates",),
    ),
    "hungry": (
        "hungry.ipynb",
        lambda: answered(gradient="def gradient(w, X, y):\n    return bytearray(1 << 36)"),
        ("gradient",),
    ),
    "wordy": (
        "wordy.ipynb",
        lambda: undrawn(step=WORDY, rates="def rates(c):\n    raise ValueError('x' * 30_000_000)"),
        ("rates",),
    ),
    "floods": (
        "floods.ipynb",
        lambda: undrawn(rates="def rates(c):\n    while True:\n        print('x' * 10000)"),
        ("rates",),
    ),
    "deletes": ("deletes.ipynb", lambda: answered(gradient=DELETES), ()),
    "writes": (
        "writes.ipynb",
        lambda: answered(gradient=WRITES, rates="def rates(c):\n    return 0, 0"),
        ("rates",),
    ),
    "calls": ("calls.ipynb", lambda: answered(gradient=CALLS), ()),
    "peeks": ("peeks.ipynb", lambda: answered(step=PEEKS, steps_needed=PEEKS_LATER), ("step",)),
}


@pytest.fixture(scope="session")
def graded(grader, tmp_path_factory):
    """All of them graded in one run, with a file that is no notebook and one of another assignment among them."""
    folder = tmp_path_factory.mktemp("course")
    downloads, out = folder / "downloads", folder / "grades"
    listener = socket.create_server(("127.0.0.1", 0))
    heard = []
    listener.setblocking(False)  # the system answers a call by itself; accept() then tells of it
    decoy = folder / "decoy"
    decoy.mkdir()
    (decoy / "marks.txt").write_text("kept")
    known = {
        "DECOY": repr(str(decoy)),
        "GRADEBOOK": repr(str(out / "nbgrader/gradebook.db")),
        "COURSE": repr(str(ROOT)),
        "PORT": str(listener.getsockname()[1]),
    }
    for path, book, _ in HANDED_IN.values():
        text = nbformat.writes(book()) if path != HANDED_IN["Mia-Wong"][0] else json.dumps(book())
        for name, value in known.items():
            text = re.sub(rf"(?<![\w]){name}(?![\w])", json.dumps(value)[1:-1], text)
        place = downloads / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, encoding="utf-8")
    (downloads / "essayist_105_9005_essay.pdf").write_bytes(b"%PDF-1.7 my answer")
    (downloads / "elsewhere.ipynb").write_text(
        nbformat.writes(handed_out(NAMES[1])), encoding="utf-8"
    )
    (downloads / "half.ipynb").write_text(
        json.dumps(
            reference() | {"cells": [cell | {"metadata": None} for cell in reference().cells]}
        ),
        encoding="utf-8",
    )
    (downloads / ".DS_Store").write_bytes(b"\0")
    before = [*ROOT.glob("*"), *(ROOT / "course").rglob("*.*"), *(ROOT / "optimlib").rglob("*.*")]
    done = run("grade", "1", downloads, "--to", out, "--seconds", 4)
    lost = [path for path in before if not path.exists() and path.suffix != ".pyc"]
    with (out / "marks.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = {row["student"]: row for row in csv.DictReader(file)}
    with contextlib.suppress(BlockingIOError):
        heard.append(listener.accept())
    listener.close()
    return SimpleNamespace(
        downloads=downloads, out=out, done=done, rows=rows, heard=heard, decoy=decoy, lost=lost
    )


@pytest.mark.parametrize("student", HANDED_IN)
def test_marks_are_lost_where_they_should_be_and_only_there(graded, student):
    _, _, lost = HANDED_IN[student]
    row = graded.rows[student]
    found = {test: row[f"{test} ({value:g})"] for test, value in points().items()}
    mine = {
        test: "0" if lost is ALL or re.sub("-(test|hidden)$", "", test) in lost else f"{value:g}"
        for test, value in points().items()
    }
    assert found == mine, f"{row['remarks']}\n{graded.done.stdout}"
    assert float(row["automatic"]) == sum(map(float, mine.values()))


def test_all_are_graded_in_one_run_and_named_as_they_are_called(graded):
    assert graded.done.returncode == 0, graded.done.stdout + graded.done.stderr
    assert set(graded.rows) == {*HANDED_IN, "essayist", "elsewhere", "half"}
    assert graded.rows["Jose-Nunez"]["name"] == "José Núñez"
    assert [
        graded.rows[who]["number"]
        for who in ("garciaana", "obrienpat", "Jose-Nunez", "Mia-Wong", "renamed")
    ] == ["101", "102", "103", "104", ""]
    assert "handed in late" in graded.rows["obrienpat"]["remarks"]
    assert "lost their metadata" in graded.rows["Mia-Wong"]["remarks"]
    assert "step-test: was deleted, and is put back" in graded.rows["Jose-Nunez"]["remarks"]
    assert "was changed, and is graded as it was handed out" in graded.rows["tampered"]["remarks"]
    assert "copies" in graded.rows["duplicated"]["remarks"]


def test_what_cannot_be_graded_is_said_and_gets_no_marks(graded):
    for student, why in [
        ("essayist", "it is a PDF, not a notebook"),
        ("elsewhere", "a notebook of something else"),
        ("half", "it cannot be read as a notebook"),
    ]:
        row = graded.rows[student]
        assert why in row["remarks"] and why in graded.done.stdout
        assert {row[column] for column in row if column.split(" ")[0] in points()} | {
            row["automatic"],
            row["total"],
        } == {""}


def test_what_is_not_marked_is_empty_and_what_was_not_answered_is_zero(graded):
    hand = [column for column in graded.rows["garciaana"] if re.match(r"(bounce|units) \(", column)]
    assert len(hand) == 2
    assert [graded.rows["garciaana"][column] for column in [*hand, "total"]] == ["", "", ""]
    assert [graded.rows["untouched"][column] for column in [*hand, "total"]] == ["0", "0", "0"]
    page = (graded.out / "feedback/garciaana_101_9001_1-gradient-descent-feedback.html").read_text()
    assert "not marked yet, of 4" in page and "so far" in page


def test_nothing_is_lost_and_nothing_is_sent(graded):
    assert graded.lost == [] and (graded.decoy / "marks.txt").read_text() == "kept"
    assert graded.heard == []
    with sqlite3.connect(graded.out / "nbgrader/gradebook.db") as book:
        assert book.execute(
            "SELECT count(*) FROM grade WHERE manual_score IS NOT NULL"
        ).fetchone() == (0,)


def test_pages_are_named_as_the_platform_wants_them_back(graded):
    pages = {
        str(path.relative_to(graded.out / "feedback"))
        for path in (graded.out / "feedback").rglob("*.html")
    }
    assert "José Núñez_103_assignsubmission_file/my homework (2)-feedback.html" in pages
    assert "Mia Wong_104_assignsubmission_file_final-feedback.html" in pages and len(pages) == len(
        HANDED_IN
    )
    with zipfile.ZipFile(graded.out / "feedback.zip") as packed:
        assert pages == {name for name in packed.namelist() if not name.endswith("/")}


def visible(page):
    return unescape(re.sub(r"<[^>]+>", "", page.read_text(encoding="utf-8")))


def test_no_page_shows_a_hidden_test(graded):
    secrets = lines_of(HIDDEN)
    assert len(secrets) > 20
    for page in (graded.out / "feedback").rglob("*.html"):
        shown = visible(page)
        assert not [line for line in secrets if line in shown], page.name
        assert "HIDDEN TESTS" not in shown
    peeked = visible(graded.out / "feedback/peeks-feedback.html")
    assert "this output repeats lines of hidden tests" in peeked


def test_a_page_says_what_was_wrong_and_runs_nothing_of_the_student_s(graded):
    page = (graded.out / "feedback/peeks-feedback.html").read_text(encoding="utf-8")
    assert not re.search(r"<script[^>]*>\s*alert|<img[^>]*onerror", page)
    wrong = (graded.out / "feedback/loops-feedback.html").read_text(encoding="utf-8")
    assert "CellTimeoutError: stopped after 4 seconds" in wrong and "KeyboardInterrupt" not in wrong
    assert "<h2" in wrong and "&lt;h2" not in wrong
    late = visible(
        graded.out / "feedback/obrienpat_LATE_102_9002_1-gradient-descent-1-feedback.html"
    )
    assert "SyntaxError" in late
    wordy = graded.out / "feedback/wordy-feedback.html"
    assert wordy.stat().st_size < 2 << 20 and "ValueError: xxx" in visible(wordy)
    died = visible(graded.out / "feedback/dies-feedback.html")
    assert "this cell ended Python" in died


def test_marks_by_hand_stay_make_totals_and_reach_the_page(graded, tmp_path):
    """As a teacher goes on: marks and comments into marks.csv, one student hands in again with another written answer."""
    out, downloads = tmp_path / "grades", tmp_path / "downloads"
    downloads.mkdir()
    for student in ("renamed", "warns"):
        shutil.copy(graded.downloads / HANDED_IN[student][0], downloads)
    assert run("grade", "1", downloads, "--to", out).returncode == 0
    text = (out / "marks.csv").read_text(encoding="utf-8-sig")
    rows = list(csv.DictReader(text.splitlines()))
    for row in rows:
        row |= {
            "bounce (4)": "3,5",
            "units (2)": "2",
            "bounce comment": "The factor at 1.9/L <is> missing.",
        }
    with (out / "marks.csv").open(
        "w", encoding="utf-8-sig", newline=""
    ) as file:  # as a spreadsheet of the continent writes it
        table = csv.DictWriter(file, rows[0], delimiter=";")
        table.writeheader()
        table.writerows(rows)
    again = answered(step=WARNS)
    cell_of(again, "bounce").source = "Another answer."
    (downloads / "warns (1).ipynb").write_text(nbformat.writes(again), encoding="utf-8")
    done = run("grade", "1", downloads, "--to", out)
    assert done.returncode == 0, done.stderr
    rows = {
        row["student"]: row
        for row in csv.DictReader((out / "marks.csv").read_text(encoding="utf-8-sig").splitlines())
    }
    assert (rows["renamed"]["bounce (4)"], rows["renamed"]["total"]) == ("3.5", "23.5")
    page = visible(out / "feedback/renamed-feedback.html")
    assert (
        "The factor at 1.9/L <is> missing." in page
        and "23.5 of 24 points" in page
        and "so far" not in page
    )
    assert (rows["warns"]["bounce (4)"], rows["warns"]["units (2)"], rows["warns"]["total"]) == (
        "",
        "2",
        "",
    )
    assert (
        "mark it anew" in rows["warns"]["remarks"]
        and "2 notebooks, graded the last: warns (1).ipynb" in rows["warns"]["remarks"]
    )

    (out / "marks.csv").write_text(
        (out / "marks.csv").read_text(encoding="utf-8-sig").replace("3.5", "35"), encoding="utf-8"
    )
    done = run("grade", "1", downloads, "--to", out)
    assert (
        done.returncode == 2
        and "takes a number from 0 to 4" in done.stderr
        and "Traceback" not in done.stderr
    )


def test_without_bubblewrap_grading_refuses_and_says_how_to_get_it(grader, tmp_path):
    (tmp_path / "a.ipynb").write_text(nbformat.writes(handed_out()))
    (tmp_path / "bin").mkdir()
    done = run("grade", "1", tmp_path, "--to", tmp_path / "out", PATH=str(tmp_path / "bin"))
    assert (
        done.returncode == 2
        and "apt-get install bubblewrap" in done.stderr
        and "SANDBOX=no" in done.stderr
    )
    assert not (tmp_path / "out").exists()
    broken = tmp_path / "bin/bwrap"
    broken.write_text(
        "#!/bin/sh\necho 'bwrap: No permissions to create new namespace' >&2\nexit 1\n"
    )
    broken.chmod(0o755)
    done = run(
        "grade",
        "1",
        tmp_path,
        "--to",
        tmp_path / "out",
        PATH=f"{tmp_path / 'bin'}:{os.environ['PATH']}",
    )
    assert (
        done.returncode == 2
        and "No permissions" in done.stderr
        and "user namespaces" in done.stderr
    )


@pytest.mark.parametrize(
    "missing",
    [
        "--disable-userns",
        "--disable-userns|--size",
        "--disable-userns|--size|--clearenv|--perms|--chmod",
        "--ro-bind-try",
    ],
)
def test_older_bubblewraps_make_a_sandbox_or_are_said_to_be_too_old(grader, tmp_path, missing):
    """The versions 0.7, 0.6 and 0.4, and one that is too old, each played by this one with a guard before it."""
    older = tmp_path / "bwrap"
    refuse = f'for one; do case "$one" in {missing}) echo "bwrap: Unknown option $one" >&2; exit 1;; esac; done'
    bwrap = shutil.which("bwrap")
    older.write_text(
        f'#!/bin/sh\n[ "$1" = --help ] && {bwrap} --help | grep -v -E -e "({missing}) " && exit\n{refuse}\nexec {bwrap} "$@"\n'
    )
    older.chmod(0o755)
    environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    done = subprocess.run(
        [str(PYTHON), "-c", "from course import sandbox; sandbox.check()"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
    )
    if missing == "--ro-bind-try":
        assert (
            "too old" in done.stderr
            and "Unknown option --ro-bind-try" in done.stderr
            and "user namespaces" not in done.stderr
        )
    else:
        assert done.returncode == 0, done.stderr


def test_the_sandbox_holds_also_for_a_teacher_who_is_root(grader):
    """What a student's process can do: no capability, no setting of the system, no folder but its own."""
    inside = """
import os, subprocess
assert "CapEff:\\t0000000000000000" in open("/proc/self/status").read()
for path in ["/usr/x", "/x", "/dev/x", "/proc/sys/kernel/core_pattern", ROOT + "/optimlib/x"]:
    try:
        open(path, "w").write("x")
        raise SystemExit(f"wrote {path}")
    except OSError:
        pass
for folder in ["/tmp", os.path.expanduser("~"), "/dev/shm"]:
    open(folder + "/x", "w").write("x")
assert sorted(os.listdir(ROOT)) == [".venv-course", "optimlib"], os.listdir(ROOT)
try:
    open(ROOT + "/x", "w").write("x")  # where the project lies in /tmp, that is the sandbox's own
except OSError:
    pass
assert not [name for name in os.environ if "TOKEN" in name]
remount = subprocess.run("mount -o remount,rw /usr || unshare -Urm mount -o remount,rw /usr; touch /usr/x", shell=True, capture_output=True)
assert remount.returncode, "could write to /usr"
import numpy, matplotlib, optimlib
"""
    outside = f"import subprocess, sys; from course import sandbox; sys.exit(subprocess.run([*sandbox.walls(), sys.executable, '-c', {inside.replace('ROOT', repr(str(ROOT)))!r}]).returncode)"
    environment = {**os.environ, "A_TOKEN": "secret"}
    done = subprocess.run(
        [str(PYTHON), "-c", outside],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert not (ROOT / "x").exists()


def test_a_teacher_may_grade_without_a_sandbox(grader, tmp_path):
    (tmp_path / "downloads").mkdir()
    (tmp_path / "downloads/a.ipynb").write_text(nbformat.writes(reference()))
    done = run(
        "grade",
        "1",
        tmp_path / "downloads",
        "--to",
        tmp_path / "out",
        "--no-sandbox",
        PATH=str(tmp_path),
    )
    assert (
        done.returncode == 0 and "WITHOUT A SANDBOX" in done.stdout and "18 of 18" in done.stdout
    ), done.stdout + done.stderr


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


def test_an_assignment_that_changed_is_not_graded_into_old_marks(grader, tmp_path):
    begun = tmp_path / f"out/nbgrader/source/{FIRST}/{FIRST}.ipynb"
    begun.parent.mkdir(parents=True)
    begun.write_text(nbformat.writes(handed_out()))
    done = run("grade", "1", tmp_path, "--to", tmp_path / "out")
    assert done.returncode == 2 and "has changed since" in done.stderr and "TO=" in done.stderr


# --- the parts, without nbgrader


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
def test_whatever_happened_to_a_notebook_nbgrader_gets_every_cell_once_and_every_test_after_its_answer(
    done,
):
    """Cells deleted, copied, stripped, moved, edited and added at random; answers that are there reach the grader in their order."""
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


@pytest.mark.parametrize(
    "path, name, number, late",
    [
        ("garciaana_101_9001_1-gradient-descent.ipynb", "garciaana", "101", False),
        ("obrienpat_LATE_102_9002_1-gradient-descent-1.ipynb", "obrienpat", "102", True),
        ("José Núñez_103_assignsubmission_file/my homework (2).ipynb", "José Núñez", "103", False),
        ("Mary_Ann Li_103_assignsubmission_file_/a.ipynb", "Mary Ann Li", "103", False),
        ("Mia Wong_104_assignsubmission_file_1-gradient-descent.ipynb", "Mia Wong", "104", False),
        ("from anna/1-gradient-descent.ipynb", "from anna", "", False),
        ("anna 1-gradient-descent (3).ipynb", "anna", "", False),
        ("Copy of 1-gradient-descent_Anna-Li.ipynb", "Anna-Li", "", False),
        ("1_gradient_descent-bo.ipynb.txt", "bo", "", False),
        ("1-gradient-descent.ipynb", "1-gradient-descent", "", False),
        ("Anna/hw_1_2_final.ipynb", "Anna", "", False),
    ],
)
def test_whose_a_file_is(path, name, number, late):
    assert collect.whose(Path(path), FIRST) == (name, number, late)


def test_a_student_s_latest_notebook_is_taken_also_from_a_zip(tmp_path):
    downloads = tmp_path / "downloads"
    downloads.mkdir()
    old, new = reference(), reference()
    cell_of(old, "bounce").source, cell_of(new, "bounce").source = "old", "new"
    (downloads / "li_7_1_1-gradient-descent-2.ipynb").write_text(nbformat.writes(new))
    (downloads / "li_7_2_1-gradient-descent-1.ipynb").write_text(nbformat.writes(old))
    with zipfile.ZipFile(downloads / "bo_8_3_all.zip", "w") as packed:
        packed.writestr("homework/1.ipynb", nbformat.writes(new))
        packed.writestr("__MACOSX/homework/._1.ipynb", b"\0\5")
    with zipfile.ZipFile(tmp_path / "submissions.zip", "w") as packed:
        for path in downloads.iterdir():
            packed.write(path, path.name)
    for place in (downloads, tmp_path / "submissions.zip"):
        bo, li = collect.collect(place, FIRST, handed_out())
        assert (bo.student, li.student) == ("bo", "li")
        assert [cell_of(one.book, "bounce").source for one in (bo, li)] == ["new", "new"]
        assert "2 notebooks, graded the last: li_7_1_1-gradient-descent-2.ipynb" in li.remarks


def test_two_students_of_one_name_are_two(tmp_path):
    for number in (11, 12):
        (tmp_path / f"lianna_{number}_9_1.ipynb").write_text(nbformat.writes(reference()))
    assert [one.student for one in collect.collect(tmp_path, FIRST, handed_out())] == [
        "lianna-11",
        "lianna-12",
    ]


def students(folder, *paths):
    """What is collected from a folder in which the reference has been handed in at these paths."""
    for path in paths:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(nbformat.writes(reference()), encoding="utf-8")
    return collect.collect(folder, FIRST, handed_out())


@pytest.mark.parametrize(
    "paths, names",
    [
        (["Anna/hw_1_2_final.ipynb", "Bo/hw_1_2_final.ipynb"], ["Anna", "Bo"]),
        (["downloads/anna.ipynb", "downloads/bo.ipynb", "downloads/bo (1).ipynb"], ["anna", "bo"]),
        (["course/week 1/anna/a.ipynb", "course/week 1/bo/a.ipynb"], ["anna", "bo"]),
        (["submissions/lianna_11_9_1.ipynb", "submissions/libo_12_9_1.ipynb"], ["lianna", "libo"]),
        (
            [
                "all/Mia Wong_104_assignsubmission_file/a.ipynb",
                "all/Mia Wong_104_assignsubmission_file/b.ipynb",
            ],
            ["Mia Wong"],
        ),
        (["anna/1-gradient-descent.ipynb", "anna/draft.ipynb"], ["anna"]),
        (["anna/hw_1_2_final.ipynb"], ["anna"]),
        (["Anna Li.ipynb", "anna-li (1).ipynb"], ["Anna Li"]),
        (["Jose\u0301.ipynb", "José (1).ipynb"], ["Jose\u0301"]),
    ],
)
def test_every_student_is_one_whatever_folders_there_are(tmp_path, paths, names):
    assert [one.name for one in students(tmp_path, *paths)] == names


def test_names_that_differ_in_accents_or_in_another_script_are_two_students(tmp_path):
    found = students(tmp_path, "José.ipynb", "Jose.ipynb", "王 Li.ipynb", "张 Li.ipynb")
    assert {one.name for one in found} == {"José", "Jose", "王 Li", "张 Li"} and len(
        {one.student.lower() for one in found}
    ) == 4
    (tmp_path / "Joşe.ipynb").write_bytes((tmp_path / "Jose.ipynb").read_bytes())
    again = {one.name: one.student for one in collect.collect(tmp_path, FIRST, handed_out())}
    assert all(again[one.name] == one.student for one in found), (
        "a student's row would be another's when a third one hands in"
    )


def broken(**changes):
    """The reference with its first answer's cell changed, as JSON; `...` takes a key away."""
    book = json.loads(nbformat.writes(reference()))
    cell = next(
        cell for cell in book["cells"] if cell["metadata"].get("nbgrader", {}).get("solution")
    )
    for key, value in changes.items():
        cell[key] = value
        if value is ...:
            del cell[key]
    return json.dumps(book).encode()


def packed(folder, files, damage=False, **how):
    """A zip of (name, data); `damage` turns round some bytes within the first file's data."""
    path = folder / "made.zip"
    with zipfile.ZipFile(path, "w", **how) as made:
        for name, data in files:
            made.writestr(name, data)
    data = bytearray(path.read_bytes())
    path.unlink()
    if damage:
        for at in range(40 + len(files[0][0]), 140):
            data[at] ^= 0xFF
    return bytes(data)


UPLOADS = {
    "id-list.ipynb": broken(metadata={"nbgrader": {"grade_id": [1], "solution": True}}),
    "metadata-null.ipynb": broken(metadata=None),
    "metadata-list.ipynb": broken(metadata=[]),
    "source-number.ipynb": broken(source=5),
    "source-null.ipynb": broken(source=None),
    "source-numbers.ipynb": broken(source=[5]),
    "source-none.ipynb": broken(source=...),
    "source-half.ipynb": broken(source="x = '\ud800'"),
    "type-none.ipynb": broken(cell_type=...),
    "type-list.ipynb": broken(cell_type=[1]),
    "attachments-number.ipynb": json.dumps(
        reference() | {"cells": [c | {"attachments": 5} for c in reference().cells]}
    ).encode(),
    "cells.ipynb": b'{"cells": [5, null], "nbformat": 4, "nbformat_minor": 5, "metadata": {}}',
    "deep.ipynb": b'{"cells": [{"metadata": ' + b"[" * 100_000 + b"]" * 100_000 + b"}]}",
}


def test_one_malformed_upload_keeps_nobody_from_being_graded(tmp_path):
    """From a folder, and from the platform's zip."""
    downloads = tmp_path / "downloads"
    downloads.mkdir()
    uploads = UPLOADS | {
        "both.zip": packed(tmp_path, [("a", b""), ("a/b.ipynb", broken())]),
        "long.zip": packed(tmp_path, [("x" * 300 + ".ipynb", broken())]),
        "absolute.zip": packed(tmp_path, [("//etc/../" + "x" * 300, broken()), ("..", broken())]),
        "deflate.zip": packed(
            tmp_path, [("a.ipynb", broken())], damage=True, compression=zipfile.ZIP_DEFLATED
        ),
        "lzma.zip": packed(
            tmp_path, [("a.ipynb", broken())], damage=True, compression=zipfile.ZIP_LZMA
        ),
        "bzip2.zip": packed(
            tmp_path, [("a.ipynb", broken())], damage=True, compression=zipfile.ZIP_BZIP2
        ),
        "stored.zip": packed(tmp_path, [("a.ipynb", broken())], damage=True),
        "empty.zip": packed(tmp_path, []),
        "anna.ipynb": broken(),
        "bo.zip": packed(tmp_path, [("x" * 300 + ".ipynb", b""), ("b.ipynb", broken())]),
        os.fsdecode(b"J\xf6rg.ipynb"): b"",
    }
    for name, data in uploads.items():
        (downloads / name).write_bytes(data)
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as outer:
        for name, data in uploads.items():
            outer.writestr(collect.legible(name), data)
        outer.writestr("y" * 300 + ".ipynb", broken())
        outer.writestr("..", broken())
    for place, more in [(downloads, set()), (tmp_path / "all.zip", {"y" * 300})]:
        found = collect.collect(place, FIRST, handed_out())
        assert {one.name for one in found} == {
            collect.legible(name).split(".")[0] for name in uploads
        } | more
        assert {one.student for one in found if one.book} == {"anna", "bo"}
        for one in found:
            assert one.book or "nothing to grade: " in "; ".join(one.remarks)
            "; ".join([one.name, one.download, *one.remarks]).encode("utf-8")
            assert len(os.fsencode(page_of(one).name)) <= 255


def test_a_broken_notebook_handed_in_after_a_good_one_is_named(tmp_path):
    students(tmp_path, "li_7_1_1-gradient-descent-1.ipynb")
    (tmp_path / "li_7_2_1-gradient-descent-2.ipynb").write_bytes(b'{"cells": [')
    (one,) = collect.collect(tmp_path, FIRST, handed_out())
    assert one.book and "1-gradient-descent-2.ipynb: it cannot be read" in "; ".join(one.remarks)


def marked(folder, **row):
    """A table in which a teacher has marked Anna."""
    table = Table(folder / "marks.csv", source(FIRST))
    table.put(
        collect.Submission("anna", "Anna"),
        dict.fromkeys(table.tests, 1.0) | dict.fromkeys(table.hand),
        {},
        {},
    )
    table.rows["anna"] |= {"bounce (4)": "3,5", "units (2)": "1", "bounce comment": "Why?"} | row
    table.write()
    return Table(folder / "marks.csv", source(FIRST))


def test_a_failed_regrade_keeps_what_was_given_by_hand(tmp_path):
    table = marked(tmp_path)
    table.put(
        collect.Submission("anna", "Anna", remarks=["nothing to grade"]),
        None,
        *table.by_hand("anna"),
    )
    table.write()
    row = Table(tmp_path / "marks.csv", source(FIRST)).rows["anna"]
    assert (row["bounce (4)"], row["units (2)"], row["bounce comment"]) == ("3.5", "1", "Why?")
    assert (row[table.title("step-test")], row["automatic"], row["total"], row["remarks"]) == (
        "",
        "",
        "",
        "nothing to grade",
    )


def test_the_mark_of_an_answer_that_changed_is_emptied_in_the_file_at_once(tmp_path):
    marked(tmp_path).unmark("anna", "bounce")
    row = Table(tmp_path / "marks.csv", source(FIRST)).rows["anna"]
    assert (row["bounce (4)"], row["units (2)"], row["bounce comment"]) == ("", "1", "Why?")


def test_marks_are_not_lost_where_writing_them_fails(tmp_path):
    table = marked(tmp_path)
    before = (tmp_path / "marks.csv").read_bytes()
    table.rows["bo"] = {"student": "bo", "remarks": "\ud800"}
    with pytest.raises(UnicodeEncodeError):
        table.write()
    assert (tmp_path / "marks.csv").read_bytes() == before


@pytest.mark.parametrize("encoding", ["cp1252", "utf-16"])
def test_marks_in_another_encoding_are_named_in_one_line(tmp_path, encoding):
    text = marked(tmp_path, name="José").path.read_text(encoding="utf-8-sig")
    (tmp_path / "marks.csv").write_text(text, encoding=encoding)
    with pytest.raises(assignment.Mistake, match=r"marks\.csv .* UTF-8") as said:
        Table(tmp_path / "marks.csv", source(FIRST))
    assert "\n" not in str(said.value)


@pytest.mark.parametrize(
    "data, said",
    [
        (b"", "empty"),
        (b"%PDF-1.4", "a PDF"),
        (b"<!DOCTYPE html>", "a web page"),
        (b"{}", "no notebook"),
        (b'{"cells": 3, "nbformat": 4}', "cannot be read"),
        (b'{"cells": [', "cannot be read"),
        (b"[1]", "no notebook"),
    ],
)
def test_what_is_no_notebook_is_told_from_one(tmp_path, data, said):
    (tmp_path / "a.ipynb").write_bytes(data)
    with pytest.raises(NotANotebook, match=said):
        read(tmp_path / "a.ipynb")


def test_names_that_a_spreadsheet_would_run_are_made_safe():
    assert (
        safe('=HYPERLINK("x")') == '\'=HYPERLINK("x")' and safe("Anna") == "Anna" and safe("") == ""
    )


@pytest.mark.parametrize(
    "comment", ["-1 for units", "=", "+1", "@anna", "'quoted'", "Well done", "'", ""]
)
def test_a_comment_is_read_as_it_was_written(tmp_path, comment):
    """However often it is graded again."""
    assert unsafe(safe(comment)) == comment
    table = marked(tmp_path, **{"bounce comment": comment})
    for _ in range(2):
        given, comments = table.by_hand("anna")
        assert comments["bounce"] == (comment or None)
        table.put(collect.Submission("anna", "Anna"), None, given, comments)
        table.write()
        table = Table(table.path, source(FIRST))
