"""What the flow policy leaves open, as a graph file says it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, cast, get_args

from bottega.errors import InputError, suggest

OnViolation = Literal["refuse", "ask"]
Links = Literal["keep", "neutralise"]


@dataclass(frozen=True, kw_only=True, slots=True)
class FlowPolicy:
    """The options of the middleware `flow`."""

    on_violation: OnViolation = "refuse"
    """What becomes of a call that is not allowed: refused, or put before a person."""
    planned_only: bool = False
    """Trusted words alone vouch for no call once something untrusted was read: only a plan does."""
    exempt: frozenset[str] = frozenset()
    """Tools whose calls are always made: their effects harm nobody."""
    links: Links = "neutralise"
    """What becomes of links and images in an answer that may carry something out."""


def read_policy(
    on_violation: str = "refuse",
    planned_only: bool = False,
    exempt: Sequence[str] = (),
    links: str = "neutralise",
) -> FlowPolicy:
    """Read the options of a graph file. Raises InputError for a word that means nothing."""
    words = {"on_violation": (on_violation, OnViolation), "links": (links, Links)}
    for name, (given, known) in words.items():
        if given not in get_args(known):
            raise InputError(
                f"flow: {name} cannot be {given!r}; {suggest(str(given), get_args(known))}"
            )
    if isinstance(exempt, str):
        raise InputError("flow: exempt must be a list", hint=f"write exempt: [{exempt}]")
    return FlowPolicy(
        on_violation=cast("OnViolation", on_violation),
        planned_only=bool(planned_only),
        exempt=frozenset(exempt),
        links=cast("Links", links),
    )
