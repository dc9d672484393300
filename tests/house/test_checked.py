"""The page How this book is checked: its records are whole, and as good as it says."""

import re

import pytest

from tools import report

RECORDS = report.records()


def test_the_page_says_what_is_on_record():
    page = report.PAGE.read_text(encoding="utf-8")
    assert page == report.written(page, RECORDS), "run: make report"


@pytest.mark.parametrize("part", report.PARTS)
def test_every_part_has_whole_numbers_and_tables_of_one_width(part):
    text = report.PARTS[part](RECORDS)
    numbers = re.sub(r"`[^`]*`", "", text)  # without the code that it quotes
    assert len(text) > 20 and not re.search(r"\b(nan|inf)\b", numbers)
    rows = [line for line in text.splitlines() if line.startswith("|")]
    columns = {line.replace("\\|", "").count("|") for line in rows}
    assert len(columns) <= sum(line.startswith("|---") for line in rows)


def test_a_page_without_a_place_for_a_part_is_refused():
    with pytest.raises(ValueError, match="0 places for 'claims_by_chapter'"):
        report.written("% record: mutants\n% end of mutants\n", RECORDS)


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
