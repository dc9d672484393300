"""Run the whole of the tests on other Pythons and numpys, and all chapters on other BLAS kernels: `make versions`.

Every Python gets an environment of its own under _build/versions, from the locked pins; one of them takes the oldest numpy that
optimlib supports. The kernels and threads run in the environment that runs this script. With --brief the Pythons too run the chapters
and the unit tests alone, and need a tenth of the packages. Results: tools/records/versions.json.
`make newest` runs this script with `newest`: the pins of requirements.txt without the lock below them, and optimlib's own
dependencies at their newest.
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

import kernels

ROOT = Path(__file__).resolve().parent.parent
RESULTS = Path(__file__).parent / "records/versions.json"
BUILD = ROOT / "_build/versions"
PYTHONS = ("3.11", "3.12", "3.13")
OLDEST = "2.0.2"  # of numpy: the last release of the first series that optimlib supports
# with other packages than the lock's: all tests but the one that says so
UNLOCKED = [
    "--deselect",
    "tests/test_house.py::test_constraints_lock_every_package_that_is_installed",
]
UNIT = [
    f"tests/test_{name}.py"
    for name in "optimizers schedules surfaces mlp training data rnn networks parity".split()
]
FEW = (
    "numpy matplotlib ipywidgets tqdm ipykernel pytest pytest-xdist nbval hypothesis".split()
)  # what those and the chapters need


def interpreter(version):
    """A Python of this version: on the PATH, or one of pyenv's."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    for found in [
        shutil.which(f"python{version}"),
        *map(str, sorted(pyenv.glob(f"{version}.*/bin/python"))),
    ]:
        if (
            found
            and subprocess.run(
                [found, "-c", "import venv, ensurepip"], capture_output=True
            ).returncode
            == 0
        ):
            return found
    return None


def environment(version, numpy=None, brief=False, newest=False):
    """The Python of an environment made for this run, or None where there is no such Python."""
    base, folder = (
        interpreter(version),
        BUILD / f"{version}-{'newest' if newest else numpy or 'pinned'}",
    )
    if base is None:
        return None
    python = folder / "bin/python"
    subprocess.run([base, "-m", "venv", "--clear", folder], check=True)
    quiet = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    wanted = ["-e", ".", *FEW] if brief else ["-r", "requirements.txt"]
    lock = [] if newest else ["-c", "constraints.txt"]
    subprocess.run([*quiet, *wanted, *lock], cwd=ROOT, check=True)
    if numpy:
        subprocess.run([*quiet, f"numpy=={numpy}"], check=True)
    if newest:
        wanted = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
        subprocess.run([*quiet, "--upgrade", *wanted], check=True)
    return str(python)


def run(python, what, jobs, *arguments, variables=None):
    """One run of pytest: what it ran on, and its counts."""
    report = BUILD / "report.xml"
    BUILD.mkdir(parents=True, exist_ok=True)
    report.unlink(missing_ok=True)
    asked = [
        python,
        "-c",
        "import numpy, platform; print(platform.python_version(), numpy.__version__)",
    ]
    version, numpy = subprocess.run(
        asked, check=True, capture_output=True, text=True
    ).stdout.split()
    start = time.monotonic()
    threads = int((variables or {}).get("OPENBLAS_NUM_THREADS", 1))
    command = [
        python,
        "-m",
        "pytest",
        "-q",
        "-n",
        str(max(1, jobs // threads)),
        "--dist",
        "loadfile",
        "--no-loadscope-reorder",
        f"--junitxml={report}",
        *arguments,
    ]
    done = subprocess.run(
        command, cwd=ROOT, env=os.environ | (variables or {}), capture_output=True, text=True
    )
    if not report.exists():
        sys.exit(f"pytest did not run on {what}:\n{done.stdout[-3000:]}{done.stderr[-3000:]}")
    suite = ET.parse(report).getroot()[0]
    count = {name: int(suite.get(name)) for name in ("tests", "failures", "errors", "skipped")}
    row = {
        "what": what,
        "python": version,
        "numpy": numpy,
        "date": datetime.date.today().isoformat(),
    } | count
    row |= {
        "kernel": (variables or {}).get("OPENBLAS_CORETYPE", ""),
        "threads": (variables or {}).get("OPENBLAS_NUM_THREADS", "1"),
    }
    failed = [line for line in done.stdout.splitlines() if line.startswith(("FAILED", "ERROR"))]
    print(
        f"{what}: Python {version}, numpy {numpy}: {count} in {time.monotonic() - start:.0f} s",
        *failed,
        sep="\n  ",
        flush=True,
    )
    return row


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "parts",
        nargs="*",
        default=["pythons", "kernels"],
        help="pythons, kernels, newest, or some of them",
    )
    parser.add_argument(
        "--brief", action="store_true", help="on the Pythons, the chapters and the unit tests alone"
    )
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument(
        "--write", action="store_true", help=f"record the results in {RESULTS.name}"
    )
    args = parser.parse_args()
    rows = []

    def ran_on(row):
        return [row[k] for k in ("what", "python", "numpy", "kernel", "threads")]

    def note(row):
        """Keep the row, and what was recorded on anything else."""
        rows.append(row)
        if args.write:
            before = json.loads(RESULTS.read_text())["runs"] if RESULTS.exists() else []
            kept = [old for old in before if ran_on(old) != ran_on(row)]
            RESULTS.parent.mkdir(exist_ok=True)
            RESULTS.write_text(
                json.dumps({"processor": platform.machine(), "runs": [*kept, row]}, indent=1) + "\n"
            )

    if "pythons" in args.parts:
        for version, numpy in [*((p, None) for p in PYTHONS), (PYTHONS[0], OLDEST)]:
            python = environment(version, numpy, args.brief)
            if python is None:
                print(f"no Python {version} here: left out")
                continue
            if args.brief:
                note(run(python, "chapters and unit tests", args.jobs, "book", *UNIT))
            else:
                note(
                    run(
                        python,
                        "all tests",
                        args.jobs,
                        "book",
                        "course/source",
                        "tests",
                        *(UNLOCKED if numpy else []),
                    )
                )
    if "newest" in args.parts:
        python = environment(f"{sys.version_info.major}.{sys.version_info.minor}", newest=True)
        note(
            run(
                python,
                "all tests on the newest versions",
                args.jobs,
                "book",
                "course/source",
                "tests",
                *UNLOCKED,
            )
        )
    if "kernels" in args.parts:
        for kernel in kernels.runnable():
            for threads in (1, 2):
                variables = kernels.environment(kernel, threads)
                note(
                    run(
                        sys.executable,
                        "chapters and unit tests",
                        args.jobs,
                        "book",
                        *UNIT,
                        variables=variables,
                    )
                )
    sys.exit(any(row["failures"] or row["errors"] for row in rows))


if __name__ == "__main__":
    main()
