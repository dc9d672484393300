"""Formulas are set when the book is built: a page shows them at once and needs no script for it.

A reader is spared MathJax' script: 266 kB compressed, as much as a chapter with its pictures.

A formula keeps the bracket before it and the comma after it. A displayed one is set in parts,
which a narrow screen sets below each other: before =, <-, ~ and the like, and before + and -.
"""

import json
import re
import shutil
import subprocess
from importlib import metadata
from pathlib import Path

from docutils import nodes
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util.logging import getLogger
from sphinx.util.math import get_node_equation_number

from tools.book import node

HERE = Path(__file__).parent
LOG = getLogger(__name__)
NOTICE = """\
The fonts of MathJax 3.2.2, copyright The MathJax Consortium, under the Apache License, version 2.0:
https://www.apache.org/licenses/LICENSE-2.0. Unchanged files of its distribution; the whole of it
and its sources: https://www.mathjax.org
"""
BEFORE = re.compile(r"[(\[“‘]$")
AFTER = re.compile(r"[,.;:!?)\]’”]+|-[a-z]+[,.;:]?")
TOKEN = re.compile(r"\\begin\{\w+\*?\}|\\end\{\w+\*?\}|\\[a-zA-Z]+|\\.|\s+|.", re.S)
OPENING, CLOSING = {"{", "(", "[", r"\left"}, {"}", ")", "]", r"\right"}
RELATIONS = {"=", "<", ">", r"\le", r"\leq", r"\ge", r"\geq", r"\approx", r"\leftarrow"}
# what HTML does not need, or the style sheet says once for all: a tenth of a page of formulas
IDLE = re.compile(
    r' (xmlns="[^"]*"|unselectable="on"|style="position: relative;"|display="inline")(?=[ >])'
)
BREAKS = {"+", "-", r"\Longrightarrow", *RELATIONS}


def setup(app):
    app.add_html_math_renderer("formulas", (visit_inline, None), (visit_display, None))
    app.add_post_transform(KeepPunctuation)
    app.connect("html-page-context", add_style_sheet)
    app.connect("build-finished", finish)
    return {"parallel_write_safe": False}


def mathjax():
    """The folder of MathJax inside its package."""
    package = metadata.distribution("sphinx-mathjax-offline")
    return Path(package.locate_file("sphinx-mathjax-offline/static/mathjax"))


class Setter:
    """MathJax in a process of its own, started by the first formula."""

    process = None
    used = False  # since the last style sheet

    def ask(self, **request):
        """The answer to one request, a dictionary with `html` or `error`."""
        if self.process is None:
            command = [node(), str(HERE / "formulas.js"), str(mathjax())]
            self.process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8"
            )
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        self.used = "sheet" not in request
        return json.loads(self.process.stdout.readline())

    def close(self):
        if self.process:
            self.process.stdin.close()
            self.process.wait()
            self.process = None


SETTER = Setter()


def formula(node, tex, display):
    """A formula as HTML; a mistake in it is a warning, and so fails the build."""
    answer = SETTER.ask(tex=tex, display=display)
    if "error" in answer:
        LOG.warning("formula %s: %s", tex, answer["error"], location=node)
    return IDLE.sub("", answer.get("html", ""))


class KeepPunctuation(SphinxPostTransform):
    """Puts an inline formula, the bracket before it and the comma after it where no line breaks.

    A browser may break a line beside any formula, whatever sign stands there.
    """

    default_priority = 900
    formats = ("html",)

    def run(self, **kwargs):
        for formula in list(self.document.findall(nodes.math)):
            siblings, place = formula.parent.children, formula.parent.index(formula)
            before = siblings[place - 1] if place else None
            after = siblings[place + 1] if place + 1 < len(siblings) else None
            bracket = isinstance(before, nodes.Text) and BEFORE.search(before)
            comma = isinstance(after, nodes.Text) and AFTER.match(after)
            if not bracket and not comma:
                continue
            unbroken = nodes.inline(classes=["unbroken"])
            formula.replace_self(unbroken)
            unbroken += formula
            if bracket:
                unbroken.insert(0, nodes.Text(bracket[0]))
                before.parent.replace(before, nodes.Text(before[: bracket.start()]))
            if comma:
                unbroken += nodes.Text(comma[0])
                after.parent.replace(after, nodes.Text(after[comma.end() :]))


def visit_inline(self, node):
    """An inline formula."""
    self.body.append(self.starttag(node, "span", "", CLASS="math notranslate nohighlight"))
    self.body.append(formula(node, node.astext(), False) + "</span>")
    raise nodes.SkipNode


def visit_display(self, node):
    r"""A displayed formula and its number, from its label or its `\tag`.

    An empty line in it begins another formula, and `\\` another line, as Sphinx has them.
    """
    tex = node.astext()
    tag = re.search(r"\\tag\{(.+?)\}", tex)
    if tag:
        tex = tex.replace(tag[0], "")
    if not node["nowrap"]:
        lines = [line for line in re.split(r"\n\s*\n", tex) if line.strip()]
        lines = [rf"\begin{{split}}{x}\end{{split}}" if r"\\" in x else x for x in lines]
        tex = r"\\".join(lines)
        tex = tex if len(lines) == 1 else rf"\begin{{aligned}}{tex}\end{{aligned}}"
    self.body.append(self.starttag(node, "div", CLASS="math notranslate nohighlight"))
    for group in groups(tex):
        set_parts = "".join(formula(node, part, True) for part in group)
        self.body.append(f'<span class="formula">{set_parts}</span>')
    if tag or node["number"]:
        number = tag[1] if tag else get_node_equation_number(self, node)
        self.body.append(f'<span class="eqno">({number})')
        if node["number"]:
            self.add_permalink_ref(node, "Link to this equation")
        self.body.append("</span>")
    self.body.append("</div>\n")
    raise nodes.SkipNode


def groups(tex):
    r"""A formula cut at its wide spaces, and each group of it before its relations and sums.

    What stands inside of brackets or an environment stays together. What follows a cut begins
    with `{}`, so that the sign after it keeps its distance.
    """
    found, depth, last = [[""]], 0, ""
    for token in TOKEN.findall(tex):
        depth += token in OPENING or token.startswith(r"\begin{")
        depth -= token in CLOSING or token.startswith(r"\end{")
        if depth == 0 and token in (r"\quad", r"\qquad"):
            if found[-1] != [""]:
                found.append([""])
        else:
            if depth == 0 and token in BREAKS and last not in BREAKS and found[-1][-1].strip():
                found[-1].append("{}")
            found[-1][-1] += token
        last = last if token.isspace() else token
    return found


def add_style_sheet(app, pagename, templatename, context, doctree):
    """Gives a page the style sheet of its own formulas."""
    if SETTER.used:
        fonts = context["pathto"]("_static/formulas", 1)
        sheet = SETTER.ask(sheet=True)["html"].replace("FONTS", fonts)
        context["metatags"] = context.get("metatags", "") + f'<style id="formulas">{sheet}</style>'


def finish(app, error):
    """Copies MathJax's fonts, and ends it."""
    SETTER.close()
    if not error and app.builder.format == "html":
        target = Path(app.outdir) / "_static/formulas"
        target.mkdir(parents=True, exist_ok=True)
        for font in (mathjax() / "output/chtml/fonts/woff-v2").glob("*.woff"):
            shutil.copyfile(font, target / font.name)
        (target / "NOTICE.txt").write_text(NOTICE)
