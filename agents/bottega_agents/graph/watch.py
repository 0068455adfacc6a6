"""Watching what goes from node to node: the same work to and fro is noticed, told and ended.

The second time it is an event, and the agents that it concerns are told. The third time it ends: a
person decides, where the graph has a `human` node, else the run stops and says who did what how
often. What a person hands on is not watched; edges with a bound of their own, and hand-overs, which
have one, are not stopped.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bottega.events import Stuck
from bottega.rounds import NOTICED, STOPPED, Rounds, told
from bottega.run import RunContext
from bottega.spec.model import END, EdgeSpec
from bottega.spec.ways import Way
from bottega_agents.communication.mail import letter
from bottega_agents.graph.state import State

ABOUT = "This has been noticed"
HINT = "{what}. Go about it in another way, or say that it cannot be done."


@dataclass(frozen=True, slots=True)
class Watch:
    """What leaves one node."""

    name: str
    people: Sequence[str]
    """Nodes at which a person decides."""

    def turned(
        self, way: Way | None, state: State, update: dict[str, Any], run: RunContext
    ) -> Way | None:
        """Return the way that is taken after all; what is to be said of it is in the update."""
        if update.get("status", "done") != "done":
            why = update.get("stuck", "")
            return self._to_person(why, update, run) if why and way is None else way
        if way is None or self.name in self.people:
            return way
        times, what = self.notice(way.targets, state, update, run)
        most = run.meter.repeats
        if way.edge.most is not None or most is None or times < min(STOPPED, most):
            return self._tell(what or state.get("stuck", ""), way, state, update, run)
        update |= {"status": "budget", "reason": what, "partial": True, "stuck": what}
        return self._to_person(what, update, run)

    def notice(
        self, targets: Sequence[str], state: State, update: dict[str, Any], run: RunContext
    ) -> tuple[int, str]:
        """Return how often the same has gone this way; from the second time on, what is told."""
        rounds = Rounds(state.get("passed", {}))
        agents = [name for name in targets if name != END and name not in self.people]
        times = {name: self._note(name, rounds, state, update) for name in agents}
        update["passed"] = rounds.new
        often = max(times, key=lambda name: times[name], default="")
        if not often or times[often] < NOTICED:
            return 0, ""
        what = told(self.name, often, times[often])
        run.tell(Stuck, self.name, what=what, times=times[often])
        return times[often], what

    def _note(self, target: str, rounds: Rounds, state: State, update: dict[str, Any]) -> int:
        answer = update.get("answer", state.get("answer", ""))
        feedback = update.get("feedback", {}).get(target, "")
        return rounds.note(self.name, target, state.get("task", ""), answer, feedback)

    def _tell(
        self, what: str, way: Way, state: State, update: dict[str, Any], run: RunContext
    ) -> Way:
        """Tell the agents that are asked again; where none is, it waits for the next that is."""
        known = state.get("transcripts", {})
        agents = [name for name in way.targets if name in known]
        if what and agents:
            for name in agents:
                self._write(name, HINT.format(what=what), update, run)
        update["stuck"] = "" if agents else what
        return way

    def _to_person(self, what: str, update: dict[str, Any], run: RunContext) -> Way | None:
        if not self.people:
            return None
        update |= {"status": "done", "reason": "", "stuck": ""}
        self._write(self.people[0], what, update, run)
        return Way(edges=(EdgeSpec(source=self.name, target=self.people[0]),))

    def _write(self, to: str, text: str, update: dict[str, Any], run: RunContext) -> None:
        key = f"{run.run_id}/stuck/{self.name}/{to}"
        entry = {**letter(to, ABOUT, text), "run": run.run_id}
        update["mail"] = {**update.get("mail", {}), key: entry}
