"""Several writers of one index: those of a process wait for each other."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from orchard import SlowEmbedder, names, open_base, planted

from bottega.errors import StorageError
from bottega_plugins.knowledge.index import turn


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    return planted(tmp_path)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "base"


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
    shared = open_base(path)

    def thread(number: int) -> None:
        for each in range(3):
            base = shared if each % 2 else open_base(path)
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
        first = asyncio.create_task(open_base(path, slow).aadd(("first", "Frogs.")))
        await slow.started.wait()

        async def add(number: int) -> None:
            await open_base(path).aadd((f"{number}", f"Newt {number}."))
            order.append(number)

        later = [asyncio.create_task(add(number)) for number in range(5)]
        await a_while()
        slow.go_on.set()
        await asyncio.gather(first, *later)
        return order

    assert asyncio.run(all_of_them()) == [0, 1, 2, 3, 4]


def test_cancelled_writers_leave_nothing_locked(path: Path) -> None:
    async def some() -> None:
        slow = SlowEmbedder()
        bases = [open_base(path, slow), *(open_base(path) for _ in range(3))]
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
    assert open_base(path).add(("4", "Toads.")).added == 1


def test_a_loop_that_ends_takes_its_waiting_writers_along(path: Path) -> None:
    slow = SlowEmbedder()

    async def left() -> None:
        writing = asyncio.create_task(open_base(path, slow).aadd(("first", "Frogs.")))
        await slow.started.wait()
        waiting = asyncio.create_task(open_base(path).aadd(("second", "Toads.")))
        await a_while()
        assert not writing.done()
        assert not waiting.done()

    asyncio.run(left())
    open_base(path).add(("third", "Newts."))
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
        first = asyncio.create_task(open_base(path, slow).aadd(("first", "Frogs.")))
        await slow.started.wait()
        second = asyncio.create_task(open_base(path).aadd(("second", "Toads.")))
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
        first = asyncio.create_task(open_base(path).aadd(documents()))
        await a_while()
        await open_base(path).aadd(("second", "Toads."))
        await first

    asyncio.run(both())
    assert len(names(path)) == 11
