"""An index that cannot be used as it is: it is refused with a reason and made anew by an update."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hash_embedder import HashEmbedder
from orchard import open_base, planted, segment, sources, update

from bottega.errors import StorageError
from bottega_plugins.knowledge.documents import splitter
from bottega_plugins.knowledge.index import postings
from bottega_plugins.knowledge.index.checksums import seal
from bottega_plugins.knowledge.index.manifest import read_manifest


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    return planted(tmp_path)


def _flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def _truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


DAMAGE: dict[str, Callable[[Path], None]] = {
    "flipped": _flip,
    "truncated": _truncate,
    "empty": lambda path: path.write_bytes(b"") and None,
    "missing": Path.unlink,
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_damage_to_any_file_is_found_named_and_repaired_by_an_update(
    docs: Path, damage: str
) -> None:
    base = open_base(docs)
    base.update()
    names = [p.relative_to(segment(base)) for p in segment(base).iterdir() if p.is_file()]
    assert len(names) >= 6
    for name in names:
        victim = segment(base) / name
        DAMAGE[damage](victim)
        with pytest.raises(StorageError) as caught:
            sources(open_base(docs), "plums")
        assert str(victim) in caught.value.message
        assert caught.value.hint == f"run: bottega index {docs}"
        report = update(docs)
        assert name.name in report.rebuilt
        assert not report.nothing_to_do
        assert sources(open_base(docs), "plums")[0] == "plums.rst"


@pytest.mark.parametrize("damage", ["flipped", "truncated", "empty"])
def test_damage_to_the_manifest_is_found(docs: Path, damage: str) -> None:
    base = open_base(docs)
    base.update()
    DAMAGE[damage](base.index / "manifest.json")
    with pytest.raises(StorageError, match=r"manifest\.json"):
        sources(open_base(docs), "plums")
    assert "manifest.json" in update(docs).rebuilt


def test_every_flipped_bit_of_a_manifest_is_found(docs: Path) -> None:
    base = open_base(docs)
    base.update()
    path = base.index / "manifest.json"
    whole = path.read_bytes()
    for place in range(0, len(whole), 7):
        data = bytearray(whole)
        data[place] ^= 2
        if data.translate(None, b" \n") == whole.translate(None, b" \n"):
            continue
        path.write_bytes(data)
        with pytest.raises(StorageError):
            sources(open_base(docs), "plums")


def test_a_forged_index_with_huge_numbers_is_refused(docs: Path) -> None:
    base = open_base(docs)
    base.update()
    folder = segment(base)
    vectors = folder / "vectors.faiss"
    data = bytearray(vectors.read_bytes())
    data[4:8] = (2**31 - 1).to_bytes(4, "little")
    vectors.write_bytes(data)
    (folder / "blocks.sha256").unlink()
    files = seal(folder)
    manifest = read_manifest(base.index)
    assert manifest
    forged = replace(manifest, segments=(replace(manifest.segments[0], files=files),))
    (base.index / "manifest.json").write_text(forged.dumps())
    with pytest.raises(StorageError, match=r"vectors\.faiss .* it is not 5 vectors with 64"):
        sources(open_base(docs), "plums")


def test_an_index_of_another_format_is_refused(docs: Path) -> None:
    base = open_base(docs)
    base.update()
    path = base.index / "manifest.json"
    path.write_text(path.read_text().replace('"format": 3', '"format": 99'))
    with pytest.raises(StorageError, match="format 99, not 3"):
        sources(open_base(docs), "plums")


@pytest.mark.parametrize("other", [HashEmbedder(name="new"), HashEmbedder(dimension=32)])
def test_another_embedder_is_refused_until_the_index_is_made_anew(
    docs: Path, other: HashEmbedder
) -> None:
    update(docs)
    with pytest.raises(StorageError, match="was made with the embedder 'hash'") as caught:
        sources(open_base(docs, other), "plums")
    assert caught.value.hint == f"run: bottega index {docs}"
    report = update(docs, other)
    assert (report.added, report.embedded) == (3, report.chunks)
    assert "was made with the embedder" in report.rebuilt
    assert sources(open_base(docs, other), "plums")[0] == "plums.rst"


def test_another_way_of_cutting_makes_passages_anew_and_keeps_vectors(
    docs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    update(docs)
    monkeypatch.setattr(splitter, "VERSION", splitter.VERSION + 1)
    with pytest.raises(StorageError, match="cuts documents otherwise"):
        sources(open_base(docs), "plums")
    report = update(docs)
    assert "cuts documents otherwise" in report.rebuilt
    assert (report.files, report.embedded) == (3, 0)


def test_another_way_of_scoring_words_makes_the_index_anew(
    docs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    update(docs)
    monkeypatch.setattr(postings, "K1", postings.K1 + 0.1)
    with pytest.raises(StorageError, match="weighs their words otherwise"):
        sources(open_base(docs), "plums")
    assert update(docs).embedded == 0
    assert sources(open_base(docs), "plums")[0] == "plums.rst"
