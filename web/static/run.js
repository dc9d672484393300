// Two buttons under each cell. What runs the cells, run_cells.js and then Python, is fetched when one of them is pressed.
{
  const script = document.currentScript,
    base = new URL(".", script.src),
    page = script.dataset.page;
  const inputs = [...document.querySelectorAll("[id^=in-].cell_input")];
  const make = (tag, properties, ...children) => {
    const node = Object.assign(document.createElement(tag), properties);
    node.append(...children);
    return node;
  };
  let started = null;
  const start = () => (started ??= import(new URL("run_cells.js", base)).then((module) => module.start({ base, page, cells, make })));

  const cells = inputs.map((input, place) => {
    const bar = make("div", { className: "run-bar" });
    const button = (name, title, act) => {
      const node = make("button", { type: "button", textContent: name, title });
      node.setAttribute("aria-label", `${name} cell ${place + 1}`);
      node.addEventListener("click", async () => {
        try {
          act(await start());
        } catch (error) {
          started = null;
          console.warn(error);
          said.textContent = "What runs the cells could not be fetched. Is this machine offline? The page itself stays as it is.";
        }
      });
      bar.append(node);
      return node;
    };
    const id = input.id.slice(3);
    const run = button("Run", "Run this cell here, in your browser. The first run fetches Python.", (page) => page.run(id));
    const edit = button("Edit", "Change this cell. What you change stays in this browser.", (page) => page.edit(id));
    const said = make("span", { className: "run-said" });
    bar.append(said);
    return { id, input, bar, run, edit, said };
  });

  const able = location.protocol !== "file:" && window.Worker && window.WebAssembly;
  if (!able && cells.length) {
    const why =
      location.protocol === "file:"
        ? "the book is opened from a server, as by make serve, and not from a file"
        : "the browser has WebAssembly";
    inputs[0].append(make("p", { className: "run-bar", textContent: `Cells run where they stand when ${why}.` }));
  } else {
    for (const { input, bar } of cells) input.append(bar);
    let edited = null;
    try {
      edited = localStorage.getItem(`cells ${page}`) ?? sessionStorage.getItem(`starting ${page}`);
    } catch {} // a browser that keeps nothing
    if (edited) start();
  }
}
