"""Fusion: several orders made one, and the second look at its candidates."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from bottega_plugins.knowledge.search.agreement import CANDIDATES, rescored
from bottega_plugins.knowledge.search.fusion import reciprocal_rank
from bottega_plugins.knowledge.words import words

numbers = st.lists(st.integers(min_value=0, max_value=40), unique=True, max_size=12)


def unit(rows: NDArray[np.float64]) -> NDArray[np.float32]:
    lengths = np.linalg.norm(rows, axis=-1, keepdims=True)
    found: NDArray[np.float32] = (rows / lengths).astype(np.float32)
    return found


def at_angles(*degrees: float) -> NDArray[np.float32]:
    turns = np.radians(degrees)
    return unit(np.stack([np.cos(turns), np.sin(turns)], axis=1))


def floats(*values: float) -> NDArray[np.float32]:
    return np.array(values, dtype=np.float32)


EAST = at_angles(0)[0]


def order(scores: NDArray[np.float64]) -> list[int]:
    return [int(place) for place in np.argsort(-scores, kind="stable")]


def test_reciprocal_rank_adds_a_share_for_each_place() -> None:
    fused = dict(reciprocal_rank([[7, 3], [3, 9]]))
    assert fused == {7: 1 / 61, 3: 1 / 62 + 1 / 61, 9: 1 / 62}


def test_what_two_lists_name_comes_before_what_one_names() -> None:
    assert [number for number, _ in reciprocal_rank([[7, 3], [9, 3]])] == [3, 7, 9]


def test_a_weight_counts_as_if_the_list_stood_there_as_often() -> None:
    twice = dict(reciprocal_rank([[1, 2], [1, 2], [2, 1]]))
    assert dict(reciprocal_rank([[1, 2], [2, 1]], [2, 1])) == pytest.approx(twice)


def test_as_many_weights_as_lists_are_needed() -> None:
    with pytest.raises(ValueError, match="shorter"):
        reciprocal_rank([[1], [2]], [1.0])


@given(st.lists(numbers, max_size=4))
def test_fusion_keeps_every_number_once_and_falls_from_best_to_worst(
    lists: list[list[int]],
) -> None:
    fused = reciprocal_rank(lists)
    assert sorted(number for number, _ in fused) == sorted(set[int]().union(*lists))
    assert fused == sorted(fused, key=lambda item: (-item[1], item[0]))


@given(numbers, st.integers(min_value=1, max_value=4))
def test_lists_that_agree_are_fused_to_what_they_say(found: list[int], times: int) -> None:
    assert [number for number, _ in reciprocal_rank([found] * times)] == found


def test_the_second_look_counts_by_how_much_one_is_better() -> None:
    # by rank the first two are equal: each is first in one list and second in the other
    far_apart = at_angles(10, 12, 100, 190, 280)
    scores = rescored(floats(3, 9, 0, 0, 0), far_apart, EAST)
    assert order(scores)[:2] == [1, 0]


def test_words_and_vectors_both_count() -> None:
    vectors = at_angles(0, 90, 180, 270)
    assert order(rescored(floats(0, 0, 0, 0), vectors, EAST))[0] == 0
    assert order(rescored(floats(0, 9, 0, 0), at_angles(90, 90, 90, 90), EAST))[0] == 1


def test_neighbours_that_answer_lift_a_passage_above_its_equal() -> None:
    # 6 and 7 have the same word score and cosine; only 6 stands among passages that answer
    vectors = np.zeros((20, 21), dtype=np.float32)
    vectors[np.arange(20), np.arange(20)] = 1  # unlike each other
    vectors[:7] = unit(np.eye(21)[:7] + 2 * np.eye(21)[20])  # all but for the first seven
    words_ = np.zeros(20, dtype=np.float32)
    words_[:6] = 5
    scores = rescored(words_, vectors, np.zeros(21, dtype=np.float32))
    assert scores[6] > scores[7]
    assert order(scores)[6] == 6


def test_neighbours_do_not_change_the_order_of_equal_texts() -> None:
    vectors = np.repeat(at_angles(30), 12, axis=0)
    scores = rescored(floats(*range(12)), vectors, EAST)
    assert order(scores) == list(range(11, -1, -1))


def test_a_bonus_is_added_in_standard_deviations() -> None:
    vectors, found = at_angles(0, 90, 180, 270), floats(4, 3, 2, 1)
    plain = rescored(found, vectors, EAST)
    lifted = rescored(found, vectors, EAST, bonus=floats(0, 0, 0, 5))
    assert order(plain)[0] == 0
    assert order(lifted)[0] == 3
    odds = np.log(lifted / (1 - lifted)) - np.log(plain / (1 - plain))
    assert odds == pytest.approx([0, 0, 0, 5], abs=1e-5)


def test_a_query_vector_with_nan_leaves_the_words_to_decide() -> None:
    asked = np.full(2, np.nan, dtype=np.float32)
    assert order(rescored(floats(1, 3, 2), at_angles(0, 90, 180), asked)) == [1, 2, 0]


@pytest.mark.parametrize("count", [0, 1, 2, 6])
def test_few_candidates_have_scores_too(count: int) -> None:
    vectors = np.zeros((count, 2), dtype=np.float32)
    scores = rescored(np.zeros(count, dtype=np.float32), vectors, EAST)
    assert scores.tolist() == [0.5] * count


@given(st.integers(min_value=0, max_value=2**32 - 1), st.integers(min_value=1, max_value=40))
def test_scores_lie_between_0_and_1_whatever_the_passages(seed: int, count: int) -> None:
    chance = np.random.default_rng(seed)
    vectors = unit(chance.normal(size=(count, 8)))
    scores = rescored(
        chance.exponential(size=count).astype(np.float32), vectors, unit(chance.normal(size=8))
    )
    assert scores.shape == (count,)
    assert all(0 < score < 1 and not math.isnan(score) for score in scores.tolist())


@given(st.integers(min_value=0, max_value=2**32 - 1))
def test_the_candidates_order_does_not_matter(seed: int) -> None:
    chance = np.random.default_rng(seed)
    vectors, asked = unit(chance.normal(size=(30, 8))), unit(chance.normal(size=8))
    found = chance.exponential(size=30).astype(np.float32)
    turned = chance.permutation(30)
    assert rescored(found[turned], vectors[turned], asked) == pytest.approx(
        rescored(found, vectors, asked)[turned], abs=1e-5
    )
    assert len(turned) <= CANDIDATES


@pytest.mark.parametrize("count", [1, 7, 90])
def test_numbers_that_are_all_zero_change_no_score(count: int) -> None:
    chance = np.random.default_rng(count)
    vectors, asked = unit(chance.normal(size=(count, 8))), unit(chance.normal(size=8))
    found = chance.exponential(size=count).astype(np.float32)
    longer = np.pad(vectors, ((0, 0), (0, 1_000)))
    assert rescored(found, longer, np.pad(asked, (0, 1_000))) == pytest.approx(
        rescored(found, vectors, asked), abs=1e-5
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("I don't know what you're asking", ["know", "ask"]),
        ("The bank\u2019s card isn\u2019t working", ["bank", "card", "work"]),
        ("no evidence, not without doubt", ["no", "evid", "not", "without", "doubt"]),
        ("vitamin D and T cells", ["vitamin", "d", "t", "cell"]),
        ("May 2020 in the US", ["may", "2020", "us"]),
        ("rock'n'roll", ["rock", "n", "roll"]),
    ],
)
def test_words_leave_out_what_only_joins_and_keep_what_negates(
    text: str, expected: list[str]
) -> None:
    assert words(text) == expected
