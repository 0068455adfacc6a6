"""Who works for whom: delegates and the other nodes that a node's options name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING

from bottega.errors import suggest
from bottega.messages import Json
from bottega.spec.findings import Findings, clip
from bottega.spec.model import GraphSpec, Mark, NodeSpec
from bottega.spec.walk import cycles

if TYPE_CHECKING:
    from bottega.node import NodeKind


@dataclass(frozen=True, kw_only=True, slots=True)
class Wiring:
    """How one node is wired, as far as it is known."""

    node: NodeSpec
    known: bool = False
    """False when its kind could not be made: nothing then follows from what is missing here."""
    delegates: tuple[str, ...] = ()
    """Nodes of the graph only; misspelt names are those that were probably meant."""
    heirs: tuple[str, ...] = ()
    """Nodes that its task may be handed over to."""
    outcomes: tuple[str, ...] = ()
    bound: int | None = None


def place_of(node: NodeSpec, name: str) -> Mark:
    """Return where the node's options name another node."""
    for key, value in node.options.items():
        if value == name:
            return node.marks.get(f"{key}=", Mark())
        if isinstance(value, list) and name in value:
            return node.marks.get(f"{key}.{_listed(value).index(name)}", Mark())
    return node.marks.get("", Mark())


def wire(
    spec: GraphSpec, kinds: Mapping[str, NodeKind | None], findings: Findings
) -> dict[str, Wiring]:
    """Return the wiring of every node; names of nodes that do not exist are findings."""
    names = [node.name for node in spec.nodes]
    wirings: dict[str, Wiring] = {}
    for node in spec.nodes:
        kind = kinds.get(node.name)
        if kind is None:
            wirings[node.name] = Wiring(node=node, delegates=_mentioned(node, names))
            continue
        delegates = _known(node, kind.delegates, names, findings)
        _known(node, kind.refers, names, findings)
        wirings[node.name] = Wiring(
            node=node,
            known=True,
            delegates=delegates,
            heirs=tuple(name for name in getattr(kind, "hands_off_to", ()) if name in names),
            outcomes=tuple(kind.outcomes),
            bound=kind.bound,
        )
    return wirings


def nearest(name: str, names: Sequence[str]) -> str:
    """Return the name that was probably meant; empty when none is close."""
    close = get_close_matches(name.lower(), names, n=1, cutoff=0.6)
    return close[0] if close else ""


def _known(
    node: NodeSpec, named: Sequence[str], names: Sequence[str], findings: Findings
) -> tuple[str, ...]:
    found: list[str] = []
    for name in named:
        if name == node.name:
            findings.add(place_of(node, name), f"node {name!r} names itself", "name another node")
            continue
        if name not in names and findings.full:
            continue
        if name not in names:
            others = [one for one in names if one != node.name]
            message = f"unknown node {clip(name)}"
            findings.add(place_of(node, name), message, suggest(name, others))
        meant = name if name in names else nearest(name, names)
        if meant in found:
            message = f"node {node.name!r} names {meant!r} twice"
            findings.add(place_of(node, name), message, "once is enough")
        elif meant:
            found.append(meant)
    return tuple(found)


def _mentioned(node: NodeSpec, names: Sequence[str]) -> tuple[str, ...]:
    """Return the nodes that the options of a node of unknown kind name in any way."""
    found: list[Json] = []
    for value in node.options.values():
        found.extend(_listed(value) if isinstance(value, list) else [value])
    return tuple(name for name in names if name in found and name != node.name)


def _listed(value: Json) -> list[Json]:
    return list(value)


def check_delegation(wirings: Mapping[str, Wiring], findings: Findings) -> None:
    """Add a finding for every circle of delegation: its work would never come back."""
    onward = {name: one.delegates for name, one in wirings.items() if one.known}
    for circle in cycles(onward):
        last = wirings[circle[-2]].node
        findings.add(
            place_of(last, circle[-1]),
            f"delegation runs in a circle: {' -> '.join(circle)}",
            "let one of them do the work itself",
        )
    for one in wirings.values():
        for name in one.delegates if one.known else ():
            delegate = wirings.get(name)
            if (
                delegate is not None
                and delegate.known
                and (delegate.delegates or delegate.outcomes)
            ):
                findings.add(
                    place_of(one.node, name),
                    f"{name!r} cannot be a delegate: it hands on work, or its edges carry words",
                    "put it in a graph file of its own and delegate to that: `kind: graph`",
                )
        for tool in one.node.tools:
            if tool.name in one.delegates:
                findings.add(
                    tool.mark,
                    f"tool and delegate are both called {tool.name!r}",
                    "rename the node",
                )
