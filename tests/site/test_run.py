"""Cells that run where they stand: pure Python in a real browser, with Pyodide served from here."""

import json
import os
import re
import subprocess
import sys
from functools import partial
from pathlib import Path

import axe_playwright_python
import pytest
from playwright.sync_api import expect

from tests.reader import serving
from tests.site.pyodide import PATIENCE, Handler, pyodide  # noqa: F401  (a fixture)
from tools import book as chapters
from web.extensions import needs, pyodide_files, run

expect.set_options(timeout=PATIENCE)
ROOT = Path(__file__).resolve().parents[2]
CONF = """
import sys
sys.path.insert(0, {root!r})
extensions = ["myst_nb", "sphinx_book_theme", "sphinx_togglebutton", "sphinx_exercise"]
extensions += ["sphinxcontrib.bibtex"]
bibtex_bibfiles = [{root!r} + "/book/references.bib"]
extensions += [f"web.extensions.{{room}}" for room in ("solutions", "lab", "run")]
html_theme, html_title, language = "sphinx_book_theme", "A book", "en"
html_static_path = [{root!r} + "/web/static"]
exclude_patterns = ["_build"]
html_context = {{"default_mode": "auto"}}
nb_execution_mode, nb_merge_streams, numfig = "force", True, True
nb_render_markdown_format = "myst"
"""
AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8")
OPEN_ALL = "document.querySelectorAll('details').forEach((details) => { details.open = true; })"
FIGURE = {
    "figure": {"caption": "As many dots as the seed says.", "name": "fig-dots"},
    "image": {"alt": "Dots in a row."},
}
DOTS = """\
class Dots:
    def _repr_svg_(self):
        dots = [f"<circle cx='{20 + 30 * i}' cy='20' r='9'/>" for i in range(seed + 1)]
        head = "<svg xmlns='http://www.w3.org/2000/svg' width='320' height='40'>"
        return f"{head}{''.join(dots)}</svg>"


Dots()"""
DRAG = """\
class Drag:
    def _repr_html_(self):
        return '''<div class="drag">
            <label>n <input type="range" max="9" value="2"></label> <b></b>
        </div>
        <script>
        for (const box of document.querySelectorAll(".drag:not([data-on])")) {
            box.dataset.on = "yes";
            const input = box.querySelector("input");
            const show = () => { box.querySelector("b").textContent = input.value ** 2; };
            input.oninput = show;
            show();
        }
        </script>'''


Drag()"""
WORDS = """\
import sys

letter = r"$\\mu$" if sys.platform == "emscripten" else "μ"


class Words:
    def _repr_markdown_(self):
        return f"With {letter} it is **tenfold**.\\n\\n| a | b |\\n|---|---:|\\n| `x` | 1 |"


Words()"""
DOUBLE = """\
def double(x):
    return None  # your line here


'right' if double(21) == 42 else 'not yet'"""
# (id, metadata, code or text)
PAGE = [
    ("top", None, "# A page\n\nAll that follows comes from one seed."),
    ("start", {"tags": ["parameters"]}, "import random\n\nseed = 0\nrng = random.Random(seed)"),
    ("draw", {}, "draws = [rng.random() for _ in range(4)]\nmean = sum(draws) / len(draws)\nmean"),
    (
        "helper",
        {"tags": ["hide-input"]},
        "def spread(values):\n    return max(values) - min(values)",
    ),
    ("apart", {}, "lonely = 7 * 6\nlonely"),
    ("said", None, "**Claim.** The draws spread over at least a half."),
    (
        "claim",
        {"tags": ["hide-input"]},
        "width = spread(draws)\nassert width >= 0.5\nf'{width:.2f}'",
    ),
    ("lines", {}, "for line in range(3):\n    print('line', line)\nlonely + 1"),
    (
        "dots",
        {"mystnb": FIGURE},
        DOTS,
    ),
    (
        "drag",
        {},
        DRAG,
    ),
    ("wrong", {"tags": ["raises-exception"]}, "numbers = []\nlonely / len(numbers)"),
    ("for-ever", {"tags": ["skip-execution"]}, "while True:\n    pass"),
    ("asked", None, "```{exercise-start} Double it\n:label: ex-double\n```\nWrite `double`."),
    (
        "check",
        {},
        DOUBLE,
    ),
    ("asked-end", None, "```{exercise-end}\n```"),
    ("control", {"tags": ["live", "remove-output"]}, "import ipywidgets"),
    ("end", {}, "f'{mean:.3f} and {lonely}'"),
    ("words", {}, WORDS),
]


def write_book(folder):
    """A book of one notebook, as Sphinx builds it."""
    (folder / "book").mkdir(parents=True, exist_ok=True)
    (folder / "conf.py").write_text(CONF.format(root=str(ROOT)))
    (folder / "index.md").write_text("# A book\n\n```{toctree}\nbook/page\n```\n")
    found = [
        {"cell_type": "markdown", "id": name, "metadata": {}, "source": text}
        if metadata is None
        else {
            "cell_type": "code",
            "id": name,
            "metadata": metadata,
            "source": text,
            "outputs": [],
            "execution_count": None,
        }
        for name, metadata, text in PAGE
    ]
    book = {"cells": found, "metadata": chapters.METADATA, "nbformat": 4, "nbformat_minor": 5}
    (folder / "book/page.ipynb").write_text(json.dumps(book))


@pytest.fixture(scope="module")
def book():
    """The folder of the built site of that book."""
    folder = ROOT / "_build/cells"  # in the project, as JupyterLite's builder wants it
    write_book(folder)
    done = subprocess.run(
        [sys.executable, "-m", "sphinx", "-q", "-W", folder, folder / "_build/html"],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return folder / "_build/html"


@pytest.fixture(scope="module")
def place(book, pyodide):  # noqa: F811
    """The address that the book is served at, with Pyodide beside it, with a slash at its end."""
    with serving(partial(Handler, site=book, pyodide=pyodide)) as address:
        yield address


class Reader:
    """A reader of the page, and all that the browser asked for and complained of."""

    def __init__(
        self, browser, address, path="book/page.html", theme="light", width=1280, **settings
    ):
        self.address, self.asked, self.errors = address, [], []
        self.context = browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme=theme, **settings
        )
        self.context.set_default_timeout(PATIENCE)
        self.context.on("request", lambda request: self.asked.append(request.url))
        self.page = self.context.new_page()
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.goto(address + path, wait_until="networkidle")

    @property
    def elsewhere(self):
        own = (self.address, "data:", "blob:")
        return [url for url in self.asked if not url.startswith(own)]

    def box(self, cell):
        """What a cell shows."""
        return self.page.locator(f"#out-{cell}")

    def said(self, cell):
        """What stands beside a cell's buttons."""
        return self.page.locator(f"#in-{cell} .run-said")

    def button(self, cell, name):
        return self.page.locator(f"#in-{cell} .run-bar button", has_text=re.compile(f"^{name}"))

    def unfold(self, cell):
        self.page.locator(f"#cell-{cell} details").evaluate("(details) => { details.open = true; }")

    def run(self, cell):
        """Press the cell's button and wait until nothing runs."""
        self.button(cell, "Run$").click()
        self.rest()

    def rest(self):
        self.page.wait_for_selector(".run-status.idle", state="attached")

    def write(self, cell, code):
        """Have the cell's editor hold this code."""
        area = self.page.locator(f"#in-{cell} textarea")
        if not area.is_visible():
            self.button(cell, "Edit").click()
        area.fill(code)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.context.close()


def faults(page):
    """The faults that axe-core finds in the text but for listings, each with its first place."""
    page.evaluate(AXE)
    found = page.evaluate(
        "axe.run({include: ['article'], exclude: ['.highlight']}, {resultTypes: ['violations'],"
        " rules: {'target-size': {enabled: true}}})"
        ".then((result) => result.violations)"
    )
    return [
        (one["id"], one["nodes"][0]["target"], one["nodes"][0]["failureSummary"]) for one in found
    ]


def code(name):
    return next(text for cell, _, text in PAGE if cell == name)


@pytest.fixture(scope="module")
def reader(browser, place):
    """One reader for the tests that follow, in their order, who has run the claim's cell."""
    with Reader(browser, place) as one:
        one.unfold("claim")
        one.run("claim")
        yield one
        assert one.errors == []


def test_before_the_click_a_page_loads_eight_kilobytes_and_no_python(browser, place, book):
    with Reader(browser, place) as seen:
        asked = {url.split("?")[0].rsplit("/", 1)[-1] for url in seen.asked}
        assert {"run.js", "run.css"} <= asked
        assert not asked & {"run_cells.js", "page.json", "jupyter-lite.json", "pyodide.mjs"}
        assert (
            sum((book / "_static" / name).stat().st_size for name in ("run.js", "run.css")) <= 8192
        )
        assert seen.elsewhere == [] and seen.errors == []
        bars = seen.page.locator(".run-bar")
        cells = [name for name, metadata, _ in PAGE if metadata is not None and name != "control"]
        assert bars.count() == len(cells), "a button too many, or too few"


def test_the_first_run_brings_the_cells_before_it_folded_ones_too(reader):
    expect(reader.said("claim")).to_contain_text(
        "3 of the 4 cells before it ran, those that it needs"
    )
    expect(reader.box("claim")).to_contain_text("Holds: checked here just now.")
    expect(reader.box("claim")).to_contain_text("'0.59'")
    assert reader.box("draw").locator(".run-result").count() == 0, "the book's own result was right"
    assert reader.elsewhere == []


def test_results_look_as_the_page_has_them(reader):
    for cell in ("lines", "dots", "drag", "words"):
        before = reader.box(cell).inner_text()
        reader.run(cell)
        assert reader.box(cell).locator(".run-result").count() == 1
        assert reader.box(cell).inner_text().split() == before.split()
    assert reader.box("lines").locator("pre").count() == 2  # printed, and the last value
    assert reader.box("words").locator("strong, td code").all_inner_texts() == ["tenfold", "x"]
    figure = reader.box("dots").locator("figure#fig-dots")
    assert figure.locator("figcaption").inner_text().startswith("Fig. 1 As many dots")
    assert figure.locator("img").get_attribute("alt") == "Dots in a row."
    assert figure.locator("img").evaluate("(image) => image.naturalWidth") == 320
    reader.box("drag").locator("input").press("ArrowRight")
    expect(reader.box("drag").locator("b")).to_have_text("9")


def test_an_error_is_a_sentence_and_its_traceback_is_folded(reader):
    reader.run("wrong")
    error = reader.box("wrong").locator(".run-error")
    expect(error.locator("p")).to_have_text("ZeroDivisionError in line 2: division by zero")
    assert not error.locator("pre").is_visible()
    error.locator("summary").click()
    expect(error.locator("pre")).to_contain_text("lonely / len(numbers)")


def test_an_exercise_is_checked_where_it_stands(reader):
    reader.write("check", code("check").replace("None  # your line here", "2 * x"))
    reader.page.keyboard.press("Control+Enter")
    expect(reader.box("check")).to_contain_text("'right'")
    reader.button("check", "As it was").click()
    expect(reader.box("check")).to_contain_text("'not yet'")


def test_a_cell_runs_twice_as_it_runs_once(reader):
    """Drawing goes on from where the generator stands: the cell that makes it runs again, too."""
    for _ in range(2):
        reader.run("draw")
        expect(reader.box("draw")).to_contain_text("0.570")
    expect(reader.said("draw")).to_contain_text(
        "1 of the 1 cell before it ran, the one that it needs"
    )


def test_fifty_quick_clicks_leave_every_result_under_its_own_cell(reader):
    cells = ["draw", "apart", "claim", "lines", "wrong", "end", "check"]
    wanted = {cell: reader.box(cell).inner_text().split() for cell in cells}
    wanted["apart"] = ["42"]
    wanted["end"] = ["'0.570", "and", "42'"]
    for click in range(50):
        reader.button(cells[click * 3 % len(cells)], "Run$").evaluate("(button) => button.click()")
    reader.rest()
    found = {cell: reader.box(cell).inner_text().split() for cell in cells}
    found["wrong"] = wanted["wrong"] if "ZeroDivisionError" in found["wrong"] else found["wrong"]
    assert found == wanted


def test_another_seed_makes_what_hangs_on_it_stale_and_claims_say_whether_they_hold(reader):
    reader.write("start", code("start").replace("seed = 0", "seed = 7"))
    stale = "From before your change."
    for cell in ("draw", "claim", "dots", "end"):
        expect(reader.box(cell)).to_contain_text(stale)
    for cell in ("apart", "lines", "drag", "check"):
        expect(reader.box(cell)).not_to_contain_text(stale)
    reader.button("start", "Run again from here").click()
    reader.rest()
    assert reader.page.locator(".run-stale").count() == 0
    expect(reader.box("claim").locator(".run-verdict.holds")).to_have_text(
        "Holds with seed 7, too."
    )
    assert (
        reader.box("dots")
        .locator("img")
        .get_attribute("alt")
        .endswith("drawn anew with your change.")
    )
    reader.write("start", code("start").replace("seed = 0", "seed = 3"))
    reader.run("claim")
    verdict = reader.box("claim").locator(".run-verdict.fails > p")
    expect(verdict).to_have_text(
        "Not with seed 3: 0.366 where at least 0.5 was claimed, for width."
    )


def test_changes_outlive_the_page_and_can_be_taken_back(reader):
    before = len(reader.asked)
    reader.page.reload(wait_until="networkidle")
    assert not any("lite/" in url for url in reader.asked[before:]), "it starts Python by itself"
    area = reader.page.locator("#in-start textarea")
    assert "seed = 3" in area.input_value()
    expect(reader.said("start")).to_have_text("Your change from before.")
    expect(reader.box("draw")).to_contain_text("From before your change.")
    reader.button("start", "As it was").click()
    expect(area).to_be_hidden()
    assert reader.page.locator(".run-stale").count() == 0
    assert (
        reader.page.evaluate("Object.keys(localStorage).filter((key) => key.startsWith('cells '))")
        == []
    )


def test_the_keyboard_gets_into_the_editor_and_out(reader):
    reader.button("apart", "Edit").focus()
    reader.page.keyboard.press("Enter")
    focus = (
        "document.activeElement.getAttribute('aria-label') ?? document.activeElement.textContent"
    )
    assert reader.page.evaluate(focus).startswith("Code of cell")
    reader.page.keyboard.press("Control+End")
    reader.page.keyboard.type("\nif lonely:\nlonely += 1")
    assert (
        reader.page.locator("#in-apart textarea")
        .input_value()
        .endswith("if lonely:\n    lonely += 1")
    )
    reader.page.keyboard.press("Tab")
    assert reader.page.evaluate(focus).startswith("Run cell")
    reader.button("apart", "As it was").click()
    assert reader.page.evaluate(focus).startswith("Edit cell")


def test_a_stopped_cell_says_so_and_the_next_run_starts_anew(reader):
    reader.button("for-ever", "Run$").click()
    reader.button("end", "Run$").click()
    reader.page.wait_for_selector("#in-for-ever.run-now")
    reader.page.locator(".run-status button", has_text="Stop").click()
    reader.rest()
    expect(reader.said("for-ever")).to_have_text("Stopped. The next run starts Python anew.")
    expect(reader.said("end")).to_have_text("")
    reader.run("end")
    expect(reader.box("end")).to_contain_text("'0.570 and 42'")
    expect(reader.said("end")).to_contain_text("3 of the 11 cells before it ran")


def test_all_cells_before_can_be_had(reader):
    reader.write("wrong", "numbers = [1]\nlonely / len(numbers)")
    reader.write("for-ever", "while False:\n    pass")
    reader.button("end", "All cells before").click()
    reader.rest()
    expect(reader.said("end")).to_contain_text("all 11 cells before it ran")
    expect(reader.box("wrong")).to_contain_text("42.0")
    expect(reader.box("claim")).to_contain_text("Holds: checked here just now.")


def test_a_cell_whose_forerunner_fails_says_which(reader):
    reader.write("draw", "draws = [rng.random() for _ in range(0)]\nmean = sum(draws) / len(draws)")
    reader.run("end")
    expect(reader.said("end")).to_have_text("It has not run: a cell before it failed.")
    expect(reader.box("draw")).to_contain_text("ZeroDivisionError in line 2")
    assert reader.said("end").locator("a").get_attribute("href") == "#in-draw"
    reader.write("draw", "draws = [")
    reader.run("draw")
    expect(reader.box("draw")).to_contain_text("SyntaxError in line 1")
    reader.button("draw", "As it was").click()
    assert reader.elsewhere == []


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_a_page_with_its_buttons_and_an_editor_has_no_fault_that_axe_finds(
    browser, place, theme, width
):
    with Reader(browser, place, theme=theme, width=width) as seen:
        seen.write("apart", "lonely = 1")
        assert faults(seen.page) == []
        assert seen.page.evaluate("document.documentElement.scrollWidth") <= width


def test_results_errors_verdicts_and_marks_have_no_fault_that_axe_finds(reader):
    reader.write("wrong", code("wrong"))
    reader.run("wrong")
    reader.write("start", code("start").replace("seed = 0", "seed = 3"))
    reader.unfold("claim")
    reader.run("claim")
    expect(reader.page.locator(".run-stale").first).to_be_visible()
    reader.page.locator(".run-error summary").click()
    for theme in ("light", "dark"):
        reader.page.evaluate(f"document.documentElement.dataset.theme = '{theme}'")
        assert faults(reader.page) == []
    reader.page.set_viewport_size({"width": 390, "height": 800})
    assert reader.page.evaluate("document.documentElement.scrollWidth") <= 390
    assert faults(reader.page) == []


def test_on_paper_there_are_no_buttons(browser, place):
    with Reader(browser, place) as seen:
        seen.page.emulate_media(media="print")
        assert not seen.page.locator(".run-bar").first.is_visible()


def test_from_a_file_and_without_scripts_a_sentence_stands_in_place_of_the_buttons(
    browser, book, place
):
    page = browser.new_page()
    page.goto((book / "book/page.html").as_uri())
    (why,) = page.locator(".run-bar").all_inner_texts()
    assert why.endswith("the book is opened from a server, as by make serve, and not from a file.")
    page.close()
    with Reader(browser, place, java_script_enabled=False) as seen:
        assert seen.page.locator(".run-bar").count() == 0
        sentence = seen.page.locator("noscript p")
        expect(sentence).to_have_text("Where scripts are allowed, cells run here.")
        expect(sentence).to_be_visible()


def test_offline_a_click_says_so_and_the_next_tries_again(browser, place):
    with Reader(browser, place) as seen:
        seen.context.set_offline(True)
        seen.button("apart", "Run$").click()
        expect(seen.said("apart")).to_contain_text("Is this machine offline?")
        seen.context.set_offline(False)
        seen.page.route("**/lite/static/pyodide/*", lambda route: route.abort())
        seen.button("apart", "Run$").click()
        expect(seen.said("apart")).to_contain_text("Python could not be fetched from this site.")
        seen.page.unroute_all()
        seen.button("apart", "Edit").click()
        expect(seen.page.locator("#in-apart textarea")).to_be_focused()


def test_without_enough_memory_a_sentence_says_so(browser, place):
    """A worker that answers as one does that gets no memory, in place of JupyterLite's."""
    error = {"name": "RangeError", "message": "could not allocate memory"}
    answer = {"type": "HANDLER", "name": "throw", "value": {"isError": True, "value": error}}
    worker = f"onmessage = ({{ data }}) => postMessage({{ id: data.id, ...{json.dumps(answer)} }})"
    with Reader(browser, place) as seen:
        seen.page.route(
            "**/comlink.worker.*.js",
            lambda route: route.fulfill(body=worker, content_type="text/javascript"),
        )
        seen.button("apart", "Run$").click()
        expect(seen.said("apart")).to_contain_text("This device has too little memory for Python")
    with Reader(browser, place) as seen:  # whose browser threw the page away while Python started
        seen.page.evaluate("sessionStorage.setItem('starting book/page', '1')")
        seen.page.reload()
        status = seen.page.locator(".run-status [role=status]")
        expect(status).to_contain_text("The page was loaded anew while Python was starting.")


def test_the_script_finds_the_cells_that_python_finds(browser, place):
    with Reader(browser, place) as seen:
        for path in chapters.CHAPTERS:
            facts = needs.facts([chapters.code(cell) for cell, _ in chapters.cells(path)])
            found = seen.page.evaluate(
                "(facts) => import('../_static/run_cells.js').then(({ needed }) =>"
                " facts.map((fact, place) => needed(facts.slice(0, place), fact)))",
                facts,
            )
            assert found == [needs.needed(facts, place) for place in range(len(facts))]


@pytest.mark.skipif(
    not os.environ.get("PYODIDE_ONLINE"),
    reason="numpy for the browser comes from Pyodide's public address: set PYODIDE_ONLINE=1",
)
def test_the_first_chapter_runs_in_place_from_its_last_cell(launch, address):
    """With Pyodide's numpy and matplotlib: its claims hold; how long a reader waits is printed."""
    notebook = json.loads((ROOT / "book/01-gradient-descent.ipynb").read_text(encoding="utf-8"))
    found = run.cells(notebook, [])["cells"]
    claims, last = [cell["id"] for cell in found if cell["claim"]], found[-1]["id"]
    with launch(online=True) as chromium:
        for cache in ("nothing fetched before", "Python fetched before"):
            with Reader(chromium, address, "book/01-gradient-descent.html") as seen:
                seen.page.evaluate(OPEN_ALL)
                seen.run(last)
                print(f"\n{cache}: the last cell: {seen.said(last).inner_text()}")
                assert seen.page.locator(".run-error, .run-verdict.fails").count() == 0
                seen.button(last, "All cells before").click()
                seen.rest()
                print(f"all of the chapter: {seen.said(last).inner_text()}")
                assert seen.page.locator(".run-error, .run-verdict.fails").all_inner_texts() == []
                for claim in claims:
                    expect(seen.box(claim)).to_contain_text("Holds: checked here just now.")
                assert all(url.startswith(pyodide_files.PUBLIC) for url in seen.elsewhere)
