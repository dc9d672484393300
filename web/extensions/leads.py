"""Paragraphs that begin with a word in bold, such as **Claim.**, and what stands next to them."""

from docutils import nodes


def lead(node):
    """The bold words that a paragraph begins with, or an empty string."""
    if not isinstance(node, nodes.paragraph):
        return ""
    first = next((child for child in node.children if child.astext()), None)
    return first.astext() if isinstance(first, nodes.strong) else ""


def without_lead(paragraph):
    """The children of a paragraph after its bold words."""
    children = [child for child in paragraph.children if child.astext()][1:]
    if children and isinstance(children[0], nodes.Text):
        children[0] = nodes.Text(children[0].lstrip())
    return children


def following(node):
    """The node after this one in its parent, or None."""
    siblings = node.parent.children
    place = siblings.index(node) + 1
    return siblings[place] if place < len(siblings) else None


def is_cell(node):
    """Whether a node is a code cell of a notebook."""
    return isinstance(node, nodes.container) and node.get("nb_element") == "cell_code"
