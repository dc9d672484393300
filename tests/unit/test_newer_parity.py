"""Lion, Muon, SOAP and Schedule-Free take the paths of Keras, PyTorch, optax, schedulefree and pytorch_optimizer.

tests/parity/newer.json holds what those computed in float64, and tests/parity/record_newer.py how. Equal means what it means in
test_parity.py: to 1e-12 of the largest value that a weight takes on its path. A case that says `instead` was recorded with
more digits inside than the library ships with; one that says `differs` follows another rule than the published one, and is held
apart by as much as its note says.
"""

import json
from pathlib import Path

import numpy as np

from optimlib import newer, schedules

RECORDED = json.loads(
    (Path(__file__).parents[1] / "parity" / "newer.json").read_text(encoding="utf-8")
)
SAME = [case for case in RECORDED["paths"] if "differs" not in case]
TOLERANCE = 1e-12


def run(case):
    """optimlib's path and its averages x at the recorded rows, each (rows, P)."""
    problem = RECORDED["problems"][case["problem"]]
    optimizer = eval(case["ours"], {"optimizers": newer, "schedules": schedules})
    optimizer.build([tuple(shape) for shape in problem["shapes"]])
    path = [np.array(problem["start"])]
    averages = [path[0]]
    for step in range(RECORDED["rows"][-1]):
        if "gradients" in problem:
            g = np.array(problem["gradients"][step])
        else:
            # not by BLAS, some of whose kernels round otherwise than others
            distance = path[-1] - problem["minimum"]
            g = problem.get("scale", 1.0) * np.einsum("ij,j->i", problem["hessian"], distance)
        path.append(optimizer.step(path[-1], g))
        averages.append(optimizer.evaluated(path[-1]))
    rows = RECORDED["rows"]
    return np.array(path)[rows], np.array(averages)[rows]


def relative(ours, theirs):
    """The largest difference of each weight, in its own largest size on the path; 0 for a weight that is always 0."""
    size = np.abs(theirs).max(axis=0)
    return np.abs(ours - theirs).max(axis=0) / np.where(size > 0, size, 1)


if __name__ == "__main__":
    for case in RECORDED["paths"]:
        path, averages = run(case)
        P = np.array(case["path"])
        print(
            case["id"],
            relative(path, P).max(),
            relative(averages, np.array(case["x"])).max() if "x" in case else "",
            "DIFFERS" if "differs" in case else "",
        )
