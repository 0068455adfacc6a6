"""Any order of interruptions, crashes, rulings and resumptions ends as an undisturbed run does."""

import asyncio
import itertools
import tempfile
from contextlib import aclosing
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule
from test_replay_fork import told
from test_threads import final, line
from test_waiting import approving

from bottega import Budget, tool
from bottega.engine import Job
from bottega.errors import InputError
from bottega.events import Asked
from bottega.model import CallDelta, End, TextDelta
from bottega.questions import Ruling
from bottega_agents.engine import LangGraphEngine

CALLS = 3
_names = itertools.count()


class World:
    """What outlives a crash: the letters that were sent, and the store."""

    def __init__(self, folder, effects):
        self.store = folder / "bottega.db"
        self.sent = []
        self.strikes = {"asked": 0, "sent": 0}
        """How often a point is passed before the process dies there; 0 for never."""
        self.die = None

        @tool(effects=effects, keyed=True)
        async def send(to: str) -> str:
            """Send a letter; a service that knows the key sends it once.

            Args:
                to: whom.
            """
            if to not in self.sent:
                self.sent.append(to)
            await self.strike("sent")
            return f"sent-{to}"

        self.tool = send

    async def strike(self, point):
        self.strikes[point] -= 1
        if self.strikes[point] == 0:
            self.die()
            await asyncio.Event().wait()


class Clerk:
    """A model that decides by its conversation alone: it sends letters, then tells of them."""

    name = "clerk"

    def __init__(self, world):
        self._world = world

    async def respond(self, request):
        await self._world.strike("asked")
        seen = [result.content for message in request.messages for result in message.results]
        if len(seen) < CALLS:
            yield CallDelta(index=0, name="send", arguments=f'{{"to": "n{len(seen)}"}}')
            yield End(finish="tool_calls")
        else:
            yield TextDelta(text=" ".join(seen))
            yield End()


class Disturbed(RuleBasedStateMachine):
    """A run that may need approvals, and is interrupted and killed at any moment."""

    @initialize(approval=st.booleans())
    def begin(self, approval):
        self.folder = tempfile.TemporaryDirectory()
        self.world = World(Path(self.folder.name), "once" if approval else "idempotent")
        self.run_id = f"r{next(_names)}"
        self.waiting = []
        self.answer = None
        self.started = False

    def _go(self, rulings=None, stop_after=None):
        job = {"task": "", "resume": True} if self.started else {"task": "write"}
        job |= {"run_id": self.run_id, "store": self.world.store, "rulings": rulings or {}}
        self.started = True
        try:
            seen = asyncio.run(self._seen(Job(limits=Budget(), **job), stop_after))
        except InputError as error:  # it was over before its last events were read
            assert "is over: done" in error.message
            self.answer = told(self.world.store, self.run_id).answer
            return
        self.waiting = [event.question["id"] for event in seen if isinstance(event, Asked)]
        self.answer = next(iter(final(seen)), self.answer)

    async def _seen(self, job, stop_after):
        seen, task = [], asyncio.current_task()
        self.world.die = task.cancel
        crew = line(approving("a", Clerk(self.world), self.world))
        try:
            async with aclosing(LangGraphEngine().stream(crew, job)) as events:
                async for event in events:
                    seen.append(event)
                    if len(seen) == stop_after:
                        break
        except asyncio.CancelledError:
            task.uncancel()
        return seen

    @precondition(lambda self: self.answer is None)
    @rule(point=st.sampled_from(["asked", "sent"]), passes=st.integers(1, 3))
    def crash(self, point, passes):
        self.world.strikes[point] = passes
        self._go()
        self.world.strikes[point] = 0

    @precondition(lambda self: self.answer is None)
    @rule(events=st.integers(1, 12))
    def interrupt(self, events):
        self._go(stop_after=events)

    @precondition(lambda self: self.answer is None and self.waiting)
    @rule(stop=st.none() | st.integers(1, 6))
    def approve(self, stop):
        self._go({self.waiting[0]: Ruling(verdict="approve")}, stop)

    @rule()
    def resume(self):
        """Go on; a run that is over is refused, and its answer is still there."""
        self._go()

    def teardown(self):
        """Bring the run to its end: the answer and the letters are those of a quiet run."""
        if not hasattr(self, "world"):
            return
        with self.folder:
            for _ in range(3 * CALLS):
                if self.answer is None:
                    self._go({name: Ruling(verdict="approve") for name in self.waiting})
            names = [f"n{number}" for number in range(CALLS)]
            assert self.answer == " ".join(f"sent-{name}" for name in names)
            assert self.world.sent == names


TestDisturbed = Disturbed.TestCase
TestDisturbed.settings = settings(max_examples=20, stateful_step_count=6, deadline=None)
