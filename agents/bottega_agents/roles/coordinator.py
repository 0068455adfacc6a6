"""The coordinator: takes the task, delegates to specialists, composes their reports.

Each delegate appears to the model as a tool named after its node. Such a call is not run inside the
coordinator's loop: the node returns LangGraph `Send`s, the specialists run as nodes of the graph,
in parallel where the model asked for several at once, and the coordinator is visited again with
their reports as the results of its calls.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bottega.events import MessageSent
from bottega.labels import Conversation
from bottega.messages import Citation, Message, ToolCall, ToolResult, user
from bottega.node import AgentParts
from bottega.tools import Tool
from bottega_agents.communication.handoff import handed_over, handoff_in, is_handoff, not_now
from bottega_agents.communication.mail import enclosed
from bottega_agents.communication.talk import NONE, Talk, Talking
from bottega_agents.graph.state import State
from bottega_agents.roles.specialist import SpecialistNode, Visit, stale, with_tools
from bottega_agents.roles.transcript import Transcript

ROLE = (
    "You are {name}, the coordinator of a team.{description} Split the task and give its parts to "
    "your specialists, several in one turn where the parts do not depend on each other. Each "
    "specialist sees only what you write to it. Then compose the answer from their reports; keep "
    "the keys in square brackets that stand behind their statements."
)


@dataclass(frozen=True, kw_only=True)
class Coordinator(Talking):
    """The kind `coordinator`."""

    delegates: Sequence[str]
    """The nodes it may give work to."""
    then: str = ""
    """Where to go when it is done: only for a `StateGraph` built by hand."""

    def build(self, parts: AgentParts) -> Callable[..., Any]:
        """Return the LangGraph node."""
        return CoordinatorNode(parts, self.delegates, self.then, self.talk).run


class Delegate(Tool):
    """Give a specialist a task, described so that it can be done without seeing anything else."""

    effects = "none"
    hand_off = True

    def __init__(self, name: str, description: str) -> None:
        self.name = name
        self.description = description or f"Give {name} a task."

    def run(self, task: str) -> str:
        """Give a specialist a task.

        Args:
            task: what to do or find out, with everything that is needed to do it.
        """
        raise RuntimeError("a delegated task is carried out by the graph, not by the loop")


class CoordinatorNode(SpecialistNode):
    """A coordinator at work."""

    prompt = ROLE

    def __init__(
        self, parts: AgentParts, delegates: Sequence[str], then: str = "", talk: Talk = NONE
    ) -> None:
        tools = [Delegate(name, parts.peers.get(name, "")) for name in delegates]
        super().__init__(with_tools(parts, *tools), role="coordinator", talk=talk)
        self._then = then

    def fresh(self, state: State, transcript: Transcript | None) -> list[Message]:
        """Go on with the reports of the specialists, where some are waited for."""
        if transcript is None or all(map(is_handoff, transcript.handed_on)):
            return super().fresh(state, transcript)
        reports = state.get("reports", {})
        results = [*transcript.results]
        name = self.parts.name
        results += [
            not_now(call)
            if is_handoff(call)
            else _result(call, reports.get(report_key(name, call.id)))
            for call in transcript.handed_on
        ]
        more = [user(state.get("task", ""))] if stale(state, transcript) else []
        return [self.parts.dialect.observed(results), *more]

    def left(self, state: State, visit: Visit) -> Any:
        """Send the specialists off, or leave the answer."""
        from langgraph.types import Command

        update, loop = self.update(state, visit), visit.loop
        if visit.before is not None:  # they are in the conversation now
            name = self.parts.name
            read = {report_key(name, call.id): None for call in visit.before.handed_on}
            update["reports"] = read
        call = handoff_in(loop)
        if call is not None:
            return handed_over(state, loop, call, update)
        handed_on = [call for call in loop.outcome.handed_on if not is_handoff(call)]
        if not handed_on:
            return Command(update=update, goto=self._then) if self._then else update
        mail, board = dict(state.get("mail", {})), state.get("board", {})
        sends: list[Any] = []
        vouched = not Conversation.of(loop.messages, self.parts.tools).tainted
        for call in handed_on:
            task = str(call.arguments["task"])
            loop.run.emit(loop.event(MessageSent, to=call.name, text=task))
            enclosures = enclosed(call.name, mail, board)
            sends.append(self._send(call, {**enclosures, "vouched": vouched}))
        return Command(update=update, goto=sends)

    def _send(self, call: ToolCall, enclosures: Mapping[str, Any]) -> Any:
        from langgraph.types import Send

        task = {"task": str(call.arguments["task"]), **enclosures}
        return Send(call.name, {**task, "caller": self.parts.name, "call_id": call.id})


def report_key(caller: str, call_id: str) -> str:
    """Return the name of a report in the state: call ids are unique for one caller only."""
    return f"{caller}/{call_id}"


def report(update: Mapping[str, Any]) -> dict[str, Any]:
    """Make the report of a delegated node from what it left in the state."""
    return {
        "answer": update.get("answer", ""),
        "citations": list(update.get("citations", ())),
        "status": update.get("status", "done"),
        "reason": update.get("reason", ""),
        "abstained": update.get("abstained", False),
    }


def _result(call: ToolCall, data: Mapping[str, Any] | None) -> ToolResult:
    """Make the result of a delegation from the specialist's report."""
    if data is None:
        content = f"Error: {call.name} gave no report"
        return ToolResult(call_id=call.id, name=call.name, content=content, is_error=True)
    failed = data["status"] != "done" and not data["answer"]
    content = f"Error: {call.name} failed: {data['reason']}" if failed else data["answer"]
    if data["status"] != "done" and not failed:
        content += f"\n(incomplete: {data['reason']})"
    return ToolResult(
        call_id=call.id,
        name=call.name,
        content=content,
        is_error=failed,
        citations=tuple(Citation(**item) for item in data["citations"]),
    )
