// A page found is quoted from its text alone, not from the buttons and contents around it.
const wholePage = Search.htmlToText;
Search.htmlToText = (html, anchor) => {
  const page = new DOMParser().parseFromString(html, "text/html");
  for (const around of page.querySelectorAll(".bd-header-article, .bd-sidebar-secondary, #jb-print-docs-body, .prev-next-footer")) around.remove();
  return wholePage(page.documentElement.outerHTML, anchor);
};

// From a file, a browser lets no page read another: the pages found are named without a quotation.
if (location.protocol === "file:") DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;
