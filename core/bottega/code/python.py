"""The tool `python`: code in a sandbox, with the agent's other tools as functions.

The dialect `code` acts by it; agents of other dialects have it as one tool among others. Its state
lasts as long as the run, one for each conversation.
"""

from __future__ import annotations

from collections.abc import Sequence

from bottega.code.observation import told, told_failure, unasked
from bottega.code.record import FinalAnswer
from bottega.code.session import Came, CodeSession
from bottega.code.source import unreadable
from bottega.errors import ToolError
from bottega.inner_calls import Diverged, InnerCalls
from bottega.messages import Json
from bottega.sandbox import CodeLimits, CodeOutcome, Sandbox
from bottega.tools import Output, Tool, ToolContext

_DEFAULT_LIMITS = CodeLimits()


class Python(Tool):
    """Runs code that a model wrote. What the code calls counts as calls of the agent."""

    name = "python"
    effects = "none"  # what it calls is journaled by itself
    attended = True  # a call in it may wait for a person; its own time is the sandbox's to limit
    timeout = None
    calls_tools = True

    def __init__(
        self,
        sandboxes: Sequence[Sandbox],
        limits: CodeLimits = _DEFAULT_LIMITS,
        *,
        answers: bool = False,
    ) -> None:
        """Take the sandboxes: the first is used until the code needs what another has.

        `answers`: the code has `final_answer` also where the agent has no such tool.
        """
        self._sandboxes = tuple(sandboxes)
        self._limits = limits
        self._answers = answers

    async def run(self, code: str, context: ToolContext) -> Output:
        """Run Python code, and show what it prints and the value of its last expression.

        What it defines stays for the next call. Your other tools are functions in it, with the same
        arguments; they are called without `await`.

        Args:
            code: the code.
            context: not an argument.
        """
        problem = unreadable(code)
        if problem:
            raise ToolError(problem)
        calls = context.calls
        if calls is None:
            return _output(await self._alone(code), self._limits)
        session = calls.belongings.get((id(self), calls.place), self._session)
        try:
            came = await session.run(code, calls)
        except FinalAnswer as answer:
            return _with_evidence(Output(content=answer.text, final=True), calls)
        except Diverged as diverged:
            raise ToolError(f"{diverged.message}. {_GO_ON}") from diverged
        return _with_evidence(_output(came, self._limits, unasked(calls.unasked())), calls)

    def _session(self) -> CodeSession:
        return CodeSession(self._sandboxes, self._limits, answers=self._answers)

    async def _alone(self, code: str) -> Came:
        """Run code outside any agent: without tools, without a next call."""
        session = await self._sandboxes[0].open((), self._limits)
        try:
            return Came(outcome=await session.run(code, _no_tools))
        finally:
            await session.aclose()

    async def aclose(self) -> None:
        """Let go of the sandboxes' processes; they come back when needed."""
        for sandbox in self._sandboxes:
            close = getattr(sandbox, "aclose", None)
            if close is not None:
                await close()


_GO_ON = "Go on from what is known, in a new step"


def _output(came: Came, limits: CodeLimits, note: str = "") -> Output:
    """Return what the model reads. Raises ToolError where the step did not come to its end."""
    outcome: CodeOutcome = came.outcome
    failure = told_failure(outcome, limits)
    parts = (*came.remarks, failure or told(outcome), note)
    text = "\n".join(part for part in parts if part)
    if failure:
        raise ToolError(text)
    return Output(content=text)


def _with_evidence(output: Output, calls: InnerCalls) -> Output:
    """Return the output with the passages and pictures that the code was given."""
    return Output(
        content=output.content,
        final=output.final,
        citations=tuple(dict.fromkeys(calls.citations)),
        images=tuple(calls.images),
    )


async def _no_tools(name: str, arguments: Json) -> Json:
    raise ToolError(f"there is no tool {name!r} here")
