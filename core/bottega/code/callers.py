"""How calls get out of code: to the agent's tools, to what is recorded, or to the answer."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

from bottega.code.record import FinalAnswer, Repeated
from bottega.errors import ToolError
from bottega.model import ToolSpec

if TYPE_CHECKING:
    from bottega.inner_calls import InnerCalls, MadeCall
    from bottega.messages import Json

FINAL_ANSWER = ToolSpec(
    name="final_answer",
    description="Give the final answer to the task. Your work ends with this call.",
    parameters={
        "type": "object",
        "properties": {"answer": {"description": "the complete answer, as the reader wants it"}},
        "required": ["answer"],
    },
)
"""What code calls where the agent has no such tool of its own."""

Functions = Mapping[str, ToolSpec]


class Live:
    """Calls the agent's tools; the run's time does not run out while one of them is at work."""

    def __init__(self, functions: Functions, calls: InnerCalls) -> None:
        self._functions = functions
        self._calls = calls
        self.made: list[MadeCall] = []
        self.timeout: asyncio.Timeout | None = None

    async def __call__(self, function: str, arguments: Mapping[str, Json]) -> Json:
        """Make a call. Raises FinalAnswer with the answer, ToolError, and what stops a run."""
        spec = _known(self._functions, function)
        if spec is FINAL_ANSWER:
            raise FinalAnswer(answer_of(arguments))
        if spec.name == FINAL_ANSWER.name:
            arguments = _as_text(spec, arguments)
        self._wait(None)
        try:
            made = await self._calls.call(spec.name, arguments)
        finally:
            self._wait(self._calls.seconds_left())
        self.made.append(made)
        if made.final and not made.is_error:
            raise FinalAnswer(made.content)
        return made.value()

    def _wait(self, seconds: float | None) -> None:
        if self.timeout is not None and not self.timeout.expired():
            when = None if seconds is None else asyncio.get_running_loop().time() + seconds
            self.timeout.reschedule(when)


class Again:
    """Gives what is recorded; what comes after that is called, where something is there to."""

    def __init__(self, functions: Functions, repeated: Repeated, then: Live | None = None) -> None:
        self._functions = functions
        self._repeated = repeated
        self._then = then

    async def __call__(self, function: str, arguments: Mapping[str, Json]) -> Json:
        """Answer a call. Raises ToolError, and what `Live` raises."""
        if self._then is not None and self._repeated.is_through:
            return await self._then(function, arguments)
        spec = _known(self._functions, function)
        if spec is FINAL_ANSWER:
            self._repeated.end()
        if spec.name == FINAL_ANSWER.name:
            arguments = _as_text(spec, arguments)
        return self._repeated.answer(spec.name, arguments)


def _known(functions: Functions, function: str) -> ToolSpec:
    spec = functions.get(function)
    if spec is None:
        raise ToolError(f"there is no tool {function!r}")
    return spec


def answer_of(arguments: Mapping[str, Json]) -> str:
    """Return the text of an answer. Raises ToolError where there is none."""
    others = [name for name in arguments if name != "answer"]
    if others or "answer" not in arguments:
        raise ToolError("final_answer() takes one argument: final_answer(answer)")
    text = as_text(arguments["answer"]).strip()
    if not text:
        raise ToolError("the answer is empty", hint="say what you found, or that you cannot tell")
    return text


def as_text(value: Json) -> str:
    """Return a value as text that a person reads."""
    if value is None or isinstance(value, str):
        return value or ""
    if isinstance(value, list | dict):
        return json.dumps(value, ensure_ascii=False)
    return str(value)


def _as_text(spec: ToolSpec, arguments: Mapping[str, Json]) -> Mapping[str, Json]:
    """Return the arguments with text where the answer is to be text: code has numbers, too."""
    properties = spec.parameters.get("properties", {})
    return {
        name: as_text(value) if properties.get(name, {}).get("type") == "string" else value
        for name, value in arguments.items()
    }
