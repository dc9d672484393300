"""What a cell found, as sentences or as a small table, instead of a list of strings.

Both are Markdown where a notebook shows it, and plain text in a terminal:

    say(f"Momentum arrives in {steps} steps.", "Plain descent never does.")
    table(["momentum", "test loss"], [[0.0, 0.112], [0.9, 0.101]])
"""

from numbers import Integral, Real


class Result:
    """Text that a notebook shows as Markdown, and everything else as plain text."""

    def __init__(self, markdown, plain):
        self.markdown, self.plain = markdown, plain

    def _repr_markdown_(self):
        return self.markdown

    def __repr__(self):
        return self.plain


def say(*sentences):
    """Sentences, each on a line of its own.

    Args:
        sentences: Markdown, one string or more.

    Returns:
        What a cell shows when it stands in its last line.

    Raises:
        TypeError: If there is none, or one is not a string.
    """
    if not sentences or not all(isinstance(sentence, str) for sentence in sentences):
        raise TypeError(f"say takes one sentence or more, each a string, not {sentences!r}")
    return Result("\n\n".join(sentences), "\n".join(sentences))


def table(heads, rows):
    """A small table.

    Args:
        heads: The head of each column, Markdown.
        rows: The rows, each with one entry a column. Whole numbers and strings are shown as they
            are, other numbers with three digits, or to the unit where that is more.

    Returns:
        What a cell shows when it stands in its last line.

    Raises:
        ValueError: If a row is longer or shorter than the heads.
    """
    heads, rows = list(heads), [list(row) for row in rows]
    for row in rows:
        if len(row) != len(heads):
            raise ValueError(f"the row {row!r} should have {len(heads)} entries, one a column")
    numeric = [all(isinstance(row[i], Real) for row in rows) for i in range(len(heads))]
    texts = [heads, *([shown(entry) for entry in row] for row in rows)]
    widths = [max(len(text[i]) for text in texts) for i in range(len(heads))]
    plain = "\n".join(
        "  ".join(
            entry.rjust(width) if right else entry.ljust(width)
            for entry, width, right in zip(text, widths, numeric)
        ).rstrip()
        for text in texts
    )
    rule = ["---:" if right else "---" for right in numeric]
    lines = [[entry.replace("|", r"\|") for entry in text] for text in texts]
    lines.insert(1, rule)
    return Result("\n".join(f"| {' | '.join(line)} |" for line in lines), plain)


def shown(entry):
    """An entry of a table as text."""
    if isinstance(entry, Integral) or not isinstance(entry, Real):
        return str(entry)
    return f"{entry:.0f}" if 1e3 <= abs(entry) < 1e6 else f"{entry:.3g}"
