"""Calls in processes of their own: C2, C3, C6, C7 and C8 of the bad inputs."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import isolated_tools as tools
import pytest

from bottega.calling import call_tool
from bottega.errors import InputError, ToolError
from bottega.isolation.host import close_zygotes
from bottega.printed import MAX_PRINTED
from bottega.tools import Output, Tool, ToolContext, tool

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="processes are isolated on Linux")


@pytest.fixture(scope="module", autouse=True)
def end_zygotes() -> Iterator[None]:
    yield
    close_zygotes()


def run(target: Tool, **arguments: Any) -> Output:
    context = ToolContext(node="n", key="k")
    return asyncio.run(call_tool(target, target.validate(arguments), context))


def failure(target: Tool, **arguments: Any) -> str:
    with pytest.raises(ToolError) as caught:
        run(target, **arguments)
    return str(caught.value)


def wait_for(condition: Callable[[], bool]) -> bool:
    give_up = time.monotonic() + 15
    while not condition() and time.monotonic() < give_up:
        time.sleep(0.01)
    return condition()


def is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def test_values_context_and_output_make_the_way() -> None:
    output = run(tools.describe, color="red", when="2026-01-31", numbers=[1, 1])
    *words, pid = output.content.split(" ")
    assert " ".join(words) == "<Color.RED: 'red'> datetime.date(2026, 1, 31) {1} n k"
    assert int(pid) != os.getpid()
    assert output.printed == "to stdout\nto stderr\n"
    rich = run(tools.cited, text="x")
    assert rich.final
    assert rich.citations[0].key == "a:1"
    assert run(tools.surrogate, text="a\ud801").content == "a\ud801\ud800"
    assert run(tools.Shelf(), title="dune").content == "DUNE"


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ("exit", "exited with status 7 and without a result"),
        ("sys.exit", "SystemExit: 7"),
        ("segfault", "died (signal 11, SIGSEGV)"),
        ("kill", "died (signal 9, SIGKILL)"),
        ("kill parent", "was killed"),
        ("tool error", "no luck (try x)"),
        ("error", "ValueError: bad"),
    ],
)
def test_only_the_tools_process_ends(how: str, message: str) -> None:
    """C6."""
    found = failure(tools.end_with, how=how)
    assert message in found
    if "died" in message:
        assert "last words" in found
    assert run(tools.end_with, how="").content == "alive"


def test_code_that_hangs_in_c_is_killed_at_its_timeout() -> None:
    """C2."""
    run(tools.print_much)  # a zygote is there: its start is not part of the time
    started = time.monotonic()
    assert failure(tools.spin_in_c) == "spin_in_c did not finish within 0.5 s"
    assert time.monotonic() - started < 10


def test_output_is_cut_and_does_not_fill_memory() -> None:
    """C3."""
    output = run(tools.print_much)
    assert output.content == "printed"
    assert len(output.printed) < MAX_PRINTED + 50
    assert "990,000 more characters" in output.printed
    assert failure(tools.flood) == "flood did not finish within 0.5 s"


def test_memory_is_limited() -> None:
    assert run(tools.allocate, size=1_000_000).content == "1000000"
    assert failure(tools.allocate, size=1 << 30) == "MemoryError"


@pytest.mark.parametrize("hang", [False, True], ids=["returns", "is cancelled"])
def test_what_a_call_leaves_behind_is_ended(tmp_path: Path, hang: bool) -> None:
    """C7."""
    path = tmp_path / "pids"

    async def main() -> None:
        call = call_tool(tools.leave_daemon, {"path": str(path), "hang": hang}, ToolContext())
        if not hang:
            assert (await call).content == "left"
            return
        task = asyncio.create_task(call)
        while not path.exists() or path.read_text().count("\n") < 2:
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    pids = [int(line) for line in path.read_text().split()]
    assert len(pids) == 2
    assert wait_for(lambda: not any(map(is_alive, pids)))


def test_what_a_call_changes_is_not_seen_by_the_next(tmp_path: Path) -> None:
    """C8."""
    before = run(tools.look_at_process).content
    assert run(tools.spoil_process, folder=str(tmp_path)).content == "spoiled"
    assert run(tools.look_at_process).content == before
    assert "BOTTEGA_SPOILED" not in os.environ


def test_calls_run_at_once() -> None:
    async def main() -> list[Output]:
        calls = [call_tool(tools.end_with, {"how": ""}, ToolContext()) for _ in range(8)]
        return list(await asyncio.gather(*calls))

    assert {output.content for output in asyncio.run(main())} == {"alive"}


def test_nothing_stays_when_the_host_is_killed(tmp_path: Path) -> None:
    path = tmp_path / "pids"
    code = f"""
import asyncio, sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
import isolated_tools as tools
from bottega.calling import call_tool
from bottega.tools import ToolContext
asyncio.run(call_tool(tools.leave_daemon, dict(path={str(path)!r}, hang=True), ToolContext()))
"""
    with subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.DEVNULL) as host:
        assert wait_for(lambda: path.exists() and path.read_text().count("\n") == 2)
        host.kill()
    pids = [int(line) for line in path.read_text().split()]
    assert wait_for(lambda: not any(map(is_alive, pids)))


def test_a_module_that_cannot_be_imported_there_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = tmp_path / "breaks_elsewhere.py"
    module.write_text(
        "import os, sys\n"
        "from bottega.tools import tool\n"
        "if 'bottega.isolation.zygote' in ' '.join(sys.orig_argv): raise SystemExit('not here')\n"
        "@tool(isolation='process')\n"
        "def act() -> str:\n    return 'x'\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    import breaks_elsewhere  # type: ignore[import-not-found]

    message = failure(breaks_elsewhere.act)
    assert "breaks_elsewhere cannot be imported in a process of its own" in message
    assert "not here" in message


def test_what_cannot_be_imported_by_name_is_refused_when_it_is_made() -> None:
    def inside() -> None: ...

    class Counting(Tool):
        isolation = "process"

        def run(self) -> int:
            """Count."""
            return 1

    with pytest.raises(InputError, match="made inside a function"):
        tool(isolation="process")(inside)
    with pytest.raises(InputError, match="a lambda"):
        tool(isolation="process", name="short")(lambda: 1)
    with pytest.raises(InputError, match="made inside a function"):
        run(Counting())
    shelf = tools.Shelf()
    shelf.books = 3  # type: ignore[attr-defined]
    with pytest.raises(InputError, match="it holds books"):
        run(shelf, title="x")


def test_tools_of_a_script_are_refused(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "from bottega.errors import InputError\n"
        "from bottega.tools import tool\n"
        "try:\n"
        "    @tool(isolation='process')\n"
        "    def act() -> str:\n        return 'x'\n"
        "except InputError as error:\n    print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, check=True, timeout=60
    )
    assert "it is in the script that was started" in done.stdout
