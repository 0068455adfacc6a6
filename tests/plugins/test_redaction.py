"""Redaction: what is personal, and that the model alone does not see it."""

from __future__ import annotations

import asyncio
import json

import pytest

from bottega import Agent, tool
from bottega.errors import InputError
from bottega.events import Observation
from bottega.messages import Text, ToolResult
from bottega.plugin.context import FactoryContext
from bottega.plugin.manager import default_plugins
from bottega.testing import Call, Say, ScriptedModel
from bottega_plugins.guards.redaction.middleware import Redaction
from bottega_plugins.guards.redaction.personal import Finder

MAIL, PHONE, IBAN, CARD = (
    "ann.lee+x@mail.example.org",
    "+49 30 901820",
    "DE89 3704 0044 0532 0130 00",
    "4111 1111 1111 1111",
)


def found(text: str, **options: list[str]) -> list[tuple[str, str]]:
    return [(each.kind, text[each.start : each.end]) for each in Finder(**options).find(text)]


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("EMAIL", MAIL),
        ("EMAIL", "o_brien@x.co"),
        ("PHONE", PHONE),
        ("PHONE", "(030) 901-820"),
        ("PHONE", "030/9018200"),
        ("PHONE", "415-555-0132"),
        ("PHONE", "+44 (0)20 7946 0958"),
        ("IBAN", IBAN),
        ("IBAN", "GB82WEST12345698765432"),
        ("CARD", CARD),
        ("CARD", "5500-0000-0000-0004"),
        ("CARD", "378282246310005"),
        ("IP", "192.168.1.77"),
        ("IP", "2001:db8::1"),
    ],
)
def test_what_is_personal_is_found(kind: str, value: str) -> None:
    assert found(f"before {value}, after") == [(kind, value)]
    assert found(f"<{value}>") == [(kind, value)]


@pytest.mark.parametrize(
    "text",
    [
        "DE89 3704 0044 0532 0130 02",
        "4111 1111 1111 1112",
        "on 2024-01-31 at 12:30:45",
        "300.300.300.300",
        "std::vector and a::b",
        "ISBN 978-3-16-148410-0",
        "1,234,567.89 and 3.14159265",
        "see §12.4.7 of v1.2",
        "@someone and name@localhost",
        "order 20240131120000",
        "a" * 50_000 + "@",
        "1 " * 20_000,
    ],
)
def test_what_only_looks_like_it_is_not(text: str) -> None:
    assert found(text) == []


def test_names_are_those_that_are_given() -> None:
    text = "Ann Lee and ANN LEE met Joann Leeds"
    assert found(text) == []
    assert found(text, names=["Ann Lee"]) == [("NAME", "Ann Lee"), ("NAME", "ANN LEE")]


def test_kinds_are_those_that_are_wanted() -> None:
    assert found(f"{MAIL} {PHONE}", kinds=["phone"]) == [("PHONE", PHONE)]
    with pytest.raises(InputError, match="did you mean 'email'"):
        Finder(["emial"])


def test_a_model_sees_placeholders_and_tools_the_real_values() -> None:
    sent: list[str] = []

    @tool
    def send(to: str, text: str) -> str:
        """Send."""
        sent.append(f"{to}: {text}")
        return f"sent to {to}, with a copy to bob@b.example"

    call = Call(name="send", arguments={"to": "<EMAIL_1>", "text": "call <PHONE_1> <EMAIL_9>"})
    model = ScriptedModel(
        Say(thought="write to <EMAIL_1>", calls=(call,)), "Wrote to <EMAIL_1> and <EMAIL_2>."
    )
    agent = Agent(model=model, tools=[send], middleware=[Redaction()])
    result = agent.run(f"Write to {MAIL}, tell them {PHONE}")
    assert sent == [f"{MAIL}: call {PHONE} <EMAIL_9>"]
    assert result.answer == f"Wrote to {MAIL} and bob@b.example."
    seen = repr(model.requests)
    assert not any(value in seen for value in (MAIL, PHONE, "bob@b.example"))
    assert "Write to <EMAIL_1>, tell them <PHONE_1>" in seen
    assert "sent to <EMAIL_1>, with a copy to <EMAIL_2>" in seen


def test_a_placeholder_in_the_text_is_nobody_s() -> None:
    model = ScriptedModel("It says <EMAIL_1> and <EMAIL_2>.")
    result = Agent(model=model, middleware=[Redaction()]).run(f"What of <EMAIL_1> and {MAIL}?")
    assert result.answer == f"It says <EMAIL_1> and {MAIL}."


def test_placeholders_in_escaped_json_are_turned_back() -> None:
    from bottega_plugins.guards.redaction.middleware import Pseudonyms

    pseudonyms = Pseudonyms(Finder(names=['Ann "A" Lee']), numbered=True)
    assert pseudonyms.hide('Ann "A" Lee') == "<NAME_1>"
    arguments = pseudonyms.show_in_json('{"to": "\\u003cNAME_1\\u003E", "cc": "<NAME_1>"}')
    assert json.loads(arguments) == {"to": 'Ann "A" Lee', "cc": 'Ann "A" Lee'}


def test_irreversible_nothing_is_turned_back_and_results_are_redacted() -> None:
    plugins = default_plugins()
    context = FactoryContext(plugins=plugins)
    guard = plugins.make("middleware", "redaction", context, reversible=False, kinds=["email"])

    @tool
    def look() -> str:
        """Look."""
        return f"{MAIL} {PHONE}"

    model = ScriptedModel(Say(calls=(Call(name="look", arguments={}),)), "It is <EMAIL>.")
    result = asyncio.run(Agent(model=model, tools=[look], middleware=[guard]).arun("Who?"))
    (seen,) = (each for each in result.events if isinstance(each, Observation))
    assert seen.content == f"<EMAIL> {PHONE}"
    assert result.answer == "It is <EMAIL>."
    parts = [part for message in model.requests[-1].messages for part in message.parts]
    texts = [
        part.content if isinstance(part, ToolResult) else part.text
        for part in parts
        if isinstance(part, (Text, ToolResult))
    ]
    assert not any(MAIL in text for text in texts)
