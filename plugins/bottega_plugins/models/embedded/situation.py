"""Where a conversation stands: the task, the calls made for it, their results, and feedback."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from bottega.messages import Message, ToolCall, ToolResult

_REVIEW = re.compile(
    r"\b(?:your|the) (?:last |previous )?(?:answer|reply|report|response)\b[^?]{0,200}"
    r"\b(?:review|reviewer|sent back|support|incomplete|wrong|missing|cut off|empty|again|revise)",
    re.IGNORECASE,
)
_GREETING = re.compile(
    r"\W*(?:hello|hi|hey|good (?:morning|day|evening|afternoon)|thanks?(?: you)?|test(?:ing)?|ping)"
    r"(?: there| all| everyone| again)?\W*",
    re.IGNORECASE,
)
_LONGEST_REVIEW = 400


@dataclass(frozen=True)
class Observed:
    """A result, and the call that it came of where that is known."""

    call: ToolCall | None
    result: ToolResult


@dataclass(frozen=True)
class Situation:
    """A conversation, read."""

    task: str
    feedback: str
    """What a critic said of the last answer; empty where nobody did."""
    observed: tuple[Observed, ...]
    """Results since the task was set, in order."""
    fresh: int
    """How many of them came after the feedback."""
    turns: int
    """Turns since the task was set in which calls were made."""

    @property
    def is_greeting(self) -> bool:
        """Say whether there is nothing to do."""
        return not self.task.strip() or _GREETING.fullmatch(self.task[:100].strip()) is not None


def read_situation(messages: Sequence[Message]) -> Situation:
    """Find the task: the last thing a user said that is no feedback on an answer.

    What others of a team say has their name, and is no task.
    """
    said = [i for i, m in enumerate(messages) if m.role == "user" and m.text.strip() and not m.name]
    reviews = 0
    while len(said) - reviews > 1 and _is_review(messages, said[-1 - reviews]):
        reviews += 1
    start = said[-1 - reviews] if said else 0
    last = said[-1] if reviews else start
    since = messages[start:]
    observed = _observed(since)
    return Situation(
        task=messages[start].text if said else "",
        feedback=messages[last].text if reviews else "",
        observed=tuple(observed),
        fresh=sum(len(message.results) for message in messages[last:]) if reviews else 0,
        turns=sum(bool(message.calls) for message in since),
    )


def _is_review(messages: Sequence[Message], place: int) -> bool:
    before = [m for m in messages[:place] if m.role in ("assistant", "user") and not m.name]
    answered = bool(before) and before[-1].role == "assistant"
    return answered and _REVIEW.search(messages[place].text[:_LONGEST_REVIEW]) is not None


def _observed(messages: Sequence[Message]) -> list[Observed]:
    calls = {call.id: call for message in messages for call in message.calls}
    return [
        Observed(calls.get(result.call_id), result)
        for message in messages
        for result in message.results
    ]
