"""Sphinx extension: the pages of optimlib, from its docstrings as they stand in the code."""

import re

FIELD = re.compile(r"([a-z_0-9]+(?:, [a-z_0-9]+)*): (.*)")
ARGUMENT = r"(?<=[.;]) (?=[a-z_0-9]+(?:, [a-z_0-9]+)*: )"  # where the next argument follows on the same line
RULE = re.compile(r"[\w'/, ()|-]{1,24} (<-|=) [^`]*")  # a line of mathematics


def setup(app):
    app.connect("autodoc-process-docstring", shape)
    app.connect("autodoc-process-signature", signature)
    app.connect("autodoc-skip-member", skip)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def shape(app, what, name, thing, options, lines):
    """Turn a docstring into reStructuredText: its lines of mathematics, its arguments as a list, its `code` as code."""
    shaped = []
    for paragraph in "\n".join(lines).strip().split("\n\n"):
        parts = []  # ("rule", line), (the arguments, words) or ("", words)
        for line in paragraph.splitlines():
            if field := FIELD.fullmatch(line):
                parts.append((field[1], field[2]))
            elif RULE.fullmatch(line) and ". " not in line and not line.endswith(".") and shaped:
                parts.append(("rule", line))
            elif parts and parts[-1][0] != "rule":
                parts[-1] = (parts[-1][0], f"{parts[-1][1]} {line.strip()}")
            else:
                parts.append(("", line.strip()))
        before = ""
        for kind, text in apart(parts):
            if kind == "rule":
                shaped += ([] if before == "rule" else ["", ".. code-block:: text", ""]) + [
                    f"   {text}"
                ]
            elif kind:
                shaped += ["", f"- ``{kind}``: {markup(text)}"]
            else:
                shaped += ["", markup(text)]
            before = kind
        shaped.append("")
    lines[:] = shaped


def apart(parts):
    """The same with arguments that share a line each by itself, and sentences after the last as a paragraph."""
    for kind, text in parts:
        if kind == "rule":
            yield kind, text
            continue
        for piece in re.split(ARGUMENT, f"{kind}: {text}" if kind else text):
            field = FIELD.fullmatch(piece)
            if not field:
                yield "", piece
                continue
            said, *after = re.split(r"(?<=\.) (?=[A-Z])", field[2], maxsplit=1)
            yield field[1], said.removesuffix(";")
            yield from (("", sentence) for sentence in after)


def markup(text):
    """A sentence as reStructuredText: what stands in backquotes is code, and no other sign means anything."""
    parts = re.split(r"(`[^`]+`)", text)
    return "".join(
        f"`{part}`" if part.startswith("`") else re.sub(r"([*|_\\])", r"\\\1", part)
        for part in parts
    )


def signature(app, what, name, thing, options, arguments, returns):
    """A signature without the addresses of this run's functions."""
    return (re.sub(r"<function (\w+) at 0x\w+>", r"\1", arguments), returns) if arguments else None


def skip(app, what, name, thing, skipped, options):
    """The fields of a named tuple, which its own docstring tells of, are not listed once more."""
    return True if type(thing).__name__ == "_tuplegetter" else None
