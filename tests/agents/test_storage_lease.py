"""Stores of either kind: who may write for a run, what order rests on, what threads keep."""

import asyncio
import time
from contextlib import suppress

import pytest
from postgres_server import new_store, postgres
from test_team import both, parts, play, run, team, verdict
from test_threads import final, interrupt, line

from bottega import tool
from bottega.errors import InputError, StorageError
from bottega.events import Failure, RunEnded
from bottega.questions import Question, Ruling
from bottega.runs import Run
from bottega.store import open_register
from bottega.testing import Say, ScriptedModel, call
from bottega_agents.storage.stores import use_store

DAY = 86_400


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=postgres)])
def store(request, tmp_path):
    return new_store() if request.param == "postgresql" else tmp_path / "bottega.db"


def known(store, run_id="r"):
    async def asked():
        async with open_register(store) as opened:
            return await opened.register.get(run_id)

    return asyncio.run(asked())


async def taken_over(store, run_id="r"):
    """Do what another process does that takes the run up after its owner's lock was lost."""
    async with use_store(store) as (_, opened):
        await opened.register.accept(await opened.register.get(run_id))


def test_who_lost_the_run_makes_no_once_call_and_is_told(store):
    fired = []

    @tool(effects="once")
    def fire() -> str:
        """Fire."""
        fired.append(1)
        return "fired"

    class Slow(ScriptedModel):
        async def respond(self, request):
            await taken_over(store)
            async for delta in super().respond(request):
                yield delta

    model = Slow(call("fire"), "done")
    events = run(line(parts("a", model, tools=[fire])), run_id="r", store=store)
    assert fired == []
    assert events[-1].status == "failed"
    (failure,) = [e for e in events if isinstance(e, Failure) and e.fatal and not e.node]
    assert "was taken over by another process" in failure.message
    assert known(store).status == "running"


def test_a_checkpoint_of_who_lost_the_run_is_refused(store):
    async def attempt():
        from langgraph.checkpoint.base import empty_checkpoint

        from bottega.errors import StorageError

        async with use_store(store) as (saver, opened):
            lease = await opened.register.accept(Run(run_id="r", thread="", name="n", task="t"))
            saver.leases["r"] = lease
            config = {"configurable": {"thread_id": "r", "checkpoint_ns": ""}}
            config = await saver.aput(config, empty_checkpoint(), {}, {})
            await opened.register.accept(Run(run_id="r", thread="", name="n", task="t"))
            with pytest.raises(StorageError, match="taken over"):
                await saver.aput(config, empty_checkpoint(), {}, {})
            with pytest.raises(StorageError, match="taken over"):
                await saver.aput_writes(config, [("a", 1)], "task")
            with pytest.raises(StorageError, match="taken over"):
                await saver.open_log("r", "task").write("1/reply", "x")
            del saver.leases["r"]
            (only,) = [item async for item in saver.alist(config)]
            assert only.pending_writes == []

    asyncio.run(attempt())


def test_one_run_at_a_time_works_on_a_thread(store):
    async def both_at_once():
        slow = ScriptedModel(Say(text="late", delay=30))
        first = asyncio.ensure_future(play(line(parts("a", slow)), thread="t", store=store))
        while not slow.requests:
            await asyncio.sleep(0.01)
        with pytest.raises(InputError, match="in the middle of another run"):
            await play(line(parts("a", ScriptedModel("x"))), thread="t", store=store)
        others = await play(line(parts("a", ScriptedModel("x"))), thread="u", store=store)
        assert final(others) == ["x"]
        first.cancel()
        with suppress(asyncio.CancelledError):
            await first

    asyncio.run(both_at_once())


def test_a_run_that_is_over_is_not_resumed(store):
    crew = line(parts("a", ScriptedModel("x")))
    run(crew, run_id="r", store=store)
    with pytest.raises(InputError, match="run r is over: done"):
        run(crew, task="", run_id="r", store=store, resume=True)


@pytest.mark.parametrize("jump", [-DAY, DAY])
def test_a_clock_that_was_set_costs_nothing(store, monkeypatch, jump):
    lead = ScriptedModel(both(), Say(text="late", delay=30))
    crew = team(lead, ScriptedModel("a"), ScriptedModel("b"), ScriptedModel())
    asyncio.run(interrupt(crew, lambda: len(lead.requests) == 2, run_id="r", store=store))
    _set_clock(monkeypatch, jump)
    silent = ScriptedModel()
    again = team(ScriptedModel("ok"), silent, silent, ScriptedModel(verdict(True)))
    events = run(again, run_id="r", store=store, resume=True)
    assert final(events) == ["ok"]
    assert silent.requests == []
    assert isinstance(events[-1], RunEnded)
    assert 0 <= events[-1].seconds < 60


@pytest.mark.parametrize("jump", [-DAY, DAY])
def test_a_thread_goes_on_from_its_last_run_whatever_the_clock(store, monkeypatch, jump):
    run(line(parts("a", ScriptedModel("one"))), task="first", thread="t", store=store)
    _set_clock(monkeypatch, jump)
    run(line(parts("a", ScriptedModel("two"))), task="second", thread="t", store=store)
    model = ScriptedModel("three")
    run(line(parts("a", model)), task="third", thread="t", store=store)
    said = [message.text for message in model.requests[0].messages][1:]
    assert said == ["first", "one", "second", "two", "third"]


def test_questions_and_runs_are_in_the_order_in_which_they_came(store, monkeypatch):
    async def asked():
        async with use_store(store) as (_, opened):
            register = opened.register
            for name, jump in (("one", 0), ("two", -DAY)):
                _set_clock(monkeypatch, jump)
                await register.accept(Run(run_id=name, thread="t", name="n", task="t"))
                await register.ask("one", [Question(id=name, text="?")])
            assert [run.run_id for run in await register.list()] == ["two", "one"]
            assert await register.later(await register.get("one"))
            assert not await register.later(await register.get("two"))
            assert [q.id for q in await register.open_questions("one")] == ["one", "two"]
            await register.rule("one", {"one": Ruling(verdict="answer", text="x")})
            assert [q.id for q in await register.open_questions("one")] == ["two"]

    asyncio.run(asked())


def test_a_run_does_not_come_to_wait_for_what_was_ruled_on_meanwhile(store):
    async def asked():
        async with use_store(store) as (_, opened):
            register, end = opened.register, RunEnded(status="waiting", reason="?")
            lease = await register.accept(Run(run_id="r", thread="", name="n", task="t"))
            await register.ask("r", [Question(id=name, text="?") for name in ("one", "two")])
            await register.rule("r", {"one": Ruling(verdict="answer", text="x")})
            assert not await register.wait(lease, end, ["one", "two"])
            assert (await register.get("r")).status == "running"
            first = await register.settle("r", "one", Ruling(verdict="answer", text="y"))
            assert first.text == "x"
            with pytest.raises(InputError, match="does not wait for 'one'"):
                await register.rule("r", {"one": Ruling(verdict="answer", text="z")})
            assert await register.wait(lease, end, ["two"])
            assert (await register.get("r")).status == "waiting"
            await register.accept(await register.get("r"))
            with pytest.raises(StorageError, match="was taken over"):
                await register.wait(lease, end, ["two"])

    asyncio.run(asked())


def _set_clock(monkeypatch, jump):
    """Set the wall clock, as a process that is started then would find it."""
    from langgraph.checkpoint.base import id as ids

    monkeypatch.undo()
    real, real_ns = time.time, time.time_ns
    monkeypatch.setattr(time, "time", lambda: real() + jump)
    monkeypatch.setattr(time, "time_ns", lambda: real_ns() + jump * 10**9)
    monkeypatch.setattr(ids, "_last_v6_timestamp", None)


def test_text_that_no_database_likes_survives(store):
    odd = "a\0b\ud800c"
    run(line(parts("a", ScriptedModel(odd))), task="x\0y", thread="t", store=store)
    model = ScriptedModel("ok")
    run(line(parts("a", model)), task="again", thread="t", store=store)
    said = [message.text for message in model.requests[0].messages][1:]
    assert said == ["x\0y", odd, "again"]


def test_a_thread_of_another_graph_is_another_thread(store):
    slow = ScriptedModel(Say(text="late", delay=30))
    asyncio.run(
        interrupt(
            line(parts("a", slow)), lambda: slow.requests, thread="t", run_id="r", store=store
        )
    )
    lead = ScriptedModel("x")
    other = team(lead, ScriptedModel(), ScriptedModel(), ScriptedModel(verdict(True)))
    run(other, thread="t", store=store)
    again = line(parts("a", ScriptedModel("ok")))
    assert final(run(again, task="", run_id="r", store=store, resume=True)) == ["ok"]
