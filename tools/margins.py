"""Print how far every claim stands from its bound, against how much it varies: `make margins`.

Each chapter runs with ten fresh seeds. For every comparison that an assertion makes, the distance from value to bound is
recorded; a claim is safe where its smallest distance to failing is at least twice the standard deviation over the seeds.
"""

import argparse
import ast
import json
import os
import platform
import sys
import warnings
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ["TQDM_DISABLE"] = "1"

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
import book as chapters

RESULTS = Path(__file__).parent / "records/margins.json"


class Record(ast.NodeTransformer):
    """Turn `assert a < b` into a call that notes a and b, and lets the chapter go on."""

    def __init__(self, claim):
        self.claim, self.inside = claim, False

    def visit_Compare(self, node):
        self.generic_visit(node)
        if (
            not self.inside
            or len(node.ops) != 1
            or not isinstance(node.ops[0], ast.Lt | ast.LtE | ast.Gt | ast.GtE)
        ):
            return node
        sides = [node.left, node.comparators[0]]
        if isinstance(node.ops[0], ast.Gt | ast.GtE):
            sides.reverse()
        text = ast.Constant(f"{self.claim}\n{ast.unparse(node)}")
        return ast.Call(ast.Name("__note__", ast.Load()), [text, *sides], [])

    def visit_Assert(self, node):
        if not self.claim:
            return node
        chained = [c for c in ast.walk(node.test) if isinstance(c, ast.Compare) and len(c.ops) > 1]
        for compare in chained:  # a < b < c as (a < b) and (b < c)
            values = [compare.left, *compare.comparators]
            pairs = [
                ast.Compare(a, [op], [b])
                for a, op, b in zip(values, compare.ops, values[1:], strict=False)
            ]
            node = Replace(compare, ast.BoolOp(ast.And(), pairs)).visit(node)
        self.inside = True
        self.generic_visit(node)
        self.inside = False
        return node


class Replace(ast.NodeTransformer):
    def __init__(self, old, new):
        self.old, self.new = old, new

    def visit_Compare(self, node):
        return self.new if node is self.old else self.generic_visit(node)


def one(job):
    """The notes of one run: {claim and comparison: (low side, high side)} of a chapter with one seed, and its error if any."""
    path, seed = job
    notes, counts = {}, {}

    def note(text, low, high):
        low, high = np.broadcast_arrays(np.asarray(low, dtype=float), np.asarray(high, dtype=float))
        worst = np.argmin(high - low)
        counts[text] = counts.get(text, 0) + 1
        key = text if counts[text] == 1 else f"{text} ({counts[text]})"
        notes[key] = (float(low.flat[worst]), float(high.flat[worst]))
        return low <= high

    def transform(tree, claim):
        return Record(claim).visit(tree) if claim else tree

    error = ""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            chapters.run(path, seed, transform, {"__note__": note})
        except BaseException as failure:
            error = f"{type(failure).__name__}: {failure} {' '.join(failure.__notes__)[:300]}"
    return path.stem, seed, notes, error


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "chapters", nargs="*", help="starts of chapter names, such as 03; all without"
    )
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument(
        "--write", action="store_true", help=f"record the results in {RESULTS.name}"
    )
    args = parser.parse_args()
    paths = [
        p for p in chapters.CHAPTERS if not args.chapters or p.stem.startswith(tuple(args.chapters))
    ]
    jobs = [(path, 1000 * (i + 1)) for path in paths for i in range(args.seeds)]
    with ProcessPoolExecutor(args.jobs) as pool:
        runs = list(pool.map(one, jobs))
    rows, failures = [], [(c, s, e) for c, s, _, e in runs if e]
    for path in paths:
        mine = [notes for chapter, _, notes, error in runs if chapter == path.stem and not error]
        for key in mine[0] if mine else []:
            pairs = np.array([notes[key] for notes in mine if key in notes])
            distance = pairs[:, 1] - pairs[:, 0]
            spread = float(distance.std())
            spread = (
                0.0 if spread <= 1e-12 * np.abs(pairs).max() else spread
            )  # the same for every seed, but for rounding
            margin = float(distance.min())
            rows.append(
                {
                    "chapter": path.stem,
                    "claim": key.split("\n")[0],
                    "comparison": key.split("\n")[1],
                    "low": float(np.median(pairs[:, 0])),
                    "high": float(np.median(pairs[:, 1])),
                    "margin": float(np.median(distance)),
                    "smallest": margin,
                    "spread": spread,
                    "safe": bool(margin >= 0 and np.median(distance) >= 2 * spread),
                }
            )
    for row in sorted(rows, key=lambda r: (r["safe"], r["chapter"])):
        mark = "   " if row["safe"] else "!! "
        print(
            f"{mark}{row['chapter'][:12]:12} {row['low']:10.4g} < {row['high']:<10.4g} spread {row['spread']:<9.3g} {row['comparison'][:90]}"
        )
    for chapter, seed, error in failures:
        print(f"!! {chapter} with seed {seed}: {error}")
    unsafe = sum(not row["safe"] for row in rows)
    print(
        f"{len(rows)} comparisons of claims over {args.seeds} seeds: {unsafe} nearer than twice their spread, {len(failures)} runs failed"
    )
    if args.write:  # the chapters that were not run now stay as they were recorded
        versions = {
            "python": platform.python_version(),
            "numpy": np.__version__,
            "seeds": args.seeds,
        }
        before = json.loads(RESULTS.read_text())["claims"] if RESULTS.exists() else []
        kept = [row for row in before if row["chapter"] not in {path.stem for path in paths}]
        claims = sorted(kept + rows, key=lambda row: row["chapter"])
        RESULTS.write_text(json.dumps({"versions": versions, "claims": claims}, indent=1) + "\n")
    sys.exit(bool(unsafe or failures))


if __name__ == "__main__":
    main()
