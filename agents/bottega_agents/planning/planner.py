"""The planner: makes a plan for its goal, has it carried out, watches it, answers from its results.

A visit does one of two things. Either it thinks: its model makes or changes the plan, or writes the
answer. Or it sends the tasks that can begin, most urgent first, and is visited again with their
reports: LangGraph `Send`s start their owners in parallel, as a coordinator's specialists.

The plan lies in the state (`plans`). The reply that made it is in the journal and each result is a
report, so that a killed run makes no plan twice and does no finished task again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from bottega.errors import BottegaError, BudgetExceeded, ToolError
from bottega.events import NodeEnded, NodeStarted
from bottega.loop import Loop
from bottega.messages import Message, ToolCall, ToolResult, user
from bottega.node import AgentParts
from bottega.outcome import Outcome
from bottega_agents.graph.state import State
from bottega_agents.graph.surroundings import journal_of, run_of
from bottega_agents.planning import wording
from bottega_agents.planning.course import Course
from bottega_agents.planning.make_plan import NAME
from bottega_agents.planning.sitting import Refused, Sitting, Unruled
from bottega_agents.planning.splitting import drafted, reallotted
from bottega_agents.planning.written import WrittenPlans
from bottega_agents.roles.specialist import SpecialistNode, Visit, with_tools
from bottega_agents.roles.transcript import Transcript
from bottega_agents.roles.waiting import Waiting

if TYPE_CHECKING:
    from langchain_core.runnables import RunnableConfig

AT_ONCE = 4
MAX_PLANS = 3


@dataclass(frozen=True, kw_only=True)
class Planner:
    """The kind `planner`."""

    delegates: Sequence[str]
    """The nodes that do its tasks."""
    approve: bool = False
    """Show each plan to a person before it is carried out."""
    max_plans: int = MAX_PLANS
    """How often it may plan for one goal: once, and then changes."""
    at_once: int = AT_ONCE
    """How many tasks run at the same time, at most."""
    then: str = ""
    """Where to go when it is done: only for a `StateGraph` built by hand."""
    refers: Sequence[str] = ()
    outcomes: Sequence[str] = ()
    bound: int | None = None

    def build(self, parts: AgentParts) -> Callable[..., Any]:
        """Return the LangGraph node."""
        return PlannerNode(parts, self).run


class PlannerNode(SpecialistNode):
    """A planner at work."""

    prompt = wording.ROLE

    def __init__(self, parts: AgentParts, kind: Planner) -> None:
        super().__init__(replace(parts, dialect=WrittenPlans(parts.dialect)), role="planner")
        self.kind = kind
        self.team: Mapping[str, str] = {name: parts.peers.get(name, "") for name in kind.delegates}
        self.writes = not getattr(parts.model, "extractive", False)
        """Whether its model writes plans and answers in its own words."""
        self._answering = parts

    async def run(self, state: State, config: RunnableConfig) -> Any:
        """Plan, send tasks off, or answer. Returns an update of the state, or where to go."""
        run = run_of(config, self.parts.limits)
        if Course.of(state, self.parts.name) is None:
            run.tell(NodeStarted, self.parts.name, role=self.role, task=state.get("task", ""))
        waiting = Waiting()
        while True:
            sitting = Sitting(self, state, run, await journal_of(config))
            try:
                return await self._next(sitting, config)
            except Unruled as unruled:
                questions = unruled.questions
            await waiting.on(questions, sitting.journal, run)
            run.meter.rewind()  # all begins again, with what is recorded replayed

    async def _next(self, sitting: Sitting, config: RunnableConfig) -> Any:
        await sitting.look()
        if sitting.goes_on and sitting.course is not None:
            return sitting.sent(sitting.course, {})
        think = self._with_model if self.writes else self._without_model
        return await think(sitting, config)

    async def _with_model(self, sitting: Sitting, config: RunnableConfig) -> Any:
        """Have the model make or change the plan, or write the answer."""
        visit = await self.visit(sitting.state, config, sitting.run, sitting.journal)
        loop, tool = visit.loop, sitting.tool
        loop.parts = with_tools(loop.parts, tool) if sitting.may_plan else self._answering
        await self._work(loop, sitting.run)
        outcome = loop.outcome
        if outcome.questions:
            raise Unruled(*outcome.questions)
        if outcome.handed_on:
            arguments = outcome.handed_on[0].arguments
            why = str(arguments.get("reason", ""))
            try:
                course = await sitting.agreed(tool.made(arguments), why, loop)
            except (Refused, ToolError) as error:
                self._fail(visit, error)
            else:
                return sitting.sent(course, self.update(sitting.state, visit))
        return self._left(sitting, visit)

    async def _without_model(self, sitting: Sitting, config: RunnableConfig) -> Any:
        """Cut the goal into tasks, or join their results, with a model that does not write."""
        visit = await self.visit(sitting.state, config, sitting.run, sitting.journal)
        try:
            course = await self._drawn_up(sitting, visit.loop)
            if course is not None:
                return sitting.sent(course, {})
            self._join(sitting, visit)
        except (Refused, ToolError, BudgetExceeded) as error:
            self._fail(visit, error)
        return self._left(sitting, visit)

    async def _drawn_up(self, sitting: Sitting, loop: Loop) -> Course | None:
        """Return a plan, or a changed one; None where it is time to answer."""
        course, decisions = sitting.course, sitting.decisions
        if course is None:
            plan = await drafted(sitting.goal, self.team, decisions)
            return await sitting.agreed(plan, "", loop)
        if not course.trouble or not sitting.affords_more:
            return None
        changed = await reallotted(course.plan, self.team, course.tried, decisions)
        if changed is None:
            sitting.accept()
            return sitting.course if sitting.goes_on else None
        tried = {
            task.id: (*course.tried.get(task.id, ()), task.owner)
            for task in course.plan.with_status("failed")
        }
        agreed = await sitting.agreed(changed, course.trouble, loop)
        return replace(agreed, tried={**course.tried, **tried})

    def _join(self, sitting: Sitting, visit: Visit) -> None:
        """Answer with the results as they are. Raises BudgetExceeded where that cut them short."""
        course, loop = sitting.course, visit.loop
        assert course is not None  # without one a plan was drawn up
        if len(course.plan.with_status("done")) < len(course.plan.tasks):
            sitting.run.meter.check()
        found = wording.so_far(course.plan)
        text = "\n\n".join(part for part in (found, wording.unknown(course.plan)) if part)
        answer = loop.answer(text, cited=course.citations, abstained=not found)
        loop.outcome = Outcome(answer=answer)
        sitting.run.emit(answer)
        sitting.tell(NodeEnded)

    def _fail(self, visit: Visit, error: BottegaError) -> None:
        """End the visit with an error; the call of a plan that it leaves behind stays open."""
        loop, before = visit.loop, visit.loop.outcome
        for event in loop.fail(error):
            loop.run.emit(event)
        loop.outcome = replace(loop.outcome, handed_on=before.handed_on, results=before.results)
        ended = {"status": loop.outcome.status, "reason": loop.outcome.reason}
        loop.run.tell(NodeEnded, self.parts.name, **ended)

    def _left(self, sitting: Sitting, visit: Visit) -> Any:
        """Leave the answer; without one, what the tasks have come to."""
        from langgraph.types import Command

        loop, course = visit.loop, sitting.course
        found = wording.so_far(course.plan) if course else ""
        if course and found and loop.outcome.status != "done":
            answer = loop.answer(found, cited=course.citations, partial=True)
            loop.run.emit(answer)
            loop.outcome = replace(loop.outcome, answer=answer)
        update = {**self.update(sitting.state, visit), **sitting.ended()}
        then = self.kind.then
        return Command(update=update, goto=then) if then else update

    def fresh(self, state: State, transcript: Transcript | None) -> list[Message]:
        """Go on with what came of the plan, where one is under way."""
        if transcript is None or not transcript.handed_on:
            return super().fresh(state, transcript)
        course = Course.of(state, self.parts.name)
        results = [*transcript.results, *_observed(transcript.handed_on, course)]
        observed = self.parts.dialect.observed(results)
        if course is None or course.over:
            return [observed, *super().fresh(state, transcript)]
        if course.refused:
            return [observed]
        asked = wording.change(course.trouble) if course.trouble else wording.COMPOSE
        return [observed, user(asked)]


def _observed(calls: Sequence[ToolCall], course: Course | None) -> list[ToolResult]:
    """Return the results of calls of `make_plan`: one plan is carried out."""
    if course is None or course.over:
        contents, failed = [wording.INTERRUPTED], True
    elif course.refused:
        contents, failed = [wording.REFUSED.format(reason=course.refused)], True
    else:
        contents, failed = [wording.told(course.plan)], False
    contents += [wording.ONE_PLAN] * (len(calls) - 1)
    return [
        ToolResult(
            call_id=call.id,
            name=NAME,
            content=content,
            is_error=failed or number > 0,
            citations=course.citations if course and not failed and number == 0 else (),
        )
        for number, (call, content) in enumerate(zip(calls, contents, strict=True))
    ]
