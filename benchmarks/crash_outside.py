"""The outside process: has the effects, counts them, and kills the workers that ask for them.

    python crash_outside.py SOCKET CONFIG

It submits the runs, too, and hears which were accepted. A worker says hello with its process group
on a connection of its own, on which it sends notes that nobody answers; each request comes on
another one. All are lines of JSON. What is counted, and how, is `crash_tally`.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import sys
from dataclasses import asdict, dataclass
from typing import Any

from crash_tally import Item, Tally, receipt

LATEST = 0.004
"""Seconds after an answer within which a worker is killed."""
MOMENTS = ("arrives", "applied", "answered")
"""When a worker is killed by the effect that it asked for."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What is submitted, and when the workers are killed."""

    runs: int = 100
    steps: int = 14
    kills: int = 30
    """Spread evenly over the effects, whose moments take turns."""
    ahead: int = 0
    """Runs that are taken for accepted as soon as they are handed out: a control."""
    honours_keys: bool = True
    """False: a service that does not know its keys, as a control."""
    point: int = 0
    """Kill at this point, once, instead: see `point` in the requests. 0 for none."""
    prefix: str = "r"
    """What the names of the runs begin with."""
    model_seconds: float = 0.05
    """How long a model takes to answer."""
    effect_seconds: float = 0.01
    """How long the service takes before it has an effect, and again before it answers."""
    seed: int = 0

    @property
    def names(self) -> list[str]:
        """The names of the runs."""
        return [f"{self.prefix}{number}" for number in range(self.runs)]


class Outside:
    """The service, the submitter and the killer."""

    def __init__(self) -> None:
        self._drained = asyncio.Event()
        self._drained.set()
        self.start(Plan())

    def start(self, plan: Plan) -> None:
        """Forget all, and begin with another plan."""
        self.plan = plan
        self.tally = Tally(steps=plan.steps)
        total = plan.runs * plan.steps
        self._doomed = [(k + 1) * total // (plan.kills + 1) for k in range(plan.kills)]
        self._random = random.Random(plan.seed)
        self._worker, self._group = "", 0
        self._dead: set[str] = set()
        self._handed: set[str] = set()
        self._first = 0
        self._points = 0
        self.kills: list[str] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Hear out one connection."""
        try:
            while line := await reader.readline():
                asked: dict[str, Any] = json.loads(line)
                if asked["op"] == "hello":
                    await self._hello(asked, reader, writer)
                    return
                answer = getattr(self, f"_{asked.pop('op')}")
                await answer(writer, **asked)
        except ConnectionError:
            pass  # the worker was killed
        finally:
            writer.close()

    async def _hello(
        self, asked: dict[str, Any], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Take a worker on, once all that the last one said has been read; read its notes."""
        await self._drained.wait()
        self._drained.clear()
        self._worker, self._group = asked["worker"], asked["group"]
        self._handed = set()
        _say(writer)
        try:
            while line := await reader.readline():
                note = json.loads(line)
                getattr(self, f"_noted_{note.pop('op')}")(**note)
        except ConnectionError:
            pass
        finally:
            self._drained.set()

    def _noted_accepted(self, run: str) -> None:
        self.tally.accepted.add(run)

    def _noted_finished(self, run: str, lane: str, number: int, kind: Any) -> None:
        self.tally.finish(Item(run, lane, number, kind))

    def _noted_ended(self, run: str, answer: str) -> None:
        self.tally.told.setdefault(run, []).append(answer)

    async def _start(self, writer: asyncio.StreamWriter, plan: dict[str, Any]) -> None:
        self.start(Plan(**plan))
        _say(writer)

    async def _take(self, writer: asyncio.StreamWriter, worker: str) -> None:
        """Hand out a run of which we have not heard that it was accepted."""
        free = (n for n in self.plan.names if n not in self.tally.accepted | self._handed)
        run = next(free, None) if worker == self._worker else None
        if run is not None:
            self._handed.add(run)
        _say(writer, run=run)

    async def _model(self, writer: asyncio.StreamWriter, worker: str, **place: Any) -> None:
        item = Item(kind="model", **place)
        self.tally.request(item, worker, dead=worker in self._dead)
        await self._point(writer, worker, "a model is asked", last=False)
        await asyncio.sleep(self.plan.model_seconds)
        _say(writer)
        await self._at_point(worker, "a model has answered")

    async def _effect(
        self, writer: asyncio.StreamWriter, worker: str, key: str, **place: Any
    ) -> None:
        item = Item(kind="effect", **place)
        dead = worker in self._dead
        doomed = self._takes_down(self.tally.request(item, worker, dead=dead), dead=dead)
        await asyncio.sleep(self.plan.effect_seconds)
        if await self._moment("arrives", doomed, worker):
            return
        self.tally.apply(item.run, item.number, key if self.plan.honours_keys else "")
        await self._moment("applied", doomed, worker)
        await asyncio.sleep(self.plan.effect_seconds)
        _say(writer, receipt=receipt(item.run, item.number))
        if doomed == "answered":
            await asyncio.sleep(self._random.uniform(0, LATEST))
        await self._moment("answered", doomed, worker)

    def _takes_down(self, first: bool, *, dead: bool) -> str:
        """Return the moment at which this effect takes its worker down; nothing for never."""
        self._first += first
        if dead or not self._doomed or self._first < self._doomed[0]:
            return ""
        self._doomed.pop(0)
        return MOMENTS[(self.plan.kills - len(self._doomed)) % len(MOMENTS)]

    async def _moment(self, moment: str, doomed: str, worker: str) -> bool:
        """Kill the worker if it is the moment; say whether it was."""
        if moment == doomed:
            self._kill(worker, moment)
            return True
        return await self._at_point(worker, f"an effect {moment}")

    async def _point(
        self, writer: asyncio.StreamWriter, worker: str, name: str, *, last: bool = True
    ) -> None:
        """Take note that the worker is somewhere, and let it go on if it may."""
        if not await self._at_point(worker, name) and last:
            _say(writer)

    async def _at_point(self, worker: str, name: str) -> bool:
        if not self.plan.point or worker != self._worker or self.kills:
            return False
        self._points += 1
        if self._points != self.plan.point:
            return False
        self._kill(worker, name)
        return True

    def _kill(self, worker: str, why: str) -> None:
        """Kill a worker with all that it has begun."""
        if worker != self._worker:
            return  # somebody else has done it
        self.tally.kill(worker)
        self._dead.add(worker)
        self.kills.append(why)
        self._worker = ""
        if self._group > 1 and self._group != os.getpgrp():
            os.killpg(self._group, signal.SIGKILL)

    async def _stored(
        self, writer: asyncio.StreamWriter, worker: str, run: str, **found: str
    ) -> None:
        self.tally.stored[run] = (found["status"], found["answer"])
        _say(writer)

    async def _result(self, writer: asyncio.StreamWriter) -> None:
        _say(writer, kills=self.kills, plan=asdict(self.plan), counts=self.tally.result())


def _say(writer: asyncio.StreamWriter, **answer: Any) -> None:
    writer.write(json.dumps(answer).encode() + b"\n")


async def main() -> None:
    server = await asyncio.start_unix_server(Outside().serve, sys.argv[1])
    print("ready", flush=True)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
