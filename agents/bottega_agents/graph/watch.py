"""Watching what goes from node to node: the same work to and fro is noticed, told and ended.

The second time it is an event, and the agents that it concerns are told. A task that is handed over
stays then where it is. What goes along an edge ends the third time: a person decides, where the
graph has a `human` node, else the run stops and says who did what how often. A message that says
the same about the same task is not delivered the third time. What a person hands on is not watched;
edges with a bound of their own are not stopped.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

from bottega.events import Stuck
from bottega.rounds import NOTICED, STOPPED, WRITES, Rounds, repeated, told, words
from bottega.run import RunContext
from bottega.spec.model import END, EdgeSpec
from bottega.spec.ways import Way
from bottega_agents.communication.handoff import FOUND, LAST_TIME
from bottega_agents.communication.mail import letter
from bottega_agents.graph.state import State, add

ABOUT = "This has been noticed"
HINT = "{what}. Go about it in another way, or say that it cannot be done."
STAYS = "{what}. It stays with you now: do it, or say why it cannot be done."


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
        times, what = self._notice(way.targets, state, update, run)
        most = run.meter.repeats
        if way.edge.most is not None or most is None or times < min(STOPPED, most):
            return self._tell(what or state.get("stuck", ""), way, state, update, run)
        update |= {"status": "budget", "reason": what, "partial": True, "stuck": what}
        return self._to_person(what, update, run)

    def asked(self, state: State, left: Any, run: RunContext) -> Any:
        """Return what a node leaves after all that another one has asked."""
        from langgraph.types import Command, Send

        update: dict[str, Any]
        if not isinstance(left, Command):
            update = dict(left)
            self.letters(state, update, run)
            return update
        command: Any = cast("Any", left)
        update = dict(command.update or {})
        self.letters(state, update, run)
        if isinstance(command.goto, str):
            return replace(command, update=update)
        goto: list[Any] = []
        for send in command.goto:
            passed_on = dict(send.arg)
            self.over(send.node, state, passed_on, update, run)
            passed_on["passed"] = add(state.get("passed"), update.get("passed"))
            goto.append(cast("Any", Send(send.node, passed_on)))
        return replace(command, update=update, goto=goto)

    def over(
        self,
        to: str,
        state: State,
        passed_on: dict[str, Any],
        update: dict[str, Any],
        run: RunContext,
    ) -> None:
        """Watch a task that is handed over; `passed_on` is what the other one gets of it."""
        taken = passed_on.get("handovers", {}).get(to)
        if taken is None:
            return
        rounds = Rounds(state.get("passed", {}))
        times = rounds.note(self.name, to, state.get("task", ""), taken.get(FOUND, ""))
        update["passed"] = {**update.get("passed", {}), **rounds.new}
        if times < NOTICED:
            return
        what = told(self.name, to, times)
        run.tell(Stuck, self.name, what=what, times=times)
        if run.meter.repeats is None:
            self._write(to, HINT.format(what=what), passed_on, run)
            return
        passed_on["handovers"] = {**passed_on["handovers"], to: {**taken, LAST_TIME: what}}
        self._write(to, STAYS.format(what=what), passed_on, run)

    def letters(self, state: State, update: dict[str, Any], run: RunContext) -> None:
        """Watch what the node has written to others; what is not delivered leaves the update."""
        mail: dict[str, Any] = update.get("mail") or {}
        mine = {key: one for key, one in mail.items() if one and _is_message(one, self.name)}
        rounds, kept = Rounds(state.get("passed", {})), dict(mail)
        for key, one in mine.items():
            matter = (state.get("task", ""), " ".join(one["text"].split()))
            times = rounds.note(self.name, one["to"], *matter, how=WRITES)
            if times < NOTICED:
                continue
            what = repeated(self.name, one["to"], times)
            run.tell(Stuck, self.name, what=what, times=times)
            if times >= STOPPED and run.meter.repeats is not None:
                del kept[key]
            told_to = {"mail": kept}
            for name in (self.name, one["to"]):
                self._write(name, HINT.format(what=what), told_to, run)
            kept = told_to["mail"]
        if mine:
            update["mail"] = kept
            update["passed"] = {**update.get("passed", {}), **rounds.new}

    def _notice(
        self, targets: Sequence[str], state: State, update: dict[str, Any], run: RunContext
    ) -> tuple[int, str]:
        """Return how often the same has gone this way; from the second time on, what is told."""
        rounds = Rounds(state.get("passed", {}))
        agents = [name for name in targets if name != END and name not in self.people]
        times = {name: self._note(name, rounds, state, update) for name in agents}
        update["passed"] = {**update.get("passed", {}), **rounds.new}
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


def _is_message(entry: Mapping[str, Any], sender: str) -> bool:
    """Say whether it is a node's own message, not a task that it hands over or what is noticed."""
    return entry.get("from") == sender and "run" not in entry


def informed(goto: Any, passed: Mapping[str, float]) -> Any:
    """Return where a node sends work, with what was written to whom how often."""
    from langgraph.types import Send

    known = words(passed)
    if not known or isinstance(goto, str):
        return goto
    return [cast("Any", Send(send.node, {**send.arg, "passed": known})) for send in goto]
