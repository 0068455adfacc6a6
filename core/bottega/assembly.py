"""From names to things: what an agent is made of, looked up among the registered offers."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bottega.deciders import PromptDecider
from bottega.dialect import tools_with
from bottega.engine import Team
from bottega.errors import InputError
from bottega.model import Sampling
from bottega.node import AgentParts, GraphKind, NodeKind
from bottega.offering import EMBEDDER, FIND_TOOL, checked_most, offering_of
from bottega.permissions import absolute
from bottega.reminding import Remembering
from bottega.retry import Retry
from bottega.spec.model import GraphSpec, NodeSpec, Reference
from bottega.tool_index import ToolIndex
from bottega.tools import Tool, tool
from bottega.toolset import Toolset, gather, is_toolset

if TYPE_CHECKING:
    from bottega.decider import Decider
    from bottega.dialect import Dialect
    from bottega.memory import Memory
    from bottega.middleware import Middleware
    from bottega.model import Model
    from bottega.offer import OfferKind
    from bottega.plugin.context import FactoryContext
    from bottega.plugin.manager import PluginManager

DEFAULT_DIALECT = "native"


@dataclass(kw_only=True)
class Assembler:
    """Make the parts of agents. What several agents name alike, they share."""

    plugins: PluginManager
    context: FactoryContext
    lent: list[Any] = field(default_factory=list[Any])
    """Toolsets that were given as they are: their connections are let go of, too."""
    _made: dict[tuple[str, str, str], Any] = field(default_factory=dict)
    _inner: dict[Path, Assembler] = field(default_factory=dict)

    @classmethod
    def open(cls, plugins: PluginManager | None, folder: Path) -> Assembler:
        """Return an assembler over the plugins, or those installed; paths begin at `folder`."""
        from bottega.plugin.context import FactoryContext
        from bottega.plugin.manager import default_plugins

        known = plugins or default_plugins()
        return cls(plugins=known, context=FactoryContext(plugins=known, folder=folder))

    def at(self, folder: Path) -> Assembler:
        """Return an assembler for a graph within this one; it is closed with this one."""
        if folder not in self._inner:
            self._inner[folder] = Assembler.open(self.plugins, folder)
        return self._inner[folder]

    def make(self, kind: OfferKind, reference: Reference | str) -> Any:
        """Make what the reference names, once. Raises UnknownNameError and InputError."""
        if isinstance(reference, str):
            reference = Reference(name=reference)
        key = (kind, reference.name, repr(sorted(reference.options.items())))
        if key not in self._made:
            self._made[key] = self.plugins.make(
                kind, reference.name, self.context, **reference.options
            )
        return self._made[key]

    def decider(
        self,
        reference: Reference | None,
        model: Reference | None,
        made: Model,
        middleware: Sequence[Middleware] = (),
    ) -> Decider:
        """Make the decider: the one named, else the model backend's own, else a prompt."""
        own_model = reference is not None and reference.name == PromptDecider.name
        if reference is not None and (reference.options or not own_model):
            return self.make("decider", reference)  # type: ignore[no-any-return]
        if reference is None and model and model.backend in self.plugins.offers("decider"):
            return self.make("decider", model.backend)  # type: ignore[no-any-return]
        return PromptDecider(made, middleware)

    def middleware(self, references: Sequence[Reference] | None) -> tuple[Middleware, ...]:
        """Make the middleware; retries alone where nothing is said."""
        if references is None:
            return (Retry(),)
        return tuple(self.make("middleware", reference) for reference in references)

    def remembering(self, parts: AgentParts, use: Remembering) -> AgentParts:
        """Return the parts with a memory, and with its tools where facts are wanted."""
        named = {tool.spec.name for tool in parts.tools}
        options: dict[str, dict[str, Any]] = {
            "remember": {"memory": use.memory, "user": use.user, "judge": parts.decider},
            "recall": {"memory": use.memory, "user": use.user},
        }
        tools = [
            self.plugins.make("tool", name, self.context, **given)
            for name, given in options.items()
            if use.facts and name not in named
        ]
        return replace(parts, memory=use, tools=(*parts.tools, *tools))

    def offering(self, parts: AgentParts, most: int | None) -> AgentParts:
        """Return the parts with `find_tool`: their model is told of `most` tools that fit."""
        if most is None or len(parts.tools) <= checked_most(most):
            return parts
        known = EMBEDDER in self.plugins.offers("embedder")
        embedder = self.make("embedder", EMBEDDER) if known else None
        index = ToolIndex([tool.spec for tool in parts.tools if not tool.withheld], embedder)
        strange = any(tool.described == "untrusted" for tool in parts.tools)
        trust = "untrusted" if strange else "trusted"
        finder: Tool = self.plugins.make("tool", FIND_TOOL, self.context, index=index, trust=trust)
        tools = (*parts.tools, finder)
        return replace(parts, tools=tools, offer=offering_of(tools, most, index))

    def adapter(self, thing: object) -> Callable[[Any], Any] | None:
        """Return what makes a tool of the thing: the adapter of the package that it comes from."""
        kinds = thing.__mro__ if isinstance(thing, type) else type(thing).__mro__
        offered = self.plugins.offers("adapter")
        for kind in kinds:
            package = kind.__module__.partition(".")[0]
            if package in offered:
                return self.make("adapter", package)  # type: ignore[no-any-return]
        return None

    async def aclose(self) -> None:
        """Let go of the connections of what was made; they are opened again when needed."""
        for thing in (*self._made.values(), *self._inner.values(), *self.lent):
            if hasattr(thing, "aclose"):
                await thing.aclose()


def as_tool(item: object, assembler: Assembler) -> Tool | Toolset:
    """Return the tool or toolset, making one of a plain function or another framework's tool.

    Raises InputError for anything else.
    """
    if isinstance(item, Tool):
        return item
    adapt = None if inspect.isroutine(item) or is_toolset(item) else assembler.adapter(item)
    made = item if adapt is None else adapt(item)
    if is_toolset(made):
        assembler.lent.append(made)
        return made
    if isinstance(made, Tool):
        return made
    if callable(made):
        return tool(made)
    raise InputError(f"{item!r} is no tool", hint="give a Tool, a typed function, or a name")


def assemble(
    spec: GraphSpec, assembler: Assembler, model: Reference | None = None, user: str = ""
) -> Team:
    """Make everything that the graph names; `model` takes the place of every model in it.

    `user` is whose memory nodes use that name nobody.
    """
    peers = {node.name: node.description for node in spec.nodes}
    kinds: dict[str, NodeKind] = {}
    parts: dict[str, AgentParts] = {}
    for node in spec.nodes:
        kind = Reference(name=node.kind, options=node.options)
        made = kinds[node.name] = assembler.make("agent", kind)
        own = _parts(spec, node, assembler, peers, model)
        own = _with_memory(own, spec, node, assembler, user)
        own = assembler.offering(own, node.offer)
        if isinstance(made, GraphKind):
            inner = assembler.at(made.graph.folder)
            own = replace(own, team=assemble(made.graph, inner, model or node.model, user))
        parts[node.name] = own
    return Team(spec=spec, kinds=kinds, parts=parts)


def _with_memory(
    parts: AgentParts, spec: GraphSpec, node: NodeSpec, assembler: Assembler, user: str
) -> AgentParts:
    """Return the parts with the graph's memory, where the node uses it."""
    wanted = node.memory
    if wanted is None:
        return parts
    memory: Memory = assembler.make("memory", spec.memory)
    facts, episodes = wanted.facts, wanted.episodes
    user = wanted.user or user
    use = Remembering(memory=memory, facts=facts, episodes=episodes, user=user)
    return assembler.remembering(parts, use)


def _parts(
    spec: GraphSpec,
    node: NodeSpec,
    assembler: Assembler,
    peers: Mapping[str, str],
    override: Reference | None,
) -> AgentParts:
    named = override or node.model or spec.model
    model: Model = assembler.make("model", named)
    dialect: Dialect = assembler.make(
        "dialect", node.dialect or spec.dialect or Reference(name=DEFAULT_DIALECT)
    )
    named_middleware = node.middleware if node.middleware is not None else spec.middleware
    middleware = assembler.middleware(named_middleware)
    return AgentParts(
        name=node.name,
        model=model,
        decider=assembler.decider(node.decider or spec.decider, named, model, middleware),
        dialect=dialect,
        tools=tools_with(
            dialect, gather(assembler.make("tool", reference) for reference in node.tools)
        ),
        middleware=middleware,
        description=node.description,
        instructions=node.instructions,
        sampling=node.sampling or Sampling(),
        allow=absolute(node.allow, spec.folder),
        peers={name: text for name, text in peers.items() if name != node.name},
        limits=node.limits,
        context=node.context,
    )
