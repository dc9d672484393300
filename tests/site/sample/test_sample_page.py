"""The measures of a chapter's page, on the sample."""

from tests.site import measure


def test_the_sample_shows_before_it_lists(open_page):
    measure.hold(open_page())


def test_code_that_is_unfolded_counts(open_page):
    page = open_page()
    folded, elements = measure.code_share(page), measure.elements_in_sight(page)
    page.click(".code-switch")
    assert measure.code_share(page) > 2 * folded > 0
    assert measure.elements_in_sight(page) > elements + 100


def test_a_figure_below_the_first_screen_is_noticed(open_page):
    page = open_page()
    page.add_style_tag(content=".top-line { margin-bottom: 60rem !important }")
    assert measure.first_figure(page)[1] > measure.SCREEN["height"]
