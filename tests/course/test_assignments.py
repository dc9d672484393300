"""Every assignment: its source, the students' version, the wrong answers that it must notice."""

import re
import zipfile
from html import unescape

import nbformat
import numpy as np
import pytest
from hand_ins import FIRST, HIDDEN, NAMES, ROOT, handed_out, lines_of, points, reference, run

from course import trial
from course.assignment import about, role, source
from course.repair import DEFINED

assignments = pytest.mark.parametrize("name", NAMES)


@assignments
def test_the_reference_the_untouched_version_and_every_wrong_answer_get_their_marks(grader, name):
    done = run("check", name)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    cases = len(points(name)) + len(list(trial.wrong_answers(name))) + 2
    assert len(done.stdout.splitlines()) == cases + 2 and "FAULT" not in done.stdout


def test_a_check_says_which_marks_are_wrong(grader, tmp_path):
    """A wrong answer whose row claims what is not so."""
    path = ROOT / f"course/wrong/{FIRST}.toml"
    table = path.read_text(encoding="utf-8")
    rows = table.split("[[wrong]]")
    false = rows[1].replace('"gradient-test", "gradient-hidden"', '"step-test"')
    assert false != rows[1]
    script = tmp_path / "script.py"
    script.write_text(
        "import sys\nfrom pathlib import Path\nfrom course import trial, __main__\n"
        f"trial.COURSE = Path({str(tmp_path)!r})\nsys.argv[1:] = ['check', '1']\n"
        "sys.exit(__main__.main())\n"
    )
    (tmp_path / "wrong").mkdir()
    (tmp_path / f"wrong/{FIRST}.toml").write_text(f"[[wrong]]{false}")
    done = run(script=script)
    assert done.returncode == 1
    assert "FAULT sum over the samples in place of the mean: step-test got 1 of 1" in done.stdout
    assert "gradient-test got 0 of 2" in done.stdout


def numbers(value):
    """A value as an array, or None for what is none, or says nothing: a whole number, nothing."""
    try:
        array = np.asarray(value, dtype=float)
    except (TypeError, ValueError):
        return None
    whole = array.ndim == 0 and (not np.isfinite(array) or array == np.round(array))
    return None if whole or not array.size else array


def equal(a, b):
    """Whether two values are the same numbers in the same shape."""
    a, b = numbers(a), numbers(b)
    return a is not None and b is not None and a.shape == b.shape and np.allclose(a, b)


def parts(value):
    """A value, and what a tuple or list holds."""
    return [value, *value] if isinstance(value, (tuple, list)) else [value]


class Spy:
    """An answer that notes which of a test's names hold its result before it is called."""

    def __init__(self, answer, names, ours, found):
        self.answer, self.names, self.ours, self.found = answer, names, ours, found
        self.calls = 0

    def __call__(self, *arguments, **named):
        given = [part for argument in arguments for part in parts(argument)]
        known = {key: parts(value) for key, value in self.names.items() if key not in self.ours}
        result = self.answer(*arguments, **named)
        self.calls += 1
        if self.calls > 20:  # the first calls tell, and some tests make thousands
            return result
        if callable(result):
            return Spy(result, self.names, self.ours, self.found)
        for part in parts(result):
            if not any(equal(part, value) for value in given):
                self.found |= {k for k, vs in known.items() if any(equal(part, v) for v in vs)}
        return result


def in_reach(name):
    """The tests during which a right value can be read before the answer is called, with its
    name."""
    book, found = source(name), []
    space = {"plt": None}
    for cell in book.cells:
        if role(cell) == "answer" or (role(cell) == "locked" and cell.id != "run"):
            exec(cell.source.replace("import matplotlib.pyplot as plt", ""), space)
    answers = [n for c in book.cells if role(c) == "answer" for n in DEFINED.findall(c.source)]
    for cell in book.cells:
        if role(cell) == "test":
            names, seen = dict(space), set()
            for answer in answers:
                names[answer] = Spy(space[answer], names, {*space}, seen)
            exec(cell.source, names)
            found += [f"{about(cell)['grade_id']}: {key}" for key in sorted(seen)]
    return found


@assignments
def test_no_right_value_is_in_reach_before_an_answer_is_called(name):
    """A test that computes it first lets `return expected` pass."""
    assert not in_reach(name)


@assignments
def test_the_table_of_wrong_answers_covers_every_answer_and_every_test(name):
    wrong = list(trial.wrong_answers(name))
    assert len(wrong) >= 10
    cells = source(name).cells
    assert {grade_id for _, answers, _ in wrong for grade_id in answers} == {
        about(c)["grade_id"] for c in cells if role(c) == "answer"
    }
    assert {test for _, _, lost in wrong for test in lost} == set(points(name)), (
        "a test that no wrong answer fails"
    )


@assignments
def test_a_source_is_written_as_the_course_asks(name):
    book = source(name)
    ids = [about(cell)["grade_id"] for cell in book.cells if about(cell)]
    assert len(ids) == len(set(ids)) and all(re.fullmatch(r"[\w-]+", one) for one in ids)
    kinds = [role(cell) for cell in book.cells]
    assert kinds.count("written") >= 1 and kinds.count("test") >= 4
    assert all(1 <= value <= 3 for value in points(name).values())
    assert re.match(r"# Assignment \d: .+", book.cells[0].source)
    for needed in ("*Time:*", "*Points:*", "*Belongs to*"):
        assert needed in book.cells[0].source, f"the first cell does not say {needed}"
    assert lines_of(HIDDEN, name), "no hidden tests"
    for cell in book.cells:
        if role(cell) in ("answer", "written"):
            assert (
                cell.source.count("### BEGIN SOLUTION")
                == cell.source.count("### END SOLUTION")
                == 1
            ), about(cell)
        if role(cell) == "written":
            assert "**Marking" in cell.source, f"no rubric: {about(cell)['grade_id']}"
        if cell.cell_type == "code":
            imports = set(re.findall(r"(?m)^\s*(?:import|from) (\w+)", cell.source))
            assert imports <= {"numpy", "matplotlib", "math"}, f"students may not have {imports}"


def test_generating_the_students_versions_again_changes_nothing(grader, tmp_path):
    done = run("assignments", "--to", tmp_path)
    assert done.returncode == 0, done.stderr
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(
        p.name for p in (ROOT / "book/assignments").glob("*.ipynb")
    )
    for path in tmp_path.iterdir():
        assert path.read_bytes() == (ROOT / "book/assignments" / path.name).read_bytes(), (
            f"{path.name}: run `make assignments`"
        )


@assignments
def test_a_students_version_shows_no_solution_and_no_hidden_test(name):
    text = "\n".join(cell.source for cell in handed_out(name).cells)
    assert "BEGIN" not in text and "END HIDDEN" not in text and "**Marking" not in text
    assert not [line for line in lines_of(HIDDEN, name) if line in text]
    answers = [cell for cell in handed_out(name).cells if role(cell) == "answer"]
    assert answers and all("raise NotImplementedError()" in cell.source for cell in answers)


def test_the_zip_and_the_solution(grader):
    done = run("assignment", "1")
    assert done.returncode == 0, done.stderr
    with zipfile.ZipFile(ROOT / f"_build/course/{FIRST}.zip") as packed:
        assert packed.namelist() == [f"{FIRST}/{FIRST}.ipynb"]
        assert (
            packed.read(packed.namelist()[0])
            == (ROOT / f"book/assignments/{FIRST}.ipynb").read_bytes()
        )
    assert nbformat.read(
        ROOT / f"_build/course/{FIRST}-solution.ipynb", as_version=4
    ) == nbformat.from_dict(reference())


@assignments
def test_the_solution_to_publish_shows_no_hidden_test(name):
    text = "\n".join(cell.source for cell in reference(name).cells if cell.cell_type == "code")
    assert "NotImplementedError" not in text and "BEGIN" not in text and "END" not in text
    assert not [line for line in lines_of(HIDDEN, name) if line in text]


def test_the_points_are_those_that_the_first_cell_says():
    for name in NAMES:
        book = source(name)
        by_hand = sum(about(cell)["points"] for cell in book.cells if role(cell) == "written")
        said = re.search(
            r"\*Points:\* (\d+) from tests, (\d+) for written answers", book.cells[0].source
        )
        assert [int(number) for number in said.groups()] == [sum(points(name).values()), by_hand], (
            name
        )


def test_no_hidden_test_is_anywhere_on_the_site(site):
    """Not in a page, not in what the pages offer for download, not in the search, in whatever
    way the file writes a line."""
    pages = [nbformat.read(path, as_version=4) for path in (ROOT / "book").rglob("*.ipynb")]
    public = "\n".join(cell.source for page in pages for cell in page.cells)
    public += "\n".join(
        path.read_text(encoding="utf-8")
        for path in [*ROOT.rglob("optimlib/**/*.py"), *ROOT.glob("book/*.md")]
    )
    secrets = {
        line for name in NAMES for line in lines_of(HIDDEN, name) if line not in public
    }  # some lines are Adam's equations
    words = {word.lower() for line in secrets for word in re.findall(r"[A-Za-z_]{7,}", line)}
    words -= set(re.findall(r"[a-z_]{7,}", public.lower()))
    assert len(secrets) > 100 and len(words) > 10
    seen = 0
    for path in site.rglob("*"):
        if path.is_file() and path.suffix not in (
            ".png",
            ".woff",
            ".woff2",
            ".svg",
            ".ttf",
            ".ico",
            ".whl",
            ".inv",
        ):
            text = path.read_text(encoding="utf-8", errors="replace")
            seen += 1
            for version in {
                text,
                unescape(re.sub(r"<[^>]+>", "", text)),
                text.replace('\\"', '"').replace("\\\\", "\\"),
            }:
                assert not [line for line in secrets if line in version], path
                assert "### BEGIN HIDDEN" not in version or "book/teachers" in str(path), path
    found = (site / "searchindex.js").read_text(encoding="utf-8").lower()
    assert not [word for word in words if re.search(rf'"{word}"', found)]
    assert (
        seen > 50
        and (site / f"book/assignments/{FIRST}.html").exists()
        and (site / f"_sources/book/assignments/{FIRST}.ipynb").exists()
    )


@assignments
def test_the_page_of_an_assignment_gives_the_students_version(site, name):
    """The button at its top downloads what `make assignment` hands out."""
    page = (site / f"book/assignments/{name}.html").read_text(encoding="utf-8")
    (button,) = set(re.findall(r'href="([^"]+\.ipynb)"[^>]*class="btn btn-sm btn-download', page))
    assert (site / "book/assignments" / button).resolve().read_bytes() == (
        ROOT / f"book/assignments/{name}.ipynb"
    ).read_bytes()
