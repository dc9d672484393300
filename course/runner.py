"""What runs in the sandbox: a notebook's answers are loaded, and each test runs in a process of
its own.

It knows nothing of the course and needs numpy alone. It reads one JSON object a line and answers
with one. First come the notebook's code cells, of which only those statements are run that bind
what the tests use, directly or through what those use: no drawing, no experiment, no own test.
What looks unusual in them is said before any of them runs, so that nothing can take it back.
Then, for every test in its place, the runner says that it is ready, gets the test, and answers with
what was found. Each line holds a word that only the runner was told.

Answers and tests share a process, so an answer that wants to can fool its test. What is seen of
that is noted beside the result: see `Loader.unusual` and `Watch`.
"""

import ast
import builtins
import contextlib
import json
import math
import os
import re
import resource
import select
import signal
import symtable
import sys
import threading
import time
import traceback
import warnings
from pathlib import Path

import numpy as np

MESSAGE = 2000  # characters of an error's message that are kept
REPLY = 1 << 16  # bytes of a test's reply that are read
PATIENCE = 5  # how much longer than it may compute a cell may take, on a machine that is busy
MEMORY, FILE, PROCESSES = 2 << 30, 64 << 20, 250  # bytes of a process, bytes of a file, in all
# fmt: off
USUAL = {
    "numpy", "matplotlib", "math", "cmath", "itertools", "functools", "collections", "random",
    "operator", "copy", "typing", "dataclasses", "statistics", "fractions", "decimal", "time",
    "sys", "IPython.display", "optimlib", "warnings", "__future__",
}
UNUSUAL = {
    "open", "exec", "eval", "compile", "globals", "locals", "vars", "getattr", "setattr", "delattr",
    "breakpoint", "input",
}
REACHING = {  # names of attributes: modules and functions that reach files, frames or other code
    "os", "posix", "sys", "builtins", "ctypes", "gc", "inspect", "subprocess", "socket",
    "importlib", "pickle", "traceback", "threading", "multiprocessing", "shutil", "tempfile",
    "pathlib", "marshal", "linecache", "asyncio", "modules", "meta_path", "settrace", "setprofile",
    "exc_info", "addaudithook", "attrgetter", "methodcaller", "get_type_hints", "ForwardRef",
    "runstring", "rundocs", "f2py", "ctypeslib", "DataSource", "memmap", "open_memmap", "tofile",
    "fromfile", "save", "savez", "savez_compressed", "savetxt", "load", "loadtxt", "genfromtxt",
}
# fmt: on
FRAMES = re.compile(
    r"__(?!init__|call__|name__|doc__)\w+__|(f|tb|gi|cr|ag)_(back|frame|locals|globals|code)"
)
LATE = "TimeLimit: stopped after {:g} seconds: a loop without an end?"
DIED = "Died: the test ended Python, or used more memory than there is"
MUST_FAIL = (
    "assert False",
    "assert 1 == 2",
    "assert np.isclose(1.0, 2.0)",
    "assert np.allclose([0.0, 1.0], [0.0, 2.0])",
    "assert np.array_equal([1], [2])",
    "assert np.all([False, True])",
)


def used(source):
    """The global names that a piece of code asks for, in its functions too."""
    names, tables = set(), [symtable.symtable(source, "cell", "exec")]
    for table in tables:
        tables += table.get_children()
        names |= {
            symbol.get_name()
            for symbol in table.get_symbols()
            if symbol.is_referenced() and (symbol.is_global() or table.get_type() == "module")
        }
    return names


def base(node):
    """The name at the beginning of `a.b[c].d`, or None."""
    while isinstance(node, (ast.Attribute, ast.Subscript, ast.Call)):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else None


class Statement:
    """A statement at the top of a cell: what it binds or changes, and what it uses."""

    def __init__(self, node, lines):
        self.node = node
        self.source = "\n".join(lines[first_line(node) - 1 : node.end_lineno])
        self.binds, self.changes = set(), set()
        self.visit(node)
        try:
            self.uses = used(self.source)
        except SyntaxError:  # such as a part of a line that holds two statements
            self.uses = {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}

    def visit(self, node):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            self.binds.add(node.name)
            return
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            self.binds |= {(a.asname or a.name).split(".")[0] for a in node.names}
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            self.binds.add(node.id)
        if isinstance(node, (ast.Attribute, ast.Subscript)) and isinstance(node.ctx, ast.Store):
            self.changes.add(base(node))
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            self.changes.add(base(node.value.func))  # such as `rates.append(3)`
        if not isinstance(node, ast.Lambda):
            for child in ast.iter_child_nodes(node):
                self.visit(child)


def first_line(node):
    """The line where a statement begins, its decorators counted."""
    return min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", []))])


def parsed(source):
    """The statements of a cell, whose lines may hold IPython's own `%magic` and `!command`."""
    try:
        tree = ast.parse(source)
    except SyntaxError:
        from IPython.core.inputtransformer2 import TransformerManager

        source = TransformerManager().transform_cell(source)
        tree = ast.parse(source)
    lines = source.splitlines()
    return [Statement(node, lines) for node in tree.body]


def needed(cells, roots):
    """The statements of each cell that bind what `roots` use, directly or through others.

    A module is never changed: `np.allclose = ...` is left out.
    """
    statements = [statement for cell in cells for statement in cell]
    modules = {
        name
        for s in statements
        if isinstance(s.node, (ast.Import, ast.ImportFrom))
        for name in s.binds
    }
    names, chosen, grown = set(roots), set(), True
    while grown:
        grown = False
        for s in statements:
            if s not in chosen and (
                names & s.binds or "*" in s.binds or names & (s.changes - modules)
            ):
                chosen.add(s)
                names |= s.uses
                grown = True
    return [[statement for statement in cell if statement in chosen] for cell in cells]


def string(node):
    """The text of a constant, which may name an attribute."""
    constant = isinstance(node, ast.Constant) and isinstance(node.value, str)
    return node.value if constant else ""


def strange_imports(node):
    """The modules that a statement imports and that no exercise needs."""
    if not isinstance(node, (ast.Import, ast.ImportFrom)):
        return set()
    whole = {getattr(node, "module", None) or a.name for a in node.names}
    inner = {part for name in whole for part in name.split(".")[1:]}
    if isinstance(node, ast.ImportFrom):
        inner |= {a.name for a in node.names}
    return {name for name in whole if not {name, name.split(".")[0]} & USUAL} | {
        name for name in inner if name in REACHING or name.startswith("_")
    }


def strange_names(node):
    """The names in a piece of code by which it could reach its test, files or the runner."""
    if isinstance(node, ast.Name):
        return {node.id} & UNUSUAL | {node.id for _ in FRAMES.findall(node.id)}
    if isinstance(node, ast.Attribute):
        own = isinstance(node.value, ast.Name) and node.value.id in ("self", "cls")
        private = node.attr.startswith("_") and not own and not node.attr.endswith("__")
        reaching = private or node.attr in REACHING or FRAMES.fullmatch(node.attr)
        return {node.attr} if reaching else set()
    if isinstance(node, ast.MatchClass):  # `case object(os=found)` asks for an attribute, too
        return {*node.kwd_attrs}
    said = string(node)
    if FRAMES.search(said) if "{" in said else FRAMES.fullmatch(said):
        return {said[:40]}
    return {said} & REACHING if said.startswith("_") else set()


class Loader:
    """The student's names and the assignment's own, loaded cell by cell.

    Attributes:
        student: the namespace of the student's cells, which the assignment's own reach too.
        own: the namespace of the assignment's own cells alone, with which tests run.
        errors: what was raised where a name should have been bound, by name.
    """

    def __init__(self, cells, roots, seconds):
        self.cells, self.seconds, self.errors = cells, seconds, {}
        quiet = {"display": lambda *shown, **how: None, "get_ipython": lambda: None}
        self.student, self.own = {"__name__": "__main__", **quiet}, {"__name__": "__main__"}
        statements = []
        for cell in cells:
            try:
                statements.append(parsed(cell["source"]) if "source" in cell else [])
            except Exception as error:
                statements.append([])
                for name in cell.get("defines", []):
                    self.errors[name] = short(error)
        self.statements = needed(statements, roots)
        self.answers = set()

    def load(self, index):
        """Run what is needed of a cell; a statement that fails or does not end costs itself."""
        cell = self.cells[index]
        for statement in self.statements[index]:
            spaces = [self.student, self.own] if cell["own"] else [self.student]
            code = compile(ast.Module([statement.node], []), cell["id"], "exec")
            for space in spaces:
                try:
                    with Limit(self.seconds):
                        exec(code, space)
                except BaseException as error:
                    for name in statement.binds:
                        self.errors[name] = short(error)
            if not cell["own"]:
                self.answers |= statement.binds

    def unusual(self):
        """What the answers use that can reach into their tests, in lines."""
        found = set()
        for cell, statements in zip(self.cells, self.statements):
            nodes = [] if cell["own"] else [n for s in statements for n in ast.walk(s.node)]
            for node in nodes:
                found |= {f"imports {name}" for name in strange_imports(node)}
                found |= {f"uses {name}" for name in strange_names(node)}
        return sorted(found)[:10]

    def namespace(self):
        """What a test sees: the assignment's own names, and the student's where it has none."""
        theirs = {
            name: self.student[name]
            for name in self.answers - self.own.keys() - vars(builtins).keys()
            if name in self.student
        }
        return theirs | self.own


class Limit:
    """Raise `TimeoutError` in what computes longer than some seconds, or waits `PATIENCE` times
    that."""

    def __init__(self, seconds):
        self.seconds = seconds

    def set(self, seconds):
        for clock, sent in (
            (signal.ITIMER_PROF, signal.SIGPROF),
            (signal.ITIMER_REAL, signal.SIGALRM),
        ):
            signal.signal(sent, self.stop)
            signal.setitimer(clock, seconds * (1 if clock == signal.ITIMER_PROF else PATIENCE))

    def __enter__(self):
        self.set(self.seconds)

    def __exit__(self, *_):
        self.set(0)

    @staticmethod
    def stop(*_):
        raise TimeoutError("a loop without an end?")


def stranger(kind):
    """Whether a class is none of Python's or of a module's, but was made here."""
    heap = kind.__flags__ & 1 << 9
    home = sys.modules.get(str(kind.__module__))
    return bool(heap) and getattr(home, kind.__qualname__, None) is not kind


class Watch:
    """What a test relies on, compared before and after; and a canary of tests that must fail."""

    def __init__(self):
        parts = {"builtins": builtins, "numpy": np, "numpy.linalg": np.linalg}
        parts |= {"numpy.random": np.random, "math": math}
        self.before = {
            f"{where}.{name}": (part, name, value)
            for where, part in parts.items()
            for name, value in vars(part).items()
            if not name.startswith("_")
        }
        self.strange = set()

    def seen(self, result, depth=0):
        """Note a result whose class is the answer's own: it can be equal to anything."""
        kind = type(result)
        parts = [*result.values()] if kind is dict else result if kind in (tuple, list) else []
        if kind is np.ndarray and result.dtype == object:
            parts = result.ravel()
        for part in parts[:20] if depth < 3 else []:
            self.seen(part, depth + 1)
        if stranger(kind) or (isinstance(result, np.ndarray) and kind is not np.ndarray):
            self.strange.add(kind.__name__[:40])

    def watched(self, function):
        """The same function, whose results are seen."""

        def call(*arguments, **named):
            result = function(*arguments, **named)
            if type(result) is type(call):
                return self.watched(result)
            self.seen(result)
            return result

        return call

    def notes(self, space):
        """What looks tampered after a test has run with the namespace `space`."""
        notes = [
            f"{name} was replaced"
            for name, (part, key, value) in self.before.items()
            if vars(part).get(key) is not value
        ]
        for line in MUST_FAIL:
            try:
                exec(compile(line, "canary", "exec"), {"np": space.get("np", np)})
                notes.append(f"a test that must fail passed: {line}")
            except AssertionError:
                pass
            except Exception as error:
                notes.append(f"a test that must fail raised {type(error).__name__}: {line}")
        if self.strange:
            notes.append(f"a result of a class of its own: {', '.join(sorted(self.strange))}")
        if sys.gettrace() or sys.getprofile():
            notes.append("a trace function was left behind")
        if threading.active_count() > 1:
            notes.append("a thread was left behind")
        return notes[:5]


def short(error):
    """An error's kind and message, cut."""
    try:
        message = str(error)
    except BaseException:  # a class of the student's own, which may do anything
        message = "?"
    name = "an error of its own" if stranger(type(error)) else type(error).__name__
    return f"{name}: {message[:MESSAGE]}" if message else name


def place(error):
    """Where an error was raised: (id of the cell, line), None for what is no cell's code."""
    frames = traceback.extract_tb(error.__traceback__)
    return [(f.filename, f.lineno) for f in frames if not f.filename.startswith(("/", "<"))]


def tried(test, loader, watch):
    """Run a test here and say what was found; the process ends after it."""
    space = loader.namespace()
    for name in loader.answers & space.keys():
        if type(space[name]) is type(tried):
            space[name] = watch.watched(space[name])
    found = {"passed": False}
    tree = ast.parse(test["source"])
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    try:
        exec(compile(tree, test["id"], "exec"), space)
        if last is not None:  # a number at the end of a test is partial credit
            value = eval(compile(ast.Expression(last.value), test["id"], "eval"), space)
            if isinstance(value, (int, float, np.integer, np.floating)):
                found["points"] = float(value)
        found["passed"] = True
    except BaseException as error:
        found["message"] = short(error)
        found["kind"] = found["message"].split(":")[0]
        where = place(error)
        if where:
            found["cell"], found["line"] = where[-1]
            found["test line"] = [n for cell, n in where if cell == test["id"]][-1:]
        missing = getattr(error, "name", None) if isinstance(error, NameError) else None
        if missing in loader.errors:
            found["message"] += f" (its cell: {loader.errors[missing]})"
    found["notes"] = watch.notes(space)
    return found


def in_a_process(test, loader, watch, seconds, alone):
    """What `tried` says of a test, from a process of its own that is ended after its time.

    It may compute for `seconds`, and take `PATIENCE` times that where the machine is busy. Where
    the runner is `alone` with what it starts, whatever a test leaves behind is ended and noted.
    """
    ours, theirs = os.pipe()
    word = os.urandom(8).hex()
    child = os.fork()
    if not child:
        try:
            os.setpgid(0, 0)
            whole = math.ceil(seconds)
            resource.setrlimit(resource.RLIMIT_CPU, (whole, whole + 1))
            os.closerange(3, theirs)
            os.closerange(theirs + 1, 1024)
            reply = word.encode() + json.dumps(tried(test, loader, watch)).encode()[:REPLY] + b"\n"
            while reply:
                reply = reply[os.write(theirs, reply) :]
        finally:
            os._exit(0)
    os.close(theirs)
    data, deadline, late = b"", time.monotonic() + PATIENCE * seconds, False
    while len(data) < REPLY and not data.endswith(b"\n"):
        left = deadline - time.monotonic()
        if left <= 0 or not select.select([ours], [], [], left)[0]:
            late = True
            break
        part = os.read(ours, REPLY)
        if not part:
            break
        data += part
    os.close(ours)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    found = judged(data, word.encode())
    if late or (os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGXCPU):
        found = {"passed": False, "kind": "TimeLimit", "message": LATE.format(seconds)}
    if alone and end_all():
        found.setdefault("notes", []).append("a process was left behind")
    return found


def judged(data, word):
    """The reply of a test's process; one without its word was written by somebody else."""
    found = {"passed": False, "kind": "Died", "message": DIED}
    if data and not data.startswith(word):
        return found | {"notes": ["something spoke in place of the test"]}
    with contextlib.suppress(ValueError):
        found = json.loads(data[len(word) :])
    return found


def others():
    """Whether another process of this sandbox is running beside its first."""
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and int(folder.name) not in (1, os.getpid()):
            with contextlib.suppress(OSError):
                if (folder / "stat").read_text().rpartition(")")[2].split()[0] != "Z":
                    return True
    return False


def end_all():
    """End all other processes of this sandbox; returns whether one was still running."""
    running = left = others()
    while left:
        os.kill(-1, signal.SIGKILL)
        time.sleep(0.01)
        left = others()
    return running


def limit_resources():
    """Set limits that the student's code can lower and not raise."""
    limits = {"AS": MEMORY, "FSIZE": FILE, "NPROC": PROCESSES, "CORE": 0}
    for name, value in limits.items():
        number = getattr(resource, f"RLIMIT_{name}")
        _, hard = resource.getrlimit(number)
        if hard == resource.RLIM_INFINITY or hard > value:
            with contextlib.suppress(OSError, ValueError):
                resource.setrlimit(number, (value, value))


def main():
    """Serve one notebook."""
    source = os.fdopen(os.dup(0), "rb")
    replies = os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(nothing, number)
    warnings.simplefilter("ignore")

    limit_resources()
    watch = Watch()
    request = json.loads(source.readline())
    word, alone = request["word"], request["alone"] and os.getppid() == 1

    def say(**reply):
        replies.write(json.dumps(reply | {"word": word}).encode() + b"\n")
        replies.flush()

    loader = Loader(request["cells"], request["roots"], request["seconds"])
    say(notes=loader.unusual())
    left = False
    for index, cell in enumerate(request["cells"]):
        if "source" in cell:
            loader.load(index)
            continue
        left |= alone and end_all()
        say(ready=cell["id"])
        test = json.loads(source.readline())
        done = {}
        if test["source"]:
            done = in_a_process(test, loader, watch, request["seconds"], alone)
        say(found=done)
    say(ready=None, notes=["a process was left behind"] * left)


if __name__ == "__main__":
    main()
