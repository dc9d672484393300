"""The worked solutions of the exercises on the site, or not: `make book SOLUTIONS=no`.

sphinx-exercise has a setting for this, with which it stops the build. Here solutions are taken out
of the pages before anything else looks at them (the search, the numbers of figures), and out of
the notebooks that the site offers.
"""

import json
import os
import re
from pathlib import Path

from docutils import nodes
from sphinx.errors import ConfigError
from sphinx.transforms import SphinxTransform
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx_exercise.nodes import solution_node

START = re.compile(r"^(`{3,}|:{3,}) *\{solution-start\}.*?^\1 *$", re.M | re.S)
END = re.compile(r"^(`{3,}|:{3,}) *\{solution-end\}.*?^\1 *$", re.M | re.S)
WHOLE = re.compile(r"^(`{3,}|:{3,}) *\{solution\}.*?^\1 *$\n?", re.M | re.S)


def setup(app):
    app.add_config_value("book_solutions", "yes", "env", [str, bool])
    app.add_transform(LeaveOut)
    app.add_post_transform(WithoutRepeatedIds)
    app.connect("config-inited", settle, priority=400)
    app.connect("build-finished", clean_search, priority=400)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def settle(app, config):
    """The environment's SOLUTIONS decides over the setting; both are yes or no."""
    said = os.environ.get("SOLUTIONS") or config.book_solutions
    said = {True: "yes", False: "no"}.get(said, said)
    if said not in ("yes", "no"):
        raise ConfigError(f"SOLUTIONS and book_solutions are yes or no, not {said!r}")
    config.book_solutions = said


class LeaveOut(SphinxTransform):
    """Takes the solutions out of a page, once sphinx-exercise has put each into one node."""

    default_priority = 12

    def apply(self):
        if self.config.book_solutions == "no":
            for node in list(self.document.findall(solution_node)):
                node.parent.remove(node)


class WithoutRepeatedIds(SphinxPostTransform):
    """Takes away the one id that sphinx-exercise gives to all exercises, and that of solutions."""

    default_priority = 900

    def run(self, **kwargs):
        for section in self.document.findall(nodes.section):
            if section["ids"] in (["exercise-content"], ["solution-content"]):
                section["ids"] = []


def without_solutions(cells):
    """The cells of a notebook, as its file has them, without those of solutions."""
    kept, inside = [], False
    for cell in cells:
        text = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            before, text = text, WHOLE.sub("", text)
            if inside:
                inside, text = (
                    (not END.search(text)),
                    END.split(text)[-1].lstrip("\n") if END.search(text) else "",
                )
            while not inside and (start := START.search(text)):
                rest = text[start.end() :]
                end = END.search(rest)
                text = text[: start.start()] + (rest[end.end() :].lstrip("\n") if end else "")
                inside = not end
            if text.strip() or not before.strip():
                kept.append(cell | {"source": text.splitlines(keepends=True)})
        elif not inside:
            kept.append(cell)
    return kept


def shown(app, notebook):
    """A notebook, as its file has it, with its solutions or without, as the site shows them."""
    return (
        notebook
        if app.config.book_solutions == "yes"
        else notebook | {"cells": without_solutions(notebook["cells"])}
    )


def clean_search(app, error):
    """Takes the words of solutions out of the search, left from a build that showed them."""
    if error or app.builder.format != "html" or app.config.book_solutions == "yes":
        return
    index = Path(app.outdir, "searchindex.js")
    before, data, after = re.fullmatch(
        r"(Search\.setIndex\()(.*)(\))\s*", index.read_text(encoding="utf-8"), re.S
    ).groups()
    data = json.loads(data)
    for kind in ("terms", "titleterms"):
        data[kind] = {word: pages for word, pages in data[kind].items() if pages != []}
    index.write_text(f"{before}{json.dumps(data, ensure_ascii=False)}{after}", encoding="utf-8")
