"""Books of a page or two, built with the settings of the real one."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = Path(__file__).with_name("sample")
WORKER = os.environ.get("PYTEST_XDIST_WORKER", "")  # each process has books of its own
SLOW = ("lab", "report")  # rooms that the sample does without: JupyterLite, and the records


def settings():
    """The book's own settings, without the rooms that the sample needs not."""
    text = (ROOT / "_config.yml").read_text(encoding="utf-8")
    return re.sub(rf"(?m)^ *(- ({'|'.join(SLOW)})|book_pyodide: .*)\n", "", text)


def arrange(name):
    """The folder of a new book: the sample's pages, and links to what the settings name."""
    folder = ROOT / "_build" / name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "_config.yml").write_text(settings(), encoding="utf-8")
    shutil.copyfile(SAMPLE / "_toc.yml", folder / "_toc.yml")
    shutil.copytree(SAMPLE / "book", folder / "book", dirs_exist_ok=True)
    shutil.copyfile(ROOT / "book/references.bib", folder / "book/references.bib")
    for part in ("web", "tools", "optimlib"):
        if not (folder / part).exists():
            (folder / part).symlink_to(ROOT / part, target_is_directory=True)
    return folder


def build(folder, *options):
    """Build the book in a folder; its log and whether it succeeded."""
    command = [str(Path(sys.executable).with_name("jupyter-book")), "build", str(folder), *options]
    environment = {name: value for name, value in os.environ.items() if name != "MPLBACKEND"}
    done = subprocess.run(
        command,
        env=environment | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    return done.stdout, done.returncode == 0
