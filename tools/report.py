"""Sphinx extension: the page "How this book is checked", made from what the checks recorded, with nothing typed in."""

import json
import re
from pathlib import Path

import claims
from sphinx.util.logging import getLogger

PAGE = "book/checked"
LOG = getLogger(__name__)
SUITES = {"chapters": "the chapters alone", "tests": "the unit tests alone"}


def setup(app):
    app.connect("source-read", write_page)
    app.connect(
        "env-get-outdated",
        lambda app, env, added, changed, removed: [PAGE] if PAGE in env.found_docs else [],
    )
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def table(header, rows):
    lines = [f"| {' | '.join(header)} |", "|---" * len(header) + "|"]
    return "\n".join(
        lines
        + [
            f"| {' | '.join(str(cell).replace('|', chr(92) + '|') for cell in row)} |"
            for row in rows
        ]
    )


def claims_by_chapter(app, records):
    """A row a chapter: its claims by verdict."""
    verdicts = list(claims.VERDICTS.values())
    rows, total = [], dict.fromkeys(verdicts, 0)
    for path in claims.chapters(app.srcdir):
        title, found = claims.claims(path)
        counts = [sum(verdict == v for _, verdict, _ in found) for v in verdicts]
        total = {v: total[v] + n for v, n in zip(verdicts, counts, strict=True)}
        rows.append([f"[{title}]({path.name})", *counts])
    return table(["chapter", *verdicts], [*rows, ["**all**", *total.values()]])


def mutants(app, records):
    """A row for each module that was broken: how many of its mutants a chapter's cell notices, and how many a unit test."""
    record = records["mutants"]["summary"]
    modules = list(dict.fromkeys(name.split()[1] for name in record))
    rows = []
    for module in modules:
        row = [f"`{module}.py`"]
        for suite in SUITES:
            if result := record.get(f"{suite} {module}"):
                drawn = f"; a sample of {result['sample']}" if result["sample"] else ""
                share = 100 * result["killed"] / max(result["mutants"], 1)
                row.append(
                    f"{result['killed']} of {result['mutants']}, {share:.1f} % ({result['date']}{drawn})"
                )
            else:
                row.append("not run")
        rows.append(row)
    return table(["module", *SUITES.values()], rows)


def equivalents(app, records):
    """The mutants that no one could tell from the original, and why."""
    return table(["module", "change", "why nothing can tell"], [
        [f"`{key.split('.')[0]}`", f"`{key.split(': ', 1)[1]}`", why] for key, why in sorted(records["mutants-equivalent"].items())
    ])  # fmt: skip


def survivors(app, records):
    """The mutants that a suite did not notice, or a sentence where there are none."""
    found = [
        [SUITES[s["suite"]], f"`{s['module']}.py`", f"`{s['old']}` becomes `{s['new']}`"]
        for s in records["mutants"]["survivors"]
    ]
    return table(["not noticed by", "module", "change"], found) if found else "Nothing survived."


def versions(app, records):
    """A row for each run of the tests on another Python, numpy, kernel or number of threads."""
    rows = [
        [r["what"], r["python"], r["numpy"], r["kernel"] or "the machine's own", r["threads"], r["tests"] - r["skipped"], r["failures"] + r["errors"]]
        for r in records["versions"]["runs"]
    ]  # fmt: skip
    return table(["run", "Python", "numpy", "BLAS kernel", "threads", "tests", "failed"], rows)


def margins(app, records):
    """How near the claims come to their bounds: a sentence, a figure, and the ten nearest."""
    rows = [row for row in records["margins"]["claims"] if row["spread"] > 0]
    fixed = len(records["margins"]["claims"]) - len(rows)
    ratios = sorted(
        ((row["margin"] / row["spread"], row) for row in rows), key=lambda pair: pair[0]
    )
    near = sum(ratio < 2 for ratio, _ in ratios)
    seeds = records["margins"]["versions"]["seeds"]
    counted = (
        f"{len(rows) + fixed} comparisons are made by the claims' assertions, over {seeds} fresh seeds. "
        f"{fixed} of them come out the same whatever the seed; of the others the median stands {ratios[len(ratios) // 2][0]:.0f} "
        f"standard deviations from its bound, and the nearest {ratios[0][0]:.1f}; {near or 'none'} stand{'s' if near == 1 else ''} nearer than two."
    )
    draw_margins(Path(app.outdir).parent / "checked/margins.svg", [ratio for ratio, _ in ratios])
    alt = (
        "A staircase that rises from the lower left: how many of the comparisons stand less than so many standard deviations "
        f"from their bound, on a logarithmic axis; {near or 'none'} of them left of the dashed line at two."
    )
    caption = (
        "How many comparisons stand nearer to their bound than so many standard deviations over seeds. Left of the dashed line a claim "
        "wants rewriting."
    )
    figure = f"```{{figure}} /_build/checked/margins.svg\n:alt: {alt}\n:figclass: cell_output\n\n{caption}\n```"
    nearest = {}
    for (
        ratio,
        row,
    ) in ratios:  # a claim that makes several comparisons stands where its nearest does
        nearest.setdefault((row["chapter"], row["claim"]), ratio)
    ten = [
        [f"[{int(chapter[:2])}]({chapter}.ipynb)", claim, f"{ratio:.1f}"]
        for (chapter, claim), ratio in list(nearest.items())[:10]
    ]
    return f"{counted}\n\n{figure}\n\n" + table(
        ["chapter", "the nearest ten", "standard deviations"], ten
    )


def draw_margins(path, ratios):
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    from optimlib.figures import palette, plotting

    ax = plotting.axes(
        "distance from the bound, in standard deviations over seeds",
        "comparisons",
        xscale="log",
        height=3.0,
    )
    ax.step([ratios[0], *ratios], range(len(ratios) + 1), where="post", color=palette.ACCENT)
    ax.axvline(2, color="#5b6470", dashes=(4, 2))
    path.parent.mkdir(parents=True, exist_ok=True)
    ax.figure.savefig(path, metadata={"Date": None})
    plt.close(ax.figure)


def counted(title):
    """A title in which a number such as 1e+05 is written out."""
    return re.sub(r"\d+e\+\d+", lambda number: f"{float(number[0]):,.0f}", title)


def duration(row):
    """A time with its unit, and no more than three digits before the point."""
    time, unit = row["time"], row["unit"]
    if unit == "us" and time >= 1000:
        time, unit = time / 1000, "ms"
    return f"{time:.4g} {unit.replace('us', 'µs')}"


def bench(app, records):
    """A table for each thing that was timed, with the versions of what it was timed against."""
    record = records["bench"]
    titles = {
        "digits": "`fit` on the digits (64-32-10, batch 32, Adam): a step",
        "mnist": "`fit` on 784-128-10, MNIST's shape: a step",
        "sweep": "200 runs on the digits: a run of 20 epochs",
        "pair": "two runs on the digits",
        "start": "a fresh process",
    }
    parts = []
    for name, title in titles.items():
        rows = [
            [row["name"], duration(row), f"{row['ratio']:.2f}"] for row in record["tables"][name]
        ]
        parts.append(f"**{title}**\n\n" + table(["", "median", "ratio"], rows))
    steps = [
        [counted(group[1]["title"]), duration(group[1]), f"{group[1]['ratio']:.2f}"]
        for group in record["tables"]["adam"]
    ]
    parts.append(
        "**One Adam step, against the memory traffic that it must do**\n\n"
        + table(["", "median", "ratio"], steps)
    )
    versions = ", ".join(f"{name} {version}" for name, version in record["versions"].items())
    return "\n\n".join(parts) + (
        f"\n\nMedians of {record['rounds']} rounds on one thread, on {record['date']}, with {versions}. "
        f"A process that sweeps a hundred runs on the digits holds at most {record['megabytes of a sweep']:.0f} MB."
    )


PARTS = {
    f.__name__: f
    for f in (claims_by_chapter, margins, mutants, survivors, equivalents, versions, bench)
}


def write_page(app, name, text):
    """Put each part in place of its mark, such as `% record: mutants`."""
    if name != PAGE:
        return
    folder = Path(app.srcdir, "tools/records")
    records = {
        path.stem: json.loads(path.read_text(encoding="utf-8")) for path in folder.glob("*.json")
    }
    for part, make in PARTS.items():
        mark = f"% record: {part}"
        if mark not in text[0]:
            LOG.warning("the page has no mark %r", mark, location=name)
            continue
        try:
            text[0] = text[0].replace(mark, make(app, records))
        except KeyError as missing:
            LOG.warning(
                "tools/records lacks %s: run the command that the page names with --write",
                missing,
                location=name,
            )
