"""One style an optimizer through the whole book: a colour safe for colour-blind eyes, a dash that
tells it apart in grey, a marker."""

from typing import NamedTuple


class Style(NamedTuple):
    """How a series is drawn."""

    colour: str  # on a light page
    dark: str  # on a dark page: the same hue, lighter
    dash: tuple  # lengths of stroke, gap, stroke, ..., in line widths
    marker: str  # matplotlib's letter for it
    shape: str  # the same marker as the path data of an SVG, 8 to 10 pixels wide


STAR = "M0,-7l1.7,4.7h5l-4,3.1l1.5,4.8l-4.2,-2.9l-4.2,2.9l1.5,-4.8l-4,-3.1h5z"  # a minimum
ACCENT = "#0072b2"
# fmt: off
STYLES = {  # the colours follow Okabe & Ito (2008)
    "SGD": Style("#5b6470", "#a9b3be", (), "o", "M-4,0a4,4 0 1,0 8,0a4,4 0 1,0 -8,0"),
    "momentum": Style(ACCENT, "#4aa8e0", (6, 2), "s", "M-4,-4h8v8h-8z"),
    "Nesterov": Style("#3d9bd8", "#93cdf3", (6, 2, 1, 2), "D",
                      "M0,-5.5l5.5,5.5l-5.5,5.5l-5.5,-5.5z"),
    "Adagrad": Style("#b0558f", "#dd93c4", (2, 2), "v", "M-5,-4h10l-5,9z"),
    "RMSprop": Style("#d55e00", "#ff8f47", (4, 2, 1, 2, 1, 2), "^", "M-5,4h10l-5,-9z"),
    "Adam": Style("#008f68", "#2fc08f", (9, 2), "P",
                  "M-2,-5h4v3h3v4h-3v3h-4v-3h-3v-4h3z"),
    "AdamW": Style("#b8860b", "#e3b53f", (3, 1.5), "X",
                   "M-5,-3l2,-2l3,3l3,-3l2,2l-3,3l3,3l-2,2l-3,-3l-3,3l-2,-2l3,-3z"),
    "Adam + L2": Style("#7b4fb5", "#b598ec", (1, 1.5), "*", STAR),
    "Lion": Style("#8c4a2f", "#d49a7f", (5, 1.5, 1, 1.5), "<", "M4,-5v10l-9,-5z"),
    "Muon": Style("#c2185b", "#ff7fae", (2, 1), "h",
                  "M-5,0l2.5,-4.4h5l2.5,4.4l-2.5,4.4h-5z"),
    "SOAP": Style("#00838f", "#4fd0dc", (7, 1.5, 3, 1.5), "p",
                  "M0,-5l4.8,3.5l-1.8,5.6h-6l-1.8,-5.6z"),
    "Schedule-Free": Style("#6b7a00", "#b9c94a", (12, 2, 2, 2), ">", "M-4,-5v10l9,-5z"),
    "clipped momentum": Style("#27348b", "#8f9df0", (3, 1, 1, 1, 1, 1), "d",
                              "M0,-6l3.6,6l-3.6,6l-3.6,-6z"),
}
# fmt: on
# whose colours the series get that are no optimizer's: neighbours in this order differ most
OTHERS = ("SGD", "momentum", "RMSprop", "Adam", "Adagrad", "AdamW", "Adam + L2", "Nesterov")


def style(name, index=0):
    """The `Style` of the optimizer `name`, also where the name only starts with it.

    A name that is no optimizer's gets the index-th colour, dash and marker.
    """
    for known in sorted(STYLES, key=len, reverse=True):
        if name == known or name.startswith((known + " ", known + ",", known + "(")):
            return STYLES[known]
    i = index % len(OTHERS)
    pattern, colours = list(STYLES.values())[i], STYLES[OTHERS[i]]
    return pattern._replace(colour=colours.colour, dark=colours.dark)
