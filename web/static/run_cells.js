// Runs the cells of a page where they stand, in the kernel of the site's JupyterLite: a worker that starts with the first run.
// Of the cells before a cell those run that it needs (web/extensions/needs.py); their code comes from the notebook's file.

const MODULE = "cells_of_the_page";
const STOPPED = Symbol("stopped");
const TOO_LITTLE =
  "This device has too little memory for Python with what this page needs. The page itself stays as it is; on a computer its cells run.";
const sum = (count, one, many = `${one}s`) => `${count} ${count === 1 ? one : many}`;
const without_colours = (text) => text.replace(/\x1b\[[\d;]*m/g, "");
const is_memory = (text) => /memory|allocat/i.test(text);

// The places in `program` of the cells that `target` needs, as `needed` in needs.py finds them.
export function needed(program, target) {
  const wanted = new Set(target.reads),
    found = [];
  let everything = target.anything;
  for (let place = program.length - 1; place >= 0; place--) {
    const { reads, binds, changes, anything } = program[place];
    if (!everything && !anything && ![...binds, ...changes].some((name) => wanted.has(name))) continue;
    found.unshift(place);
    for (const name of binds) wanted.delete(name);
    for (const name of reads) wanted.add(name);
    everything ||= anything;
  }
  return found;
}

async function get(url) {
  const answer = await fetch(url);
  if (!answer.ok) throw new Error(`${url}: ${answer.status}`);
  return answer;
}

// Python in a worker. The worker speaks comlink's protocol: a call goes out with an id, and its answer comes back with the same; what
// cells put out comes between the two, in the order in which it was put out.
class Kernel {
  #count = 0;
  #calls = new Map();
  #receivers = new Map();

  constructor(address) {
    this.worker = new Worker(address, { type: "module" });
    this.worker.onmessage = ({ data }) => this.#receive(data);
    this.worker.onerror = (event) => this.#fail(new Error(event.message || "the worker did not start"));
  }

  #receive({ id, name, value, _kernelMessage: message, _logMessage: log }) {
    if (message) this.#receivers.get(message.parentHeader?.msg_id)?.(message);
    else if (log?.level === "critical" && /fatal error|has exited/.test(log.data)) this.#fail(new Error(log.data));
    else if (this.#calls.has(id)) {
      const [resolve, reject] = this.#calls.get(id);
      this.#calls.delete(id);
      if (name === "throw") reject(Object.assign(new Error(), value.value));
      else resolve(value);
    }
  }

  #fail(error) {
    for (const [, reject] of this.#calls.values()) reject(error);
    this.#calls.clear();
  }

  ask(method, ...values) {
    return new Promise((resolve, reject) => {
      const id = `call ${++this.#count}`;
      this.#calls.set(id, [resolve, reject]);
      this.worker.postMessage({ id, type: "APPLY", path: [method], argumentList: values.map((value) => ({ type: "RAW", value })) });
    });
  }

  // Run code; `receiver` gets all that it puts out, and no other code's output.
  execute(code, receiver) {
    const id = `run ${++this.#count}`;
    this.#receivers.set(id, receiver);
    return this.ask(
      "execute",
      { code, silent: false, store_history: true, user_expressions: {}, allow_stdin: false },
      { header: { msg_id: id } },
    );
  }

  // What a function of in_browser.py or needs.py returns.
  async call(name, ...values) {
    let text = "";
    const given = values.map((value) => `json.loads(${JSON.stringify(JSON.stringify(value))})`).join(", ");
    const code = `import json, sys; print(json.dumps(sys.modules["${MODULE}"].${name}(${given})))`;
    // in a scope of its own, so that no name of it is left behind
    const result = await this.execute(`exec(${JSON.stringify(code)}, {})`, ({ bundle }) => (text += bundle.text ?? ""));
    if (result.status === "error") throw new Error(result.evalue);
    return JSON.parse(text);
  }

  stop() {
    this.worker.terminate();
    this.#fail(STOPPED);
  }
}

// Start a kernel with the packages of Pyodide and of the site that the page imports; `say` gets a sentence on how far it is.
async function start_kernel(base, packages, say) {
  const lite = new URL("../lite/", base);
  const at_lite = (path) => new URL(path, lite).href;
  const files = await (await get(new URL("cells/kernel.json", base))).json();
  const config = (await (await get(at_lite("jupyter-lite.json"))).json())["jupyter-config-data"];
  const settings = config.litePluginSettings["@jupyterlite/pyodide-kernel-extension:kernel"];
  const pyodide = at_lite(settings.pyodideUrl ?? files.pyodide),
    index = new URL(".", pyodide).href;
  const own = settings.loadPyodideOptions.packages.filter((name) =>
    packages.some((wanted) => new RegExp(`(^|/)${wanted}(-|$)`).test(name)),
  );
  const load = own.map((name) => (name.endsWith(".whl") ? new URL(name, at_lite(files.worker)).href : name));
  const host = new URL(pyodide).host === location.host ? "this site" : new URL(pyodide).host;

  try {
    await fetch_all(index, files.core, [...files.kernel, ...load], (text) => say(`Fetching Python from ${host}, once: ${text}.`));
  } catch (error) {
    console.warn(error);
    throw new Error(`Python could not be fetched from ${host}. Running cells needs the network, at least once; reading the page does not.`);
  }
  say("Python is starting.");
  const kernel = new Kernel(at_lite(files.worker));
  await kernel.ask("initialize", {
    baseUrl: lite.pathname,
    pyodideUrl: pyodide,
    indexUrl: index,
    pipliteWheelUrl: at_lite(files.piplite),
    pipliteUrls: settings.pipliteUrls.map(at_lite),
    disablePyPIFallback: true,
    location: "",
    mountDrive: false,
    loadPyodideOptions: { packages: load },
    kernelId: "page",
    browsingContextId: "",
  });
  const sources = await Promise.all(["cells/needs.py", "in_browser.py"].map(async (name) => (await get(new URL(name, base))).text()));
  const code = `import sys, types; m = sys.modules["${MODULE}"] = types.ModuleType("${MODULE}")\n${sources.map((text) => `exec(${JSON.stringify(text)}, vars(m))`).join("\n")}`;
  const result = await kernel.execute(`exec(${JSON.stringify(code)}, {})`, () => {});
  if (result.status === "error") throw new Error(result.evalue);
  return kernel;
}

// Put what the kernel will ask for into the browser's cache: side by side, and so that one sees how far it is.
async function fetch_all(index, core, packages, say) {
  let bytes = 0,
    done = 0,
    count = 0;
  const one = async (url) => {
    const reader = (await get(url)).body.getReader();
    for (let part; !(part = await reader.read()).done; bytes += part.value.length)
      say(`${done} of ${count} files, ${(bytes / 1e6).toFixed(1)} MB`);
    say(`${++done} of ${count} files, ${(bytes / 1e6).toFixed(1)} MB`);
  };
  const lock = await (await get(index + core.find((name) => name.endsWith("-lock.json")))).json();
  const urls = new Set(core.map((name) => index + name)),
    waiting = [...packages];
  for (const name of waiting) {
    const { file_name, depends } = lock.packages[name.toLowerCase().replaceAll("_", "-")] ?? { file_name: name, depends: [] };
    const url = new URL(file_name, index).href;
    if (!urls.has(url)) waiting.push(...depends);
    if (/\.(whl|zip)$/.test(url)) urls.add(url);
  }
  count = urls.size;
  await Promise.all([...urls].map(one));
}

// What a cell puts out, shown as the page shows it.
class Output {
  #stream = null;
  #clear = false;
  #displays = new Map();

  constructor(make, figure, note) {
    Object.assign(this, { make, figure, note, node: make("div", { className: "run-result" }) });
  }

  receive({ type, bundle }) {
    if (type === "clear_output") {
      if (bundle.wait) this.#clear = true;
      else this.node.replaceChildren();
      this.#stream = null;
      return;
    }
    if (this.#clear) this.node.replaceChildren();
    this.#clear = false;
    if (type === "stream") this.#print(bundle);
    else if (type === "update_display_data") this.#displays.get(bundle.transient?.display_id)?.replaceChildren(this.#shown(bundle.data));
    else if (/^(execute_result|display_data)$/.test(type)) {
      this.#stream = null;
      const box = this.make("div", {}, this.#shown(bundle.data));
      this.node.append(box);
      run_scripts(box);
      if (bundle.transient?.display_id) this.#displays.set(bundle.transient.display_id, box);
    }
  }

  #print({ name, text }) {
    if (this.#stream?.name !== name) {
      const pre = this.make("pre");
      this.#stream = { name, pre, text: "" };
      this.node.append(this.make("div", { className: `output stream ${name === "stderr" ? "stderr" : ""}` }, pre));
    }
    this.#stream.text += without_colours(text);
    this.#stream.pre.textContent = this.#stream.text.replace(/[^\n]*\r(?!\n)/g, ""); // a bar of progress writes over its line
  }

  #shown(data) {
    const text = (value) => (Array.isArray(value) ? value.join("") : value);
    if (data["application/vnd.jupyter.widget-view+json"])
      return this.make("p", { textContent: "This control needs the whole notebook: the button at the top of the page opens it." });
    if (data["text/html"]) return this.make("div", { className: "output text_html", innerHTML: text(data["text/html"]) });
    if (data["image/svg+xml"]) return this.#image(URL.createObjectURL(new Blob([text(data["image/svg+xml"])], { type: "image/svg+xml" })));
    for (const type of ["image/png", "image/jpeg"]) if (data[type]) return this.#image(`data:${type};base64,${data[type]}`);
    if (data["text/markdown"])
      return this.make("div", { className: "output text_html" }, ...blocks(this.make, text(data["text/markdown"])));
    const pre = this.make("pre", { textContent: without_colours(text(data["text/plain"] ?? "")) });
    return this.make("div", { className: "output text_plain" }, pre);
  }

  // A figure with the caption and the description that the page has for it.
  #image(src) {
    const before = this.figure?.querySelector("img");
    const image = this.make("img", { src, alt: `${before?.alt ?? "A figure that this cell has drawn."}${before ? this.note : ""}` });
    if (!this.figure) return image;
    const figure = this.figure.cloneNode();
    const caption = this.figure.querySelector("figcaption")?.cloneNode(true);
    figure.append(image, ...(caption ? [caption] : []));
    this.figure = null;
    return figure;
  }
}

// The Markdown that cells show: sentences and tables, with code, emphasis, and letters in place of formulas.
function blocks(make, markdown) {
  const inline = (text) =>
    text.split(/(\*\*[^*]+\*\*|\*[^*]+\*|`[^`]+`|\$[^$]+\$)/).map((part, place) => {
      if (place % 2 === 0) return part.replace(/\\(.)/g, "$1");
      if (part.startsWith("**")) return make("strong", { textContent: part.slice(2, -2) });
      if (part[0] === "`") return make("code", { textContent: part.slice(1, -1) });
      return make("em", { textContent: part[0] === "$" ? plain(part.slice(1, -1)) : part.slice(1, -1) });
    });
  const row = (line, tag) =>
    make(
      "tr",
      {},
      ...line
        .replace(/^\s*\||\|\s*$/g, "")
        .split(/(?<!\\)\|/)
        .map((text) => make(tag, {}, ...inline(text.trim()))),
    );
  return markdown
    .trim()
    .split(/\n{2,}/)
    .map((block) => {
      const [heads, rule, ...rows] = block.split("\n");
      if (!/^[\s|:-]+$/.test(rule ?? "x")) return make("p", {}, ...inline(block));
      return make(
        "table",
        { className: "table" },
        make("thead", {}, row(heads, "th")),
        make("tbody", {}, ...rows.map((line) => row(line, "td"))),
      );
    });
}

// A short formula in letters.
function plain(formula) {
  const signs = { times: "×", pm: "±", le: "≤", leq: "≤", ge: "≥", geq: "≥", approx: "≈", cdot: "·", infty: "∞" };
  const greek = "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron pi rho sigmaf sigma tau".split(" ");
  const letter = (name) => signs[name] ?? (greek.includes(name) ? String.fromCharCode(945 + greek.indexOf(name)) : name);
  return formula
    .replace(/\\([a-z]+) ?/gi, (_, name) => letter(name))
    .replace(/\\[,;]/g, " ")
    .replace(/[{}]/g, "");
}

// Scripts that come by innerHTML do not run: each is put in place anew.
function run_scripts(box) {
  for (const old of box.querySelectorAll("script")) {
    const script = document.createElement("script");
    for (const { name, value } of old.attributes) script.setAttribute(name, value);
    script.textContent = old.textContent;
    old.replaceWith(script);
  }
}

class Page {
  #kernel = null; // a promise of one
  #log = []; // what has run in it, in order
  #tasks = [];
  #busy = false;

  constructor({ base, page, cells, make }, { packages, leave_alone, cells: all }) {
    Object.assign(this, { base, page, make, packages, leave_alone });
    const places = new Map(cells.map((cell) => [cell.id, cell]));
    this.cells = all.map((cell, index) => ({ ...cell, ...places.get(cell.id), index, original: cell.code }));
    this.facts = this.original_facts = all;
    for (const cell of this.cells) cell.shown = cell.published = this.#signature(cell);
    const halt = () => {
      this.#tasks[0]?.cell.run.focus(); // the button goes, and with it the focus would
      this.stop();
    };
    this.halt = make("button", { type: "button", textContent: "Stop", hidden: true, onclick: halt });
    this.words = make("span"); // for the eye, with every file that has come
    this.words.setAttribute("aria-hidden", "true");
    this.spoken = make("span", { className: "run-spoken" }); // for a screen reader, with what is new
    this.spoken.setAttribute("role", "status");
    this.status = make("div", { className: "run-status idle" }, this.words, this.spoken, this.halt);
    document.querySelector("article").append(this.status);
    this.#restore();
  }

  cell(id) {
    return this.cells.find((cell) => cell.id === id);
  }

  // ---- which cells

  #needed(cell) {
    return needed(this.facts.slice(0, cell.index), this.facts[cell.index]).map((index) => this.cells[index]);
  }

  // The code that a cell's result comes from.
  #signature(cell) {
    return [...this.#needed(cell), cell].map(({ code }) => code).join("\n\0");
  }

  // What has to run before a cell: of those that it needs the last ones, if what has run before makes up for the others.
  #plan(cell) {
    const needs = this.#needed(cell);
    const entry = ({ index, code }) => ({ index, code, ...this.facts[index] });
    for (let first = needs.length; first >= 0; first--) {
      const program = [...this.#log, ...needs.slice(first).map(entry)];
      const found = needed(program, this.facts[cell.index]).map((place) => program[place]);
      const same = found.every(({ index, code }, place) => index === needs[place]?.index && code === needs[place].code);
      if (same && found.length === needs.length) return { cells: needs.slice(first), needs };
    }
    return { cells: needs, needs, forget: true };
  }

  // ---- running

  run(id, all = false) {
    this.#enqueue([{ cell: this.cell(id), all }]);
  }

  run_from(id) {
    const from = this.cell(id).index;
    this.#enqueue(this.cells.filter((cell) => cell.index >= from && cell.input && this.#is_stale(cell)).map((cell) => ({ cell })));
  }

  stop() {
    this.#tasks = [];
    this.#kernel?.then(
      (kernel) => kernel.stop(),
      () => {},
    );
    this.stopped?.(STOPPED);
    this.#kernel = null;
    this.#log = [];
  }

  async #enqueue(tasks) {
    for (const task of tasks) {
      if (this.#tasks.slice(1).some(({ cell }) => cell === task.cell)) continue; // it waits already
      this.#tasks.push(task);
      task.cell.said.textContent = "Waiting.";
    }
    if (this.#busy) return;
    this.#set_busy(true);
    try {
      while (this.#tasks.length) await this.#do(this.#tasks[0]).finally(() => this.#tasks.shift());
    } finally {
      this.#set_busy(false);
      for (const cell of this.cells) if (cell.said?.textContent === "Waiting.") cell.said.textContent = "";
    }
  }

  #set_busy(busy) {
    this.#busy = busy;
    this.status.classList.toggle("idle", !busy);
    this.halt.hidden = !busy;
  }

  async #do({ cell, all }) {
    const asked = performance.now(),
      fresh = !this.#kernel;
    try {
      const kernel = await this.#started();
      const began = performance.now(),
        start = fresh ? `Python started in ${((began - asked) / 1000).toFixed(1)} s; ` : "";
      if (this.#edited().length || this.facts !== this.original_facts) await this.#learn(kernel);
      const plan = all ? { cells: this.cells.slice(0, cell.index), forget: true } : this.#plan(cell);
      if (plan.forget && this.#log.length) {
        await this.#within(kernel.call("forget"));
        this.#log = [];
      }
      for (const [place, before] of plan.cells.entries()) {
        const of = all ? "all before it" : "those it needs";
        this.#say(`Running cell ${place + 1} of ${plan.cells.length}, ${of}.`, before);
        if (!(await this.#run(kernel, before, all || this.#is_stale(before)))) {
          this.#say_failed(cell, before);
          return;
        }
      }
      this.#say("Running this cell.", cell);
      await this.#run(kernel, cell, true);
      this.#tell(cell, plan, all, `${start}${((performance.now() - began) / 1000).toFixed(1)} s`);
    } catch (error) {
      let words = "Stopped. The next run starts Python anew.";
      if (error !== STOPPED) {
        words = is_memory(`${error.name} ${error.message}`) ? TOO_LITTLE : error.message.split("\n")[0];
        console.warn(error);
        this.stop();
      }
      cell.said.textContent = words;
      this.#say(words);
    } finally {
      for (const one of this.cells) one.input?.classList.remove("run-now");
      this.#mark();
    }
  }

  // A promise that also ends when the reader stops.
  #within(promise) {
    return Promise.race([promise, new Promise((_, reject) => (this.stopped = reject))]);
  }

  #started() {
    remember(sessionStorage, `starting ${this.page}`, "1");
    this.#kernel ??= start_kernel(this.base, this.packages, (text) => this.#say(text));
    return this.#within(this.#kernel).finally(() => remember(sessionStorage, `starting ${this.page}`, null));
  }

  // What the cells do to names, with the reader's code in them.
  async #learn(kernel) {
    const codes = this.cells.map(({ code }) => code),
      learnt = codes.join("\0");
    if (this.learnt === learnt) return;
    this.facts = await this.#within(kernel.call("facts", codes, this.leave_alone));
    this.learnt = learnt;
  }

  // Run one cell, and show what it puts out, or only whether it went well.
  async #run(kernel, cell, show) {
    const signature = this.#signature(cell),
      changed = signature !== cell.published,
      code = cell.code;
    const output = new Output(this.make, this.#figure(cell), changed ? " As published; now drawn anew with your change." : "");
    let first = true;
    const receive = (message) => {
      output.receive(message);
      if (show && first && output.node.childNodes.length) this.#replace(cell, output.node);
      first &&= !output.node.childNodes.length;
    };
    cell.input?.classList.add("run-now");
    const entry = { index: cell.index, code: null, ...this.facts[cell.index] };
    this.#log.push(entry); // as failed, until it has not
    const result = await this.#within(kernel.execute(code, receive));
    cell.input?.classList.remove("run-now");
    const failed = result.status === "error";
    if (!failed) entry.code = code;
    else [entry.binds, entry.changes] = [[], [...entry.binds, ...entry.changes]];
    if (show || failed) {
      if (failed) output.node.prepend(await this.#reason(kernel, cell, code, result));
      else if (cell.claim) {
        const textContent = changed ? `Holds with ${this.#change()}, too.` : "Holds: checked here just now.";
        output.node.prepend(this.make("p", { className: "run-verdict holds", textContent }));
      }
      this.#replace(cell, output.node);
      cell.shown = signature;
    }
    return !failed;
  }

  // The figure that the page has for a cell.
  #figure(cell) {
    const nodes = cell.nodes ?? this.#out(cell)?.childNodes ?? [];
    return [...nodes].map((node) => (node.matches?.("figure") ? node : node.querySelector?.("figure"))).find(Boolean);
  }

  // Why a cell failed: a sentence, and the traceback folded.
  async #reason(kernel, cell, code, { ename, evalue, traceback }) {
    const found = await this.#within(kernel.call("failure", code));
    const { line, part, what, measured, words, bound } = found;
    const name = found.name ?? /'(?:.*\.)?(\w+)'/.exec(ename)?.[1] ?? ename;
    const message = found.message ?? evalue.split("\n")[0];
    const box = this.make("div", { className: "run-error" }),
      sentence = this.make("p");
    if (part) {
      box.className = "run-verdict fails";
      sentence.append(
        `${cell.claim ? "Not" : "Not so"} with ${cell.published === this.#signature(cell) ? "what was computed here" : this.#change()}: `,
      );
      if (measured)
        sentence.append(
          `${measured} where ${words ? `${words} ` : ""}${bound} was claimed, for `,
          this.make("code", { textContent: what }),
          ".",
        );
      else sentence.append(this.make("code", { textContent: part }), " is false.");
    } else
      sentence.textContent = name === "MemoryError" ? TOO_LITTLE : `${name}${line ? ` in line ${line}` : ""}: ${message}`;
    const trace = this.make("pre", { textContent: without_colours(traceback.join("\n")) });
    box.append(
      sentence,
      this.make(
        "details",
        {},
        this.make("summary", { textContent: "Traceback" }),
        this.make("div", { className: "output traceback" }, trace),
      ),
    );
    return box;
  }

  // ---- what the reader changes

  #edited() {
    return this.cells.filter(({ code, original }) => code !== original);
  }

  // The reader's change in words: a seed, where it is nothing else.
  #change() {
    const edited = this.#edited(),
      seed = /^seed = (\S+)/m;
    const only = edited.length === 1 && edited[0].code.replace(seed, "") === edited[0].original.replace(seed, "");
    const value = only && seed.exec(edited[0].code)?.[1];
    return value ? `seed ${value}` : "your change";
  }

  edit(id) {
    const cell = this.cell(id);
    if (cell.area && !cell.area.hidden && cell.code === cell.original) return this.#close(cell);
    this.#open(cell).focus();
    cell.area.setSelectionRange(0, 0);
  }

  #open(cell) {
    cell.area ??= this.#editor(cell);
    cell.area.value = cell.code;
    cell.area.hidden = false;
    cell.listing.hidden = true;
    this.#buttons(cell);
    return cell.area;
  }

  #close(cell) {
    cell.area.hidden = true;
    cell.listing.hidden = false;
    this.#buttons(cell);
    cell.edit.focus();
  }

  #editor(cell) {
    const area = this.make("textarea", {
      className: "run-code",
      spellcheck: false,
      wrap: "off",
      autocapitalize: "off",
      autocomplete: "off",
    });
    const hint = this.make("span", {
      id: `hint-${cell.id}`,
      textContent: "Ctrl+Enter runs it, Tab leaves it. What you change stays in this browser only.",
    });
    area.setAttribute("aria-label", `Code of ${cell.run.getAttribute("aria-label").replace("Run ", "")}`);
    area.setAttribute("aria-describedby", hint.id);
    cell.hint = hint;
    cell.again = this.make("button", { type: "button", onclick: () => this.run_from(cell.id) });
    cell.back = this.make("button", { type: "button", textContent: "As it was", onclick: () => this.#as_it_was(cell) });
    cell.listing = cell.input.querySelector(":scope > div:not(.run-bar)");
    cell.listing.after(area);
    cell.edit.after(cell.back, cell.again);
    cell.said.before(hint);
    area.addEventListener("input", () => this.#change_code(cell, area.value));
    area.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.isComposing) return;
      if (event.ctrlKey || event.metaKey || event.shiftKey) this.run(cell.id);
      else {
        const line = area.value.slice(0, area.selectionStart).split("\n").pop();
        const indent = /^ */.exec(line)[0] + (/:\s*$/.test(line) ? "    " : "");
        document.execCommand("insertText", false, `\n${indent}`); // can be undone, as setRangeText cannot
      }
      event.preventDefault();
    });
    return area;
  }

  #change_code(cell, code) {
    cell.code = code;
    this.#keep();
    this.#mark();
  }

  #as_it_was(cell) {
    this.#change_code(cell, cell.original);
    cell.said.textContent = "";
    this.#close(cell);
  }

  #keep() {
    const edited = this.#edited().map(({ id, code, original }) => [id, { code, original }]);
    const fits = remember(localStorage, `cells ${this.page}`, edited.length ? JSON.stringify(Object.fromEntries(edited)) : null);
    if (!fits) this.#say("This browser does not keep what you change: it is gone when the page is.");
  }

  #restore() {
    let before = {};
    try {
      before = JSON.parse(localStorage.getItem(`cells ${this.page}`)) ?? {};
      if (sessionStorage.getItem(`starting ${this.page}`))
        this.#say(`The page was loaded anew while Python was starting. If that was not you: ${TOO_LITTLE}`);
      sessionStorage.removeItem(`starting ${this.page}`);
    } catch {} // a browser that keeps nothing
    for (const cell of this.cells) {
      if (!cell.input || !before[cell.id]) continue;
      cell.code = before[cell.id].code;
      this.#open(cell);
      const moved = before[cell.id].original !== cell.original;
      cell.said.textContent = moved ? "Your change from before. The book's own cell has changed since." : "Your change from before.";
    }
    this.#mark();
  }

  // ---- what the page shows

  #say(text, cell) {
    this.words.textContent = text;
    if (this.spoken.textContent.split(":")[0] !== text.split(":")[0]) this.spoken.textContent = text;
    for (const one of this.cells) one.input?.classList.toggle("run-now", one === cell);
  }

  // The box of a cell's results.
  #out(cell, create = false) {
    const out = document.getElementById(`out-${cell.id}`);
    if (out || !create || !cell.input) return out;
    const box = this.make("div", { id: `out-${cell.id}`, className: "cell_output docutils container" });
    (document.getElementById(`cell-${cell.id}`) ?? cell.input.parentNode).append(box);
    return box;
  }

  #replace(cell, node) {
    const out = this.#out(cell, true);
    if (!out) return;
    cell.nodes ??= [...out.childNodes].filter((child) => !child.matches?.(".run-stale"));
    if (out.firstChild !== node || out.childNodes.length > 1) out.replaceChildren(node);
  }

  #is_stale(cell) {
    return cell.shown !== this.#signature(cell);
  }

  #buttons(cell) {
    if (!cell.area) return;
    const changed = cell.code !== cell.original;
    const later = this.cells.filter((one) => one.index > cell.index && one.input && this.#is_stale(one)).length;
    cell.edit.textContent = cell.area.hidden ? "Edit" : "Close";
    cell.edit.setAttribute("aria-label", cell.edit.textContent + cell.run.getAttribute("aria-label").slice(3));
    cell.edit.hidden = changed;
    cell.back.hidden = !changed;
    cell.again.hidden = !changed || !later;
    cell.again.textContent = `Run again from here (${sum(later, "more cell")})`;
    cell.hint.hidden = cell.area.hidden;
  }

  // Say which results are older than what the reader changed; put back what the book has where it is right again.
  #mark() {
    for (const cell of this.cells) {
      if (!cell.input) continue;
      const signature = this.#signature(cell),
        out = this.#out(cell);
      if (signature === cell.published && cell.shown !== signature && cell.nodes) {
        out.replaceChildren(...cell.nodes);
        cell.nodes = null;
        cell.shown = signature;
      }
      const stale = out?.querySelector(":scope > .run-stale");
      if (cell.shown === signature) stale?.remove();
      else if (out?.childNodes.length && !stale) {
        const again = this.make("button", { type: "button", textContent: "Run again", onclick: () => this.run(cell.id) });
        again.setAttribute("aria-label", cell.run.getAttribute("aria-label").replace("Run", "Run again"));
        out.prepend(this.make("p", { className: "run-stale" }, "From before your change. ", again));
      }
      this.#buttons(cell);
    }
  }

  #say_failed(cell, before) {
    const link = before.input
      ? this.make("a", { href: `#${before.input.id}`, textContent: "a cell before it" })
      : "a cell before it that the page does not show";
    cell.said.replaceChildren("It has not run: ", link, " failed.");
    this.#say("A cell before it failed.");
  }

  // How long it took, and how many of the cells before ran; the others are offered.
  #tell(cell, { cells, needs = [] }, all, time) {
    const count = needs.length;
    let ran = `${count} of the ${sum(cell.index, "cell")} before it ran, ${count === 1 ? "the one" : "those"} that it needs`;
    if (all) ran = `all ${sum(cell.index, "cell")} before it ran`;
    else if (!count) ran = `it needs none of the ${sum(cell.index, "cell")} before it`;
    else if (!cells.length) ran = "what it needs had run before";
    else if (cells.length < count) ran = `${cells.length} of the ${count} cells that it needs ran, the others had run before`;
    const words = `${time}${cell.index ? `; ${ran}` : ""}.`;
    cell.said.textContent = `${words} `;
    if (!all && needs.length < cell.index)
      cell.said.append(this.make("button", { type: "button", textContent: "All cells before", onclick: () => this.run(cell.id, true) }));
    this.#say(`Done. ${words}`);
  }
}

// Keep a text under a name, or with null forget it; whether the browser lets one.
function remember(storage, name, text) {
  try {
    if (text === null) storage.removeItem(name);
    else storage.setItem(name, text);
    return true;
  } catch {
    return false;
  }
}

// The page's cells, ready to be run and edited.
export async function start(parts) {
  const notebook = await (await get(new URL(`cells/${parts.page}.json`, parts.base))).json();
  return new Page(parts, notebook);
}
