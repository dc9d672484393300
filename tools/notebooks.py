"""Run the book's notebooks and clean them for committing: no outputs, no counts, stable ids, the least metadata.

    python tools/notebooks.py [--run | --check] [notebook ...]

Without notebooks it takes all of book/. --check changes nothing, names those that are not clean and returns 1. Where _config.yml
names the book's repository, a clean notebook of the book has one cell that installs optimlib from there if it is missing.
"""

import argparse
import hashlib
import json
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nbformat
import yaml
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

ROOT = Path(__file__).resolve().parent.parent
BOOK = ROOT / "book"
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
CELL_METADATA = {"tags", "mystnb", "nbgrader", "deletable", "editable"}
INSTALL = """\
# Where optimlib is missing, as in Colab, this gets it; elsewhere it does nothing.
import importlib.util
if importlib.util.find_spec("optimlib") is None: get_ipython().run_line_magic("pip", "install --quiet git+{url}@{branch}")"""


def repository():
    """The `url` and `branch` of the book's repository in _config.yml; an empty url where there is none."""
    found = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8")).get("repository", {})
    return {"url": (found.get("url") or "").rstrip("/"), "branch": found.get("branch") or "main"}


def all_notebooks():
    """The notebooks of the book, those in folders of their own too."""
    return sorted(path for path in BOOK.rglob("*.ipynb") if ".ipynb_checkpoints" not in path.parts)


def with_install(cells, url="", branch="main"):
    """The cells with one before the first that imports optimlib, which installs it from `url`, or with none where that is empty."""
    cells = [cell for cell in cells if "install" not in cell.metadata.get("tags", [])]
    first = next(
        (
            i
            for i, cell in enumerate(cells)
            if cell.cell_type == "code" and "optimlib" in "".join(cell.source)
        ),
        None,
    )
    if url and first is not None:
        cell = nbformat.v4.new_code_cell(
            INSTALL.format(url=url, branch=branch),
            id="install",
            metadata={"tags": ["install", "remove-cell"]},
        )
        cells.insert(first, cell)
    return cells


def clean(text, repository=None):
    """The notebook `text` as it is committed; with a `repository`, {} for none, its install cell is set right too. Idempotent."""
    book = nbformat.from_dict(
        json.loads(text)
    )  # nbformat.reads would give repeated ids others by chance
    book.metadata, book.nbformat_minor = METADATA, 5
    if repository is not None:
        book.cells = with_install(book.cells, **repository)
    seen = set()
    for cell in book.cells:
        cell.metadata = {
            key: value
            for key, value in cell.metadata.items()
            if key in CELL_METADATA and value not in ({}, [], None)
        }
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
        while not cell.get("id") or cell.id in seen:
            cell.id = hashlib.sha256(
                f"{len(seen)} {cell.get('id')} {cell.source}".encode()
            ).hexdigest()[:8]
        seen.add(cell.id)
    nbformat.validate(book)
    return nbformat.writes(book).rstrip("\n") + "\n"


def run(path):
    """The error of running the notebook at `path` in its own folder, or None."""
    book = nbformat.read(path, as_version=4)
    settings = {
        "timeout": 120,
        "kernel_name": "python3",
        "extra_arguments": ["--IPKernelApp.log_level=ERROR"],
    }
    try:
        NotebookClient(
            book, resources={"metadata": {"path": str(path.parent)}}, **settings
        ).execute()
    except CellExecutionError as error:
        return str(error)


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument(
        "--run", action="store_true", help="run them first; nothing is cleaned where a cell fails"
    )
    parser.add_argument(
        "--check", action="store_true", help="change nothing, name those that are not clean"
    )
    parser.add_argument("notebooks", nargs="*", type=Path)
    options = parser.parse_args(arguments)
    notebooks = [path.resolve() for path in options.notebooks] or all_notebooks()
    failed = []
    if options.run:
        complete = [
            path for path in notebooks if path.parent.name != "assignments"
        ]  # a student's version waits for its answers
        with ThreadPoolExecutor(2) as pool:
            for path, error in zip(complete, pool.map(run, complete)):
                print(f"{path.name}: {'runs' if error is None else error}", flush=True)
                failed += [path] if error else []
    for path in notebooks:
        before = path.read_text(encoding="utf-8")
        after = clean(before, repository() if BOOK in path.parents else None)
        if before != after and path not in failed:
            if options.check:
                failed.append(path)
                print(f"{path.name} is not clean: run `make notebooks`")
            else:
                path.write_text(after, encoding="utf-8", newline="\n")
                print(f"{path.name}: cleaned")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
