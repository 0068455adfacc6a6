"""The tool that takes down a plan, and what it takes for one."""

import pytest

from bottega.errors import InputError
from bottega.intentions import Intention, Place, read_intentions
from bottega.testing.tool_conformance import check_tool
from bottega_tools.plan_calls import plan_calls

PLANNED = {
    "tool": "pay",
    "arguments": {
        "to": {"from": "list_bills", "field": "payee", "where": {"month": "March"}},
        "amounts": [1, {"from": "list_bills", "shape": "number"}],
    },
    "times": 2,
}


def test_it_keeps_the_rules_of_tools():
    check_tool(plan_calls, calls=[PLANNED])


def test_places_stand_wherever_a_value_may():
    assert read_intentions([PLANNED]) == (
        Intention(
            tool="pay",
            arguments={
                "to": Place(tool="list_bills", key="payee", where={"month": "March"}),
                "amounts": [1, Place(tool="list_bills", shape="number")],
            },
            times=2,
        ),
    )


@pytest.mark.parametrize(
    ("planned", "said"),
    [
        ({"tool": "pay", "args": {}}, "arguments"),
        ({"arguments": {}}, "is no call"),
        ({"tool": "pay", "times": 0}, "times"),
        ({"tool": "pay", "times": True}, "times"),
        ({"tool": "pay", "arguments": {"to": {"from": "a"}}}, "a field or a shape"),
        ({"tool": "pay", "arguments": {"to": {"from": "a", "filed": "b"}}}, "field"),
        ({"tool": "pay", "arguments": {"to": {"from": "a", "shape": "name"}}}, "shape"),
        ({"tool": "pay", "arguments": {"to": {"from": 1, "field": "b"}}}, "no place"),
        ("pay", "is no call"),
    ],
)
def test_what_is_no_plan_is_named(planned, said):
    with pytest.raises(InputError, match=said):
        read_intentions([planned])


def test_a_plan_has_a_size():
    with pytest.raises(InputError, match="at most 100"):
        read_intentions([{"tool": "pay"}] * 101)
