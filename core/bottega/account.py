"""One resource of a budget: how much of it may be spent, is spent, is promised.

Accounts of one resource form a tree. A limit is a lease, paid out call by call: what a call may
take is promised to it on its whole way up to the root, and what it does not take comes back when it
ends. A lease takes nothing from others before it is used, so siblings share what is left, and none
of them passes a limit, its own or one above.
"""

from __future__ import annotations

import math
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass(slots=True, eq=False)
class Account:
    """One resource of one meter."""

    above: Account | None = None
    limit: float | None = None
    """The most that may be spent here and below; None for what those above allow."""
    spent: float = 0.0
    held: float = field(default=0.0, init=False)
    """Promised to calls under way, here and below: it comes back when they end."""
    _calls: int = field(default=0, init=False)
    """How many of them there are."""

    @property
    def is_limited(self) -> bool:
        """Whether there is any limit, here or above."""
        account: Account | None = self
        while account is not None and account.limit is None:
            account = account.above
        return account is not None

    @property
    def room(self) -> float:
        """What can be promised now; infinite without a limit."""
        return max(0.0, min(account._left - account.held for account in self._upwards()))

    @property
    def left(self) -> float:
        """What can be promised once the calls under way have ended, if they should cost nothing."""
        least = math.inf
        account: Account | None = self
        while account is not None:  # at every step, for every resource that is limited
            if account.limit is not None and account.limit - account.spent < least:
                least = account.limit - account.spent
            account = account.above
        return max(0.0, least)

    @property
    def scarcest(self) -> Account:
        """The account on the way up whose limit leaves the least; the nearest of several."""
        return min(self._upwards(), key=lambda account: account._left)

    @contextmanager
    def promised(self, amount: float) -> Generator[None, None, None]:
        """Keep an amount for a call, here and above, as long as that is under way."""
        for account in self._upwards():
            account._calls += 1
            account.held += amount
        try:
            yield
        finally:
            for account in self._upwards():
                account._calls -= 1
                # fractions do not add up to nothing: what is left of them would be kept for nobody
                account.held = account.held - amount if account._calls else 0.0

    def spend(self, amount: float) -> None:
        """Count what was spent, here and above; a negative amount takes it back."""
        account: Account | None = self
        while account is not None:  # at every step, for every resource
            account.spent += amount
            account = account.above

    @property
    def _left(self) -> float:
        return math.inf if self.limit is None else self.limit - self.spent

    def _upwards(self) -> Iterator[Account]:
        account: Account | None = self
        while account is not None:
            yield account
            account = account.above
