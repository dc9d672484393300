"""What axe-core finds wrong on a page."""

from pathlib import Path

import axe_playwright_python

# Tells what stands in the way of readers with other eyes, ears or hands. Before, what a page has
# many times over is taken out: the visible half of each formula, which screen readers do not see,
# and code in colours that were seen further up.
THINNED = """() => {
  for (const section of document.querySelectorAll("section"))
    section.style.contentVisibility = "visible";
  document.querySelectorAll("mjx-math").forEach((half) => half.remove());
  // what a closed fold holds is not there, but axe counts what the keyboard could reach in it
  for (const box of document.querySelectorAll("details:not([open]) [tabindex]"))
    box.removeAttribute("tabindex");
  const seen = new Set();
  for (const pre of document.querySelectorAll(".highlight pre")) {
    const kinds = ["", ...[...pre.querySelectorAll("span[class]")].map((span) => span.className)];
    if (kinds.every((kind) => seen.has(kind))) pre.textContent = "";
    kinds.forEach((kind) => seen.add(kind));
  }
}"""
AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8")


def violations(page, looks_alone=False):
    """The faults that axe-core finds on a page, but for minor ones, each with its first place.

    Args:
        page: A page of playwright's.
        looks_alone: Only the rules that hang on colours and sizes, in a third of the time.
    """
    page.evaluate("typeof axe === 'undefined'") and page.evaluate(AXE)
    rules = (
        "runOnly: ['color-contrast', 'link-in-text-block', 'target-size', "
        "'scrollable-region-focusable']"
        if looks_alone
        else "rules: {'target-size': {enabled: true}}"
    )
    found = page.evaluate(
        f"axe.run({{resultTypes: ['violations'], {rules}}}).then((result) => result.violations)"
    )
    return [
        (one["id"], one["nodes"][0]["target"], one["nodes"][0]["failureSummary"])
        for one in found
        if one["impact"] != "minor"
    ]
