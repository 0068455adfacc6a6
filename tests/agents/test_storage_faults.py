"""Stores that are locked, damaged, tampered with, missing or very long: told, bounded, survived."""

import asyncio
import json
import os
import pickle
import random
import sqlite3
import threading
import time
from contextlib import closing
from pathlib import Path

import ormsgpack
import pytest
from test_team import both, parts, play, run, team, verdict
from test_threads import final, interrupt, line

from bottega import tool
from bottega.errors import BottegaError, StorageError
from bottega.events import Failure
from bottega.testing import Say, ScriptedModel, call
from bottega_agents.storage.stores import close_stores, open_store, release_store


@pytest.fixture
def store(tmp_path):
    yield tmp_path / "bottega.db"
    close_stores()


def one(*script, tools=()):
    return line(parts("a", ScriptedModel(*script), tools=tools))


@tool(effects="none")
def look() -> str:
    """Look."""
    return "seen"


def test_a_lock_of_three_seconds_is_waited_for_and_others_go_on(store):
    run(one("x"), store=store)
    locked, free = threading.Event(), threading.Event()

    def hold():
        with closing(sqlite3.connect(store)) as other:
            other.execute("BEGIN IMMEDIATE")
            locked.set()
            free.wait(60)
            other.rollback()

    async def work():
        ticks = 0
        asyncio.get_running_loop().call_later(3, free.set)
        running = asyncio.ensure_future(play(one("patient"), store=store))
        while not running.done():
            await asyncio.sleep(0.01)
            ticks += not free.is_set()
        return await running, ticks

    thread = threading.Thread(target=hold)
    thread.start()
    locked.wait(60)
    try:
        events, ticks = asyncio.run(work())
    finally:
        free.set()
        thread.join()
    assert final(events) == ["patient"]
    assert ticks > 5  # the loop had its turns while the file was locked


@pytest.mark.parametrize(
    "content", [b"no database at all" * 500, b"SQLite format 3\0" + b"\xff" * 4080]
)
def test_a_garbage_file_is_told_in_one_line(store, content):
    store.write_bytes(content)
    with pytest.raises(StorageError, match="not a database") as caught:
        run(one("x"), store=store)
    assert str(store) in caught.value.message
    assert "move the file away" in caught.value.hint
    assert store.read_bytes() == content


def test_a_folder_that_cannot_be_made_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="file"):
        run(one("x"), store=tmp_path / "file" / "deep" / "bottega.db")


def test_a_missing_folder_is_made(tmp_path):
    assert final(run(one("x"), store=tmp_path / "a" / "b" / "bottega.db")) == ["x"]


def half_way(store):
    """Leave a run of the thread `t` behind that died after its call."""
    slow = ScriptedModel(call("look"), Say(text="late", delay=30))
    crew = line(parts("a", slow, tools=[look]))
    wait = interrupt(crew, lambda: len(slow.requests) == 2, run_id="r", thread="t", store=store)
    asyncio.run(wait)
    close_stores()


def test_a_corrupt_page_is_an_error_and_no_success_that_is_none(store):
    half_way(store)
    whole = store.read_bytes()
    pages = len(whole) // 4096
    chance = random.Random(7)
    outcomes = set()
    for page in range(pages):
        damaged = bytearray(whole)
        damaged[page * 4096 : page * 4096 + 4096] = chance.randbytes(4096)
        store.write_bytes(bytes(damaged))
        outcomes.add(attempted(store))
        close_stores()
        for rest in store.parent.glob("bottega.db-*"):
            rest.unlink()
    assert "StorageError" in outcomes
    assert outcomes <= {"StorageError", "InputError", "failed", "done"}


def attempted(store):
    """Resume the run; whatever the store holds, only our own errors come out."""
    try:
        events = run(one("ok", tools=[look]), task="", run_id="r", store=store, resume=True)
    except BottegaError as error:
        return type(error).__name__
    return events[-1].status


CANARY = "canary"


class Bomb:
    def __init__(self, file):
        self.file = file

    def __reduce__(self):
        return os.system, (f"touch {self.file}",)


def bombs(file):
    """Checkpoint values that would run something, or give something away, if they were revived."""
    harm = f"touch {file}"
    ext = ormsgpack.Ext
    packed = ormsgpack.packb
    yield "pickle", pickle.dumps(Bomb(file))
    for code in (0, 1, 3):
        args = [harm] if code == 1 else harm
        yield "msgpack", packed(ext(code, packed(["os", "system", args, "__call__"])))
    yield "msgpack", packed(ext(2, packed(["subprocess", "Popen", {"args": harm, "shell": True}])))
    yield "msgpack", packed(ext(5, packed(["os", "system", {"command": harm}, "model_validate"])))
    constructor = {"lc": 2, "type": "constructor", "id": ["os", "system"], "args": [harm]}
    yield "json", json.dumps(constructor).encode()
    secret = {"lc": 1, "type": "secret", "id": ["CANARY_SECRET"]}
    yield "json", json.dumps({"channel_values": {"task": secret}}).encode()
    yield "msgpack", b"\xc1 not msgpack"
    yield "msgpack", packed({"v": 4})
    yield "msgpack", packed([1, 2])


@pytest.mark.parametrize("number", range(11))
@pytest.mark.parametrize("inside", [False, True])
def test_a_tampered_checkpoint_runs_nothing(store, tmp_path, monkeypatch, number, inside):
    monkeypatch.setenv("CANARY_SECRET", "give-me-away")
    half_way(store)
    kind, blob = list(bombs(tmp_path / CANARY))[number]
    with closing(sqlite3.connect(store)) as connection:
        if inside and kind == "msgpack":
            (stored,) = connection.execute(
                "SELECT checkpoint FROM checkpoints ORDER BY rowid DESC"
            ).fetchone()
            checkpoint = ormsgpack.unpackb(stored)
            checkpoint["channel_values"]["transcripts"] = {"a": CANARY}
            packed = ormsgpack.packb(CANARY)
            blob = ormsgpack.packb(checkpoint).replace(packed, blob)
        connection.execute("UPDATE checkpoints SET type = ?, checkpoint = ?", (kind, blob))
        connection.execute("UPDATE writes SET type = ?, value = ?", (kind, blob))
        connection.commit()
    model = ScriptedModel("ok")
    try:
        events = run(line(parts("a", model)), task="", run_id="r", store=store, resume=True)
        assert events[-1].status in ("failed", "done")
    except BottegaError as error:
        assert "\n" not in str(error)
    assert not (tmp_path / CANARY).exists()
    assert "give-me-away" not in repr(model.requests)


def test_a_damaged_journal_is_told(store):
    half_way(store)
    with closing(sqlite3.connect(store)) as connection:
        connection.execute("UPDATE bottega_journal SET value = '{\"mess' WHERE key = '1/reply'")
        connection.commit()
    events = run(one("ok"), task="", run_id="r", store=store, resume=True)
    assert events[-1].status == "failed"
    (failure,) = [e for e in events if isinstance(e, Failure)]
    assert "damaged at entry '1/reply'" in failure.message


def test_a_failure_of_the_store_leaves_the_run_resumable(store):
    run(one("x"), store=store)
    with closing(sqlite3.connect(store)) as connection:
        connection.execute(
            "CREATE TRIGGER full BEFORE INSERT ON bottega_journal BEGIN "
            "SELECT RAISE(ABORT, 'the disk is full'); END"
        )
        connection.commit()
        events = run(one("y"), run_id="r", store=store)
        assert events[-1].status == "failed"
        status = "SELECT status FROM bottega_runs WHERE run_id = 'r'"
        assert connection.execute(status).fetchone() == ("interrupted",)
        connection.execute("DROP TRIGGER full")
        connection.commit()
    assert final(run(one("z"), task="", run_id="r", store=store, resume=True)) == ["z"]


def test_a_failed_write_leaves_no_half_of_itself(store):
    saver = open_store(store)
    config = {"configurable": {"thread_id": "t", "checkpoint_ns": "", "checkpoint_id": "c"}}
    saver.conn.execute(
        "CREATE TRIGGER full BEFORE INSERT ON writes WHEN NEW.idx = 1 BEGIN "
        "SELECT RAISE(ABORT, 'the disk is full'); END"
    )
    with pytest.raises(StorageError, match="disk is full"):
        asyncio.run(saver.aput_writes(config, [("a", 1), ("b", 2)], "task"))
    assert saver.conn.execute("SELECT COUNT(*) FROM writes").fetchone() == (0,)
    release_store(saver)


def test_a_thread_of_ten_thousand_messages_goes_on(store):
    run(one("first"), task="begin", thread="t", store=store)
    close_stores()
    lengthen(store, messages=10_000)
    model = ScriptedModel("ok")
    began = time.process_time()
    events = run(line(parts("a", model)), task="go on", thread="t", store=store)
    assert final(events) == ["ok"]
    assert len(model.requests[0].messages) > 10_000
    assert time.process_time() - began < 30
    size = sum(file.stat().st_size for file in store.parent.glob("bottega.db*"))
    run(one("again"), task="once more", thread="t", store=store)
    grown = sum(file.stat().st_size for file in store.parent.glob("bottega.db*")) - size
    assert grown < 200_000  # a visit costs what is new in it


def lengthen(store, messages):
    """Put visits of two messages each before the one there is: as so many runs would have."""
    from bottega.history import OPENING

    with closing(sqlite3.connect(store)) as connection:
        ((log, thread),) = connection.execute("SELECT log, thread FROM bottega_logs").fetchall()
        entries = dict(
            connection.execute("SELECT key, value FROM bottega_journal WHERE log = ?", (log,))
        )
        opening, before = json.loads(entries[OPENING]), None
        for number in range(messages // 2):
            task = f"earlier-{number}"
            new = connection.execute(
                "INSERT INTO bottega_logs (thread, task) VALUES (?, ?)", (thread, task)
            ).lastrowid
            told = [OPENING, json.dumps({**opening, "before": before})]
            connection.executemany(
                "INSERT INTO bottega_journal (log, number, key, value) VALUES (?, ?, ?, ?)",
                [(new, 1, *told), (new, 2, "1/reply", entries["1/reply"])],
            )
            before = {"checkpoint": "", "task": task}
        connection.execute(
            "UPDATE bottega_journal SET value = ?, crc = NULL WHERE log = ? AND key = ?",
            (json.dumps({**opening, "before": before}), log, OPENING),
        )
        connection.commit()


def test_many_runs_at_once_need_few_files(store):
    async def crowd():
        before = len(list(Path("/proc/self/fd").iterdir()))
        slow = [ScriptedModel(Say(text="x", delay=0.2)) for _ in range(40)]
        runs = [asyncio.ensure_future(play(line(parts("a", m)), store=store)) for m in slow]
        while not all(model.requests for model in slow):
            await asyncio.sleep(0.01)
        used = len(list(Path("/proc/self/fd").iterdir())) - before
        assert all(final(events) == ["x"] for events in await asyncio.gather(*runs))
        return used

    assert asyncio.run(crowd()) < 12


def test_parallel_work_survives_an_interrupt_of_the_store(store):
    lead = ScriptedModel(both(), "done")
    crew = team(lead, ScriptedModel("a"), ScriptedModel("b"), ScriptedModel(verdict(True)))
    assert final(run(crew, store=store)) == ["done"]
