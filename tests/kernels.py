"""The kernels of OpenBLAS that this machine can be told to use: they round differently, and a claim must not hang on it."""

import platform
from pathlib import Path

NEEDED = {"Nehalem": {"sse4_2"}, "Sandybridge": {"avx"}, "Haswell": {"avx2", "fma"}, "SkylakeX": {"avx512f", "avx512bw", "avx512dq", "avx512vl"}}


def runnable():
    """The names for OPENBLAS_CORETYPE that this processor can run, from the oldest on; none where it cannot be told."""
    info = Path("/proc/cpuinfo")
    if platform.machine() not in ("x86_64", "AMD64") or not info.exists():
        return []
    flags = next((set(line.split()) for line in info.read_text().splitlines() if line.startswith("flags")), set())
    return [name for name, needed in NEEDED.items() if needed <= flags]


def environment(kernel, threads):
    """The variables that have numpy's OpenBLAS use that kernel, and so many threads."""
    return {"OPENBLAS_CORETYPE": kernel, "OPENBLAS_NUM_THREADS": str(threads)} if kernel else {"OPENBLAS_NUM_THREADS": str(threads)}
