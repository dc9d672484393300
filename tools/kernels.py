"""The kernels of OpenBLAS that this machine can use: they round differently."""

import os
import platform
import subprocess
import sys
from pathlib import Path

NEEDED = {
    "Nehalem": {"sse4_2"},
    "Sandybridge": {"avx"},
    "Haswell": {"avx2", "fma"},
    "SkylakeX": {"avx512f", "avx512bw", "avx512dq", "avx512vl"},
}


def runnable():
    """The names for OPENBLAS_CORETYPE that this processor can run, oldest first.

    There are none where it cannot be told. Left out is one that numpy's OpenBLAS crashes with:
    0.3.34 overruns its stack where a Zen 4 is told to use Haswell's (its issue 6021).
    """
    info = Path("/proc/cpuinfo")
    if platform.machine() not in ("x86_64", "AMD64") or not info.exists():
        return []
    lines = info.read_text().splitlines()
    flags = next((set(line.split()) for line in lines if line.startswith("flags")), set())
    return [name for name, needed in NEEDED.items() if needed <= flags and survives(name)]


def survives(kernel):
    """Whether a product of long rows comes to its end with that kernel."""
    product = "import numpy as np; np.ones((64, 1000)) @ np.ones((1000, 10))"
    variables = os.environ | environment(kernel, 1)
    done = subprocess.run([sys.executable, "-c", product], env=variables, capture_output=True)
    return done.returncode == 0


def environment(kernel, threads):
    """The variables that have numpy's OpenBLAS use that kernel, and so many threads."""
    chosen = {"OPENBLAS_CORETYPE": kernel} if kernel else {}
    return chosen | {"OPENBLAS_NUM_THREADS": str(threads)}
