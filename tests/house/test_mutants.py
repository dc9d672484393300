"""A few mutants, others whenever optimlib changes: each is noticed, as when last recorded."""

import ast
import json
import subprocess
import sys

import pytest

from tools.book import ROOT

pytest.importorskip("resource", reason="each mutant runs in a fork, with limits")
from tools import book, mutants

RULES = ["SGD.update", "RMSprop.update", "Adam.update", "ExponentialDecay.rate", "CosineDecay.rate"]


@pytest.mark.parametrize(
    "arguments",
    [
        ["chapters", "--sample", "2", "--modules", "optimizers", "schedules", "--scopes", *RULES],
        ["tests", "--sample", "1"],
    ],
    ids=["by chapters", "by unit tests"],
)
def test_a_sample_of_mutants_is_noticed(arguments):
    command = [sys.executable, "-m", "tools.mutants", *arguments, "--trust", "--jobs", "1"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_excused_mutant_exists():
    """A line that was changed since is no excuse any more."""
    excused = json.loads(mutants.EQUIVALENT.read_text(encoding="utf-8"))
    assert all(len(why) >= 20 for why in excused.values())
    modules = {name.split(".")[0] for name in excused}
    assert set(excused) <= {mutants.key(m) for module in modules for m in mutants.mutants(module)}


def works(program):
    """Run it in a process of its own, whose import of optimlib is not this one's."""
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_a_mutant_breaks_no_more_than_its_line():
    """The figures read the text of the rules: a module whose text is not to be had fails whole."""
    program = (
        "import sys; from tools import mutants\n"
        "for module in mutants.MODULES:\n"
        "    source = (mutants.ROOT / 'optimlib' / f'{module}.py').read_text(encoding='utf-8')\n"
        "    sys.meta_path.insert(0, mutants.Mutated({'module': module, 'source': source}))\n"
        "import optimlib.figures, optimlib.networks\n"
    )
    works(program)


def test_lines_are_noted_where_they_stand_and_figures_still_read_the_rules():
    program = (
        "import builtins, sys; from tools import mutants\n"
        "builtins.__visited__ = set()\n"
        "for module in mutants.MODULES:\n"
        "    sys.meta_path.insert(0, mutants.Mutated(mutants.marked(module)))\n"
        "import numpy; from optimlib import optimizers; from optimlib.figures.rules import Rule\n"
        "Rule(optimizers.Adam())\n"
        "optimizers.SGD().step(numpy.ones(2), numpy.ones(2))\n"
        "import inspect; lines, first = inspect.getsourcelines(optimizers.SGD.update)\n"
        "noted = {line for name, line in __visited__ if name == 'optimizers'}\n"
        "assert noted & set(range(first, first + len(lines))), (first, noted)\n"
        "first = inspect.getsourcelines(optimizers.Adam.update)[1]\n"
        "assert not noted & {first + 1, first + 2, first + 3}, (first, noted)\n"
    )
    works(program)


def test_what_hangs_on_a_cell_that_is_left_out_is_left_out():
    """Also where a list in between has a name of its own that is spelt the same."""
    for between in ("sum([row for row in (1, 2)])", "def f():\n    row = 1"):
        assert "row" not in book.assigned(ast.parse(between))
    assert book.assigned(ast.parse("for row in race(): pass")) == {"row"}
    assert "row" in book.loaded(ast.parse("tell(row)"))
