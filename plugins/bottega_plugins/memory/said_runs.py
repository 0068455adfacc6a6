"""The runs in which a user's words stand beside the memory: their tasks, journals and checkpoints.

They are known by the user that they were begun for. Which of them may be removed, and how, is the
store's business (`bottega.retention`).
"""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import TYPE_CHECKING, cast

from bottega.errors import InputError

if TYPE_CHECKING:
    from bottega.plugin.context import FactoryContext
    from bottega.retention import Pruned, Pruning

_ALL = 10**9


async def runs_of(context: FactoryContext, user: str) -> list[str]:
    """Return the ids of the runs begun for a user, the newest first. Raises StorageError."""
    from bottega.home import store_address
    from bottega.store import open_register

    address = store_address(context.folder)
    if isinstance(address, Path) and not address.is_file():
        return []
    async with open_register(address, context.plugins) as store:
        listed = await store.register.list(_ALL)
    return [run.run_id for run in listed if run.origin.get("user") == user]


async def let_go_of(context: FactoryContext, user: str) -> Pruned:
    """Remove the runs of a user, but for those that somebody carries out. Raises StorageError."""
    from bottega.home import store_address
    from bottega.retention import Retention
    from bottega.store import make_checkpointer

    made = make_checkpointer(store_address(context.folder), context.plugins)
    if not hasattr(made, "let_go"):
        raise InputError("this store cannot let go of runs")
    async with cast("AbstractAsyncContextManager[Pruning]", made) as store:
        return await store.let_go(Retention(seconds=0, user=user))
