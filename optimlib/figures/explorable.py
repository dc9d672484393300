"""What all figures that answer share: their HTML, their goal, their script.

A figure is an SVG still drawn by Python, and a small script that redraws it under the reader's
hand. Beside each module here that computes stands a file of the same name in JavaScript, which
repeats it; the tests hold the two side by side. The rules of the optimizers are translated
(`rules`).
"""

import json
import re
from html import escape
from pathlib import Path

from optimlib import checks

HERE = Path(__file__).parent
COMPARISON = re.compile(r"(.+?) *(<=|>=|<|>) *(.+)")


class Explorable:
    """A figure with sliders, which a notebook shows as one block of HTML.

    Args:
        kind: the function that draws it, one of `kinds` in the script.
        data: what that function is given.
        panels: the pictures; a handle lies over the first. The others follow where there is room.
        controls: the `Controls`.
        facts: {name: number}, its numbers at first.
        said: a sentence about them.
        goal: a sentence that says what to try, or "".
        reached: comparisons of facts that say when it is reached.
        caption: what to see.
        scripts: the files of JavaScript that it needs, without their ending, in order.
        rules: {name: `Rule`}, the optimizers that it needs.
        handle: HTML of the handle.
        foot: HTML across the foot.
        layout: "main", the first picture beside the others and the sliders, or "pair", two alike.
        choices: {name of a select box: the state that each choice brings along}.
        best: whether a button shows the best setting, or that setting, {name: value}.
        quiet: whether the sentence is for the ears only: it stands beside the sliders already.
    """

    def __init__(
        self,
        kind,
        data,
        panels,
        controls,
        facts,
        said,
        goal,
        reached,
        caption,
        *,
        scripts,
        rules=None,
        handle="",
        foot="",
        layout="main",
        choices=None,
        best=False,
        quiet=False,
    ):
        controls.check()
        self.panels, self.controls, self.handle, self.foot = panels, controls, handle, foot
        self.layout = layout
        self.best, self.quiet = best, quiet
        self.facts, self.said, self.goal, self.caption = controls.state | facts, said, goal, caption
        self.scripts, self.rules = scripts, rules or {}
        self.spec = {
            "kind": kind,
            "data": data,
            "state": controls.state,
            "panels": [panel.scale() for panel in panels],
            **({"choices": choices} if choices else {}),
            **({"best": best} if isinstance(best, dict) else {}),
            "reached": comparisons(reached if goal else "", self.facts),
        }

    def __repr__(self):
        return f"<explorable {self.spec['kind']}: {self.said}>"

    def script(self):
        """The body of the script: what this figure needs, and no more."""
        data = self.spec["data"]
        shown = data.get("surfaces", [data["surface"]] if "surface" in data else [])
        files = ["words", "svg", "controls", *self.scripts, "explorable"]
        return script(files, self.rules, {surface["kind"] for surface in shown})

    def _repr_html_(self):
        data = json.dumps(
            self.spec, separators=(",", ":"), ensure_ascii=False, allow_nan=False
        ).replace("</", "<\\/")
        done = '<span class="x-done" hidden>Reached</span>'
        goal = f'<p class="x-goal"><b>Try</b>{escape(self.goal)} {done}</p>' if self.goal else ""
        first, second, *others = self.panels + [None] * (2 - len(self.panels))
        second = f'<div class="x-second">{second.html()}</div>' if second else ""
        foot = "".join(panel.html() for panel in others)
        foot = f'<div class="x-others">{foot}</div>' if foot else ""
        foot = f'<div class="x-foot">{foot}{self.foot}</div>' if foot or self.foot else ""
        best = '<button type="button" class="x-best">Best setting</button>' if self.best else ""
        label = f"Figure with sliders. {escape(self.goal or self.caption)}"
        return (
            f'<div class="explorable" role="group" aria-label="{label}">'
            f'<script type="application/json">{data}</script><style>{style_sheet()}</style>{goal}'
            f'<div class="x-body x-{self.layout}"><div class="x-first">{first.html(self.handle)}'
            f'</div>{second}<div class="x-controls" hidden>{self.controls.bar}'
            f'{self.controls.html()}<div class="x-buttons">'
            f'<button type="button" class="x-reset">Reset</button>{best}'
            f'<span class="x-note" role="status"></span></div></div>{foot}</div>'
            f'<p class="x-said{" x-quiet" if self.quiet else ""}" aria-live="polite">'
            f"{escape(self.said)}</p>"
            f"<p data-still>With scripts switched on, this figure answers to the hand.</p>"
            f'<p class="x-caption">{escape(self.caption)}</p></div>'
            f'<script>(()=>{{"use strict";{self.script()}}})()</script>'
        )


def comparisons(text, facts):
    """Comparisons joined by " and " as triples: a fact, a sign, and a number or another fact.

    Raises:
        ValueError: for what is no comparison, and for a fact that is not among `facts`.
    """
    triples = []
    for part in text.split(" and ") if text else []:
        hit = COMPARISON.fullmatch(part.strip())
        if hit is None:
            raise ValueError(
                f"reached={text!r}: {part!r} is not a comparison such as 'SGD steps <= 20'"
            )
        left, sign, right = hit.groups()
        checks.known("reached", left, facts)
        try:
            right = min(float(right), 1e308)  # JSON has no infinity
        except ValueError:
            checks.known("reached", right, facts)
        triples.append([left, sign, right])
    return triples


def script(files, rules, surfaces):
    """The files of JavaScript as one, without comments and needless spaces.

    Args:
        files: names without their ending, in order; "paths" brings the rules and the surfaces.
        rules: {name: `Rule`} of the optimizers.
        surfaces: the names of the classes whose formulas are needed.
    """
    parts = {name: (HERE / f"{name}.js").read_text("utf-8") for name in files}
    if "paths" in parts:
        table = ", ".join(f'"{name}": {rule.javascript()}' for name, rule in rules.items())
        formulas = (HERE / "surfaces.js").read_text("utf-8")
        formulas = re.sub(
            r"^surfaces\.(\w+) = \{\n.*?^\};\n",
            lambda found: found[0] if found[1] in surfaces else "",
            formulas,
            flags=re.MULTILINE | re.DOTALL,
        )
        parts["paths"] = f"const rules = {{{table}}};\n{formulas}{parts['paths']}"
    lines = (
        re.sub(r"(^| +)// .*", "", line).strip() for line in "".join(parts.values()).split("\n")
    )
    # every second piece is a string
    code = re.split(r"(`[^`]*`|\"[^\"]*\")", "\n".join(filter(None, lines)))
    code[::2] = [re.sub(r" ?([=+*/<>?:,;{}()&|!-]) ?", r"\1", piece) for piece in code[::2]]
    return "".join(code)


def style_sheet():
    """The style sheet without needless spaces."""
    text = re.sub(r"\s+", " ", (HERE / "explorable.css").read_text("utf-8"))
    return re.sub(r" ?([{};,]) ?|(?<=:) ", r"\1", text)
