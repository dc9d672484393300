"""For marking by hand: all answers to one question on a sheet, with its rubric and without names.

Beside it what helps to see a class as a whole: how each question went, and hand-ins that are alike.
"""

import csv
import difflib
import re
from collections import Counter
from statistics import mean

import nbformat

from course.assignment import REGION, Mistake, about, role, text
from course.marks import own, safe, sheet_code
from course.page import POLICY, TEMPLATES, markdown

ALIKE = 0.9  # the share of lines from which two students' answers are named
SHORT = 8  # lines below which answers are alike by themselves


def books(folder, results):
    """The repaired notebooks of all who were graded, by student."""
    return {
        result.student: nbformat.read(folder / f"graded/{result.student}.ipynb", as_version=4)
        for result in results
        if result.graded
    }


def write_sheets(folder, source, handed_in, marks):
    """Write sheets/<question>.html to read and sheets/<question>.csv to fill in.

    Answers stand in the order of their codes, which says nothing about names.
    """
    for place, cell in enumerate(source.cells):
        if role(cell) != "written":
            continue
        name, most = about(cell)["grade_id"], float(about(cell)["points"])
        answers = []
        for student in sorted(handed_in, key=sheet_code):
            answer = next(c for c in handed_in[student].cells if about(c).get("grade_id") == name)
            mark, comment = marks[student].hand[name], marks[student].comments.get(name, "")
            answers.append((sheet_code(student), markdown(answer), mark, comment))
        rubric = nbformat.v4.new_markdown_cell(REGION.sub("", cell.source))
        html = TEMPLATES.get_template("sheet.html").render(
            policy=POLICY,
            name=name,
            most=most,
            question=markdown(source.cells[place - 1]),
            rubric=markdown(rubric),
            answers=answers,
        )
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{name}.html").write_text(html, encoding="utf-8")
        with (folder / f"{name}.csv").open("w", encoding="utf-8-sig", newline="") as file:
            table = csv.writer(file)
            table.writerow(["sheet", f"{name} ({most:g})", f"{name} comment"])
            for code, _, mark, comment in answers:
                table.writerow([code, "" if mark is None else f"{mark:g}", own(comment)])


def take_sheets(folder, table):
    """Take what was filled into the sheets' tables over into the table of marks.

    Raises:
        Mistake: the two say different things of one answer.
    """
    students = {sheet_code(student): student for student in table.rows}
    for name in table.hand:
        path = folder / f"{name}.csv"
        for code, row in read_sheet(path).items():
            for column in (table.title(name), f"{name} comment"):
                said = (row.get(column) or "").strip()
                if not said or code not in students:
                    continue
                there = (table.rows[students[code]].get(column) or "").strip()
                if there and there.replace(",", ".") != said.replace(",", "."):
                    raise Mistake(
                        f"{path} has {said!r} and {table.path} has {there!r} for {column} of "
                        f"{code}: empty one of them."
                    )
                table.rows[students[code]][column] = said


def read_sheet(path):
    """The rows of a sheet's table by code; a spreadsheet may have written semicolons."""
    if not path.exists():
        return {}
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
        comma = ";" if lines and lines[0].count(";") > lines[0].count(",") else ","
        return {row.get("sheet", ""): row for row in csv.DictReader(lines, delimiter=comma)}
    except (UnicodeDecodeError, csv.Error):
        raise Mistake(f"{path} is no table in UTF-8.") from None


def write_statistics(path, table, marks):
    """Write statistics.csv: how many got each mark of each question, and the share of its
    points."""
    graded = [found for found in marks.values() if found.tests]
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["question", "points", "marked", "full", "none", "mean share"])
        for name, most in table.points.items():
            got = [m for found in graded if (m := found.points().get(name)) is not None]
            share = f"{mean(got) / most:.2f}" if got and most else ""
            rows.writerow([name, f"{most:g}", len(got), got.count(most), got.count(0), share])


def own_lines(book, given):
    """The lines that a student wrote into answers, without blanks, comments and given lines."""
    lines = {line.strip() for cell in given.cells for line in cell.source.splitlines()}
    found = []
    for cell in book.cells:
        if role(cell) in ("answer", "written"):
            for line in text(cell).splitlines():
                bare = re.sub(r"\s+|#.*", "", line)
                if bare and line.strip() not in lines:
                    found.append(bare)
    return found


def write_similar(path, handed_in, given):
    """Write similar.csv: pairs of students whose answers are alike, beyond what most write.

    Lines that a fifth of the class has written say nothing and are left out.
    """
    lines = {student: own_lines(book, given) for student, book in handed_in.items()}
    common = Counter(line for found in lines.values() for line in set(found))
    most = max(2, len(lines) // 5)
    rare = {s: [line for line in found if common[line] <= most] for s, found in lines.items()}
    students = sorted(s for s, found in rare.items() if len(found) >= SHORT)
    pairs = []
    for n, a in enumerate(students):
        for b in students[n + 1 :]:
            shared = sum((Counter(rare[a]) & Counter(rare[b])).values())
            if 2 * shared < ALIKE * (len(rare[a]) + len(rare[b])):
                continue
            share = difflib.SequenceMatcher(None, rare[a], rare[b], autojunk=False).ratio()
            if share >= ALIKE:
                pairs.append((share, shared, a, b))
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["student", "and", "share of rare lines", "rare lines in common"])
        for share, shared, a, b in sorted(pairs, reverse=True):
            rows.writerow([safe(a), safe(b), f"{share:.2f}", shared])
    return len(pairs)
