"""Real MCP servers, made with the SDK: both transports, both eras of the protocol."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from mcp_nursery import SERVERS, observed, raw

from bottega import Agent
from bottega.errors import BottegaError, InputError
from bottega.testing import ScriptedModel, call, calls
from bottega_plugins.adapters import MCPServer

pytestmark = pytest.mark.xdist_group("mcp")
COMMAND = [sys.executable, str(SERVERS / "whole.py")]
EVERYTHING = ["add", "climb", "walk", "sleep", "turn", "draw", "fail"]


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """Run the server over HTTP for the tests of this file."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = subprocess.Popen(
        [*COMMAND, str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        for _ in range(600):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        yield f"http://127.0.0.1:{port}/mcp"
    finally:
        server.kill()
        server.wait()


@pytest.fixture(params=["stdio-auto", "http-auto", "http-legacy"])  # stdio-legacy: raw.py
def server(request: pytest.FixtureRequest, url: str) -> MCPServer:
    way, protocol = request.param.split("-")
    where: dict[str, Any] = (
        {"command": COMMAND} if way == "stdio" else {"url": url, "allow": ["127.0.0.1"]}
    )
    return MCPServer(**where, name="whole", protocol=protocol, resources=True, prompts=True)


def test_everything_that_a_server_has_is_there_and_works(server: MCPServer) -> None:
    names = [each.spec.name for each in server.tools]
    assert names == [*EVERYTHING, "prompt_greet", "list_resources", "read_resource"]
    seen = observed(
        server,
        call("add", a=1),
        call("add", a="x"),
        call("climb", place={"name": "Etna", "height": 3357}),
        call("walk", steps=2),
        call("draw"),
        call("fail"),
        call("list_resources"),
        call("read_resource", uri="notes://hats"),
        call("read_resource", uri="about://me"),
        call("read_resource", uri="none://such"),
        call("prompt_greet", name="Bo"),
    )
    added, misfit, climbed, walked, drawn, failed, listed, note, about, none, greeted = seen
    assert added.content == "3"
    assert "'a' must be an integer" in misfit.content
    assert '"height": 3358.0' in climbed.content
    assert walked.content == "arrived"
    assert walked.printed == "progress 1/2: walking\nprogress 2/2: walking\ninfo: there\n"
    assert drawn.content == "[image]"
    assert failed.is_error
    assert "fail" in failed.content
    assert "about://me (about)" in listed.content
    assert "notes://{name} (note): A note." in listed.content
    assert note.content == "[notes://hats]\nnote on hats"
    assert about.content == "[about://me: application/octet-stream, about 3 bytes, not shown]"
    assert none.content.startswith("Error: the MCP server whole answered: ")
    assert greeted.content == "user:\nSay hello to Bo"


def test_images_of_a_server_are_images(url: str) -> None:
    server = MCPServer(url=url, allow=["127.0.0.1"], only=["draw"])
    model = ScriptedModel(call("draw"), "done")
    Agent(model=model, tools=[server]).run("go")
    (image,) = [i for m in model.requests[1].messages for r in m.results for i in r.images]
    assert (image.media_type, image.data) == ("image/png", b"\x89PNG picture")


def test_hints_count_only_where_they_are_trusted(url: str) -> None:
    def effects(**options: Any) -> list[str]:
        server = MCPServer(url=url, allow=["127.0.0.1"], only=["add", "climb", "walk"], **options)
        return [each.effects for each in server.tools]

    assert effects() == ["once", "once", "once"]
    assert effects(trust_hints=True) == ["none", "idempotent", "once"]


def test_a_cancelled_call_and_a_changed_list_are_heard_on_either_side(tmp_path: Path) -> None:
    server = MCPServer(command=COMMAND, name="whole")
    mark = tmp_path / "mark"
    asleep = call("sleep", seconds=30, mark=str(mark))
    agent = Agent(model=ScriptedModel(asleep, "done"), tools=[server])

    async def stopped() -> str:
        running = asyncio.create_task(agent.arun("go"))
        while not mark.exists():
            await asyncio.sleep(0.01)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        naps = [call("sleep", seconds=0.01)] * 3  # the server goes on
        script = ScriptedModel(call("add", a=1), call("turn"), *naps, call("add", a=1), "done")
        seen = await Agent(model=script, tools=[server]).arun("go")
        await server.aclose()
        return [event.content for event in seen.events if event.kind == "observation"][-1]

    last = asyncio.run(stopped())
    assert mark.read_text() == "woken up"
    assert "the MCP server whole is not what was approved: tool 'add'" in last
    assert "its description was 'Add two numbers.' and is 'Obey.'" in last


def agent_of(server: MCPServer) -> Agent:
    return Agent(model=ScriptedModel(call("add", a=1), "done"), tools=[server])


def test_several_agents_share_a_server_and_none_closes_it_under_another(url: str) -> None:
    server = MCPServer(url=url, allow=["127.0.0.1"], name="whole")

    async def both() -> list[str]:
        slow = Agent(model=ScriptedModel(call("sleep", seconds=0.5), "slow"), tools=[server])
        quick = agent_of(server)
        running = asyncio.create_task(slow.arun("go"))
        await asyncio.sleep(0.1)
        first = await quick.arun("go")
        await quick.aclose()
        second = await running
        await slow.aclose()
        observations = [e for r in (first, second) for e in r.events if e.kind == "observation"]
        return [event.content for event in observations]

    _ = server.tools
    assert asyncio.run(both()) == ["3", "slept"]


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("http://127.0.0.1:{port}/mcp", "127.0.0.1 is this machine"),
        ("http://localhost:{port}/mcp", "localhost leads to "),
        ("http://[::ffff:127.0.0.1]:{port}/mcp", "is this machine"),
        ("http://2130706433:{port}/mcp", "127.0.0.1 is this machine"),
        ("http://169.254.169.254/mcp", "a cloud's metadata service"),
        ("http://10.0.0.1/mcp", "a private network"),
    ],
)
def test_a_server_nearby_is_reached_only_where_that_is_allowed(
    url: str, address: str, told: str
) -> None:
    port = url.split(":")[2].partition("/")[0]
    with pytest.raises(BottegaError, match=told):
        _ = MCPServer(url=address.format(port=port)).tools


def test_headers_are_filled_from_the_environment(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from bottega_plugins.adapters.mcp.guarded import filled

    monkeypatch.setenv("KEY_OF_MINE", "sesame")
    assert filled({"Authorization": "Bearer $KEY_OF_MINE"}) == {"Authorization": "Bearer sesame"}
    headers = {"Authorization": "Bearer ${NO_SUCH}"}
    with pytest.raises(InputError, match="the variable NO_SUCH is not set"):
        _ = MCPServer(url=url, headers=headers, allow=["127.0.0.1"]).tools


def test_what_is_no_mcp_server_is_one_line(url: str) -> None:
    wrong = url.replace("/mcp", "/elsewhere")
    with pytest.raises(BottegaError, match="the MCP server away cannot be used: "):
        _ = MCPServer(url=wrong, allow=["127.0.0.1"], name="away").tools


def test_a_node_s_permissions_hold_for_servers(url: str) -> None:
    def told(server: MCPServer, *allow: str) -> str:
        model = ScriptedModel(call("add", a=1), "done")
        result = Agent(model=model, tools=[server], allow=frozenset(allow)).run("go")
        return next(e.content for e in result.events if e.kind == "observation")

    near = MCPServer(url=url, allow=["127.0.0.1"], only=["add"])
    assert "denied: add needs network:127.0.0.1" in told(near, "files")
    assert "denied: add needs network:127.0.0.1" in told(near, "network:example.org")
    assert told(near, "network:127.0.0.1") == "3"
    started = raw(only=["echo"], rename={"echo": "add"})
    assert "denied: add needs process:" in told(started, "network", "process:git")
    assert told(started, "process") == '{"a": 1}'


def test_calls_of_one_turn_run_side_by_side(url: str) -> None:
    server = MCPServer(url=url, allow=["127.0.0.1"], only=["add"])
    turn = calls([call("add", a=n, b=n) for n in range(8)])
    model = ScriptedModel(turn, "done")
    result = Agent(model=model, tools=[server]).run("go")
    found = [e.content for e in result.events if e.kind == "observation"]
    assert sorted(map(int, found)) == [0, 2, 4, 6, 8, 10, 12, 14]
