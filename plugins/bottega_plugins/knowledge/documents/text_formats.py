"""Which parser reads which text format, and whether in a process of its own.

Small texts are read where they are. HTML always goes to the other process: 100 KB can be written so
that the parser takes minutes. Others go there when they are large: 3 MB of one-letter paragraphs
fill 1 GB.
"""

from __future__ import annotations

from bottega_plugins.knowledge.documents.parsed import Parsed

LARGE = 200_000
"""Characters from which on a text with structure is read in a process of its own."""
_ALWAYS_APART = ("html", "xml")
_NEVER_APART = ("text", "rst", "code")  # one pass of an expression or two


def stands_apart(text: str, form: str) -> bool:
    """Say whether a text should be read in a process of its own."""
    return form in _ALWAYS_APART or (form not in _NEVER_APART and len(text) > LARGE)


def parse_text(text: str, form: str, source: str = "") -> Parsed:  # noqa: PLR0911  # one a format
    """Read a text in this process. The parser of a format is imported when it is first needed."""
    if form == "markdown":
        from bottega_plugins.knowledge.documents.markdown import parse_markdown

        return parse_markdown(text)
    if form in ("html", "xml"):
        from bottega_plugins.knowledge.documents.markup import parse_markup

        return parse_markup(text, form)
    if form == "csv":
        from bottega_plugins.knowledge.documents.table import parse_table

        return parse_table(text)
    if form in ("json", "jsonl"):
        from bottega_plugins.knowledge.documents.records import parse_json, parse_json_lines

        return parse_json(text) if form == "json" else parse_json_lines(text)
    if form == "notebook":
        from bottega_plugins.knowledge.documents.notebook import parse_notebook

        return parse_notebook(text)
    if form == "python":
        from bottega_plugins.knowledge.documents.python_code import parse_python

        return parse_python(text)
    if form == "code":
        from bottega_plugins.knowledge.documents.source_code import parse_code

        return parse_code(text, source)
    from bottega_plugins.knowledge.documents.prose import parse_prose

    return parse_prose(text, form)
