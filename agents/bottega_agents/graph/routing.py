"""A node of a team with its edges: it waits for its branches, works, and says where to go next.

The node's update becomes a LangGraph `Command`. A node that was asked by another one goes back to
it with its report, whatever its kind. What a node is without its edges is its kind's business.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

from bottega.events import Decision
from bottega.run import RunContext
from bottega.spec.model import END
from bottega.spec.ways import Way, chosen
from bottega_agents.communication.mail import carried
from bottega_agents.graph.branches import Parcel, facts, parcel, taken_out, view
from bottega_agents.graph.gates import through_gate
from bottega_agents.graph.plan import Plan, graph_end
from bottega_agents.graph.state import State, add
from bottega_agents.graph.surroundings import run_of
from bottega_agents.graph.watch import Watch, informed
from bottega_agents.roles.coordinator import report, report_key
from bottega_agents.roles.versions import restored
from bottega_agents.storage.visit import visit_name

if TYPE_CHECKING:
    from langchain_core.runnables import RunnableConfig

Run = Callable[..., Any]
REMARK = "remark"
"""Key of an update: what a node says beside its word, to whoever the word leads to."""
USED_UP = "the bound of `{edge}` is used up"


def delegated(node: Run) -> Run:
    """Wrap a node so that it reports back to the coordinator that asked it, when one did.

    The compiler wraps every node so; in a `StateGraph` built by hand it is the way to give a
    coordinator its specialists.
    """

    async def run(state: State, config: RunnableConfig) -> Any:
        from langgraph.types import Command

        if state.get("gate"):
            async with through_gate(state):
                update = await node(state, config)
        else:
            update = await node(state, config)
        caller = state.get("caller")
        if not caller or isinstance(update, Command):
            return cast("Any", update)
        key = report_key(caller, state.get("call_id", ""))
        back = {"reports": {key: report(update)}, "spent": update.get("spent", {})}
        back |= carried(update)
        if "elapsed" in update:
            back["elapsed"] = update["elapsed"]
        command: Any = Command(update=back, goto=caller)
        return command

    return run


class Routed:
    """A node with its edges."""

    def __init__(self, name: str, node: Run, plan: Plan, people: Sequence[str] = ()) -> None:
        self.name = name
        self._watch = Watch(name, people)
        self._node = delegated(self._watched(node))
        self._plan = plan
        self._ways = plan.ways[name]
        self._joins = name in plan.joins

    async def run(self, state: State, config: RunnableConfig) -> Any:
        """Do the node's work once nothing more can come to it. Returns a `Command`."""
        from langgraph.types import Command

        if state.get("caller"):
            return await self._node(state, config)
        underway = bool(state.get("underway", {}).get(self.name))
        if self._joins and not underway and self._plan.waits(self.name, state.get("tokens", {})):
            return {}
        seen = view(state, self.name, self._plan.names) if self._plan.counts else state
        update = await self._node(seen, config)
        if isinstance(update, Command):
            return self._handed_on(state, update, run_of(config))
        return self._led_on(state, seen, dict(update), config)

    def _watched(self, node: Run) -> Run:
        """Watch what a node leaves, where another one has asked it."""

        async def run(state: State, config: RunnableConfig) -> Any:
            left = await node(state, config)
            return self._watch.asked(state, left, run_of(config)) if state.get("caller") else left

        return run

    def _handed_on(self, state: State, command: Any, run: RunContext) -> Any:
        """Note that the node waits for work, not for branches; or that another takes its place."""
        update: dict[str, Any] = dict(command.update or {})
        self._watch.letters(state, update, run)
        passed = add(state.get("passed"), update.get("passed"))
        command = replace(command, update=update, goto=informed(command.goto, passed))
        if isinstance(command.goto, str) and command.goto != self.name:
            self._watch.over(command.goto, state, update, update, run)
            if self._plan.counts:
                boxes = state.get("inbox", {}).get(self.name, {})
                nodes = self._moved(state, update, [command.goto], boxes)
                return replace(command, update=update, goto=nodes)
            return replace(command, update=update)
        if not self._joins:
            return command
        return replace(command, update={**update, "underway": {self.name: True}})

    def _led_on(
        self, state: State, seen: State, update: dict[str, Any], config: RunnableConfig
    ) -> Any:
        from langgraph.types import Command

        left = parcel(seen, update, self.name)
        known = facts(state, left, update, update.get("verdict", ""))
        way, barred = chosen(self._ways, known, state.get("taken", {}))
        self._tell(way, barred, config)
        if barred and not known["failed"]:
            update |= _best_so_far(update, self.name)
            update |= {} if way else {"partial": True, "reason": USED_UP.format(edge=barred.edge)}
        run = run_of(config)
        self._watch.letters(state, update, run)
        way = self._watch.turned(way, state, update, run)
        left = parcel(seen, update, self.name) if self._plan.counts else left
        if barred and way is None and not known["failed"]:
            update |= {"partial": True, "reason": USED_UP.format(edge=barred.edge)}
        if way is not None and known["failed"]:
            update |= {"status": "done", "reason": ""}
        _pass_on(update, way, state)
        if not self._plan.counts:
            target = way.targets[0] if way else END
            return Command(update=update, goto=graph_end(target))
        update = {"status": left["status"], "reason": left["reason"], **update}
        goto = self._count(state, update, {visit_name(config): left}, way)
        return Command(update=update, goto=goto)

    def _tell(self, way: Way | None, barred: Way | None, config: RunnableConfig) -> None:
        """Say which way a condition or a bound has led."""
        edge = way.edge if way else None
        if barred is None and not (edge and (edge.condition or edge.otherwise)):
            return
        run_of(config).tell(
            Decision,
            self.name,
            question=f"where to after {self.name}?",
            verdict=", ".join(way.targets) if way else END,
            reason=USED_UP.format(edge=barred.edge) if barred else edge.label if edge else "",
        )

    def _count(
        self, state: State, update: dict[str, Any], parcels: Mapping[str, Parcel], way: Way | None
    ) -> list[str]:
        """Hand the branch's parcel on; return the nodes to visit next."""
        to_end = way is None and update["status"] == "done"
        targets = list(way.targets) if way else [END] if to_end else []
        if way is not None and way.edge.most is not None:
            update["taken"] = {way.key: 1.0}
        return self._moved(state, update, targets, parcels)

    def _moved(
        self,
        state: State,
        update: dict[str, Any],
        targets: Sequence[str],
        parcels: Mapping[str, Parcel],
    ) -> list[str]:
        """Move the branch's token and its parcels; return the nodes to visit next."""
        plan, tokens = self._plan, state.get("tokens", {})
        here = max(1.0, tokens.get(self.name, 1.0))
        update["tokens"] = {self.name: -here} | dict.fromkeys(targets, 1.0)
        update["inbox"] = {self.name: taken_out(state, self.name)}
        update["inbox"] |= dict.fromkeys(targets or self._nearest_joins(), parcels)
        if state.get("underway", {}).get(self.name):
            update["underway"] = {self.name: None}
        waiting = [name for name in plan.joins if self._is_nudged(name, state, targets)]
        nodes = map(plan.node_of, [*targets, *waiting])
        return [graph_end(name) for name in dict.fromkeys(nodes)]

    def _nearest_joins(self) -> list[str]:
        """Return where a branch that ends here would have come together with others."""
        after = self._plan.after.get(self.name, frozenset())
        joins = [name for name in self._plan.joins if name in after]
        later = {name for join in joins for name in self._plan.after.get(join, ())}
        return [name for name in joins if name not in later]

    def _is_nudged(self, name: str, state: State, targets: Sequence[str]) -> bool:
        """Say whether a join that may have waited for this branch is to look again."""
        waiting = state.get("tokens", {}).get(name, 0) > 0 and name != self.name
        if not waiting or name in targets or state.get("underway", {}).get(name):
            return False
        after = self._plan.after
        comes = name in after.get(self.name, ())
        return comes and not any(name in after.get(target, ()) for target in targets)


def _best_so_far(update: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return an update to the best version that a critic has seen, now that it sends none back."""
    best: Mapping[str, Any] | None = update.get("best", {}).get(name)
    return {**restored(best), "score": best["score"], "best": {name: None}} if best else {}


def _pass_on(update: dict[str, Any], way: Way | None, state: State) -> None:
    """Give what a node says beside its word to the nodes that the word leads to.

    A node that is asked again is told the word at least.
    """
    remark = update.pop(REMARK, None)
    if remark is None or way is None:
        return
    known = state.get("transcripts", {})
    said = {
        target: remark or (update["verdict"] if target in known else "") for target in way.targets
    }
    heard = {name: text for name, text in said.items() if text and name != END}
    update["feedback"] = {**update.get("feedback", {}), **heard}
