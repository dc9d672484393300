"""The whole book as one PDF, from the built site and with a Chromium: `make pdf`.

    python -m tools.pdf [page ...] [--site folder] [--target file]

The articles of all pages, or of those named, such as book/03-momentum, are put into one document,
whose links lead to each other, and printed twice: the first time tells on which page each chapter
begins, the second has these numbers in its contents. Figures that answer stand as the stills they
are drawn as.
"""

import argparse
import sys
import tempfile
from html import escape
from pathlib import Path
from urllib.parse import unquote, urldefrag, urljoin

from bs4 import BeautifulSoup
from playwright.sync_api import sync_playwright
from pypdf import PdfReader

from tools.book import BUILD, SITE, chromium, chromium_arguments, contents, pages

TARGET = BUILD / "pdf/optimizers-step-by-step.pdf"
DROPPED = (
    "script, link, a.headerlink, button, .explorable .x-controls, .explorable .x-handle, "
    ".explorable .x-done, .explorable > style, picture > source, [data-site-only]"
)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pages", nargs="*", help="pages to print; without any, the whole book")
    parser.add_argument("--site", type=Path, default=SITE, help="the folder of the built site")
    parser.add_argument("--target", type=Path, default=TARGET, help="the file to write")
    options = parser.parse_args()
    strangers = sorted({*options.pages} - {*pages()})
    if strangers:
        parser.error(f"no page of the book: {', '.join(strangers)}")
    count = write(options.site, options.target, options.pages)
    print(f"{options.target}: {count} pages, {options.target.stat().st_size / 1e6:.1f} MB")


def write(site, target, chosen=()):
    """Write the PDF, of the chosen pages or of all, and return how many pages it has."""
    names = [name for name in pages() if not chosen or name in chosen]
    soups = {
        name: BeautifulSoup((site / f"{name}.html").read_text(encoding="utf-8"), "html.parser")
        for name in names
    }
    styles = dict.fromkeys(
        str(style.string)
        for soup in soups.values()
        for style in soup.select("style#formulas, .explorable > style")
    )
    articles = {name: article(site, name, soup, names) for name, soup in soups.items()}
    titles = {name: articles[name].h1.get_text().strip() for name in names}
    styles = "\n".join(styles).replace(
        'url("../_static', f'url("{(site / "_static").resolve().as_uri()}'
    )
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        source = Path(folder) / "book.html"
        browser = playwright.chromium.launch(executable_path=chromium(), args=chromium_arguments())
        page = browser.new_page()
        numbers = {}
        for last in (False, True):
            source.write_text(document(site, articles, titles, styles, numbers), encoding="utf-8")
            page.goto(source.as_uri(), wait_until="load")
            page.evaluate("document.fonts.ready.then(() => true)")
            page.pdf(
                path=target,
                prefer_css_page_size=True,
                print_background=True,
                outline=last,
                tagged=last,
            )
            reader = PdfReader(target)
            places = {
                place.lstrip("/"): found for place, found in reader.named_destinations.items()
            }
            numbers = {
                name: 1 + reader.get_destination_page_number(places[key(name)]) for name in names
            }
        browser.close()
    return len(reader.pages)


def key(name):
    """The anchor at which a page of the site begins in the document."""
    return "page-" + name.removeprefix("book/").replace("/", "-")


def article(site, name, soup, names):
    """The text of one page: with anchors of its own, links within the document, nothing folded."""
    found = soup.select_one("article.bd-article")
    for element in found.select(DROPPED):
        element.decompose()
    for element in found.select("details"):
        element["open"] = ""
    for element in found.select(".dropdown, .toggle"):
        element["class"] = [
            one for one in element["class"] if one not in ("dropdown", "toggle", "toggle-hidden")
        ]
    for still in found.select(".explorable [data-still]"):
        still.string = "On the website, this figure has sliders."
    for element in found.select("[id]"):
        element["id"] = f"{key(name)}--{element['id']}"
    for image in found.select("img"):
        image["src"] = (
            (site / f"{name}.html").parent.joinpath(unquote(image["src"])).resolve().as_uri()
        )
        del image["loading"]
    for link in found.select("a[href]"):
        address, anchor = urldefrag(urljoin(f"http://site/{name}.html", link["href"]))
        page = address.removeprefix("http://site/").removesuffix(".html")
        if page in names:
            link["href"] = f"#{key(page)}--{anchor}" if anchor else f"#{key(page)}"
        elif address.startswith("http://site/"):
            link.unwrap()  # a download, or the source of a function: not in this document
    found["id"] = key(name)
    found["class"] = ["bd-article", "chapter"]
    return found


def document(site, articles, titles, styles, numbers):
    """The document to print; numbers: where each page of the site begins, as far as known."""
    entries, heads, texts = [], [], []
    for caption, part in contents():
        part = [name for name in part if name in titles]
        entries += [f"<h2>{escape(caption)}</h2>"] if caption and part else []
        for name in part:
            number = f'<span class="number">{numbers.get(name, "0")}</span>'
            entries.append(
                f'<a href="#{key(name)}"><span>{escape(titles[name])}</span>{number}</a>'
            )
            head = titles[name].replace("\\", "").replace('"', "'")
            heads.append(
                f'@page {key(name)} {{ @top-left {{ content: "{head}" }} }} '
                f"article#{key(name)} {{ page: {key(name)} }}"
            )
            texts.append(
                '<div class="bd-main"><div class="bd-content"><div class="bd-article-container">'
                f"{articles[name]}</div></div></div>"
            )
    static = (site / "_static").resolve().as_uri()
    return f"""<!DOCTYPE html>
<html lang="en" data-theme="light"><head><meta charset="utf-8">
<title>Optimizers, Step by Step</title>
<link rel="stylesheet" href="{static}/site.css"><link rel="stylesheet" href="{static}/pdf.css">
<style>{styles}</style><style>{" ".join(heads)}</style></head><body>
<section class="title-page"><img src="{static}/cover.svg" alt="">
<p class="title">Optimizers, Step by Step</p>
<p>The optimizers of deep learning, derived one line at a time,<br>
with every claim checked by the code beside it</p></section>
<nav class="contents-page"><h1>Contents</h1>{"".join(entries)}</nav>
{"".join(texts)}</body></html>"""


if __name__ == "__main__":
    sys.exit(main())
