"""Sphinx extension: the line at a chapter's top, and marks at what was read and reached.

The marks are kept by the reader's own browser, and sent nowhere.
"""

import re

from docutils import nodes
from sphinx.transforms import SphinxTransform

CHAPTER = re.compile(r"book/\d\d-")
TOP = re.compile(r"\d+ minutes?( to read, \d+ with .+?)?\. You need: .+? The question: .+", re.S)
PARTS = re.compile(r"(You need: |The question: )")


class top_line(nodes.General, nodes.Element):
    """How long a chapter takes, what it needs, and its one question."""


def setup(app):
    app.add_node(top_line, html=(open_top, close_top))
    app.add_transform(TopLine)
    app.add_css_file("places.css")
    app.add_js_file("places.js", loading_method="defer")
    return {"parallel_read_safe": True, "parallel_write_safe": True}


class TopLine(SphinxTransform):
    """Sets the first paragraph of a chapter, where it is all in italics, as its top line."""

    default_priority = 400

    def apply(self):
        chapter = next(self.document.findall(nodes.section), None)
        if not CHAPTER.match(self.env.docname) or chapter is None:
            return
        line, parts = chapter[1] if len(chapter) > 1 else None, []
        if (
            isinstance(line, nodes.paragraph)
            and [type(child) for child in line] == [nodes.emphasis]
            and TOP.fullmatch(line.astext())
        ):
            parts = split(line[0])
            chapter.remove(line)
        chapter.insert(1, top_line("", *parts))


def split(emphasis):
    """The time, what is needed, and the question, each in a part of its own."""
    parts = [nodes.inline(classes=["top-time"])]
    for child in emphasis.children:
        if not isinstance(child, nodes.Text):
            parts[-1] += child
            continue
        for piece in PARTS.split(child):
            if PARTS.fullmatch(piece):
                kind = "top-needs" if piece.startswith("You") else "top-question"
                parts.append(nodes.inline("", "", nodes.inline("", piece), classes=[kind]))
            else:
                parts[-1] += nodes.Text(piece)
    return parts


def open_top(self, node):
    self.body.append('<div class="top-line">\n')


def close_top(self, node):
    self.body.append(
        '<button type="button" class="code-switch" aria-pressed="false">All code</button></div>\n'
    )
