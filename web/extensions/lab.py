"""JupyterLite with every notebook of the book and optimlib, built into the site."""

import base64
import csv
import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from importlib import metadata
from pathlib import Path

from jupyterlite_pyodide_kernel.constants import PYODIDE_CDN_URL
from sphinx.util.logging import getLogger

from . import notebooks, pyodide_files

ROOT = Path(__file__).resolve().parents[2]
LOG = getLogger(__name__)
WHEELS = ["comm", "ipywidgets", "jupyterlab_widgets", "tqdm"]  # pure Python, shipped with the site
LOADED = [
    "numpy",
    "matplotlib",
    "comm",
    "ipywidgets",
    "tqdm",
    "optimizers_step_by_step",
]  # there when a kernel starts; the first two are Pyodide's
EXTENSIONS = [
    "@jupyter-widgets/jupyterlab-manager",
    "@jupyterlite/pyodide-kernel-extension",
    "jupyterlab_pygments",
]
LICENSED = [
    "jupyterlite-core",
    "jupyterlite-pyodide-kernel",
    "jupyterlab_widgets",
    "jupyterlab_pygments",
]
# As the browser's kernel writes it: a notebook that it had to change would count as the reader's
# own, and hide a newer one.
METADATA = {
    "kernelspec": {"name": "python", "display_name": "Python (Pyodide)", "language": "python"},
    "language_info": {
        "codemirror_mode": {"name": "python", "version": 3},
        "file_extension": ".py",
        "mimetype": "text/x-python",
        "name": "python",
        "nbconvert_exporter": "python",
        "pygments_lexer": "ipython3",
        "version": "3.8",
    },
}
EPOCH = (
    1767225600  # the time that every file of a build says it was made, so that two builds are equal
)


def setup(app):
    app.setup_extension("web.extensions.pyodide_files")
    app.connect("build-finished", build_lab)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def build_lab(app, error):
    """Builds JupyterLite into the site, unless what it is made of is what it was made of before."""
    if error or app.builder.format != "html" or app.builder.name != "html":
        return
    folder, target = Path(app.outdir).parent / "lite", Path(app.outdir) / "lite"
    paths = sorted(
        Path(app.srcdir, f"{name}.ipynb")
        for name in app.env.found_docs
        if app.env.doc2path(name).endswith(".ipynb")
    )
    state = ingredients(paths, app.config.book_pyodide, app.config.book_solutions)
    made = folder / "made"
    if made.exists() and made.read_text() == state and target.exists():
        return
    LOG.info("building JupyterLite with %d notebooks", len(paths))
    shutil.rmtree(folder, ignore_errors=True)
    shutil.rmtree(target, ignore_errors=True)
    copy_notebooks(app, paths, folder / "files")
    wheels = [pack(name, folder / "wheels") for name in WHEELS] + [
        build_optimlib(folder / "wheels")
    ]
    if app.config.book_pyodide == "site":
        pyodide_files.gather(
            Path(app.outdir).parent / "pyodide", folder / "static/pyodide", ["numpy", "matplotlib"]
        )
    settings(folder, target, wheels, app.config.html_title)
    # from elsewhere than its own folder it would drop the contents, and say nothing
    command = [sys.executable, "-m", "jupyterlite_core", "build"]
    done = subprocess.run(
        command,
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    if done.returncode or not (target / "files").exists():
        LOG.warning("JupyterLite did not build:\n%s", done.stdout[-3000:])
        return
    for name in LICENSED:
        distribution = metadata.distribution(name)
        text = next(
            Path(distribution.locate_file(file))
            for file in distribution.files
            if file.name == "LICENSE"
        )
        (target / "licenses").mkdir(exist_ok=True)
        shutil.copyfile(text, target / f"licenses/{name}.txt")
    watch_kernel(target, kernel_address(app.config))
    made.write_text(state)


def kernel_address(config):
    """Where a page of the lab gets its kernel from: an address, or a path from the page."""
    return PYODIDE_CDN_URL if config.book_pyodide == "public" else "../static/pyodide"


def watch_kernel(target, address):
    """Has the pages that open a notebook say it where their kernel cannot be fetched.

    The lab itself goes on waiting and says nothing.
    """
    script = f'<script defer src="../../_static/kernel.js" data-from="{address}"></script>'
    for name in ("lab", "notebooks"):
        page = target / name / "index.html"
        head, end, body = page.read_text(encoding="utf-8").partition("</head>")
        page.write_text(f"{head}{script}\n{end}{body}", encoding="utf-8")


def copy_notebooks(app, paths, folder):
    """Writes the notebooks as the lab opens them."""
    for path in paths:
        copy = folder / path.relative_to(Path(app.srcdir, "book"))
        copy.parent.mkdir(parents=True, exist_ok=True)
        notebook = json.loads(path.read_text(encoding="utf-8"))
        notebook = notebooks.for_readers(app, notebook, path.name)
        copy.write_text(json.dumps(notebook | {"metadata": METADATA}, indent=1), encoding="utf-8")
        touch(copy)


def ingredients(paths, *settings):
    """A digest of all that JupyterLite is built from."""
    digest = hashlib.sha256(" ".join(settings).encode())
    optimlib = [
        p for p in (ROOT / "optimlib").rglob("*") if p.is_file() and "__pycache__" not in p.parts
    ]
    named = [
        ROOT / name for name in ("pyproject.toml", "README.md", "LICENSE", "LICENSE-TEXT")
    ]  # what goes into the wheel beside it
    for path in [
        *paths,
        *sorted(optimlib),
        *named,
        *sorted(Path(__file__).parent.glob("*.py")),
    ]:
        digest.update(path.relative_to(ROOT).as_posix().encode() + path.read_bytes())
    for name in [*LICENSED, *WHEELS, "flit_core"]:
        digest.update(f"{name}=={metadata.version(name)}".encode())
    return digest.hexdigest()


def build_optimlib(folder):
    """The wheel of optimlib as it is in this tree, in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    code = "import sys; from flit_core import buildapi; print(buildapi.build_wheel(sys.argv[1]))"
    done = subprocess.run(
        [sys.executable, "-c", code, folder],
        cwd=ROOT,
        env=os.environ | {"SOURCE_DATE_EPOCH": str(EPOCH)},
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return touch(folder / done.stdout.split()[-1])


def pack(name, folder):
    """The wheel that an installed pure-Python package came from, less its scripts, in `folder`."""
    distribution = metadata.distribution(name)
    tag = re.findall(r"(?m)^Tag: (.+)$", distribution.read_text("WHEEL"))[-1]
    assert tag.endswith("-none-any"), f"{name} is not pure Python"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{re.sub(r'[-_.]+', '_', distribution.name)}-{distribution.version}-{tag}.whl"
    added = {"INSTALLER", "REQUESTED", "RECORD", "direct_url.json"}
    files = sorted(
        f
        for f in distribution.files
        if f.parts[0] != ".." and f.suffix != ".pyc" and f.name not in added
    )
    record = io.StringIO()
    rows = csv.writer(record, lineterminator="\n")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as wheel:

        def add(file, data):
            wheel.writestr(zipfile.ZipInfo(file, (2026, 1, 1, 0, 0, 0)), data, zipfile.ZIP_DEFLATED)

        for file in files:
            data = file.read_binary()
            add(file.as_posix(), data)
            digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
            rows.writerow([file.as_posix(), f"sha256={digest}", len(data)])
        own = f"{next(f for f in files if f.name == 'METADATA').parent.as_posix()}/RECORD"
        rows.writerow([own, "", ""])
        add(own, record.getvalue())
    return touch(path)


def touch(path):
    os.utime(path, (EPOCH, EPOCH))
    return path


def settings(folder, target, wheels, title):
    """Write what `jupyter lite build` reads: what goes in, and how the lab behaves."""
    shared = Path(sys.prefix, "share/jupyter/labextensions")
    build = {
        "contents": ["files"],
        "apps": ["lab", "notebooks", "tree"],
        "output_dir": str(target),
        "cache_dir": str(folder / "cache"),
        "federated_extensions": [str(shared / name) for name in EXTENSIONS],
        "ignore_sys_prefix": True,  # or whatever else is installed here would go in
        "no_sourcemaps": True,
        "no_unused_shared_packages": True,
        "source_date_epoch": EPOCH,
    }
    config = {
        "LiteBuildConfig": build,
        "PipliteAddon": {"piplite_urls": [str(wheel) for wheel in wheels]},
    }
    (folder / "jupyter_lite_config.json").write_text(json.dumps(config, indent=1))
    here = {
        re.split("-", wheel.name)[0]: f"../../../../pypi/{wheel.name}" for wheel in wheels
    }  # seen from the kernel's script
    kernel = {
        "disablePyPIFallback": True,
        "loadPyodideOptions": {"packages": [here.get(name, name) for name in LOADED]},
    }
    page = {
        "appName": title,
        "litePluginSettings": {"@jupyterlite/pyodide-kernel-extension:kernel": kernel},
    }
    (folder / "jupyter-lite.json").write_text(
        json.dumps({"jupyter-lite-schema-version": 0, "jupyter-config-data": page}, indent=1)
    )
    overrides = {"@jupyterlab/apputils-extension:themes": {"adaptive-theme": True}}
    (folder / "overrides.json").write_text(json.dumps(overrides, indent=1))
