"""The sentence-transformers embedder over a tiny model that is made on the spot."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from bottega.embedder import Embedder, QueryEmbedder, embed_query
from bottega.errors import InputError, NotInstalledError, StorageError
from bottega.plugin.context import FactoryContext
from bottega.plugin.manager import PluginManager
from bottega_plugins import embedders
from bottega_plugins.embedders.weights import FolderWeights, HubWeights, find_weights
from bottega_plugins.knowledge.knowledge_base import KnowledgeBase

if TYPE_CHECKING:
    from numpy.typing import NDArray

INSTALLED = importlib.util.find_spec("sentence_transformers") is not None
real = pytest.mark.skipif(not INSTALLED, reason="sentence-transformers is not installed")
WORDS = ["the", "a", ":", "ask", "cat", "dog", "sat", "on", "mat", "tax", "rate", "rose", "query"]
WORDS += ["passage", "##s", "##e", "un", "##know", "##n"]
PROMPTS = {"query": "query: ask the cat ", "document": "passage: "}


def plugins() -> PluginManager:
    manager = PluginManager()
    manager.register(embedders, "embedders")
    return manager


def make(name: str, folder: Path = Path(), **options: Any) -> Any:
    manager = plugins()
    context = FactoryContext(plugins=manager, folder=folder)
    return manager.make("embedder", f"sentence-transformers:{name}", context, **options)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Save a random BERT of two layers, with a vocabulary of its own, by the library."""
    pytest.importorskip("sentence_transformers", reason="sentence-transformers is not installed")
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Pooling, Transformer
    from tokenizers import BertWordPieceTokenizer
    from transformers import BertConfig, BertModel, BertTokenizerFast

    folder = tmp_path_factory.mktemp("tiny")
    bert, model = folder / "bert", folder / "model"
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS]
    ids = {word: number for number, word in enumerate(vocabulary)}
    tokenizer = BertWordPieceTokenizer(vocab=ids, lowercase=True)
    BertTokenizerFast(tokenizer_object=tokenizer._tokenizer).save_pretrained(bert)
    config = BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=40,
    )
    torch.manual_seed(0)
    BertModel(config).save_pretrained(bert)
    words = Transformer(str(bert), max_seq_length=32)
    pooling = Pooling(words.get_embedding_dimension(), "mean")
    SentenceTransformer(modules=[words, pooling], prompts=PROMPTS).save(str(model))
    return model


@pytest.fixture
def copy(tiny: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny, tmp_path / "model"))


def embed(embedder: Any, *texts: str) -> NDArray[np.float32]:
    rows: NDArray[np.float32] = asyncio.run(embedder.embed(texts))
    return rows


@real
def test_it_is_an_embedder_that_also_reads_queries(tiny: Path) -> None:
    embedder = make(str(tiny))
    assert isinstance(embedder, Embedder)
    assert isinstance(embedder, QueryEmbedder)
    assert embedder.dimension == 32
    assert embedder.max_tokens == 32 - 2 - 2  # two marks, and "passage:"


@real
def test_vectors_are_those_of_the_library(tiny: Path) -> None:
    from sentence_transformers import SentenceTransformer

    texts = ["the cat sat", "the tax rate rose " * 9, "", "a\ud800b", "dogs on the mat"] * 60
    embedder = make(str(tiny))
    rows = embed(embedder, *texts)
    assert rows.shape == (300, 32)
    assert rows.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)
    model = SentenceTransformer(str(tiny))
    plain = [text.replace("\ud800", "\ufffd") for text in texts]
    expected = model.encode_document(plain, normalize_embeddings=True)
    np.testing.assert_allclose(rows, expected, atol=1e-5)
    (question,) = model.encode_query(["the cat"], normalize_embeddings=True)
    np.testing.assert_allclose(asyncio.run(embed_query(embedder, "the cat")), question, atol=1e-5)
    assert float(question @ embed(embedder, "the cat")[0]) < 0.9999  # the prompts differ


@real
def test_no_texts_make_no_vectors(tiny: Path) -> None:
    assert embed(make(str(tiny))).shape == (0, 32)


@real
def test_one_string_is_not_a_sequence_of_texts(tiny: Path) -> None:
    with pytest.raises(TypeError, match="put it in a list"):
        asyncio.run(make(str(tiny)).embed("text"))


@real
def test_tokens_have_places_in_the_text_however_long_it_is(tiny: Path) -> None:
    embedder = make(str(tiny))
    text = "unknown cats " * 20_000
    spans = embedder.token_spans(text)
    assert [text[a:b] for a, b in spans[:5]] == ["un", "know", "n", "cat", "s"]
    assert len(spans) == 5 * 20_000
    embed(embedder, text)
    assert embedder.token_spans(text) == spans  # what the model cuts does not cut here


@real
def test_name_follows_the_weights_not_the_place(tiny: Path, copy: Path) -> None:
    name = make(str(tiny)).name
    assert name.startswith("sentence-transformers:model@")
    assert make("model", copy.parent).name == name  # relative to the graph's folder
    weights = copy / "model.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    assert make(str(copy)).name != name


@real
def test_the_prompts_belong_to_the_name(tiny: Path, copy: Path) -> None:
    settings = copy / "config_sentence_transformers.json"
    said = json.loads(settings.read_text())
    settings.write_text(json.dumps(said | {"prompts": {"query": "", "document": ""}}))
    assert make(str(copy)).name != make(str(tiny)).name
    assert make(str(copy)).max_tokens == 30


@real
def test_what_does_not_decide_on_vectors_is_not_in_the_name(tiny: Path, copy: Path) -> None:
    (copy / "README.md").write_text("changed")
    (copy / "onnx").mkdir()
    (copy / "onnx" / "config.json").write_text("{}")
    assert make(str(copy)).name == make(str(tiny)).name


@real
@pytest.mark.parametrize("broken", ["model.safetensors", "config.json", "tokenizer.json"])
def test_a_broken_model_is_one_clear_line(copy: Path, broken: str) -> None:
    (copy / broken).write_bytes(b"\0not what it should be")
    with pytest.raises(InputError, match="the model 'model' cannot be loaded") as caught:
        embed(make(str(copy)), "text")
    assert "\n" not in str(caught.value)


@real
def test_pickled_weights_are_not_read(copy: Path) -> None:
    import torch
    from safetensors.torch import load_file

    torch.save(load_file(copy / "model.safetensors"), copy / "pytorch_model.bin")
    (copy / "model.safetensors").unlink()
    with pytest.raises(InputError, match=r"cannot be loaded.*safetensors"):
        embed(make(str(copy)), "text")


@real
def test_code_that_comes_with_a_model_is_not_run(copy: Path) -> None:
    modules = copy / "modules.json"
    said = json.loads(modules.read_text())
    said[1]["type"] = "evil.Pooling"
    modules.write_text(json.dumps(said))
    (copy / "evil.py").write_text("import pathlib; pathlib.Path(__file__).with_name('ran').touch()")
    with pytest.raises(InputError, match="cannot be loaded"):
        embed(make(str(copy)), "text")
    assert not (copy / "ran").exists()


@real
def test_an_index_is_held_to_the_weights(copy: Path, tmp_path: Path) -> None:
    index = tmp_path / "index"
    with KnowledgeBase.open(index, make(str(copy))) as base:
        base.add([("cat.txt", "The cat sat on the mat."), ("tax.txt", "The tax rate rose.")])
        assert base.search("cat", 1)[0].source == "cat.txt"
    content = bytearray((copy / "model.safetensors").read_bytes())
    content[-1] ^= 1
    (copy / "model.safetensors").write_bytes(content)
    with pytest.raises(StorageError, match="was made with the embedder 'sentence-transformers:mod"):
        KnowledgeBase.open(index, make(str(copy))).search("cat")


@real
def test_the_event_loop_runs_on_meanwhile(tiny: Path) -> None:
    embedder = make(str(tiny))
    embed(embedder, "load")

    async def ticks_while_embedding() -> int:
        work = asyncio.create_task(embedder.embed(["the cat sat on the mat"] * 600))
        ticks = 0
        while not work.done():
            await asyncio.sleep(0.001)
            ticks += 1
        return ticks

    assert asyncio.run(ticks_while_embedding()) > 2


@pytest.mark.skipif(INSTALLED, reason="sentence-transformers is installed")
def test_a_missing_library_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(NotInstalledError) as caught:
        make(str(tmp_path))
    assert str(caught.value) == (
        "sentence-transformers is not installed: pip install 'bottega[local]'"
    )


def test_a_model_must_be_named() -> None:
    with pytest.raises(InputError, match="no model is named"):
        make("")


@pytest.mark.parametrize("name", ["./none", "/no/where", "~/none", "a/b/c", "..\\x", "file"])
def test_what_is_no_folder_and_no_name_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="there is no folder with a model at"):
        find_weights(name, tmp_path)


def test_a_folder_is_read_without_the_library(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"12")
    one = FolderWeights(tmp_path).version()
    (tmp_path / "model.safetensors").write_bytes(b"1")
    (tmp_path / "more.json").write_bytes(b"2")
    assert FolderWeights(tmp_path).version() != one
    assert len(one) == 12


def test_names_without_an_owner_are_those_of_the_library(tmp_path: Path) -> None:
    assert find_weights("all-MiniLM-L6-v2", tmp_path).label == (
        "sentence-transformers/all-MiniLM-L6-v2"
    )
    assert find_weights("me/mine", tmp_path).place == "me/mine"


def hub(code: str, home: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "HF_HOME": str(home), "HF_HUB_OFFLINE": "1"}
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, check=True, text=True, env=environment
    )


def test_a_model_of_the_hub_is_held_to_its_commit(tmp_path: Path) -> None:
    commit = "0123456789abcdef0123456789abcdef01234567"
    model = tmp_path / "hub" / "models--me--mine"
    (model / "snapshots" / commit).mkdir(parents=True)
    (model / "snapshots" / commit / "config.json").write_text("{}")
    (model / "refs").mkdir()
    (model / "refs" / "main").write_text(commit)
    code = (
        "from bottega_plugins.embedders.weights import HubWeights\n"
        "weights = HubWeights('me/mine'); print(weights.version(), weights.revision)"
    )
    assert hub(code, tmp_path).stdout.split() == [commit[:12], commit]


def test_a_model_that_nobody_has_is_named(tmp_path: Path) -> None:
    code = (
        "from bottega.errors import InputError\n"
        "from bottega_plugins.embedders.weights import HubWeights\n"
        "try: HubWeights('me/none').version()\n"
        "except InputError as error: print(error)"
    )
    run = hub(code, tmp_path)
    assert run.stdout.startswith("the model 'me/none' is no folder, and the model hub does not")
    assert len(run.stdout.splitlines()) == 1
    assert HubWeights("none").label == "sentence-transformers/none"
