"""From what a graph says of its code to the tool that runs it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from bottega.code.python import Python
from bottega.errors import InputError, SandboxError
from bottega.sandbox import CodeLimits, Sandbox

if TYPE_CHECKING:
    from bottega.plugin.context import FactoryContext

Sandboxes = str | Mapping[str, Any] | Sequence[Any]
"""A name, a name with options, or several of these in order."""
DEFAULT_SANDBOX = "monty"
_DEFAULT = CodeLimits()


def limits_of(seconds: float | None, memory: int | None, calls: int | None) -> CodeLimits:
    """Return the limits, `memory` being in MiB. Raises InputError for one that allows nothing."""
    for name, value in (("seconds", seconds), ("memory", memory), ("calls", calls)):
        if value is not None and value <= 0:
            raise InputError(f"{name} must be more than 0, not {value}")
    return CodeLimits(
        seconds=_DEFAULT.seconds if seconds is None else float(seconds),
        memory=_DEFAULT.memory if memory is None else memory << 20,
        calls=_DEFAULT.calls if calls is None else calls,
    )


def python_in(
    context: FactoryContext,
    sandbox: Sandboxes,
    limits: CodeLimits,
    *,
    trusted: bool = False,
    answers: bool = False,
) -> Python:
    """Return the tool over the sandboxes of these names, each with options where it takes some.

    Raises InputError; SandboxError where the machine cannot give one of them, or where one is no
    boundary and the code is not said to be trusted.
    """
    named = [sandbox] if isinstance(sandbox, str | Mapping) else list(sandbox)
    if not named:
        raise InputError("code needs a sandbox", hint=f"say sandbox: {DEFAULT_SANDBOX}")
    made: list[Sandbox] = []
    for name, options in map(_read, named):
        made.append(_checked(context.make("sandbox", name, **options), trusted=trusted))
    return Python(made, limits, answers=answers)


def _read(item: Any) -> tuple[str, Mapping[str, Any]]:
    """Read a name, or a name with options: `{process: {packages: true}}`."""
    if isinstance(item, str):
        return item, {}
    given: Mapping[Any, Any] = cast("Mapping[Any, Any]", item) if isinstance(item, dict) else {}
    fields = list(given.items())
    if len(fields) != 1 or not isinstance(fields[0][0], str) or not isinstance(fields[0][1], dict):
        raise InputError(
            f"{item!r} is no sandbox", hint="write process, or {process: {packages: true}}"
        )
    return fields[0]


def _checked(sandbox: Sandbox, *, trusted: bool) -> Sandbox:
    if not sandbox.boundary and not trusted:
        raise SandboxError(
            f"the sandbox {sandbox.name!r} does not hold hostile code",
            hint="take another, or say trusted: true if you trust whoever writes the code",
        )
    sandbox.check()
    return sandbox
