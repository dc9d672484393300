"""Run the book's notebooks and clean them for committing: no outputs, no counts, stable ids, the least metadata.

    python tests/notebooks.py [--run | --check] [notebook ...]

Without notebooks it takes all of book/. --check changes nothing, names those that are not clean and returns 1.
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

BOOK = Path(__file__).resolve().parent.parent / "book"
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
CELL_METADATA = {"tags", "mystnb", "nbgrader", "deletable", "editable"}


def clean(text):
    """The notebook `text` as it is committed. Cleaning twice changes nothing more."""
    book = nbformat.from_dict(json.loads(text))  # nbformat.reads would give repeated ids others by chance
    book.metadata, book.nbformat_minor = METADATA, 5
    seen = set()
    for cell in book.cells:
        cell.metadata = {key: value for key, value in cell.metadata.items() if key in CELL_METADATA and value not in ({}, [], None)}
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
        while not cell.get("id") or cell.id in seen:
            cell.id = hashlib.sha256(f"{len(seen)} {cell.get('id')} {cell.source}".encode()).hexdigest()[:8]
        seen.add(cell.id)
    nbformat.validate(book)
    return nbformat.writes(book).rstrip("\n") + "\n"


def run(path):
    """The error of running the notebook at `path` in its own folder, or None."""
    book = nbformat.read(path, as_version=4)
    settings = {"timeout": 120, "kernel_name": "python3", "extra_arguments": ["--IPKernelApp.log_level=ERROR"]}
    try:
        NotebookClient(book, resources={"metadata": {"path": str(path.parent)}}, **settings).execute()
    except CellExecutionError as error:
        return str(error)


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--run", action="store_true", help="run them first; nothing is cleaned where a cell fails")
    parser.add_argument("--check", action="store_true", help="change nothing, name those that are not clean")
    parser.add_argument("notebooks", nargs="*", type=Path)
    options = parser.parse_args(arguments)
    notebooks = [path.resolve() for path in options.notebooks] or sorted(BOOK.glob("*.ipynb"))
    failed = []
    if options.run:
        with ThreadPoolExecutor(2) as pool:
            for path, error in zip(notebooks, pool.map(run, notebooks)):
                print(f"{path.name}: {'runs' if error is None else error}", flush=True)
                failed += [path] if error else []
    for path in notebooks:
        before = path.read_text(encoding="utf-8")
        after = clean(before)
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
