"""The decider that asks a model: what it takes for a decision, and what it asks for again."""

import asyncio
import json

import pytest

from bottega.decider import Option
from bottega.deciders import PromptDecider
from bottega.errors import ModelError
from bottega.meter import Budget, Meter
from bottega.spending import Spending
from bottega.testing import ScriptedModel

OPTIONS = (Option(name="a"), Option(name="b"))
UNREADABLE = {
    "choose": ["", "a", {"option": "a"}, {"choice": "c"}, {"choice": ["a"]}, {"choice": 1}],
    "judge": ["", "yes", {"answer": "yes", "probability": 1}, {"verdict": "no"}, {"verdict": 1}],
    "score": ["", "0.9", {"value": 0.9}, {"score": 9}, {"score": "0.9"}, {"score": True}],
}
READABLE = {"choose": {"choice": "b"}, "judge": {"verdict": False}, "score": {"score": 0.25}}
CASES = [(kind, reply) for kind, replies in UNREADABLE.items() for reply in replies]


def written(reply):
    return reply if isinstance(reply, str) else json.dumps(reply)


def decide(kind, *replies):
    """What is decided, and what the model was asked."""
    model = ScriptedModel(*map(written, replies))
    decider = PromptDecider(model)
    calls = {
        "choose": lambda: decider.choose("Which?", OPTIONS),
        "judge": lambda: decider.judge("So?"),
        "score": lambda: decider.score("Good?"),
    }
    return asyncio.run(calls[kind]()), model.requests


def value(decided):
    return next(
        getattr(decided, name) for name in ("name", "verdict", "value") if hasattr(decided, name)
    )


@pytest.mark.parametrize(("kind", "reply"), CASES)
def test_what_decides_nothing_is_asked_for_once_more(kind, reply):
    decided, requests = decide(kind, reply, READABLE[kind])
    assert value(decided) == next(iter(READABLE[kind].values()))
    assert "That cannot be read" in requests[1].messages[-1].text
    assert decided.usage.total == 2 * 15


@pytest.mark.parametrize(("kind", "reply"), CASES)
def test_a_second_time_it_is_an_abstention_that_says_why(kind, reply):
    decided, requests = decide(kind, reply, reply)
    assert value(decided) is None
    assert decided.reason.startswith("the reply decides nothing: it ") or "cannot be" in (
        decided.reason
    )
    assert getattr(decided, "probability", None) is None
    assert len(requests) == 2


@pytest.mark.parametrize(("kind", "key"), [("choose", "choice"), ("judge", "verdict")])
def test_null_is_an_abstention_at_once(kind, key):
    decided, requests = decide(kind, {key: None, "probability": 0.9, "reason": "torn"})
    assert (value(decided), decided.reason, len(requests)) == (None, "torn", 1)
    assert not getattr(decided, "probability", None)


def test_what_the_first_reply_took_counts_also_where_the_second_fails():
    model = ScriptedModel("hm", ModelError("down"))
    decided = asyncio.run(PromptDecider(model).judge("So?"))
    assert (decided.verdict, decided.usage.total) == (None, 15)


@pytest.mark.parametrize(("left", "asked"), [(8000, 2), (200, 1)])
def test_it_is_asked_again_only_where_what_was_reserved_pays_for_that(left, asked):
    model = ScriptedModel("hm", "hm")
    decider = PromptDecider(model)
    spending = Spending(Meter(Budget(tokens=left + 530)), decider)

    async def main():
        async with spending.question("So?"):
            return await decider.judge("So?")

    assert asyncio.run(main()).verdict is None
    assert len(model.requests) == asked
