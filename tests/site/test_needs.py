"""Which cells a cell needs: the rules, and every chapter, run on what its cells need and on all."""

import ast
import contextlib
import io

import pytest

from tools import book
from web.extensions import needs

METHODS = needs.leave_alone(
    path.read_text(encoding="utf-8") for path in sorted((book.ROOT / "optimlib").rglob("*.py"))
)


def needed(*sources):
    """The places of the cells that the last of these needs."""
    return needs.needed(needs.facts(sources), len(sources) - 1)


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        # what is bound
        (["a = 1", "b = 2", "a"], [0]),
        (["a = 1", "a = 2", "a"], [1]),
        (["a = 1", "b = a", "b"], [0, 1]),
        (["a = 1", "a = 2", "a = a + 1", "a"], [1, 2]),
        (["import numpy as np", "import os", "np.pi"], [0]),
        (["a, (b, *c) = 1, (2, 3)", "d = 0", "c"], [0]),
        (["print(n := 3)", "n"], [0]),
        (["with open('x') as f: pass", "f"], [0]),
        # what may be bound
        (["a = 1", "if x: a = 2", "a"], [0, 1]),
        (["a = 1", "if x: a = 2\nelse: a = 3", "a"], [1]),
        (["a = 1", "for a in []: pass", "a"], [0, 1]),
        (["a = 1", "try: a = 2\nexcept ValueError: pass", "a"], [0, 1]),
        (["a = 1", "match b:\n  case [a, _]: pass", "a"], [0, 1]),
        (["a = 1", "del a", "a"], [0, 1]),
        # what a loop, a comprehension or a function keeps to itself
        (["a = 1", "[a for a in range(3)]"], []),
        (["a = 1", "def f(a): return a", "f(2)"], [1]),
        (["a = 1", "def f():\n  a = 2\n  return a", "f()"], [1]),
        # what changes an object
        (["a = [1]", "a.append(2)", "a"], [0, 1]),
        (["a = [1]", "a.count(1)", "a"], [0]),
        (["a = {}", "a['x'] = 1", "a"], [0, 1]),
        (["a = f()", "a.rate = 1", "a"], [0, 1]),
        (["a = [1]", "a += [2]", "a"], [0, 1]),
        (["a = [[1]]", "b = a[0]", "b.append(2)", "a"], [0, 1, 2]),
        (["a = [1]", "b = a", "a.append(2)", "b"], [0, 1, 2]),
        (["a, b = [1], [2]", "for c, d in zip(a, b): d.go()", "a"], [0]),
        (["a, b = [1], [2]", "for c, d in zip(a, b): d.go()", "b"], [0, 1]),
        (["a = {}", "[c.go() for c in a.values()]", "a"], [0, 1]),
        (["import numpy as np", "a = np.ones(3)", "np.sin(a)", "a"], [0, 1, 2]),
        (["import numpy as np", "a = np.ones(3)", "b = np.add(a, 1, out=a)", "a"], [0, 1, 2]),
        (["import numpy as np", "a = np.ones(3)", "np.put(a, 0, 1)", "a"], [0, 1, 2]),
        (["import numpy as np", "np.seterr(all='raise')", "np.sqrt(2)"], [0, 1]),
        (["import os, sys", "os.sep = '/'", "sys.path"], [0, 1]),
        (["import a, b", "s = 0\na.seed(s)", "s = 1", "b.draw()"], [0, 1]),
        (["import a, b", "ax = a.axes()\nb.line(ax)", "b.line"], [0]),
        # what has a state
        (["rng = default_rng(0)", "x = rng.normal()", "y = rng.normal()"], [0, 1]),
        (["rng = default_rng(0)", "x = draw(rng)", "rng.normal()"], [0, 1]),
        (["opt = Adam()", "path = descend(opt)", "opt.m"], [0, 1]),
        (["opts = [Adam()]", "for o in opts: run(o)", "opts"], [0, 1]),
        (["it = iter([1, 2])", "a = list(it)", "b = list(it)"], [0, 1]),
        (["n = [1]", "n2 = len(n)", "n"], [0]),
        # what a function does, it does where it is called
        (["a = 1", "def f(): return a", "a = 2", "f()"], [1, 2]),
        (
            ["rng = default_rng(0)", "def f(): return rng.normal()", "x = f()", "rng.normal()"],
            [0, 1, 2],
        ),
        (["def f(x): x.append(1)", "a = []", "f(a)", "a"], [0, 1, 2]),
        (["def f(x): x.append(1)", "a = []", "f(x=a)", "a"], [0, 1, 2]),
        (["def f(x): return x + 1", "a = []", "f(a)", "a"], [1]),
        (["def f(): return g()", "def g(): return a", "a = 1", "f()"], [0, 1, 2]),
        (["a = 1", "f = {'x': lambda: a}", "a = 2", "f['x']()"], [0, 1, 2]),
        (["def f():\n  global a\n  a = 1", "a = 0", "f()", "a"], [0, 1, 2]),
        (["def make(): return Adam()", "o = make()", "run(o)", "o"], [0, 1, 2]),
        (
            ["class A:\n  def go(self): return a", "a = 1", "b = A()", "a = 2", "b.go()"],
            [0, 1, 2, 3],
        ),
        # what no tree shows
        (["a = 1", "exec('b = 2')", "c = 3"], [0, 1]),
        (["a = 1", "exec('b = 2')", "c = b"], [0, 1]),
        (["a = 1", "%matplotlib inline", "b = 2", "a"], [0, 1]),
        (["a = 1", "b = 2", "globals()"], [0, 1]),
        (["a = 1", "b = 2", "eval('a + 1', {'a': 3})"], []),
    ],
)
def test_a_rule(cells, expected):
    assert needed(*cells) == expected


def test_methods_that_leave_their_object_alone_are_told_from_those_that_do_not():
    source = """
class A:
    def look(self): return self.w
    def also(self): return self.look()
    def step(self): self.t += 1
    def through(self): return self.step()
    def both(self): return 1
class B:
    def both(self): self.w[0] = 1
"""
    assert needs.leave_alone([source]) == ["also", "look"]
    assert "gradient" in METHODS and not {"step", "fit", "compile", "update"} & set(METHODS)


class Outcomes:
    """What sampled cells of a chapter show, draw and bind, when it runs without those in `skip`."""

    def __init__(self, path, facts, sample, skip=()):
        self.facts, self.sample, self.found = facts, sample, {}
        self.numbers = iter(n for n, _ in enumerate(book.cells(path)) if n not in skip)
        with contextlib.redirect_stdout(io.StringIO()):
            book.run(path, transform=self.add_note, names={"_note_": self.note}, skip=skip)

    def add_note(self, tree, claim):
        number = next(self.numbers)
        if number in self.sample:
            last = tree.body[-1]
            if isinstance(last, ast.Expr):
                tree.body[-1] = ast.Assign([ast.Name("_shown_", ast.Store())], last.value)
            shown = "_shown_" if isinstance(last, ast.Expr) else "None"
            tree.body += ast.parse(f"_note_({number}, globals(), {shown})").body
        return tree

    def note(self, number, namespace, shown):
        import matplotlib.pyplot as plt

        figures = []
        for figure in map(plt.figure, plt.get_fignums()):
            drawing = io.BytesIO()
            figure.savefig(drawing, format="svg", metadata={"Date": None})
            figures.append(drawing.getvalue())
        html = getattr(shown, "_repr_html_", lambda: repr(shown))
        bound = {name: plain(namespace[name]) for name in self.facts[number]["binds"]}
        self.found[number] = html(), figures, bound


def plain(value):
    """A number, a text or an array as what can be compared; None for all else."""
    if getattr(getattr(value, "dtype", None), "kind", "O") in "biufc":
        return value.tobytes()
    return repr(value) if isinstance(value, int | float | str) else None


def pytest_generate_tests(metafunc):
    """A chapter runs three times: two of them usually, all where cells run twice, too."""
    if "chapter" in metafunc.fixturenames:
        chapters = book.CHAPTERS if metafunc.config.getoption("twice") else book.CHAPTERS[1::6]
        metafunc.parametrize("chapter", chapters, ids=lambda path: path.stem)


def test_on_what_they_need_a_chapter_s_cells_give_what_they_give_on_all(chapter):
    """The last cell and one before it that needs much, but not all."""
    facts = needs.facts([book.code(cell) for cell, _ in book.cells(chapter)], METHODS)
    last = len(facts) - 1
    counts = {n: len(needs.needed(facts, n)) for n in range(len(facts))}
    sample = {last, *sorted((n for n in counts if counts[n] < n / 2), key=counts.get)[-1:]}
    whole = Outcomes(chapter, facts, sample).found
    assert whole.keys() == sample
    for number in sample:
        skip = set(range(last + 1)) - {number, *needs.needed(facts, number)}
        assert Outcomes(chapter, facts, {number}, skip).found[number] == whole[number]


@pytest.mark.parametrize("path", book.CHAPTERS, ids=lambda path: path.stem)
def test_most_cells_of_a_chapter_need_few(path):
    facts = needs.facts([book.code(cell) for cell, _ in book.cells(path)], METHODS)
    assert not [n for n, fact in enumerate(facts) if fact["anything"]]
    pairs = len(facts) * (len(facts) - 1) / 2
    assert sum(len(needs.needed(facts, n)) for n in range(len(facts))) <= 0.7 * pairs
