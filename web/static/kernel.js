// On a page of JupyterLite: a sentence for readers whose kernel cannot be fetched, since the lab waits on and says nothing.
const address = new URL(`${document.currentScript.dataset.from}/pyodide.mjs`, location.href);

fetch(address, { signal: AbortSignal.timeout(30000) })
  .then((answer) => answer.ok || Promise.reject(answer))
  .catch(() => {
    const note = document.createElement("p");
    note.role = "alert";
    note.textContent = `Python could not be fetched from ${address.host}. This notebook can be read here, but not run: without a connection to that address, open it in a Jupyter of your own. `;
    const close = document.createElement("button");
    close.textContent = "Close";
    close.onclick = () => note.remove();
    note.append(close);
    note.style.cssText = "position: fixed; z-index: 10000; inset: auto 0 0; margin: 0; padding: 0.8rem 1.2rem; background: #7a1f12; color: #fff; font: 1rem/1.5 system-ui, sans-serif";
    document.body.append(note);
  });
