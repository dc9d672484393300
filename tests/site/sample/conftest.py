"""A small book that uses all that a chapter can be marked with, built with the settings of the real one."""

import os
import re
import shutil
import subprocess
import sys
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
SLOW = ("lab", "report")  # rooms that the sample does without: JupyterLite, and the records


def settings():
    """The book's own settings, without the rooms that the sample needs not."""
    text = (ROOT / "_config.yml").read_text(encoding="utf-8")
    return re.sub(rf"(?m)^ *(- ({'|'.join(SLOW)})|book_pyodide: .*)\n", "", text)


def arrange(folder):
    """Put a book into a folder: the sample's pages, and links to what the real book's settings name."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "_config.yml").write_text(settings(), encoding="utf-8")
    shutil.copyfile(HERE / "_toc.yml", folder / "_toc.yml")
    shutil.copytree(HERE / "book", folder / "book", dirs_exist_ok=True)
    shutil.copyfile(ROOT / "book/references.bib", folder / "book/references.bib")
    for name in ("web", "tools", "optimlib"):
        if not (folder / name).exists():
            (folder / name).symlink_to(ROOT / name, target_is_directory=True)


def build(folder, *options):
    """Build the book in a folder; its log and whether it succeeded."""
    command = [str(Path(sys.executable).with_name("jupyter-book")), "build", str(folder), *options]
    environment = {name: value for name, value in os.environ.items() if name != "MPLBACKEND"}
    done = subprocess.run(
        command,
        env=environment | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    return done.stdout, done.returncode == 0


@pytest.fixture(scope="session")
def sample():
    """The folder of the built sample. Each process that shares the tests has its own."""
    folder = ROOT / "_build" / f"sample{os.environ.get('PYTEST_XDIST_WORKER', '')}"
    arrange(folder)
    log, succeeded = build(folder, "--all", "--warningiserror", "--keep-going")
    assert succeeded, f"the sample does not build:\n{log[-6000:]}"
    return folder / "_build/html"


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *arguments):
        pass


@pytest.fixture(scope="session")
def sample_address(sample):
    """The address that the sample is served at, with a slash at its end."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=sample)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@pytest.fixture
def open_page(browser, sample_address):
    """open_page(path="book/01-sample.html", width=1280, height=900, **context) gives a page.

    Nothing may be in error on it, and it may ask no other host.
    """
    contexts, faults = [], []

    def open_one(path="book/01-sample.html", width=1280, height=900, **settings):
        context = browser.new_context(viewport={"width": width, "height": height}, **settings)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("console", lambda said: faults.append(said.text) if said.type == "error" else None)
        page.on(
            "request",
            lambda asked: (
                None
                if asked.url.startswith((sample_address, "data:", "blob:"))
                else faults.append(asked.url)
            ),
        )
        page.goto(sample_address + path)
        return page

    yield open_one
    for context in contexts:
        context.close()
    assert faults == []
