"""The structure of the book: clean notebooks, claims that are asserted, figures that are described, exercises that are solved."""

import ast
import re
from pathlib import Path

import nbformat
import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
CHAPTERS = sorted((ROOT / "book").glob("[0-9][0-9]-*.ipynb"))
CLAIM = re.compile(r"\*\*Claim(, with a condition|, not borne out)?\.\*\*")
chapters = pytest.mark.parametrize("path", CHAPTERS, ids=lambda p: p.stem)


def cells(path, kind=None):
    found = nbformat.read(path, as_version=4).cells
    return [cell for cell in found if kind in (None, cell.cell_type)]


def prose(path):
    return "\n\n".join(cell.source for cell in cells(path, "markdown"))


def tags(cell):
    return cell.metadata.get("tags", [])


def code(cell):
    """The cell's syntax tree, its magics left out."""
    lines = [
        "pass" if line.lstrip().startswith(("%", "!")) else line
        for line in cell.source.splitlines()
    ]
    return ast.parse("\n".join(lines))


def names(node):
    return {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}


def asserts(cell):
    """The assertions of a cell that compare something that was computed: a name that is not a built-in function alone."""
    found = [node.test for node in ast.walk(code(cell)) if isinstance(node, ast.Assert)]
    return [
        t
        for t in found
        if names(t) - {"abs", "all", "any", "len", "max", "min", "np", "sum", "round"}
    ]


@chapters
def test_every_claim_is_followed_by_an_assertion(path):
    found = cells(path)
    claims = [
        i
        for i, cell in enumerate(found)
        if cell.cell_type == "markdown" and CLAIM.search(cell.source)
    ]
    assert len(claims) >= 5
    for i in claims:
        assert len(CLAIM.findall(found[i].source)) == 1, (
            f"two claims before one cell: {found[i].source[:80]}"
        )
        following = next(cell for cell in found[i + 1 :] if cell.cell_type == "code")
        assert asserts(following), f"nothing is asserted after: {found[i].source[:120]}"
    said = prose(path).count("**Claim")
    assert said == len(claims), "a claim is written in another form than **Claim.**"


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
    assert all(deeper - level <= 1 for level, deeper in zip(levels, levels[1:])), (
        "headings skip a level"
    )
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
    lengths = []
    for cell in cells(path, "code"):
        lines = [
            line
            for line in cell.source.splitlines()
            if line.strip() and not line.strip().startswith("#")
        ]
        assert len(lines) <= 15, cell.source
        lengths.append(len(lines))
    assert sorted(lengths)[len(lengths) // 2] <= 7


@chapters
def test_figures_that_answer_and_one_that_needs_a_kernel(path):
    assert sum("explorable" in tags(cell) for cell in cells(path, "code")) >= 2
    live = [cell for cell in cells(path, "code") if "live" in tags(cell)]
    assert len(live) == 1 and "interact" in live[0].source and "remove-output" in tags(live[0])


@chapters
def test_citations_are_in_the_bibliography(path):
    known = set(
        re.findall(
            r"(?m)^@\w+\{([^,]+),", (ROOT / "book" / "references.bib").read_text(encoding="utf-8")
        )
    )
    cited = [
        key.strip()
        for keys in re.findall(r"\{cite:[tp]\}`([^`]+)`", prose(path))
        for key in keys.split(",")
    ]
    assert cited and set(cited) <= known


def test_every_page_is_in_the_table_of_contents():
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    listed = set(
        re.findall(r"(?:file|root): (\S+)", (ROOT / "_toc.yml").read_text(encoding="utf-8"))
    )
    assert toc["format"] == "jb-book"
    pages = {
        str(p.relative_to(ROOT).with_suffix(""))
        for p in (ROOT / "book").rglob("*")
        if p.suffix in {".md", ".ipynb"}
    }
    assert pages == listed & pages and len(listed) == len(pages), pages ^ listed
    assert [
        Path(p).stem for p in re.findall(r"file: (book/\d\S+)", (ROOT / "_toc.yml").read_text())
    ] == [p.stem for p in CHAPTERS]


def test_links_between_pages_lead_somewhere():
    for page in [
        *(ROOT / "book").glob("*.md"),
        *CHAPTERS,
        *(ROOT / "book/assignments").glob("*.ipynb"),
    ]:
        text = prose(page) if page.suffix == ".ipynb" else page.read_text(encoding="utf-8")
        for target in re.findall(r"\]\((?!https?:|mailto:|#)([^)#\s]+)", text):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"
