"""Sphinx extension: the index of claims, made from the chapters each time the book is built."""

import re
from pathlib import Path

import nbformat
from docutils import nodes

CLAIM = re.compile(r"\*\*Claim(, [a-z ]+)?\.\*\*\s*(.+?)(?=\n\n|\Z)", re.S)
VERDICTS = {
    None: "holds",
    ", with a condition": "holds on a condition",
    ", not borne out": "not borne out",
}
PAGE = "book/claims"
MARK = "% the claims stand here"


def setup(app):
    app.connect("source-read", write_index)
    app.connect("env-get-outdated", outdated)
    app.connect("doctree-resolved", mark)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def chapters(source):
    """The chapters' files in the order of their numbers."""
    return sorted(Path(source, "book").glob("[0-9][0-9]-*.ipynb"))


def claims(path):
    """The title of a chapter and its claims: (section, verdict, sentence)."""
    title, section, found = path.stem, "", []
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type != "markdown":
            continue
        for part in re.split(r"(?m)^(?=#)", cell.source):
            heading = re.match(r"(#+) (.+)", part)
            if heading and len(heading[1]) == 1:
                title = heading[2].strip()
            elif heading:
                section = heading[2].strip()
            for match in CLAIM.finditer(part):
                found.append((section, VERDICTS[match[1]], " ".join(match[2].split())))
    return title, found


def anchor(heading):
    """The anchor that myst-parser gives a heading, as GitHub does."""
    return re.sub(r"[^\w\- ]", "", re.sub(r"\$[^$]*\$", "", heading).lower()).replace(" ", "-")


def plain(heading):
    """A heading without its marks of Markdown and mathematics."""
    return re.sub(r"[$`*\\\"]", "", heading)


def mark(app, doctree, name):
    """Give the paragraphs that state a claim a class of their own, by which the page shows them."""
    for paragraph in doctree.findall(nodes.paragraph):
        first = next((child for child in paragraph.children if child.astext()), None)
        if isinstance(first, nodes.strong) and re.fullmatch(r"Claim(, [a-z ]+)?\.", first.astext()):
            paragraph["classes"].append("claim")


def outdated(app, env, added, changed, removed):
    """The index is read again whenever a chapter is."""
    return (
        [PAGE]
        if PAGE in env.found_docs and any(re.match(r"book/\d\d-", name) for name in added | changed)
        else []
    )


def write_index(app, name, text):
    """Put the tables of all claims, and their number by verdict, in place of the mark."""
    if name != PAGE:
        return
    lines, counts = [], dict.fromkeys(VERDICTS.values(), 0)
    for path in chapters(app.srcdir):
        title, found = claims(path)
        lines += [f"\n## {title}\n", "| claim | verdict |", "|---|---|"]
        for section, verdict, sentence in found:
            counts[verdict] += 1
            target = f"{path.name}#{anchor(section)}" if section else path.name
            link = f'\u00a0[⟶]({target} "to the section: {plain(section or title)}")'
            lines.append(f"| {sentence.replace('|', chr(92) + '|')}{link} | {verdict} |")
    said = ", ".join(
        f"{count} {verdict.replace('holds', 'hold')}" for verdict, count in counts.items()
    )
    summary = f"{sum(counts.values())} claims: {said}."
    text[0] = text[0].replace(MARK, "\n".join([summary, *lines]))
