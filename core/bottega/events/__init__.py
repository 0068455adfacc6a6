"""What a run says as it goes: one stream of frozen events.

The terminal, the trace file, a web page and training data are all readers of this stream. Events
round-trip through JSON (`to_json`, `from_json`); a reader skips kinds that it does not know.
"""

from bottega.events.event import Event, Status
from bottega.events.run import Answer, Asked, BudgetReached, Failure, RunEnded, RunStarted
from bottega.events.step import Action, Compacted, Observation, StepStarted, Stuck, Thought
from bottega.events.team import Decision, MessageSent, NodeEnded, NodeStarted, PlanMade, TaskChanged

__all__ = [
    "Event",
    "Status",
    "RunStarted",
    "RunEnded",
    "NodeStarted",
    "NodeEnded",
    "StepStarted",
    "Thought",
    "Action",
    "Observation",
    "MessageSent",
    "Decision",
    "PlanMade",
    "TaskChanged",
    "Asked",
    "Compacted",
    "Stuck",
    "BudgetReached",
    "Failure",
    "Answer",
]
