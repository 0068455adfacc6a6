"""The kind `graph`: another graph file, used as one agent.

It is compiled as a LangGraph graph of its own and run within the node, so that its nodes are
checkpointed, drawn and streamed with those around it, and interrupts in it are interrupts of the
whole. Its state is its own; what its nodes remember lies with the node between two visits.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast

from bottega.budget import UNLIMITED, Budget
from bottega.engine import Team
from bottega.events import Event, NodeEnded, NodeStarted
from bottega.messages import citation_to_json
from bottega.node import AgentParts
from bottega.run import RunContext
from bottega.spec.model import GraphSpec
from bottega_agents.communication.mail import as_messages, cited_in, mail_for
from bottega_agents.graph.state import State
from bottega_agents.graph.surroundings import run_of, with_run
from bottega_agents.roles.specialist import REMARK, SO_FAR
from bottega_agents.storage.calls import called

if TYPE_CHECKING:
    from langchain_core.runnables import RunnableConfig

    from bottega.meter import Meter

KEPT = ("transcripts", "best", "panels")
"""The fields of the inner state that the next visit begins with."""
LEFT = ("answer", "citations", "abstained", "partial", "score")


@dataclass(frozen=True, kw_only=True)
class InnerGraph:
    """The kind `graph`."""

    graph: GraphSpec
    """The inner graph, checked."""
    delegates: Sequence[str] = ()
    refers: Sequence[str] = ()
    outcomes: Sequence[str] = ()
    bound: int | None = None

    def build(self, parts: AgentParts) -> Callable[..., Any]:
        """Return the LangGraph node. The inner graph's team is among the parts."""
        if parts.team is None:
            raise TypeError(f"node {parts.name!r} stands for a graph, and has no team")
        return GraphNode(parts.name, parts.team).run


class GraphNode:
    """An inner graph at work."""

    def __init__(self, name: str, team: Team) -> None:
        from bottega_agents.graph.compiler import compile_team

        self.name = name
        self.inner: Any = compile_team(team)
        limits = team.spec.limits
        self._limits = UNLIMITED if limits == Budget() else limits

    async def run(self, state: State, config: RunnableConfig) -> dict[str, Any]:
        """Run the inner graph on the state's task. Returns an update with what it came to."""
        run = run_of(config)
        run.tell(NodeStarted, self.name, role="graph", task=state.get("task", ""))
        meter = run.meter.lease(self._limits)
        inside = with_run(config, self._view(run, meter, state))
        await self._count_earlier(inside, meter)
        values = await called(self.inner, "invoke", self._begins(state), inside)
        status, reason = values.get("status", "done"), values.get("reason", "")
        run.tell(NodeEnded, self.name, status=status, reason=reason)
        update = {key: values[key] for key in LEFT if values.get(key) is not None}
        update |= {"status": status, "reason": reason, "feedback": {self.name: ""}}
        if update.get("answer"):
            update["author"] = self.name
        if not state.get("caller"):
            kept = {key: values[key] for key in KEPT if values.get(key)}
            update["inner"] = {self.name: kept}
        read = mail_for(self.name, state.get("mail", {}))
        return {**update, "mail": dict.fromkeys(read)} if read else update

    def _view(self, run: RunContext, meter: Meter, state: State) -> RunContext:
        """Return the run as the inner nodes see it: their events bear this node's name, too."""
        caller, call_id = state.get("caller", ""), state.get("call_id", "")
        place = f"{caller}/{call_id}/{self.name}/" if caller else f"{self.name}/"

        def emit(event: Event) -> None:
            run.emit(replace(event, node=f"{self.name}/{event.node}") if event.node else event)

        within, graphs = f"{run.within}{place}", f"{run.graphs}{self.name}/"
        return replace(run, meter=meter, emit=emit, within=within, graphs=graphs)

    def _begins(self, state: State) -> dict[str, Any]:
        """Return the state that the inner graph begins with."""
        known: Mapping[str, Any] = state.get("inner", {}).get(self.name, {})
        kept: Mapping[str, Any] = {} if state.get("caller") else known
        letters = mail_for(self.name, state.get("mail", {})).values()
        cited = [*state.get("citations", ()), *map(citation_to_json, cited_in(letters).values())]
        begins = {"task": self._task(state), "run": state.get("run", ""), "citations": cited}
        return {**kept, **begins, "status": "done"}

    def _task(self, state: State) -> str:
        """Return the task as its first nodes read it: with what was found and said before."""
        task, name = state.get("task", ""), self.name
        answer, author = state.get("answer", ""), state.get("author", "")
        if answer and author not in ("", name):
            task = SO_FAR.format(task=task, author=author, answer=answer)
        elif answer:
            task = SO_FAR.format(task=task, author="you", answer=answer)
        feedback = state.get("feedback", {}).get(name)
        if feedback:
            task = REMARK.format(task=task, feedback=feedback)
        letters = mail_for(name, state.get("mail", {})).values()
        told = [message.text for message in as_messages(letters, state.get("run", ""))]
        return "\n\n".join([*told, task])

    async def _count_earlier(self, config: RunnableConfig, meter: Meter) -> None:
        """Count what the inner graph had spent before a restart: its nodes do not run again."""
        if not cast("Mapping[str, Any]", config.get("configurable", {})).get(_RESUMING):
            return
        values = (await called(self.inner, "get_state", config)).values
        meter.count(values.get("spent", {}))


_RESUMING = "__pregel_resuming"
