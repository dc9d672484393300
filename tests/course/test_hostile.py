"""Hand-ins that want more than marks for their work: nothing is gained that is not noticed."""

import os
import zipfile

import nbformat
import pytest
from hand_ins import (
    FIRST,
    NAMES,
    answered,
    cell_of,
    handed_out,
    lines_of,
    reference,
    run,
    source,
    stripped,
    written_to,
)
from nbformat.v4 import new_code_cell, new_markdown_cell
from test_answers import grade, looks, lost, messages
from test_class import marks

from course import collect, trial
from course.assignment import role, solved
from course.grading import empty, own_messages, roots
from course.repair import repair
from course.runner import Loader

REPLY = """b'{"passed": true, "notes": []}\\n'"""
SPOKEN = "something spoke in place of the test"
STEP = "def step(w, g, learning_rate):\n    "
EVERYWHERE = """    for n in range(3, 20):
        try: {}
        except Exception: pass
"""


def write(head, body, to):
    """An answer that writes the reply of a passed test to whatever it can reach, and ends."""
    return f"{head}\n{STEP}{body}\n{EVERYWHERE.format(to)}    return w"


# an answer that writes its own result, and what else is said of it
FORGED = {
    "a module of a module": (
        write("import random", "o = random._os", f"o.write(n, {REPLY})"),
        "uses _os",
    ),
    "a private import": (
        write("from random import _os as o", "pass", f"o.write(n, {REPLY})"),
        "imports _os",
    ),
    "the table of modules": (
        write("import sys", "o = sys.modules['o' 's']", f"o.write(n, {REPLY})"),
        "uses modules",
    ),
    "a pattern": (
        write(
            "import random\ndef found(m):\n    match m:\n        case object(_os=o): return o",
            "o = found(random)",
            f"o.write(n, {REPLY})",
        ),
        "uses _os",
    ),
    "numpy's own files": (
        write("", "s = '{\"passed\": true}'", "np.savetxt('/proc/self/fd/%d' % n, [s], fmt='%s')"),
        "uses savetxt",
    ),
    "attrgetter": (
        write(
            "import operator, random",
            "o = operator.attrgetter('_o' + 's')(random)",
            f"o.write(n, {REPLY})",
        ),
        "uses attrgetter",
    ),
}


@pytest.mark.parametrize("kind", FORGED)
def test_a_result_that_an_answer_writes_itself_gives_no_points(grader, kind):
    answer, note = FORGED[kind]
    found, notes = grade(answered(step=answer))
    assert lost(found) == {"step"}
    assert SPOKEN in looks(found, notes) and note in notes


# what changes the marks, since an answer shares a process with its test, and what is said of it
NOTICED = {
    "the runner is patched while it loads": (
        "import sys\nm = sys.modules['_' '_main_' '_']\n"
        "def passed(*a, **k): return {'passed': True, 'notes': []}\n"
        "def mend():\n    m.Loader.unusual = lambda s: []\n    m.in_a_process = passed\n"
        f"one = mend()\n{STEP}return w * (one is None)",
        "uses modules",
    ),
    "frames of all threads": (
        f"import sys\n{STEP}return [*sys._current_frames().values()] and w",
        "uses _current_frames",
    ),
    "the frame of a generator": (
        f"{STEP}return (x for x in w).gi_frame and w",
        "uses gi_frame",
    ),
    "a format that looks inside": (
        f"{STEP}return '{{0.__globals__}}'.format(step) and w",
        "uses {0.__globals__}",
    ),
    "garbage": (f"import gc\n{STEP}return gc.get_objects() and w", "imports gc"),
    "a type hint that is run": (
        f"import typing\n{STEP}return typing.get_type_hints(step) and w",
        "uses get_type_hints",
    ),
    "numpy's inner names": (
        f"{STEP}np._core.numeric.isclose = np._core.numeric.allclose = lambda *a, **k: np.True_\n"
        "    return w",
        "a test that must fail passed",
    ),
    "numpy's strings run": (f"{STEP}np.testing.runstring('1', {{}})\n    return w", "runstring"),
    "a built-in of numbers": (
        f"import builtins\n{STEP}builtins.abs = lambda x: 0\n    return w",
        "builtins.abs was replaced",
    ),
    "the memory of the process": (f"{STEP}np.memmap('/x')\n    return w", "uses memmap"),
    "masked numbers": (
        f"{STEP}return np.ma.array(w, mask=np.ones(np.shape(w), bool))",
        "a result of a class of its own: MaskedArray",
    ),
    "objects in an array": (
        "class Any:\n    def __sub__(s, o): return 0.0\n    __rsub__ = __sub__\n"
        f"{STEP}out = np.empty(np.shape(w), object)\n    out[...] = Any()\n    return out",
        "a result of a class of its own: Any",
    ),
    "objects in a dict": (
        f"class Any(float): pass\n{STEP}return {{'w': Any(1)}}",
        "a result of a class of its own: Any",
    ),
}


@pytest.mark.parametrize("kind", NOTICED)
def test_what_could_change_its_own_marks_is_noticed(grader, kind):
    answer, note = NOTICED[kind]
    assert note in looks(*grade(answered(step=answer)))


def test_no_honest_answer_looks_tampered():
    """Of all assignments the solutions, and every wrong answer of their tables."""
    for name in NAMES:
        whole, seen = source(name), 0
        tests = (cell.source for cell in whole.cells if role(cell) == "test")
        asked = roots(tuple(test for test in tests if not empty(test)))
        for answers in [None, *(answers for _, answers, _ in trial.wrong_answers(name))]:
            cells = [
                {"id": "cell", "own": role(cell) == "locked", "source": cell.source}
                for cell in solved(whole, answers).cells
                if cell.cell_type == "code" and role(cell) != "test"
            ]
            assert Loader(cells, asked, 1).unusual() == [], (name, answers)
            seen += 1
        assert seen > 10


@pytest.mark.parametrize("where", ["in a test", "as it is loaded"])
def test_a_process_that_is_left_behind_is_noticed_and_ended(grader, where):
    """Also one that has left its group; the next test is alone again."""
    answer = """
import random
def leave():
    if not random._os.fork():
        random._os.setsid()
        while True: pass
    return 1.0
one = LOADED
def step(w, g, learning_rate):
    CALLED
    return w - learning_rate * g * one
"""
    alone = """
import random
def rates(curvatures):
    stats = ['/proc/%s/stat' % n for n in random._os.listdir('/proc') if n.isdigit()]
    running = [s for s in stats if ') Z' not in open(s).read()]
    assert len(running) == 3, running
    return 2 / max(curvatures), 2 / (max(curvatures) + min(curvatures))
"""
    loaded, called = ("leave()", "pass") if "loaded" in where else ("1.0", "leave()")
    answer = answer.replace("LOADED", loaded).replace("CALLED", called)
    found, notes = grade(answered(step=answer, rates=alone))
    assert lost(found) == set(), messages(found)
    assert "a process was left behind" in looks(found, notes)


# ways to say on one's page what a hidden test is made of
SAYING = {
    "an assertion in a string": "exec('raise AssertionError(kept)', {'kept': kept})",
    "an assertion in the test's name": (
        "exec(compile('raise AssertionError(kept)', 'step-hidden', 'exec'), {'kept': kept})"
    ),
    "a name that is not there": "exec('raise NameError(kept)', {'kept': kept})",
    "an error with that name": "raise type(kept[:50], (Exception,), {'__module__': 'x'})(kept)",
    "the name of a cell": "exec(compile('1 / 0', kept[:50], 'exec'))",
    "a time limit": "raise type('TimeLimit', (Exception,), {})(kept)",
}


@pytest.mark.parametrize("kind", SAYING)
def test_a_hidden_test_s_text_is_said_in_no_error(grader, kind):
    kept = f"kept = 'SECRET ' * 9\n    {SAYING[kind]}"
    # the visible test has two weights and passes, so that the hidden one is run
    body = f"if np.shape(w) != (2,):\n        {kept.replace(chr(10), chr(10) + '    ')}\n"
    answer = f"{STEP}{body}    return w - learning_rate * g"
    found, _ = grade(answered(step=answer))
    assert found["step-test"].points and not found["step-hidden"].points
    assert "SECRET" not in found["step-hidden"].message, found["step-hidden"].message


def test_the_messages_of_every_test_s_assertions_can_be_shown():
    """What a page says of a hidden test is held against these patterns."""
    patterns = own_messages("assert x, f'{n} steps gave {x}: (too) many'\nassert y, 'wrong'")
    for said, fits in [
        ("AssertionError: 5 steps gave 7: (too) many", True),
        ("AssertionError: wrong", True),
        (f"AssertionError: {'5' * 200} steps gave 7: (too) many", False),
        ("AssertionError: SECRET", False),
    ]:
        assert any(one.fullmatch(said) for one in patterns) == fits, said


def deep():
    """The reference with code, text, formulas and HTML that are nested very deeply."""
    book = answered(step="{answer}\nx = " + "(" * 50_000 + ")" * 50_000, units="")
    words = [">" * 3000 + "x", "[" * 20_000, "$" + "{" * 3000 + "}" * 3000 + "$", "<div>" * 9000]
    words += ["$" + r"\frac{1}{" * 2000 + "}" * 2000 + "$", "*_[" * 9000]
    cell_of(book, "bounce").source = "\n\n".join(words)
    return book


def titled():
    """The reference below headings that could be the page's."""
    book = honest("titles")
    book.cells.insert(0, new_markdown_cell("# Assignment 1: 99 of 28 points"))
    book.cells.insert(6, new_markdown_cell("## 99 of 28"))
    return book


def honest(who):
    """The reference, in the words of a student."""
    book = reference()
    cell_of(book, "bounce").source = f"The words of {who}."
    return book


@pytest.fixture(scope="module")
def hostile_class(grader, tmp_path_factory):
    """Two honest students and all that can lie beside their hand-ins."""
    folder = tmp_path_factory.mktemp("hostile")
    downloads, secret = folder / "downloads", folder / "secret"
    for who in ("anna", "bo"):
        written_to(downloads, f"{who}.ipynb", honest(who))
    written_to(secret, "kept.ipynb", honest("nobody"))
    (downloads / "linked.ipynb").symlink_to(secret / "kept.ipynb")
    (downloads / "linked-folder").symlink_to(secret)
    (downloads / "loop").symlink_to(downloads)
    (downloads / "gone.ipynb").symlink_to(folder / "nothing")
    os.mkfifo(downloads / "pipe.ipynb")
    with (downloads / "sparse.ipynb").open("wb") as file:
        file.truncate(1 << 40)
    written_to(downloads, "bo.x", honest("eve"))  # a page of Bo's name
    written_to(downloads, "深" * 80 + ".ipynb", honest("a long name"))
    for end in "ab":
        written_to(downloads, "y" * 244 + f"{end}.ipynb", honest(end))
    written_to(downloads, "eve\x1b]0;owned\x07\x1b[2K\rbo 20 of 20\n.ipynb", honest("control"))
    written_to(downloads, "<img src=x onerror=alert(1)>&quot;.ipynb", honest("markup"))
    written_to(downloads, "deep.ipynb", deep())
    written_to(downloads, "titled.ipynb", titled())
    written_to(downloads, "titled-stripped.ipynb", stripped(titled()))
    out = folder / "out"
    done = run("grade", "1", downloads, "--to", out, "--seconds", 3)
    return done, out, downloads


def test_what_lies_beside_honest_hand_ins_costs_them_nothing(hostile_class):
    done, out, _ = hostile_class
    rows = marks(out)
    for who in ("anna", "bo"):
        assert rows[who]["automatic"] == "20", done.stdout + done.stderr
        text = (out / f"feedback/{who}-feedback.html").read_text(encoding="utf-8")
        assert f"The words of {who}." in text and f"<strong>{who}</strong>" in text
    assert done.returncode == 1 and "Traceback" not in done.stdout + done.stderr
    assert "more than 50 megabytes" in rows["sparse"]["remarks"]
    assert not {"linked", "kept", "gone", "pipe", "linked-folder", "loop"} & rows.keys()
    graded = [row for row in rows.values() if row["automatic"]]
    assert len(graded) == len(rows) - 1, done.stdout
    assert {row["automatic"] for row in graded if row["student"] != "deep"} == {"20"}
    assert rows["deep"]["automatic"] == "17"


def test_each_has_a_page_of_the_own_whatever_files_are_called(hostile_class):
    _, out, _ = hostile_class
    pages = [p.read_text(encoding="utf-8") for p in (out / "feedback").rglob("*.html")]
    words = ["anna", "bo", "eve", "a long name", "a", "b", "control", "markup"]
    for who in words:
        assert sum(f"The words of {who}." in text for text in pages) == 1, who
    assert len(pages) == len(words) + 3  # and two with titles, one that is deep
    with zipfile.ZipFile(out / "feedback.zip") as packed:
        assert len(set(packed.namelist())) == len(pages)


def test_no_name_steers_the_terminal_or_the_page(hostile_class):
    done, out, _ = hostile_class
    assert all(c.isprintable() or c == "\n" for c in done.stdout)
    assert not [line for line in done.stdout.splitlines() if line.startswith("bo 20 of 20")]
    for path in [*out.rglob("*.html")]:
        assert "<img src=x" not in path.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "paths",
    [
        ["bo.ipynb", "bo.x"],
        ["bo.ipynb", "bo.smith", "bo.smith.jones"],
        ["z" * 250 + "a.ipynb", "z" * 250 + "b.ipynb"],
        ["x/bo.ipynb", "x/bo.x"],
        [".ipynb", "a.ipynb"],
    ],
)
def test_two_downloads_have_two_pages(paths):
    pages = {collect.page_of(path) for path in paths}
    assert len(pages) == len(paths)
    assert all(len(part.encode()) <= 255 for page in pages for part in page.parts)


@pytest.mark.parametrize("who", ["titled", "titled-stripped"])
def test_a_student_s_headings_are_not_the_page_s(hostile_class, who):
    _, out, _ = hostile_class
    text = (out / f"feedback/{who}-feedback.html").read_text(encoding="utf-8")
    top = text[: text.index("</header>")]
    assert "99 of 28" not in top and "Gradient descent and the valley" in top
    assert "99 of 28" in text


def test_many_cells_are_put_right_in_a_time_that_grows_with_them():
    book = reference()
    book.cells[3:3] = [new_code_cell(f"x = {n}") for n in range(4000)]
    repaired, _ = repair(handed_out(), stripped(book))
    assert len(repaired.cells) == len(book.cells)


def test_a_zip_s_links_are_files_of_their_own_text(tmp_path):
    """A symbolic link in a zip leads nowhere, in the platform's zip and in a student's."""
    entry = zipfile.ZipInfo("anna.ipynb")
    entry.external_attr = 0o120777 << 16
    for path in (tmp_path / "all.zip", tmp_path / "in/anna.zip"):
        path.parent.mkdir(exist_ok=True)
        with zipfile.ZipFile(path, "w") as packed:
            packed.writestr(entry, "/etc/passwd")
        (one,) = collect.collect(path if path.name == "all.zip" else path.parent, FIRST)
        book, _, remarks = collect.choose(one, handed_out())
        assert book is None and "root:" not in "; ".join(remarks)


def test_the_sandbox_shares_no_socket_and_no_process_with_the_teacher(grader):
    """Abstract sockets, System V memory and other processes are out of reach, too."""
    answer = """
import random
def step(w, g, learning_rate):
    o = random._os
    assert [p for p in o.listdir('/proc') if p.isdigit() and int(p) > 50] == []
    for path in ('/etc/passwd', '/run', '/var', '/boot', '/srv', '/home/teacher'):
        assert not o.path.exists(path), path
    assert len(open('/proc/net/unix').readlines()) == 1
    assert len(open('/proc/sysvipc/shm').readlines()) == 1
    return w - learning_rate * g
"""
    found, _ = grade(answered(step=answer))
    assert lost(found) == set(), messages(found)


def test_no_line_of_a_hidden_test_stands_in_a_message(hostile_class):
    _, out, _ = hostile_class
    secrets = lines_of(r"### BEGIN HIDDEN TESTS\n(.*?)### END HIDDEN TESTS")
    for path in (out / "feedback").rglob("*.html"):
        text = path.read_text(encoding="utf-8")
        assert not [line for line in secrets if line in text]


def test_every_kind_of_file_is_a_notebook_or_is_named(hostile_class):
    _, out, _ = hostile_class
    for path in (out / "graded").glob("*.ipynb"):
        nbformat.validate(nbformat.read(path, as_version=4))
