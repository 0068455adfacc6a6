"""Whether everything that a team may spend money on has a price, before it spends any.

What a call costs, and that it can be paid, is `bottega.price` and `bottega.spending`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bottega.budget import Budget
from bottega.model import Usage
from bottega.price import cost_of, require_prices, unpriced

if TYPE_CHECKING:
    from bottega.engine import Team
    from bottega.node import AgentParts


def require_team_prices(limits: Budget, team: Team) -> None:
    """Raise InputError where money is limited and the price of a model or decider not known.

    A node's limit holds for those that it hands work to, a graph's for all its nodes, those of
    graphs within it included.
    """
    limited = team.parts.keys() if limits.money is not None else _limited(team)
    for name, one in team.parts.items():
        if one.team is not None:
            require_team_prices(_ANY if name in limited else one.team.spec.limits, one.team)
        elif name in limited and not getattr(team.kinds[name], "is_person", False):
            _require(one)


_ANY = Budget.only(money=1)
"""Some limit: how much it allows does not matter."""


def _require(one: AgentParts) -> None:
    require_prices(_ANY, [one])
    if cost_of(one.decider, Usage(input_tokens=1, output_tokens=1)) is None:
        raise unpriced(f"the decider of {one.name}")


def _limited(team: Team) -> set[str]:
    """Return the nodes that a node's limit of money holds for."""
    found: set[str] = set()
    ahead = [name for name, one in team.parts.items() if one.limits and one.limits.money]
    while ahead:
        name = ahead.pop()
        if name not in found:
            found.add(name)
            kind = team.kinds[name]
            ahead += [*kind.delegates, *getattr(kind, "hands_off_to", ())]
    return found
