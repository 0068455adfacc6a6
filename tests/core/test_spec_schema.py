"""The published JSON Schema: the same as the code's, and of one mind with the reader."""

import json
from pathlib import Path

import jsonschema
import pytest
import yaml

from bottega.errors import GraphError
from bottega.spec.reader import parse_graph, read_graph
from bottega.spec.schema import graph_schema

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted((ROOT / "examples").rglob("*.yaml"))
HEAD = "nodes: {lead: {kind: specialist}}\nedges: [start -> lead, lead -> end]\n"


@pytest.fixture(scope="module")
def validator():
    schema = graph_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def test_the_published_schema_is_the_code_s():
    published = json.loads((ROOT / "docs" / "graph.schema.json").read_text())
    assert published == graph_schema()


def test_there_are_examples():
    assert EXAMPLES


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_every_example_is_valid(validator, path):
    validator.validate(yaml.safe_load(path.read_text()))
    assert read_graph(path).nodes


GOOD = [
    HEAD,
    HEAD + "model: {openai:gpt-5: {timeout: 30}}\n",
    HEAD + "limits: {steps: 1, seconds: 0.5, tokens: 10, repeats: 3}\n",
    HEAD + "middleware: [retry, {cache: {size: 3}}]\n",
    "nodes: {a: {kind: x, anything: [1, {b: c}], sampling: {temperature: 0, stop: x}}}\n"
    "edges: [start -> a, {a -> end: done}, 'a -> b: other', a -> c: third]\n",
    "nodes: {a: {kind: x, allow: [network, 'files:read:docs'], tools: [b, {c: {d: 1}}]}}\n"
    "edges: [start->a]\n",
]
BAD = [
    "nodes: {}\nedges: [start -> a]\n",
    "nodes: {a: {kind: x}}\n",
    "edges: [start -> a]\n",
    "[]",
    HEAD + "nam: x\n",
    HEAD + "name: 1\n",
    HEAD + "name: ''\n",
    HEAD + "model: 1.5\n",
    HEAD + "model: [a]\n",
    HEAD + "model: {a: {}, b: {}}\n",
    HEAD + "model: two words\n",
    HEAD + "middleware: retry\n",
    HEAD + "limits: {steps: 0}\n",
    HEAD + "limits: {steps: true}\n",
    HEAD + "limits: {steps: 10001}\n",
    HEAD + "limits: {step: 4}\n",
    HEAD + "include: other.yaml\n",
    "nodes: {start: {kind: x}}\nedges: [start -> a]\n",
    "nodes: {A: {kind: x}}\nedges: [start -> a]\n",
    "nodes: {a: {}}\nedges: [start -> a]\n",
    "nodes: {a: }\nedges: [start -> a]\n",
    "nodes: {a: {kind: 1}}\nedges: [start -> a]\n",
    "nodes: {a: {kind: x, tools: calculator}}\nedges: [start -> a]\n",
    "nodes: {a: {kind: x, sampling: {temperature: 3}}}\nedges: [start -> a]\n",
    "nodes: {a: {kind: x, sampling: {temp: 1}}}\nedges: [start -> a]\n",
    "nodes: {a: {kind: x, allow: [all]}}\nedges: [start -> a]\n",
    "nodes: {a: {kind: x, include: y}}\nedges: [start -> a]\n",
    "nodes: {a: {kind: x}}\nedges: []\n",
    "nodes: {a: {kind: x}}\nedges: start -> a\n",
    "nodes: {a: {kind: x}}\nedges: [start => a]\n",
    "nodes: {a: {kind: x}}\nedges: [a -> b -> c]\n",
    "nodes: {a: {kind: x}}\nedges: [{a -> b: 1}]\n",
    "nodes: {a: {kind: x}}\nedges: [{a -> b: x, b -> c: y}]\n",
    "nodes: {a: {kind: x}}\nedges: [17]\n",
]


@pytest.mark.parametrize("text", GOOD)
def test_what_the_reader_takes_the_schema_takes(validator, text):
    parse_graph(text)
    validator.validate(yaml.safe_load(text))


@pytest.mark.parametrize("text", BAD)
def test_what_the_reader_refuses_the_schema_refuses(validator, text):
    with pytest.raises(GraphError):
        parse_graph(text)
    assert not validator.is_valid(yaml.safe_load(text))
