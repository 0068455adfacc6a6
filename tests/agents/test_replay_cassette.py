"""Cassettes around teams: parallel branches, decisions, waiting for a person, the command line."""

import asyncio
import json

import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_team import both, parts, run, team, verdict
from test_waiting import APPROVE, Post, asked, sender

from bottega import Budget, tool
from bottega.cassette import Cassette, CassetteError, turns
from bottega.cli.main import bottega
from bottega.decider import Judgement
from bottega.engine import Job
from bottega.errors import InputError
from bottega.events import Observation
from bottega.run import new_run_id
from bottega.tape import TAPE
from bottega.testing import Say, ScriptedModel, call, calls

pytest_plugins = ["pytester"]


@tool(effects="none")
async def wait(number: int) -> str:
    """Wait a little."""
    await asyncio.sleep(number / 1000)
    return f"waited {number}"


def silent():
    """A team whose models must not be asked."""
    return team(*(ScriptedModel() for _ in range(4)), tools=(wait,))


def lines(events):
    return [event.dumps() for event in events]


pauses = st.integers(0, 4).map(lambda number: call("wait", number=number))
work = st.one_of(
    st.lists(pauses, min_size=1, max_size=3).map(calls),
    st.integers(0, 4).map(lambda n: Say(text="found", delay=n / 1000)),
)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    librarian=st.lists(work, min_size=1, max_size=4),
    analyst=st.lists(work, min_size=1, max_size=3),
    verdicts=st.lists(st.booleans(), max_size=2),
    steps=st.integers(2, 12),
)
def test_whatever_a_team_does_is_played_byte_for_byte(
    tmp_path, librarian, analyst, verdicts, steps
):
    def crew():
        lead = ScriptedModel(
            calls([*both().calls, call("librarian", task="more")]), "so", "better", "best"
        )
        said = [verdict(value, "hm") for value in verdicts]
        helpers = [ScriptedModel(*item, repeat=True) for item in (librarian, analyst)]
        return team(lead, *helpers, ScriptedModel(*said, verdict(True)), tools=(wait,))

    file, limits = tmp_path / "c.jsonl", Budget(steps=steps)
    with Cassette(file, "record"):
        first = run(crew(), limits=limits)
    with Cassette(file, "replay"):
        again = run(silent(), limits=limits)
    assert lines(again) == lines(first)


@pytest.mark.timeout(20)
def test_no_branch_waits_for_what_comes_after_its_own_call(tmp_path, monkeypatch):
    monkeypatch.setattr(turns, "PATIENCE", None)  # a branch that waits in vain waits for ever
    file = tmp_path / "c.jsonl"
    with Cassette(file, "record"):
        lead = ScriptedModel(both(), "so", "better")
        helpers = (ScriptedModel("found"), ScriptedModel("counted"))
        first = run(team(lead, *helpers, ScriptedModel(verdict(True)), tools=(wait,)))
    with Cassette(file, "replay"):
        assert lines(run(silent())) == lines(first)


def test_a_run_that_waits_is_played_with_its_resumption(tmp_path):
    def whole(store, *scripts):
        post, events = Post(), []
        with Cassette(tmp_path / "c.jsonl"):
            run_id = new_run_id()
            events += run(sender(post, *scripts[0]), run_id=run_id, store=store, task="go")
            rulings = {asked(events)[0]["id"]: APPROVE}
            job = {"task": "", "run_id": run_id, "store": store, "resume": True}
            events += run(sender(post, *scripts[1]), **job, rulings=rulings)
        return lines(events), post.sent

    first, sent = whole(tmp_path / "a.db", [call("send", to="ann")], ["done"])
    again, nothing = whole(tmp_path / "b.db", [], [])
    assert again == first
    assert (sent, nothing) == (["ann"], [])


def test_questions_that_a_node_asks_at_once_come_in_any_order(tmp_path):
    class Slow:
        name = "slow"

        async def judge(self, question, *, context=""):
            await asyncio.sleep({"a": 0.02, "b": 0.0}[question])
            return Judgement(verdict=question == "a")

    async def asks(decider):
        taped = TAPE.get().run()
        made = taped.parts(parts("x", ScriptedModel(), decider=decider))
        taped.ask(None)
        return await asyncio.gather(*(made.decider.judge(question) for question in "ab"))

    with Cassette(tmp_path / "c.jsonl"):
        first = asyncio.run(asks(Slow()))
    with Cassette(tmp_path / "c.jsonl"):
        again = asyncio.run(asks(None))
    assert [one.verdict for one in again] == [one.verdict for one in first] == [True, False]


def test_a_changed_verdict_is_told_with_both_sides(tmp_path):
    file = tmp_path / "c.jsonl"
    with Cassette(file):
        run(
            team(
                ScriptedModel("Rome"),
                *(ScriptedModel() for _ in "ab"),
                ScriptedModel(verdict(True)),
            )
        )
    with pytest.raises(CassetteError) as caught, Cassette(file):
        run(silent(), task="What is the capital of France?")
    message = str(caught.value)
    assert "the request to the model at 1/1:lead is not what was recorded" in message
    assert "What is the answer?" in message
    assert "capital of France" in message


def test_a_run_is_not_played_into_the_store_that_has_it(tmp_path):
    store = tmp_path / "bottega.db"
    with Cassette(tmp_path / "c.jsonl"):
        run(sender(Post(), "done"), task="go", store=store, run_id="r")
    with pytest.raises(InputError, match="there is a run 'r'"), Cassette(tmp_path / "c.jsonl"):
        run(sender(Post()), task="go", store=store, run_id="r")


GRAPH = """
name: sums
nodes:
  a: {kind: specialist, tools: [calculator]}
edges: [start -> a, a -> end]
"""


def test_the_command_line_records_and_replays(tmp_path, monkeypatch):
    monkeypatch.setenv("BOTTEGA_HOME", str(tmp_path / "home"))
    graph, file = tmp_path / "sums.yaml", str(tmp_path / "c.jsonl")
    graph.write_text(GRAPH, "utf-8")

    def command(task, *options):
        return CliRunner().invoke(bottega, ["run", str(graph), task, "--json", *options])

    first = command("What is 6 * 7?", "--record", file)
    assert first.exit_code == 0, first.output
    assert "42" in json.loads(first.stdout)["answer"]
    again = command("What is 6 * 7?", "--replay", file)
    assert again.stdout == first.stdout
    other = command("What is 6 * 8?", "--replay", file)
    assert isinstance(other.exception, CassetteError)
    both_given = command("What is 6 * 7?", "--replay", file, "--record", file)
    assert both_given.exit_code == 2


TEST = """
from bottega import Agent
from bottega.dialects.native import Native
from bottega.plugin.manager import PluginManager
from bottega.testing import ScriptedModel, cassette

def test_it(cassette):
    script = [] if cassette.replays else ["hello"]
    agent = Agent(model=ScriptedModel(*script), dialect=Native(), plugins=PluginManager())
    assert agent.run("go").answer == "hello"
"""


def test_the_fixture_records_once_and_replays_from_then_on(pytester):
    pytester.makepyfile(test_mine=TEST)
    for _ in range(2):
        pytester.runpytest_inprocess("-p", "no:cacheprovider").assert_outcomes(passed=1)
    assert (pytester.path / "cassettes" / "test_mine" / "test_it.jsonl").is_file()


def test_the_fixture_keeps_nothing_of_a_test_that_fails(pytester):
    pytester.makepyfile(test_mine=TEST.replace('== "hello"', '== "goodbye"'))
    pytester.runpytest_inprocess("-p", "no:cacheprovider").assert_outcomes(failed=1)
    assert not (pytester.path / "cassettes").exists()


def test_jobs_still_get_a_name_of_their_own():
    assert Job(task="x", limits=Budget()).run_id != Job(task="x", limits=Budget()).run_id


def test_observations_keep_the_order_in_which_they_came(tmp_path):
    several = calls([call("wait", number=25), call("wait", number=1)])
    with Cassette(tmp_path / "c.jsonl"):
        first = run(
            team(
                ScriptedModel(call("librarian", task="x"), "ok"),
                ScriptedModel(several, "y"),
                ScriptedModel(),
                ScriptedModel(verdict(True)),
                tools=(wait,),
            )
        )
    with Cassette(tmp_path / "c.jsonl"):
        again = run(silent())
    came = [event.content for event in again if isinstance(event, Observation)]
    assert came == ["waited 1", "waited 25"]
    assert lines(again) == lines(first)
