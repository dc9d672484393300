"""One colour, dash and marker an optimizer through the whole book: safe for colour-blind eyes, told apart in grey by the dash."""

# name: (colour, dash pattern in line widths, marker); the colours follow Okabe & Ito (2008)
STYLES = {
    "SGD": ("#5b6470", (), "o"),
    "momentum": ("#0072b2", (6, 2), "s"),
    "Nesterov": ("#3d9bd8", (6, 2, 1, 2), "D"),
    "Adagrad": ("#b0558f", (2, 2), "v"),
    "RMSprop": ("#d55e00", (4, 2, 1, 2, 1, 2), "^"),
    "Adam": ("#008f68", (9, 2), "P"),
    "AdamW": ("#b8860b", (3, 1.5), "X"),
    "Adam + L2": ("#7b4fb5", (1, 1.5), "*"),
}
DARK = {  # the same hues, lighter, for a dark page
    "#5b6470": "#a9b3be",
    "#0072b2": "#4aa8e0",
    "#3d9bd8": "#93cdf3",
    "#b0558f": "#dd93c4",
    "#d55e00": "#ff8f47",
    "#008f68": "#2fc08f",
    "#b8860b": "#e3b53f",
    "#7b4fb5": "#b598ec",
}
ACCENT = "#0072b2"
OTHERS = ("#5b6470", "#0072b2", "#d55e00", "#008f68", "#b0558f", "#b8860b", "#7b4fb5", "#3d9bd8")


def style(name, index=0):
    """(colour, dash, marker) of the optimizer `name`, also where the name only starts with it; else the index-th colour."""
    for known in sorted(STYLES, key=len, reverse=True):
        if name == known or name.startswith((known + " ", known + ",", known + "(")):
            return STYLES[known]
    patterns = [pattern for _, pattern, _ in STYLES.values()]
    markers = [marker for _, _, marker in STYLES.values()]
    i = index % len(OTHERS)
    return OTHERS[i], patterns[i], markers[i]
