"""Notebooks as readers get them: the marks of the site said in Markdown that any Jupyter shows."""

import contextlib
import json
import os
import re
import socket
import subprocess
import sys
import time

import nbformat
import pytest
from pybtex.database import parse_string

from tools import book
from web.extensions import notebooks

REFERENCES = parse_string(
    """
@article{one, author = {Ada {van Dam}}, year = {1990}, doi = {10.1/a(1)b}}
@article{two, author = {Kim, Jo and M\\"uller, Li}, year = {2001}, url = {https://example.org/2}}
@article{three, author = {Roe, A. and Poe, B. and Loe, C.}, year = {2010}}
""",
    "bibtex",
).entries


def markdown(text, **metadata):
    return {"cell_type": "markdown", "id": "m", "metadata": metadata, "source": text}


def code(text, **metadata):
    return {"cell_type": "code", "id": "c", "metadata": metadata, "source": text, "outputs": []}


def readable(*cells, chapter="3"):
    found = notebooks.readable({"cells": list(cells)}, chapter, REFERENCES)["cells"]
    return [cell | {"source": "".join(cell["source"])} for cell in found]


EXERCISE = "```{exercise-start} Twice\n:label: ex-1\n```\nWhy?\n```{exercise-end}\n```"
SOLUTION = "```{solution-start} ex-1\n:class: dropdown\n```\nSince $a$."


def test_an_exercise_has_its_number_and_its_title():
    assert [c["source"] for c in readable(markdown(EXERCISE), markdown(EXERCISE))] == [
        "**Exercise 3.1: Twice.**\n\nWhy?",
        "**Exercise 3.2: Twice.**\n\nWhy?",
    ]
    assert readable(markdown(EXERCISE), chapter=None)[0]["source"].startswith(
        "**Exercise: Twice.**"
    )


def test_a_solution_is_folded_with_its_code():
    cells = readable(
        markdown(EXERCISE),
        markdown(SOLUTION),
        code("a = 1"),
        markdown("So.\n```{solution-end}\n```\nAfter."),
        code("b = 2"),
    )
    assert cells[1]["source"] == (
        "<details>\n<summary>Solution of exercise 3.1</summary>\n\nSince $a$.\n\n</details>"
    )
    assert cells[2]["metadata"]["jupyter"] == {"source_hidden": True}
    assert cells[3]["source"].endswith("So.\n\n</details>\n\nAfter.")
    assert "jupyter" not in cells[4]["metadata"]


def test_what_the_page_folds_is_folded():
    (cell,) = readable(code("import os", tags=["hide-input"]))
    assert cell["metadata"]["jupyter"]["source_hidden"] and cell["source"] == "import os"


def test_a_figure_has_its_caption():
    figure = {"figure": {"caption": "The path, after {cite:t}`one`."}}
    cells = readable(code("draw()", mystnb=figure), code("draw()", mystnb=figure))
    assert [c["cell_type"] for c in cells] == ["code", "markdown"] * 2
    assert cells[3]["source"].startswith("*Figure 3.2.* The path, after [van Dam (1990)]")


@pytest.mark.parametrize(
    ("role", "text"),
    [
        ("{cite:t}`one`", "[van Dam (1990)](<https://doi.org/10.1/a(1)b>)"),
        ("{cite:t}`two`", "[Kim and M\u00fcller (2001)](<https://example.org/2>)"),
        ("{cite:p}`three`", "(Roe et al., 2010)"),
        (
            "{cite:t}`two, three`",
            "[Kim and M\u00fcller (2001)](<https://example.org/2>), Roe et al. (2010)",
        ),
    ],
)
def test_a_citation_is_author_and_year(role, text):
    assert readable(markdown(role))[0]["source"] == text


@pytest.mark.parametrize("path", book.notebooks(), ids=lambda path: path.stem)
def test_the_site_offers_no_mark_that_only_the_site_reads(site, path):
    name = path.relative_to(book.BOOK)
    notebook = nbformat.read(site / "lite/files" / name, as_version=4)
    nbformat.validate(notebook)
    text = "\n".join(c.source for c in notebook.cells if c.cell_type == "markdown")
    assert not re.search(r"(?m)^[`:]{3,} *\{|\{cite:|^:(label|class):", text)
    source = json.loads(path.read_text(encoding="utf-8"))["cells"]
    captions = [c["metadata"]["mystnb"]["figure"] for c in source if "mystnb" in c["metadata"]]
    assert text.count("*Figure") >= len(captions)


@pytest.fixture
def jupyterlab(tmp_path):
    """jupyterlab(notebook) starts a JupyterLab on it and gives the address to open."""
    pytest.importorskip("jupyterlab", reason="JupyterLab is not installed")
    started = []

    def start(notebook):
        (tmp_path / "notebook.ipynb").write_text(json.dumps(notebook), encoding="utf-8")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        settings = ["--no-browser", "--allow-root", "--ip=127.0.0.1", f"--ServerApp.port={port}"]
        settings += ["--IdentityProvider.token=t", f"--ServerApp.root_dir={tmp_path}"]
        folders = ("JUPYTER_CONFIG_DIR", "JUPYTERLAB_SETTINGS_DIR", "JUPYTERLAB_WORKSPACES_DIR")
        started.append(
            subprocess.Popen(
                [sys.executable, "-m", "jupyterlab", *settings],
                env=os.environ | dict.fromkeys(folders, str(tmp_path)),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        )
        for _ in range(240):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                break
            time.sleep(0.5)
        return f"http://127.0.0.1:{port}/lab/tree/notebook.ipynb?token=t"

    yield start
    for server in started:
        server.terminate()
        server.wait(120)  # it ends its kernels first, on a busy machine slowly


def test_in_jupyterlab_a_chapter_reads_as_on_its_page(browser, jupyterlab):
    """Exercises with titles, folded solutions and code, citations that lead to the paper."""
    figure = {"figure": {"caption": "What the path does."}}
    cells = readable(
        markdown("# A chapter\n\nAfter {cite:t}`two`.") | {"id": "a"},
        code("import os", tags=["hide-input"]) | {"id": "b"},
        code("draw = 1", mystnb=figure) | {"id": "c"},
        markdown(EXERCISE) | {"id": "d"},
        markdown(SOLUTION) | {"id": "e"},
        code("secret = 1") | {"id": "f"},
        markdown("```{solution-end}\n```\nAfter all.") | {"id": "g"},
    )
    cells = [c | {"execution_count": None} if c["cell_type"] == "code" else c for c in cells]
    notebook = {"cells": cells, "metadata": book.METADATA, "nbformat": 4, "nbformat_minor": 5}
    page = browser.new_page(viewport={"width": 1280, "height": 1400})
    page.goto(jupyterlab(notebook))
    shown = page.locator(".jp-Notebook .jp-RenderedMarkdown")
    shown.locator("h1").wait_for(timeout=120000)
    shown.get_by_text("After all.").wait_for()
    assert "Exercise 3.1: Twice." in shown.locator("strong").all_text_contents()
    assert shown.locator("a", has_text="Kim and").get_attribute("href") == "https://example.org/2"
    assert shown.get_by_text("Figure 3.1.").is_visible()
    solution = shown.locator("details")
    assert not solution.get_by_text("Since").is_visible()
    solution.locator("summary").click()
    assert solution.get_by_text("Since").is_visible()
    assert solution.locator("mjx-container").count() == 1
    code_cells = page.locator(".jp-Notebook .jp-CodeCell")
    folded = [code_cells.nth(i).locator(".jp-InputPlaceholder").count() for i in range(3)]
    assert folded == [1, 0, 1]
    page.close()
