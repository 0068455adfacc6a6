"""One conversation's code at work: its sandbox, its steps, its state brought back where it is gone.

State goes with a process: at a limit, at a crash, at the move to another sandbox. It comes back by
running the steps again, each with the recorded results of the calls it made. What is written down
of a step goes into the journal with the result of its call; see `bottega.inner_calls`.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bottega.code.callers import FINAL_ANSWER, Again, Functions, Live
from bottega.code.functions import as_functions, renamed
from bottega.code.record import FinalAnswer, Repeated, Step, steps_of
from bottega.errors import ToolError

if TYPE_CHECKING:
    from bottega.inner_calls import InnerCalls
    from bottega.messages import Json
    from bottega.sandbox import CodeLimits, CodeOutcome, Sandbox, SandboxSession

SEED = "import random\nrandom.seed({seed})"
"""A step that is run again draws the same numbers: the session begins with this."""
CHANGED = (
    "Step {number} was run again to bring back what it defined, and asked for {asked}, which it "
    "had not asked for before: what it defined may be different now."
)
GONE = "What step {number} defined could not be brought back."
MOVED = "[{name} has not got {lacking}: the code was moved to {other}]"
TIME_UP = "python did not finish before the time of the run was up"


@dataclass(frozen=True, kw_only=True, slots=True)
class Came:
    """What came of a step."""

    outcome: CodeOutcome
    remarks: tuple[str, ...] = ()
    """What the model should know beside it."""


class CodeSession:
    """The code of one conversation; steps are run one after the other."""

    def __init__(self, kinds: Sequence[Sandbox], limits: CodeLimits, *, answers: bool) -> None:
        """Take the sandboxes: the first is used until the code needs what another has.

        `answers`: the code has `final_answer` also where the agent has no such tool.
        """
        self._kinds = kinds
        self._limits = limits
        self._answers = answers
        self._at = 0
        self._lock = asyncio.Lock()
        self._steps: list[Step] | None = None
        self._session: SandboxSession | None = None
        self._functions: Functions = {}
        self._visit: object = None

    async def run(self, code: str, calls: InnerCalls) -> Came:
        """Run a step. Raises FinalAnswer, SandboxError, and what stops a run."""
        async with self._lock:
            try:
                return await self._run(code, calls)
            except BaseException:  # the code was stopped in the middle: its state is of no use
                await self._drop()
                raise

    async def aclose(self) -> None:
        """End the code, with all that it has."""
        await self._drop()

    async def _run(self, code: str, calls: InnerCalls) -> Came:
        steps = self._known(calls)
        functions = as_functions(calls.specs())
        if self._answers:
            functions.setdefault(FINAL_ANSWER.name, FINAL_ANSWER)
        live = Live(functions, calls)
        try:
            async with asyncio.timeout(calls.seconds_left()) as live.timeout:
                remarks = await self._ready(functions, calls)
                outcome = await self._session_of().run(code, live)
                if outcome.lacking and self._at + 1 < len(self._kinds):
                    remarks.append(self._moved(outcome))
                    outcome = await self._run_again(code, live, calls)
        except TimeoutError:
            raise ToolError(TIME_UP) from None
        except FinalAnswer:
            self._finish(steps, code, live, calls)
            raise
        if outcome.stopped or outcome.lost:
            await self._drop()
        else:
            self._finish(steps, code, live, calls)
        return Came(outcome=outcome, remarks=tuple(remarks))

    def _known(self, calls: InnerCalls) -> list[Step]:
        """Return the steps so far, and see to it that they are written down in every visit."""
        if self._steps is None:
            self._steps = steps_of(calls.finished())
            self._at = max((self._index(step.sandbox) for step in self._steps), default=0)
            self._visit = calls.visit
        elif calls.visit is not self._visit:
            self._visit = calls.visit
            if self._steps and not calls.finished():
                calls.note = {"earlier": [step.to_json() for step in self._steps]}
        calls.note = calls.note or {}
        return self._steps

    def _finish(self, steps: list[Step], code: str, live: Live, calls: InnerCalls) -> None:
        step = Step(code=code, calls=tuple(live.made), sandbox=self._kinds[self._at].name)
        steps.append(step)
        calls.note = {**calls.note, **step.note()}

    def _index(self, name: str) -> int:
        return next((at for at, kind in enumerate(self._kinds) if kind.name == name), 0)

    def _session_of(self) -> SandboxSession:
        assert self._session is not None
        return self._session

    async def _ready(self, functions: Functions, calls: InnerCalls) -> list[str]:
        """Open a session with what earlier steps defined, unless one is open; return remarks."""
        if self._session is not None and functions.keys() == self._functions.keys():
            return []
        await self._drop()
        self._session = await self._kinds[self._at].open(renamed(functions), self._limits)
        self._functions = functions
        seed = hashlib.sha256(f"{calls.run_id}/{calls.place}".encode()).hexdigest()[:12]
        await self._session.run(SEED.format(seed=int(seed, 16)), _nothing)
        remarks: list[str] = []
        for number, step in enumerate(self._steps or (), 1):
            remarks += await self._bring_back(number, step)
        return remarks

    async def _bring_back(self, number: int, step: Step) -> list[str]:
        repeated = Repeated(step.calls)
        outcome = await self._session_of().run(step.code, Again(self._functions, repeated))
        if outcome.stopped or outcome.lost:
            return [GONE.format(number=number)]
        if repeated.parted:
            return [CHANGED.format(number=number, asked=repeated.parted)]
        return []

    def _moved(self, outcome: CodeOutcome) -> str:
        before = self._kinds[self._at].name
        self._at += 1
        other = self._kinds[self._at].name
        return MOVED.format(name=before, lacking=outcome.lacking, other=other)

    async def _run_again(self, code: str, live: Live, calls: InnerCalls) -> CodeOutcome:
        """Run a step in the next sandbox, with the results of the calls that it has made."""
        await self._drop()
        await self._ready(self._functions, calls)
        repeated = Again(self._functions, Repeated(tuple(live.made)), live)
        return await self._session_of().run(code, repeated)

    async def _drop(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            await session.aclose()


async def _nothing(name: str, arguments: Mapping[str, Json]) -> Json:
    raise ToolError(f"{name} cannot be called here")
