"""Maximal marginal relevance, by its properties."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from bottega_plugins.knowledge.search.diversity import diversified

Rows = NDArray[np.float32]


def unit(rows: Rows) -> Rows:
    scaled: Rows = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    return scaled


def candidates(seed: int, count: int) -> tuple[Rows, Rows]:
    rng = np.random.default_rng(seed)
    scores = np.sort(rng.standard_normal(count).astype(np.float32))[::-1]
    return scores, unit(rng.standard_normal((count, 8)).astype(np.float32))


seeds, counts = st.integers(0, 10_000), st.integers(1, 30)


@given(seeds, counts, st.integers(1, 40))
def test_without_diversity_the_order_stays(seed: int, count: int, k: int) -> None:
    assert diversified(*candidates(seed, count), k, 0.0) == list(range(min(k, count)))


@given(seeds, counts, st.integers(1, 40), st.floats(0, 1))
def test_every_candidate_is_chosen_once(seed: int, count: int, k: int, diversity: float) -> None:
    chosen = diversified(*candidates(seed, count), k, diversity)
    assert len(chosen) == len(set(chosen)) == min(k, count)
    assert set(chosen) <= set(range(count))


@given(seeds, counts, st.floats(0, 0.99))
def test_the_best_comes_first(seed: int, count: int, diversity: float) -> None:
    assert diversified(*candidates(seed, count), count, diversity)[0] == 0


@given(seeds, counts, st.floats(0, 1))
def test_fewer_are_the_beginning_of_more(seed: int, count: int, diversity: float) -> None:
    scores, vectors = candidates(seed, count)
    whole = diversified(scores, vectors, count, diversity)
    assert diversified(scores, vectors, 3, diversity) == whole[:3]


@given(seeds, st.sampled_from([0.25, 2.0, 1024.0]), st.floats(0, 1))
def test_the_scale_of_scores_does_not_matter(seed: int, factor: float, diversity: float) -> None:
    scores, vectors = candidates(seed, 12)
    expected = diversified(scores, vectors, 12, diversity)
    assert diversified(scores * np.float32(factor), vectors, 12, diversity) == expected


def test_copies_wait_until_something_else_was_said() -> None:
    one, other = unit(np.eye(2, 4, dtype=np.float32))
    vectors = np.stack([one, one, one, other])
    scores = np.array([4.0, 3.9, 3.8, 2.0], np.float32)
    assert diversified(scores, vectors, 2, 0.0) == [0, 1]
    assert diversified(scores, vectors, 4, 0.6) == [0, 3, 1, 2]


@given(seeds, st.integers(2, 20))
def test_most_diverse_means_least_alike(seed: int, count: int) -> None:
    scores, vectors = candidates(seed, count)
    first, second = diversified(scores, vectors, 2, 1.0)
    likeness = np.maximum(vectors @ vectors[first], 0)
    likeness[first] = 2
    assert likeness[second] == pytest.approx(likeness.min(), abs=1e-6)


def test_candidates_without_a_vector_are_like_no_other() -> None:
    vectors = np.zeros((3, 4), np.float32)
    assert diversified(np.array([3.0, 2.0, 1.0], np.float32), vectors, 3, 0.9) == [0, 1, 2]


def test_no_candidates_no_choice() -> None:
    assert diversified(np.empty(0, np.float32), np.empty((0, 4), np.float32), 5, 0.5) == []
