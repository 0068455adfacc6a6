"""Meters as a tree: leases, what is spent, what comes back."""

import asyncio
import math
from dataclasses import dataclass, field
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bottega import Budget
from bottega.errors import BudgetExceeded
from bottega.meter import RESOURCES, Meter
from bottega.model import Usage


def tokens(count):
    return Usage(input_tokens=count, output_tokens=0)


def test_a_lease_takes_nothing_from_others_before_it_is_spent():
    meter = Meter(Budget(tokens=100))
    child = meter.lease(Budget.only(tokens=60))
    assert (meter.left("tokens"), child.left("tokens")) == (100, 60)
    child.add(tokens(10), 0.0)
    assert (meter.left("tokens"), child.left("tokens")) == (90, 50)
    assert meter.usage.total == 10


def test_a_lease_as_large_as_the_run_leaves_its_siblings_what_it_does_not_spend():
    meter = Meter(Budget(steps=5))
    greedy, other = meter.lease(Budget.only(steps=5)), meter.lease(Budget.only(steps=5))
    greedy.take_step()
    for _ in range(4):
        other.take_step()
    for stopped in (other, greedy, meter.lease()):
        with pytest.raises(BudgetExceeded, match="limit of 5 steps is reached"):
            stopped.take_step()
    assert meter.left("steps") == 0


def test_what_is_promised_to_one_is_not_promised_to_its_sibling():
    meter = Meter(Budget(tokens=100))
    one, two = meter.lease(Budget.only(tokens=80)), meter.lease(Budget.only(tokens=80))
    with one.account("tokens").promised(70):
        assert (two.room("tokens"), two.left("tokens"), one.room("tokens")) == (30, 80, 10)
    assert two.room("tokens") == 80


def test_a_child_without_limits_shares_its_parent_s():
    meter = Meter(Budget(steps=2))
    one, two = meter.lease(), meter.lease()
    one.take_step()
    two.take_step()
    assert one.steps == two.steps == 1
    with pytest.raises(BudgetExceeded):
        one.take_step()
    assert meter.steps == 2


def test_an_own_limit_is_named_when_it_is_the_one_reached():
    child = Meter(Budget(steps=50)).lease(Budget.only(steps=1))
    child.take_step()
    with pytest.raises(BudgetExceeded, match=r"the limit of 1 steps is reached \(1 used\)"):
        child.take_step()


def test_what_is_taken_back_can_be_spent_again():
    meter = Meter(Budget(tokens=100))
    child = meter.lease(Budget.only(tokens=50))
    child.add(tokens(30), 0.0)
    child.rewind()
    assert (child.left("tokens"), meter.left("tokens")) == (50, 100)
    assert meter.usage.total == 0


def test_an_overrun_is_counted_above_all_the_same():
    meter = Meter(Budget(tokens=100))
    child = meter.lease(Budget.only(tokens=50))
    child.add(tokens(70), 0.0)
    assert child.left("tokens") == 0
    assert meter.left("tokens") == 30


def test_a_resumed_meter_counts_on_and_its_open_lease_too():
    meter = Meter(Budget(steps=10))
    meter.take_up({"steps": 4, "lead/steps": 3, "lead/since": 0.5}, seconds=2.0)
    lead = meter.lease_for("lead", Budget.only(steps=5, seconds=60))
    assert (meter.left("steps"), lead.left("steps")) == (6, 2)
    assert meter.seconds >= 2
    assert lead.seconds_left() <= 58.5
    lead.take_step()
    meter.end_lease("lead")
    assert meter.left("steps") == 5
    assert meter.lease_for("lead", Budget.only(steps=5)).left("steps") == 5


def test_waiting_for_a_person_is_no_time():
    meter = Meter(Budget(seconds=100))
    with meter.clock.stopped(), meter.clock.stopped():
        before = meter.seconds
        assert meter.seconds == before
        assert meter.lease(Budget.only(seconds=5)).seconds_left() == 5
    meter.check_time()


def test_the_time_of_a_part_is_bounded_by_the_whole():
    meter = Meter(Budget(seconds=50))
    assert meter.lease(Budget.only(seconds=500)).seconds_left() <= 50
    assert meter.lease(Budget.only(seconds=5)).seconds_left() <= 5
    assert Meter(Budget()).lease().deadline is None


def test_money_is_unknown_as_soon_as_one_price_is():
    meter = Meter(Budget())
    assert meter.money == 0
    meter.add(tokens(5), 0.25)
    assert meter.money == 0.25
    meter.add(tokens(5), None)
    assert meter.money is None
    assert Meter(Budget()).usage == Usage()


# -- any tree, any interleaving

amounts = st.integers(0, 40)
limits = st.none() | st.integers(1, 100)
budgets = st.builds(
    lambda steps, tokens, money: Budget.only(
        steps=steps, tokens=tokens, money=None if money is None else money / 64
    ),
    *[limits] * 3,
)
moves = st.tuples(st.sampled_from(["lease", "hold", "settle"]), st.integers(0, 9), amounts)


@dataclass
class Node:
    """What a meter should say, worked out from what was done alone."""

    meter: Meter
    above: "Node | None" = None
    below: list["Node"] = field(default_factory=list)
    calls: list[tuple] = field(default_factory=list)
    spent: Fraction = Fraction(0)

    def alive(self):
        return [self, *(node for child in self.below for node in child.alive())]

    def path(self):
        return [self, *(self.above.path() if self.above else ())]

    def room(self, name):
        """What no limit from here to the root stands against."""
        left = [
            budget_of(node.meter, name) - node.spent - node.held()
            for node in self.path()
            if budget_of(node.meter, name) is not None
        ]
        return max(0, min(left)) if left else math.inf

    def held(self):
        return sum(held for node in self.alive() for _, held in node.calls)


def budget_of(meter, name):
    """Return the limit in tokens, steps, or sixty-fourths of a dollar."""
    value = getattr(meter.budget, name)
    return value if value is None or name != "money" else value * 64


@settings(max_examples=300, deadline=None)
@given(budgets, st.lists(st.tuples(moves, budgets), max_size=60), st.sampled_from(RESOURCES))
def test_no_limit_is_ever_passed_and_nobody_is_refused_what_all_above_have(whole, script, name):
    unit = 64 if name == "money" else 1
    root = Node(Meter(whole))
    for (move, which, amount), budget in script:
        nodes = root.alive()
        node = nodes[which % len(nodes)]
        account = node.meter.account(name)
        if move == "lease":
            node.below.append(Node(node.meter.lease(budget), node))
        elif move == "hold" and amount / unit <= node.meter.room(name):
            call = account.promised(amount / unit)
            call.__enter__()
            node.calls.append((call, amount))
        elif move == "settle" and node.calls:
            call, held = node.calls.pop(0)
            call.__exit__(None, None, None)
            used = min(held, which * 4)
            account.spend(used / unit)
            for one in node.path():
                one.spent += used
        for one in root.alive():
            limit = budget_of(one.meter, name)
            assert limit is None or one.spent + one.held() <= limit
            assert one.meter.room(name) * unit == one.room(name)
            assert one.meter.account(name).spent * unit == one.spent
    for node in root.alive():
        while node.calls:
            node.calls.pop()[0].__exit__(None, None, None)
    for node in root.alive():
        assert node.meter.room(name) == node.meter.left(name)
        assert node.meter.left(name) * unit == node.room(name)


def test_fractions_of_money_come_back_whole():
    meter = Meter(Budget(money=1))
    account = meter.lease(Budget.only(money=1)).account("money")
    with account.promised(0.1), account.promised(0.2), account.promised(0.3):
        assert meter.room("money") < 0.5
    assert meter.room("money") == meter.left("money") == 1


def test_a_call_that_waits_is_woken_by_the_one_that_ends():
    async def main():
        meter = Meter(Budget(tokens=100))
        waiting = asyncio.ensure_future(meter.lease().settlement())
        await asyncio.sleep(0)
        assert not waiting.done()
        meter.settled()
        await waiting

    asyncio.run(main())
