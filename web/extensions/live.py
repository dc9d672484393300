"""Sphinx extension: every notebook of the book opens live, in JupyterLite on the site itself and, with a repository, in Binder and Colab."""

import re
from pathlib import PurePosixPath
from urllib.parse import quote

from sphinx.errors import ConfigError


def setup(app):
    app.add_css_file("live.css")
    app.add_js_file("live.js", loading_method="defer")
    app.connect("config-inited", check)
    app.connect("html-page-context", add_buttons, priority=600)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def repository(options):
    """(owner/name, branch) of the book's repository from the theme's options, or None where no address is set."""
    address = options.get("repository_url", "")
    if not address:
        return None
    found = re.fullmatch(r"https://github\.com/([\w.-]+/[\w.-]+?)(\.git)?/?", address)
    if not found:
        raise ConfigError(
            f"repository: url: must be empty or https://github.com/OWNER/NAME, which Colab and Binder open, not {address!r}"
        )
    return found[1], options.get("repository_branch") or "main"


def check(app, config):
    """Stop at once where the address cannot be meant."""
    repository(config.html_theme_options)


def lab_path(name):
    """The path in JupyterLite's files of the notebook with this docname."""
    return PurePosixPath(f"{name}.ipynb").relative_to("book").as_posix()


def launchers(name, options):
    """(name, address, tooltip) of the other places that open the notebook with this docname."""
    found = repository(options)
    if found is None:
        return []
    (where, branch), path = found, quote(f"{name}.ipynb")
    binder = f"https://mybinder.org/v2/gh/{where}/{quote(branch, safe='')}?urlpath={quote(f'lab/tree/{name}.ipynb')}"
    colab = f"https://colab.research.google.com/github/{where}/blob/{quote(branch)}/{path}"
    return [
        ("Binder", binder, "Open this chapter on mybinder.org"),
        ("Colab", colab, "Open this chapter in Google Colab"),
    ]


def add_buttons(app, pagename, templatename, context, doctree):
    """Put the buttons of a notebook's page in front of the theme's own, and leave out what only a widget manager would read."""
    context["script_files"] = [
        f
        for f in context["script_files"]
        if getattr(f, "attributes", {}).get("type") != "application/vnd.jupyter.widget-state+json"
    ]
    if context.get("page_source_suffix") != ".ipynb":
        return
    lab = f"{context['pathto']('lite/lab/index.html', 1)}?path={quote(lab_path(pagename))}"
    buttons = [
        (
            "Run in your browser",
            lab,
            "Open this chapter as a notebook that runs in your browser",
            "fas fa-play",
            "lab",
        )
    ]
    buttons += [
        (text, url, tooltip, None, text.lower())
        for text, url, tooltip in launchers(pagename, app.config.html_theme_options)
    ]
    context["header_buttons"][:0] = [
        {
            "type": "link",
            "text": text,
            "url": url,
            "tooltip": tooltip,
            "icon": icon,
            "label": f"live-{label}",
        }
        for text, url, tooltip, icon, label in buttons
    ]
