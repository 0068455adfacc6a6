"""The name of a node's visit, unique in its run also within graphs that are used several times."""

from __future__ import annotations

from bottega.place import place


def place_here() -> str:
    """Return the name of the visit at work, the same after a restart and in a run that is forked.

    `3:ask`; within another graph `2:team/1:team/ask`: super-steps of an inner graph are counted
    from its own beginning, so that the visit of the node around it stands before.
    """
    return place().partition("/")[2]
