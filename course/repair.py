"""A notebook that came back is made into one that can be graded.

The assignment's own cells stand around the student's answers. Jupyter keeps the metadata by
which nbgrader knows its cells; Colab, VS Code and a student's hand may not. So every cell that
came back is matched with a cell that was handed out: by its metadata, by its text, by the name
that it defines, by its place. Tests and other locked cells are taken from the assignment and
never from the student.
"""

import copy
import re
from itertools import count

import nbformat
from nbformat.v4 import new_output

from course.assignment import METADATA, about, role, text

DEFINED = re.compile(r"^(?:async\s+)?(?:def|class)\s+(\w+)", re.M)
OUTPUTS, TEXT, PICTURE = 30, 20_000, 4_000_000  # outputs of a cell; characters of each
ANSWERS = ("answer", "written")


class Match:
    """Which cell of `given`, the notebook that was handed out, each cell of `back` is or was
    made from.

    Attributes:
        of: for each cell of `back` the index of the cell of `given`, or None.
        by: for each cell of `back` what it was known by: metadata, text, name, place, or None.
    """

    def __init__(self, given, back):
        self.given, self.back = given, back
        self.of, self.by = [None] * len(back), [None] * len(back)
        for known_by in (self.metadata, self.text, self.name, self.place):
            known_by()

    def set(self, j, i, by):
        self.of[j], self.by[j] = i, by

    def unknown(self, *kinds):
        """The indices of cells of `back` that are not matched yet, of these types."""
        return [
            j
            for j, cell in enumerate(self.back)
            if self.of[j] is None and cell.cell_type in kinds and text(cell)
        ]

    def metadata(self):
        ids = {about(cell).get("grade_id"): i for i, cell in enumerate(self.given) if about(cell)}
        for j, cell in enumerate(self.back):
            said = about(cell)
            grade_id = said.get("grade_id") if isinstance(said, dict) else None
            if isinstance(grade_id, str) and grade_id in ids:
                self.set(j, ids[grade_id], "metadata")

    def text(self):
        """By a text that only one cell of `given` has: two empty answers are told by their
        place."""
        places = {}
        for i, cell in enumerate(self.given):
            places.setdefault((cell.cell_type, text(cell)), []).append(i)
        for j in self.unknown("code", "markdown"):
            same = places.get((self.back[j].cell_type, text(self.back[j])), [])
            if len(same) == 1:
                self.set(j, same[0], "text")

    def name(self):
        """By a function or class that it defines; an answer that was made Markdown still does."""
        taken = set(self.of)
        defines = {
            name: i
            for i, cell in enumerate(self.given)
            if role(cell) == "answer" and i not in taken
            for name in DEFINED.findall(cell.source)
        }
        for kind in ("code", "markdown"):
            for j in self.unknown(kind):
                named = [defines[n] for n in DEFINED.findall(self.back[j].source) if n in defines]
                if named and (kind == "code" or named[0] not in self.of):
                    self.set(j, named[0], "name")

    def place(self):
        """By standing where an answer stood, between cells that are known."""
        for i, cell in enumerate(self.given):
            if role(cell) in ANSWERS and i not in self.of:
                kinds = ["code"] if role(cell) == "answer" else [cell.cell_type, "raw"]
                for j in self.beside(i, *kinds):
                    self.set(j, i, "place")
                    if role(cell) == "answer":
                        break

    def beside(self, i, *kinds):
        """Unknown cells between the known ones before and after the cell `i` of `given`."""
        before = [j for j, k in enumerate(self.of) if k is not None and k < i]
        after = [j for j, k in enumerate(self.of) if k is not None and k > i]
        start, end = max(before, default=-1), min(after, default=len(self.back))
        return [j for j in self.unknown(*kinds) if start < j < end]


def belongs(given, book):
    """The share of the cells of `given` that `book` has, word for word or as an answer.

    It is near 0 for a notebook of another assignment.
    """
    match = Match(given.cells, book.cells)
    texts = {text(cell) for cell in book.cells}
    same = {i for i, c in enumerate(given.cells) if len(text(c)) > 60 and text(c) in texts}
    answers = {
        i
        for i, by in zip(match.of, match.by)
        if by in ("metadata", "name") and role(given.cells[i]) == "answer"
    }
    return len(same | answers) / max(1, len(given.cells))


def repair(given, book):
    """The notebook to grade: the cells of `given` with the answers of `book`, in the student's
    order.

    Args:
        given: the notebook that was handed out.
        book: the notebook that came back.

    Returns:
        The notebook, and remarks on what was put right.
    """
    given, back = given.cells, copy.deepcopy(book.cells)
    match = Match(given, back)
    remarks = []
    stripped = sum(
        by not in (None, "metadata") and role(given[i]) != "plain"
        for i, by in zip(match.of, match.by)
    )
    if stripped:
        remarks.append(
            f"{stripped} cells had lost their metadata and were known by their text, name or place"
        )
    remarks += join_written(match)
    gone = drop_copies(match, remarks)
    students, place = students_cells(match, gone, remarks)
    cells = put_back(given, students, place, remarks)
    for i, j in ((i, j) for j, i in enumerate(match.of) if i is not None):
        if role(given[i]) == "locked" and back[j].cell_type == given[i].cell_type == "code":
            shown = next(
                c for c in cells if about(c).get("grade_id") == about(given[i])["grade_id"]
            )
            shown.outputs = printed(back[j])
    return valid(cells), remarks


def join_written(match):
    """Join what was written beside the place for a written answer to it. Returns remarks."""
    remarks = []
    for i, cell in enumerate(match.given):
        if role(cell) != "written" or i not in match.of:
            continue
        name = about(cell)["grade_id"]
        untouched = all(text(match.back[j]) == text(cell) for j, k in enumerate(match.of) if k == i)
        if untouched and match.beside(i, "markdown", "raw"):
            for j in match.beside(i, "markdown", "raw"):
                match.set(j, i, "place")
            remarks.append(f"{name}: was answered in another cell beside it")
        elif untouched and match.beside(i, "code"):
            remarks.append(f"{name}: is untouched, but a code cell stands beside it: look there")
    return remarks


def drop_copies(match, remarks):
    """Of several copies of a cell let one stand for it.

    Of an answer in code that is the last one that was changed, and the other changed ones become
    cells of the student's own, which ran before it for the student too. Copies of a written answer
    are joined.

    Returns:
        The indices of the cells of `back` that are left out.
    """
    gone = set()
    for i, cell in enumerate(match.given):
        copies = [j for j, k in enumerate(match.of) if k == i]
        if len(copies) < 2 or role(cell) == "plain":
            continue
        if {match.by[j] for j in copies} != {"metadata", "place"}:
            remarks.append(f"{about(cell)['grade_id']}: {len(copies)} copies")
        if role(cell) not in ANSWERS:
            continue
        changed = [j for j in copies if text(match.back[j]) != text(cell)]
        chosen = (changed or copies)[-1]
        if role(cell) == "written" and len(changed) > 1:
            match.back[chosen] = joined([match.back[j] for j in changed])
        for j in {*copies} - {chosen}:
            if role(cell) == "answer" and j in changed:
                match.set(j, None, None)
            else:
                gone.add(j)
    return gone


def joined(cells):
    """One Markdown cell of several; pasted pictures all have one name, which is made different."""
    sources, pictures = [], {}
    for n, cell in enumerate(cells):
        source = cell.source
        for name, picture in (cell.get("attachments") or {}).items():
            source = source.replace(f"attachment:{name}", f"attachment:{n}-{name}")
            pictures[f"{n}-{name}"] = picture
        sources.append(source)
    together = nbformat.v4.new_markdown_cell("\n\n".join(sources))
    if pictures:
        together.attachments = pictures
    return together


def students_cells(match, gone, remarks):
    """The student's own cells and answers in their order, without tests and other locked cells.

    Returns:
        The cells, and for each index of `given` that came back how many of them stand before it.
    """
    students, place = [], {}
    for j, cell in enumerate(match.back):
        i = match.of[j]
        if j in gone:
            continue
        if i is None or role(match.given[i]) == "plain":
            students.append(plain(cell, i is not None and text(cell) == text(match.given[i])))
            continue
        own, name = match.given[i], about(match.given[i])["grade_id"]
        if role(own) in ANSWERS:
            if own.cell_type == "code" != cell.cell_type:
                remarks.append(f"{name}: was made a {cell.cell_type} cell, and is run as code")
            place[i] = len(students)
            students.append(with_text(own, cell))
        else:
            if text(cell) != text(own):
                remarks.append(f"{name}: was changed, and is graded as it was handed out")
            place.setdefault(i, len(students))
    return students, place


def put_back(given, students, place, remarks):
    """Put the assignment's locked cells, and answers that were deleted, among the student's cells.

    A cell goes where it stood, if that is after every answer before it; else as late as a test can,
    or as early as anything else can.
    """
    own = [i for i, cell in enumerate(given) if role(cell) != "plain"]
    insert, floor = {}, 0
    for n, i in enumerate(own):
        kind, name = role(given[i]), about(given[i])["grade_id"]
        answers = [place[k] + 1 for k in own[:n] if role(given[k]) in ANSWERS and k in place]
        lowest = max([floor, *answers])
        if kind in ANSWERS and i in place:
            continue
        if i not in place:
            remarks.append(
                f"{name}: was deleted" + ("" if kind in ANSWERS else ", and is put back")
            )
        if kind not in ANSWERS and place.get(i, -1) >= lowest:
            here = place[i]
        elif kind == "test":
            later = [place[k] for k in own[n + 1 :] if k in place and place[k] >= lowest]
            here = min(later, default=len(students))
        else:
            here = lowest
        insert.setdefault(here, []).append(copy.deepcopy(given[i]))
        floor = here
    cells = []
    for position in range(len(students) + 1):
        cells += insert.get(position, []) + students[position : position + 1]
    return cells


def with_text(own, cell):
    """The assignment's cell `own` with the text, the pictures and the outputs of `cell`."""
    restored = copy.deepcopy(own)
    restored.source = cell.source
    if restored.cell_type == "code":
        restored.outputs = printed(cell)
    if "attachments" in cell and restored.cell_type == "markdown":
        restored.attachments = cell.attachments
    return restored


def plain(cell, given=False):
    """A student's own cell without metadata; `given` for one that stands there as handed out."""
    kinds = {"code": nbformat.v4.new_code_cell, "raw": nbformat.v4.new_raw_cell}
    clean = kinds.get(cell.cell_type, nbformat.v4.new_markdown_cell)(cell.source)
    if "attachments" in cell and cell.cell_type == "markdown":
        clean.attachments = cell.attachments
    if cell.cell_type == "code":
        clean.outputs = printed(cell)
    clean.metadata = {"given": True} if given else {}
    return clean


def printed(cell):
    """Of a cell's outputs what can be shown: text and pictures, cut, without metadata."""
    shown = []
    for output in (cell.get("outputs") or [])[:OUTPUTS]:
        kind, data = output.get("output_type"), output.get("data") or {}
        if kind == "stream":
            shown.append(new_output("stream", text=cut(output.get("text"), TEXT)))
        elif kind == "error":
            lines = [cut(line, TEXT) for line in output.get("traceback", [])[-20:]]
            shown.append(new_output("error", ename="", evalue="", traceback=lines))
        elif isinstance(data.get("image/png"), (str, list)):
            shown.append(new_output("display_data", {"image/png": cut(data["image/png"], PICTURE)}))
        elif "text/plain" in data:
            shown.append(new_output("display_data", {"text/plain": cut(data["text/plain"], TEXT)}))
    return shown


def cut(text, most):
    """A text of an output, which may be a list of lines, cut to so many characters."""
    joined = "".join(map(str, text)) if isinstance(text, list) else str(text)
    return joined if len(joined) <= most else joined[: most // 2] + "\n[...]"


def valid(cells):
    """A notebook of these cells, which has passed the checks of the format.

    Raises:
        nbformat.ValidationError, UnicodeEncodeError: some part is nothing that a file can hold.
    """
    seen, numbers = set(), count()
    for cell in cells:
        if not re.fullmatch(r"[\w-]{1,64}", str(cell.get("id", ""))) or cell.id in seen:
            cell.id = next(f"cell-{n}" for n in numbers if f"cell-{n}" not in seen)
        seen.add(cell.id)
    book = nbformat.v4.new_notebook(cells=cells, metadata=METADATA)
    nbformat.validate(book)
    nbformat.writes(book).encode("utf-8")
    return book
