"""What several test files share."""

import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def site():
    """The folder of the built site, built now; once a run, also where several processes share the tests."""
    build = ROOT / "_build"
    build.mkdir(exist_ok=True)
    this_run = os.environ.get("PYTEST_XDIST_TESTRUNUID", str(os.getpid()))
    lock = sqlite3.connect(build / "tested.sqlite", timeout=1200, isolation_level=None)
    lock.execute("BEGIN EXCLUSIVE")  # the other processes wait here, then find the row
    try:
        lock.execute("CREATE TABLE IF NOT EXISTS built (run TEXT, status INTEGER, log TEXT)")
        row = lock.execute("SELECT status, log FROM built WHERE run = ?", [this_run]).fetchone()
        if row is None:
            command = [str(Path(sys.executable).with_name("jupyter-book")), "build", str(ROOT), "--warningiserror", "--keep-going"]
            done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
            row = done.returncode, done.stdout
            lock.execute("DELETE FROM built")
            lock.execute("INSERT INTO built VALUES (?, ?, ?)", [this_run, *row])
        lock.execute("COMMIT")
    finally:
        lock.close()
    status, log = row
    assert status == 0, f"the book does not build:\n{log[-6000:]}"
    return build / "html"
