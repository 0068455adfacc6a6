"""How a model is named, reached and paid for; and which key goes where."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

import pytest
from openai_server import ScriptedServer, error, text

from bottega.errors import InputError, ModelError
from bottega.messages import user
from bottega.model import Model, Request, collect
from bottega.plugin.context import FactoryContext
from bottega_plugins import models
from bottega_plugins.models.openai.model import OpenAIModel
from bottega_plugins.models.openai.redaction import Redactor
from bottega_plugins.models.openai.settings import Settings

KEY = "sk-canary-0123456789"


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)


def make(argument: str = "test", **options: Any) -> Model:
    offer = next(offer for offer in models.bottega_models() if offer.name == "openai")
    context = FactoryContext(plugins=None, argument=argument)  # type: ignore[arg-type]
    made = offer.factory(context, **options)
    assert isinstance(made, Model)
    return made


def headers_sent(server: ScriptedServer, **options: Any) -> Mapping[str, str]:
    server.replies = [text("hi")]
    request = Request(messages=(user("hello"),))
    assert asyncio.run(collect(make(**options).respond(request))).text == "hi"
    return server.headers[-1]


def test_the_environment_says_where_and_with_which_key(
    openai_server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    openai_server.key = KEY
    monkeypatch.setenv("OPENAI_BASE_URL", openai_server.url + "/")
    monkeypatch.setenv("OPENAI_API_KEY", f" {KEY}\n")
    assert make().name == "openai:test"
    assert headers_sent(openai_server)["Authorization"] == f"Bearer {KEY}"
    assert openai_server.requests[0]["model"] == "test"


def test_no_key_for_openai_is_a_person_s_mistake() -> None:
    with pytest.raises(InputError, match="OPENAI_API_KEY") as caught:
        make()
    assert caught.value.exit_code == 2


def test_other_servers_need_no_key(
    openai_server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", openai_server.url)
    assert "Authorization" not in headers_sent(openai_server)


def test_the_key_does_not_follow_a_graph_to_another_server(
    openai_server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    assert "Authorization" not in headers_sent(openai_server, base_url=openai_server.url)
    openai_server.key = KEY
    with pytest.raises(ModelError, match="no key was sent"):
        asyncio.run(collect(make(base_url=openai_server.url).respond(ASK)))
    monkeypatch.setenv("OPENAI_BASE_URL", openai_server.url)
    sent = headers_sent(openai_server, base_url=openai_server.url)
    assert sent["Authorization"] == f"Bearer {KEY}"


ASK = Request(messages=(user("hello"),))


def test_headers_are_sent_and_kept_secret(openai_server: ScriptedServer) -> None:
    secrets = {"X-Token": "canary-token", "Authorization": "Basic canary-basic"}
    sent = headers_sent(openai_server, base_url=openai_server.url, headers=secrets)
    assert (sent["X-Token"], sent["Authorization"]) == ("canary-token", "Basic canary-basic")
    openai_server.replies = [error(400, "no canary-token, no canary-basic")]
    with pytest.raises(ModelError) as caught:
        asyncio.run(collect(make(base_url=openai_server.url, headers=secrets).respond(ASK)))
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize(
    "headers",
    [
        {"X": 1},
        {"X": "a\r\nHost: b"},
        {"a b": "x"},
        {"Host": "b"},
        {"": "x"},
        {"Content-Length": "1"},
    ],
)
def test_headers_that_cannot_be_sent(headers: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        make(base_url="http://127.0.0.1:1/v1", headers=headers)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "ftp://a/v1",
        "a.b/v1",
        "http://",
        "http://a:99999/",
        "http://a b/",
        "http://a..b/",
        "http://a\\b/",
        "http://xn--a/",
    ],
)
def test_base_urls_that_cannot_be_used(url: str) -> None:
    with pytest.raises(InputError, match="base URL"):
        Settings(base_url=url, key=KEY)


@pytest.mark.parametrize("value", [0, -1, "10", None, True, float("nan"), float("inf")])
@pytest.mark.parametrize("name", ["timeout", "connect_timeout", "idle_timeout"])
def test_times_that_are_no_times(name: str, value: Any) -> None:
    with pytest.raises(InputError, match=name):
        make(base_url="http://127.0.0.1:1/v1", **{name: value})


def test_a_name_is_needed() -> None:
    with pytest.raises(InputError, match="openai:NAME"):
        make("")


def test_a_key_that_no_key_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-can\nary-0123")
    with pytest.raises(InputError, match="API key") as caught:
        make()
    assert "ary-0123" not in str(caught.value)


def test_secrets_are_in_no_representation() -> None:
    url = "https://user:canary-pw@example.org/v1?key=canary-query"
    settings = Settings(base_url=url, headers={"X": "canary-head"})
    assert settings.address == "https://example.org/v1/chat/completions"
    assert settings.endpoint.endswith("/v1/chat/completions?key=canary-query")
    assert "canary" not in settings.redactor().excerpt(f"{url} canary-query canary-head")
    keyed = Settings(base_url="https://example.org/v1", key=f"canary-{KEY}")
    assert "canary" not in keyed.redactor().excerpt(keyed.key)
    for shown in (settings, keyed, OpenAIModel("test", settings), OpenAIModel("test", keyed)):
        assert "canary" not in f"{shown!r} {shown}"


def test_a_password_in_the_url_is_sent_and_a_key_beside_it_refused(
    openai_server: ScriptedServer,
) -> None:
    url = openai_server.url.replace("//", "//user:canary-pw@")
    assert headers_sent(openai_server, base_url=url)["Authorization"].startswith("Basic ")
    for other in ({"key": KEY}, {"headers": {"Authorization": "Bearer x"}}):
        with pytest.raises(InputError, match="only one") as caught:
            Settings(base_url=url, **other)
        assert "canary" not in str(caught.value)


def test_a_proxy_is_used_for_other_machines_only(
    openai_server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", openai_server.url.removesuffix("/v1"))
    monkeypatch.setenv("http_proxy", openai_server.url.removesuffix("/v1"))
    monkeypatch.setenv("NO_PROXY", "")
    monkeypatch.setenv("no_proxy", "")
    assert headers_sent(openai_server, base_url="http://models.invalid/v1")["Host"] == (
        "models.invalid"
    )
    with pytest.raises(ModelError, match="cannot reach"):
        asyncio.run(collect(make(base_url="http://127.0.0.1:9/v1").respond(ASK)))


def test_excerpts_are_one_safe_line() -> None:
    redactor = Redactor(["secret-1", "secret-12", "a"])
    assert redactor.excerpt("a  b\n\tc secret-12!") == "a b c [redacted]!"
    assert redactor.excerpt("\x1b[31mred\u202e\u200b\x00") == "\\x1b[31mred\\u202e\\u200b\\x00"
    assert len(redactor.excerpt("x" * 1000)) == 303
    assert redactor.excerpt_bytes(b"\xff\xfeok") == "\\xff\\xfeok"


def test_the_offer_costs_nothing_until_it_is_used() -> None:
    code = "import bottega_plugins.models, sys; print('aiohttp' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
