"""Chapters' pages: little code in sight, a figure in the first screen, not too many elements."""

import pytest

from tests.site import measure
from tools import book


@pytest.mark.parametrize("name", [path.stem for path in book.CHAPTERS])
def test_a_chapter_shows_before_it_lists(visit, name):
    with visit(f"book/{name}.html") as seen:
        measure.hold(seen.page)
