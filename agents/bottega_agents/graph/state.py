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


def deliver(
    left: Mapping[str, Mapping[str, Any]] | None, right: Mapping[str, Mapping[str, Any]] | None
) -> dict[str, dict[str, Any]]:
    """Put parcels before their nodes; None in place of one takes it away, `reset` all there are."""
    boxes = (
        {} if RESET in (right or {}) else {name: dict(box) for name, box in (left or {}).items()}
    )
    for name, parcels in (right or {}).items():
        box = merge(boxes.get(name), parcels)
        boxes.pop(name, None)
        if box:
            boxes[name] = box
    return boxes


def latest(left: Any, right: Any) -> Any:
    """Take the newer value, also where several nodes write at once."""
    return right


def longest(left: float | None, right: float | None) -> float:
    """Take the larger number, for nodes that end beside each other; zero begins anew."""
    return max(left or 0.0, right) if right else 0.0


class State(TypedDict, total=False):
    """The state of a team's run."""

    task: str
    """What the run was asked, or a delegated node's own part of it."""
    run: str
    """The run's id; a thread sees several."""
    answer: Annotated[str, latest]
    citations: Annotated[list[dict[str, Any]], latest]
    abstained: Annotated[bool, latest]
    partial: Annotated[bool, latest]
    status: Annotated[Status, latest]
    """How the last node ended; anything but `done` ends its branch, unless an edge asks for it."""
    reason: Annotated[str, latest]
    score: Annotated[float | None, latest]
    """How good the answer was found to be, from 0 to 1; None where nothing has scored it."""
    verdict: Annotated[str, latest]
    """The last word of a node whose edges carry words: `accept`, `revise`."""
    transcripts: Annotated[dict[str, Any], merge]
    """Per node: where its conversation is, and whether it waits for work that it handed on."""
    reports: Annotated[dict[str, Any], merge]
    """Per call id: what a delegated node came to, until its coordinator has read it."""
    plans: Annotated[dict[str, Any], merge]
    """Per planner: the plan that it has under way, or had last."""
    feedback: Annotated[dict[str, str], merge]
    """Per node: why a critic sent its answer back; empty when that has been dealt with."""
    rounds: Annotated[dict[str, int], merge]
    """Per critic: how often it has sent work back."""
    spent: Annotated[dict[str, float], add]
    """Steps and tokens that nodes have used: what a resumed run starts its meter from."""
    elapsed: Annotated[float, longest]
    """Seconds that the run had taken when a node last ended."""
    author: Annotated[str, latest]
    """The node that gave the answer."""
    tokens: Annotated[dict[str, float], add]
    """Per node: how many branches of the work stand on it; see `bottega_agents.graph.plan`."""
    inbox: Annotated[dict[str, Any], deliver]
    """Per node: what the nodes before it have left for it, until it is through."""
    underway: Annotated[dict[str, Any], merge]
    """Joins that have begun and wait for work that they have handed on."""
    taken: Annotated[dict[str, float], add]
    """How often the run has taken each bounded edge."""
    passed: Annotated[dict[str, float], add]
    """How often the same work has gone from one node to another."""
    stuck: Annotated[str, latest]
    """What nobody has been told yet who could go about it in another way."""
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
    maps: Annotated[dict[str, Any], merge]
    """Per map: the list that it goes over, until it has all the answers."""
    inner: Annotated[dict[str, Any], merge]
    """Per node that stands for a graph: what that graph's nodes remember for its next visit."""
    caller: str
    """Only in the input of a delegated node: who asked, and with which call."""
    call_id: str
    vouched: bool
    """Likewise: the task was written by somebody who had read nothing untrusted by then."""
    gate: list[Any]
    """Likewise: how many such tasks may be at work at once, as `[name, most]`; none for all."""
