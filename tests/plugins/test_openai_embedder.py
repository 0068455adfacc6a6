"""The hosted embedder against a real server, well-behaved and not."""

from __future__ import annotations

import asyncio
import base64
import json
import re
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from openai_server import Reply, ScriptedServer, error, raw_server, vectors

from bottega.embedder import Embedder
from bottega.errors import (
    InputError,
    ModelAuthError,
    ModelError,
    ModelRateLimitError,
    ModelReplyError,
    ModelTimeoutError,
    StorageError,
)
from bottega.plugin.context import FactoryContext
from bottega.plugin.manager import PluginManager
from bottega.retry import Retry
from bottega_plugins import models
from bottega_plugins.knowledge.knowledge_base import KnowledgeBase
from bottega_plugins.models.openai.embedder import OpenAIEmbedder
from bottega_plugins.models.openai.redaction import Redactor
from bottega_plugins.models.openai.settings import Settings
from bottega_plugins.models.openai.vectors import read_vectors

KEY = "sk-canary-0123456789"
AT_ONCE = Retry(first_wait=0)
ONCE = Retry(attempts=1)


def row(text: str) -> list[float]:
    """Return a vector that tells texts apart; its length is not 1."""
    return [float(len(text)), float(sum(map(ord, text)) % 97), 3.0]


def unit(text: str) -> NDArray[np.float64]:
    vector = np.array(row(text))
    scaled: NDArray[np.float64] = vector / np.linalg.norm(vector)
    return scaled


def hashed(body: dict[str, Any]) -> Reply:
    return vectors([row(text) for text in body["input"]])


def make(server: ScriptedServer, *, retry: Retry = AT_ONCE, **options: Any) -> OpenAIEmbedder:
    limits = {key: options.pop(key) for key in ("timeout", "idle_timeout") if key in options}
    settings = Settings(base_url=server.url, key=KEY, **limits)
    return OpenAIEmbedder("test", settings, retry=retry, **options)


def embed(embedder: OpenAIEmbedder, *texts: str) -> NDArray[np.float32]:
    return asyncio.run(embedder.embed(texts))


def test_vectors_have_length_one_and_the_order_of_the_texts(openai_server: ScriptedServer) -> None:
    openai_server.always = hashed
    texts = [f"text {n}" + "." * (n % 7) for n in range(300)]
    embedder = make(openai_server)
    rows = embed(embedder, *texts)
    assert isinstance(embedder, Embedder)
    assert rows.dtype == np.float32
    np.testing.assert_allclose(rows, [unit(text) for text in texts], atol=1e-6)
    assert sorted(len(body["input"]) for body in openai_server.requests) == [44, 64, 64, 64, 64]
    assert {body["model"] for body in openai_server.requests} == {"test"}
    assert set(openai_server.paths) == {"/v1/embeddings"}
    assert openai_server.headers[0]["Authorization"] == f"Bearer {KEY}"


def test_no_texts_ask_for_the_dimension_alone(openai_server: ScriptedServer) -> None:
    openai_server.always = hashed
    assert embed(make(openai_server)).shape == (0, 3)
    assert embed(make(openai_server, dimensions=5)).shape == (0, 5)


def test_one_string_is_not_a_sequence_of_texts(openai_server: ScriptedServer) -> None:
    with pytest.raises(TypeError, match="put it in a list"):
        asyncio.run(make(openai_server).embed("text"))


def test_a_request_is_bounded_in_tokens(openai_server: ScriptedServer) -> None:
    openai_server.always = hashed
    embed(make(openai_server), *["word " * 7_000] * 20)
    assert max(len(body["input"]) for body in openai_server.requests) == 8


def test_a_long_text_is_cut_where_the_model_would(openai_server: ScriptedServer) -> None:
    openai_server.always = hashed
    embed(make(openai_server, max_tokens=4), "one two, three four", "", "a\ud800b", " \n")
    assert openai_server.requests[0]["input"] == ["one two, three", " ", "a\ufffdb", " "]


def test_the_dimension_is_asked_for_once(openai_server: ScriptedServer) -> None:
    openai_server.always = hashed
    embedder = make(openai_server)
    assert (embedder.dimension, embedder.dimension) == (3, 3)
    assert len(openai_server.requests) == 1

    async def inside_a_loop() -> int:
        return make(openai_server).dimension

    assert asyncio.run(inside_a_loop()) == 3


def test_dimensions_are_asked_for_and_kept(openai_server: ScriptedServer) -> None:
    openai_server.always = hashed
    embedder = make(openai_server, dimensions=3)
    assert (embedder.dimension, openai_server.requests) == (3, [])
    embed(embedder, "text")
    assert openai_server.requests[0]["dimensions"] == 3
    with pytest.raises(ModelReplyError, match="gave vectors of 3 dimensions, expected 2"):
        embed(make(openai_server, dimensions=2), "text")


def test_names_tell_models_and_dimensions_apart(openai_server: ScriptedServer) -> None:
    assert make(openai_server).name == "openai:test"
    assert make(openai_server, dimensions=256).name == "openai:test:256"


def test_base64_is_read(openai_server: ScriptedServer) -> None:
    packed = base64.b64encode(np.array([3, 4], "<f4").tobytes()).decode()
    openai_server.replies = [vectors([packed, [4.0, 3]])]
    np.testing.assert_allclose(
        embed(make(openai_server), "a", "b"), [[0.6, 0.8], [0.8, 0.6]], atol=1e-6
    )


def test_only_openai_itself_is_asked_for_base64(openai_server: ScriptedServer) -> None:
    openai_server.always = hashed
    embed(make(openai_server), "text")
    assert openai_server.requests[0]["encoding_format"] == "float"


def test_vectors_in_another_order_are_put_right(openai_server: ScriptedServer) -> None:
    openai_server.replies = [vectors([[0, 1], [1, 0]], indexes=[1, 0])]
    assert embed(make(openai_server), "a", "b").tolist() == [[1, 0], [0, 1]]


def test_vectors_without_an_index_are_taken_as_they_come(openai_server: ScriptedServer) -> None:
    data = [{"embedding": [1, 0]}, {"embedding": [0, 1]}]
    openai_server.replies = [Reply(body={"data": data})]
    assert embed(make(openai_server), "a", "b").tolist() == [[1, 0], [0, 1]]


@pytest.mark.parametrize(
    ("reply", "says"),
    [
        (vectors([[1, 0]]), "1 vectors for 2 texts"),
        (vectors([[1, 0]] * 3), "3 vectors for 2 texts"),
        (vectors([[1, 0], [1, 0]], indexes=[0, 0]), "indexes that are not those"),
        (vectors([[1, 0], [1, 0]], indexes=[1, 2]), "indexes that are not those"),
        (vectors([[1, 0], [1, 0]], indexes=[0, "1"]), "indexes that are not those"),
        (vectors([[1, 0], [1, 0]], indexes=[False, True]), "indexes that are not those"),
        (vectors([[1, 0], [1, 0, 0]]), "different dimensions: 2 and 3"),
        (vectors([[1, 0], [0, 0]]), "a vector of zeros"),
        (vectors([[1, 0], []]), "something else than numbers as vector 1"),
        (vectors([[1, 0], None]), "something else than numbers as vector 1"),
        (vectors([[1, 0], [1, None]]), "something else than numbers as vector 1"),
        (vectors([[1, 0], [1, True]]), "something else than numbers as vector 1"),
        (vectors([[1, 0], ["1", "0"]]), "something else than numbers as vector 1"),
        (vectors([[1, 0], [[1, 0]]]), "something else than numbers as vector 1"),
        (vectors([[1, 0], 10**400]), "something else than numbers as vector 1"),
        (vectors([[1, 0], [10**400, 0]]), "something else than numbers as vector 1"),
        (vectors([[1, 0], "no base64!"]), "something else than numbers as vector 1"),
        (vectors([[1, 0], "AAAA"]), "something else than numbers as vector 1"),
        (vectors([[1, 0], "AADAfwAAAAA="]), "vector 1 with numbers that are not finite"),
        (Reply(body=b'{"data": [{"embedding": [NaN, 1]}, {"embedding": [1]}]}'), "not finite"),
        (Reply(body=b'{"data": [{"embedding": [1e999]}, {"embedding": [1]}]}'), "not finite"),
        (Reply(body={"data": [1, 2]}), "2 vectors for 2 texts"),
        (Reply(body={"data": {}}), "no list of vectors"),
        (Reply(body={}), "no list of vectors"),
        (Reply(body=b"[]"), "of type list, not an object"),
        (Reply(body=b""), "not valid JSON"),
        (Reply(body=b"[" * 100_000), "too deep"),
        (Reply(body=b"\xff"), "not valid UTF-8"),
        (Reply(body=f"<html>{KEY}"), r"not valid JSON.*\[redacted\]"),
    ],
)
def test_replies_that_are_none(openai_server: ScriptedServer, reply: Reply, says: str) -> None:
    openai_server.replies = [reply]
    with pytest.raises(ModelReplyError, match=says) as caught:
        embed(make(openai_server, retry=ONCE), "a", "b")
    assert caught.value.retryable
    assert KEY not in str(caught.value)


def test_huge_and_tiny_numbers_have_a_direction(openai_server: ScriptedServer) -> None:
    openai_server.replies = [vectors([[3e300, 4e300], [3e-300, 4e-300]])]
    np.testing.assert_allclose(embed(make(openai_server), "a", "b"), [[0.6, 0.8]] * 2, atol=1e-6)


def test_a_broken_reply_is_asked_for_again(openai_server: ScriptedServer) -> None:
    slow = error(429, headers={"Retry-After": "0"})
    openai_server.replies = [slow, error(503), vectors([[float("nan")]]), vectors([[1, 0]])]
    assert embed(make(openai_server), "a").tolist() == [[1, 0]]
    assert len(openai_server.requests) == 4


def test_429_forever_is_given_up(openai_server: ScriptedServer) -> None:
    openai_server.always = error(429, headers={"Retry-After": "0"})
    with pytest.raises(ModelRateLimitError, match="gave up after 4 attempts"):
        embed(make(openai_server), *["text"] * 500)


def test_a_wait_that_is_too_long_is_not_waited(openai_server: ScriptedServer) -> None:
    openai_server.always = error(429, headers={"Retry-After": "3600"})
    started = time.monotonic()
    with pytest.raises(ModelRateLimitError, match="would pass the 60 s for retries"):
        embed(make(openai_server), "text")
    assert time.monotonic() - started < 10


def test_a_refused_key_is_not_tried_again_and_not_shown(openai_server: ScriptedServer) -> None:
    openai_server.always = error(401, f"bad key {KEY}")
    with pytest.raises(ModelAuthError, match="OPENAI_API_KEY") as caught:
        embed(make(openai_server), "text")
    assert KEY not in str(caught.value) + repr(make(openai_server))
    assert len(openai_server.requests) == 1


def test_an_error_in_a_200(openai_server: ScriptedServer) -> None:
    openai_server.always = Reply(body={"error": {"message": "no such model", "code": 404}})
    with pytest.raises(ModelError, match="no such model"):
        embed(make(openai_server), "text")


def test_a_server_that_hangs_is_left(openai_server: ScriptedServer) -> None:
    openai_server.always = vectors([[1]], delay=30)
    with pytest.raises(ModelTimeoutError, match=r"no whole reply within 0\.2 s"):
        embed(make(openai_server, timeout=0.2, retry=ONCE), "text")


def test_a_reply_without_end_is_cut() -> None:
    async def pour(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
        while True:
            writer.write(b" " * 1_000_000)
            await writer.drain()

    async def main() -> None:
        async with raw_server(lambda reader, writer: pour(writer)) as url:
            await OpenAIEmbedder("test", Settings(base_url=url), retry=ONCE).embed(["text"])

    with pytest.raises(ModelReplyError, match="longer than 32,000,000 bytes"):
        asyncio.run(main())


def test_the_first_failure_ends_all(openai_server: ScriptedServer) -> None:
    openai_server.always = error(400, "no")
    with pytest.raises(ModelError, match="status 400"):
        embed(make(openai_server), *["text"] * 64 * 100)
    assert len(openai_server.requests) <= 8


def test_connections_are_kept(openai_server: ScriptedServer) -> None:
    openai_server.always = hashed
    embedder = make(openai_server)

    async def main() -> None:
        for _ in range(5):
            await embedder.embed(["text"])
        await embedder.aclose()

    asyncio.run(main())
    assert openai_server.connections == 1


@pytest.mark.parametrize("options", [{"dimensions": -1}, {"dimensions": 1e9}, {"max_tokens": 0}])
def test_options_that_cannot_be(openai_server: ScriptedServer, options: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        make(openai_server, **options)


def test_it_is_registered(openai_server: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", openai_server.url)
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    manager = PluginManager()
    manager.register(models, "models")
    context = FactoryContext(plugins=manager)
    openai_server.always = hashed
    assert manager.make("embedder", "openai:small", context).dimension == 3
    assert openai_server.requests[0]["model"] == "small"
    elsewhere = "http://127.0.0.1:9/v1"
    other = manager.make("embedder", "openai:small", context, base_url=elsewhere)
    assert KEY not in repr(vars(other))
    with pytest.raises(InputError, match="no model is named"):
        manager.make("embedder", "openai", context)


def test_a_knowledge_base_by_a_hosted_embedder(
    openai_server: ScriptedServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", openai_server.url)
    openai_server.always = hashed
    with KnowledgeBase.open(tmp_path / "index", "openai:small") as base:
        base.add([("comet.txt", "A comet is ice."), ("otter.txt", "An otter hunts at dusk.")])
        found = base.search("otter", 2)
    assert {citation.source for citation in found} == {"comet.txt", "otter.txt"}
    assert openai_server.requests[-1]["input"] == ["otter"]
    with pytest.raises(StorageError, match="was made with the embedder 'openai:small'"):
        KnowledgeBase.open(tmp_path / "index", "openai:large").search("otter")


@given(st.text())
def test_estimated_tokens_lie_in_the_text(text: str) -> None:
    spans = OpenAIEmbedder("x", Settings(base_url="http://127.0.0.1/v1")).token_spans(text)
    assert "".join(text[a:b] for a, b in spans) == re.sub(r"\s", "", text)


@given(st.binary(max_size=200) | st.text().map(str.encode), st.integers(1, 4))
def test_any_bytes_are_vectors_or_an_error(body: bytes, count: int) -> None:
    try:
        rows = read_vectors(body, count, Redactor(), lambda value: ModelError(str(value)))
    except ModelError:
        return
    assert len(rows) == count


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["data", "embedding", "index", "error"]), inner, max_size=3
        )
    ),
    max_leaves=12,
)


@given(JSON, st.integers(1, 2))
def test_any_json_is_vectors_or_an_error(value: Any, count: int) -> None:
    body = json.dumps({"data": value} if not isinstance(value, dict) else value).encode()
    try:
        rows = read_vectors(body, count, Redactor(), lambda value: ModelError(str(value)))
    except ModelError:
        return
    assert len(rows) == count
