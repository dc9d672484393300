"""A button on every notebook's page that opens it in JupyterLite, on the site itself.

Binder and Colab are the theme's own buttons, for a book whose repository has an address.
"""

import re
from pathlib import PurePosixPath
from urllib.parse import quote

from sphinx.errors import ConfigError

REPOSITORY = re.compile(r"(https://github\.com/[\w.-]+/[\w.-]+)?")


def setup(app):
    app.connect("config-inited", check)
    app.connect("html-page-context", add_button, priority=600)


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
            "tooltip": "Open this chapter as a notebook that runs in your browser",
            "icon": "fas fa-play",
            "label": "live-lab",
        }
        context["header_buttons"].insert(0, button)
