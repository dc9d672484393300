"""A place for other people's code, made by bubblewrap: no network, no files but Python's own.

What it uses is limited: memory of all its processes, files, time. Nothing is shared with it but two
pipes, so it can leave nothing behind.
"""

import contextlib
import json
import os
import select
import shutil
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path
from time import monotonic

import psutil

ROOT = Path(__file__).resolve().parent.parent
RUNNER = Path(__file__).with_name("runner.py")
MEMORY, FILES, REPLY = 3 << 30, 256 << 20, 1 << 17  # bytes: all processes, a folder, a reply
HOME = "/home/student"
# without a "..", which leads nowhere in the sandbox; links stay, since an environment is known by
# its
PYTHON, PREFIX = (Path(os.path.normpath(Path(p).absolute())) for p in (sys.executable, sys.prefix))

HOW = """\
Homework is other people's code. It is graded in a sandbox by bubblewrap (the command bwrap):
    Debian, Ubuntu   apt-get install bubblewrap
    Fedora           dnf install bubblewrap
    Arch             pacman -S bubblewrap
On Windows, use the Linux of WSL 2; on macOS, a Linux machine or virtual machine.
To grade with no sandbox, where you trust all that was handed in: make grade ... SANDBOX=no"""


class NoSandbox(Exception):
    """There is no sandbox here; the message says why and what to do."""


class Ended(Exception):
    """What ran in the sandbox is no longer there; the message says why."""


def environment(home=HOME):
    """The environment variables of what runs in the sandbox: nothing of the teacher's own."""
    return {
        "PATH": f"{PYTHON.parent}:/usr/bin:/bin",
        "HOME": home,
        "USER": "student",
        "LANG": "C.UTF-8",
        "MPLBACKEND": "agg",
        "MPLCONFIGDIR": f"{home}/.matplotlib",
        "OPENBLAS_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1",
        "TQDM_DISABLE": "1",
    }


@cache
def options():
    """What this bubblewrap says of its options."""
    return subprocess.run(["bwrap", "--help"], capture_output=True).stdout.decode(errors="replace")


def where_known(option, *values):
    """An option that older versions of bubblewrap have not, where this one has it."""
    return [option, *values] if f"{option} " in options() else []


def walls():
    """The bwrap command up to what it runs: read-only Python, system libraries, an empty home.

    A teacher may be root, in a container say. So the code inside gets no capability, and no
    writable system setting either: those of /proc/sys obey the user who is root outside. Without
    `--disable-userns` it can make user namespaces of its own, and without `--size` it can fill half
    of the memory with files.
    """
    variables = [f"{name}={value}" for name, value in environment().items()]
    command = ["/usr/bin/env", "-i", *variables, shutil.which("bwrap") or "bwrap"]
    command += ["--unshare-user", "--unshare-all", "--uid", "1000", "--gid", "1000"]
    command += [*where_known("--disable-userns"), "--cap-drop", "ALL"]
    command += ["--die-with-parent", "--new-session", "--hostname", "sandbox"]
    command += ["--ro-bind", "/usr", "/usr", "--proc", "/proc", "--dev", "/dev"]
    for name in ("/proc/sys", "/proc/sysrq-trigger"):
        command += ["--ro-bind-try", name, name]
    for folder in map(Path, ("/bin", "/sbin", "/lib", "/lib32", "/lib64")):
        if folder.is_symlink():
            command += ["--symlink", str(folder.readlink()), str(folder)]
        elif folder.is_dir():
            command += ["--ro-bind", str(folder), str(folder)]
    for name in ("ld.so.cache", "ld.so.conf", "ld.so.conf.d", "alternatives", "localtime"):
        command += ["--ro-bind-try", f"/etc/{name}", f"/etc/{name}"]
    for name in ("/tmp", "/dev/shm", HOME):
        command += [*where_known("--size", str(FILES)), "--tmpfs", name]
    # optimlib is installed as a link to here
    folders = dict.fromkeys([Path(sys.base_prefix), PREFIX, ROOT / "optimlib"])
    for folder in folders:
        if not folder.is_relative_to("/usr"):
            command += ["--ro-bind", str(folder), str(folder)]
    command += ["--ro-bind", str(RUNNER), "/runner.py"]
    return [*command, "--remount-ro", "/dev", "--remount-ro", "/", "--chdir", HOME, "--"]


def check():
    """Raise `NoSandbox` unless bubblewrap is here and a Python with numpy starts in it."""
    if shutil.which("bwrap") is None:
        raise NoSandbox(f"There is no bubblewrap on this machine.\n{HOW}")
    tried = subprocess.run([*walls(), PYTHON, "-c", "import numpy"], capture_output=True)
    message = tried.stderr.decode(errors="replace").strip()[-800:]
    if "nknown option" in message:
        raise NoSandbox(
            f"This bubblewrap is too old, or is another program:\n{message}\n"
            f"Take a newer version of your Linux.\n{HOW}"
        )
    if tried.returncode:
        raise NoSandbox(
            f"bubblewrap is here and cannot make a sandbox:\n{message}\n"
            "In a container it needs user namespaces (Docker: --security-opt seccomp=unconfined "
            "--security-opt systempaths=unconfined);\n"
            f"on Ubuntu 24.04 and later, an AppArmor profile that lets bwrap make them.\n{HOW}"
        )


class Sandbox:
    """One run of `runner.py`; a context manager that leaves no process behind.

    Args:
        sandboxed: False for limits without walls.
        user: without walls, the user who runs it, where root starts it.
    """

    def __init__(self, sandboxed=True, user=None):
        command, how = [str(PYTHON), "-I", "-B"], {}
        self.home = None
        if sandboxed:
            command = [*walls(), *command, "/runner.py"]
        else:
            command += ["-c", RUNNER.read_text(encoding="utf-8")]  # the user may read no file
            self.home = tempfile.mkdtemp(prefix="student-")
            how = {"env": environment(self.home), "cwd": self.home}
            if user is not None:
                shutil.chown(self.home, user)
                how |= {"user": user, "extra_groups": []}
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        self.process = subprocess.Popen(
            command, stderr=subprocess.DEVNULL, start_new_session=True, **pipes, **how
        )
        self.data = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in self.processes():
            with contextlib.suppress(psutil.Error):
                process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            with contextlib.suppress(OSError):
                pipe.close()
        if self.home:
            for folder, names, _ in os.walk(self.home):  # a folder may forbid to look into it
                for path in (Path(folder, name) for name in names):
                    if not path.is_symlink():
                        path.chmod(0o700)
            shutil.rmtree(self.home, ignore_errors=True)

    def processes(self):
        """All processes that still run in it."""
        try:
            first = psutil.Process(self.process.pid)
            return [*first.children(recursive=True), first]
        except psutil.Error:
            return []

    def memory(self):
        """The bytes that all its processes hold."""
        total = 0
        for process in self.processes():
            with contextlib.suppress(psutil.Error):
                total += process.memory_info().rss
        return total

    def send(self, message):
        """Send it a JSON object.

        Raises:
            Ended: it is no longer there.
        """
        try:
            self.process.stdin.write(json.dumps(message).encode() + b"\n")
            self.process.stdin.flush()
        except OSError:
            raise Ended("ended by its own code") from None

    def receive(self, deadline):
        """The JSON object that it says next.

        Raises:
            Ended: it says none before `deadline`, a time of `monotonic`, or takes too much memory.
        """
        while b"\n" not in self.data:
            if select.select([self.process.stdout], [], [], 0.1)[0]:
                part = os.read(self.process.stdout.fileno(), REPLY)
                self.data += part
                if not part or len(self.data) > 2 * REPLY:
                    raise Ended("ended by its own code")
            elif monotonic() > deadline:
                raise Ended("used up its time")
            elif self.memory() > MEMORY:
                raise Ended(f"used more than {MEMORY >> 30} gigabytes of memory")
        line, self.data = self.data.split(b"\n", 1)
        try:
            reply = json.loads(line)
        except (ValueError, RecursionError):
            reply = None
        if not isinstance(reply, dict):
            raise Ended("its own code spoke in place of the tests")
        return reply
