"""Watching a plan: whether each result does what its task asked, and whether the rest still holds.

Both are questions to the decider. One that abstains or fails lets things stand as they are.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import replace

from bottega.decider import Judgement
from bottega.plan import PlannedTask
from bottega_agents.planning.course import Course
from bottega_agents.planning.wording import LONGEST, NOT_DONE, troubles
from bottega_agents.roles.decisions import Decisions

DONE = "The result does what was asked: {done_when}"
STILL = (
    "What was found leaves the rest of the plan as it is: it contradicts none of the tasks that "
    "are still to be done, and makes none of them pointless."
)

Tell = Callable[[str, Judgement], None]
"""Reports a judgement: what was asked, and what came of it."""


async def checked(
    before: Course, after: Course, decisions: Decisions, tell: Tell, *, ahead: bool
) -> Course:
    """Return the course after a wave, with what speaks against going on as planned.

    `ahead` says whether to ask if the results leave the rest of the plan as it is.
    """
    new = _newly_done(before, after)
    asked = [task for task in new if task.done_when]
    judged = await asyncio.gather(*(_judged(task, decisions) for task in asked))
    plan = after.plan
    for task, judgement in zip(asked, judged, strict=True):
        tell(f"{task.id} is done when: {task.done_when}", judgement)
        if judgement.verdict is False:
            why = NOT_DONE.format(done_when=task.done_when, reason=judgement.reason or "it says no")
            reason = f"{why}\n{task.result}"
            plan = plan.changed(task.id, status="failed", result="", reason=reason)
    trouble = troubles(before.plan, plan)
    course = replace(after, plan=plan, trouble=trouble)
    if trouble or not ahead or not new or not plan.with_status("open"):
        return course
    return await _looked_ahead(course, new, decisions, tell)


def _newly_done(before: Course, after: Course) -> list[PlannedTask]:
    known = {task.id for task in before.plan.with_status("done")}
    return [task for task in after.plan.with_status("done") if task.id not in known]


async def _judged(task: PlannedTask, decisions: Decisions) -> Judgement:
    question = DONE.format(done_when=task.done_when)
    context = f"Task: {task.goal}\n\n{task.result[:LONGEST]}"
    return await decisions.judge(question, context=context)


async def _looked_ahead(
    course: Course, new: Sequence[PlannedTask], decisions: Decisions, tell: Tell
) -> Course:
    plan = course.plan
    found = [{"task": task.goal, "result": task.result[:LONGEST]} for task in new]
    rest = {task.id: task.goal for task in plan.with_status("open")}
    context = json.dumps({"goal": plan.goal, "found": found, "still to do": rest})
    judgement = await decisions.judge(STILL, context=context)
    tell(STILL, judgement)
    if judgement.verdict is not False:
        return course
    return replace(course, trouble=judgement.reason or "a result contradicts the plan")
