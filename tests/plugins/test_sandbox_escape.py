"""Hostile code in every sandbox that is a boundary: nothing gets out, and the session goes on."""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import get_args

import pytest
from canaries import Canaries
from escape_attempts import Attempt, Family, attempts

from bottega.messages import Json
from bottega.model import ToolSpec
from bottega.plugin.context import FactoryContext
from bottega.plugin.manager import PluginManager
from bottega.sandbox import CodeLimits, CodeOutcome, Sandbox, SandboxSession

LIMITS = CodeLimits(seconds=0.25, memory=96 << 20, processes=24, disk=8 << 20, calls=20)
ECHO = ToolSpec(
    name="echo",
    description="Say it again.",
    parameters={"type": "object", "properties": {"text": {"type": "string"}}},
)
BOUNDARIES = ["process", "monty"]


@pytest.fixture(scope="module")
def plugins() -> PluginManager:
    """Find the sandboxes as a graph would."""
    return PluginManager.discover()


@pytest.fixture(params=BOUNDARIES)
def sandbox(request: pytest.FixtureRequest, plugins: PluginManager) -> Sandbox:
    """Make each of them."""
    if request.param == "process" and shutil.which("bwrap") is None:
        pytest.skip("bubblewrap is not installed")
    made: Sandbox = plugins.make("sandbox", request.param, FactoryContext(plugins=plugins))
    made.check()
    return made


@pytest.mark.parametrize("family", get_args(Family))
def test_nothing_gets_out(sandbox: Sandbox, family: Family, tmp_path: Path) -> None:
    members = [attempt for attempt in attempts() if attempt.family == family]
    with Canaries(tmp_path) as canaries:
        wrong = asyncio.run(_tried(sandbox, members, canaries))
    assert not wrong, "\n".join(wrong)


def test_there_are_enough_attempts() -> None:
    found = attempts()
    assert len({(attempt.family, attempt.name) for attempt in found}) == len(found) >= 60


async def _tried(sandbox: Sandbox, members: list[Attempt], canaries: Canaries) -> list[str]:
    wrong: list[str] = []
    session = await sandbox.open([ECHO], LIMITS)
    try:
        for attempt in members:
            found = await _problems(session, attempt, canaries)
            if any("took" in each for each in found):  # the machine may have been busy elsewhere
                found = await _problems(session, attempt, canaries)
            wrong += [f"{attempt.family}/{attempt.name}: {each}" for each in found]
    finally:
        await session.aclose()
    return wrong


async def _problems(session: SandboxSession, attempt: Attempt, canaries: Canaries) -> list[str]:
    called: list[str] = []

    async def call(name: str, arguments: Mapping[str, Json]) -> Json:
        called.append(name)
        return arguments.get("text")

    begun = time.monotonic()
    outcome = await session.run(canaries.aim(attempt.code), call)
    took = time.monotonic() - begun
    wrong = canaries.harmed(f"{outcome.printed}{outcome.value}{outcome.error}")
    if took > LIMITS.seconds + 1:
        wrong.append(f"it took {took:.2f} s")
    if set(called) - {"echo"} or len(called) > LIMITS.calls:
        wrong.append(f"it called {called[:30]}")
    if _size(outcome) > LIMITS.output + 60_000:
        wrong.append(f"it said {_size(outcome):,} characters")
    for _ in range(2):  # what poisons its own process may take the step after with it
        after = await session.run("print(1 + 1)", call)
        if after.printed == "2\n":
            return wrong
    return [*wrong, f"the session did not go on: {after}"]


def _size(outcome: CodeOutcome) -> int:
    return len(outcome.printed) + len(outcome.value) + len(outcome.error)
