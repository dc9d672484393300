"""Claims on their page and in the index of all."""

import re

VERDICTS = ["holds", "holds on a condition", "often said, not seen", "holds"]


def test_a_claim_is_a_box_with_its_value_and_its_cell(open_page):
    page = open_page("book/01-sample.html#claim-1")
    boxes = page.locator(".claim")
    assert boxes.evaluate_all("all => all.map(box => box.id)") == [
        f"claim-{n}" for n in range(1, 5)
    ]
    for number, verdict in enumerate(VERDICTS, 1):
        name = page.locator(f"#claim-{number} > .claim-name")
        assert name.text_content() == f"Claim 1.{number} {verdict}"
    box = page.locator("#claim-1")
    assert box.get_attribute("role") == "group"
    assert "half of the way is done after 7 steps" in box.locator("> p").nth(1).text_content()
    assert box.locator(".cell_output").get_by_text("Half of the way").is_visible(), "what it shows"
    assert box.get_by_text("Checked").is_visible()
    assert box.get_by_text("assert").is_hidden()
    box.locator("summary").click()
    assert box.get_by_text("assert").is_visible()
    order = box.evaluate(
        "box => [...box.querySelectorAll('.cell_output, .cell_input')].map(e => e.className)"
    )
    assert order == ["cell_output docutils container", "cell_input docutils container"]


def test_what_is_often_said_stands_against_what_we_see(open_page):
    box = open_page().locator("#claim-3")
    text = box.evaluate("box => [...box.querySelectorAll(':scope > p')].map(p => p.textContent)")
    assert text[1].startswith("Often said. The larger the rate")
    assert text[2].startswith("What we see. Beyond")


def test_a_check_is_folded_with_what_it_shows_and_has_no_number(open_page):
    page = open_page()
    check = page.locator(".check")
    assert check.count() == 1 and check.get_attribute("id") is None
    assert check.get_by_text("The loop takes the steps").is_visible()
    assert check.locator(".cell_output").is_hidden()
    check.locator("summary").click()
    assert check.locator(".cell_output").is_visible()


def test_the_index_leads_to_each_claim(open_page, sample):
    page = open_page("book/claims.html")
    rows = page.locator(".claim-row")
    assert rows.count() == 4
    assert page.get_by_text(
        "4 claims: 2 hold, 1 hold on a condition, 1 often said, not seen."
    ).is_visible()
    assert rows.locator(".verdict").all_text_contents() == VERDICTS
    assert page.locator("article h2").all_text_contents() == [
        "1. The sample: one weight, walked by hand#"
    ]
    target = (sample / "book/01-sample.html").read_text(encoding="utf-8")
    for number in range(4):
        link = rows.nth(number).locator("a").first
        assert link.text_content() == f"1.{number + 1}"
        assert f'id="{link.get_attribute("href").split("#")[1]}"' in target
    assert (
        "Often said." in rows.nth(2).text_content() and "What we see." in rows.nth(2).text_content()
    )


def test_the_index_can_be_filtered(open_page):
    page = open_page("book/claims.html")
    verdict, chapter = page.get_by_label("Verdict"), page.get_by_label("Chapter")
    options = verdict.locator("option").all_text_contents()
    assert options == [
        "all (4)",
        "holds (2)",
        "holds on a condition (1)",
        "often said, not seen (1)",
    ]
    assert re.match(r"1\. The sample.* \(4\)", chapter.locator("option").nth(1).text_content())
    verdict.select_option("holds")
    assert page.locator(".claim-row:visible").count() == 2
    assert page.get_by_role("status").text_content() == "2 of 4 claims"
    chapter.select_option(index=1)
    assert page.locator(".claim-row:visible").count() == 2
    verdict.select_option("")
    chapter.select_option("")
    assert page.locator(".claim-row:visible").count() == 4


def test_a_chapter_can_link_a_claim_of_another(open_page):
    page = open_page("book/02-second.html")
    page.get_by_text("its second claim").click()
    page.wait_for_url("**/01-sample.html#claim-2")
    assert page.locator("#claim-2").is_visible()
