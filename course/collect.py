"""From a folder of downloads to one notebook for each student, by the names that Canvas and Moodle give and those that people give."""

import json
import os
import re
import tempfile
import unicodedata
import zipfile
import zlib
from dataclasses import dataclass, field
from pathlib import Path

import nbformat

from course.repair import belongs, repair

# Canvas: lastnamefirstname_LATE_4711_815_file-2.ipynb; Moodle: "First Last_4711_assignsubmission_file_file.ipynb", or a folder of that name
CANVAS = re.compile(r"(?P<name>[^_]+)(?P<late>_LATE)?_(?P<number>\d+)_\d+_(?P<file>.+)", re.I)
MOODLE = re.compile(r"(?P<name>.+)_(?P<number>\d+)_assignsubmission_[a-z]+(?:_(?P<file>.*))?", re.I)
ATTEMPT = re.compile(r"-(\d+)$|\s?\((\d+)\)$")
DECORATION = re.compile(
    r"(?i)\s?\(\d+\)|[-_ ]copy\d*\b|\bcopy[-_ ]of\b|[-_ ]+(final|fixed|solution|submission|homework|assignment)\b|\.ipynb"
)
IGNORED = re.compile(r"^(\.|__MACOSX$|Thumbs\.db$|desktop\.ini$)")
LARGEST = 200 << 20  # bytes that a zip file may unpack to


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


@dataclass
class Submission:
    """What one student handed in: the notebook to grade, or none and a remark that says why."""

    student: str  # plain letters, for folders and nbgrader
    name: str  # as the download says
    number: str = ""  # the platform's number of the student, if the download says it
    download: str = ""  # the file within the folder of downloads
    path: Path | None = None
    book: object = None  # repaired, ready to be graded
    remarks: list = field(default_factory=list)


def slug(name):
    """A name in plain letters: `José Núñez` is `Jose-Nunez`."""
    plain = unicodedata.normalize("NFKD", name)
    plain = "".join(c for c in plain if not unicodedata.combining(c))
    return (
        re.sub(r"[^A-Za-z0-9]+", "-", plain).strip("-")
        or "-".join(f"{ord(c):x}" for c in name[:12])
        or "unnamed"
    )


def same(name):
    """A name as it is compared: capitals and separators do not tell two people apart, accents do."""
    return re.sub(r"[\s_.-]+", " ", unicodedata.normalize("NFC", name).lower())


def files(folder):
    """All files below a folder."""
    return [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]


def unpack(archive, folder):
    """Unpack a zip file, if it is no larger than a course's homework can be. Returns the paths of its files, damaged ones too."""
    paths = []
    try:
        with zipfile.ZipFile(archive) as packed:
            entries = [entry for entry in packed.infolist() if not entry.is_dir()]
            if sum(entry.file_size for entry in entries) > LARGEST:
                raise NotANotebook(f"{archive.name} unpacks to more than {LARGEST >> 20} megabytes")
            for entry in entries:
                path = folder.joinpath(
                    *(part for part in Path(entry.filename).parts if part.strip("/."))
                )
                try:
                    path = Path(packed.extract(entry, folder))
                except (
                    Exception
                ):  # of many kinds; what is missing here, its student's remarks will tell
                    if os.path.isfile(path):
                        path.unlink()
                paths.append(path)
    except NotANotebook:
        raise
    except Exception as error:
        raise NotANotebook(f"{archive.name} cannot be unpacked: {error}") from error
    return paths


def below(folder, paths):
    """(path, path within the folder) of files, sorted, without what operating systems leave there."""
    inner = {path: path.relative_to(folder) for path in sorted(paths)}
    return [
        (path, Path(legible(p)))
        for path, p in inner.items()
        if p.parts and not any(map(IGNORED.match, p.parts))
    ]


def legible(path):
    """A path's text; a character whose encoding is lost becomes `?`."""
    return str(path).encode("utf-8", "replace").decode()


def enclosing(paths, assignment):
    """How many folders lie around all downloads, so that none of them is a student's: in such a folder are notebooks of several names."""
    around = 0
    for folders in zip(*(path.parts[:-1] for path in paths), strict=False):
        if MOODLE.fullmatch(folders[0]):
            return around
        if len(set(folders)) > 1:
            break
        around += 1
    inside = [
        whose(Path(*path.parts[around:]), assignment)
        for path in paths
        if path.suffix in (".ipynb", ".zip")
    ]
    several = len({number or same(name) for name, number, _ in inside} - {same(assignment)}) > 1
    return around if several else max(around - 1, 0)


def whose(relative, assignment):
    """(name, number, late) of the student whose file stands at the path `relative` of the downloads."""
    for pattern in (MOODLE, CANVAS):  # how files are called within a student's folder says nothing
        said = pattern.fullmatch(relative.parts[0])
        if said:
            return (
                said["name"].replace("_", " ").strip(),
                said["number"],
                bool(said.groupdict().get("late")),
            )
    if len(relative.parts) > 1:
        return relative.parts[0], "", False
    stem = DECORATION.sub("", relative.name)
    stem = re.sub(re.escape(assignment).replace(r"\-", r"[-_ ]?"), "", stem, flags=re.I)
    stem = re.sub(r"\.[A-Za-z]{1,5}$", "", stem).strip(" -_.")
    return stem or relative.stem, "", False


def attempt(path):
    """What tells a later file from an earlier one: the platform's or the browser's number, then the time."""
    number = ATTEMPT.search(path.name.split(".")[0])
    return int(next(filter(None, number.groups()))) if number else 0, path.stat().st_mtime


def collect(source, assignment, given):
    """A `Submission` for each student whose files are in `source`, a folder or a zip file. `given` is the notebook that was handed out."""
    source = Path(source)
    with tempfile.TemporaryDirectory() as scratch:
        scratch = Path(scratch)
        if source.is_file():
            if not zipfile.is_zipfile(source):
                raise NotANotebook(f"{source} is neither a folder nor a zip file of downloads")
            folder = scratch / "downloads"
            downloads = below(folder, unpack(source, folder))
        elif source.is_dir():
            downloads = below(source, files(source))
        else:
            raise NotANotebook(f"there is no folder {source}")
        around = enclosing([relative for _, relative in downloads], assignment)
        found = {}
        for path, relative in downloads:
            name, number, late = whose(Path(*relative.parts[around:]), assignment)
            entry = found.setdefault(
                number or same(name), (Submission(slug(name), name, number), [])
            )
            if late and "handed in late" not in entry[0].remarks:
                entry[0].remarks.append("handed in late")
            within = [path]
            if zipfile.is_zipfile(path):
                inside = scratch / f"inside-{len(found)}-{len(entry[1])}"
                try:
                    within = [inner for inner, _ in below(inside, unpack(path, inside))] or [path]
                except NotANotebook as error:
                    entry[0].remarks.append(str(error))
            entry[1].extend((inner, relative) for inner in within)
        submissions = [
            choose(submission, candidates, given) for submission, candidates in found.values()
        ]
    taken = {}
    for (
        submission
    ) in submissions:  # two students of one name, or of names that are alike in plain letters
        taken[submission.student.lower()] = taken.get(submission.student.lower(), 0) + 1
    for submission in submissions:
        if taken[submission.student.lower()] > 1:
            submission.student += f"-{submission.number or format(zlib.crc32(same(submission.name).encode()) & 0xFFFF, '04x')}"
    return sorted(submissions, key=lambda s: s.student.lower())


def choose(submission, candidates, given):
    """Give a submission the last notebook of the student that belongs to the assignment, repaired."""
    books, others = [], []
    for path, relative in candidates:
        name = legible(path.name)
        try:
            book = read(path)
            if belongs(given, book) < 0.2:
                raise NotANotebook("a notebook of something else")
            books.append((attempt(path), str(relative), path, *repair(given, book)))
        except NotANotebook as error:
            others.append(f"{name}: {error}")
        except Exception as error:  # a notebook's parts may be anything that JSON can hold; the others are to be graded all the same
            others.append(f"{name}: it cannot be read as a notebook ({type(error).__name__})")
    if books:
        _, submission.download, submission.path, submission.book, remarks = max(
            books, key=lambda b: b[:2]
        )
        if len(books) > 1:
            submission.remarks.append(
                f"{len(books)} notebooks, graded the last: {legible(submission.path.name)}"
            )
        submission.remarks += remarks + [said for said in others if ".ipynb: it " in said][:3]
    else:
        submission.download = str(candidates[0][1])
        submission.remarks.append("nothing to grade: " + "; ".join(others[:3]))
    return submission
