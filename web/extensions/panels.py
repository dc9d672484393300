"""Sphinx extension: a figure whose panels stand side by side has them below each other on a phone, where its letters would be too small.

The drawing is not made again: the second one shows a window of the first for each of its panels.
"""

import re
from pathlib import Path

NARROW = "(max-width: 575.98px)"  # as in book.css
IMAGE = re.compile(r'<img\b[^>]*?\bsrc="([^"]+)\.svg"[^>]*>')
DRAWING = re.compile(r'(.*?<svg\b)[^>]*\bviewBox="0 0 ([\d.]+) ([\d.]+)"[^>]*>(.*)</svg>', re.S)
NAMES = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
AXES = re.compile(
    r'<g id="axes_\d+">\s*<g id="patch_\d+">\s*<path d="M ([\d.]+) ([\d.]+)'
)  # where the lower left corner is
MARGIN = 5  # points that matplotlib leaves free at the left of a figure


def setup(app):
    app.book_stacked = {}  # the file's name: the drawing
    app.connect("html-page-context", choose)
    app.connect("build-finished", write, priority=700)
    return {"parallel_read_safe": True, "parallel_write_safe": False}


def choose(app, pagename, templatename, context, doctree):
    """Give each image of a page that has panels side by side its second form."""
    sources = {file: src for src, file in app.builder.images.items()}

    def both(image):
        path, name = image[1], f"{image[1].rsplit('/', 1)[-1]}.svg"
        drawn = (
            stacked(Path(app.srcdir, sources[name]).read_text(encoding="utf-8"))
            if name in sources
            else None
        )
        if drawn is None:
            return image[0]
        svg, width, height = drawn
        app.book_stacked[name.replace(".svg", "-stacked.svg")] = svg
        return f'<picture><source media="{NARROW}" srcset="{path}-stacked.svg" width="{width}" height="{height}" />{image[0]}</picture>'

    if context.get("body"):
        context["body"] = IMAGE.sub(both, context["body"])


def stacked(svg):
    """A drawing of matplotlib's with its panels below each other, its width and its height in pixels; None for one that has no row of panels."""
    whole, corners = DRAWING.fullmatch(svg.strip()), AXES.findall(svg)
    left = [float(x) for x, _ in corners]
    if not whole or len(corners) < 2 or len({y for _, y in corners}) > 1 or left != sorted(left):
        return None
    head, width, height, inside = whole[1], float(whole[2]), float(whole[3]), whole[4]
    edges = [0, *(x - left[0] + MARGIN for x in left[1:]), width]
    spans = [b - a for a, b in zip(edges, edges[1:])]
    windows = "".join(
        f'<svg y="{i * height:.2f}" width="{span:.2f}" height="{height}" viewBox="{edge:.2f} 0 {span:.2f} {height}"><use xlink:href="#panels"/></svg>\n'
        for i, (edge, span) in enumerate(zip(edges, spans))
    )
    size = max(spans), height * len(spans)
    tag = f'{head} {NAMES} width="{size[0]:.2f}pt" height="{size[1]:.2f}pt" viewBox="0 0 {size[0]:.2f} {size[1]:.2f}">'
    return f'{tag}\n<defs><g id="panels">{inside}</g></defs>\n{windows}</svg>\n', *(
        round(side * 4 / 3) for side in size
    )


def write(app, error):
    """Put the second drawings beside the first."""
    if not error and app.builder.format == "html":
        for name, svg in app.book_stacked.items():
            (Path(app.outdir) / "_images" / name).write_text(svg, encoding="utf-8")
