"""nbgrader's own steps, with its known faults kept away from a teacher: run in worker processes by course.py."""

import asyncio
import io
import logging
import os
import re
import sys
import warnings
from pathlib import Path
from time import monotonic

import bleach
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from nbclient.util import run_sync
from nbconvert.preprocessors import CSSHTMLHeaderPreprocessor
from nbformat.v4 import new_output
from nbgrader.api import Gradebook
from nbgrader.converters import Autograde, GenerateAssignment, GenerateFeedback
from nbgrader.coursedir import CourseDirectory
from nbgrader.preprocessors import Execute, GetGrades, NbGraderPreprocessor, SaveAutoGrades
from nbgrader.utils import is_grade, is_solution
from course.sandbox import KernelManager
from sqlalchemy.exc import SAWarning
from traitlets import Float
from traitlets.config import Config

os.environ["PATH"] = os.pathsep.join(
    [str(Path(sys.executable).parent), os.environ.get("PATH", "")]
)  # nbgrader calls `alembic`

warnings.filterwarnings("ignore", category=SAWarning)  # of nbgrader's own queries

CELL_SECONDS, NOTEBOOK_SECONDS = 10, 180
HIDDEN = re.compile(r"[ \t]*### BEGIN HIDDEN TESTS.*?### END HIDDEN TESTS[^\n]*\n?", re.S)
TAGS = "h1 h2 h3 h4 h5 h6 p div span pre code blockquote em strong b i u s del sub sup br hr a img ul ol li dl dt dd table thead tbody tr th td".split()
OUTPUT = 1 << 20  # characters of one cell's output that are kept
MESSAGE = 10_000  # characters of an error's name, its message and each part of its traceback that are kept


def is_test(cell):
    return cell.cell_type == "code" and is_grade(cell) and not is_solution(cell)


def failure(name, message):
    return new_output("error", ename=name, evalue=message, traceback=[f"{name}: {message}"])


def cut(error):
    """The content of an error's message with no part longer than a page can show."""
    short = {key: error[key][:MESSAGE] for key in ("ename", "evalue")}
    return error | short | {"traceback": [part[:MESSAGE] for part in error["traceback"][-100:]]}


class SandboxedExecute(Execute):
    """Run each cell with a time limit. A cell that hangs or kills the kernel costs itself alone: the answers before it are run again."""

    notebook_seconds = Float(NOTEBOOK_SECONDS, help="seconds for all cells together").tag(
        config=True
    )

    def __init__(self, *args, **settings):
        super().__init__(*args, kernel_manager_class=KernelManager, **settings)

    def preprocess(self, nb, resources=None, km=None):
        self.deadline = monotonic() + self.notebook_seconds
        self.lost = set()  # indices of cells that must not run again
        return super().preprocess(nb, resources, km)

    async def async_execute_cell(self, cell, cell_index, **settings):
        if cell.cell_type != "code" or not cell.source.strip():
            return cell
        if monotonic() > self.deadline:
            cell.outputs = [
                failure(
                    "TimeLimit",
                    f"not run: the notebook had used up its {self.notebook_seconds:.0f} seconds",
                )
            ]
            return cell
        self.kept = 0
        try:
            cell = await super().async_execute_cell(cell, cell_index, **settings)
            timed_out = any(output.get("ename") == "CellTimeoutError" for output in cell.outputs)
            if timed_out:
                self.lost.add(cell_index)
                cell.outputs = [
                    output for output in cell.outputs if output.get("ename") != "KeyboardInterrupt"
                ]
            if self.km.excess() or (timed_out and not await self._answers()):
                await self._start_again(cell_index)
        except (
            DeadKernelError,
            CellTimeoutError,
        ) as error:  # the kernel is gone, or floods its output
            self.lost.add(cell_index)
            name = "KernelDied" if isinstance(error, DeadKernelError) else "CellTimeoutError"
            why = (
                "this cell ended Python, or used more memory than there is"
                if name == "KernelDied"
                else "too much output, without an end"
            )
            cell.outputs = [*cell.outputs[:20], failure(name, why)]
            await self._start_again(cell_index)
        return cell

    execute_cell = run_sync(async_execute_cell)

    def process_message(self, msg, cell, cell_index):
        """Keep the beginning of an output that does not end."""
        if msg["msg_type"] == "error":
            msg["content"] = cut(msg["content"])
        if msg["msg_type"] in (
            "stream",
            "display_data",
            "execute_result",
            "update_display_data",
            "error",
        ):
            self.kept += len(str(msg["content"]))
            if self.kept > OUTPUT:
                return None
        return super().process_message(msg, cell, cell_index)

    def on_cell_executed(self, **said):
        """The reply repeats a cell's error; nbgrader shows it where the outputs have none."""
        if said["execute_reply"]["content"]["status"] == "error":
            said["execute_reply"]["content"] = cut(said["execute_reply"]["content"])
        super().on_cell_executed(**said)

    async def _answers(self):
        """Whether the kernel, interrupted, has come back."""
        try:
            await asyncio.wait_for(self.kc.kernel_info(reply=True, timeout=2), 3)
            return True
        except (TimeoutError, asyncio.TimeoutError, RuntimeError):
            return False

    async def _start_again(self, cell_index):
        """A new kernel, in which the answers up to this cell have been run again."""
        await self._async_cleanup_kernel()
        self.km = self.create_kernel_manager()
        await self.async_start_new_kernel()
        await self.async_start_new_kernel_client()
        for index, cell in enumerate(self.nb.cells[: cell_index + 1]):
            if (
                cell.cell_type == "code"
                and index not in self.lost
                and not is_test(cell)
                and monotonic() < self.deadline
            ):
                try:
                    await self.kc.execute(
                        cell.source, reply=True, timeout=3 * self.timeout, stop_on_error=False
                    )
                except (TimeoutError, RuntimeError):
                    self.lost.add(index)
                    return await self._start_again(cell_index)


class ErrorsAlone(NbGraderPreprocessor):
    """Of a test's outputs keep only an error: nbgrader takes a warning on stderr for a failure, and a printed number for a mark."""

    def preprocess_cell(self, cell, resources, cell_index):
        if is_test(cell):
            cell.outputs = [output for output in cell.outputs if output.output_type == "error"]
        return cell, resources


class HideTests(NbGraderPreprocessor):
    """Show tests as the student knows them: no hidden line, no traceback through one, no output that repeats one."""

    def preprocess(self, nb, resources):
        hidden = {
            line.strip()
            for cell in nb.cells
            for part in HIDDEN.findall(cell.source)
            for line in part.splitlines()
        }
        self.secrets = [line for line in hidden if len(line) >= 12 and not line.startswith("###")]
        return super().preprocess(nb, resources)

    def preprocess_cell(self, cell, resources, cell_index):
        if cell.cell_type != "code":
            return cell, resources
        if is_test(cell):
            for output in cell.outputs:
                output.traceback = [
                    f"\x1b[0;31m{output.ename}\x1b[0m: {output.evalue}".rstrip(": ")
                ]
        cell.source = HIDDEN.sub("", cell.source).rstrip()
        cell.outputs = [self.safe(output) for output in cell.outputs]
        return cell, resources

    def safe(self, output):
        said = str(output).replace("\\\\", "\\").replace("\\'", "'").replace('\\"', '"')
        if any(secret in said for secret in self.secrets):
            return failure("NotShown", "this output repeats lines of hidden tests")
        return output


class MarksOnPage(GetGrades):
    """The marks beside the cells; a written answer that nobody has marked has none, where nbgrader would print 0."""

    def preprocess(self, nb, resources):
        nb, resources = super().preprocess(nb, resources)
        with Gradebook(resources["nbgrader"]["db_url"]) as gradebook:
            found = gradebook.find_submission_notebook(
                resources["nbgrader"]["notebook"],
                resources["nbgrader"]["assignment"],
                resources["nbgrader"]["student"],
            )
            waiting = {
                grade.name
                for grade in found.grades
                if grade.auto_score is None and grade.manual_score is None
            }
        rows, name = [], ""
        resources["title"] = next(
            re.findall(r"(?m)^# (.+)", c.source)[0]
            for c in nb.cells
            if c.cell_type == "markdown" and re.search(r"(?m)^# ", c.source)
        )
        for cell in nb.cells:
            heading = re.match(r"#+ +(.+)", cell.source) if cell.cell_type == "markdown" else None
            name = heading.group(1) if heading and not is_solution(cell) else name
            if is_grade(cell):
                marks = cell.metadata.nbgrader
                marks.waiting = marks.grade_id in waiting
                said = (
                    [
                        output.traceback[0]
                        for output in cell.get("outputs", [])
                        if output.output_type == "error"
                    ]
                    if is_test(cell)
                    else []
                )
                rows.append(
                    {
                        "name": name,
                        "id": marks.grade_id,
                        "score": marks.score,
                        "points": marks.points,
                        "waiting": marks.waiting,
                        "hand": is_solution(cell),
                    }
                )
                rows[-1]["said"] = (
                    re.sub(r"\x1b\[[\d;]*m", "", said[0])
                    if said
                    else "no answer"
                    if marks.get("comment") == "No response."
                    else ""
                )
        resources["rows"] = rows
        resources["nbgrader"]["complete"] = not waiting
        return nb, resources


def harmless(html):
    """HTML that a student wrote or printed, with what shows a text and nothing that runs: nbconvert's own filter takes headings away too."""
    attributes = {
        "*": ["class", "id", "title"],
        "a": ["href"],
        "img": ["src", "alt"],
        "td": ["colspan"],
        "th": ["colspan"],
    }
    return bleach.clean(
        html.decode() if isinstance(html, bytes) else html, tags=TAGS, attributes=attributes
    )


def settings(folder, sandboxed=True, seconds=CELL_SECONDS):
    """nbgrader's settings for the course in `folder`."""
    config = Config()
    config.CourseDirectory.root = str(folder)
    config.CourseDirectory.db_url = (
        f"sqlite:///{(Path(folder) / 'gradebook.db').as_posix()}?timeout=120"
    )
    config.Application.log_level = config.NbGrader.log_level = "ERROR"
    config.ClearSolutions.code_stub = {"python": "# YOUR CODE HERE\nraise NotImplementedError()"}
    config.SandboxedExecute.timeout = seconds
    config.SandboxedExecute.shutdown_kernel = "immediate"
    config.KernelManager.sandboxed = sandboxed
    steps = []
    for step in Autograde().autograde_preprocessors:
        steps += (
            [SandboxedExecute]
            if step is Execute
            else [ErrorsAlone, step]
            if step is SaveAutoGrades
            else [step]
        )
    config.Autograde.autograde_preprocessors = steps
    config.Autograde.force = config.GenerateFeedback.force = True
    config.GenerateFeedback.preprocessors = [HideTests, MarksOnPage, CSSHTMLHeaderPreprocessor]
    config.HTMLExporter.template_name = "feedback"
    config.HTMLExporter.extra_template_basedirs = [str(Path(__file__).parent / "templates")]
    config.HTMLExporter.sanitize_html = (
        True  # what a student's code prints is not to run where the page is read
    )
    config.HTMLExporter.filters = {"clean_html": harmless}
    stopped = f"stopped after {seconds:g} seconds: a loop without an end?"
    config.SandboxedExecute.error_on_timeout = {
        "ename": "CellTimeoutError",
        "evalue": stopped,
        "traceback": [f"CellTimeoutError: {stopped}"],
    }
    return config


def convert(converter, folder, assignment, student="*", record=True, **options):
    """Run one of nbgrader's steps; what it says against it is raised."""
    config = settings(folder, **options)
    if not record:
        config.GenerateAssignment.no_database, config.SaveCells.enabled = True, False
    course = CourseDirectory(config=config)
    course.assignment_id, course.student_id = assignment, student
    said = io.StringIO()
    handler = logging.StreamHandler(said)
    step = converter(coursedir=course, config=config)
    step.log.handlers, step.log.propagate = [handler], False
    step.log.setLevel("ERROR")
    try:
        step.start()
    except Exception as error:
        raise RuntimeError(
            f"nbgrader, {converter.__name__}: {error}\n{said.getvalue()[-3000:]}"
        ) from error


def gradebook(folder):
    return Gradebook(settings(folder).CourseDirectory.db_url)


def generate(folder, assignment, record):
    """The student's version of the source in `folder`, and where it is to be graded the assignment's entry in the gradebook."""
    convert(GenerateAssignment, folder, assignment, ".", record=record)


def grade(folder, assignment, student, by_hand, comments, sandboxed, seconds, feedback=True):
    """Grade one submission, with the marks given by hand so far, and write its page. Returns the marks by grade_id, None for unmarked."""
    convert(Autograde, folder, assignment, student, sandboxed=sandboxed, seconds=seconds)
    with gradebook(folder) as book:
        submission = book.find_submission_notebook(assignment, assignment, student)
        for entry in submission.grades:
            if entry.auto_score is None:
                entry.manual_score = by_hand.get(entry.name)
                entry.needs_manual_grade = entry.manual_score is None
        for entry in submission.comments:
            entry.manual_comment = comments.get(entry.name)
        book.db.commit()
        found = {
            g.name: g.manual_score if g.auto_score is None else g.auto_score
            for g in submission.grades
        }
    if feedback:
        convert(GenerateFeedback, folder, assignment, student)
    return found
