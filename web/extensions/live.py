"""A button on every notebook's page that opens it in JupyterLite, on the site itself.

Binder and Colab are the theme's own buttons, for a book whose repository has an address. Cells
tagged `live`, which answer to a kernel alone, are in the notebooks and not on the pages.
"""

import re
from pathlib import PurePosixPath
from urllib.parse import quote

from docutils import nodes
from sphinx.errors import ConfigError
from sphinx.transforms import SphinxTransform

REPOSITORY = re.compile(r"(https://github\.com/[\w.-]+/[\w.-]+)?")

NEEDS = {  # what that fetches, by the setting book_pyodide
    "public": "It fetches Python, some 20 MB at first, from cdn.jsdelivr.net.",
    "site": "It fetches Python, some 20 MB at first, from this site.",
}


def setup(app):
    app.setup_extension("web.extensions.pyodide_files")
    app.add_transform(LeaveOutLiveCells)
    app.connect("config-inited", check)
    app.connect("html-page-context", add_button, priority=600)


class LeaveOutLiveCells(SphinxTransform):
    """Takes cells that want a kernel from the page, where they would be empty blocks."""

    default_priority = 12

    def apply(self):
        for cell in list(self.document.findall(nodes.container)):
            if "tag_live" in cell["classes"]:
                cell.parent.remove(cell)


def check(app, config):
    """Stops at once where the address of the repository cannot be meant."""
    address = config.html_theme_options.get("repository_url", "")
    if not REPOSITORY.fullmatch(address):
        raise ConfigError(
            "repository: url: must be empty or https://github.com/OWNER/NAME,"
            f" which Colab and Binder open, not {address!r}"
        )
    if not address:  # the theme's own buttons would stop the build
        config.html_theme_options["launch_buttons"] = {}


def lab_path(name):
    """The path in JupyterLite's files of the notebook with this docname."""
    return PurePosixPath(f"{name}.ipynb").relative_to("book").as_posix()


def add_button(app, pagename, templatename, context, doctree):
    """Puts the button in front of the theme's own."""
    if context.get("page_source_suffix") == ".ipynb":
        lab = context["pathto"]("lite/lab/index.html", 1)
        button = {
            "type": "link",
            "text": "Run in your browser",
            "url": f"{lab}?path={quote(lab_path(pagename))}",
            "tooltip": f"Open this as a notebook in your browser. {NEEDS[app.config.book_pyodide]}",
            "icon": "fas fa-play",
            "label": "live-lab",
        }
        context["header_buttons"].insert(0, button)
