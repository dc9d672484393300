// Sets formulas for the build, one JSON line a request: node formulas.js <the folder of MathJax>
// {tex, display} is answered by {html} or {error}; {sheet: true} by {html}, the style sheet of what was set since the last one.
"use strict";

const root = process.argv[2];
const settings = {
  loader: { load: ["input/tex-base", "[tex]/ams", "output/chtml", "adaptors/liteDOM", "a11y/assistive-mml"], paths: { mathjax: root } },
  tex: { packages: ["base", "ams"] },
  chtml: { fontURL: "FONTS" },
};

require(root + "/node-main.js").init(settings).then((MathJax) => {
  const { adaptor, output } = MathJax.startup;
  const answer = ({ tex, display, sheet }) => {
    if (sheet) {
      const html = adaptor.textContent(MathJax.chtmlStylesheet());
      output.clearCache();
      return { html };
    }
    const set = MathJax.tex2chtml(tex, { display });
    const wrong = adaptor.tags(set, "mjx-merror")[0];
    return wrong ? { error: adaptor.getAttribute(wrong, "data-mjx-error") } : { html: adaptor.outerHTML(set) };
  };
  require("readline").createInterface({ input: process.stdin }).on("line", (line) => {
    process.stdout.write(JSON.stringify(answer(JSON.parse(line))) + "\n");
  });
});
