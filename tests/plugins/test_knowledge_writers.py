"""Several writers of one index: those of a process wait for each other, never for themselves."""

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
from orchard import SlowEmbedder, open_base, planted

from bottega.errors import StorageError
from bottega_plugins.knowledge.index import turn
from bottega_plugins.knowledge.index.progress import Progress
from bottega_plugins.knowledge.knowledge_base import KnowledgeBase

FROM_INSIDE = "is being written by what now asks to write it again"


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    return planted(tmp_path)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "base"


def opened(path: Path, embedder: HashEmbedder | None = None) -> KnowledgeBase:
    return KnowledgeBase.open(path, embedder or HashEmbedder())


def names(path: Path) -> set[str]:
    base = opened(path)
    base.verify()
    return {document.source for document in base.documents()}


async def a_while() -> None:
    for _ in range(20):
        await asyncio.sleep(0.001)


def test_a_second_task_waits_for_the_first(docs: Path) -> None:
    async def both() -> None:
        slow = SlowEmbedder()
        first = asyncio.create_task(open_base(docs, slow).aupdate())
        await slow.started.wait()
        second = asyncio.create_task(open_base(docs).aupdate())
        await a_while()
        assert not second.done()
        slow.go_on.set()
        assert (await first).added == 3
        assert (await second).nothing_to_do

    asyncio.run(both())


def test_threads_and_tasks_of_one_process_all_get_their_turn(path: Path) -> None:
    shared = opened(path)

    def thread(number: int) -> None:
        for each in range(3):
            base = shared if each % 2 else opened(path)
            base.add((f"{number}.{each}", f"Frog {each} of thread {number}."))

    async def tasks() -> None:
        work = (shared.aadd((f"task {n}", f"Newt number {n}.")) for n in range(6))
        await asyncio.gather(*work)

    with ThreadPoolExecutor(5) as pool:
        ends = [pool.submit(thread, number) for number in range(4)]
        ends.append(pool.submit(asyncio.run, tasks()))
        for end in ends:
            end.result()
    assert len(names(path)) == 4 * 3 + 6


def test_writers_come_in_the_order_in_which_they_asked(path: Path) -> None:
    async def all_of_them() -> list[int]:
        slow, order = SlowEmbedder(), list[int]()
        first = asyncio.create_task(opened(path, slow).aadd(("first", "Frogs.")))
        await slow.started.wait()

        async def add(number: int) -> None:
            await opened(path).aadd((f"{number}", f"Newt {number}."))
            order.append(number)

        later = [asyncio.create_task(add(number)) for number in range(5)]
        await a_while()
        slow.go_on.set()
        await asyncio.gather(first, *later)
        return order

    assert asyncio.run(all_of_them()) == [0, 1, 2, 3, 4]


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

    opened(path).add(("outer", "Frogs."), told)


def inside_documents(path: Path, write: Callable[[], object]) -> None:
    def documents() -> Iterator[tuple[str, str]]:
        write()
        yield "outer", "Frogs."

    opened(path).add(documents())


def inside_a_task_of_the_documents(path: Path, write: Callable[[], object]) -> None:
    async def documents() -> AsyncIterator[tuple[str, str]]:
        await asyncio.create_task(asyncio.to_thread(write))
        yield "outer", "Frogs."

    asyncio.run(opened(path).aadd(documents()))


def inside_the_embedder(path: Path, write: Callable[[], object]) -> None:
    async def first() -> None:
        write()

    opened(path, CallingEmbedder(first)).add(("outer", "Frogs."))


def inside_a_thread_of_the_embedder(path: Path, write: Callable[[], object]) -> None:
    embedder = CallingEmbedder(lambda: asyncio.to_thread(write))
    opened(path, embedder).add(("outer", "Frogs."))


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
        for act in (lambda: opened(path).add(("inner", "Toads.")), lambda: again(path)):
            with pytest.raises(StorageError, match=FROM_INSIDE) as caught:
                act()
            refused.append(caught.value.message)
        opened(path.with_name("other")).add(("elsewhere", "Newts."))

    place(path, write)
    assert len(refused) == 2
    assert names(path) == {"outer"}
    assert names(path.with_name("other")) == {"elsewhere"}
    opened(path).add(("later", "Efts."))


def again(path: Path) -> None:
    """Write from a loop of its own."""
    with ThreadPoolExecutor(1) as pool:
        import contextvars

        run = contextvars.copy_context().run
        pool.submit(run, asyncio.run, opened(path).aadd(("inner", "Toads."))).result()


def test_what_began_inside_a_writer_may_write_when_that_has_ended(path: Path) -> None:
    async def both() -> None:
        ended, later = asyncio.Event(), list[asyncio.Task[object]]()

        async def after() -> None:
            await ended.wait()
            await opened(path).aadd(("later", "Toads."))

        async def documents() -> AsyncIterator[tuple[str, str]]:
            later.append(asyncio.create_task(after()))
            yield "outer", "Frogs."

        await opened(path).aadd(documents())
        ended.set()
        await asyncio.gather(*later)

    asyncio.run(both())
    assert names(path) == {"outer", "later"}


def test_a_plain_method_does_not_wait_for_a_task_of_the_loop_that_it_holds_up(path: Path) -> None:
    async def both() -> None:
        slow = SlowEmbedder()
        first = asyncio.create_task(opened(path, slow).aadd(("first", "Frogs.")))
        await slow.started.wait()
        with pytest.raises(StorageError, match="in the event loop this call holds up") as caught:
            opened(path).add(("second", "Toads."))
        assert "await aadd()" in caught.value.hint
        slow.go_on.set()
        await first
        opened(path).add(("second", "Toads."))

    asyncio.run(both())
    assert names(path) == {"first", "second"}


def test_cancelled_writers_leave_nothing_locked(path: Path) -> None:
    async def some() -> None:
        slow = SlowEmbedder()
        bases = [opened(path, slow), *(opened(path) for _ in range(3))]
        tasks = [
            asyncio.create_task(base.aadd((f"{number}", f"Frog {number}.")))
            for number, base in enumerate(bases)
        ]
        await slow.started.wait()
        await a_while()
        tasks[1].cancel()  # while it waits
        await a_while()
        assert not tasks[2].done()
        tasks[0].cancel()  # while it writes: the next one's turn comes
        tasks[2].cancel()  # in the moment in which its turn comes
        await asyncio.gather(*tasks, return_exceptions=True)
        assert [task.cancelled() for task in tasks] == [True, True, True, False]

    asyncio.run(some())
    assert names(path) == {"3"}
    assert opened(path).add(("4", "Toads.")).added == 1


def test_a_loop_that_ends_takes_its_waiting_writers_along(path: Path) -> None:
    slow = SlowEmbedder()

    async def left() -> None:
        writing = asyncio.create_task(opened(path, slow).aadd(("first", "Frogs.")))
        await slow.started.wait()
        waiting = asyncio.create_task(opened(path).aadd(("second", "Toads.")))
        await a_while()
        assert not writing.done()
        assert not waiting.done()

    asyncio.run(left())
    opened(path).add(("third", "Newts."))
    assert names(path) == {"third"}


class Clock:
    """Seconds that pass when the test says so."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now


def test_who_waits_for_one_that_gets_no_further_is_refused(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    monkeypatch.setattr(turn, "time", clock)
    monkeypatch.setattr(turn, "_PATIENCE", 0.01)

    async def both() -> None:
        slow = SlowEmbedder()
        first = asyncio.create_task(opened(path, slow).aadd(("first", "Frogs.")))
        await slow.started.wait()
        second = asyncio.create_task(opened(path).aadd(("second", "Toads.")))
        await a_while()
        assert not second.done()
        clock.now += 0.02
        with pytest.raises(StorageError, match=f"being written by process {os.getpid()}") as caught:
            await second
        assert caught.value.retryable
        slow.go_on.set()
        await first

    asyncio.run(both())
    assert names(path) == {"first"}


def test_who_waits_for_one_that_gets_further_waits_on(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    monkeypatch.setattr(turn, "time", clock)
    monkeypatch.setattr(turn, "_PATIENCE", 0.01)

    async def documents() -> AsyncIterator[tuple[str, str]]:
        for number in range(10):
            await a_while()
            clock.now += 0.009
            yield f"{number}", f"Frog {number}."

    async def both() -> None:
        first = asyncio.create_task(opened(path).aadd(documents()))
        await a_while()
        await opened(path).aadd(("second", "Toads."))
        await first

    asyncio.run(both())
    assert len(names(path)) == 11


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

    opened(path, CallingEmbedder(fork)).add(("first", "Frogs."))
    try:
        assert opened(path).add(("second", "Toads.")).added == 1
    finally:
        os.close(theirs)
        os.waitpid(children[0], 0)
        os.close(ours)
