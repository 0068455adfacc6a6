"""What a page wants of the person in front of it: refused, and noted.

Dialogs are dismissed, windows, files and downloads refused; a page that crashes, or that opens one
dialog after the other, is closed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from bottega.escape import one_line

if TYPE_CHECKING:
    from playwright.async_api import Dialog, Download, FileChooser, Page, Request

MOST_DIALOGS = 20
"""Dialogs that a page may open before it is closed."""
MOST_NOTES = 20


@dataclass
class Watch:
    """The events of one page after the other."""

    drop: Callable[[], Awaitable[None]]
    """Closes the page."""
    notes: list[str] = field(default_factory=list[str])
    """What was refused, or went wrong, since somebody was told."""
    over: bool = False
    """The page was closed for what it did."""
    leaving: bool = False
    """The page is on its way to another address."""
    _dialogs: int = 0
    _tasks: set[asyncio.Task[None]] = field(default_factory=set["asyncio.Task[None]"])

    def begin(self, page: Page) -> None:
        """Watch a page."""
        page.on("dialog", self._on_dialog)
        page.on("popup", self._on_popup)
        page.on("download", self._on_download)
        page.on("filechooser", self._on_file_chooser)
        page.on("crash", self._on_crash)
        page.on("request", self._on_request)

    def renew(self) -> None:
        """Count anew, for another address."""
        self._dialogs, self.over = 0, False

    def told(self) -> list[str]:
        """Return the notes, and begin a new list."""
        notes, self.notes = self.notes, []
        return notes

    def stop(self) -> None:
        """End what is under way."""
        for task in list(self._tasks):
            task.cancel()

    def _note(self, text: str) -> None:
        if len(self.notes) < MOST_NOTES and text not in self.notes:
            self.notes.append(text)

    def _on_dialog(self, dialog: Dialog) -> None:
        self._dialogs += 1
        self._note(f"a dialog was dismissed: {one_line(dialog.message, 200)!r}")
        if self._dialogs > MOST_DIALOGS:
            self._close("the page was closed: it opens one dialog after the other")
        elif dialog.type == "beforeunload":
            self._start(dialog.accept())
        else:
            self._start(dialog.dismiss())

    def _on_popup(self, popup: Page) -> None:
        self._note(f"a window was refused: {one_line(popup.url, 200)}; open it if it is wanted")
        self._start(popup.close())

    def _on_download(self, download: Download) -> None:
        self._note(f"a download was refused: {one_line(download.url, 200)}")
        self._start(download.cancel())

    def _on_file_chooser(self, chooser: FileChooser) -> None:
        self._note("the page asked for a file, which was refused")

    def _on_crash(self, page: Page) -> None:
        self._close("the page crashed and was closed")

    def _on_request(self, request: Request) -> None:
        if request.is_navigation_request() and request.frame.parent_frame is None:
            self.leaving = True

    def _close(self, why: str) -> None:
        if not self.over:
            self.over = True
            self.notes.append(why)
            self._start(self.drop())

    def _start(self, work: Awaitable[Any]) -> None:
        """Begin what an event calls for; what goes wrong in it is the page's own end."""

        async def quietly() -> None:
            with suppress(Exception):
                await work

        task = asyncio.ensure_future(quietly())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
