"""Sphinx extension: what the reader unfolds: cells tagged `hide-input`, and what goes deeper.

Everything folded is a `details` element, so it opens without a script, and from the keyboard. On
paper, and where there are no scripts, the style sheet shows it open.
"""

import re

from docutils import nodes
from myst_nb.sphinx_ import HideCodeCellNode
from sphinx.transforms import SphinxTransform
from sphinx.transforms.post_transforms import SphinxPostTransform

from web.extensions.leads import is_cell

DEEPER = "Deeper:"
WORDS_A_MINUTE = 200
LINES_A_MINUTE = 20


class fold(nodes.General, nodes.Element):
    """What is folded: its `kind`, and the `label` that unfolds it, or two: closed and open."""


def setup(app):
    app.add_node(fold, html=(open_details, close_details))
    # myst-nb folds the cells of that tag; its own label says no more than "content"
    app.add_node(HideCodeCellNode, override=True, html=(open_cell, close_details))
    app.add_transform(NameCells)
    app.add_post_transform(FoldDeeper)
    app.add_css_file("folding.css")
    app.connect("html-page-context", add_script)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def open_details(self, node):
    label = node["label"]
    if isinstance(label, tuple):
        label = (
            f'<span class="fold-closed">{label[0]}</span><span class="fold-open">{label[1]}</span>'
        )
    self.body.append(f'<details class="fold fold-{node["kind"]}"><summary>{label}</summary>\n')


def close_details(self, node):
    self.body.append("</details>\n")


def open_cell(self, node):
    """The label of a cell is what `NameCells` made of its first line."""
    label = self.encode(node["prompt_show"])
    self.body.append(f'<details class="fold fold-code"><summary>{label}</summary>\n')


class NameCells(SphinxTransform):
    """A folded cell is named by the comment in its first line."""

    default_priority = 400

    def apply(self):
        for cell in self.document.findall(is_cell):
            if cell.get("hide_mode"):
                cell["prompt_show"] = code_label(cell)


def code_label(cell):
    """Code, and what the comment in the first line of a cell says of it."""
    source = next(cell.findall(nodes.literal_block), None)
    comment = re.match(r"# *(.+)", source.astext()) if source else None
    return f"Code: {comment[1].rstrip('.')}" if comment else "Code"


class FoldDeeper(SphinxPostTransform):
    """Of a section that goes deeper, the title and the first paragraph stay in sight."""

    default_priority = (
        420  # once the table of contents is made, which sees sections in sections only
    )

    def run(self):
        for section in list(self.document.findall(nodes.section)):
            if not section[0].astext().startswith(DEEPER):
                continue
            section["classes"].append("deeper")
            line = next((n for n in section[1:] if isinstance(n, nodes.paragraph)), section[0])
            place = section.index(line) + 1
            inside = section[place:]
            minutes = reading_time(inside)
            label = f"Unfold: {minutes} minute{'s' if minutes > 1 else ''}", "Fold"
            section[place:] = [fold("", *inside, kind="deeper", label=label)]


def reading_time(parts):
    """The minutes, at least one, that it takes to read text and code."""
    words = lines = 0
    for part in parts:
        for node in part.findall(lambda n: isinstance(n, nodes.paragraph | nodes.literal_block)):
            if isinstance(node, nodes.paragraph):
                words += len(node.astext().split())
            else:
                lines += node.astext().count("\n") + 1
    return max(1, round(words / WORDS_A_MINUTE + lines / LINES_A_MINUTE))


def add_script(app, pagename, templatename, context, doctree):
    """A page with something folded gets the script that opens what a link or a search leads to."""
    if doctree and any(doctree.findall(lambda n: isinstance(n, fold | HideCodeCellNode))):
        app.add_js_file("folding.js", loading_method="defer")
