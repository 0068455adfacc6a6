"""The fields of a team's state: those that it can use, and what becomes of others in a store."""

from dataclasses import dataclass, replace
from typing import get_type_hints

from test_team import parts, run
from test_threads import final, line
from test_waiting import APPROVE, Post, asked, resume, sender

from bottega.spec.model import EdgeSpec
from bottega.testing import ScriptedModel, call
from bottega_agents.engine import LangGraphEngine
from bottega_agents.graph import compiler
from bottega_agents.graph.state import State
from bottega_agents.roles.specialist import Specialist

WHOLE = set(get_type_hints(State))


def fields(crew):
    return WHOLE & LangGraphEngine().compile(crew).channels.keys()


def plain():
    return line(parts("a", ScriptedModel("one")))


def test_a_plain_team_has_no_fields_that_nothing_writes():
    assert fields(plain()) == {
        "task",
        "run",
        "answer",
        "citations",
        "abstained",
        "partial",
        "status",
        "reason",
        "transcripts",
        "spent",
        "elapsed",
        "author",
    }


def test_nodes_that_work_reaches_from_others_have_what_watches_it():
    pair = line(parts("a", ScriptedModel("one")), parts("b", ScriptedModel("two")))
    assert fields(pair) - fields(plain()) == {"passed", "stuck", "mail"}


def test_a_node_that_leads_back_to_itself_is_watched():
    crew = plain()
    first, last = crew.spec.edges
    again = replace(crew, spec=replace(crew.spec, edges=(first, replace(last, target="a"))))
    assert fields(again) - fields(crew) == {"passed", "stuck", "mail"}


def test_a_bound_on_an_edge_brings_the_counts():
    crew = plain()
    first, last = crew.spec.edges
    bounded = EdgeSpec(source=last.source, target=last.target, most=3)
    counted = replace(crew, spec=replace(crew.spec, edges=(first, bounded)))
    assert fields(counted) - fields(crew) == {"tokens", "inbox", "underway", "taken"}


@dataclass(frozen=True, kw_only=True)
class Strange(Specialist):
    """Another's kind, which may write whatever the state knows."""


def test_a_kind_of_somebody_else_has_the_whole_state():
    crew = plain()
    assert fields(replace(crew, kinds={"a": Strange()})) == WHOLE


def test_a_run_that_waits_in_a_store_with_the_whole_state_goes_on(tmp_path, monkeypatch):
    store, post = tmp_path / "bottega.db", Post()
    with monkeypatch.context() as before:
        before.setattr(compiler, "state_of", lambda team, plan: State)
        waiting = sender(post, call("send", to="ann"), "never")
        events = run(waiting, run_id="r", store=store, task="go", thread="t")
    (question,) = asked(events)
    again = resume(sender(post, "done"), store, {question["id"]: APPROVE})
    assert final(again) == ["done"]
    assert post.sent == ["ann"]
    assert final(run(sender(post, "more"), store=store, task="and", thread="t")) == ["more"]
