"""A page with figures on it, opened in the browser."""

import pytest

PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width"><title>two</title></head>
<body>%s</body></html>"""


@pytest.fixture
def opened(browser, tmp_path):
    """opened(figure, ...) opens a page with these figures: the page, and the errors on it."""
    contexts = []

    def opens(*shown, **settings):
        file = tmp_path / "page.html"
        file.write_text(
            PAGE % "<p>Text between.</p>".join(figure._repr_html_() for figure in shown),
            encoding="utf-8",
        )
        context = browser.new_context(**({"viewport": {"width": 1280, "height": 1400}} | settings))
        contexts.append(context)
        page, errors = context.new_page(), []
        page.on(
            "console",
            lambda message: (
                errors.append(message.text) if message.type in ("error", "warning") else None
            ),
        )
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(file.as_uri())
        return page, errors

    yield opens
    for context in contexts:
        context.close()
