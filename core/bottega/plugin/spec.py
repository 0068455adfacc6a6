"""The hooks that a plugin may implement.

A plugin is a module (or object) named by an entry point of group `bottega`. Its registration hooks
run once, when Bottega first needs any plugin; each returns `Offer`s and must be quick, so heavy
imports belong in an offer's factory. Order in a process:

    1. entry points of group `bottega` are read, switched-off plugins left out
    2. each plugin's module is imported, its API version compared, its hooks checked
    3. on the first listing or look-up of a kind, that kind's hook is called on every plugin
    4. when a graph or agent names an offer, its factory makes the thing, for that graph alone
    5. `bottega_event` fires for every event of every run

Every factory is called as `factory(context, **options)`: `context` is a `FactoryContext`, the
options are those that a graph gives beside the name (`{search_knowledge: {docs: papers}}`), checked
against the factory's signature. A module may set `bottega_api = 1` to say for which version of
these hooks it was written, and `bottega_requires = ("other",)` to be loaded after other plugins.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import pluggy

from bottega.offer import Offer

if TYPE_CHECKING:
    from bottega.events import Event

PROJECT = "bottega"
API_VERSION = 1
"""Raised when a hook changes so that older plugins would break."""

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)
"""Marks a plugin's implementation of a hook."""


@hookspec
def bottega_tools() -> Iterable[Offer]:
    """Offer tools.

    Fires: once, when tools are first listed or looked up.
    Result: offers; each factory returns a `bottega.Tool`, or a `bottega.toolset.Toolset` of many.

    Example:
        return [Offer(name="roll_dice", summary="Roll dice.", factory=lambda context: roll_dice)]
    """
    return ()


@hookspec
def bottega_models() -> Iterable[Offer]:
    """Offer model backends.

    Fires: once, when models are first listed or looked up.
    Result: offers; each factory returns a `bottega.Model`. What a user writes after the colon of
    `openai:gpt-5-mini` is `context.argument`.

    Example:
        return [Offer(name="echo", summary="Says it back.", factory=lambda context: Echo())]
    """
    return ()


@hookspec
def bottega_deciders() -> Iterable[Offer]:
    """Offer deciders.

    Fires: once, when deciders are first listed or looked up.
    Result: offers; each factory returns a `bottega.decider.Decider`. A decider named like a model
    backend decides for agents that use that backend, unless the graph says otherwise.

    Example:
        return [Offer(name="coin", summary="Tosses a coin.", factory=lambda context: Coin())]
    """
    return ()


@hookspec
def bottega_agents() -> Iterable[Offer]:
    """Offer kinds of agents: what `kind:` names in a graph.

    Fires: once, when agent kinds are first listed or looked up.
    Result: offers; each factory is called with the options of the node beside those that every
    node has, and returns a `bottega.node.NodeKind`.

    Example:
        return [Offer(name="echo", summary="Repeats its task.", factory=lambda context: Echo())]
    """
    return ()


@hookspec
def bottega_dialects() -> Iterable[Offer]:
    """Offer dialects: ways of telling a model how to act, and of reading what it wrote.

    Fires: once, when dialects are first listed or looked up.
    Result: offers; each factory returns a `bottega.dialect.Dialect`.

    Example:
        return [Offer(name="xml", summary="Actions in tags.", factory=lambda context: Xml())]
    """
    return ()


@hookspec
def bottega_middleware() -> Iterable[Offer]:
    """Offer middleware around model and tool calls.

    Fires: once, when middleware is first listed or looked up.
    Result: offers; each factory returns a `bottega.middleware.Middleware`.

    Example:
        return [Offer(name="log", summary="Logs calls.", factory=lambda context: Log())]
    """
    return ()


@hookspec
def bottega_retrievers() -> Iterable[Offer]:
    """Offer retrievers.

    Fires: once, when retrievers are first listed or looked up.
    Result: offers; each factory returns a `bottega.retriever.Retriever`.

    Example:
        return [Offer(name="wiki", summary="Searches a wiki.", factory=lambda context: Wiki())]
    """
    return ()


@hookspec
def bottega_embedders() -> Iterable[Offer]:
    """Offer text embedders.

    Fires: once, when embedders are first listed or looked up.
    Result: offers; each factory returns a `bottega.embedder.Embedder`.

    Example:
        return [Offer(name="hash", summary="Hashes words.", factory=lambda context: Hash())]
    """
    return ()


@hookspec
def bottega_memories() -> Iterable[Offer]:
    """Offer memories: what an agent keeps between runs.

    Fires: once, when memories are first listed or looked up.
    Result: offers; each factory returns a `bottega.memory.Memory`.

    Example:
        return [Offer(name="notes", summary="A notebook.", factory=lambda context: Notes())]
    """
    return ()


@hookspec
def bottega_sandboxes() -> Iterable[Offer]:
    """Offer sandboxes for code that a model wrote.

    Fires: once, when sandboxes are first listed or looked up.
    Result: offers whose factory, called as `factory(context)`, makes a `bottega.sandbox.Sandbox`.

    Example:
        return [Offer(name="jail", summary="A jail.", factory=lambda context: Jail())]
    """
    return ()


@hookspec
def bottega_checkpointers() -> Iterable[Offer]:
    """Offer stores for checkpoints, journals and runs.

    Fires: once, when checkpointers are first listed or looked up.
    Result: offers, each named as the scheme of its addresses in `BOTTEGA_STORE`; its factory takes
    the option `address` and returns a LangGraph `BaseCheckpointSaver`, which may be a context
    manager (`async with`). One that is a `bottega.store.Store` too keeps the runs; beside any other
    they are kept in the SQLite file of the working directory.

    Example:
        return [Offer(name="redis", summary="Redis.", factory=redis_saver)]
    """
    return ()


@hookspec
def bottega_engines() -> Iterable[Offer]:
    """Offer engines: what turns a graph file into something that runs.

    Fires: once, when a graph is first run.
    Result: offers; each factory returns a `bottega.engine.Engine`.

    Example:
        return [Offer(name="langgraph", summary="LangGraph.", factory=lambda context: Engine())]
    """
    return ()


@hookspec
def bottega_prompts() -> Iterable[Offer]:
    """Offer prompts: reusable instructions.

    Fires: once, when prompts are first listed or looked up.
    Result: offers; each factory returns a string.

    Example:
        return [Offer(name="terse", summary="Short.", factory=lambda context: "Be brief.")]
    """
    return ()


@hookspec
def bottega_metrics() -> Iterable[Offer]:
    """Offer metrics that score answers.

    Fires: once, when metrics are first listed or looked up.
    Result: offers; each factory returns a callable of (answer, expected) to a float.

    Example:
        return [Offer(name="same", summary="Equal?", factory=lambda context: lambda a, b: a == b)]
    """
    return ()


@hookspec
def bottega_commands() -> Iterable[Offer]:
    """Offer commands of the command line.

    Fires: once, when the command line starts.
    Result: offers; each factory returns a `click.Command`, called only when the command is used.

    Example:
        return [Offer(name="hello", summary="Says hello.", factory=lambda context: hello)]
    """
    return ()


@hookspec
def bottega_adapters() -> Iterable[Offer]:
    """Offer adapters: ways to use another framework's tools as they are.

    Fires: once, when an agent is first given a tool that is not Bottega's.
    Result: offers, each named as the package that the things come from (`langchain_core`); each
    factory returns a function of such a thing to a `bottega.Tool` or `bottega.toolset.Toolset`.

    Example:
        return [Offer(name="pydantic_ai", summary="Its tools.", factory=lambda context: convert)]
    """
    return ()


@hookspec
def bottega_event(event: Event) -> None:
    """Watch runs.

    Fires: for every event of every run, in order, in the run's own thread: be quick.
    Result: ignored. An exception is reported once and does not stop the run.

    Example:
        counter[event.kind] += 1
    """
