"""Carrying out a fork: the journals of the new run begin with what the old run had written down.

The graph is run from its start. Each visit finds in its journal what the same visit of the old run
had done before the fork, and takes it as its own: nothing of that is run. Where the graph goes a
way before the fork that the old run did not go, the fork is refused, rather than to call tools
again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, cast

from bottega.engine import Job, Team
from bottega.errors import InputError
from bottega.fork import Fork
from bottega.history import OPENING
from bottega.messages import Json
from bottega.place import place
from bottega.runs import Run
from bottega.trace import Entry, Recorded, Visit
from bottega_agents.graph.state import State
from bottega_agents.replay.reading import recorded, thread_in
from bottega_agents.storage.journal import LogJournal, NodeJournal
from bottega_agents.storage.pruning import forget
from bottega_agents.storage.visit import earlier_by, visit_step

SEEDS = "seeds"
"""Key under which a run's context keeps what it shares with the run that it was forked from."""
_LOGS = (
    "INSERT INTO bottega_logs (thread, task, run, visit) "
    "SELECT CAST(? AS TEXT), task, run, visit FROM bottega_logs "
    "WHERE thread = ? AND log < ? ORDER BY log ON CONFLICT (thread, task) DO NOTHING"
)
_ENTRIES = (
    "INSERT INTO bottega_journal (log, number, key, value, at, crc) "
    "SELECT n.log, j.number, j.key, j.value, j.at, j.crc FROM bottega_journal AS j "
    "JOIN bottega_logs AS o ON o.log = j.log "
    "JOIN bottega_logs AS n ON n.task = o.task AND n.thread = ? "
    "WHERE o.thread = ? AND o.log < ? ON CONFLICT (log, number) DO NOTHING"
)


@dataclass(slots=True)
class Seeds:
    """What the visits of a fork begin with."""

    fork: Fork
    visits: Mapping[str, Visit]
    """Those of the old run, by their names in the new one."""
    instructions: str = ""
    """Of the forked node, before they were changed."""
    changed: bool = True
    """Whether the graph may be another one: then a visit that wrote nothing down counts, too."""
    begins: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """The state of the old run's thread before it began."""
    tasks: dict[str, str] = field(default_factory=dict[str, str])
    """The engine's names of the new run's visits, by name."""
    reached: bool = False
    """Whether the new run has come to where it leaves the old one."""

    async def sow(self, journal: NodeJournal) -> None:
        """Give a visit what the old run's visit had done. Raises InputError for one too many."""
        name = place().partition("/")[2]
        if not isinstance(journal, LogJournal) or journal.ref is None:
            return
        self.tasks[name] = journal.ref["task"]
        visit = self.visits.get(name)
        if visit is None and self.changed and not self.reached:
            raise InputError(
                f"the graph comes to {name}, where run {self.fork.run} never was, before the fork",
                hint="fork with a graph that goes the same way up to there",
            )
        shared = {} if visit is None else self._shared(visit)
        self.reached = self.reached or (visit is not None and visit.log == self.fork.log)
        missing = {key: value for key, value in shared.items() if key not in journal.entries}
        for key, value in missing.items():
            await journal.write(key, value)
        journal.entries = {**journal.entries, **missing}

    def _shared(self, visit: Visit) -> dict[str, Json]:
        """Return the entries of a visit that the new run has, too."""
        fork = self.fork
        if visit.log == fork.log:
            before = [entry for entry in visit.entries if entry.number < fork.entry]
        else:
            limit = (fork.at, fork.log)
            before = [entry for entry in visit.entries if (entry.at, visit.log) <= limit]
        entries = {entry.key: entry.value for entry in before}
        entries |= _outcomes(entries, visit.entries)
        if OPENING in entries:
            entries[OPENING] = self._opening(visit, entries[OPENING])
        return entries | dict(fork.instead) if visit.log == fork.log else entries

    def _opening(self, visit: Visit, entry: Mapping[str, Json]) -> dict[str, Json]:
        """Return an opening that points at the new run's visits, and has its instructions."""
        before, changed = entry["before"], dict(entry)
        if before is not None:
            names = {one.task: name for name, one in self.visits.items()}
            task = self.tasks.get(names.get(before["task"], ""), before["task"])
            changed["before"] = {**before, "task": task}
        if self.fork.prompt is not None and visit.node == self.fork.node:
            messages = [self._prompted(message) for message in entry["messages"]]
            changed["messages"] = messages
        return changed

    def _prompted(self, message: Mapping[str, Json]) -> Mapping[str, Json]:
        if message["role"] != "system" or self.fork.prompt is None:
            return message
        part = message["parts"][0]
        text, old = part["text"], self.instructions
        new = text.replace(old, self.fork.prompt) if old else f"{text}\n\n{self.fork.prompt}"
        return {**message, "parts": [{**part, "text": new}, *message["parts"][1:]]}


def _outcomes(entries: Mapping[str, Json], later: tuple[Entry, ...]) -> dict[str, Json]:
    """Return the results of calls that had begun by then, and must not be made again."""
    begun = {key.replace("/intent/", "/result/") for key in entries if "/intent/" in key}
    return {entry.key: entry.value for entry in later if entry.key in begun}


async def seeds_for(fork: Fork, job: Job, name: str, saver: Any, register: Any) -> Seeds:
    """Read what a fork shares with the run that it leaves. Raises InputError, StorageError."""
    old = await recorded(saver, await register.get(fork.run))
    if not any(visit.log == fork.log for visit in old.visits):
        raise InputError(
            f"run {fork.run}, which this run was forked from, is no longer kept",
            hint="start a new run",
        )
    new = Run(run_id=job.run_id, thread="", name=name, task="")
    digest = old.run.origin.get("digest")
    opened = {visit.name: visit.task for visit in (await recorded(saver, new)).visits}
    shift, begins = await _before(saver, old)
    if old.earlier:
        await _copy(saver, old, job.run_id)
    return Seeds(
        fork=fork,
        visits={earlier_by(visit.name, shift): visit for visit in old.visits},
        changed=digest is None or digest != job.origin.get("digest"),
        begins=begins,
        tasks=opened,
        reached=earlier_by(fork.visit, shift) in opened,
    )


async def withdrawn(job: Job, name: str, saver: Any, seeds: Seeds | None) -> bool:
    """Remove a fork that was refused, with all that it left.

    False where a branch has gone its own way meanwhile: what it did is not forgotten.
    """
    new = Run(run_id=job.run_id, thread="", name=name, task="")
    visits: Mapping[str, Visit] = seeds.visits if seeds else {}
    for visit in (await recorded(saver, new)).visits:
        old = visits.get(visit.name)
        told = old.known if old else {}
        if any(told.get(key) != value for key, value in visit.known.items() if key != OPENING):
            return False
    await saver.adelete_thread(job.run_id)
    await forget(saver.database, job.run_id)
    return True


async def _before(saver: Any, old: Recorded) -> tuple[int, dict[str, Any]]:
    """Return by how many super-steps the old run began late, and its thread's state before it."""
    thread = thread_in(old.run)
    first = min(visit_step(visit.name) for visit in old.visits)
    config = {"configurable": {"thread_id": thread, "checkpoint_ns": ""}}
    async for found in saver.alist(config, filter={"source": "input"}):
        step = found.metadata["step"]
        if step < first:
            values = cast("Mapping[str, Any]", found.checkpoint["channel_values"])
            values = {**values, **values.get("__start__", {})}  # a fork was given them at its start
            kept = {key: values[key] for key in State.__annotations__ if key in values}
            return step + 1, kept
    return 0, {}


async def _copy(saver: Any, old: Recorded, thread: str) -> None:
    """Give the new thread the journals of the old one's earlier runs."""
    first, source = min(visit.log for visit in old.visits), thread_in(old.run)
    await saver.database.do(_LOGS, thread, source, first)
    await saver.database.do(_ENTRIES, thread, source, first)


def with_prompt(team: Team, fork: Fork) -> tuple[Team, str]:
    """Return the team with the fork's instructions, and what the node had before.

    Raises InputError when the graph has no such node.
    """
    if fork.prompt is None:
        return team, ""
    return _instructed(team, fork.node.split("/"), fork.prompt)


def _instructed(team: Team, path: list[str], prompt: str) -> tuple[Team, str]:
    parts = team.parts.get(path[0])
    if parts is None:
        raise InputError(f"the graph has no node {path[0]!r} to give other instructions to")
    before, changed = parts.instructions, replace(parts, instructions=prompt)
    if len(path) > 1:
        if parts.team is None:
            raise InputError(f"node {path[0]!r} is no graph with nodes of its own")
        inner, before = _instructed(parts.team, path[1:], prompt)
        changed = replace(parts, team=inner)
    return replace(team, parts={**team.parts, path[0]: changed}), before
