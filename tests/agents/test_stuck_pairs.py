"""Two agents that hand a task, or write the same, to and fro: noticed in two rounds, and ended."""

import asyncio

import pytest
from test_budget_nodes import final, of
from test_stuck import crew
from test_team import parts, run
from test_threads import interrupt

from bottega import Budget, tool
from bottega.events import MessageSent, NodeEnded, Stuck
from bottega.testing import Say, ScriptedModel, call
from bottega_agents.communication.talk import Talk
from bottega_agents.flow.human import Human
from bottega_agents.roles.coordinator import Coordinator
from bottega_agents.roles.critic import Critic
from bottega_agents.roles.specialist import Specialist

OVER = {"triage": "support", "support": "triage"}


def named(request):
    """The node that a request comes from."""
    return request.messages[0].text.split()[2].rstrip(",")


def hand(request):
    if "handoff" in [spec.name for spec in request.tools]:
        return call("handoff", to=OVER[named(request)], reason="Not mine.")
    return "Mine."


def passing():
    return {name: Specialist(talk=Talk(hands_off_to=(other,))) for name, other in OVER.items()}


def hand_overs(events):
    return [(e.node, e.to) for e in of(events, MessageSent) if e.node in OVER]


def test_a_task_that_is_handed_to_and_fro_stays_the_second_time():
    models = {name: ScriptedModel(hand, repeat=True) for name in OVER}
    edges = ["start -> triage", "triage -> end", "support -> end"]
    events = run(crew(passing(), models, edges))
    (stuck,) = of(events, Stuck)
    assert (stuck.node, stuck.times) == ("triage", 2)
    assert stuck.what.startswith("triage handed support the same work 2 times")
    assert hand_overs(events) == [
        ("triage", "support"),
        ("support", "triage"),
        ("triage", "support"),
    ]
    told = " ".join(message.text for message in models["support"].requests[-1].messages)
    assert "It stays with you now: do it, or say why it cannot be done." in told
    assert (events[-1].status, final(events)) == ("done", ["Mine."])


def delegating(lead, **models):
    kinds = {"lead": Coordinator(delegates=("triage", "support")), **passing()}
    return crew(kinds, {"lead": lead, **models}, ["start -> lead", "lead -> end"])


def test_delegates_that_hand_a_task_to_and_fro_are_noticed_too():
    lead = ScriptedModel(call("triage", task="Mend it."), "It is mended.")
    models = {name: ScriptedModel(hand, repeat=True) for name in OVER}
    events = run(delegating(lead, **models))
    (stuck,) = of(events, Stuck)
    assert stuck.what.startswith("triage handed support the same work 2 times")
    assert hand_overs(events) == [
        ("triage", "support"),
        ("support", "triage"),
        ("triage", "support"),
    ]
    (report,) = lead.requests[1].messages[-1].results
    assert (report.content, final(events)) == ("Mine.", ["It is mended."])


def stubborn(request):
    """Hand the task over, whether that is offered or not, with other words each time."""
    reason = f"Not mine, I say it {len(request.messages)} times."
    return call("handoff", to=OVER[named(request)], reason=reason)


TO_AND_FRO = (
    "triage handed support the same work 2 times, and nothing in it had changed; support was to do "
    "it, and tried to hand it to triage 3 times (limit: 3 repeats)"
)


def test_who_hands_it_over_all_the_same_is_stopped_and_the_run_says_why():
    models = {name: ScriptedModel(stubborn, repeat=True) for name in OVER}
    edges = ["start -> triage", "triage -> end", "support -> end"]
    events = run(crew(passing(), models, edges))
    assert (events[-1].status, events[-1].reason) == ("budget", TO_AND_FRO)
    assert len(hand_overs(events)) == 3
    told = models["support"].requests[-1].messages[-1].results[0].content
    assert told.startswith("Error: not handed over: triage handed support the same work 2 times")
    offered = [spec.name for spec in models["support"].requests[-1].tools]
    assert "handoff" not in offered


def test_a_person_decides_where_the_graph_has_one():
    models = {name: ScriptedModel(stubborn, repeat=True) for name in OVER}
    kinds = {**passing(), "boss": Human(question="What now?")}
    edges = ["start -> triage", "triage -> end", "support -> end", "boss -> end"]
    asked = []

    async def boss(text):
        asked.append(text)
        return "Drop it."

    events = run(crew(kinds, models, edges), ask=boss)
    assert (events[-1].status, final(events)) == ("done", ["Drop it."])
    assert TO_AND_FRO in asked[0]


def test_without_a_limit_of_repeats_only_the_hops_and_steps_bound_it():
    models = {name: ScriptedModel(stubborn, repeat=True) for name in OVER}
    edges = ["start -> triage", "triage -> end", "support -> end"]
    limits = Budget(steps=20, repeats=None)
    events = run(crew(passing(), models, edges), limits=limits)
    assert len(hand_overs(events)) == 6
    assert events[-1].status == "budget"
    told = models["triage"].requests[-1].messages[-1].results[0].content
    assert told.startswith("Error: not handed over: the task has been handed on 6 times")


def test_who_cannot_do_it_either_says_so_to_the_coordinator():
    lead = ScriptedModel(call("triage", task="Mend it."), "Nobody can.")
    models = {name: ScriptedModel(stubborn, repeat=True) for name in OVER}
    events = run(delegating(lead, **models))
    assert len(of(events, Stuck)) == 1
    (report,) = lead.requests[1].messages[-1].results
    assert report.is_error
    assert report.content == f"Error: triage failed: {TO_AND_FRO}"
    assert (events[-1].status, final(events)) == ("done", ["Nobody can."])


def test_each_task_is_counted_by_itself():
    lead = ScriptedModel(
        call("triage", task="Mend it."), call("triage", task="Paint it."), "Mended and painted."
    )

    def once(request):
        return hand(request) if named(request) == "triage" else "I did it."

    models = {name: ScriptedModel(once, repeat=True) for name in OVER}
    events = run(delegating(lead, **models))
    assert of(events, Stuck) == []
    assert events[-1].status == "done"


def test_a_task_that_comes_back_with_news_may_go_on():
    looked = iter(range(9))

    @tool(effects="none")
    def look() -> str:
        """Look."""
        return f"page {next(looked)}"

    def work(request):
        names = [spec.name for spec in request.tools]
        if not request.messages[-1].results:
            return call("look")
        over = "handoff" in names and len(models["triage"].requests) < 5
        return call("handoff", to=OVER[named(request)], reason="Go on.") if over else "Read."

    models = {name: ScriptedModel(work, repeat=True) for name in OVER}
    made = crew(passing(), models, ["start -> triage", "triage -> end", "support -> end"])
    for name in OVER:
        made.parts[name] = parts(name, models[name], tools=[look], peers=made.parts[name].peers)
    events = run(made)
    assert of(events, Stuck) == []
    assert len(hand_overs(events)) >= 4
    assert final(events) == ["Read."]


def test_it_is_noticed_after_a_crash_too(tmp_path):
    store = tmp_path / "bottega.db"
    lead = ScriptedModel(call("triage", task="Mend it."))
    slow = ScriptedModel(hand, Say(text="late", delay=30))
    dying = delegating(lead, triage=slow, support=ScriptedModel(hand, repeat=True))
    asyncio.run(interrupt(dying, lambda: slow.requests[1:], run_id="r", store=store))
    models = {name: ScriptedModel(hand, repeat=True) for name in OVER}
    fresh = delegating(ScriptedModel("It is mended."), **models)
    events = run(fresh, task="", run_id="r", store=store, resume=True)
    assert [stuck.node for stuck in of(events, Stuck)] == ["triage"]
    assert final(events) == ["It is mended."]


# -- words


def pair(lead, **models):
    """Two delegates that may write to each other."""
    kinds = {"lead": Coordinator(delegates=("ann", "bob"))}
    kinds |= {
        name: Specialist(talk=Talk(talks_to=(other,)))
        for name, other in (("ann", "bob"), ("bob", "ann"))
    }
    return crew(kinds, {"lead": lead, **models}, ["start -> lead", "lead -> end"])


def writes(to):
    """Write to the other one, and answer something else each time."""
    turn = iter(range(99))

    def reply(request):
        if request.messages[-1].results:
            return f"I wrote to {to}, try {next(turn)}."
        return call("send_message", to=to, text="Please do  it.")

    return ScriptedModel(reply, repeat=True)


def delegate_in_turn(rounds):
    turns = [call(name, task="Do it.") for _ in range(rounds) for name in ("ann", "bob")]
    return ScriptedModel(*turns, "Nobody did it.")


def heard(model):
    return [" ".join(m.text for m in request.messages) for request in model.requests]


def test_the_same_message_about_the_same_task_is_noticed_and_told_both():
    ann, bob = writes("bob"), writes("ann")
    events = run(pair(delegate_in_turn(3), ann=ann, bob=bob))
    first = of(events, Stuck)[0]
    assert (first.node, first.times) == ("ann", 2)
    assert first.what == "ann wrote the same to bob 2 times, about the same task"
    hint = "wrote the same to {} 2 times, about the same task. Go about it in another way"
    assert any(hint.format("bob") in text for text in heard(bob))
    assert any(hint.format("bob") in text for text in heard(ann))
    assert events[-1].status == "done"


@pytest.mark.parametrize(("repeats", "delivered"), [(5, 2), (None, 4)])
def test_it_is_not_delivered_a_third_time(repeats, delivered):
    ann, bob = writes("bob"), writes("ann")
    run(pair(delegate_in_turn(4), ann=ann, bob=bob), limits=Budget(repeats=repeats))
    opened = [
        text
        for text, request in zip(heard(bob), bob.requests, strict=True)
        if not request.messages[-1].results
    ]
    assert sum('"Please do  it."' in text for text in opened) == delivered


def test_other_words_or_another_task_are_no_repetition():
    words = iter(range(9))

    def fresh(request):
        if request.messages[-1].results:
            return f"Done {len(request.messages)}."
        return call("send_message", to="bob", text=f"Look at page {next(words)}.")

    lead = ScriptedModel(*[call("ann", task="Do it.") for _ in range(2)], "ok")
    assert of(run(pair(lead, ann=ScriptedModel(fresh, repeat=True))), Stuck) == []
    lead = ScriptedModel(*[call("ann", task=f"Do {n}.") for n in range(3)], "ok")
    assert of(run(pair(lead, ann=writes("bob"))), Stuck) == []


def test_nodes_of_a_cycle_are_watched_as_delegates_are():
    kinds = {
        "lead": Specialist(talk=Talk(talks_to=("reviewer",))),
        "reviewer": Critic(reviews="lead", max_rounds=9),
    }
    edges = ["start -> lead", "lead -> reviewer", "reviewer -> lead: revise"]
    turn = iter(range(99))

    def lead(request):
        if request.messages[-1].results:
            return f"draft {next(turn)}"
        return call("send_message", to="reviewer", text="Look again.")

    from test_team import verdict

    bad = [verdict(False, f"no {n}") for n in range(3)]
    models = {"lead": ScriptedModel(lead, repeat=True)}
    models["reviewer"] = ScriptedModel(*bad, verdict(True))
    events = run(crew(kinds, models, [*edges, "reviewer -> end: accept"]))
    assert [(stuck.node, stuck.times) for stuck in of(events, Stuck)] == [
        ("lead", 2),
        ("lead", 3),
        ("lead", 4),
    ]
    assert {event.status for event in of(events, NodeEnded)} == {"done"}
    assert final(events) == ["draft 3"]
