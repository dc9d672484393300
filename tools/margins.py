"""Print how far every claim stands from its bound, against how much it varies: `make margins`.

    python -m tools.margins [--seeds 10] [--write] [start of a chapter's name, such as 03 ...]

Each chapter runs with ten fresh seeds. For every comparison that an assertion makes, the distance
from value to bound is recorded; a claim is safe where the distance never falls below 0 and its
median is at least twice its spread towards the bound: what a standard deviation over the seeds is,
from those alone that come nearer than the median. How far others lie away from it is no danger.
"""

import argparse
import ast
import json
import os
import platform
import sys
import warnings
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from itertools import pairwise

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ["TQDM_DISABLE"] = "1"

import numpy as np

from tools import book

RESULTS = book.RECORDS / "margins.json"


class Noted(ast.NodeTransformer):
    """Turns the assertions of a claim into notes: where one fails, the run and the others go on."""

    def __init__(self, claim):
        self.claim = claim

    def visit_Assert(self, node):
        return [ast.Expr(Parts(self.claim).noted(part)) for part in flat(node.test)]


class Parts(ast.NodeTransformer):
    """Notes each comparison that has to hold for an assertion to hold."""

    def __init__(self, claim):
        self.claim = claim

    def noted(self, part):
        """A part of an assertion that notes what it compares, or else whether it holds."""
        part = self.visit(part)
        if any(isinstance(inner, ast.Name) and inner.id == "__note__" for inner in ast.walk(part)):
            return part
        return self.note(part, ast.Constant(0), ast.IfExp(part, ast.Constant(1), ast.Constant(-1)))

    def note(self, part, low, high):
        words = ast.Constant(f"{self.claim}\n{ast.unparse(part)}")
        return ast.Call(ast.Name("__note__", ast.Load()), [words, low, high], [])

    def visit_Compare(self, node):
        sides = [node.left, node.comparators[0]]
        if len(node.ops) > 1 or not isinstance(node.ops[0], ast.Lt | ast.LtE | ast.Gt | ast.GtE):
            return node
        greater = isinstance(node.ops[0], ast.Gt | ast.GtE)
        return self.note(node, *(reversed(sides) if greater else sides))

    def visit_comprehension(self, node):
        return node  # which ones are asked is no bound

    def visit_UnaryOp(self, node):
        return node  # what must not be has its bound on the other side

    def visit_Call(self, node):
        """Of what is counted or asked for any, no single comparison has to hold."""
        name = getattr(node.func, "id", getattr(node.func, "attr", ""))
        return self.generic_visit(node) if name == "all" else node


def flat(test):
    """The parts of `a and b < c < d`, each with one comparison at most."""
    if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.And):
        return [part for value in test.values for part in flat(value)]
    if isinstance(test, ast.Compare):
        pairs = pairwise([test.left, *test.comparators])
        return [ast.Compare(a, [op], [b]) for (a, b), op in zip(pairs, test.ops, strict=True)]
    return [test]


def with_notes(tree, claim):
    """The syntax tree of a cell whose claim is noted: what it compares, whether it holds or not."""
    return Noted(claim).visit(tree) if claim else tree


def comparisons(job):
    """What the claims of a chapter compare in one run.

    Args:
        job: the chapter's path and the seed.

    Returns:
        (chapter, seed, {claim and comparison: (low side, high side)}, error): the sides where they
        are nearest, and the error that ended the run, if any.
    """
    path, seed = job
    sides, times = {}, Counter()

    def note(words, low, high):
        low, high = np.broadcast_arrays(np.asarray(low, dtype=float), np.asarray(high, dtype=float))
        nearest = np.argmin(high - low)
        times[words] += 1
        key = words if times[words] == 1 else f"{words} ({times[words]})"
        sides[key] = (float(low.flat[nearest]), float(high.flat[nearest]))
        return low <= high

    error = ""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            book.run(path, seed, with_notes, {"__note__": note})
        except BaseException as failure:
            error = f"{type(failure).__name__}: {failure} {' '.join(failure.__notes__)[:300]}"
    return path.stem, seed, sides, error


def row(chapter, key, pairs):
    """What is recorded of one comparison; pairs: its (low side, high side) for each seed."""
    low, high = np.array(pairs).T
    distance = high - low
    nearer = np.minimum(distance - np.median(distance), 0)
    spread = float(np.sqrt(2 * np.mean(nearer**2)))
    if spread <= 1e-12 * np.abs(pairs).max():  # the same for every seed, but for rounding
        spread = 0.0
    claim, comparison = key.split("\n")
    margin, smallest = float(np.median(distance)), float(distance.min())
    return {
        "chapter": chapter,
        "claim": claim,
        "comparison": comparison,
        "low": float(np.median(low)),
        "high": float(np.median(high)),
        "margin": margin,
        "smallest": smallest,
        "spread": spread,
        "safe": smallest >= 0 and margin >= 2 * spread,
    }


def write(rows, chapters, seeds):
    """Record the rows of these chapters; the other chapters stay as they were recorded."""
    versions = {"python": platform.python_version(), "numpy": np.__version__, "seeds": seeds}
    recorded = json.loads(RESULTS.read_text())["claims"] if RESULTS.exists() else []
    others = [r for r in recorded if r["chapter"] not in chapters]
    claims = sorted(others + rows, key=lambda r: r["chapter"])
    RESULTS.write_text(json.dumps({"versions": versions, "claims": claims}, indent=1) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("chapters", nargs="*", help="starts of their names, such as 03; else all")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--write", action="store_true", help=f"record them in {RESULTS.name}")
    args = parser.parse_args()
    paths = [path for path in book.CHAPTERS if path.stem.startswith(tuple(args.chapters) or "")]
    jobs = [(path, 1000 * (i + 1)) for path in paths for i in range(args.seeds)]
    with ProcessPoolExecutor(args.jobs) as pool:
        runs = list(pool.map(comparisons, jobs))
    rows, failed = [], [(chapter, seed, error) for chapter, seed, _, error in runs if error]
    for path in paths:
        whole = [sides for chapter, _, sides, error in runs if chapter == path.stem and not error]
        for key in whole[0] if whole else ():
            rows.append(row(path.stem, key, [sides[key] for sides in whole if key in sides]))
    for r in sorted(rows, key=lambda r: (r["safe"], r["chapter"])):
        mark = "  " if r["safe"] else "!!"
        print(
            f"{mark} {r['chapter'][:12]:12} {r['low']:10.4g} < {r['high']:<10.4g} "
            f"spread {r['spread']:<9.3g} {r['comparison'][:90]}"
        )
    for chapter, seed, error in failed:
        print(f"!! {chapter} with seed {seed}: {error}")
    unsafe = sum(not r["safe"] for r in rows)
    print(
        f"{len(rows)} comparisons of claims over {args.seeds} seeds: {unsafe} nearer than twice "
        f"their spread, {len(failed)} runs failed"
    )
    if args.write:
        write(rows, {path.stem for path in paths}, args.seeds)
    sys.exit(bool(unsafe or failed))


if __name__ == "__main__":
    main()
