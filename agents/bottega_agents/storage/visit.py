"""The name of a node's visit: where in its run it stands, the same when the run is told again.

    3:librarian#1          the second task that was sent to `librarian` for super-step 3
    2:team/1:team/writer   the node `writer` in the graph `team`, which counts its own super-steps

LangGraph's own ids of tasks come from random checkpoint ids: they are good within one run only.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_SENT = "__pregel_push"


def visit_name(config: Mapping[str, Any]) -> str:
    """Return the name of the visit that a node's configuration belongs to; empty outside a graph.

    The super-steps of a thread are counted over all its runs.
    """
    metadata: Mapping[str, Any] = config.get("metadata") or {}
    namespace, path = metadata.get("langgraph_checkpoint_ns"), metadata.get("langgraph_path", ())
    if not namespace:
        return ""
    names = namespace.partition(":")[0]
    if "|" in namespace:  # graphs around it
        names = "/".join(part.partition(":")[0] for part in namespace.split("|"))
    name = f"{metadata['langgraph_step']}:{names}"
    return f"{name}#{path[1]}" if path and path[0] == _SENT else name


def visit_node(name: str) -> str:
    """Return the node of a visit's name, with those of the graphs around it: `team/writer`."""
    return name.rpartition(":")[2].partition("#")[0]


def visit_step(name: str) -> int:
    """Return the super-step of the run's own graph in a visit's name; 0 where it has none."""
    step = name.partition(":")[0]
    return int(step) if step.isdecimal() else 0


def earlier_by(name: str, steps: int) -> str:
    """Return the name of the same visit in a thread that began so many super-steps later."""
    step, colon, rest = name.partition(":")
    return f"{int(step) - steps}{colon}{rest}" if step.isdecimal() else name
