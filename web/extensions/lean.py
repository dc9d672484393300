"""Sphinx extension: pages load little. One style sheet with the rules that some page uses, an icon font with the icons that some page
shows, scripts that wait until the page stands, figures that say their size and are fetched when they come near."""

import hashlib
import re
import warnings
from pathlib import Path
from urllib.parse import quote
from xml.etree import ElementTree

import tinycss2
from fontTools import subset
from fontTools.ttLib import TTFont

# what the theme's own templates load, before what Sphinx lists; theme.css imports basic.css
FIRST = [
    "basic.css",
    "styles/theme.css",
    "styles/bootstrap.css",
    "styles/pydata-sphinx-theme.css",
    "vendor/fontawesome/6.5.2/css/all.min.css",
]
SHEET = "site.css"
ICONS = {
    "solid": ("fa-solid-900", "Font Awesome 6 Free"),
    "brands": ("fa-brands-400", "Font Awesome 6 Brands"),
}
NESTED = ("media", "supports", "container", "layer")


def setup(app):
    app.book_sheets = []  # what Sphinx lists for the pages it writes
    # a page opened from a file may not fetch others, from which the search would quote
    app.add_js_file(
        None,
        body='if (location.protocol == "file:") DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false',
        priority=300,
    )
    app.add_js_file("lay_out.js")
    app.connect("html-page-context", lighten, priority=900)
    app.connect("build-finished", write_sheet, priority=800)
    app.connect("build-finished", slim_figures, priority=800)
    return {"parallel_read_safe": True, "parallel_write_safe": False}


def lighten(app, pagename, templatename, context, doctree):
    """Leave the style sheets to the one of the site, have scripts wait, and no state of widgets, which answer to a kernel alone."""
    app.book_sheets = list(dict.fromkeys([*app.book_sheets, *map(file_of, context["css_files"])]))
    context["css_files"] = []
    scripts = [
        s
        for s in context["script_files"]
        if "widget-state" not in str(getattr(s, "attributes", {}).get("type"))
    ]
    # the search's own scripts do not wait, and want the others before them
    context["script_files"] = (
        scripts if pagename == "search" else [waiting(script) for script in scripts]
    )
    context["book_sheet"] = f"{SHEET}?v={app.config.book_parts}"
    if context.get("body"):
        # the list of references has children that a list may not have
        context["body"] = re.sub(r' role="(list|doc-biblioentry)"', "", context["body"])
        body = re.sub(
            r'<img\b[^>]*?\bsrc="([^"]+)"[^>]*>', lambda image: sized(app, image), context["body"]
        )
        context["body"] = body.replace(
            ' loading="lazy"', "", 1
        )  # the first figure is in sight at once


def waiting(script):
    """A script that runs when the page stands; not the options, which what is written into the page asks for at once."""
    name = str(getattr(script, "filename", None) or "documentation_options")
    if "documentation_options" in name or {"async", "type"} & set(script.attributes):
        return script
    return type(script)(
        script.filename, priority=script.priority, **script.attributes | {"defer": "defer"}
    )


def file_of(sheet):
    """The name of a style sheet in _static."""
    return re.sub(r"\?.*", "", str(getattr(sheet, "filename", sheet))).removeprefix("_static/")


def sized(app, image):
    """An image's tag with its size and late loading, where it is a drawing of the book."""
    tag, name = image[0], image[1].rsplit("/", 1)[-1]
    source = next((src for src, file in app.builder.images.items() if file == name), None)
    if source is None or not name.endswith(".svg") or "width=" in tag:
        return tag
    box = ElementTree.parse(Path(app.srcdir, source)).getroot().get("viewBox")
    if not box:
        return tag
    width, height = (round(float(v) * 4 / 3) for v in box.split()[2:])  # from points
    return f'{tag.rstrip("/>").rstrip()} width="{width}" height="{height}" loading="lazy" decoding="async" />'


def write_sheet(app, error):
    """Write the one style sheet of the site, when all pages are there to tell what they use."""
    if (
        error or app.builder.format != "html" or not app.book_sheets
    ):  # no page was written: the sheet stands
        return
    static = Path(app.outdir) / "_static"
    pages = [
        path
        for path in Path(app.outdir).rglob("*.html")
        if SHEET in path.read_text(encoding="utf-8")
    ]
    used = set()
    for path in [*pages, *static.glob("*.js"), *static.glob("scripts/*.js")]:
        used.update(re.findall(r"[A-Za-z_][\w-]*", path.read_text(encoding="utf-8")))
    sheets = []
    for name in dict.fromkeys([*FIRST, *app.book_sheets]):
        css = (static / name).read_text(encoding="utf-8")
        sheets.append(
            rebased(
                shaken(
                    tinycss2.parse_stylesheet(css, skip_comments=True, skip_whitespace=True), used
                ),
                name,
            )
        )
    text = "\n".join(sheets)
    for style, (file, family) in ICONS.items():
        text = text_with_icons(static, text, style, file, family, f"fa-{style}" in used)
    (static / SHEET).write_text(f'@charset "utf-8";\n{text}', encoding="utf-8")


def slim_figures(app, error):
    """Write the drawings of the site anew without what nobody sees."""
    if not error and app.builder.format == "html":
        for path in (Path(app.outdir) / "_images").glob("*.svg"):
            text = path.read_text(encoding="utf-8")
            if (less := slim(text)) != text:
                path.write_text(less, encoding="utf-8")


def slim(svg):
    """A drawing of matplotlib's with hundredths of a pixel, without notes and idle space, and its runs of like dots told once."""
    svg = re.sub(r"<!--.*?-->|<metadata>.*?</metadata>", "", svg, flags=re.S)
    svg = re.sub(r"scale\([^)]*\)|(\d\.\d\d)\d+", lambda number: number[1] or number[0], svg)
    svg = re.sub(r"\s*\n\s*", "\n", svg)

    def group(run):
        return f'<g style="{run[2]}">\n{run[0].replace(f" style={chr(34)}{run[2]}{chr(34)}", "")}</g>\n'

    return re.sub(
        r'(<use [^>]*?) style="([^"]*)"/>\n(?:<use [^>]*? style="\2"/>\n){2,}', group, svg
    )


def shaken(rules, used):
    """The rules of a style sheet whose classes and ids all occur among the names used."""
    kept = []
    for rule in rules:
        if rule.type == "qualified-rule":
            selectors = [
                text for text in split(tinycss2.serialize(rule.prelude)) if names(text) <= used
            ]
            if selectors:
                kept.append(f"{','.join(selectors)}{{{compact(tinycss2.serialize(rule.content))}}}")
        elif (
            rule.type == "at-rule" and rule.lower_at_keyword in NESTED and rule.content is not None
        ):
            inside = shaken(
                tinycss2.parse_rule_list(rule.content, skip_comments=True, skip_whitespace=True),
                used,
            )
            if inside:
                kept.append(f"@{rule.at_keyword}{tinycss2.serialize(rule.prelude)}{{{inside}}}")
        elif rule.type == "at-rule" and rule.lower_at_keyword not in ("charset", "import"):
            kept.append(rule.serialize())
        elif rule.type == "error":
            warnings.warn(f"a style sheet has a mistake: {rule.message}", stacklevel=2)
    return "".join(kept)


def split(selectors):
    """The selectors of a list, parted at the commas that stand in no bracket."""
    return [text.strip() for text in re.split(r",(?![^(\[]*[)\]])", selectors)]


def names(selector):
    """The classes and ids that must be there for a selector to hold; what stands in brackets is not asked for."""
    while (bare := re.sub(r"[(\[][^()\[\]]*[)\]]", "", selector)) != selector:
        selector = bare
    return {name.replace("\\", "") for name in re.findall(r"[.#]((?:[\w-]|\\.)+)", selector)}


def compact(text):
    """Declarations without comments and idle space."""
    return re.sub(r"\s+", " ", re.sub(r"/\*.*?\*/", "", text, flags=re.S)).strip()


def rebased(css, name):
    """Addresses in a style sheet as seen from _static."""
    folder = name.rpartition("/")[0]

    def address(match):
        url = match[1].strip("\"'")
        if url.startswith(("data:", "/", "#", "http")) or not folder:
            return match[0]
        parts = folder.split("/")
        while url.startswith("../"):
            url, parts = url[3:], parts[:-1]
        return f"url({'/'.join([*parts, url])})"

    return re.sub(r"url\(([^)]+)\)", address, css)


def text_with_icons(static, text, style, file, family, shown):
    """The style sheet with the font of one style of icons cut down to those that some page shows; without it where there are none."""
    faces = re.compile(rf"@font-face\s*{{[^}}]*{file}[^}}]*}}")
    source = static / f"{Path(FIRST[-1]).parent.parent}/webfonts/{file}.ttf"
    with TTFont(source) as font:
        points = {ord(letter) for letter in re.findall(r'content: ?"(.)"', text)} & set(
            font.getBestCmap()
        )
        face = ""
        if shown and points:
            cutter = subset.Subsetter(subset.Options(flavor="woff"))
            cutter.populate(unicodes=points)
            cutter.subset(font)
            font.flavor = "woff"
            font.save(static / f"{file}.woff")
            stamp = hashlib.sha256(repr(sorted(points)).encode()).hexdigest()[:8]
            face = f'@font-face{{font-family:"{family}";font-weight:{file[-3:]};font-display:block;src:url({quote(file)}.woff?v={stamp})}}'
    return faces.sub("", text) + face
