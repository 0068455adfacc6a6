"""The process of one call: it limits itself, calls the function, and says what came of it."""

from __future__ import annotations

import asyncio
import os
import resource
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, TextIO

from bottega.errors import BottegaError
from bottega.isolation.processes import die_with_parent
from bottega.isolation.target import Target
from bottega.isolation.wire import frame, output_to_json, unframe
from bottega.messages import Json
from bottega.permissions import Permissions
from bottega.rendering import describe, is_settled, render, settle
from bottega.signature import context_parameter
from bottega.tools import Output, Tool, ToolContext


def work(orders: int, result: int, output: int) -> None:
    """Answer the request that comes from `orders` on `result`; print to `output`.

    All three are file descriptors. Does not return.
    """
    die_with_parent()
    with open(orders, "rb") as source:
        request = unframe(source.read())
    if request is None:  # nobody called
        os._exit(0)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.close(output)
    sys.stdout = _stream(1)
    sys.stderr = _stream(2)
    _limit(request["limits"])
    try:
        reply: dict[str, Json] = {"output": output_to_json(_call(request, result))}
    except BottegaError as error:
        reply = {"error": error.message, "hint": error.hint}
    except BaseException as error:  # noqa: BLE001  # whatever it is, it is the tool's
        reply = {"error": describe(error), "hint": ""}
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    data = frame(reply)
    while data:
        data = data[os.write(result, data) :]
    os._exit(0)  # nothing that the tool has registered, and none of its threads, holds it up


def _stream(descriptor: int) -> TextIO:
    return open(
        descriptor, "w", buffering=1, encoding="utf-8", errors="backslashreplace", closefd=False
    )


def _call(request: Mapping[str, Json], result: int) -> Output:
    tool: Tool = Target(**request["target"]).load()
    arguments: dict[str, Any] = tool.validate(request["arguments"])
    given = dict(request["context"])
    allowed = Permissions.of(given.pop("allowed"))
    context = replace(ToolContext(**given), allowed=allowed)
    parameter = context_parameter(tool.run)
    if parameter:
        arguments[parameter] = context
    function: Callable[[], Any] = partial(tool.run, **arguments)
    if request["held"]:
        from bottega.confinement import held
        from bottega.isolation.hold import hold

        function = held(function, tool, context)
        hold(allowed, keep=result)
    value = function()
    if not is_settled(value):
        value = asyncio.run(settle(value))
    return render(value)


def _limit(limits: Mapping[str, Json]) -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if limits["memory"] is not None:
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        most = pages * resource.getpagesize() + limits["memory"]
        _lower(resource.RLIMIT_AS, most)
    if limits["cpu"] is not None:
        _lower(resource.RLIMIT_CPU, limits["cpu"])


def _lower(what: int, most: int) -> None:
    _, hard = resource.getrlimit(what)
    if hard == resource.RLIM_INFINITY or most < hard:
        resource.setrlimit(what, (most, hard))
