"""What runs the book takes nothing from its reader's own settings, and writes only below _build."""

import os

from tools.book import BUILD

FOLDERS = (
    "IPYTHONDIR",
    "JUPYTER_CONFIG_DIR",
    "JUPYTER_DATA_DIR",
    "JUPYTER_RUNTIME_DIR",
    "MPLCONFIGDIR",
)
# matplotlibrc and backend: a style and figures of their own; startup: code that runs in each
# kernel; optimize: assertions that do not count
READERS_OWN = ("MATPLOTLIBRC", "MPLBACKEND", "PYTHONSTARTUP", "PYTHONOPTIMIZE")
KERNEL = 'c.IPKernelApp.log_level = "ERROR"\nc.HistoryManager.enabled = False\n'


def isolate(build=BUILD):
    """Set the variables of this process, and so of the kernels that it starts.

    Kernels then say nothing of their own, use one thread each, and show no progress bars: a page
    shows what a cell found, not how long it took.
    """
    for name in FOLDERS:
        folder = build / "settings" / name.lower()
        folder.mkdir(parents=True, exist_ok=True)
        os.environ[name] = str(folder)
    profile = build / "settings/ipythondir/profile_default"
    profile.mkdir(exist_ok=True)
    (profile / "ipython_kernel_config.py").write_text(KERNEL)
    for name in READERS_OWN:
        os.environ.pop(name, None)
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    os.environ["TQDM_DISABLE"] = "1"
