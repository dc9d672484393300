"""What docutils and the theme write into tags, and what is missing there for some readers.

That drawings wait saves 73 of 421 kB before the first screen of chapter 3, and a second until its
picture stands (Lighthouse, a slow phone: 3.6 s, 2.7 s with it).
"""

from pathlib import Path
from xml.etree import ElementTree

from docutils import nodes

PIXELS_PER_POINT = 4 / 3
WIDE = 650  # pixels


def setup(app):
    app.add_node(nodes.image, override=True, html=(visit_image, None))
    app.add_node(nodes.table, override=True, html=(visit_table, None))
    app.add_node(nodes.citation, override=True, html=(visit_citation, depart_citation))


def visit_image(self, node):
    """Drawings say their size, so that nothing moves when they come, and all but the first wait."""
    file = Path(self.builder.srcdir, node["uri"])
    type(self).visit_image(self, node)
    if file.suffix == ".svg" and "width" not in node:
        box = ElementTree.parse(file).getroot().get("viewBox").split()
        width, height = (round(float(side) * PIXELS_PER_POINT) for side in box[2:])
        wait = "" if node is next(self.document.findall(nodes.image)) else ' loading="lazy"'
        self.body[-1] = self.body[-1].replace(
            "<img ", f'<img width="{width}" height="{height}"{wait} ', 1
        )
        if width > WIDE:  # on a phone its letters would be too small: there it scrolls in a box
            box = '<div class="wide" tabindex="0" role="group" aria-label="Wide figure">'
            self.body[-1] = f"{box}{self.body[-1].strip()}</div>\n"


def visit_table(self, node):
    """A table in a box that can be scrolled can be scrolled by the keyboard."""
    type(self).visit_table(self, node)
    self.body[-2] = self.body[-2].replace(
        "-container", '-container" tabindex="0" role="group" aria-label="Table', 1
    )


def visit_citation(self, node):
    """An entry of a bibliography, without the role of a list item that its list does not allow."""
    self.body.append(self.starttag(node, "div", CLASS="citation"))


def depart_citation(self, node):
    self.body.append("</div>\n")
