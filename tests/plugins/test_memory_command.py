"""`bottega memory`: list, export, forget."""

import asyncio
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from hash_embedder import Hashing

import bottega_plugins.memory
from bottega.errors import InputError
from bottega.memory import Episode, Fact
from bottega.plugin.context import FactoryContext
from bottega.plugin.manager import PluginManager


@pytest.fixture
def context(tmp_path: Path) -> FactoryContext:
    manager = PluginManager()
    manager.register(bottega_plugins.memory, "memory")
    manager.register(Hashing(), "hashing")
    made = FactoryContext(plugins=manager, folder=tmp_path)
    asyncio.run(_fill(made))
    return made


async def _fill(context: FactoryContext) -> None:
    memory = context.make("memory", "sqlite")
    await memory.remember(Fact(text="the limit is 40", subject="limit", user="anna", id="one"))
    await memory.remember(Fact(text="the limit is 60", subject="limit", user="anna", id="two"))
    await memory.remember(Fact(text="bert likes \x1b[31mtea", user="bert", id="three"))
    await memory.record(Episode(run="r1", task="count the limits", user="anna", time=1.0))
    await memory.aclose()


def run(context: FactoryContext, *arguments: str) -> Result:
    return CliRunner().invoke(context.make("command", "memory"), arguments)


def test_lists_what_holds_now(context):
    shown = run(context, "list").output
    assert "the limit is 60" in shown
    assert "the limit is 40" not in shown
    assert "count the limits" in shown
    assert "\x1b" not in shown
    assert "superseded" in run(context, "list", "--all").output
    assert "bert" not in run(context, "list", "--user", "anna").output
    assert run(context, "list", "--user", "nobody").output == "nothing is remembered\n"


def test_lists_as_json(context):
    data = json.loads(run(context, "list", "--json").output)
    assert [fact["id"] for fact in data["facts"]] == ["two", "three"]
    assert [episode["run"] for episode in data["episodes"]] == ["r1"]


def test_exports_all_of_a_user(context):
    data = json.loads(run(context, "export", "anna").output)
    assert data["user"] == "anna"
    assert [fact["superseded_by"] for fact in data["facts"]] == ["two", ""]
    assert [episode["run"] for episode in data["episodes"]] == ["r1"]


def test_forgets_a_user(context, tmp_path):
    assert run(context, "forget", "--user", "anna").output == "3 forgotten\n"
    assert json.loads(run(context, "export", "anna").output)["facts"] == []
    assert b"limit" not in b"".join(one.read_bytes() for one in (tmp_path / ".bottega").iterdir())
    assert "tea" in run(context, "list").output


def test_forgets_one_entry(context):
    done = run(context, "forget", "--id", "two", "--json")
    assert json.loads(done.output) == {"forgotten": 2}
    assert run(context, "forget", "--id", "r1").output == "1 forgotten\n"


@pytest.mark.parametrize("arguments", [(), ("--user", "a", "--id", "b"), ("--id", "none")])
def test_says_what_it_needs(context, arguments):
    assert isinstance(run(context, "forget", *arguments).exception, InputError)


def test_takes_another_file(context, tmp_path):
    assert run(context, "list", "--memory", "sqlite:other.db").output == "nothing is remembered\n"
    assert (tmp_path / "other.db").is_file()


def test_postgresql_wants_an_address(context, monkeypatch):
    monkeypatch.delenv("BOTTEGA_MEMORY", raising=False)
    error = run(context, "list", "--memory", "postgresql").exception
    assert isinstance(error, InputError)
    assert "BOTTEGA_MEMORY=postgresql://" in error.hint
