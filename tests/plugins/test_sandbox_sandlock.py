"""The sandbox `sandlock`: the same runner and limits, behind Landlock in place of namespaces."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path

import pytest
from canaries import Canaries
from escape_attempts import attempts

from bottega.errors import SandboxError
from bottega.messages import Json
from bottega.plugin.context import FactoryContext
from bottega.plugin.manager import PluginManager
from bottega.sandbox import CodeLimits, CodeOutcome, Sandbox

SMALL = CodeLimits(seconds=1.0, memory=96 << 20, processes=8, disk=4 << 20)


@pytest.fixture(scope="module")
def sandbox() -> Sandbox:
    sandlock = pytest.importorskip("sandlock")
    if sandlock.landlock_abi_version() < sandlock.min_landlock_abi():
        pytest.skip("this kernel's Landlock is too old")
    plugins = PluginManager.discover()
    made: Sandbox = plugins.make("sandbox", "sandlock", FactoryContext(plugins=plugins))
    made.check()
    return made


async def no_tools(name: str, arguments: Mapping[str, Json]) -> Json:
    return None


def steps(sandbox: Sandbox, *codes: str) -> list[CodeOutcome]:
    async def run() -> list[CodeOutcome]:
        session = await sandbox.open(limits=SMALL)
        try:
            return [await session.run(code, no_tools) for code in codes]
        finally:
            await session.aclose()

    return asyncio.run(run())


def test_steps_share_what_they_define(sandbox: Sandbox) -> None:
    assert sandbox.boundary
    first, second = steps(sandbox, "x = 6\nprint('hi')", "open('f', 'w').write('x'); x * 7")
    assert (first.printed, second.value) == ("hi\n", "42")


def test_its_folder_is_removed(sandbox: Sandbox) -> None:
    (outcome,) = steps(sandbox, "import os; print(os.getcwd())")
    assert not Path(outcome.printed.strip()).exists()


def test_the_time_of_a_step_ends(sandbox: Sandbox) -> None:
    spun, kept, hung, gone = steps(
        sandbox, "x = 1\nwhile True: pass", "x", "sum(range(10**12))", "x"
    )
    assert (spun.stopped, spun.lost, kept.value) == ("seconds", False, "1")
    assert (hung.stopped, hung.lost) == ("seconds", True)
    assert "NameError" in gone.error


def test_disk_is_limited(sandbox: Sandbox) -> None:
    big = "for n in range(99):\n    open(f'{n}', 'wb').write(bytes(1 << 20))\nwhile True: pass"
    outcome, after = steps(sandbox, big, "1 + 1")
    assert outcome.stopped == "disk"
    assert after.value == "2"


def test_root_is_nobody_here(sandbox: Sandbox) -> None:
    (outcome,) = steps(
        sandbox,
        "import ctypes\nsets = (ctypes.c_uint32 * 6)()\n"
        "ctypes.CDLL(None).capget((ctypes.c_uint32 * 2)(0x20080522, 0), sets)\nlist(sets)",
    )
    assert outcome.value == "[0, 0, 0, 0, 0, 0]"


@pytest.mark.parametrize("family", ["read", "write", "network", "kernel"])
def test_nothing_gets_out(sandbox: Sandbox, family: str, tmp_path: Path) -> None:
    async def wrong(canaries: Canaries) -> list[str]:
        found: list[str] = []
        session = await sandbox.open(limits=SMALL)
        for attempt in attempts():
            if attempt.family == family:
                outcome = await session.run(canaries.aim(attempt.code), no_tools)
                said = f"{outcome.printed}{outcome.value}{outcome.error}"
                found += [f"{attempt.name}: {each}" for each in canaries.harmed(said)]
        await session.aclose()
        return found

    with Canaries(tmp_path) as canaries:
        assert asyncio.run(wrong(canaries)) == []


def test_an_old_kernel_is_told(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    import sandlock

    monkeypatch.setattr(sandlock, "landlock_abi_version", lambda: 3)
    with pytest.raises(SandboxError, match="needs Landlock 6, and this kernel has 3"):
        sandbox.check()
