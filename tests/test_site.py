"""The built site as a reader meets it: every page in a real browser, light and dark, wide and at phone width, with no other host."""

import io
import json
import re
from pathlib import Path
from urllib.parse import unquote, urldefrag, urljoin, urlparse

import pytest
import yaml
from matplotlib.image import imread

ROOT = Path(__file__).resolve().parent.parent
SCHEMES = pytest.mark.parametrize("theme", ["light", "dark"])
WIDTHS = (1280, 390)


def toc(part):
    """The pages in the order of the table of contents."""
    if isinstance(part, list):
        return [name for item in part for name in toc(item)]
    if isinstance(part, dict):
        own = [part[key] for key in ("root", "file") if key in part]
        return own + [name for value in part.values() if isinstance(value, list) for name in toc(value)]
    return []


PAGES = [f"{name}.html" for name in toc(yaml.safe_load((ROOT / "_toc.yml").read_text()))]


@SCHEMES
@pytest.mark.parametrize("path", [*PAGES, "search.html", "genindex.html"])
def test_a_page_is_right_by_itself(visit, path, theme):
    with visit(path, theme) as seen:
        assert seen.page.evaluate("document.documentElement.dataset.theme") == theme
        seen.page.evaluate("window.MathJax && MathJax.startup.promise.then(() => true)")  # all formulas set
        raw = "[...document.querySelectorAll('.math')].filter(m => !m.querySelector('mjx-container')).map(m => m.textContent)"
        assert seen.page.evaluate(raw) == [], "formulas that were not set"
        assert seen.page.locator("mjx-merror").count() == 0
        for width in WIDTHS:
            seen.page.set_viewport_size({"width": width, "height": 900})
            assert seen.page.evaluate("document.documentElement.scrollWidth") <= width, f"scrolls sideways at {width} pixels"
        seen.page.evaluate("document.querySelectorAll('img[loading=lazy]').forEach(i => i.loading = 'eager')")
        seen.page.wait_for_load_state("networkidle")
        assert seen.page.evaluate("[...document.images].filter(i => !i.naturalWidth).map(i => i.src)") == []
        assert seen.elsewhere == [], "asks another host"
        assert seen.missing == [] and seen.errors == []


@pytest.mark.parametrize("path", PAGES)
def test_links_within_the_site_lead_somewhere(visit, site, path):
    with visit(path) as seen:
        for link in seen.page.evaluate("[...document.querySelectorAll('a[href]')].map(a => a.getAttribute('href'))"):
            target, anchor = urldefrag(urljoin(seen.address + path, link))
            if target.startswith(seen.address):
                file = site / unquote(urlparse(target).path).lstrip("/")
                file = file / "index.html" if file.is_dir() else file
                assert file.is_file(), link
                if anchor and file.suffix == ".html":
                    assert f'id="{unquote(anchor)}"' in file.read_text(encoding="utf-8"), link


def test_previous_and_next_walk_the_whole_book(visit):
    with visit(PAGES[0]) as seen:
        for here, there in zip(PAGES, PAGES[1:]):
            assert seen.page.url == seen.address + here
            seen.page.click("a.right-next")
            seen.page.wait_for_url(seen.address + there)
        assert seen.page.locator("a.right-next").count() == 0
        for here in PAGES[-2::-1]:
            seen.page.click("a.left-prev")
            seen.page.wait_for_url(seen.address + here)


def test_the_first_page_is_found_from_the_top(visit):
    with visit("") as seen:
        seen.page.wait_for_url(seen.address + PAGES[0])


@SCHEMES
def test_figures_take_the_page_s_colours(visit, site, theme):
    """The corner of a figure, which is empty, has the page's own background; on a dark page the ink is light."""
    figures = re.compile(r'<div class="cell_output.*?<img', re.S)
    with_figure = next(path for path in PAGES if figures.search((site / path).read_text(encoding="utf-8")))
    with visit(with_figure, theme) as seen:
        figure = seen.page.locator(".cell_output img").first
        figure.scroll_into_view_if_needed()
        pixels = screenshot(figure)
        page = seen.page.evaluate("getComputedStyle(document.body).backgroundColor")
        background = [int(v) for v in page[page.index("(") + 1 : -1].split(",")[:3]]
        assert abs(pixels[1, 1].astype(int) - background).max() <= 3
        light = pixels.mean(axis=-1)
        assert light.max() > 200 and light.min() < 60
        assert (abs(light - light[1, 1]) < 10).mean() > 0.3, "most of a figure is its background"


def screenshot(element):
    return (imread(io.BytesIO(element.screenshot()))[..., :3] * 255).round().astype("uint8")


FIGURE = ".explorable[data-on]"
PICTURE = "f => [...f.querySelectorAll('svg path')].map(p => p.getAttribute('d')).join()"


def settle(page):
    """Wait until what was asked for has been drawn."""
    page.evaluate("new Promise(drawn => requestAnimationFrame(() => requestAnimationFrame(drawn)))")


@pytest.mark.parametrize("path", [path for path in PAGES if re.search(r"/\d\d-|intro", path)])
def test_every_explorable_of_a_page_answers(visit, path):
    """Every slider moves its own figure and no other; a start that can be dragged moves by the arrow keys too."""
    with visit(path) as seen:
        figures = seen.page.locator(".explorable")
        count = figures.count()
        assert count >= (1 if "intro" in path else 2)
        assert seen.page.locator(FIGURE).count() == count, "a figure whose script did not run"
        for i in range(count):
            figure, others = figures.nth(i), [figures.nth(j) for j in range(count) if j != i]
            for select in figure.locator("select").all():
                select.select_option(index=1)  # at the first choice, such as a constant schedule, a slider may rightly do nothing
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
                settle(seen.page)
                assert figure.evaluate(PICTURE) != before
            assert [other.evaluate(PICTURE) for other in others] == before_others
        assert seen.errors == []


def test_the_index_of_claims_lists_every_claim(visit):
    """As many rows as the chapters have claims, each with a verdict and a link to its section."""
    said = sum(
        len(re.findall(r"\*\*Claim", "".join(cell["source"])))
        for path in (ROOT / "book").glob("[0-9][0-9]-*.ipynb")
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]
        if cell["cell_type"] == "markdown"
    )
    with visit("book/claims.html") as seen:
        rows = seen.page.locator("article tbody tr").all_inner_texts()
        assert len(rows) == said > 80
        assert all(re.search(r"(holds|holds on a condition|not borne out)$", row) for row in rows)
        assert seen.page.locator("article tbody tr a").count() >= said
