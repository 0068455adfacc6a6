"""A plan as data: tasks that wait for each other, who does each, how far on they are.

    open -> running -> done | failed          open -> skipped

A plan is shown, edited by a person, kept in the state and in the trace; every change makes a new
one. Who makes plans and who carries them out is the business of a kind of agent.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from bottega.errors import suggest
from bottega.messages import Json
from bottega.spec.walk import cycles, reached

TaskStatus = Literal["open", "running", "done", "failed", "skipped"]

MOST_TASKS = 50
"""Tasks of one plan, those that are over included."""
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,39}")
_WENT = {"failed": "failed", "skipped": "was skipped"}


@dataclass(frozen=True, kw_only=True, slots=True)
class PlannedTask:
    """One piece of work for one agent."""

    id: str
    """A short name, unique in its plan: letters, digits, `_`, `.` and `-`."""
    goal: str
    """What to do or to find out, with everything that is needed to do it."""
    owner: str = ""
    """Who does it."""
    after: tuple[str, ...] = ()
    """Ids of the tasks whose results it needs."""
    priority: int = 0
    """Of tasks that could begin, those with higher numbers do first."""
    done_when: str = ""
    """What its result must do; empty where any answer will do."""
    status: TaskStatus = "open"
    result: str = ""
    """What its owner reported."""
    reason: str = ""
    """Why it failed or was skipped."""

    @property
    def over(self) -> bool:
        """Whether nothing more will come of it."""
        return self.status not in ("open", "running")

    def to_json(self) -> dict[str, Json]:
        """Return the task as a JSON object."""
        fields = {name: getattr(self, name) for name in self.__slots__}
        return {**fields, "after": list(self.after)}

    @staticmethod
    def from_json(data: Mapping[str, Json]) -> PlannedTask:
        """Read what `to_json` wrote."""
        fields: dict[str, Json] = {**data, "after": tuple(data["after"])}
        return PlannedTask(**fields)


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """Tasks on the way to a goal."""

    goal: str
    tasks: tuple[PlannedTask, ...] = ()
    number: int = 1
    """Which plan for its goal this is: each change by its maker counts one up."""

    def to_json(self) -> dict[str, Json]:
        """Return the plan as a JSON object."""
        tasks = [task.to_json() for task in self.tasks]
        return {"goal": self.goal, "number": self.number, "tasks": tasks}

    @staticmethod
    def from_json(data: Mapping[str, Json]) -> Plan:
        """Read what `to_json` wrote."""
        tasks = tuple(PlannedTask.from_json(item) for item in data["tasks"])
        return Plan(goal=data["goal"], number=data["number"], tasks=tasks)

    def task(self, name: str) -> PlannedTask:
        """Return the task of that id. Raises KeyError."""
        for task in self.tasks:
            if task.id == name:
                return task
        raise KeyError(name)

    def with_status(self, *statuses: TaskStatus) -> tuple[PlannedTask, ...]:
        """Return the tasks of these statuses, in the plan's order."""
        return tuple(task for task in self.tasks if task.status in statuses)

    @property
    def ready(self) -> tuple[PlannedTask, ...]:
        """The tasks that can begin now, the most urgent first.

        A task is as urgent as the most urgent of those that wait for it.
        """
        done = {task.id for task in self.with_status("done")}
        ready = [task for task in self.with_status("open") if done.issuperset(task.after)]
        urgency = self._urgency() if len(ready) > 1 else {}
        return tuple(sorted(ready, key=lambda task: -urgency.get(task.id, 0)))

    def _urgency(self) -> dict[str, int]:
        """Return the priority of each open task, or that of the most urgent one behind it."""
        behind: dict[str, list[str]] = {task.id: [] for task in self.tasks}
        for task in self.with_status("open"):
            for name in task.after:
                behind[name].append(task.id)
        priority = {task.id: task.priority for task in self.tasks}
        return {name: max(priority[one] for one in reached([name], behind)) for name in behind}

    # -- what happens to it

    def changed(self, name: str, **fields: Any) -> Plan:
        """Return the plan with other fields of one task."""
        tasks = (replace(task, **fields) if task.id == name else task for task in self.tasks)
        return replace(self, tasks=tuple(tasks))

    def started(self, names: Collection[str]) -> Plan:
        """Return the plan with these tasks running."""
        plan = self
        for name in names:
            plan = plan.changed(name, status="running")
        return plan

    def skipped(self, names: Iterable[str], reason: str) -> Plan:
        """Return the plan without those of the tasks that are still open."""
        dropped = set(names)
        tasks = (
            replace(task, status="skipped", reason=reason)
            if task.id in dropped and task.status == "open"
            else task
            for task in self.tasks
        )
        return replace(self, tasks=tuple(tasks))

    def without_hopeless(self) -> Plan:
        """Return the plan with every task skipped that waits for one that will not be done."""
        plan = self
        while (found := plan._hopeless()) is not None:
            task, lost = found
            why = f"it needs the result of {lost.id}, which {_WENT[lost.status]}"
            plan = plan.skipped([task.id], why)
        return plan

    def _hopeless(self) -> tuple[PlannedTask, PlannedTask] | None:
        """Return an open task and one that it waits for in vain."""
        lost = {task.id: task for task in self.with_status("failed", "skipped")}
        for task in self.with_status("open"):
            for name in task.after:
                if name in lost:
                    return task, lost[name]
        return None

    def revised(
        self, tasks: Sequence[PlannedTask], drop: Iterable[str] = (), reason: str = ""
    ) -> Plan:
        """Return the next plan: tasks added or given anew, others dropped, the rest as it is.

        What is done stays done, even where it is given again.
        """
        done = {task.id for task in self.with_status("done")}
        given = {task.id: task for task in tasks if task.id not in done}
        kept = tuple(given.pop(task.id, task) for task in self.tasks)
        added = tuple(given.values())
        plan = replace(self, tasks=(*kept, *added), number=self.number + 1)
        return plan.skipped(set(drop) - {task.id for task in tasks}, reason or "no longer needed")

    def edited(self, tasks: Sequence[PlannedTask]) -> Plan:
        """Return the plan as a person wants it: what is done stays, the rest is as given."""
        done = self.with_status("done")
        names = {task.id for task in done}
        return replace(self, tasks=(*done, *(task for task in tasks if task.id not in names)))


def problems(
    tasks: Sequence[PlannedTask], owners: Collection[str], most: int = MOST_TASKS
) -> list[str]:
    """Say what keeps tasks from being a plan, a line each; nothing when all is well."""
    names = [task.id for task in tasks]
    found = [] if tasks else ["the plan has no tasks"]
    if len(tasks) > most:
        found.append(f"the plan has {len(tasks)} tasks, at most {most} are carried out")
    twice = {name: None for name in names if names.count(name) > 1} if len(names) <= most else {}
    found += [f"two tasks have the id {name[:60]!r}" for name in twice]
    for task in tasks[:most]:
        found += _misfits(task, names, owners)
    waiting = {task.id: [name for name in task.after if name != task.id] for task in tasks[:most]}
    onward = {name: [one for one in after if one in waiting] for name, after in waiting.items()}
    for circle in cycles(onward):
        found.append(f"tasks wait for each other: {' -> '.join(circle)}")
    return found


def _misfits(task: PlannedTask, names: Sequence[str], owners: Collection[str]) -> list[str]:
    """Say what is wrong with one task."""
    found: list[str] = []
    label = f"task {task.id[:60]!r}"
    if not _ID.fullmatch(task.id):
        found.append(f"{label}: an id is up to 40 letters, digits, `_`, `.` and `-`")
    if not task.goal.strip():
        found.append(f"{label} has no goal")
    if task.owner not in owners:
        found.append(f"{label}: unknown owner {task.owner[:60]!r}; {suggest(task.owner, owners)}")
    for name in task.after:
        if name == task.id:
            found.append(f"{label} waits for itself")
        elif name not in names:
            hint = suggest(name, [one for one in names if one != task.id])
            found.append(f"{label} waits for {name[:60]!r}, which is no task; {hint}")
    return found
