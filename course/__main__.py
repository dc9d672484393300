"""The course's commands; `make assignments`, `make assignment` and `make grade` call them.

    python -m course assignments                  all students' versions, into book/assignments/
    python -m course assignment A                 a zip to hand out, and the solution
    python -m course autograder A                 graders for Gradescope and GitHub Classroom
    python -m course grade A FROM [--to FOLDER]   marks.csv and feedback pages, into grades/A/
    python -m course check A                      whether every wrong answer loses its marks

A is an assignment's name, or its number.
"""

import argparse
import os
import sys
from pathlib import Path

from course import assignment
from course.assignment import ROOT, Mistake, named
from course.collect import NotANotebook

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before numpy: processes are forked from here


def assignments(options):
    """Write the students' versions of all assignments."""
    print(*assignment.write_pages(options.to or assignment.PAGES), sep="\n")


def hand_out(options):
    """Write a zip to hand out, and the solution to publish when all is handed in."""
    packed, solution = assignment.write_handout(named(options.assignment))
    print(f"To hand out:                          {packed}")
    print(f"To publish when all is handed in:     {solution} (without hidden tests)")


def autograder(options):
    """Write an autograder for Gradescope, and a template repository for GitHub Classroom."""
    from course import service  # numpy and others that hand-outs do without

    name = named(options.assignment)
    print(f"For Gradescope, Autograder zip:       {service.write_gradescope(name)}")
    print(f"For GitHub Classroom, template:       {service.write_classroom(name)}")


def grade(options):
    """Grade a folder of downloads."""
    from course.grade import grade_all  # nbconvert and others that hand-outs do without
    from course.grading import CELL_SECONDS, Limits

    name = named(options.assignment)
    if not options.downloads:
        raise Mistake(
            "Which downloads? FROM=folder names the folder, or the zip file, that the platform gave"
            " you."
        )
    to = (options.to or ROOT / "grades" / name).expanduser().resolve()
    limits = Limits(options.seconds or CELL_SECONDS, sandboxed=not options.no_sandbox)
    how = {"jobs": options.jobs, "late": options.late / 100, "roster": options.roster}
    try:
        ungraded = grade_all(name, options.downloads, to, limits, **how)
    except KeyboardInterrupt:
        print(f"\nInterrupted. What is graded is in {to}; the same command goes on from there.")
        return 130
    if ungraded:
        print(f"NOT GRADED, {len(ungraded)}: {', '.join(ungraded)}")
    return 1 if ungraded else 0


def check(options):
    """Grade the reference, the untouched version and every wrong answer: a table of marks."""
    from course import trial
    from course.grading import CELL_SECONDS, Limits

    limits = Limits(options.seconds or CELL_SECONDS, sandboxed=not options.no_sandbox)
    lines, faults = trial.check(named(options.assignment), limits, options.jobs)
    print(*lines, *(f"FAULT {fault}" for fault in faults), sep="\n")
    return bool(faults)


def main():
    """Run the command that the arguments name. Returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m course", description=__doc__.split("\n")[0])
    commands = parser.add_subparsers(required=True)
    for name, run in [
        ("assignments", assignments),
        ("assignment", hand_out),
        ("autograder", autograder),
        ("grade", grade),
        ("check", check),
    ]:
        command = commands.add_parser(name, help=run.__doc__)
        command.set_defaults(run=run)
        if name != "assignments":
            command.add_argument("assignment", nargs="?", default="")
        if name == "grade":
            command.add_argument("downloads", nargs="?", default="")
        if name in ("assignments", "grade"):
            command.add_argument("--to", type=Path, help="folder to write into")
        if name in ("grade", "check"):
            command.add_argument("--no-sandbox", action="store_true", help="put no walls around it")
            command.add_argument("--seconds", type=float, help="time limit of a cell")
            command.add_argument("--jobs", type=int, help="students graded at a time")
        if name == "grade":
            command.add_argument(
                "--late", type=float, default=0.0, help="per cent that a late day takes"
            )
            command.add_argument("--roster", type=Path, help="the platform's table of all students")
    options = parser.parse_args()
    from course.sandbox import NoSandbox

    try:
        return int(options.run(options) or 0)
    except (Mistake, NoSandbox, NotANotebook) as error:
        print(error, file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
