"""What several test files share: the order, the times, the threads; and the built site."""

import os
import shutil
import sqlite3
import subprocess
import sys
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tools.isolation import isolate

isolate()  # one thread, too: the networks are small, more gain nothing and disturb each other

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def site():
    """The folder of the built site, built now; once a run, also where several processes share the tests."""
    build = ROOT / "_build"
    build.mkdir(exist_ok=True)
    this_run = os.environ.get("PYTEST_XDIST_TESTRUNUID", str(os.getpid()))
    lock = sqlite3.connect(build / "tested.sqlite", timeout=1200, isolation_level=None)
    lock.execute("BEGIN EXCLUSIVE")  # the other processes wait here, then find the row
    try:
        lock.execute("CREATE TABLE IF NOT EXISTS built (run TEXT, status INTEGER, log TEXT)")
        row = lock.execute("SELECT status, log FROM built WHERE run = ?", [this_run]).fetchone()
        if row is None:
            command = [
                str(Path(sys.executable).with_name("jupyter-book")),
                "build",
                str(ROOT),
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
    return build / "html"


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *arguments):
        pass


@pytest.fixture(scope="session")
def address(site):
    """The address that the built site is served at while the tests run, with a slash at its end."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=site)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@pytest.fixture(scope="session")
def launch():
    """launch(online=False) gives a Chromium, the system's or playwright's own; unless online, it reaches this machine alone.

    Without one these tests are skipped, or fail where BROWSER_NEEDED is set.
    """
    from playwright.sync_api import Error, sync_playwright

    found = [
        shutil.which(name) for name in ("chromium", "chromium-browser", "google-chrome", "chrome")
    ]
    quiet = [
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--no-first-run",
        "--disable-gpu",
    ]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        quiet.append("--no-sandbox")
    with sync_playwright() as playwright:

        def start(online=False):
            hosts = [] if online else ["--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"]
            try:
                return playwright.chromium.launch(
                    executable_path=next(filter(None, found), None), args=quiet + hosts
                )
            except Error as error:
                reason = "no Chromium: install one, or run `playwright install chromium` in the environment"
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
    """A page of the site in the browser, and all that went wrong on it. Every other host is out of reach."""

    def __init__(self, browser, address, path, theme="light", width=1280, **settings):
        self.address, self.errors, self.elsewhere, self.missing, self.bytes = (
            address,
            [],
            [],
            [],
            {},
        )
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
    """visit(path, theme="light", width=1280) opens a page of the site: a context manager that gives a `Visit`."""
    return partial(Visit, browser, address)


def pytest_terminal_summary(terminalreporter):
    """The time of every test file and chapter, slowest first: setup, calls and teardown of all its items."""
    seconds = {}
    for reports in terminalreporter.stats.values():
        for report in reports:
            if hasattr(report, "duration") and hasattr(report, "nodeid"):
                file = report.nodeid.split("::")[0]
                seconds[file] = seconds.get(file, 0.0) + report.duration
    if len(seconds) > 1:
        terminalreporter.section("time by file, slowest first")
        for file, time in sorted(seconds.items(), key=lambda item: -item[1]):
            terminalreporter.write_line(f"{time:7.1f} s  {file}")


# The files that take longest go first, so that no process is left alone with one at the end. The
# site's own leads, and builds the site while the next ones, which do not ask for it, run.
LONGEST = [
    "test_site",
    "test_course",
    "test_mutants",
    "08-choosing",
    "04-rmsprop",
    "05-adam",
    "07-schedules",
    "06-adamw",
    "03-momentum",
]
LONGEST += ["test_access", "test_explorable", "test_lite", "test_live"]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """By file, the longest first, within it as it stands there; what drives a browser is marked."""
    items.sort(
        key=lambda item: (
            LONGEST.index(item.path.stem) if item.path.stem in LONGEST else len(LONGEST)
        )
    )
    for item in items:
        if {"launch", "site"} & set(getattr(item, "fixturenames", ())):
            item.add_marker("browser")


def pytest_xdist_auto_num_workers(config):
    """A process more than cores: those that drive a browser or wait for a limit idle."""
    return (os.cpu_count() or 1) + 1
