"""Sphinx extension: where lines break round formulas. A formula keeps its comma, and a wide equation is cut into parts that a phone
may set below each other: where the author left a wide space, within these before =, <-, ~ and the like, and within these before + and -."""

import re

INLINE = re.compile(
    r'([(\[“‘]?)(<span class="math notranslate nohighlight">(?:(?!</span>).)*</mjx-container></span>)([,.;:!?)\]’”]+|-[a-z]+[,.;:]?)?',
    re.S,
)
LINKED = re.compile(
    r'(<a class="reference internal"[^>]*>) '
)  # a space that belongs before the link, not under its line
EQUATION = re.compile(r'(<mjx-math\b[^>]*display="true"[^>]*>)(.*?)(</mjx-math>)', re.S)
NUMBERED = [
    "mjx-mtable",
    "mjx-table",
    "mjx-itable",
    "mjx-mlabeledtr",
    "mjx-mtd",
]  # what stands round an equation with a number
TAG = re.compile(r"<(/?)([\w-]+)[^>]*>")
SPACE = re.compile(
    r'(?:<mjx-mstyle><mjx-mspace style="width: [12]em;"></mjx-mspace></mjx-mstyle>)+'
)
RELATION = re.compile(
    r'<mjx-mo class="mjx-n"[^>]*><mjx-c class="mjx-c(3D|2190|2248|2264|27F9)"></mjx-c></mjx-mo>'
)

SUM = re.compile(r'<mjx-mo class="mjx-n" space="3"><mjx-c class="mjx-c(2B|2212)"></mjx-c></mjx-mo>')


def setup(app):
    app.connect("html-page-context", wrap)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def wrap(app, pagename, templatename, context, doctree):
    """Mark on one page what must stay on a line."""
    if context.get("body"):
        body = LINKED.sub(r" \1", INLINE.sub(kept, context["body"]))
        context["body"] = EQUATION.sub(parted, body)


def kept(found):
    """A formula in the text, together with the bracket that opens before it and the sign that follows it."""
    before, formula, after = found[1], found[2], found[3] or ""
    return f'<span class="kept">{before}{formula}{after}</span>' if before or after else formula


def parted(found):
    """An equation with each of its parts in an element of its own: what wide spaces part, then relations, then sums."""
    start, inside, end = found.groups()
    level = NUMBERED if "<mjx-mlabeledtr" in inside else []
    spaces, relations, sums, path, first, last = [], [], [], [], None, None
    for tag in TAG.finditer(inside):
        here = tag.start()
        if tag[1]:
            path.pop()
            last = tag.end() if path == level else last
        else:
            if path == level and first is None:
                first = here
            if path == level and (space := SPACE.match(inside, here)):
                spaces.append(space.end())
            elif path == level and here > first and RELATION.match(inside, here):
                relations.append(here)
            elif path == level and SUM.match(inside, here):
                sums.append(here)
            path.append(tag[2])
        if last is not None and len(path) < len(level):
            break  # the number of the equation follows
    if not spaces and not relations and not sums:
        return found[0]
    return f"{start}{inside[:first]}{pieces(inside, first, last, spaces, relations, sums)}{inside[last:]}{end}"


def pieces(text, first, last, cuts=(), *finer):
    """The text between two places, cut at those of the cuts that lie between them, each piece in an element, which is cut finer in turn."""
    edges = [first, *sorted({cut for cut in cuts if first < cut < last}), last]
    return "".join(
        f"<mjx-part>{pieces(text, a, b, *finer) if finer else text[a:b]}</mjx-part>"
        for a, b in zip(edges, edges[1:])
    )
