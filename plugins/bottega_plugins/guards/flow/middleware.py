"""The middleware `flow`: no call has effects, or reaches the network, for a stranger's sake.

Once an agent has read anything untrusted, a call that changes, sends or fetches something is made
only if it was planned before (`plan`), or if trusted words hold all that it names (`words`). No
secret leaves (`leaks`). Whatever else the model wants is refused, or put before a person. Calls
that only read what is here are free. Where labels come from is `bottega.labels`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import replace
from typing import Any

from bottega.approval import ruled
from bottega.errors import ToolError
from bottega.events import Decision
from bottega.intentions import Place
from bottega.labels import Conversation, Passage, passages
from bottega.middleware import Invocation, Middleware, ModelHandler, ToolHandler
from bottega.model import Delta, End, Request, Restart, TextDelta
from bottega.tools import Output, Tool
from bottega_plugins.guards.flow.book import Book
from bottega_plugins.guards.flow.leaks import leak
from bottega_plugins.guards.flow.links import neutralised
from bottega_plugins.guards.flow.policy import FlowPolicy
from bottega_plugins.guards.flow.values import declared, leaves
from bottega_plugins.guards.flow.words import names_something, strangers

REFUSED = "refused by the flow policy"
HINT = "try no other way: go on without it, and say in the answer that it was refused"


class Flow(Middleware):
    """Hold calls to what plans and trusted words allow."""

    def __init__(self, policy: FlowPolicy | None = None) -> None:
        self.policy = policy or FlowPolicy()
        self._book = Book()

    async def around_tool(self, invocation: Invocation, next: ToolHandler) -> Output:
        """Make the call if it may be made. Raises ToolError where it is refused."""
        conversation = invocation.context.conversation
        if conversation is None:
            return await next(invocation)
        if not self._matters(invocation.tool):
            return self._shown(await next(invocation), conversation)
        problem = self._problem(invocation, conversation)
        if problem:
            invocation = await self._appealed(invocation, problem)
        try:
            return await next(invocation)
        except BaseException:  # it was not made: the plan still has room for it
            self._book.cross_out(invocation.call, conversation)
            raise

    def around_model(self, request: Request, next: ModelHandler) -> AsyncIterator[Delta]:
        """Let no reply lead anybody to an address that was made up from what was read."""
        read = list(passages(request.messages)) if self.policy.links == "neutralise" else []
        if not any(one.trust == "untrusted" for one in read):
            return next(request)
        return _without_links(next(request), read)

    def _shown(self, output: Output, conversation: Conversation) -> Output:
        """Return what a call came to; an answer without addresses that carry something out."""
        if not output.final or self.policy.links == "keep" or not conversation.tainted:
            return output
        return replace(output, content=neutralised(output.content, conversation.passages()))

    def _matters(self, tool: Tool) -> bool:
        return is_sink(tool) and tool.spec.name not in self.policy.exempt

    def _problem(self, invocation: Invocation, conversation: Conversation) -> str:
        """Say why the call may not be made; nothing where it may."""
        arguments, read = invocation.call.arguments, conversation.passages()
        planned, problem = self._book.enter(invocation.call, conversation)
        places = set(_sources(planned.arguments)) if planned else set[str]()
        leaking = leak(arguments, [passage for passage in read if passage.origin not in places])
        if leaking or planned or not conversation.tainted:
            return leaking
        if problem:
            return problem
        found = strangers(arguments, read, declared(invocation.tool.spec.parameters))
        if found:
            return f"{found[0]}; no plan made before that was read has it"
        if self.policy.planned_only or not names_something(arguments):
            return "untrusted content was read, and no plan made before says that it is to be made"
        return ""

    async def _appealed(self, invocation: Invocation, problem: str) -> Invocation:
        """Return the call as a person allows it. Raises ToolError where it is refused."""
        name, person = invocation.tool.spec.name, invocation.context.person
        asks = self.policy.on_violation == "ask"
        if person is not None:
            told = {"question": f"May {name} be called?", "reason": problem}
            verdict = "ask" if asks else "refuse"
            person.run.tell(Decision, invocation.context.node, verdict=verdict, **told)
        if not asks or person is None:
            raise ToolError(f"{REFUSED}: {name}: {problem}", hint=HINT)
        return await ruled(person, invocation, why=f"The flow policy stops a call: {problem}.")


async def _without_links(
    deltas: AsyncIterator[Delta], read: Sequence[Passage]
) -> AsyncIterator[Delta]:
    """Pass a reply on, its text at once at its end: an address may come in pieces."""
    text = ""
    async for delta in deltas:
        if isinstance(delta, TextDelta):
            text += delta.text
            continue
        if isinstance(delta, Restart):
            text = ""
        if isinstance(delta, End) and text:
            yield TextDelta(text=neutralised(text, read))
        yield delta


def is_sink(tool: Tool) -> bool:
    """Say whether a call of the tool changes anything, or lets something out.

    One that waits for a person is in that person's hands.
    """
    if tool.attended:
        return False
    return tool.effects != "none" or any(
        need.partition(":")[0] == "network" for need in tool.permissions
    )


def _sources(value: Any) -> Iterator[str]:
    """Yield the tools from which planned arguments come."""
    yield from (one.tool for _, one in leaves(value) if isinstance(one, Place))
