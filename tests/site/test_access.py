"""The site for readers without a mouse, without motion, without a server, and on paper."""

import re
import subprocess
import sys
from unicodedata import normalize

import pytest
from pypdf import PdfReader

from tools import book, cover

ROOT = book.ROOT

PAGES = book.pages()
CHAPTERS = [name for name in PAGES if re.search(r"/\d\d-", name)]


@pytest.mark.parametrize("path", ["book/intro", "book/03-momentum", "search"])
def test_the_keyboard_reaches_everything(visit, path):
    """By the Tab key, every link, button, slider and box in sight gets its turn, and shows it."""
    with visit(f"{path}.html") as seen:
        page = seen.page
        page.evaluate(
            "document.addEventListener('focusin', (event) => "
            "event.target.setAttribute('data-reached', ''))"
        )
        page.evaluate("document.activeElement.blur()")
        reachable = "a[href], button, input, select, summary, textarea, [tabindex='0']"
        seen_ones = (
            f"[...document.querySelectorAll(`{reachable}`)].filter(e => "
            f"e.checkVisibility({{visibilityProperty: true}}) && !e.disabled)"
        )
        # but what appears while the keyboard is on its way, and behind it
        count = page.evaluate(f"{seen_ones}.map(e => e.setAttribute('data-there', '')).length")
        assert count > 20
        unmarked = set()
        for _ in range(count + 10):
            page.keyboard.press("Tab")
            unmarked.add(page.evaluate(MARKED))
        missed = (
            f"{seen_ones}.filter(e => e.matches('[data-there]:not([data-reached])') && "
            "!e.matches('[type=radio]')).map(e => e.outerHTML.slice(0, 200))"
        )
        assert page.evaluate(missed) == []
        assert unmarked <= {""}, "what has the focus must show it"


# the element with the focus, where nothing about it shows that it has it
MARKED = """() => {
  const e = document.activeElement, look = () => {
    const s = getComputedStyle(e);
    return s.outline + s.boxShadow + s.borderColor + s.backgroundColor + s.textDecoration;
  };
  if (e === document.body) return "";
  const focused = look();
  const { outlineStyle, outlineWidth } = getComputedStyle(e);
  const outlined = outlineStyle !== "none" && parseFloat(outlineWidth) > 0;
  if (outlined) return "";
  e.blur(); const without = look(); e.focus();
  return focused === without ? e.outerHTML.slice(0, 200) : "";
}"""


@pytest.mark.parametrize("path", ["book/intro", "book/03-momentum"])
def test_nothing_moves_for_who_asked_for_less_motion(visit, path):
    moving = """[...document.querySelectorAll("*")].filter((e) =>
      [null, "::before", "::after"].some((part) => {
      const style = getComputedStyle(e, part);
      const times = [style.transitionDuration, style.animationDuration].join().split(",");
      return times.some((time) => parseFloat(time) > 0)
        && style.animationName + style.transitionProperty !== "nonenone";
    })).map((e) => e.outerHTML.slice(0, 120))"""
    with visit(f"{path}.html", reduced_motion="no-preference") as seen:
        assert seen.page.evaluate(moving), "the theme moves things, or this test sees nothing"
    with visit(f"{path}.html", reduced_motion="reduce") as seen:
        assert seen.page.evaluate(moving) == []
        assert (
            seen.page.evaluate("getComputedStyle(document.documentElement).scrollBehavior")
            == "auto"
        )


@pytest.mark.parametrize("path", PAGES)
def test_figures_say_what_is_seen(site, path):
    """Every picture of a page has a description; those of the chapters' figures are sentences."""
    text = (site / f"{path}.html").read_text(encoding="utf-8")
    article = text[text.index('<article class="bd-article') : text.index("</article>")]
    images = re.findall(r"<img\b[^>]*>", article)
    described = [re.search(r'alt="([^"]*)"', image) for image in images]
    assert all(described)
    assert all(len(alt[1]) >= 60 for alt in described)
    outer = re.sub(
        r"(<svg\b[^>]*>)(?:(?!<svg\b).)*?(?:<svg\b[^>]*>.*?</svg>(?:(?!<svg\b).)*?)*</svg>",
        r"\1",
        article,
        flags=re.S,
    )
    assert all(
        'aria-label="' in drawing or 'aria-hidden="true"' in drawing
        for drawing in re.findall(r"<svg\b[^>]*>", outer)
    )


def test_a_chapter_works_from_a_file(browser, site):
    """Formulas and fonts stand, explorables answer, the search finds, and nothing is in error."""
    context = browser.new_context(offline=True, viewport={"width": 1280, "height": 900})
    page, errors = context.new_page(), []
    page.on(
        "console", lambda message: errors.append(message.text) if message.type == "error" else None
    )
    page.on("pageerror", lambda error: errors.append(str(error)))
    # a picture further down may be on its way when the reader goes on to the next page
    page.on(
        "requestfailed",
        lambda request: (
            errors.append(request.url) if request.failure != "net::ERR_ABORTED" else None
        ),
    )
    page.on(
        "request",
        lambda request: (
            errors.append(request.url)
            if not request.url.startswith(("file:", "data:", "blob:"))
            else None
        ),
    )
    page.goto((site / "book/03-momentum.html").as_uri(), wait_until="networkidle")
    page.wait_for_function("document.querySelectorAll('mjx-container').length > 50")
    loaded = page.evaluate(
        "document.fonts.ready.then(() => [...document.fonts].filter(f => f.status == "
        "'loaded').map(f => f.family))"
    )
    assert {"Source Serif 4", "MJXTEX-I"} <= {family.strip('"') for family in loaded}
    figure = page.locator(".explorable").first
    picture = "f => [...f.querySelectorAll('svg path')].map(p => p.getAttribute('d')).join()"
    before = figure.evaluate(picture)
    figure.locator("input[type=range]").first.press("PageUp")
    page.evaluate("new Promise(drawn => requestAnimationFrame(() => requestAnimationFrame(drawn)))")
    assert figure.evaluate(picture) != before
    page.click("a.right-next")
    page.wait_for_url("**/04-rmsprop.html")
    page.goto((site / "search.html").as_uri() + "?q=bias+correction", wait_until="networkidle")
    page.wait_for_selector("#search-results li a")
    assert any(
        "05-adam" in link
        for link in page.locator("#search-results li a").evaluate_all(
            "links => links.map(a => a.href)"
        )
    )
    assert errors == []
    context.close()


def test_the_cover_is_drawn_by_optimlib(tmp_path, monkeypatch):
    """The committed drawings are those that the script makes, to the last digit."""
    monkeypatch.setattr(cover, "STATIC", tmp_path)
    committed = ROOT / "web/static"
    cover.main()
    assert {path.name for path in tmp_path.iterdir()} == {"cover.svg", "logo.svg", "favicon.svg"}
    for path in tmp_path.iterdir():
        assert path.read_text() == (committed / path.name).read_text(), (
            f"run: python -m tools.cover ({path.name})"
        )


def test_pages_of_the_book_become_one_pdf(browser, site, tmp_path):
    """In the order of the contents, which say where each begins; links, bookmarks.

    A third of the book, for it takes long; `make pdf` prints all of it.
    """
    printed = [PAGES[0], *CHAPTERS[::4], "book/notation", "book/references"]
    target = tmp_path / "book.pdf"
    command = [
        sys.executable,
        "-m",
        "tools.pdf",
        *printed[::-1],
        "--site",
        str(site),
        "--target",
        str(target),
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    reader = PdfReader(target)
    assert 50 < len(reader.pages) < 250 and f"{len(reader.pages)} pages" in done.stdout
    assert "Optimizers, Step by Step" in letters(reader.pages[0])
    number, contents = letters(reader.pages[1]).split(" Contents ")
    assert number == "2"
    titles = {path: title(site / f"{path}.html") for path in printed}
    begins = []
    for path in printed:
        (number,) = re.findall(re.escape(titles[path]) + r" (\d+)(?: |$)", contents)[:1]
        begins.append(int(number))
        assert titles[path] in letters(reader.pages[int(number) - 1]), (
            f"{path} does not begin on page {number}"
        )
    assert begins == sorted(begins)
    for path, first, after in zip(printed, begins, [*begins[1:], len(reader.pages) + 1]):
        if path in CHAPTERS:
            assert after - first >= 8
            text = "".join(map(letters, reader.pages[first - 1 : after - 1])).replace(
                " ", ""
            )  # a PDF keeps no spaces
            assert text.count("Claim") >= 5 and "Solutionto" in text and "References" in text
            assert "Onthewebsite,thisfigurehassliders" in text
    outline = ["".join(item.title.split()) for item in flat(reader.outline)]
    assert all("".join(titles[path].split()) in outline for path in printed)
    elsewhere = [link for page in reader.pages for link in addresses(page)]
    assert len(elsewhere) > 30, "the references"
    assert [link for link in elsewhere if not link.startswith("https://")] == [], (
        "a link to a file of this machine"
    )


def test_a_page_that_is_none_is_not_printed():
    command = [sys.executable, "-m", "tools.pdf", "book/03-momentun"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 2 and "no page of the book: book/03-momentun" in done.stderr


def letters(page):
    """The text of a page of a PDF, without ligatures."""
    return " ".join(normalize("NFKC", page.extract_text()).split())


def title(path):
    text = path.read_text(encoding="utf-8")
    article = text[text.index('<article class="bd-article') :]
    heading = re.search(r"<h1>(.*?)<a class=\"headerlink", article, re.S)[1]
    return " ".join(re.sub(r"<[^>]+>", "", heading).split())


def flat(outline):
    """The bookmarks of a PDF, those inside of others too."""
    for item in outline:
        yield from flat(item) if isinstance(item, list) else [item]


def addresses(page):
    """Where the links of a page lead, those out of the document."""
    for annotation in page.get("/Annots", []):
        action = annotation.get_object().get("/A", {})
        if "/URI" in action:
            yield str(action["/URI"])
