"""Public fakes and checks for the tests of Bottega, of plugins and of applications.

`ScriptedModel` stands in for a paid model; `check_tool` and `check_model` are the conformance kit
for plugin authors; `clean_plugins` is a pytest fixture.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bottega.lazy import lazy_names

if TYPE_CHECKING:
    from bottega.testing.fixtures import clean_plugins
    from bottega.testing.model_conformance import check_model
    from bottega.testing.scripted import Call, Say, ScriptedModel, call, calls
    from bottega.testing.tool_conformance import check_tool

__all__ = [
    "Call",
    "Say",
    "ScriptedModel",
    "call",
    "calls",
    "check_model",
    "check_tool",
    "clean_plugins",
]

_HOMES = {
    "Call": "scripted",
    "Say": "scripted",
    "ScriptedModel": "scripted",
    "call": "scripted",
    "calls": "scripted",
    "check_model": "model_conformance",
    "check_tool": "tool_conformance",
    "clean_plugins": "fixtures",
}

__getattr__ = lazy_names(__name__, _HOMES)
