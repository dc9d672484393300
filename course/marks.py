"""Marks: what the tests gave, what the teacher put into marks.csv, and what of it holds now."""

import csv
import hashlib
import io
import re
from dataclasses import dataclass, field

from course.assignment import Mistake, about, role

FORMULA = "=+-@\t\r"  # how a text begins that a spreadsheet runs


@dataclass
class Result:
    """What was found in a student's hand-in, as it is kept in results/<student>.json."""

    student: str
    name: str
    number: str = ""
    download: str = ""
    files: str = ""  # a digest of what was handed in
    digest: str = ""  # of that, of the assignment and of the limits
    graded: bool = False
    tests: dict = field(default_factory=dict)  # {points, message, notes} by grade_id
    written: dict = field(default_factory=dict)  # {answer, untouched} by grade_id
    notes: list = field(default_factory=list)  # what looks unusual in the answers
    remarks: list = field(default_factory=list)
    page: str = ""  # a digest of what its page shows

    @property
    def look(self):
        """What looks tampered, in lines."""
        tests = [f"{name}: {note}" for name, test in self.tests.items() for note in test["notes"]]
        return [*self.notes, *tests]


@dataclass
class Marks:
    """The marks of one student that hold now: by grade_id, None for what nobody has marked."""

    tests: dict = field(default_factory=dict)
    overruled: dict = field(default_factory=dict)
    hand: dict = field(default_factory=dict)
    comments: dict = field(default_factory=dict)
    days: float = 0.0
    share: float = 1.0
    remarks: list = field(default_factory=list)

    def points(self):
        """All marks by grade_id."""
        return self.tests | self.overruled | self.hand

    def complete(self):
        """Whether there is a mark for everything."""
        return bool(self.tests) and None not in self.points().values()

    def total(self):
        """The sum of what is marked, less what lateness takes."""
        return sum(mark or 0 for mark in self.points().values()) * self.share


class Table:
    """The table marks.csv: a row a student, a column a graded cell; what is not marked is empty.

    Args:
        path: where it lies; None for no file.
        book: the assignment's source.
        late: the share of the points that a day of lateness takes.
    """

    def __init__(self, path, book, late=0.0):
        self.path, self.late = path, late
        graded = [cell for cell in book.cells if role(cell) in ("test", "written")]
        self.points = {about(cell)["grade_id"]: float(about(cell)["points"]) for cell in graded}
        self.hand = [about(cell)["grade_id"] for cell in graded if role(cell) == "written"]
        self.tests = [name for name in self.points if name not in self.hand]
        self.rows = self.read()

    def title(self, name):
        """The title of a mark's column."""
        return f"{name} ({self.points[name]:g})"

    def columns(self):
        """The titles of all columns."""
        hand = [column for name in self.hand for column in (self.title(name), f"{name} comment")]
        first = ["student", "name", "number", *map(self.title, self.tests), "automatic"]
        return [*first, *hand, "late days", "total", "look", "remarks", "sheet", "download"]

    def read(self):
        """The rows by student; a spreadsheet may have written semicolons and decimal commas.

        Raises:
            Mistake: it is no table that a program can read.
        """
        if self.path is None or not self.path.exists():
            return {}
        try:
            text = self.path.read_text(encoding="utf-8-sig")
            first = text.split("\n", 1)[0]
            comma = ";" if first.count(";") > first.count(",") else ","
            rows = list(csv.DictReader(io.StringIO(text), delimiter=comma))
        except (UnicodeDecodeError, csv.Error):
            raise Mistake(
                f"{self.path} is no table in UTF-8: save it in the spreadsheet as CSV, "
                "with UTF-8 as its encoding."
            ) from None
        if rows and "student" not in rows[0]:
            raise Mistake(f"{self.path} has no column `student`: restore it, or move it away.")
        return {row["student"]: row for row in rows}

    def row(self, student, download):
        """A student's row, by its name, or by its download where a spreadsheet changed the name."""
        if student not in self.rows:
            for name, row in self.rows.items():
                if download and row.get("download") == safe(download):
                    self.rows[student] = self.rows.pop(name)
                    break
        return self.rows.get(student, {})

    def number(self, row, column, most):
        """The number in a column of a row, or None.

        Raises:
            Mistake: it is none from 0 to `most`.
        """
        said = (row.get(column) or "").strip()
        if not said:
            return None
        try:
            value = float(said.replace(",", "."))
        except ValueError:
            value = -1.0
        if not 0 <= value <= most:
            raise Mistake(
                f"{self.path}: {row.get('student')} has {said!r} for {column}; "
                f"it takes a number from 0 to {most:g}, or nothing."
            )
        return value

    def marks(self, result, before):
        """The `Marks` of a result: what its tests gave, and what the teacher has put into the
        table.

        A test's mark that was changed in the table holds as long as the hand-in is the same. A mark
        for a written answer holds as long as that answer is the same.

        Args:
            result: the `Result` of now.
            before: the `Result` that the table was written from, or None.
        """
        row, found = self.row(result.student, result.download), Marks()
        for name in self.hand:
            said = self.number(row, self.title(name), self.points[name])
            now, then = result.written.get(name, {}), before and before.written.get(name, {})
            if said is not None and result.graded and then and then["answer"] != now["answer"]:
                found.remarks.append(
                    f"{name}: the answer has changed since it was marked with {said:g}, "
                    "mark it anew"
                )
                said = None
            if said is None and now.get("untouched"):
                said = 0.0
            found.hand[name] = said
            found.comments[name] = unsafe((row.get(f"{name} comment") or "").strip())
        found.days = self.number(row, "late days", 1000) or 0.0
        found.share = max(0.0, 1 - self.late * found.days)
        if not result.graded:
            return found
        for name in self.tests:
            found.tests[name] = result.tests[name]["points"]
            said = self.number(row, self.title(name), self.points[name])
            if said is None or before is None or not before.graded or name not in before.tests:
                continue
            if said != before.tests[name]["points"] and said != found.tests[name]:
                if before.files == result.files:
                    found.overruled[name] = said
                else:
                    found.remarks.append(f"{name}: {said:g} was given by hand, now marked anew")
        return found

    def put(self, result, marks):
        """Set a student's row."""
        row = dict.fromkeys(self.columns(), "") | {
            "student": result.student,
            "name": safe(result.name),
            "number": result.number,
            "remarks": safe("; ".join([*result.remarks, *marks.remarks])),
            "look": safe("; ".join(result.look)),
            "late days": f"{marks.days:g}" if marks.days else "",
            "sheet": sheet_code(result.student),
            "download": safe(result.download),
        }
        for name, mark in marks.points().items():
            row[self.title(name)] = "" if mark is None else f"{mark:g}"
        for name, comment in marks.comments.items():
            row[f"{name} comment"] = own(comment)
        if result.graded:
            row["automatic"] = f"{sum((marks.tests | marks.overruled).values()):g}"
            row["total"] = f"{marks.total():g}" if marks.complete() else ""
        self.rows[result.student] = row

    def write(self):
        """Write the file in one step, so that the old one or the new one is there."""
        beside = self.path.with_name(f"{self.path.name}.new")
        with beside.open("w", encoding="utf-8-sig", newline="") as file:
            table = csv.DictWriter(file, self.columns(), restval="", extrasaction="ignore")
            table.writeheader()
            table.writerows(self.rows[student] for student in sorted(self.rows, key=str.lower))
        beside.replace(self.path)


def sheet_code(student):
    """What stands for a student on the sheets of answers, which show no names."""
    return "x" + hashlib.sha256(student.encode()).hexdigest()[:6]


def own(comment):
    """A teacher's comment as a table holds it: no spreadsheet takes it for a formula."""
    return f"'{comment}" if comment[:1] and comment[0] in FORMULA else comment


def safe(text):
    """A student's text as a table holds it: no formula, whichever separator a spreadsheet takes."""
    return own("".join(c if c.isprintable() else "?" for c in text).replace(";", ","))


def unsafe(text):
    """A comment as it was before it was made safe."""
    return re.sub(r"^'(?=[=+@\t\r-])", "", text)
