"""What flows through the graph: one typed state, plain JSON values only.

Everything here is written to checkpoints, so it holds no class of ours: a store from a stranger can
be read without running anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, TypedDict

from bottega.events import Status


def merge(left: Mapping[str, Any] | None, right: Mapping[str, Any] | None) -> dict[str, Any]:
    """Put two mappings together; the right one wins, and its None takes a key away."""
    both = {**(left or {}), **(right or {})}
    return {key: value for key, value in both.items() if value is not None}


RESET = "reset"


def add(left: Mapping[str, float] | None, right: Mapping[str, float] | None) -> dict[str, float]:
    """Add up two mappings of numbers; one that has the key `reset` begins anew."""
    right = dict(right or {})
    total = {} if right.pop(RESET, None) else dict(left or {})
    for name, value in right.items():
        total[name] = total.get(name, 0) + value
    return total


def latest(left: Any, right: Any) -> Any:
    """Take the newer value, also where several nodes write at once."""
    return right


class State(TypedDict, total=False):
    """The state of a team's run."""

    task: str
    """What the run was asked, or a delegated node's own part of it."""
    run: str
    """The run's id; a thread sees several."""
    answer: str
    citations: list[dict[str, Any]]
    abstained: bool
    partial: bool
    status: Status
    """How the last node ended; anything but `done` ends the run."""
    reason: str
    verdict: str
    """The last word of a node whose edges carry words: `accept`, `revise`."""
    transcripts: Annotated[dict[str, Any], merge]
    """Per node: where its conversation is, and whether it waits for work that it handed on."""
    reports: Annotated[dict[str, Any], merge]
    """Per call id: what a delegated node came to, until its coordinator has read it."""
    feedback: Annotated[dict[str, str], merge]
    """Per node: why a critic sent its answer back; empty when that has been dealt with."""
    rounds: Annotated[dict[str, int], merge]
    """Per critic: how often it has sent work back."""
    spent: Annotated[dict[str, float], add]
    """Steps and tokens that nodes have used: what a resumed run starts its meter from."""
    elapsed: Annotated[float, latest]
    """Seconds that the run had taken when a node last ended."""
    author: str
    """The node that gave the answer."""
    panels: Annotated[dict[str, Any], merge]
    """Per panel: whom it has asked, and what they answered in earlier rounds."""
    mail: Annotated[dict[str, Any], merge]
    """Messages between nodes, until the one they are for has read them."""
    board: Annotated[dict[str, Any], merge]
    """What nodes have posted for all to read."""
    handovers: Annotated[dict[str, Any], merge]
    """Per node: a task that another node has handed over to it, until it begins."""
    best: Annotated[dict[str, Any], merge]
    """Per critic: the best version of the answer so far."""
    caller: str
    """Only in the input of a delegated node: who asked, and with which call."""
    call_id: str
