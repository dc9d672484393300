"""A small book that uses all that a chapter can be marked with, built as the real one is."""

from functools import partial

import pytest

from tests.reader import Quiet, serving
from tests.site import small_book


@pytest.fixture(scope="session")
def sample():
    """The folder of the built sample."""
    folder = small_book.arrange(f"sample{small_book.WORKER}")
    log, succeeded = small_book.build(folder, "--all", "--warningiserror", "--keep-going")
    assert succeeded, f"the sample does not build:\n{log[-6000:]}"
    return folder / "_build/html"


@pytest.fixture(scope="session")
def sample_address(sample):
    """The address that the sample is served at, with a slash at its end."""
    with serving(partial(Quiet, directory=sample)) as address:
        yield address


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
