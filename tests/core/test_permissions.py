"""Permissions: the words, their scopes, and what of them a call gets."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bottega import Agent, Graph, Offer, hookimpl, tool
from bottega.errors import GraphError, InputError, PluginError, ToolError
from bottega.events import Observation
from bottega.permissions import WORDS, Permissions
from bottega.plugin.context import FactoryContext
from bottega.plugin.manager import PluginManager
from bottega.result import Result
from bottega.testing import Call, Say, ScriptedModel
from bottega.tools import ToolContext


def of(*texts: str) -> Permissions:
    return Permissions.of(texts)


@pytest.mark.parametrize(
    ("granted", "host", "expected"),
    [
        ("network", "anything.example", True),
        ("network:example.org", "example.org", True),
        ("network:example.org", "EXAMPLE.org.", True),
        ("network:example.org", "www.example.org", False),
        ("network:example.org", "example.org.evil.test", False),
        ("network:example.org", "notexample.org", False),
        ("network:*.example.org", "www.example.org", True),
        ("network:*.example.org", "a.b.example.org", True),
        ("network:*.example.org", "example.org", False),
        ("network:*.example.org", "notexample.org", False),
        ("network:münchen.example", "xn--mnchen-3ya.example", True),
        ("network:10.0.0.0/8", "10.20.30.40", True),
        ("network:10.0.0.0/8", "11.0.0.1", False),
        ("network:10.0.0.0/8", "10.example.org", False),
        ("network:127.0.0.1", "::ffff:127.0.0.1", True),
        ("network:127.0.0.1", "2130706433", False),
        ("network:[::1]", "::1", True),
        ("network:2001:db8::/32", "2001:DB8::7", True),
        ("files:read", "example.org", False),
    ],
)
def test_hosts(granted: str, host: str, expected: bool) -> None:
    assert of(granted).host(host) is expected


@pytest.mark.parametrize(
    ("granted", "host", "port", "expected"),
    [
        ("network:example.org", "example.org", 8080, True),
        ("network:example.org:443", "example.org", 443, True),
        ("network:example.org:443", "example.org", 80, False),
        ("network:example.org:443", "example.org", None, False),
        ("network:[::1]:80", "::1", 80, True),
        ("network:[::1]:80", "::1", 81, False),
    ],
)
def test_ports(granted: str, host: str, port: int | None, expected: bool) -> None:
    assert of(granted).host(host, port) is expected


def test_paths_are_compared_by_whole_names_and_where_links_lead(tmp_path: Path) -> None:
    inside, beside = tmp_path / "data", tmp_path / "data2"
    for folder in (inside, beside):
        folder.mkdir()
    (inside / "link").symlink_to(beside)
    allowed = of(f"files:read:{inside}")
    assert allowed.read(inside)
    assert allowed.read(inside / "a" / "b")
    assert not allowed.read(beside / "a")
    assert not allowed.read(inside / ".." / "data2" / "a")
    assert not allowed.read(inside / "link" / "a")
    assert not allowed.write(inside / "a")
    assert of("files:read:/").read("/etc")


def test_paths_begin_at_the_folder(tmp_path: Path) -> None:
    allowed = Permissions.of(["files:./out"], tmp_path)
    assert allowed.scopes("files:read") == (os.path.realpath(tmp_path / "out"),)
    assert allowed.write(tmp_path / "out" / "a")


def test_programs() -> None:
    assert of("process:git").process("/usr/bin/git")
    assert of("process:git").process("git")
    assert not of("process:/usr/bin/git").process("/tmp/git")
    assert not of("process:git").process("/bin/sh")


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("netwrok", "did you mean 'network'?"),
        ("files:raed", "did you mean 'files:read'?"),
        ("files:reed:/tmp", "did you mean 'files:read'?"),
        ("proces:git", "did you mean 'process'?"),
        ("network:", "did you mean 'network'?"),
        ("everything", "known: network, files:read, files:write, process"),
        ("", "known: network"),
        ("network:http://example.org", "write a host"),
        ("network:*", "write a host"),
        ("network:a:99999999", "write a host"),
        ("network:user@example.org", "write a host"),
    ],
)
def test_what_is_no_permission_is_named_with_the_nearest(text: str, hint: str) -> None:
    with pytest.raises(InputError) as caught:
        of(text)
    assert repr(text) in str(caught.value)
    assert hint in caught.value.hint


def test_a_call_gets_what_both_sides_permit() -> None:
    allow = of("network:*.example.org", "files:read:/data/sub")
    assert allow.meet(of("network")).texts() == ["network:*.example.org"]
    assert allow.meet(of("network:a.example.org")).texts() == ["network:a.example.org"]
    assert allow.meet(of("files:read:/data")).texts() == ["files:read:/data/sub"]
    assert allow.meet(of("process")).texts() == []
    assert allow.missing(of("network", "process", "files:write")) == ("files:write", "process")
    assert allow.missing(of("network:elsewhere.test")) == ("network:elsewhere.test",)


def test_everything_limits_nothing() -> None:
    allowed = Permissions.everything()
    assert all(allowed.has(word) and allowed.scopes(word) is None for word in WORDS)
    assert allowed.host("any.test", 1)
    assert allowed.process("/bin/sh")
    assert ToolContext().allowed == allowed


def test_refusals_say_what_is_allowed() -> None:
    with pytest.raises(ToolError, match=r"network of 'evil\.test' .*only example\.org"):
        of("network:example.org").check_host("evil.test")
    with pytest.raises(ToolError, match=r"files:read of '/x' .*allowed: none"):
        of("network").check_read("/x")
    with pytest.raises(ToolError, match="files:write"):
        of("files:read").check_write("/x")
    of("network:example.org").check_host("example.org", 443)


@tool(permissions=frozenset({"network", "files:read:/data"}))
def where(host: str, context: ToolContext) -> str:
    """Say whether the host may be asked."""
    context.allowed.check_host(host)
    return " ".join(context.allowed.texts())


def observed(result: Result) -> list[str]:
    return [each.content for each in result.events if isinstance(each, Observation)]


@pytest.mark.parametrize(
    ("allow", "expected"),
    [
        (None, "files:read:/data network"),
        (["network", "files:read"], "files:read:/data network"),
        (["network:*.test", "files"], "files:read:/data network:*.test"),
        (["network:other.example", "files:read"], "Error: denied: network of 'a.test'"),
        (["network"], "Error: denied: where needs files:read:/data, which agent may not use"),
        ([], "Error: denied: where needs files:read:/data, network, which agent may not use"),
    ],
)
def test_tools_know_what_their_call_may_use(allow: list[str] | None, expected: str) -> None:
    model = ScriptedModel(Say(calls=(Call(name="where", arguments={"host": "a.test"}),)), "done")
    result = Agent(model=model, tools=[where], allow=allow).run("go")
    assert observed(result)[0].startswith(expected)


def test_a_tool_with_an_unknown_permission_is_not_made() -> None:
    with pytest.raises(InputError, match="did you mean 'network'"):

        @tool(permissions=frozenset({"netwrok"}))
        def wrong() -> str:
            """Do nothing."""
            return ""


def test_a_plugin_s_tool_with_an_unknown_permission_is_not_made() -> None:
    def make(context: FactoryContext) -> object:
        made = tool(where.run)
        made.permissions = frozenset({"netwrok"})
        return made

    class Plugin:
        @hookimpl
        def bottega_tools(self) -> list[Offer]:
            return [Offer(name="wrong", summary="Is wrong.", factory=make)]

    plugins = PluginManager()
    plugins.register(Plugin(), "mine")
    with pytest.raises(PluginError, match=r"tool 'wrong' of plugin 'mine'.*'netwrok' is not"):
        plugins.make("tool", "wrong", FactoryContext(plugins=plugins))


def test_an_agent_with_an_unknown_permission_is_not_made() -> None:
    agent = Agent(model=ScriptedModel("x"), allow=frozenset({"netwrok"}))
    with pytest.raises(InputError, match="did you mean 'network'"):
        agent.run("go")


def test_paths_of_an_agent_begin_at_its_folder(tmp_path: Path) -> None:
    agent = Agent(model=ScriptedModel("x"), allow=["files:read:docs"], folder=tmp_path)
    assert agent.parts.allow == {f"files:read:{os.path.realpath(tmp_path / 'docs')}"}


def test_a_graph_with_an_unknown_permission_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "g.yaml"
    file.write_text(
        "nodes:\n  a: {kind: specialist, allow: ['files:reed:docs']}\n"
        "edges: [start -> a, a -> end]\n"
    )
    with pytest.raises(GraphError, match=r"g\.yaml:2:\d+: allow: .*did you mean 'files:read'"):
        Graph.from_yaml(file)
