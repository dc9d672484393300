"""A chapter as a plain notebook: what the site makes of its marks, in Markdown for any Jupyter.

Exercises have their numbers and titles, solutions are folded, citations are author and year and
lead to the paper, figures have captions, and what the page folds is folded.
"""

import copy
import json
import re
from pathlib import Path

from pybtex.database import parse_file

from . import solutions

EXERCISE = re.compile(r"`{3,}\{exercise-start\} *(.*)\n(?::.*\n)*`{3,} *\n?")
EXERCISE_END = re.compile(r"\n?`{3,}\{exercise-end\}\n`{3,} *")
CITATION = re.compile(r"\{cite:([tp])\}`([^`]+)`")
CHAPTER = re.compile(r"0*(\d+)-")


def setup(app):
    app.connect("build-finished", write_downloads, priority=450)


def write_downloads(app, error):
    """Puts the readers' notebooks where the pages' download buttons lead."""
    if error or app.builder.format != "html":
        return
    for path in Path(app.outdir, "_sources").rglob("*.ipynb"):
        source = Path(app.srcdir, path.relative_to(Path(app.outdir, "_sources")))
        if not source.exists():  # of a build before it was renamed
            path.unlink()
            continue
        notebook = json.loads(source.read_text(encoding="utf-8"))
        text = json.dumps(for_readers(app, notebook, path.name), indent=1, ensure_ascii=False)
        path.write_text(f"{text}\n", encoding="utf-8")


def for_readers(app, notebook, name):
    """A notebook of the book as the lab opens it and the page's button downloads it.

    Args:
        app: The Sphinx application: its settings say whether solutions are shown.
        notebook: The notebook as its file has it, a dictionary.
        name: Its file's name, which begins with the chapter's number.

    Returns:
        Another dictionary.
    """
    references = {}
    for file in app.config.bibtex_bibfiles:
        references |= parse_file(str(Path(app.srcdir, file))).entries
    chapter = CHAPTER.match(name)
    return readable(solutions.shown(app, notebook), chapter and chapter[1], references)


def readable(notebook, chapter, references):
    """The notebook with every mark of the site's in Markdown; its code is untouched.

    Args:
        notebook: The notebook, a dictionary.
        chapter: The number of the chapter as text, or None: then exercises have titles alone.
        references: pybtex' entries of the book's references by their keys.
    """
    cells, exercises, figures, in_solution = [], 0, 0, False
    for original in notebook["cells"]:
        cell = copy.deepcopy(original)
        if cell["cell_type"] == "code":
            tags = cell["metadata"].get("tags", [])
            if in_solution or "hide-input" in tags:
                cell["metadata"].setdefault("jupyter", {})["source_hidden"] = True
                cell["metadata"]["cellView"] = "form"  # the same for Colab
            cells.append(cell)
            if figure := cell["metadata"].get("mystnb", {}).get("figure"):
                figures += 1
                cells.append(caption_cell(cell["id"], number(chapter, figures), figure, references))
            continue
        text = "".join(cell["source"])
        if start := EXERCISE.search(text):
            exercises += 1
            title = f"**Exercise{number(chapter, exercises)}: {start[1].strip()}.**\n\n"
            text = f"{text[: start.start()]}{title}{text[start.end() :]}"
        text = EXERCISE_END.sub("", text)
        parts = []
        while text or not parts:
            begin = None if in_solution else solutions.START.search(text)
            end = solutions.END.search(text) if in_solution else None
            mark = begin or end
            part = text[: mark.start()] if mark else text
            if in_solution and part.strip():
                parts.append(folded(f"Solution of exercise{number(chapter, exercises)}", part))
            elif part.strip():
                parts.append(part.strip("\n"))
            if not mark:
                break
            in_solution, text = bool(begin), text[mark.end() :]
        text = CITATION.sub(lambda found: citation(found, references), "\n\n".join(parts))
        if text:
            cells.append(cell | {"source": text.splitlines(keepends=True)})
    return notebook | {"cells": cells}


def number(chapter, place):
    """A number by chapter, such as ` 3.2`, or nothing outside of chapters."""
    return f" {chapter}.{place}" if chapter else ""


def folded(summary, text):
    """Markdown that its reader unfolds."""
    return f"<details>\n<summary>{summary}</summary>\n\n{text.strip()}\n\n</details>"


def caption_cell(name, place, figure, references):
    """The cell that stands below a figure's, with its caption."""
    caption = CITATION.sub(lambda found: citation(found, references), figure["caption"].strip())
    return {
        "cell_type": "markdown",
        "id": f"{name}-caption"[-64:],
        "metadata": {},
        "source": f"*Figure{place}.* {caption}".splitlines(keepends=True),
    }


def citation(found, references):
    """Author and year in place of a citation, as in running text or in brackets, each a link."""
    kind, keys = found[1], [key.strip() for key in found[2].split(",")]
    texts = []
    for key in keys:
        entry = references[key]
        names, year = authors(entry), entry.fields["year"]
        text = f"{names} ({year})" if kind == "t" else f"{names}, {year}"
        doi, url = entry.fields.get("doi"), entry.fields.get("url")
        address = f"https://doi.org/{doi}" if doi else url
        texts.append(f"[{text}](<{address}>)" if address else text)
    return ", ".join(texts) if kind == "t" else f"({'; '.join(texts)})"


def authors(entry):
    """The last names of one or two authors, or of the first of more."""
    people = entry.persons["author"]
    last = [" ".join(map(str, p.rich_prelast_names + p.rich_last_names)) for p in people]
    return f"{last[0]} et al." if len(last) > 2 else " and ".join(last)
