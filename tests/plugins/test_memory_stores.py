"""The stores below a memory: SQLite and PostgreSQL, several processes, kills, damage."""

import asyncio
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from hash_embedder import HashEmbedder
from postgres_server import binaries, new_store, shared_server
from remembering import opened

from bottega.errors import InputError, StorageError
from bottega.memory import Episode, Fact
from bottega_plugins.memory.kept import KeptMemory

HERE = Path(__file__).parent
STORES = [
    pytest.param("sqlite"),
    pytest.param(
        "postgresql",
        marks=[
            pytest.mark.skipif(binaries() is None, reason="no PostgreSQL server here"),
            pytest.mark.xdist_group("postgres"),
        ],
    ),
]


@pytest.fixture(params=STORES)
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return str(tmp_path / "memory.db") if request.param == "sqlite" else new_store()


def process(address: str, word: str, count: int) -> subprocess.Popen[str]:
    paths = [str(HERE), *sys.path]
    return subprocess.Popen(
        [sys.executable, str(HERE / "remembering.py"), address, word, str(count)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))},
        stdout=subprocess.PIPE,
        text=True,
    )


def play(address: str, use, embedder: object = None):
    """Use a memory of its own, and close it."""

    async def used():
        memory = opened(address, embedder)
        try:
            return await use(memory)
        finally:
            await memory.aclose()

    return asyncio.run(used())


def ids(address: str) -> list[str]:
    async def read(memory: KeptMemory) -> list[str]:
        return [fact.id for fact in await memory.facts()]

    return play(address, read)


def test_facts_and_episodes_come_back(address):
    async def write(memory: KeptMemory) -> None:
        await memory.remember(Fact(text="tea is hot\0?", subject="tea", user="änna 茶"))
        await memory.record(Episode(run="r1", task="make tea", status="failed", user="änna 茶"))
        await memory.record(Episode(run="r1", task="make tea", status="done", user="änna 茶"))

    async def read(memory: KeptMemory) -> None:
        [found] = await memory.recall("is tea hot", user="änna 茶")
        assert (found.fact.text, found.fact.subject) == ("tea is hot ?", "tea")
        assert await memory.recall("is tea hot", user="bert") == []
        [past] = await memory.similar("make tea", user="änna 茶")
        assert past.episode.status == "done"
        assert past.score > 0.9
        assert await memory.forget(user="änna 茶") == 2
        assert await memory.recall("is tea hot", user="änna 茶") == []
        assert await memory.episodes() == []

    play(address, write)
    play(address, read)


def test_a_fact_supersedes_and_is_forgotten_with_its_past(address):
    async def use(memory: KeptMemory) -> None:
        old = await memory.remember(Fact(text="the limit is 40 a day", subject="limit"))
        new = await memory.remember(Fact(text="the limit is 60 a day", subject="limit"))
        assert new.supersedes == old.id
        assert [one.fact.id for one in await memory.recall("limit a day")] == [new.id]
        assert await memory.forget(id=new.id) == 2
        assert await memory.facts() == []

    play(address, use)


def test_two_processes_remember_at_once(address):
    workers = [process(address, word, 40) for word in ("left", "right")]
    seen = 0

    async def look(memory: KeptMemory) -> int:
        most = 0
        while any(worker.poll() is None for worker in workers):
            most = max(most, len(await memory.recall("left1 right1 is a number", 50, user="left")))
            await asyncio.sleep(0.05)
        return most

    seen = play(address, look)
    told = [line for worker in workers for line in worker.communicate()[0].split()]
    assert [worker.returncode for worker in workers] == [0, 0]
    assert len(set(told)) == 80
    assert set(ids(address)) == set(told)
    assert seen > 0


def test_what_was_told_survives_a_kill(address):
    """Killed while it remembers, three times: all that was told is there, and all is whole."""
    told: list[str] = []
    for number in range(3):
        worker = process(address, f"word{number}x", 10_000)
        assert worker.stdout is not None
        told += [worker.stdout.readline().strip() for _ in range(5 + 4 * number)]
        worker.kill()
        told += worker.communicate()[0].split()
    assert len(set(told)) == len(told) >= 27
    known = ids(address)
    assert set(told) <= set(known)
    assert len(known) <= len(told) + 3  # one a kill may be there and not be told

    async def search(memory: KeptMemory) -> None:
        [found, *_] = await memory.recall("word0x3 is a number", user="word0x")
        assert found.fact.text == "word0x3 is a number"

    play(address, search)


def test_a_call_that_is_made_again_keeps_nothing_twice(address):
    async def use(memory: KeptMemory) -> Fact:
        return await memory.remember(Fact(text="tea is hot", id="call-1"))

    assert play(address, use).id == play(address, use).id == "call-1"
    assert ids(address) == ["call-1"]


def test_many_at_once_in_one_process(address):
    async def use(memory: KeptMemory) -> None:
        facts = [Fact(text=f"word{number} is a number") for number in range(30)]
        looks = (memory.recall(f"word{number} is a number", 3) for number in range(30))
        both = zip(map(memory.remember, facts), looks, strict=True)
        await asyncio.gather(*(one for pair in both for one in pair))
        found = await memory.recall("is a number", 100)
        assert sorted(one.fact.text for one in found) == sorted(fact.text for fact in facts)
        assert len(await memory.facts()) == 30

    play(address, use)


def damage(path: Path, how: str) -> None:
    if how == "rubbish":
        path.write_bytes(b"this is no database " * 100)
    elif how == "folder":
        path.mkdir()
    elif how == "cut":
        play(str(path), _fill)
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2 + 100])
    elif how == "overwritten":
        play(str(path), _fill)
        data = bytearray(path.read_bytes())
        data[4096:] = os.urandom(len(data) - 4096)
        path.write_bytes(data)
    else:
        with sqlite3.connect(path) as connection:
            statement = (
                "CREATE TABLE bottega_memory (x)" if how == "alien" else "PRAGMA user_version=7"
            )
            connection.execute(statement)
        connection.close()


async def _fill(memory: KeptMemory) -> None:
    for number in range(40):
        await memory.remember(Fact(text=f"fact {number} is here"))


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("rubbish", "file is not a database"),
        ("folder", "unable to open"),
        ("cut", "malformed"),
        ("overwritten", "malformed"),
        ("alien", "no such column"),
        ("newer", "has version 7; this Bottega reads up to 1"),
    ],
)
def test_a_file_that_cannot_be_used_is_one_line(tmp_path, how, said):
    path = tmp_path / "memory.db"
    damage(path, how)
    before = path.read_bytes() if path.is_file() else b""

    async def use(memory: KeptMemory) -> None:
        await memory.recall("fact 7 is here")
        await memory.facts()

    with pytest.raises(StorageError, match=said) as raised:
        play(str(path), use)
    assert "memory.db" in raised.value.message
    assert "\n" not in str(raised.value)
    assert raised.value.hint or how == "alien"
    if how in ("rubbish", "newer"):
        assert path.read_bytes() == before


def test_one_damaged_entry_is_named_and_can_be_deleted(tmp_path):
    path = tmp_path / "memory.db"
    play(str(path), _fill)
    bad = ids(str(path))[7]
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE bottega_memory SET data = '{' WHERE id = ?", (bad,))
        connection.execute("UPDATE bottega_memory SET vector = x'00' WHERE text LIKE '%9 is here'")
    connection.close()

    async def read(memory: KeptMemory) -> None:
        await memory.facts()

    with pytest.raises(StorageError, match=f"memory entry '{bad}' cannot be read") as raised:
        play(str(path), read)
    assert f"bottega memory forget --id {bad}" in raised.value.hint

    async def mend(memory: KeptMemory) -> str:
        assert await memory.forget(id=bad) == 1
        [found, *_] = await memory.recall("fact 9 is here")
        return found.fact.text

    assert play(str(path), mend) == "fact 9 is here"


def test_forgetting_waits_for_readers_and_says_when_they_stay(tmp_path, monkeypatch):
    from bottega_plugins.memory import sqlite_file

    monkeypatch.setattr(sqlite_file, "LOCK_TIMEOUT", 0.2)
    path = tmp_path / "memory.db"
    play(str(path), _fill)
    reader = sqlite3.connect(path)
    reader.execute("BEGIN")
    reader.execute("SELECT * FROM bottega_memory").fetchone()

    async def forget(memory: KeptMemory) -> None:
        await memory.forget(user="")

    with pytest.raises(StorageError, match="may still stand in the log"):
        play(str(path), forget)
    reader.close()
    play(str(path), forget)
    assert ids(str(path)) == []
    assert b"is here" not in b"".join(file.read_bytes() for file in tmp_path.iterdir())


@pytest.mark.skipif(binaries() is None, reason="no PostgreSQL server here")
@pytest.mark.xdist_group("postgres")
class TestServer:
    """What only a server can do wrong."""

    def test_a_server_that_is_not_there_is_one_line(self):
        async def use(memory: KeptMemory) -> None:
            await memory.facts()

        with pytest.raises(StorageError) as raised:
            play("postgresql://anna:secret-77@127.0.0.1:9/nothing", use)
        assert "\n" not in str(raised.value)
        assert "secret-77" not in str(raised.value)

    def test_an_address_that_is_none_is_refused(self):
        async def use(memory: KeptMemory) -> None:
            await memory.facts()

        with pytest.raises(InputError, match="no address of a PostgreSQL database"):
            play("postgresql://h/?nonsense=1", use)

    def test_a_newer_version_is_refused(self):
        import psycopg

        address = new_store()
        play(address, _fill)
        with psycopg.connect(address, autocommit=True) as connection:
            connection.execute("UPDATE bottega_memory_version SET version = 7")

        async def use(memory: KeptMemory) -> None:
            await memory.facts()

        with pytest.raises(StorageError, match="has version 7; this Bottega reads up to 1"):
            play(address, use)

    def test_a_server_that_crashes_is_waited_for(self):
        address = new_store()

        async def use(memory: KeptMemory) -> list[str]:
            await _fill(memory)
            await asyncio.to_thread(shared_server().restart, "fast")
            await memory.remember(Fact(text="after the restart"))
            return [fact.text for fact in await memory.facts()]

        found = play(address, use, HashEmbedder())
        assert len(found) == 41
        assert found[-1] == "after the restart"
