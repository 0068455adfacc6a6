"""What every tool must keep to, as one call for the tests of its author.

The tool really runs, with the arguments that the author gives; nothing else is made up for it.
"""

# pyright: reportUnknownArgumentType=false, reportUnknownVariableType=false
# pyright: reportUnknownMemberType=false
# Values of any type are this file's business.

from __future__ import annotations

import asyncio
import io
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from bottega.calling import call_tool
from bottega.errors import BottegaError, ToolArgumentError, ToolError
from bottega.messages import Json
from bottega.permissions import Permissions
from bottega.tools import Output, Tool, ToolContext

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_TYPES = {"string", "integer", "number", "boolean", "array", "object", "null"}
_TICK = 0.02
MAX_BLOCKED = 0.5
"""Seconds for which a call may keep everything else in the loop from going on."""


def check_tool(tool: Tool, /, **sample: Json) -> None:
    """Raise AssertionError naming every rule that the tool breaks.

    `sample` are arguments, as JSON, of a call that works; it is made once, and a second time where
    the tool says that this does no harm. A tool that asks the person is told "yes".
    """
    checks = _Checks(tool, sample)
    checks.declarations()
    checks.schema()
    checks.misuse()
    if not checks.broken:  # a tool that is not well declared is not called
        asyncio.run(checks.calls())
    if checks.broken:
        listed = "\n".join(f"  - {problem}" for problem in dict.fromkeys(checks.broken))
        raise AssertionError(f"tool {tool.name or type(tool).__name__!r} breaks:\n{listed}")


@dataclass(slots=True)
class _Checks:
    tool: Tool
    sample: Mapping[str, Json]
    broken: list[str] = field(default_factory=list)

    def declarations(self) -> None:
        """Check what the tool says of itself."""
        tool = self.tool
        try:
            spec = tool.spec
        except BottegaError as error:
            self.broken.append(f"its specification cannot be made: {error}")
            return
        if not _NAME.fullmatch(spec.name):
            self.broken.append(f"name {spec.name!r}: 1 to 64 ASCII letters, digits, '_' and '-'")
        if len(spec.description.strip()) < 10:
            self.broken.append("description: models decide on it; say in a sentence what it does")
        if tool.effects not in ("none", "idempotent", "once"):
            self.broken.append(f"effects {tool.effects!r}: none, idempotent or once")
        if tool.trust not in ("trusted", "untrusted", "derived"):
            self.broken.append(f"trust {tool.trust!r}: trusted, untrusted or derived")
        if tool.timeout is not None and not tool.timeout > 0:
            self.broken.append(f"timeout {tool.timeout!r}: seconds above zero, or None")
        if tool.rate is not None and not (len(tool.rate) == 2 and min(tool.rate) > 0):
            self.broken.append(f"rate {tool.rate!r}: (calls, seconds), both above zero, or None")
        if not _is(tool.permissions, frozenset):
            self.broken.append("permissions: a frozenset of names")
            return
        try:
            Permissions.of(tool.permissions)
        except BottegaError as error:
            self.broken.append(f"permissions: {error}")

    def schema(self) -> None:
        """Check the schema's form, as far as models and grammars depend on it."""
        if self.broken:
            return
        schema = self.tool.spec.parameters
        self.broken += _schema_problems(schema)
        properties = schema.get("properties", {})
        self.broken += [
            f"parameter {name!r} has no description: put it in the docstring's Args"
            for name, item in properties.items()
            if not item.get("description") and len(properties) > 1
        ]

    def misuse(self) -> None:
        """Check that arguments that do not fit are refused as such."""
        if self.broken:
            return
        schema = self.tool.spec.parameters
        bad: list[tuple[str, Any]] = [("an unknown argument", {**self.sample, "no_such_thing": 1})]
        if schema.get("required"):
            bad.append(("missing arguments", {}))
        bad += [
            (f"an object for {name!r}", {**self.sample, name: {"no_such_thing": [1]}})
            for name, item in schema.get("properties", {}).items()
            if item.get("type") in ("string", "integer", "number", "boolean", "array")
        ]
        for what, arguments in bad:
            try:
                self.tool.validate(arguments)
            except ToolArgumentError:
                continue
            except Exception as error:  # noqa: BLE001  # reported with everything else
                self.broken.append(f"{what}: raised {error!r} instead of a ToolArgumentError")
            else:
                self.broken.append(f"{what}: accepted; raise a ToolArgumentError")

    async def calls(self) -> None:
        """Make the sample call, and where it does no harm make it twice."""
        first = await self._call()
        if first is None:
            return
        if not _is(first.content, str):
            self.broken.append(
                f"the result's content is a {type(first.content).__name__}, not a str"
            )
        if self.tool.effects == "none":
            second = await self._call()
            if second is not None and second != first:
                self.broken.append("effects are 'none', yet a second call gave another result")
        elif self.tool.effects == "idempotent" and await self._call() is None:
            self.broken.append("effects are 'idempotent', yet a second call failed")

    async def _call(self) -> Output | None:
        """Call under watch: time, standard output and the loop's other work."""
        try:
            arguments = self.tool.validate(self.sample)
        except ToolArgumentError as error:
            self.broken.append(f"the sample arguments are refused: {error}")
            return None
        context = ToolContext(
            run_id="check", node="check", step=1, call_id="1", key="check/1", ask=_yes
        )
        outside, real = io.StringIO(), sys.stdout
        sys.stdout = outside
        try:
            async with _Ticker() as ticker:
                output = await call_tool(self.tool, arguments, context)
        except ToolError as error:
            self.broken.append(f"the sample call failed: {error}")
            return None
        except Exception as error:  # noqa: BLE001  # reported with everything else
            self.broken.append(f"the sample call raised {error!r} instead of a ToolError")
            return None
        finally:
            sys.stdout = real
        if outside.getvalue():
            self.broken.append(f"it wrote to standard output: {outside.getvalue()[:80]!r}")
        if ticker.longest > MAX_BLOCKED:
            self.broken.append(
                f"it kept the event loop from going on for {ticker.longest:.1f} s: use a plain "
                "def, or await what takes time"
            )
        return output


async def _yes(question: str) -> str:
    return "yes"


def _is(value: object, kind: type) -> bool:
    """Ask at run time what the type checker takes for granted."""
    return isinstance(value, kind)


class _Ticker:
    """Measures the longest time for which the event loop did nothing else."""

    def __init__(self) -> None:
        self.longest = 0.0

    async def __aenter__(self) -> _Ticker:
        self._task = asyncio.create_task(self._tick())
        await asyncio.sleep(0)
        return self

    async def __aexit__(self, *exception: object) -> None:
        await asyncio.sleep(0)  # a tick that is due happens now
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _tick(self) -> None:
        loop = asyncio.get_running_loop()
        last = loop.time()
        while True:
            try:
                await asyncio.sleep(_TICK)
            finally:
                self.longest = max(self.longest, loop.time() - last - _TICK)
                last = loop.time()


def _schema_problems(schema: Mapping[str, Json]) -> list[str]:
    """List what is wrong with the form of a JSON Schema of arguments."""
    problems: list[str] = []
    if schema.get("type") != "object":
        problems.append("schema: the type of the arguments must be 'object'")
    if schema.get("additionalProperties") is not False:
        problems.append("schema: additionalProperties must be false")
    properties = schema.get("properties", {})
    unknown = [name for name in schema.get("required", ()) if name not in properties]
    if unknown:
        problems.append(f"schema: required names that are no properties: {', '.join(unknown)}")
    definitions = schema.get("$defs", {})
    for place, part in _parts("arguments", schema):
        problems += _part_problems(place, part, definitions)
    return problems


def _parts(place: str, schema: Json) -> Iterator[tuple[str, Json]]:
    """Yield a schema and all schemas inside it, each with its place."""
    yield place, schema
    if not isinstance(schema, Mapping):
        return
    for key in ("properties", "$defs", "patternProperties"):
        for name, part in schema.get(key, {}).items():
            yield from _parts(f"{place}.{name}", part)
    for key in ("items", "additionalProperties"):
        if isinstance(schema.get(key), Mapping):
            yield from _parts(f"{place}[]", schema[key])
    for key in ("anyOf", "oneOf", "allOf", "prefixItems"):
        for index, part in enumerate(schema.get(key, ())):
            yield from _parts(f"{place}<{index}>", part)


def _part_problems(place: str, part: Json, definitions: Mapping[str, Json]) -> list[str]:
    if not isinstance(part, Mapping):
        return [f"schema: {place} is a {type(part).__name__}, not an object"]
    reference = part.get("$ref")
    if reference is not None and str(reference).removeprefix("#/$defs/") not in definitions:
        return [f"schema: {place} refers to {reference!r}, which is not there"]
    kinds = part.get("type", [])
    wrong = [kind for kind in ([kinds] if isinstance(kinds, str) else kinds) if kind not in _TYPES]
    return [f"schema: {place} has the unknown type {kind!r}" for kind in wrong]
