"""What this room offers: the kinds `human`, `map` and `graph`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Literal

from bottega.errors import InputError
from bottega.offer import Offer
from bottega.plugin.context import FactoryContext

MOST_OPTIONS = 20
MOST_ITEMS = 10_000
MOST_AT_ONCE = 1_000
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_TAKEN = ("if", "else")


def offers() -> list[Offer]:
    """Return the kinds."""
    return [
        Offer(
            name="human",
            summary="Asks a person: to choose a way, to approve an answer, or to give one.",
            factory=_human,
        ),
        Offer(
            name="map",
            summary="Has a node do its work for each item of a list, several at once.",
            factory=_map,
        ),
        Offer(
            name="graph",
            summary="Another graph file, used as one agent.",
            factory=_graph,
        ),
    ]


def _human(
    context: FactoryContext, *, question: str = "", options: Sequence[str] | None = None
) -> Any:
    from bottega_agents.flow.human import Human

    words = tuple(options or ())
    bad = [word for word in words if not _WORD.fullmatch(word) or word in _TAKEN]
    if bad:
        raise InputError(
            f"options: {bad[0]!r} cannot stand on an edge", hint="an option is one word"
        )
    if options is not None and not 2 <= len({word.casefold() for word in words}) == len(words):
        raise InputError(
            "options: name at least two different words", hint="leave it out for free text"
        )
    if len(words) > MOST_OPTIONS:
        raise InputError(f"options: at most {MOST_OPTIONS} words, not {len(words)}")
    return Human(question=question, options=words)


def _map(
    context: FactoryContext,
    *,
    node: str,
    task: str = "{item}",
    most: int = 100,
    at_once: int = 8,
    gather: Literal["list", "json"] = "list",
) -> Any:
    from bottega_agents.flow.map import Map

    for name, value, largest in (("most", most, MOST_ITEMS), ("at_once", at_once, MOST_AT_ONCE)):
        if not 1 <= value <= largest:
            raise InputError(f"{name} must be from 1 to {largest:,}, not {value}")
    if "{item}" not in task and "{number}" not in task:
        hint = "write where the item stands: `task: Translate this: {item}`"
        raise InputError("task says the same for every item", hint=hint)
    return Map(node=node, task=task, most=most, at_once=at_once, gather=gather)


def _graph(context: FactoryContext, *, file: str) -> Any:
    from bottega.spec.nesting import inner_graph
    from bottega_agents.flow.graph import InnerGraph

    return InnerGraph(graph=inner_graph(file, context))
