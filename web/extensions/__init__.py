"""The Sphinx extension of the site, one entry in _config.yml: a room for each thing it does."""

from importlib import import_module

ROOMS = [
    "execution",
    "pages",
    "styles",
    "markup",
    "highlighting",
    "formulas",
    "folding",
    "claims",
    "predict",
    "numbering",
    "places",
    "glossary",
    "solutions",
    "notebooks",
    "lab",
    "live",
    "run",
]


def setup(app):
    """Sets up every room; what one of them cannot do in parallel, the whole cannot."""
    safe = {"parallel_read_safe": True, "parallel_write_safe": True}
    for room in ROOMS:
        answer = import_module(f"{__name__}.{room}").setup(app) or {}
        safe = {kind: safe[kind] and answer.get(kind, True) for kind in safe}
    return safe
