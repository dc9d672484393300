"""Sphinx extension: the reader commits to an answer, and what shows it opens.

**Predict.** and **Question.** begin a paragraph that asks. Right after it a list, or a line in
italics, says what can be answered. All from there to the paragraph **Answer.** is folded until the
reader commits or asks. web/AUTHORS.md has the grammar; what does not follow it is a warning.
"""

import hashlib
import json
import math
import re
from collections import Counter

from docutils import nodes
from sphinx.transforms import SphinxTransform
from sphinx.util.logging import getLogger

from web.extensions.folding import fold
from web.extensions.leads import following, lead, without_lead

LOG = getLogger(__name__)
ASKS = {"Predict.": "prediction", "Question.": "question"}
ANSWER = "Answer."
DIGITS = r"[-−+]?\d+(?:\.\d+)?(?:e[-−+]?\d+)?"
UNIT = r"(?:, in (?P<unit>.+?))?\."
NUMBER = re.compile(rf"A number{UNIT}")
POINT = re.compile(
    rf"A point from (?P<least>{DIGITS}) to (?P<most>{DIGITS})(?P<log>, on a log scale)?{UNIT}"
)
VALUE = re.compile(
    rf"(?P<value>{DIGITS})(?P<text>[^()]*)\((?P<low>{DIGITS}) to (?P<high>{DIGITS}) will do\)"
)
STEPS = 200  # places on an axis


class prediction(nodes.General, nodes.Element):
    """A question: its paragraph, and for a choice the list; `form` is what the script asks for."""


def setup(app):
    app.add_node(prediction, html=(write_form, None))
    app.add_transform(Ask)
    app.add_css_file("predict.css")
    app.connect("html-page-context", add_script)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


class Ask(SphinxTransform):
    """Makes a form of each question, and folds what follows it up to its answer."""

    default_priority = 430  # after the boxes of claims, which an answer may hold

    def apply(self):
        counts = Counter()
        for paragraph in list(self.document.findall(nodes.paragraph)):
            if lead(paragraph) not in ASKS:
                continue
            form, fault = answerable(following(paragraph)), None
            if form is None:
                continue
            parent = paragraph.parent
            siblings = parent.children
            first = siblings.index(paragraph) + 2
            last = next((i for i in range(first, len(siblings)) if ends(siblings[i])), None)
            if last is None or lead(siblings[last]) != ANSWER:
                fault = "no **Answer.** before the next question or heading"
            else:
                fault = resolve(form, siblings[first - 1], siblings[last])
            if fault:
                LOG.warning("%s %s", lead(paragraph), fault, location=paragraph)
                continue
            counts[lead(paragraph)] += 1
            parent[first - 2 : last + 1] = self.question(
                paragraph,
                siblings[first - 1],
                siblings[first : last + 1],
                form,
                counts[lead(paragraph)],
            )

    def question(self, paragraph, options, inside, form, count):
        """The nodes of a question and of what shows its answer."""
        kind = ASKS[lead(paragraph)]
        text = f"{paragraph.astext()}\n{options.astext()}"
        form["key"] = hashlib.sha256(text.encode()).hexdigest()[:12]  # another question asks anew
        asked = [paragraph, options] if form["kind"] == "choice" else [paragraph]
        show = "Show without an answer" if kind == "prediction" else "Show the answer"
        return [
            prediction("", *asked, ids=[f"{kind}-{count}"], kind=kind, form=form),
            fold("", *inside, kind="answer", label=(show, "What comes")),
        ]


def ends(node):
    """Whether what an answer folds ends at this node, rightly or not."""
    return isinstance(node, nodes.section | nodes.title) or lead(node) in (*ASKS, ANSWER)


def answerable(node):
    """What a list or a line in italics lets the reader answer, or None."""
    if isinstance(node, nodes.bullet_list) and len(node) > 1:
        return {"kind": "choice"}
    if not isinstance(node, nodes.paragraph) or [type(n) for n in node] != [nodes.emphasis]:
        return None
    line = node.astext()
    if found := NUMBER.fullmatch(line):
        return {"kind": "number", "unit": found["unit"] or ""}
    if found := POINT.fullmatch(line):
        ends = {"least": number(found["least"]), "most": number(found["most"])}
        return {"kind": "point", "log": bool(found["log"]), "unit": found["unit"] or "", **ends}
    return None


def resolve(form, options, answer):
    """Put the right answer into a form; what is wrong about it, or None."""
    text = "".join(child.astext() for child in without_lead(answer))
    if form["kind"] == "choice":
        said = plain(text)
        fitting = [i for i, item in enumerate(options) if said.startswith(plain(item.astext()))]
        if not fitting:
            return f"the answer begins with none of the choices: {text[:60]!r}"
        form["right"] = max(fitting, key=lambda i: len(options[i].astext()))
        return None
    found = VALUE.match(text)
    if not found:
        return f"the answer is not of the form '22 steps (18 to 26 will do)': {text[:60]!r}"
    value, low, high = (number(found[name]) for name in ("value", "low", "high"))
    form |= {
        "value": value,
        "low": low,
        "high": high,
        "text": (found["value"] + found["text"]).strip(),
    }
    if not low <= value <= high:
        return f"{value} does not lie between {low} and {high}"
    if form["kind"] == "point":
        if form["log"] and form["least"] <= 0:
            return "a log scale has no 0"
        if not form["least"] <= low <= high <= form["most"]:
            return "the answer does not lie on the axis"
    return None


def number(text):
    return float(text.replace("−", "-"))


def plain(text):
    """A sentence without what does not matter in comparing it."""
    return " ".join(text.lower().split()).rstrip(".")


def write_form(self, node):
    """The form with the question's own nodes inside of it."""
    form, name, kind = node["form"], node["ids"][0], node["kind"]
    data = self.attval(json.dumps({k: v for k, v in form.items() if k != "kind"}))
    self.body.append(
        f'<form class="predict predict-{form["kind"]}" id="{name}" data-kind="{kind}"'
        f' data-form="{data}" aria-labelledby="{name}-asks" autocomplete="off">\n'
        f'<div class="predict-asks" id="{name}-asks">'
    )
    node[0].walkabout(self)
    self.body.append("</div>\n")
    {"choice": write_choices, "number": write_number, "point": write_axis}[form["kind"]](self, node)
    button = "Commit and see" if kind == "prediction" else "Answer"
    self.body.append(
        f'<p class="predict-buttons"><button type="submit">{button}</button>'
        '<button type="button" class="predict-again" hidden>Ask me again</button></p>\n'
        '<p class="predict-said" role="status"></p>\n</form>\n'
    )
    raise nodes.SkipNode


def write_choices(self, node):
    name = node["ids"][0]
    self.body.append(f'<div role="radiogroup" aria-labelledby="{name}-asks">\n')
    for place, item in enumerate(node[1]):
        self.body.append(f'<label><input type="radio" name="{name}" value="{place}"> <span>')
        for child in item.children:  # a label holds words, not paragraphs
            for part in child.children if isinstance(child, nodes.paragraph) else [child]:
                part.walkabout(self)
        self.body.append("</span></label>\n")
    self.body.append("</div>\n")


def write_number(self, node):
    name, form = node["ids"][0], node["form"]
    keys = "decimal" if form["low"] >= 0 else "text"  # a phone's keys for numbers may have no minus
    self.body.append(
        f'<p class="predict-field"><input type="text" inputmode="{keys}" size="8"'
        f' aria-labelledby="{name}-asks {name}-unit">'
        f' <span id="{name}-unit">{self.encode(form["unit"])}</span></p>\n'
    )


def write_axis(self, node):
    name, form = node["ids"][0], node["form"]
    came, unit = self.encode(form["text"]), self.encode(form["unit"])
    self.body.append(
        f'<p class="predict-axis"><input type="range" min="0" max="{STEPS}" value="{STEPS // 2}"'
        f' aria-labelledby="{name}-asks" data-lm-suppress-shortcuts="true">'
        f'<span class="predict-came" style="--place: {share(form):.4f}" hidden>{came}</span>'
        f'<span class="predict-ends"><span>{form["least"]:g}</span><output></output>'
        f"<span>{form['most']:g} {unit}</span></span></p>\n"
    )


def share(form):
    """Where on its axis, from 0 to 1, the answer lies."""
    scale = math.log if form["log"] else float
    least, most, value = (scale(form[name]) for name in ("least", "most", "value"))
    return (value - least) / (most - least)


def add_script(app, pagename, templatename, context, doctree):
    if doctree and next(doctree.findall(prediction), None):
        app.add_js_file("predict.js", loading_method="defer")
