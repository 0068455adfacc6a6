"""Moments of a run as lines for people; safe to show, whatever they quote."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

from bottega.cassette.divergence import value_lines
from bottega.cli.planned import plan_line, task_lines
from bottega.cli.waiting import question_lines
from bottega.escape import mask, one_line
from bottega.events import PlanMade
from bottega.messages import Json
from bottega.trace import Moment, Trace, TracedCall

WIDTH = 160
_INDENT = " " * 4


def moment_lines(moment: Moment, *, whole: bool = False) -> Iterator[str]:
    """Return the lines of one moment: its head, then what was thought, done and seen."""
    step = f":{moment.step}" if moment.step else ""
    head = f"{moment.number:>3}  {one_line(moment.node, 60)}{step}"
    kind = "" if moment.kind == "step" else f"  {moment.kind}"
    yield f"{head}{kind}  {_clock(moment.at)}{_spent(moment)}"
    texts = [*_thinking(moment), *(line for call in moment.calls for line in _call(call))]
    if moment.told is not None:
        texts.append(("·", json.dumps(moment.told, ensure_ascii=False)))
    if moment.answer is not None:
        texts.append(("=", moment.answer))
    for mark, text in texts:
        yield from _shown(mark, mask(text), whole)


def plan_lines(trace: Trace) -> Iterator[str]:
    """Return what was planned, and what came of each task."""
    for node, plan in trace.plans.items():
        told = plan.to_json()
        yield f"{one_line(node, 60)} {' '.join(plan_line(PlanMade(plan=told))[:2])}"
        for task, line in zip(plan.tasks, task_lines(told), strict=True):
            yield f"{_INDENT} {line}"
            came_of = task.result or task.reason
            if came_of:
                yield from _shown("  =", mask(came_of), whole=False)


def open_lines(trace: Trace) -> Iterator[str]:
    """Return what the run waits for."""
    for question in trace.questions:
        yield from question_lines(question)


def total_line(trace: Trace) -> str:
    """Return one line about the run as a whole."""
    usage, cost = trace.usage, trace.cost
    money = "" if cost is None else f", ${cost:.4f}"
    steps = "1 step" if trace.steps == 1 else f"{trace.steps} steps"
    return f"{trace.run.status} after {steps}, {usage.total} tokens{money}"


def _thinking(moment: Moment) -> list[tuple[str, str]]:
    thought = [("…", moment.thought)] if moment.thought else []
    return [*thought, ("✗", moment.problem)] if moment.problem else thought


def _call(call: TracedCall) -> list[tuple[str, str]]:
    arguments = ", ".join(
        f"{name}={json.dumps(value, ensure_ascii=False)}" for name, value in call.arguments.items()
    )
    lines = [("→", f"{call.tool}({arguments})")]
    if call.content is None:
        return [*lines, ("?", call.state)]
    return [*lines, ("✗" if call.is_error else "←", call.content)]


def _shown(mark: str, text: str, whole: bool) -> Iterator[str]:
    if not whole:
        yield f"{_INDENT} {mark} {one_line(text, WIDTH)}"
        return
    for number, line in enumerate(text.splitlines() or [""]):
        yield f"{_INDENT} {mark if number == 0 else ' '} {line}"


def _spent(moment: Moment) -> str:
    return f"  {moment.usage.total} tokens" if moment.usage.total else ""


def _clock(at: int) -> str:
    return time.strftime("%H:%M:%S", time.localtime(at / 1000)) if at else "--:--:--"


def side_lines(sign: str, side: Json) -> Iterator[str]:
    """Return one side of a difference, a line a value."""
    for line in value_lines("nothing" if side is None else side):
        yield f"{sign} {mask(line)}"
