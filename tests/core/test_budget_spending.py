"""What a model call may cost is settled before it is made."""

import asyncio

import pytest

from bottega import Agent, Budget, tool
from bottega.decider import Judgement
from bottega.errors import BudgetExceeded, InputError
from bottega.events import BudgetReached, RunEnded
from bottega.messages import user
from bottega.meter import Meter
from bottega.model import Request, Usage
from bottega.price import FREE, Price, read_price
from bottega.spending import SHORT_REPLY, TOLD, USUAL_REPLY, Spending
from bottega.testing import Say, ScriptedModel, call

PRICE = Price(input=1_000_000, output=2_000_000)
"""A dollar a token in, two a token out: sums are easy to read."""


class Counter:
    """Counts a token a word, and answers at the length that it is capped at, if told to."""

    name = "counter"

    def __init__(self, *, tokens, answer=None, price=None, delay=0.0):
        self.inner = ScriptedModel(self._say, repeat=True, price=price)
        self.tokens, self.answer, self.delay = tokens, answer, delay

    def count_tokens(self, request):
        return self.tokens

    def cost(self, usage):
        return self.inner.cost(usage)

    def _say(self, request):
        written = self.answer or request.sampling.max_tokens
        usage = Usage(input_tokens=self.tokens, output_tokens=written)
        return Say(text="word " * 3, usage=usage, delay=self.delay)

    @property
    def requests(self):
        return self.inner.requests

    def respond(self, request):
        return self.inner.respond(request)


@tool(effects="none")
def look(at: int) -> str:
    """Look."""
    return f"seen {at}"


def agent(model, **options):
    options.setdefault("dialect", "native")
    return Agent("tester", model=model, tools=(look,), middleware=(), **options)


def test_a_prompt_that_cannot_be_paid_is_not_sent():
    model = Counter(tokens=101)
    result = agent(model, limits=Budget(tokens=100)).run("go")
    assert (result.status, model.requests) == ("budget", [])
    assert "the limit of 100 tokens is reached (0 used): the next call takes about 101" in (
        result.reason
    )
    assert [event.limit for event in result.events if isinstance(event, BudgetReached)] == [
        "tokens"
    ]


def test_the_reply_is_capped_by_what_is_left():
    model = Counter(tokens=60)
    result = agent(model, limits=Budget(tokens=100)).run("go")
    assert model.requests[0].sampling.max_tokens == 40
    assert result.usage.total == 100


def test_an_own_cap_stays_where_it_is_the_lower_one():
    from bottega import Sampling

    model = Counter(tokens=60)
    agent(model, limits=Budget(tokens=100), sampling=Sampling(max_tokens=7)).run("go")
    assert model.requests[0].sampling.max_tokens == 7


def test_without_limits_nothing_is_capped():
    model = Counter(tokens=60, answer=5)
    agent(model).run("go")
    assert model.requests[0].sampling.max_tokens is None


@pytest.mark.parametrize(("left", "capped"), [(10_000, USUAL_REPLY), (100_000, 25_000)])
def test_a_reply_of_unknown_length_takes_a_part_of_what_is_left(left, capped):
    model = Counter(tokens=0, answer=5)
    agent(model, limits=Budget(tokens=left)).run("go")
    assert model.requests[0].sampling.max_tokens == capped


def test_ten_calls_at_once_do_not_spend_the_same_rest():
    model = Counter(tokens=30, delay=0.001)

    async def one(meter):
        spending = Spending(meter.lease(), model)
        request = Request(messages=(user("go"),))
        async with spending.call(request) as sent:
            from bottega.model import collect

            spending.count(request, await collect(model.respond(sent)))

    async def main():
        meter = Meter(Budget(tokens=1000))
        done = await asyncio.gather(*(one(meter) for _ in range(10)), return_exceptions=True)
        return meter, done

    meter, done = asyncio.run(main())
    assert meter.usage.total <= 1000
    assert len(model.requests) == sum(problem is None for problem in done)
    assert all("limit of 1,000 tokens" in str(problem) for problem in done if problem)


def test_a_call_waits_for_what_others_have_only_reserved():
    model = Counter(tokens=30, answer=10, delay=0.001)

    async def one(meter):
        spending, request = Spending(meter, model), Request(messages=(user("go"),))
        async with spending.call(request) as sent:
            from bottega.model import collect

            spending.count(request, await collect(model.respond(sent)))

    async def main():
        meter = Meter(Budget(tokens=1000))
        await asyncio.gather(*(one(meter) for _ in range(15)))
        return meter

    assert asyncio.run(main()).usage.total == 600
    assert min(r.sampling.max_tokens for r in model.requests) >= SHORT_REPLY


def test_what_a_server_does_not_report_is_estimated():
    model = ScriptedModel(Say(text="word " * 100, usage=Usage()), call("look", at=1), "never")
    script = ScriptedModel(
        lambda request: Say(
            calls=(call("look", at=len(request.messages)),), finish="tool_calls", usage=Usage()
        ),
        repeat=True,
    )
    result = agent(script, limits=Budget(tokens=2000)).run("go")
    assert result.status == "budget"
    assert result.usage == Usage()
    assert 2 < len(script.requests) < 50
    assert agent(model).run("go").cost is None


def test_an_overrun_is_counted_and_ends_the_run():
    model = ScriptedModel(
        Say(calls=(call("look", at=1),), usage=Usage(input_tokens=9, output_tokens=9_999)), "no"
    )
    result = agent(model, limits=Budget(tokens=5_000)).run("go")
    assert (result.status, result.usage.total, len(model.requests)) == ("budget", 10_008, 1)
    assert result.answer == "seen 1"


# -- money


def test_a_run_says_what_it_cost():
    model = ScriptedModel(call("look", at=1), "done", price=Price(input=1, output=2))
    result = agent(model).run("go")
    assert result.cost == pytest.approx(2 * (10 + 2 * 5) / 1_000_000)
    assert result.to_json()["cost"] == result.cost
    assert isinstance(result.events[-1], RunEnded)
    assert result.events[-1].cost == result.cost


def test_a_price_that_nobody_knows_is_not_zero():
    assert agent(ScriptedModel("done")).run("go").cost is None
    assert agent(ScriptedModel("done", price=FREE)).run("go").cost == 0


def test_what_the_server_says_a_reply_cost_goes_before_the_price():
    from dataclasses import replace

    class Gateway(ScriptedModel):
        async def respond(self, request):
            from bottega.model import End

            async for delta in super().respond(request):
                yield replace(delta, cost=0.125) if isinstance(delta, End) else delta

    assert agent(Gateway("done", price=PRICE)).run("go").cost == 0.125


def test_money_caps_the_reply_and_refuses_the_prompt():
    model = Counter(tokens=60, price=PRICE)
    result = agent(model, limits=Budget(money=100)).run("go")
    assert model.requests[0].sampling.max_tokens == 20
    assert result.cost == 100
    poor = Counter(tokens=60, price=PRICE)
    result = agent(poor, limits=Budget(money=59)).run("go")
    assert (result.status, poor.requests) == ("budget", [])
    assert "the limit of 59 US dollars is reached (0 used)" in result.reason
    assert "the next call costs about 60 US dollars before its reply begins" in result.reason


def test_small_sums_are_written_out():
    poor = Counter(tokens=60, price=PRICE)
    result = agent(poor, limits=Budget(money=1e-05)).run("go")
    assert "the limit of 0.00001 US dollars is reached (0 used)" in result.reason


def test_a_limit_of_money_needs_a_price():
    model = ScriptedModel("never", name="openai:mystery")
    with pytest.raises(InputError, match="the price of openai:mystery is not known"):
        agent(model, limits=Budget(money=1)).run("go")
    assert model.requests == []
    free = agent(ScriptedModel("done", price=FREE), limits=Budget(money=1)).run("go")
    assert (free.status, free.cost) == ("done", 0)


def test_cached_input_has_a_price_of_its_own():
    usage = Usage(input_tokens=10, output_tokens=1, cached_tokens=4)
    assert Price(input=10, output=100, cached=1).cost(usage) == pytest.approx(164e-6)
    assert Price(input=10, output=100).cost(usage) == pytest.approx(200e-6)
    assert PRICE.cost(Usage(input_tokens=10)) is None


@pytest.mark.parametrize(
    "given", [{"input": 1}, {"input": "1", "output": 2}, {"input": 1, "output": 2, "x": 3}, 5, -1]
)
def test_a_price_that_is_none_is_refused(given):
    with pytest.raises(InputError, match="is no price"):
        read_price(given)


def test_negative_and_endless_prices_are_refused():
    for value in (-1, float("nan"), float("inf")):
        with pytest.raises(InputError, match="zero or a positive number"):
            read_price({"input": value, "output": 1})


# -- what was begun when a limit struck


def test_what_had_streamed_in_is_the_answer_when_there_is_nothing_better():
    slow = ScriptedModel(Say(text="The lamp is in the hall, and " * 20, chunk=29, delay=0.02))
    result = agent(slow, limits=Budget(seconds=0.15)).run("where?")
    assert result.status == "budget"
    assert result.partial
    assert result.answer.startswith("The lamp is in the hall")


def test_a_good_result_is_better_than_half_a_sentence():
    slow = ScriptedModel(call("look", at=7), Say(text="It is " * 500, chunk=6, delay=0.02))
    result = agent(slow, limits=Budget(seconds=0.3)).run("where?")
    assert (result.status, result.answer) == ("budget", "seen 7")


def test_a_reply_that_the_cap_cut_is_kept():
    cut = Say(text="The first half", finish="length", usage=Usage(input_tokens=9, output_tokens=9))
    result = agent(ScriptedModel(cut, repeat=True), limits=Budget(steps=1)).run("go")
    assert (result.status, result.answer, result.partial) == ("budget", "The first half", True)


def test_deciders_pay_too():
    from bottega.deciders import PromptDecider

    model = Counter(tokens=30, answer=9, price=PRICE)
    decider = PromptDecider(model)
    meter = Meter(Budget(tokens=5000))
    spending = Spending(meter, decider)

    async def main():
        async with spending.question("Is it so?"):
            judged = await decider.judge("Is it so?")
        spending.decided(judged.usage)
        return judged

    assert isinstance(asyncio.run(main()), Judgement)
    asked = 2  # its replies hold no verdict: it is asked again
    assert (meter.usage.total, meter.money) == (asked * 39, asked * 48)


def test_a_decider_writes_no_more_than_is_left_for_it():
    from bottega.deciders import PromptDecider

    verdict = Say(text='{"verdict": true}', usage=Usage(input_tokens=300, output_tokens=10))
    model = ScriptedModel(verdict, repeat=True)
    decider = PromptDecider(model)

    async def ask(**limits):
        spending = Spending(Meter(Budget(**limits)), decider)
        async with spending.question("Is it so?"):
            await decider.judge("Is it so?")
        return model.requests[-1].sampling.max_tokens

    assert asyncio.run(ask()) is None
    capped = asyncio.run(ask(tokens=2000))
    assert 1_024 < capped < 2000 - TOLD
    with pytest.raises(BudgetExceeded, match="limit of 500 tokens"):
        asyncio.run(ask(tokens=500))


@pytest.mark.parametrize("asked", [1, 30])
def test_decisions_side_by_side_do_not_spend_the_same_rest(asked):
    from bottega.deciders import PromptDecider

    def wordy(request):
        written = request.sampling.max_tokens
        usage = Usage(input_tokens=60, output_tokens=written)
        return Say(text='{"verdict": true}', usage=usage, delay=0.001)

    decider = PromptDecider(ScriptedModel(wordy, repeat=True))

    async def one(meter):
        spending = Spending(meter.lease(Budget.only(tokens=20_000)), decider)
        async with spending.question("Is it so?"):
            judged = await decider.judge("Is it so?")
            spending.decided(judged.usage)

    async def main():
        meter = Meter(Budget(tokens=20_000))
        made = [one(meter) for _ in range(asked)]
        return meter, await asyncio.gather(*made, return_exceptions=True)

    meter, done = asyncio.run(main())
    assert meter.usage.total <= 20_000
    assert done[0] is None
    assert all("limit of 20,000 tokens" in str(problem) for problem in done if problem)
