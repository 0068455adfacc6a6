"""Conversations of a thread that outgrow their model: shortened once, told again the same."""

import asyncio
from dataclasses import replace

from test_team import parts, run
from test_threads import final, interrupt, line

from bottega import Output, tool
from bottega.compaction import ContextPolicy, is_note
from bottega.estimate import of_messages
from bottega.events import Compacted
from bottega.messages import Citation
from bottega.model import Usage
from bottega.testing import Say, ScriptedModel, call
from bottega.trace import read_trace
from bottega_agents.roles import transcript

MOST = 1_600


@tool(effects="none")
def read(page: int) -> Output:
    """Read a page."""
    found = Citation(key=f"p{page}", source="book", start=0, end=1)
    text = f"[p{page}] page {page} says: " + "so it goes on and on " * 10
    return Output(content=text, citations=(found,))


def unsaid(item):
    return Say(
        text=item if isinstance(item, str) else "",
        calls=() if isinstance(item, str) else (item,),
        usage=Usage(),
    )


def crew(model, how="drop"):
    made = replace(
        parts("clerk", model, tools=(read,)), context=ContextPolicy(most=MOST, how=how, keep_last=2)
    )
    return line(made)


def test_a_long_thread_stays_short_for_its_model_and_in_what_is_read(tmp_path, monkeypatch):
    store = tmp_path / "bottega.db"
    shortened, shown, read_again = 0, [], []
    told = transcript.visits

    async def counted(*given, **how):
        found = await told(*given, **how)
        read_again.append(len(found))
        return found

    monkeypatch.setattr(transcript, "visits", counted)
    for number in range(25):
        model = ScriptedModel(unsaid(call("read", page=number)), unsaid(f"Read [p{number}]."))
        task = f"READ PAGE {number}"
        events = run(crew(model), task=task, thread="t", store=store)
        assert final(events) == [f"Read [p{number}]."]
        for request in model.requests:
            assert of_messages(request.messages) <= MOST
            assert request.messages[0].role == "system"
            assert any(message.text == task for message in request.messages)
        shortened += sum(isinstance(event, Compacted) for event in events)
        shown.append(len(model.requests[0].messages))
    assert 2 <= shortened < 10  # now and then, not at every run
    assert max(shown) < 45
    assert len(read_again) == 24
    assert max(read_again) < 15  # not the whole thread


def test_a_key_of_a_page_that_was_left_out_still_points_at_it(tmp_path):
    store = tmp_path / "bottega.db"
    script = [call("read", page=1), "Noted [p1]."]
    run(crew(ScriptedModel(*map(unsaid, script))), task="READ", thread="t", store=store)
    more = [*(call("read", page=number) for number in range(2, 14)), "As [p13] says."]
    run(crew(ScriptedModel(*map(unsaid, more))), task="GO ON", thread="t", store=store)
    last = ScriptedModel(unsaid("As [p13] says."))
    events = run(crew(last), task="AND?", thread="t", store=store)
    assert any(is_note(message) for message in last.requests[0].messages)
    assert [one.key for one in events[-2].citations] == ["p13"]


def test_a_run_that_died_after_a_summary_asks_for_none_again(tmp_path):
    store = tmp_path / "bottega.db"

    def reply(request):
        if request.messages[0].text.startswith("Sum up"):
            summed.append(request)
            return unsaid("Pages one to five are dull.")
        steps = len(model.requests) - len(summed)
        if summed and steps > 7:
            hanging.append(request)
            return Say(text="late", delay=30)
        return unsaid(call("read", page=steps))

    summed, hanging = [], []
    model = ScriptedModel(reply, repeat=True)
    team = crew(model, how="summary")
    job = {"task": "READ", "thread": "t", "run_id": "r1", "store": store}
    asyncio.run(interrupt(team, lambda: hanging, **job))
    assert len(summed) == 1
    again = ScriptedModel(unsaid("Dull."))
    events = run(crew(again, how="summary"), **{**job, "task": "", "resume": True})
    assert final(events) == ["Dull."]
    assert len(again.requests) == 1
    trace = asyncio.run(read_trace(store, "r1"))
    (shortened,) = [moment for moment in trace.moments if moment.kind == "compacted"]
    assert shortened.told["summary"] == "Pages one to five are dull."
    assert 0 < shortened.told["kept"] <= len(again.requests[0].messages)
    assert trace.moments[shortened.number].kind == "step"
    assert trace.moments[shortened.number].step == shortened.step
    assert again.requests[0].messages == hanging[0].messages
    assert any("are dull" in message.text for message in again.requests[0].messages)
