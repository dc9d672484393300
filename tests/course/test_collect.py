"""Whose a file is, and which of a student's files counts."""

import json
import os
import time
import zipfile
from pathlib import Path

import nbformat
import pytest
from hand_ins import FIRST, cell_of, handed_out, reference, stripped, written_to

from course import collect
from course.collect import NotANotebook, read
from course.repair import repair


@pytest.mark.parametrize(
    "path, name, number, late",
    [
        ("garciaana_101_9001_1-gradient-descent.ipynb", "garciaana", "101", False),
        ("obrienpat_LATE_102_9002_1-gradient-descent-1.ipynb", "obrienpat", "102", True),
        ("anonymous_aB3xZ_9002_1-gradient-descent-1.ipynb", "anonymous aB3xZ", "aB3xZ", False),
        ("José Núñez_103_assignsubmission_file/my homework (2).ipynb", "José Núñez", "103", False),
        ("Mary_Ann Li_103_assignsubmission_file_/a.ipynb", "Mary Ann Li", "103", False),
        ("Mia Wong_104_assignsubmission_file_1-gradient-descent.ipynb", "Mia Wong", "104", False),
        ("Homework_1_anna_attempt_2026-11-29-10-11-12_my_file.ipynb", "anna", "", False),
        ("Homework 1_anna_attempt_2026-11-29-10-11-12.txt", "anna", "", False),
        ("12-34 - Anna Li - Nov 29, 2026 1011 AM - hw_1_2_x.ipynb", "Anna Li", "12", False),
        ("12-34 - Anna Li - Nov 29, 2026 1011 AM/hw.ipynb", "Anna Li", "12", False),
        ("from anna/1-gradient-descent.ipynb", "from anna", "", False),
        ("anna 1-gradient-descent (3).ipynb", "anna", "", False),
        ("anna.smith.ipynb", "anna.smith", "", False),
        ("Copy of 1-gradient-descent_Anna-Li.ipynb", "Anna-Li", "", False),
        ("1_gradient_descent-bo.ipynb.txt", "bo", "", False),
        ("1-gradient-descent.ipynb", "", "", False),
        ("Copy of 1-gradient-descent (2).ipynb", "", "", False),
        ("Anna/hw_1_2_final.ipynb", "Anna", "", False),
    ],
)
def test_whose_a_file_is(path, name, number, late):
    assert collect.whose(Path(path), FIRST)[:3] == (name, number, late)


@pytest.mark.parametrize(
    "path, number",
    [
        ("Eve_4711_assignsubmission_file_x_4700_assignsubmission_file_y-99.ipynb", "4711"),
        ("eve_4711_9001_x_4700_9002_y-99.ipynb", "4711"),
        ("eve_4711_9001_x_4700_assignsubmission_file_y.ipynb", "4711"),
        ("HW_eve_attempt_2026-11-29-10-11-12_x_4700_assignsubmission_file_y.ipynb", ""),
        ("Eve_4711_assignsubmission_file_HW_bo_attempt_2026-11-29-10-11-12_y.ipynb", "4711"),
    ],
)
def test_a_file_s_name_cannot_take_a_classmate_s_place(tmp_path, path, number):
    """The platform writes the beginning of a name, the student its end."""
    bo = f"Bo_4700_assignsubmission_file_{FIRST}.ipynb"
    eve, victim = reference(), reference()
    cell_of(eve, "bounce").source, cell_of(victim, "bounce").source = "Eve's", "Bo's"
    written_to(tmp_path, path, eve)
    written_to(tmp_path, bo, victim)
    found = {one.number: one for one in collect.collect(tmp_path, FIRST)}
    assert found.keys() == {number, "4700"}
    for key, words in [(number, "Eve's"), ("4700", "Bo's")]:
        book, *_ = collect.choose(found[key], handed_out())
        assert cell_of(book, "bounce").source == words
    said = "; ".join(found[number].remarks)
    assert ("reads in 2 ways: see whose it is" in said) == ("_4700_9002_" not in path)
    assert not found["4700"].remarks


def test_a_student_s_latest_notebook_is_taken_also_from_a_zip(tmp_path):
    downloads = tmp_path / "downloads"
    downloads.mkdir()
    old, new = reference(), reference()
    cell_of(old, "bounce").source, cell_of(new, "bounce").source = "old", "new"
    (downloads / "li_7_1_1-gradient-descent-2.ipynb").write_text(nbformat.writes(new))
    (downloads / "li_7_2_1-gradient-descent-1.ipynb").write_text(nbformat.writes(old))
    (downloads / "mo_9_2_homework.ipynb").write_text(nbformat.writes(new))
    (downloads / "mo_9_3_zz.ipynb").write_text(nbformat.writes(old))
    os.utime(downloads / "mo_9_3_zz.ipynb", (1_700_000_000, 1_700_000_000))
    with zipfile.ZipFile(downloads / "bo_8_3_all.zip", "w") as packed:
        packed.writestr("homework/1.ipynb", nbformat.writes(new))
        packed.writestr("__MACOSX/homework/._1.ipynb", b"\0\5")
    with zipfile.ZipFile(tmp_path / "submissions.zip", "w") as packed:
        for path in sorted(downloads.iterdir(), reverse=True):
            packed.write(path, path.name)
    for place in (downloads, tmp_path / "submissions.zip"):
        hand_ins = collect.collect(place, FIRST)
        assert [one.student for one in hand_ins] == ["bo", "li", "mo"]
        chosen = [collect.choose(one, handed_out()) for one in hand_ins]
        assert [cell_of(book, "bounce").source for book, *_ in chosen] == ["new", "new", "new"]
        assert "2 notebooks, graded the last: li_7_1_1-gradient-descent-2.ipynb" in chosen[1][2]


def students(folder, *paths):
    """What is collected from a folder in which the reference has been handed in at these paths."""
    for path in paths:
        written_to(folder, path, reference())
    return collect.collect(folder, FIRST)


def test_two_students_of_one_name_are_two(tmp_path):
    found = students(tmp_path, "lianna_11_9_1.ipynb", "lianna_12_9_1.ipynb")
    assert [one.student for one in found] == ["lianna-11", "lianna-12"]


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
        (["anna.smith.ipynb", "anna.jones.ipynb"], ["anna.jones", "anna.smith"]),
        (
            [
                "HW 1_anna_attempt_2026-11-28-10-11-12_a.ipynb",
                "HW 1_anna_attempt_2026-11-29-10-11-12_a.ipynb",
                "HW 1_anna_attempt_2026-11-29-10-11-12.txt",
            ],
            ["anna"],
        ),
        (
            [
                "12-34 - Anna Li - Nov 29, 2026 1011 AM - a.ipynb",
                "12-34 - Anna Li - Nov 30, 2026 1011 AM - a.ipynb",
            ],
            ["Anna Li"],
        ),
        (
            ["Copy of 1-gradient-descent.ipynb", "Copy of 1-gradient-descent (1).ipynb"],
            ["Copy of 1-gradient-descent", "Copy of 1-gradient-descent (1)"],
        ),
        (
            ["anonymous_aB3xZ_1_a.ipynb", "anonymous_Qq9rT_2_a.ipynb"],
            ["anonymous aB3xZ", "anonymous Qq9rT"],
        ),
    ],
)
def test_every_student_is_one_whatever_folders_there_are(tmp_path, paths, names):
    assert [one.name for one in students(tmp_path, *paths)] == names


def test_names_that_differ_in_accents_or_in_another_script_are_two_students(tmp_path):
    found = students(tmp_path, "José.ipynb", "Jose.ipynb", "王 Li.ipynb", "张 Li.ipynb")
    assert {one.student for one in found} == {"José", "Jose", "王-Li", "张-Li"}


def test_a_student_is_called_no_number_which_a_spreadsheet_would_round(tmp_path):
    (one,) = students(tmp_path, "202012345678.ipynb")
    assert (one.student, one.name) == ("id-202012345678", "202012345678")


def test_what_steers_a_terminal_is_no_part_of_a_name(tmp_path):
    (one,) = students(tmp_path, "anna\x1b[2K\r\u202ebo 18 of 18.ipynb")
    for text in (one.student, one.name, str(one.files[0].path)):
        assert text.isprintable() and "anna" in text


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
        "empty.zip": packed(tmp_path, []),
        "anna.ipynb": broken(),
        "bo.zip": packed(tmp_path, [("x" * 300 + ".ipynb", b""), ("b.ipynb", broken())]),
        os.fsdecode(b"J\xf6rg.ipynb"): b"",
    }
    for kind in ("deflated", "lzma", "bzip2", "stored"):
        how = {"compression": getattr(zipfile, f"ZIP_{kind.upper()}")}
        uploads[f"{kind}.zip"] = packed(tmp_path, [("a.ipynb", broken())], damage=True, **how)
    for name, data in uploads.items():
        (downloads / name).write_bytes(data)
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as outer:
        for name, data in uploads.items():
            outer.writestr(collect.legible(name), data)
        outer.writestr("y" * 300 + ".ipynb", broken())
        outer.writestr("..", broken())
    good = {"both", "long", "absolute", "anna", "bo", "id-list", "type-list"}
    for source, more in [(downloads, set()), (tmp_path / "all.zip", {"y" * 300})]:
        found = collect.collect(source, FIRST)
        assert {one.name for one in found} == {
            collect.legible(name).split(".")[0] for name in uploads
        } | more
        for one in found:
            book, download, remarks = collect.choose(one, handed_out())
            assert bool(book) == (one.name in good | more), (one.name, remarks)
            assert book or "nothing to grade: " in "; ".join(remarks)
            "; ".join([one.name, download, *remarks]).encode("utf-8")
            assert len(os.fsencode(collect.page_of(download).name)) <= 255


def test_a_broken_notebook_handed_in_after_a_good_one_is_named(tmp_path):
    students(tmp_path, "li_7_1_1-gradient-descent-1.ipynb")
    (tmp_path / "li_7_2_1-gradient-descent-2.ipynb").write_bytes(b'{"cells": [')
    (one,) = collect.collect(tmp_path, FIRST)
    book, _, remarks = collect.choose(one, handed_out())
    assert book and "1-gradient-descent-2.ipynb: it cannot be read" in "; ".join(remarks)


def test_an_upload_of_any_size_costs_its_student_alone(tmp_path, monkeypatch):
    """One file too large in the platform's zip, a zip of zeros, a zip of many files."""
    monkeypatch.setattr(collect, "LARGEST", 1 << 20)
    monkeypatch.setattr(collect, "TOGETHER", 3 << 20)
    zeros = packed(tmp_path, [("a.ipynb", b" " * (2 << 20))], compression=zipfile.ZIP_DEFLATED)
    several = [(f"{n}.ipynb", b" " * (1 << 20)) for n in range(4)]
    many = packed(tmp_path, several, compression=zipfile.ZIP_DEFLATED)
    with zipfile.ZipFile(tmp_path / "all.zip", "w", zipfile.ZIP_DEFLATED) as outer:
        outer.writestr("anna.ipynb", broken())
        outer.writestr("huge.ipynb", b" " * (2 << 20))
        outer.writestr("zeros.zip", zeros)
        outer.writestr("many.zip", many)
    chosen = {
        one.name: collect.choose(one, handed_out())
        for one in collect.collect(tmp_path / "all.zip", FIRST)
    }
    assert chosen["anna"][0]
    for name, why in [
        ("huge", "more than 1 meg"),
        ("zeros", "more than 1 meg"),
        ("many", "than 3"),
    ]:
        assert chosen[name][0] is None and why in chosen[name][2][0], chosen[name][2]


def test_a_cell_of_a_million_numbers_is_collected_at_once():
    book = reference()
    numbers = "x = [" + ", ".join(map(str, range(150_000))) + "]"
    book.cells.insert(5, nbformat.v4.new_code_cell(numbers))
    data, begun = nbformat.writes(stripped(book)).encode(), time.monotonic()
    assert len(data) > 1_000_000
    repaired, _ = repair(handed_out(), read(data))
    assert numbers in [cell.source for cell in repaired.cells] and time.monotonic() - begun < 10


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
def test_what_is_no_notebook_is_told_from_one(data, said):
    with pytest.raises(NotANotebook, match=said):
        read(data)
