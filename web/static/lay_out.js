// The style sheet leaves what is far below until the reader comes near. Once the page stands, the rest is laid out in idle moments, a
// piece at a time, so that the scroll bar is true and every jump lands.
//
// What is wider than its place is given a place in the order of Tab. The theme does this for the whole page at once, folded code
// included, and the page answers nobody for a second on a phone: here it is done where a piece has been laid out, or is unfolded.
"use strict";
{
  const reach = (piece) => {
    for (const node of [piece, ...piece.querySelectorAll("pre, .cell_output > .output")])
      if (node.matches("pre, .output") && node.scrollWidth > node.clientWidth) node.tabIndex = 0;
  };
  addEventListener("load", (event) => {
    event.stopImmediatePropagation();
    const pieces = [...document.querySelectorAll(".bd-article section > :not(section, h1, h2, h3, h4, span, details.fold *)")];
    const some = (idle) => {
      do {
        const piece = pieces.shift();
        piece.style.contentVisibility = "visible";
        piece.getBoundingClientRect(); // now, not with all the others at the next frame
        reach(piece);
      } while (pieces.length && idle.timeRemaining() > 30);
      if (pieces.length) requestIdleCallback(some);
    };
    if (!window.requestIdleCallback) pieces.forEach(reach);
    else if (pieces.length) requestIdleCallback(some);
  });
  document.addEventListener("toggle", ({ target }) => target.open && reach(target), true);
}
