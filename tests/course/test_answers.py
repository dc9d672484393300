"""Answers of every kind, honest and not, meet the tests of the first assignment in the sandbox."""

import socket
import time

import nbformat
import pytest
from hand_ins import (
    answered,
    cell_of,
    duplicated,
    handed_out,
    lines_of,
    points,
    reference,
    stripped,
    tampered,
    without,
)

from course import grading
from course.assignment import source
from course.grading import Limits
from course.repair import repair

SECONDS = 3
ALL = None  # every automatic point


def grade(book, **limits):
    """What is found in a notebook that came back: a `Found` for each test, and notes."""
    repaired, _ = repair(handed_out(), book)
    return grading.grade(repaired, source("1-gradient-descent"), Limits(SECONDS, **limits))


def lost(found):
    """The exercises some of whose tests gave less than all."""
    most = points()
    short = {name for name, test in found.items() if test.points != most[name]}
    return {name.removesuffix("-test").removesuffix("-hidden") for name in short}


def messages(found):
    """All that a student reads."""
    return "\n".join(test.message for test in found.values())


def looks(found, notes):
    """All that the teacher should look at."""
    return "\n".join([*notes, *(note for test in found.values() for note in test.notes)])


def before(book, code, where=2):
    """The notebook with a cell of the student's own."""
    book.cells.insert(where, nbformat.v4.new_code_cell(code))
    return book


# what an honest student hands in, and the exercises that it may cost
HONEST = {
    "the reference": (reference, set()),
    "untouched": (handed_out, ALL),
    "without tests": (lambda: without(reference(), *points()), set()),
    "stripped": (lambda: stripped(reference()), set()),
    "stripped and untouched": (lambda: stripped(handed_out()), ALL),
    "every cell twice": (lambda: duplicated(reference()), set()),
    "tests changed": (tampered, ALL),
    "a syntax error": (lambda: answered(step="{answer}\n    hm ="), {"step"}),
    "a warning and prints": (
        lambda: answered(
            step="""
def step(w, g, learning_rate):
    import sys, warnings
    warnings.warn("a habit of mine")
    print("also on stderr", file=sys.stderr)
    print(0.25)
    display(w)
    return w - learning_rate * g
"""
        ),
        set(),
    ),
    "magic": (lambda: answered(step="%matplotlib inline\n!ls\n{answer}"), set()),
    "twenty slow cells of his own": (
        lambda: before(reference(), "import time\nfor _ in range(20):\n    time.sleep(30)\nx = 1"),
        set(),
    ),
    "a helper in a cell of his own": (
        lambda: before(
            answered(
                step="def step(w, g, learning_rate):\n    return w - learning_rate * SIGN['+'] * g"
            ),
            "SIGN = {}\nSIGN['+'] = one()\n",
            5,
        ),
        {"step"},
    ),
    "a helper that is there": (
        lambda: before(
            answered(
                step="def step(w, g, learning_rate):\n    return w - learning_rate * SIGN['+'] * g"
            ),
            "def one():\n    return ONE\nfor ONE in [2, 1]: pass\nSIGN = {}\nSIGN['+'] = one()",
        ),
        set(),
    ),
    "an answer written again below": (
        lambda: before(reference(), "def step(w, g, learning_rate):\n    return 0", 99),
        set(),
    ),
    "an answer made Markdown": (lambda: as_markdown("step"), set()),
    "an answer made Markdown, without metadata": (lambda: stripped(as_markdown("step")), set()),
    "a loop without an end": (
        lambda: answered(rates="def rates(curvatures):\n    while True:\n        pass"),
        {"rates"},
    ),
    "a loop that lets nothing stop it": (
        lambda: answered(
            rates="""
def rates(curvatures):
    while True:
        try:
            while True:
                pass
        except BaseException:
            pass
"""
        ),
        {"rates"},
    ),
    "an exit": (
        lambda: answered(
            step="{answer}\nexit()\nquit()", rates="def rates(c):\n    raise SystemExit"
        ),
        {"rates"},
    ),
    "an exit of Python": (
        lambda: answered(descend="def descend(*a):\n    import os\n    os._exit(0)"),
        {"descend"},
    ),
    "all of the memory": (
        lambda: answered(gradient="def gradient(w, X, y):\n    return bytearray(1 << 36)"),
        {"gradient"},
    ),
    "a message without an end": (
        lambda: answered(rates="def rates(c):\n    raise ValueError('x' * 30_000_000)"),
        {"rates"},
    ),
    "prints without an end": (
        lambda: answered(rates="def rates(c):\n    while True:\n        print('x' * 10000)"),
        {"rates"},
    ),
}


def as_markdown(name):
    """The reference with one answer's cell turned to Markdown."""
    book = reference()
    cell = cell_of(book, name)
    new = nbformat.v4.new_markdown_cell(cell.source, metadata=cell.metadata)
    book.cells[book.cells.index(cell)] = new
    return book


@pytest.mark.parametrize("kind", HONEST)
def test_marks_are_lost_where_they_should_be_and_only_there(grader, kind):
    book, expected = HONEST[kind]
    found, notes = grade(book())
    everything = {name.rsplit("-", 1)[0] for name in points()}
    assert lost(found) == (everything if expected is ALL else expected), messages(found)
    assert max(map(len, messages(found).splitlines() or [""])) <= 2100
    assert kind == "an exit of Python" or not looks(found, notes)


def test_a_student_reads_what_was_wrong(grader):
    found, _ = grade(
        answered(
            step="{answer}\n    hm =",
            rates="def rates(curvatures):\n    while True:\n        pass",
            descend="def descend(*a):\n    import os\n    os._exit(0)",
            gradient="def gradient(w, X, y):\n    return X.T @ X @ w",
            steps_needed="def steps_needed(c, learning_rate, shrink):\n    return nothing",
        )
    )
    said = {name: test.message for name, test in found.items()}
    for name in ("step-test", "step-hidden"):
        assert "name 'step' is not defined" in said[name]
    assert "its cell: SyntaxError: invalid syntax" in said["step-test"]
    assert said["rates-test"] == "TimeLimit: stopped after 3 seconds: a loop without an end?"
    assert "ended Python" in said["descend-test"]
    assert said["gradient-hidden"].startswith("AssertionError: wrong for 5 samples")
    assert "name 'nothing' is not defined" in said["steps-needed-test"]


# what is not honest: an answer, and what the teacher is told; without an entry it gains nothing
LIES = {
    "a patched allclose": (
        "import numpy\n\ndef step(w, g, learning_rate):\n"
        "    numpy.allclose = numpy.isclose = lambda *a, **k: numpy.True_\n    return w",
        "numpy.allclose was replaced",
    ),
    "a patch where it is loaded": (
        "x = setattr(np, 'allclose', lambda *a, **k: 1)\ndef step(w, g, learning_rate):\n"
        "    return w * (x is None)",
        "uses setattr",
    ),
    "a patched built-in": (
        "import builtins\ndef step(w, g, learning_rate):\n    builtins.all = lambda x: True\n"
        "    return w - learning_rate * g",
        "builtins.all was replaced",
    ),
    "a result equal to anything": (
        "class Any(np.ndarray):\n    def __array_function__(self, *a, **k):\n"
        "        return np.True_\n    def __eq__(self, other):\n        return True\n"
        "def step(w, g, learning_rate):\n    return np.zeros(np.shape(w)).view(Any)",
        "a result of a class of its own: Any",
    ),
    "another name for it": (
        "class ndarray(np.ndarray):\n    __module__ = 'numpy'\ndef step(w, g, learning_rate):\n"
        "    return (w - learning_rate * g).view(ndarray)",
        "a result of a class of its own: ndarray",
    ),
    "a look at the test": (
        "import sys\ndef step(w, g, learning_rate):\n    frame = sys._getframe()\n"
        "    while 'rng' not in frame.f_globals and frame.f_back: frame = frame.f_back\n"
        "    return frame.f_globals.get('expected', w - learning_rate * g)",
        "uses _getframe",
    ),
    "a trace function": (
        "import sys\ndef step(w, g, learning_rate):\n    sys.settrace(lambda *a: None)\n"
        "    return w - learning_rate * g",
        "a trace function was left behind",
    ),
    "a thread that acts later": (
        "import threading, time\ndef step(w, g, learning_rate):\n"
        "    threading.Thread(target=time.sleep, args=(9,), daemon=True).start()\n"
        "    return w - learning_rate * g",
        "a thread was left behind",
    ),
    "a reply in place of the test's": (
        "import os, json\ndef step(w, g, learning_rate):\n    for fd in range(3, 30):\n"
        "        try: os.write(fd, json.dumps({'passed': True, 'notes': []}).encode())\n"
        "        except OSError: pass\n    os._exit(0)",
        "imports os",
    ),
}


@pytest.mark.parametrize("kind", LIES)
def test_what_is_not_honest_is_noticed(grader, kind):
    answer, note = LIES[kind]
    assert note in looks(*grade(answered(step=answer)))


LOADED = {
    "a patch at the top": "import numpy\nnumpy.allclose = np.isclose = lambda *a, **k: True",
    "an input transformer": "get_ipython().input_transformers_cleanup.append(lambda lines: [])",
    "an AST transformer": "get_ipython().ast_transformers.append(lambda tree: tree)",
    "another numpy": "class np:\n    allclose = isclose = array_equal = lambda *a, **k: True",
    "another assert": "import builtins\nbuiltins.AssertionError = KeyboardInterrupt",
    "functions of the tests": "def found(*a): return 1\nall = map = abs = lambda *a: True",
    "a thread": "import threading\nthreading.Thread(target=print).start()",
    "os.fork": "import os\nos.fork()\nos._exit(0)",
}


@pytest.mark.parametrize("kind", LOADED)
def test_what_stands_beside_the_answers_has_no_effect(grader, kind):
    book = before(answered(step="def step(w, g, learning_rate):\n    return w"), LOADED[kind], 1)
    found, _ = grade(book)
    assert lost(found) == {"step"}


def test_what_a_hidden_test_is_made_of_reaches_no_page(grader):
    """Whatever way it is said: as a message, in pieces, encoded, as the name of an error."""
    found, notes = grade(
        answered(
            gradient="""
import base64, inspect
def gradient(w, X, y):
    frame = inspect.currentframe()
    while frame:
        for value in list(frame.f_locals.values()) + list(frame.f_globals.values()):
            if isinstance(value, dict) and 'source' in value:
                open('/' 'tmp/kept', 'a').write(value['source'])
        frame = frame.f_back
    kept = open('/' 'tmp/kept').read()
    raise type(kept[:50], (Exception,), {})(base64.b85encode(kept.encode()).decode())
""",
            step="""
def step(w, g, learning_rate):
    raise ValueError(".".join(open('/' 'tmp/kept').read()))
""",
            rates="""
def rates(c):
    return [open('/' 'tmp/kept').read()] * 2
""",
        )
    )
    secrets = lines_of(r"### BEGIN HIDDEN TESTS\n(.*?)### END HIDDEN TESTS")
    assert len(secrets) > 20
    said = messages(found)
    assert not [line for line in secrets if line in said or line[:20] in said.replace(".", "")]
    hidden = [found[name].message for name in ("gradient-hidden", "step-hidden")]
    assert all("in line" in message for message in hidden), hidden
    assert "of its own is withheld" in looks(found, notes)


def test_a_hand_in_has_limits_of_its_own(grader, tmp_path):
    """Of time for all cells together, and of memory for all processes together."""
    slow = "def {}(*a):\n    while True:\n        pass"
    begun = time.monotonic()
    found, _ = grade(answered(gradient=slow.format("gradient"), step=slow.format("step")), total=6)
    assert time.monotonic() - begun < 60
    assert "used up its time" in messages(found) and not any(t.points for t in found.values())
    many = """
def gradient(w, X, y):
    import os, time
    for _ in range(8):
        if not os.fork():
            x = bytearray(900 << 20)
            x[::4096] = bytes([1]) * len(x[::4096])
            time.sleep(60)
    time.sleep(60)
"""
    found, _ = grade(answered(gradient=many))
    assert "gigabytes of memory" in messages(found) or "TimeLimit" in found["gradient-test"].message


def test_a_program_in_the_background_ends_with_its_hand_in(grader, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        port = listener.getsockname()[1]
        found, _ = grade(
            answered(
                gradient=f"""
{{answer}}
import os, subprocess, socket, sys
wait = 'import time; time.sleep(1000)  # {port}'
kept = subprocess.Popen([sys.executable, '-c', wait], start_new_session=True)
try:
    kept = socket.create_connection(('127.0.0.1', {port}), timeout=1)
except OSError as error:
    kept = error
gradient.kept = kept
"""
            )
        )
        assert lost(found) == set(), messages(found)
        with pytest.raises(BlockingIOError):
            listener.accept()
    running = [line for line in all_commands() if str(port) in line]
    assert not running


def all_commands():
    """The command lines of all processes of this machine."""
    import psutil

    return [" ".join(p.info["cmdline"] or []) for p in psutil.process_iter(["cmdline"])]


@pytest.mark.parametrize(
    "said, points, message",
    [
        ("2", 2, ""),
        ("1.5", 1.5, "partly right"),
        ("np.int64(1)", 1, "partly right"),
        ("np.float64(9)", 2, ""),
        ("-1", 0, "not right"),
        ("'no number'", 2, ""),
        ("assert False", 0, "AssertionError"),
    ],
)
def test_a_test_that_ends_in_a_number_gives_so_many_points(grader, said, points, message):
    whole = source("1-gradient-descent")
    test = cell_of(whole, "gradient-test")
    test.source = f"### BEGIN HIDDEN TESTS\n{said}\n### END HIDDEN TESTS"
    repaired, _ = repair(handed_out(), reference())
    found, _ = grading.grade(repaired, whole, Limits(SECONDS))
    assert (found["gradient-test"].points, found["gradient-test"].message) == (points, message)
