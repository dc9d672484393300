"""The course's commands: students' versions, hand-outs, marks. `make assignments`, `make assignment` and `make grade` call it.

    python course/course.py assignments                  all students' versions, into book/assignments/
    python course/course.py assignment A                 a zip to hand out, and the solution, into _build/course/
    python course/course.py grade A FROM [--to FOLDER]   marks.csv and feedback pages, into grades/A/
    python course/course.py check A                      whether the reference, the untouched version and every wrong answer get their marks

A is an assignment's name, or its number.
"""

import argparse
import contextlib
import copy
import csv
import io
import json
import multiprocessing
import os
import re
import shutil
import signal
import sys
import tempfile
import tomllib
import warnings
import zipfile
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

import nbformat
from collect import collect, slug
from repair import NotANotebook, marks, role

COURSE = Path(__file__).resolve().parent
ROOT = COURSE.parent
PAGES = ROOT / "book/assignments"
REGION = re.compile(r"[ \t]*### (BEGIN|END) SOLUTION[^\n]*\n?")
HIDDEN = re.compile(r"[ \t]*### BEGIN HIDDEN TESTS.*?### END HIDDEN TESTS[^\n]*\n?", re.S)


class Wrong(Exception):
    """Something that the teacher can put right; the message says how."""


def names():
    return sorted(
        path.parent.name
        for path in COURSE.glob("source/*/*.ipynb")
        if path.stem == path.parent.name
    )


def named(wanted):
    """The assignment of this name or number."""
    fitting = [
        name
        for name in names()
        if wanted
        and (name == wanted or name.split("-")[0] == wanted or name.startswith(f"{wanted}-"))
    ]
    if len(fitting) != 1:
        raise Wrong(
            f"Which assignment? A={wanted or '...'} is none of these: {', '.join(names())} (A=1 is short for the first)."
        )
    return fitting[0]


def source(name):
    return nbformat.read(COURSE / f"source/{name}/{name}.ipynb", as_version=4)


def student_version(name, folder, record=False):
    """The students' version of an assignment, made by nbgrader in `folder`, the same for every run."""
    import grading

    place = Path(folder) / f"source/{name}"
    place.mkdir(parents=True, exist_ok=True)
    shutil.copy(COURSE / f"source/{name}/{name}.ipynb", place)
    grading.generate(folder, name, record)
    book = nbformat.read(Path(folder) / f"release/{name}/{name}.ipynb", as_version=4)
    book.metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    return book


def written(book):
    """The text of a notebook's file."""
    return nbformat.writes(book).rstrip("\n") + "\n"


def solved(book, cells=None):
    """The source `book` as one who solves it hands it in: solutions without their marks, tests without hidden parts.

    `cells` replaces the text of some answers, by grade_id.
    """
    book = copy.deepcopy(book)
    for cell in book.cells:
        cell.source = REGION.sub("", (cells or {}).get(marks(cell).get("grade_id"), cell.source))
        cell.source = HIDDEN.sub("", cell.source).rstrip()
    return book


def assignments(arguments):
    """Write the students' versions of all assignments."""
    pages = arguments.to or PAGES
    pages.mkdir(parents=True, exist_ok=True)
    for name in names():
        with tempfile.TemporaryDirectory() as folder:
            text = written(student_version(name, folder))
        page = pages / f"{name}.ipynb"
        if not page.exists() or page.read_text(encoding="utf-8") != text:
            page.write_text(text, encoding="utf-8", newline="\n")
            print(f"{page}: written")
    for page in pages.glob("*.ipynb"):
        if page.stem not in names():
            print(f"{page} has no source: delete it")


def assignment(arguments):
    """Write a zip to hand out, and the solution to publish when all is handed in."""
    name = named(arguments.assignment)
    out = ROOT / "_build/course"
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        text = written(student_version(name, folder))
    entry = zipfile.ZipInfo(f"{name}/{name}.ipynb")  # dated 1980: the same for every run
    entry.external_attr = 0o644 << 16
    with zipfile.ZipFile(out / f"{name}.zip", "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr(entry, text)
    (out / f"{name}-solution.ipynb").write_text(
        written(solved(source(name))), encoding="utf-8", newline="\n"
    )
    print(f"To hand out:                          {out / name}.zip")
    print(
        f"To publish when all is handed in:     {out / name}-solution.ipynb (without hidden tests)"
    )


class Marks:
    """The table marks.csv, or an empty one: a row a student, a column a graded cell; what is not marked is empty."""

    def __init__(self, path, book):
        self.path = path
        self.points = {
            marks(cell)["grade_id"]: float(marks(cell)["points"])
            for cell in book.cells
            if role(cell) in ("test", "written")
        }
        self.hand = [marks(cell)["grade_id"] for cell in book.cells if role(cell) == "written"]
        self.tests = [name for name in self.points if name not in self.hand]
        self.rows = self.read()

    def title(self, name):
        return f"{name} ({self.points[name]:g})"

    def columns(self):
        hand = [column for name in self.hand for column in (self.title(name), f"{name} comment")]
        return [
            "student",
            "name",
            "number",
            *map(self.title, self.tests),
            "automatic",
            *hand,
            "total",
            "remarks",
            "download",
        ]

    def read(self):
        """The rows by student; a spreadsheet may have written them with semicolons and decimal commas."""
        if self.path is None or not self.path.exists():
            return {}
        try:
            text = self.path.read_text(encoding="utf-8-sig")
            first = text.split("\n", 1)[0]
            rows = list(
                csv.DictReader(
                    io.StringIO(text), delimiter=";" if first.count(";") > first.count(",") else ","
                )
            )
        except (UnicodeDecodeError, csv.Error):
            raise Wrong(
                f"{self.path} is no table in UTF-8: save it in the spreadsheet as CSV, with UTF-8 as its encoding."
            ) from None
        if rows and "student" not in rows[0]:
            raise Wrong(f"{self.path} has no column `student`: restore it, or move the file away.")
        return {row["student"]: row for row in rows}

    def by_hand(self, student):
        """(marks, comments) that the teacher has put into the table, by grade_id."""
        row, given, comments = self.rows.get(student, {}), {}, {}
        for name in self.hand:
            said = (row.get(self.title(name)) or "").strip()
            if said:
                try:
                    given[name] = float(said.replace(",", "."))
                except ValueError:
                    given[name] = -1.0
                if not 0 <= given[name] <= self.points[name]:
                    raise Wrong(
                        f"{self.path}: {student} has {said!r} for {name}; it takes a number from 0 to {self.points[name]:g}, or nothing."
                    )
            comments[name] = unsafe((row.get(f"{name} comment") or "").strip()) or None
        return given, comments

    def unmark(self, student, name):
        """Empty a mark given by hand, in the file too: a run that is interrupted must not leave it to another answer."""
        self.rows[student][self.title(name)] = self.rows[student]["total"] = ""
        self.write()

    def put(self, submission, found, by_hand, comments):
        """A row for what was found; for a submission that could not be graded only what was given by hand."""
        row = dict.fromkeys(self.columns(), "")
        row |= {
            "student": submission.student,
            "name": safe(submission.name),
            "number": submission.number,
        }
        row |= {
            "remarks": safe("; ".join(submission.remarks)),
            "download": safe(submission.download),
        }
        row |= {
            self.title(name): "" if mark is None else f"{mark:g}"
            for name, mark in (by_hand if found is None else found).items()
        }
        row |= {f"{name} comment": safe(comments.get(name) or "") for name in self.hand}
        if found is not None:
            row["automatic"] = f"{sum(found[name] for name in self.tests):g}"
            if None not in found.values():
                row["total"] = f"{sum(found.values()):g}"
        self.rows[submission.student] = row

    def write(self):
        """Write the file in one step, so that whatever happens the old one or the new one is there."""
        beside = self.path.with_name(f"{self.path.name}.new")
        with beside.open("w", encoding="utf-8-sig", newline="") as file:
            table = csv.DictWriter(file, self.columns(), extrasaction="ignore")
            table.writeheader()
            table.writerows(self.rows[student] for student in sorted(self.rows, key=str.lower))
        beside.replace(self.path)


def safe(text):
    """A text that no spreadsheet takes for a formula."""
    return f"'{text}" if text[:1] in "=+-@\t" and text else text


def unsafe(text):
    """A text as it was before it was made safe."""
    return re.sub(r"^'(?=[=+@\t-])", "", text)


def grade_all(
    name, downloads, out, sandboxed=True, seconds=None, jobs=None, say=print, feedback=True
):
    """Grade what is in `downloads` and write marks.csv, feedback/ and feedback.zip into `out`. Returns the table."""
    import grading
    import sandbox

    if sandboxed:
        sandbox.check()
    else:
        say("WITHOUT A SANDBOX: what was handed in can read and change all that you can.")
    out, work = Path(out), Path(out) / "nbgrader"
    out.mkdir(parents=True, exist_ok=True)
    table = Marks(out / "marks.csv", source(name))
    begun = work / f"source/{name}/{name}.ipynb"
    if (
        begun.exists()
        and begun.read_bytes() != (COURSE / f"source/{name}/{name}.ipynb").read_bytes()
    ):
        raise Wrong(
            f"{name} has changed since {out} was begun: grade into another folder (TO=...), or delete that one."
        )
    given = student_version(name, work, record=True)
    submissions = collect(downloads, name, given)
    if not submissions:
        raise Wrong(f"There are no files in {downloads}.")
    ready = []
    for submission in submissions:
        by_hand, comments = table.by_hand(submission.student)
        if submission.book is None:
            table.put(submission, None, by_hand, comments)
            say(f"{submission.student:24} not graded: {'; '.join(submission.remarks)}")
            continue
        book = submission.book
        place = work / f"submitted/{submission.student}/{name}/{name}.ipynb"
        if place.exists() and by_hand:
            before = {
                marks(cell).get("grade_id"): cell.source
                for cell in nbformat.read(place, as_version=4).cells
            }
            for cell in book.cells:
                changed = marks(cell).get("grade_id")
                if changed in by_hand and cell.source != before.get(changed):
                    del by_hand[changed]
                    table.unmark(submission.student, changed)
                    submission.remarks.append(
                        f"{changed}: the answer has changed since it was marked, mark it anew"
                    )
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(written(book), encoding="utf-8")
        ready.append((submission, by_hand, comments))

    pages = out / "feedback"
    with ProcessPoolExecutor(jobs or min(2, os.cpu_count() or 1)) as pool:
        limit = seconds or grading.CELL_SECONDS
        running = {
            pool.submit(
                grading.grade, work, name, r[0].student, *r[1:], sandboxed, limit, feedback
            ): r
            for r in ready
        }
        for done in as_completed(running):
            submission, by_hand, comments = running[done]
            try:
                found = done.result()
            except Exception as error:  # one submission that nbgrader cannot take must not keep the others from their marks
                submission.remarks.append("nbgrader failed: see the message")
                table.put(submission, None, by_hand, comments)
                say(f"{submission.student:24} NOT GRADED\n{error}")
                continue
            table.put(submission, found, by_hand, comments)
            if feedback:
                page = pages / page_of(submission)
                page.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(work / f"feedback/{submission.student}/{name}/{name}.html", page)
            waiting = sum(mark is None for mark in found.values())
            most = sum(table.points[test] for test in table.tests)
            notes = [f"{waiting} to mark by hand"] * bool(waiting) + submission.remarks
            say(
                f"{submission.student:24} {sum(found[test] for test in table.tests):g} of {most:g}{'; ' if notes else ''}{'; '.join(notes)}"
            )
    table.write()
    if pages.exists():
        shutil.make_archive(str(pages), "zip", pages)
    say(f"\nMarks:    {table.path}\nFeedback: {pages}, and all of it in feedback.zip")
    if table.hand:
        say(
            f"Marked by hand: {', '.join(map(table.title, table.hand))}. Put marks and comments into marks.csv, and grade again for pages and totals."
        )
    return table


def page_of(submission):
    """Where a student's page goes: beside what was downloaded, so that Moodle and Canvas know whose it is."""
    download = Path(submission.download)
    longest = 255 - len("-feedback.html")  # bytes that a file system takes
    return download.with_name(
        f"{download.stem.encode()[:longest].decode(errors='ignore')}-feedback.html"
    )


def grade(arguments):
    """Grade a folder of downloads."""
    name = named(arguments.assignment)
    if not arguments.downloads:
        raise Wrong(
            "Which downloads? FROM=folder names the folder, or the zip file, that the platform gave you."
        )
    grade_all(
        name,
        arguments.downloads,
        arguments.to or ROOT / "grades" / name,
        not arguments.no_sandbox,
        arguments.seconds,
        arguments.jobs,
    )


def wrong_answers(name):
    """(what is wrong, texts of answers by grade_id, the tests that must fail) for each row of the assignment's table."""
    path = COURSE / f"wrong/{name}.toml"
    cells = {marks(cell).get("grade_id"): cell for cell in source(name).cells if marks(cell)}
    tests = {grade_id for grade_id, cell in cells.items() if role(cell) == "test"}
    seen = set()
    for row in tomllib.loads(path.read_text(encoding="utf-8"))["wrong"] if path.exists() else []:
        where = f"{path.name}, {row.get('name')!r}"
        if row.keys() - {"name", "cell", "old", "new", "source", "loses"} or row["name"] in seen:
            raise Wrong(f"{where}: a repeated name, or an unknown key")
        seen.add(row["name"])
        if row["cell"] not in cells or role(cells[row["cell"]]) != "answer":
            raise Wrong(f"{where}: {row['cell']!r} is no answer of the notebook")
        if not row["loses"] or set(row["loses"]) - tests:
            raise Wrong(
                f"{where}: `loses` names no test, or an unknown one: {sorted(set(row['loses']) - tests)}"
            )
        text = cells[row["cell"]].source
        if "source" in row:
            text = row["source"].strip("\n")
        else:
            old, new = (
                [row[key]] if isinstance(row[key], str) else row[key] for key in ("old", "new")
            )
            for before, after in zip(old, new, strict=True):
                if text.count(before) != 1:
                    raise Wrong(
                        f"{where}: {before!r} stands {text.count(before)} times in the answer, not once"
                    )
                text = text.replace(before, after)
        yield row["name"], {row["cell"]: text}, set(row["loses"])


def together(cases, tests):
    """The cases packed into fewer: mistakes in different answers side by side, so that no more than two thirds of the tests fail."""
    packed = []
    for name, cells, lost in cases:
        for number, (names, others, gone) in enumerate(packed):
            if (
                not cells.keys() & others.keys()
                and not lost & gone
                and len(lost | gone) <= tests * 2 / 3
            ):
                packed[number] = (f"{names} + {name}", others | cells, gone | lost)
                break
        else:
            packed.append((name, cells, lost))
    return packed


def failing(book):
    """The tests of a notebook of ours that fail where its cells run here, one after another: no kernel, no sandbox, no nbgrader."""
    namespace, failed = {"__name__": "__main__", "display": lambda *shown: None}, set()

    def late(*_):
        raise TimeoutError("a loop without an end?")

    signal.signal(signal.SIGALRM, late)
    with (
        open(os.devnull, "w") as nowhere,
        contextlib.redirect_stdout(nowhere),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")
        last = max(
            number for number, cell in enumerate(book.cells) if role(cell) == "test"
        )  # what follows decides nothing
        for cell in book.cells[: last + 1]:
            if cell.cell_type == "code":
                signal.alarm(60)
                try:
                    exec(compile(cell.source, "cell", "exec"), namespace)
                except Exception:
                    failed |= {marks(cell)["grade_id"]} if role(cell) == "test" else set()
                signal.alarm(0)
    return failed


def by_running(name, cases):
    """The marks of each case by running its cells and nothing else: quick, for one who writes wrong answers."""
    if not hasattr(os, "fork"):
        raise Wrong(
            "--bare runs each notebook in a fork of this process, which this system has not: leave it out."
        )
    import matplotlib
    import numpy  # noqa: F401

    matplotlib.use("Agg")
    import matplotlib.pyplot  # noqa: F401

    books = []
    for _, cells, _ in cases:
        book = copy.deepcopy(source(name))
        for cell in book.cells:
            cell.source = cells.get(marks(cell).get("grade_id"), cell.source)
        books.append(book)
    table = Marks(None, source(name))
    with multiprocessing.get_context("fork").Pool(
        min(2, os.cpu_count() or 1), maxtasksperchild=1
    ) as pool:
        return [
            {test: table.points[test] * (test not in failed) for test in table.tests}
            for failed in pool.map(failing, books, chunksize=1)
        ]


def by_nbgrader(name, cases, arguments):
    """The marks of each case, handed in as a notebook, and first those of the untouched version."""
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        downloads = folder / "downloads"
        downloads.mkdir()
        (downloads / "untouched.ipynb").write_text(
            written(student_version(name, folder / "untouched")), encoding="utf-8"
        )
        for number, (_, cells, _) in enumerate(cases):
            (downloads / f"case{number:02}.ipynb").write_text(
                written(solved(source(name), cells)), encoding="utf-8"
            )
        how = {
            "seconds": arguments.seconds,
            "jobs": arguments.jobs,
            "say": lambda text: None,
            "feedback": False,
        }
        table = grade_all(name, downloads, folder / "graded", not arguments.no_sandbox, **how)
        rows = [
            table.rows[student]
            for student in ("untouched", *(f"case{number:02}" for number in range(len(cases))))
        ]
        if rows[0]["total"] != "0":
            raise Wrong(
                f"The untouched version of {name} has a total of {rows[0]['total'] or 'nothing'}, not 0."
            )
        return [
            {test: float(row[table.title(test)] or "nan") for test in table.tests} for row in rows
        ]


def check(arguments):
    """Grade the reference, the untouched version and every wrong answer, and print the table of marks."""
    name = named(arguments.assignment)
    table = Marks(None, source(name))
    wrong = list(wrong_answers(name))
    cases = [("the reference", {}, set()), *wrong]
    if arguments.bare:
        found = by_running(name, cases)
    else:
        if arguments.few:
            cases[1:] = together(wrong, len(table.tests))[: arguments.few]
        found = by_nbgrader(name, cases, arguments)
        cases.insert(0, ("the untouched version", {}, set(table.tests)))
    print(
        f"{name}: {len(wrong)} wrong answers, {sum(table.points[t] for t in table.tests):g} automatic points, {sum(table.points[h] for h in table.hand):g} by hand"
    )
    for number, test in enumerate(table.tests, 1):
        print(f"  {number:2} {table.title(test)}")
    print(" ".join(f"{n:>3}" for n in range(1, len(table.tests) + 1)) + "   sum")
    faults = []
    for (case, _, lost), marked in zip(cases, found, strict=True):
        print(
            " ".join(f"{mark:3g}" for mark in marked.values())
            + f" {sum(marked.values()):5g}  {case}"
        )
        for test, mark in marked.items():
            if mark != (0 if test in lost else table.points[test]):
                faults.append(f"{case}: {test} got {mark:g} of {table.points[test]:g}")
    for fault in faults:
        print("FAULT", fault)
    return bool(faults)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    commands = parser.add_subparsers(required=True)
    for run in (assignments, assignment, grade, check):
        command = commands.add_parser(run.__name__, help=run.__doc__)
        command.set_defaults(run=run)
        if run is not assignments:
            command.add_argument("assignment", nargs="?", default="")
        if run is grade:
            command.add_argument("downloads", nargs="?", default="")
        if run in (assignments, grade):
            command.add_argument("--to", type=Path, help="folder to write into")
        if run is check:
            command.add_argument(
                "--few",
                type=int,
                help="so many notebooks, each with several mistakes, in place of one for every mistake",
            )
            command.add_argument(
                "--bare",
                action="store_true",
                help="run the cells alone, without nbgrader and with no walls: some seconds",
            )
        if run in (grade, check):
            command.add_argument(
                "--no-sandbox",
                action="store_true",
                help="run what was handed in with no walls around it",
            )
            command.add_argument("--seconds", type=float, help="time limit of a cell")
            command.add_argument("--jobs", type=int, help="students graded at a time")
    arguments = parser.parse_args()
    from sandbox import NoSandbox

    try:
        return int(arguments.run(arguments) or 0)
    except (Wrong, NoSandbox, NotANotebook) as error:
        print(error, file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
