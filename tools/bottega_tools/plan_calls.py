"""The tool `plan_calls`: an agent says which calls with effects it means to make.

It does nothing by itself; the middleware `flow` reads the plan where the call stands in the
conversation, and holds later calls to it. What a plan is, is `bottega.intentions`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NotRequired

from pydantic import JsonValue
from typing_extensions import TypedDict

from bottega.intentions import PLAN_CALLS, TAKEN_DOWN, read_intentions
from bottega.messages import Json
from bottega.tools import Tool


class PlannedCall(TypedDict):
    """A call, as a model writes it down."""

    tool: str
    arguments: dict[str, JsonValue]
    times: NotRequired[int]


class PlanCalls(Tool):
    """Take down a plan."""

    name = PLAN_CALLS
    description = (
        "Say which calls that change or send something you mean to make, before you read anything: "
        "documents, mail, pages, results. Calls that are not planned may be refused once you have "
        "read them. An argument is a value, or, where you have to read it first, a place: "
        '{"from": "the tool that returns it", "field": "its key in the result", "where": {"key": '
        '"value of another key of the same record"}, "most" or "least": "key whose largest or '
        'smallest value picks the record", "each": true when several values will be used}; or '
        '{"from": "the tool", "shape": "email", "url", "iban", "date", "number" or "text"} where '
        "the result is plain text."
    )
    effects = "none"
    always = True
    trust = "derived"  # it returns the model's own words

    def validate(self, arguments: Mapping[str, Json]) -> dict[str, Any]:
        """Return the arguments. Raises InputError for what is no plan."""
        valid = super().validate(arguments)
        read_intentions(valid["calls"])
        return valid

    def run(self, calls: list[PlannedCall]) -> str:
        """Say which calls you mean to make.

        Args:
            calls: each {"tool": name, "arguments": {name: value or place}, "times": most often}.
        """
        return TAKEN_DOWN + json.dumps(calls, ensure_ascii=False)


plan_calls = PlanCalls()
