"""The table of marks, marks.csv: written by the grader, marked by hand in a spreadsheet, read again."""

import csv
import io
import re

from course.assignment import Mistake, about, role


class Table:
    """The table marks.csv, or an empty one: a row a student, a column a graded cell; what is not marked is empty."""

    def __init__(self, path, book):
        self.path = path
        self.points = {
            about(cell)["grade_id"]: float(about(cell)["points"])
            for cell in book.cells
            if role(cell) in ("test", "written")
        }
        self.hand = [about(cell)["grade_id"] for cell in book.cells if role(cell) == "written"]
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
            raise Mistake(
                f"{self.path} is no table in UTF-8: save it in the spreadsheet as CSV, with UTF-8 as its encoding."
            ) from None
        if rows and "student" not in rows[0]:
            raise Mistake(
                f"{self.path} has no column `student`: restore it, or move the file away."
            )
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
                    raise Mistake(
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
