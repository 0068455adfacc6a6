"""The meters that watch what a run spends.

Meters form a tree: `meter.lease(budget)` lets a child spend a part of what is left; it counts for
all above it, and what the child does not spend others may. What a model call will cost before it is
made is `bottega.spending`'s business.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Mapping
from typing import Literal

from bottega import chance
from bottega.account import Account
from bottega.budget import UNLIMITED, Budget
from bottega.clock import Clock
from bottega.errors import BudgetExceeded
from bottega.model import Usage

Resource = Literal["steps", "tokens", "money"]
RESOURCES: tuple[Resource, ...] = ("steps", "tokens", "money")
"""What is leased; seconds run for all at once."""
_COUNTED = (*RESOURCES, "input_tokens", "output_tokens", "unpriced")


class Meter:
    """How much of a budget is spent: by a run, or by a part of it that has a lease."""

    def __init__(self, budget: Budget, above: Meter | None = None) -> None:
        self.clock: Clock = above.clock if above else Clock()
        """One for the whole run."""
        self.open: dict[str, Meter] = {}
        """Leases of nodes that wait for work that they have handed on, by the node."""
        self._above = above
        self._budget = budget
        self._earlier: dict[str, float] = {}
        self._waiting: list[asyncio.Future[None]] = above._waiting if above else []
        self._accounts = above._leased() if above else {name: Account() for name in _COUNTED}
        self.since = self.clock.seconds if above else 0.0
        """Where the run's clock stood when this part of it began."""
        self.budget = budget

    @property
    def budget(self) -> Budget:
        """The own limits; those above hold as well."""
        return self._budget

    @budget.setter
    def budget(self, budget: Budget) -> None:
        """Set the own limits, before anything is leased."""
        self._budget = budget
        for name in RESOURCES:
            self._accounts[name].limit = getattr(budget, name)
        self._note_limits()

    def _note_limits(self) -> None:
        """Work out once what is limited, here or above: it is asked several times a step."""
        self._limited: tuple[Resource, ...] = tuple(
            name for name in RESOURCES if self._accounts[name].is_limited
        )
        self._timed: bool = self._budget.seconds is not None or (
            self._above is not None and self._above._timed
        )

    # -- the tree

    def lease(
        self, budget: Budget = UNLIMITED, earlier: Mapping[str, float] | None = None
    ) -> Meter:
        """Return a child's meter, which may spend out of what is left here.

        Its limits keep nothing from others: no more than they say is spent, and no more than is
        left above. `earlier` is what it had spent when a process before this one died: the parent
        has counted that already.
        """
        child = Meter(budget, self)
        if earlier:
            for name, account in child._accounts.items():
                account.spent = earlier.get(name, 0.0)
            child.since = earlier.get("since") or child.since
        return child

    def _leased(self) -> dict[str, Account]:
        """Open an account below each of these."""
        return {name: Account(above=account) for name, account in self._accounts.items()}

    def lease_for(self, name: str, budget: Budget) -> Meter:
        """Return the lease of a node's task, which stays open while the node waits for others."""
        if name not in self.open:
            mark = f"{name}/"
            taken = [key for key in self._earlier if key.startswith(mark)]
            earlier = {key.removeprefix(mark): self._earlier.pop(key) for key in taken}
            self.open[name] = self.lease(budget, earlier)
        return self.open[name]

    def end_lease(self, name: str) -> None:
        """End the lease of a node's task: its next one begins at nothing."""
        self.open.pop(name, None)

    # -- what is spent

    @property
    def steps(self) -> int:
        """Steps taken."""
        return int(self._accounts["steps"].spent)

    @property
    def usage(self) -> Usage:
        """Tokens, as the models have reported them."""
        read, written = (self._accounts[name].spent for name in ("input_tokens", "output_tokens"))
        return Usage(
            input_tokens=int(read) if read else None,
            output_tokens=int(written) if written else None,
        )

    @property
    def money(self) -> float | None:
        """US dollars spent; None where the price of anything is not known."""
        unpriced = self._accounts["unpriced"].spent
        return None if unpriced else round(self._accounts["money"].spent, 12)

    @property
    def spent(self) -> dict[str, float]:
        """All that was counted, by name; what is zero is left out."""
        return {name: one.spent for name, one in self._accounts.items() if one.spent}

    def take_up(self, spent: Mapping[str, float], seconds: float) -> None:
        """Count on from what was spent before a resume: `spent` as that property gave it.

        Names that begin with a node's are what its open lease had spent.
        """
        self.clock.earlier = seconds
        self._earlier = {name: value for name, value in spent.items() if "/" in name}
        for name, account in self._accounts.items():
            account.spent = spent.get(name, 0.0)

    def count(self, spent: Mapping[str, float]) -> None:
        """Count what a part of the work had spent that is not done again: see `take_up`."""
        self._earlier |= {name: value for name, value in spent.items() if "/" in name}
        for name, account in self._accounts.items():
            if spent.get(name):
                account.spend(spent[name])

    def rewind(self) -> None:
        """Take back all that was counted here: the same is about to be counted again."""
        for account in self._accounts.values():
            account.spend(-account.spent)

    def take_step(self) -> None:
        """Count one step. Raises BudgetExceeded instead when none is left."""
        self.check()
        self._accounts["steps"].spend(1)

    def add(self, usage: Usage, cost: float | None = None, tokens: int | None = None) -> None:
        """Count a reply; `tokens` is what it counts for in the limit, if not what it reports."""
        counts = {
            "tokens": usage.total if tokens is None else tokens,
            "input_tokens": usage.input_tokens or 0,
            "output_tokens": usage.output_tokens or 0,
            "money": cost or 0.0,
            "unpriced": 1 if cost is None else 0,
        }
        for name, amount in counts.items():
            if amount:
                self._accounts[name].spend(amount)

    @property
    def repeats(self) -> int | None:
        """How often the same may be done: the nearest limit, here or above."""
        own = self._budget.repeats
        return self._above.repeats if own is None and self._above is not None else own

    # -- what is left

    def account(self, resource: Resource) -> Account:
        """Return the account of one resource."""
        return self._accounts[resource]

    def limits(self, resource: Resource) -> bool:
        """Say whether there is any limit on it, here or above."""
        return resource in self._limited

    def left(self, resource: Resource) -> float:
        """Return what is left when no call under way should cost anything; may be infinite."""
        return self._accounts[resource].left

    def room(self, resource: Resource) -> float:
        """Return what can be promised to a call now; may be infinite."""
        return self._accounts[resource].room

    def settled(self) -> None:
        """Wake those who wait for a call under way to end."""
        for waiting in self._waiting:
            if not waiting.done():
                waiting.set_result(None)
        self._waiting.clear()

    async def settlement(self) -> None:
        """Wait until some call has ended and given back what it did not spend."""
        waiting = asyncio.get_running_loop().create_future()
        self._waiting.append(waiting)
        await waiting

    def tokens_left(self) -> int | None:
        """Return the tokens that are left, never below zero; None without a limit."""
        left = self.left("tokens")
        return None if math.isinf(left) else int(left)

    def check(self) -> None:
        """Raise BudgetExceeded when there is nothing left for one more step."""
        self.check_time()
        for name in self._limited:
            if self._accounts[name].left <= 0:
                raise self.exceeded(name)

    def exceeded(self, resource: Resource, why: str = "") -> BudgetExceeded:
        """Make the error that says which limit is reached, here or above."""
        account = self._accounts[resource].scarcest
        return BudgetExceeded(resource, account.limit or 0.0, account.spent, why=why)

    # -- time

    @property
    def seconds(self) -> float:
        """Seconds of work since the run began."""
        return self.clock.seconds

    @property
    def deadline(self) -> float | None:
        """`time.monotonic()` at which the time is up."""
        return time.monotonic() + max(0.0, self._seconds_left()) if self._timed else None

    def seconds_left(self) -> float | None:
        """Return the seconds until the time is up, never below zero; None without a limit."""
        return max(0.0, self._seconds_left()) if self._timed else None

    def _seconds_left(self) -> float:
        own = self._budget.seconds
        mine = math.inf if own is None else own - (self.clock.seconds - self.since)
        return mine if self._above is None else min(mine, self._above._seconds_left())

    def check_time(self) -> None:
        """Raise BudgetExceeded when the time is up."""
        if not self._timed and chance.DRAWS.get() is None:  # a cassette has a draw for each check
            return
        most, taken = self._budget.seconds, self.clock.seconds - self.since
        if most is not None and taken >= most:
            raise BudgetExceeded("seconds", most, round(taken, 3))
        if self._above is not None:
            self._above.check_time()
