"""What a chapter's cells show is a sentence or a table, and no string in quotes."""

import ast

import nbformat
import pytest

from tools import book


def quoted(node):
    """Whether an expression is a string, or a list of strings, as far as its text tells."""
    if isinstance(node, ast.Constant):
        return isinstance(node.value, str)
    if isinstance(node, ast.List | ast.Tuple):
        return bool(node.elts) and all(map(quoted, node.elts))
    if isinstance(node, ast.ListComp | ast.GeneratorExp):
        return quoted(node.elt)
    if isinstance(node, ast.IfExp):
        return quoted(node.body) or quoted(node.orelse)
    if isinstance(node, ast.BinOp):
        return quoted(node.left) or quoted(node.right)
    return quoted(node.value) if isinstance(node, ast.Starred) else isinstance(node, ast.JoinedStr)


def shows_quotes(cell):
    """Whether the last line of a cell makes a notebook show a string in quotes."""
    source = "\n".join(line for line in cell.source.splitlines() if not line.startswith(("%", "!")))
    if source.rstrip().endswith(";"):
        return False
    lines = ast.parse(source).body
    return bool(lines) and isinstance(lines[-1], ast.Expr) and quoted(lines[-1].value)


@pytest.mark.parametrize("path", book.CHAPTERS, ids=lambda path: path.stem)
def test_results_are_sentences_or_tables(path):
    cells = [c for c in nbformat.read(path, as_version=4).cells if c.cell_type == "code"]
    found = [cell.source.splitlines()[-1] for cell in cells if shows_quotes(cell)]
    assert found == []


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ("x = 1\nf'{x}'", True),
        ("[f'{x}' for x in y]", True),
        ("[\n  'a',\n  *(f'{x}' for x in y),\n]", True),
        ("'right' if x else 'not yet'", True),
        ("'a';", False),
        ("say(f'{x}')", False),
        ("[1, 2]", False),
        ("x", False),
        ("print('a')", False),
        ("", False),
    ],
)
def test_what_counts_as_quoted(source, shown):
    assert shows_quotes(nbformat.v4.new_code_cell(source)) == shown
