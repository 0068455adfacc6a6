"""The embedded embedder, with its real model."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from bottega.embedder import Embedder
from bottega.errors import StorageError
from bottega_plugins.embedders import minilm_onnx
from bottega_plugins.embedders.minilm_onnx import MiniLM, minilm

if TYPE_CHECKING:
    from numpy.typing import NDArray

FILES = Path(minilm_onnx.__file__).parent / "minilm"
TEXTS = [
    "A cat sleeps on the sofa.",
    "The kitten is napping on the couch.",
    "Interest rates rose by a quarter of a point in June, and the central bank signalled that "
    "another rise may follow before the end of the year if inflation stays above its target.",
    "def add(a, b): return a + b",
]


def embed(*texts: str) -> NDArray[np.float32]:
    return asyncio.run(minilm().embed(texts))


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return Path(shutil.copytree(FILES, tmp_path / "minilm"))


def test_is_an_embedder() -> None:
    assert isinstance(minilm(), Embedder)
    assert minilm() is minilm()
    assert (minilm().dimension, minilm().max_tokens) == (384, 256)


def test_name_follows_the_weights(copy: Path) -> None:
    assert MiniLM(copy).name == minilm().name
    sums = (copy / "SHA256SUMS").read_text()
    (copy / "SHA256SUMS").write_text("f" * 64 + sums[64:])
    assert MiniLM(copy).name == "minilm-int8-ffffffffffff"


def test_vectors_have_length_one() -> None:
    vectors = embed(*TEXTS)
    assert vectors.shape == (4, 384)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


def test_no_texts_make_no_vectors() -> None:
    assert embed().shape == (0, 384)


def test_like_meanings_lie_closer() -> None:
    cat, kitten, rates, code = embed(*TEXTS)
    assert cat @ kitten > 0.6
    assert max(cat @ rates, cat @ code, rates @ code) < 0.2


def test_agrees_with_the_original_model() -> None:
    # cosines of sentence-transformers in float32 for the same pairs
    cat, kitten, rates, _ = embed(*TEXTS)
    assert cat @ kitten == pytest.approx(0.742, abs=0.03)
    assert cat @ rates == pytest.approx(-0.035, abs=0.03)


def test_a_vector_does_not_depend_on_its_neighbours() -> None:
    together = embed(*TEXTS, "", "word " * 300)
    alone = np.concatenate([embed(text) for text in (*TEXTS, "", "word " * 300)])
    assert (together * alone).sum(1).min() > 0.99999


def test_the_same_texts_give_the_same_bytes() -> None:
    assert embed(*TEXTS).tobytes() == embed(*TEXTS).tobytes()


def test_rows_keep_the_order_of_the_texts() -> None:
    texts = ["word " * n + str(n) for n in (70, 3, 40, 1, 200, 9) * 4]
    vectors = embed(*texts)
    for index in (0, 1, 4, 23):
        assert vectors[index] @ embed(texts[index])[0] > 0.99999


@pytest.mark.parametrize(
    "text", ["", " \n\t", "\0", "a\ud800b", "\udfff", "\U0001f600" * 50, "[SEP][CLS]", "\u0301"]
)
def test_odd_texts_have_vectors(text: str) -> None:
    vectors = embed(text)
    assert np.isfinite(vectors).all()
    assert np.linalg.norm(vectors) == pytest.approx(1, abs=1e-5)


def test_what_is_beyond_the_longest_text_is_cut() -> None:
    read, cut = embed("cat " * 256, "cat " * 256 + "tax " * 1_000_000)
    assert read @ cut > 0.99999
    assert embed("cat " * 255 + "tax")[0] @ read < 0.99999


def test_one_string_is_not_a_sequence_of_texts() -> None:
    with pytest.raises(TypeError, match="put it in a list"):
        asyncio.run(minilm().embed("text"))


def test_concurrent_calls_share_one_model(copy: Path) -> None:
    model = MiniLM(copy)

    async def all_at_once() -> list[NDArray[np.float32]]:
        return await asyncio.gather(*(model.embed([text]) for text in TEXTS * 4))

    for text, vectors in zip(TEXTS * 4, asyncio.run(all_at_once()), strict=True):
        assert vectors[0] @ embed(text)[0] > 0.99999


def test_the_event_loop_runs_on_meanwhile() -> None:
    async def ticks_while_embedding() -> int:
        work = asyncio.create_task(minilm().embed(["word " * 200] * 8))
        ticks = 0
        while not work.done():
            await asyncio.sleep(0.002)
            ticks += 1
        return ticks

    assert asyncio.run(ticks_while_embedding()) > 5


def test_tokens_have_places_in_the_text() -> None:
    text = "Caf\u00e9s, na\u00efve\ud800 \0 embeddings"
    spans = minilm().token_spans(text)
    pieces = [text[a:b] for a, b in spans]
    assert pieces == ["Caf\u00e9s", ",", "na\u00efve", "em", "bed", "ding", "s"]
    assert minilm().count_tokens(text) == len(spans)
    assert minilm().token_spans("") == []


def test_places_in_a_long_text_are_those_of_its_start() -> None:
    text = "seven words make up this one sentence " * 4000
    spans = minilm().token_spans(text)
    assert len(spans) == 7 * 4000
    assert {text[a:b] for a, b in spans} == set(text.split())


@pytest.mark.parametrize("file", ["model.onnx", "tokenizer.json"])
def test_a_damaged_file_is_named(copy: Path, file: str) -> None:
    content = bytearray((copy / file).read_bytes())
    content[len(content) // 2] ^= 1
    (copy / file).write_bytes(content)
    with pytest.raises(StorageError, match=f"{file}: damaged.*reinstall bottega"):
        asyncio.run(MiniLM(copy).embed(["text"]))


@pytest.mark.parametrize("file", ["model.onnx", "tokenizer.json", "SHA256SUMS"])
def test_a_missing_file_is_named(copy: Path, file: str) -> None:
    (copy / file).unlink()
    with pytest.raises(StorageError, match=file):
        asyncio.run(MiniLM(copy).embed(["text"]))


def test_a_checksum_that_is_cut_short_is_named(copy: Path) -> None:
    (copy / "SHA256SUMS").write_text("608c552c")
    with pytest.raises(StorageError, match=r"SHA256SUMS: holds no sha256 of model\.onnx"):
        _ = MiniLM(copy).name


def test_importing_it_loads_no_heavy_library() -> None:
    code = (
        "import json, sys; import bottega_plugins.embedders.minilm_onnx as m; m.minilm().name;"
        "print(json.dumps([x for x in ('numpy', 'onnxruntime', 'tokenizers') if x in sys.modules]))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert json.loads(run.stdout) == []
    assert run.stderr == ""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no fork")
def test_works_in_a_forked_process() -> None:
    code = (
        "import asyncio, os\n"
        "from bottega_plugins.embedders.minilm_onnx import minilm\n"
        "before = asyncio.run(minilm().embed(['text']))\n"
        "child = os.fork()\n"
        "after = asyncio.run(minilm().embed(['text']))\n"
        "same = before.tobytes() == after.tobytes()\n"
        "if not child: os._exit(0 if same else 1)\n"
        "print(same, os.waitpid(child, 0)[1])\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, check=True, text=True, timeout=60
    )
    assert (run.stdout, run.stderr) == ("True 0\n", "")
