"""The built site as a reader meets it: every page in a real browser, light, dark, wide, narrow."""

import importlib
import io
import itertools
import re
from functools import cache
from pathlib import Path
from urllib.parse import unquote, urldefrag, urljoin, urlparse

import axe_playwright_python
import pytest
import yaml
from bs4 import BeautifulSoup
from matplotlib.image import imread

ROOT = Path(__file__).resolve().parents[2]
SCHEMES = pytest.mark.parametrize("theme", ["light", "dark"])
WIDTHS = (1280, 390)


def toc(part):
    """The pages in the order of the table of contents."""
    if isinstance(part, list):
        return [name for item in part for name in toc(item)]
    if isinstance(part, dict):
        own = [part[key] for key in ("root", "file") if key in part]
        return own + [
            name for value in part.values() if isinstance(value, list) for name in toc(value)
        ]
    return []


PAGES = [f"{name}.html" for name in toc(yaml.safe_load((ROOT / "_toc.yml").read_text()))]


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
        seen.page.evaluate(THINNED)
        for width, theme in zip(WIDTHS, ("light", "dark")):  # no fault hangs on both
            seen.page.set_viewport_size({"width": width, "height": 900})
            seen.page.evaluate(f"document.documentElement.dataset.theme = {theme!r}")
            assert violations(seen.page) == [], f"{theme}, at {width} pixels"
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

# Tells what stands in the way of readers with other eyes, ears or hands. Before, what a page has
# many times over is taken out: the visible half of each formula, which screen readers do not see,
# and code in colours that were seen further up.
THINNED = """() => {
  for (const section of document.querySelectorAll("section"))
    section.style.contentVisibility = "visible";
  document.querySelectorAll("mjx-math").forEach((half) => half.remove());
  // what a closed fold holds is not there, but axe counts what the keyboard could reach in it
  for (const box of document.querySelectorAll("details:not([open]) [tabindex]"))
    box.removeAttribute("tabindex");
  const seen = new Set();
  for (const pre of document.querySelectorAll(".highlight pre")) {
    const kinds = ["", ...[...pre.querySelectorAll("span[class]")].map((span) => span.className)];
    if (kinds.every((kind) => seen.has(kind))) pre.textContent = "";
    kinds.forEach((kind) => seen.add(kind));
  }
}"""
AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8")


def violations(page):
    """The faults that axe-core finds on a page, but for minor ones, each with its first place."""
    page.evaluate("typeof axe === 'undefined'") and page.evaluate(AXE)
    found = page.evaluate(
        "axe.run({resultTypes: ['violations'], rules: {'target-size': {enabled: "
        "true}}}).then((result) => result.violations)"
    )
    return [
        (one["id"], one["nodes"][0]["target"], one["nodes"][0]["failureSummary"])
        for one in found
        if one["impact"] != "minor"
    ]


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
            rule for rule, *_ in violations(seen.page)
        }


@pytest.mark.parametrize("path", [*PAGES, "genindex.html"])
def test_links_within_the_site_lead_somewhere(site, path):
    address = "http://site/"
    links = [
        a["href"]
        for a in BeautifulSoup((site / path).read_text(encoding="utf-8"), "html.parser").find_all(
            "a", href=True
        )
    ]
    assert len(links) > 20
    for link in links:
        target, anchor = urldefrag(urljoin(address + path, link))
        if target.startswith(address):
            file = site / unquote(urlparse(target).path).lstrip("/")
            file = file / "index.html" if file.is_dir() else file
            assert file.is_file(), link
            if anchor and file.suffix == ".html":
                assert unquote(anchor) in anchors(file), link


@cache
def anchors(file):
    """The places of a page that a link can lead to."""
    return set(re.findall(r'\bid="([^"]+)"', file.read_text(encoding="utf-8")))


def test_previous_and_next_walk_the_whole_book(visit, site):
    for i, path in enumerate(PAGES):
        page = BeautifulSoup((site / path).read_text(encoding="utf-8"), "html.parser")
        for kind, there in (("left-prev", PAGES[i - 1 : i]), ("right-next", PAGES[i + 1 : i + 2])):
            assert [
                unquote(urlparse(urljoin(f"http://site/{path}", a["href"])).path)[1:]
                for a in page.select(f"a.{kind}")
            ] == there, path
    with visit(PAGES[4]) as seen:
        seen.page.click("a.right-next")
        seen.page.wait_for_url(seen.address + PAGES[5])
        seen.page.click("a.left-prev")
        seen.page.wait_for_url(seen.address + PAGES[4])


@pytest.mark.parametrize("width", WIDTHS)
def test_a_link_to_a_section_leads_to_its_heading(visit, width):
    """Also from outside, and to the last sections, where all above has not been laid out yet."""
    with visit("book/05-adam.html", width=width) as seen:
        sections = seen.page.evaluate(
            "[...document.querySelectorAll('article > section > section')].map(s => s.id)"
        )
        assert len(sections) > 8
        for name in [sections[len(sections) // 2], *sections[-2:]]:
            seen.page.goto("about:blank")
            seen.page.goto(f"{seen.address}book/05-adam.html#{name}", wait_until="load")
            place = (
                f"document.getElementById({name!r}).querySelector('h2').getBoundingClientRect().top"
            )
            low = 700 if name == sections[-1] else 150  # the last heading cannot come to the top
            seen.page.wait_for_function(f"-5 <= {place} && {place} <= {low}", timeout=5000)
            first = seen.page.evaluate(place)
            seen.page.wait_for_timeout(1000)  # meanwhile the rest is laid out
            assert abs(seen.page.evaluate(place) - first) < 20, f"{name} has run away"


def test_the_first_page_is_found_from_the_top(visit):
    with visit("") as seen:
        seen.page.wait_for_url(seen.address + PAGES[0])


@SCHEMES
def test_figures_take_the_page_s_colours(visit, site, theme):
    """A figure's empty corner has the page's own background; on a dark page the ink is light."""
    figures = re.compile(r'<div class="cell_output.*?<img', re.S)
    with_figure = next(
        path for path in PAGES if figures.search((site / path).read_text(encoding="utf-8"))
    )
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


def test_search_finds_bias_correction_in_the_chapter_on_adam(visit):
    with visit("search.html") as seen:
        seen.page.fill("main input[type=search]", "bias correction")
        seen.page.press("main input[type=search]", "Enter")
        seen.page.wait_for_selector("#search-results li a")
        seen.page.wait_for_load_state("networkidle")
        found = seen.page.locator("#search-results li a").evaluate_all(
            "links => links.map(a => a.getAttribute('href'))"
        )
        assert any(link.startswith("book/05-adam.html") for link in found)
        assert not [
            text
            for text in seen.page.locator("#search-results .context").all_text_contents()
            if ".pdf" in text or "Contents" in text
        ]
        seen.page.set_viewport_size({"width": 390, "height": 844})
        assert seen.page.evaluate("document.documentElement.scrollWidth") <= 390
        assert seen.elsewhere == [] and seen.missing == [] and seen.errors == []


CHAPTERS = [path for path in PAGES if re.search(r"/\d\d-", path)]


@pytest.mark.parametrize("path", CHAPTERS)
def test_the_first_use_of_a_term_leads_to_the_glossary(site, path):
    """No entry is linked twice, and the word is the chapter's own."""
    page = BeautifulSoup((site / path).read_text(encoding="utf-8"), "html.parser")
    links = [(a["href"], a.get_text()) for a in page.select("a.glossary-term")]
    assert len(links) >= 5
    assert len({target for target, _ in links}) == len(links)
    assert all(target.startswith("notation.html#term-") and word for target, word in links)
    classes = [a["href"] for a in page.select("a.api-name")]
    assert len(set(classes)) == len(classes) and all(link.startswith("api/") for link in classes)


def test_every_function_and_class_has_its_place_on_the_pages_of_optimlib(site):
    text = "".join((site / path).read_text(encoding="utf-8") for path in PAGES if "/api/" in path)
    documented = re.findall(
        r"automodule:: (optimlib\.\w+)",
        "".join(p.read_text() for p in (ROOT / "book/api").glob("*.md")),
    )
    assert len(documented) >= 10
    for name in documented:
        module = importlib.import_module(name)
        if hasattr(module, "__path__"):  # a package shows what lies in its modules
            shown = [k for k in module.__all__ if callable(getattr(module, k))]
            assert shown and all(re.search(rf'id="{name}\.(\w+\.)?{k}"', text) for k in shown)
            continue
        public = [
            k
            for k, v in vars(module).items()
            if not k.startswith("_") and getattr(v, "__module__", "") == name and v.__doc__
        ]
        assert public
        missing = [k for k in public if f'id="{name}.{k}"' not in text]
        assert not missing, f"{name}: {missing}"


def test_the_example_on_the_page_of_optimlib_runs():
    (code,) = re.findall(
        r"```python\n(.*?)```", (ROOT / "book/api.md").read_text(encoding="utf-8"), re.S
    )
    names = {}
    exec(code.replace("epochs=20", "epochs=2"), names)
    assert len(names["history"].history["val_accuracy"]) == 2


@SCHEMES
def test_a_first_visit_is_in_the_reader_s_own_colours(browser, address, theme):
    context = browser.new_context(color_scheme=theme)
    page, errors = context.new_page(), []
    page.on(
        "console", lambda message: errors.append(message.text) if message.type == "error" else None
    )
    page.goto(address + PAGES[1], wait_until="networkidle")
    assert page.evaluate("document.documentElement.dataset.theme") == theme
    assert errors == []
    context.close()


def test_the_first_page_shows_a_figure_that_answers_before_any_scrolling(visit):
    with visit(PAGES[0]) as seen:
        sliders = seen.page.locator(".explorable .x-controls").bounding_box()
        assert sliders["y"] + sliders["height"] <= 900
        seen.page.set_viewport_size({"width": 390, "height": 844})
        panel = seen.page.locator(".explorable .x-panel").first.bounding_box()
        assert panel["y"] + panel["height"] <= 844


def test_no_two_elements_of_a_page_have_one_id(site):
    for path in PAGES:
        ids = re.findall(r'\bid="([^"]+)"', (site / path).read_text(encoding="utf-8"))
        assert len(ids) == len(set(ids)), (path, {name for name in ids if ids.count(name) > 1})


@pytest.mark.parametrize("path", PAGES)
def test_a_page_says_what_it_is_where_it_is_shared(site, path):
    head = BeautifulSoup((site / path).read_text(encoding="utf-8"), "html.parser").head
    said = {tag.get("property") or tag.get("name"): tag.get("content") for tag in head("meta")}
    assert len(said["description"]) > 40 and said["og:title"] in head.title.get_text()
    assert (site / said["og:image"]).read_bytes().startswith(b"\x89PNG") and said["og:image:alt"]
    assert head.title.get_text().count("Optimizers, Step by Step") == 1


def test_a_missing_page_leads_back_to_the_book(browser, site):
    """A server may give it for an address of any depth, and stand anywhere itself."""
    page = browser.new_page()
    for missing, root in (
        ("/nowhere.html", "/"),
        ("/school/book/api/nowhere.html", "/school/"),
        ("/school/lite/lab/?path=a", "/school/"),
    ):
        page.route("**/*", lambda route: route.fulfill(path=site / "404.html"))
        page.goto(f"http://127.0.0.1:1{missing}")
        found = page.locator("a").evaluate_all("links => links.map(a => a.getAttribute('href'))")
        assert found == [root, f"{root}search.html"]
    page.close()


def test_the_words_of_a_search_are_marked_on_one_page_alone(visit):
    with visit("search.html?q=momentum") as seen:
        seen.page.wait_for_selector("#search-results li a")
        seen.page.locator("#search-results li a[href*='03-momentum']").first.click()
        seen.page.wait_for_selector("span.highlighted", state="attached")
        button = seen.page.locator(".highlight-link a")
        text = seen.page.locator(".bd-article h1").bounding_box()
        assert abs(button.bounding_box()["x"] - text["x"]) < 30, "in the column of the text"
        seen.page.goto(f"{seen.address}book/04-rmsprop.html")
        seen.page.wait_for_timeout(200)
        assert seen.page.locator("span.highlighted, .highlight-link").count() == 0


@pytest.mark.parametrize("width", [1440, 1280])
def test_without_the_list_of_pages_the_text_stands_in_the_middle(visit, width):
    with visit("book/03-momentum.html", width=width) as seen:
        seen.page.click(".sidebar-toggle.primary-toggle >> visible=true")
        seen.page.wait_for_timeout(600)
        box = seen.page.locator(".bd-article").bounding_box()
        left, right = box["x"], width - box["x"] - box["width"]
        assert left > 60 and left > right / 3
