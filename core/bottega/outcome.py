"""How an agent's loop ended, and what it leaves behind."""

from __future__ import annotations

from dataclasses import dataclass

from bottega.errors import BottegaError
from bottega.events import Answer, Status
from bottega.messages import ToolCall, ToolResult
from bottega.questions import Question


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """The end of a loop, or the point where it waits for work that it handed on."""

    status: Status = "done"
    answer: Answer | None = None
    reason: str = ""
    """Why, unless it is done."""
    error: BottegaError | None = None
    handed_on: tuple[ToolCall, ...] = ()
    """Calls that somebody else carries out; the loop goes on when their results are there."""
    results: tuple[ToolResult, ...] = ()
    """Results of the same turn that are there already."""
    questions: tuple[Question, ...] = ()
    """What a person must rule on first; the loop goes on with the rulings, doing nothing again."""
