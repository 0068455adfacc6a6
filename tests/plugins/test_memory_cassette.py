"""Runs with a memory on a cassette: played without the memory, and it is left as it is."""

import shutil

from memory_team import graph, told

from bottega.cassette import Cassette
from bottega.testing import call

USE = "facts: true, episodes: true"


def test_what_was_recalled_is_played_without_the_memory(tmp_path):
    first, _ = graph(tmp_path, call("remember", fact="Anna is allergic to peanuts."), "ok", use=USE)
    first.run("Take a note of Anna's allergies.")
    script = (call("recall", query="allergies of Anna"), "No peanuts.")
    recorded, model = graph(tmp_path, *script, use=USE)
    with Cassette(tmp_path / "run.jsonl", "record"):
        before = recorded.run("What are Anna's allergies?")
    assert set(told(model.requests[0].messages[1])) == {"facts", "episodes"}
    shutil.rmtree(tmp_path / ".bottega")
    unasked, silent = graph(tmp_path, use=USE)
    with Cassette(tmp_path / "run.jsonl", "replay"):
        after = unasked.run("What are Anna's allergies?")
    assert after.events == before.events
    assert not silent.requests
    assert not (tmp_path / ".bottega/memory.db").exists()
