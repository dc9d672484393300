"""What a chapter must not hang on: cells that ran before, files it leaves, the processor's kernels."""

import copy
import os
import shutil
from pathlib import Path

import chapters
import kernels
import nbformat
import pytest
from nbclient import NotebookClient

BOOK = Path(__file__).resolve().parent.parent / "book"
KERNELS = kernels.runnable() or [""]


def files(folder):
    return {path.relative_to(folder) for path in folder.rglob("*")}


# each chapter under another kernel, so that one run of the tests meets them all; `make versions` runs every pair, and two threads
@pytest.mark.parametrize(("number", "path"), enumerate(chapters.CHAPTERS), ids=lambda v: getattr(v, "stem", None))
def test_a_chapter_runs_twice_in_one_kernel_and_leaves_nothing(tmp_path, number, path):
    """All its cells, and then all of them again, with their claims; on another BLAS kernel."""
    folder = tmp_path / "book"
    shutil.copytree(BOOK, folder, ignore=shutil.ignore_patterns(".ipynb_checkpoints"))
    book = nbformat.read(path, as_version=4)
    again = copy.deepcopy(book.cells)
    for cell in again:
        cell.id = f"{cell.id}-again"
    book.cells += again
    before = files(folder)
    variables = os.environ | kernels.environment(KERNELS[number % len(KERNELS)], 1)
    client = NotebookClient(book, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(folder)}})
    client.execute(env=variables)
    assert files(folder) == before
