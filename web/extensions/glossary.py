"""Sphinx extension: in each chapter, the first use of a term leads to the glossary, and the first use of a class to its page.

The chapters hold nothing of this, so they stay plain notebooks: terms are the entries of the glossary, classes those of optimlib.
"""

import re

from docutils import nodes
from sphinx import addnodes

CHAPTER = re.compile(r"book/\d\d-")
APART = (
    nodes.title,
    nodes.reference,
    nodes.raw,
    nodes.math,
    nodes.literal,
    nodes.literal_block,
    nodes.figure,
    addnodes.pending_xref,
)


def setup(app):
    app.connect("doctree-resolved", link)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def link(app, doctree, name):
    """Make the links of one chapter."""
    if app.builder.format == "html" and CHAPTER.match(name):
        link_terms(app, doctree, name)
        link_classes(app, doctree, name)


def link_terms(app, doctree, name):
    """Link the first use of each entry of the glossary that stands in running text, in one form or another."""
    entries = {}  # the words of a term: (page, anchor)
    for (kind, term), place in app.env.domaindata["std"]["objects"].items():
        if kind == "term":
            entries[term.lower()] = place
    if not entries:
        return
    said = meanings(app, {page for page, _ in entries.values()})
    words = "|".join(re.escape(term) for term in sorted(entries, key=len, reverse=True))
    pattern = re.compile(rf"(?<![\w-])({words})(s|es)?(?![\w-])", re.I)
    linked = set()
    for text in list(doctree.findall(nodes.Text)):
        if not isinstance(text.parent, (nodes.paragraph, nodes.emphasis, nodes.strong)) or within(
            text, APART
        ):
            continue
        parts, end = [], 0
        for found in pattern.finditer(text):
            page, anchor = entries[found[1].lower()]
            meaning = said.get(anchor, "")
            if (meaning or anchor) in linked:
                continue
            linked.add(meaning or anchor)
            parts += [
                nodes.Text(text[end : found.start()]),
                reference(app, name, page, anchor, found[0], meaning, "glossary-term"),
            ]
            end = found.end()
        if parts:
            text.parent.replace(text, [*parts, nodes.Text(text[end:])])


def meanings(app, pages):
    """The first sentence of each entry, by its anchor."""
    said = {}
    for page in pages:
        for item in app.env.get_doctree(page).findall(nodes.definition_list_item):
            definition = next(item.findall(nodes.definition)).astext()
            for term in item.findall(nodes.term):
                for anchor in term["ids"]:
                    said[anchor] = re.split(r"(?<=\.) ", " ".join(definition.split()))[0]
    return said


def link_classes(app, doctree, name):
    """Link the first mention of each class of optimlib, such as `Adam`, to its page."""
    classes = {}
    for full, entry in app.env.domaindata["py"]["objects"].items():
        if entry.objtype == "class":
            classes[full.rpartition(".")[2]] = (entry.docname, entry.node_id, full)
    for literal in list(doctree.findall(nodes.literal)):
        page, anchor, full = classes.get(literal.astext(), (None, None, None))
        if page and not within(literal, (nodes.title, nodes.reference, nodes.figure)):
            link = reference(app, name, page, anchor, "", full, "api-name")
            literal.replace_self(link)
            link += literal
            del classes[literal.astext()]


def within(node, kinds):
    """Whether a node stands inside of one of these kinds."""
    while node is not None:
        if isinstance(node, kinds):
            return True
        node = node.parent
    return False


def reference(app, name, page, anchor, text, title, kind):
    """A link from a page to an anchor of another."""
    address = f"{app.builder.get_relative_uri(name, page)}#{anchor}"
    return nodes.reference("", text, internal=True, refuri=address, reftitle=title, classes=[kind])
