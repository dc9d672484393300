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
            claim = (
                " ".join(found.group(1).split())
                if found
                else claim
                if not cell.source.strip()
                else ""
            )
        elif not {"live", "install"} & set(cell.metadata.get("tags", [])):
            yield cell, claim
            claim = ""


def run(
    path, seed=0, transform=lambda tree, claim: tree, extra=None, skip=(), done=lambda number: None
):
    """Execute the chapter at `path` with `seed` in place of its own; `transform` may rewrite each cell's syntax tree first.

    skip: numbers of code cells to leave out; done(number) is called after each cell. Figures are drawn and thrown away. Raises whatever
    a cell raises, with a note that says which cell it was.
    """
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    namespace = {"__name__": "__main__", "display": lambda *shown: None, **(extra or {})}
    before = Path.cwd()
    os.chdir(path.parent)  # as a kernel does
    try:
        for number, (cell, claim) in enumerate(cells(path)):
            if number in skip:
                continue
            tree = transform(ast.parse(source(cell, seed)), claim)
            try:
                exec(
                    compile(ast.fix_missing_locations(tree), f"{path.stem}[{number}]", "exec"),
                    namespace,
                )
            except BaseException as error:
                error.add_note(f"in code cell {number} of {path.name}: {cell.source[:200]}")
                raise
            plt.close("all")
            done(number)
    finally:
        os.chdir(before)
    return namespace


def source(cell, seed=0):
    """A cell's code without magics, the seed replaced where it is the cell that sets it."""
    code = re.sub(r"(?m)^\s*%.*$", "", cell.source)
    return (
        re.sub(r"(?m)^seed = 0\b", f"seed = {seed}", code)
        if "parameters" in cell.metadata.get("tags", [])
        else code
    )


def and_what_hangs_on_them(path, slow):
    """The given cells, and all that use a name which no other cell before them sets."""
    missing, skip = set(), set(slow)
    for number, (cell, _) in enumerate(cells(path)):
        nodes = list(ast.walk(ast.parse(source(cell))))
        names = [n for n in nodes if isinstance(n, ast.Name)]
        made = {n.id for n in names if isinstance(n.ctx, ast.Store)}
        made |= {n.name for n in nodes if isinstance(n, ast.FunctionDef | ast.ClassDef)}
        made |= {
            (a.asname or a.name).split(".")[0]
            for n in nodes
            if isinstance(n, ast.Import | ast.ImportFrom)
            for a in n.names
        }
        if number in skip or {n.id for n in names if isinstance(n.ctx, ast.Load)} & (
            missing - made
        ):
            skip.add(number)
            missing |= made
        else:
            missing -= made
    return skip
