"""The buttons that open a chapter live, and the notebook that each page offers."""

import json
import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlparse

import pytest

from tools.book import METADATA, ROOT, config, notebooks

PAGES = [path.relative_to(ROOT).with_suffix("").as_posix() for path in notebooks()]
CONF = """
extensions = ["myst_nb", "sphinx_book_theme", "web.extensions.live"]
html_theme, nb_execution_mode = "sphinx_book_theme", "off"
html_theme_options = {{
    "repository_url": {address!r},
    "repository_branch": "second",
    "launch_buttons": {launch!r},
}}
"""


def buttons(page):
    """{text: address} of the buttons in a page's HTML that open it live."""
    found = re.findall(
        r'<a href="([^"]*(?:lite/lab|mybinder|colab)[^"]*)"[^>]*class="[^"]*btn[^>]*>(.*?)</a>',
        page,
        re.S,
    )
    return {" ".join(re.sub(r"<[^>]*>", " ", inner).split()): address for address, inner in found}


@pytest.fixture
def small_book(tmp_path):
    """small_book(address) builds a notebook and gives its page, or what Sphinx said."""

    def build(address):
        (tmp_path / "book/assignments").mkdir(parents=True)
        (tmp_path / "conf.py").write_text(
            CONF.format(address=address, launch=config()["launch_buttons"])
        )
        (tmp_path / "index.md").write_text(
            "# A book\n\n```{toctree}\nbook/assignments/1-first\n```\n"
        )
        book = {
            "cells": [{"cell_type": "markdown", "metadata": {}, "source": "# First", "id": "a"}],
            "metadata": METADATA,
            "nbformat": 4,
            "nbformat_minor": 5,
        }
        (tmp_path / "book/assignments/1-first.ipynb").write_text(json.dumps(book))
        done = subprocess.run(
            [sys.executable, "-m", "sphinx", "-q", "-W", tmp_path, tmp_path / "out"],
            cwd=ROOT,
            capture_output=True,
            text=True,
        )
        if done.returncode:
            return done.stderr
        assert buttons((tmp_path / "out/index.html").read_text()) == {}, (
            "buttons on a page that is no notebook"
        )
        return (tmp_path / "out/book/assignments/1-first.html").read_text()

    return build


def test_without_an_address_a_notebook_opens_in_the_browser_alone(small_book):
    assert buttons(small_book("")) == {
        "Run in your browser": "../../lite/lab/index.html?path=assignments/1-first.ipynb"
    }


def test_with_an_address_it_opens_in_binder_and_colab_too(small_book):
    found = buttons(small_book("https://github.com/someone/a.book"))
    assert list(found) == ["Run in your browser", "Binder", "Colab"]
    binder, colab = urlparse(found["Binder"]), urlparse(found["Colab"])
    assert binder.netloc == "mybinder.org" and binder.path == "/v2/gh/someone/a.book/second"
    assert parse_qs(binder.query) == {"urlpath": ["lab/tree/book/assignments/1-first.ipynb"]}
    assert (
        colab.netloc == "colab.research.google.com"
        and colab.path == "/github/someone/a.book/blob/second/book/assignments/1-first.ipynb"
    )


@pytest.mark.parametrize(
    "address",
    [
        "github.com/someone/book",
        "https://github.com/someone",
        "https://github.com/someone/book/",
        "https://example.org/someone/book",
    ],
)
def test_an_address_that_cannot_be_opened_is_said(small_book, address):
    assert "https://github.com/OWNER/NAME" in small_book(address)


@pytest.mark.parametrize("page", PAGES)
def test_every_notebook_of_the_site_has_its_buttons_and_its_file(site, page):
    html = (site / f"{page}.html").read_text(encoding="utf-8")
    found = buttons(html)
    others = ["Binder", "Colab"] if config()["repository"]["url"] else []
    assert list(found) == ["Run in your browser", *others]
    lab = urlparse(found["Run in your browser"])
    assert ((site / page).parent / lab.path).resolve() == site / "lite/lab/index.html"
    there = json.loads(
        (site / "lite/files" / unquote(parse_qs(lab.query)["path"][0])).read_text(encoding="utf-8")
    )
    (download,) = re.findall(r'<a href="([^"]*)"[^>]*btn-download-source-button', html)
    offered = ((site / page).parent / download).resolve()
    assert there["cells"] == json.loads(offered.read_text(encoding="utf-8"))["cells"]
    sources = json.loads((ROOT / f"{page}.ipynb").read_text(encoding="utf-8"))["cells"]
    code = [cell["source"] for cell in sources if cell["cell_type"] == "code"]
    assert code == [cell["source"] for cell in there["cells"] if cell["cell_type"] == "code"]


def test_the_notebook_is_downloaded_and_the_lab_comes_from_a_server(browser, site, visit):
    with visit(f"{PAGES[0]}.html") as seen:
        seen.page.click(".dropdown-download-buttons button")
        with seen.page.expect_download() as started:
            seen.page.click(".btn-download-source-button")
        assert started.value.suggested_filename == f"{Path(PAGES[0]).name}.ipynb"
        assert seen.errors == []
    page = browser.new_page()
    page.goto((site / f"{PAGES[0]}.html").as_uri())
    button = page.locator(".btn-live-lab")
    assert button.get_attribute("href") is None and "served" in (
        button.get_attribute("title") or button.get_attribute("data-bs-original-title")
    )
    page.close()


@pytest.mark.parametrize("page", PAGES)
def test_a_page_keeps_no_state_of_widgets(site, page):
    """Only a widget manager reads it, and the pages have none."""
    assert "widget-state+json" not in (site / f"{page}.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("page", PAGES)
def test_cells_that_want_a_kernel_are_in_the_notebook_and_not_on_the_page(site, page):
    assert "tag_live" not in (site / f"{page}.html").read_text(encoding="utf-8")
    source = json.loads((ROOT / f"{page}.ipynb").read_text(encoding="utf-8"))["cells"]
    there = {cell["id"] for cell in offered_cells(site, page)}
    assert {cell["id"] for cell in source if "live" in cell["metadata"].get("tags", [])} <= there


def offered_cells(site, page):
    """The cells of the notebook that JupyterLite has for a page."""
    name = Path(page).relative_to("book")
    return json.loads((site / f"lite/files/{name}.ipynb").read_text(encoding="utf-8"))["cells"]
