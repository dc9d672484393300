"""The pins: exact, locked, and those that are installed; and what must stand in no file."""

import contextlib
import re
import subprocess
import tomllib
from importlib import metadata

import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import optimlib
from tools import versions
from tools.book import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]


def pins(requirements):
    """{package: exact version} of the requirements that hold for this Python."""
    found = {}
    for line in requirements:
        requirement = Requirement(line)
        if requirement.marker is None or requirement.marker.evaluate():
            (version,) = requirement.specifier
            assert version.operator == "==" and "*" not in version.version, f"{line} is not exact"
            found[canonicalize_name(requirement.name)] = version.version
    return found


def in_file(name):
    """The pins in a file of requirements."""
    rows = (row.split("#")[0].strip() for row in (ROOT / name).read_text().splitlines())
    return pins(row for row in rows if row and not row.startswith("-"))


LOCKED = in_file("constraints.txt")
NAMED = in_file("requirements.txt") | pins(EXTRAS["site"] + EXTRAS["tests"])


def test_constraints_lock_every_package_that_is_installed():
    installed = {canonicalize_name(d.metadata["Name"]): d.version for d in metadata.distributions()}
    others = installed.keys() - {"pip", "setuptools", PROJECT["name"]}
    assert not {name for name in others if name not in LOCKED}, "installed, but locked nowhere"
    assert not {n: (installed[n], LOCKED[n]) for n in others if installed[n] != LOCKED[n]}


def test_other_versions_leave_out_that_test_alone():
    name = test_constraints_lock_every_package_that_is_installed.__name__
    assert versions.LOCKED.split("::") == ["tests/house/test_pins.py", name]


def test_what_is_named_is_pinned_and_agrees_with_the_lock():
    assert {"numpy", "jupyter-book", "pytest"} <= NAMED.keys()
    assert {name: LOCKED.get(name) for name in NAMED} == NAMED
    imported = {Requirement(line).name for line in PROJECT["dependencies"]}
    assert imported <= LOCKED.keys(), "what a chapter imports is not locked"


def test_grading_shares_the_versions_of_the_book():
    teachers = in_file("course/requirements.txt")
    assert "nbgrader" in teachers.keys() - NAMED.keys() and "nbgrader" not in LOCKED
    assert {name: LOCKED.get(name, pin) for name, pin in teachers.items()} == teachers


def test_the_distribution_has_a_name_of_its_own_and_the_package_s_version():
    assert metadata.metadata(PROJECT["name"])["Name"] == "optimizers-step-by-step"
    assert "version" not in PROJECT and re.fullmatch(
        r"\d+\.\d+\.\d+(\.dev0)?", optimlib.__version__
    )


def test_what_is_cited_and_what_changed_are_of_this_version():
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    newest = re.search(
        r"(?m)^## (\S+) \((.+)\)$", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    )
    released = (str(cited["version"]), str(cited["date-released"]))
    assert released == newest.groups() and released[0] == optimlib.__version__
    assert f"version {released[0]};" in (ROOT / "README.md").read_text(encoding="utf-8")


def test_binder_installs_this_tree_at_the_locked_versions():
    rows = (ROOT / ".binder/requirements.txt").read_text().splitlines()
    assert [row for row in rows if not row.startswith("#")] == ["-c ../constraints.txt", "."]
    python = (ROOT / ".binder/runtime.txt").read_text().strip()
    assert re.fullmatch(r"python-3\.1[1-5]", python)


def own_files():
    """The paths and texts of the project's own files: what git tracks, or would.

    Without git, what lies outside of what is built.
    """
    command = ["git", "ls-files", "-z", "-co", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if listed.returncode == 0 and listed.stdout:
        paths = [ROOT / name for name in listed.stdout.split("\0") if name]
    else:
        built = re.compile(r"\.git|\.venv.*|_build|grades|__pycache__|\.\w+_cache|.*\.egg-info")
        inside = ((path, path.relative_to(ROOT).parts) for path in ROOT.rglob("*"))
        paths = [path for path, parts in inside if not any(map(built.fullmatch, parts))]
    for path in paths:
        if path.is_file():
            with contextlib.suppress(UnicodeDecodeError):
                yield path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8")


def test_no_registry_host_and_no_machine_path_in_any_file():
    hosts = r"pypi\.(?:org|python)|pythonhosted\.org|registry\.npmjs"
    options = r"--(?:extra-)?index-url|--find-links"
    paths = r"(?<![\w.~])/(?:root|home/\w+|Users/\w+|workspace|work|tmp)/\w"
    forbidden = re.compile(f"{hosts}|{options}|{paths}")
    files = dict(own_files())
    assert len(files) > 100
    found = [
        f"{path}:{number}: {line.strip()[:120]}"
        for path, text in files.items()
        if path != "tests/house/test_pins.py"
        for number, line in enumerate(text.splitlines(), 1)
        if forbidden.search(line)
    ]
    assert found == []
