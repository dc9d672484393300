"""What a chapter must not hang on: cells that ran before, files that it leaves, the BLAS kernel.

A plugin for pytest. nbval runs the cells of each notebook; here each chapter gets a test that it
has left no files, and with --twice, before it, all its cells once more, in the same kernel, with
their claims. Its kernel multiplies by another BLAS kernel than the next chapter's, so that one run
meets them all; the site is built with the processor's own. `make versions` runs every pair, two
threads, and all cells twice.
"""

import os
from functools import cache
from itertools import groupby
from unittest import mock

import pytest
from nbval import kernel as nbval_kernel
from nbval.plugin import IPyNbCell

from tools import kernels
from tools.book import BOOK, CHAPTERS
from tools.isolation import isolate

isolate()


def files():
    return {
        path.relative_to(BOOK) for path in BOOK.rglob("*") if ".ipynb_checkpoints" not in path.parts
    }


class NothingLeft(pytest.Item):
    """That the book's folder holds the files that it held before."""

    def __init__(self, before, **settings):
        super().__init__(**settings)
        self.before = before

    def runtest(self):
        changed = files() ^ self.before
        assert not changed, f"files that were not there before, or are gone: {changed}"

    def repr_failure(self, excinfo):
        return str(excinfo.value)

    def reportinfo(self):
        return self.path, None, self.name


def pytest_addoption(parser):
    parser.addoption("--twice", action="store_true", help="run all cells of a chapter once more")


def pytest_collection_modifyitems(config, items):
    """All cells of a chapter again, if asked for, and what it leaves, after its last."""
    before, with_more, twice = files(), [], config.getoption("--twice")
    for file, group in groupby(list(items), key=lambda item: item.parent):
        cells = list(group)
        with_more += cells
        if file.path in CHAPTERS:
            with_more += [
                IPyNbCell.from_parent(
                    file,
                    name=f"{c.name}, again",
                    cell_num=c.cell_num,
                    cell=c.cell,
                    options=c.options,
                )
                for c in (cells if twice else [])
            ]
            with_more.append(NothingLeft.from_parent(file, name="leaves nothing", before=before))
    items[:] = with_more


START = nbval_kernel.start_new_kernel


def start_new_kernel(*arguments, **settings):
    """nbval's, which tries once more where a kernel ends before it answers.

    Its ports are chosen before it is there to take them, and whatever opens a connection on this
    machine in between, a browser or another kernel, may get one.
    """
    try:
        return START(*arguments, **settings)
    except RuntimeError:
        return START(*arguments, **settings)


nbval_kernel.start_new_kernel = start_new_kernel


@cache
def usable():
    return kernels.runnable() or [""]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item):
    """The first item of a chapter starts its kernel, which inherits this process' variables."""
    new = {}
    if item.path in CHAPTERS and "OPENBLAS_CORETYPE" not in os.environ:
        new = kernels.environment(usable()[CHAPTERS.index(item.path) % len(usable())], 1)
    with mock.patch.dict(os.environ, new):
        return (yield)
