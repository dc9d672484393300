"""What one notebook's tests find: run in a sandbox, first as the student knows them, then whole.

No hidden test is in reach while anything of the student's can still be shown: of a hidden test only
its own message is, or the kind of an error and the line of the answer where it arose.
"""

import ast
import builtins
import contextlib
import re
import secrets
import symtable
from dataclasses import dataclass, field
from functools import cache
from time import monotonic

from course.assignment import HIDDEN, about, role
from course.repair import DEFINED
from course.runner import DIED, LATE, PATIENCE, used
from course.sandbox import Ended, Sandbox

CELL_SECONDS, NOTEBOOK_SECONDS = 10, 180
FORGED = "spoke in place of the tests"
SHOWN = 300  # characters of a hidden test's message
WITHHELD = "an error of its own"
KINDS = {n for n, kind in vars(builtins).items() if isinstance(kind, type)} | {"LinAlgError"}


@dataclass
class Limits:
    """How a hand-in is run."""

    seconds: float = CELL_SECONDS
    total: float = NOTEBOOK_SECONDS
    sandboxed: bool = True
    user: str | None = None


@dataclass
class Found:
    """What a test found: its points, what the student reads of it, what the teacher should look
    at."""

    points: float = 0.0
    message: str = ""
    notes: list = field(default_factory=list)


@cache
def roots(tests):
    """The names that tests use and do not bind themselves."""
    names = set()
    for test in tests:
        top = symtable.symtable(test, "test", "exec").get_symbols()
        names |= used(test) - {s.get_name() for s in top if s.is_assigned() or s.is_imported()}
    return sorted(names - vars(builtins).keys())


@cache
def own_messages(test):
    """Patterns of what the assertions of a test can say; a value in it has 60 characters."""

    def pattern(node):
        if isinstance(node, ast.JoinedStr):
            return "".join(map(pattern, node.values))
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            return re.escape(node.value)
        return ".{0,60}" if isinstance(node, ast.FormattedValue) else ""

    said = [node.msg for node in ast.walk(ast.parse(test)) if isinstance(node, ast.Assert)]
    return [re.compile(f"(AssertionError: )?{pattern(one)}", re.S) for one in said if one]


def visible(cell):
    """A test as the student has it."""
    return HIDDEN.sub("", cell.source).rstrip()


def empty(source):
    """Whether there is nothing to run in a cell."""
    return not re.sub(r"(?m)^\s*#.*$", "", source).strip()


def run(book, tests, limits):
    """The answers of `book` meet `tests` in a sandbox.

    Args:
        book: the repaired notebook.
        tests: the text of each test by grade_id; one that is left out is not run.
        limits: a `Limits`, whose total is what is left of it.

    Returns:
        The replies by grade_id, and what looks unusual in the answers.
    """
    cells = []
    for number, cell in enumerate(book.cells):
        kind, name = role(cell), about(cell).get("grade_id") or f"cell {number + 1}"
        if cell.cell_type != "code":
            continue
        if kind == "test":
            cells.append({"id": name, "own": True})
        else:
            defines = DEFINED.findall(cell.source)
            own = kind == "locked"
            cells.append({"id": name, "own": own, "source": cell.source, "defines": defines})
    request = {"cells": cells, "roots": roots(tuple(tests.values())), "seconds": limits.seconds}
    request |= {"alone": limits.sandboxed, "word": secrets.token_hex(8)}
    found, notes, deadline = {}, [], monotonic() + limits.total
    with Sandbox(limits.sandboxed, limits.user) as sandbox:

        def hear(until):
            said = sandbox.receive(until)
            if said.get("word") != request["word"]:
                raise Ended(FORGED)
            return said

        try:
            sandbox.send(request)
            notes += hear(deadline)["notes"]  # said before any of its code has run
            while True:
                said = hear(deadline)
                name = said["ready"]
                if name is None:
                    return found, notes + said["notes"]
                sandbox.send({"id": name, "source": tests.get(name, "")})
                reply = hear(min(deadline, monotonic() + PATIENCE * limits.seconds + 10))["found"]
                if name in tests:
                    found[name] = {k: reply[k] for k in reply if k != "why"}
        except (Ended, KeyError, TypeError) as error:
            why = f"NotRun: the notebook's code {error if isinstance(error, Ended) else FORGED}"
            not_run = {"message": why, "kind": "NotRun", "why": why}
            return dict.fromkeys(tests, not_run) | found, [*notes, why]


def grade(book, source, limits):
    """What the tests of an assignment find in a repaired notebook.

    Args:
        book: the repaired notebook.
        source: the assignment's source, with hidden tests.
        limits: a `Limits`.

    Returns:
        A `Found` for each test, by grade_id; and what looks unusual in the answers.
    """
    begun = monotonic()
    cells = {
        about(cell)["grade_id"]: cell
        for cell in source.cells
        if role(cell) == "test" and not empty(cell.source)
    }
    first = {name: visible(cell) for name, cell in cells.items() if not empty(visible(cell))}
    seen, _ = run(book, first, limits)
    whole = {
        name: cell.source
        for name, cell in cells.items()
        if HIDDEN.search(cell.source) and seen.get(name, {"passed": True}).get("passed")
    }
    left = max(1.0, limits.total - (monotonic() - begun))
    rest, notes = run(book, whole, Limits(limits.seconds, left, limits.sandboxed, limits.user))
    replies = {name: [r[name] for r in (seen, rest) if name in r] for name in cells}
    places = {about(cell).get("grade_id") or f"cell {n + 1}" for n, cell in enumerate(book.cells)}
    found = {name: result(cell, replies[name], places) for name, cell in cells.items()}
    return found, [text(note)[:200] for note in notes] if isinstance(notes, list) else []


def result(cell, replies, places):
    """The `Found` of a test from what was said by its visible part and, if that passed, its
    whole; `places` are the ids of the notebook's cells."""
    most, found = float(about(cell)["points"]), Found()
    last = replies[-1] if replies else {"message": "NotRun", "kind": "NotRun"}
    if last.get("passed") is True:
        found.points = most
        with contextlib.suppress(TypeError, ValueError):
            found.points = min(most, max(0.0, float(last["points"]))) if "points" in last else most
        if found.points < most:
            found.message = "partly right" if found.points else "not right"
    else:
        hidden = HIDDEN.search(cell.source) and (len(replies) > 1 or empty(visible(cell)))
        found.message = shown(cell, last, places) if hidden else text(last.get("message"))
        if hidden and WITHHELD in found.message:
            found.notes.append("the message of an error of its own is withheld from its page")
    for reply in replies:
        notes = reply.get("notes")
        for note in notes if isinstance(notes, list) else []:
            if text(note) not in found.notes:
                found.notes.append(text(note)[:200])
    return found


def text(message):
    """A message as text without escape sequences, whatever was sent."""
    plain = re.sub(r"\x1b\[[\d;]*[A-Za-z]", "", str(message or ""))
    return (
        "".join(c for c in plain if c.isprintable() or c == "\n").encode(errors="replace").decode()
    )


def shown(cell, reply, places):
    """What a student reads of a hidden test that failed: nothing but what can stand there.

    An answer that has looked at its test could say it in an error's message, name or place.
    """
    kind, said = text(reply.get("kind")), text(reply.get("message"))
    where, line = reply.get("cell"), reply.get("line")
    if "why" in reply:
        return text(reply["why"])
    if said == DIED or re.fullmatch(re.escape(LATE).replace(r"\{:g\}", r"[\d.]{1,9}"), said):
        return said
    if said == "AssertionError" or any(m.fullmatch(said) for m in own_messages(cell.source)):
        return said[:SHOWN]
    kind = kind if kind in KINDS else WITHHELD
    if kind != "AssertionError" and where in places and where != about(cell)["grade_id"]:
        return f"{kind}, in line {line} of {where}" if isinstance(line, int) else kind
    missing = re.match(r"NameError: name '(\w+)' is not defined", said)
    if missing and missing[1] in used(cell.source):
        return missing[0]
    return f"{kind}, in what the test does with the result"
