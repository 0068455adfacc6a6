"""The audit log: what is written, and that no change of it goes unseen."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bottega import Agent, tool
from bottega.approval import Approval
from bottega.cli import main
from bottega.errors import InputError, StorageError, ToolError
from bottega.plugin.context import FactoryContext
from bottega.plugin.manager import default_plugins
from bottega.testing import Call, Say, ScriptedModel
from bottega_plugins.guards.audit.chain import Chain
from bottega_plugins.guards.audit.middleware import Audit, read_records
from bottega_plugins.guards.audit.verify import verify


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "audit.jsonl"


def written(log: Path, count: int = 5) -> list[bytes]:
    """Write records; return the lines."""
    for number in range(count):
        Chain(log).append({"event": "intent", "n": number})
    return log.read_bytes().splitlines(keepends=True)


def problems(log: Path) -> str:
    return "\n".join(verify(log).problems)


def test_an_untouched_log_is_whole(log: Path) -> None:
    written(log)
    report = verify(log)
    assert (report.lines, report.problems, report.notes) == (5, [], [])
    assert [record["n"] for record in read_records(log)] == list(range(5))
    assert log.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("number", [1, 3, 5])
def test_a_changed_line_is_named(log: Path, number: int) -> None:
    lines = written(log)
    lines[number - 1] = lines[number - 1].replace(b'"n":', b'"n":7')
    log.write_bytes(b"".join(lines))
    assert f"line {number}: changed" in problems(log)


def test_changed_bytes_are_found_wherever_they_are(log: Path) -> None:
    data = b"".join(written(log, 2))
    for place in range(0, len(data), 3):
        log.write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
        report = verify(log)
        assert report.problems or report.notes, place


def test_a_line_with_a_hash_of_its_own_is_named(log: Path, tmp_path: Path) -> None:
    """Whoever changes a line and works its hash out anew is told by the next one."""
    lines = written(log)
    forged = tmp_path / "forged"
    Chain(forged).append({"event": "intent", "n": 99})
    lines[0] = forged.read_bytes()
    log.write_bytes(b"".join(lines))
    assert "line 2: it does not follow from the line before" in problems(log)


@pytest.mark.parametrize(
    ("kept", "expected"),
    [
        ([0, 1, 3, 4], "line 3: record 3 before it is missing"),
        ([3, 4], "line 1: records 1-3 before it is missing"),
        ([0, 1, 2], "the end is cut off: records 4-5 is missing"),
        ([], "the end is cut off: records 1-5 is missing"),
        ([0, 2, 1, 3, 4], "line 3: record 2 is out of its order"),
        ([0, 0, 1, 2, 3, 4], "line 2: record 1 is out of its order"),
    ],
)
def test_removed_moved_and_repeated_lines_are_named(
    log: Path, kept: list[int], expected: str
) -> None:
    lines = written(log)
    log.write_bytes(b"".join(lines[number] for number in kept))
    assert expected in problems(log)


def test_a_missing_head_is_told(log: Path) -> None:
    written(log)
    Chain(log).head_file.unlink()
    assert "is missing or damaged" in problems(log)


def _crash_after(log: Path, cut: int) -> None:
    """Leave three records and a fourth as far as it came, and the head of the third."""
    written(log, 3)
    head = Chain(log).head_file.read_bytes()
    Chain(log).append({"event": "fourth"})
    log.write_bytes(log.read_bytes()[:-cut])
    Chain(log).head_file.write_bytes(head)


def test_a_record_that_lacks_its_line_feed_is_whole(log: Path) -> None:
    _crash_after(log, 1)
    assert (verify(log).lines, verify(log).problems, verify(log).notes) == (4, [], [])
    Chain(log).append({"event": "after"})
    assert (verify(log).lines, verify(log).problems, verify(log).notes) == (5, [], [])


@pytest.mark.parametrize("cut", [2, 40])
def test_a_torn_line_is_told_and_the_chain_goes_on(log: Path, cut: int) -> None:
    _crash_after(log, cut)
    report = verify(log)
    assert report.problems == []
    assert report.notes == ["line 4 is torn: a crash, or a cut; the next record will say so"]
    Chain(log).append({"event": "after"})
    report = verify(log)
    assert report.problems == []
    assert report.notes == ["line 4 was torn by a crash; the next record says so"]
    assert read_records(log)[-1]["seq"] == 4
    lines = log.read_bytes().splitlines(keepends=True)
    log.write_bytes(b"".join([*lines[:3], lines[4]]))
    assert "a torn line before record 4 was removed" in problems(log)
    log.write_bytes(b"".join([*lines[:3], b"x" + lines[3], lines[4]]))
    assert "line 4: changed" in problems(log)


def test_a_log_that_is_all_torn_begins_anew(log: Path) -> None:
    log.write_bytes(b'{"half')
    Chain(log).append({"event": "first"})
    assert verify(log).problems == []


APPEND = """
import sys
from pathlib import Path
from bottega_plugins.guards.audit.chain import Chain
for number in range(25):
    Chain(Path(sys.argv[1])).append({"by": sys.argv[2], "n": number})
"""


def test_processes_share_one_chain(log: Path) -> None:
    command = [sys.executable, "-c", APPEND, str(log)]
    started = [subprocess.Popen([*command, str(number)]) for number in range(3)]
    assert [process.wait(60) for process in started] == [0, 0, 0]
    report = verify(log)
    assert (report.lines, report.problems) == (75, [])


def test_a_missing_log_is_one_line(log: Path) -> None:
    with pytest.raises(InputError, match="nothing was written yet"):
        verify(log)
    written(log)
    log.unlink()
    with pytest.raises(InputError, match="is missing, though its head"):
        verify(log)
    log.mkdir()
    with pytest.raises(InputError, match="cannot be read"):
        read_records(log)


@tool(permissions=frozenset({"network"}), effects="once")
def send(text: str) -> str:
    """Send a text."""
    if text == "fail":
        raise ToolError("no line")
    return f"sent {text}"


@tool(effects="none")
def look() -> str:
    """Look."""
    return "seen"


def run(log: Path, *texts: str, middleware: tuple[Any, ...] = (), **options: Any) -> Any:
    calls = tuple(Call(name="send", arguments={"text": text}) for text in texts)
    model = ScriptedModel(
        Say(thought="I must tell them", calls=(*calls, Call(name="look", arguments={}))), "done"
    )
    audit = Audit(log, user="ann")
    agent = Agent(model=model, tools=[send, look], middleware=[audit, *middleware], **options)
    return asyncio.run(agent.arun("Tell them", ask=options.pop("ask", None)))


def test_effects_are_written_before_and_after(log: Path) -> None:
    result = run(log, "hi")
    intent, after = read_records(log)
    assert (intent["event"], after["event"], after["outcome"]) == ("intent", "result", "done")
    assert {key: intent[key] for key in ("run", "node", "user", "tool", "effects", "task")} == {
        "run": result.run_id,
        "node": "agent",
        "user": "ann",
        "tool": "send",
        "effects": "once",
        "task": "Tell them",
    }
    assert intent["permissions"] == ["network"]
    assert intent["arguments"] == '{"text":"hi"}'
    assert intent["call"] == after["call"]
    assert verify(log).problems == []


def test_what_fails_is_written(log: Path) -> None:
    run(log, "fail")
    assert read_records(log)[1]["outcome"] == "failed"
    assert "no line" in read_records(log)[1]["error"]


def test_a_call_without_permission_is_written_and_never_made(log: Path) -> None:
    run(log, "hi", allow=["files:read"])
    (record,) = read_records(log)
    assert (record["event"], record["tool"]) == ("refused", "send")
    assert "denied: send needs network" in record["error"]


@pytest.mark.parametrize(("reply", "outcome"), [("yes", "done"), ("no too loud", "refused")])
def test_who_approved_is_written(log: Path, reply: str, outcome: str) -> None:
    async def ask(question: str) -> str:
        return reply

    calls = Say(calls=(Call(name="send", arguments={"text": "hi"}),))
    agent = Agent(
        model=ScriptedModel(calls, "done"),
        tools=[send],
        middleware=[Audit(log, user="ann"), Approval()],
    )
    asyncio.run(agent.arun("go", ask=ask))
    after = read_records(log)[1]
    assert after["outcome"] == outcome
    (ruling,) = after["approved_by"]
    assert (ruling["by"], ruling["verdict"]) == ("ann", "approve" if reply == "yes" else "reject")


def test_secrets_are_masked_and_long_arguments_cut(
    log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOME_API_KEY", "canary-123456789")
    run(log, "canary-123456789", "x" * 10_000)
    text = log.read_text()
    assert "canary" not in text
    assert len(text) < 8_000


def test_without_a_log_nothing_is_done(tmp_path: Path) -> None:
    done: list[str] = []

    @tool
    def act() -> str:
        """Act."""
        done.append("x")
        return "x"

    place = tmp_path / "file"
    place.write_text("")
    model = ScriptedModel(Say(calls=(Call(name="act", arguments={}),)), "done")
    result = Agent(model=model, tools=[act], middleware=[Audit(place / "audit.jsonl")]).run("go")
    assert not done
    assert result.status == "failed"
    with pytest.raises(StorageError, match="cannot be written"):
        Chain(place / "audit.jsonl").append({})


def test_the_command_shows_and_verifies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("BOTTEGA_HOME", raising=False)
    plugins = default_plugins()
    context = FactoryContext(plugins=plugins, folder=tmp_path)
    audit = plugins.make("middleware", "audit", context, everything=True)
    calls = Say(calls=(Call(name="calculator", arguments={"expression": "17 * 3"}),))
    Agent(model=ScriptedModel(calls, "51"), tools=["calculator"], middleware=[audit]).run("go")
    assert main.run(["audit", "show"]) == 0
    shown = capsys.readouterr().out
    assert "calculator" in shown
    assert "intent" in shown
    assert _verified(capsys) == (0, True)
    log = tmp_path / ".bottega" / "audit.jsonl"
    log.write_bytes(log.read_bytes().replace(b"17", b"18", 1))
    assert _verified(capsys) == (1, False)


def _verified(capsys: pytest.CaptureFixture[str]) -> tuple[int, bool]:
    capsys.readouterr()
    with pytest.raises(SystemExit) as ended:
        main.run(["audit", "verify", "--json"])
    document = json.loads(capsys.readouterr().out)
    assert isinstance(ended.value.code, int)
    return ended.value.code, document["whole"]
