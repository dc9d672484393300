"""The site behind the strict header that README.md names: figures answer, nothing is forbidden."""

import re
from functools import partial

import pytest

from tests.reader import Quiet, serving
from tools.book import ROOT

READING, _ = re.findall(r"(?m)^default-src .+$", (ROOT / "README.md").read_text(encoding="utf-8"))


class Strict(Quiet):
    """Serves files with the header that reading needs."""

    def end_headers(self):
        self.send_header("Content-Security-Policy", READING)
        super().end_headers()


@pytest.fixture
def strict(site):
    """The address of the built site with that header, with a slash at its end."""
    with serving(partial(Strict, directory=site)) as address:
        yield address


def test_a_chapter_is_read_under_the_header_that_the_readme_names(browser, strict):
    """Scripts in a page may run, those of other hosts or made from text may not."""
    assert "unsafe-eval" not in READING and "http" not in READING
    page = browser.new_page()
    errors = []
    page.on("console", lambda m: errors.append(m.text) if m.type == "error" else None)
    page.goto(strict + "book/intro.html")
    figure = page.locator(".explorable").first
    before = figure.inner_html()
    figure.locator("input[type=range]:visible").first.press("Home")
    for _ in range(300):  # the browser's own waiting would make a function from text
        if figure.inner_html() != before:
            break
        page.wait_for_timeout(100)
    assert figure.inner_html() != before, "the slider is dead"
    assert errors == []
    page.close()
