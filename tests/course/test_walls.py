"""The sandbox: what a student's process can do, and what is said where there is none."""

import os
import shutil
import subprocess

import pytest
from hand_ins import PYTHON, ROOT, handed_out, run, written_to


def test_without_bubblewrap_grading_refuses_and_says_how_to_get_it(grader, tmp_path):
    written_to(tmp_path, "a.ipynb", handed_out())
    (tmp_path / "bin").mkdir()
    done = run("grade", "1", tmp_path, "--to", tmp_path / "out", PATH=str(tmp_path / "bin"))
    assert (
        done.returncode == 2
        and "apt-get install bubblewrap" in done.stderr
        and "SANDBOX=no" in done.stderr
    )
    assert not (tmp_path / "out").exists()
    broken = tmp_path / "bin/bwrap"
    broken.write_text(
        "#!/bin/sh\necho 'bwrap: No permissions to create new namespace' >&2\nexit 1\n"
    )
    broken.chmod(0o755)
    done = run(
        "grade",
        "1",
        tmp_path,
        "--to",
        tmp_path / "out",
        PATH=f"{tmp_path / 'bin'}:{os.environ['PATH']}",
    )
    assert (
        done.returncode == 2
        and "No permissions" in done.stderr
        and "user namespaces" in done.stderr
    )


@pytest.mark.parametrize(
    "missing",
    [
        "--disable-userns",
        "--disable-userns|--size",
        "--disable-userns|--size|--clearenv|--perms|--chmod",
        "--ro-bind-try",
    ],
)
def test_older_bubblewraps_make_a_sandbox_or_are_said_to_be_too_old(grader, tmp_path, missing):
    """The versions 0.7, 0.6 and 0.4, and one that is too old, each played by this one with a
    guard before it."""
    older = tmp_path / "bwrap"
    unknown = 'echo "bwrap: Unknown option $one" >&2; exit 1'
    refuse = f'for one; do case "$one" in {missing}) {unknown};; esac; done'
    bwrap = shutil.which("bwrap")
    older.write_text(
        f'#!/bin/sh\n[ "$1" = --help ] && {bwrap} --help | grep -v -E -e "({missing}) " && exit\n'
        f'{refuse}\nexec {bwrap} "$@"\n'
    )
    older.chmod(0o755)
    environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    done = subprocess.run(
        [str(PYTHON), "-c", "from course import sandbox; sandbox.check()"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
    )
    if missing == "--ro-bind-try":
        assert (
            "too old" in done.stderr
            and "Unknown option --ro-bind-try" in done.stderr
            and "user namespaces" not in done.stderr
        )
    else:
        assert done.returncode == 0, done.stderr


def test_the_sandbox_holds_also_for_a_teacher_who_is_root(grader):
    """What a student's process can do: no capability, no setting of the system, no folder but
    its own."""
    inside = """
import os, subprocess
assert "CapEff:\\t0000000000000000" in open("/proc/self/status").read()
for path in ["/usr/x", "/x", "/dev/x", "/proc/sys/kernel/core_pattern", ROOT + "/optimlib/x"]:
    try:
        open(path, "w").write("x")
        raise SystemExit(f"wrote {path}")
    except OSError:
        pass
for folder in ["/tmp", os.path.expanduser("~"), "/dev/shm"]:
    open(folder + "/x", "w").write("x")
assert sorted(os.listdir(ROOT)) == [".venv-course", "optimlib"], os.listdir(ROOT)
try:
    open(ROOT + "/x", "w").write("x")  # where the project lies in /tmp, that is the sandbox's own
except OSError:
    pass
assert not [name for name in os.environ if "TOKEN" in name]
mount = "mount -o remount,rw /usr"
again = f"{mount} || unshare -Urm {mount}; touch /usr/x"
remount = subprocess.run(again, shell=True, capture_output=True)
assert remount.returncode, "could write to /usr"
import numpy, matplotlib, optimlib
"""
    inside = inside.replace("ROOT", repr(str(ROOT)))
    outside = (
        "import subprocess, sys; from course import sandbox; "
        f"sys.exit(subprocess.run([*sandbox.walls(), sys.executable, '-c', {inside!r}]).returncode)"
    )
    environment = {**os.environ, "A_TOKEN": "secret"}
    done = subprocess.run(
        [str(PYTHON), "-c", outside],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert not (ROOT / "x").exists()


def test_nothing_that_the_host_sees_can_be_written(grader):
    """So no program can be left for others, and no disk filled: only the sandbox's own folders
    take files."""
    inside = """
import os
mounts = [line.split() for line in open('/proc/self/mounts')]
writable = {m[1]: m[2] for m in mounts if 'rw' in m[3].split(',')}
own = {place for place, kind in writable.items() if kind in ('tmpfs', 'proc', 'devpts', 'mqueue')}
places = [p for p in writable if p not in own and os.access(p, os.W_OK)]
assert not [p for p in places if not p.startswith('/dev/')], places
"""
    outside = (
        "import subprocess, sys; from course import sandbox; "
        f"sys.exit(subprocess.run([*sandbox.walls(), sys.executable, '-c', {inside!r}]).returncode)"
    )
    done = subprocess.run([PYTHON, "-c", outside], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
