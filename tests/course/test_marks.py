"""The table of marks, as the grader writes it and a teacher changes it."""

import csv
import io

import pytest
from hand_ins import FIRST

from course.assignment import Mistake, source
from course.marks import Result, Table, own, safe, unsafe


def found(table, points=1.0, answer="a", files="f", **more):
    """What was found in Anna's hand-in."""
    tests = {name: {"points": points, "message": "", "notes": []} for name in table.tests}
    written = {name: {"answer": answer, "untouched": False} for name in table.hand}
    return Result(
        "anna",
        "Anna",
        download="anna.ipynb",
        files=files,
        digest=files + answer,
        graded=True,
        tests=tests,
        written=written,
        **more,
    )


def marked(folder, late=0.0, **row):
    """A table in which a teacher has marked Anna, and what it was written from."""
    table = Table(folder / "marks.csv", source(FIRST))
    before = found(table)
    table.put(before, table.marks(before, None))
    table.rows["anna"] |= {
        "bounce (4)": "3,5",
        "units (2)": "1",
        "decide (2)": "0",
        "bounce comment": "Why?",
    } | row
    table.write()
    return Table(folder / "marks.csv", source(FIRST), late), before


def row_of(table, result, marks):
    """Anna's row as it is read again."""
    table.put(result, marks)
    table.write()
    return Table(table.path, source(FIRST)).rows["anna"]


def test_marks_by_hand_make_a_total(tmp_path):
    table, before = marked(tmp_path)
    marks = table.marks(before, before)
    assert (
        marks.hand == {"bounce": 3.5, "units": 1, "decide": 0}
        and not marks.remarks
        and not marks.overruled
    )
    row = row_of(table, before, marks)
    assert (row["automatic"], row["total"], row["bounce comment"]) == ("11", "15.5", "Why?")


def test_a_failed_regrade_keeps_what_was_given_by_hand(tmp_path):
    table, before = marked(tmp_path)
    nothing = Result("anna", "Anna", download="anna.ipynb", remarks=["nothing to grade"])
    row = row_of(table, nothing, table.marks(nothing, before))
    assert (row["bounce (4)"], row["units (2)"], row["bounce comment"]) == ("3.5", "1", "Why?")
    empty = [row[column] for column in (table.title("step-test"), "automatic", "total")]
    assert empty == ["", "", ""] and row["remarks"] == "nothing to grade"


def test_the_mark_of_an_answer_that_changed_is_emptied_and_said(tmp_path):
    table, before = marked(tmp_path)
    again = found(table, answer="b")
    for name in ("units", "decide"):
        again.written[name]["answer"] = "a"
    marks = table.marks(again, before)
    assert marks.hand == {"bounce": None, "units": 1, "decide": 0}
    assert "it was marked with 3.5, mark it anew" in marks.remarks[0] and len(marks.remarks) == 1
    row = row_of(table, again, marks)
    assert (row["bounce (4)"], row["bounce comment"], row["total"]) == ("", "Why?", "")


def test_an_untouched_answer_has_no_points_unless_the_teacher_gives_some(tmp_path):
    table, before = marked(tmp_path, **{"units (2)": ""})
    for name in table.hand:
        before.written[name]["untouched"] = True
    assert table.marks(before, before).hand == {"bounce": 3.5, "units": 0, "decide": 0}


def test_an_automatic_mark_can_be_overruled(tmp_path):
    """It holds when the tests are mended and when it is graded again, but for no other hand-in."""
    table, before = marked(tmp_path, **{"step-test (1)": "0,5"})
    for again in (before, found(table, points=0.0)):
        marks = table.marks(again, before)
        assert marks.overruled == {"step-test": 0.5} and not marks.remarks
    row = row_of(table, before, table.marks(before, before))
    assert (row["step-test (1)"], row["automatic"], row["total"]) == ("0.5", "10.5", "15")
    other = found(table, files="g")
    marks = table.marks(other, before)
    assert not marks.overruled and "step-test: 0.5 was given by hand" in marks.remarks[0]


def test_a_mended_test_gives_a_new_mark_where_nobody_overruled_it(tmp_path):
    table, before = marked(tmp_path)
    marks = table.marks(found(table, points=0.0), before)
    assert set(marks.tests.values()) == {0.0} and not marks.overruled and marks.hand["units"] == 1


def test_late_days_take_their_share(tmp_path):
    table, before = marked(tmp_path, late=0.1, **{"late days": "2"})
    marks = table.marks(before, before)
    assert (marks.days, marks.share) == (2, pytest.approx(0.8))
    assert row_of(table, before, marks)["total"] == f"{15.5 * 0.8:g}"
    table, before = marked(tmp_path, late=0.1, **{"late days": "20"})
    assert table.marks(before, before).total() == 0


@pytest.mark.parametrize(
    "column, text", [("bounce (4)", "35"), ("units (2)", "a"), ("step-test (1)", "-1")]
)
def test_a_mark_that_is_none_is_named(tmp_path, column, text):
    table, before = marked(tmp_path, **{column: text})
    with pytest.raises(Mistake, match=f"anna has '{text}' for .*takes a number from 0 to"):
        table.marks(before, before)


def test_a_name_that_a_spreadsheet_changed_is_found_by_its_download(tmp_path):
    """As `2E11`, or as a date."""
    table, before = marked(tmp_path, student="2,02012E+11")
    assert table.marks(before, before).hand["bounce"] == 3.5
    assert set(table.rows) == {"anna"}


def test_marks_are_not_lost_where_writing_them_fails(tmp_path):
    table, _ = marked(tmp_path)
    before = (tmp_path / "marks.csv").read_bytes()
    table.rows["bo"] = {"student": "bo", "remarks": "\ud800"}
    with pytest.raises(UnicodeEncodeError):
        table.write()
    assert (tmp_path / "marks.csv").read_bytes() == before


@pytest.mark.parametrize("encoding", ["cp1252", "utf-16"])
def test_marks_in_another_encoding_are_named_in_one_line(tmp_path, encoding):
    marked(tmp_path, name="José")
    text = (tmp_path / "marks.csv").read_text(encoding="utf-8-sig")
    (tmp_path / "marks.csv").write_text(text, encoding=encoding)
    with pytest.raises(Mistake, match=r"marks\.csv .* UTF-8") as said:
        Table(tmp_path / "marks.csv", source(FIRST))
    assert "\n" not in str(said.value)


def test_what_a_student_calls_a_file_is_no_formula_whatever_the_separator(tmp_path):
    assert safe('=HYPERLINK("x")') == '\'=HYPERLINK("x")' and safe("Anna") == "Anna"
    table, before = marked(tmp_path)
    before.name, before.download = "a;=1+1;b", "x\x1b[2K;@y\n.ipynb"
    before.tests["step-test"]["notes"] = ["+1;-1"]
    row_of(table, before, table.marks(before, before))
    text = (tmp_path / "marks.csv").read_text(encoding="utf-8-sig")
    for comma in ",;":
        cells = [cell for row in csv.reader(io.StringIO(text), delimiter=comma) for cell in row]
        assert len(cells) > 1 or comma == ";"
        for cell in cells:
            assert cell[:1] not in ("=", "+", "@", "-") and cell.isprintable()


@pytest.mark.parametrize(
    "comment", ["-1 for units", "=", "+1", "@anna", "'quoted'", "Well; done", "'", ""]
)
def test_a_comment_is_read_as_it_was_written(tmp_path, comment):
    """However often it is graded again."""
    assert unsafe(own(comment)) == comment
    table, before = marked(tmp_path, **{"bounce comment": comment})
    for _ in range(2):
        marks = table.marks(before, before)
        assert marks.comments["bounce"] == comment
        row_of(table, before, marks)
        table = Table(table.path, source(FIRST))
