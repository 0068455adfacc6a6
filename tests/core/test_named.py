"""Names with options in Python, as a graph file has them."""

from __future__ import annotations

import pytest

from bottega import Agent
from bottega.approval import Approval
from bottega.errors import InputError, UnknownNameError
from bottega.testing import ScriptedModel, call


def agent(**given):
    return Agent("a", model=ScriptedModel(call("calculator", expression="2 + 3"), "5"), **given)


def test_tools_dialects_and_middleware_take_options(tmp_path):
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "a.txt").write_text("frogs")
    made = Agent(
        "a",
        model=ScriptedModel(call("read_file", path="a.txt"), "done"),
        tools=["calculator", {"read_file": {"root": "notes"}}],
        dialect={"native": {}},
        middleware=["retry", {"approval": {"tools": ["send"], "effects": []}}],
        folder=tmp_path,
    )
    observed = [event.content for event in made.run("go").events if event.kind == "observation"]
    assert "frogs" in observed[0]
    assert isinstance(made.parts.middleware[1], Approval)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"tools": [{"read_file": {"rooot": "x"}}]}, "has no option 'rooot'"),
        ({"tools": [{"visit_webpage": {"seconds": "x"}}]}, "'seconds' of tool 'visit_webpage'"),
        ({"tools": [{"read_file": {}, "write_file": {}}]}, "does not name one tool"),
        ({"tools": [{"read_file": "notes"}]}, "does not name one tool"),
        ({"tools": [{}]}, "does not name one tool"),
        ({"tools": "calculator"}, "tools must be a list"),
        ({"tools": {"calculator": {}}}, "tools must be a list"),
        ({"tools": ["sql_query"]}, "needs the option 'database'"),
        ({"middleware": "retry"}, "middleware must be a list"),
        ({"middleware": [{"retry": {"attempts": "many"}}]}, "attempts"),
    ],
)
def test_what_does_not_fit_is_told_before_the_run(given, expected):
    with pytest.raises(InputError, match=expected):
        agent(**given).run("go")


def test_a_name_that_nothing_has_is_told_with_the_nearest():
    with pytest.raises(UnknownNameError, match="did you mean 'calculator'"):
        agent(tools=[{"calculatr": {}}]).run("go")
