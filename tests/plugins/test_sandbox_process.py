"""The sandbox `process`: what a step may do, which limit ends it, and what is left of it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from pathlib import Path

import pytest

from bottega.errors import SandboxError, ToolError
from bottega.messages import Json
from bottega.model import ToolSpec
from bottega.plugin.context import FactoryContext
from bottega.plugin.manager import PluginManager
from bottega.sandbox import CodeLimits, CodeOutcome, Sandbox, SandboxSession

SMALL = CodeLimits(seconds=5.0, memory=96 << 20, processes=16, disk=4 << 20, calls=3)
SUM = ToolSpec(
    name="total",
    description="Add.",
    parameters={"type": "object", "properties": {"a": {"type": "number"}, "b": {"type": "number"}}},
)


@pytest.fixture(scope="module")
def context() -> FactoryContext:
    return FactoryContext(plugins=PluginManager.discover())


@pytest.fixture(scope="module")
def sandbox(context: FactoryContext) -> Sandbox:
    if shutil.which("bwrap") is None:
        pytest.skip("bubblewrap is not installed")
    made: Sandbox = context.make("sandbox", "process")
    made.check()
    return made


@pytest.fixture(params=["grouped", "watched"])
def limited(
    request: pytest.FixtureRequest, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Sandbox]:
    """Limit by control groups, and then as where this process may not make any."""
    if request.param == "watched":
        from bottega_plugins.sandbox.process import pool

        pool.close()  # no spare that was made otherwise
        monkeypatch.setattr(pool, "places", lambda: None)
        yield sandbox
        pool.close()
    else:
        yield sandbox


async def total(name: str, arguments: Mapping[str, Json]) -> Json:
    a, b = arguments["a"], arguments["b"]
    if not isinstance(a, int) or not isinstance(b, int):
        raise ToolError("numbers only", hint="no words")
    return a + b


def steps(
    sandbox: Sandbox, *codes: str, limits: CodeLimits = SMALL, call: object = total
) -> list[CodeOutcome]:
    """Run the steps in one session."""

    async def run() -> list[CodeOutcome]:
        session = await sandbox.open([SUM], limits)
        try:
            return [await session.run(code, call) for code in codes]  # type: ignore[arg-type]
        finally:
            await session.aclose()

    return asyncio.run(run())


def in_session(
    sandbox: Sandbox, work: Callable[[SandboxSession], Awaitable[None]], limits: CodeLimits = SMALL
) -> None:
    async def run() -> None:
        session = await sandbox.open([SUM], limits)
        try:
            await work(session)
        finally:
            await session.aclose()

    asyncio.run(run())


def alive() -> set[int]:
    """Return the processes of sandboxes that this process has started, by their control groups."""
    found: set[int] = set()
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                groups = (entry / "cgroup").read_text()
            except OSError:
                continue
            if f"/bottega-{os.getpid()}-" in groups:
                found.add(int(entry.name))
    return found


def test_a_step_begins_where_the_last_one_ended(sandbox: Sandbox) -> None:
    first, second, third = steps(sandbox, "x = 20\nprint('hi')", "x + 1", "x = None\nx")
    assert (first.printed, first.value) == ("hi\n", "")
    assert second.value == "21"
    assert third.value == ""


def test_tools_are_functions(sandbox: Sandbox) -> None:
    called, named, failed, caught = steps(
        sandbox,
        "total(1, 2)",
        "total(b=5, a=2)",
        "total('a', 'b')",
        "try: total('a', 'b')\nexcept ToolError as error: print(error)",
    )
    assert (called.value, named.value) == ("3", "7")
    assert failed.error.endswith("ToolError: numbers only (no words)")
    assert "runner.py" not in failed.error
    assert caught.printed == "numbers only (no words)\n"


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("total(1, 2, 3)", "takes 2 arguments but 3 were given"),
        ("total(1, a=2)", "several values for argument 'a'"),
        ("total(object(), 1)", "not JSON serializable"),
        ("total(float('nan'), 1)", "not JSON compliant"),
        ("total('x' * 3_000_000, 1)", "more than fit into a call"),
    ],
)
def test_a_call_that_cannot_be_made_is_an_error_in_the_code(
    sandbox: Sandbox, code: str, said: str
) -> None:
    outcome, after = steps(sandbox, code, "total(1, 1)")
    assert said in outcome.error
    assert after.value == "2"


def test_a_result_that_is_no_json_is_an_error_in_the_code(sandbox: Sandbox) -> None:
    async def call(name: str, arguments: Mapping[str, Json]) -> Json:
        return {1, 2}  # type: ignore[return-value]

    (outcome,) = steps(sandbox, "total(1, 2)", call=call)
    assert "cannot be handed on" in outcome.error


def test_what_the_caller_raises_passes_through_and_the_code_is_stopped(sandbox: Sandbox) -> None:
    async def call(name: str, arguments: Mapping[str, Json]) -> Json:
        raise KeyError("the house is on fire")

    async def work(session: SandboxSession) -> None:
        with pytest.raises(KeyError, match="on fire"):
            await session.run("x = 1\ntotal(1, 2)\nx = 2", call)
        assert (await session.run("x", total)).value == "1"

    in_session(sandbox, work)


def test_a_name_that_was_given_away_is_the_tool_again(sandbox: Sandbox) -> None:
    _, _, outcome, _, gone = steps(
        sandbox,
        "total = None",
        "del total",
        "total(1, 2)",
        "import builtins; del builtins.print",
        "print(1)",
    )
    assert outcome.value == "3"
    assert gone.printed == "1\n"


def test_an_error_is_told_as_python_tells_it(sandbox: Sandbox) -> None:
    (outcome,) = steps(sandbox, "def f():\n    1 / 0\nf()")
    assert outcome.error.startswith("Traceback (most recent call last):\n")
    assert 'File "<step 1>", line 2, in f\n    1 / 0' in outcome.error
    assert outcome.error.endswith("ZeroDivisionError: division by zero")


@pytest.mark.parametrize("code", ["exit()", "import sys; sys.exit(0)", "", "# nothing"])
def test_an_end_that_is_no_error(sandbox: Sandbox, code: str) -> None:
    (outcome,) = steps(sandbox, code)
    assert outcome == CodeOutcome()


@pytest.mark.parametrize(
    ("code", "stopped"),
    [
        ("x = bytearray(3 << 30)", "memory"),
        ("x = []\nwhile True: x.append(b'x' * (1 << 20))", "memory"),
        ("import os, time\nwhile True:\n    if os.fork() == 0: time.sleep(60)", "processes"),
        ("import threading, time\nfor _ in range(99):\n"
         "    threading.Thread(target=time.sleep, args=(60,), daemon=True).start()", "processes"),
        ("open('/tmp/x', 'wb').write(bytes(5 << 20))", "disk"),
        ("while True: total(1, 2)", "calls"),
        ("import os; os._exit(3)", "died"),
    ],
)  # fmt: skip
def test_limits_end_a_step_and_the_session_goes_on(
    limited: Sandbox, code: str, stopped: str
) -> None:
    outcome, after = steps(limited, code, "total(1, 1)")
    assert outcome.stopped == stopped
    assert after.value == "2"


def test_memory_is_that_of_all_processes(limited: Sandbox) -> None:
    eight = "import os, time\nfor _ in range(8):\n    if os.fork() == 0:\n"
    eight += "        x = b'x' * (40 << 20)\n        time.sleep(60)\nos.wait()[1]"
    outcome, after = steps(limited, eight, "total(1, 1)")
    assert outcome.stopped == "memory" or outcome.value == "9"  # the kernel ends one of them
    assert after.value == "2"


@pytest.mark.parametrize(
    ("code", "lost"),
    [
        ("while True: pass", False),
        ("sum(range(10**12))", True),
        ("import time; time.sleep(60)", False),
    ],
)
def test_the_time_of_a_step_ends(limited: Sandbox, code: str, lost: bool) -> None:
    short = CodeLimits(seconds=0.2, memory=96 << 20)
    _, outcome, after = steps(limited, "x = 1", code, "x", limits=short)
    assert (outcome.stopped, outcome.lost) == ("seconds", lost)
    assert after.value == ("" if lost else "1")
    assert bool(after.error) == lost


def test_time_in_tools_does_not_count(sandbox: Sandbox) -> None:
    async def call(name: str, arguments: Mapping[str, Json]) -> Json:
        await asyncio.sleep(0.7)
        return 1

    short = CodeLimits(seconds=0.6)
    (outcome,) = steps(sandbox, "total(1, 2)", limits=short, call=call)
    assert (outcome.value, outcome.stopped) == ("1", "")


def test_output_is_cut_and_counted(sandbox: Sandbox) -> None:
    few = CodeLimits(output=10)
    (outcome,) = steps(sandbox, "print('é' * 200_000)", limits=few)
    assert outcome.printed == "é" * 10
    assert outcome.dropped == 199_991  # with the end of the line


def test_a_flood_of_200_megabytes_is_dropped(sandbox: Sandbox) -> None:
    (outcome,) = steps(
        sandbox,
        "import os\nb = b'x' * 1_000_000\nfor _ in range(200): os.write(1, b)",
        limits=CodeLimits(seconds=30.0),
    )
    assert (len(outcome.printed), outcome.dropped) == (50_000, 199_950_000)


def test_what_a_step_leaves_is_ended(limited: Sandbox) -> None:
    daemon = "import os, time\nif os.fork() == 0:\n    os.setsid()\n    if os.fork() == 0:\n"
    daemon += "        while True: open('/tmp/alive', 'a').write('x')\n    os._exit(0)\nos.wait()"
    size = "import os, time\ndef size(): return os.stat('/tmp/alive').st_size\n"
    size += "a = size(); time.sleep(0.05); size() - a"
    prepared, _, outcome = steps(limited, "open('/tmp/alive', 'w').close()", daemon, size)
    assert prepared.error == ""
    assert outcome.value == "0"


def test_a_thread_stands_still_between_steps(sandbox: Sandbox) -> None:
    count = "import threading\nn = 0\ndef up():\n    global n\n    while True: n += 1\n"
    count += "threading.Thread(target=up, daemon=True).start()"

    async def work(session: SandboxSession) -> None:
        await session.run(count, total)
        await session.run("print(n)", total)
        (runner,) = [
            each for each in alive() if len(list(Path(f"/proc/{each}/task").iterdir())) > 1
        ]
        before = _used(runner)
        await asyncio.sleep(0.2)
        assert _used(runner) == before

    in_session(sandbox, work)


def _used(process: int) -> int:
    """Return the processor time of a process, in ticks."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def test_cancelling_stops_the_code_at_once(sandbox: Sandbox) -> None:
    async def work(session: SandboxSession) -> None:
        running = asyncio.ensure_future(session.run("while True: pass", total))
        await asyncio.sleep(0.05)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        assert (await session.run("1 + 1", total)).value == "2"

    in_session(sandbox, work, CodeLimits(seconds=60.0))


def test_closing_ends_a_step_at_work(sandbox: Sandbox) -> None:
    async def work(session: SandboxSession) -> None:
        running = asyncio.ensure_future(session.run("while True: pass", total))
        await asyncio.sleep(0.05)
        await session.aclose()
        assert (await running).lost
        with pytest.raises(SandboxError, match="closed"):
            await session.run("1", total)

    in_session(sandbox, work, CodeLimits(seconds=60.0))


def test_nothing_is_left_of_sandboxes_that_were_closed(sandbox: Sandbox) -> None:
    from bottega_plugins.sandbox.process import pool

    places = pool.places()
    if places is None:
        pytest.skip("no control groups here, by which processes are found")
    steps(sandbox, "import os, time\nif os.fork() == 0: time.sleep(60)", "import os; os._exit(1)")
    sandbox.check()
    assert alive()  # the one that stands ready
    pool.close()
    assert not alive()
    left = [each.name for each in places.memory.glob(f"bottega-{os.getpid()}-*")]
    assert not left


def test_nothing_is_left_of_sandboxes_that_were_given_up_while_they_started(
    sandbox: Sandbox,
) -> None:
    from bottega_plugins.sandbox.process import pool

    async def give_up() -> None:
        for moment in range(12):
            pool.close()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(moment / 1000):
                    await sandbox.open(limits=SMALL)

    asyncio.run(give_up())
    pool.close()
    assert not alive()


HOST = """
import asyncio, os
from bottega_plugins.sandbox.process.kind import ProcessSandbox

async def main():
    session = await ProcessSandbox().open()
    code = "import os, time\\nif os.fork() == 0:\\n    os.setsid()\\n    time.sleep(600)\\n"
    print("ready", flush=True)
    await session.run(code + "while True: time.sleep(1)", None)

asyncio.run(main())
"""


def test_nothing_outlives_a_host_that_is_killed(sandbox: Sandbox) -> None:
    host = subprocess.Popen([sys.executable, "-c", HOST], stdout=subprocess.PIPE, text=True)
    assert host.stdout is not None
    with host.stdout:
        assert host.stdout.readline() == "ready\n"
        time.sleep(0.1)
        family = _descendants(host.pid)
        assert len(family) > 3
        host.send_signal(signal.SIGKILL)
        host.wait()
    give_up = time.monotonic() + 10
    while any(Path(f"/proc/{process}").exists() for process in family):
        assert time.monotonic() < give_up
        time.sleep(0.01)


def _descendants(process: int) -> set[int]:
    from bottega_plugins.sandbox.process.family import descendants

    return descendants(process) - {process}


def test_a_fork_of_the_host_has_sandboxes_of_its_own(sandbox: Sandbox) -> None:
    script = (
        "import asyncio, os\n"
        "from bottega_plugins.sandbox.process.kind import ProcessSandbox\n"
        "async def one():\n"
        "    session = await ProcessSandbox().open()\n"
        "    print((await session.run('6 * 7', None)).value, flush=True)\n"
        "    await session.aclose()\n"
        "asyncio.run(one())\n"
        "if os.fork():\n    os.wait()\n"
        "asyncio.run(one())\n"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert (run.stdout, run.stderr) == ("42\n42\n42\n", "")


def test_several_loops_share_what_is_warm(sandbox: Sandbox) -> None:
    assert [steps(sandbox, "1")[0].value for _ in range(3)] == ["1", "1", "1"]


def test_sessions_do_not_see_each_other(sandbox: Sandbox) -> None:
    async def run() -> None:
        one, other = await asyncio.gather(sandbox.open((), SMALL), sandbox.open((), SMALL))
        await one.run("open('/tmp/mine', 'w').write('x')\nmine = 1", total)
        seen = await other.run("import os\nos.listdir('/tmp'), 'mine' in globals()", total)
        assert seen.value == "([], False)"
        await asyncio.gather(one.aclose(), other.aclose())

    asyncio.run(run())


def test_site_packages_only_where_they_are_asked_for(
    sandbox: Sandbox, context: FactoryContext
) -> None:
    code = "import pluggy\npluggy.__name__"
    assert "No module named 'pluggy'" in steps(sandbox, code)[0].error
    assert steps(context.make("sandbox", "process", packages=True), code)[0].value == "'pluggy'"


@pytest.mark.parametrize(
    ("options", "said"),
    [({"workspace": "nowhere"}, "is no folder"), ({"workspace": ".", "writable": True}, "root")],
)
def test_a_workspace_that_cannot_be_used(
    sandbox: Sandbox, tmp_path: Path, options: dict[str, object], said: str
) -> None:
    if said == "root" and os.geteuid() != 0:
        pytest.skip("this folder does not belong to root")
    here = FactoryContext(plugins=PluginManager.discover(), folder=tmp_path)
    with pytest.raises(SandboxError, match=said):
        here.make("sandbox", "process", **options).check()


def test_without_bubblewrap_nothing_runs(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SandboxError, match="bubblewrap, which is not installed") as caught:
        asyncio.run(sandbox.open())
    assert "apt install bubblewrap" in caught.value.hint


def test_a_bubblewrap_that_fails_is_quoted(
    context: FactoryContext, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from bottega_plugins.sandbox.process import pool

    broken = tmp_path / "bwrap"
    broken.write_text(
        "#!/bin/sh\necho 'bwrap: No permissions to create new namespace' >&2\nexit 1\n"
    )
    broken.chmod(0o755)
    pool.close()
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    with pytest.raises(SandboxError, match="No permissions to create new namespace"):
        asyncio.run(context.make("sandbox", "process").open())
    pool.close()


def test_a_huge_step_is_refused(sandbox: Sandbox) -> None:
    (outcome,) = steps(sandbox, "x = 1\n" * 300_000)
    assert "1,800,000 characters" in outcome.error


def test_what_the_documentation_shows_runs(sandbox: Sandbox) -> None:
    page = (Path(__file__).parents[2] / "docs" / "sandbox.md").read_text()
    snippets = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    assert snippets
    for source in snippets:
        exec(compile(source, "sandbox.md", "exec"), {"__name__": "snippet"})


@pytest.mark.parametrize(
    "limits", [CodeLimits(memory=1 << 20), CodeLimits(disk=0), CodeLimits(processes=0)]
)
def test_limits_that_leave_no_room_are_refused(sandbox: Sandbox, limits: CodeLimits) -> None:
    with pytest.raises(SandboxError, match="cannot be made so small"):
        asyncio.run(sandbox.open(limits=limits))


def test_a_sandbox_that_ends_between_steps_is_told(sandbox: Sandbox) -> None:
    async def work(session: SandboxSession) -> None:
        before = alive()
        await session.run("import os, threading, time\nx = 1", total)
        for process in alive() & before:
            with contextlib.suppress(ProcessLookupError):  # the first takes the others with it
                os.kill(process, signal.SIGKILL)
        while alive() & before:
            await asyncio.sleep(0.001)
        outcome = await session.run("x", total)
        assert (outcome.stopped, outcome.lost) == ("died", True)
        assert (await session.run("1 + 1", total)).value == "2"

    in_session(sandbox, work)
