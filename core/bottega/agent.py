"""One agent, without a graph: the loop with a model, tools and a dialect."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Collection, Sequence
from contextlib import aclosing
from dataclasses import KW_ONLY, dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bottega.budget import Budget
from bottega.episodes import EpisodeReader
from bottega.errors import InputError, StorageError
from bottega.events import Answer, Event, RunStarted
from bottega.meter import Meter
from bottega.model import Sampling
from bottega.named import Named, is_named, reference
from bottega.price import require_prices
from bottega.run import Ask, RunContext, ended, new_run_id
from bottega.runnable import Runnable, checked_task, checked_thread
from bottega.spec.model import EdgeSpec, GraphSpec, NodeSpec, Reference
from bottega.tape import listened, taped_run

if TYPE_CHECKING:
    from bottega.assembly import Assembler
    from bottega.compaction import ContextPolicy
    from bottega.decider import Decider
    from bottega.dialect import Dialect
    from bottega.engine import Team
    from bottega.memory import Memory
    from bottega.middleware import Middleware
    from bottega.model import Model
    from bottega.node import AgentParts
    from bottega.plugin.manager import PluginManager
    from bottega.tools import Tool
    from bottega.toolset import Toolset

LONE_KIND = "specialist"
"""The kind of node that an agent becomes when it keeps a thread."""


@dataclass
class Agent(Runnable):
    """An agent. Names are looked up among the registered offers; things are used as they are."""

    name: str = "agent"
    _: KW_ONLY
    model: Model | str = "embedded"
    """A model, or its name: `embedded`, `openai:gpt-5-mini`."""
    tools: Sequence[Tool | Toolset | Callable[..., Any] | str | object] = ()
    """Tools, sets of tools, typed functions, tools of other frameworks, or names of registered
    tools, with options as in a graph: `{"sql_query": {"database": "shop.db"}}`."""
    offer: int | None = None
    """How many of its tools its model is told of at a time, those that fit best; None for all."""
    dialect: Dialect | Named = "native"
    instructions: str = ""
    description: str = ""
    decider: Decider | str | None = None
    """None for the model backend's own, or else a prompt over the model."""
    middleware: Sequence[Middleware | Named] | None = None
    """None for retries alone; in this order, the first outermost."""
    sampling: Sampling = Sampling()
    context: ContextPolicy | None = None
    """How much of its conversation the model is shown; None for what the model reads."""
    memory: Memory | str | None = None
    """What it keeps between runs, or its name: `sqlite`; facts and episodes alike."""
    user: str = ""
    """Whose memory that is; empty for everybody's."""
    limits: Budget = Budget()
    allow: Collection[str] | None = None
    """Permissions that the tools may use; None for all that they declare."""
    folder: Path = field(default_factory=Path.cwd)
    """Where relative paths start and `.bottega` lies."""
    plugins: PluginManager | None = None
    """None for those installed."""

    def __post_init__(self) -> None:
        self.folder = Path(self.folder)

    @cached_property
    def parts(self) -> AgentParts:
        """What the agent is made of. Raises UnknownNameError and InputError."""
        from bottega.dialect import tools_with
        from bottega.node import AgentParts
        from bottega.permissions import absolute
        from bottega.reminding import Remembering

        assembler = self._assembler
        model = self._made("model", self.model)
        named = Reference(name=self.model) if isinstance(self.model, str) else None
        if self.decider is None or isinstance(self.decider, str):
            wanted = None if self.decider is None else Reference(name=self.decider)
            decider = assembler.decider(wanted, named, model)
        else:
            decider = self.decider
        dialect: Dialect = self._made("dialect", self.dialect)
        parts = AgentParts(
            name=self.name,
            model=model,
            decider=decider,
            dialect=dialect,
            tools=tools_with(dialect, self._tools()),
            middleware=assembler.middleware(None)
            if self.middleware is None
            else tuple(self._made("middleware", item) for item in _listed(self.middleware)),
            description=self.description,
            instructions=self.instructions,
            sampling=self.sampling,
            allow=absolute(self.allow, self.folder),
            context=self.context,
        )
        if self.memory is not None:
            memory = self._made("memory", self.memory)
            use = Remembering(memory=memory, episodes=True, user=self.user)
            parts = assembler.remembering(parts, use)
        return assembler.offering(parts, self.offer)

    def _tools(self) -> tuple[Tool, ...]:
        from bottega.assembly import as_tool
        from bottega.toolset import gather

        if is_named(self.tools):
            raise InputError("tools must be a list", hint=f"write tools=[{self.tools!r}]")
        assembler = self._assembler
        return gather(
            self._made("tool", item) if is_named(item) else as_tool(item, assembler)
            for item in self.tools
        )

    @cached_property
    def _assembler(self) -> Assembler:
        from bottega.assembly import Assembler

        return Assembler.open(self.plugins, self.folder)

    def _made(self, kind: Any, thing: Any) -> Any:
        assembler = self._assembler
        if not is_named(thing):
            return thing
        return assembler.make(kind, reference(kind, thing, assembler.plugins))

    async def astream(
        self,
        task: str,
        *,
        thread: str | None = None,
        limits: Budget | None = None,
        ask: Ask | None = None,
    ) -> AsyncGenerator[Event, None]:
        """Run the task and yield its events; with a thread, as a graph of one node."""
        task = checked_task(task)
        budget = limits or self.limits
        require_prices(budget, [self.parts])
        if thread is None:
            taped = taped_run()
            if taped is None:
                events = self._alone(self.parts, task, budget, ask)
            else:
                alone = self._alone(taped.parts(self.parts), task, budget, taped.ask(ask))
                events = listened(alone, taped)
        else:
            events = self._in_graph(task, thread, budget, ask)
        episode = EpisodeReader.of([self.parts.memory])
        emit = self._assembler.plugins.emit
        async with aclosing(events) as stream:
            async for event in stream:
                failure = await episode.read(event) if episode else None
                if failure is not None:
                    emit(failure)
                    yield failure
                emit(event)
                yield event

    async def _alone(
        self, parts: AgentParts, task: str, limits: Budget, ask: Ask | None
    ) -> AsyncGenerator[Event, None]:
        from bottega.conversation import opening
        from bottega.loop import Loop
        from bottega.reminding import reminders, with_reminders

        aside: list[Event] = []
        run = RunContext(
            run_id=new_run_id(), meter=Meter(limits), emit=aside.append, task=task, ask=ask
        )
        loop = Loop(parts=parts, run=run, messages=[])
        yield loop.event(RunStarted, name=self.name, task=task)
        try:
            known = await reminders(parts.memory, task)
        except StorageError as error:
            for event in loop.fail(error):
                yield event
            yield ended("failed", error.message, run)
            return
        loop.messages = with_reminders(opening(parts, task), known)
        try:
            async with aclosing(loop.events()) as events:
                async for event in events:
                    while aside:
                        yield aside.pop(0)
                    yield replace(event, final=True) if isinstance(event, Answer) else event
        finally:
            await run.belongings.aclose()
        for one in aside:
            yield one
        yield ended(loop.outcome.status, loop.outcome.reason, run)

    def _in_graph(
        self, task: str, thread: str, limits: Budget, ask: Ask | None
    ) -> AsyncGenerator[Event, None]:
        from bottega.engine import Job
        from bottega.home import store_address

        checked_thread(thread)
        store = store_address(self.folder)
        job = Job(task=task, limits=limits, thread=thread, store=store, ask=ask)
        engine = self._assembler.make("engine", "langgraph")
        return engine.stream(self._team, job)  # type: ignore[no-any-return]

    @cached_property
    def _team(self) -> Team:
        from bottega.engine import Team

        spec = GraphSpec(
            name=self.name,
            nodes=(NodeSpec(name=self.name, kind=LONE_KIND),),
            edges=(
                EdgeSpec(source="start", target=self.name),
                EdgeSpec(source=self.name, target="end"),
            ),
            limits=self.limits,
            folder=self.folder,
        )
        kind = self._assembler.make("agent", LONE_KIND)
        return Team(spec=spec, kinds={self.name: kind}, parts={self.name: self.parts})

    async def aclose(self) -> None:
        """Let go of connections opened by name or by toolsets; the next run opens them again."""
        await self._assembler.aclose()


def _listed(middleware: Sequence[Middleware | Named]) -> Sequence[Middleware | Named]:
    """Return the middleware. Raises InputError for a name alone, which would be read by letters."""
    if is_named(middleware):
        raise InputError("middleware must be a list", hint=f"write middleware=[{middleware!r}]")
    return middleware
