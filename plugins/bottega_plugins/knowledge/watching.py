"""Keeping an index current: it is brought in line with its folder whenever something changes there.

The system tells of changes (inotify and its like, through watchfiles); what changed is found out by
an ordinary update, so nothing is missed and nothing is done twice.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bottega.errors import BottegaError, InputError
from bottega_plugins.knowledge.index.progress import UpdateReport

if TYPE_CHECKING:
    from bottega_plugins.knowledge.index.progress import Report
    from bottega_plugins.knowledge.knowledge_base import KnowledgeBase

_QUIET = 600
"""Milliseconds for which changes are gathered before they are looked at."""


async def updates(
    base: KnowledgeBase, progress: Report | None = None
) -> AsyncGenerator[UpdateReport | BottegaError]:
    """Yield what each update did, the first at once, without end.

    What goes wrong in a later one is yielded, not raised, and watching goes on; the first one
    raises, and so does a folder that is gone. `progress` is told of the first.
    """
    awatch: Any = import_module("watchfiles").awatch  # its types are partly unknown
    docs = base.docs
    if docs is None:
        raise InputError(f"{base.path} is no folder of documents, so it cannot be watched")
    changes = awatch(docs, watch_filter=_concerns(base, docs), debounce=_QUIET)
    change = asyncio.ensure_future(anext(changes))
    try:
        await asyncio.sleep(0)  # watching begins, so that no change is lost between the two
        yield await base.aupdate(progress)
        while True:
            await change
            change = asyncio.ensure_future(anext(changes))
            yield await _update(base)
    finally:
        change.cancel()
        await asyncio.gather(change, return_exceptions=True)
        await changes.aclose()


async def _update(base: KnowledgeBase) -> UpdateReport | BottegaError:
    try:
        return await base.aupdate()
    except InputError:
        raise
    except BottegaError as error:
        return error


def _concerns(base: KnowledgeBase, docs: Path) -> Callable[[object, str], bool]:
    """Return what tells whether a change of a path may change the index."""
    state = base.index.parent

    def concerns(_: object, path: str) -> bool:
        changed = Path(path)
        if changed.is_relative_to(state):
            return False
        return not any(part.startswith(".") for part in changed.relative_to(docs).parts)

    return concerns
