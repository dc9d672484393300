"""One hand-in graded where a service runs it: Gradescope's autograder, GitHub Classroom's workflow.

It needs no nbgrader and no nbconvert. Which assignment it is, the two notebooks beside the package
say: given.ipynb, and source.ipynb, which for GitHub Classroom has no hidden tests, since students
can read it there.
"""

import argparse
import base64
import json
import re
import shutil
import sys
import zipfile
from pathlib import Path

import nbformat

from course.assignment import COURSE, HIDDEN, ROOT, about, role, source, student_version, written
from course.collect import HandIn, choose, downloaded
from course.grading import Limits, grade
from course.sandbox import NoSandbox, check

PARTS = ("__init__", "assignment", "collect", "grading", "repair", "runner", "sandbox", "service")
NEEDED = ("numpy", "matplotlib", "nbformat", "ipython", "psutil")
EPOCH = (1980, 1, 1, 0, 0, 0)  # the same zip for every run


def requirements():
    """The pins of what a service installs."""
    pins = (COURSE / "requirements.txt").read_text(encoding="utf-8").splitlines()
    return "".join(f"{pin}\n" for pin in pins if pin.split("==")[0] in NEEDED)


def grader_files(name, hidden):
    """The files of the grader of an assignment, by path."""
    given, whole = written(student_version(name)), written(source(name))
    files = {f"course/{part}.py": (COURSE / f"{part}.py").read_text("utf-8") for part in PARTS}
    files |= {"given.ipynb": given, "source.ipynb": whole if hidden else given}
    return files | {"requirements.txt": requirements()}


def write_gradescope(name, folder=ROOT / "_build/course"):
    """Write the zip that Gradescope takes as an autograder. Returns its path."""
    files = grader_files(name, hidden=True)
    for script in ("setup.sh", "run_autograder"):
        files[script] = (COURSE / f"services/{script}").read_text(encoding="utf-8")
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}-gradescope.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for inner, content in files.items():
            entry = zipfile.ZipInfo(inner, EPOCH)
            entry.external_attr = (
                0o755 << 16 if "." not in inner or inner.endswith(".sh") else 0o644 << 16
            )
            archive.writestr(entry, content, zipfile.ZIP_DEFLATED)
    return path


def write_classroom(name, folder=ROOT / "_build/course"):
    """Write the files of a template repository for GitHub Classroom. Returns its folder."""
    place = folder / f"{name}-classroom"
    shutil.rmtree(place, ignore_errors=True)
    files = {f".github/grader/{p}": c for p, c in grader_files(name, hidden=False).items()}
    workflow = (COURSE / "services/classroom.yml").read_text(encoding="utf-8")
    files |= {".github/workflows/classroom.yml": workflow}
    files[f"{name}.ipynb"] = files[".github/grader/given.ipynb"]
    for inner, content in files.items():
        path = place / inner
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    return place


def graded(submission, given, whole, limits):
    """What is found in a folder that was handed in.

    Returns:
        A dict for each test: name, points, most, message, hidden; remarks; what to look at.
    """
    hidden_folders = (".git", ".github", "grader")
    files = [f for f in downloaded(Path(submission)) if f.path.parts[0] not in hidden_folders]
    hand_in = HandIn("student", "student", files=files)
    if not files:
        return [], ["nothing was handed in"], []
    book, _, remarks = choose(hand_in, given)
    if book is None:
        return [], remarks, []
    found, notes = grade(book, whole, limits)
    cells = {about(cell).get("grade_id"): cell for cell in whole.cells if role(cell) == "test"}
    tests = [
        {
            "name": name,
            "points": test.points,
            "most": float(about(cells[name])["points"]),
            "message": test.message,
            "hidden": bool(HIDDEN.search(cells[name].source)),
        }
        for name, test in found.items()
    ]
    looks = [f"{name}: {note}" for name, test in found.items() for note in test.notes]
    return tests, remarks, notes + looks


def gradescope(tests, remarks, looks):
    """What Gradescope reads as results.json; nobody but the teacher sees what looks unusual."""
    shown = [
        {
            "name": test["name"],
            "score": test["points"],
            "max_score": test["most"],
            "status": "passed" if test["points"] == test["most"] else "failed",
            "output": "" if test["hidden"] else test["message"] or "passed",
        }
        for test in tests
    ]
    if looks:
        note = {"name": "for the teacher", "visibility": "hidden", "output": "\n".join(looks)}
        shown.append(note | {"score": 0, "max_score": 0})
    results = {"tests": shown, "output": "\n".join(remarks), "stdout_visibility": "hidden"}
    return results if tests else results | {"score": 0}


def classroom(tests):
    """What GitHub Classroom's reporter reads: JSON in base64, in one line."""
    most = sum(test["most"] for test in tests)
    passed = all(test["points"] == test["most"] for test in tests) and bool(tests)
    report = {
        "version": 1,
        "status": "pass" if passed else "fail",
        "max_score": most,
        "tests": [
            {
                "name": test["name"],
                "status": "pass" if test["points"] == test["most"] else "fail",
                "score": test["points"],
                "message": test["message"],
            }
            for test in tests
        ],
    }
    return base64.b64encode(json.dumps(report).encode()).decode()


def summary(tests, remarks):
    """The results as a table in Markdown."""
    points, most = (sum(test[key] for test in tests) for key in ("points", "most"))
    lines = [
        f"**{points:g} of {most:g} points**",
        "",
        "| test | points | what was seen |",
        "|---|---|---|",
    ]
    for test in tests:
        said = re.sub(r"[|\n`<>\[\]]", " ", test["message"])[:300] or "passed"
        lines.append(f"| {test['name']} | {test['points']:g} of {test['most']:g} | {said} |")
    return "\n".join(
        [*lines, "", *(f"- {re.sub(r'[<>`]', ' ', remark)}" for remark in remarks), ""]
    )


def main():
    """Grade a submission and write what the service reads; 0 where it was graded."""
    parser = argparse.ArgumentParser(prog="python -m course.service", description=main.__doc__)
    parser.add_argument("submission", type=Path)
    parser.add_argument("--gradescope", type=Path, help="the results.json to write")
    parser.add_argument("--classroom", type=Path, help="the file of a step's outputs to add to")
    parser.add_argument("--summary", type=Path, help="the file of a step's summary to add to")
    parser.add_argument("--user", help="who runs the answers where a sandbox is forbidden")
    options = parser.parse_args()
    beside = COURSE.parent
    given, whole = (nbformat.read(beside / f"{n}.ipynb", as_version=4) for n in ("given", "source"))
    limits = Limits()
    try:
        check()
    except NoSandbox:
        limits = Limits(sandboxed=False, user=options.user)
    tests, remarks, looks = graded(options.submission, given, whole, limits)
    if options.gradescope:
        options.gradescope.parent.mkdir(parents=True, exist_ok=True)
        options.gradescope.write_text(json.dumps(gradescope(tests, remarks, looks)), "utf-8")
    for path, content in [
        (options.classroom, f"result={classroom(tests)}\n"),
        (options.summary, summary(tests, remarks)),
    ]:
        if path:
            with path.open("a", encoding="utf-8") as file:
                file.write(content)
    print(summary(tests, remarks))
    return 0


if __name__ == "__main__":
    sys.exit(main())
