"""Meters as a tree: leases, what is spent, what comes back."""

import asyncio
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


def test_a_lease_is_taken_out_of_what_is_left():
    meter = Meter(Budget(tokens=100))
    with meter.lease(Budget.only(tokens=60)) as child:
        assert (meter.left("tokens"), child.left("tokens")) == (40, 60)
        child.add(tokens(10), 0.0)
        assert (meter.left("tokens"), child.left("tokens")) == (40, 50)
    assert meter.left("tokens") == 90
    assert meter.usage.total == 10


def test_a_lease_gets_no_more_than_there_is():
    meter = Meter(Budget(steps=5))
    with meter.lease(Budget.only(steps=4)), meter.lease(Budget.only(steps=4)) as second:
        second.take_step()
        with pytest.raises(BudgetExceeded, match="limit of 5 steps is reached"):
            second.take_step()
        with meter.lease() as third, pytest.raises(BudgetExceeded):
            third.take_step()
    assert meter.left("steps") == 4


def test_a_child_without_limits_shares_its_parent_s():
    meter = Meter(Budget(steps=2))
    with meter.lease() as one, meter.lease() as two:
        one.take_step()
        two.take_step()
        assert one.steps == two.steps == 1
        with pytest.raises(BudgetExceeded):
            one.take_step()
    assert meter.steps == 2


def test_an_own_limit_is_named_when_it_is_the_one_reached():
    with Meter(Budget(steps=50)).lease(Budget.only(steps=1)) as child:
        child.take_step()
        with pytest.raises(BudgetExceeded, match=r"the limit of 1 steps is reached \(1 used\)"):
            child.take_step()


def test_what_is_taken_back_can_be_spent_again():
    meter = Meter(Budget(tokens=100))
    with meter.lease(Budget.only(tokens=50)) as child:
        child.add(tokens(30), 0.0)
        child.rewind()
        assert (child.left("tokens"), meter.left("tokens")) == (50, 50)
        assert meter.usage.total == 0


def test_an_overrun_is_counted_above_all_the_same():
    meter = Meter(Budget(tokens=100))
    with meter.lease(Budget.only(tokens=50)) as child:
        child.add(tokens(70), 0.0)
        assert child.left("tokens") == 0
    assert meter.left("tokens") == 30


def test_a_resumed_meter_counts_on_and_its_open_lease_too():
    meter = Meter(Budget(steps=10))
    meter.take_up({"steps": 4, "lead/steps": 3}, seconds=2.0)
    lead = meter.lease_for("lead", Budget.only(steps=5))
    assert (meter.left("steps"), lead.left("steps")) == (4, 2)
    assert meter.seconds >= 2
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
moves = st.tuples(st.sampled_from(["lease", "close", "hold", "settle"]), st.integers(0, 9), amounts)


@dataclass
class Node:
    meter: Meter
    above: "Node | None" = None
    below: list["Node"] = field(default_factory=list)
    calls: list[tuple] = field(default_factory=list)
    spent: Fraction = Fraction(0)

    def alive(self):
        return [self, *(node for child in self.below for node in child.alive())]


def budget_of(meter, name):
    """Return the limit in tokens, steps, or sixty-fourths of a dollar."""
    value = getattr(meter.budget, name)
    return value if value is None or name != "money" else value * 64


@settings(max_examples=300, deadline=None)
@given(budgets, st.lists(st.tuples(moves, budgets), max_size=60), st.sampled_from(RESOURCES))
def test_no_limit_is_ever_passed_and_all_that_is_not_spent_returns(whole, script, name):
    unit = 64 if name == "money" else 1
    root = Node(Meter(whole))
    total = Fraction(0)
    for (move, which, amount), budget in script:
        nodes = root.alive()
        node = nodes[which % len(nodes)]
        if move == "lease":
            node.below.append(Node(node.meter.lease(budget), node))
        elif move == "close" and node.above and not node.below and not node.calls:
            node.meter.close()
            node.above.below.remove(node)
        elif move == "hold" and amount / unit <= node.meter.room(name):
            call = node.meter.account(name).promised(amount / unit)
            call.__enter__()
            node.calls.append((call, amount))
        elif move == "settle" and node.calls:
            call, held = node.calls.pop()
            call.__exit__(None, None, None)
            used = min(held, which * 4)
            node.meter.account(name).spend(used / unit)
            total += used
            above = node
            while above:
                above.spent += used
                above = above.above
        for one in root.alive():
            limit = budget_of(one.meter, name)
            promised = sum(held for each in one.alive() for _, held in each.calls)
            assert limit is None or one.spent + promised <= limit
            assert one.meter.account(name).spent * unit == one.spent
    for node in reversed(root.alive()):
        for call, _ in node.calls:
            call.__exit__(None, None, None)
        if node is not root:
            node.meter.close()
    limit = budget_of(root.meter, name)
    assert root.meter.account(name).spent * unit == total
    if limit is not None:
        assert root.meter.room(name) * unit == limit - total


def test_a_call_that_waits_is_woken_by_the_one_that_ends():
    async def main():
        meter = Meter(Budget(tokens=100))
        waiting = asyncio.ensure_future(meter.lease().settlement())
        await asyncio.sleep(0)
        assert not waiting.done()
        meter.settled()
        await waiting

    asyncio.run(main())
