"""Sphinx extension: no code scrolls sideways. A line longer than its column goes on below, set in deeper than where it began. What has
the colour of the block itself, such as names and brackets, is no element of its own: that is half of all the elements of a chapter."""

import html
import re

BLOCK = re.compile(
    r'<div class="([^"]*highlight-[^"]*)"><div class="highlight"><pre([^>]*)>(<span></span>)?(.*?)</pre>',
    re.S,
)
PLAIN = re.compile(r'<span class="(?:n|nn|p|w)">([^<]*)</span>')


def setup(app):
    app.connect("html-page-context", wrap)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def wrap(app, pagename, templatename, context, doctree):
    """Put each line of code of a page, and of what cells print, in a span that says how far it is set in."""
    if context.get("body"):
        body = BLOCK.sub(wrapped, context["body"])
        reach = r'\g<0> tabindex="0" role="group" aria-label="Table"'  # a wide table can be scrolled by the keyboard too
        context["body"] = re.sub(r'<div class="pst-scrollable-table-container"', reach, body)


def wrapped(block):
    """One block of code or output, a span a line; columns that must stay below each other can be scrolled, by the keyboard too."""
    kind, attributes, start, code = block.groups()
    code = PLAIN.sub(r"\1", code)
    texts = [
        html.unescape(re.sub(r"<[^>]+>", "", line)) for line in code.removesuffix("\n").split("\n")
    ]
    if "output" in kind and is_table(texts):
        attributes += ' class="columns" tabindex="0" role="group" aria-label="Output"'
    else:
        indents = [len(text) - len(text.lstrip(" ")) for text in texts]
        lines = zip(code.removesuffix("\n").split("\n"), indents)
        code = "".join(
            f'<span class="code-line" style="--indent:{indent}">{line}\n</span>'
            for line, indent in lines
        )
    return f'<div class="{kind}"><div class="highlight"><pre{attributes}>{start or ""}{code}</pre>'


def is_table(texts):
    """Whether lines stand in columns: most of them, and at least two, have a gap that is not before a comment."""
    gaps = sum(bool(re.search(r"\S {2,}[^ #]", text)) for text in texts)
    return gaps >= 2 and 2 * gaps > len(texts)
