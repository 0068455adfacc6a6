"""What a run comes to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bottega import errors
from bottega.errors import BottegaError, BudgetExceeded
from bottega.events import Answer, BudgetReached, Event, Failure, RunEnded, Status
from bottega.messages import Citation, Json, citation_to_json
from bottega.model import Usage
from bottega.questions import Question


@dataclass(frozen=True, kw_only=True)
class Result:
    """The answer of a run and how it came about."""

    answer: str
    """Empty when there is none; never an error's text."""
    status: Status
    reason: str = ""
    """Why the run ended, unless it is done."""
    citations: tuple[Citation, ...] = ()
    abstained: bool = False
    """The agents say that they cannot tell; `answer` says what is missing."""
    partial: bool = False
    """The best answer so far, when a limit ended the run."""
    usage: Usage = Usage()
    cost: float | None = None
    """In US dollars; None where prices or token counts are not known."""
    seconds: float = 0.0
    steps: int = 0
    run_id: str = ""
    questions: tuple[Question, ...] = ()
    """What a waiting run waits for: `Graph.resume(run_id, {question.id: Ruling(...)})`."""
    events: tuple[Event, ...] = ()
    error: BottegaError | None = None
    """What ended a failed run."""

    @staticmethod
    def from_events(events: Sequence[Event]) -> Result:
        """Put a run's events together. Raises TypeError when the last one is no `RunEnded`."""
        ended = events[-1] if events else None
        if not isinstance(ended, RunEnded):
            last = ended.kind if ended else "missing"
            raise TypeError(f"the run's last event is {last}, not run_ended")
        answer = _final_answer(events) or Answer()
        return Result(
            answer=answer.text,
            status=ended.status,
            reason=ended.reason,
            citations=answer.citations,
            abstained=answer.abstained,
            partial=answer.partial,
            usage=Usage(input_tokens=ended.input_tokens, output_tokens=ended.output_tokens),
            cost=ended.cost,
            seconds=ended.seconds,
            steps=ended.steps,
            run_id=ended.run_id,
            questions=tuple(map(Question.from_json, ended.questions.values())),
            events=tuple(events),
            error=_error(events, ended),
        )

    def raise_for_status(self) -> Result:
        """Return the result when the run is done. Raises its BottegaError otherwise."""
        if self.status == "done":
            return self
        raise self.error or BottegaError(f"the run ended as {self.status}: {self.reason}")

    def to_json(self) -> dict[str, Json]:
        """Return the result as a JSON object, without its events."""
        return {
            "answer": self.answer,
            "status": self.status,
            "reason": self.reason,
            "abstained": self.abstained,
            "partial": self.partial,
            "citations": [citation_to_json(citation) for citation in self.citations],
            "usage": {
                "input_tokens": self.usage.input_tokens,
                "output_tokens": self.usage.output_tokens,
            },
            "cost": self.cost,
            "seconds": self.seconds,
            "steps": self.steps,
            "run_id": self.run_id,
            "questions": [question.to_json() for question in self.questions],
        }


def _final_answer(events: Sequence[Event]) -> Answer | None:
    answers = (event for event in reversed(events) if isinstance(event, Answer) and event.final)
    return next(answers, None)


def _error(events: Sequence[Event], ended: RunEnded) -> BottegaError | None:
    """Return what ended the run: nothing for one that is done, whatever failed on the way."""
    for event in reversed(events):
        if ended.status == "budget" and isinstance(event, BudgetReached):
            return BudgetExceeded(event.limit, event.allowed, event.spent)
        if ended.status == "failed" and isinstance(event, Failure) and event.fatal:
            return _made_again(event)
    if ended.status == "budget":
        return _made_again(Failure(error="BudgetExceeded", message=ended.reason))
    return None


def _made_again(event: Failure) -> BottegaError:
    """Make the error again that the event tells of, of its own class where that is one of ours."""
    kind = getattr(errors, event.error, BottegaError)
    if not (isinstance(kind, type) and issubclass(kind, BottegaError)):
        kind = BottegaError
    error = kind.__new__(kind)
    BottegaError.__init__(error, event.message, hint=event.hint, retryable=event.retryable)
    return error
