"""What a reply cost: by the options, by the server, by the published list; unknown is None."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from typing import Any

import pytest
from openai_server import ScriptedServer, text

from bottega import Agent, Budget
from bottega.messages import user
from bottega.model import Reply, Request, Usage, collect
from bottega.price import FREE, Price
from bottega_plugins.models.openai.chunks import cost_of
from bottega_plugins.models.openai.model import OpenAIModel
from bottega_plugins.models.openai.settings import OFFICIAL, Settings

ASK = Request(messages=(user("hello"),))
THOUSAND = Usage(input_tokens=1000, output_tokens=1000)


def hosted(model: str, base_url: str = OFFICIAL) -> OpenAIModel:
    return OpenAIModel(model, Settings(base_url=base_url, key="sk-test"))


def ask(server: ScriptedServer, price: Price | None) -> Reply:
    async def main() -> Reply:
        model = OpenAIModel("gpt-5-mini", Settings(base_url=server.url), price)
        return await collect(model.respond(ASK))

    return asyncio.run(main())


def test_hosted_services_have_published_prices() -> None:
    assert hosted("gpt-4o").cost(THOUSAND) == pytest.approx(0.0125)
    cached = Usage(input_tokens=1000, output_tokens=1000, cached_tokens=1000)
    assert hosted("gpt-4o").cost(cached) == pytest.approx(0.01125)
    assert hosted("openai/gpt-4o", "https://openrouter.ai/api/v1").cost(THOUSAND)


@pytest.mark.parametrize(
    ("model", "base_url"),
    [
        ("gpt-nonsense", OFFICIAL),
        ("gpt-4o", "https://models.example.org/v1"),
        ("gpt-4o", "http://127.0.0.1:8000/v1"),
        ("gpt-4o", "http://localhost:8000/v1"),
        ("gpt-4o", "http://[::1]:8000/v1"),
        ("gpt-4o", "http://gateway/v1"),
    ],
)
def test_a_name_alone_has_no_price(model: str, base_url: str) -> None:
    assert hosted(model, base_url).cost(THOUSAND) is None


def test_a_count_that_is_not_known_has_no_price() -> None:
    assert hosted("gpt-4o").cost(Usage(input_tokens=5)) is None


def test_the_list_is_loaded_only_when_a_price_is_asked_for() -> None:
    program = """
import sys
from bottega_plugins.models.openai.model import OpenAIModel
from bottega_plugins.models.openai.settings import Settings
from bottega.model import Usage
usage = Usage(input_tokens=1, output_tokens=1)
hosted = OpenAIModel("gpt-4o", Settings(key="x"))
OpenAIModel("m", Settings(base_url="http://127.0.0.1:1/v1")).cost(usage)
assert "genai_prices" not in sys.modules
assert hosted.cost(usage)
assert "genai_prices" in sys.modules
"""
    subprocess.run([sys.executable, "-c", program], check=True)


def test_a_reply_bears_its_cost(openai_server: ScriptedServer) -> None:
    openai_server.replies = [text("hello"), text("hello"), text("hello")]
    assert ask(openai_server, None).end.cost is None
    assert ask(openai_server, FREE).end.cost == 0
    price = Price(input=1_000_000, output=2_000_000)
    assert ask(openai_server, price).end.cost == 11 + 2 * 7


@pytest.mark.parametrize(
    ("usage", "cost"),
    [
        ({"cost": 0.25}, 0.25),
        ({"cost": 0}, 0.0),
        ({"cost": -1}, None),
        ({"cost": "0.25"}, None),
        ({"cost": True}, None),
        ({"cost": float("inf")}, None),
        ({"cost": float("nan")}, None),
        ({}, None),
        (None, None),
    ],
)
def test_a_gateway_may_say_what_a_reply_cost(usage: Any, cost: float | None) -> None:
    assert cost_of({"usage": usage}) == cost


def test_a_limit_of_money_holds_for_a_server_with_a_price(openai_server: ScriptedServer) -> None:
    openai_server.replies = [text("hello")]
    model = OpenAIModel(
        "m", Settings(base_url=openai_server.url), Price(input=1_000_000, output=1_000_000)
    )
    agent = Agent("a", model=model, limits=Budget(money=5_000))
    result = agent.run("hello")
    assert (result.status, result.cost) == ("done", 18)
    sent = openai_server.requests[0]["max_tokens"]
    assert 0 < sent < 5_000
    poor = agent.run("hello", limits=Budget(money=5))
    assert (poor.status, len(openai_server.requests)) == ("budget", 1)


def test_a_price_in_the_options_of_a_graph(openai_server: ScriptedServer) -> None:
    from bottega import Graph
    from bottega.spec.reader import parse_graph

    openai_server.replies = [text("hello")]
    graph = Graph(
        parse_graph(f"""
model:
  openai:m: {{base_url: "{openai_server.url}", price: {{input: 1000000, output: 0}}}}
nodes: {{lead: {{kind: specialist}}}}
edges: [start -> lead, lead -> end]
""")
    )
    assert graph.run("hello").cost == 11
