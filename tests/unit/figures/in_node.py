"""The script of the figures, run in Node."""

import json
import subprocess
from pathlib import Path

import numpy as np

from optimlib import surfaces
from optimlib.figures import explorable, paths
from tools.book import node

DRIVER = Path(__file__).with_name("explorable_in_node.js")
SURFACES = {
    "bowl": surfaces.bowl(),
    "valley": surfaces.valley(100),
    "turned valley": surfaces.valley(10, 30),
    "plateau": surfaces.plateau(),
    "saddle": surfaces.saddle(),
    "rosenbrock": surfaces.rosenbrock(),
    "beale": surfaces.beale(),
    "ripples": surfaces.ripples(),
}


def code(*files):
    """The script of these files, with every rule and every surface."""
    every = {type(surface).__name__ for surface in SURFACES.values()}
    return explorable.script(["words", "svg", "controls", *files], paths.RULES, every)


def ask(requests, script):
    """What the script, given as text, answers to each of the requests, [name, argument, ...]."""
    done = subprocess.run(
        [node(), str(DRIVER)],
        input=json.dumps({"script": script, "requests": requests}),
        capture_output=True,
        text=True,
        encoding="utf-8",
    )
    assert done.returncode == 0, done.stderr
    return [special(answer) for answer in json.loads(done.stdout)]


def special(answer):
    """JSON with its infinities."""
    if isinstance(answer, dict):
        return {key: special(value) for key, value in answer.items()}
    if isinstance(answer, list):
        return [special(value) for value in answer]
    return (
        {"Infinity": np.inf, "-Infinity": -np.inf, "NaN": np.nan}.get(answer, answer)
        if isinstance(answer, str)
        else answer
    )
