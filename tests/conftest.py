"""Fixtures that several rooms of the tests share."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings
from openai_server import ScriptedServer

# The workers of a test run share the cores: FAISS's threads would wait for one another's turns. It
# reads this when it is imported, which no test does before this file.
os.environ.setdefault("OMP_NUM_THREADS", "1")


# What a property takes on a busy machine says nothing about it.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")


@pytest.fixture
def openai_server() -> Iterator[ScriptedServer]:
    """Run a local server that speaks OpenAI chat completions; see `openai_server.py`."""
    server = ScriptedServer().start()
    yield server
    server.stop()


def pytest_make_parametrize_id(val, argname):
    """Name bytes by their argument: those with a time in them differ from worker to worker."""
    return argname if isinstance(val, bytes) else None
