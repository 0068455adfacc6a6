"""What a run comes to, and the errors that it is refused with."""

from __future__ import annotations

import asyncio

import pytest

from bottega import Agent, Budget, Result
from bottega.errors import (
    BottegaError,
    BudgetExceeded,
    InputError,
    ModelRateLimitError,
    ModelTimeoutError,
)
from bottega.events import BudgetReached, Failure, RunEnded, Thought
from bottega.testing import ScriptedModel


def test_a_failure_that_the_run_survived_is_not_its_error():
    result = Result.from_events([Failure(error="ModelError", fatal=True), RunEnded()])
    assert result.error is None
    assert result.raise_for_status() is result


def test_a_failed_run_raises_its_own_error():
    failure = Failure(
        error="ModelTimeoutError", message="too slow", hint="wait", retryable=True, fatal=True
    )
    result = Result.from_events([failure, RunEnded(status="failed", reason="too slow")])
    with pytest.raises(ModelTimeoutError, match="too slow") as caught:
        result.raise_for_status()
    assert (caught.value.hint, caught.value.retryable) == ("wait", True)


def test_an_error_with_fields_of_its_own_has_them():
    failure = Failure(error="ModelRateLimitError", message="slow down", fatal=True)
    error = Result.from_events([failure, RunEnded(status="failed")]).error
    assert isinstance(error, ModelRateLimitError)
    assert error.retry_after is None


@pytest.mark.parametrize(
    ("events", "message"),
    [
        ([BudgetReached(limit="steps", allowed=2, spent=2)], "the limit of 2 steps"),
        ([], "out of money"),
    ],
)
def test_a_limit_is_raised_as_one(events, message):
    ended = RunEnded(status="budget", reason="out of money")
    with pytest.raises(BudgetExceeded, match=message) as caught:
        Result.from_events([*events, ended]).raise_for_status()
    assert caught.value.exit_code == 3


def test_a_limit_that_an_agent_meets():
    agent = Agent(model=ScriptedModel("never asked"), limits=Budget(seconds=1e-9))
    with pytest.raises(BudgetExceeded) as caught:
        agent.run("go").raise_for_status()
    assert caught.value.limit == "seconds"


def test_a_cancelled_run_raises_too():
    with pytest.raises(BottegaError, match="cancelled"):
        Result.from_events([RunEnded(status="cancelled")]).raise_for_status()


@pytest.mark.parametrize("events", [[], [Thought(text="hm")]])
def test_events_without_an_end_are_no_result(events):
    with pytest.raises(TypeError, match="not run_ended"):
        Result.from_events(events)


@pytest.mark.parametrize("task", ["", " \n", "bad \udcff"])
def test_a_task_must_be_text(task):
    with pytest.raises(InputError, match="the task is"):
        Agent(model=ScriptedModel()).run(task)


@pytest.mark.parametrize("thread", ["", " ", "a\nb", "a\x1b[2J", "bad \udcff", "x" * 201])
def test_a_threads_name_must_be_printable(thread, tmp_path):
    with pytest.raises(InputError, match="thread's name"):
        asyncio.run(Agent(model=ScriptedModel(), folder=tmp_path).arun("go", thread=thread))
    assert not list(tmp_path.iterdir())
