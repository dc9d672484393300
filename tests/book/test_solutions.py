"""The worked solutions, shown or hidden: in pages, in the search, in the notebooks that the site offers."""

import ast
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "web/extensions"))
import lab  # noqa: E402
from solutions import without_solutions  # noqa: E402

CHAPTERS = sorted((ROOT / "book").glob("[0-9][0-9]-*.ipynb"))
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
CONF = f"""
import sys
sys.path.insert(0, {str(ROOT / "web/extensions")!r})
extensions = ["myst_nb", "sphinx_exercise", "solutions"]
nb_execution_mode = "off"
html_sourcelink_suffix = ""  # as Jupyter Book has it
myst_enable_extensions = ["colon_fence"]
"""
EXERCISE = "# A page\n\n## Exercises\n\n```{exercise-start} Easy\n:label: ex\n```\nAsked for: a quokka.\n```{exercise-end}\n```"
WHOLE = "```{exercise} Hard\n:label: hard\n\nAsked for: a wombat.\n```\n\n```{solution} hard\n:class: dropdown\n\nIt is secretly an okapi.\n```\n\nBetween."


@pytest.fixture
def book(tmp_path):
    """build(SOLUTIONS=...) makes a site of one notebook, with a solution in three cells and one in a part of a cell, anew or on top."""
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
        page, offered = (
            (site / "index.html").read_text(),
            (site / "_sources/index.ipynb").read_text(),
        )
        for kept in ("quokka", "wombat", "After it.", "Between."):
            assert kept in page and kept in offered
        assert nbformat.reads(offered, as_version=4).cells[-1].source == "kept = 1"


def test_another_word_than_yes_and_no_stops_the_build(book):
    done, _ = book(SOLUTIONS="perhaps")
    assert done.returncode != 0 and "'perhaps'" in done.stderr


@pytest.mark.parametrize("said", ["yes", "no"])
def test_the_lab_in_the_browser_has_the_solutions_that_the_pages_have(tmp_path, said):
    app = SimpleNamespace(srcdir=ROOT, config=SimpleNamespace(book_solutions=said))
    lab.copy_notebooks(app, CHAPTERS, tmp_path)
    for path in CHAPTERS:
        assert ("{solution-start}" in (tmp_path / path.name).read_text(encoding="utf-8")) == (
            said == "yes"
        )


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda p: p.stem)
def test_a_chapter_without_its_solutions_is_whole(path):
    """Only what stands between the beginning and the end of a solution is gone, and what is left uses no name that was made there."""
    before = json.loads(path.read_text(encoding="utf-8"))["cells"]
    after = without_solutions(before)
    text = "".join("".join(cell["source"]) for cell in after)
    assert (
        "{solution" not in text
        and text.count("{exercise-start}") == text.count("{exercise-end}") >= 3
    )
    kept, inside = [], False
    for cell in before:
        source = "".join(cell["source"])
        inside = inside or "{solution-start}" in source
        if not inside:
            kept.append(cell["id"])
        inside = inside and "{solution-end}" not in source
    assert [cell["id"] for cell in after if "".join(cell["source"]).strip()] == kept
    made = set(dir(__builtins__)) | {"__builtins__", "get_ipython", "display"}
    trees = [
        ast.parse(re.sub(r"(?m)^\s*%.*$", "", "".join(cell["source"])))
        for cell in after
        if cell["cell_type"] == "code"
    ]
    for tree in trees:  # a function may use a name that a later cell makes
        names = [node for node in ast.walk(tree) if isinstance(node, ast.Name)]
        made |= {node.id for node in names if isinstance(node.ctx, ast.Store)}
        made |= {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
        made |= {
            node.name
            for node in ast.walk(tree)
            if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.ExceptHandler)
        }
        made |= {
            (alias.asname or alias.name).split(".")[0]
            for node in ast.walk(tree)
            if isinstance(node, ast.Import | ast.ImportFrom)
            for alias in node.names
        }
    builtins = vars(__builtins__) if not isinstance(__builtins__, dict) else __builtins__
    for tree in trees:
        used = {
            node.id
            for node in ast.walk(tree)
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)
        }
        assert used - made - set(builtins) == set(), ast.unparse(tree)
