"""The built site and a reader's browser: fixtures for whatever looks at pages."""

import os
import sqlite3
import subprocess
import sys
import threading
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tools import book


@pytest.fixture(scope="session")
def site():
    """The folder of the built site, built now: once a run, however many processes share it."""
    book.BUILD.mkdir(exist_ok=True)
    this_run = os.environ.get("PYTEST_XDIST_TESTRUNUID", str(os.getpid()))
    lock = sqlite3.connect(book.BUILD / "tested.sqlite", timeout=1200, isolation_level=None)
    lock.execute("BEGIN EXCLUSIVE")  # the other processes wait here, then find the row
    try:
        lock.execute("CREATE TABLE IF NOT EXISTS built (run TEXT, status INTEGER, log TEXT)")
        row = lock.execute("SELECT status, log FROM built WHERE run = ?", [this_run]).fetchone()
        if row is None:
            command = [
                str(Path(sys.executable).with_name("jupyter-book")),
                "build",
                str(book.ROOT),
                "--warningiserror",
                "--keep-going",
            ]
            as_by_hand = {
                name: value for name, value in os.environ.items() if name != "MPLBACKEND"
            }  # with it, pages have no figures
            done = subprocess.run(
                command,
                env=as_by_hand,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
            )
            row = done.returncode, done.stdout
            lock.execute("DELETE FROM built")
            lock.execute("INSERT INTO built VALUES (?, ?, ?)", [this_run, *row])
        lock.execute("COMMIT")
    finally:
        lock.close()
    status, log = row
    assert status == 0, f"the book does not build:\n{log[-6000:]}"
    return book.SITE


class Quiet(SimpleHTTPRequestHandler):
    """Serves files and says nothing."""

    def log_message(self, *arguments):
        pass


@contextmanager
def serving(handler):
    """The address at which a handler answers requests, with a slash at its end."""
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@pytest.fixture(scope="session")
def address(site):
    """The address that the built site is served at, with a slash at its end."""
    with serving(partial(Quiet, directory=site)) as place:
        yield place


@pytest.fixture(scope="session")
def launch():
    """launch(online=False) gives a Chromium that reaches this machine alone, unless online.

    Where there is none these tests are skipped, or fail if BROWSER_NEEDED is set.
    """
    from playwright.sync_api import Error, sync_playwright

    with sync_playwright() as playwright:

        def start(online=False):
            try:
                return playwright.chromium.launch(
                    executable_path=book.chromium(), args=book.chromium_arguments(online)
                )
            except Error as error:
                reason = "no Chromium: install one, or run `playwright install chromium`"
                if os.environ.get("BROWSER_NEEDED"):
                    raise RuntimeError(reason) from error
                pytest.skip(reason)

        yield start


@pytest.fixture(scope="session")
def browser(launch):
    """A Chromium that reaches no other host."""
    chromium = launch()
    yield chromium
    chromium.close()


class Visit:
    """A page of the site in a browser that reaches no other host, and all that went wrong on it."""

    def __init__(self, browser, address, path, theme="light", width=1280, **settings):
        self.address, self.bytes = address, {}
        self.errors, self.elsewhere, self.missing = [], [], []
        self.context = browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme=theme, **settings
        )
        self.page = self.context.new_page()
        self.page.add_init_script(
            f"localStorage.setItem('mode', '{theme}'); localStorage.setItem('theme', '{theme}')"
        )
        self.page.on(
            "request",
            lambda r: (
                self.elsewhere.append(r.url)
                if not r.url.startswith((address, "data:", "blob:"))
                else None
            ),
        )
        self.page.on(
            "console",
            lambda message: self.errors.append(message.text) if message.type == "error" else None,
        )
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on(
            "response",
            lambda r: self.missing.append(f"{r.status} {r.url}") if r.status >= 400 else None,
        )
        self.page.on(
            "requestfinished",
            lambda r: self.bytes.__setitem__(r.url, r.sizes()["responseBodySize"]),
        )
        self.page.goto(address + path, wait_until="networkidle")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.context.close()


@pytest.fixture
def visit(browser, address):
    """visit(path, theme="light", width=1280) opens a page: a context manager, a `Visit`."""
    return partial(Visit, browser, address)
