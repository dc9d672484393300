"""The notebooks as they are committed, and what cleans and runs them."""

import importlib.util
import json
import re
import socket
import sys

import nbformat
import nbval.kernel
import pytest

from tools import book, notebooks
from tools.book import ROOT

BOOK = book.notebooks()
SOURCES = sorted((ROOT / "course/source").rglob("*.ipynb"))
OPTIMLIB = [path for path in BOOK if path.parent.name != "assignments"]  # those need numpy alone
ADDRESS = {"url": "https://github.com/someone/a-book", "branch": "main"}


@pytest.mark.parametrize("path", [*BOOK, *SOURCES], ids=lambda p: f"{p.parent.name}/{p.stem}")
def test_notebooks_are_committed_clean(path):
    text = path.read_text(encoding="utf-8")
    assert notebooks.clean(text, notebooks.repository()) == text, "run `make notebooks`"


@pytest.mark.parametrize("path", [*BOOK, *SOURCES], ids=lambda p: f"{p.parent.name}/{p.stem}")
def test_what_a_markdown_cell_fences_off_it_ends(path):
    """Sphinx ends a fence where its cell ends; what makes readers' copies does not."""
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type == "markdown":
            assert len(re.findall(r"(?m)^(?:```|:::)", cell.source)) % 2 == 0, cell.source


@pytest.mark.parametrize("path", OPTIMLIB, ids=lambda p: p.stem)
def test_one_guarded_cell_installs_optimlib_where_it_is_missing(path, monkeypatch):
    """With an address a notebook has one such cell, not seen on the page; without, none."""
    text = path.read_text(encoding="utf-8")
    installing = notebooks.clean(text, ADDRESS)
    assert notebooks.clean(installing, ADDRESS) == installing
    assert notebooks.clean(installing, {}) == notebooks.clean(text, {})
    cells = nbformat.reads(installing, as_version=4).cells
    (place,) = [number for number, cell in enumerate(cells) if "install" in book.tags(cell)]
    code = [number for number, cell in enumerate(cells) if cell.cell_type == "code"]
    assert place == next(number for number in code if "optimlib" in cells[number].source) > 0
    assert "remove-cell" in book.tags(cells[place])
    magics = []

    class Shell:
        def run_line_magic(self, *words):
            magics.append(words)

    exec(cells[place].source, {"get_ipython": Shell})
    assert magics == []
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    exec(cells[place].source, {"get_ipython": Shell})
    assert magics == [("pip", "install --quiet git+https://github.com/someone/a-book@main")]


def test_the_cleaner_cleans(tmp_path, capsys):
    code = {
        "cell_type": "code",
        "execution_count": 3,
        "id": "same",
        "source": "1",
        "outputs": [{"output_type": "stream", "name": "stdout", "text": "x"}],
        "metadata": {
            "collapsed": True,
            "tags": ["keep"],
            "mystnb": {"image": {"alt": "kept"}},
            "ExecuteTime": {"start": 1},
        },
    }
    dirty = {
        "cells": [code, {"cell_type": "markdown", "metadata": {}, "id": "same", "source": "words"}],
        "metadata": {"kernelspec": {"display_name": "x", "name": "other"}, "widgets": {}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    path = tmp_path / "a.ipynb"
    path.write_text(json.dumps(dirty))
    assert notebooks.main(["--check", str(path)]) == 1 and json.loads(path.read_text()) == dirty
    assert "a.ipynb is not clean" in capsys.readouterr().out
    assert notebooks.main([str(path)]) == 0 and notebooks.main(["--check", str(path)]) == 0
    notebook = nbformat.read(path, as_version=4)
    first, second = notebook.cells
    assert (first.id, first.execution_count, first.outputs) == ("same", None, [])
    assert first.metadata == {"tags": ["keep"], "mystnb": {"image": {"alt": "kept"}}}
    assert second.id not in ("same", "")
    assert notebook.metadata == book.METADATA
    assert [cell.source for cell in notebook.cells] == ["1", "words"]


def write(path, code):
    cells = [nbformat.v4.new_code_cell(code)]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)


def test_a_failing_cell_fails_the_run_and_leaves_the_notebook(tmp_path, capsys):
    path = tmp_path / "a.ipynb"
    write(path, "assert 1 == 2, 'not so'")
    before = path.read_text()
    assert notebooks.main(["--run", str(path)]) == 1
    assert "not so" in capsys.readouterr().out and path.read_text() == before


def test_the_kernel_is_this_environment_s(tmp_path):
    answer = tmp_path / "answer"
    write(tmp_path / "a.ipynb", f"import sys; open({str(answer)!r}, 'w').write(sys.prefix)")
    assert notebooks.main(["--run", str(tmp_path / "a.ipynb")]) == 0
    assert answer.read_text() == sys.prefix


@pytest.mark.long
@pytest.mark.parametrize("taken", [1, 2], ids=["once", "always"])
def test_a_kernel_whose_port_was_taken_meanwhile_is_started_once_more(taken, monkeypatch):
    """Between the choice of a port and the kernel that takes it lies a second."""
    starts, holders = [], []

    class Overtaken(nbval.kernel.KernelManager):
        async def _async_launch_kernel(self, *arguments, **settings):
            starts.append(self.shell_port)
            if len(starts) <= taken:
                holders.append(socket.create_server(("127.0.0.1", self.shell_port)))
            await super()._async_launch_kernel(*arguments, **settings)

    monkeypatch.setattr(nbval.kernel, "KernelManager", Overtaken)
    name = nbval.kernel.CURRENT_ENV_KERNEL_NAME
    try:
        if taken == 1:
            manager, client = nbval.kernel.start_new_kernel(kernel_name=name)
            client.stop_channels()
            manager.shutdown_kernel(now=True)
        else:
            with pytest.raises(RuntimeError, match="Kernel died"):
                nbval.kernel.start_new_kernel(kernel_name=name)
    finally:
        for holder in holders:
            holder.close()
    assert len(starts) == 2
