"""The kind `vote`: majorities, weights, ties, abstentions, and votes that survive a crash."""

import asyncio

import pytest
from panels import ABSTAIN, ScriptedDecider, decisions, final, interrupt, panel
from test_team import run

from bottega import Budget, tool
from bottega.decider import Judgement
from bottega.events import MessageSent, NodeStarted
from bottega.messages import Citation
from bottega.testing import Say, ScriptedModel, call
from bottega.tools import Output
from bottega_agents.consensus.vote import Vote

ABC = ("a", "b", "c")


def says(*texts):
    return {
        name: ScriptedModel(text) if not isinstance(text, ScriptedModel) else text
        for name, text in zip(ABC, texts, strict=True)
    }


def vote(**options):
    return Vote(members=ABC, **{"compare": "text", **options})


def test_the_majority_wins_and_who_voted_what_is_told():
    events = run(panel(vote(), **says("Paris.", "Lyon", "**paris**")))
    assert final(events).text == "Paris."
    assert events[-1].status == "done"
    told = decisions(events)
    assert [one.question for one in told[:3]] == [f"vote of {name}, weight 1" for name in ABC]
    assert [one.verdict for one in told] == ["Paris.", "Lyon", "Paris.", "Paris."]
    assert told[-1].probability == pytest.approx(2 / 3)
    assert "a, c" in told[-1].reason


def test_members_see_the_task_alone_and_work_in_parallel():
    models = says("x", "x", "x")
    events = run(panel(vote(), **models), task="Capital?")
    asked = [[message.text for message in model.requests[0].messages] for model in models.values()]
    assert [texts[1:] for texts in asked] == [["Capital?"]] * 3
    assert [event.to for event in events if isinstance(event, MessageSent)] == list(ABC)
    started = [event.role for event in events if isinstance(event, NodeStarted)]
    assert started == ["vote", "specialist", "specialist", "specialist"]


def test_weights_turn_a_majority():
    events = run(panel(vote(weights={"b": 2.5}), **says("yes", "no", "yes")))
    assert final(events).text == "no"
    assert decisions(events)[1].question == "vote of b, weight 2.5"


def test_a_tie_goes_to_the_member_listed_first_and_says_so():
    events = run(panel(vote(), **says("red", "blue", ABSTAIN)))
    assert final(events).text == "red"
    assert "a tie, decided for a" in decisions(events)[-1].reason


def test_a_tie_of_weights_is_one_in_spite_of_rounding():
    weights = {"a": 0.3, "b": 0.1, "c": 0.2}
    events = run(panel(vote(weights=weights, ties="abstain"), **says("x", "y", "y")))
    assert final(events).abstained
    assert decisions(events)[-1].verdict == "abstain"
    assert "a tie" in final(events).text


def test_without_the_share_that_is_needed_the_panel_abstains():
    events = run(panel(vote(share=0.5), **says("x", "y", "z")))
    assert final(events).abstained
    assert "no majority" in decisions(events)[-1].reason


def test_who_fails_or_abstains_is_left_out_and_told_of():
    failing = ScriptedModel("", "", "")
    events = run(panel(vote(), **says(failing, "it is so", ABSTAIN)))
    assert events[-1].status == "done"
    assert final(events).text == "it is so"
    told = decisions(events)
    assert [one.verdict for one in told[:3]] == ["abstain", "it is so", "abstain"]
    assert "cannot be used" in told[0].reason
    assert told[2].reason == "vote of c, weight 1: it abstains"


def test_where_all_abstain_the_panel_abstains():
    events = run(panel(vote(), **says(ABSTAIN, ABSTAIN, ABSTAIN)))
    assert events[-1].status == "done"
    assert final(events).abstained


def test_where_all_fail_the_run_fails_with_the_reasons():
    failing = [ScriptedModel("", "", "") for _ in ABC]
    events = run(panel(vote(), **says(*failing)))
    assert events[-1].status == "failed"
    assert all(f"{name}: " in events[-1].reason for name in ABC)


def test_answers_in_other_words_are_compared_by_the_decider():
    def same(question, context):
        capital = "paris" in question.lower() and "paris" in context.lower()
        return Judgement(verdict=capital, reason="capital")

    decider = ScriptedDecider(judge=same)
    texts = says("Lyon", "Paris", "It is Paris, of course.")
    events = run(panel(vote(compare="meaning"), decider, **texts), task="Capital?")
    assert final(events).text == "Paris"
    assert decider.asked[0][2] == "Task: Capital?\n\nLyon"
    assert decider.asked[0][1] == 'The material supports this statement: "paris"'


def test_a_decider_that_fails_leaves_the_words():
    from bottega.errors import ModelTimeoutError

    def fails(question, context):
        raise ModelTimeoutError("too slow")

    decider = ScriptedDecider(judge=fails)
    events = run(panel(vote(compare="meaning"), decider, **says("x", "y", "x")))
    assert final(events).text == "x"
    assert events[-1].status == "done"


def test_the_passages_of_the_winner_stay():
    passage = Citation(key="a.md:1", source="a.md", start=0, end=4, quote="Lamp")

    @tool
    def look() -> Output:
        """Look."""
        return Output(content="[a.md:1] Lamp", citations=(passage,))

    crew = panel(vote(), **says("lamp", ScriptedModel(call("look"), "Lamp [a.md:1]"), "sun"))
    from test_team import parts

    crew.parts["b"] = parts("b", crew.parts["b"].model, tools=(look,))
    events = run(crew)
    assert final(events).text == "Lamp [a.md:1]"
    assert final(events).citations == (passage,)


def test_a_resumed_panel_asks_nobody_twice(tmp_path):
    store = tmp_path / "bottega.db"
    slow = ScriptedModel(Say(text="late", delay=30))
    first = says("yes", "no", slow)

    def halfway():
        return slow.requests and all(model.requests for model in first.values())

    asyncio.run(interrupt(panel(vote(), **first), halfway, run_id="r", store=store))
    again = says(ScriptedModel(), ScriptedModel(), "no")
    events = run(panel(vote(), **again), run_id="r", store=store, resume=True)
    assert final(events).text == "no"
    assert [len(model.requests) for model in again.values()] == [0, 0, 1]
    assert events[-1].steps == 3


def test_a_comparison_that_was_made_is_not_made_again(tmp_path):
    store = tmp_path / "bottega.db"

    class Dies(BaseException):
        pass

    def judge_then_die(question, context):
        if len(dying.asked) == 3:
            raise Dies
        return Judgement(verdict=False)

    dying = ScriptedDecider(judge=judge_then_die)
    crew = panel(vote(compare="meaning"), dying, **says("x", "y", "z"))
    with pytest.raises(Dies):
        run(crew, run_id="r", store=store)
    fresh = ScriptedDecider(judge=lambda question, context: Judgement(verdict=False))
    crew = panel(vote(compare="meaning"), fresh, **says(*(ScriptedModel() for _ in ABC)))
    events = run(crew, run_id="r", store=store, resume=True)
    assert final(events).text == "x"
    assert len(fresh.asked) == 1


def test_a_thread_asks_anew_for_each_task(tmp_path):
    store = tmp_path / "bottega.db"
    models = {name: ScriptedModel("one", "two") for name in ABC}
    crew = panel(vote(), **models)
    assert final(run(crew, task="1?", thread="t", store=store)).text == "one"
    assert final(run(crew, task="2?", thread="t", store=store)).text == "two"


def test_a_new_task_after_an_interrupted_one_is_asked_of_all(tmp_path):
    store = tmp_path / "bottega.db"
    slow = ScriptedModel(Say(text="late", delay=30))
    first = panel(vote(), **says("old", "old", slow))
    asyncio.run(
        interrupt(first, lambda: slow.requests, task="1?", thread="t", run_id="r", store=store)
    )
    events = run(panel(vote(), **says("new", "new", "new")), task="2?", thread="t", store=store)
    assert final(events).text == "new"


def test_the_budget_ends_a_panel_with_the_best_so_far():
    looping = ScriptedModel(call("nothing"), "never")
    crew = panel(vote(), **says("x", "x", looping))
    events = run(crew, limits=Budget(steps=3))
    assert events[-1].status == "budget"
    assert final(events).text == "x"
    assert final(events).partial


def test_a_member_may_wait_for_a_person_and_the_others_do_not_run_again(tmp_path):
    from test_team import parts

    from bottega.questions import Ruling
    from bottega.tools import ToolContext

    @tool(effects="none")
    async def ask(context: ToolContext) -> str:
        """Ask."""
        assert context.ask is not None
        return await context.ask("Which?")

    store = tmp_path / "bottega.db"

    def crew(*replies, others):
        made = panel(vote(), **says(ScriptedModel(), *others))
        made.parts["a"] = parts("a", ScriptedModel(*replies), tools=(ask,))
        return made

    events = run(crew(call("ask"), others=("red", "blue")), run_id="r", store=store)
    assert events[-1].status == "waiting"
    (question,) = [one.question["id"] for one in events if one.kind == "asked"]
    rulings = {question: Ruling(verdict="answer", text="blue")}
    again = crew("blue", others=(ScriptedModel(), ScriptedModel()))
    events = run(again, run_id="r", store=store, resume=True, rulings=rulings)
    assert final(events).text == "blue"


def test_a_panel_works_in_a_graph_built_by_hand():
    from langgraph.graph import END, START, StateGraph
    from test_team import parts

    from bottega_agents.graph.compiler import delegated
    from bottega_agents.graph.state import State
    from bottega_agents.roles.specialist import Specialist

    builder = StateGraph(State)
    kind = vote(then=END)
    made = kind.build(parts("panel", ScriptedModel()))
    builder.add_node("panel", made, destinations=(*ABC, END))
    for name in ABC:
        builder.add_node(name, delegated(Specialist().build(parts(name, ScriptedModel("42")))))
    builder.add_edge(START, "panel")
    values = asyncio.run(builder.compile().ainvoke({"task": "go"}))
    assert values["answer"] == "42"
