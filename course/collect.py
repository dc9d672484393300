"""From a folder or zip of downloads to one notebook for each student, by the names of the files.

Canvas, Moodle, Blackboard, Brightspace and people name files differently. Nothing is unpacked:
files of a zip are read from it when they are wanted, none larger than a notebook can be.
"""

import io
import json
import re
import time
import unicodedata
import zipfile
import zlib
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

import nbformat

from course.repair import belongs, repair

LARGEST = 50 << 20  # bytes of one file
ENTRIES, TOGETHER = 1000, 200 << 20  # files and bytes of a zip that a student hands in
PLATFORMS = {
    # lastnamefirstname_LATE_4711_815_file-2.ipynb, anonymous_aB3xZ_815_file.ipynb
    "Canvas": r"(?P<name>[^_]+)(?P<late>_LATE)?_(?P<number>\d+)_\d+_(?P<file>.+)",
    "Canvas, anonymous": r"(?P<name>anon(?:ymous)?)(?P<late>_LATE)?_"
    r"(?P<number>\w{5})_\d+_(?P<file>.+)",
    # First Last_4711_assignsubmission_file_file.ipynb, or a folder of that name
    "Moodle": r"(?P<name>.+?)_(?P<number>\d+)_assignsubmission_[a-z]+(?:_(?P<file>.*))?",
    # Homework 1_anna_attempt_2026-11-29-10-11-12_file.ipynb
    "Blackboard": r".+?_(?P<name>[^_]+)_attempt_(?P<time>\d{4}(?:-\d\d){5})(?:_(?P<file>.*)|\.txt)",
    # 123-456 - Anna Li - Nov 29, 2026 1011 AM - file.ipynb, or a folder
    "Brightspace": r"(?P<number>\d+)-\d+ - (?P<name>.+?) - "
    r"(?P<time>\w{3,9} \d{1,2}, \d{4} \d{3,4} [AP]M)(?: - (?P<file>.*))?",
}
ATTEMPT = re.compile(r"-(\d+)$|\s?\((\d+)\)$")
ENDINGS = re.compile(r"(\.(ipynb|json|txt|zip|html?|pdf|py|docx?))+$", re.I)
DECORATION = re.compile(
    r"(?i)\s?\(\d+\)|[-_ ]copy\d*\b|\bcopy[-_ ]of\b"
    r"|[-_ ]+(final|fixed|solution|submission|homework|assignment)\b"
)
IGNORED = re.compile(r"^(\.|__MACOSX$|Thumbs\.db$|desktop\.ini$)")


class NotANotebook(Exception):
    """A file that holds no notebook; the message says what it holds."""


@dataclass
class File:
    """A file of the downloads, on the disk or in a zip."""

    path: Path  # within the downloads, legible
    source: Path  # the file, or the zip
    entry: zipfile.ZipInfo | None = None
    size: int = 0
    time: float = 0.0

    def read(self):
        """The bytes of the file.

        Raises:
            NotANotebook: it is damaged, has a password, or is too large.
        """
        if self.size > LARGEST:
            raise NotANotebook(f"it has more than {LARGEST >> 20} megabytes")
        try:
            if self.entry is None:
                return self.source.read_bytes()
            with zipfile.ZipFile(self.source) as packed:
                return entry_bytes(packed, self.entry)
        except NotANotebook:
            raise
        except Exception as error:  # zipfile raises many kinds for what is damaged
            raise NotANotebook("it cannot be unpacked: damaged, or with a password") from error


@dataclass
class HandIn:
    """What one student handed in."""

    student: str  # letters and digits, the name of the student's files and row
    name: str  # as the download says
    number: str = ""  # the platform's number of the student, if the download says it
    late: bool = False
    files: list = field(default_factory=list)
    remarks: list = field(default_factory=list)


def entry_bytes(packed, entry):
    """The bytes of a zip's entry, which may be larger than it says."""
    with packed.open(entry) as stream:
        data = stream.read(LARGEST + 1)
    if len(data) > LARGEST:
        raise NotANotebook(f"it has more than {LARGEST >> 20} megabytes")
    return data


def read(data):
    """The notebook in these bytes of a file.

    Raises:
        NotANotebook: there is none.
    """
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


def slug(name):
    """A name in letters and digits; not a number, which a spreadsheet would round."""
    plain = re.sub(r"[\W_]+", "-", unicodedata.normalize("NFC", name)).strip("-") or "unnamed"
    return plain[:60] if plain[0].isalpha() else f"id-{plain[:60]}"


def same(name):
    """A name as it is compared: accents tell two people apart, capitals and separators do not."""
    return re.sub(r"[\s_.-]+", " ", unicodedata.normalize("NFC", name).lower())


def legible(text):
    """A text that a terminal can show: what steers it, or is half a letter, is `?`."""
    known = str(text).encode("utf-8", "replace").decode()
    return "".join(c if c.isprintable() else "?" for c in known)


def downloaded(source):
    """The files of a folder or zip of downloads, without what operating systems leave there.

    Raises:
        NotANotebook: it is neither.
    """
    if source.is_dir():
        found = [
            File(Path(legible(path.relative_to(source))), path, None, stat.st_size, stat.st_mtime)
            for path in sorted(source.rglob("*"))
            if path.is_file() and not path.is_symlink() and (stat := path.stat())
        ]
    elif not source.exists():
        raise NotANotebook(f"there is no folder {source}")
    elif not zipfile.is_zipfile(source):
        raise NotANotebook(f"{source} is neither a folder nor a zip file of downloads")
    else:
        with zipfile.ZipFile(source) as packed:
            found = [
                File(zip_path(entry), source, entry, entry.file_size, zip_time(entry))
                for entry in sorted(packed.infolist(), key=lambda entry: entry.filename)
                if not entry.is_dir()
            ]
    return [f for f in found if f.path.parts and not any(map(IGNORED.match, f.path.parts))]


def zip_path(entry):
    """The path of a zip's entry, in which nothing leads upwards."""
    parts = PurePosixPath(entry.filename.replace("\\", "/")).parts
    return Path(*(legible(part) for part in parts if part.strip("/.")))


def zip_time(entry):
    """When the file of a zip's entry was written, in seconds."""
    try:
        return time.mktime((*entry.date_time, 0, 0, -1))
    except (ValueError, OverflowError):
        return 0.0


def platform(text):
    """The match of the platform whose number or time stands first in a name, and how many fit."""
    found = [match for p in PLATFORMS.values() if (match := re.fullmatch(p, text, re.I))]
    marks = [r"_\d+_assignsubmission_", r"_attempt_\d{4}-\d\d-"]
    readings = max([len(found), *(len(re.findall(mark, text)) for mark in marks)])
    return min(found, key=said_at, default=None), readings


def said_at(match):
    """Where a name's match says who it is."""
    return match.start("number" if "number" in match.re.groupindex else "time")


def whose(path, assignment):
    """Whose a file of the downloads is: (name, number, late, in how many ways its name reads).

    How files are called within a student's folder says nothing. The name is empty where a file's
    own says no more than the assignment.
    """
    match, readings = platform(path.parts[0])
    if match:
        said = match.groupdict()
        name = re.sub(r"_+", " ", said["name"]).strip()
        if name.lower() in ("anon", "anonymous"):
            name = f"anonymous {said['number']}"
        return name, said.get("number") or "", bool(said.get("late")), readings
    if len(path.parts) > 1:
        return path.parts[0], "", False, 1
    stem = DECORATION.sub("", ENDINGS.sub("", path.name))
    stem = re.sub(re.escape(assignment).replace(r"\-", r"[-_ ]?"), "", stem, flags=re.I)
    return stem.strip(" -_."), "", False, 1


def enclosing(paths, assignment):
    """How many folders lie around all downloads, so that none of them is a student's.

    In such a folder are notebooks of several names.
    """
    around = 0
    for folders in zip(*(path.parts[:-1] for path in paths), strict=False):
        if platform(folders[0])[0]:
            return around
        if len(set(folders)) > 1:
            break
        around += 1
    inside = [
        whose(Path(*path.parts[around:]), assignment)
        for path in paths
        if path.suffix in (".ipynb", ".zip")
    ]
    several = len({number or same(name) for name, number, *_ in inside} - {""}) > 1
    return around if several else max(around - 1, 0)


def collect(source, assignment):
    """A `HandIn` for each student whose files are in `source`, a folder or a zip file.

    Raises:
        NotANotebook: `source` is neither.
    """
    files = downloaded(Path(source).expanduser())
    around = enclosing([file.path for file in files], assignment)
    found = {}
    for file in files:
        path = Path(*file.path.parts[around:])
        name, number, late, readings = whose(path, assignment)
        nameless = not name
        name = name or ENDINGS.sub("", path.name)
        hand_in = found.setdefault(number or same(name), HandIn(slug(name), name, number))
        hand_in.files.append(file)
        hand_in.late |= late
        notes = {
            f"the name of {path.parts[0]} reads in {readings} ways: see whose it is": readings > 1,
            "the file's name tells no student": nameless,
            "handed in late": late,
        }
        hand_in.remarks += [
            note for note, true in notes.items() if true and note not in hand_in.remarks
        ]
    return distinct(list(found.values()))


def distinct(hand_ins):
    """The hand-ins by student; two students of one name, or of names alike in letters, differ."""
    names = [hand_in.student.lower() for hand_in in hand_ins]
    for hand_in in hand_ins:
        if names.count(hand_in.student.lower()) > 1:
            check = format(zlib.crc32(same(hand_in.name).encode()) & 0xFFFF, "04x")
            hand_in.student += f"-{hand_in.number or check}"
    return sorted(hand_ins, key=lambda hand_in: hand_in.student.lower())


def page_of(download):
    """Where a page goes within feedback/: named as its download is, as Moodle and Canvas ask.

    No two students' downloads give one page: only the endings are cut off that tell no student.
    """
    path = Path(download)
    stem = shortened(ENDINGS.sub("", path.name) or path.name, 255 - len("-feedback.html"))
    return Path(*(shortened(part, 255) for part in path.parent.parts), f"{stem}-feedback.html")


def shortened(name, most):
    """A name of so many bytes at most; of two that begin alike, each has its own."""
    if len(name.encode()) <= most:
        return name
    check = format(zlib.crc32(name.encode()), "08x")
    return name.encode()[: most - 9].decode(errors="ignore") + f"-{check}"


def attempt(file):
    """What tells a later file from an earlier one: a time or number in its name, its time."""
    match, _ = platform(file.path.name)
    said = match.groupdict().get("time") if match else ""
    number = ATTEMPT.search(file.path.name.split(".")[0])
    when = re.sub(r"\D", "", said or "") if "-" in (said or "") else ""
    return when, int(next(filter(None, number.groups()))) if number else 0, file.time


def inside(file, data):
    """(name, order, bytes) of a file, or of the files of a zip that a student handed in.

    Raises:
        NotANotebook: the zip is too large, or damaged.
    """
    if not zipfile.is_zipfile(io.BytesIO(data)):
        return [(file.path.name, (attempt(file), 0.0), data)]
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as packed:
            entries = [
                entry
                for entry in packed.infolist()
                if not entry.is_dir() and not any(map(IGNORED.match, zip_path(entry).parts))
            ]
            if len(entries) > ENTRIES or sum(entry.file_size for entry in entries) > TOGETHER:
                raise NotANotebook(f"it unpacks to more than {TOGETHER >> 20} megabytes")
            return [
                (zip_path(entry).name, (attempt(file), zip_time(entry)), unpacked(packed, entry))
                for entry in entries
            ]
    except NotANotebook:
        raise
    except Exception as error:
        raise NotANotebook(f"it cannot be unpacked: {type(error).__name__}") from error


def unpacked(packed, entry):
    """The bytes of a zip's entry, or the error that says why there are none."""
    try:
        return entry_bytes(packed, entry)
    except NotANotebook as error:
        return error
    except Exception:  # of many kinds; the others are to be read all the same
        return NotANotebook("it cannot be unpacked: damaged, or with a password")


def choose(hand_in, given):
    """The last notebook of a student that belongs to the assignment, repaired.

    Returns:
        The notebook, or None; the path of its download; remarks.
    """
    books, others = [], []
    for file in hand_in.files:
        try:
            candidates = inside(file, file.read())
        except NotANotebook as error:
            others.append(f"{file.path.name}: {error}")
            continue
        for name, order, data in candidates:
            try:
                if isinstance(data, NotANotebook):
                    raise data
                book = read(data)
                if belongs(given, book) < 0.2:
                    raise NotANotebook("a notebook of something else")
                books.append((order, str(file.path), name, *repair(given, book)))
            except NotANotebook as error:
                others.append(f"{name}: {error}")
            except Exception as error:  # a notebook's parts may be anything that JSON can hold
                kind = type(error).__name__
                others.append(f"{name}: it cannot be read as a notebook ({kind})")
    if not books:
        nothing = "nothing to grade: " + "; ".join(others[:3] or ["an empty zip file"])
        return None, str(hand_in.files[0].path), [nothing]
    _, download, name, book, remarks = max(books, key=lambda found: found[:2])
    several = [f"{len(books)} notebooks, graded the last: {name}"] if len(books) > 1 else []
    broken = [said for said in others if ".ipynb: it " in said][:3]
    return book, download, several + remarks + broken
