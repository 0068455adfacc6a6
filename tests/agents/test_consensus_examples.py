"""The examples of panels, talks and rubrics run on the embedded model as they stand."""

import shutil
from pathlib import Path

import pytest

from bottega import Graph
from bottega.cli.main import run as bottega
from bottega.events import Decision, MessageSent, Observation

EXAMPLES = Path(__file__).parents[2] / "examples"
QUESTION = "Who is the author of PEP 557?"
PANELS = ["vote", "judge", "debate", "best_of"]


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    """A folder with a few documents, indexed."""
    folder = tmp_path_factory.mktemp("house")
    (folder / "peps").mkdir()
    for number in (498, 557):
        shutil.copy(EXAMPLES / "peps" / f"pep-{number:04}.rst", folder / "peps")
    assert bottega(["index", str(folder / "peps"), "--quiet"]) == 0
    return folder


def ask(name, question, folder):
    shutil.copy(EXAMPLES / f"{name}.yaml", folder)
    return Graph.from_yaml(folder / f"{name}.yaml").run(question)


@pytest.mark.parametrize("name", PANELS)
def test_a_panel_answers_with_its_source(name, house):
    result = ask(name, QUESTION, house)
    assert result.status == "done"
    assert "Eric V. Smith" in result.answer
    assert [one.source for one in result.citations] == ["pep-0557.rst"]
    decided = [one for one in result.events if isinstance(one, Decision) and one.node == "panel"]
    assert "Eric V. Smith" in decided[-1].verdict


def test_a_panel_abstains_where_the_documents_do_not_tell(house):
    result = ask("vote", "How much does a kilo of apples cost in Lisbon?", house)
    assert result.status == "done"
    assert result.abstained


def test_a_critic_scores_by_a_rubric(house):
    result = ask("rubric", QUESTION, house)
    assert "Eric V. Smith" in result.answer
    decided = [one for one in result.events if isinstance(one, Decision)]
    assert [one.verdict for one in decided if one.probability is None] == []
    assert decided[-1].verdict == "accept"


def test_a_message_is_sent_by_a_plain_request(tmp_path):
    result = ask("messages", "Tell the cashier that the guests have paid", tmp_path)
    sent = [(one.node, one.to) for one in result.events if isinstance(one, MessageSent)]
    assert sent == [("waiter", "cashier")]


def test_messages_do_not_pass_for_the_task(tmp_path):
    result = ask("messages", "What is 6 * 7?", tmp_path)
    assert result.answer == "6 * 7 = 42."


def test_a_note_is_posted_by_a_plain_request(tmp_path):
    text = "Post on the blackboard a note with the topic dinner"
    result = ask("blackboard", text, tmp_path)
    assert ("the board",) in [(one.to,) for one in result.events if isinstance(one, MessageSent)]
    assert [one.tool for one in result.events if isinstance(one, Observation)] == ["post"]


def test_a_blackboard_stands_in_nobodys_way(tmp_path):
    assert ask("blackboard", "What is 6 * 7?", tmp_path).answer == "6 * 7 = 42."


def test_a_task_is_handed_over_by_a_plain_request(tmp_path):
    result = ask("handoff", "Hand this over to the accountant: what is 6 * 7?", tmp_path)
    assert result.answer == "6 * 7 = 42."
    sent = [(one.node, one.to) for one in result.events if isinstance(one, MessageSent)]
    assert sent == [("desk", "accountant")]
