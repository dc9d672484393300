// Questions that the reader answers before the answer opens. What was said stays in the reader's own browser.
"use strict";
for (const form of document.querySelectorAll("form.predict")) {
  const { key, right, value, low, high, text, least, most, log, unit } = JSON.parse(form.dataset.form);
  const question = form.dataset.kind === "question";
  const fold = form.nextElementSibling;
  const status = form.querySelector(".predict-said"), again = form.querySelector(".predict-again");
  const radios = [...form.querySelectorAll("[type=radio]")];
  const field = form.querySelector("[type=text]"), slider = form.querySelector("[type=range]");
  const inputs = form.querySelectorAll("input"), commit = form.querySelector("[type=submit]");
  const store = `book:said:${key}`;

  // a place of the slider as a number, with three digits
  const at = (place) => {
    const share = place / slider.max;
    return Number((log ? least * (most / least) ** share : least + (most - least) * share).toPrecision(3));
  };
  const show = () => {
    form.querySelector("output").textContent = `${at(slider.value)} ${unit}`;
    slider.setAttribute("aria-valuetext", `${at(slider.value)} ${unit}`);
  };
  let moved = false;
  slider?.addEventListener("input", () => ((moved = true), show()));

  // what is chosen, as it is kept, or what is missing
  function answer() {
    if (slider) return moved ? slider.value : new Error("Move the point first.");
    if (field) {
      const said = field.value.trim().replace(",", ".").replace("−", "-");
      return said !== "" && isFinite(said) ? said : new Error("Write a number first, such as 12 or 0.5.");
    }
    return radios.find((radio) => radio.checked)?.value ?? new Error("Choose one first.");
  }

  function close(said) {
    form.classList.add("done");
    commit.hidden = true;
    again.hidden = false;
    for (const input of inputs) input.disabled = true;
    fold.open = true;
    status.textContent = comment(said);
  }

  function comment(said) {
    if (field || slider) {
      const guess = slider ? at(said) : Number(said), near = low <= guess && guess <= high;
      if (slider) {
        slider.value = said;
        show();
        form.querySelector(".predict-came").hidden = false;
      } else field.value = said;
      const yours = `${guess}${unit ? ` ${unit}` : ""}`;
      return near ? `You said ${yours}; it is ${text}: close enough.` : `You said ${yours}. It is ${text}.`;
    }
    radios[said].checked = true;
    radios[right].closest("label").classList.add("right");
    const words = (radio) => `“${spoken(radio.closest("label")).replace(/\.$/, "")}”`;
    if (Number(said) === right) return question ? "Right." : `You said ${words(radios[said])}, and so it comes.`;
    return question ? `Not so. It is ${words(radios[right])}.` : `You said ${words(radios[said])}. What comes: ${words(radios[right])}.`;
  }

  // the text of a label; of a formula the part that is read aloud
  function spoken(label) {
    const copy = label.cloneNode(true);
    for (const drawn of copy.querySelectorAll("mjx-math, .katex-html")) drawn.remove();
    return copy.textContent.trim().replace(/\s+/g, " ");
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const said = answer();
    if (said instanceof Error) return (status.textContent = said.message);
    try {
      localStorage.setItem(store, said);
    } catch {}
    close(said);
    form.dispatchEvent(new CustomEvent("book:committed", { bubbles: true }));
    again.focus({ preventScroll: true }); // the button that had the focus is gone
  });
  again.addEventListener("click", () => {
    try {
      localStorage.removeItem(store);
    } catch {}
    form.reset();
    form.classList.remove("done");
    form.querySelector(".right")?.classList.remove("right");
    form.querySelector(".predict-came")?.setAttribute("hidden", "");
    for (const input of inputs) input.disabled = false;
    again.hidden = true;
    commit.hidden = false;
    status.textContent = "";
    moved = false;
    if (slider) show();
    fold.open = false;
    inputs[0].focus({ preventScroll: true });
  });

  form.reset(); // a browser that goes back may have put in what was there
  if (slider) show();
  let said = null;
  try {
    said = localStorage.getItem(store);
  } catch {}
  if (said !== null) close(said);
}
