"""JupyterLite as a reader meets it: opened by a chapter's button in a real browser, with Pyodide's core served from here."""

import hashlib
import json
import re
import subprocess
import sys
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import expect

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "web"))

import pyodide_files

SETTINGS = "@jupyterlite/pyodide-kernel-extension:kernel"


@pytest.fixture(scope="session")
def pyodide():
    """A folder with what a kernel needs from Pyodide but numpy and matplotlib: the core from npm, pure-Python packages from pip."""
    folder = ROOT / "_build/pyodide-offline" / pyodide_files.PYODIDE_VERSION
    if (folder / "complete").exists():
        return folder
    pyodide_files.core(folder)
    lock = json.loads((folder / "pyodide-lock.json").read_text())
    packages = [lock["packages"][name] for name in pyodide_files.needed(lock, pyodide_files.KERNEL)]
    pinned = [f"{package['name']}=={package['version']}" for package in packages]
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:", "--python-version", "3.14"]
    subprocess.run([*pip, "--dest", str(folder), *pinned], check=True)
    for package in packages:  # the same releases as Pyodide's, packed by their authors
        stem = f"{package['name'].replace('-', '_')}-{package['version']}-"
        (file,) = [p for p in folder.glob("*.whl") if p.name.lower().startswith(stem.lower())]
        package["file_name"], package["sha256"] = file.name, hashlib.sha256(file.read_bytes()).hexdigest()
    (folder / "pyodide-lock.json").write_text(json.dumps(lock))
    (folder / "complete").touch()
    return folder


class Handler(SimpleHTTPRequestHandler):
    """The site, with Pyodide beside JupyterLite and the setting that says so: what `book_pyodide: site` builds."""

    def __init__(self, *arguments, site, pyodide, **named):
        self.site, self.pyodide = site, pyodide
        super().__init__(*arguments, directory=site, **named)

    def translate_path(self, path):
        inside = path.split("?")[0].removeprefix("/lite/static/pyodide/")
        return str(self.pyodide / inside) if inside != path.split("?")[0] else super().translate_path(path)

    def do_GET(self):
        if self.path.split("?")[0] != "/lite/jupyter-lite.json":
            return super().do_GET()
        settings = json.loads((self.site / "lite/jupyter-lite.json").read_text())
        settings["jupyter-config-data"]["litePluginSettings"][SETTINGS]["pyodideUrl"] = "./static/pyodide/pyodide.mjs"
        data = json.dumps(settings).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *arguments):
        pass


@pytest.fixture(scope="session")
def served(site, pyodide):
    """The address of the site with Pyodide in it, with a slash at its end."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, site=site, pyodide=pyodide)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


class Lab:
    """A notebook in JupyterLite: opened from the button of its page, its kernel waited for."""

    SECONDS = 180 * 1000  # for what takes half a minute on a free machine

    def __init__(self, browser, address, page="book/01-gradient-descent.html", width=1280, **settings):
        self.address, self.elsewhere = address, []
        self.context = browser.new_context(viewport={"width": width, "height": 900}, **settings)
        self.context.on("request", lambda r: self.elsewhere.append(r.url) if not r.url.startswith((address, "data:", "blob:")) else None)
        self.context.set_default_timeout(self.SECONDS)
        self.book = self.context.new_page()
        self.book.goto(address + page, wait_until="networkidle")
        assert not [r for r in self.elsewhere if "lite" in r]
        with self.context.expect_page() as opened:
            self.book.click("a.btn-live-lab")
        self.page = opened.value
        self.wait()

    def wait(self):
        """Until the notebook is there and, where that is shown, its kernel has nothing left to do."""
        self.page.wait_for_selector(".jp-Notebook .jp-CodeCell")
        if self.page.viewport_size["width"] > 767:  # a narrow toolbar folds its end away
            self.page.wait_for_selector('.jp-NotebookPanel-toolbar [data-status="idle"]', state="attached")

    def run(self, code):
        """What a new cell with this code puts out, as text."""
        cell = self.page.locator(".jp-Notebook .jp-Cell").first
        cell.click()
        self.page.keyboard.press("Escape")
        self.page.keyboard.press("a")  # a new cell above, which is then the first
        expect(cell.locator(".jp-InputPrompt")).to_have_text("[ ]:")
        self.page.keyboard.press("Enter")
        self.page.keyboard.insert_text(code)
        self.page.keyboard.press("Control+Enter")
        expect(cell.locator(".jp-InputPrompt")).to_have_text(re.compile(r"\[\d+\]"), timeout=self.SECONDS)
        return cell.locator(".jp-Cell-outputArea").inner_text()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.context.close()
