"""The house: the commands, the pins, the notebooks as they are committed, and what must stand in no file."""

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import nbformat
import notebooks
import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
needs_make = pytest.mark.skipif(shutil.which("make") is None, reason="no make here")


def make(*arguments, cwd=ROOT, path=None):
    environment = {
        k: v
        for k, v in os.environ.items()
        if k not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS", "PYTHON")
    }
    if path:
        environment["PATH"] = str(path)
    return subprocess.run(
        [shutil.which("make"), *arguments], cwd=cwd, env=environment, capture_output=True, text=True
    )


def tracked():
    """The project's own text files: what git tracks, or would; without git, what lies outside of what is built."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "-co", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    if listed.returncode == 0 and listed.stdout:
        paths = [ROOT / name for name in listed.stdout.split("\0") if name]
    else:
        built = re.compile(
            r"\.git|\.venv.*|_build|grades|__pycache__|\.pytest_cache|\.hypothesis|\.ipynb_checkpoints|.*\.egg-info"
        )
        paths = [
            p for p in ROOT.rglob("*") if not any(map(built.fullmatch, p.relative_to(ROOT).parts))
        ]
    for path in paths:
        if path.is_file():
            try:
                yield path, path.read_text(encoding="utf-8")
            except UnicodeDecodeError:
                pass


def pins(name):
    """(package, exact version) of each line of a requirements file that holds for this Python."""
    found = {}
    for line in (ROOT / name).read_text().splitlines():
        line = line.split("#")[0].strip()
        if line and not line.startswith("-"):
            requirement = Requirement(line)
            if requirement.marker is None or requirement.marker.evaluate():
                (version,) = requirement.specifier
                assert version.operator == "==" and "*" not in version.version, (
                    f"{name}: {line} is no exact pin"
                )
                found[canonicalize_name(requirement.name)] = version.version
    return found


@needs_make
def test_make_alone_lists_the_targets():
    done = make()
    assert done.returncode == 0, done.stderr
    listed = {line.split()[0]: line.split()[1:] for line in done.stdout.splitlines()[1:]}
    assert {"book", "serve", "test", "notebooks", "clean"} <= set(listed)
    assert all(listed.values()), "a target without a description"
    rules = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.M)) - {"again"}
    assert rules == set(listed)


@pytest.fixture
def elsewhere(tmp_path):
    """The Makefile in an empty folder, and a PATH with only the plainest commands."""
    shutil.copy(ROOT / "Makefile", tmp_path)
    (tmp_path / "course").mkdir()
    for name in (
        "requirements.txt",
        "constraints.txt",
        "pyproject.toml",
        "course/requirements.txt",
    ):
        (tmp_path / name).touch()
    tools = tmp_path / "bin"
    tools.mkdir()
    for command in ("sh", "make", "grep", "echo", "test", "sed", "expand"):
        if shutil.which(command):
            (tools / command).symlink_to(shutil.which(command))
    return tmp_path


def fake_python(folder, name, version=None, broken=""):
    """A Python that says it is `version` (or is this one) and, where `broken` names a module, has no such module."""
    change = "import sys"
    if version:
        change += (
            f'; sys.version_info = ({version.replace(".", ", ")}); sys.version = "{version} (fake)"'
        )
    if broken:
        change += f'; sys.modules["{broken}"] = None'
    script = f"""#!/bin/sh
[ "$1" = -c ] || exec "{sys.executable}" "$@"
exec "{sys.executable}" -c '{change}
'"$2"
"""
    path = folder / "bin" / name
    path.write_text(script)
    path.chmod(0o755)
    return path


@needs_make
@pytest.mark.parametrize("version", ["2.7.18", "3.9.18", "3.10.13", "3.14.0"])
def test_another_python_is_said_in_one_line(elsewhere, version):
    fake_python(elsewhere, "python3", version)
    done = make("book", cwd=elsewhere, path=elsewhere / "bin")
    (line,) = done.stderr.splitlines()
    assert done.returncode != 0 and done.stdout == "" and not (elsewhere / ".venv").exists()
    assert (
        "needs Python 3.11, 3.12 or 3.13" in line
        and f"python3 is {version}" in line
        and "PYTHON=" in line
    )


@needs_make
def test_the_python_that_is_named_is_the_one_that_counts(elsewhere):
    fake_python(elsewhere, "python3", "3.12.1")
    named = fake_python(elsewhere, "old", "3.9.18")
    done = make("book", f"PYTHON={named}", cwd=elsewhere, path=elsewhere / "bin")
    (line,) = done.stderr.splitlines()
    assert done.returncode != 0 and f"{named} is 3.9.18" in line


@needs_make
@pytest.mark.parametrize("module", ["venv", "ensurepip"])
def test_python_without_its_venv_module_is_said_in_one_line(elsewhere, module):
    fake_python(elsewhere, "python3", broken=module)
    done = make("book", cwd=elsewhere, path=elsewhere / "bin")
    (line,) = done.stderr.splitlines()
    assert (
        done.returncode != 0 and "with its venv module" in line and "Traceback" not in done.stdout
    )


@needs_make
def test_no_python_at_all_is_said_in_one_line(elsewhere):
    done = make("book", cwd=elsewhere, path=elsewhere / "bin")
    (line,) = done.stderr.splitlines()
    assert done.returncode != 0 and "none of python3" in line


@needs_make
def test_the_newest_fitting_python_is_found_beside_an_old_one(elsewhere):
    fake_python(elsewhere, "python3", "3.9.18")
    fake_python(elsewhere, "python3.12", "3.12.1")
    done = make("--dry-run", "book", cwd=elsewhere, path=elsewhere / "bin")
    assert done.returncode == 0, done.stderr
    assert "python3.12 -m venv" in done.stdout


@needs_make
def test_the_environment_is_made_anew_only_when_it_must(elsewhere):
    fake_python(elsewhere, "python3", "3.12.1")
    made = elsewhere / ".venv/made"
    python = elsewhere / ".venv/bin/python"
    python.parent.mkdir(parents=True)
    python.symlink_to(elsewhere / "bin/python3")

    def rebuilds():
        return (
            "-m venv --clear .venv\n"
            in make("--dry-run", "test", cwd=elsewhere, path=elsewhere / "bin").stdout
        )

    assert rebuilds()
    made.write_text(f"{elsewhere}\n")
    assert not rebuilds()
    for name in ("requirements.txt", "constraints.txt", "pyproject.toml"):
        os.utime(elsewhere / name, (made.stat().st_mtime + 5,) * 2)
        assert rebuilds(), name
        os.utime(elsewhere / name, (made.stat().st_mtime - 5,) * 2)
        assert not rebuilds(), name
    made.write_text("/where/the/project/once/was\n")
    assert rebuilds()
    made.write_text(f"{elsewhere}\n")
    assert not rebuilds()
    python.unlink()
    python.symlink_to(elsewhere / "a Python that an upgrade took away")
    assert rebuilds()


def test_constraints_lock_every_package_that_is_installed():
    locked = pins("constraints.txt")
    installed = {canonicalize_name(d.metadata["Name"]): d.version for d in metadata.distributions()}
    ours = installed.keys() - {"pip", "setuptools", "optimlib"}
    assert not {name: installed[name] for name in ours if name not in locked}, (
        "installed, but locked nowhere"
    )
    assert not {n: (installed[n], locked[n]) for n in ours if installed[n] != locked[n]}, (
        "installed, but not as locked"
    )


def test_requirements_are_exact_and_agree_with_the_lock():
    locked = pins("constraints.txt")
    named = pins("requirements.txt")
    assert {"numpy", "jupyter-book", "pytest"} <= named.keys()
    assert {name: locked.get(name) for name in named} == named
    teachers = pins("course/requirements.txt")
    assert "nbgrader" in teachers.keys() - named.keys() and "nbgrader" not in locked
    assert not {
        name: (pin, locked[name]) for name, pin in teachers.items() if locked.get(name, pin) != pin
    }


def test_no_registry_host_and_no_machine_path_in_any_file():
    hosts = r"pypi\.(?:org|python)|pythonhosted\.org|registry\.npmjs|--(?:extra-)?index-url|--find-links"
    paths = r"(?<![\w.~])/(?:root|home/\w+|Users/\w+|workspace|work|tmp)/\w"
    seen = 0
    for path, text in tracked():
        seen += 1
        if path != Path(__file__).resolve():
            for i, line in enumerate(text.splitlines(), 1):
                assert not re.search(f"{hosts}|{paths}", line), (
                    f"{path.relative_to(ROOT)}:{i}: {line.strip()[:120]}"
                )
    assert seen > 20


def test_the_table_of_contents_names_every_page_of_the_book_once():
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text())

    def files(part):
        if isinstance(part, list):
            return [name for item in part for name in files(item)]
        if isinstance(part, dict):
            return [str(part[k]) for k in ("root", "file") if k in part] + [
                n for v in part.values() if isinstance(v, list) for n in files(v)
            ]
        return []

    pages = sorted(
        str(p.relative_to(ROOT).with_suffix(""))
        for p in (ROOT / "book").rglob("*")
        if p.suffix in (".ipynb", ".md") and ".ipynb_checkpoints" not in p.parts
    )
    assert sorted(re.sub(r"\.(ipynb|md)$", "", name) for name in files(toc)) == pages


BOOK = notebooks.all_notebooks()
SOURCES = sorted((ROOT / "course/source").rglob("*.ipynb"))
TEACHES_OPTIMLIB = [
    path for path in BOOK if path.parent.name != "assignments"
]  # students need numpy alone


@pytest.mark.parametrize("path", [*BOOK, *SOURCES], ids=lambda p: f"{p.parent.name}/{p.stem}")
def test_notebooks_are_committed_clean(path):
    text = path.read_text(encoding="utf-8")
    assert notebooks.clean(text, notebooks.repository()) == text, "run `make notebooks`"


@pytest.mark.parametrize("path", TEACHES_OPTIMLIB, ids=lambda p: p.stem)
def test_one_guarded_line_installs_optimlib_and_only_where_it_is_missing(path, monkeypatch):
    """With an address a notebook gets one cell, not seen on the page; it asks pip for that address, or nothing; without, none."""
    text = path.read_text(encoding="utf-8")
    address = {"url": "https://github.com/someone/a-book", "branch": "main"}
    with_it = notebooks.clean(text, address)
    assert notebooks.clean(with_it, address) == with_it and notebooks.clean(
        with_it, {}
    ) == notebooks.clean(text, {})
    cells = nbformat.reads(with_it, as_version=4).cells
    (place,) = [i for i, cell in enumerate(cells) if "install" in cell.metadata.get("tags", [])]
    code = [
        i for i, cell in enumerate(cells) if cell.cell_type == "code" and "optimlib" in cell.source
    ]
    assert place == code[0] > 0 and "remove-cell" in cells[place].metadata["tags"]
    asked = []

    class Shell:
        def run_line_magic(self, *said):
            asked.append(said)

    exec(cells[place].source, {"get_ipython": Shell})
    assert asked == []
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    exec(cells[place].source, {"get_ipython": Shell})
    assert asked == [("pip", "install --quiet git+https://github.com/someone/a-book@main")]


def test_the_cleaner_cleans(tmp_path, capsys):
    cell = {
        "cell_type": "code",
        "execution_count": 3,
        "id": "same",
        "source": "1",
        "outputs": [{"output_type": "stream", "name": "stdout", "text": "x"}],
    }
    cell["metadata"] = {
        "collapsed": True,
        "tags": ["keep"],
        "mystnb": {"image": {"alt": "kept"}},
        "ExecuteTime": {"start": 1},
    }
    text = {"cell_type": "markdown", "metadata": {}, "id": "same", "source": "words"}
    dirty = {
        "cells": [cell, text],
        "metadata": {"kernelspec": {"display_name": "x", "name": "other"}, "widgets": {}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    path = tmp_path / "a.ipynb"
    path.write_text(json.dumps(dirty))
    assert notebooks.main(["--check", str(path)]) == 1 and json.loads(path.read_text()) == dirty
    assert "a.ipynb is not clean" in capsys.readouterr().out
    assert notebooks.main([str(path)]) == 0 and notebooks.main(["--check", str(path)]) == 0
    first, second = nbformat.read(path, as_version=4).cells
    assert (first.id, first.execution_count, first.outputs) == (
        "same",
        None,
        [],
    ) and second.id not in ("same", "")
    assert first.metadata == {"tags": ["keep"], "mystnb": {"image": {"alt": "kept"}}}
    book = nbformat.read(path, as_version=4)
    assert book.metadata == notebooks.METADATA and [c.source for c in book.cells] == ["1", "words"]


def test_a_failing_cell_fails_the_run_and_leaves_the_notebook(tmp_path, capsys):
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("assert 1 == 2, 'not so'")])
    path = tmp_path / "a.ipynb"
    nbformat.write(book, path)
    before = path.read_text()
    assert notebooks.main(["--run", str(path)]) == 1
    assert "not so" in capsys.readouterr().out and path.read_text() == before


def test_the_kernel_is_this_environment_s(tmp_path):
    said = tmp_path / "said"
    code = f"import sys; open({str(said)!r}, 'w').write(sys.prefix)"
    nbformat.write(
        nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)]), tmp_path / "a.ipynb"
    )
    assert notebooks.main(["--run", str(tmp_path / "a.ipynb")]) == 0
    assert said.read_text() == sys.prefix


WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))


def steps(path):
    """(job, step) for every step of a workflow."""
    return [
        (job, step)
        for job in yaml.safe_load(path.read_text())["jobs"].values()
        for step in job["steps"]
    ]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda p: p.stem)
def test_what_a_workflow_runs_is_there(path):
    """Its make targets, scripts and tests exist; it may read the repository and no more, but for the job that publishes."""
    workflow = yaml.safe_load(path.read_text())
    assert workflow["permissions"] == {"contents": "read"} and workflow["jobs"]
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.M))
    ran = [step["run"] for _, step in steps(path) if "run" in step]
    assert ran
    for command in ran:
        assert set(re.findall(r"\bmake (\w+)", command)) <= targets, command
        for file in re.findall(r"(?:\.ci|tests|web)/[\w./]+", command):
            assert (ROOT / file).is_file(), command
        for test in re.findall(r"-k (\w+)", command):
            assert f"{test}_" in (ROOT / re.search(r"tests/\w+\.py", command)[0]).read_text(), (
                command
            )


def test_the_workflows_test_every_python_and_publish_only_what_was_tested():
    jobs = yaml.safe_load((ROOT / ".github/workflows/book.yml").read_text())["jobs"]
    supported = re.search(r"\((3, \d+)\) <= .* < \((3, \d+)\)", (ROOT / "Makefile").read_text())
    low, high = (int(bound.split(", ")[1]) for bound in supported.groups())
    assert jobs["test"]["strategy"]["matrix"]["python"] == [
        f"3.{minor}" for minor in range(low, high)
    ]
    assert jobs["site"]["needs"] == "test" and jobs["publish"]["needs"] == "site"
    assert [name for name, job in jobs.items() if "permissions" in job] == ["publish"]


def test_binder_installs_this_tree_at_the_locked_versions():
    lines = [
        line
        for line in (ROOT / ".binder/requirements.txt").read_text().splitlines()
        if not line.startswith("#")
    ]
    assert lines == ["-c ../constraints.txt", ".", "ipywidgets"]
    needs = {Requirement(r).name for r in metadata.requires("optimlib")} | {"ipywidgets"}
    assert needs <= pins("constraints.txt").keys()
    assert (ROOT / ".binder/runtime.txt").read_text().strip().removeprefix("python-") in (
        "3.11",
        "3.12",
        "3.13",
    )
