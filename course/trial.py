"""An assignment tried: the reference, the untouched version and every wrong answer get their
marks."""

import os
import tomllib
from concurrent.futures import ThreadPoolExecutor

from course.assignment import COURSE, Mistake, about, role, solved, source, student_version
from course.grading import Limits, grade
from course.marks import Table
from course.repair import repair


def wrong_answers(name):
    """Each row of the table of wrong answers: (name, texts of answers by grade_id, lost tests).

    Raises:
        Mistake: a row does not fit the assignment.
    """
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
            unknown = sorted(set(row["loses"]) - tests)
            raise Mistake(f"{where}: `loses` names no test, or an unknown one: {unknown}")
        yield row["name"], {row["cell"]: changed(row, cells[row["cell"]], where)}, {*row["loses"]}


def changed(row, cell, where):
    """The text of an answer with a row's mistake in it."""
    if "source" in row:
        return row["source"].strip("\n")
    text = cell.source
    old, new = ([row[key]] if isinstance(row[key], str) else row[key] for key in ("old", "new"))
    for before, after in zip(old, new, strict=True):
        if text.count(before) != 1:
            count = text.count(before)
            raise Mistake(f"{where}: {before!r} stands {count} times in the answer, not once")
        text = text.replace(before, after)
    return text


def check(name, limits=None, jobs=None):
    """Grade the reference, the untouched version and every wrong answer.

    Returns:
        A table of marks in lines of text, and the faults: marks that are not as they should be.
    """
    whole, given = source(name), student_version(name)
    table, wrong = Table(None, whole), list(wrong_answers(name))
    cases = [
        ("the untouched version", given, {*table.tests}),
        ("the reference", solved(whole), set()),
    ]
    cases += [(case, solved(whole, answers), lost) for case, answers, lost in wrong]

    def points(case):
        book, _ = repair(given, case[1])
        found, _ = grade(book, whole, limits or Limits())
        return {test: one.points for test, one in found.items()}

    with ThreadPoolExecutor(jobs or os.cpu_count()) as pool:
        found = list(pool.map(points, cases))
    automatic, hand = (sum(table.points[n] for n in names) for names in (table.tests, table.hand))
    lines = [
        f"{name}: {len(wrong)} wrong answers, {automatic:g} automatic points, {hand:g} by hand"
    ]
    lines += [f"  {number:2} {table.title(test)}" for number, test in enumerate(table.tests, 1)]
    lines.append(" ".join(f"{n:>3}" for n in range(1, len(table.tests) + 1)) + "   sum")
    faults = []
    for (case, _, lost), marked in zip(cases, found, strict=True):
        row = " ".join(f"{mark:3g}" for mark in marked.values())
        lines.append(f"{row} {sum(marked.values()):5g}  {case}")
        faults += [
            f"{case}: {test} got {mark:g} of {table.points[test]:g}"
            for test, mark in marked.items()
            if mark != (0 if test in lost else table.points[test])
        ]
    return lines, faults
