"""Large segments: lists of near vectors, what they find and what of them is compared."""

from __future__ import annotations

from pathlib import Path

import pytest
from hash_embedder import HashEmbedder
from pond import manifest_of, texts

from bottega.errors import StorageError
from bottega_plugins.knowledge.index import clusters, store
from bottega_plugins.knowledge.index.checksums import BLOCK
from bottega_plugins.knowledge.knowledge_base import KnowledgeBase
from bottega_plugins.knowledge.search.search import Search


def test_a_large_segment_is_searched_by_lists_and_finds_nearly_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clusters, "MOST_FLAT", 1_000)
    documents = texts(2_000)
    base = KnowledgeBase.open(tmp_path / "base", HashEmbedder(dimension=16))
    base.add(documents)
    (info,) = manifest_of(base).segments
    assert info.clusters
    assert info.clusters.recall >= 0.95
    assert info.clusters.probes < info.clusters.lists
    how = Search(mode="vectors")
    found = base.search("frog frog pond reed", 10, search=how)
    monkeypatch.setattr(clusters, "MOST_FLAT", 10_000)
    flat = KnowledgeBase.open(tmp_path / "flat", HashEmbedder(dimension=16))
    flat.add(documents)
    exact = flat.search("frog frog pond reed", 10, search=how)
    assert len({f.key for f in found} & {f.key for f in exact}) >= 8
    scores = {f.key: f.score for f in exact}
    assert all(abs(f.score - scores.get(f.key, f.score)) < 1e-6 for f in found), "compared exactly"
    few = base.search("frog", 10, {"source": {"glob": "note 000*"}}, how)
    assert len(few) == 10, "a filter does not starve the lists"


def test_vectors_without_structure_are_found_all_the_same(tmp_path: Path) -> None:
    import numpy as np

    from bottega_plugins.knowledge.index.vectors import VectorWriter

    rows = np.random.default_rng(7).standard_normal((2_000, 64), dtype=np.float32)
    writer = VectorWriter(tmp_path, 64)
    writer.append(rows / np.linalg.norm(rows, axis=1, keepdims=True))
    writer.close()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(clusters, "MOST_FLAT", 1_000)
        info = clusters.build(tmp_path, 2_000, 64)
    assert info
    assert info.recall >= 0.95


def test_of_the_lists_only_those_that_are_looked_into_are_compared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clusters, "MOST_FLAT", 1_000)
    monkeypatch.setattr(clusters, "_ENOUGH", 0.05)
    monkeypatch.setattr(store, "_SMALL", 0)
    base = KnowledgeBase.open(tmp_path / "base", HashEmbedder())
    base.add(texts(6_000))
    (path,) = base.index.glob("segment-*/clusters.faiss")
    how = Search(mode="vectors")
    right = base.search("frog frog pond reed", 10, search=how)
    whole, told, missed = path.read_bytes(), 0, 0
    for block in range(-(-len(whole) // BLOCK)):
        data = bytearray(whole)
        data[min(block * BLOCK + 100, len(data) - 1)] ^= 4
        path.write_bytes(data)
        fresh = KnowledgeBase.open(base.path, HashEmbedder())
        try:
            assert fresh.search("frog frog pond reed", 10, search=how) == right
            missed += 1
            assert block, "the centres are always looked at"
        except StorageError as error:
            assert f"{path} is damaged" in error.message
            told += 1
        with pytest.raises(StorageError, match="another one"):
            fresh.verify()
    assert 0 < told < missed
    path.write_bytes(whole)
    assert base.search("frog frog pond reed", 10, search=how) == right
