"""Passages that tell of another thing than the one asked about."""

import pytest

from bottega_plugins.models.embedded.passages import Passage
from bottega_plugins.models.embedded.question import Question
from bottega_plugins.models.embedded.rivals import DOUBT, trust

HUMBER = "Humber Bridge", "It is 2,220 metres long. It was designed by Freeman Fox."


@pytest.mark.parametrize(
    ("question", "place", "doubted"),
    [
        ("How long is the Humber Bridge?", HUMBER, False),
        ("How long is the bridge?", HUMBER, False),
        ("How long is the Forth Bridge?", HUMBER, True),
        ("How tall is Everest?", HUMBER, True),
        ("What did Freeman Fox design?", HUMBER, False),
        ("When was the Italian poet born?", ("Dante", "He was born in Italy in 1265."), False),
        ("How many pages has PEP 7?", ("PEP 007", "It has 12 pages."), False),
        ("how long is it?", HUMBER, False),
    ],
)
def test_only_a_passage_on_another_thing_is_doubted(question, place, doubted):
    passage = Passage("k", "a.md", *place, 0)
    assert trust(Question.read(question), passage) == (DOUBT if doubted else 1.0)
