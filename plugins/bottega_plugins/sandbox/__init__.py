"""Sandboxes: where code runs that a model wrote. `bottega.sandbox` is their contract."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from bottega.offer import Offer
from bottega.plugin.spec import hookimpl

if TYPE_CHECKING:
    from bottega.plugin.context import FactoryContext
    from bottega.sandbox import Sandbox


def _process(
    context: FactoryContext,
    *,
    packages: bool = False,
    programs: bool = False,
    workspace: str = "",
    writable: bool = False,
) -> Sandbox:
    from bottega_plugins.sandbox.process.kind import ProcessSandbox

    return ProcessSandbox(
        packages=packages,
        programs=programs,
        workspace=(context.folder / workspace).resolve() if workspace else None,
        writable=writable,
    )


def _monty(context: FactoryContext) -> Sandbox:
    from bottega_plugins.sandbox.monty.kind import Monty

    return Monty()


def _sandlock(context: FactoryContext) -> Sandbox:
    from bottega_plugins.sandbox.sandlock import Sandlock

    return Sandlock()


def _interpreter(context: FactoryContext, *, imports: Sequence[str] = ()) -> Sandbox:
    from bottega_plugins.sandbox.interpreter import Interpreter

    return Interpreter(imports=tuple(imports))


@hookimpl
def bottega_sandboxes() -> Sequence[Offer]:
    """Offer sandboxes."""
    return [
        Offer(
            name="monty",
            summary="A subset of Python without files, network or system, in workers of its own.",
            factory=_monty,
            extra="sandbox",
        ),
        Offer(
            name="process",
            summary="Full Python behind namespaces, a filter of system calls and control groups.",
            factory=_process,
        ),
        Offer(
            name="sandlock",
            summary="Full Python behind Landlock, where namespaces cannot be had.",
            factory=_sandlock,
            extra="sandlock",
        ),
        Offer(
            name="interpreter",
            summary="smolagents' executor in this process: no boundary, for trusted code only.",
            factory=_interpreter,
        ),
    ]
