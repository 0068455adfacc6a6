"""Writers called from inside of another one: they would wait for themselves and are refused."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hash_embedder import HashEmbedder
from numpy.typing import NDArray
from orchard import SlowEmbedder, names, open_base

from bottega.errors import StorageError
from bottega_plugins.knowledge.index import turn
from bottega_plugins.knowledge.index.progress import Progress

FROM_INSIDE = "is being written by what now asks to write it again"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "base"


class CallingEmbedder(HashEmbedder):
    """Does something else before it embeds, once."""

    def __init__(self, first: Callable[[], Awaitable[object]]) -> None:
        super().__init__()
        self._first: Callable[[], Awaitable[object]] | None = first

    async def embed(self, texts: object) -> NDArray[np.float32]:
        first, self._first = self._first, None
        if first:
            await first()
        return await super().embed(texts)  # type: ignore[arg-type]


def inside_progress(path: Path, write: Callable[[], object]) -> None:
    def told(progress: Progress) -> None:
        if progress.stage == "save" and not progress.done:
            write()

    open_base(path).add(("outer", "Frogs."), told)


def inside_documents(path: Path, write: Callable[[], object]) -> None:
    def documents() -> Iterator[tuple[str, str]]:
        write()
        yield "outer", "Frogs."

    open_base(path).add(documents())


def inside_a_task_of_the_documents(path: Path, write: Callable[[], object]) -> None:
    async def documents() -> AsyncIterator[tuple[str, str]]:
        await asyncio.create_task(asyncio.to_thread(write))
        yield "outer", "Frogs."

    asyncio.run(open_base(path).aadd(documents()))


def inside_the_embedder(path: Path, write: Callable[[], object]) -> None:
    async def first() -> None:
        write()

    open_base(path, CallingEmbedder(first)).add(("outer", "Frogs."))


def inside_a_thread_of_the_embedder(path: Path, write: Callable[[], object]) -> None:
    embedder = CallingEmbedder(lambda: asyncio.to_thread(write))
    open_base(path, embedder).add(("outer", "Frogs."))


@pytest.mark.parametrize(
    "place",
    [
        inside_progress,
        inside_documents,
        inside_a_task_of_the_documents,
        inside_the_embedder,
        inside_a_thread_of_the_embedder,
    ],
)
def test_a_writer_inside_another_ones_work_is_refused_at_once(
    path: Path,
    monkeypatch: pytest.MonkeyPatch,
    place: Callable[[Path, Callable[[], object]], None],
) -> None:
    monkeypatch.setattr(turn, "_PATIENCE", 1.0)  # one that waited would be told something else
    refused: list[str] = []

    def write() -> None:
        for act in (lambda: open_base(path).add(("inner", "Toads.")), lambda: again(path)):
            with pytest.raises(StorageError, match=FROM_INSIDE) as caught:
                act()
            refused.append(caught.value.message)
        open_base(path.with_name("other")).add(("elsewhere", "Newts."))

    place(path, write)
    assert len(refused) == 2
    assert names(path) == {"outer"}
    assert names(path.with_name("other")) == {"elsewhere"}
    open_base(path).add(("later", "Efts."))


def again(path: Path) -> None:
    """Write from a loop of its own."""
    with ThreadPoolExecutor(1) as pool:
        import contextvars

        run = contextvars.copy_context().run
        pool.submit(run, asyncio.run, open_base(path).aadd(("inner", "Toads."))).result()


def test_what_began_inside_a_writer_may_write_when_that_has_ended(path: Path) -> None:
    async def both() -> None:
        ended, later = asyncio.Event(), list[asyncio.Task[object]]()

        async def after() -> None:
            await ended.wait()
            await open_base(path).aadd(("later", "Toads."))

        async def documents() -> AsyncIterator[tuple[str, str]]:
            later.append(asyncio.create_task(after()))
            yield "outer", "Frogs."

        await open_base(path).aadd(documents())
        ended.set()
        await asyncio.gather(*later)

    asyncio.run(both())
    assert names(path) == {"outer", "later"}


def test_a_plain_method_does_not_wait_for_a_task_of_the_loop_that_it_holds_up(path: Path) -> None:
    async def both() -> None:
        slow = SlowEmbedder()
        first = asyncio.create_task(open_base(path, slow).aadd(("first", "Frogs.")))
        await slow.started.wait()
        with pytest.raises(StorageError, match="in the event loop this call holds up") as caught:
            open_base(path).add(("second", "Toads."))
        assert "await aadd()" in caught.value.hint
        slow.go_on.set()
        await first
        open_base(path).add(("second", "Toads."))

    asyncio.run(both())
    assert names(path) == {"first", "second"}


def test_a_child_that_was_forked_in_the_middle_does_not_keep_the_lock(path: Path) -> None:
    ours, theirs = os.pipe()
    children: list[int] = []

    async def fork() -> None:
        child = os.fork()
        if child == 0:
            os.close(theirs)
            os.read(ours, 1)
            os._exit(0)
        children.append(child)

    open_base(path, CallingEmbedder(fork)).add(("first", "Frogs."))
    try:
        assert open_base(path).add(("second", "Toads.")).added == 1
    finally:
        os.close(theirs)
        os.waitpid(children[0], 0)
        os.close(ours)
