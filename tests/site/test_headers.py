"""The site behind the strict header that README.md names: figures answer, nothing is forbidden."""

import re
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tools.book import ROOT

READING, _ = re.findall(r"(?m)^default-src .+$", (ROOT / "README.md").read_text(encoding="utf-8"))


class Strict(SimpleHTTPRequestHandler):
    """Serves files with the header that reading needs."""

    def end_headers(self):
        self.send_header("Content-Security-Policy", READING)
        super().end_headers()

    def log_message(self, *arguments):
        pass


@pytest.fixture
def strict(site):
    """The address of the built site with that header, with a slash at its end."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Strict, directory=site)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


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
