"""Every page in a real browser: what is cut, scrolls, is missing, heavy, or in somebody's way."""

import itertools

import pytest

from tests.site import axe
from tools import book

PAGES = [f"{page}.html" for page in book.pages()]
WIDTHS = (1280, 390)


@pytest.mark.parametrize("path", [*PAGES, "search.html", "genindex.html"])
def test_a_page_is_right_by_itself(visit, path):
    with visit(path) as seen:
        assert seen.page.evaluate("document.documentElement.dataset.theme") == "light"
        raw = (
            "[...document.querySelectorAll('.math')].filter(m => "
            "!m.querySelector('mjx-container')).map(m => m.textContent)"
        )
        assert seen.page.evaluate(raw) == [], "formulas that were not set"
        seen.page.add_style_tag(
            content="* { content-visibility: visible !important }"
        )  # what is not laid out yet hides its width
        for width in WIDTHS:
            seen.page.set_viewport_size({"width": width, "height": 900})
            assert seen.page.evaluate("document.documentElement.scrollWidth") <= width, (
                f"scrolls sideways at {width} pixels"
            )
            wide = (
                "[...document.querySelectorAll('article pre')].filter(p => p.scrollWidth > "
                "p.clientWidth).map(p => p.textContent)"
            )
            assert seen.page.evaluate(wide) == [], f"code that scrolls at {width} pixels"
        # still at phone width
        cut = (
            "[...document.querySelectorAll('div.math')].filter(m => m.scrollWidth > "
            "m.clientWidth + 1).map(m => m.textContent)"
        )
        assert seen.page.evaluate(cut) == [], "an equation wider than a phone"
        assert seen.page.evaluate(CLIPPED) == [], "a formula cut at its top or its foot"
        parted = (
            "[...document.querySelectorAll('.unbroken')].filter(k => "
            "k.getClientRects().length > 1).map(k => k.textContent)"
        )
        assert seen.page.evaluate(parted) == [], "a formula that lost its comma to the next line"
        seen.page.evaluate(
            "Promise.all([...document.images].map(i => { i.loading = 'eager'; return "
            "i.decode().catch(() => null) })).then(() => 1)"
        )
        assert (
            seen.page.evaluate("[...document.images].filter(i => !i.naturalWidth).map(i => i.src)")
            == []
        )
        small = (
            "[...document.querySelectorAll('figure img')].filter(i => i.width < 0.55 * "
            "i.naturalWidth).map(i => i.currentSrc)"
        )
        assert seen.page.evaluate(small) == [], (
            "a figure whose letters of 15 pixels are below 8 on a phone"
        )
        assert sum(seen.bytes.values()) < 1.5e6, "the page and all it loads, without compression"
        headings = seen.page.evaluate(
            "[...document.querySelectorAll('main :is(h1,h2,h3,h4,h5,h6)')].filter(h => "
            "h.checkVisibility()).map(h => +h.tagName[1])"
        )
        assert headings.count(1) == 1 and headings[0] == 1, "one title, and first"
        assert all(there <= here + 1 for here, there in itertools.pairwise(headings)), (
            "a level of headings is left out"
        )
        seen.page.evaluate(axe.THINNED)
        for width, theme in zip(WIDTHS, ("light", "dark")):  # no fault hangs on both
            seen.page.set_viewport_size({"width": width, "height": 900})
            seen.page.evaluate(f"document.documentElement.dataset.theme = {theme!r}")
            found = axe.violations(seen.page, looks_alone=theme == "dark")
            assert found == [], f"{theme}, at {width} pixels"
        seen.page.wait_for_load_state("networkidle")  # what the dark page asks for besides
        assert seen.elsewhere == [], "asks another host"
        assert seen.missing == [] and seen.errors == []


# Displayed formulas of which something stands above or below the box that scrolls.
CLIPPED = """() => [...document.querySelectorAll("div.math")].filter((box) => {
  const { top, bottom } = box.getBoundingClientRect();
  return [...box.querySelectorAll("mjx-c, mjx-mrow, mjx-math")].some((part) => {
    const { top: first, bottom: last, height } = part.getBoundingClientRect();
    return height && (first < top - 0.5 || last > bottom + 0.5);
  });
}).map((box) => box.textContent)"""


def test_axe_sees_a_fault_where_there_is_one(visit):
    """A grey word on white, a button without a name, a picture without a description."""
    with visit(PAGES[0]) as seen:
        fault = (
            "<p style='color:#bbb;background:#fff'>faint</p><button></button><img "
            "src='../_static/favicon.svg'>"
        )
        seen.page.evaluate(
            f"document.querySelector('article').insertAdjacentHTML('beforeend', `{fault}`)"
        )
        assert {"color-contrast", "button-name", "image-alt"} <= {
            rule for rule, *_ in axe.violations(seen.page)
        }
        looks = axe.violations(seen.page, looks_alone=True)
        assert "color-contrast" in {rule for rule, *_ in looks}
