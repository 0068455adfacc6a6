"""Episodes: what past runs did, shown for similar tasks as material; only where it is wanted."""

import asyncio
from pathlib import Path

from memory_team import graph, plugins, told

from bottega import Agent, Budget
from bottega.events import Failure, RunEnded
from bottega.memory import Episode
from bottega.plugin.context import FactoryContext
from bottega.testing import ScriptedModel, call

BOTH = "facts: false, episodes: true"


def episodes(folder: Path) -> list[Episode]:
    context = FactoryContext(plugins=plugins(ScriptedModel()), folder=folder)
    memory = context.make("memory", "sqlite")

    async def read() -> list[Episode]:
        try:
            return list(await memory.episodes())
        finally:
            await memory.aclose()

    return asyncio.run(read())


def test_a_similar_task_is_told_of_past_runs(tmp_path):
    first, _ = graph(tmp_path, call("calculate", x=1), "Table 4 seats eight.", use=BOTH)
    result = first.run("Plan the seating of the spring dinner.")
    other, _ = graph(tmp_path, "Done.", use=BOTH)
    other.run("Translate the quarterly report into Dutch.")
    next_one, model = graph(tmp_path, "Again table 4.", use=BOTH)
    next_one.run("Plan the seating for the autumn dinner.")
    [past] = told(model.requests[0].messages[1])["episodes"]
    assert past["run"] == result.run_id
    assert past["task"] == "Plan the seating of the spring dinner."
    assert past["outcome"] == "done"
    assert past["answer"] == "Table 4 seats eight."
    assert past["tools"] == {"calculate": 1}
    assert "unknown tool 'calculate'" in past["what failed"][0]


def test_nothing_is_recorded_where_it_is_not_wanted(tmp_path):
    made, _ = graph(tmp_path, "Done.", use="facts: true")
    made.run("Plan the dinner.")
    assert episodes(tmp_path) == []


def test_a_run_that_failed_is_remembered_with_why(tmp_path):
    made, _ = graph(tmp_path, *(call("nothing") for _ in range(3)), use=BOTH, user="anna")
    result = made.run("Plan the dinner.")
    assert result.status == "failed"
    [episode] = episodes(tmp_path)
    assert (episode.status, episode.user, episode.graph) == ("failed", "anna", "keeper")
    assert episode.run == result.run_id
    assert any("unknown tool 'nothing'" in failure for failure in episode.failures)


def test_secrets_are_masked(tmp_path, monkeypatch):
    monkeypatch.setenv("SERVICE_TOKEN", "tk-very-secret-1234")
    made, _ = graph(tmp_path, "It is tk-very-secret-1234.", use=BOTH)
    made.run("Use tk-very-secret-1234 for the service.")
    [episode] = episodes(tmp_path)
    assert (episode.task, episode.answer) == ("Use *** for the service.", "It is ***.")


def test_a_run_that_waits_is_recorded_when_it_is_over(tmp_path):
    made, _ = graph(tmp_path, call("ask_user", question="when?"), use=BOTH, durable=True)
    waiting = made.run("Plan the dinner.")
    assert waiting.status == "waiting"
    assert episodes(tmp_path) == []


def test_a_store_that_fails_at_the_end_costs_no_answer(tmp_path):
    def reply(request: object) -> str:
        for file in (tmp_path / ".bottega").glob("memory.db*"):
            file.write_bytes(b"rubbish " * 512)
        return "The answer."

    made, _ = graph(tmp_path, reply, use=BOTH)
    result = made.run("Plan the dinner.")
    assert (result.status, result.answer) == ("done", "The answer.")
    failures = [event for event in result.events if isinstance(event, Failure)]
    assert "this run is not remembered" in failures[0].message
    assert isinstance(result.events[-1], RunEnded)


def test_a_budget_is_an_outcome_too(tmp_path):
    model = ScriptedModel(call("recall", query="x"), repeat=True)
    made = Agent("clerk", model=model, plugins=plugins(model), memory="sqlite", folder=tmp_path)
    assert made.run("Count.", limits=Budget(steps=2)).status == "budget"
    [episode] = episodes(tmp_path)
    assert (episode.status, episode.tools) == ("budget", {"recall": 2})
