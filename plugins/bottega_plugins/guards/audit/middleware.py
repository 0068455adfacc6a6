"""Middleware that writes down every side effect: before it is made, and what came of it.

Put it first in the list, so that what other middleware refuses is written down as well. Where the
log cannot be written the call is not made.
"""

from __future__ import annotations

import asyncio
import getpass
import hashlib
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from bottega.errors import BottegaError
from bottega.escape import mask, one_line
from bottega.messages import Json
from bottega.middleware import Invocation, Middleware, ToolHandler
from bottega.questions import PersonNeeded
from bottega.tools import Output, Tool
from bottega_plugins.guards.audit.chain import Chain, canonical, missing, read_line

Shown = Literal["masked", "hashed"]
_LONGEST = 500
_ACTING = ("network", "files:write", "process")
"""Permissions by which a call has effects, whatever its tool says of itself."""


class Audit(Middleware):
    """Write to the log every call that has, or may have, an effect."""

    def __init__(
        self, file: Path, *, user: str = "", arguments: Shown = "masked", everything: bool = False
    ) -> None:
        self._chain = Chain(file)
        self._user = user or _user()
        self._arguments = arguments
        self._everything = everything

    async def around_tool(self, invocation: Invocation, next: ToolHandler) -> Output:
        """Write what is about to be done, do it, and write what came of it."""
        if not (self._everything or has_effects(invocation.tool)):
            return await next(invocation)
        await self._write({"event": "intent", **self._told(invocation)})
        try:
            output = await next(invocation)
        except PersonNeeded:
            await self._end(invocation, "waiting", "")
            raise
        except BottegaError as error:
            await self._end(invocation, "failed", str(error))
            raise
        except asyncio.CancelledError:
            self._chain.append(self._outcome(invocation, "cancelled", ""))
            raise
        await self._end(invocation, "done", "", output)
        return output

    async def refused(self, invocation: Invocation, why: str) -> None:
        """Write down a call that its tool's permissions do not allow; it was never made."""
        await self._write({"event": "refused", **self._told(invocation), "error": _short(why)})

    async def _end(
        self, invocation: Invocation, outcome: str, error: str, output: Output | None = None
    ) -> None:
        record = self._outcome(invocation, outcome, error)
        if output is not None:
            record["result_sha256"] = _sha256(output.content)
        await self._write(record)

    def _outcome(self, invocation: Invocation, outcome: str, error: str) -> dict[str, Json]:
        heard = [] if invocation.context.person is None else invocation.context.person.heard
        if any(ruling.verdict == "reject" for _, ruling in heard):
            outcome = "refused"
        return {
            "event": "result",
            **self._place(invocation),
            "outcome": outcome,
            "error": _short(error),
            "approved_by": [
                {"by": self._user, "question": question.id, "verdict": ruling.verdict}
                for question, ruling in heard
            ],
        }

    def _place(self, invocation: Invocation) -> dict[str, Json]:
        context = invocation.context
        return {
            "run": context.run_id,
            "node": context.node,
            "step": context.step,
            "call": context.call_id,
            "tool": invocation.tool.spec.name,
        }

    def _told(self, invocation: Invocation) -> dict[str, Json]:
        written = canonical(dict(invocation.call.arguments))
        told: dict[str, Json] = {
            **self._place(invocation),
            "user": self._user,
            "effects": invocation.tool.effects,
            "permissions": invocation.context.allowed.texts()
            if invocation.context.limited
            else sorted(invocation.tool.permissions),
            "arguments_sha256": _sha256(written),
            **_reasons(invocation),
        }
        if self._arguments == "masked":
            told["arguments"] = _short(written)
        return told

    async def _write(self, record: Mapping[str, Json]) -> None:
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        await asyncio.to_thread(self._chain.append, {"time": now, **record})


def has_effects(tool: Tool) -> bool:
    """Say whether a call may have an effect."""
    return tool.effects != "none" or any(each.startswith(_ACTING) for each in tool.permissions)


def _reasons(invocation: Invocation) -> dict[str, Json]:
    """Return the task, and what the model said when it made the call."""
    conversation = invocation.context.conversation
    if conversation is None:
        return {"task": "", "thought": ""}
    said = next((m.text for m in reversed(conversation.messages) if m.role == "assistant"), "")
    asked = next((m.text for m in conversation.messages if m.role == "user"), "")
    return {"task": _short(conversation.task or asked), "thought": _short(said)}


def _short(text: str) -> str:
    return one_line(mask(text), _LONGEST)


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container may have no name for its user
        return f"uid {os.getuid()}"


def read_records(file: Path) -> list[dict[str, Any]]:
    """Return the records of a log, torn lines left out. Raises InputError where there is none."""
    try:
        lines = file.read_bytes().split(b"\n")
    except OSError as error:
        raise missing(file, error) from error
    return [record for record in map(read_line, lines) if record is not None]
