"""Sphinx extension: a claim and the cell that asserts it are one box; the index has all of them.

**Claim.** holds as it stands, **Claim, with a condition.** where the condition is met. **Often
said.** and **What we see.** are a claim that was not seen here, and what was seen instead.
**Check.** is an identity: it is in no index, and its cell is folded whole.
"""

import re
from pathlib import Path

import nbformat
from docutils import nodes
from sphinx.transforms import SphinxTransform
from sphinx.util.logging import getLogger

from web.extensions.folding import fold
from web.extensions.leads import following, is_cell, lead, without_lead

LOG = getLogger(__name__)
HOLDS, CONDITION, NOT_SEEN = "holds", "holds on a condition", "often said, not seen"
VERDICTS = {
    "Claim.": HOLDS,
    "Claim, with a condition.": CONDITION,
    "What we see.": NOT_SEEN,
}
LEADS = VERDICTS | {"Claim, not borne out.": NOT_SEEN}  # and the form of the first edition
OFTEN, CHECK = "Often said.", "Check."
CLAIM = re.compile(
    rf"(?P<often>\*\*{re.escape(OFTEN)}\*\*\s.+?\n\n+)?"
    rf"\*\*(?P<lead>{'|'.join(map(re.escape, LEADS))})\*\*\s*(?P<sentence>.+?)(?=\n\n|\Z)",
    re.S,
)
CHAPTER = re.compile(r"book/(\d\d)-")
PAGE = "book/claims"
MARK = "% the claims stand here"


class claim_box(nodes.General, nodes.Element):
    """The sentence of a claim, or of a check, and the cell that asserts it."""


def setup(app):
    app.add_node(claim_box, html=(open_box, close_box))
    app.add_transform(Boxes)
    app.add_css_file("claims.css")
    app.connect("source-read", write_index)
    app.connect("env-get-outdated", outdated)
    app.connect("doctree-read", register)
    app.connect("html-page-context", add_script)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


# ---- in the chapters


class Boxes(SphinxTransform):
    """Puts each claim and its cell into one box."""

    default_priority = 410

    def apply(self):
        chapter, count = CHAPTER.match(self.env.docname), 0
        if not chapter:
            return
        for paragraph in list(self.document.findall(nodes.paragraph)):
            said = lead(paragraph)
            if said not in LEADS and said != CHECK:
                continue
            cell = following(paragraph)
            if not is_cell(cell):
                LOG.warning("%r: no cell follows that asserts it", said, location=paragraph)
                continue
            box = claim_box(classes=["check" if said == CHECK else "claim"])
            if said in LEADS:
                count += 1
                box["ids"] = [f"claim-{count}"]
                box["verdict"], box["number"] = LEADS[said], f"{int(chapter[1])}.{count}"
                if said.startswith("Claim"):  # the box says so, with its number
                    paragraph[:] = without_lead(paragraph)
            paragraph.replace_self(box)
            before = box.parent[box.parent.index(box) - 1]
            if said == "What we see.":
                if lead(before) != OFTEN:
                    LOG.warning("%r: no %r stands before it", said, OFTEN, location=paragraph)
                else:
                    before.parent.remove(before)
                    box += before
            cell.parent.remove(cell)
            box += [paragraph, cell]
            arrange(cell, folded_whole=said == CHECK)


def arrange(cell, folded_whole):
    """In a box the cell's output comes first, and its code is folded; of a check both are."""
    parts = {child["nb_element"]: child for child in cell.children}
    code, output = parts.get("cell_code_source"), parts.get("cell_code_output")
    cell["hide_mode"] = None  # it is folded here, whatever its tags
    shown = [output] if output else []
    inside = [code, *shown] if folded_whole else [code]
    folded = fold(
        "", *inside, kind="code", label='<span class="checked">Checked</span> by this cell'
    )
    cell[:] = []
    cell += [folded] if folded_whole else [*shown, folded]


def open_box(self, node):
    if "number" not in node:
        self.body.append(self.starttag(node, "div"))
        return
    anchor, name, verdict = node["ids"][0], f"Claim {node['number']}", node["verdict"]
    self.body.append(self.starttag(node, "div", role="group", **{"aria-label": name}))
    self.body.append(
        f'<p class="claim-name"><a href="#{anchor}">{name}</a> <span>{verdict}</span></p>\n'
    )


def close_box(self, node):
    self.body.append("</div>\n")


def register(app, doctree):
    """Let Markdown links lead to claims as to headings: [see](03-momentum.ipynb#claim-4)."""
    metadata = app.env.metadata[app.env.docname]
    slugs = metadata.setdefault("myst_slugs", {})
    for box in doctree.findall(claim_box):
        if "number" in box:
            slugs[box["ids"][0]] = (None, box["ids"][0], f"Claim {box['number']}")


# ---- the index


def chapters(source):
    """The chapters' files in the order of their numbers."""
    return sorted(Path(source, "book").glob("[0-9][0-9]-*.ipynb"))


def claims(path):
    """The title of a chapter and its claims: (section, verdict, sentence).

    A claim that was not seen has both of its paragraphs.
    """
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
                sentence = " ".join(match["sentence"].split())
                if match["often"]:
                    often = " ".join(match["often"].split())
                    sentence = f"{often}\n\n**{match['lead']}** {sentence}"
                found.append((section, LEADS[match["lead"]], sentence))
    return title, found


def outdated(app, env, added, changed, removed):
    """The index is read again whenever a chapter is."""
    changes = any(CHAPTER.match(name) for name in added | changed)
    return [PAGE] if PAGE in env.found_docs and changes else []


def write_index(app, name, text):
    """Put all claims in place of the mark, each with its verdict and a link to its box."""
    if name != PAGE:
        return
    lines, verdicts = [], []
    for path in chapters(app.srcdir):
        title, found = claims(path)
        chapter = int(path.name[:2])
        if not found:
            continue
        lines.append(f"\n## {chapter}. {title}\n")
        for number, (_, verdict, sentence) in enumerate(found, 1):
            verdicts.append(verdict)
            link = f"[{chapter}.{number}]({path.name}#claim-{number})"
            row = f":::{{container}} claim-row\n{link} [{verdict}]{{.verdict}}\n\n{sentence}\n:::\n"
            lines.append(row)
    counts = {verdict: verdicts.count(verdict) for verdict in VERDICTS.values()}
    said = ", ".join(f"{n} {v.replace('holds', 'hold')}" for v, n in counts.items())
    text[0] = text[0].replace(MARK, "\n".join([f"{len(verdicts)} claims: {said}.", *lines]))


def add_script(app, pagename, templatename, context, doctree):
    """The index can be filtered."""
    if pagename == PAGE:
        app.add_js_file("claims.js", loading_method="defer")
