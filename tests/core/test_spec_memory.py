"""`context` and `memory` of a node, read from a graph file."""

import pytest

from bottega.compaction import ContextPolicy
from bottega.errors import GraphError
from bottega.spec.model import MemorySpec
from bottega.spec.reader import parse_graph

GRAPH = """
nodes:
  a: {{kind: specialist, {given}}}
edges: [start -> a, a -> end]
"""


def node(given: str):
    return parse_graph(GRAPH.format(given=given)).nodes[0]


@pytest.mark.parametrize(
    ("given", "policy"),
    [
        ("context: {}", ContextPolicy()),
        ("context: {most: 24000}", ContextPolicy(most=24_000)),
        ("context: {keep_last: 0, how: drop}", ContextPolicy(keep_last=0, how="drop")),
        ("description: none", None),
    ],
)
def test_context_is_read(given, policy):
    assert node(given).context == policy


@pytest.mark.parametrize(
    ("given", "memory"),
    [
        ("memory: {}", MemorySpec(facts=True, episodes=False)),
        ("memory: {facts: false, episodes: true}", MemorySpec(facts=False, episodes=True)),
        ("memory: {user: anna}", MemorySpec(user="anna")),
        ("description: none", None),
    ],
)
def test_memory_is_read(given, memory):
    assert node(given).memory == memory


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ("context: 24000", "context: expected a mapping"),
        ("context: {most: 3}", "context.most: expected a whole number from 256"),
        ("context: {most: lots}", "context.most: expected a whole number"),
        ("context: {how: forget}", "context.how: 'forget' is no way of making room"),
        ("context: {how: 3}", "context.how: expected summary or drop"),
        ("context: {keep: 3}", "did you mean 'keep_last'?"),
        ("memory: sqlite", "memory: expected a mapping"),
        ("memory: {episodes: sure}", "memory.episodes: expected true or false"),
        (f"memory: {{user: {'a' * 201}}}", "is too long"),
    ],
)
def test_what_it_cannot_be_is_a_finding(given, problem):
    with pytest.raises(GraphError) as raised:
        node(given)
    assert problem in str(raised.value)
