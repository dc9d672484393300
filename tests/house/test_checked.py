"""The records that the page How this book is checked is made from: whole, as good as it says."""

import json
import re
import sys
from types import SimpleNamespace

import pytest

from tools.book import ROOT

sys.path.insert(0, str(ROOT / "web/extensions"))
from tools import report as checked

RECORDS = {
    path.stem: json.loads(path.read_text(encoding="utf-8"))
    for path in (ROOT / "tools/records").glob("*.json")
}


def test_the_page_asks_for_every_part_once():
    text = (ROOT / "book/checked.md").read_text(encoding="utf-8")
    assert all(text.count(f"% record: {part}\n") == 1 for part in checked.PARTS)
    assert text.count("% record: ") == len(checked.PARTS)


@pytest.mark.parametrize("part", checked.PARTS)
def test_every_part_can_be_made(part, tmp_path):
    made = checked.PARTS[part](SimpleNamespace(srcdir=ROOT, outdir=tmp_path / "html"), RECORDS)
    numbers = re.sub(r"`[^`]*`", "", made)  # without the code that it quotes
    assert len(made) > 20 and not re.search(r"\b(nan|inf)\b", numbers)
    rows = [line for line in made.splitlines() if line.startswith("|")]
    columns = {line.replace("\\|", "").count("|") for line in rows}
    assert len(columns) <= len(
        [line for line in rows if line.startswith("|---")]
    )  # each table has one width


def test_a_missing_record_is_a_warning_that_names_it(monkeypatch):
    said = []
    monkeypatch.setattr(
        checked.LOG, "warning", lambda text, *parts, location: said.append(text % parts)
    )
    text = ["% record: claims_by_chapter\n% record: mutants\n"]
    monkeypatch.setattr(
        checked,
        "PARTS",
        {name: checked.PARTS[name] for name in ("claims_by_chapter", "mutants", "bench")},
    )
    checked.write_page(SimpleNamespace(srcdir=ROOT / "web"), checked.PAGE, text)
    assert "'mutants'" in said[0] and "'% record: bench'" in said[1] and len(said) == 2


def test_chapters_and_unit_tests_notice_what_they_should():
    """Of the mutants that can be noticed: 95 in 100 by the chapters, 99 by the unit tests."""
    summary = RECORDS["mutants"]["summary"]
    for suite, modules, least in (
        ("chapters", ["optimizers", "schedules", "mlp"], 0.95),
        ("tests", ["optimizers", "schedules", "mlp", "surfaces"], 0.99),
    ):
        rows = [summary[f"{suite} {module}"] for module in modules]
        assert sum(row["killed"] for row in rows) >= least * sum(row["mutants"] for row in rows), (
            suite
        )


def test_no_claim_is_nearer_to_its_bound_than_twice_its_spread():
    assert [row["comparison"] for row in RECORDS["margins"]["claims"] if not row["safe"]] == []


def test_nothing_failed_on_another_version_or_kernel():
    assert [run for run in RECORDS["versions"]["runs"] if run["failures"] or run["errors"]] == []
