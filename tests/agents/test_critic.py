"""The critic: rubrics, scores, the best version so far, what a crash costs, what a limit costs."""

import asyncio
import json

import pytest
from panels import ScriptedDecider, final, interrupt
from test_team import parts, play, run, verdict

from bottega import Budget, tool
from bottega.decider import Judgement, Score
from bottega.engine import Team
from bottega.errors import InputError
from bottega.events import Answer, Decision
from bottega.messages import Citation
from bottega.spec.model import EdgeSpec, GraphSpec, NodeSpec
from bottega.testing import Say, ScriptedModel, call
from bottega.tools import Output
from bottega_agents.roles.critic import Critic
from bottega_agents.roles.rubric import Criterion, read_rubric
from bottega_agents.roles.specialist import Specialist


def crew(writer, decider=None, *, tools=(), model=None, **options):
    """A writer and its critic."""
    edges = (("start", "writer", ""), ("writer", "critic", ""))
    edges += (("critic", "writer", "revise"), ("critic", "end", "accept"))
    nodes = tuple(NodeSpec(name=name, kind="") for name in ("writer", "critic"))
    return Team(
        spec=GraphSpec(
            name="team",
            nodes=nodes,
            edges=tuple(EdgeSpec(source=s, target=t, outcome=o) for s, t, o in edges),
        ),
        kinds={"writer": Specialist(), "critic": Critic(reviews="writer", **options)},
        parts={
            "writer": parts("writer", writer, tools=tools),
            "critic": parts("critic", model or ScriptedModel(), decider=decider),
        },
    )


def scores(**known):
    """A decider that scores an answer by a table: criterion, then what the answer contains."""

    def score(question, context):
        answer = context.partition("\n\n")[2]
        return known[question](answer)

    return ScriptedDecider(score=score)


def graded(**values):
    """Scores by answer."""
    return lambda answer: Score(value=values[answer], reason=f"{answer} is {values[answer]}")


def decided(events):
    return [event for event in events if isinstance(event, Decision)]


def rubric(*texts):
    return tuple(Criterion(text=text) for text in texts)


def test_each_criterion_is_scored_and_feedback_names_what_it_missed():
    decider = scores(short=graded(first=0.9, second=0.9), right=graded(first=0.2, second=0.8))
    writer = ScriptedModel("first", "second")
    criteria = (Criterion(text="short"), Criterion(text="right", weight=3))
    events = run(crew(writer, decider, rubric=criteria, accept_at=0.7))
    assert final(events).text == "second"
    told = [(one.question, one.verdict) for one in decided(events)]
    assert told[:3] == [
        ("short", "0.90"),
        ("right", "0.20"),
        ("Does the answer meet the criteria?", "revise"),
    ]
    assert decided(events)[2].probability == pytest.approx((0.9 + 3 * 0.2) / 4)
    feedback = writer.requests[1].messages[-1].text
    assert "- right (0.20): first is 0.2" in feedback
    assert "short" not in feedback
    assert told[-1][1] == "accept"


def test_the_best_version_leaves_when_the_rounds_are_used_up():
    decider = scores(good=graded(one=0.3, two=0.6, three=0.5))
    events = run(crew(ScriptedModel("one", "two", "three"), decider, rubric=rubric("good")))
    assert final(events).text == "two"
    assert decided(events)[-1].verdict == "accept"
    assert "version 2 of 3, the best (0.60), stands" in decided(events)[-1].reason


def test_the_newer_of_two_as_good_leaves():
    decider = scores(good=graded(one=0.5, two=0.3, three=0.5))
    events = run(crew(ScriptedModel("one", "two", "three"), decider, rubric=rubric("good")))
    assert final(events).text == "three"


def test_the_best_version_keeps_its_passages():
    passage = Citation(key="a.md:1", source="a.md", start=0, end=4, quote="Lamp")

    @tool
    def look() -> Output:
        """Look."""
        return Output(content="[a.md:1] Lamp", citations=(passage,))

    texts = ("Lamp [a.md:1]", "Sun")
    table = {texts[0]: 0.4, texts[1]: 0.1}
    decider = scores(good=lambda answer: Score(value=table[answer]))
    writer = ScriptedModel(call("look"), *texts)
    events = run(crew(writer, decider, tools=(look,), rubric=rubric("good"), max_rounds=1))
    assert final(events).text == "Lamp [a.md:1]"
    assert final(events).citations == (passage,)


def test_a_criterion_that_cannot_be_scored_does_not_count():
    decider = scores(good=graded(one=0.9), odd=lambda answer: Score(value=None))
    events = run(crew(ScriptedModel("one"), decider, rubric=rubric("odd", "good")))
    assert [one.verdict for one in decided(events)] == ["abstain", "0.90", "accept"]
    assert decided(events)[-1].probability == pytest.approx(0.9)


def test_where_nothing_can_be_scored_the_answer_stands():
    decider = scores(odd=lambda answer: Score(value=None))
    events = run(crew(ScriptedModel("one"), decider, rubric=rubric("odd")))
    assert final(events).text == "one"
    assert "cannot tell" in decided(events)[-1].reason


def test_free_review_keeps_the_best_version_by_its_probability():
    likely = {"one": 0.4, "two": 0.1}
    decider = ScriptedDecider(judge=lambda q, c: Judgement(verdict=False, probability=likely[q]))
    events = run(crew(ScriptedModel("one", "two"), decider, max_rounds=1))
    assert final(events).text == "one"


def test_free_review_may_have_a_mark_of_its_own():
    decider = ScriptedDecider(judge=lambda q, c: Judgement(verdict=True, probability=0.7))
    events = run(crew(ScriptedModel("one", "two"), decider, max_rounds=1, accept_at=0.9))
    assert [one.verdict for one in decided(events)] == ["revise", "accept"]
    decider = ScriptedDecider(judge=lambda q, c: Judgement(verdict=False, probability=0.4))
    events = run(crew(ScriptedModel("one"), decider, accept_at=0.3))
    assert [one.verdict for one in decided(events)] == ["accept"]


def test_a_score_that_was_reached_is_not_asked_for_again(tmp_path):
    store = tmp_path / "bottega.db"

    class Dies(BaseException):
        pass

    def dies(answer):
        raise Dies

    dying = scores(good=graded(one=0.2), right=dies)
    writer = ScriptedModel("one")
    with pytest.raises(Dies):
        run(crew(writer, dying, rubric=rubric("good", "right")), run_id="r", store=store)
    fresh = scores(good=graded(two=0.9), right=graded(one=0.3, two=0.9))
    writer = ScriptedModel("two")
    again = crew(writer, fresh, rubric=rubric("good", "right"))
    events = run(again, run_id="r", store=store, resume=True)
    assert final(events).text == "two"
    assert [asked[1] for asked in fresh.asked] == ["right", "good", "right"]
    assert "good (0.20)" in writer.requests[0].messages[-1].text


def test_the_best_version_survives_a_crash(tmp_path):
    store = tmp_path / "bottega.db"
    values = graded(one=0.6, two=0.2, three=0.3)
    slow = ScriptedModel("one", "two", Say(text="late", delay=30))
    first = crew(slow, scores(good=values), rubric=rubric("good"))
    asyncio.run(interrupt(first, lambda: len(slow.requests) == 3, run_id="r", store=store))
    again = crew(ScriptedModel("three"), scores(good=values), rubric=rubric("good"))
    events = run(again, run_id="r", store=store, resume=True)
    assert final(events).text == "one"


def test_tokens_of_the_critics_model_are_counted_also_after_a_resume(tmp_path):
    store = tmp_path / "bottega.db"
    reply = json.dumps({"score": 0.1, "reason": "dull"})
    from bottega.deciders import PromptDecider

    critic = ScriptedModel(reply)
    slow = ScriptedModel("one", Say(text="late", delay=30))
    first = crew(slow, PromptDecider(critic), rubric=rubric("good"))
    asyncio.run(interrupt(first, lambda: len(slow.requests) == 2, run_id="r", store=store))
    good = ScriptedModel(json.dumps({"score": 0.9}))
    again = crew(ScriptedModel("two"), PromptDecider(good), rubric=rubric("good"))
    events = run(again, run_id="r", store=store, resume=True)
    assert final(events).text == "two"
    assert events[-1].input_tokens == 4 * 10


def test_a_limit_during_a_revision_leaves_the_best_whole_version():
    decider = scores(good=graded(one=0.6, two=0.2))
    writer = ScriptedModel("one", "two", call("nothing"), "never")
    team = crew(writer, decider, rubric=rubric("good"))
    events = run(team, limits=Budget(steps=3))
    assert events[-1].status == "budget"
    assert final(events).text == "one"
    assert final(events).partial


def test_an_earlier_run_of_the_thread_has_no_say(tmp_path):
    store = tmp_path / "bottega.db"
    good = scores(good=graded(old=0.6, new=0.3))

    async def first():
        slow = ScriptedModel("old", Say(text="late", delay=30))
        team = crew(slow, good, rubric=rubric("good"))
        job = {"task": "1?", "thread": "t", "run_id": "r", "store": store}
        await interrupt(team, lambda: len(slow.requests) == 2, **job)

    asyncio.run(first())
    team = crew(ScriptedModel("new", "new"), good, rubric=rubric("good"), max_rounds=1)
    events = run(team, task="2?", thread="t", store=store)
    assert final(events).text == "new"


def test_a_rubric_is_read_from_a_graph_file():
    assert read_rubric("be brief") == "be brief"
    criteria = read_rubric(["brief", {"criterion": "right", "weight": 2}])
    assert criteria == (Criterion(text="brief"), Criterion(text="right", weight=2.0))


@pytest.mark.parametrize("bad", [[], [""], [3], [{"weight": 2}], [{"criterion": "x", "weight": 0}]])
def test_a_rubric_that_cannot_be_used_is_refused(bad):
    with pytest.raises(InputError, match="rubric"):
        read_rubric(bad)


def test_a_model_as_critic_still_says_yes_or_no():
    critic = ScriptedModel(verdict(False, "too short"), verdict(True))
    team = crew(ScriptedModel("one", "two"), model=critic)
    events = asyncio.run(play(team))
    assert final(events).text == "two"
    assert [event.text for event in events if isinstance(event, Answer)] == ["one", "two", "two"]


WITHOUT = json.dumps({"answer": "no", "probability": 0.01, "reason": "bad"})


def test_a_reply_without_a_verdict_is_asked_for_again():
    critic = ScriptedModel(WITHOUT, verdict(False, "too short"), verdict(True))
    events = run(crew(ScriptedModel("one", "two"), model=critic))
    assert final(events).text == "two"
    assert [one.verdict for one in decided(events)] == ["revise", "accept"]
    assert "it has no 'verdict'" in critic.requests[1].messages[-1].text


@pytest.mark.parametrize("options", [{}, {"accept_at": 0.001}])
def test_a_reply_without_a_verdict_never_counts_as_accepted(options):
    critic = ScriptedModel(WITHOUT, WITHOUT)
    events = run(crew(ScriptedModel("one"), model=critic, **options))
    (decision,) = decided(events)
    assert (decision.verdict, decision.probability) == ("abstain", None)
    assert decision.reason.startswith("the critic cannot tell; the answer stands: ")
    assert "it has no 'verdict'" in decision.reason
    assert "bad" not in decision.reason
    assert len(critic.requests) == 2
