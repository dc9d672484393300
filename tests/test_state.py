"""What a chapter must not hang on: cells that ran before, files it leaves, the processor's kernels."""

import os
import shutil
from pathlib import Path

import chapters
import kernels
import nbformat
import pytest
from jupyter_client.manager import start_new_kernel

BOOK = Path(__file__).resolve().parent.parent / "book"
KERNELS = kernels.runnable() or [""]


def files(folder):
    return {path.relative_to(folder) for path in folder.rglob("*")}


# each chapter under another kernel, so that one run of the tests meets them all; `make versions` runs every pair, and two threads
@pytest.mark.parametrize(("number", "path"), list(enumerate(chapters.CHAPTERS)), ids=lambda v: getattr(v, "stem", None))
def test_a_chapter_runs_twice_in_one_kernel_and_leaves_nothing(tmp_path, number, path):
    """All its cells, and then all of them again, with their claims; on another BLAS kernel."""
    folder = tmp_path / "book"
    shutil.copytree(BOOK, folder, ignore=shutil.ignore_patterns(".ipynb_checkpoints"))
    before = files(folder)
    variables = os.environ | kernels.environment(KERNELS[number % len(KERNELS)], 1)
    # a client that blocks: nbclient's own at times sleeps through a message on a busy machine, until its time limit wakes it
    manager, kernel = start_new_kernel(cwd=str(folder), env=variables)
    try:
        for time in ("first", "second"):
            for cell in nbformat.read(path, as_version=4).cells:
                if cell.cell_type != "code":
                    continue
                reply = kernel.execute_interactive(cell.source, timeout=300, allow_stdin=False, output_hook=lambda message: None)["content"]
                assert reply["status"] == "ok", f"{cell.id}, the {time} time: {reply['ename']}: {reply['evalue']}"
    finally:
        kernel.stop_channels()
        manager.shutdown_kernel(now=True)
    assert files(folder) == before
