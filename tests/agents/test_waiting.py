"""Runs that wait for a person: on disk, in any process, each question with its own ruling."""

import asyncio
from contextlib import closing, contextmanager
from dataclasses import replace

import pytest
from test_team import both, parts, play, run, team, verdict
from test_threads import final, line

from bottega import tool
from bottega.approval import Approval
from bottega.database import SqliteDatabase, connect
from bottega.errors import BusyError, InputError
from bottega.events import Asked, Observation
from bottega.questions import Ruling
from bottega.register import Register
from bottega.result import Result
from bottega.runs import RunStore
from bottega.testing import ScriptedModel, call
from bottega.tools import ToolContext

APPROVE = Ruling(verdict="approve")


class Post:
    """What a tool has really sent."""

    def __init__(self):
        self.sent = []

        @tool(effects="once")
        def send(to: str) -> str:
            """Send a letter.

            Args:
                to: whom.
            """
            self.sent.append(to)
            return f"sent to {to}"

        self.tool = send


class Gate(ScriptedModel):
    """Says when it is asked, and answers when it may."""

    def __init__(self, *script):
        super().__init__(*script)
        self.begun, self.open = asyncio.Event(), asyncio.Event()

    async def respond(self, request):
        self.begun.set()
        await self.open.wait()
        async for delta in super().respond(request):
            yield delta


def approving(name, model, post):
    made = parts(name, model, tools=(post.tool,))
    return replace(made, middleware=(Approval(),))


def asked(events):
    return [event.question for event in events if isinstance(event, Asked)]


def resume(crew, store, rulings, run_id="r"):
    return run(crew, task="", run_id=run_id, store=store, resume=True, rulings=rulings)


@contextmanager
def connected(store):
    with closing(connect(store)) as connection:
        yield SqliteDatabase(connection)


def sender(post, *more):
    return line(approving("a", ScriptedModel(*more), post))


def test_a_call_waits_for_approval_and_is_made_once(tmp_path):
    store, post = tmp_path / "bottega.db", Post()
    events = run(sender(post, call("send", to="ann"), "never"), run_id="r", store=store, task="go")
    (question,) = asked(events)
    assert events[-1].status == "waiting"
    assert question["tool"] == "send"
    assert question["value"] == {"to": "ann"}
    assert post.sent == []
    with RunStore.open(store) as register:
        assert register.get("r").status == "waiting"
        assert [one.id for one in register.open_questions("r")] == [question["id"]]
    again = resume(sender(post, "done"), store, {question["id"]: APPROVE})
    assert final(again) == ["done"]
    assert post.sent == ["ann"]


@pytest.mark.parametrize(
    ("ruling", "sent", "content"),
    [
        (Ruling(verdict="edit", value={"to": "bob"}), ["bob"], "sent to bob"),
        (Ruling(verdict="reject", text="not her"), [], "refused this call: not her"),
    ],
)
def test_a_call_may_be_edited_or_refused(tmp_path, ruling, sent, content):
    store, post = tmp_path / "bottega.db", Post()
    events = run(sender(post, call("send", to="ann")), run_id="r", store=store, task="go")
    again = resume(sender(post, "done"), store, {asked(events)[0]["id"]: ruling})
    assert post.sent == sent
    (seen,) = [event for event in again if isinstance(event, Observation)]
    assert content in seen.content


def test_an_edit_that_does_not_fit_the_tool_is_refused_and_the_question_stays_open(tmp_path):
    store, post = tmp_path / "bottega.db", Post()
    events = run(sender(post, call("send", to="ann")), run_id="r", store=store, task="go")
    (question,) = asked(events)
    edit = Ruling(verdict="edit", value={"whom": "bob"})
    with pytest.raises(InputError, match="missing 'to'; unknown argument 'whom'"):
        resume(sender(post), store, {question["id"]: edit})
    with RunStore.open(store) as register:
        assert [one.id for one in register.open_questions("r")] == [question["id"]]
    edit = Ruling(verdict="edit", value={"to": "bob"})
    assert final(resume(sender(post, "done"), store, {question["id"]: edit})) == ["done"]
    assert post.sent == ["bob"]


def test_an_edit_that_only_the_tool_itself_can_refuse_is_asked_about_again(tmp_path):
    store, post = tmp_path / "bottega.db", Post()
    events = run(sender(post, call("send", to="ann")), run_id="r", store=store, task="go")
    (question,) = asked(events)
    with connected(store) as database:  # as one that was ruled on where the tool is not known
        asyncio.run(
            Register(database).rule(
                "r", {question["id"]: Ruling(verdict="edit", value={"whom": "bob"})}
            )
        )
    (again,) = asked(resume(sender(post), store, {}))
    assert again["id"] != question["id"]
    assert again["text"].startswith("The edit does not fit: send: missing 'to'")
    edit = Ruling(verdict="edit", value={"to": "bob"})
    assert final(resume(sender(post, "done"), store, {again["id"]: edit})) == ["done"]
    assert post.sent == ["bob"]


def test_what_was_changed_after_it_was_shown_is_not_approved(tmp_path):
    store, post = tmp_path / "bottega.db", Post()
    events = run(sender(post, call("send", to="ann")), run_id="r", store=store, task="go")
    (question,) = asked(events)
    with connected(store) as database:
        changed = database.do_now(
            "UPDATE bottega_journal SET value = replace(value, 'ann', 'eve'), crc = NULL "
            "WHERE value LIKE '%ann%' RETURNING key"
        )
    assert changed
    events = resume(sender(post), store, {question["id"]: APPROVE})
    assert events[-1].status == "waiting"
    assert post.sent == []
    (again,) = asked(events)
    assert again["id"] != question["id"]
    assert again["value"] == {"to": "eve"}
    assert again["text"].startswith("This is not what a person ruled on before. May send")
    refuse = Ruling(verdict="reject", text="who is eve?")
    assert final(resume(sender(post, "done"), store, {again["id"]: refuse})) == ["done"]
    assert post.sent == []


def test_a_ruling_may_name_what_was_shown(tmp_path):
    store, post = tmp_path / "bottega.db", Post()
    events = run(sender(post, call("send", to="ann")), run_id="r", store=store, task="go")
    (shown,) = Result.from_events(events).questions
    other = replace(shown, value={"to": "eve"})
    with pytest.raises(InputError, match="is not the one that was shown"):
        resume(sender(post), store, {shown.id: Ruling(verdict="approve", seal=other.seal)})
    bound = Ruling(verdict="approve", seal=shown.seal)
    assert final(resume(sender(post, "done"), store, {shown.id: bound})) == ["done"]
    assert post.sent == ["ann"]


def test_a_run_that_is_resumed_without_a_ruling_waits_on(tmp_path):
    store, post = tmp_path / "bottega.db", Post()
    run(sender(post, call("send", to="ann")), run_id="r", store=store, task="go")
    model = ScriptedModel("never")
    events = resume(line(approving("a", model, post)), store, {})
    assert events[-1].status == "waiting"
    assert model.requests == []


def test_a_ruling_that_does_not_fit_is_refused_and_nothing_is_lost(tmp_path):
    store, post = tmp_path / "bottega.db", Post()
    events = run(sender(post, call("send", to="ann")), run_id="r", store=store, task="go")
    (question,) = asked(events)
    for rulings in ({"nonsense": APPROVE}, {question["id"]: Ruling(verdict="answer", text="x")}):
        with pytest.raises(InputError):
            resume(sender(post), store, rulings)
    assert final(resume(sender(post, "done"), store, {question["id"]: APPROVE})) == ["done"]


def senders(left, right):
    """Return what makes a team whose librarian and analyst send by these posts, and ask first."""

    def crew(lead, a, b):
        made = team(lead, ScriptedModel(), ScriptedModel(), ScriptedModel(verdict(True)))
        made.parts["librarian"] = approving("librarian", ScriptedModel(*a), left)
        made.parts["analyst"] = approving("analyst", ScriptedModel(*b), right)
        return made

    return crew


def test_parallel_branches_keep_their_own_rulings(tmp_path):
    store, left, right = tmp_path / "bottega.db", Post(), Post()
    crew = senders(left, right)
    lead = ScriptedModel(both())
    first = crew(lead, [call("send", to="ann")], [call("send", to="bob")])
    events = run(first, run_id="r", store=store, task="go")
    ids = {question["node"]: question["id"] for question in asked(events)}
    assert set(ids) == {"librarian", "analyst"}
    half = resume(crew(ScriptedModel(), ["l"], []), store, {ids["librarian"]: APPROVE})
    assert half[-1].status == "waiting"
    assert (left.sent, right.sent) == (["ann"], [])
    lead = ScriptedModel("both done")
    refuse = Ruling(verdict="reject", text="no")
    done = resume(crew(lead, [], ["r"]), store, {ids["analyst"]: refuse})
    assert final(done) == ["both done"]
    assert (left.sent, right.sent) == (["ann"], [])
    assert [result.content for result in lead.requests[0].messages[-1].results] == ["l", "r"]


def test_a_question_of_a_tool_waits_and_the_answer_arrives(tmp_path):
    @tool(effects="none")
    async def colour(context: ToolContext) -> str:
        """Ask for two colours."""
        assert context.ask is not None
        return f"{await context.ask('first?')} and {await context.ask('second?')}"

    store = tmp_path / "bottega.db"

    def crew(*replies):
        return line(parts("a", ScriptedModel(*replies), tools=(colour,)))

    events = run(crew(call("colour")), run_id="r", store=store, task="go")
    first = asked(events)[0]["id"]
    events = resume(crew(), store, {first: Ruling(verdict="answer", text="red")})
    second = asked(events)[0]["id"]
    assert second != first
    events = resume(crew("ok"), store, {second: Ruling(verdict="answer", text="blue")})
    assert [e.content for e in events if isinstance(e, Observation)] == ["red and blue"]


def test_without_a_store_nothing_waits_and_the_call_is_refused():
    post = Post()
    events = asyncio.run(play(sender(post, call("send", to="ann"), "done"), task="go"))
    assert final(events) == ["done"]
    assert post.sent == []
    assert "nobody is there" in next(e for e in events if isinstance(e, Observation)).content


def test_in_a_graph_of_anybody_the_interrupt_is_langgraphs_own():
    from langgraph.checkpoint.memory import InMemorySaver
    from langgraph.graph import END, START, StateGraph
    from langgraph.types import Command

    from bottega_agents.graph.state import State
    from bottega_agents.roles.specialist import Specialist

    post = Post()
    model = ScriptedModel(call("send", to="ann"), call("send", to="bob"), "done")
    builder = StateGraph(State)
    builder.add_node("a", Specialist().build(approving("a", model, post)))
    builder.add_edge(START, "a")
    builder.add_edge("a", END)
    graph = builder.compile(checkpointer=InMemorySaver())
    config = {"configurable": {"thread_id": "t"}}

    async def whole():
        first = await graph.ainvoke({"task": "go"}, config)
        assert first["__interrupt__"][0].value[0]["value"] == {"to": "ann"}
        second = await graph.ainvoke(Command(resume=True), config)
        assert second["__interrupt__"][0].value[0]["value"] == {"to": "bob"}
        return await graph.ainvoke(Command(resume={"verdict": "reject", "text": "no"}), config)

    assert asyncio.run(whole())["answer"] == "done"
    assert post.sent == ["ann"]
    assert len(model.requests) == 3


def test_a_ruling_given_while_the_run_is_under_way_is_taken_when_it_comes_to_wait(tmp_path):
    store, left, right = tmp_path / "bottega.db", Post(), Post()
    crew = senders(left, right)
    lead = ScriptedModel(both())
    first = crew(lead, [call("send", to="ann")], [call("send", to="bob")])
    ids = {
        question["node"]: question["id"]
        for question in asked(run(first, run_id="r", store=store, task="go"))
    }
    slow = Gate("l")
    here = crew(ScriptedModel("both done"), [], ["r"])
    here.parts["librarian"] = replace(here.parts["librarian"], model=slow)

    async def whole():
        job = {"task": "", "run_id": "r", "store": store, "resume": True}
        holder = asyncio.create_task(play(here, rulings={ids["librarian"]: APPROVE}, **job))
        await slow.begun.wait()
        other = crew(ScriptedModel(), [], [])
        with pytest.raises(BusyError, match="is being carried out by another") as busy:
            await play(other, rulings={ids["analyst"]: APPROVE}, **job)
        assert busy.value.told
        with pytest.raises(InputError, match="does not wait for"):
            await play(other, rulings={ids["analyst"]: Ruling(verdict="reject")}, **job)
        slow.open.set()
        return await holder

    events = asyncio.run(whole())
    assert final(events) == ["both done"]
    assert (left.sent, right.sent) == (["ann"], ["bob"])
    assert events[-1].questions == {}


def test_what_is_asked_at_once_is_on_disk_before(tmp_path):
    store, post = tmp_path / "bottega.db", Post()

    async def dies(text):
        with RunStore.open(store) as register:
            assert [one.value for one in register.open_questions("r")] == [{"to": "ann"}]
        raise KeyError("as if it was killed")

    with pytest.raises(KeyError):
        run(sender(post, call("send", to="ann")), run_id="r", store=store, task="go", ask=dies)
    with RunStore.open(store) as register:
        (question,) = register.open_questions("r")
    assert final(resume(sender(post, "done"), store, {question.id: APPROVE})) == ["done"]
    assert post.sent == ["ann"]


def test_of_two_who_rule_at_the_same_time_the_first_holds(tmp_path):
    store, post = tmp_path / "bottega.db", Post()

    async def slow(text):
        assert text.startswith('May send(to="ann") be called? [a/1/call-1] (yes, no')
        with connected(store) as database:
            register = Register(database)
            (question,) = await register.open_questions("r")
            await register.rule("r", {question.id: Ruling(verdict="edit", value={"to": "bob"})})
        return "yes"

    crew = sender(post, call("send", to="ann"), "done")
    assert final(run(crew, run_id="r", store=store, task="go", ask=slow)) == ["done"]
    assert post.sent == ["bob"]
    with RunStore.open(store) as register:
        assert register.open_questions("r") == []
