"""What the toolbox offers. Each tool is imported when a graph or agent first names it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any

from bottega.errors import InputError
from bottega.offer import Offer
from bottega.plugin.context import FactoryContext
from bottega.plugin.spec import hookimpl
from bottega.tool_index import ToolIndex
from bottega_tools.browser.offers import offers as browser_tools
from bottega_tools.files.offers import offers as file_tools
from bottega_tools.sql.offers import offers as sql_tools
from bottega_tools.web.offers import offers as web_tools
from bottega_tools.zero_shot.offers import offers as zero_shot_tools

if TYPE_CHECKING:
    from bottega.memory import Memory
    from bottega.tools import Tool

_TOOLS = {
    "calculator": "Work out an arithmetic expression, exactly where that is possible.",
    "final_answer": "Give the answer and end the agent's work.",
    "ask_user": "Ask the person in front of the run a question.",
    "read_artifact": "Read on in a result that was too long to be shown.",
    "plan_calls": "Say which calls with effects are meant to be made, before anything is read.",
}
"""Modules of this package, each with a tool of the same name."""


@hookimpl
def bottega_tools() -> Sequence[Offer]:
    """Offer the toolbox."""
    return [
        Offer(name=name, summary=summary, factory=_factory(name))
        for name, summary in _TOOLS.items()
    ] + [
        Offer(name="remember", summary="Keep a fact for later runs.", factory=_remember),
        Offer(name="find_tool", summary="Find tools by what they do.", factory=_find_tool),
        Offer(name="recall", summary="Find facts that were remembered.", factory=_recall),
        Offer(name="python", summary="Run Python code in a sandbox.", factory=_python),
        Offer(name="shell", summary="Run a command line in a sandbox.", factory=_shell),
        *file_tools(),
        *sql_tools(),
        *web_tools(),
        *browser_tools(),
        *zero_shot_tools(),
    ]


def _remember(context: FactoryContext, *, memory: Any, user: str = "", judge: Any = None) -> Tool:
    from bottega_tools.remember import Remember

    return Remember(_memory(context, memory), user, judge)


def _recall(context: FactoryContext, *, memory: Any, user: str = "") -> Tool:
    from bottega_tools.recall import Recall

    return Recall(_memory(context, memory), user)


def _python(
    context: FactoryContext,
    *,
    sandbox: str | Mapping[str, Any] | Sequence[Any] = "monty",
    seconds: float | None = None,
    memory: int | None = None,
    calls: int | None = None,
    trusted: bool = False,
) -> Tool:
    from bottega_tools.python import python

    return python(
        context, sandbox=sandbox, seconds=seconds, memory=memory, calls=calls, trusted=trusted
    )


def _shell(
    context: FactoryContext,
    *,
    workspace: str = "",
    writable: bool = False,
    seconds: float = 30.0,
    memory: int = 512,
) -> Tool:
    from bottega_tools.shell import shell

    return shell(context, workspace=workspace, writable=writable, seconds=seconds, memory=memory)


def _find_tool(context: FactoryContext, *, index: Any = None, trust: Any = "untrusted") -> Tool:
    from bottega_tools.find_tool import FindTool

    if not isinstance(index, ToolIndex):
        raise InputError(
            "find_tool searches the agent's own tools", hint="say `offer: 8` in its node"
        )
    return FindTool(index, trust)


def _memory(context: FactoryContext, memory: Any) -> Memory:
    """Return the memory that is given, or the one of that name."""
    made: Memory = context.make("memory", memory) if isinstance(memory, str) else memory
    return made


def _factory(name: str) -> Callable[[FactoryContext], Tool]:
    def make(context: FactoryContext) -> Tool:
        made: Tool = getattr(import_module(f"bottega_tools.{name}"), name)
        return made

    return make
