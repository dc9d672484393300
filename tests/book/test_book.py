"""The structure of the book: claims that are asserted, figures described, exercises solved."""

import ast
import re
from itertools import pairwise

import nbformat
import pytest

from tools import book
from tools.book import BOOK, CHAPTERS, ROOT, tags

chapters = pytest.mark.parametrize("path", CHAPTERS, ids=lambda p: p.stem)


def cells(path, kind=None):
    found = nbformat.read(path, as_version=4).cells
    return [cell for cell in found if kind in (None, cell.cell_type)]


def prose(path):
    return "\n\n".join(cell.source for cell in cells(path, "markdown"))


def code(cell):
    """The cell's syntax tree, its magics left out."""
    return ast.parse(book.code(cell))


def names(node):
    return {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}


def asserts(cell):
    """The assertions of a cell that compare something computed: not built-in functions alone."""
    built_in = {"abs", "all", "any", "len", "max", "min", "np", "sum", "round"}
    tests = [node.test for node in ast.walk(code(cell)) if isinstance(node, ast.Assert)]
    return [test for test in tests if names(test) - built_in]


@chapters
def test_every_claim_is_followed_by_an_assertion(path):
    found = cells(path)
    claims = 0
    for number, cell in enumerate(found):
        if cell.cell_type == "markdown" and (here := book.claims(cell.source)):
            claims += 1
            assert len(here) == 1, f"two claims before one cell: {here}"
            following = next(c for c in found[number + 1 :] if c.cell_type == "code")
            assert asserts(following), f"nothing is asserted after: {here[0]}"
    assert claims >= 5
    written = prose(path).count("**Claim") + prose(path).count("**Often said.**")
    assert written == claims, "a claim is written in another form"


@chapters
def test_no_assertion_is_vacuous(path):
    for cell in cells(path, "code"):
        for node in ast.walk(code(cell)):
            if isinstance(node, ast.Assert):
                assert not isinstance(node.test, ast.Tuple | ast.Constant), cell.source
                assert names(node.test) or any(
                    isinstance(n, ast.Call) for n in ast.walk(node.test)
                ), cell.source


@chapters
def test_every_figure_has_a_caption_and_a_description(path):
    drawn = [
        c
        for c in cells(path, "code")
        if re.search(r"\bplotting\.\w+\(|\bplt\.", c.source) and "live" not in tags(c)
    ]
    assert drawn
    labels = []
    for cell in drawn:
        shown = cell.metadata.get("mystnb", {})
        figure, alt = shown.get("figure", {}), shown.get("image", {}).get("alt", "")
        assert len(figure.get("caption", "")) >= 40, cell.source
        assert len(alt) >= 60 and not re.match(
            r"(?i)(a |the )?(plot|figure|graph|chart|image) of", alt
        ), f"alt: {alt!r}"
        labels.append(figure.get("name"))
        last = code(cell).body[-1]
        shown = (
            isinstance(last, ast.Expr)
            and not cell.source.rstrip().endswith(";")
            and not re.match(r"plotting\.", ast.unparse(last))
        )
        assert not shown, f"a second output would stand beside the figure: {cell.source}"
    assert all(labels) and len(labels) == len(set(labels))


@chapters
def test_every_exercise_has_a_solution(path):
    text = prose(path)
    asked = re.findall(r"\{exercise(?:-start)?\}[^\n]*\n:label: (\S+)", text)
    solved = re.findall(r"\{solution(?:-start)?\} (\S+)\n:class: dropdown", text)
    assert 3 <= len(asked) <= 6
    assert asked == solved
    for kind in ("exercise", "solution"):
        assert text.count(f"{{{kind}-start}}") == text.count(f"{{{kind}-end}}")


@chapters
def test_the_skeleton(path):
    found = cells(path)
    assert found[0].source.startswith("# ") and prose(path).count("\n# ") == 0
    headings = re.findall(r"(?m)^(##+) (.+)$", prose(path))
    levels = [1] + [len(marks) for marks, _ in headings]
    assert all(deeper - level <= 1 for level, deeper in pairwise(levels)), "headings skip a level"
    titles = [title for _, title in headings]
    for needed in ("In your framework", "Summary", "Exercises", "References"):
        assert any(title.startswith(needed) for title in titles), (
            f"no section {needed!r} in {titles}"
        )
    assert "**Predict.**" in prose(path)


@chapters
def test_all_randomness_comes_from_one_seed(path):
    setup = [cell for cell in cells(path, "code") if "parameters" in tags(cell)]
    assert len(setup) == 1 and re.search(r"(?m)^seed = 0\b", setup[0].source)
    for cell in cells(path, "code"):
        assert not re.search(
            r"np\.random\.(seed|rand|randn|normal|uniform|choice)\(", cell.source
        ), cell.source
        assert not re.search(r"default_rng\(\d*\)|\bseed=\d|\bseeds=(range|\[)", cell.source), (
            cell.source
        )


@chapters
def test_cells_are_short(path):
    """Those in sight. Counted are statements, a line each, however the formatter breaks them."""
    in_sight = [cell for cell in cells(path, "code") if "hide-input" not in tags(cell)]
    lengths = [len(ast.unparse(code(cell)).splitlines()) for cell in in_sight]
    assert max(lengths) <= 15
    assert sorted(lengths)[len(lengths) // 2] <= 7


@chapters
def test_figures_that_answer_and_one_that_needs_a_kernel(path):
    assert sum("explorable" in tags(cell) for cell in cells(path, "code")) >= 2
    live = [cell for cell in cells(path, "code") if "live" in tags(cell)]
    assert len(live) == 1 and "interact" in live[0].source and "remove-output" in tags(live[0])


@chapters
def test_citations_are_in_the_bibliography(path):
    bibliography = (BOOK / "references.bib").read_text(encoding="utf-8")
    known = set(re.findall(r"(?m)^@\w+\{([^,]+),", bibliography))
    cited = [
        key.strip()
        for keys in re.findall(r"\{cite:[tp]\}`([^`]+)`", prose(path))
        for key in keys.split(",")
    ]
    assert cited and set(cited) <= known


def test_every_page_is_in_the_table_of_contents_once():
    pages = book.pages()
    assert sorted(pages) == sorted(book.sources())
    chapters = [path.relative_to(ROOT).with_suffix("").as_posix() for path in CHAPTERS]
    assert [page for page in pages if page in chapters] == chapters, "chapters in another order"


def test_links_between_pages_lead_somewhere():
    for page in book.sources().values():
        text = prose(page) if page.suffix == ".ipynb" else page.read_text(encoding="utf-8")
        for target in re.findall(r"\]\((?!https?:|mailto:|#)([^)#\s]+)", text):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"
