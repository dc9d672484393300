"""Break optimlib one place at a time and see who notices: the chapters alone, and the unit tests alone. `make mutants`.

A mutant is optimlib with one change: an operator, a constant, a name, a dropped line or two lines in the wrong order. It is killed
where a chapter's cell, or a unit test, fails. Each runs in a process of its own that has loaded numpy and matplotlib already.
"""

import argparse
import ast
import copy
import datetime
import importlib.abc
import importlib.machinery
import json
import multiprocessing
import os
import platform
import random
import re
import sys
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ["TQDM_DISABLE"] = "1"
os.environ["MPLBACKEND"] = "Agg"

TESTS = Path(__file__).resolve().parent
ROOT = TESTS.parent
RESULTS = TESTS / "records/mutants.json"
EQUIVALENT = TESTS / "records/mutants-equivalent.json"  # "module.scope: old -> new" -> why no one could tell
sys.path.insert(0, str(TESTS))

MODULES = ["optimizers", "schedules", "surfaces", "mlp", "training"]
UNIT = ["test_optimizers.py", "test_schedules.py", "test_surfaces.py", "test_mlp.py", "test_training.py", "test_parity.py"]

OPERATORS = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.Pow: ast.Mult,
    ast.MatMult: None,
    ast.Lt: ast.GtE,
    ast.GtE: ast.Lt,
    ast.Gt: ast.LtE,
    ast.LtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.And: ast.Or,
    ast.Or: ast.And,
}
SWAPS = {
    "beta_1": "beta_2",
    "beta_2": "beta_1",
    "m": "v",
    "v": "m",
    "w": "g",
    "g": "w",
    "lr": "g",
    "momentum": "rho",
    "rho": "momentum",
    "x": "y",
    "y": "x",
    "sqrt": "square",
    "square": "sqrt",
    "maximum": "minimum",
    "minimum": "maximum",
    "cos": "sin",
    "sin": "cos",
    "floor": "ceil",
    "ceil": "floor",
    "exp": "tanh",
    "tanh": "exp",
}


def is_guard(node):
    """Whether a statement only checks arguments: it raises, or calls `checks`."""
    if isinstance(node, ast.If):
        return all(isinstance(n, ast.Raise) for n in node.body) and not node.orelse
    return isinstance(node, ast.Raise) or "checks." in ast.unparse(node)


def places(tree):
    """Every (node, guard, scope) outside docstrings, texts and type names.

    guard: whether the statement around it checks arguments; scope: the outermost class or function that it stands in.
    """

    def walk(node, guard, scope):
        if isinstance(node, ast.stmt) and not isinstance(node, ast.ClassDef | ast.FunctionDef):
            guard = guard or is_guard(node)
        elif isinstance(node, ast.ClassDef | ast.FunctionDef):
            scope = scope or node.name
        if isinstance(node, ast.FunctionDef) and node.name in {"__repr__", "_sizes", "_progress"}:
            return
        yield node, guard, scope
        for child in ast.iter_child_nodes(node):
            yield from walk(child, guard, scope)

    return list(walk(tree, False, ""))


def variants(node):
    """What one node can be broken into, as functions that change a copy of it in place, each with a short description."""
    kind = type(node)
    if kind in (ast.BinOp, ast.BoolOp, ast.AugAssign) and OPERATORS.get(type(node.op)):
        yield lambda n: setattr(n, "op", OPERATORS[type(n.op)]())
    if kind is ast.Compare and len(node.ops) == 1 and type(node.ops[0]) in OPERATORS:
        yield lambda n: setattr(n, "ops", [OPERATORS[type(n.ops[0])]()])
    if kind is ast.UnaryOp and isinstance(node.op, ast.USub):
        yield lambda n: setattr(n, "op", ast.UAdd())
    if kind is ast.Constant and isinstance(node.value, bool):
        yield lambda n: setattr(n, "value", not n.value)
    elif kind is ast.Constant and isinstance(node.value, int | float):
        yield lambda n: setattr(n, "value", n.value + 1)
        if node.value not in (0, 1):
            yield lambda n: setattr(n, "value", n.value / 2 if isinstance(n.value, float) else n.value - 1)
    if kind is ast.Attribute and node.attr in SWAPS:
        yield lambda n: setattr(n, "attr", SWAPS[n.attr])
    if kind is ast.Name and isinstance(node.ctx, ast.Load) and node.id in SWAPS:
        yield lambda n: setattr(n, "id", SWAPS[n.id])
    if kind is ast.IfExp:
        yield lambda n: (setattr(n, "body", n.orelse))
        yield lambda n: (setattr(n, "orelse", n.body))
    for field in ("body", "orelse"):
        block = getattr(node, field, None)
        if not isinstance(block, list) or kind is ast.Module or kind is ast.ClassDef:
            continue
        for i, line in enumerate(block):
            if isinstance(line, ast.Expr) and isinstance(line.value, ast.Constant):
                continue  # a docstring
            if isinstance(line, ast.Assign | ast.AugAssign | ast.Expr | ast.For | ast.If):
                yield lambda n, field=field, i=i: getattr(n, field).__setitem__(i, ast.Pass())
            if i and depend(block[i - 1], line):
                yield lambda n, field=field, i=i: swap(getattr(n, field), i - 1, i)


def depend(first, second):
    """Whether two assignments that follow each other come out otherwise in the other order."""
    if not all(isinstance(line, ast.Assign | ast.AugAssign) for line in (first, second)):
        return False
    written, mentioned = [], []
    for line in (first, second):
        targets = line.targets if isinstance(line, ast.Assign) else [line.target]
        parts = [part for t in targets for part in (t.elts if isinstance(t, ast.Tuple) else [t])]
        written.append({ast.unparse(part) for part in parts} | {ast.unparse(p.value) for p in parts if isinstance(p, ast.Subscript)})
        mentioned.append({ast.unparse(n) for n in ast.walk(line) if isinstance(n, ast.Name | ast.Attribute)})
    return bool(written[0] & mentioned[1] or written[1] & mentioned[0])


def swap(block, i, j):
    block[i], block[j] = block[j], block[i]


def mutants(module):
    """All mutants of a module: dicts with the line, the code before and after, whether it is a guard, and the whole source."""
    tree = ast.parse((ROOT / "optimlib" / f"{module}.py").read_text(encoding="utf-8"))
    before = ast.unparse(tree).splitlines()
    found = []
    for index, (node, guard, scope) in enumerate(places(tree)):
        for which, _ in enumerate(variants(node)):
            changed = copy.deepcopy(tree)
            target = places(changed)[index][0]
            list(variants(target))[which](target)
            source = ast.unparse(ast.fix_missing_locations(changed))
            after = source.splitlines()
            if after == before:
                continue
            at = next(i for i, pair in enumerate(zip(before, after, strict=False)) if pair[0] != pair[1])
            end = len(before) - len(after)
            old, new = before[at].strip(), (after[at].strip() if end == 0 else f"{after[at].strip()} ({end} lines fewer)")
            line = getattr(node, "lineno", 0)
            found.append(
                {"module": module, "line": line, "scope": scope, "old": old, "new": new, "guard": guard, "source": source}
            )
    return found


class Mutated(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """An import hook that hands out one module of optimlib in its broken form."""

    def __init__(self, mutant):
        self.name, self.source = f"optimlib.{mutant['module']}", mutant["source"]

    def find_spec(self, name, path=None, target=None):
        return importlib.machinery.ModuleSpec(name, self, origin=self.name) if name == self.name else None

    def exec_module(self, module):
        exec(compile(self.source, self.name, "exec"), module.__dict__)


def attempt(mutant, suite, pipe):
    """In a process of its own: run the chapters, or the unit tests, against the mutant; send what failed, or nothing."""
    sys.stdout = sys.stderr = open(os.devnull, "w")
    sys.meta_path.insert(0, Mutated(mutant))
    warnings.simplefilter("ignore")
    try:
        pipe.send(by_chapters(mutant) if suite == "chapters" else by_tests())
    except BaseException as error:
        pipe.send(f"{type(error).__name__}: {str(error)[:200]}")


def by_chapters(mutant):
    import chapters

    def uses(path):
        """How many of the chapter's cells name the broken class or function."""
        return sum(bool(re.search(rf"(?i)\b{mutant['scope']}\b", cell.source)) for cell, _ in chapters.cells(path))

    for path in sorted(chapters.CHAPTERS, key=lambda p: (-uses(p), p.stem)):  # who is likely to notice comes first
        try:
            chapters.run(path)
        except BaseException as error:
            return f"{path.stem}: {type(error).__name__} {(error.__notes__ or [''])[-1][:160]}"
    return ""


def by_tests():
    import pytest

    class First:
        failed = ""

        def pytest_runtest_logreport(self, report):
            if report.failed and not self.failed:
                self.failed = report.nodeid

        def pytest_collectreport(self, report):
            if report.failed and not self.failed:
                self.failed = f"cannot collect {report.nodeid}"

    first = First()
    paths = [str(TESTS / name) for name in UNIT if (TESTS / name).exists()]
    pytest.main(["-x", "-q", "-p", "no:cacheprovider", "-o", "addopts=", *paths], plugins=[first])
    return first.failed


def judge(mutant, suite, limit):
    context = multiprocessing.get_context("fork")
    receive, send = context.Pipe(duplex=False)
    process = context.Process(target=attempt, args=(mutant, suite, send))
    start = time.monotonic()
    process.start()
    send.close()
    try:
        outcome = receive.recv() if receive.poll(limit) else f"no end within {limit:.0f} s"
    except EOFError:
        outcome = "the process died"
    process.kill()
    process.join()
    return outcome, time.monotonic() - start


def key(mutant):
    """What names a mutant in the list of equivalents, also after lines have moved."""
    return f"{mutant['module']}.{mutant['scope']}: {mutant['old']} -> {mutant['new']}"


def describe(mutant):
    guard = "  [guard]" if mutant["guard"] else ""
    return f"{mutant['module']}.py:{mutant['line']}: {mutant['old']}  ->  {mutant['new']}{guard}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("suites", nargs="*", default=["chapters", "tests"], help="chapters, tests, or both")
    parser.add_argument("--modules", nargs="*", default=MODULES)
    parser.add_argument("--sample", type=int, help="only so many mutants, drawn by --seed")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--guards", action="store_true", help="break the checks of arguments too when running the chapters")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--write", action="store_true", help=f"record the results in {RESULTS.name}")
    args = parser.parse_args()

    import hypothesis  # noqa: F401  loaded once, here, for all the processes to come
    import IPython  # noqa: F401
    import matplotlib.pyplot  # noqa: F401
    import nbformat  # noqa: F401
    import numpy  # noqa: F401

    about = {"date": datetime.date.today().isoformat(), "python": platform.python_version(), "sample": args.sample}
    excused = json.loads(EQUIVALENT.read_text()) if EQUIVALENT.exists() else {}
    every = [m for module in args.modules for m in mutants(module)]
    if args.sample:
        every = random.Random(args.seed).sample(every, min(args.sample, len(every)))
    summary, survivors = {}, []
    for suite in args.suites:
        tried = [m for m in every if suite == "tests" or args.guards or not m["guard"]]
        whole = {"module": tried[0]["module"], "scope": "Optimizer", "source": (ROOT / "optimlib" / f"{tried[0]['module']}.py").read_text(), "guard": False}
        outcome, normal = judge(whole, suite, 600)
        if outcome:
            sys.exit(f"{suite} fail on the unbroken optimlib: {outcome}")
        print(f"{suite}: {len(tried)} mutants, {normal:.0f} s for one that nobody notices", flush=True)
        with ThreadPoolExecutor(args.jobs) as pool:
            outcomes = []
            for mutant, (outcome, _) in zip(tried, pool.map(lambda m: judge(m, suite, 2 * normal + 30), tried), strict=True):  # noqa: B023
                outcomes.append(outcome)
                if not outcome:
                    print(f"survives the {suite}: {describe(mutant)}", flush=True)
        for module in args.modules:
            mine = [(m, o) for m, o in zip(tried, outcomes, strict=True) if m["module"] == module]
            left = [m for m, o in mine if not o]
            same = [m for m in left if key(m) in excused]
            summary[f"{suite} {module}"] = {"mutants": len(mine), "killed": len(mine) - len(left), "equivalent": len(same)} | about
            survivors += [{"suite": suite} | {k: m[k] for k in ("module", "line", "old", "new", "guard")} for m in left if m not in same]
    for name, row in summary.items():
        real = row["mutants"] - row["equivalent"]
        print(f"{name}: {row['killed']} of {real} killed ({100 * row['killed'] / max(real, 1):.1f} %), {row['equivalent']} equivalent")
    if args.write:  # what was not run now stays as it was recorded
        before = json.loads(RESULTS.read_text()) if RESULTS.exists() else {"summary": {}, "survivors": []}
        kept = [s for s in before["survivors"] if f"{s['suite']} {s['module']}" not in summary]
        record = {"summary": before["summary"] | summary, "survivors": kept + survivors}
        RESULTS.write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
