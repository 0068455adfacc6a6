"""Fixtures that several rooms of the tests share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from openai_server import ScriptedServer


@pytest.fixture
def openai_server() -> Iterator[ScriptedServer]:
    """Run a local server that speaks OpenAI chat completions; see `openai_server.py`."""
    server = ScriptedServer().start()
    yield server
    server.stop()
