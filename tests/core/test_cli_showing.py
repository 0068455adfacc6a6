"""What a run shows on a terminal, whatever it quotes; and what it asks there."""

from __future__ import annotations

import asyncio
import io
import os

import pytest
from rich.console import Console

from bottega import Agent
from bottega.cli.session import ask_person
from bottega.cli.terminal import Terminal
from bottega.errors import InputError, ModelError
from bottega.events import Decision, Failure, MessageSent, NodeStarted, Observation, RunEnded
from bottega.messages import Citation
from bottega.testing import ScriptedModel


def shown(event):
    console = Console(file=io.StringIO(), width=200)
    Terminal(console).show(event)
    return console.file.getvalue()


@pytest.mark.parametrize(
    "event",
    [
        MessageSent(to="a\x1b[2J", text="t"),
        NodeStarted(role="a\x1b[2J", task="t"),
        Decision(verdict="a\x1b[2J"),
        Decision(question="a\x1b[2J", verdict="yes"),
        RunEnded(status="failed", reason="a\x1b[2J"),
    ],
)
def test_nothing_steers_the_terminal(event):
    assert "\x1b" not in shown(event)


def test_text_is_shown_as_it_is():
    assert ":key: [bold]" in shown(MessageSent(to="a", text=":key: [bold]"))


def test_a_decision_is_shown_with_what_was_asked_once():
    decided = Decision(
        question="Is it done?", verdict="yes", probability=0.9, reason="all is there"
    )
    assert "⚖ Is it done? -> yes (0.90): all is there" in shown(decided)
    decided = Decision(question="short", verdict="0.50", reason="short: it rambles")
    assert "⚖ 0.50: short: it rambles" in shown(decided)


def test_passages_are_counted():
    one, two = (Citation(key=f"a.md:{n}", source="a.md", start=0, end=1) for n in (1, 2))
    assert "← 1 passage: a.md:1 " in shown(Observation(citations=(one,)))
    assert "← 2 passages: a.md:1, a.md:2 " in shown(Observation(citations=(one, two)))


@pytest.mark.parametrize(
    "event", [Failure(message="key s3cret-value"), RunEnded(reason="s3cret-value")]
)
def test_secrets_are_masked(event, monkeypatch):
    monkeypatch.setenv("ACME_API_KEY", "s3cret-value")
    assert "s3cret-value" not in shown(event)


def test_secrets_are_masked_in_the_events_too(monkeypatch):
    monkeypatch.setenv("ACME_API_KEY", "s3cret-value")
    result = Agent(model=ScriptedModel(ModelError("refused s3cret-value"))).run("go")
    assert result.status == "failed"
    assert "s3cret-value" not in result.reason + "".join(e.dumps() for e in result.events)


def test_two_tools_of_one_name_are_refused():
    def look() -> str:
        """Look."""
        return ""

    with pytest.raises(InputError, match="two tools are named 'look'"):
        Agent(model=ScriptedModel(), tools=[look, look]).run("go")


def test_questions_are_asked_one_at_a_time(monkeypatch, capsys):
    reading, writing = os.pipe()

    async def both():
        capsys.readouterr()
        asking = asyncio.gather(ask_person("first?"), ask_person("second?"))
        await asyncio.sleep(0.01)
        assert "second?" not in capsys.readouterr().err
        os.write(writing, b"one\n")
        await asyncio.sleep(0.01)
        os.write(writing, b"two\n")
        return await asyncio.wait_for(asking, 10)

    with os.fdopen(reading) as stdin:
        monkeypatch.setattr("sys.stdin", stdin)
        for _ in range(2):  # on a loop of its own each
            assert asyncio.run(both()) == ["one", "two"]
    os.close(writing)
