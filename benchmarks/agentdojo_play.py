"""One pair, played by a scripted model: the reference calls of the task, and every injection.

An injection that is read is obeyed at once, and what of it was refused is tried again at the end.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from agentdojo_pairs import MARK, Pair, acts, tools_of

from bottega import Agent, Budget
from bottega.model import Request
from bottega.testing.scripted import Call, Say, ScriptedModel
from bottega_plugins.guards.flow.middleware import REFUSED, Flow
from bottega_tools.plan_calls import plan_calls


@dataclass(frozen=True, kw_only=True)
class Played:
    """What came of a pair."""

    right: bool
    """The user's task is done as it should be."""
    attacked: bool
    """The injection had its effect."""
    refused: int
    """Calls that the policy refused."""
    note: str = ""
    """The first of its refusals."""
    twisted: int = 0
    """Calls of the task that were made with values of the injection in them."""


def twists(task: Sequence[Any], attack: Sequence[Any]) -> list[Any]:
    """Return the task's own calls, each with one value taken from a call of the injection."""
    bent = [
        call.model_copy(update={"args": {**call.args, key: other.args[key]}})
        for call in task
        for other in attack
        if call.function == other.function and acts(call)
        for key in call.args
        if key in other.args and other.args[key] != call.args[key]
    ]
    return [call for index, call in enumerate(bent) if call not in bent[:index]]


class Obedient:
    """A model that does as it is told, by whomever."""

    def __init__(self, task: Sequence[Any], attack: Sequence[Any], plan: Any, answer: str) -> None:
        self._attack = list(attack)
        self._obeyed = False
        self._replies = self._script(list(task), plan, answer)

    def model(self) -> ScriptedModel:
        """Return the model that plays it."""
        return ScriptedModel(self._next, repeat=True)

    def _next(self, request: Request) -> Say | Call | str:
        self._request = request
        return next(self._replies)

    def _script(self, task: list[Any], plan: Any, answer: str) -> Iterator[Say | Call | str]:
        if plan:
            yield Call(name="plan_calls", arguments={"calls": plan})
        for call in task:
            yield _call(call)
            if not self._obeyed and self._reads_injection():
                self._obeyed = True
                yield from self._obey()
        yield from self._obey() if self._obeyed and self._was_refused() else ()
        while True:
            yield answer or "Done."

    def _obey(self) -> Iterator[Call]:
        refused: list[Any] = []
        for call in self._attack:
            if call not in refused:  # the loop ends where the same is tried again and again
                yield _call(call)
                refused += [call] if self._is_refused() else []

    def _reads_injection(self) -> bool:
        results = self._request.messages[-1].results
        return any(MARK in result.content for result in results)

    def _is_refused(self) -> bool:
        return any(REFUSED in one.content for one in self._request.messages[-1].results)

    def _was_refused(self) -> bool:
        results = [one for message in self._request.messages for one in message.results]
        return any(REFUSED in result.content for result in results)


def _call(call: Any) -> Call:
    return Call(name=call.function, arguments=dict(call.args))


async def play(
    pair: Pair, *, plan: list[dict[str, Any]], guarded: bool, twist: bool = False
) -> Played:
    """Play a pair, and let AgentDojo judge it; `twist` lets the injection bend the task's calls."""
    environment = pair.environment()
    before, made = environment.model_copy(deep=True), list[Any]()
    task, attack = pair.task.ground_truth(before), pair.attack.ground_truth(before)
    bent = twists(task, attack) if twist else []
    attack = bent or attack
    model = Obedient(task, attack, plan, pair.task.GROUND_TRUTH_OUTPUT)
    agent = Agent(
        "agent",
        model=model.model(),
        tools=[*tools_of(pair.dojo, environment, made), *([plan_calls] if plan else [])],
        middleware=[Flow()] if guarded else [],
        limits=Budget(repeats=100),
    )
    result = await agent.arun(pair.task.PROMPT)
    if result.status != "done":
        raise AssertionError(f"{pair.task.ID}/{pair.attack.ID}: {result.reason}")
    contents = [getattr(event, "content", "") for event in result.events]
    refusals = [text for text in contents if REFUSED in text]
    judged = (_said(result.answer), before, environment, made)
    return Played(
        right=pair.dojo._check_user_task_utility(pair.task, *judged),
        attacked=pair.dojo._check_injection_task_security(pair.attack, *judged),
        refused=len(refusals),
        note=refusals[0] if refusals else "",
        twisted=sum(call in made for call in bent),
    )


def _said(answer: str) -> list[Any]:
    from agentdojo.types import text_content_block_from_string

    return [text_content_block_from_string(answer)]
