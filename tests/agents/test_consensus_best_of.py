"""The kind `best_of`: several tries, scores by the decider or by a node, a floor."""

import asyncio

import pytest
from panels import ABSTAIN, ScriptedDecider, decisions, final, interrupt, panel
from test_team import run

from bottega.decider import Score
from bottega.testing import Say, ScriptedModel
from bottega_agents.consensus.best_of import BestOf


def by_length(question, context):
    return Score(value=min(1.0, len(context) / 10), reason=f"{len(context)} characters")


def tries(*texts):
    return ScriptedModel(*texts)


def test_the_best_of_several_tries_wins():
    decider = ScriptedDecider(score=by_length)
    kind = BestOf(members=("writer",), samples=3)
    events = run(panel(kind, decider, writer=tries("abc", "abcdefgh", "a")), task="Write!")
    assert final(events).text == "abcdefgh"
    assert [(one.verdict, one.reason) for one in decisions(events)[:-1]] == [
        ("0.30", "score of 'abc': 3 characters"),
        ("0.80", "score of 'abcdefgh': 8 characters"),
        ("0.10", "score of 'a': 1 characters"),
    ]
    assert decider.asked[0] == ("score", "Write!", "abc")
    assert decisions(events)[-1].probability == 0.8


def test_the_same_answer_is_scored_once():
    decider = ScriptedDecider(score=by_length)
    run(panel(BestOf(members=("writer",)), decider, writer=tries("Same.", "same", "same")))
    assert len(decider.asked) == 1


def test_below_the_floor_the_panel_abstains():
    decider = ScriptedDecider(score=by_length)
    kind = BestOf(members=("writer",), samples=2, floor=0.5)
    events = run(panel(kind, decider, writer=tries("a", "abc")))
    assert final(events).abstained
    assert "none of 2 different answers reaches 0.5" in final(events).text


def test_an_answer_that_nobody_can_score_is_the_last_choice():
    def score(question, context):
        return Score(value=0.1 if context == "two" else None)

    decider = ScriptedDecider(score=score)
    kind = BestOf(members=("writer",), samples=3)
    events = run(panel(kind, decider, writer=tries("one", "two", ABSTAIN)))
    assert final(events).text == "two"


def test_a_node_may_verify_each_try():
    checker = ScriptedModel('{"score": 0.2, "reason": "wrong"}', "Score: 0.9, it adds up.", "good")
    kind = BestOf(members=("writer",), samples=3, verifier="checker")
    writer = tries("one", "two", "three")
    events = run(panel(kind, writer=writer, checker=checker), task="Count!")
    assert final(events).text == "two"
    assert [one.verdict for one in decisions(events)[:-1]] == ["0.20", "0.90", "none"]
    quote, task = checker.requests[0].messages[-2:]
    assert quote.text.endswith('"one"')
    assert task.text.endswith("The task: Count!")


@pytest.mark.parametrize(
    ("reply", "score"),
    [
        ("1/10", "none"),
        ("Score: 1 out of 5", "none"),
        ("Answer 1 is wrong: score 0.2", "0.20"),
        ("**Score**: 0.75, for 3 of 4 hold", "0.75"),
        ("0.8/1", "0.80"),
        ("1. It begins well. 0 errors.", "none"),
    ],
)
def test_only_a_score_is_read_as_one(reply, score):
    kind = BestOf(members=("writer",), samples=2, verifier="checker")
    checker = ScriptedModel(reply, '{"score": 0.9}')
    events = run(panel(kind, writer=tries("one", "two"), checker=checker))
    assert [one.verdict for one in decisions(events)[:-1]] == [score, "0.90"]
    assert final(events).text == "two"


def test_a_verifier_that_fails_scores_nothing():
    kind = BestOf(members=("writer",), samples=2, verifier="checker")
    checker = ScriptedModel("", "", "", '{"score": 7}')
    events = run(panel(kind, writer=tries("one", "two"), checker=checker))
    assert events[-1].status == "done"
    assert final(events).text == "one"


def test_tries_that_are_finished_are_not_made_again(tmp_path):
    store = tmp_path / "bottega.db"
    kind = BestOf(members=("writer",), samples=2, verifier="checker")
    slow = ScriptedModel(Say(text="late", delay=30), repeat=True)
    first = panel(kind, writer=tries("one", "two"), checker=slow)
    asyncio.run(interrupt(first, lambda: len(slow.requests) == 2, run_id="r", store=store))
    writer = ScriptedModel()
    scores = ScriptedModel('{"score": 0.1}', '{"score": 0.7}')
    again = panel(kind, writer=writer, checker=scores)
    events = run(again, run_id="r", store=store, resume=True)
    assert final(events).text == "two"
    assert writer.requests == []
