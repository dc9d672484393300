"""The sample under axe, folded and unfolded, in both schemes; nothing sticks out at any width."""

import pytest

from tests.site.axe import AXE

# in a closed fold axe measures what is not there: the size of targets is judged with all open
RUN = """axe.run({resultTypes: ["violations"], rules: {"target-size": {enabled:
  document.querySelector("details:not([open])") === null}}}).then(
  (result) => result.violations.filter((one) => one.impact !== "minor")
    .map((one) => [one.id, one.nodes[0].html.slice(0, 200)]))"""


@pytest.mark.parametrize("path", ["book/01-sample.html", "book/claims.html"])
@pytest.mark.parametrize(("theme", "width"), [("light", 1280), ("dark", 390)])
def test_axe_finds_nothing(open_page, path, theme, width):
    page = open_page(path, width=width, color_scheme=theme)
    page.add_style_tag(content="* { content-visibility: visible }")
    page.evaluate(AXE)
    assert page.evaluate(RUN) == []
    page.evaluate("document.querySelectorAll('details').forEach(fold => (fold.open = true))")
    if "sample" in path:
        page.locator("#prediction-1 input >> nth=0").check()
        page.locator("#prediction-1 [type=submit]").click()
        # or the page's head may cover half a button; a scroll that is under way ends first
        page.wait_for_timeout(500)
        page.evaluate("scrollTo({ top: 0, behavior: 'instant' })")
        page.wait_for_function("scrollY === 0")
    assert page.evaluate(RUN) == []


@pytest.mark.parametrize("width", [320, 390, 768, 1440])
def test_nothing_sticks_out(open_page, width):
    page = open_page(width=width)
    for _ in range(2):
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        page.evaluate(
            "document.querySelectorAll('details.fold').forEach(fold => (fold.open = true))"
        )
