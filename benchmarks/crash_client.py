"""A worker's way to the outside process; see `crash_outside` for what is said."""

from __future__ import annotations

import asyncio
import json
import os
import socket
from collections.abc import Awaitable, Callable
from typing import Any


class Client:
    """A connection for notes, and one for each request."""

    def __init__(self, path: str, *, points: bool) -> None:
        """`points`: tell of every point that the worker passes."""
        self._path = path
        self.points = points
        self._worker = os.urandom(8).hex()
        self._notes: asyncio.StreamWriter | None = None

    async def join(self) -> None:
        """Say hello; from then on this process group may be killed."""
        reader, self._notes = await asyncio.open_unix_connection(self._path)
        self.note("hello", worker=self._worker, group=os.getpgrp())
        await reader.readline()

    def note(self, op: str, **what: Any) -> None:
        """Say something that is with the system before this returns, whatever comes then."""
        if self._notes is not None:
            self._notes.write(json.dumps({"op": op, **what}).encode() + b"\n")

    async def ask(self, op: str, **what: Any) -> dict[str, Any]:
        """Ask for something and wait for the answer."""
        reader, writer = await asyncio.open_unix_connection(self._path)
        try:
            writer.write(json.dumps({"op": op, "worker": self._worker, **what}).encode() + b"\n")
            answer: dict[str, Any] = json.loads(await reader.readline())
            return answer
        finally:
            writer.close()

    async def point(self, name: str) -> None:
        """Pass a point at which the worker may be killed."""
        if self.points:
            await self.ask("point", name=name)

    def around(self, owner: Any, *names: str) -> None:
        """Pass a point before and after each call of these methods, which write to a store."""
        if self.points:
            for name in names:
                setattr(owner, name, self._with_points(getattr(owner, name), name))

    def _with_points(self, method: Callable[..., Awaitable[Any]], name: str) -> Any:
        async def call(*given: Any, **named: Any) -> Any:
            await self.point(f"before {name}")
            result = await method(*given, **named)
            await self.point(f"after {name}")
            return result

        return call

    async def effect(self, run: str, lane: str, step: int, key: str = "") -> str:
        """Have the effect of a step and return its receipt."""
        done = await self.ask("effect", run=run, lane=lane, number=step, key=key)
        return str(done["receipt"])

    async def model(self, run: str, lane: str, number: int) -> None:
        """Count a call of a model, and wait as long as it takes."""
        await self.ask("model", run=run, lane=lane, number=number)

    async def take(self) -> str | None:
        """Return the name of a run to begin; None when all were accepted or handed out."""
        return (await self.ask("take"))["run"]

    def finished(self, run: str, lane: str, number: int, kind: str) -> None:
        """Say that the framework has told of a step's end."""
        self.note("finished", run=run, lane=lane, number=number, kind=kind)


def ask_now(path: str, op: str, **what: Any) -> dict[str, Any]:
    """Ask without an event loop."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(path)
        connection.sendall(json.dumps({"op": op, **what}).encode() + b"\n")
        with connection.makefile() as lines:
            answer: dict[str, Any] = json.loads(lines.readline())
    return answer
