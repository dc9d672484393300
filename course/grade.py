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
from dataclasses import asdict, dataclass
from functools import partial
from multiprocessing import connection
from pathlib import Path
from time import monotonic

import nbformat
import psutil
from tqdm import tqdm

from course import gradebook, sandbox, sheets
from course.assignment import Mistake, about, role, source, student_version, text, written
from course.collect import HandIn, choose, collect, page_of
from course.grading import Limits
from course.grading import grade as tested
from course.marks import Result, Table
from course.page import page
from course.runner import PATIENCE

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


said_at_once = partial(print, flush=True)  # also where the output is a file or a pipe


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
    beside = path.with_name(f".new-{digest_of(path.name)}")
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


@contextlib.contextmanager
def uninterrupted():
    """Ctrl+C waits: what runs around a fork would swallow it."""
    heard = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, heard)


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


def grade_all(
    name, downloads, out, limits=None, jobs=None, late=0.0, roster=None, say=said_at_once
):
    """Grade what is in `downloads`, and write all that a teacher needs into the folder `out`.

    Args:
        name: the assignment.
        downloads: a folder or a zip.
        limits: a `Limits`.
        jobs: how many hand-ins are graded at a time; as many as there are cores, if None.
        late: the share of the points that a day of lateness takes.
        roster: the platform's table of all students.
        say: prints a line.

    Returns:
        The students who were not graded.

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
    table, results, todo = Table(out / "marks.csv", whole, late), {}, []
    sheets.take_sheets(out / "sheets", table)
    given = given_notebook(name, out)
    for hand_in in hand_ins:
        job = prepared(hand_in, table, out, given, whole, limits)
        if job.before and job.before.digest == job.digest:
            marks = job.table.marks(job.before, job.before)
            if shown_already(job, marks):
                results[hand_in.student] = job.before, marks
                table.put(job.before, marks)
                continue
        todo.append(job)
    failed = run(todo, table, results, jobs or os.cpu_count() or 1, say)
    found = [result for result, _ in results.values()]
    marks = {student: mine for student, (_, mine) in results.items()}
    publish(out, found)
    title = (
        next(c.source for c in whole.cells if c.cell_type == "markdown").split("\n")[0].strip("# ")
    )
    for said in summary(out, given, whole, table, found, marks, title, roster):
        say(said)
    for student in nobodys(table, hand_ins, out):
        say(f"{table.path}: the row {student!r} is nobody's; what it says counts for no one")
    return sorted({*failed, *(result.student for result in found if not result.graded)})


def prepared(hand_in, table, out, given, whole, limits):
    """The `Job` of a hand-in, with the one row of the table that it needs."""
    before, files = load(out, hand_in.student), files_digest(hand_in)
    digest = digest_of(files, written(whole), limits.seconds, *hand_in.remarks)
    only = copy.copy(table)
    download = before.download if before else str(hand_in.files[0].path)
    only.rows = {hand_in.student: table.row(hand_in.student, download)}
    return Job(hand_in, before, files, digest, only, out, given, written(whole), limits)


def shown_already(job, marks):
    """Whether the page of a hand-in that has not changed shows these marks."""
    if not job.before.graded:
        return True
    path = job.folder / "feedback" / page_of(job.before.download)
    return job.before.page == page_digest(job.before, marks) and path.exists()


def nobodys(table, hand_ins, out):
    """The rows of the table that belong to no hand-in of this run or of an earlier one."""
    earlier = {path.stem for path in out.glob("results/*.json")}
    return sorted(table.rows.keys() - {h.student for h in hand_ins} - earlier)


def summary(out, given, whole, table, found, marks, title, roster):
    """Write what shows the class as a whole. Returns lines of what is to be said."""
    handed_in = sheets.books(out, found)
    if table.hand:
        sheets.write_sheets(out / "sheets", whole, handed_in, marks)
    sheets.write_statistics(out / "statistics.csv", table, marks)
    given = nbformat.reads(given, as_version=4)
    alike = sheets.write_similar(out / "similar.csv", handed_in, given)
    lines = ["", f"Marks:    {table.path}"]
    lines.append(f"Feedback: {out / 'feedback'}, and all of it in feedback.zip")
    if table.hand:
        lines.append(f"By hand:  {', '.join(map(table.title, table.hand))}, on {out / 'sheets'}")
    if roster:
        most = sum(table.points.values())
        lines += gradebook.write(Path(roster).expanduser(), out, title, most, found, marks)
    looks = [result.student for result in found if result.look]
    if looks:
        lines.append(f"LOOK AT:  {', '.join(looks)}: the column `look` says why")
    if alike:
        lines.append(f"ALIKE:    {alike} pairs, in {out / 'similar.csv'}")
    return lines


def run(jobs, table, results, at_a_time, say):
    """Run the jobs, write marks.csv as they come; returns the students who were not graded."""
    failed, running, waiting, number = [], {}, jobs[::-1], 0
    context = multiprocessing.get_context("fork")  # from one thread, with all that it needs loaded
    tqdm.monitor_interval = 0
    shape = "{n} of {total}, {remaining} left {bar:30}"
    bar = tqdm(total=len(jobs), bar_format=shape, disable=not sys.stderr.isatty())
    try:
        while waiting or running:
            while waiting and len(running) < at_a_time:
                job = waiting.pop()
                process = context.Process(target=work, args=(job,))
                with uninterrupted():
                    process.start()
                    running[process] = job, monotonic() + PATIENCE * job.limits.total + SECONDS
            connection.wait([process.sentinel for process in running], timeout=1)
            for process, (job, deadline) in [*running.items()]:
                late = monotonic() > deadline
                if process.is_alive() and not late:
                    continue
                end(process)
                del running[process]
                wrong = "the grader took too long" if late else ""
                wrong = wrong or f"the grader failed on it ({process.exitcode})" * bool(
                    process.exitcode
                )
                failed += finish(job, wrong, table, results)
                number += 1
                bar.update()
                with bar.external_write_mode():
                    said = line(*results[job.hand_in.student], table)
                    say(f"{number:4} of {len(jobs)}  {said}")
    finally:
        for process in running:
            end(process)
        bar.close()
        table.write()
    return failed


def finish(job, wrong, table, results):
    """Put what a job found into the table and the results; returns the student if it is nothing."""
    student = job.hand_in.student
    new = job.folder / f"results/{student}.new.json"
    result = None if wrong else load(job.folder, f"{student}.new")
    failed = result is None
    if failed:
        result = Result(student, job.hand_in.name, job.hand_in.number)
        result.remarks = [*job.hand_in.remarks, f"NOT GRADED: {wrong or 'the disk is full?'}"]
        result.download = str(job.hand_in.files[0].path)
    marks = job.table.marks(result, job.before)
    results[student] = result, marks
    table.put(result, marks)
    table.write()
    if not failed:  # last, so that no old mark is taken for a new answer's
        new.replace(new.with_name(f"{student}.json"))
    return [student] if failed else []


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
