"""The conformance kit for models: good ones pass, and each broken rule is found and named."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from bottega.errors import ModelError, ModelTimeoutError
from bottega.model import CallDelta, Delta, End, Model, Request, TextDelta, Usage
from bottega.testing import Call, Say, ScriptedModel, check_model, model_conformance
from bottega.testing.model_conformance import ConformanceError


class Fake:
    """Say hello in good order; tests break one thing each."""

    name = "fake"
    deltas: tuple[Any, ...] = (TextDelta(text="hel"), TextDelta(text="lo"), End())

    async def respond(self, request: Request) -> AsyncIterator[Delta]:
        for delta in self.deltas:
            await asyncio.sleep(0)
            yield delta


def broken(make: Callable[[], Any]) -> dict[str, str]:
    with pytest.raises(ConformanceError) as caught:
        check_model(make)
    assert all(problem in str(caught.value) for problem in caught.value.problems.values())
    return caught.value.problems


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_conformance, "PATIENCE", 1.0)
    monkeypatch.setattr(model_conformance, "_SOON", 0.05)
    monkeypatch.setattr(model_conformance, "_GRACE", 0.1)


@pytest.mark.parametrize(
    "reply", [Say(text="hello there", chunk=3, thought="hm"), Call(name="add", arguments="{")]
)
def test_good_models_pass(reply: Say | Call) -> None:
    check_model(lambda: ScriptedModel(reply, repeat=True))
    check_model(Fake)


@pytest.mark.parametrize(
    ("deltas", "says"),
    [
        ([], "has no End"),
        ([TextDelta(text="x")], "has no End"),
        ([End(), End()], "2 Ends"),
        ([End(), TextDelta(text="x")], "goes on after the End"),
        (["x", End()], "yields str, which is no Delta"),
        ([{"text": "x"}, End()], "yields dict"),
        ([TextDelta(text=b"x"), End()], "TextDelta.text is b'x'"),  # type: ignore[arg-type]
        ([CallDelta(index="0", name="f"), End()], "CallDelta.index"),  # type: ignore[arg-type]
        ([End(finish="done")], "End.finish is 'done'"),  # type: ignore[arg-type]
        ([End(usage=Usage(input_tokens=-1))], "token count is -1"),
    ],
)
def test_deltas_out_of_order_or_shape(deltas: list[Any], says: str) -> None:
    class Bad(Fake):
        pass

    Bad.deltas = tuple(deltas)
    assert says in broken(Bad)["streams deltas up to one End"]


def test_a_call_needs_a_name() -> None:
    class Bad(Fake):
        deltas = (CallDelta(index=0, arguments="{}"), End())

    assert set(broken(Bad)) == {"takes tools"}


@pytest.mark.parametrize("name", ["", " ", None, 7])
def test_a_model_needs_a_name(name: Any) -> None:
    class Bad(Fake):
        pass

    Bad.name = name
    assert set(broken(Bad)) == {"has a name"}


def test_a_coroutine_is_no_stream() -> None:
    class Bad(Fake):
        async def respond(self, request: Request) -> Any:
            return "hello"

    assert "returns a coroutine" in broken(Bad)["streams deltas up to one End"]


def test_a_list_is_no_stream() -> None:
    class Bad(Fake):
        def respond(self, request: Request) -> Any:
            return [End()]

    assert "returns list" in broken(Bad)["streams deltas up to one End"]


def test_a_changed_request_is_found() -> None:
    class Bad(Fake):
        async def respond(self, request: Request) -> AsyncIterator[Delta]:
            for tool in request.tools:
                tool.parameters["strict"] = True  # type: ignore[index]
            yield End()

    assert set(broken(Bad)) == {"leaves requests alone"}


def test_a_refusal_of_an_ordinary_request_is_found() -> None:
    class Bad(Fake):
        async def respond(self, request: Request) -> AsyncIterator[Delta]:
            if request.tools:
                raise ModelError("no tools, please")
            yield End()

    assert "no tools, please" in broken(Bad)["takes tools"]


def test_tasks_left_behind_are_found() -> None:
    class Bad(Fake):
        async def respond(self, request: Request) -> AsyncIterator[Delta]:
            self.task = asyncio.create_task(asyncio.sleep(30), name="poller")
            yield TextDelta(text="x")
            yield End()

    problems = broken(Bad)
    assert {"stops early", "clears up", "can be cancelled"} <= set(problems)
    assert "poller" in problems["clears up"]


def test_an_error_at_closing_is_found() -> None:
    class Bad(Fake):
        async def respond(self, request: Request) -> AsyncIterator[Delta]:
            try:
                yield TextDelta(text="x")
                yield End()
            except GeneratorExit:
                raise ValueError("not now") from None

    assert "not now" in broken(Bad)["stops early"]


class Ends:
    """A stream without `aclose`."""

    def __init__(self) -> None:
        self.left = [End()]

    def __aiter__(self) -> AsyncIterator[Delta]:
        return self

    async def __anext__(self) -> Delta:
        if not self.left:
            raise StopAsyncIteration
        return self.left.pop()


def test_a_stream_that_cannot_be_closed_is_found() -> None:
    class Bad(Fake):
        def respond(self, request: Request) -> AsyncIterator[Delta]:
            return Ends()

    assert "has no aclose()" in broken(Bad)["stops early"]


def test_work_that_outlives_a_cancellation_is_found() -> None:
    class Bad(Fake):
        async def respond(self, request: Request) -> AsyncIterator[Delta]:
            helper = asyncio.create_task(asyncio.sleep(30), name="helper")
            yield TextDelta(text="x")
            helper.cancel()
            yield End()

    assert "helper" in broken(Bad)["can be cancelled"]


def test_an_outlasted_deadline_is_found() -> None:
    class Bad(Fake):
        async def respond(self, request: Request) -> AsyncIterator[Delta]:
            await asyncio.sleep(0.2)
            yield End()

    assert set(broken(Bad)) == {"keeps deadlines"}

    class Good(Fake):
        async def respond(self, request: Request) -> AsyncIterator[Delta]:
            left = request.seconds_left()
            if left is not None:
                await asyncio.sleep(left)
                raise ModelTimeoutError("no time")
            yield End()

    check_model(Good)


def test_a_model_tied_to_one_loop_is_found() -> None:
    class Bad(Fake):
        lock: asyncio.Lock | None = None
        loop: asyncio.AbstractEventLoop | None = None

        async def respond(self, request: Request) -> AsyncIterator[Delta]:
            self.loop = self.loop or asyncio.get_running_loop()
            if self.loop is not asyncio.get_running_loop():
                raise RuntimeError("attached to a different loop")
            yield End()

    assert "different loop" in broken(Bad)["outlives event loops"]


def test_requests_that_disturb_each_other_are_found() -> None:
    class Bad(Fake):
        busy = False

        async def respond(self, request: Request) -> AsyncIterator[Delta]:
            if self.busy:
                raise ModelError("busy")
            self.busy = True
            await asyncio.sleep(0.01)
            self.busy = False
            yield End()

    assert set(broken(Bad)) == {"runs concurrently"}


def test_a_model_that_never_ends_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_conformance, "PATIENCE", 0.1)

    class Bad(Fake):
        async def respond(self, request: Request) -> AsyncIterator[Delta]:
            await asyncio.sleep(60)
            yield End()

    started = time.monotonic()
    assert "not done within" in broken(Bad)["has a name"]
    assert time.monotonic() - started < 20


def test_programming_errors_propagate() -> None:
    class Bad(Fake):
        async def respond(self, request: Request) -> AsyncIterator[Delta]:
            raise ZeroDivisionError("a bug")
            yield End()

    with pytest.raises(ZeroDivisionError):
        check_model(Bad)


def test_fakes_are_models() -> None:
    assert isinstance(Fake(), Model)
