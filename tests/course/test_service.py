"""One hand-in where a service runs it: what Gradescope and GitHub Classroom read."""

import base64
import json
import subprocess
import zipfile

import pytest
from hand_ins import (
    HIDDEN,
    NAMES,
    PYTHON,
    ROOT,
    answered,
    lines_of,
    points,
    reference,
    run,
    written_to,
)

WRONG = {"gradient": "def gradient(w, X, y):\n    return X.T @ (X @ w - y)"}
WRONG["step"] = "class Any(float): pass\ndef step(w, g, learning_rate):\n    return Any(1)"


@pytest.fixture(scope="module")
def made(grader):
    done = run("autograder", "1")
    assert done.returncode == 0, done.stderr
    return ROOT / "_build/course"


def serve(folder, *arguments):
    """The service's own command, with nothing of the project but what it was given."""
    command = [PYTHON, "-m", "course.service", *arguments]
    return subprocess.run(
        command, cwd=folder, env={"PATH": "/usr/bin:/bin"}, capture_output=True, text=True
    )


def test_gradescope_gets_names_and_messages_of_visible_tests_alone(made, tmp_path):
    with zipfile.ZipFile(made / "1-gradient-descent-gradescope.zip") as packed:
        packed.extractall(tmp_path / "source")
        assert {"setup.sh", "run_autograder"} < set(packed.namelist())
        assert packed.getinfo("run_autograder").external_attr >> 16 == 0o755
    written_to(tmp_path, "submission/my homework.ipynb", answered(**WRONG))
    results = tmp_path / "results/results.json"
    done = serve(tmp_path / "source", tmp_path / "submission", "--gradescope", results)
    assert done.returncode == 0, done.stderr
    found = json.loads(results.read_text())
    tests = {test["name"]: test for test in found["tests"]}
    assert tests.keys() == {*points(), "for the teacher"}
    assert {n: t["max_score"] for n, t in tests.items() if n in points()} == points()
    assert "the loss is a mean" in tests["gradient-test"]["output"]
    assert [t["output"] for n, t in tests.items() if n.endswith("-hidden")] == [""] * 5
    assert sum(test["score"] for test in found["tests"]) == 13
    assert tests["for the teacher"]["visibility"] == "hidden"
    assert "class of its own: Any" in tests["for the teacher"]["output"]
    assert found["stdout_visibility"] == "hidden"


def test_a_submission_without_a_notebook_gets_nothing_and_is_said(made, tmp_path):
    with zipfile.ZipFile(made / "1-gradient-descent-gradescope.zip") as packed:
        packed.extractall(tmp_path / "source")
    (tmp_path / "submission").mkdir()
    (tmp_path / "submission/essay.pdf").write_bytes(b"%PDF-1.7")
    done = serve(tmp_path / "source", tmp_path / "submission", "--gradescope", tmp_path / "r.json")
    found = json.loads((tmp_path / "r.json").read_text())
    assert done.returncode == 0 and found["score"] == 0 and "it is a PDF" in found["output"]


def test_a_classroom_s_repository_holds_no_hidden_test_and_reports_points(made, tmp_path):
    folder = made / "1-gradient-descent-classroom"
    text = "\n".join(path.read_text("utf-8") for path in folder.rglob("*") if path.is_file())
    notebooks = [path.read_text("utf-8") for path in folder.rglob("*.ipynb")]
    assert "classroom-resources/autograding-grading-reporter" in text and len(notebooks) == 3
    shown = "\n".join(notebooks).replace('\\"', '"')
    assert not [line for line in lines_of(HIDDEN) if line in shown]
    (folder / "1-gradient-descent.ipynb").rename(tmp_path / "kept.ipynb")
    try:
        written_to(folder, "1-gradient-descent.ipynb", answered(**WRONG))
        command = [PYTHON, "-m", "course.service", ".", "--classroom", tmp_path / "outputs"]
        done = subprocess.run(
            [*command, "--summary", tmp_path / "summary.md"],
            cwd=folder,
            env={"PATH": "/usr/bin:/bin", "PYTHONPATH": ".github/grader"},
            capture_output=True,
            text=True,
        )
    finally:
        (tmp_path / "kept.ipynb").rename(folder / "1-gradient-descent.ipynb")
    assert done.returncode == 0, done.stderr
    line = (tmp_path / "outputs").read_text().strip()
    report = json.loads(base64.b64decode(line.removeprefix("result=")))
    scores = {test["name"]: test["score"] for test in report["tests"]}
    visible = {name: value for name, value in points().items() if not name.endswith("-hidden")}
    assert scores == visible | {"gradient-test": 0, "step-test": 0}
    assert report["max_score"] == sum(visible.values()) and report["status"] == "fail"
    assert "| gradient-test | 0 of 2 |" in (tmp_path / "summary.md").read_text()


@pytest.mark.parametrize("name", NAMES)
def test_every_assignment_has_graders_that_give_its_solution_all_points(grader, tmp_path, name):
    """Hidden tests with Gradescope's, none in the repository that students can read."""
    done = run("autograder", name)
    assert done.returncode == 0, done.stderr
    folder = ROOT / "_build/course"
    with zipfile.ZipFile(folder / f"{name}-gradescope.zip") as packed:
        packed.extractall(tmp_path / "source")
    written_to(tmp_path, "submission/mine.ipynb", reference(name))
    served = serve(
        tmp_path / "source", tmp_path / "submission", "--gradescope", tmp_path / "r.json"
    )
    assert served.returncode == 0, served.stderr
    tests = json.loads((tmp_path / "r.json").read_text())["tests"]
    assert {test["name"]: test["score"] for test in tests} == points(name)
    shown = (folder / f"{name}-classroom/.github/grader/source.ipynb").read_text("utf-8")
    shown = shown.replace('\\"', '"')
    assert not [line for line in lines_of(HIDDEN, name) if line in shown]
