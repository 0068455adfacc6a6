"""A page as the model reads it: where it is, what happened, its text with numbered elements."""

from __future__ import annotations

from bottega.addresses import mask_query
from bottega.arguments import shorten
from bottega.escape import one_line, unhidden
from bottega_tools.browser.visit import Seen

SHOWN = 12_000
"""Characters of a page that are shown at once."""


def report(seen: Seen, notes: list[str], start: int = 0) -> str:
    """Write the page, from a character on, with what happened since it was last shown."""
    text, invisible = unhidden(seen.text)
    head = [f"Page: {one_line(unhidden(seen.title)[0], 200) or '(no title)'}"]
    head.append(f"URL: {shorten(one_line(mask_query(seen.url), 500), 500)}")
    head += [f"Note: {note}" for note in notes]
    unseen = seen.unseen + invisible
    if unseen:
        head.append(f"Note: {unseen:,} characters that cannot be seen on the page are left out")
    shown = text[start : start + SHOWN]
    end = start + len(shown)
    if start:
        head.append(f"From character {start:,}:")
    tail = ""
    if end < len(text):
        tail = f"\n[{len(text) - end:,} more characters: browser_snapshot(start={end})]"
    elif seen.full:
        tail = "\n[the page is longer than what can be read of it]"
    body = shown or ("(nothing can be seen on the page)" if not start else "(nothing more)")
    return "\n".join(head) + "\n\n" + body + tail
