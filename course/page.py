"""A student's page: marks first, then what was handed in, with the marks beside its cells.

What a student wrote or printed runs nothing and asks no other host: it is cleaned by nh3, and the
page forbids both.
"""

import base64
import binascii
import re
from pathlib import Path

import jinja2
import nh3
from latex2mathml.converter import convert
from markupsafe import Markup, escape
from nbconvert.filters.ansi import ansi2html
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

from course.assignment import about, role
from course.grading import visible

# fmt: off
TEXT = {
    "h1", "h2", "h3", "h4", "h5", "h6", "p", "div", "span", "pre", "code", "blockquote", "em",
    "strong", "b", "i", "u", "s", "del", "sub", "sup", "br", "hr", "a", "img", "ul", "ol", "li",
    "dl", "dt", "dd", "table", "thead", "tbody", "tr", "th", "td",
}
MATH = {
    "math", "mrow", "mi", "mo", "mn", "mtext", "ms", "mspace", "mfrac", "msqrt", "mroot",
    "mstyle", "mpadded", "mphantom", "msub", "msup", "msubsup", "munder", "mover", "munderover",
    "mtable", "mtr", "mtd", "menclose",
}
# fmt: on
SHOWN = {"display", "displaystyle", "stretchy", "mathvariant", "fence", "form", "columnalign"}
ATTRIBUTES = {"a": {"href"}, "img": {"src", "alt", "title", "width", "height"}}
ATTRIBUTES |= {tag: SHOWN | {"width", "linethickness", "movablelimits"} for tag in MATH}
PICTURE = re.compile(r"data:image/(png|jpeg|gif|webp);base64,[A-Za-z0-9+/=\s]+")
POLICY = (
    "default-src 'none'; img-src data:; style-src 'unsafe-inline'; form-action 'none'; "
    "base-uri 'none'"
)
TEMPLATES = jinja2.Environment(
    loader=jinja2.FileSystemLoader(Path(__file__).with_name("templates")), autoescape=True
)


class Renderer(IPythonRenderer):
    """Markdown as Jupyter shows it, with formulas that a browser draws by itself."""

    def block_math(self, body):
        return formula(body, "block")

    multiline_math = block_math

    def inline_math(self, body):
        return formula(body, "inline")

    def latex_environment(self, name, body):
        return formula(rf"\begin{{{name}}}{body}\end{{{name}}}", "block")


def formula(latex, display):
    """MathML of a formula, or its text where that is none."""
    try:
        return convert(latex, display=display)
    except Exception:  # of many kinds, for what students write
        return f"<code>{escape(latex)}</code>"


def allowed(tag, attribute, value):
    """An attribute's value, or None for one that could load or run something."""
    if tag == "img" and attribute == "src":
        return value if PICTURE.fullmatch(value) else None
    if attribute in ("width", "height"):
        return value if re.fullmatch(r"[\d.]+(em|px|%)?", value) else None
    if attribute == "href":
        return value if re.match(r"https?://|#", value) else None
    return value


def clean(html):
    """HTML without anything that runs, loads, or could be taken for the page's own."""
    return nh3.clean(
        html,
        tags=TEXT | MATH,
        attributes=ATTRIBUTES,
        attribute_filter=allowed,
        url_schemes={"http", "https", "data"},
    )


def markdown(cell):
    """The HTML of a Markdown cell, with its pasted pictures."""
    pictures = cell.get("attachments") or {}
    renderer = Renderer(escape=False, attachments=pictures, exclude_anchor_links=True)
    return Markup(clean(MarkdownWithMath(renderer=renderer).render(cell.source)))


def code(source):
    """The HTML of code."""
    return Markup(highlight(source, PythonLexer(stripnl=False), HtmlFormatter(nowrap=True)))


def picture(data):
    """A PNG for the page, or None for what is none."""
    try:
        found = base64.b64decode("".join(data).encode(), validate=False)
    except (binascii.Error, ValueError, TypeError):
        return None
    is_png = found.startswith(b"\x89PNG")
    return f"data:image/png;base64,{base64.b64encode(found).decode()}" if is_png else None


def outputs(cell):
    """What a cell printed and drew where the student ran it, as (picture, HTML of text)."""
    for output in cell.get("outputs") or []:
        data = output.get("data") or {}
        if output.output_type == "stream":
            yield None, Markup(ansi2html(output.text))
        elif output.output_type == "error":
            yield None, Markup(ansi2html("\n".join(output.traceback)))
        elif "image/png" in data:
            yield picture(data["image/png"]), "a picture that cannot be shown"
        elif "text/plain" in data:
            yield None, Markup(ansi2html(data["text/plain"]))


def given(cell):
    """Whether a cell stands as it was handed out, so that no student can speak in it."""
    return role(cell) in ("test", "locked") or bool(cell.metadata.get("given"))


def parts(book, result, marks):
    """The rows of the table of marks, and the cells of the page with what stands beside them."""
    rows, cells, heading = [], [], ""
    for cell in book.cells:
        kind, name = role(cell), about(cell).get("grade_id", "")
        shown = {"kind": kind, "id": name, "outputs": [], "given": given(cell)}
        title = re.match(r"#+ +(.+)", cell.source) if cell.cell_type == "markdown" else None
        heading = title[1] if title and shown["given"] else heading
        if cell.cell_type == "markdown":
            shown["html"] = markdown(cell)
        elif cell.cell_type == "code" and kind == "test":
            shown["code"] = code(visible(cell))
        elif cell.cell_type == "code":
            shown["code"], shown["outputs"] = code(cell.source), list(outputs(cell))
        else:
            shown["code"] = cell.source
        if kind in ("test", "written"):
            most = float(about(cell)["points"])
            row = {"heading": heading, "id": name, "most": most, "mark": marks.points()[name]}
            row["hand"] = kind == "written"
            row["comment"] = marks.comments.get(name, "")
            row["message"] = "" if row["hand"] else result.tests[name]["message"]
            row["overruled"] = name in marks.overruled
            shown["row"] = row
            rows.append(row)
        cells.append(shown)
    return rows, cells


def page(book, result, marks):
    """The page of a student as HTML.

    Args:
        book: the repaired notebook.
        result: what was found in it, a `Result`.
        marks: the `Marks` that hold now.
    """
    rows, cells = parts(book, result, marks)
    titles = (re.search(r"(?m)^# (.+)", cell.source) for cell in book.cells if given(cell))
    return TEMPLATES.get_template("feedback.html").render(
        title=next((title[1] for title in titles if title), "Assignment"),
        name=result.name,
        rows=rows,
        cells=cells,
        marks=marks,
        most=sum(row["most"] for row in rows),
        policy=POLICY,
        colours=Markup(HtmlFormatter(style="friendly").get_style_defs("pre")),
    )
