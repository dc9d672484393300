"""What is folded and how it opens: code, and sections that go deeper."""

from playwright.sync_api import expect

CODE = "details.fold-code"
DEEPER = "#deeper-a-rate-that-changes"


def open_codes(page):
    return page.locator(CODE).evaluate_all("all => all.filter(fold => fold.open).length")


def test_tagged_cells_are_folded_and_named_by_their_first_line(open_page):
    page = open_page()
    assert open_codes(page) == 0
    labels = page.locator(f"{CODE} > summary").all_text_contents()
    assert labels[:2] == ["Code: imports, and where every run starts", "Code: how it was drawn"]
    assert labels.count("Code") == 1 and labels.count("Checked by this cell") == 5
    assert page.locator("pre:has-text('import numpy')").is_hidden()
    assert page.get_by_text("def").first.is_visible(), "the rule is in sight"
    page.click(f"{CODE} > summary >> nth=0")
    assert page.locator("pre:has-text('import numpy')").is_visible() and open_codes(page) == 1
    assert page.locator("figure img").first.is_visible(), "what a folded cell shows"


def test_the_switch_opens_all_code_and_is_remembered(open_page):
    page = open_page()
    switch = page.locator(".code-switch")
    assert switch.get_attribute("aria-pressed") == "false"
    switch.focus()
    page.keyboard.press("Enter")
    assert open_codes(page) == page.locator(CODE).count() >= 7
    assert page.locator("details.fold-answer[open], details.fold-deeper[open]").count() == 0
    page.reload()
    assert open_codes(page) == page.locator(CODE).count()
    assert switch.get_attribute("aria-pressed") == "true"
    switch.click()
    assert open_codes(page) == 0
    page.reload()
    assert open_codes(page) == 0


def test_a_page_without_folded_code_has_no_switch(open_page):
    assert open_page("book/02-second.html").locator(".code-switch").is_hidden()


def test_a_deeper_section_shows_its_line_alone(open_page):
    page = open_page()
    section = page.locator(DEEPER)
    assert section.locator("h3").is_visible()
    assert section.get_by_text("a table shows how late").is_visible()
    assert section.get_by_text("The sum of the rates").is_hidden()
    assert section.locator("h4").is_hidden()
    summary = section.locator("details.fold-deeper > summary")
    summary.scroll_into_view_if_needed()
    expect(summary).to_have_text("Unfold: 1 minute", use_inner_text=True)  # once it is laid out
    summary.click()
    assert section.get_by_text("The sum of the rates").is_visible()
    assert section.locator("h4").inner_text().startswith("How late"), "without a number of its own"
    expect(summary).to_have_text("Fold", use_inner_text=True)
    following = page.get_by_role("heading", name="Check yourself")
    assert following.evaluate("h => !h.closest('details')"), "the next section is outside"


def test_addresses_and_links_open_a_deeper_section(open_page):
    inside = "The sum of the rates"
    for place in (DEEPER, "#how-late", "#claim-4"):
        page = open_page(f"book/01-sample.html{place}")
        assert page.get_by_text(inside).is_visible(), place
        page.wait_for_timeout(300)
        assert 0 <= page.locator(place).bounding_box()["y"] <= 400, place
    page = open_page("book/01-sample.html#what-a-step-leaves")
    assert page.get_by_text(inside).is_hidden()
    leads = f"document.querySelector('.bd-toc-nav a[href=\"{DEEPER}\"]').click()"
    page.evaluate(leads)
    page.wait_for_timeout(100)
    assert page.get_by_text(inside).is_visible()
    page.locator(f"{DEEPER} > details > summary").click()
    page.evaluate(leads)
    page.wait_for_timeout(100)
    assert page.get_by_text(inside).is_visible(), "once more, at the same address"


def test_the_browser_opens_the_words_that_it_finds(open_page):
    page = open_page("book/01-sample.html#:~:text=without%20bound")
    page.wait_for_timeout(100)
    assert page.get_by_text("The sum of the rates").is_visible()


def test_without_scripts_and_on_paper_all_is_open(open_page):
    plain, paper = open_page(java_script_enabled=False), open_page()
    paper.emulate_media(media="print")
    for page in (plain, paper):
        for words in ("The sum of the rates", "numpy", "1e-12"):
            assert page.get_by_text(words).first.is_visible(), words
        assert page.locator(".code-switch").is_hidden()
        assert page.locator("details.fold > summary:visible").count() == 0


def test_printing_opens_and_then_folds_again(open_page):
    page = open_page()
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator("details.fold:not([open])").count() == 0
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.locator("details.fold[open]").count() == 0
