"""The cross-encoder reranker, over a tiny model that is made on the spot."""

from __future__ import annotations

import asyncio
import importlib.util
from pathlib import Path

import pytest
from hash_embedder import HashEmbedder

from bottega.errors import InputError, NotInstalledError
from bottega_plugins.knowledge.knowledge_base import KnowledgeBase
from bottega_plugins.knowledge.search.rerank import CrossEncoderReranker, make_reranker
from bottega_plugins.knowledge.search.search import Search

INSTALLED = importlib.util.find_spec("sentence_transformers") is not None
real = pytest.mark.skipif(not INSTALLED, reason="sentence-transformers is not installed")
TEXTS = ["the cat sat on the mat", "tax rate", "", "a\ud800b", "the mat " * 4_000]


def save_tiny(folder: Path, labels: int) -> Path:
    """Save a random BERT that scores pairs."""
    import torch
    from tokenizers import BertWordPieceTokenizer
    from transformers import BertConfig, BertForSequenceClassification, BertTokenizerFast

    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "the", "cat", "sat", "on", "mat", "tax"]
    tokenizer = BertWordPieceTokenizer(vocab={word: i for i, word in enumerate(words)})
    fast = BertTokenizerFast(tokenizer_object=tokenizer._tokenizer, model_max_length=32)
    fast.save_pretrained(folder)
    config = BertConfig(
        vocab_size=len(words),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=40,
        num_labels=labels,
        initializer_range=0.5,  # so that scores of a random model differ
    )
    torch.manual_seed(0)
    BertForSequenceClassification(config).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("sentence_transformers", reason="sentence-transformers is not installed")
    return save_tiny(tmp_path_factory.mktemp("cross") / "tiny", labels=1)


@real
def test_scores_are_those_of_the_library_in_the_order_of_the_texts(tiny: Path) -> None:
    from sentence_transformers import CrossEncoder

    reranker = make_reranker("cross-encoder:tiny", tiny.parent)
    scores = asyncio.run(reranker.rerank("where is the cat", TEXTS * 9))
    plain = [text.replace("\ud800", "?") for text in TEXTS * 9]
    expected = CrossEncoder(str(tiny)).predict([("where is the cat", text) for text in plain])
    assert scores == pytest.approx(expected.tolist(), abs=1e-5)
    assert len(set(scores[:5])) == 5


@real
def test_a_search_is_put_in_the_order_of_the_reranker(tiny: Path, tmp_path: Path) -> None:
    reranker = CrossEncoderReranker(str(tiny))
    with KnowledgeBase.open(tmp_path / "index", HashEmbedder()) as base:
        base.add((f"{n}.txt", f"The cat sat {'on the mat ' * n}") for n in range(1, 9))
        found = base.search("cat", 8, search=Search(reranker=reranker))
    texts = [f"{citation.metadata['title']}\n{citation.quote}" for citation in found]
    scores = asyncio.run(reranker.rerank("cat", texts))
    assert len(set(scores)) == 8
    assert scores == sorted(scores, reverse=True)


@real
def test_no_texts_no_scores(tiny: Path) -> None:
    assert asyncio.run(CrossEncoderReranker(str(tiny)).rerank("cat", [])) == []


@real
def test_a_classifier_is_no_reranker(tmp_path: Path) -> None:
    model = save_tiny(tmp_path / "classifier", labels=3)
    with pytest.raises(InputError, match="tells 3 labels apart"):
        asyncio.run(CrossEncoderReranker(str(model)).rerank("cat", ["mat"]))


@real
def test_a_broken_model_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(InputError, match="cannot be loaded") as caught:
        asyncio.run(make_reranker(f"cross-encoder:{tmp_path}", Path()).rerank("cat", ["mat"]))
    assert "\n" not in str(caught.value)


@pytest.mark.skipif(INSTALLED, reason="sentence-transformers is installed")
def test_a_missing_library_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(NotInstalledError, match=r"pip install 'bottega\[local\]'"):
        make_reranker("cross-encoder:x", tmp_path)


def test_other_names_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"unknown reranker 'cros-encoder'.*did you mean"):
        make_reranker("cros-encoder:x", tmp_path)
    with pytest.raises(InputError, match="no reranker is named"):
        make_reranker("cross-encoder", tmp_path)
