// The index of claims by verdict and by chapter.
"use strict";
{
  const rows = [...document.querySelectorAll(".claim-row")];
  const verdict = (row) => row.querySelector(".verdict").textContent;
  const chapters = [...new Set(rows.map((row) => row.closest("section")))];
  const name = (section) => section.querySelector("h2").firstChild.textContent.trim();
  const count = (fits) => rows.filter(fits).length;
  const select = (label, options) => {
    const field = document.createElement("label"), list = document.createElement("select");
    list.append(...options.map(([text, value]) => new Option(text, value)));
    list.addEventListener("change", filter);
    field.append(`${label} `, list);
    form.append(field);
    return list;
  };
  const form = Object.assign(document.createElement("form"), { className: "claim-filter", autocomplete: "off" });
  const verdicts = [...new Set(rows.map(verdict))];
  const byVerdict = select("Verdict", [
    [`all (${rows.length})`, ""],
    ...verdicts.map((said) => [`${said} (${count((row) => verdict(row) === said)})`, said]),
  ]);
  const byChapter = select("Chapter", [
    [`all (${chapters.length})`, ""],
    ...chapters.map((section) => [`${name(section)} (${count((row) => section.contains(row))})`, section.id]),
  ]);
  const status = document.createElement("p");
  status.setAttribute("role", "status");
  form.append(status);
  chapters[0].before(form);

  function filter() {
    for (const row of rows) {
      const chapter = row.closest("section").id;
      row.hidden = (byVerdict.value && verdict(row) !== byVerdict.value) || (byChapter.value && chapter !== byChapter.value);
    }
    for (const section of chapters) section.hidden = !section.querySelector(".claim-row:not([hidden])");
    status.textContent = byVerdict.value || byChapter.value ? `${count((row) => !row.hidden)} of ${rows.length} claims` : "";
  }
}
