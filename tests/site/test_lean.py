"""What makes pages light, and lines of code fit: each function of web/lean.py and web/code_lines.py by itself."""

import re

import code_lines
import lean
import pytest
import tinycss2


def shaken(css, *used):
    return lean.shaken(
        tinycss2.parse_stylesheet(css, skip_comments=True, skip_whitespace=True), set(used)
    )


@pytest.mark.parametrize(
    ("css", "left"),
    [
        (".here{color:red}", ".here{color:red}"),
        (".gone{color:red}", ""),
        (".here .gone{color:red}", ""),
        (".gone, .here{color:red}", ".here{color:red}"),
        ("#here > p, p{color:red}", "#here > p,p{color:red}"),
        ("p:not(.gone){color:red}", "p:not(.gone){color:red}"),
        (":is(.gone, .here) p{color:red}", ":is(.gone, .here) p{color:red}"),
        ('a[href=".gone"]{color:red}', 'a[href=".gone"]{color:red}'),
        ("@media print{.gone{color:red}}", ""),
        ("@media print{.gone{color:red}.here{color:blue}}", "@media print{.here{color:blue}}"),
        (
            "@supports (gap: 1px){@media print{.here{gap:1px}}}",
            "@supports (gap: 1px){@media print{.here{gap:1px}}}",
        ),
        (
            "@charset 'utf-8';@import 'other.css';@font-face{font-family:F}",
            "@font-face{font-family:F}",
        ),
        (".here{ /* why */ color : red ;\n margin: 0 }", ".here{color : red ; margin: 0}"),
    ],
)
def test_a_rule_stays_if_some_page_has_all_that_it_names(css, left):
    assert shaken(css, "here") == left


def test_a_mistake_in_a_style_sheet_is_said():
    with pytest.warns(UserWarning, match="a style sheet has a mistake"):
        shaken(".here{color:red} }")


@pytest.mark.parametrize(
    ("selector", "found"),
    [
        ("p", set()),
        (".a.b #c > d", {"a", "b", "c"}),
        (".a:not(.b:is(.c)) [data-x='.d']", {"a"}),
        (r".sd-w-1\/2", {"sd-w-1/2"}),
        (".a:hover::before", {"a"}),
    ],
)
def test_the_names_that_a_selector_needs(selector, found):
    assert lean.names(selector) == found


def test_a_list_of_selectors_is_parted_outside_brackets():
    assert lean.split("a, b:is(c, d) , [e='f,g']") == ["a", "b:is(c, d)", "[e='f,g']"]


@pytest.mark.parametrize(
    ("url", "seen_from_static"),
    [
        ("font.woff", "vendor/icons/css/font.woff"),
        ("../font.woff", "vendor/icons/font.woff"),
        ('"../../font.woff"', "vendor/font.woff"),
        ("data:image/png;base64,AA", "data:image/png;base64,AA"),
        ("#filter", "#filter"),
        ("/root.png", "/root.png"),
    ],
)
def test_addresses_of_a_sheet_are_those_seen_from_static(url, seen_from_static):
    assert (
        lean.rebased(f"a{{b:url({url})}}", "vendor/icons/css/all.css")
        == f"a{{b:url({seen_from_static})}}"
    )
    assert lean.rebased(f"a{{b:url({url})}}", "all.css") == f"a{{b:url({url})}}"


def test_a_drawing_loses_what_nobody_sees_and_nothing_else():
    use = '<use xlink:href="#m" x="{}" y="2.5" style="fill: #123456"/>\n'
    svg = "<svg><!-- made by -->\n  <metadata>\n  <date/>\n  </metadata>\n  <path d='M 1.23456 7 L 0.1 22.999'/>\n"
    svg += (
        '  <text transform="scale(0.015625 -0.015625)">1.5</text>\n'
        + "".join(use.format(x) for x in (1, 2, 3))
        + use.format(4).replace("#123", "#fff")
        + "</svg>"
    )
    less = lean.slim(svg)
    assert "made by" not in less and "metadata" not in less
    assert "M 1.23 7 L 0.1 22.99" in less
    assert "scale(0.015625 -0.015625)" in less, "letters keep their scale"
    assert less.count("#123456") == 1 and less.count("<use ") == 4 and less.count("#fff456") == 1
    assert re.search(
        r'<g style="fill: #123456">\n(<use xlink:href="#m" x="\d" y="2.5"/>\n){3}</g>\n<use [^>]*style="fill: #fff456"/>',
        less,
    )


def test_two_like_dots_are_told_twice():
    two = '<use x="1" style="fill: red"/>\n' * 2
    assert lean.slim(two) == two


BLOCK = '<div class="{}"><div class="highlight"><pre>{}</pre>'


def test_each_line_of_code_says_how_far_it_is_set_in():
    code = '<span></span><span class="k">def</span> f(x):\n    <span class="k">return</span> x &lt; 2\n\n'
    page = code_lines.BLOCK.sub(
        code_lines.wrapped, BLOCK.format("highlight-ipython3 notranslate", code)
    )
    lines = re.findall(r'<span class="code-line" style="--indent:(\d+)">(.*?)\n</span>', page, re.S)
    assert [indent for indent, _ in lines] == ["0", "4", "0"]
    assert re.sub(r"<[^>]+>", "", page) == re.sub(r"<[^>]+>", "", code), (
        "what is copied is the code"
    )


TABLE = "rule      loss   steps\nSGD       0.31   120\nAdam      0.28   90\n"


def test_columns_stay_below_each_other_in_what_a_cell_prints_and_only_there():
    printed = code_lines.BLOCK.sub(
        code_lines.wrapped, BLOCK.format("output text_plain highlight-myst-ansi", TABLE)
    )
    assert (
        'class="columns" tabindex="0" role="group" aria-label="Output"' in printed
        and "code-line" not in printed
    )
    written = code_lines.BLOCK.sub(code_lines.wrapped, BLOCK.format("highlight-ipython3", TABLE))
    assert "columns" not in written and written.count("code-line") == 3


@pytest.mark.parametrize(
    ("text", "table"),
    [
        (TABLE, True),
        ("one line   only", False),
        ("x = 1  # why\ny = 2  # why\n", False),
        ("a  b\nplain\nplain\nplain", False),
        ("    indented\n    indented", False),
    ],
)
def test_what_is_a_table(text, table):
    assert code_lines.is_table(text.splitlines()) is table
