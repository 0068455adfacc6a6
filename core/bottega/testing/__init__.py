"""Public fakes and checks for the tests of Bottega, of plugins and of applications.

`ScriptedModel` stands in for a paid model, a `Cassette` for everything; `check_tool` and
`check_model` are the conformance kit for plugin authors; `clean_plugins` and `cassette` are pytest
fixtures.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bottega.lazy import lazy_names

if TYPE_CHECKING:
    from bottega.cassette import Cassette
    from bottega.testing.cassettes import cassette
    from bottega.testing.fixtures import clean_plugins
    from bottega.testing.model_conformance import check_model
    from bottega.testing.scripted import Call, Say, ScriptedModel, call, calls
    from bottega.testing.tool_conformance import check_tool

__all__ = [
    "Call",
    "Cassette",
    "Say",
    "ScriptedModel",
    "call",
    "calls",
    "cassette",
    "check_model",
    "check_tool",
    "clean_plugins",
]

_HOMES = {
    "Call": "scripted",
    "Cassette": "cassettes",
    "Say": "scripted",
    "ScriptedModel": "scripted",
    "call": "scripted",
    "calls": "scripted",
    "cassette": "cassettes",
    "check_model": "model_conformance",
    "check_tool": "tool_conformance",
    "clean_plugins": "fixtures",
}

__getattr__ = lazy_names(__name__, _HOMES)
