"""What is asked of a search and what comes back: phrases, very many, odd scores, less work."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from hash_embedder import HashEmbedder

from bottega.errors import InputError
from bottega_plugins.knowledge.index import clusters
from bottega_plugins.knowledge.index.passage_file import PassageFile
from bottega_plugins.knowledge.knowledge_base import KnowledgeBase
from bottega_plugins.knowledge.search.search import Search


@pytest.fixture
def embedder() -> HashEmbedder:
    return HashEmbedder()


@pytest.fixture
def base(tmp_path: Path, embedder: HashEmbedder) -> KnowledgeBase:
    base = KnowledgeBase.open(tmp_path / "base", embedder)
    base.add(
        [
            ("a", "A cold winter came to the pond."),
            ("b", "In winter a cold frog sleeps."),
            ("c", "Cold, winter: so it says here, in marks."),
            {"source": "d", "title": "The cold winter", "content": "Toads sleep."},
            ("e", "# Cold winter\n\nNewts sleep."),
        ]
    )
    return base


def sources(base: KnowledgeBase, query: str, search: Search, k: int = 9) -> list[str]:
    return [citation.source for citation in base.search(query, k, search=search)]


def test_one_phrase_is_a_phrase(base: KnowledgeBase) -> None:
    assert sorted(sources(base, "sleep", Search(exact="cold winter"))) == ["a", "c", "d", "e"]  # type: ignore[arg-type]
    assert Search(exact=["one", "two"]) == Search(exact=("one", "two"))  # type: ignore[arg-type]


@pytest.mark.parametrize("exact", [5, None, ("a", 5), {"a": "b"}])
def test_what_is_no_phrase_is_named(exact: object) -> None:
    with pytest.raises(InputError, match="exact must be phrases"):
        Search(exact=exact)  # type: ignore[arg-type]


@pytest.mark.parametrize("mode", ["hybrid", "words", "vectors"])
def test_phrases_are_looked_for_in_the_best_passages_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    base = KnowledgeBase.open(tmp_path / "base", HashEmbedder())
    rare = {7: "Winter cold frogs", 1_500: "winter cold 1500"}
    base.add(
        (f"{number:04d}", f"{rare.get(number, 'cold winter')} of frogs {number}")
        for number in range(2_000)
    )
    reads = 0
    read = PassageFile.read

    def counted(self: PassageFile, number: int) -> object:
        nonlocal reads
        reads += 1
        return read(self, number)

    monkeypatch.setattr(PassageFile, "read", counted)
    how = Search(mode=mode, exact=("cold winter",))  # type: ignore[arg-type]
    assert len(sources(base, "frogs", how, 5)) == 5
    assert reads < 50
    rarely = Search(mode=mode, exact=("winter cold",))  # type: ignore[arg-type]
    assert sorted(sources(base, "frogs", rarely, 5)) == ["0007", "1500"]
    assert len(sources(base, "frogs", how, 3_000)) == 1_998


def test_a_search_that_needs_no_vector_computes_none(
    base: KnowledgeBase, embedder: HashEmbedder
) -> None:
    before = embedder.embedded
    assert sources(base, "frog", Search(mode="words")) == ["b"]
    assert sources(base, "frog", Search(mode="words", diversity=0.5)) == ["b"]
    assert base.search("frog", filters={"source": "nothing"}) == []
    assert sources(base, "frog", Search(exact=("no such thing",))) == []
    assert embedder.embedded == before


class Odd:
    """A reranker that gives these scores."""

    def __init__(self, *scores: float) -> None:
        self.scores = scores

    async def rerank(self, query: str, texts: Sequence[str]) -> Sequence[float]:
        return self.scores[: len(texts)]


@pytest.mark.parametrize("odd", [float("nan"), float("-inf"), float("inf")])
@pytest.mark.parametrize("diversity", [0.0, 0.1])
def test_scores_that_are_no_numbers_come_last(
    base: KnowledgeBase, odd: float, diversity: float
) -> None:
    how = Search(reranker=Odd(1, odd, 3, 2, 4), diversity=diversity)
    found = base.search("cold winter", 5, search=how)
    scores = [citation.score for citation in found]
    assert [each for each in scores if 1 <= each <= 4] == [4, 3, 2, 1]
    assert scores.index(min(scores)) == 4


@pytest.mark.parametrize("odd", [1e300, -1e300])
def test_scores_far_from_others_are_numbers_all_the_same(base: KnowledgeBase, odd: float) -> None:
    how = Search(reranker=Odd(1, odd, -1e300, 2, 4), diversity=0.1)
    scores = [citation.score for citation in base.search("cold winter", 5, search=how)]
    assert scores[0] == max(scores) == min(max(odd, 4), 1e30)
    assert len(scores) == 5


def test_scores_none_of_which_is_a_number_keep_the_order(base: KnowledgeBase) -> None:
    expected = sources(base, "cold winter", Search())
    assert sources(base, "cold winter", Search(reranker=Odd(*[float("nan")] * 5))) == expected


def test_a_reranker_gives_a_score_for_each_text(base: KnowledgeBase) -> None:
    with pytest.raises(InputError, match="gave 2 scores for 5 texts"):
        base.search("cold winter", search=Search(reranker=Odd(1, 2)))


def test_as_many_as_are_asked_for_come_from_a_large_segment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clusters, "MOST_FLAT", 1_000)
    base = KnowledgeBase.open(tmp_path / "base", HashEmbedder(dimension=16))
    base.add(
        {
            "source": f"{number:04d}",
            "content": f"{['frog', 'toad', 'newt', 'eft'][number % 4]} {number}",
            "metadata": {"half": number % 4 < 2},
        }
        for number in range(2_000)
    )
    how = Search(mode="vectors")
    assert len(base.search("frog", 1_000, search=how)) == 1_000
    assert len(base.search("frog", 5_000, search=how)) == 2_000
    assert len(base.search("newt", 990, {"half": True}, how)) == 990
    assert len(base.search("newt", 5_000, {"half": True}, how)) == 1_000
