"""What goes back to the platform: a roster with marks, as Canvas and Moodle import it.

The roster is the file that the platform exports: Canvas' gradebook, Moodle's grading worksheet, or
any table with a column of names. Nothing of it is changed but the column of this assignment.
"""

import csv
import io
import re

from course.assignment import Mistake
from course.collect import same
from course.marks import safe

NAMES = ("student", "full name", "name", "student name", "display name")
NUMBERS = ("identifier", "id", "number", "student id", "sis user id", "sis login id", "username")
POINTS = "points possible"


class Roster:
    """A platform's table of all students.

    Raises:
        Mistake: it is no table, or has no column of names.
    """

    def __init__(self, path):
        self.path = path
        try:
            text = path.read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError):
            raise Mistake(f"{path}: there is no table in UTF-8.") from None
        first = text.split("\n", 1)[0]
        self.comma = max(",;\t", key=first.count)
        self.rows = list(csv.reader(io.StringIO(text), delimiter=self.comma))
        self.titles = [title.strip().lower() for title in self.rows[0]] if self.rows else []
        self.name = next((n for n in map(self.column, NAMES) if n is not None), None)
        if self.name is None:
            raise Mistake(f"{path} has no column of names: one of {', '.join(NAMES)}.")
        self.numbers = [n for n in map(self.column, NUMBERS) if n is not None]

    def column(self, title):
        """The index of a column, or None."""
        return self.titles.index(title) if title in self.titles else None

    def students(self):
        """The rows of students: no header, no row of Canvas' for the points possible."""
        rows = self.rows[1:]
        return [
            r
            for r in rows
            if len(r) > self.name and r[self.name].strip() and not head(r, self.name)
        ]

    def keys(self, row):
        """What a hand-in of this student may be called: numbers, and the name in both orders."""
        numbers = {digits for n in self.numbers if (digits := said_number(row[n]))}
        name = row[self.name].strip()
        parts = [part.strip() for part in name.split(",", 1)]
        turned = " ".join(reversed(parts))
        names = {same(name), same(turned), squeezed(name), squeezed(turned), *map(same, numbers)}
        logins = {same(row[n].split("@")[0]) for n in self.numbers if row[n].strip()}
        return numbers, names | logins

    def matched(self, results):
        """For each row of a student the result of its hand-in, or None; and the results left
        over."""
        left, found = {result.student: result for result in results}, []
        for by_number in (True, False):
            for index, row in enumerate(self.students()):
                if by_number:
                    found.append(None)
                numbers, names = self.keys(row)
                for student, result in [*left.items()]:
                    fits = (
                        result.number in numbers
                        if by_number
                        else found[index] is None
                        and not (result.number and self.numbers and numbers)
                        and {same(result.name), squeezed(result.name)} & names
                    )
                    if fits:
                        found[index] = left.pop(student)
                        break
        return found, list(left.values())

    def fill(self, title, most, found, marks):
        """Put the totals into the assignment's column, and Moodle's comments; a new column at
        the end.

        Args:
            title: the assignment's title.
            most: the points that it gives.
            found: the result of each student, or None.
            marks: the `Marks` by student.
        """
        moodle = self.column("grade")
        short = re.escape(title.split(":")[0].strip().lower())
        wanted = [n for n, t in enumerate(self.titles) if re.match(rf"{short}(?!\d)", t)]
        column = moodle if moodle is not None else wanted[0] if wanted else len(self.titles)
        if column == len(self.titles):
            self.rows[0].append(title)
        for row in self.rows[1:]:
            row += [""] * (column + 1 - len(row))
            if head(row, self.name) and not row[column].strip():
                row[column] = f"{most:g}"
        for row, result in zip(self.students(), found):
            if result is not None and result.graded and marks[result.student].complete():
                row[column] = f"{marks[result.student].total():g}"

    def text(self):
        """The table as it is written, for the platform it came from."""
        out = io.StringIO()
        csv.writer(out, delimiter=self.comma).writerows(self.rows)
        return out.getvalue()


def head(row, name):
    """Whether a row is Canvas' own, with the points possible."""
    return row[name].strip().lower() == POINTS


def said_number(text):
    """The number in `Participant 4711`, or in `4711`; empty for anything else."""
    match = re.fullmatch(r"\D*(\d+)", text.strip())
    return match[1] if match and "@" not in text else ""


def squeezed(name):
    """A name as Canvas writes it into a file's name: letters alone, in one word."""
    return re.sub(r"[\W_]+", "", name.lower())


def write(roster_path, out, title, most, results, marks):
    """Write gradebook.csv and roster.csv. Returns lines of what is to be said.

    roster.csv has a row for every student and says who handed in nothing; hand-ins that fit nobody
    stand at its end.
    """
    roster = Roster(roster_path)
    found, left = roster.matched(results)
    roster.fill(title, most, found, marks)
    (out / "gradebook.csv").write_text(roster.text(), encoding="utf-8", newline="")
    with (out / "roster.csv").open("w", encoding="utf-8-sig", newline="") as file:
        table = csv.writer(file)
        table.writerow(["name", "hand-in", "total", "state"])
        for row, result in zip(roster.students(), found):
            table.writerow([safe(row[roster.name]), *state(result, marks)])
        for result in left:
            table.writerow([safe(result.name), *state(result, marks)[:2], "not on the roster"])
    missing = sum(result is None for result in found)
    lines = [f"Roster:   {out / 'roster.csv'}: {missing} of {len(found)} handed in nothing"]
    if left:
        lines.append(f"NOT ON THE ROSTER: {', '.join(result.student for result in left)}")
    return [*lines, f"Import:   {out / 'gradebook.csv'}"]


def state(result, marks):
    """(hand-in, total, state) of a student."""
    if result is None:
        return "", "", "handed in nothing"
    mine = marks[result.student]
    if not result.graded:
        return result.student, "", "not graded"
    if not mine.complete():
        return result.student, "", "to be marked by hand"
    return result.student, f"{mine.total():g}", "graded"
