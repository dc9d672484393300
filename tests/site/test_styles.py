"""The one style sheet of the site: which rules it has."""

import pytest
import tinycss2

from web.extensions import styles


@pytest.mark.parametrize(
    ("css", "rest"),
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
    ],
)
def test_a_rule_stays_if_some_page_has_all_that_it_names(css, rest):
    rules = tinycss2.parse_stylesheet(css, skip_comments=True, skip_whitespace=True)
    assert styles.used_rules(rules, {"here"}) == rest


def test_a_mistake_in_a_style_sheet_stops_the_build():
    with pytest.raises(ValueError, match="a style sheet has a mistake"):
        styles.used_rules(tinycss2.parse_stylesheet(".here{color:red} }"), {"here"})


@pytest.mark.parametrize(
    ("selector", "names"),
    [
        ("p", set()),
        (".a.b #c > d", {"a", "b", "c"}),
        (".a:not(.b:is(.c)) [data-x='.d']", {"a"}),
        (r".sd-w-1\/2", {"sd-w-1/2"}),
        (".a:hover::before", {"a"}),
    ],
)
def test_the_names_that_a_selector_requires(selector, names):
    assert styles.required_names(selector) == names


def test_a_list_of_selectors_is_parted_outside_brackets():
    assert styles.split_list("a, b:is(c, d) , [e='f,g']") == ["a", "b:is(c, d)", "[e='f,g']"]


def test_every_icon_of_a_page_has_its_sign(visit):
    """The icons that the theme names are those of our own sheet, and their font has them."""
    unsigned = """() => [...document.querySelectorAll("[class*='fa-']")]
      .filter((icon) => ["none", "normal"].includes(getComputedStyle(icon, "::before").content))
      .map((icon) => icon.className)"""
    for path in ("book/intro.html", "book/03-momentum.html", "search.html"):
        with visit(path) as seen:
            assert seen.page.locator("[class*='fa-']").count() > 5
            assert seen.page.evaluate(unsigned) == []
            assert seen.page.evaluate("document.fonts.check('900 16px Icons', '\\uf04b')")
