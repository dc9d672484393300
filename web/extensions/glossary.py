"""Sphinx extension: a chapter's first use of a term leads to the glossary, of a class to its page.

The chapters hold nothing of this, so they stay plain notebooks: terms are the entries of the
glossary, classes those of optimlib. What a term means, and what is cited, pops up where the
pointer, the focus or a finger is.
"""

import re

from docutils import nodes
from sphinx import addnodes

from web.extensions.predict import prediction

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
    prediction,  # a choice is pressed, and leads nowhere
)


def setup(app):
    app.connect("doctree-resolved", link)
    app.connect("html-page-context", add_meanings)
    app.add_css_file("tips.css")
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def link(app, doctree, name):
    """Make the links of one chapter."""
    if app.builder.format == "html" and CHAPTER.match(name):
        link_terms(app, doctree, name)
        link_classes(app, doctree, name)


def link_terms(app, doctree, name):
    """Link the first use of each entry of the glossary that stands in running text, in any form."""
    entries = {}  # the words of a term: (page, anchor)
    for (kind, term), place in app.env.domaindata["std"]["objects"].items():
        if kind == "term":
            entries[term.lower()] = place
    if not entries:
        return
    entry_of = first_terms(app, {page for page, _ in entries.values()})
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
            if entry_of.get(anchor, anchor) in linked:
                continue
            linked.add(entry_of.get(anchor, anchor))
            parts += [
                nodes.Text(text[end : found.start()]),
                reference(app, name, page, anchor, found[0], "", "glossary-term"),
            ]
            end = found.end()
        if parts:
            text.parent.replace(text, [*parts, nodes.Text(text[end:])])


def definitions(app, pages):
    """Each entry of the glossary: the anchors of its terms, and its definition."""
    for page in sorted(pages):
        for item in app.env.get_doctree(page).findall(nodes.definition_list_item):
            anchors = [anchor for term in item.findall(nodes.term) for anchor in term["ids"]]
            if anchors:
                yield anchors, next(item.findall(nodes.definition))


def first_terms(app, pages):
    """The anchor of an entry's first term, by the anchor of each of its terms."""
    return {anchor: anchors[0] for anchors, _ in definitions(app, pages) for anchor in anchors}


def add_meanings(app, pagename, templatename, context, doctree):
    """Put the meaning of each term that a chapter links at the end of its page, for the script."""
    if not doctree or not CHAPTER.match(pagename):
        return
    app.add_js_file("tips.js", loading_method="defer")
    links = doctree.findall(
        lambda n: isinstance(n, nodes.reference) and "glossary-term" in n["classes"]
    )
    linked = {link["refuri"].rpartition("#")[2] for link in links}
    terms = app.env.domaindata["std"]["objects"]
    pages = {place[0] for (kind, _), place in terms.items() if kind == "term"}
    for anchors, definition in definitions(app, pages):
        for anchor in linked.intersection(anchors):
            text = without_links(definition.deepcopy())
            html = "".join(app.builder.render_partial(part)["fragment"] for part in text)
            context["body"] += f'<template id="tip-{anchor}">{html}</template>\n'


def without_links(node):
    """A node in which links are mere words: what pops up leads nowhere else."""
    for link in list(
        node.findall(lambda n: isinstance(n, nodes.reference | addnodes.pending_xref))
    ):
        link.parent.replace(link, link.children)
    return node


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
