"""A few of the mutants of mutants.py, others whenever optimlib changes: each is noticed, as it was when they were last recorded."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("resource", reason="each mutant runs in a fork, with limits")
import mutants

TESTS = Path(__file__).resolve().parents[1]


RULES = "SGD.update RMSprop.update Adam.update ExponentialDecay.rate CosineDecay.rate".split()


@pytest.mark.parametrize(
    "arguments",
    [
        ["chapters", "--sample", "2", "--modules", "optimizers", "schedules", "--scopes", *RULES],
        ["tests", "--sample", "2"],
    ],
    ids=["by chapters", "by unit tests"],
)
def test_a_sample_of_mutants_is_noticed(arguments):
    done = subprocess.run(
        [sys.executable, TESTS / "mutants.py", *arguments, "--trust", "--jobs", "1"],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_excused_mutant_exists():
    """A line that was changed since is no excuse any more."""
    excused = json.loads(mutants.EQUIVALENT.read_text(encoding="utf-8"))
    assert all(len(why) >= 20 for why in excused.values())
    modules = {name.split(".")[0] for name in excused}
    assert set(excused) <= {mutants.key(m) for module in modules for m in mutants.mutants(module)}
