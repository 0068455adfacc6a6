"""A pytest fixture: a cassette beside the test that asks for it.

    from bottega.testing import cassette  # in a test file, or in conftest.py

    def test_research(cassette):
        result = graph.run("What changed in PEP 701?")

The first time the test records `cassettes/test_file/test_research.jsonl`, from then on it replays
that, offline. `BOTTEGA_CASSETTES=record` records anew; `replay` refuses to record: for CI.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import get_args

import pytest

from bottega.cassette import Cassette, Mode
from bottega.errors import InputError

MODE = "BOTTEGA_CASSETTES"


@pytest.fixture
def cassette(request: pytest.FixtureRequest) -> Iterator[Cassette]:
    """Give the test its own cassette, open; a test that fails leaves no recording."""
    mode = os.environ.get(MODE, "auto")
    if mode not in get_args(Mode):
        raise InputError(f"{MODE} is {mode!r}", hint=f"known: {', '.join(get_args(Mode))}")
    name = re.sub(r"[^\w.-]+", "-", request.node.name)
    file = request.path.parent / "cassettes" / request.path.stem / f"{name}.jsonl"
    made, failed = Cassette(file, mode), request.session.testsfailed  # type: ignore[arg-type]
    with made:
        yield made
        if request.session.testsfailed > failed:
            made.drop()
