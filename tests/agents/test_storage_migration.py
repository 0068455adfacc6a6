"""Stores of other versions: yesterday's are taken in, tomorrow's are refused in one line.

`data/store-version-1.db.gz` was written by the engine of 263ef44, whose processes died right after
the scripted model replies below: `done` and `on-thread` on thread `t`, `alone`, `handed-on` (the
librarian is through, the analyst is not), `revising` (the critic has sent a draft back).
"""

import asyncio
import gzip
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from postgres_server import new_store, postgres
from test_team import parts, run, team, verdict
from test_threads import final, line

from bottega import tool
from bottega.cli.main import run as command
from bottega.database import SCHEMA_VERSION
from bottega.errors import StorageError
from bottega.events import NodeStarted
from bottega.store import open_register
from bottega.testing import ScriptedModel
from bottega_agents import recover_team
from bottega_agents.engine import LangGraphEngine
from bottega_agents.storage.stores import open_store, release_store, use_store

DATA = Path(__file__).with_name("data")


@pytest.fixture
def old(tmp_path):
    file = tmp_path / "bottega.db"
    file.write_bytes(gzip.decompress((DATA / "store-version-1.db.gz").read_bytes()))
    return file


@pytest.fixture
def fired():
    return []


@pytest.fixture
def tools(fired):
    @tool(effects="once")
    def fire(number: int) -> str:
        """Fire."""
        fired.append(number)
        return f"fired {number}"

    @tool(effects="none")
    def look(number: int) -> str:
        """Look."""
        return f"looked at {number}"

    return [fire, look]


def resume(crew, store, run_id):
    return run(crew, task="", run_id=run_id, store=store, resume=True)


def said(request):
    texts = [m.text or [r.content for r in m.results] for m in request.messages[1:]]
    return [text for text in texts if text]


def test_a_lone_run_goes_on_after_its_calls(old, tools, fired):
    model = ScriptedModel("done")
    events = resume(line(parts("a", model, tools=tools)), old, "alone")
    assert final(events) == ["done"]
    assert fired == []
    assert said(model.requests[0]) == ["go", ["fired 1"], ["fired 2"]]


def test_a_thread_keeps_its_conversation(old, tools):
    conversation = ["first", ["looked at 1"], "one", "second", ["looked at 2"]]
    model = ScriptedModel("two")
    resume(line(parts("a", model, tools=tools)), old, "on-thread")
    assert said(model.requests[0]) == conversation
    model = ScriptedModel("three")
    run(line(parts("a", model, tools=tools)), task="third", thread="t", store=old)
    assert said(model.requests[0]) == [*conversation, "two", "third"]


def test_a_coordinator_gets_the_reports_it_waited_for(old, tools, fired):
    lead, analyst = ScriptedModel("both"), ScriptedModel("computed")
    crew = team(lead, ScriptedModel(), analyst, ScriptedModel(verdict(True)), tools=tools)
    assert final(resume(crew, old, "handed-on")) == ["both"]
    assert fired == []
    assert said(lead.requests[0]) == ["ask", ["found", "computed"]]


def test_an_answer_that_was_sent_back_is_revised(old, tools):
    lead = ScriptedModel("final")
    crew = team(lead, ScriptedModel(), ScriptedModel(), ScriptedModel(verdict(True)), tools=tools)
    events = resume(crew, old, "revising")
    assert final(events) == ["final"]
    assert [e.node for e in events if isinstance(e, NodeStarted)] == ["lead", "reviewer"]
    conversation = said(lead.requests[0])
    assert conversation[:3] == ["ask", ["found", "computed"], "draft"]
    assert "make it final" in conversation[3]


def test_all_are_found_by_who_takes_up_everything(old, tools):
    crew = line(parts("a", ScriptedModel("x", "x"), tools=tools))
    found = asyncio.run(recover_team(LangGraphEngine(), crew, old))
    assert [one.run.run_id for one in found] == ["on-thread", "alone"]
    assert {one.status for one in found} == {"done"}


def test_nothing_of_the_old_form_stays_and_it_is_taken_in_once(old):
    release_store(open_store(old))
    with closing(sqlite3.connect(old)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (SCHEMA_VERSION,)
        left = "SELECT COUNT(*) FROM writes WHERE channel = '__bottega_journal__'"
        assert connection.execute(left).fetchone() == (0,)
        entries = connection.execute("SELECT COUNT(*) FROM bottega_journal").fetchone()
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    from bottega_agents.storage.sqlite import InlineSqliteSaver

    InlineSqliteSaver(old).close()
    with closing(sqlite3.connect(old)) as connection:
        assert connection.execute("SELECT COUNT(*) FROM bottega_journal").fetchone() == entries


def test_runs_of_an_old_store_are_listed(old, capsys, monkeypatch):
    monkeypatch.setenv("BOTTEGA_STORE", str(old))
    assert command(["runs"]) == 0
    listed = capsys.readouterr().out.splitlines()[1:]
    assert [row.split()[0] for row in listed][-1] == "done"
    assert sum("interrupted" in row for row in listed) == 4


def test_a_newer_store_is_refused_in_one_line(tmp_path, capsys, monkeypatch):
    file = tmp_path / "bottega.db"
    with closing(sqlite3.connect(file)) as connection:
        connection.execute(f"PRAGMA user_version={SCHEMA_VERSION + 1}")
    with pytest.raises(StorageError, match=f"version {SCHEMA_VERSION + 1}"):
        open_store(file)
    monkeypatch.setenv("BOTTEGA_STORE", str(file))
    assert command(["runs"]) == 1
    error, hint = capsys.readouterr().err.splitlines()
    assert f"this store has version {SCHEMA_VERSION + 1}" in error
    assert "update bottega" in hint


class TestInPostgres:
    pytestmark = postgres

    def test_a_newer_store_is_refused_in_one_line(self):
        async def attempt():
            url = new_store()
            async with use_store(url) as (saver, _):
                await saver.database.do("UPDATE bottega_schema SET version = version + 1")
            async with open_register(url):
                pass

        with pytest.raises(StorageError, match=f"version {SCHEMA_VERSION + 1}"):
            asyncio.run(attempt())
