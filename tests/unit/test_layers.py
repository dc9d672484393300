"""Who imports whom in optimlib: nothing in a circle, and the core neither figures nor networks."""

import ast
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import optimlib

HOME = Path(optimlib.__file__).parent
MODULES = {
    ".".join(path.relative_to(HOME.parent).with_suffix("").parts).removesuffix(".__init__"): path
    for path in HOME.rglob("*.py")
}


def imports(name):
    """The modules of optimlib that a module names in an import, wherever it stands."""
    found = set()
    for node in ast.walk(ast.parse(MODULES[name].read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name} imports relative to itself"
            submodules = {f"{node.module}.{alias.name}" for alias in node.names} & set(MODULES)
            found |= submodules
            if len(submodules) < len(node.names) or node.module == "optimlib":
                found.add(node.module)  # not only to reach what lies in it
    return found & set(MODULES) - {name}


GRAPH = {name: imports(name) for name in MODULES}
CORE = [name for name, path in MODULES.items() if path.parent == HOME]


def test_the_graph_is_read():
    assert GRAPH["optimlib.mlp"] == {"optimlib", "optimlib.checks", "optimlib.training"}
    assert "optimlib.networks.cnn" in GRAPH["optimlib.networks"]


def test_no_circle():
    TopologicalSorter(GRAPH).prepare()  # raises CycleError


def test_the_core_imports_neither_figures_nor_networks():
    for name in CORE:
        upwards = [
            n for n in GRAPH[name] if n.startswith(("optimlib.figures", "optimlib.networks"))
        ]
        assert upwards == [], name


def test_the_core_needs_numpy_alone():
    """In a fresh process, of all that is installed beside the standard library."""
    code = (
        f"import sys; before = set(sys.modules); import {', '.join(CORE)}\n"
        "print(*{name.split('.')[0] for name in set(sys.modules) - before})"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert set(done.stdout.split()) - set(sys.stdlib_module_names) == {"numpy", "optimlib"}
