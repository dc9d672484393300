"""Code and formulas as they are written for the site: each function by itself."""

import re

import pytest
from pygments import highlight
from pygments.lexers import PythonLexer

from web.extensions import formulas, highlighting


def test_each_line_of_code_says_how_far_it_is_set_in():
    code = "def f(x):\n    return x < 2\n\nf(1)\n"
    page = highlight(code, PythonLexer(), highlighting.LineFormatter())
    lines = re.findall(r'<span class="code-line" style="--indent:(\d+)">', page)
    assert lines == ["0", "4", "0", "0"]
    text = re.sub(r"<[^>]+>", "", page).replace("&lt;", "<")
    assert text == code + "\n" or text == code, "what is copied is the code"


def test_what_has_no_colour_of_its_own_is_no_element():
    page = highlight("a.b(c, d)", PythonLexer(), highlighting.LineFormatter())
    assert re.findall(r'<span class="(\w+)">', page) == []
    assert 'class="kn"' in highlight("import a", PythonLexer(), highlighting.LineFormatter())


@pytest.mark.parametrize(
    ("tex", "groups"),
    [
        ("a b", [["a b"]]),
        ("a = b + c", [["a ", "{}= b ", "{}+ c"]]),
        (r"w \leftarrow w - \eta g", [["w ", r"{}\leftarrow w ", r"{}- \eta g"]]),
        ("a = -b", [["a ", "{}= -b"]]),
        (r"a = b, \quad c = d", [["a ", "{}= b, "], [" c ", "{}= d"]]),
        (r"a \qquad\qquad b", [["a "], [" b"]]),
        (r"\frac{a + b}{c}", [[r"\frac{a + b}{c}"]]),
        ("(a + b) c", [["(a + b) c"]]),
        (r"\left(a + b\right)", [[r"\left(a + b\right)"]]),
        (r"\begin{cases} a = b & c \quad d \end{cases}", None),
        (r"\{a + b\}", [[r"\{a ", r"{}+ b\}"]]),
    ],
)
def test_a_formula_is_cut_at_wide_spaces_then_before_its_signs(tex, groups):
    assert formulas.groups(tex) == (groups or [[tex]])
