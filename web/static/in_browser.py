"""What a page asks the browser's Python beside running cells, and beside what needs.py answers."""

import ast
import os
import sys
import traceback

from IPython import get_ipython

os.environ["TQDM_DISABLE"] = "1"  # as on the page: what a cell found, not how long it took
get_ipython().displayhook.do_full_cache = False  # or every result would stay in memory
FIRST_NAMES = set(get_ipython().user_ns)
WORDS = {
    ast.GtE: "at least",
    ast.Gt: "more than",
    ast.LtE: "at most",
    ast.Lt: "less than",
    ast.Eq: "",
}
TURNED = {ast.GtE: ast.LtE, ast.Gt: ast.Lt, ast.LtE: ast.GtE, ast.Lt: ast.Gt, ast.Eq: ast.Eq}


def forget():
    """Take away all names that cells have bound."""
    namespace = get_ipython().user_ns
    for name in set(namespace) - FIRST_NAMES:
        del namespace[name]


def failure(code):
    """The last error, of a cell with this code.

    Returns:
        A dictionary: `line`, its number in the cell or None; `name` and `message` of a mistake in
        the code; `part`, what is false of an `assert` of the cell itself, with `what`, `measured`,
        `words` and `bound` for a comparison.
    """
    error, found = sys.last_value, {"line": None}
    if isinstance(error, SyntaxError):
        kind = type(error).__name__
        name = "SyntaxError" if kind.startswith("_") else kind  # as of code that has no end
        return {"line": error.lineno, "name": name, "message": error.msg}
    namespace = get_ipython().user_ns
    frames = [*traceback.walk_tb(error.__traceback__)]
    inside = [(frame, line) for frame, line in frames if frame.f_globals is namespace]
    if inside:
        found["line"] = inside[0][1]
        if isinstance(error, AssertionError) and inside[0][0] is frames[-1][0]:
            found |= false_part(code, found["line"], namespace)
    return found


def false_part(code, line, namespace):
    """What is false of the assertion at a line of a cell."""
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Assert) and node.lineno <= line <= node.end_lineno:
            for part in parts(node.test):
                if not evaluate(part, namespace):
                    return {"part": ast.unparse(part)} | compared(part, namespace)
    return {}


def parts(test):
    """The parts of a condition that must all hold: of an `and`, of a chain of comparisons."""
    if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.And):
        return [part for value in test.values for part in parts(value)]
    if isinstance(test, ast.Compare):
        sides = [test.left, *test.comparators]
        return [ast.Compare(a, [op], [b]) for a, op, b in zip(sides, test.ops, sides[1:])]
    return [test]


def compared(part, namespace):
    """A comparison in words: what was measured, and the bound, which is the side without names."""
    if not isinstance(part, ast.Compare) or type(part.ops[0]) not in WORDS:
        return {}
    measured, kind, bound = part.left, type(part.ops[0]), part.comparators[0]
    if not any(isinstance(node, ast.Name) for node in ast.walk(measured)):
        measured, kind, bound = bound, TURNED[kind], measured
    values = [evaluate(side, namespace) for side in (measured, bound)]
    digits = 3 if short(values[0], 3) != short(values[1], 3) else 17
    texts = [short(value, digits) for value in values]
    return {
        "what": ast.unparse(measured),
        "measured": texts[0],
        "words": WORDS[kind],
        "bound": texts[1],
    }


def evaluate(node, namespace):
    return eval(
        compile(ast.fix_missing_locations(ast.Expression(node)), "claim", "eval"), namespace
    )


def short(value, digits):
    """A value as a reader sees it: a number with so many digits, all else cut after 60 letters."""
    if getattr(value, "size", 0) == 1 and hasattr(value, "item"):
        value = value.item()
    text = f"{value:.{digits}g}" if isinstance(value, float) else repr(value)
    return text if len(text) <= 60 else f"{text[:59]}…"
