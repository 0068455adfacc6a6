"""One resource of a budget: how much of it may be spent, is spent, is promised.

Accounts of one resource form a tree. A limit is a lease: it is taken out of the nearest limit
above, which cannot give the same amount to another. What is spent counts for all above.
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
    """What was granted; None spends out of the account above."""
    asked: float | None = None
    """What was asked for: more than the limit where those above had no more."""
    spent: float = 0.0
    held: float = field(default=0.0, init=False)
    """Promised to calls under way: it comes back when they end."""
    leased: float = field(default=0.0, init=False)
    """Given to accounts below, as far as they have not spent it."""

    def lease(self, asked: float | None, spent: float = 0.0) -> Account:
        """Open an account below this one; `spent` is what it had spent before a restart.

        It gets what is there where that is less than what is asked.
        """
        child = Account(above=self, asked=asked, spent=spent)
        source = self.binding
        if asked is not None:
            wanted = max(0.0, asked - spent)
            granted = wanted if source is None else min(wanted, source.room)
            child.limit = spent + granted
            if source is not None:
                source.leased += granted
        return child

    def close(self) -> None:
        """Give back what is not spent."""
        source = None if self.above is None else self.above.binding
        if source is not None and self.limit is not None:
            source.leased -= self._unspent()
        self.limit = None

    @property
    def binding(self) -> Account | None:
        """The nearest account from here upwards that has a limit."""
        account: Account | None = self
        while account is not None and account.limit is None:
            account = account.above
        return account

    @property
    def room(self) -> float:
        """What can be promised now; infinite without a limit."""
        binding = self.binding
        return math.inf if binding is None else max(0.0, binding.left - binding.held)

    @property
    def left(self) -> float:
        """What can be promised once the calls under way have ended, if they should cost nothing."""
        binding = self.binding
        if binding is None:
            return math.inf
        assert binding.limit is not None
        return max(0.0, binding.limit - binding.spent - binding.leased)

    @contextmanager
    def promised(self, amount: float) -> Generator[None, None, None]:
        """Keep an amount for a call, as long as that is under way."""
        binding = self.binding
        if binding is None:
            yield
            return
        binding.held += amount
        try:
            yield
        finally:
            binding.held -= amount

    def spend(self, amount: float) -> None:
        """Count what was spent, here and above; a negative amount takes it back."""
        for account in self._upwards():
            before = account._unspent()
            account.spent += amount
            if account.limit is not None and account.above is not None:
                source = account.above.binding
                if source is not None:
                    source.leased -= before - account._unspent()

    def used_up(self) -> Account | None:
        """Return the account whose limit is why nothing is left here."""
        binding = self.binding
        while binding is not None and binding.above is not None and _was_cut(binding):
            source = binding.above.binding
            if source is None:
                break
            binding = source
        return binding

    def _unspent(self) -> float:
        return 0.0 if self.limit is None else max(0.0, self.limit - self.spent)

    def _upwards(self) -> Iterator[Account]:
        account: Account | None = self
        while account is not None:
            yield account
            account = account.above


def _was_cut(account: Account) -> bool:
    return account.limit is not None and account.asked is not None and account.limit < account.asked
