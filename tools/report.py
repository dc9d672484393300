"""The page "How this book is checked": its tables, written from what the checks recorded.

`python -m tools.report` writes them into book/checked.md, each between `% record: NAME` and
`% end of NAME`, and draws the page's figure. Nothing between these is typed in.
"""

import ast
import json
import re
import sys

from tools.book import BOOK, CHAPTERS, RECORDS, ROOT, VERDICTS, claims

PAGE = BOOK / "checked.md"
FIGURE = BOOK / "margins.svg"
SUITES = {"chapters": "the chapters alone", "tests": "the unit tests alone"}


def main():
    found = records()
    PAGE.write_text(written(PAGE.read_text(encoding="utf-8"), found), encoding="utf-8")
    draw_margins(FIGURE, [ratio for ratio, _ in distances(found)])


def records():
    """What the checks recorded: {name: contents of the file}."""
    paths = sorted(RECORDS.glob("*.json"))
    return {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in paths}


def written(page, records):
    """The text of the page with every part made anew.

    Raises:
        ValueError: The page has no place for a part, or more than one.
        KeyError: A record is missing.
    """
    for name, make in PARTS.items():
        place = re.compile(rf"(?ms)^% record: {name}\n.*?^% end of {name}$")
        text = f"% record: {name}\n\n{make(records)}\n\n% end of {name}"
        page, count = place.subn(lambda _, text=text: text, page)
        if count != 1:
            raise ValueError(f"{PAGE.name} has {count} places for {name!r}")
    return page


def markdown_of(path):
    """The Markdown cells of a notebook, as one text."""
    notebook = json.loads(path.read_text(encoding="utf-8"))
    cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "markdown"]
    return "\n\n".join("".join(cell["source"]) for cell in cells)


def table(header, rows):
    """A table in Markdown."""
    lines = [f"| {' | '.join(header)} |", "|---" * len(header) + "|"]
    return "\n".join(
        lines
        + [
            f"| {' | '.join(str(cell).replace('|', chr(92) + '|') for cell in row)} |"
            for row in rows
        ]
    )


def claims_by_chapter(records):
    """A row a chapter: its claims by verdict."""
    verdicts = list(dict.fromkeys(VERDICTS.values()))
    rows = []
    for path in CHAPTERS:
        markdown = markdown_of(path)
        found = [verdict for verdict, _ in claims(markdown)]
        title = re.search(r"(?m)^# (.+)$", markdown)[1].strip()
        rows.append([f"[{title}]({path.name})", *map(found.count, verdicts)])
    total = [sum(row[i] for row in rows) for i in range(1, len(verdicts) + 1)]
    return table(["chapter", *verdicts], [*rows, ["**all**", *total]])


def mutants(records):
    """A row for each broken module: how many mutants a chapter notices, how many a unit test."""
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
                    f"{result['killed']} of {result['mutants']}, {share:.1f} % "
                    f"({result['date']}{drawn})"
                )
            else:
                row.append("not run")
        rows.append(row)
    return table(["module", *SUITES.values()], rows)


def equivalents(records):
    """The mutants that no one could tell from the original, and why."""
    found = sorted(records["mutants-equivalent"].items())
    rows = [[f"`{key.split('.')[0]}`", f"`{key.split(': ', 1)[1]}`", why] for key, why in found]
    return table(["module", "change", "why nothing can tell"], rows)


def survivors(records):
    """The mutants that a suite did not notice, or a sentence where there are none."""
    found = [
        [SUITES[s["suite"]], f"`{s['module']}.py`", f"`{s['old']}` becomes `{s['new']}`"]
        for s in records["mutants"]["survivors"]
    ]
    return table(["not noticed by", "module", "change"], found) if found else "Nothing survived."


def versions(records):
    """A row for each run of the tests on another Python, numpy, kernel or number of threads."""
    rows = [
        [
            run["what"],
            run["python"],
            run["numpy"],
            run["kernel"] or "the machine's own",
            run["threads"],
            run["tests"] - run["skipped"],
            run["failures"] + run["errors"],
        ]
        for run in records["versions"]["runs"]
    ]
    return table(["run", "Python", "numpy", "BLAS kernel", "threads", "tests", "failed"], rows)


def distances(records):
    """[(spreads from its bound, comparison), ...], the nearest first."""
    rows = [row for row in records["margins"]["claims"] if row["spread"] > 0]
    found = [(row["margin"] / row["spread"], row) for row in rows]
    return sorted(found, key=lambda pair: pair[0])


def margins(records):
    """How near the claims come to their bounds: a sentence, a figure, and the ten nearest."""
    ratios, count = distances(records), len(records["margins"]["claims"])
    near = sum(ratio < 2 for ratio, _ in ratios)
    summary = (
        f"{count} comparisons are made by the claims' assertions, over"
        f" {records['margins']['versions']['seeds']} fresh seeds. {count - len(ratios)} of them"
        f" come out the same whatever the seed; of the others the median stands"
        f" {ratios[len(ratios) // 2][0]:.0f} spreads from its bound, and the nearest"
        f" {ratios[0][0]:.1f}; {near or 'none'} stand{'s' if near == 1 else ''} nearer than two."
    )
    alt = (
        "A staircase that rises from the lower left: how many of the comparisons stand less than"
        " so many spreads from their bound, on a logarithmic axis;"
        f" {near or 'none'} of them left of the dashed line at two."
    )
    caption = (
        "How many comparisons stand nearer to their bound than so many spreads over the"
        " seeds. Left of the dashed line a claim wants rewriting."
    )
    figure = f"```{{figure}} {FIGURE.name}\n:alt: {alt}\n:figclass: cell_output\n\n{caption}\n```"
    nearest = {}  # a claim that makes several comparisons stands where its nearest does
    for ratio, row in ratios:
        nearest.setdefault((row["chapter"], row["claim"]), ratio)
    ten = [
        [f"[{int(chapter[:2])}]({chapter}.ipynb)", claim, f"{ratio:.1f}"]
        for (chapter, claim), ratio in list(nearest.items())[:10]
    ]
    rows = table(["chapter", "the nearest ten", "spreads"], ten)
    return f"{summary}\n\n{figure}\n\n{rows}"


def draw_margins(path, ratios):
    """Draws how many comparisons stand nearer than so many spreads."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    from optimlib.figures import palette, plotting

    ax = plotting.axes(
        "distance from the bound, in spreads over seeds",
        "comparisons",
        xscale="log",
        height=3.0,
    )
    ax.step([ratios[0], *ratios], range(len(ratios) + 1), where="post", color=palette.ACCENT)
    ax.axvline(2, color="#5b6470", dashes=(4, 2))
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


def bench(records):
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
    summary = (
        f"Medians of {record['rounds']} rounds on one thread, on {record['date']},"
        f" with {versions}. A process that sweeps a hundred runs on the digits holds at most"
        f" {record['megabytes of a sweep']:.0f} MB."
    )
    return "\n\n".join([*parts, summary])


def core(records):
    """How many lines each room of the core has: code alone, without docstrings and blank lines."""
    rooms = {path.name: code_lines(path) for path in sorted((ROOT / "optimlib").glob("*.py"))}
    rows = [[f"`{name}`", lines] for name, lines in rooms.items()]
    return table(["module", "lines of code"], [*rows, ["**all**", f"{sum(rooms.values()):,}"]])


def code_lines(path):
    """The lines of a module that are neither blank nor part of a docstring."""
    text = path.read_text(encoding="utf-8")
    documented = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(
            node
        ):
            documented |= set(range(node.body[0].lineno, node.body[0].end_lineno + 1))
    lines = enumerate(text.splitlines(), 1)
    return sum(bool(line.strip()) and n not in documented for n, line in lines)


PARTS = {
    f.__name__: f
    for f in (claims_by_chapter, margins, mutants, survivors, equivalents, versions, bench, core)
}


if __name__ == "__main__":
    sys.exit(main())
