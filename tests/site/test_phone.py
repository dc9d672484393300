"""What makes formulas and figures fit a phone: each function of web/wrapping.py and web/panels.py by itself."""

import io
import re
from xml.etree import ElementTree

import matplotlib
import matplotlib.pyplot as plt
import panels
import pytest
import wrapping

FORMULA = '<span class="math notranslate nohighlight"><mjx-container><mjx-math>x</mjx-math></mjx-container></span>'


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("so {}, and", "{},"),
        ("(see {}).", "{})."),
        ("at ({} here)", "({}"),
        ("the {}-th step", "{}-th"),
        ("the {} step", None),
        ("the {}plus", None),
    ],
)
def test_a_formula_keeps_its_bracket_and_its_comma(text, kept):
    found = wrapping.INLINE.sub(wrapping.kept, text.format(FORMULA))
    wrapped = re.findall(r'<span class="kept">(.*?</mjx-container></span>.*?)</span>', found)
    assert wrapped == ([kept.format(FORMULA)] if kept else [])
    assert re.sub(
        r'<span class="kept">(.*?</mjx-container></span>.*?)</span>', r"\1", found
    ) == text.format(FORMULA), "nothing else changes"


def letter(code, kind="mi", space=""):
    return f'<mjx-{kind} class="mjx-n"{space}><mjx-c class="mjx-c{code}"></mjx-c></mjx-{kind}>'


EQUALS, PLUS = letter("3D", "mo", ' space="4"'), letter("2B", "mo", ' space="3"')
A, B, C = letter("61"), letter("62"), letter("63")


def parts(inside):
    """The letters of each innermost part of an equation."""
    page = f'<mjx-math class="MJX-TEX" display="true">{inside}</mjx-math>'
    cut = wrapping.EQUATION.sub(wrapping.parted, page)
    assert re.sub(r"</?mjx-part>", "", cut) == page, "nothing is lost, nothing moves"
    pieces = re.findall(r"<mjx-part>((?:(?!</?mjx-part>).)+)</mjx-part>", cut)
    return [re.findall(r"mjx-c([0-9A-F]+)", piece) for piece in pieces]


def test_an_equation_may_go_on_below_before_its_relation_and_its_sum():
    assert parts(A + EQUALS + B + PLUS + C) == [["61"], ["3D", "62"], ["2B", "63"]]
    assert parts(A + B) == []


def test_what_stands_in_a_fraction_stays_together():
    fraction = f"<mjx-mfrac><mjx-frac>{B}{PLUS}{C}</mjx-frac></mjx-mfrac>"
    assert parts(A + EQUALS + fraction) == [["61"], ["3D", "62", "2B", "63"]]


def drawing(columns, rows=1):
    with matplotlib.rc_context({"svg.hashsalt": "book"}):
        figure, axes = plt.subplots(rows, columns, figsize=(8, 3), squeeze=False)
        for ax in axes.flat:
            ax.plot([1, 2])
        text = io.StringIO()
        figure.savefig(text, format="svg")
        plt.close(figure)
    return text.getvalue()


def test_panels_in_a_row_come_below_each_other():
    svg, width, height = panels.stacked(drawing(2))
    root = ElementTree.fromstring(svg)
    windows = [child for child in root if child.tag.endswith("svg")]
    assert len(windows) == 2 and [float(w.get("y")) for w in windows] == sorted(
        float(w.get("y")) for w in windows
    )
    seen = [list(map(float, w.get("viewBox").split())) for w in windows]
    assert seen[0][0] + seen[0][2] == pytest.approx(seen[1][0], abs=0.1), (
        "the second begins where the first ends"
    )
    assert seen[1][0] + seen[1][2] == pytest.approx(8 * 72, abs=0.1), "and reaches the edge"
    assert width < 8 * 96 < 2 * width + 40 and height == pytest.approx(2 * 3 * 96, abs=1)


def test_other_drawings_stay_as_they_are():
    assert panels.stacked(drawing(1)) is None
    assert panels.stacked(drawing(2, rows=2)) is None
    assert panels.stacked('<svg viewBox="0 0 10 10"><circle/></svg>') is None
