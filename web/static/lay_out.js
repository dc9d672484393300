// The style sheet leaves what is far below until the reader comes near. Once the page stands, the rest is laid out in idle moments, a
// piece at a time, so that the scroll bar is true and every jump lands.
addEventListener("load", () => {
  const pieces = [...document.querySelectorAll(".bd-article section > :not(section, h1, h2, h3, h4, span)")];
  const some = (idle) => {
    while (pieces.length && idle.timeRemaining() > 25) {
      const piece = pieces.shift();
      piece.style.contentVisibility = "visible";
      piece.getBoundingClientRect(); // now, not with all the others at the next frame
    }
    if (pieces.length) requestIdleCallback(some);
  };
  if (window.requestIdleCallback) requestIdleCallback(some);
});
