"""Retrying: when, how long, how often, and what the last error says."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest

from bottega.errors import (
    InputError,
    ModelAuthError,
    ModelError,
    ModelRateLimitError,
    ModelReplyError,
    ModelUnreachableError,
)
from bottega.messages import user
from bottega.middleware import wrap_model
from bottega.model import Delta, End, Reply, Request, Restart, TextDelta, collect
from bottega.retry import Retry
from bottega.testing import Say, ScriptedModel

ASK = Request(messages=(user("hello"),))


def ask(model: ScriptedModel, request: Request = ASK, **options: float) -> Reply:
    fast = {"first_wait": 0.001, **options}
    return asyncio.run(collect(wrap_model(model, [Retry(**fast)])(request)))  # type: ignore[arg-type]


def down() -> ModelError:
    return ModelUnreachableError("no connection", retryable=True)


def test_a_failure_that_may_pass_is_tried_again() -> None:
    model = ScriptedModel(down(), ModelRateLimitError("slow down", retry_after=0.0), "there")
    assert ask(model).text == "there"
    assert len(model.requests) == 3


def test_what_cannot_help_is_not_tried_again() -> None:
    model = ScriptedModel(ModelAuthError("wrong key"), "never")
    with pytest.raises(ModelAuthError) as caught:
        ask(model)
    assert (str(caught.value), caught.value.attempts) == ("wrong key", 1)
    assert len(model.requests) == 1


def test_other_exceptions_pass_through_untouched() -> None:
    model = ScriptedModel(ZeroDivisionError("a bug"), "never")
    with pytest.raises(ZeroDivisionError, match="a bug"):
        ask(model)
    assert len(model.requests) == 1


def test_the_last_error_says_how_often_it_was_tried() -> None:
    model = ScriptedModel(down(), down(), down())
    with pytest.raises(ModelUnreachableError, match="gave up after 3 attempts") as caught:
        ask(model, attempts=3)
    assert caught.value.attempts == 3
    assert len(model.requests) == 3


def test_an_error_used_twice_is_not_noted_twice() -> None:
    model = ScriptedModel(down(), repeat=True)
    for _ in range(2):
        with pytest.raises(ModelUnreachableError) as caught:
            ask(model, attempts=2)
    assert str(caught.value).count("gave up") == 1


@pytest.mark.parametrize("wait", [3600.0, 30.0])
def test_it_never_sleeps_past_the_deadline(wait: float) -> None:
    model = ScriptedModel(ModelRateLimitError("slow down", retry_after=wait), repeat=True)
    request = Request(messages=ASK.messages, deadline=time.monotonic() + 5)
    started = time.monotonic()
    with pytest.raises(ModelRateLimitError, match="would pass the run's deadline") as caught:
        ask(model, request)
    assert time.monotonic() - started < 4
    assert caught.value.attempts == 1


def test_without_a_deadline_the_waits_are_capped() -> None:
    model = ScriptedModel(ModelRateLimitError("slow down", retry_after=3600), repeat=True)
    with pytest.raises(ModelRateLimitError, match=r"waiting 3,600\.0 s.*the 60 s for retries"):
        ask(model)
    assert len(model.requests) == 1


def test_the_cap_is_on_all_waits_together() -> None:
    error = ModelRateLimitError("slow down", retry_after=0.04)
    model = ScriptedModel(error, repeat=True)
    with pytest.raises(ModelRateLimitError, match="for retries") as caught:
        ask(model, attempts=100, total_wait=0.1)
    assert caught.value.attempts == 3


def test_waits_double_up_to_the_longest_and_are_jittered(monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    monkeypatch.setattr(asyncio, "sleep", sleep)
    model = ScriptedModel(*(down() for _ in range(5)), "there")
    retry = Retry(6, first_wait=1, max_wait=5, jitter=lambda: 0.5)
    asyncio.run(collect(wrap_model(model, [retry])(ASK)))
    assert waits == [0.5, 1.0, 2.0, 2.5, 2.5]


class Breaking:
    """Say something, then break; the last time, say it all."""

    name = "breaking"

    def __init__(self, times: int, error: ModelError | None = None) -> None:
        self.times = times
        self.error = error
        self.closed = 0

    async def respond(self, request: Request) -> AsyncIterator[Delta]:
        try:
            yield TextDelta(text="one ")
            if self.times:
                self.times -= 1
                if self.error is None:
                    return
                raise self.error
            yield TextDelta(text="two")
            yield End()
        finally:
            self.closed += 1


def test_a_restart_takes_back_what_was_passed_on() -> None:
    async def main() -> list[Delta]:
        model = Breaking(1, ModelReplyError("cut", retryable=True))
        return [delta async for delta in Retry(first_wait=0).around_model(ASK, model.respond)]

    deltas = asyncio.run(main())
    first, restart, *rest = deltas
    assert first == TextDelta(text="one ")
    assert restart == Restart(reason="cut")
    assert rest == [TextDelta(text="one "), TextDelta(text="two"), End()]


def test_a_consumer_sees_the_reply_once() -> None:
    model = Breaking(2, ModelReplyError("cut", retryable=True))
    reply = asyncio.run(collect(Retry(first_wait=0).around_model(ASK, model.respond)))
    assert reply.text == "one two"
    assert model.closed == 3


def test_a_stream_without_an_end_counts_as_cut() -> None:
    assert ask(ScriptedModel(Say(text="half", cut=True), "whole")).text == "whole"
    with pytest.raises(ModelReplyError, match=r"cut before its end.*after 2 attempts"):
        ask(ScriptedModel(Say(text="half", cut=True), repeat=True), attempts=2)


def test_an_error_after_the_end_is_not_retried() -> None:
    class Late(Breaking):
        async def respond(self, request: Request) -> AsyncIterator[Delta]:
            yield End()
            raise down()

    async def main() -> None:
        deltas = Retry(first_wait=0).around_model(ASK, Late(0).respond)
        assert await anext(deltas) == End()
        with pytest.raises(ModelUnreachableError):
            await anext(deltas)

    asyncio.run(main())


def test_closing_early_closes_the_model() -> None:
    model = Breaking(0)

    async def main() -> None:
        deltas = Retry().around_model(ASK, model.respond)
        await anext(deltas)
        await deltas.aclose()  # type: ignore[attr-defined]

    asyncio.run(main())
    assert model.closed == 1


def test_cancelling_a_wait_works_at_once() -> None:
    async def main() -> None:
        model = ScriptedModel(ModelRateLimitError("slow down", retry_after=50), repeat=True)
        task = asyncio.ensure_future(collect(Retry().around_model(ASK, model.respond)))
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(task, 2)

    asyncio.run(main())


@pytest.mark.parametrize(
    "options", [{"attempts": 0}, {"first_wait": -1}, {"total_wait": -1}, {"attempts": "4"}]
)
def test_senseless_settings_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="at least one attempt"):
        Retry(**options)


def call(*outcomes: Any, deadline: float | None = None, **options: Any) -> tuple[Any, int]:
    """Call what raises or returns these, in order; return the result and the number of calls."""
    left = list(outcomes)

    async def attempt() -> Any:
        outcome = left.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    retry = Retry(**{"first_wait": 0.001, **options})
    try:
        return asyncio.run(retry.call(attempt, deadline)), len(outcomes) - len(left)
    except ModelError as error:
        return error, len(outcomes) - len(left)


def test_a_plain_call_is_retried_too() -> None:
    assert call(down(), down(), "there") == ("there", 3)


def test_a_plain_call_ends_as_a_model_s_does() -> None:
    refused, times = call(ModelAuthError("wrong key"), "never")
    assert (str(refused), times) == ("wrong key", 1)
    spent, times = call(down(), down(), "never", attempts=2)
    assert (spent.attempts, times) == (2, 2)
    assert spent.message.endswith("gave up after 2 attempts")
    late, times = call(down(), "never", deadline=time.monotonic() - 1)
    assert times == 1
    assert "would pass the run's deadline" in str(late)


def test_a_programming_error_in_a_plain_call_propagates() -> None:
    with pytest.raises(ZeroDivisionError):
        call(ZeroDivisionError())
