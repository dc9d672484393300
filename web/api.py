"""Sphinx extension: the pages of optimlib, from its docstrings as they stand in the code."""

import re

FIELD = re.compile(r"([a-z_0-9]+(?:, [a-z_0-9]+)*): (.*)")
RULE = re.compile(r".*<- |.*;  |[\w'/, ()|-]+ = [^`]*$")  # a line of mathematics


def setup(app):
    app.connect("autodoc-process-docstring", shape)
    app.connect("autodoc-process-signature", signature)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def shape(app, what, name, thing, options, lines):
    """Turn a docstring into reStructuredText: its lines of mathematics, its arguments as a list, its `code` as code."""
    shaped = []
    for paragraph in "\n".join(lines).strip().split("\n\n"):
        parts = []  # ("rule", line), (the arguments, words) or ("", words)
        for line in paragraph.splitlines():
            if field := FIELD.fullmatch(line):
                parts.append((field[1], field[2]))
            elif RULE.match(line) and not line.endswith(".") and len(shaped) > 0:
                parts.append(("rule", line))
            elif parts and parts[-1][0] != "rule":
                parts[-1] = (parts[-1][0], f"{parts[-1][1]} {line.strip()}")
            else:
                parts.append(("", line.strip()))
        kinds = [kind for kind, _ in parts]
        for (kind, text), before in zip(parts, [None, *kinds], strict=False):
            if kind == "rule":
                shaped += ([] if before == "rule" else ["", ".. code-block:: text", ""]) + [f"   {text}"]
            elif kind:
                shaped += ([""] if before in (None, "", "rule") else []) + [f":{kind}: {markup(text)}"]
            else:
                shaped += ["", markup(text)]
        shaped.append("")
    lines[:] = shaped


def markup(text):
    """A sentence as reStructuredText: what stands in backquotes is code, and no other sign means anything."""
    parts = re.split(r"(`[^`]+`)", text)
    return "".join(f"`{part}`" if part.startswith("`") else re.sub(r"([*|_\\])", r"\\\1", part) for part in parts)


def signature(app, what, name, thing, options, arguments, returns):
    """A signature without the addresses of this run's functions."""
    return (re.sub(r"<function (\w+) at 0x\w+>", r"\1", arguments), returns) if arguments else None
