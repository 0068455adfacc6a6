"""One visit of a planner: what has come in, what it comes to, what is sent off.

Who makes the plan, and how the answer is written, is the business of `planner`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from bottega.decider import Judgement
from bottega.errors import BottegaError, BudgetExceeded, ToolArgumentError
from bottega.events import Asked, Decision, Event, MessageSent, PlanMade, TaskChanged
from bottega.loop import Loop
from bottega.person import Person
from bottega.plan import Plan, PlannedTask
from bottega.questions import PersonNeeded, Question
from bottega.run import RunContext
from bottega_agents.communication.mail import enclosed
from bottega_agents.graph.state import State
from bottega_agents.planning import wording
from bottega_agents.planning.course import Course
from bottega_agents.planning.make_plan import MakePlan
from bottega_agents.planning.splitting import spelled_out
from bottega_agents.planning.watching import checked
from bottega_agents.roles.decisions import Decisions
from bottega_agents.storage.journal import NodeJournal

if TYPE_CHECKING:
    from bottega_agents.planning.planner import PlannerNode


class Refused(BottegaError):
    """A person does not want the plan, and there will be no other one."""


class Unruled(BottegaError):
    """The visit cannot go on before a person has ruled."""

    def __init__(self, *questions: Question) -> None:
        super().__init__(f"{len(questions)} questions wait for a person")
        self.questions = questions


class Sitting:
    """A planner's plan on one visit."""

    def __init__(
        self, node: PlannerNode, state: State, run: RunContext, journal: NodeJournal
    ) -> None:
        self.name = node.parts.name
        self.kind = node.kind
        self.team: Mapping[str, str] = node.team
        self.run = run
        self.journal = journal
        self.decisions = Decisions(node.parts, run, journal)
        self.course = Course.of(state, self.name)
        self._writes = node.writes
        self._state = state
        self._read: dict[str, None] = {}

    @property
    def state(self) -> State:
        """The state with the plan as it stands now."""
        if self.course is None:
            return self._state
        plans = {**self._state.get("plans", {}), self.name: self.course.to_state()}
        return {**self._state, "plans": plans}

    @property
    def goal(self) -> str:
        """What is planned for."""
        return self._state.get("task", "")

    @property
    def may_plan(self) -> bool:
        """Whether a plan may be made or changed once more."""
        return self.course is None or self.course.plan.number < self.kind.max_plans

    @property
    def tool(self) -> MakePlan:
        """What the plan is made with."""
        under_way = self.course.plan if self.course else None
        return MakePlan(self.team, self.goal, under_way)

    @property
    def goes_on(self) -> bool:
        """Whether there is nothing to think about: more tasks can begin."""
        course = self.course
        if course is None or course.refused or course.over or course.trouble:
            return False
        return bool(course.plan.ready) and self.affords_more

    @property
    def affords_more(self) -> bool:
        """Whether anything is left to spend."""
        try:
            self.run.meter.check()
        except BudgetExceeded:
            return False
        return True

    async def look(self) -> None:
        """Read the reports, and see what they mean for the plan."""
        before = self.course
        if before is None or before.refused or before.over:
            return
        self._read = before.read(self.name)
        after = before.reported(self.name, self._state.get("reports", {}))
        ahead = self._writes and self.may_plan and self.affords_more
        course = await checked(before, after, self.decisions, self._judged, ahead=ahead)
        self._tell_changes(before.plan, course.plan)
        self.course = course
        if not course.trouble or not self.may_plan:
            self.accept()

    def accept(self) -> None:
        """Go on without what failed and what waits for it."""
        if self.course is not None:
            before, plan = self.course.plan, self.course.plan.without_hopeless()
            self.course = replace(self.course, plan=plan, trouble="")
            self._tell_changes(before, plan)

    async def agreed(self, plan: Plan, why: str, loop: Loop) -> Course:
        """Return the course with this plan, once a person wants it so, or with the refusal.

        `loop` is the one that has made it: its place names the question.

        Raises Refused where there will be no other plan, ToolError where nobody is there to ask,
        Unruled where the run is to wait.
        """
        before = self.course or Course(plan=Plan(goal=self.goal), run=self._state.get("run", ""))
        refusal = ""
        if self.kind.approve:
            plan, refusal = await self._ruled(plan, loop)
        if refusal and not self._makes_another(plan):
            raise Refused(f"a person refused the plan: {refusal}")
        if refusal:
            kept = replace(before.plan, number=plan.number)
            return replace(before, plan=kept, refused=refusal, over=False)
        plan = plan.without_hopeless()
        self.tell(PlanMade, step=loop.step, plan=plan.to_json(), reason=why)
        self._tell_changes(before.plan, plan)
        return replace(before, plan=plan, refused="", trouble="", over=False)

    def _makes_another(self, plan: Plan) -> bool:
        """Say whether a refusal of the plan leads to another one."""
        return self._writes and plan.number < self.kind.max_plans

    async def _ruled(self, plan: Plan, loop: Loop) -> tuple[Plan, str]:
        """Return the plan as a person wants it, and why it is refused where it is.

        Where nobody makes another plan a refusal is no end yet: the person is told so, and may
        write the plan instead.
        """
        place = f"{loop.path}/plan-{plan.number}"
        person = Person(self.run, self.journal, self.name, place, loop.step)
        text, refused = wording.shown(plan), ""
        while True:
            try:
                ruling = await person.plan(text, plan.to_json())
            except PersonNeeded as needed:
                self.tell(Asked, question=needed.question.to_json())
                raise Unruled(needed.question) from None
            if ruling.verdict == "approve":
                return plan, ""
            if ruling.verdict == "reject":
                reason = ruling.text or refused or "no reason was given"
                if refused or self._makes_another(plan):
                    return plan, reason
                text, refused = wording.last_word(plan, reason), reason
                continue
            try:
                return self.tool.edited(ruling.value, plan), ""
            except ToolArgumentError as error:
                text = f"{' '.join(error.message.splitlines())}\n{wording.shown(plan)}"

    def sent(self, course: Course, update: Mapping[str, Any]) -> Any:
        """Send off the tasks that can begin; where there are none, visit the planner again."""
        from langgraph.types import Command

        now = course.plan.ready[: self.kind.at_once] if not course.refused else ()
        running = replace(course, plan=course.plan.started([task.id for task in now]))
        self._tell_changes(course.plan, running.plan)
        mail = dict(self._state.get("mail", {}))
        sends = [self._send(running, task, mail) for task in now]
        return Command(
            update={**update, "plans": {self.name: running.to_state()}, "reports": self._read},
            goto=sends or self.name,
        )

    def _send(self, course: Course, task: PlannedTask, mail: dict[str, Any]) -> Any:
        from langgraph.types import Send

        text = wording.assignment(task) if self._writes else spelled_out(course, task)
        self.tell(MessageSent, to=task.owner, text=text)
        beside = enclosed(task.owner, mail, self._state.get("board", {}))
        if self._writes:
            beside["mail"] = {**beside.get("mail", {}), **wording.material(course, task)}
        back = {"caller": self.name, "call_id": course.call_id(task)}
        return Send(task.owner, {"task": text, **beside, **back})

    def ended(self) -> dict[str, Any]:
        """Return what the state keeps when the planner has answered."""
        if self.course is None:
            return {"reports": self._read}
        rest = [task.id for task in self.course.plan.with_status("open")]
        plan = self.course.plan.skipped(rest, "the answer was given without it")
        self._tell_changes(self.course.plan, plan)
        over = replace(self.course, plan=plan, trouble="", refused="", over=True)
        return {"plans": {self.name: over.to_state()}, "reports": self._read}

    def tell(self, kind: type[Event], **fields: Any) -> None:
        """Emit an event of the planner."""
        self.run.tell(kind, self.name, **fields)

    def _tell_changes(self, before: Plan, after: Plan) -> None:
        known = {task.id: task.status for task in before.tasks}
        for task in after.tasks:
            if task.status not in ("open", known.get(task.id)):
                self.tell(
                    TaskChanged,
                    task=task.id,
                    owner=task.owner,
                    status=task.status,
                    text=wording.event_text(task),
                )

    def _judged(self, question: str, judgement: Judgement) -> None:
        verdict = {True: "yes", False: "no", None: "cannot tell"}[judgement.verdict]
        sure = judgement.probability
        told = {"verdict": verdict, "probability": sure, "reason": judgement.reason}
        self.tell(Decision, question=question, **told)
