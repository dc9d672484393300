"""Kernels for other people's code: no network, no files but Python's own, limits on memory, files and time, by bubblewrap."""

import os
import shutil
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

from jupyter_client.manager import AsyncKernelManager
from traitlets import Bool

ROOT = Path(__file__).resolve().parent.parent
MEMORY, FILE, PROCESSES = 4 << 30, 64 << 20, 200  # bytes, bytes, processes of one user
HOME = "/home/student"
PYTHON, PREFIX = (
    os.path.abspath(sys.executable),
    os.path.abspath(sys.prefix),
)  # without a "..", which leads nowhere in the sandbox

# What runs in the sandbox: limits that the student's code can lower and not raise, then an ordinary kernel. The packages that every
# assignment imports are loaded beforehand, which no cell's time limit counts. IPython's own exit() ends the kernel with no error in
# its cell; the built-in one raises SystemExit, and costs that cell alone.
START = """
import os, sys
try:
    import resource
    for name, limit in [("AS", {memory}), ("FSIZE", {file}), ("NPROC", {processes}), ("CORE", 0)]:
        try:
            hard = resource.getrlimit(getattr(resource, "RLIMIT_" + name))[1]
            if hard == resource.RLIM_INFINITY or hard > limit:
                resource.setrlimit(getattr(resource, "RLIMIT_" + name), (limit, limit))
        except (AttributeError, OSError, ValueError):
            pass
except ImportError:
    pass
os.environ["MPLBACKEND"] = "module://matplotlib_inline.backend_inline"
import matplotlib.pyplot
sys.argv[1:1] = ["--IPKernelApp.log_level=ERROR", "--HistoryManager.enabled=False",
                 "--IPKernelApp.exec_lines=del exit, quit", "-f"]
from ipykernel.kernelapp import launch_new_instance
launch_new_instance()
""".format(memory=MEMORY, file=FILE, processes=PROCESSES)

HOW = """\
Homework is other people's code. It is graded in a sandbox by bubblewrap (the command bwrap), which runs on Linux:
    Debian, Ubuntu   apt-get install bubblewrap
    Fedora           dnf install bubblewrap
    Arch             pacman -S bubblewrap
On Windows, use the Linux of WSL 2; on macOS, a Linux machine or virtual machine.
To grade with no sandbox, where you trust all that was handed in: make grade ... SANDBOX=no"""


class NoSandbox(Exception):
    """There is no sandbox here; the message says why and what to do."""


def environment():
    """The environment variables of a kernel: nothing of the teacher's own."""
    return {
        "PATH": f"{Path(PYTHON).parent}:/usr/bin:/bin",
        "HOME": HOME,
        "USER": "student",
        "LANG": "C.UTF-8",
        "IPYTHONDIR": f"{HOME}/.ipython",
        "MPLCONFIGDIR": f"{HOME}/.matplotlib",
        "PYTHONDONTWRITEBYTECODE": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1",
        "TQDM_DISABLE": "1",
    }


@cache
def known():
    """What this bubblewrap says of its options."""
    return subprocess.run(
        ["bwrap", "--help"], capture_output=True, text=True, errors="replace"
    ).stdout


def where_known(option, *values):
    """An option that older versions of bubblewrap have not, where this one has it."""
    return [option, *values] if f"{option} " in known() else []


def walls(shared=None):
    """The bwrap command up to what it runs: read-only Python and system libraries, an empty home, and the folder `shared`.

    A teacher may be root, in a container say. So the code inside gets no capability, and no writable system setting either: those
    of /proc/sys obey the user who is root outside. Without `--disable-userns` it can make user namespaces of its own, and without
    `--size` it can fill half of the memory with files.
    """
    command = [
        "/usr/bin/env",
        "-i",
        *(f"{name}={value}" for name, value in environment().items()),
        shutil.which("bwrap") or "bwrap",
    ]
    command += [
        "--unshare-user",
        "--unshare-all",
        "--uid",
        "1000",
        "--gid",
        "1000",
        *where_known("--disable-userns"),
        "--cap-drop",
        "ALL",
    ]
    command += ["--die-with-parent", "--new-session", "--hostname", "sandbox"]
    command += ["--ro-bind", "/usr", "/usr", "--proc", "/proc", "--dev", "/dev"]
    for name in ("/proc/sys", "/proc/sysrq-trigger"):
        command += ["--ro-bind-try", name, name]
    for name in ("/bin", "/sbin", "/lib", "/lib32", "/lib64"):
        if os.path.islink(name):
            command += ["--symlink", os.readlink(name), name]
        elif os.path.isdir(name):
            command += ["--ro-bind", name, name]
    for name in (
        "/etc/ld.so.cache",
        "/etc/ld.so.conf",
        "/etc/ld.so.conf.d",
        "/etc/alternatives",
        "/etc/fonts",
        "/etc/localtime",
    ):
        command += ["--ro-bind-try", name, name]
    for name in ("/tmp", "/dev/shm", HOME):
        command += [*where_known("--size", str(4 * FILE)), "--tmpfs", name]
    for folder in dict.fromkeys(
        [sys.base_prefix, PREFIX, str(ROOT / "optimlib")]
    ):  # optimlib is installed as a link to here
        if not Path(folder).is_relative_to("/usr"):
            command += ["--ro-bind", folder, folder]
    if shared:
        command += ["--bind", shared, shared]
    return [*command, "--remount-ro", "/dev", "--remount-ro", "/", "--chdir", HOME, "--"]


def check():
    """Raise `NoSandbox` unless bubblewrap is here and a Python with numpy starts in it."""
    if shutil.which("bwrap") is None:
        raise NoSandbox(f"There is no bubblewrap on this machine.\n{HOW}")
    tried = subprocess.run(
        [*walls(), PYTHON, "-c", "import numpy, ipykernel"],
        capture_output=True,
        text=True,
        errors="replace",
    )
    if "nknown option" in tried.stderr:
        raise NoSandbox(
            f"This bubblewrap is too old, or is another program:\n{tried.stderr.strip()[-800:]}\nTake a newer version of your Linux.\n{HOW}"
        )
    if tried.returncode:
        raise NoSandbox(
            f"bubblewrap is here and cannot make a sandbox:\n{tried.stderr.strip()[-800:]}\n"
            "In a container it needs user namespaces (Docker: --security-opt seccomp=unconfined --security-opt systempaths=unconfined);\n"
            f"on Ubuntu 24.04 and later, an AppArmor profile that lets bwrap make them.\n{HOW}"
        )


class KernelManager(AsyncKernelManager):
    """Starts every kernel in a sandbox of its own; notebook and kernel speak through sockets in a folder that both see."""

    sandboxed = Bool(True, help="False: limits, but no walls").tag(config=True)

    def __init__(self, **settings):
        super().__init__(**settings)
        self.folder = tempfile.mkdtemp(prefix="kernel-")
        self.connection_file = f"{self.folder}/kernel.json"
        if os.name != "nt":
            self.transport, self.ip = "ipc", f"{self.folder}/socket"
        self.kernel_spec.interrupt_mode = "message"  # a signal does not reach into the sandbox

    def format_kernel_cmd(self, extra_arguments=None):
        command = [PYTHON, "-c", START, self.connection_file]
        return [*walls(self.folder), *command] if self.sandboxed else command

    async def _async_launch_kernel(self, kernel_cmd, **kw):
        kw["cwd"] = self.folder  # not the course's; the sandbox changes to its own home
        kw["stdout"] = kw["stderr"] = (
            subprocess.DEVNULL
        )  # cells write to the notebook; what is left is the kernel's greeting
        return await super()._async_launch_kernel(kernel_cmd, **kw)

    def cleanup_connection_file(self):
        super().cleanup_connection_file()
        shutil.rmtree(getattr(self, "folder", ""), ignore_errors=True)

    def excess(self):
        """Whether the kernel keeps more in the shared folder than its sockets and its connection file may take."""
        sizes = [entry.stat(follow_symlinks=False).st_size for entry in os.scandir(self.folder)]
        return len(sizes) > 20 or sum(sizes) > 1 << 20
