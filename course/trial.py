"""An assignment tried: the reference, the untouched version and every wrong answer must get their marks."""

import contextlib
import copy
import multiprocessing
import os
import signal
import tempfile
import tomllib
import warnings
from pathlib import Path

from course.assignment import (
    COURSE,
    Mistake,
    about,
    named,
    role,
    solved,
    source,
    student_version,
    written,
)
from course.grade import grade_all
from course.marks import Table


def wrong_answers(name):
    """(what is wrong, texts of answers by grade_id, the tests that must fail) for each row of the assignment's table."""
    path = COURSE / f"wrong/{name}.toml"
    cells = {about(cell).get("grade_id"): cell for cell in source(name).cells if about(cell)}
    tests = {grade_id for grade_id, cell in cells.items() if role(cell) == "test"}
    seen = set()
    for row in tomllib.loads(path.read_text(encoding="utf-8"))["wrong"] if path.exists() else []:
        where = f"{path.name}, {row.get('name')!r}"
        if row.keys() - {"name", "cell", "old", "new", "source", "loses"} or row["name"] in seen:
            raise Mistake(f"{where}: a repeated name, or an unknown key")
        seen.add(row["name"])
        if row["cell"] not in cells or role(cells[row["cell"]]) != "answer":
            raise Mistake(f"{where}: {row['cell']!r} is no answer of the notebook")
        if not row["loses"] or set(row["loses"]) - tests:
            raise Mistake(
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
                    raise Mistake(
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
                    failed |= {about(cell)["grade_id"]} if role(cell) == "test" else set()
                signal.alarm(0)
    return failed


def by_running(name, cases):
    """The marks of each case by running its cells and nothing else: quick, for one who writes wrong answers."""
    if not hasattr(os, "fork"):
        raise Mistake(
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
            cell.source = cells.get(about(cell).get("grade_id"), cell.source)
        books.append(book)
    table = Table(None, source(name))
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
            raise Mistake(
                f"The untouched version of {name} has a total of {rows[0]['total'] or 'nothing'}, not 0."
            )
        return [
            {test: float(row[table.title(test)] or "nan") for test in table.tests} for row in rows
        ]


def check(arguments):
    """Grade the reference, the untouched version and every wrong answer, and print the table of marks."""
    name = named(arguments.assignment)
    table = Table(None, source(name))
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
