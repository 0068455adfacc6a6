"""The example graphs: right as they stand, and run as their comments say."""

import json
import re
import shutil
from collections import defaultdict
from pathlib import Path

import pytest

from bottega import Graph
from bottega.cli.main import run as bottega
from bottega.events import NodeStarted
from bottega.offer import Offer
from bottega.plugin.manager import PluginManager
from bottega.plugin.spec import hookimpl
from bottega.questions import Ruling
from bottega.testing import ScriptedModel, calls
from bottega.testing import call as calling

EXAMPLES = Path(__file__).parents[2] / "examples"


class Cast:
    """One model for all nodes of a graph; each has replies of its own, by its name."""

    def __init__(self, **replies):
        self.heard = defaultdict(list)
        self._left = {name: list(said) for name, said in replies.items()}
        self.model = ScriptedModel(self._reply, repeat=True)

    def _reply(self, request):
        told = request.messages[0].text
        found = re.match(r"You are (\w+),", told)
        name = found[1] if found else "decider"
        self.heard[name].append(request.messages[-1].text)
        return self._left[name].pop(0)

    @hookimpl
    def bottega_models(self):
        """Offer the model, so that graphs can name it."""
        return [Offer(name="cast", summary="Scripted.", factory=lambda context: self.model)]


def graph(name, cast, folder=EXAMPLES, **options):
    """The example with the cast's model in place of every other."""
    plugins = PluginManager.discover()
    plugins.register(cast, "cast")
    return Graph.from_yaml(folder / f"{name}.yaml", model="cast", plugins=plugins, **options)


def run(name, cast, task="go", ask=None, **options):
    result = graph(name, cast, **options).run(task, ask=ask)
    return result, [event.node for event in result.events if isinstance(event, NodeStarted)]


def verdict(value, probability=0.95):
    return json.dumps({"verdict": value, "probability": probability, "reason": "because"})


@pytest.mark.parametrize(
    ("said", "goes"),
    [("A refund.", "refunds"), ("A bug", "bugs"), ("A bug and a refund", "refunds")],
)
def test_route(said, goes):
    result, _ = run("route", Cast(triage=[said], refunds=["refunds"], bugs=["bugs"]))
    assert (result.status, result.answer) == ("done", goes)


@pytest.mark.parametrize("triage", [["Something else"], ["", "", ""]])
def test_route_to_a_person(triage):
    async def ask(question):
        assert question.startswith("What shall we answer?")
        return "Thank you."

    result, _ = run("route", Cast(triage=triage), ask=ask)
    assert result.answer == "Thank you."


def test_parallel():
    result, nodes = run("parallel", Cast(advocate=["for"], sceptic=["against"], editor=["both"]))
    assert result.answer == "both"
    assert nodes[-1] == "editor"


def test_approve(tmp_path):
    kept = {"durable": True, "store": tmp_path / "bottega.db"}
    first, _ = run("approve", Cast(writer=["Lunch?"]), **kept)
    assert first.status == "waiting"

    def ruled(before, ruling, cast):
        (question,) = [event.question for event in before.events if event.kind == "asked"]
        return graph("approve", cast, **kept).resume(first.run_id, {question["id"]: ruling})

    cast = Cast(writer=["Lunch at Nino's?"])
    second = ruled(first, Ruling(verdict="reject", text="name the place"), cast)
    assert "name the place" in cast.heard["writer"][0]
    assert ruled(second, Ruling(verdict="approve"), Cast()).answer == "Lunch at Nino's?"


def test_loop_polishes_once():
    cast = Cast(
        writer=["bad", "good"],
        polisher=["better"],
        decider=[verdict(False, 0.2), verdict(True, 0.8), verdict(True, 0.85)],
    )
    result, nodes = run("loop", cast)
    assert result.answer == "better"
    assert nodes == ["writer", "critic", "writer", "critic", "polisher", "critic"]


def test_loop_ends_with_the_best_version():
    cast = Cast(
        writer=["one", "two", "three"],
        decider=[verdict(False, 0.2), verdict(False, 0.4), verdict(False, 0.1)],
    )
    result, _ = run("loop", cast)
    assert result.answer == "two"


def test_map_on_the_embedded_model():
    result = Graph.from_yaml(EXAMPLES / "map.yaml").run("17 * 23\n1024 / 32")
    assert result.status == "done"
    assert "391" in result.answer.split("\n\n")[0]
    assert "32" in result.answer.split("\n\n")[1]


def test_nested(tmp_path):
    for name in ("nested.yaml", "research.yaml"):
        shutil.copy(EXAMPLES / name, tmp_path)
    (tmp_path / "peps").mkdir()
    shutil.copy(EXAMPLES / "peps" / "pep-0557.rst", tmp_path / "peps")
    assert bottega(["index", str(tmp_path / "peps"), "--quiet"]) == 0
    both = calls([calling("researchers", task="find it"), calling("sums", task="add it")])
    cast = Cast(lead=[both, "Found inside.", "All together."], sums=["4"], decider=[verdict(True)])
    result, nodes = run("nested", cast, folder=tmp_path)
    assert result.answer == "All together."
    assert set(nodes) == {"lead", "researchers", "researchers/lead", "researchers/reviewer", "sums"}
