"""Where the reader is: numbers, the line at the top, marks, and what pops up beside a word."""

import pytest

TITLE = "The sample: one weight, walked by hand"
TERM, CITATION = "a.glossary-term:has-text('gradient')", "a[href*='references.html#'] >> nth=0"


def test_a_chapter_s_number_stands_wherever_its_title_does(open_page):
    page = open_page()
    assert page.locator("article h1").inner_text().replace("\n", " ").startswith(f"1. {TITLE}")
    assert page.title().startswith(f"1. {TITLE}")
    contents = page.locator(".bd-links .toctree-l1 > a").all_text_contents()
    assert contents[1:4] == [f"1. {TITLE}", "2. The second: what it needs", "All claims"]
    assert page.locator(".prev-next-title").all_text_contents()[1] == "2. The second: what it needs"
    assert page.locator("article section > h2 .section-number").count() == 0


def test_figures_and_exercises_count_by_chapter(open_page):
    page = open_page()
    assert page.locator("figcaption .caption-number").text_content() == "Fig. 1.1 "
    exercise = page.locator(".exercise .admonition-title")
    assert exercise.text_content() == "Exercise 1.1  (Two curvatures)"
    page = open_page("book/02-second.html")
    assert page.locator(".exercise .admonition-title").text_content() == "Exercise 2.1  (Slopes)"


@pytest.mark.parametrize(
    ("path", "words", "target"),
    [
        ("01-sample", "figure 1.1", "01-sample.html#fig-sample-walk"),
        ("01-sample", "(1.2)", "01-sample.html#equation-1-2"),
        ("02-second", "(1.2)", "01-sample.html#equation-1-2"),
        ("02-second", "exercise 1.1", "01-sample.html#ex-sample-1"),
    ],
)
def test_a_number_in_the_text_leads_there(open_page, path, words, target):
    page = open_page(f"book/{path}.html")
    page.locator("article a").get_by_text(words, exact=True).last.click()
    page.wait_for_url(f"**/{target}")
    page.wait_for_timeout(300)
    assert (
        -5 <= page.evaluate("document.querySelector(':target').getBoundingClientRect().top") <= 900
    )


def test_the_top_line_says_time_needs_and_question(open_page):
    for width in (1280, 390):
        page = open_page(width=width)
        line = page.locator(".top-line")
        assert line.locator(".top-time").inner_text() == "4 minutes."
        assert line.locator(".top-needs").inner_text() == "You need: slopes."
        assert line.locator(".top-needs a").get_attribute("href") == "02-second.html"
        assert line.locator(".top-question").inner_text() == "What is left of the way after a step?"
        title, box = page.locator("article h1").bounding_box(), line.bounding_box()
        assert title["y"] < box["y"] < 250 and box["x"] + box["width"] <= width


def read(page, section):
    page.locator(f"#{section} > :last-child").scroll_into_view_if_needed()
    page.wait_for_timeout(1000)


def test_what_was_read_gets_a_mark(open_page):
    page = open_page()
    chapter = page.locator(".bd-links a:has-text('The sample')")
    marks = page.locator(".bd-toc-nav .read-mark")
    assert marks.count() == 0 and chapter.locator(".read-mark").count() == 0
    read(page, "what-a-step-leaves")
    assert chapter.locator(".read-mark").get_attribute("aria-label") == "partly read"
    assert marks.count() >= 1
    page.reload()
    assert marks.count() >= 1
    assert page.locator(".go-on").inner_text() == "Go on: Where it fails"
    page.click(".go-on")
    page.wait_for_url("**#where-it-fails")
    for section in ("where-it-fails", "check-yourself", "exercises", "references"):
        read(page, section)
    assert chapter.locator(".read-mark").get_attribute("aria-label") == "read"
    page.reload()
    assert page.locator(".go-on").count() == 0
    page.click(".places-note button")
    assert page.locator(".read-mark").count() == 0
    assert page.evaluate("localStorage.getItem('book:places')") is None


def test_passing_by_is_not_reading(open_page):
    page = open_page()
    page.evaluate("scrollTo(0, document.body.scrollHeight)")
    page.evaluate("scrollTo(0, 0)")
    page.wait_for_timeout(1000)
    assert page.locator(".read-mark").count() == 0


def test_a_goal_that_was_reached_is_remembered(open_page):
    page = open_page()
    figure = """() => {
      const figure = Object.assign(document.createElement("div"), {className: "explorable"});
      figure.innerHTML = "<p class='x-goal'>Goal <span class='x-done' hidden>Reached</span></p>";
      document.querySelector("article section").append(figure);
      const script = document.createElement("script");
      script.src = "../_static/places.js?again";
      document.head.append(script);
      return new Promise((done) => (script.onload = done));
    }"""
    page.evaluate(figure)
    assert page.locator(".reached-before").count() == 0
    page.evaluate("document.querySelector('.x-done').hidden = false")
    page.wait_for_timeout(50)
    page.reload()
    page.evaluate(figure)
    assert page.locator(".reached-before").is_visible()


@pytest.mark.parametrize("how", ["pointer", "keys", "finger"])
def test_a_term_says_what_it_means(open_page, how):
    page = open_page(has_touch=how == "finger")
    link, tip = page.locator(TERM).first, page.locator("#tip")
    assert tip.is_hidden()
    if how == "pointer":
        link.hover()
    elif how == "keys":
        page.locator(".top-needs a").focus()
        while not page.evaluate(f"document.activeElement.matches('{TERM.split(':')[0]}')"):
            page.keyboard.press("Tab")
        link = page.locator(":focus")
    else:
        link.tap()
    page.wait_for_timeout(500)
    assert tip.is_visible() and tip.inner_text().startswith("The vector of the loss")
    assert link.get_attribute("aria-describedby") == "tip"
    box, there = tip.bounding_box(), link.bounding_box()
    assert box["x"] >= 0 and box["x"] + box["width"] <= 1280
    assert abs(box["y"] - there["y"] - there["height"]) < 12
    assert page.url.endswith("01-sample.html"), "the link was not followed"
    if how == "finger":
        link.tap()
        page.wait_for_url("**/notation.html#term-gradient")
    else:
        page.keyboard.press("Escape")
        assert tip.is_hidden()


def test_formulas_in_a_meaning_are_set(open_page):
    page = open_page()
    page.locator("a.glossary-term:has-text('learning rate')").first.hover()
    page.wait_for_timeout(500)
    tip = page.locator("#tip")
    assert tip.locator("mjx-container").count() == 1 and "\\eta" not in tip.inner_text()
    assert tip.locator("a").count() == 0


def test_a_citation_says_what_is_cited(open_page):
    page = open_page(width=390)
    link = page.locator(CITATION)
    link.hover()
    page.wait_for_timeout(500)
    tip = page.locator("#tip")
    assert "Some methods of speeding up" in tip.inner_text()
    assert link.get_attribute("title") is None, "or the browser shows it a second time"
    box = tip.bounding_box()
    assert box["x"] >= 0 and box["x"] + box["width"] <= 390
    page.mouse.move(5, 600)
    page.wait_for_timeout(400)
    assert tip.is_hidden()
