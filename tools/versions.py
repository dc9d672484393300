"""Run the tests on other Pythons and numpys, the chapters on other BLAS kernels: `make versions`.

    python -m tools.versions [pythons] [kernels] [newest] [--brief] [--write]

Each Python has an environment of its own under _build/versions, from the locked pins; one of them
takes the oldest numpy that optimlib supports. The kernels and threads run in the environment that
runs this. With --brief the Pythons too run the chapters and the unit tests alone, and need a tenth
of the packages. Results: tools/records/versions.json. `make newest` runs `newest`: the pins without
the lock below them, and what optimlib itself needs at its newest.
"""

import argparse
import datetime
import json
import os
import platform
import shutil
import subprocess
import sys
import time
import tomllib
import xml.etree.ElementTree as ET
from pathlib import Path

from tools import book, kernels
from tools.book import ROOT

RESULTS = book.RECORDS / "versions.json"
BUILD = book.BUILD / "versions"
PYTHONS = ["3.11", "3.12", "3.13", "3.14", "3.15"]  # those that the machine has are run
OLDEST = "2.0.2"  # of numpy: the last of the first series that optimlib supports, for Python 3.11
EVERY = ["book", "course/source", "tests"]
BRIEF = ["book", "tests/unit"]
BRIEFLY = ["ipykernel", "pytest", "pytest-xdist", "nbval", "hypothesis", "pyyaml"]  # for BRIEF
# with other packages than the lock's: all tests but the one that says so
LOCKED = "tests/house/test_pins.py::test_constraints_lock_every_package_that_is_installed"


def interpreter(version):
    """A Python of this version that can make environments, on the PATH or pyenv's, or None."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    candidates = [shutil.which(f"python{version}"), *sorted(pyenv.glob(f"{version}.*/bin/python"))]
    for python in filter(None, candidates):
        asks = [python, "-c", "import venv, ensurepip"]
        if subprocess.run(asks, capture_output=True).returncode == 0:
            return str(python)
    return None


def environment(version, numpy=None, brief=False, newest=False):
    """The Python of an environment made for this run, or None where there is no such Python."""
    base = interpreter(version)
    if base is None:
        return None
    folder = BUILD / f"{version}-{'newest' if newest else numpy or 'pinned'}"
    python = folder / "bin/python"
    subprocess.run([base, "-m", "venv", "--clear", folder], check=True)
    install = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    packages = ["-e", ".", *BRIEFLY] if brief else ["-r", "requirements.txt"]
    lock = [] if newest else ["-c", "constraints.txt"]
    subprocess.run([*install, *packages, *lock], cwd=ROOT, check=True)
    if numpy:
        subprocess.run([*install, f"numpy=={numpy}"], check=True)
    if newest:
        project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
        subprocess.run([*install, "--upgrade", *project["dependencies"]], check=True)
    return str(python)


def run(python, title, jobs, *arguments, variables=None):
    """One run of pytest, the cells of the chapters twice: what it ran on, and its counts."""
    report = BUILD / "report.xml"
    BUILD.mkdir(parents=True, exist_ok=True)
    report.unlink(missing_ok=True)
    asks = "import numpy, platform; print(platform.python_version(), numpy.__version__)"
    answer = subprocess.run([python, "-c", asks], check=True, capture_output=True, text=True)
    version, numpy = answer.stdout.split()
    start = time.monotonic()
    variables = variables or {}
    threads = variables.get("OPENBLAS_NUM_THREADS", "1")
    command = [python, "-m", "pytest", "-q", "--twice", "-n", str(max(1, jobs // int(threads)))]
    command += ["--dist", "loadfile", "--no-loadscope-reorder", f"--junitxml={report}", *arguments]
    done = subprocess.run(
        command, cwd=ROOT, env=os.environ | variables, capture_output=True, text=True
    )
    if not report.exists():
        sys.exit(f"pytest did not run on {title}:\n{done.stdout[-3000:]}{done.stderr[-3000:]}")
    suite = ET.parse(report).getroot()[0]
    count = {name: int(suite.get(name)) for name in ("tests", "failures", "errors", "skipped")}
    failed = [line for line in done.stdout.splitlines() if line.startswith(("FAILED", "ERROR"))]
    seconds = time.monotonic() - start
    head = f"{title}: Python {version}, numpy {numpy}: {count} in {seconds:.0f} s"
    print(head, *failed, sep="\n  ", flush=True)
    return {
        "what": title,
        "python": version,
        "numpy": numpy,
        "date": datetime.date.today().isoformat(),
        **count,
        "kernel": variables.get("OPENBLAS_CORETYPE", ""),
        "threads": threads,
    }


def write(row):
    """Record the row in place of one that ran on the same; the others stay."""
    recorded = json.loads(RESULTS.read_text())["runs"] if RESULTS.exists() else []
    same = ("what", "python", "numpy", "kernel", "threads")
    others = [old for old in recorded if any(old[key] != row[key] for key in same)]
    content = {"processor": platform.machine(), "runs": [*others, row]}
    RESULTS.write_text(json.dumps(content, indent=1) + "\n")


def runs(parts, brief, jobs):
    """The rows of all runs that were asked for, as they come to their end."""
    if "pythons" in parts:
        for version, numpy in [*((p, None) for p in PYTHONS), (PYTHONS[0], OLDEST)]:
            python = environment(version, numpy, brief)
            if python is None:
                print(f"no Python {version} here: left out")
            elif brief:
                yield run(python, "chapters and unit tests", jobs, *BRIEF)
            else:
                unlocked = ["--deselect", LOCKED] if numpy else []
                yield run(python, "all tests", jobs, *EVERY, *unlocked)
    if "newest" in parts:
        python = environment("{}.{}".format(*sys.version_info), newest=True)
        title, tests = ("chapters and unit tests", BRIEF) if brief else ("all tests", EVERY)
        yield run(python, f"{title} on the newest versions", jobs, *tests, "--deselect", LOCKED)
    if "kernels" in parts:
        for kernel in kernels.runnable():
            for threads in (1, 2):
                variables = kernels.environment(kernel, threads)
                title = "chapters and unit tests"
                yield run(sys.executable, title, jobs, *BRIEF, variables=variables)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "parts", nargs="*", default=["pythons", "kernels"], help="pythons, kernels, newest"
    )
    parser.add_argument(
        "--brief", action="store_true", help="on the Pythons, the chapters and the unit tests alone"
    )
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--write", action="store_true", help=f"record them in {RESULTS.name}")
    args = parser.parse_args()
    failed = False
    for row in runs(args.parts, args.brief, args.jobs):
        failed |= bool(row["failures"] or row["errors"])
        if args.write:
            write(row)
    sys.exit(failed)


if __name__ == "__main__":
    main()
