"""The core's own plugin: the commands, dialects, decider and middleware that come with Bottega.

It uses the same hooks as everybody's; what it offers is imported when it is first used.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any

from bottega.offer import Offer
from bottega.plugin.context import FactoryContext
from bottega.plugin.spec import hookimpl

_COMMANDS = {
    "run": "Run a graph on a task and show every step.",
    "runs": "List the runs that are kept here.",
    "resume": "Go on with a run that was stopped or killed.",
    "replay": "Show a run step by step, or fork it from a step.",
    "diff": "Say where two runs part first.",
    "graph": "Check a graph file, or show it as a picture.",
    "plugins": "List the plugins, what they offer, and what failed.",
    "tools": "List the tools that a graph can name.",
    "models": "List the model backends, what each can and cannot do.",
    "agents": "List the kinds of agents that a graph can name.",
    "doctor": "Say what works on this machine, and how to get the rest.",
    "new": "Write the first files of a plugin.",
}


@hookimpl
def bottega_commands() -> Sequence[Offer]:
    """Offer the commands; each is a module of `bottega.cli` with a command of the same name."""
    return [
        Offer(name=name, summary=summary, factory=_member(f"bottega.cli.{name}", name))
        for name, summary in _COMMANDS.items()
    ]


@hookimpl
def bottega_dialects() -> Sequence[Offer]:
    """Offer the dialects: two that every model can speak, and one for those that write code."""

    def native(context: FactoryContext) -> Any:
        from bottega.dialects.native import Native

        return Native()

    def react(context: FactoryContext) -> Any:
        from bottega.dialects.react import React

        return React()

    def code(
        context: FactoryContext,
        *,
        sandbox: str | Mapping[str, Any] | Sequence[Any] = "monty",
        seconds: float | None = None,
        memory: int | None = None,
        calls: int | None = None,
        trusted: bool = False,
    ) -> Any:
        from bottega.code.choice import limits_of, python_in
        from bottega.dialects.code import Code

        limits = limits_of(seconds, memory, calls)
        return Code(python_in(context, sandbox, limits, trusted=trusted, answers=True))

    return [
        Offer(name="native", summary="Tool calls as the model's server has them.", factory=native),
        Offer(name="react", summary="Thought, action, observation as plain text.", factory=react),
        Offer(name="code", summary="Python that calls tools as functions.", factory=code),
    ]


@hookimpl
def bottega_deciders() -> Sequence[Offer]:
    """Offer the decider that asks a model."""

    def prompt(context: FactoryContext, model: str = "embedded") -> Any:
        from bottega.deciders import PromptDecider

        return PromptDecider(context.make("model", model))

    return [Offer(name="prompt", summary="Asks a model, in words.", factory=prompt)]


@hookimpl
def bottega_middleware() -> Sequence[Offer]:
    """Offer the middleware that no run should be without."""

    def retry(
        context: FactoryContext,
        *,
        attempts: int = 4,
        first_wait: float = 0.5,
        max_wait: float = 20.0,
        total_wait: float = 60.0,
    ) -> Any:
        from bottega.retry import Retry

        return Retry(attempts, first_wait, max_wait, total_wait)

    def approval(
        context: FactoryContext, *, tools: Sequence[str] = (), effects: Sequence[str] = ("once",)
    ) -> Any:
        from bottega.approval import Approval

        return Approval(tools=tools, effects=effects)

    return [
        Offer(name="retry", summary="Asks a model again when its server fails.", factory=retry),
        Offer(
            name="approval",
            summary="Has a person approve, edit or refuse calls before they are made.",
            factory=approval,
        ),
    ]


def _member(module: str, name: str) -> Callable[[FactoryContext], Any]:
    """Return a factory that imports the module when it is called, and returns its member."""
    return lambda context: getattr(import_module(module), name)
