"""Pyodide for tests without a network: its core from npm, the rest that a kernel needs from pip."""

import hashlib
import json
import os
import subprocess
import sys
from http.server import SimpleHTTPRequestHandler
from pathlib import Path
from types import SimpleNamespace

import pytest

from web.extensions import lab, pyodide_files

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = "@jupyterlite/pyodide-kernel-extension:kernel"
PATIENCE = 300 * 1000  # milliseconds for what takes half a minute on a free machine


@pytest.fixture(scope="session")
def pyodide():
    """The folder with what a kernel needs of Pyodide; numpy and matplotlib are not among it."""
    folder = ROOT / "_build/pyodide-offline" / pyodide_files.PYODIDE_VERSION
    if not (folder / "complete").exists():
        try:
            gather(folder)
        except (RuntimeError, subprocess.CalledProcessError) as error:
            if os.environ.get("BROWSER_NEEDED"):
                raise
            pytest.skip(f"Pyodide is not to be had here: {error}")
    return folder


def gather(folder):
    """Put the core, and the same releases of packages as Pyodide's, into `folder`."""
    pyodide_files.core(folder)
    lock = json.loads((folder / "pyodide-lock.json").read_text())
    packages = [lock["packages"][name] for name in pyodide_files.needed(lock, pyodide_files.KERNEL)]
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
    wanted = ["--only-binary", ":all:", "--python-version", "3.14", "--dest", str(folder)]
    pinned = [f"{package['name']}=={package['version']}" for package in packages]
    subprocess.run([*pip, *wanted, *pinned], check=True)
    for package in packages:  # packed by their authors, so the lock has to name other files
        stem = f"{package['name'].replace('-', '_')}-{package['version']}-".lower()
        (wheel,) = [path for path in folder.glob("*.whl") if path.name.lower().startswith(stem)]
        package["file_name"] = wheel.name
        package["sha256"] = hashlib.sha256(wheel.read_bytes()).hexdigest()
    (folder / "pyodide-lock.json").write_text(json.dumps(lock))
    (folder / "complete").touch()


class Handler(SimpleHTTPRequestHandler):
    """A site with Pyodide in it, and the setting that says so, as `book_pyodide: site` has it."""

    def __init__(self, *arguments, site, pyodide, **named):
        self.site, self.pyodide = site, pyodide
        super().__init__(*arguments, directory=site, **named)

    def translate_path(self, path):
        inside = path.split("?")[0].removeprefix("/lite/static/pyodide/")
        own = inside == path.split("?")[0]
        return super().translate_path(path) if own else str(self.pyodide / inside)

    def do_GET(self):
        inside = self.path.split("?")[0]
        if inside == "/lite/jupyter-lite.json":
            settings = json.loads((self.site / "lite/jupyter-lite.json").read_text())
            kernel = settings["jupyter-config-data"]["litePluginSettings"][SETTINGS]
            kernel["pyodideUrl"] = "./static/pyodide/pyodide.mjs"
            return self.answer("application/json", json.dumps(settings))
        if inside in ("/lite/lab/index.html", "/lite/notebooks/index.html"):
            page = (self.site / inside[1:]).read_text(encoding="utf-8")
            here = lab.kernel_address(SimpleNamespace(book_pyodide="site"))
            return self.answer("text/html", page.replace(lab.PYODIDE_CDN_URL, here))
        return super().do_GET()

    def answer(self, kind, text):
        data = text.encode()
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *arguments):
        pass
