"""The worked solutions, shown or hidden: in pages, in the search, in the notebooks on offer."""

import ast
import builtins
import json
import os
import re
import subprocess
import sys
from types import SimpleNamespace

import nbformat
import pytest

from tools.book import CHAPTERS, METADATA, ROOT, code, loaded, named
from web.extensions import lab
from web.extensions.solutions import without_solutions

CONF = f"""
extensions = ["myst_nb", "sphinx_exercise", "sphinxcontrib.bibtex"]
extensions += ["web.extensions.solutions", "web.extensions.notebooks"]
bibtex_bibfiles = [{str(ROOT / "book/references.bib")!r}]
nb_execution_mode = "off"
html_sourcelink_suffix = ""  # as Jupyter Book has it
myst_enable_extensions = ["colon_fence"]
"""
EXERCISE = """\
# A page

## Exercises

```{exercise-start} Easy
:label: ex
```
Asked for: a quokka.
```{exercise-end}
```"""
WHOLE = """\
```{exercise} Hard
:label: hard

Asked for: a wombat.
```

```{solution} hard
:class: dropdown

It is secretly an okapi.
```

Between."""


@pytest.fixture
def book(tmp_path):
    """build(SOLUTIONS=...) makes a site of one notebook, anew or on top of the last.

    One of its solutions stands in three cells, one in a part of a cell.
    """
    cells = [
        nbformat.v4.new_markdown_cell(EXERCISE),
        nbformat.v4.new_markdown_cell(
            "```{solution-start} ex\n:class: dropdown\n```\nSecretly a tapir."
        ),
        nbformat.v4.new_code_cell("secret = 'aardvark'"),
        nbformat.v4.new_markdown_cell("More of the pangolin.\n```{solution-end}\n```\n\nAfter it."),
        nbformat.v4.new_markdown_cell(WHOLE),
        nbformat.v4.new_code_cell("kept = 1"),
    ]
    (tmp_path / "source").mkdir()
    (tmp_path / "source/conf.py").write_text(CONF)
    (tmp_path / "source/index.ipynb").write_text(
        nbformat.writes(nbformat.v4.new_notebook(cells=cells, metadata=METADATA))
    )

    def build(**environment):
        command = [
            sys.executable,
            "-m",
            "sphinx",
            "-q",
            "-W",
            "-b",
            "html",
            str(tmp_path / "source"),
            str(tmp_path / "site"),
        ]
        rest = {name: value for name, value in os.environ.items() if name != "SOLUTIONS"}
        done = subprocess.run(command, env=rest | environment, capture_output=True, text=True)
        return done, tmp_path / "site"

    return build


def files(site):
    return {
        path.relative_to(site): path.read_text(encoding="utf-8", errors="replace")
        for path in site.rglob("*")
        if path.is_file() and ".doctrees" not in path.parts
    }


SECRETS = r"(?i)tapir|aardvark|pangolin|okapi"


def test_solutions_are_shown_or_hidden_as_is_said(book):
    """Three builds into one folder: the last word counts."""
    for said, hidden in [
        ({}, False),
        ({"SOLUTIONS": "no"}, True),
        ({"SOLUTIONS": "yes"}, False),
        ({"SOLUTIONS": "no"}, True),
    ]:
        done, site = book(**said)
        assert done.returncode == 0, done.stderr
        found = {str(path) for path, text in files(site).items() if re.search(SECRETS, text)}
        assert found == (
            set() if hidden else {"index.html", "searchindex.js", "_sources/index.ipynb"}
        )
        page = (site / "index.html").read_text()
        offered = (site / "_sources/index.ipynb").read_text()
        for kept in ("quokka", "wombat", "After it.", "Between."):
            assert kept in page and kept in offered
        assert nbformat.reads(offered, as_version=4).cells[-1].source == "kept = 1"


def test_another_word_than_yes_and_no_stops_the_build(book):
    done, _ = book(SOLUTIONS="perhaps")
    assert done.returncode != 0 and "'perhaps'" in done.stderr


@pytest.mark.parametrize("said", ["yes", "no"])
def test_the_lab_in_the_browser_has_the_solutions_that_the_pages_have(tmp_path, said):
    config = SimpleNamespace(book_solutions=said, bibtex_bibfiles=["book/references.bib"])
    lab.copy_notebooks(SimpleNamespace(srcdir=ROOT, config=config), CHAPTERS, tmp_path)
    for path in CHAPTERS:
        text = (tmp_path / path.name).read_text(encoding="utf-8")
        assert "**Exercise" in text and ("Solution of exercise" in text) == (said == "yes")


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda p: p.stem)
def test_a_chapter_without_its_solutions_is_whole(path):
    """Only what stands between the marks of a solution is gone; what is left uses no name of it."""
    before = nbformat.read(path, as_version=4).cells
    after = without_solutions(before)
    notebook = json.dumps({"cells": after, "metadata": {}, "nbformat": 4, "nbformat_minor": 5})
    after = nbformat.reads(notebook, as_version=4).cells
    text = "".join(cell.source for cell in after)
    assert "{solution" not in text
    assert text.count("{exercise-start}") == text.count("{exercise-end}") >= 3
    kept, inside = [], False
    for cell in before:
        inside = inside or "{solution-start}" in cell.source
        if not inside:
            kept.append(cell.id)
        inside = inside and "{solution-end}" not in cell.source
    assert [cell.id for cell in after if cell.source.strip()] == kept
    # a function may use a name that a later cell sets
    trees = [ast.parse(code(cell)) for cell in after if cell.cell_type == "code"]
    known = set().union(*map(named, trees), dir(builtins), ["get_ipython", "display"])
    for tree in trees:
        assert loaded(tree) <= known, ast.unparse(tree)
