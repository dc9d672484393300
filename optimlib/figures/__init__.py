"""The figures of the book: drawn with matplotlib, and those that answer with no kernel."""
