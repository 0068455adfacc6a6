"""Why a page did not come, in one line of our own words."""

from __future__ import annotations

from bottega.escape import one_line


def not_opened(what: str, message: str, seconds: float) -> str:
    """Say why a page cannot be opened, from Playwright's words; `what` is how it is called."""
    if "Timeout" in message:
        return f"{what} did not come within {seconds:g} s"
    if "Download is starting" in message or "net::ERR_ABORTED" in message:
        return f"{what} is a file to download, which is refused"
    if "ERR_TOO_MANY_REDIRECTS" in message:
        return f"{what} leads on and on: it has too many redirects"
    return f"{what} cannot be opened: {reason(message)}"


def reason(message: str) -> str:
    """Return the line of Playwright's words that tells what was wrong."""
    first = next((line for line in message.splitlines() if line.strip()), "no reason is given")
    return one_line(first.rpartition("Error: ")[2], 200)
