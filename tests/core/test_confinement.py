"""Tools held to their permissions in this process."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import confined_tools as tools
import pytest

from bottega import Agent, tool
from bottega.calling import call_tool
from bottega.errors import ToolError
from bottega.events import Observation
from bottega.permissions import Permissions
from bottega.testing import Call, Say, ScriptedModel
from bottega.tools import ToolContext

ALL = {
    **dict.fromkeys(tools.NETWORK, "network"),
    **dict.fromkeys(tools.READING, "files:read"),
    **dict.fromkeys(tools.WRITING, "files:write"),
    **dict.fromkeys(tools.PROCESSES, "process"),
}
EVERY = [pytest.param(function, word, id=function.__name__) for function, word in ALL.items()]


@pytest.fixture(autouse=True)
def places(tmp_path: Path) -> Iterator[None]:
    (tmp_path / "there").write_text("x")
    (tmp_path / "tree" / "branch").mkdir(parents=True)
    (tmp_path / "tree" / "branch" / "leaf").write_text("x")
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        tools.PORT[0] = server.getsockname()[1]
        tools.FOLDER[0] = tmp_path
        yield


def run(function: Callable[..., Any], *allow: str) -> str:
    context = ToolContext(allowed=Permissions.of(allow), limited=True)
    return asyncio.run(call_tool(tool(function), {}, context)).content


@pytest.mark.parametrize(("function", "word"), EVERY)
def test_what_is_not_declared_is_refused(function: Callable[..., Any], word: str) -> None:
    others = {"network", "files:read", "files:write", "process"} - {word}
    before = sorted(each.name for each in tools.FOLDER[0].iterdir())
    with pytest.raises(ToolError, match=r"denied: \w+ may not .*it has no " + word):
        run(function, *others)
    assert sorted(each.name for each in tools.FOLDER[0].iterdir()) == before


@pytest.mark.parametrize(("function", "word"), EVERY)
def test_what_is_declared_is_not(function: Callable[..., Any], word: str) -> None:
    assert run(function, word)


def test_hosts_are_those_of_the_scope() -> None:
    for function in (tools.connect, tools.connect_async):
        assert run(function, "network:localhost") == "connected"
        assert run(function, f"network:localhost:{tools.PORT[0]}") == "connected"
        with pytest.raises(ToolError, match=r"look up 'localhost'.*limited to example\.org"):
            run(function, "network:example.org")
        with pytest.raises(ToolError, match="may not connect to 'localhost'"):
            run(function, "network:localhost:1")
    assert run(tools.connect_to_address, "network:127.0.0.0/8") == "connected"
    with pytest.raises(ToolError, match=r"connect to '127\.0\.0\.1'"):
        run(tools.connect_to_address, "network:localhost")


def test_paths_are_those_of_the_scope(tmp_path: Path) -> None:
    assert run(tools.write, f"files:write:{tmp_path}") == "written"
    with pytest.raises(ToolError, match="its files:write is limited to"):
        run(tools.remove, f"files:write:{tmp_path / 'new'}")
    assert run(tools.remove_tree, f"files:write:{tmp_path / 'tree'}") == "removed"
    with pytest.raises(ToolError, match="may not write '/usr/share/no-such-file'"):
        run(tools.remove_beneath, f"files:write:{Path.cwd()}")
    (tmp_path / "out").symlink_to("/etc")

    def follow() -> str:
        """Read through a link."""
        return (tmp_path / "out" / "passwd").read_text()

    with pytest.raises(ToolError, match="may not read"):
        run(follow, f"files:read:{tmp_path}")


def test_programs_are_those_of_the_scope() -> None:
    assert run(tools.start_program, "process:true")
    with pytest.raises(ToolError, match="limited to true"):
        run(tools.use_shell, "process:true")


def test_importing_needs_no_permission() -> None:
    def zone() -> str:
        """Import what is not imported yet, and read what all programs read."""
        import colorsys
        import zoneinfo

        return f"{colorsys.__name__} {zoneinfo.ZoneInfo('Europe/Rome')}"

    assert run(zone) == "colorsys Europe/Rome"


def test_nobody_is_held_without_a_word_of_the_node() -> None:
    context = ToolContext(allowed=Permissions.of([]))
    assert asyncio.run(call_tool(tool(tools.read), {}, context)).content
    held = tool(confined=True)(tools.read)
    with pytest.raises(ToolError, match="denied"):
        asyncio.run(call_tool(held, {}, context))


def test_a_run_goes_on_beside_a_held_call() -> None:
    """What is not part of the call is not held, though it runs meanwhile and afterwards."""

    async def both() -> tuple[str, str]:
        started, gate = asyncio.Event(), asyncio.Event()

        async def wait() -> str:
            """Wait."""
            started.set()
            await gate.wait()
            return "waited"

        context = ToolContext(allowed=Permissions.of([]), limited=True)
        call = asyncio.create_task(call_tool(tool(wait), {}, context))
        await started.wait()
        text = await asyncio.to_thread(tools.read) + await tools.read_in_executor() + tools.read()
        gate.set()
        return text, (await call).content

    assert asyncio.run(both()) == (tools.read() * 3, "waited")


def test_an_agent_s_tools_are_held_and_its_journal_is_not(tmp_path: Path) -> None:
    read = tool(tools.read)

    @tool
    async def ask(question: str, context: ToolContext) -> str:
        """Ask."""
        assert context.ask is not None
        return await context.ask(question)

    async def reply(question: str) -> str:
        return (tmp_path / "there").read_text()  # whoever answers is not the tool

    calls = Say(
        calls=(Call(name="read", arguments={}), Call(name="ask", arguments={"question": "?"}))
    )
    agent = Agent(model=ScriptedModel(calls, "done"), tools=[read, ask], allow=[], folder=tmp_path)
    result = asyncio.run(agent.arun("go", thread="t", ask=reply))
    seen = {each.tool: each for each in result.events if isinstance(each, Observation)}
    refused, answered = seen["read"], seen["ask"]
    assert refused.is_error
    assert "denied: read may not read '/etc/passwd': it has no files:read" in refused.content
    assert answered.content == "x"
    assert result.answer == "done"
