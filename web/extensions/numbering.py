"""Sphinx extension: the numbers that a chapter's text refers to lead there.

Sphinx itself numbers chapters (`numbered` in _toc.yml), and figures and exercises by chapter. Here
an equation's own \\tag becomes its address, and "figure 3.2", "exercise 3.1" or "(3.4)" in the
text become links. What is not there is a warning.
"""

import re

from docutils import nodes
from sphinx.transforms import SphinxTransform
from sphinx.util.logging import getLogger

from web.extensions.predict import prediction

LOG = getLogger(__name__)
CHAPTER = re.compile(r"book/(\d\d)-")
TAG = re.compile(r"\\tag\{(\d+\.\d+)\}")
NAMED = re.compile(r"\b(?P<kind>[Ff]igure|[Ee]xercise)[ \u00a0](?P<number>\d{1,2}\.\d+)")
IN_BRACKETS = re.compile(r"\((?P<number>[1-9]\d?\.\d\d?)\)")
UNTOUCHED = (
    nodes.reference,
    nodes.raw,
    nodes.literal,
    nodes.literal_block,
    nodes.title,
    prediction,  # a choice is pressed, and leads nowhere
)


def setup(app):
    app.add_transform(NameEquations)
    app.connect("doctree-resolved", link_numbers)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


class NameEquations(SphinxTransform):
    """An equation with a number of its own has an address: (3.2) is `equation-3-2`."""

    default_priority = 440

    def apply(self):
        numbers = self.env.metadata[self.env.docname]["equations"] = []
        chapter = CHAPTER.match(self.env.docname)
        for equation in list(self.document.findall(nodes.math_block)):
            for number in TAG.findall(equation.astext()):
                numbers.append(number)
                due = f"{int(chapter[1])}.{len(numbers)}" if chapter else number
                if number != due:
                    LOG.warning("equation (%s) is (%s) here", number, due, location=equation)
                place = nodes.target(ids=[address(number)])
                equation.parent.insert(equation.parent.index(equation), place)


def address(number):
    return f"equation-{number.replace('.', '-')}"


def link_numbers(app, doctree, docname):
    """Make links of the numbers in a chapter's text."""
    if not CHAPTER.match(docname):
        return
    for text in list(doctree.findall(nodes.Text)):
        if any(isinstance(node, UNTOUCHED) for node in ancestors(text)):
            continue
        parts, end = [], 0
        found = [*NAMED.finditer(text), *IN_BRACKETS.finditer(text)]
        for match in sorted(found, key=lambda match: match.start()):
            kind = match.groupdict().get("kind", "equation").lower()
            place = places(app.env, kind).get(match["number"])
            if place is None:
                LOG.warning("there is no %s %s", kind, match["number"], location=text.parent)
                continue
            page, anchor = place
            uri = app.builder.get_relative_uri(docname, page) if page != docname else ""
            parts += [
                nodes.Text(text[end : match.start()]),
                nodes.reference(
                    "", match[0], internal=True, refuri=f"{uri}#{anchor}", classes=["number-link"]
                ),
            ]
            end = match.end()
        if parts:
            text.parent.replace(text, [*parts, nodes.Text(text[end:])])


def ancestors(node):
    while node.parent is not None:
        node = node.parent
        yield node


def places(env, kind):
    """The page and the anchor of each figure, exercise or equation, by its number."""
    if kind == "equation":
        return {
            number: (page, address(number))
            for page, metadata in env.metadata.items()
            for number in metadata.get("equations", ())
        }
    return {
        ".".join(map(str, number)): (page, anchor)
        for page, kinds in env.toc_fignumbers.items()
        for anchor, number in kinds.get(kind, {}).items()
    }
