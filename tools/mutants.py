"""Break optimlib one place at a time and see who notices: `make mutants`.

    python -m tools.mutants [chapters] [tests] [--modules ...] [--scopes Adam.update ...] [...]

A mutant is optimlib with one change: an operator, a constant, a name, a dropped line, or two lines
in the wrong order. It is killed where a cell of a chapter fails, or a unit test. Each mutant runs
in a process of its own that has loaded numpy and matplotlib already. It meets first the quick cells
of the chapters, those of the chapter that noticed its like before in front; then whole chapters.
Chapters that never come to the broken line are left out.
"""

import argparse
import ast
import copy
import datetime
import hashlib
import importlib.abc
import importlib.machinery
import itertools
import json
import multiprocessing
import os
import pickle
import platform
import random
import re
import resource
import sys
import time
import warnings
from concurrent.futures import ThreadPoolExecutor

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ["TQDM_DISABLE"] = "1"

from tools import book
from tools.book import ROOT

RESULTS = book.RECORDS / "mutants.json"
EQUIVALENT = (
    book.RECORDS / "mutants-equivalent.json"
)  # "module.scope: old -> new": why none can tell

APART = {"__init__", "checks", "data"}  # modules that compute nothing of an optimizer's
MODULES = [p.stem for p in sorted((ROOT / "optimlib").glob("*.py")) if p.stem not in APART]
DRAWN = {"test_plotting", "test_explorable", "test_recordings", "test_data"}  # test none of these
TESTS = [p for p in sorted((ROOT / "tests/unit").glob("test_*.py")) if p.stem not in DRAWN]

QUICK = 0.15  # seconds: a cell that takes longer is left out at first, with its dependents

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
    """Every (node, guard, place, statement, inside) outside docstrings, texts and type names.

    guard: whether the statement around it checks arguments.
    place: the classes and functions that it stands in, such as Adam.update.
    statement: the innermost one around it.
    inside: whether it is part of a function's body, and does nothing until that is called.
    """

    def walk(node, guard, place, statement, inside):
        if isinstance(node, ast.stmt):
            statement = node
        if isinstance(node, ast.stmt) and not isinstance(node, ast.ClassDef | ast.FunctionDef):
            guard = guard or is_guard(node)
        elif isinstance(node, ast.ClassDef | ast.FunctionDef):
            place = f"{place}.{node.name}" if place else node.name
        if isinstance(node, ast.FunctionDef) and node.name in {"__repr__", "_sizes", "_progress"}:
            return
        yield node, guard, place, statement, inside
        for child in ast.iter_child_nodes(node):
            yield from walk(
                child,
                guard,
                place,
                statement,
                inside or (isinstance(node, ast.FunctionDef) and child in node.body),
            )

    return list(walk(tree, False, "", None, False))


def variants(node):
    """What one node can be broken into: [(change, line), ...].

    change(copy of the node) breaks it in place; line is the one of its block that is dropped or
    moved, or None.
    """
    kind = type(node)
    if kind in (ast.BinOp, ast.BoolOp, ast.AugAssign) and OPERATORS.get(type(node.op)):
        yield lambda n: setattr(n, "op", OPERATORS[type(n.op)]()), None
    if kind is ast.Compare and len(node.ops) == 1 and type(node.ops[0]) in OPERATORS:
        yield lambda n: setattr(n, "ops", [OPERATORS[type(n.ops[0])]()]), None
    if kind is ast.UnaryOp and isinstance(node.op, ast.USub):
        yield lambda n: setattr(n, "op", ast.UAdd()), None
    if kind is ast.Constant and isinstance(node.value, bool):
        yield lambda n: setattr(n, "value", not n.value), None
    elif kind is ast.Constant and isinstance(node.value, int | float):
        yield lambda n: setattr(n, "value", n.value + 1), None
        if node.value not in (0, 1):
            yield (
                lambda n: setattr(
                    n, "value", n.value / 2 if isinstance(n.value, float) else n.value - 1
                ),
                None,
            )
    if kind is ast.Attribute and node.attr in SWAPS:
        yield lambda n: setattr(n, "attr", SWAPS[n.attr]), None
    if kind is ast.Name and isinstance(node.ctx, ast.Load) and node.id in SWAPS:
        yield lambda n: setattr(n, "id", SWAPS[n.id]), None
    if kind is ast.IfExp:
        yield lambda n: setattr(n, "body", n.orelse), None
        yield lambda n: setattr(n, "orelse", n.body), None
    for field in ("body", "orelse"):
        block = getattr(node, field, None)
        if not isinstance(block, list) or kind is ast.Module or kind is ast.ClassDef:
            continue
        for i, line in enumerate(block):
            if isinstance(line, ast.Expr) and isinstance(line.value, ast.Constant):
                continue  # a docstring
            if isinstance(line, ast.Assign | ast.AugAssign | ast.Expr | ast.For | ast.If):
                yield lambda n, field=field, i=i: getattr(n, field).__setitem__(i, ast.Pass()), line
            if i and depend(block[i - 1], line):
                yield lambda n, field=field, i=i: swap(getattr(n, field), i - 1, i), line


def depend(first, second):
    """Whether two assignments that follow each other come out otherwise in the other order."""
    if not all(isinstance(line, ast.Assign | ast.AugAssign) for line in (first, second)):
        return False
    written, mentioned = [], []
    for line in (first, second):
        targets = line.targets if isinstance(line, ast.Assign) else [line.target]
        parts = [part for t in targets for part in (t.elts if isinstance(t, ast.Tuple) else [t])]
        written.append(
            {ast.unparse(part) for part in parts}
            | {ast.unparse(p.value) for p in parts if isinstance(p, ast.Subscript)}
        )
        mentioned.append(
            {ast.unparse(n) for n in ast.walk(line) if isinstance(n, ast.Name | ast.Attribute)}
        )
    return bool(written[0] & mentioned[1] or written[1] & mentioned[0])


def swap(block, i, j):
    block[i], block[j] = block[j], block[i]


def lines(statement):
    """The first and the last line of a statement, or of its head where it has a body."""
    last = statement.body[0].lineno - 1 if hasattr(statement, "body") else statement.end_lineno
    return statement.lineno, max(statement.lineno, last)


def parts(tree):
    """A module piece by piece, each with its indentation: statements, heads of classes, members."""
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            head = copy.copy(node)
            head.body = []
            yield "", head
            yield from (("    ", member) for member in node.body)
        else:
            yield "", node


def mutants(module):
    """All mutants of a module.

    Returns:
        Dicts with the first and last line, the place, the code before and after, whether it is a
        guard, whether it stands in a function, and the whole source.
    """
    tree = ast.parse((ROOT / "optimlib" / f"{module}.py").read_text(encoding="utf-8"))
    units = list(parts(tree))
    texts = [[indent + line for line in ast.unparse(n).splitlines()] for indent, n in units]
    packed = [pickle.dumps(node) for _, node in units]  # unpacked faster than copied
    number = {
        node: (i, n) for i, (_, part) in enumerate(units) for n, node in enumerate(ast.walk(part))
    }
    found = []
    for node, guard, place, statement, inside in places(tree):
        for which, (_, dropped) in enumerate(variants(node)):
            part, count = number[node]
            changed = pickle.loads(packed[part])
            target = next(itertools.islice(ast.walk(changed), count, None))
            list(variants(target))[which][0](target)
            indent, before = units[part][0], texts[part]
            after = [indent + line for line in ast.unparse(changed).splitlines()]
            if after == before:
                continue
            old, new = next((a.strip(), b.strip()) for a, b in zip(before, after) if a != b)
            if fewer := len(before) - len(after):
                new = f"{new} ({fewer} lines fewer)"
            first, last = lines(dropped or statement)
            found.append(
                {
                    "module": module,
                    "line": first,
                    "last": last,
                    "place": place,
                    "old": old,
                    "new": new,
                    "source": "\n".join(itertools.chain(*texts[:part], after, *texts[part + 1 :])),
                    "guard": guard or bool(dropped and is_guard(dropped)),
                    "in function": inside or bool(dropped),
                }
            )
    return found


class Mutated(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """An import hook that hands out one module of optimlib in its broken form."""

    def __init__(self, mutant):
        self.name, self.source = f"optimlib.{mutant['module']}", mutant["source"]
        self.code = mutant.get("code", self.source)  # what is run, where that differs

    def find_spec(self, name, path=None, target=None):
        return (
            importlib.machinery.ModuleSpec(name, self, origin=self.name)
            if name == self.name
            else None
        )

    def exec_module(self, module):
        exec(compile(self.code, self.name, "exec"), module.__dict__)

    def get_source(self, name):
        return self.source  # the figures read their rules there


def attempt(function, arguments, pipe):
    """In a process of its own: call the function and send what it returns, or its error as text."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    warnings.simplefilter("ignore")
    try:
        pipe.send(function(*arguments))
    except BaseException as error:
        pipe.send(f"{type(error).__name__}: {str(error)[:200]}")


def apart(function, *arguments, limit=3600):
    """What the function returns in a process of its own, or a text that says how it ended."""
    context = multiprocessing.get_context("fork")
    receive, send = context.Pipe(duplex=False)
    process = context.Process(target=attempt, args=(function, arguments, send))
    process.start()
    send.close()
    try:
        outcome = receive.recv() if receive.poll(limit) else f"no end within {limit:.0f} s"
    except EOFError:
        outcome = "the process ended: no more time, or no more memory"
    process.kill()
    process.join()
    return outcome


def allow(seconds):
    """End this process once it has computed for so many seconds more."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    resource.setrlimit(
        resource.RLIMIT_CPU,
        (int(used.ru_utime + used.ru_stime + seconds) + 1, resource.RLIM_INFINITY),
    )


class Marked(ast.NodeTransformer):
    """Puts a note of its line before every statement in a function of a module; no line moves."""

    def __init__(self, module):
        self.module = module

    def visit_FunctionDef(self, node):
        docstring = node.body[:1] if ast.get_docstring(node) else []
        node.body = docstring + self.noted(node.body[len(docstring) :])
        return node

    def noted(self, block):
        notes = []
        for line in block:
            note = ast.parse(f"__visited__.add(({self.module!r}, {line.lineno}))").body[0]
            for part in ast.walk(note):
                ast.copy_location(part, line)
            notes.append(note)
            for field in ("body", "orelse"):
                if isinstance(getattr(line, field, None), list):
                    setattr(line, field, self.noted(getattr(line, field)))
            notes.append(line)
        return notes


def marked(module):
    """A module that notes its lines as they are run, with the text that it had: for `Mutated`."""
    source = (ROOT / "optimlib" / f"{module}.py").read_text(encoding="utf-8")
    code = Marked(module).visit(ast.parse(source))
    return {"module": module, "source": source, "code": code}


def visited(path):
    """What a chapter comes to.

    Returns:
        ({(module, line), ...} in functions of optimlib, {id of a slow cell, ...}, seconds).
    """
    import builtins

    builtins.__visited__ = set()
    for module in MODULES:
        sys.meta_path.insert(0, Mutated(marked(module)))
    seconds, before = {}, time.process_time()

    def clock(number):
        nonlocal before
        before, seconds[number] = time.process_time(), time.process_time() - before

    book.run(path, after=clock)
    slow = {
        cell.id
        for number, (cell, _) in enumerate(book.cells(path))
        if seconds[number] > QUICK and "parameters" not in book.tags(cell)  # which imports for all
    }
    return builtins.__visited__, slow, sum(seconds.values())


def quickly(path, slow):
    """Run the chapter without its slow cells and their dependents."""
    numbers = [number for number, (cell, _) in enumerate(book.cells(path)) if cell.id in slow]
    book.run(path, skip=book.dependents(path, numbers))


def by_chapters(mutant, visits, likely):
    """The chapter that fails first, and how; an empty text where none does.

    Args:
        mutant: one of `mutants`.
        visits: `visited` of every chapter.
        likely: the chapter that noticed the last mutant of the same class or function, or None.
    """

    def uses(path):
        """How many of the chapter's cells name the broken class or function."""
        return sum(
            bool(re.search(rf"(?i)\b{scope(mutant)}\b", cell.source))
            for cell, _ in book.cells(path)
        )

    broken = {(mutant["module"], line) for line in range(mutant["line"], mutant["last"] + 1)}
    those = [
        p
        for p in book.CHAPTERS
        if not mutant["in function"] or visits[p.stem][0] is None or broken & visits[p.stem][0]
    ]
    those.sort(key=lambda p: (p.stem != likely, -uses(p), p.stem))
    sys.meta_path.insert(0, Mutated(mutant))
    for quick in (True, False):
        for path in those:
            _, slow, seconds = visits[path.stem]
            allow(4 * seconds + 10)
            try:
                quickly(path, slow) if quick else book.run(path)
            except BaseException as error:
                return f"{path.stem}: {type(error).__name__} {(error.__notes__ or [''])[-1][:160]}"
    return ""


def by_tests(mutant):
    """The unit test that fails first, or an empty text; those of the broken module run first."""
    import pytest

    class First:
        failed = ""

        def pytest_runtest_logreport(self, report):
            if report.failed and not self.failed:
                self.failed = report.nodeid

        def pytest_collectreport(self, report):
            if report.failed and not self.failed:
                self.failed = f"cannot collect {report.nodeid}"

    allow(300)
    sys.meta_path.insert(0, Mutated(mutant))
    first = First()
    own_first = sorted(TESTS, key=lambda path: path.stem != f"test_{mutant['module']}")
    options = ["-x", "-q", "-p", "no:cacheprovider", "-o", "addopts=", "--hypothesis-profile=ci"]
    pytest.main([*options, *map(str, own_first)], plugins=[first])
    return first.failed


def key(mutant):
    """What names a mutant in the list of equivalents, also after lines have moved."""
    return f"{mutant['module']}.{mutant['place']}: {mutant['old']} -> {mutant['new']}"


def scope(mutant):
    """The outermost class or function that it stands in, or an empty text."""
    return mutant["place"].split(".")[0]


def describe(mutant):
    guard = "  [guard]" if mutant["guard"] else ""
    return f"{mutant['module']}.py:{mutant['line']}: {mutant['old']}  ->  {mutant['new']}{guard}"


def load():
    """What all the processes to come need is loaded once, here."""
    import hypothesis  # noqa: F401
    import IPython  # noqa: F401
    import matplotlib
    import nbformat  # noqa: F401
    import numpy  # noqa: F401

    matplotlib.use("Agg")
    import matplotlib.pyplot


def prepare(suite, jobs):
    """The visits of the chapters; {} for the unit tests.

    Raises:
        RuntimeError: the suite fails on the unbroken optimlib, or a chapter's quick cells alone do.
    """
    if suite == "tests":
        whole = (ROOT / "optimlib/optimizers.py").read_text(encoding="utf-8")
        outcomes, visits = {"tests": apart(by_tests, {"module": "optimizers", "source": whole})}, {}
    else:
        code = sorted((ROOT / "optimlib").rglob("*.py")) + sorted((ROOT / "tools").glob("*.py"))
        digest = hashlib.sha256(b"".join(p.read_bytes() for p in [*code, *book.CHAPTERS]))
        cache = book.BUILD / f"mutants/{digest.hexdigest()[:16]}.pickle"
        if cache.exists():
            return pickle.loads(cache.read_bytes())
        with ThreadPoolExecutor(jobs) as pool:
            visits = {
                p.stem: visit
                for p, visit in zip(
                    book.CHAPTERS,
                    pool.map(lambda p: apart(visited, p), book.CHAPTERS),
                    strict=True,
                )
            }
        outcomes = {name: visit for name, visit in visits.items() if isinstance(visit, str)}
        for path in book.CHAPTERS if not outcomes else []:
            outcomes[f"the quick cells of {path.stem}"] = apart(quickly, path, visits[path.stem][1])
    if failed := {name: outcome for name, outcome in outcomes.items() if outcome}:
        raise RuntimeError(f"fails on the unbroken optimlib: {failed}")
    if suite == "chapters":
        cache.parent.mkdir(parents=True, exist_ok=True)
        cache.write_bytes(pickle.dumps(visits))
    return visits


def trusted():
    """In place of the visits: each chapter comes to each line; slow are the cells on record."""
    return {path.stem: (None, set(recorded()["slow"]), 60) for path in book.CHAPTERS}


def notice(tried, suite, visits, jobs):
    """For each mutant in turn, who notices it, or an empty text."""
    noticed = {}  # the chapter that noticed the last mutant of each class or function

    def judge(mutant):
        if suite == "tests":
            return apart(by_tests, mutant)
        outcome = apart(by_chapters, mutant, visits, noticed.get(scope(mutant)))
        if ": " in outcome:
            noticed[scope(mutant)] = outcome.split(":")[0]
        return outcome

    with ThreadPoolExecutor(jobs) as pool:
        yield from pool.map(judge, tried)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "suites", nargs="*", default=["chapters", "tests"], help="chapters, tests, or both"
    )
    parser.add_argument("--modules", nargs="*", default=MODULES)
    parser.add_argument(
        "--scopes",
        nargs="*",
        help="only what stands in these classes, functions or methods (Adam.update)",
    )
    parser.add_argument("--sample", type=int, help="only so many mutants, drawn by --seed")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--guards",
        action="store_true",
        help="break the checks of arguments too when running the chapters",
    )
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument(
        "--survivors",
        action="store_true",
        help="only those that survived the last time, to see who notices them now",
    )
    parser.add_argument(
        "--trust",
        action="store_true",
        help="begin at once, and leave out the survivors on record: a quick look",
    )
    parser.add_argument(
        "--write", action="store_true", help=f"record the results in {RESULTS.name}"
    )
    args = parser.parse_args()

    load()
    about = {
        "date": datetime.date.today().isoformat(),
        "python": platform.python_version(),
        "sample": args.sample,
    }
    excused = json.loads(EQUIVALENT.read_text()) if EQUIVALENT.exists() else {}
    every = [
        m
        for module in args.modules
        for m in mutants(module)
        if not args.scopes or {scope(m), m["place"]} & set(args.scopes)
    ]
    known, unknown = {(s["suite"], key(s)) for s in recorded()["survivors"]}, 0
    for suite in args.suites:
        visits = trusted() if args.trust else prepare(suite, args.jobs)
        meant = [m for m in every if suite == "tests" or args.guards or not m["guard"]]
        if args.trust:
            meant = [m for m in meant if (suite, key(m)) not in known and key(m) not in excused]
        if args.survivors:
            meant = [m for m in meant if (suite, key(m)) in known]
        if args.sample:
            meant = random.Random(args.seed).sample(meant, min(args.sample, len(meant)))
        for module in args.modules:
            mine = [m for m in meant if m["module"] == module]
            # a chapter has nothing to say about mutants that compute the same
            tried = [m for m in mine if suite == "tests" or key(m) not in excused]
            left = []
            print(f"{suite}, {module}: {len(tried)} mutants", flush=True)
            for mutant, outcome in zip(tried, notice(tried, suite, visits, args.jobs), strict=True):
                if not outcome:
                    left.append(mutant)
            same = [m for m in mine if m not in tried or (m in left and key(m) in excused)]
            left = [m for m in left if m not in same]
            unknown += sum((suite, key(m)) not in known for m in left)
            for mutant in left:
                print(f"survives: {describe(mutant)}", flush=True)
            total = len(mine) - len(same)
            share = 100 * (total - len(left)) / max(total, 1)
            print(
                f"{suite}, {module}: {total - len(left)} of {total} killed ({share:.1f} %), "
                f"and {len(same)} compute the same",
                flush=True,
            )
            if args.write:
                row = {
                    "mutants": total,
                    "killed": total - len(left),
                    "equivalent": len(same),
                } | about
                if args.survivors:  # the others were killed before, and stay so
                    before = recorded()["summary"][f"{suite} {module}"]
                    row = before | {
                        "mutants": before["mutants"] - len(same),
                        "killed": before["mutants"] - len(same) - len(left),
                    }
                    row |= {"equivalent": before["equivalent"] + len(same), "date": about["date"]}
                write(suite, module, row, left, visits)
    sys.exit(bool(unknown) and not args.write)  # whatever survives is on record, or excused


def recorded():
    return (
        json.loads(RESULTS.read_text(encoding="utf-8"))
        if RESULTS.exists()
        else {"summary": {}, "survivors": [], "slow": []}
    )


def write(suite, module, row, left, visits):
    """Record the result of one suite and module, and the slow cells; the others stay."""
    record = recorded()
    if visits:
        record["slow"] = sorted(set.union(*(slow for _, slow, _ in visits.values())))
    record["summary"][f"{suite} {module}"] = row
    record["survivors"] = [
        s for s in record["survivors"] if (s["suite"], s["module"]) != (suite, module)
    ]
    record["survivors"] += [
        {"suite": suite} | {k: m[k] for k in ("module", "place", "line", "old", "new", "guard")}
        for m in left
    ]
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
