"""Run a chapter's code cells in this process: what the mutants and the margins share. nbval runs them in a real kernel."""

import ast
import os
import re
from pathlib import Path

import nbformat

ROOT = Path(__file__).resolve().parent.parent
CHAPTERS = sorted((ROOT / "book").glob("[0-9][0-9]-*.ipynb"))
CLAIM = re.compile(r"\*\*Claim[^*]*\*\*\s*([^\n]+(?:\n(?!\n)[^\n]+)*)")


def cells(path):
    """The code cells of a chapter that need no live kernel and install nothing, each with the claim that stands before it, or an empty string."""
    claim = ""
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type == "markdown":
            found = CLAIM.search(cell.source)
            claim = " ".join(found.group(1).split()) if found else claim if not cell.source.strip() else ""
        elif not {"live", "install"} & set(cell.metadata.get("tags", [])):
            yield cell, claim
            claim = ""


def run(path, seed=0, transform=lambda tree, claim: tree, extra=None):
    """Execute the chapter at `path` with `seed` in place of its own; `transform` may rewrite each cell's syntax tree first.

    Figures are drawn and thrown away. Raises whatever a cell raises, with a note that says which cell it was.
    """
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    namespace = {"__name__": "__main__", "display": lambda *shown: None, **(extra or {})}
    before = Path.cwd()
    os.chdir(path.parent)  # as a kernel does
    try:
        for number, (cell, claim) in enumerate(cells(path)):
            source = re.sub(r"(?m)^\s*%.*$", "", cell.source)
            if "parameters" in cell.metadata.get("tags", []):
                source = re.sub(r"(?m)^seed = 0\b", f"seed = {seed}", source)
            tree = transform(ast.parse(source), claim)
            try:
                exec(compile(ast.fix_missing_locations(tree), f"{path.stem}[{number}]", "exec"), namespace)
            except BaseException as error:
                error.add_note(f"in code cell {number} of {path.name}: {cell.source[:200]}")
                raise
            plt.close("all")
    finally:
        os.chdir(before)
    return namespace
