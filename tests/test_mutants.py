"""A few of the mutants of mutants.py, drawn anew whenever optimlib changes: whatever survives must be on record, or excused there."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("resource", reason="each mutant runs in a fork, with limits")
import mutants

TESTS = Path(__file__).resolve().parent


@pytest.mark.parametrize(("suite", "count", "modules"), [("chapters", 4, ["optimizers", "schedules"]), ("tests", 4, mutants.MODULES)])
def test_a_sample_of_mutants_is_noticed(suite, count, modules):
    command = [sys.executable, TESTS / "mutants.py", suite, "--sample", str(count), "--trust", "--jobs", "1", "--modules", *modules]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_excused_mutant_exists():
    """A line that was changed since is no excuse any more."""
    excused = json.loads(mutants.EQUIVALENT.read_text(encoding="utf-8"))
    assert all(len(why) >= 20 for why in excused.values())
    modules = {name.split(".")[0] for name in excused}
    assert set(excused) <= {mutants.key(m) for module in modules for m in mutants.mutants(module)}
