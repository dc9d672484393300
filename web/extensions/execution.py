"""Chapters executed side by side, and again when optimlib changes."""

import hashlib
import logging
import shutil
import sys
from importlib import metadata
from pathlib import Path

from jupyter_cache import get_cache
from jupyter_cache.executors import load_executor
from sphinx.util.logging import getLogger

from tools.isolation import isolate

ROOT = Path(__file__).resolve().parents[2]
LOG = getLogger(__name__)


def setup(app):
    app.add_config_value("book_parts", "", "env")
    app.connect("config-inited", watch_sources)
    app.connect("builder-inited", settle_kernels)
    app.connect("env-before-read-docs", execute_side_by_side)
    app.connect("linkcheck-process-uri", ask_the_register)
    app.connect("build-finished", forget_a_bad_build, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def fingerprint(*names, also=()):
    """A digest of the names and contents of files and folders, and of what is named beside."""
    digest = hashlib.sha256(repr(also).encode())
    for path in sorted(p for name in names for p in [ROOT / name, *(ROOT / name).rglob("*")]):
        if path.is_file() and "__pycache__" not in path.parts:
            digest.update(path.relative_to(ROOT).as_posix().encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def watch_sources(app, config):
    """Where optimlib changes, chapters are executed again; where the site does, all is written.

    Sphinx sees neither by itself. The cache of executed chapters is one for each state of what
    their outputs hang on beside their own cells, and its path is a setting that Sphinx compares
    with the last build's.
    """
    config.book_parts = fingerprint("web", "_config.yml", "_toc.yml", "book/notation.md")
    caches = Path(app.outdir).parent / "executed"
    versions = [sys.version_info[:2], metadata.version("numpy"), metadata.version("matplotlib")]
    current = caches / fingerprint("optimlib", also=versions)
    config.nb_execution_cache_path = str(current)
    for old in caches.glob("*"):
        if old != current:
            shutil.rmtree(old)


def settle_kernels(app):
    """Kernels that take nothing from the reader's own settings."""
    isolate(Path(app.outdir).parent)


def execute_side_by_side(app, env, names):
    """Fills the cache with the chapters about to be read, a core each.

    What fails is run again when it is read, and reported there.
    """
    if env.mystnb_config.execution_mode != "cache":
        return
    left_out = env.mystnb_config.execution_excludepatterns
    paths = [Path(env.doc2path(name)) for name in names]
    chapters = [
        str(path)
        for path in paths
        if path.suffix == ".ipynb" and not any(path.match(pattern) for pattern in left_out)
    ]
    cache = get_cache(env.mystnb_config.execution_cache_path)
    for path in chapters:
        cache.add_nb_to_project(path)
    waiting = cache.list_unexecuted(filter_uris=chapters)
    if len(waiting) > 1:
        LOG.info("executing %d chapters side by side", len(waiting))
        quiet = logging.getLogger("optimlib.book")
        quiet.setLevel(logging.ERROR)
        executor = load_executor("local-parallel", cache, logger=quiet)
        executor.run_and_cache(filter_uris=chapters, timeout=app.config.nb_execution_timeout)


def ask_the_register(app, uri):
    """The link check asks doi.org's register for a DOI: publishers turn programs away."""
    return uri.replace("https://doi.org/10.", "https://doi.org/api/handles/10.")


def forget_a_bad_build(app, error):
    """After a warning, have the next build read all pages again, and execute what printed one.

    Sphinx and the cache of executed chapters would take both as good.
    """
    if not error and not app._warncount:
        return
    (Path(app.doctreedir) / "environment.pickle").unlink(missing_ok=True)
    cache = get_cache(app.config.nb_execution_cache_path)
    for record in cache.list_cache_records():
        cells = cache.get_cache_bundle(record.pk).nb.cells
        outputs = [output for cell in cells for output in cell.get("outputs", [])]
        if any(o.output_type == "error" or o.get("name") == "stderr" for o in outputs):
            cache.remove_cache(record.pk)
