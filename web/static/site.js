// A notebook is to be downloaded, not shown.
for (const link of document.querySelectorAll("a.btn-download-source-button, a.btn-download-notebook-button")) link.download = "";

// On a narrow screen the notebook opens without JupyterLab's panels. On a page opened from a file the button says that it wants a server.
for (const link of document.querySelectorAll("a.btn-live-lab")) {
  if (location.protocol === "file:") {
    link.removeAttribute("href");
    link.title = "Runs where the book is served, as by make serve, and not from a file";
  } else if (matchMedia("(max-width: 767px)").matches) link.href = link.href.replace("/lite/lab/", "/lite/notebooks/");
}

// The words of a search are marked on the page that it led to, and on no other after it.
try {
  localStorage.removeItem("sphinx_highlight_terms");
} catch {}
