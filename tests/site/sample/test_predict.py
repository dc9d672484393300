"""Questions that the reader answers first: with keys, by touch, without scripts, on paper."""

import pytest

CHOICE, NUMBER, POINT = "#prediction-1", "#prediction-2", "#prediction-3"
ANSWERS = "details.fold-answer"
OPEN = "details => details.filter(fold => fold.open).length"
SHOWN = {  # words of each answer
    CHOICE: "by (1.1) the share is",
    NUMBER: "Nine tenths, seven times over",
    POINT: "There the share of (1.1)",
}


def said(page, form):
    return page.locator(f"{form} .predict-said").text_content()


def in_sight(page, words):
    return page.get_by_text(words).first.is_visible()


def commit(page, form):
    page.click(f"{form} [type=submit]")


def test_answers_are_folded_until_the_reader_commits(open_page):
    page = open_page()
    assert page.locator(ANSWERS).evaluate_all(OPEN) == 0
    for form, words in SHOWN.items():
        assert not in_sight(page, words)
        commit(page, form)
        assert "first" in said(page, form) and not in_sight(page, words), "nothing was chosen"
    page.check(f"{CHOICE} label:nth-child(3) input")
    page.fill(f"{NUMBER} input", "12")
    page.focus(f"{POINT} input")
    page.keyboard.press("ArrowRight")
    for form, words in SHOWN.items():
        commit(page, form)
        assert in_sight(page, words)
    assert page.locator(ANSWERS).evaluate_all(OPEN) == 3, "the others stay folded"


def test_what_was_said_stays_beside_what_came(open_page):
    page = open_page()
    page.check(f"{CHOICE} label:nth-child(3) input")
    commit(page, CHOICE)
    page.fill(f"{NUMBER} input", "12")
    commit(page, NUMBER)
    for again in (False, True):
        if again:
            page.reload()
        assert said(page, CHOICE).startswith(
            "You said “It runs away: by (1.1) the gradient grows”. What comes: “It lands as"
        )
        assert page.is_checked(f"{CHOICE} label:nth-child(3) input")
        assert page.locator(f"{CHOICE} label.right").text_content().startswith(" It lands")
        assert page.is_disabled(f"{CHOICE} label:nth-child(1) input")
        assert said(page, NUMBER) == "You said 12 steps. It is 7 steps."
        assert page.input_value(f"{NUMBER} input") == "12"
        assert in_sight(page, SHOWN[CHOICE]) and in_sight(page, SHOWN[NUMBER])


@pytest.mark.parametrize(
    ("typed", "comment"),
    [
        ("7", "close enough"),
        ("6", "close enough"),
        ("8.0", "close enough"),
        ("7,5", "close enough"),
        ("5.9", "You said 5.9 steps. It is 7 steps."),
        ("−7", "You said -7 steps. It is 7 steps."),
        ("7e0", "close enough"),
        ("", "Write a number first"),
        ("seven", "Write a number first"),
    ],
)
def test_a_number_has_its_tolerance(open_page, typed, comment):
    page = open_page()
    page.fill(f"{NUMBER} input", typed)
    page.press(f"{NUMBER} input", "Enter")
    assert comment in said(page, NUMBER)
    assert in_sight(page, SHOWN[NUMBER]) == ("first" not in comment)


def test_a_point_is_set_on_its_axis(open_page):
    page = open_page()
    slider = page.locator(f"{POINT} input")
    slider.focus()
    for _ in range(60):
        page.keyboard.press("ArrowRight")
    assert page.text_content(f"{POINT} output").strip() == "3.98", "10 ** 0.6, on a log scale"
    assert slider.get_attribute("aria-valuetext").strip() == "3.98"
    commit(page, POINT)
    assert said(page, POINT) == "You said 3.98; it is 4: close enough."
    came, box = page.locator(f"{POINT} .predict-came").bounding_box(), slider.bounding_box()
    middle = came["x"] + came["width"] / 2
    place = box["x"] + 8 + (box["width"] - 16) * 0.801  # log10(4 / 0.1) of two decades
    assert abs(middle - place) <= 2


def test_the_reader_can_be_asked_again(open_page):
    page = open_page()
    page.check(f"{CHOICE} label:nth-child(2) input")
    commit(page, CHOICE)
    assert said(page, CHOICE).endswith("and so it comes.")
    page.click(f"{CHOICE} .predict-again")
    assert not in_sight(page, SHOWN[CHOICE]) and said(page, CHOICE) == ""
    assert not page.is_checked(f"{CHOICE} label:nth-child(2) input")
    page.reload()
    assert not in_sight(page, SHOWN[CHOICE])


def test_the_answer_opens_without_one(open_page):
    page = open_page()
    page.click(f"{CHOICE} + {ANSWERS} > summary")
    assert in_sight(page, SHOWN[CHOICE])
    assert (
        page.evaluate("Object.keys(localStorage).filter(key => key.startsWith('book:said'))") == []
    )


def test_a_choice_holds_no_link(open_page):
    page = open_page()
    assert page.locator("form.predict label", has_text="by (1.1) the gradient").count() == 1
    assert page.locator("form.predict label a").count() == 0


def test_the_keyboard_suffices(open_page):
    page = open_page()
    page.focus(f"{CHOICE} label:nth-child(1) input")
    page.keyboard.press("Space")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert said(page, CHOICE).endswith("and so it comes.")
    assert page.evaluate("document.activeElement.textContent") == "Ask me again"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.tagName") == "SUMMARY"
    page.keyboard.press("Enter")
    assert not in_sight(page, SHOWN[CHOICE])


def test_a_finger_suffices(open_page):
    page = open_page(width=390, height=844, has_touch=True, is_mobile=True)
    page.tap(f"{CHOICE} label:nth-child(2)")
    page.tap(f"{CHOICE} [type=submit]")
    assert said(page, CHOICE).endswith("and so it comes.")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert (
        page.locator(f"{POINT} input").evaluate("e => getComputedStyle(e).touchAction") == "pan-y"
    )


def test_three_questions_end_the_chapter(open_page):
    page = open_page()
    page.check("#question-1 label:nth-child(1) input")
    commit(page, "#question-1")
    assert said(page, "#question-1") == "Not so. It is “On the other side, half as far”."
    page.fill("#question-2 input", "0.25")
    commit(page, "#question-2")
    assert "close enough" in said(page, "#question-2")
    assert page.locator("form[id^=question]").count() == 3
    headings = page.locator("section:has(> form[id^=question]) > h2")
    assert headings.evaluate_all("all => all.map(h => h.firstChild.textContent)") == [
        "Check yourself"
    ]


@pytest.mark.parametrize("how", ["address", "link"])
def test_a_link_into_an_answer_opens_it(open_page, how):
    page = open_page("book/01-sample.html#claim-1" if how == "address" else "book/claims.html")
    if how == "link":
        page.get_by_role("link", name="1.1", exact=True).click()
        page.wait_for_url("**/01-sample.html#claim-1")
    box = page.locator("#claim-1")
    assert box.is_visible()
    page.wait_for_timeout(300)
    assert 0 <= box.bounding_box()["y"] <= 400
    assert not in_sight(page, SHOWN[CHOICE]), "the others stay folded"


def test_what_the_search_found_is_opened(open_page):
    page = open_page("search.html?q=tenths")
    page.wait_for_selector("#search-results li a")
    page.click("#search-results li a")
    page.wait_for_url("**/01-sample.html**")
    page.wait_for_selector(".highlighted")
    assert in_sight(page, SHOWN[NUMBER])


def test_without_scripts_all_is_open(open_page):
    page = open_page(java_script_enabled=False)
    for words in SHOWN.values():
        assert in_sight(page, words)
    for form in SHOWN:
        assert page.locator(f"{form} :is(button, input):visible").count() == 0, "they do nothing"
        assert page.locator(f"{form} + {ANSWERS} > summary").is_hidden()
    assert in_sight(page, "It arrives a step later.")


def test_on_paper_all_is_open(open_page):
    page = open_page()
    page.emulate_media(media="print")
    for words in SHOWN.values():
        assert in_sight(page, words)
    assert page.locator("form.predict button:visible").count() == 0
