"""From a folder of downloads to one notebook for each student, by the names that Canvas and Moodle give and those that people give."""

import re
import tempfile
import unicodedata
import zipfile
from dataclasses import dataclass, field
from pathlib import Path

from repair import NotANotebook, belongs, read

# Canvas: lastnamefirstname_LATE_4711_815_file-2.ipynb; Moodle: "First Last_4711_assignsubmission_file_file.ipynb", or a folder of that name
CANVAS = re.compile(r"(?P<name>[^_]+)(?P<late>_LATE)?_(?P<number>\d+)_\d+_(?P<file>.+)", re.I)
MOODLE = re.compile(r"(?P<name>.+)_(?P<number>\d+)_assignsubmission_[a-z]+(?:_(?P<file>.*))?", re.I)
ATTEMPT = re.compile(r"-(\d+)$|\s?\((\d+)\)$")
DECORATION = re.compile(r"(?i)\s?\(\d+\)|[-_ ]copy\d*\b|\bcopy[-_ ]of\b|[-_ ]+(final|fixed|solution|submission|homework|assignment)\b|\.ipynb")
IGNORED = re.compile(r"^(\.|__MACOSX$|Thumbs\.db$|desktop\.ini$)")
LARGEST = 200 << 20  # bytes that a zip file may unpack to


@dataclass
class Submission:
    """What one student handed in: the notebook to grade, or none and a remark that says why."""

    student: str  # plain letters, for folders and nbgrader
    name: str  # as the download says
    number: str = ""  # the platform's number of the student, if the download says it
    download: str = ""  # the file within the folder of downloads
    path: Path | None = None
    book: object = None
    remarks: list = field(default_factory=list)


def slug(name):
    """A name in plain letters: `José Núñez` is `Jose-Nunez`."""
    plain = unicodedata.normalize("NFKD", name)
    plain = "".join(c for c in plain if not unicodedata.combining(c))
    return re.sub(r"[^A-Za-z0-9]+", "-", plain).strip("-") or "-".join(f"{ord(c):x}" for c in name[:12]) or "unnamed"


def files(folder):
    """All files below a folder, sorted, without what operating systems leave there."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink() and not any(IGNORED.match(part) for part in path.relative_to(folder).parts):
            yield path


def unpack(archive, folder):
    """Unpack a zip file, if it is no larger than a course's homework can be."""
    with zipfile.ZipFile(archive) as packed:
        if sum(entry.file_size for entry in packed.infolist()) > LARGEST:
            raise NotANotebook(f"{archive.name} unpacks to more than {LARGEST >> 20} megabytes")
        packed.extractall(folder)


def whose(relative, assignment):
    """(name, number, late) of the student whose file stands at the path `relative` of the downloads."""
    for part in relative.parts:
        for pattern in (MOODLE, CANVAS):
            said = pattern.fullmatch(part)
            if said:
                return said["name"].replace("_", " ").strip(), said["number"], bool(said.groupdict().get("late"))
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
        folder = source
        if source.is_file():
            if not zipfile.is_zipfile(source):
                raise NotANotebook(f"{source} is neither a folder nor a zip file of downloads")
            folder = scratch / "downloads"
            unpack(source, folder)
        elif not source.is_dir():
            raise NotANotebook(f"there is no folder {source}")
        found = {}
        for path in files(folder):
            relative = path.relative_to(folder)
            name, number, late = whose(relative, assignment)
            entry = found.setdefault(number or slug(name).lower(), (Submission(slug(name), name, number), []))
            if late and "handed in late" not in entry[0].remarks:
                entry[0].remarks.append("handed in late")
            within = [path]
            if zipfile.is_zipfile(path):
                inside = scratch / f"inside-{len(found)}-{len(entry[1])}"
                try:
                    unpack(path, inside)
                    within = list(files(inside))
                except (NotANotebook, zipfile.BadZipFile, RuntimeError) as error:
                    entry[0].remarks.append(str(error))
            entry[1].extend((inner, relative) for inner in within)
        submissions = [choose(submission, candidates, given) for submission, candidates in found.values()]
    taken = {}
    for submission in submissions:  # two students of one name
        taken[submission.student.lower()] = taken.get(submission.student.lower(), 0) + 1
    for submission in submissions:
        if taken[submission.student.lower()] > 1 and submission.number:
            submission.student += f"-{submission.number}"
    return sorted(submissions, key=lambda s: s.student.lower())


def choose(submission, candidates, given):
    """Give a submission the last notebook of the student that belongs to the assignment."""
    books, others = [], []
    for path, relative in candidates:
        try:
            book = read(path)
            share = belongs(given, book)
            if share >= 0.2:
                books.append((attempt(path), str(relative), path, book))
            else:
                others.append(f"{path.name}: a notebook of something else")
        except NotANotebook as error:
            others.append(f"{path.name}: {error}")
    if books:
        _, submission.download, submission.path, submission.book = max(books, key=lambda b: b[:2])
        if len(books) > 1:
            submission.remarks.append(f"{len(books)} notebooks, graded the last: {submission.path.name}")
    else:
        submission.download = str(candidates[0][1])
        submission.remarks.append("nothing to grade: " + "; ".join(others[:3]))
    return submission
