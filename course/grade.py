"""From a folder of downloads to marks.csv and feedback pages."""

import os
import shutil
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

import nbformat

from course.assignment import COURSE, Mistake, about, source, student_version, written
from course.collect import collect
from course.marks import Table


def grade_all(
    name, downloads, out, sandboxed=True, seconds=None, jobs=None, say=print, feedback=True
):
    """Grade what is in `downloads` and write marks.csv, feedback/ and feedback.zip into `out`. Returns the table."""
    from course import grading, sandbox  # need nbgrader, which the tests of the parts do without

    if sandboxed:
        sandbox.check()
    else:
        say("WITHOUT A SANDBOX: what was handed in can read and change all that you can.")
    out, work = Path(out), Path(out) / "nbgrader"
    out.mkdir(parents=True, exist_ok=True)
    table = Table(out / "marks.csv", source(name))
    begun = work / f"source/{name}/{name}.ipynb"
    if (
        begun.exists()
        and begun.read_bytes() != (COURSE / f"source/{name}/{name}.ipynb").read_bytes()
    ):
        raise Mistake(
            f"{name} has changed since {out} was begun: grade into another folder (TO=...), or delete that one."
        )
    given = student_version(name, work, record=True)
    submissions = collect(downloads, name, given)
    if not submissions:
        raise Mistake(f"There are no files in {downloads}.")
    ready = []
    for submission in submissions:
        by_hand, comments = table.by_hand(submission.student)
        if submission.book is None:
            table.put(submission, None, by_hand, comments)
            say(f"{submission.student:24} not graded: {'; '.join(submission.remarks)}")
            continue
        book = submission.book
        place = work / f"submitted/{submission.student}/{name}/{name}.ipynb"
        if place.exists() and by_hand:
            before = {
                about(cell).get("grade_id"): cell.source
                for cell in nbformat.read(place, as_version=4).cells
            }
            for cell in book.cells:
                changed = about(cell).get("grade_id")
                if changed in by_hand and cell.source != before.get(changed):
                    del by_hand[changed]
                    table.unmark(submission.student, changed)
                    submission.remarks.append(
                        f"{changed}: the answer has changed since it was marked, mark it anew"
                    )
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(written(book), encoding="utf-8")
        ready.append((submission, by_hand, comments))

    pages = out / "feedback"
    with ProcessPoolExecutor(jobs or min(2, os.cpu_count() or 1)) as pool:
        limit = seconds or grading.CELL_SECONDS
        running = {
            pool.submit(
                grading.grade, work, name, r[0].student, *r[1:], sandboxed, limit, feedback
            ): r
            for r in ready
        }
        for done in as_completed(running):
            submission, by_hand, comments = running[done]
            try:
                found = done.result()
            except Exception as error:  # one submission that nbgrader cannot take must not keep the others from their marks
                submission.remarks.append("nbgrader failed: see the message")
                table.put(submission, None, by_hand, comments)
                say(f"{submission.student:24} NOT GRADED\n{error}")
                continue
            table.put(submission, found, by_hand, comments)
            if feedback:
                page = pages / page_of(submission)
                page.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(work / f"feedback/{submission.student}/{name}/{name}.html", page)
            waiting = sum(mark is None for mark in found.values())
            most = sum(table.points[test] for test in table.tests)
            notes = [f"{waiting} to mark by hand"] * bool(waiting) + submission.remarks
            say(
                f"{submission.student:24} {sum(found[test] for test in table.tests):g} of {most:g}{'; ' if notes else ''}{'; '.join(notes)}"
            )
    table.write()
    if pages.exists():
        shutil.make_archive(str(pages), "zip", pages)
    say(f"\nMarks:    {table.path}\nFeedback: {pages}, and all of it in feedback.zip")
    if table.hand:
        say(
            f"Marked by hand: {', '.join(map(table.title, table.hand))}. Put marks and comments into marks.csv, and grade again for pages and totals."
        )
    return table


def page_of(submission):
    """Where a student's page goes: beside what was downloaded, so that Moodle and Canvas know whose it is."""
    download = Path(submission.download)
    longest = 255 - len("-feedback.html")  # bytes that a file system takes
    return download.with_name(
        f"{download.stem.encode()[:longest].decode(errors='ignore')}-feedback.html"
    )
