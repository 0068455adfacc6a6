"""Secrets: what is one, and that none comes out anywhere."""

from __future__ import annotations

import asyncio
import base64
import json
import sqlite3
from pathlib import Path

import pytest

from bottega import Agent, tool
from bottega.cli.log_records import mask_logs
from bottega.errors import ToolError
from bottega.escape import mask
from bottega.messages import Citation
from bottega.secrets import is_secret_name, mask_json, register
from bottega.testing import Call, Say, ScriptedModel
from bottega.tools import Output

CANARY = "canary-7f3a-not-to-be-seen"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFU"
PEM = "-----BEGIN EC PRIVATE KEY-----\nMHcCAQEEIcanary\n-----END EC PRIVATE KEY-----"
KEYS = (
    "sk-" + "proj-a1b2c3d4e5f6g7h8i9j0",
    "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2",
    "github_pat_" + "11ABCDEFG0abcdefghij_klmnop",
    "glpat-" + "a1b2c3d4e5f6g7h8i9j0",
    "AKIA" + "IOSFODNN7EXAMPLE",
    "AIza" + "SyA1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6q",
    "xoxb-" + "123456789012-abcdefghijkl",
    "hf_" + "abcdefghijklmnopqrstuvwxyz012345",
    "sk_live_" + "a1b2c3d4e5f6g7h8",
    JWT,
    PEM,
)


@pytest.mark.parametrize("key", KEYS, ids=lambda key: key[:8])
def test_shapes_of_keys_are_masked(key: str) -> None:
    assert mask(f"before {key} after") == "before *** after"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("postgresql://ann:s3cr3t@host/db", "postgresql://ann:***@host/db"),
        ("https://:s3cr3t@host/", "https://:***@host/"),
        ("https://h/p?a=1&access_token=abc123xyz&b=2", "https://h/p?a=1&access_token=***&b=2"),
        ("https://h/p?X-Amz-Signature=abcdef0123", "https://h/p?X-Amz-Signature=***"),
        ("Authorization: Basic dXNlcjpwYXNz", "Authorization: Basic ***"),
        ('{"authorization": "Bearer abc123"}', '{"authorization": "Bearer ***"}'),
        ("sent Bearer abcdef0123456789ab.", "sent Bearer ***"),
        (PEM[:40], "***"),
    ],
)
def test_what_is_secret_of_a_text_is_masked(text: str, expected: str) -> None:
    assert mask(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "sk-learn-is-a-great-library",
        "the bearer of bad news",
        "https://example.org:8080/a@b?page=2&q=token",
        "a token=bucket algorithm",
        "-----BEGIN CERTIFICATE-----",
        "mailto:ann@example.org",
        "eyJ is how base64 of JSON begins",
        "Basic understanding",
    ],
)
def test_plain_text_stays(text: str) -> None:
    assert mask(text) == text


def test_values_of_the_environment_are_masked_however_they_are_written(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    value = 'pa"ss wörd/42\\'
    monkeypatch.setenv("MY_DB_PASSWORD", value)
    for text in (
        value,
        json.dumps(value, ensure_ascii=False)[1:-1],
        "pa%22ss%20w%C3%B6rd%2F42%5C",
        base64.b64encode(value.encode()).decode(),
    ):
        assert mask(f"<{text}>") == "<***>"
    monkeypatch.setenv("MY_DB_PASSWORD", "another-one")
    assert mask(f"{value} another-one") == f"{value} ***"
    monkeypatch.delenv("MY_DB_PASSWORD")
    assert mask("another-one") == "another-one"


def test_names_that_say_secret() -> None:
    secret = ("OPENAI_API_KEY", "GITHUB_TOKEN_2", "db_password", "MY_SECRET_VALUE", "APIKEY")
    others = ("KEYBOARD", "MONKEY", "TOKENIZERS_PARALLELISM", "SSL_KEY_FILE", "PATH", "TOKEN_URL")
    assert [is_secret_name(name) for name in secret] == [True] * len(secret)
    assert [is_secret_name(name) for name in others] == [False] * len(others)


def test_a_registered_secret_is_masked_in_all_of_a_document() -> None:
    register("a-registered-secret-1")
    document = {"a-registered-secret-1": ["x a-registered-secret-1", 1, None, {"y": True}]}
    assert mask_json(document) == {"***": ["x ***", 1, None, {"y": True}]}
    register("short")
    assert mask("short") == "short"


@pytest.mark.parametrize(
    "text", ["eyJ" * 20_000, "sk-" + "a" * 99_999, "://" * 30_000, "?=" * 9_999]
)
def test_long_texts_that_are_nearly_secret_stay(text: str) -> None:
    assert mask(text) == text


@tool(permissions=frozenset({"files:read"}))
def leak(way: str) -> Output:
    """Leak."""
    print(f"printed {CANARY}")
    if way == "error":
        raise ToolError(f"failed with {CANARY}", hint=CANARY)
    if way == "crash":
        raise ValueError(f"crashed with {CANARY}")
    known = {"x": [CANARY]}
    quoted = Citation(key="a:1", source="a", start=0, end=1, quote=CANARY, metadata=known)
    content = f"{way} {CANARY} https://h/?token={CANARY} {KEYS[0]}"
    return Output(content=content, citations=(quoted,))


def test_no_canary_comes_out_anywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CANARY_API_KEY", CANARY)
    monkeypatch.delenv("BOTTEGA_HOME", raising=False)
    calls = tuple(Call(name="leak", arguments={"way": way}) for way in ("ok", "error", "crash"))
    bad = (Call(name="leak", arguments={"wrong": CANARY}), Call(name=CANARY[:10], arguments={}))
    model = ScriptedModel(
        Say(thought=f"I know {CANARY}", calls=(*calls, *bad)), f"The key is {CANARY} [a:1]"
    )
    agent = Agent(
        model=model, tools=[leak], instructions=f"Use {CANARY}", folder=tmp_path, description=CANARY
    )
    result = asyncio.run(agent.arun(f"Use {CANARY} and {KEYS[1]}", thread="t"))
    told = [event.dumps() for event in result.events] + [str(result.to_json()), result.answer]
    asked = [repr(request) for request in model.requests]
    out = capfd.readouterr()
    for text in (*told, *asked, out.out, out.err):
        assert CANARY not in text
        assert KEYS[0] not in text
        assert KEYS[1] not in text
    assert result.answer == "The key is *** [a:1]"
    for file in tmp_path.rglob("*"):
        if file.is_file():
            assert CANARY.encode() not in file.read_bytes(), file
    (store,) = tmp_path.rglob("*.db")
    with sqlite3.connect(store) as database:
        assert CANARY not in "\n".join(database.iterdump())
    database.close()


def test_what_libraries_log_is_masked(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    import logging

    monkeypatch.setenv("CANARY_API_KEY", CANARY)
    before = logging.getLogRecordFactory()
    mask_logs()
    try:
        logging.getLogger("some.library").warning("GET %s", f"https://h/?x={CANARY}\x1b[2J")
    finally:
        logging.setLogRecordFactory(before)
    assert caplog.messages == ["GET https://h/?x=***\\x1b[2J"]
