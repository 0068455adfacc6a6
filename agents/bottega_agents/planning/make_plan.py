"""The tool with which a model gives its plan: a plan that cannot be run is sent back to it.

The loop does not run it. The call leaves the loop as a delegation does, and the planner takes the
plan from its arguments.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any, cast

from bottega.errors import ToolArgumentError
from bottega.messages import Json
from bottega.model import ToolSpec
from bottega.plan import MOST_TASKS, Plan, PlannedTask, problems
from bottega.tools import Tool

if TYPE_CHECKING:
    from bottega.signature import Signature

NAME = "make_plan"
DESCRIPTION = (
    "Make the plan: split the goal into tasks, each for one member of the team. Tasks that do not "
    "wait for each other are done at the same time. Each member sees only its own task and the "
    "results of the tasks that it waits for. The team:\n{team}"
)
_FIELDS = {
    "id": "a short name such as t1",
    "goal": "what to do or find out, with everything that is needed to do it",
    "owner": "who does it",
    "after": "ids of the tasks whose results it needs",
    "priority": "of tasks that could begin, those with higher numbers do first",
    "done_when": "what its result must say or do; empty where any answer will do",
}
_MARKS = ("status", "result", "reason")


@dataclass(frozen=True, kw_only=True)
class Draft:
    """A task as its maker writes it; see `PlannedTask`."""

    id: str
    goal: str
    owner: str
    after: tuple[str, ...] = ()
    priority: int = 0
    done_when: str = ""

    def task(self) -> PlannedTask:
        """Return the task, open."""
        return PlannedTask(
            id=self.id,
            goal=self.goal.strip(),
            owner=self.owner,
            after=tuple(dict.fromkeys(self.after)),
            priority=self.priority,
            done_when=self.done_when.strip(),
        )


class MakePlan(Tool):
    """Make or change a plan for a team."""

    name = NAME
    effects = "none"
    hand_off = True

    def __init__(self, team: Mapping[str, str], goal: str, under_way: Plan | None = None) -> None:
        """Take the members with their descriptions, and the plan that may be changed."""
        self._team = team
        self._goal = goal
        self._under_way = under_way

    def run(self, tasks: list[Draft], drop: tuple[str, ...] = (), reason: str = "") -> str:
        """Make a plan.

        Args:
            tasks: the tasks; to change a plan, only those that are new or given anew.
            drop: to change a plan, ids of tasks that are no longer needed.
            reason: why the plan is changed.
        """
        raise RuntimeError("a plan is carried out by the graph, not by the loop")

    @cached_property
    def signature(self) -> Signature:
        """The schema and validator of `run`, made once."""
        return _signature()

    @cached_property
    def spec(self) -> ToolSpec:
        """What the model is told: the shape of a plan, and who is there to do what."""
        listed = "\n".join(f"- {name}: {text or name}" for name, text in self._team.items())
        description = DESCRIPTION.format(team=listed)
        return ToolSpec(name=NAME, description=description, parameters=_schema(tuple(self._team)))

    def validate(self, arguments: Mapping[str, Json]) -> dict[str, Any]:
        """Return the arguments. Raises ToolArgumentError with every problem, one a line."""
        taken = super().validate(arguments)
        found = problems(self._plan(taken).tasks, self._team) + self._lost(taken)
        if found:
            raise ToolArgumentError("\n".join(["the plan cannot be run:", *found]))
        return taken

    def made(self, arguments: Mapping[str, Json]) -> Plan:
        """Return the plan of a call that was validated."""
        return self._plan(super().validate(arguments))

    def edited(self, value: Json, proposed: Plan) -> Plan:
        """Return the proposed plan as a person gives it: how far it is on is not for them to say.

        Raises ToolArgumentError as `validate` does.
        """
        data = cast("dict[str, Json]", value) if isinstance(value, dict) else {}
        given = data.get("tasks")
        if isinstance(given, list):
            given = [_unmarked(task) for task in cast("Sequence[Json]", given)]
        tasks = [one.task() for one in super().validate({"tasks": given})["tasks"]]
        plan = proposed.edited(tasks)
        found = problems(plan.tasks, self._team)
        if found:
            raise ToolArgumentError("\n".join(["the plan cannot be run:", *found]))
        return plan

    def _plan(self, taken: Mapping[str, Any]) -> Plan:
        drafts: Sequence[Draft] = taken["tasks"]
        tasks = tuple(draft.task() for draft in drafts)
        if self._under_way is None:
            return Plan(goal=self._goal, tasks=tasks)
        return self._under_way.revised(tasks, taken.get("drop", ()), taken.get("reason", ""))

    def _lost(self, taken: Mapping[str, Any]) -> list[str]:
        """Say which tasks of a change are given twice, or wait for what will never be done."""
        drafts: Sequence[Draft] = taken["tasks"]
        if self._under_way is None:
            return []
        names = [draft.id for draft in drafts]
        twice = dict.fromkeys(name for name in names if names.count(name) > 1)
        lost = {task.id: task for task in self._plan(taken).with_status("failed", "skipped")}
        return [f"two tasks have the id {name!r}" for name in twice] + [
            f"task {draft.id!r} waits for {name!r}, which is {lost[name].status}: give it anew, too"
            for draft in drafts
            for name in draft.after
            if name in lost
        ]


def _unmarked(task: Json) -> Json:
    """Leave out what the carrying out has written into a task."""
    if not isinstance(task, dict):
        return task
    fields = cast("dict[str, Json]", task)
    return {name: value for name, value in fields.items() if name not in _MARKS}


@cache
def _signature() -> Signature:
    from bottega.signature import Signature

    return Signature.of(MakePlan.run.__get__(object()), name=NAME)


@cache
def _schema(team: tuple[str, ...]) -> dict[str, Json]:
    """Return the schema with the names of the team, and with a word on each field of a task."""
    schema = deepcopy(dict(_signature().schema))
    task = schema["$defs"][Draft.__name__]
    task["description"] = "One task."
    fields = task["properties"]
    for name, text in _FIELDS.items():
        fields[name]["description"] = text
    fields["owner"]["enum"] = list(team)
    schema["properties"]["tasks"]["maxItems"] = MOST_TASKS
    return schema
