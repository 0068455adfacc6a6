"""Facts: kept with their source, found by meaning and words, superseded, forgotten for good."""

import asyncio
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from hash_embedder import HashEmbedder
from hypothesis import given, settings
from hypothesis import strategies as st

from bottega.decider import Choice, Judgement, Option, Score
from bottega.errors import InputError, ModelUnreachableError
from bottega.memory import Episode, Fact, Memory, Source, export
from bottega.reminding import facts_to_show
from bottega_plugins.embedders.minilm_onnx import minilm
from bottega_plugins.memory.kept import KeptMemory
from bottega_plugins.memory.sqlite_file import SqliteFile


def opened(folder: Path, embedder: object = None) -> KeptMemory:
    made = embedder or minilm()
    return KeptMemory(lambda: SqliteFile(folder / "memory.db"), made)


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[KeptMemory]:
    made = opened(tmp_path)
    yield made
    asyncio.run(made.aclose())


class Judge:
    """Says what a test wants; abstains by default."""

    name = "judge"

    def __init__(self, said: Judgement | Exception | None = None) -> None:
        self.said = said or Judgement(verdict=None)
        self.asked: list[str] = []

    async def judge(self, question: str, *, context: str = "") -> Judgement:
        self.asked.append(context)
        if isinstance(self.said, Exception):
            raise self.said
        return self.said

    async def choose(
        self, question: str, options: Sequence[Option], *, context: str = ""
    ) -> Choice:
        return Choice(name=None)

    async def score(self, question: str, *, context: str = "") -> Score:
        return Score(value=None)


YES = Judgement(verdict=True, probability=0.95)


def kept(memory: Memory, *texts: str, judge: Judge | None = None, **fields: object) -> list[Fact]:
    async def remember() -> list[Fact]:
        return [await memory.remember(Fact(text=text, **fields), judge) for text in texts]

    return asyncio.run(remember())


def found(memory: Memory, query: str, k: int = 5, **whose: str) -> list[str]:
    recalled = asyncio.run(memory.recall(query, k, **whose))
    assert all(0 <= one.score <= 1 for one in recalled)
    assert [one.score for one in recalled] == sorted((one.score for one in recalled), reverse=True)
    return [one.fact.text for one in recalled]


def test_it_is_a_memory(memory):
    assert isinstance(memory, Memory)


def test_facts_are_found_by_meaning_and_come_with_their_source(memory, tmp_path):
    source = Source(run="r1", node="lead", step=3, citation="a.md:1-2")
    kept(memory, "The deploy pipeline runs on Thursdays.", source=source, confidence=0.8)
    kept(memory, "Anna is allergic to peanuts.", "The office is in Basel.")
    assert found(memory, "food allergies", k=1) == ["Anna is allergic to peanuts."]
    assert found(memory, "quantum chromodynamics of neutron stars") == []
    asyncio.run(memory.aclose())
    other = opened(tmp_path)
    [recalled] = asyncio.run(other.recall("when do we release software?", 1))
    assert recalled.fact.text.startswith("The deploy pipeline")
    assert recalled.fact.source == source
    assert recalled.fact.confidence == 0.8
    assert recalled.fact.time > 1_700_000_000
    asyncio.run(other.aclose())


def test_rare_words_count(memory):
    kept(memory, "Ticket QX-4711 was closed.", "Ticket QX-0815 was closed.")
    assert found(memory, "QX-4711", k=1) == ["Ticket QX-4711 was closed."]


def test_users_do_not_see_each_other(memory):
    kept(memory, "My favourite colour is green.", user="anna")
    kept(memory, "My favourite colour is red.", user="bert")
    kept(memory, "The colour of the logo is blue.")
    both = {"My favourite colour is green.", "The colour of the logo is blue."}
    assert set(found(memory, "colour", user="anna")) == both
    assert found(memory, "colour") == ["The colour of the logo is blue."]
    assert found(memory, "colour", user="nobody knows") == ["The colour of the logo is blue."]


def test_the_same_fact_is_kept_once(memory):
    first, again = kept(memory, "Anna lives in Basel.", "  Anna lives in Basel. ")
    assert first.id == again.id
    assert len(asyncio.run(memory.facts())) == 1
    [other] = kept(memory, "Anna lives in Basel.", user="anna")
    assert other.id != first.id


def test_one_id_is_remembered_once(memory):
    first, again = kept(memory, "It is one.", "It is two.", id="call-7")
    assert (first.text, again.text) == ("It is one.", "It is one.")


def test_a_newer_fact_supersedes_the_older_which_stays_with_a_link(memory):
    judge = Judge(YES)
    old, new = kept(memory, "Anna lives in Basel.", "Anna lives in Lyon now.", judge=judge)
    assert new.supersedes == old.id
    assert len(judge.asked) == 1
    assert found(memory, "Where does Anna live?") == ["Anna lives in Lyon now."]
    first, second = asyncio.run(memory.facts())
    assert (first.superseded_by, second.superseded_by) == (new.id, "")
    [back] = kept(memory, "Anna lives in Basel.", judge=judge)
    assert back.id not in (old.id, new.id)
    assert back.supersedes == new.id


@pytest.mark.parametrize(
    "judge",
    [
        Judge(Judgement(verdict=False)),
        Judge(Judgement(verdict=True, probability=0.55)),
        Judge(),
        Judge(ModelUnreachableError("gone")),
        None,
    ],
)
def test_in_doubt_both_stay(memory, judge):
    kept(memory, "Anna lives in Basel.", "Anna works in Lyon.", judge=judge)
    assert len(found(memory, "Anna")) == 2


def test_without_a_judge_the_same_subject_and_much_the_same_words_decide(memory):
    kept(memory, "The limit is 40 requests a second.", subject="rate limit")
    kept(memory, "The limit is 60 requests a second.", subject="Rate limit")
    assert found(memory, "rate limit") == ["The limit is 60 requests a second."]
    kept(memory, "The limit is 60 requests a second.", subject="upload limit")
    assert len(found(memory, "limit of requests")) == 2


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Anna is allergic to peanuts.", "Anna is no longer allergic to peanuts."),
        ("My dog can swim.", "My dog can't swim."),
        ("Carl used to smoke.", "Carl smokes again."),
        ("The lift does not work.", "The lift works."),
    ],
)
def test_what_denies_an_older_fact_supersedes_it_without_a_judge(memory, one, other):
    old, new = kept(memory, one, other)
    assert new.supersedes == old.id
    [back] = kept(memory, one)
    assert back.supersedes == new.id


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Bert owes Anna money.", "Anna no longer owes Bert money."),
        ("Anna is allergic to peanuts.", "Anna is not only allergic to peanuts."),
        ("Anna is allergic to peanuts.", "No, Anna is allergic to peanuts."),
        ("Anna does not like tea.", "Anna never likes tea."),
        ("The limit is 40.", "The limit is not 50."),
    ],
)
def test_other_words_or_another_order_deny_nothing(memory, one, other):
    assert all(not fact.supersedes for fact in kept(memory, one, other))


def test_what_may_be_out_of_date_names_the_newer_fact(memory):
    texts = ("My sister lives in Lisbon.", "My sister has moved to Porto.", "My cat is grey.")
    older, newer, cat = kept(memory, *texts)
    recalled = asyncio.run(memory.recall("Where does my sister live?", 5))
    named = {one.fact.id: one.newer for one in recalled}
    assert named[older.id] == newer.id
    assert named[newer.id] == ""
    assert not named.get(cat.id)
    shown = [fact["fact"] for fact in facts_to_show(recalled)]
    assert shown.index(newer.text) < shown.index(older.text)


def test_another_users_fact_is_never_superseded(memory):
    kept(memory, "Anna lives in Basel.", user="bert")
    kept(memory, "Anna lives in Lyon.", user="carl", judge=Judge(YES))
    kept(memory, "Anna lives in Lyon.", judge=Judge(YES))
    both = {"Anna lives in Basel.", "Anna lives in Lyon."}
    assert set(found(memory, "Anna lives", user="bert")) == both


@pytest.mark.parametrize(
    ("fact", "problem"),
    [
        (Fact(text="  "), "without words"),
        (Fact(text="a" * 2_001), "2,001 characters"),
        (Fact(text="a", subject="b" * 201), "201 characters"),
        (Fact(text="a", confidence=1.5), "from 0 to 1"),
        (Fact(text="a", confidence=float("nan")), "from 0 to 1"),
    ],
)
def test_what_is_no_fact_is_refused(memory, fact, problem):
    with pytest.raises(InputError, match=problem):
        asyncio.run(memory.remember(fact))


SECRET = "the-code-is-zebra-99"


def on_disk(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.iterdir())


def test_forgetting_a_user_leaves_nothing_on_disk(memory, tmp_path):
    kept(memory, *(f"{SECRET} number {number}" for number in range(50)), user="anna")
    kept(memory, "Bert likes tea.", user="bert")
    episode = Episode(run="r1", task=f"find {SECRET}", user="anna", answer=SECRET)
    asyncio.run(memory.record(episode))
    assert SECRET.encode() in on_disk(tmp_path)
    assert asyncio.run(memory.forget(user="anna")) == 51
    assert SECRET.encode() not in on_disk(tmp_path)
    assert b"anna" not in on_disk(tmp_path)
    assert found(memory, SECRET, user="anna") == []
    assert asyncio.run(memory.similar(f"find {SECRET}", user="anna")) == []
    assert found(memory, "tea", user="bert") == ["Bert likes tea."]
    assert asyncio.run(memory.forget(user="anna")) == 0


def test_forgetting_a_fact_forgets_what_it_superseded(memory, tmp_path):
    judge = Judge(YES)
    codes = (f"The code of the front door is {SECRET}.", "The code of the front door is 1234.")
    _, new = kept(memory, *codes, judge=judge)
    kept(memory, "The door is green.")
    assert asyncio.run(memory.forget(id=new.id)) == 2
    assert SECRET.encode() not in on_disk(tmp_path)
    assert [fact.text for fact in asyncio.run(memory.facts())] == ["The door is green."]


def test_forgetting_says_what_it_needs(memory):
    for whom in ({}, {"user": "a", "id": "b"}):
        with pytest.raises(InputError, match="a user or one entry"):
            asyncio.run(memory.forget(**whom))
    with pytest.raises(InputError, match="nothing is remembered under 'x'"):
        asyncio.run(memory.forget(id="x"))


def test_export_holds_all_of_one_user(memory):
    import json

    kept(memory, "Anna lives in Basel.", "Anna lives in Lyon now.", user="anna", judge=Judge(YES))
    kept(memory, "Bert likes tea.", user="bert")
    asyncio.run(memory.record(Episode(run="r1", task="pack", user="anna", tools={"add": 2})))
    data = json.loads(json.dumps(asyncio.run(export(memory, "anna"))))
    assert [fact["text"] for fact in data["facts"]] == [
        "Anna lives in Basel.",
        "Anna lives in Lyon now.",
    ]
    assert data["facts"][0]["superseded_by"] == data["facts"][1]["id"]
    assert [Fact.from_json(fact) for fact in data["facts"]] == asyncio.run(memory.facts("anna"))
    assert [Episode.from_json(one) for one in data["episodes"]] == asyncio.run(
        memory.episodes("anna")
    )


def test_a_change_of_embedder_loses_nothing(tmp_path):
    first = opened(tmp_path, HashEmbedder())
    kept(first, "Anna is allergic to peanuts.", "The office is in Basel.")
    asyncio.run(first.aclose())
    second = opened(tmp_path)
    assert found(second, "food allergies", k=1) == ["Anna is allergic to peanuts."]
    asyncio.run(second.aclose())
    third = opened(tmp_path, minilm())
    assert found(third, "food allergies", k=1) == ["Anna is allergic to peanuts."]
    asyncio.run(third.aclose())


def test_what_others_change_is_seen(tmp_path):
    one, two = opened(tmp_path, HashEmbedder()), opened(tmp_path, HashEmbedder())
    [tea] = kept(one, "tea is hot")
    assert found(two, "tea is hot") == ["tea is hot"]
    kept(two, "ice is cold")
    assert found(one, "ice is cold", k=1) == ["ice is cold"]
    asyncio.run(two.forget(id=tea.id))
    kept(two, "soup is warm")
    assert "tea is hot" not in found(one, "tea is hot")
    assert found(one, "soup is warm", k=1) == ["soup is warm"]
    for memory in (one, two):
        asyncio.run(memory.aclose())


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.text(max_size=30), st.sampled_from(["", "a", "b"])), max_size=12))
def test_any_text_is_kept_or_refused_in_one_line(tmp_path_factory, items):
    folder = tmp_path_factory.mktemp("memory")
    memory = opened(folder, HashEmbedder())

    async def play() -> None:
        wanted = set()
        for text, user in items:
            try:
                fact = await memory.remember(Fact(text=text, user=user))
            except InputError as error:
                assert "\n" not in error.message
                continue
            wanted.add((fact.text, user))
        assert {(fact.text, fact.user) for fact in await memory.facts()} == wanted
        for user in ("a", "b", ""):
            await memory.forget(user=user)
        assert not await memory.facts()
        await memory.aclose()

    asyncio.run(play())
