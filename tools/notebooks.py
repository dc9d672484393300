"""Run the book's notebooks, and clean them for committing.

    python -m tools.notebooks [--run | --check] [notebook ...]

Clean is: no outputs, no counts, ids of its own for each cell, the least metadata. Without
notebooks it takes all of book/. --check changes nothing, names those that are not clean and
returns 1. Where _config.yml names the book's repository, a clean notebook of the book has one cell
that installs optimlib from there if it is missing.
"""

import argparse
import hashlib
import json
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

from tools.book import BOOK, METADATA, config, notebooks, tags
from tools.isolation import isolate

CELL_METADATA = {"tags", "mystnb", "nbgrader", "deletable", "editable"}
INSTALL = """\
# Where optimlib is missing, as in Colab, this gets it; elsewhere it does nothing.
import importlib.util
if importlib.util.find_spec("optimlib") is None:
    get_ipython().run_line_magic("pip", "install --quiet git+{url}@{branch}")"""


def repository():
    """The `url` and `branch` of the book's repository; the url is empty where there is none."""
    found = config().get("repository", {})
    return {"url": (found.get("url") or "").rstrip("/"), "branch": found.get("branch") or "main"}


def with_install(cells, url="", branch="main"):
    """The cells with one that installs optimlib from `url` before the first that imports it.

    Without a url they have none.
    """
    cells = [cell for cell in cells if "install" not in tags(cell)]
    for number, cell in enumerate(cells):
        if url and cell.cell_type == "code" and "optimlib" in "".join(cell.source):
            install = nbformat.v4.new_code_cell(
                INSTALL.format(url=url, branch=branch),
                id="install",
                metadata={"tags": ["install", "remove-cell"]},
            )
            return [*cells[:number], install, *cells[number:]]
    return cells


def clean(text, repository=None):
    """The notebook `text` as it is committed; cleaning it once more changes nothing.

    Args:
        text: the notebook's file.
        repository: sets its install cell right: `url` and `branch`, or {} for no such cell. With
            None that cell stays as it is.
    """
    notebook = nbformat.from_dict(json.loads(text))  # `reads` would make up ids for repeated ones
    notebook.metadata, notebook.nbformat_minor = METADATA, 5
    if repository is not None:
        notebook.cells = with_install(notebook.cells, **repository)
    seen = set()
    for cell in notebook.cells:
        kept = {key: cell.metadata[key] for key in cell.metadata if key in CELL_METADATA}
        cell.metadata = {key: value for key, value in kept.items() if value not in ({}, [], None)}
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
        while not cell.get("id") or cell.id in seen:
            words = f"{len(seen)} {cell.get('id')} {cell.source}"
            cell.id = hashlib.sha256(words.encode()).hexdigest()[:8]
        seen.add(cell.id)
    nbformat.validate(notebook)
    return nbformat.writes(notebook).rstrip("\n") + "\n"


def error(path):
    """The error of running the notebook at `path` in its own folder, or None."""
    client = NotebookClient(
        nbformat.read(path, as_version=4),
        resources={"metadata": {"path": str(path.parent)}},
        timeout=120,
        kernel_name="python3",
        extra_arguments=["--IPKernelApp.log_level=ERROR"],
    )
    try:
        client.execute()
    except CellExecutionError as failure:
        return str(failure)
    return None


def failures(paths):
    """The notebooks that do not run; says of each whether it does.

    A student's version of an assignment, which waits for its answers, is left out.
    """
    isolate()
    complete = [path for path in paths if path.parent.name != "assignments"]
    failed = []
    with ThreadPoolExecutor(2) as pool:
        for path, failure in zip(complete, pool.map(error, complete), strict=True):
            print(f"{path.name}: {failure or 'runs'}", flush=True)
            if failure:
                failed.append(path)
    return failed


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--run", action="store_true", help="run them first; one in which a cell fails stays"
    )
    parser.add_argument(
        "--check", action="store_true", help="change nothing, name those that are not clean"
    )
    parser.add_argument("notebooks", nargs="*", type=Path)
    options = parser.parse_args(arguments)
    paths = [path.resolve() for path in options.notebooks] or notebooks()
    failed = failures(paths) if options.run else []
    for path in paths:
        before = path.read_text(encoding="utf-8")
        after = clean(before, repository() if BOOK in path.parents else None)
        if before == after or path in failed:
            continue
        if options.check:
            failed.append(path)
            print(f"{path.name} is not clean: run `make notebooks`")
        else:
            path.write_text(after, encoding="utf-8", newline="\n")
            print(f"{path.name}: cleaned")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
