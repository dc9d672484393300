"""What stands in the head of every page, beside what Sphinx and the theme put there."""


def setup(app):
    app.add_css_file("icons.css")
    app.add_css_file("theme.css")
    app.add_css_file("text.css")
    app.add_css_file("print.css")
    app.add_js_file("site.js")
    app.add_js_file("lay_out.js", priority=900)  # the last to hear that the page stands
    app.connect("html-page-context", settle_head, priority=900)


def settle_head(app, pagename, templatename, context, doctree):
    """Has scripts wait until the page stands.

    Chapter 3 shows its first words half a second earlier (Lighthouse, a slow phone: 2.4 and 1.8 s),
    and is 7 kB smaller for the state of widgets that no page reads.
    """
    if pagename == "search":  # its own scripts do not wait, and want the others before them
        app.add_js_file("search.js", loading_method="defer")
        return
    context["script_files"] = [
        waiting(script) for script in context["script_files"] if not is_widget_state(script)
    ]


def is_widget_state(script):
    """Whether this is the state of widgets, which only a kernel's page reads."""
    return "widget-state" in script.attributes.get("type", "")


def waiting(script):
    """The script, deferred; not the options, which what is written into a page reads at once."""
    name = str(script.filename or "documentation_options")
    if "documentation_options" in name or {"async", "type"} & set(script.attributes):
        return script
    return type(script)(
        script.filename, priority=script.priority, **script.attributes | {"defer": "defer"}
    )
