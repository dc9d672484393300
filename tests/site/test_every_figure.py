"""Every figure that is dragged, on its page: each control moves its own picture and no other."""

import re

import pytest

from tools import book

PAGES = [f"{page}.html" for page in book.pages()]
FIGURE = ".explorable[data-on]"
PICTURE = "f => [...f.querySelectorAll('svg path')].map(p => p.getAttribute('d')).join()"


def changes(page, figure, before):
    """Whether a figure's picture becomes another one within a second."""
    for _ in range(20):
        if figure.evaluate(PICTURE) != before:
            return True
        page.wait_for_timeout(50)
    return False


def settle(page):
    """Wait until what was asked for has been drawn."""
    page.evaluate("new Promise(drawn => requestAnimationFrame(() => requestAnimationFrame(drawn)))")


@pytest.mark.parametrize("path", [path for path in PAGES if re.search(r"/\d\d-|intro", path)])
def test_every_explorable_of_a_page_answers(visit, path):
    """Every slider moves its own figure and no other; a start moves by the arrow keys too."""
    with visit(path) as seen:
        seen.page.evaluate("document.querySelectorAll('details').forEach((d) => (d.open = true))")
        figures = seen.page.locator(".explorable")
        count = figures.count()
        assert count >= (1 if "intro" in path else 2)
        assert seen.page.locator(FIGURE).count() == count, "a figure whose script did not run"
        for i in range(count):
            figure, others = figures.nth(i), [figures.nth(j) for j in range(count) if j != i]
            for select in figure.locator("select").all():
                select.select_option(
                    index=1
                )  # at the first, such as a constant schedule, a slider may do nothing
            settle(seen.page)
            before_others = [other.evaluate(PICTURE) for other in others]
            for slider in figure.locator("input[type=range]:visible").all():
                before = figure.evaluate(PICTURE)
                slider.press("ArrowLeft")
                slider.press("PageDown")
                settle(seen.page)
                if figure.evaluate(PICTURE) == before:  # it stood at its lowest
                    slider.press("PageUp")
                    settle(seen.page)
                assert figure.evaluate(PICTURE) != before, slider.get_attribute("aria-label")
            for handle in figure.locator(".x-handle").all():
                before = figure.evaluate(PICTURE)
                handle.press("ArrowRight")
                assert changes(seen.page, figure, before)
            assert [other.evaluate(PICTURE) for other in others] == before_others
        assert seen.errors == []
