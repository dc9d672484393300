"""From downloads to marks.csv and feedback pages: each hand-in in a process of its own.

What was found in a hand-in is kept in results/. It is graded again only when the hand-in, the
assignment or a limit has changed, so a run that was interrupted goes on, and marking by hand runs
no code. No hand-in can stop the others: its process has a time and a memory of its own.
"""

import contextlib
import copy
import hashlib
import json
import multiprocessing
import os
import resource
import shutil
import signal
import sys
import zipfile
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from pathlib import Path

import nbformat
import psutil
from tqdm import tqdm

from course import sandbox
from course.assignment import Mistake, about, role, source, student_version, text, written
from course.collect import HandIn, choose, collect, page_of
from course.grading import Limits
from course.grading import grade as tested
from course.marks import Result, Table
from course.page import page

MEMORY, SECONDS = 4 << 30, 90  # of the process of one hand-in, beside what its sandbox takes


@dataclass
class Job:
    """What the process of one hand-in gets."""

    hand_in: HandIn
    before: Result | None
    files: str
    digest: str
    table: Table
    folder: Path
    given: str
    source: str
    limits: Limits


def digest_of(*values):
    """A digest of some values."""
    return hashlib.sha256("\0".join(map(str, values)).encode(errors="replace")).hexdigest()[:32]


def files_digest(hand_in):
    """A digest of all that a student handed in."""
    found = hashlib.sha256()
    for file in hand_in.files:
        try:
            data = file.read()
        except Exception as error:  # said again, and shown, when it is graded
            data = str(error).encode()
        found.update(f"{file.path}\0{len(data)}\0{file.time}\0".encode(errors="replace") + data)
    return found.hexdigest()[:32]


def page_digest(result, marks):
    """A digest of what a page shows."""
    return digest_of(result.digest, result.name, json.dumps(asdict(marks), sort_keys=True))


def load(folder, name):
    """The `Result` that is kept in a file of results/, or None."""
    try:
        return Result(**json.loads((folder / f"results/{name}.json").read_text("utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def put(path, content):
    """Write a file in one step."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(".new-" + path.name[-200:])
    beside.write_text(content, encoding="utf-8")
    beside.replace(path)


def work(job):
    """Grade a hand-in if it has changed, and write its page; runs in a process of its own."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever started it ends it
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    result, place = job.before, job.folder / f"graded/{job.hand_in.student}.ipynb"
    if result is None or result.digest != job.digest:
        result = graded(job, place)
    marks = job.table.marks(result, job.before)
    if result.graded:
        html = page(nbformat.read(place, as_version=4), result, marks)
        put(job.folder / "feedback" / page_of(result.download), html)
        result.page = page_digest(result, marks)
    put(job.folder / f"results/{result.student}.new.json", json.dumps(asdict(result)))


def graded(job, place):
    """The `Result` of a hand-in; its repaired notebook is written to `place`."""
    given, whole = (nbformat.reads(book, as_version=4) for book in (job.given, job.source))
    hand_in = job.hand_in
    result = Result(hand_in.student, hand_in.name, hand_in.number)
    book, result.download, remarks = choose(hand_in, given)
    result.remarks = hand_in.remarks + remarks
    result.files, result.digest = job.files, job.digest
    if book is None:
        return result
    found, result.notes = tested(book, whole, job.limits)
    result.tests = {name: asdict(test) for name, test in found.items()}
    asked = {about(cell).get("grade_id"): text(cell) for cell in given.cells}
    for cell in book.cells:
        if role(cell) == "written":
            name = about(cell)["grade_id"]
            beside = any(said.startswith(f"{name}: is untouched, but") for said in remarks)
            untouched = text(cell) == asked[name] and not beside
            answer = digest_of(text(cell), json.dumps(cell.get("attachments", {}), sort_keys=True))
            result.written[name] = {"answer": answer, "untouched": untouched}
    result.graded = True
    put(place, written(book))
    return result


def in_a_process(context, job, running):
    """Run `work`, with a time limit. Returns what went wrong, or nothing."""
    process = context.Process(target=work, args=(job,), daemon=False)
    process.start()
    running.add(process)
    process.join(job.limits.total + SECONDS)
    late = process.is_alive()
    end(process)
    running.discard(process)
    if late:
        return f"the grader was not done after {job.limits.total + SECONDS:g} seconds"
    return f"the grader failed on it (exit {process.exitcode})" if process.exitcode else ""


def end(process):
    """End a process and all that it started."""
    with contextlib.suppress(psutil.Error):
        for child in psutil.Process(process.pid).children(recursive=True):
            with contextlib.suppress(psutil.Error):
                child.kill()
    process.kill()
    process.join()


def given_notebook(name, folder):
    """The students' version as text; made by nbgrader once, until the source changes."""
    key = digest_of(written(source(name)))
    place = folder / f"results/.given-{key}.ipynb"
    if not place.exists():
        put(place, written(student_version(name)))
    return place.read_text(encoding="utf-8")


def grade_all(name, downloads, out, limits=None, jobs=None, late=0.0, say=print):
    """Grade what is in `downloads`; write marks.csv, feedback/ and feedback.zip into `out`.

    Args:
        name: the assignment.
        downloads: a folder or a zip.
        limits: a `Limits`.
        jobs: how many hand-ins are graded at a time; as many as there are cores, if None.
        late: the share of the points that a day of lateness takes.
        say: prints a line.

    Returns:
        The `Table`, and the students who were not graded.

    Raises:
        Mistake: something that the teacher can put right.
    """
    limits = limits or Limits()
    if limits.sandboxed:
        sandbox.check()
    else:
        say("WITHOUT A SANDBOX: what was handed in can read and change all that you can.")
    out, whole = Path(out).expanduser().resolve(), source(name)
    hand_ins = collect(downloads, name)
    if not hand_ins:
        raise Mistake(f"There are no files in {downloads}.")
    out.mkdir(parents=True, exist_ok=True)
    table = Table(out / "marks.csv", whole, late)
    given, results, todo = given_notebook(name, out), {}, []
    for hand_in in hand_ins:
        before, files = load(out, hand_in.student), files_digest(hand_in)
        digest = digest_of(files, written(whole), limits.seconds, *hand_in.remarks)
        only = copy.copy(table)
        download = before.download if before else str(hand_in.files[0].path)
        only.rows = {hand_in.student: table.row(hand_in.student, download)}
        job = Job(hand_in, before, files, digest, only, out, given, written(whole), limits)
        if before and before.digest == digest:
            marks = only.marks(before, before)
            path = out / "feedback" / page_of(before.download)
            if not before.graded or before.page == page_digest(before, marks) and path.exists():
                results[hand_in.student] = before
                table.put(before, marks)
                continue
        todo.append(job)
    failed = run(todo, table, results, jobs or os.cpu_count() or 1, say)
    publish(out, results.values())
    nobodys = (
        table.rows.keys()
        - {h.student for h in hand_ins}
        - {path.stem for path in out.glob("results/*.json")}
    )
    for student in sorted(nobodys):
        say(f"{table.path}: the row {student!r} is nobody's; what it says counts for no one")
    return table, sorted({*failed, *(s for s, result in results.items() if not result.graded)})


def run(jobs, table, results, at_a_time, say):
    """Run the jobs, write marks.csv as they come; returns the students who were not graded."""
    failed, running = [], set()
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["course.grade"])
    shape = "{n} of {total}, {remaining} left {bar:30}"
    bar = tqdm(total=len(jobs), bar_format=shape, disable=not sys.stderr.isatty())
    pool = ThreadPoolExecutor(at_a_time)
    waiting = {pool.submit(in_a_process, context, job, running): job for job in jobs}
    try:
        for number, done in enumerate(as_completed(waiting), 1):
            job, student = waiting[done], waiting[done].hand_in.student
            wrong, result = done.result(), load(job.folder, f"{student}.new")
            if wrong or result is None:
                failed.append(student)
                result = Result(student, job.hand_in.name, job.hand_in.number)
                result.remarks = [*job.hand_in.remarks, f"NOT GRADED: {wrong}"]
                result.download = str(job.hand_in.files[0].path)
            else:
                results[student] = result
            marks = job.table.marks(result, job.before)
            table.put(result, marks)
            table.write()
            if student in results:  # last, so that no old mark is taken for a new answer's
                new = job.folder / f"results/{student}.new.json"
                new.replace(new.with_name(f"{student}.json"))
            bar.update()
            with bar.external_write_mode():
                say(f"{number:4} of {len(jobs)}  {line(result, marks, table)}")
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
        for process in [*running]:
            with contextlib.suppress(ValueError, AssertionError):
                end(process)
        bar.close()
        table.write()
    return failed


def line(result, marks, table):
    """What is said of a student."""
    notes = [*result.remarks, *marks.remarks]
    if not result.graded:
        return f"{result.student:24} not graded: {'; '.join(notes)}"
    waiting = sum(mark is None for mark in marks.points().values())
    most = sum(table.points[test] for test in table.tests)
    notes = [f"{waiting} to mark by hand"] * bool(waiting) + notes
    notes += [f"LOOK: {note}" for note in result.look[:3]]
    points = sum((marks.tests | marks.overruled).values())
    return f"{result.student:24} {points:g} of {most:g}{'; ' * bool(notes)}{'; '.join(notes)}"


def publish(out, results):
    """Keep one page a student in feedback/, and pack all of them into feedback.zip."""
    pages = {page_of(result.download) for result in results if result.graded}
    folder, packed = out / "feedback", out / "feedback.zip"
    for path in sorted(folder.rglob("*"), reverse=True):
        if path.is_dir() and not any(path.iterdir()):
            path.rmdir()
        elif path.is_file() and path.relative_to(folder) not in pages:
            path.unlink()
    with zipfile.ZipFile(out / ".new-feedback.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(pages):
            if (folder / name).exists():
                archive.write(folder / name, name)
    shutil.move(out / ".new-feedback.zip", packed)
