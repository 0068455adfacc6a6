"""A plan under way, as it lies in the state between two visits of its planner."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from bottega.messages import Citation
from bottega.plan import Plan, PlannedTask
from bottega_agents.graph.state import State
from bottega_agents.roles.coordinator import report_key

Cited = Mapping[str, Sequence[Mapping[str, Any]]]


@dataclass(frozen=True, kw_only=True)
class Course:
    """How far a plan is on, and what goes with it."""

    plan: Plan
    run: str = ""
    """The run that it belongs to; a thread sees several."""
    cited: Cited = field(default_factory=dict[str, Sequence[Mapping[str, Any]]])
    """Per task: the passages behind its result, as plain JSON values."""
    tried: Mapping[str, Sequence[str]] = field(default_factory=dict[str, Sequence[str]])
    """Per task: who has done it so far, for plans that are changed without a model."""
    refused: str = ""
    """Why a person refused the plan; empty where nobody did."""
    trouble: str = ""
    """What speaks against going on as planned; empty where all is well."""
    over: bool = False
    """Whether the planner has answered."""

    @staticmethod
    def of(state: State, name: str) -> Course | None:
        """Return the plan that a planner has under way; None where it begins anew.

        A plan that was carried out is under way again when its answer was sent back.
        """
        data = state.get("plans", {}).get(name)
        if not data or data["run"] != state.get("run", ""):
            return None
        if data["over"] and not state.get("feedback", {}).get(name):
            return None
        fields: dict[str, Any] = {**data, "plan": Plan.from_json(data["plan"])}
        return Course(**fields)

    def to_state(self) -> dict[str, Any]:
        """Return the course as plain JSON values for the state."""
        return {
            "plan": self.plan.to_json(),
            "run": self.run,
            "cited": {name: list(items) for name, items in self.cited.items()},
            "tried": {name: list(owners) for name, owners in self.tried.items()},
            "refused": self.refused,
            "trouble": self.trouble,
            "over": self.over,
        }

    @property
    def citations(self) -> tuple[Citation, ...]:
        """The passages behind all results, each once."""
        found = {item["key"]: item for items in self.cited.values() for item in items}
        return tuple(Citation(**item) for item in found.values())

    def call_id(self, task: PlannedTask) -> str:
        """Name one attempt at a task: a task that is given anew is another call."""
        return f"{self.plan.number}.{task.id}"

    def reported(self, caller: str, reports: Mapping[str, Any]) -> Course:
        """Return the course with what came of the tasks that were running."""
        plan, cited = self.plan, dict(self.cited)
        for task in plan.with_status("running"):
            report = reports.get(report_key(caller, self.call_id(task)))
            plan = plan.changed(task.id, **_came_of(task, report))
            if report and report["citations"] and plan.task(task.id).result:
                cited[task.id] = report["citations"]
        return replace(self, plan=plan, cited=cited)

    def read(self, caller: str) -> dict[str, None]:
        """Return an update that takes away the reports of tasks that were running."""
        running = self.plan.with_status("running")
        return {report_key(caller, self.call_id(task)): None for task in running}


def _came_of(task: PlannedTask, report: Mapping[str, Any] | None) -> dict[str, str]:
    """Return what a report makes of a task.

    An owner that abstains has not done it; one that met a limit may have a part of the result.
    """
    if report is None:
        return {"status": "failed", "reason": f"{task.owner} gave no report"}
    answer, status = report["answer"].strip(), report["status"]
    if status != "done":
        return {"status": "failed", "result": answer, "reason": report["reason"] or status}
    if report["abstained"] or not answer:
        return {"status": "failed", "reason": answer or f"{task.owner} gave no answer"}
    return {"status": "done", "result": answer}
