"""Readers beside a writer, and a writer that is cancelled: what each sees."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest
from hash_embedder import HashEmbedder
from index_nursery import Nursery
from orchard import SlowEmbedder, open_base, planted, sources, update

from bottega_plugins.knowledge.knowledge_base import KnowledgeBase


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    return planted(tmp_path)


def test_search_goes_on_during_an_update_and_then_sees_the_new_index(docs: Path) -> None:
    async def both() -> None:
        await open_base(docs).aupdate()
        (docs / "figs.txt").write_text("Figs are purple.")
        slow = SlowEmbedder()
        reader = open_base(docs)
        writing = asyncio.create_task(open_base(docs, slow).aupdate())
        await slow.started.wait()
        assert (await reader.asearch("plums"))[0].source == "plums.rst"
        assert all(c.source != "figs.txt" for c in await reader.asearch("figs"))
        slow.go_on.set()
        await writing
        assert (await reader.asearch("figs"))[0].source == "figs.txt"

    asyncio.run(both())


def test_readers_never_fail_while_generations_pass_by(docs: Path) -> None:
    update(docs)

    async def read() -> None:
        for _ in range(12):
            assert await open_base(docs).asearch("plums")
            await asyncio.sleep(0)

    async def write() -> None:
        for number in range(12):
            (docs / "figs.txt").write_text(f"Figs {number}.")
            await open_base(docs).aupdate()

    async def all_at_once() -> None:
        await asyncio.gather(write(), read(), read())

    asyncio.run(all_at_once())


def test_a_cancelled_update_leaves_the_old_index_and_keeps_vectors(docs: Path) -> None:
    async def cancel() -> None:
        slow = SlowEmbedder()
        writing = asyncio.create_task(open_base(docs, slow).aupdate())
        await slow.started.wait()
        writing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await writing

    update(docs)
    (docs / "figs.txt").write_text("Figs are purple.")
    asyncio.run(cancel())
    assert "plums.rst" in sources(open_base(docs), "plums")
    assert update(docs).added == 1


def test_eight_readers_beside_a_writer_see_whole_states_only(
    tmp_path: Path, nursery: Nursery
) -> None:
    docs = tmp_path / "docs"
    docs.mkdir()
    base = KnowledgeBase.open(docs, HashEmbedder())

    def state(number: int) -> list[str]:
        for name in ("one", "two"):
            text = f"State of the twins: number {number}, said {name}."
            (docs / f"twin {name}.txt").write_text(text)
        base.update()
        return sorted(f"State of the twins: number {number}, said {n}." for n in ("one", "two"))

    signs = tmp_path / "signs"
    signs.mkdir()
    states = [state(0)]
    readers = [
        {"task": "read", "docs": str(docs), "signs": str(signs), "name": f"{n}"} for n in range(8)
    ]
    nursery.start(readers)
    while len(list(signs.iterdir())) < 8:
        time.sleep(0.01)
    states += [state(number) for number in range(1, 9)]
    (signs / "stop").touch()
    for end in nursery.wait():
        assert end["code"] == 0, end
        places = [states.index(each) for each in end["states"]]
        assert places == sorted(places), "never back to an older state"
        assert (places[0], places[-1]) == (0, 8)
