"""Sphinx extension: cells of a page run where they stand, in the kernel of the site's JupyterLite.

At build time each cell of a page gets an id, and each notebook a file with its cells' code and with
what they do to names. The page itself loads run.js and run.css alone; all else is fetched when a
reader runs or edits a cell.
"""

import ast
import json
import re
import shutil
from pathlib import Path

from docutils import nodes
from sphinx.util.logging import getLogger

from . import needs, pyodide_files, solutions

ROOT = Path(__file__).resolve().parents[2]
LOG = getLogger(__name__)
LEFT_OUT = {"live", "install"}  # tags of cells that want widgets, or another machine
CLAIM = re.compile(r"\*\*(Claim[^*]*|Check|What we see)\.\*\*")
KERNEL = "extensions/@jupyterlite/pyodide-kernel-extension/static"  # in JupyterLite
OPTIMLIB = ["numpy", "matplotlib", "tqdm", "optimlib"]  # what importing its figures takes
PARTS = {"cell_code": "cell", "cell_code_source": "in", "cell_code_output": "out"}
NO_SCRIPT = "<noscript><p>Where scripts are allowed, cells run here.</p></noscript>"


def setup(app):
    app.connect("doctree-resolved", name_cells)
    app.connect("html-page-context", add_script)
    app.connect("build-finished", write_files, priority=600)  # JupyterLite stands by then
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def notebook(app, name):
    """The notebook of a page as its file has it, or None where the page is none."""
    path = Path(app.env.doc2path(name))
    return json.loads(path.read_text(encoding="utf-8")) if path.suffix == ".ipynb" else None


def runs(cell):
    return cell["cell_type"] == "code" and not LEFT_OUT & set(cell["metadata"].get("tags", []))


def name_cells(app, doctree, name):
    """Give each cell that runs, its code and its output an id by which scripts find them."""
    found = notebook(app, name)
    if found is None:
        return
    every = [c for c in doctree.findall(nodes.container) if c.get("nb_element") == "cell_code"]
    there = [(c, found["cells"][c["cell_index"]]) for c in every]
    there = [(container, cell) for container, cell in there if runs(cell)]
    for container, cell in there:
        for part in container.findall(nodes.container):
            if prefix := PARTS.get(part.get("nb_element")):
                part["ids"].append(f"{prefix}-{cell['id']}")
    for container, _ in there[:1]:
        container += nodes.raw("", NO_SCRIPT, format="html")


def add_script(app, name, template, context, doctree):
    """Load what puts the buttons there on pages that are notebooks."""
    if context.get("page_source_suffix") == ".ipynb":
        app.add_css_file("run.css")
        app.add_js_file("run.js", loading_method="defer", **{"data-page": name})


def write_files(app, error):
    """Write each notebook's cells, and where the kernel is."""
    lite, folder = Path(app.outdir) / "lite", Path(app.outdir) / "_static/cells"
    if error or app.builder.name != "html" or not (lite / KERNEL).exists():
        return  # without JupyterLite there is nothing to say where it is
    workers = [*(lite / KERNEL).glob("comlink.worker.*.js")]
    piplite = [*(lite / KERNEL).glob("pypi/piplite-*.whl")]
    if len(workers) != 1 or len(piplite) != 1:
        LOG.warning("JupyterLite has no kernel where cells that run on their page look for it")
        return
    leave_alone = needs.leave_alone(
        path.read_text(encoding="utf-8") for path in sorted((ROOT / "optimlib").rglob("*.py"))
    )
    for name in app.env.found_docs:
        if (found := notebook(app, name)) is not None:
            path = folder / f"{name}.json"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(cells(solutions.shown(app, found), leave_alone)))
    kernel = {
        "worker": workers[0].relative_to(lite).as_posix(),
        "piplite": piplite[0].relative_to(lite).as_posix(),
        "pyodide": f"{pyodide_files.PUBLIC}/pyodide.mjs",  # unless JupyterLite has its own
        "core": pyodide_files.CORE,
        "kernel": pyodide_files.KERNEL,
    }
    (folder / "kernel.json").write_text(json.dumps(kernel, indent=1))
    shutil.copyfile(needs.__file__, folder / "needs.py")


def cells(found, leave_alone):
    """What the page's script wants to know of a notebook.

    Returns:
        A dictionary: `packages`, what the kernel has to load; `leave_alone`, methods that change
        nothing; `cells`, those that run, in their order: `id`, `code`, whether it checks a `claim`,
        and its facts as in `needs.facts`.
    """
    code, claims, claim = [], [], False
    for cell in found["cells"]:
        text = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            claim = bool(CLAIM.search(text)) or (claim and not text.strip())
        elif runs(cell):
            code.append(cell)
            claims.append(claim and "assert" in text)
            claim = False
    sources = ["".join(cell["source"]) for cell in code]
    packages = {name for source in sources for name in imported(source)}
    return {
        "packages": OPTIMLIB if "optimlib" in packages else sorted(packages),
        "leave_alone": leave_alone,
        "cells": [
            {"id": cell["id"], "code": source, "claim": said} | facts
            for cell, source, said, facts in zip(
                code, sources, claims, needs.facts(sources, leave_alone)
            )
        ],
    }


def imported(source):
    """The packages that a cell's code imports."""
    try:
        tree = ast.parse(source)
    except SyntaxError:  # a magic, or a gap that a student is to fill
        return set()
    modules = [a.name for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names]
    modules += [n.module for n in ast.walk(tree) if isinstance(n, ast.ImportFrom) and n.module]
    return {module.split(".")[0] for module in modules}
