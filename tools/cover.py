"""Draw the cover, the logo and the favicon: `python -m tools.cover` writes them to web/static.

With `--png` it also photographs the cover for pages that are shared (needs a Chromium).
"""

import base64
import sys
from pathlib import Path

import contourpy
import numpy as np

from optimlib import surfaces
from optimlib.figures import palette
from optimlib.figures.svg import thinned
from optimlib.optimizers import SGD, Adam, RMSprop
from tools.book import chromium, chromium_arguments

STATIC = Path(__file__).resolve().parents[1] / "web/static"
RACERS = {
    "SGD": SGD(0.0615),
    "momentum": SGD(0.0075, momentum=0.85),
    "RMSprop": RMSprop(0.09),
    "Adam": Adam(0.16),
}
STEPS = 46
ROUND = ' stroke-linejoin="round" stroke-linecap="round"'


def main():
    for name, drawing in {
        "cover.svg": cover(),
        "logo.svg": logo(),
        "favicon.svg": favicon(),
    }.items():
        (STATIC / name).write_text(drawing, encoding="utf-8")
    if "--png" in sys.argv:
        photograph()


def photograph():
    """Writes cover.png, in the size that the pictures of shared pages have."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=chromium_arguments())
        page = browser.new_page(viewport={"width": 1200, "height": 630})
        drawing = (STATIC / "cover.svg").read_text(encoding="utf-8")
        page.set_content(
            '<body style="margin:0;background:#fff;color:#14202b;text-align:center;'
            "font:600 76px 'Source Serif 4',Georgia,serif\">"
            f'<p style="margin:78px 0 40px">Optimizers, Step by Step</p>{drawing}</body>'
        )
        font = base64.b64encode(
            (STATIC / "fonts/source-serif-4-latin-wght-normal.woff2").read_bytes()
        )
        source = f"data:font/woff2;base64,{font.decode()}"
        page.add_style_tag(
            content=f"@font-face {{font-family: 'Source Serif 4'; src: url({source})}}"
        )
        page.evaluate("document.fonts.ready.then(() => true)")
        page.screenshot(path=STATIC / "cover.png")
        browser.close()


class Canvas:
    """Maps a rectangle of a surface to pixels, in tenths of them.

    Args:
        box: the rectangle, ((left, right), (bottom, top)).
        width, height: in pixels.
    """

    def __init__(self, box, width, height):
        self.box, self.size = np.array(box, dtype=float), np.array([width, height])

    def place(self, points):
        share = (np.asarray(points) - self.box[:, 0]) / (self.box[:, 1] - self.box[:, 0])
        return np.round(np.where([True, False], share, 1 - share) * self.size, 1)

    def path(self, points):
        """Path data of a line through the points, without those it does not need."""
        return "M" + "L".join(f"{x:g},{y:g}" for x, y in thinned(self.place(points), 0.2))

    def contours(self, surface, levels, points=(240, 120)):
        """Path data of the contour lines of a surface at these heights above its lowest."""
        x, y = (np.linspace(*side, n) for side, n in zip(self.box, points, strict=True))
        z = surface(np.stack(np.meshgrid(x, y), axis=-1)) - surface.lowest
        lines = contourpy.contour_generator(x, y, z)
        return "".join(self.path(line) for level in levels for line in lines.lines(level))


def svg(width, height, inside, label=""):
    """A drawing as a file of its own."""
    role = f' role="img" aria-label="{label}"' if label else ""
    size = f'viewBox="0 0 {width} {height}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size}{role}>{inside}</svg>\n'


def stroke(colour, width, data, more=""):
    """A line without a filling."""
    return f'<path fill="none" stroke="{colour}" stroke-width="{width:g}"{more} d="{data}"/>'


def star(x, y, size, colour):
    """A star of five points."""
    angles = np.pi * (np.arange(10) / 5 - 0.5)
    radius = np.where(np.arange(10) % 2, 0.4, 1.0) * size
    corners = np.round(
        np.stack([x + radius * np.cos(angles), y + radius * np.sin(angles)], axis=-1), 1
    )
    return f'<path fill="{colour}" d="M{"L".join(f"{a:g},{b:g}" for a, b in corners)}z"/>'


def cover():
    """Four optimizers descend a narrow, slightly turned valley from one start."""
    surface, canvas = surfaces.valley(30, 7), Canvas(((-2.65, 0.95), (-0.7, 0.38)), 1200, 360)
    start = (-2.4, 0.03)
    lines = canvas.contours(surface, np.linspace(0.12, 3.6, 26) ** 2 / 1.6)
    parts = [stroke("#aab2bb", 1.1, lines)]
    for name, optimizer in RACERS.items():
        look = palette.style(name)
        points = surfaces.descend(optimizer, surface, start, steps=STEPS)
        dash = " ".join(f"{2.4 * part:g}" for part in look.dash)
        dashes = f' stroke-dasharray="{dash}"' if dash else ""
        dots = "".join(f"M{x:g},{y:g}h0" for x, y in canvas.place(points))
        parts.append(stroke(look.colour, 2.6, canvas.path(points), dashes + ROUND))
        parts.append(stroke(look.colour, 8, dots, ROUND))
    (x, y), (u, v) = canvas.place([start, surface.minimum])
    ring = 'r="9" fill="#fff" stroke="#1f2933" stroke-width="3"'
    parts.append(f'<circle cx="{x:g}" cy="{y:g}" {ring}/>{star(u, v, 16, "#1f2933")}')
    return svg(
        1200,
        360,
        "".join(parts),
        "Paths of four optimizers along a narrow valley, from one ring to one star",
    )


def mark(canvas, colour, faint, thick, steps=9):
    """Plain descent from wall to wall of a turned valley: contour lines and the path."""
    valley = surfaces.valley(6, 40)
    lines = canvas.contours(valley, (0.3, 1.5, 4.2), (60, 60))
    points = surfaces.descend(SGD(0.295), valley, (-1.5, -0.2), steps)
    path = stroke(colour, thick, canvas.path(points), ROUND)
    return stroke(faint, thick / 2, lines) + path


def logo():
    """The mark in the accent, on nothing."""
    canvas = Canvas(((-1.6, 1.6), (-1.6, 1.6)), 640, 640)
    return svg(640, 640, mark(canvas, "#0b6aa8", "#8fa1b3", 34) + star(320, 320, 70, "#d55e00"))


def favicon():
    """The mark in white, on the accent."""
    canvas = Canvas(((-1.75, 1.75), (-1.75, 1.75)), 640, 640)
    ground = '<rect width="640" height="640" rx="130" fill="#0b6aa8"/>'
    return svg(
        640, 640, ground + mark(canvas, "#fff", "#5d9cc8", 50) + star(320, 320, 85, "#ffd166")
    )


if __name__ == "__main__":
    sys.exit(main())
