"""`make`: its targets, the Python that it takes, and when it makes an environment anew."""

import os
import re
import shutil
import subprocess
import sys

import pytest

from tools.book import ROOT

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="no make here")


def make(*arguments, cwd=ROOT, path=None):
    """A run of make, with `path` as all of its PATH."""
    own = ("MAKEFLAGS", "MAKELEVEL", "MFLAGS", "PYTHON")
    variables = {name: value for name, value in os.environ.items() if name not in own}
    if path:
        variables["PATH"] = str(path)
    command = [shutil.which("make"), *arguments]
    return subprocess.run(command, cwd=cwd, env=variables, capture_output=True, text=True)


def test_make_alone_lists_the_targets():
    done = make()
    assert done.returncode == 0, done.stderr
    listed = {line.split()[0]: line.split()[1:] for line in done.stdout.splitlines()[1:]}
    assert {"book", "serve", "check", "test", "notebooks", "clean"} <= set(listed)
    assert all(listed.values()), "a target without a description"
    rules = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.M)) - {"again"}
    assert rules == set(listed)


class Elsewhere:
    """The Makefile in a folder of its own; its PATH has plain commands and false Pythons."""

    def __init__(self, folder):
        self.folder, self.bin = folder, folder / "bin"
        self.bin.mkdir(parents=True)
        (folder / "course").mkdir()
        shutil.copy(ROOT / "Makefile", folder)
        for name in ("requirements.txt", "constraints.txt", "pyproject.toml"):
            (folder / name).touch()
        (folder / "course/requirements.txt").touch()
        for command in ("sh", "make", "cat", "pwd", "echo", "test", "sed", "expand", "rm"):
            if found := shutil.which(command):
                (self.bin / command).symlink_to(found)

    def python(self, name, version, without=""):
        """Put a Python of this version into the PATH, one that lacks a module where it is named."""
        change = (
            f'sys.version_info = tuple(map(int, "{version}".split("."))); sys.version = "{version}"'
        )
        if without:
            change += f'; sys.modules["{without}"] = None'
        script = f"#!/bin/sh\nexec '{sys.executable}' -IS -c 'import sys; {change}\n'\"$2\"\n"
        path = self.bin / name
        path.write_text(script)
        path.chmod(0o755)
        return path

    def make(self, *arguments):
        return make(*arguments, cwd=self.folder, path=self.bin)

    def plan(self, *arguments):
        """What `make` would run."""
        done = self.make("--dry-run", *arguments)
        assert done.returncode == 0, done.stderr
        return done

    def error(self, *arguments):
        """The one line with which `make` stops before it has done anything."""
        done = self.make(*arguments)
        assert done.returncode != 0 and done.stdout == "" and not (self.folder / ".venv").exists()
        (line,) = done.stderr.splitlines()
        return line


@pytest.fixture
def elsewhere(tmp_path):
    return Elsewhere(tmp_path / "project")


@pytest.mark.parametrize("version", ["2.7.18", "3.10.13"])
def test_a_python_that_is_too_old_is_said_in_one_line(elsewhere, version):
    elsewhere.python("python3", version)
    line = elsewhere.error("book")
    assert "needs Python 3.11 or newer" in line and f"python3 is {version}" in line
    assert "PYTHON=" in line


def test_the_python_that_is_named_is_the_one_that_counts(elsewhere):
    elsewhere.python("python3", "3.12.1")
    old = elsewhere.python("old", "3.9.18")
    assert f"{old} is 3.9.18" in elsewhere.error("book", f"PYTHON={old}")


@pytest.mark.parametrize("module", ["venv", "ensurepip"])
def test_python_without_its_venv_module_is_said_in_one_line(elsewhere, module):
    elsewhere.python("python3", "3.12.1", without=module)
    assert "with its venv module" in elsewhere.error("book")


def test_no_python_at_all_is_said_in_one_line(elsewhere):
    assert "none of python3" in elsewhere.error("book")


@pytest.mark.parametrize("version", ["3.11.0", "3.14.2", "3.15.0"])
def test_every_python_that_was_tried_is_taken_without_a_word(elsewhere, version):
    elsewhere.python("python3", version)
    done = elsewhere.plan("book")
    assert '"python3" -m venv' in done.stdout and done.stderr == ""


def test_a_newer_python_is_warned_about_in_one_line_and_taken(elsewhere):
    elsewhere.python("python3", "3.16.0")
    done = elsewhere.plan("book")
    (line,) = done.stderr.splitlines()
    assert '"python3" -m venv' in done.stdout and "python3 is 3.16.0, newer than any" in line


@pytest.mark.parametrize("version", ["3.9.18", "3.16.0"])
def test_a_python_that_was_tried_is_found_beside_another(elsewhere, version):
    elsewhere.python("python3", version)
    elsewhere.python("python3.12", "3.12.1")
    done = elsewhere.plan("book")
    assert '"python3.12" -m venv' in done.stdout and done.stderr == ""


def test_the_environment_is_made_anew_only_when_it_must(elsewhere):
    fake = elsewhere.python("python3", "3.12.1")
    made = elsewhere.folder / ".venv/made"
    python = elsewhere.folder / ".venv/bin/python"
    python.parent.mkdir(parents=True)
    python.symlink_to(fake)

    def again():
        return "-m venv --clear .venv\n" in elsewhere.plan("test").stdout

    assert again()
    made.write_text(f"{elsewhere.folder}\n")
    assert not again()
    for name in ("requirements.txt", "constraints.txt", "pyproject.toml"):
        os.utime(elsewhere.folder / name, (made.stat().st_mtime + 5,) * 2)
        assert again(), name
        os.utime(elsewhere.folder / name, (made.stat().st_mtime - 5,) * 2)
        assert not again(), name
    made.write_text("/where/the/project/once/was\n")
    assert again()
    made.write_text(f"{elsewhere.folder}\n")
    assert not again()
    python.unlink()
    python.symlink_to(elsewhere.folder / "a Python that an upgrade took away")
    assert again()


def test_the_environment_of_another_copy_is_left_alone(elsewhere, tmp_path):
    """`.venv` may be a link to it: making it anew empties what is there."""
    other = tmp_path / "other/.venv"
    other.mkdir(parents=True)
    (other / "made").write_text(f"{other.parent}\n")
    (elsewhere.folder / ".venv").symlink_to(other)
    script = elsewhere.python("python3", "3.12.1")
    script.write_text(
        script.read_text().replace("\nexec", "\ntest $2 = venv && rm -f .venv/made; exec", 1)
    )
    elsewhere.make("book")
    assert (other / "made").exists() and not (elsewhere.folder / ".venv").is_symlink()


@pytest.mark.parametrize("name", ["Anna's files", "Bücher für Übungen", 'a "quoted" $name'])
def test_the_project_lies_in_a_folder_of_any_name(tmp_path, name):
    elsewhere = Elsewhere(tmp_path / name)
    elsewhere.python("python3", "3.12.1")
    assert "build the website" in elsewhere.make("help").stdout
    assert '"python3" -m venv --clear .venv' in elsewhere.plan("book").stdout
    python = elsewhere.folder / ".venv/bin/python"
    python.parent.mkdir(parents=True)
    python.symlink_to(elsewhere.bin / "python3")
    (elsewhere.folder / ".venv/made").write_text(f"{elsewhere.folder}\n")
    assert "-m venv" not in elsewhere.plan("book").stdout
