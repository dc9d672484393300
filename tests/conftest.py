"""What several test files share: order, times, threads; tests/reader.py has the site."""

import os

import pytest

from tools.isolation import isolate

isolate()  # one thread, too: the networks are small, more gain nothing and disturb each other

pytest_plugins = ["tests.reader"]


def pytest_terminal_summary(terminalreporter):
    """The time of every test file and chapter, slowest first: setup, calls and teardown."""
    seconds = {}
    for reports in terminalreporter.stats.values():
        for report in reports:
            if hasattr(report, "duration") and hasattr(report, "nodeid"):
                file = report.nodeid.split("::")[0]
                seconds[file] = seconds.get(file, 0.0) + report.duration
    if len(seconds) > 1:
        terminalreporter.section("time by file, slowest first")
        for file, time in sorted(seconds.items(), key=lambda item: -item[1]):
            terminalreporter.write_line(f"{time:7.1f} s  {file}")


# The files that take longest go first, so that no process is left alone with one at the end. The
# site's own leads, and builds the site while the next ones, which do not ask for it, run.
LONGEST = [
    "test_each_page",
    "test_class",
    "test_assignments",
    "test_answers",
    "test_mutants",
    "test_access",
    "test_needs",
    "test_every_figure",
    "08-choosing",
    "04-rmsprop",
    "05-adam",
    "07-schedules",
    "06-adamw",
    "03-momentum",
]
LONGEST += ["test_site", "test_explorable", "test_lite", "test_live"]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """By file, the longest first, within it as it stands there; what drives a browser is marked."""
    items.sort(
        key=lambda item: (
            LONGEST.index(item.path.stem) if item.path.stem in LONGEST else len(LONGEST)
        )
    )
    for item in items:
        if {"launch", "site"} & set(getattr(item, "fixturenames", ())):
            item.add_marker("browser")


def pytest_xdist_auto_num_workers(config):
    """A process more than cores: those that drive a browser or wait for a limit idle."""
    return (os.cpu_count() or 1) + 1
