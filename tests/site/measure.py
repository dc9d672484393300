"""What a reader has before them on a chapter's page: measures that the tests hold pages to."""

MOST_ELEMENTS = 6000
MOST_CODE = 0.20  # of a chapter's height
SCREEN = {"width": 1280, "height": 900}
PHONE = {"width": 390, "height": 844}

LAID_OUT = "* { content-visibility: visible }"

IN_SIGHT = """() => [...document.querySelectorAll("*")].filter((element) => {
  const fold = element.parentElement?.closest("details:not([open])");
  return !fold || element.closest("summary")?.parentElement === fold;
}).length"""

CODE_SHARE = """() => {
  const article = document.querySelector("article.bd-article");
  const height = (element) => element.getBoundingClientRect().height;
  const blocks = [...article.querySelectorAll("div[class*='highlight-']")]
    .filter((block) => !block.closest(".cell_output") && block.checkVisibility());
  return blocks.reduce((sum, block) => sum + height(block), 0) / height(article);
}"""

FIRST_FIGURE = """() => {
  const figure = document.querySelector("article :is(figure img, .explorable)");
  const { top, bottom } = figure.getBoundingClientRect();
  return [top, bottom];
}"""


QUOTED = """() => [...document.querySelectorAll(".cell_output .text_plain pre")]
  .map((output) => output.textContent.trim()).filter((text) => /^[[(]?['"]/.test(text))"""


def elements_in_sight(page):
    """How many elements a page has, without those that are folded."""
    return page.evaluate(IN_SIGHT)


def code_share(page):
    """The part of a chapter's height that code takes which is not folded."""
    page.add_style_tag(content=LAID_OUT)  # what is far below has no height before
    return page.evaluate(CODE_SHARE)


def first_figure(page):
    """Where the first figure begins and ends, in pixels from the top of the window."""
    return page.evaluate(FIRST_FIGURE)


def hold(page):
    """Hold a chapter's page, open in a desktop's window, to all measures; then on a phone, too."""
    assert elements_in_sight(page) <= MOST_ELEMENTS
    assert page.evaluate(QUOTED) == [], "results that are Python, and no sentences"
    page.set_viewport_size(SCREEN)
    _, bottom = first_figure(page)
    assert bottom <= SCREEN["height"], "the first figure does not fit the first screen"
    share = code_share(page)
    assert share <= MOST_CODE, f"code in sight takes {share:.0%} of the chapter"
    page.set_viewport_size(PHONE)
    _, bottom = first_figure(page)
    assert bottom <= PHONE["height"], "on a phone the first figure does not fit the first screen"
    assert code_share(page) <= MOST_CODE
