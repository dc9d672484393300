"""Drawings of networks: what flows forward, what flows back, and in which shapes."""

from matplotlib.patches import FancyBboxPatch

from optimlib.figures import plotting


def flow(boxes, forward, backward=(), weights=()):
    """A row of boxes, the arrows between them, and what hangs on each arrow.

    Args:
        boxes: (name, shape) of each box, from the input to the loss.
        forward: What an arrow to the right does, one text fewer than boxes.
        backward: What an arrow to the left carries, one text fewer than boxes; or none.
        weights: Under each arrow the parameters that it uses, or an empty text; or none.

    Raises:
        ValueError: If there are not as many texts as arrows.
    """
    arrows = len(boxes) - 1
    for name, texts in (("forward", forward), ("backward", backward), ("weights", weights)):
        if len(texts) not in (arrows, 0) or (name == "forward" and not texts):
            raise ValueError(f"{name} has {len(texts)} texts, but there are {arrows} arrows")
    step, wide = 2.4, 1.25
    low = -0.6 if any(backward) else -0.25  # no more room than what is drawn
    high = 1.75 if any("\n" in text for text in weights) else 1.5 if any(weights) else 1.1
    ax = plotting.axes(width=1.45 * len(boxes), height=0.95 * (high - low))
    ax.set(xlim=(-0.1, step * arrows + wide + 0.1), ylim=(low, high))
    ax.axis("off")
    ink = ax.xaxis.label.get_color()
    for i, (name, shape) in enumerate(boxes):
        x = step * i
        ax.add_patch(
            FancyBboxPatch((x, -0.1), wide, 0.7, boxstyle="round,pad=0.06", fc="none", ec=ink, lw=1)
        )
        ax.text(x + wide / 2, 0.36, name, ha="center", va="center", fontsize="large")
        ax.text(x + wide / 2, 0.04, shape, ha="center", va="center", fontsize="small")
    for i, text in enumerate(forward):
        left, right = step * i + wide + 0.12, step * (i + 1) - 0.12
        middle = (left + right) / 2
        ax.annotate("", (right, 0.42), (left, 0.42), arrowprops={"arrowstyle": "->", "color": ink})
        ax.text(middle, 0.72, text, ha="center", va="bottom", fontsize="small")
        if backward and backward[i]:
            back = {"arrowstyle": "->", "color": ink, "linestyle": "--"}
            ax.annotate("", (left, 0.08), (right, 0.08), arrowprops=back)
            ax.text(middle, -0.22, backward[i], ha="center", va="top", fontsize="small")
        if weights and weights[i]:
            ax.text(middle, 1.18, weights[i], ha="center", va="bottom", fontsize="small")
    return ax
