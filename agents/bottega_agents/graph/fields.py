"""The fields of the state that a team can use: LangGraph goes through them in every super-step.

Left out is only what no node of the team writes. A team with a kind that is not listed here, a
stranger's say, has the whole state. What a store holds of a field left out is passed over.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Any, TypedDict, get_type_hints

from bottega.engine import Team
from bottega.spec.model import END
from bottega_agents.graph.plan import Plan
from bottega_agents.graph.state import State
from bottega_agents.roles.coordinator import Coordinator
from bottega_agents.roles.critic import Critic
from bottega_agents.roles.specialist import Specialist

COUNTS, REVIEWS, DELEGATES, HANDS_OVER, POSTS = "counts", "reviews", "delegates", "hands", "posts"
MEETS, OTHERS = "meets", "others"

USED_BY = {
    "tokens": COUNTS,
    "inbox": COUNTS,
    "underway": COUNTS,
    "taken": COUNTS,
    "feedback": REVIEWS,
    "rounds": REVIEWS,
    "best": REVIEWS,
    "score": REVIEWS,
    "verdict": REVIEWS,
    "reports": DELEGATES,
    "handovers": HANDS_OVER,
    "board": POSTS,
    "passed": MEETS,
    "stuck": MEETS,
    "mail": MEETS,
    "plans": OTHERS,
    "panels": OTHERS,
    "maps": OTHERS,
    "inner": OTHERS,
    "caller": OTHERS,
    "call_id": OTHERS,
    "vouched": OTHERS,
    "gate": OTHERS,
}
"""By field: what a team must have for it to be used; the other fields every team uses. The last
four come with the task that a node is sent, not through the state."""


def state_of(team: Team, plan: Plan) -> type[Any]:
    """Return the state with the fields that the team can use."""
    kinds = team.kinds.values()
    if any(type(kind) not in (Specialist, Coordinator, Critic) for kind in kinds):
        return State
    found = {use for kind in kinds for use in _uses(kind)}
    onward = {target for name in plan.names for way in plan.ways[name] for target in way.targets}
    alone = len(plan.names) == 1 and onward <= {END}
    also = {COUNTS: plan.counts, MEETS: not alone}
    return _state(frozenset({*found, *(use for use, is_so in also.items() if is_so)}))


def _uses(kind: Any) -> Iterable[str]:
    if isinstance(kind, Critic):
        yield REVIEWS
        return
    if kind.delegates:
        yield DELEGATES
    if kind.talk.hands_off_to:
        yield HANDS_OVER
    if kind.talk.board:
        yield POSTS


@cache
def _state(uses: frozenset[str]) -> type[Any]:
    hints = get_type_hints(State, include_extras=True)
    fields = {name: hint for name, hint in hints.items() if USED_BY.get(name, "") in {"", *uses}}
    typed: Any = TypedDict  # its fields are known only here
    return typed("State", fields, total=False)  # type: ignore[no-any-return]
