"""The workflows that run where the repository is published."""

import re

import pytest
import yaml

from tools import versions
from tools.book import ROOT

WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))


def workflow(path):
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def commands(path):
    """What the steps of a workflow run."""
    steps = [step for job in workflow(path)["jobs"].values() for step in job["steps"]]
    return [step["run"] for step in steps if "run" in step]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda p: p.stem)
def test_what_a_workflow_runs_is_there(path):
    """Its make targets, scripts and tests exist; it may read the repository, and no more."""
    assert workflow(path)["permissions"] == {"contents": "read"}
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.M))
    assert commands(path)
    for command in commands(path):
        assert set(re.findall(r"\bmake ([a-z]+)", command)) <= targets, command
        for file in re.findall(r"(?:\.ci|tests|web)/[\w./]+", command):
            assert (ROOT / file).is_file(), command
            for test in re.findall(r"-k (\w+)", command):
                assert f"{test}_" in (ROOT / file).read_text(), command


def test_every_python_is_tested_and_only_what_was_tested_is_published():
    jobs = workflow(ROOT / ".github/workflows/book.yml")["jobs"]
    assert jobs["test"]["strategy"]["matrix"]["python"] == versions.PYTHONS
    assert jobs["site"]["needs"] == "test" and jobs["publish"]["needs"] == "site"
    assert [name for name, job in jobs.items() if "permissions" in job] == ["publish"]
