"""Plans as the terminal shows them: a short list with states, then a line for what changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bottega.escape import one_line
from bottega.events import PlanMade, TaskChanged
from bottega.messages import Json

STATES = {"open": "○", "running": "◐", "done": "✓", "failed": "✗", "skipped": "⊘"}
_STYLES = {"running": "dim", "done": "green", "failed": "red", "skipped": "yellow"}
_LONGEST_NAME = 40
_LONGEST_TEXT = 160


def plan_line(event: PlanMade) -> tuple[str, str, str]:
    """Return the mark, the text and the style of a plan's first line."""
    plan, why = event.plan, f" ({one_line(event.reason)})" if event.reason else ""
    what = "plan" if plan["number"] == 1 else f"plan {plan['number']}"
    count = len(plan["tasks"])
    return "☰", f"{what}: {count} task{'' if count == 1 else 's'}{why}", "bold"


def task_lines(plan: Mapping[str, Json]) -> list[str]:
    """Return a line a task: how far it is on, its name, who does it, what it waits for."""
    rows = [_cells(task) for task in plan["tasks"]]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)][:-1]
    return [
        "  ".join([*map(str.ljust, row, widths), row[-1]])  # the last one is as long as it is
        for row in rows
    ]


def _cells(task: Mapping[str, Json]) -> Sequence[str]:
    after = ", ".join(one_line(name, _LONGEST_NAME) for name in task["after"])
    goal = one_line(task["goal"], _LONGEST_TEXT) + (f"  (after {after})" if after else "")
    name, owner = one_line(task["id"], _LONGEST_NAME), one_line(task["owner"], _LONGEST_NAME)
    return (STATES.get(task["status"], "?"), name, owner, goal)


def change_line(event: TaskChanged) -> tuple[str, str, str]:
    """Return the mark, the text and the style of a task that goes on or is over."""
    text = f"{one_line(event.task, _LONGEST_NAME)} {one_line(event.status, _LONGEST_NAME)}: "
    style = _STYLES.get(event.status, "")
    return STATES.get(event.status, "?"), text + one_line(event.text, _LONGEST_TEXT), style
