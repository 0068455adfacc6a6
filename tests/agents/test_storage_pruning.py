"""Letting go of ended runs: what goes, what stays, and that the file shrinks."""

import asyncio
import json
import time

import pytest
from postgres_server import new_store, postgres
from test_team import both, parts, run, team, verdict
from test_threads import final, interrupt, line
from test_waiting import Post, asked, sender

from bottega.cli.main import run as command
from bottega.errors import InputError
from bottega.questions import Ruling
from bottega.retention import Retention, seconds_in
from bottega.testing import Say, ScriptedModel, call
from bottega_agents.storage.stores import use_store

ALL = Retention(seconds=0)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=postgres)])
def store(request, tmp_path):
    return new_store() if request.param == "postgresql" else tmp_path / "bottega.db"


def one(*script):
    return line(parts("a", ScriptedModel(*script)))


def pruned(store, retention=ALL):
    async def work():
        async with use_store(store) as (saver, _):
            return await saver.let_go(retention)

    return asyncio.run(work())


def counts(store):
    """Return the rows of each table of the store."""

    async def work():
        async with use_store(store) as (saver, _):
            do = saver.database.do
            writes = "writes" if hasattr(saver, "conn") and saver.conn else "checkpoint_writes"
            tables = ["checkpoints", writes, "bottega_logs", "bottega_journal"]
            tables += ["bottega_runs", "bottega_questions"]
            if writes != "writes":
                tables.append("checkpoint_blobs")
            rows = [(await do(f"SELECT COUNT(*) FROM {table}"))[0][0] for table in tables]
            return dict(zip(tables, rows, strict=True))

    return asyncio.run(work())


def test_an_ended_run_goes_with_everything_it_left(store):
    crew = team(
        ScriptedModel(both(), "x"),
        ScriptedModel("a"),
        ScriptedModel("b"),
        ScriptedModel(verdict(True)),
    )
    run(crew, run_id="r", store=store)
    gone = pruned(store)
    assert gone.runs == ["r"]
    assert gone.checkpoints > 2
    assert gone.logs == 5
    assert set(counts(store).values()) == {0}


def test_what_can_be_resumed_stays_and_goes_on(store):
    slow, post = ScriptedModel(Say(text="late", delay=30)), Post()
    asyncio.run(
        interrupt(line(parts("a", slow)), lambda: slow.requests, run_id="broken", store=store)
    )
    waiting = sender(post, call("send", to="ann"))
    (question,) = asked(run(waiting, run_id="waiting", store=store))
    run(one("x"), run_id="over", store=store)
    assert pruned(store).runs == ["over"]
    assert final(run(one("y"), task="", run_id="broken", store=store, resume=True)) == ["y"]
    rulings = {question["id"]: Ruling(verdict="approve")}
    again = sender(post, "done")
    events = run(again, task="", run_id="waiting", store=store, resume=True, rulings=rulings)
    assert final(events) == ["done"]
    assert post.sent == ["ann"]


def test_of_a_thread_that_lives_the_conversation_stays(store):
    for number in range(3):
        crew = team(
            ScriptedModel(both(f"find {number}", "compute"), f"answer {number}"),
            ScriptedModel("found"),
            ScriptedModel("computed"),
            ScriptedModel(verdict(True)),
        )
        run(crew, task=f"task {number}", thread="t", run_id=f"r{number}", store=store)
    before = counts(store)
    gone = pruned(store, Retention(seconds=0, last=1))
    assert gone.runs == ["r0", "r1"]
    after = counts(store)
    assert 0 < after["checkpoints"] < before["checkpoints"]
    assert after["bottega_logs"] == before["bottega_logs"] - 6  # the delegated tasks and reviews
    assert after["bottega_runs"] == 1
    lead = ScriptedModel("again")
    crew = team(lead, ScriptedModel(), ScriptedModel(), ScriptedModel(verdict(True)))
    run(crew, task="task 3", thread="t", store=store)
    texts = [message.text for message in lead.requests[0].messages if message.role == "user"]
    assert [text for text in texts if text] == ["task 0", "task 1", "task 2", "task 3"]


def test_a_thread_goes_with_its_last_run(store):
    for _ in range(2):
        run(one("x"), thread="t", store=store)
    run(one("x"), thread="u", store=store)
    assert len(pruned(store, Retention(seconds=0, last=1)).runs) == 2
    left = counts(store)
    assert (left["bottega_runs"], left["bottega_logs"]) == (1, 1)
    model = ScriptedModel("new")
    run(line(parts("a", model)), task="hello", thread="t", store=store)
    assert [message.text for message in model.requests[0].messages][1:] == ["hello"]


def test_a_run_that_its_thread_has_left_behind_goes_too(store):
    slow = ScriptedModel(Say(text="late", delay=30))
    crew = line(parts("a", slow))
    asyncio.run(interrupt(crew, lambda: slow.requests, run_id="r", thread="t", store=store))
    run(one("x"), thread="t", run_id="s", store=store)
    assert pruned(store).runs == ["r", "s"]


def test_what_is_young_stays_and_nothing_goes_when_dry(store):
    run(one("x"), run_id="r", store=store)
    before = counts(store)
    assert pruned(store, Retention(seconds=3600)).runs == []
    assert pruned(store, Retention(seconds=0, last=1)).runs == []
    assert pruned(store, Retention(seconds=0, dry=True)).runs == ["r"]
    assert counts(store) == before


def test_the_file_shrinks(tmp_path):
    store = tmp_path / "bottega.db"
    for _ in range(20):
        run(one("x" * 50_000), store=store)
    run(one("y"), thread="t", run_id="kept", store=store)
    before = store.stat().st_size
    gone = pruned(store, Retention(seconds=0, last=1))
    assert gone.freed > 3_000_000
    assert store.stat().st_size < before - 2_500_000


def test_the_command_prunes(tmp_path, capsys, monkeypatch):
    store = tmp_path / "bottega.db"
    monkeypatch.setenv("BOTTEGA_STORE", str(store))
    run(one("x"), run_id="r", store=store)
    assert command(["runs", "prune", "--keep", "0s", "--dry-run"]) == 0
    assert capsys.readouterr().out.splitlines() == ["r", "1 runs would be removed"]
    assert command(["runs", "prune", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["runs"] == []
    assert command(["runs", "prune", "--keep", "0s", "--keep-last", "0"]) == 0
    assert capsys.readouterr().out.startswith("1 runs removed; ")
    assert command(["runs", "prune", "--keep", "soon"]) == 2
    assert "30d" in capsys.readouterr().err


def test_no_store_is_made_for_pruning(tmp_path, capsys):
    assert command(["runs", "prune", str(tmp_path)]) == 2
    assert "no runs are kept here" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kept", ["0s", "1h"])
def test_an_engine_keeps_to_the_retention_that_is_set(store, monkeypatch, kept):
    monkeypatch.setenv("BOTTEGA_KEEP", kept)
    run(one("x"), run_id="old", store=store)
    run(one("y"), run_id="new", store=store)
    assert counts(store)["bottega_runs"] == (2 if kept == "1h" else 1)


def test_a_retention_that_is_none_is_told_before_anything_runs(tmp_path, monkeypatch):
    monkeypatch.setenv("BOTTEGA_KEEP", "for ever")
    model = ScriptedModel("x")
    with pytest.raises(InputError, match="BOTTEGA_KEEP"):
        run(line(parts("a", model)), store=tmp_path / "bottega.db")
    assert model.requests == []


@pytest.mark.parametrize(
    ("text", "seconds"), [("90m", 5400), ("12h", 43_200), ("30d", 2_592_000), ("8w", 4_838_400)]
)
def test_durations(text, seconds):
    assert seconds_in(text) == seconds


@pytest.mark.parametrize("text", ["", "d", "-1d", "1.5d", "1y", "1d1h", "9" * 30 + "d"])
def test_what_is_no_duration(text):
    with pytest.raises(InputError, match="no duration"):
        seconds_in(text)


def test_time_is_only_asked_of_ends(tmp_path, monkeypatch):
    store = tmp_path / "bottega.db"
    run(one("x"), run_id="r", store=store)
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() + 40 * 86_400)
    assert pruned(store, Retention(seconds=30 * 86_400)).runs == ["r"]


def test_a_finished_turn_of_a_thread_leaves_no_writes_behind(store):
    name = "writes" if not isinstance(store, str) else "checkpoint_writes"
    kept = []
    for turn in range(4):
        model = ScriptedModel(f"answer {turn}")
        run(line(parts("a", model)), task=f"question {turn}?", thread="t", store=store)
        kept.append(counts(store))
        said = [message.text for message in model.requests[0].messages if message.text]
        assert sum(text.startswith("answer") for text in said) == turn
    assert {one[name] for one in kept} == {0}
    assert [one["bottega_journal"] for one in kept] == [2, 4, 6, 8]


def test_a_run_that_stops_on_the_way_keeps_them(store):
    post = Post()
    run(sender(post, call("send", to="ann")), thread="t", run_id="r", store=store, task="go")
    name = "writes" if not isinstance(store, str) else "checkpoint_writes"
    assert counts(store)[name] > 0
