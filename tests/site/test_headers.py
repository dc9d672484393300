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
    slider = page.locator(".explorable input[type=range]").first
    before = page.locator(".explorable svg").first.inner_html()
    slider.focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_function(
        "before => document.querySelector('.explorable svg').innerHTML !== before", arg=before
    )
    assert errors == []
    page.close()
