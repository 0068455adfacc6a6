"""Runs told again from their store, forked from any moment, and compared."""

import asyncio

import pytest
from postgres_server import new_store, postgres
from test_team import both, parts, play, run, team, verdict
from test_threads import final, interrupt, line
from test_waiting import APPROVE, Post, approving, asked, resume, sender

from bottega import Budget, tool
from bottega.comparison import first_difference
from bottega.dialects.native import Native
from bottega.engine import Job
from bottega.errors import InputError
from bottega.events import Observation
from bottega.fork import forked
from bottega.questions import Ruling
from bottega.retelling import retold
from bottega.testing import Say, ScriptedModel, call, calls
from bottega_agents.replay.reading import read_run


@pytest.fixture
def store(tmp_path):
    return tmp_path / "bottega.db"


def told(store, run_id="r"):
    return retold(asyncio.run(read_run(store, run_id)), lambda name: Native())


def fork(crew, store, at, run_id="f", of="r", **changes):
    known = told(store, of)
    job = Job(task=known.run.task, limits=Budget(), run_id=run_id, store=store)
    job = forked(job, known, at, changes)
    return run(
        crew, task=job.task, limits=job.limits, run_id=run_id, store=store, origin=job.origin
    )


def shown(known):
    return [(one.number, one.kind, one.node, one.step) for one in known.moments]


def silent(tools=()):
    return team(*(ScriptedModel() for _ in range(4)), tools=tools)


class Counter:
    """Tools that count their calls."""

    def __init__(self):
        self.made = []

        @tool(effects="once")
        def pay(amount: int) -> str:
            """Pay."""
            self.made.append(amount)
            return f"paid {amount}"

        self.tool = pay


def reviewed(store, counter=None):
    """A team whose critic sends the first answer back."""
    tools = (counter.tool,) if counter else ()
    librarian = ScriptedModel(call("pay", amount=3), "found") if counter else ScriptedModel("found")
    lead = ScriptedModel(both(), "first", "second")
    critic = ScriptedModel(verdict(False, "too short"), verdict(True))
    crew = team(lead, librarian, ScriptedModel("42"), critic, tools=tools)
    return run(crew, run_id="r", store=store)


def test_a_run_is_told_in_order_over_all_its_nodes(store):
    counter = Counter()
    reviewed(store, counter)
    known = told(store)
    order = [one[1:] for one in shown(known)]
    assert order[0] == ("step", "lead", 1)
    assert sorted(order[1:4]) == [
        ("step", "analyst", 1),
        ("step", "librarian", 1),
        ("step", "librarian", 2),
    ]
    assert order[4:] == [
        ("step", "lead", 2),
        ("decision", "reviewer", 0),
        ("step", "lead", 3),
        ("decision", "reviewer", 0),
    ]
    (paid,) = [one.calls[0] for one in known.moments if one.calls and one.node == "librarian"]
    assert (paid.tool, paid.arguments, paid.content) == ("pay", {"amount": 3}, "paid 3")
    assert [call.state for call in known.moments[0].calls] == ["handed on", "handed on"]
    assert known.moments[5].told["reason"] == "too short"
    assert known.answer == "second"
    assert (known.steps, known.usage.total) == (6, 8 * 15)
    times = [one.at for one in known.moments]
    assert times == sorted(times)
    assert times[0] > 1_700_000_000_000


def test_a_fork_runs_nothing_of_what_was_before(store):
    counter = Counter()
    reviewed(store, counter)
    lead = ScriptedModel("other")
    crew = team(lead, ScriptedModel(), ScriptedModel(), ScriptedModel(verdict(True)))
    events = fork(crew, store, "lead:2")
    assert final(events) == ["other"]
    assert counter.made == [3]
    assert len(lead.requests) == 1
    assert [e.content for e in events if isinstance(e, Observation)] == ["paid 3"]
    assert all(e.replayed for e in events if isinstance(e, Observation))
    assert told(store, "f").forked_from == "r"
    assert events[-1].steps == 5


@pytest.mark.parametrize("kind", [pytest.param("postgresql", marks=postgres)])
def test_a_fork_in_a_database_server_runs_nothing_of_what_was_before(kind):
    store, counter = new_store(), Counter()
    reviewed(store, counter)
    assert next(one[1:3] for one in shown(told(store))) == ("step", "lead")
    crew = team(ScriptedModel("x"), ScriptedModel(), ScriptedModel(), ScriptedModel(verdict(True)))
    assert final(fork(crew, store, "lead:2")) == ["x"]
    assert counter.made == [3]
    model = ScriptedModel("Rome", "2.8 million")
    for number, task in enumerate(("Capital of Italy?", "How many people?")):
        run(line(parts("a", model)), task=task, thread="t", run_id=f"r{number}", store=store)
    other = ScriptedModel("about 3 million")
    fork(line(parts("a", other)), store, 1, run_id="g", of="r1")
    texts = [message.text for message in other.requests[0].messages][1:]
    assert texts == ["Capital of Italy?", "Rome", "How many people?"]


def test_a_fork_shares_all_moments_before_it_with_its_run(store):
    reviewed(store)
    crew = team(
        ScriptedModel("other"), *(ScriptedModel() for _ in "ab"), ScriptedModel(verdict(True))
    )
    fork(crew, store, 4)
    old, new = told(store), told(store, "f")
    assert shown(new)[:4] == shown(old)[:4]
    difference = first_difference(old, new)
    assert difference is not None
    assert (difference.node, difference.step, difference.what) == ("lead", 2, "reply")


def test_every_moment_can_be_forked_from(store):
    reviewed(store)
    for number in range(1, len(told(store).moments) + 1):
        crew = team(
            ScriptedModel("a", repeat=True),
            ScriptedModel("b", repeat=True),
            ScriptedModel("c", repeat=True),
            ScriptedModel(verdict(True), repeat=True),
        )
        events = fork(crew, store, number, run_id=f"f{number}")
        assert events[-1].status == "done"
        before = shown(told(store, f"f{number}"))[: number - 1]
        assert before == shown(told(store))[: number - 1]


def test_a_fork_can_be_forked(store):
    reviewed(store)
    critics = (ScriptedModel(verdict(True)) for _ in range(2))
    fork(team(ScriptedModel("b"), ScriptedModel(), ScriptedModel(), next(critics)), store, 4)
    third = team(ScriptedModel("c"), ScriptedModel(), ScriptedModel(), next(critics))
    assert final(fork(third, store, 4, run_id="g", of="f")) == ["c"]


def test_a_fork_with_another_reply_asks_no_model_for_it(store):
    reviewed(store)
    lead = ScriptedModel("so be it")
    crew = team(lead, ScriptedModel(), ScriptedModel("42"), ScriptedModel(verdict(True)))
    events = fork(crew, store, "librarian:1", reply="nothing there")
    assert final(events) == ["so be it"]
    assert lead.requests[0].messages[-1].results[0].content == "nothing there"


def test_a_fork_with_a_prompt_gives_it_to_the_node_in_its_whole_conversation(store):
    reviewed(store)
    lead = ScriptedModel("shorter")
    crew = team(lead, ScriptedModel(), ScriptedModel(), ScriptedModel(verdict(True)))
    fork(crew, store, "lead:3", prompt="Be short.")
    system, *rest = lead.requests[0].messages
    assert system.text.endswith("Be short.")
    assert [message.text for message in rest if message.text] == [
        "What is the answer?",
        "first",
        rest[-1].text,
    ]


def test_a_fork_rules_otherwise_than_the_person_did(store):
    post = Post()
    events = run(sender(post, call("send", to="ann")), run_id="r", store=store, task="go")
    resume(sender(post, "done"), store, {asked(events)[0]["id"]: APPROVE})
    assert [one.kind for one in told(store).moments] == ["step", "ruling", "step"]
    refusal = Ruling(verdict="reject", text="not her")
    events = fork(sender(post, "a pity"), store, 2, ruling=refusal)
    assert final(events) == ["a pity"]
    assert post.sent == ["ann"]
    assert "not her" in next(e for e in events if isinstance(e, Observation)).content
    edited = Ruling(verdict="edit", value={"to": "bob"})
    assert final(fork(sender(post, "ok"), store, "a:1", run_id="g", ruling=edited)) == ["ok"]
    assert post.sent == ["ann", "bob"]


def test_a_fork_before_a_ruling_waits_for_a_new_one(store):
    post = Post()
    events = run(sender(post, call("send", to="ann")), run_id="r", store=store, task="go")
    resume(sender(post, "done"), store, {asked(events)[0]["id"]: APPROVE})
    events = fork(sender(post), store, 2)
    assert events[-1].status == "waiting"
    (question,) = asked(events)
    again = resume(sender(post, "done"), store, {question["id"]: APPROVE}, run_id="f")
    assert final(again) == ["done"]
    assert post.sent == ["ann", "ann"]


def test_a_fork_that_dies_goes_on_where_it_was(store):
    counter = Counter()
    reviewed(store, counter)
    known = told(store)
    job = Job(task=known.run.task, limits=Budget(), run_id="f", store=store)
    job = forked(job, known, 5, {"prompt": "Be short."})
    slow = ScriptedModel(Say(text="late", delay=30))
    crew = team(slow, ScriptedModel(), ScriptedModel(), ScriptedModel())
    given = {"task": job.task, "run_id": "f", "store": store, "origin": job.origin}
    asyncio.run(interrupt(crew, lambda: slow.requests, **given))
    lead = ScriptedModel("at last")
    crew = team(lead, ScriptedModel(), ScriptedModel(), ScriptedModel(verdict(True)))
    events = run(crew, task="", run_id="f", store=store, resume=True)
    assert final(events) == ["at last"]
    assert counter.made == [3]
    assert "Be short." in lead.requests[0].messages[0].text


def test_a_fork_of_a_run_in_a_thread_keeps_the_conversation(store):
    model = ScriptedModel("Rome", "2.8 million", "1.4 million")
    crew = line(parts("a", model))
    for number, task in enumerate(("Capital of Italy?", "How many people?", "And cars?")):
        run(crew, task=task, thread="t", run_id=f"r{number}", store=store)
    assert shown(told(store, "r1")) == [(1, "step", "a", 1)]
    other = ScriptedModel("about 3 million")
    events = fork(line(parts("a", other)), store, 1, of="r1")
    assert final(events) == ["about 3 million"]
    texts = [message.text for message in other.requests[0].messages][1:]
    assert texts == ["Capital of Italy?", "Rome", "How many people?"]
    again = ScriptedModel("three million")
    fork(line(parts("a", again)), store, 1, run_id="g", of="f")
    assert [message.text for message in again.requests[0].messages][1:] == texts


def test_a_call_under_way_in_another_branch_is_not_made_again(store):
    paid = []

    @tool(effects="once")
    async def pay(amount: int) -> str:
        """Pay."""
        paid.append(amount)
        await asyncio.sleep(0.1)
        return f"paid {amount}"

    def crew(lead, librarian, analyst):
        return team(lead, librarian, analyst, ScriptedModel(verdict(True)), tools=(pay,))

    librarian = ScriptedModel(call("pay", amount=3), "paid it")
    analyst = ScriptedModel(Say(text="42", delay=0.03))
    run(crew(ScriptedModel(both(), "all"), librarian, analyst), run_id="r", store=store)
    lead = ScriptedModel("all anew")
    events = fork(crew(lead, ScriptedModel("it is paid"), ScriptedModel("43")), store, "analyst:1")
    assert final(events) == ["all anew"]
    assert paid == [3]


def test_a_graph_that_goes_another_way_before_the_fork_is_refused(store):
    @tool(effects="none")
    def look() -> str:
        """Look."""
        return "seen"

    a = parts("a", ScriptedModel("one"))
    run(line(a, parts("b", ScriptedModel("two"))), run_id="r", store=store, task="go")
    changed = line(parts("c", ScriptedModel()), parts("b", ScriptedModel()))
    with pytest.raises(InputError, match="comes to 1:c, where run r never was"):
        fork(changed, store, "b:1")


def test_a_result_is_told_again_although_its_tool_is_gone(store):
    counter = Counter()
    crew = line(parts("a", ScriptedModel(call("pay", amount=1), "x"), tools=(counter.tool,)))
    run(crew, run_id="r", store=store, task="go")
    model = ScriptedModel("y")
    events = fork(line(parts("a", model)), store, "a:2")
    assert model.requests[0].messages[-1].results[0].content == "paid 1"
    assert final(events) == ["y"]


def test_a_call_that_was_refused_is_not_made_by_a_fork_that_has_the_tool(store):
    counter = Counter()
    crew = line(parts("a", ScriptedModel(call("pay", amount=1), "x")))
    run(crew, run_id="r", store=store, task="go")
    fork(line(parts("a", ScriptedModel("y"), tools=(counter.tool,))), store, "a:2")
    assert counter.made == []


@pytest.mark.parametrize(
    ("at", "changes", "message"),
    [
        (99, {}, "has no moment '99'"),
        ("nobody:1", {}, "has no moment 'nobody:1'"),
        (5, {"reply": "x"}, "is a decision"),
        (1, {"ruling": APPROVE}, "is not where a person ruled"),
        (1, {"prompt": "x", "reply": "y"}, None),
    ],
)
def test_what_cannot_be_forked_is_told(store, at, changes, message):
    reviewed(store)
    job = Job(task="x", limits=Budget())
    if message is None:
        assert forked(job, told(store), at, changes).origin["fork"]
        return
    with pytest.raises(InputError, match=message):
        forked(job, told(store), at, changes)


def test_a_step_of_several_delegations_must_be_named_by_number(store):
    lead = ScriptedModel(calls([call("librarian", task="a"), call("librarian", task="b")]), "ok")
    helper = ScriptedModel("x", "y")
    run(team(lead, helper, ScriptedModel(), ScriptedModel(verdict(True))), run_id="r", store=store)
    with pytest.raises(InputError, match="several moments") as caught:
        fork(silent(), store, "librarian:1")
    assert "2, 3" in str(caught.value)


def test_a_fork_of_what_is_no_longer_kept_is_told(store):
    reviewed(store)
    known = told(store)
    job = forked(Job(task="x", limits=Budget()), known, 5, {})
    other = store.with_name("other.db")
    run(line(parts("a", ScriptedModel("x"))), task="go", run_id="x", store=other)
    with pytest.raises(InputError, match="no run 'r'"):
        run(silent(), task="x", run_id="f", store=other, origin=job.origin)


def test_waiting_calls_and_lost_ones_are_told_as_such(store):
    post = Post()
    run(sender(post, call("send", to="ann")), run_id="r", store=store, task="go")
    (moment,) = told(store).moments
    assert [(one.content, one.state) for one in moment.calls] == [(None, "waits")]


def test_calls_with_the_same_names_in_two_visits_are_told_apart(store):
    @tool(effects="none")
    def look(number: int) -> str:
        """Look."""
        return f"seen {number}"

    from bottega.testing import Call

    def same(number):
        return Say(
            calls=(Call(id="c", name="look", arguments={"number": number}),), finish="tool_calls"
        )

    lead = ScriptedModel(same(1), "first", same(2), "second")
    critic = ScriptedModel(verdict(False, "more"), verdict(True))
    made = team(lead, ScriptedModel(), ScriptedModel(), critic)
    made.parts["lead"] = parts("lead", lead, tools=(look,), peers={})
    run(made, run_id="r", store=store)
    seen = [c.content for one in told(store).moments if one.node == "lead" for c in one.calls]
    assert seen == ["seen 1", "seen 2"]


def test_two_runs_part_where_an_argument_a_result_or_a_reply_differs(store):
    seen = []

    @tool(effects="none")
    def look(number: int) -> str:
        """Look."""
        return f"seen {number} {len(seen)}"

    def go(run_id, number, answer):
        crew = line(parts("a", ScriptedModel(call("look", number=number), answer), tools=(look,)))
        run(crew, task="go", run_id=run_id, store=store)
        return told(store, run_id)

    first, same = go("1", 1, "x"), go("2", 1, "x")
    assert first_difference(first, same) is None
    argument, reply = go("3", 2, "x"), go("4", 1, "y")
    seen.append(1)
    result = go("5", 1, "x")
    found = [first_difference(first, other) for other in (argument, reply, result)]
    assert [(one.what, one.step) for one in found] == [
        ("arguments", 1),
        ("reply", 2),
        ("result", 1),
    ]
    assert found[2].sides()[0] == [{"tool": "look", "content": "seen 1 0", "state": ""}]


def test_waiting_for_two_branches_is_told_and_forked(store):
    left, right = Post(), Post()

    def crew(lead, a, b):
        made = team(lead, ScriptedModel(), ScriptedModel(), ScriptedModel(verdict(True)))
        made.parts["librarian"] = approving("librarian", ScriptedModel(*a), left)
        made.parts["analyst"] = approving("analyst", ScriptedModel(*b), right)
        return made

    first = crew(ScriptedModel(both()), [call("send", to="ann")], [call("send", to="bob")])
    ids = {q["node"]: q["id"] for q in asked(run(first, run_id="r", store=store, task="go"))}
    both_ruled = dict.fromkeys(ids.values(), APPROVE)
    resume(crew(ScriptedModel("done"), ["l"], ["r"]), store, both_ruled)
    at = next(
        one.number for one in told(store).moments if one.kind == "ruling" and one.node == "analyst"
    )
    no = Ruling(verdict="reject", text="no")
    events = fork(crew(ScriptedModel("half"), ["l"], ["r"]), store, at, ruling=no)
    assert events[-1].status in ("done", "waiting")
    assert right.sent == ["bob"]


def test_play_needs_no_store_for_ordinary_runs():
    events = asyncio.run(play(line(parts("a", ScriptedModel("x"))), task="go"))
    assert final(events) == ["x"]
