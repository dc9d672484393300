"""JupyterLite as a reader meets it: opened by a chapter's button in a real browser."""

import hashlib
import json
import os
import re
import shutil
from functools import partial
from importlib import metadata
from types import SimpleNamespace

import pytest
import yaml
from playwright.sync_api import expect

import optimlib
from tests.reader import serving
from tests.site.pyodide import PATIENCE, Handler, pyodide  # noqa: F401  (a fixture)
from tools import book
from web.extensions import lab as lab_builder
from web.extensions import pyodide_files

ROOT = book.ROOT
expect.set_options(timeout=PATIENCE)


@pytest.fixture(scope="session")
def served(site, pyodide):  # noqa: F811
    """The address of the site with Pyodide in it, with a slash at its end."""
    with serving(partial(Handler, site=site, pyodide=pyodide)) as address:
        yield address


class Lab:
    """A notebook in JupyterLite: opened from the button of its page, its kernel waited for."""

    def __init__(
        self, browser, address, page="book/01-gradient-descent.html", width=1280, wait=True
    ):
        self.address, self.elsewhere = address, []
        self.context = browser.new_context(viewport={"width": width, "height": 900})
        self.context.on(
            "request",
            lambda r: (
                self.elsewhere.append(r.url)
                if not r.url.startswith((address, "data:", "blob:"))
                else None
            ),
        )
        self.context.set_default_timeout(PATIENCE)
        self.book = self.context.new_page()
        self.book.goto(address + page, wait_until="networkidle")
        assert self.elsewhere == [], "asked before the click"
        with self.context.expect_page() as opened:
            self.book.click("a.btn-live-lab")
        self.page = opened.value
        if wait:
            self.wait()

    def wait(self):
        """Until the notebook is there and, where that is shown, its kernel is idle."""
        self.page.wait_for_selector(".jp-Notebook .jp-CodeCell")
        if self.page.viewport_size["width"] > 767:  # a narrow toolbar folds its end away
            self.page.wait_for_selector(
                '.jp-NotebookPanel-toolbar [data-status="idle"]', state="attached"
            )

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
        expect(cell.locator(".jp-InputPrompt")).to_have_text(re.compile(r"\[\d+\]"))
        return cell.locator(".jp-Cell-outputArea").inner_text()

    def run_all(self, count):
        """Runs all `count` code cells; the errors that they showed: none, or the first."""
        self.page.get_by_role("menuitem", name="Run", exact=True).click()
        self.page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
        has_run = (
            "[...document.querySelectorAll('.jp-Notebook .jp-CodeCell "
            ".jp-InputPrompt')].filter(p => /\\[\\d+\\]/.test(p.textContent)).length"
        )
        failed = (
            "[...document.querySelectorAll('.jp-Cell-outputArea pre')].map(p => "
            "p.textContent).filter(t => t.includes('Traceback (most recent'))"
        )
        self.page.wait_for_function(f"{failed}.length || {has_run} == {count}", timeout=1200 * 1000)
        return self.page.evaluate(failed)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.context.close()


@pytest.fixture(scope="module")
def lab(browser, served):
    """One lab for the tests below, in their order: opened from a chapter's page."""
    with Lab(browser, served) as opened:
        yield opened


def test_the_button_of_a_chapter_opens_it_with_a_kernel_and_optimlib(lab):
    title = json.loads((ROOT / "book/01-gradient-descent.ipynb").read_text(encoding="utf-8"))[
        "cells"
    ][0]["source"][0]
    assert (
        lab.page.locator(".jp-Notebook h1").first.inner_text().strip("¶ ")
        == title.removeprefix("# ").strip()
    )
    assert lab.page.locator(".jp-mod-dirty").count() == 0, (
        "only opened, a notebook would count as the reader's own"
    )
    names = ["optimizers-step-by-step", "ipywidgets", "comm", "tqdm"]
    said = lab.run(f"from importlib.metadata import version\n[version(name) for name in {names}]")
    installed = [optimlib.__version__, *map(metadata.version, names[1:])]
    assert said.splitlines()[-1] == str(installed)
    assert "/optimlib/" in lab.run(
        "import importlib.util as u; print(u.find_spec('optimlib').origin)"
    ), "the wheel is not what is imported"


def test_the_other_chapters_are_beside_it(lab):
    said = lab.run(
        "from pathlib import Path\nprint(*sorted(str(p) for p in Path().rglob('*.ipynb')))"
    )
    assert said.split() == sorted(str(path.relative_to(ROOT / "book")) for path in book.notebooks())


def test_a_slider_of_ipywidgets_moves_its_function(lab):
    lab.run(
        "from ipywidgets import interact\n@interact(n=(1, 9))\ndef double(n=3):\n    "
        "print('doubled:', 2 * n)"
    )
    output = lab.page.locator(".jp-Notebook .jp-CodeCell").first.locator(".jp-Cell-outputArea")
    expect(output).to_contain_text("doubled: 6")
    output.locator(".noUi-handle").press("ArrowRight")
    expect(output).to_contain_text("doubled: 8")


def test_what_is_not_shipped_is_asked_of_no_one(lab):
    assert "PyPI fallback is disabled" in lab.run("%pip install a-package-that-the-site-lacks")
    assert lab.elsewhere == []


def test_the_reader_s_changes_stay_in_the_browser(lab):
    lab.run("'these words are the reader’s own'")
    lab.page.keyboard.press("Control+s")
    expect(lab.page.locator(".jp-mod-dirty")).to_have_count(0)
    lab.page.reload()
    expect(lab.page.locator(".jp-Notebook .jp-CodeCell").first).to_contain_text(
        "these words are the reader’s own"
    )
    assert lab.elsewhere == []


def test_a_phone_gets_the_notebook_without_panels(browser, served):
    with Lab(browser, served, width=390) as lab:
        assert "/lite/notebooks/" in lab.page.url
        expect(lab.page.locator(".jp-Notebook h1").first).to_be_visible()
        assert lab.page.evaluate("document.documentElement.scrollWidth") <= 390
        assert (
            lab.run("import optimlib; print(optimlib.__version__)").strip() == optimlib.__version__
        )
        assert lab.elsewhere == []


def test_as_built_the_lab_asks_only_pyodide_s_public_address(browser, address):
    """The click, and nothing before it, asks for Pyodide; no one else is asked."""
    with Lab(browser, address, wait=False) as lab:
        lab.page.wait_for_selector(".jp-Notebook .jp-CodeCell")
        for _ in range(600):
            if lab.elsewhere:
                break
            lab.page.wait_for_timeout(100)
        assert lab.elsewhere and all(
            url.startswith(pyodide_files.PUBLIC) for url in lab.elsewhere
        ), lab.elsewhere


@pytest.mark.skipif(
    not os.environ.get("PYODIDE_ONLINE"),
    reason=(
        "numpy for the browser comes from Pyodide's public address: set PYODIDE_ONLINE=1 "
        "to go there"
    ),
)
def test_the_first_chapter_runs_from_top_to_bottom(launch, address):
    """Every cell ran with Pyodide's numpy and matplotlib; all figures and sliders are there."""
    cells = json.loads((ROOT / "book/01-gradient-descent.ipynb").read_text(encoding="utf-8"))[
        "cells"
    ]
    figures = sum("figure" in cell["metadata"].get("mystnb", {}) for cell in cells)
    explorables = sum("explorable" in cell["metadata"].get("tags", []) for cell in cells)
    with launch(online=True) as browser, Lab(browser, address) as lab:
        assert lab.run_all(sum(cell["cell_type"] == "code" for cell in cells)) == []
        assert lab.page.locator(".jp-RenderedSVG, .jp-RenderedImage").count() >= figures > 0
        assert (
            lab.page.locator(".explorable[data-on]").count() == explorables > 0
            and lab.page.locator(".noUi-handle").count() > 0
        )
        assert all(url.startswith(pyodide_files.PUBLIC) for url in lab.elsewhere)


def test_the_lab_is_built_the_same_twice_and_only_when_it_must_be(site, tmp_path):
    """The same sources give the same files, byte for byte; where nothing changed, no build."""
    notebooks_there = book.notebooks()
    app = SimpleNamespace(
        builder=SimpleNamespace(format="html", name="html"),
        outdir=str(tmp_path / "html"),
        srcdir=str(ROOT),
    )
    app.config = SimpleNamespace(
        book_pyodide="public",
        book_solutions="yes",
        bibtex_bibfiles=["book/references.bib"],
        html_title=yaml.safe_load((ROOT / "_config.yml").read_text())["title"],
    )
    names = [path.relative_to(ROOT).with_suffix("").as_posix() for path in notebooks_there]
    app.env = SimpleNamespace(found_docs=names, doc2path=lambda name: str(ROOT / f"{name}.ipynb"))
    lab_builder.build_lab(app, None)
    one, other = (
        {p.relative_to(folder): p.read_bytes() for p in folder.rglob("*") if p.is_file()}
        for folder in (tmp_path / "html/lite", site / "lite")
    )
    assert one.keys() == other.keys() and [name for name in one if one[name] != other[name]] == []
    made = (tmp_path / "lite/made").stat().st_mtime_ns
    lab_builder.build_lab(app, None)
    assert (tmp_path / "lite/made").stat().st_mtime_ns == made


def test_every_script_of_the_lab_has_its_licence_beside_it(site):
    lite = site / "lite"
    assert {path.stem for path in (lite / "licenses").iterdir()} == set(lab_builder.LICENSED)
    assert all(
        "Redistribution and use" in path.read_text() for path in (lite / "licenses").iterdir()
    )
    folders = {path.parent for path in lite.rglob("*.js")} - {lite}
    for folder in folders:
        beside = [
            *folder.glob("third-party-licenses.json"),
            *folder.parent.glob("static/third-party-licenses.json"),
        ]
        assert beside or "build" in folder.relative_to(lite).parts, (
            folder
        )  # the three apps share the licences below
    assert len(json.loads((lite / "build/third-party-licenses.json").read_text())["packages"]) > 100


def test_site_setting_gathers_pyodide_and_takes_no_file_that_is_not_what_the_lock_names(
    pyodide,  # noqa: F811
    tmp_path,
):
    """`book_pyodide: site`, with a folder here in the place of Pyodide's public address."""
    cache, names = tmp_path / "cache", ["tqdm"]
    cache.mkdir()
    for name in [*pyodide_files.CORE, "NOTICE.txt"]:
        shutil.copyfile(pyodide / name, cache / name)
    lock = json.loads((cache / "pyodide-lock.json").read_text())
    packages = [
        lock["packages"][name]
        for name in pyodide_files.needed(lock, [*pyodide_files.KERNEL, *names])
    ]
    assert {"micropip", "ipython", "prompt_toolkit", "tqdm"} <= {
        package["name"] for package in packages
    }
    data = b"stands for the package"
    lock["packages"]["tqdm"]["sha256"] = hashlib.sha256(data).hexdigest()
    (cache / "pyodide-lock.json").write_text(json.dumps(lock))
    public = tmp_path / "public"
    shutil.copytree(pyodide, public)
    (public / lock["packages"]["tqdm"]["file_name"]).write_bytes(b"something else")
    with pytest.raises(RuntimeError, match="not the file that Pyodide's lock names"):
        pyodide_files.gather(cache, tmp_path / "out", names, public=public.as_uri())
    (public / lock["packages"]["tqdm"]["file_name"]).write_bytes(data)
    pyodide_files.gather(cache, tmp_path / "out", names, public=public.as_uri())
    shutil.rmtree(public)  # what was got is kept
    pyodide_files.gather(cache, tmp_path / "out", names, public=public.as_uri())
    expected = {*pyodide_files.CORE, "NOTICE.txt", *(package["file_name"] for package in packages)}
    assert {path.name for path in (tmp_path / "out").iterdir()} == expected
