"""A student's page: what it shows, and that nothing of the student's runs, loads or imitates."""

import base64
import json
import re
from functools import partial
from html import unescape

import nbformat
import pytest
from hand_ins import cell_of, handed_out, points, reference, run, written_to
from nbformat.v4 import new_code_cell, new_markdown_cell, new_output

PIXEL = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk"
    "+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
MARKDOWN = """
# Assignment 1: 24 of 24 points

<script>planted()</script> <img src=x onerror=planted()> <svg onload=planted()></svg>
<meta http-equiv="refresh" content="0;url=https://example.org">
<base href="https://example.org">
<img src="https://example.org/spy.png"> ![](https://example.org/spy2.png)
<a href="javascript:planted()">a</a> [b](javascript:planted())
<a href="data:text/html,x">c</a>
<iframe src="https://example.org"></iframe> <form action="https://example.org"><input></form>
<style>body { display: none }</style>
<div class="mark" id="step-test" style="color: red">Test step-test: 9 of 9</div>
<math><mtext><script>planted()</script></mtext><annotation-xml encoding="text/html">
<img src=x onerror=planted()></annotation-xml></math>
<img width="1 onload=planted()" src="data:image/png;base64,PIXEL">
<img src="data:image/svg+xml;base64,AAAA">
<!--><img src=x onerror=planted()>-->
<noscript><p title="</noscript><img src=x onerror=planted()>"></noscript>

A formula $\\frac{1}{2}<x$ and $$w \\leftarrow w - \\eta g$$ and
$\\unknown{<script>planted()</script>}$

![mine](attachment:image.png)
"""


def planted():
    """The reference with everything planted that a notebook can hold, and an honest essay."""
    book = reference()
    words = MARKDOWN.replace("PIXEL", PIXEL)
    picture = {"image.png": {"image/png": PIXEL}}
    cell_of(book, "bounce").source = words
    cell_of(book, "bounce").attachments = picture
    book.cells.insert(3, new_markdown_cell(words, attachments=picture))
    html = "<script>planted()</script><img src=x onerror=planted()>"
    shown = new_code_cell("1")
    shown.outputs = [
        new_output("display_data", {"text/html": html, "text/plain": html}),
        new_output(
            "display_data",
            {"image/png": PIXEL},
            metadata={"image/png": {"width": "1 onload=planted()", "height": "1"}},
        ),
        new_output("display_data", {"image/png": 'x" onerror="planted()'}),
        new_output("display_data", {"image/svg+xml": "<svg onload=planted()></svg>"}),
        new_output("display_data", {"application/javascript": "planted()"}),
        new_output("display_data", {"text/latex": html, "text/markdown": html}),
        new_output("stream", text=f"\x1b[31m{html}\x1b[0m" + "long " * 100_000),
        new_output("error", ename=html, evalue=html, traceback=[f"\x1b[1m{html}"]),
    ]
    book.cells.insert(4, shown)
    book.cells.insert(5, nbformat.v4.new_raw_cell(html))
    book.cells.insert(6, new_code_cell(f"'''{html}'''\n# {html}"))
    cell_of(
        book, "step"
    ).source = f"def step(w, g, learning_rate):\n    raise ValueError({html!r})\n# {html}"
    return book


@pytest.fixture(scope="session")
def page(grader, tmp_path_factory):
    """The page of that notebook, whose student has a name of that kind too."""
    folder = tmp_path_factory.mktemp("pages")
    written_to(folder, "downloads/<b onclick=planted()>eve<script>.ipynb", planted())
    done = run("grade", "1", folder / "downloads", "--to", folder / "out")
    assert done.returncode == 0, done.stdout + done.stderr
    (path,) = (folder / "out/feedback").glob("*.html")
    path.with_name("sheet.html").write_text((folder / "out/sheets/bounce.html").read_text())
    return path


def test_a_page_holds_nothing_that_could_run_or_load(page):
    for path in (page, page.with_name("sheet.html")):
        text = path.read_text(encoding="utf-8")
        body = re.sub(r"(?s)^.*?</style>\s*</head>", "", text)
        tags = re.findall(r"<[^!][^>]*>", body)
        assert len(tags) > 20
        for tag in tags:
            assert not re.match(
                r"</?(script|iframe|form|input|style|meta|base|svg|object|link)", tag
            ), tag
            assert not re.search(r"\son\w+\s*=|javascript:|\sstyle=", tag), tag
            for source in re.findall(r'\bsrc="?([^"\s>]*)', tag):
                assert source.startswith("data:image/png;base64,"), tag
            for target in re.findall(r'\bhref="?([^"\s>]*)', tag):
                assert target.startswith(("#", "http")), tag
        first = unescape(re.search(r"<head>\s*(<[^>]*>)", text)[1])
        assert "Content-Security-Policy" in first and "default-src 'none'" in first


def test_nothing_of_it_runs_in_a_browser_and_no_host_is_asked(page, browser):
    for path in (page, page.with_name("sheet.html")):
        asked, said = [], []
        context = browser.new_context()
        visit = context.new_page()
        visit.expose_function("planted", partial(said.append, "ran"))
        visit.on("request", lambda request, asked=asked: asked.append(request.url))
        visit.goto(path.as_uri(), wait_until="networkidle")
        visit.wait_for_timeout(300)
        assert said == [] and [url for url in asked if not url.startswith(("file:", "data:"))] == []
        assert visit.url == path.as_uri()
        context.close()


def test_what_a_student_writes_cannot_pass_for_the_page_s_own(page):
    text = page.read_text(encoding="utf-8")
    assert text.count('id="step-test"') == 1 and "9 of 9</div>" in text
    imitation = text[: text.index("Test step-test: 9 of 9")]
    assert imitation.rindex('<section class="handed-in">') > imitation.rindex("</section>")
    assert '<div class="mark' not in imitation[imitation.rindex('<section class="handed-in">') :]


def test_a_page_says_what_its_student_needs(page):
    text = page.read_text(encoding="utf-8")
    assert "&lt;b onclick=planted()&gt;eve" in text and "Assignment 1: Gradient descent" in text
    assert "<mfrac>" in text and "$\\frac" not in text  # formulas without a network
    assert f"data:image/png;base64,{base64.b64encode(base64.b64decode(PIXEL)).decode()}" in text
    assert "ValueError: &lt;script&gt;" in text and "[...]" in text
    shown = unescape(re.sub(r"<[^>]+>", "", text))
    assert "hidden tests" not in shown.lower().replace("of a hidden test", "")
    assert "raise ValueError" in shown
    assert page.stat().st_size < 200_000


def test_the_marks_stand_at_every_test(page):
    text = page.read_text(encoding="utf-8")
    for name, most in points().items():
        got = (
            0
            if name.startswith("step-") and name != "steps-needed" and "needed" not in name
            else most
        )
        block = re.search(rf'<div id="{name}" class="mark[^"]*">(.*?)</div>', text, re.S)[1]
        assert f"{got:g} of {most:g}" in block


def test_a_notebook_of_the_student_s_own_machine_shows_its_outputs(page):
    assert len(json.dumps(handed_out())) > 1000
    text = page.read_text(encoding="utf-8")
    assert text.count('alt="what the cell drew"') == 1 and "a picture that cannot be shown" in text
