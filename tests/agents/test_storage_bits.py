"""Bits that a disk has turned: told, never taken for what was written; and stores from before."""

import asyncio
import random
import shutil
import sqlite3
from contextlib import closing
from dataclasses import replace
from functools import partial

import pytest
from postgres_server import new_store, postgres
from test_team import parts, run
from test_threads import final, interrupt, line

from bottega import tool
from bottega.errors import BottegaError
from bottega.spec.model import EdgeSpec, GraphSpec, NodeSpec
from bottega.testing import Say, ScriptedModel, call
from bottega_agents.roles.specialist import Specialist
from bottega_agents.storage.stores import close_stores, use_store

TRIES = 4
"""Bits that are turned in each value."""
ROWS = "SELECT log, number, key, value FROM bottega_journal ORDER BY log, number"
PLAIN = {  # checkpoints as version 2 wrote them
    "sqlite": (
        "UPDATE checkpoints SET type = 'msgpack', "
        "checkpoint = substr(checkpoint, 1, length(checkpoint) - 4) WHERE type = 'msgpack+crc32'",
        "UPDATE writes SET type = 'msgpack', "
        "value = substr(value, 1, length(value) - 4) WHERE type = 'msgpack+crc32'",
        "ALTER TABLE bottega_journal DROP COLUMN crc",
        "PRAGMA user_version=2",
    ),
    "postgresql": (
        "UPDATE checkpoint_blobs SET type = 'msgpack', "
        "blob = substr(blob, 1, length(blob) - 4) WHERE type = 'msgpack+crc32'",
        "UPDATE checkpoint_writes SET type = 'msgpack', "
        "blob = substr(blob, 1, length(blob) - 4) WHERE type = 'msgpack+crc32'",
        "ALTER TABLE bottega_journal DROP COLUMN crc",
        "UPDATE bottega_schema SET version = 2",
    ),
}


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=postgres)])
def kind(request):
    return request.param


@pytest.fixture
def store(kind, tmp_path):
    yield new_store() if kind == "postgresql" else tmp_path / "bottega.db"
    close_stores()


class Team:
    """One agent that sends something, and then says what came of it."""

    def __init__(self):
        self.sent = []

    def made(self, *script):
        @tool(effects="once")
        def send(to: str) -> str:
            """Send."""
            self.sent.append(to)
            return f"sent to {to}"

        return line(parts("a", ScriptedModel(*script), tools=[send]))

    def half_way(self, store):
        """Leave a run behind that died after its call."""
        seen = []

        def second(request):
            seen.append(request)
            return Say(text="late", delay=30)

        crew = self.made(call("send", to="ann"), second)
        until = partial(self.ready, store, seen)
        asyncio.run(interrupt(crew, until, task="go", run_id="r", thread="t", store=store))

    def ready(self, store, seen):
        """Say whether the run has come so far that it may die."""
        return seen

    def resumed(self, store):
        """Resume the run; return its answer, or the error."""
        crew = self.made(lambda request: request.messages[-1].results[0].content)
        try:
            events = run(crew, task="", run_id="r", store=store, resume=True)
        except BottegaError as error:
            return error.message
        return final(events)[0] if events[-1].status == "done" else events[-1].reason


class Pair(Team):
    """Beside the agent one that ends before: what it wrote waits for the other's."""

    def made(self, *script):
        alone = super().made(*script)
        ends = [("start", "a"), ("start", "b"), ("a", "end"), ("b", "end")]
        nodes = tuple(NodeSpec(name=name, kind="specialist") for name in "ab")
        edges = tuple(EdgeSpec(source=a, target=b) for a, b in ends)
        return replace(
            alone,
            spec=GraphSpec(name="pair", nodes=nodes, edges=edges),
            kinds={name: Specialist() for name in "ab"},
            parts={**alone.parts, "b": parts("b", ScriptedModel("idle"))},
        )

    def ready(self, store, seen):
        with closing(sqlite3.connect(store)) as connection:
            return seen and connection.execute("SELECT count(*) FROM writes").fetchone()[0]


def do(store, statement, *values):
    async def work():
        async with use_store(store) as (saver, _):
            return await saver.database.do(statement, *values)

    return asyncio.run(work())


def turned(text, place):
    """Turn the lowest bit of one letter."""
    return text[:place] + chr(ord(text[place]) ^ 1) + text[place + 1 :]


def test_a_bit_of_any_entry_of_the_journal(store):
    team, chance = Team(), random.Random(3)
    team.half_way(store)
    rows = do(store, ROWS)
    assert len(rows) >= 4
    for log, number, key, value in rows:
        for column, text in (("key", key), ("value", value)):
            update = f"UPDATE bottega_journal SET {column} = ? WHERE log = ? AND number = ?"
            for place in sorted(chance.sample(range(len(text)), min(TRIES, len(text)))):
                do(store, update, turned(text, place), log, number)
                said = team.resumed(store)
                assert "the journal of" in said, (key, column, place)
                assert "is damaged at entry" in said
                assert "its checksum is another one" in said
            do(store, update, text, log, number)
    assert team.resumed(store) == "sent to ann"
    assert team.sent == ["ann"]


def test_a_bit_of_any_checkpoint(tmp_path):
    whole, team, chance = tmp_path / "whole.db", Pair(), random.Random(4)
    team.half_way(whole)
    close_stores()
    undisturbed = tmp_path / "undisturbed.db"
    shutil.copy(whole, undisturbed)
    answer = team.resumed(undisturbed)
    close_stores()
    assert "sent to ann" in answer
    told = 0
    for table, column in (("checkpoints", "checkpoint"), ("writes", "value")):
        with closing(sqlite3.connect(whole)) as connection:
            found = connection.execute(f"SELECT rowid, {column} FROM {table}").fetchall()
        assert found
        for row, blob in found:
            for place in chance.sample(range(len(blob)), min(TRIES, len(blob))):
                file = tmp_path / f"{table}-{row}-{place}.db"
                shutil.copy(whole, file)
                changed = bytearray(blob)
                changed[place] ^= 1 << chance.randrange(8)
                with closing(sqlite3.connect(file)) as connection:
                    update = f"UPDATE {table} SET {column} = ? WHERE rowid = ?"
                    connection.execute(update, (bytes(changed), row))
                    connection.commit()
                said = team.resumed(file)
                close_stores()
                assert said == answer or "its checksum is another one" in said
                told += said != answer
    assert told >= TRIES
    assert team.sent == ["ann"]


def test_a_store_of_version_2_goes_on_without_checksums_and_gets_them(kind, store):
    team = Team()
    team.half_way(store)
    close_stores()
    if kind == "sqlite":
        with closing(sqlite3.connect(store)) as connection:
            for statement in PLAIN[kind]:
                connection.execute(statement)
            connection.commit()
    else:
        for statement in PLAIN[kind]:
            do(store, statement)
    close_stores()
    before = do(store, "SELECT COUNT(*), COUNT(crc) FROM bottega_journal")
    assert [tuple(row) for row in before] == [(before[0][0], 0)]
    assert team.resumed(store) == "sent to ann"
    assert team.sent == ["ann"]
    assert do(store, "SELECT COUNT(crc) FROM bottega_journal")[0][0] > 0
