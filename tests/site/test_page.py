"""Chapters' pages: little code in sight, a figure in the first screen, not too many elements."""

import pytest

from tests.site import measure

# The chapters that were rewritten for this edition; a chapter is added with its rewriting.
REWRITTEN = []


@pytest.mark.parametrize("name", REWRITTEN)
def test_a_chapter_shows_before_it_lists(visit, name):
    with visit(f"book/{name}.html") as seen:
        measure.hold(seen.page)
