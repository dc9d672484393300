"""A notebook that came back, made into one that nbgrader can grade: the assignment's own cells around the student's answers.

Jupyter keeps the metadata by which nbgrader knows its cells; Colab, VS Code and a student's hand may not. So every cell that came back is
matched with a cell that was handed out: by its metadata, by its text, by the name that it defines, by its place. Tests and other locked
cells are taken from the assignment and never from the student.
"""

import copy
import difflib
import json
import os
import re

import nbformat

DEFINED = re.compile(r"^(?:async\s+)?(?:def|class)\s+(\w+)", re.M)


class NotANotebook(Exception):
    """A file that holds no notebook; the message says what it holds."""


def read(path):
    """The notebook in the file at `path`, whatever the file is called."""
    if not os.path.exists(path):
        raise NotANotebook("it cannot be unpacked: damaged, or with a password")
    data = path.read_bytes()
    for kind, begins in [
        ("a PDF", b"%PDF"),
        ("a zip file", b"PK\x03\x04"),
        ("a web page", b"<"),
        ("an image", b"\x89PNG"),
    ]:
        if data.lstrip()[: len(begins)] == begins:
            raise NotANotebook(f"it is {kind}, not a notebook")
    if not data.strip():
        raise NotANotebook("it is empty")
    try:
        book = json.loads(data.decode("utf-8-sig"))
        if not isinstance(book, dict) or not {"cells", "worksheets"} & book.keys():
            raise NotANotebook("it is no notebook")
        for cell in book.get("cells", []):
            cell.setdefault("metadata", {})
            if isinstance(cell.get("source"), list):
                cell["source"] = "".join(cell["source"])
        return nbformat.convert(nbformat.from_dict(book), 4)
    except NotANotebook:
        raise
    except Exception as error:  # nbformat raises many kinds for what is only half a notebook
        raise NotANotebook(f"it cannot be read as a notebook ({type(error).__name__})") from error


def marks(cell):
    """What nbgrader's metadata says of a cell; empty for a plain one."""
    return cell.metadata.get("nbgrader") or {}


def role(cell):
    """`answer` in code, `written` and marked by hand, `test`, another `locked` cell, or `plain`."""
    about = marks(cell)
    if about.get("solution"):
        return "written" if about.get("grade") else "answer"
    return "test" if about.get("grade") else "locked" if about.get("locked") else "plain"


def text(cell):
    """The text of a cell, as far as it matters when two are compared."""
    return "\n".join(line.rstrip() for line in cell.source.strip().splitlines())


def alike(a, b):
    return (
        a.cell_type == b.cell_type
        and difflib.SequenceMatcher(None, text(a), text(b), autojunk=False).ratio()
    )


def match(given, back):
    """For each cell of `back` the index of the cell of `given` that it is or was made from, or None; and by what it was known."""
    ids = {
        marks(cell)["grade_id"]: i for i, cell in enumerate(given) if marks(cell).get("grade_id")
    }
    texts = {}
    for i, cell in enumerate(given):
        texts.setdefault((cell.cell_type, text(cell)), []).append(i)
    texts = {
        key: cells[0] for key, cells in texts.items() if key[1] and len(cells) == 1
    }  # two empty answers are told by their place
    defines = {
        name: i
        for i, cell in enumerate(given)
        if role(cell) == "answer"
        for name in DEFINED.findall(cell.source)
    }
    found, how = [None] * len(back), [None] * len(back)
    for j, cell in enumerate(back):
        grade_id = marks(cell).get("grade_id") if isinstance(marks(cell), dict) else None
        if grade_id in ids and (
            cell.cell_type == given[ids[grade_id]].cell_type
            or role(given[ids[grade_id]]) == "written"
        ):
            found[j], how[j] = ids[grade_id], "metadata"
        elif (cell.cell_type, text(cell)) in texts:
            found[j], how[j] = texts[cell.cell_type, text(cell)], "text"
    taken = set(found)
    for j, cell in enumerate(back):  # an answer whose metadata is gone still defines its name
        if found[j] is None and cell.cell_type == "code":
            named = [
                defines[name]
                for name in DEFINED.findall(cell.source)
                if name in defines and defines[name] not in taken
            ]
            if named:
                found[j], how[j] = named[0], "name"
    for j, cell in enumerate(
        back
    ):  # a test that was changed is still much like itself, and is not to run twice
        if found[j] is None and cell.cell_type == "code":
            near = [
                (alike(given[i], cell), i)
                for i in range(len(given))
                if role(given[i]) == "test" and text(given[i])
            ]
            if near and max(near)[0] > 0.6:
                found[j], how[j] = max(near)[1], "likeness"
    for i, cell in enumerate(
        given
    ):  # what stands where an answer stood, between cells that are known
        if role(cell) in ("written", "answer") and i not in found:
            before = [j for j, k in enumerate(found) if k is not None and k < i]
            after = [j for j, k in enumerate(found) if k is not None and k > i]
            start, end = max(before, default=-1) + 1, min(after, default=len(back))
            kinds = {"code"} if role(cell) == "answer" else {cell.cell_type, "raw"}
            for j in range(start, end):
                if found[j] is None and back[j].cell_type in kinds and text(back[j]):
                    found[j], how[j] = i, "place"
                    if role(cell) == "answer":
                        break
    return found, how


def belongs(given, book):
    """The share of the assignment's cells that a notebook still has, word for word or as an answer; near 0 for another assignment's."""
    found, how = match(given.cells, book.cells)
    word_for_word = {text(cell) for cell in book.cells}
    same = {
        i
        for i, cell in enumerate(given.cells)
        if len(text(cell)) > 60 and text(cell) in word_for_word
    }
    answers = {
        i
        for i, by in zip(found, how)
        if by in ("metadata", "name") and role(given.cells[i]) == "answer"
    }
    return len(same | answers) / max(1, len(given.cells))


def repair(given, book):
    """(the notebook to grade, remarks): the cells of `given`, the notebook that was handed out, with the answers of `book`.

    The student's cells keep their order. Of several copies of an answer in code the last one that was changed is the answer and
    the others run before it, as they did for the student; copies of a written answer are joined.
    """
    given, back = given.cells, [copy.deepcopy(cell) for cell in book.cells]
    found, how = match(given, back)
    remarks = []
    stripped = sum(
        h not in (None, "metadata") and role(given[i]) != "plain" for i, h in zip(found, how)
    )
    if stripped:
        remarks.append(
            f"{stripped} cells had lost their metadata and were known by their text, name or place"
        )

    kept, place = (
        [],
        {},
    )  # the student's cells in order as (cell, index in given or None); where each answer stands among them
    for i, cell in enumerate(given):
        copies = [j for j, k in enumerate(found) if k == i]
        if len(copies) > 1 and role(cell) != "plain":
            remarks.append(f"{marks(cell)['grade_id']}: {len(copies)} copies")
        if role(cell) in ("answer", "written") and len(copies) > 1:
            changed = [j for j in copies if text(back[j]) != text(cell)]
            chosen = (changed or copies)[-1]
            if role(cell) == "written" and changed:
                back[chosen].source = "\n\n".join(back[j].source for j in changed)
            for j in copies:
                if j != chosen:
                    found[j] = None if j in changed and role(cell) == "answer" else -1
    for j, cell in enumerate(back):
        i = found[j]
        if i == -1 or (i is not None and role(given[i]) in ("test", "locked")):
            if i != -1 and text(cell) != text(given[i]):
                remarks.append(
                    f"{marks(given[i])['grade_id']}: was changed, and is graded as it was handed out"
                )
            place.setdefault(i, len(kept))
            continue
        if i is not None and role(given[i]) != "plain":
            place[i] = len(kept)
            restored = copy.deepcopy(given[i])
            restored.source = cell.source
            if "attachments" in cell and restored.cell_type == "markdown":
                restored.attachments = cell.attachments
            kept.append(restored)
        else:
            kept.append(plain(cell))

    # where the assignment's own cells go: where they stood, if that is after every answer before them; else as late as a test can, as
    # early as anything else can
    own = [i for i, cell in enumerate(given) if role(cell) != "plain"]
    insert = {}
    floor = 0
    for n, i in enumerate(own):
        answers = [
            place[k] + 1 for k in own[:n] if role(given[k]) in ("answer", "written") and k in place
        ]
        lowest = max([floor, *answers])
        if role(given[i]) in ("answer", "written"):
            if i in place:
                continue
            remarks.append(f"{marks(given[i])['grade_id']}: was deleted")
            here = lowest
        elif i in place and place[i] >= lowest:
            here = place[i]
        else:
            if i not in place:
                remarks.append(f"{marks(given[i])['grade_id']}: was deleted, and is put back")
            later = [place[k] for k in own[n + 1 :] if k in place and place[k] >= lowest]
            here = min(later, default=len(kept)) if role(given[i]) == "test" else lowest
        insert.setdefault(here, []).append(copy.deepcopy(given[i]))
        floor = here
    cells = []
    for position in range(len(kept) + 1):
        cells += insert.get(position, []) + kept[position : position + 1]

    graded = nbformat.v4.new_notebook(cells=cells)
    graded.metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    seen = set()
    for number, cell in enumerate(cells):
        if not re.fullmatch(r"[\w-]{1,64}", str(cell.get("id", ""))) or cell.id in seen:
            cell.id = f"cell-{number}"
        seen.add(cell.id)
    nbformat.validate(graded)
    nbformat.writes(graded).encode(
        "utf-8"
    )  # fails for half a character, which JSON can hold and no file can
    return graded, remarks


def plain(cell):
    """A student's own cell, without outputs and without metadata."""
    kinds = {"code": nbformat.v4.new_code_cell, "raw": nbformat.v4.new_raw_cell}
    clean = kinds.get(cell.cell_type, nbformat.v4.new_markdown_cell)(cell.source)
    if "attachments" in cell and cell.cell_type == "markdown":
        clean.attachments = cell.attachments
    return clean
