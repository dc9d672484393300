"""The built site as a reader meets it: links, search, colours, the way from page to page."""

import importlib
import io
import re
from functools import cache
from urllib.parse import unquote, urldefrag, urljoin, urlparse

import pytest
from bs4 import BeautifulSoup
from matplotlib.image import imread

from tools import book

SCHEMES = pytest.mark.parametrize("theme", ["light", "dark"])
WIDTHS = (1280, 390)


PAGES = [f"{page}.html" for page in book.pages()]


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
        "".join(p.read_text() for p in (book.ROOT / "book/api").glob("*.md")),
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
        r"```python\n(.*?)```", (book.ROOT / "book/api.md").read_text(encoding="utf-8"), re.S
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
