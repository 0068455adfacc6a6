"""Every hook is documented, where its author reads and where a plugin's author reads."""

from __future__ import annotations

import inspect
import re
import sys
from pathlib import Path
from types import ModuleType
from typing import get_args

import pytest

from bottega.offer import OfferKind
from bottega.plugin import spec
from bottega.plugin.context import FactoryContext
from bottega.plugin.hooks import EVENT, HOOKS, NAMES
from bottega.plugin.manager import PluginManager
from bottega.testing import clean_plugins

__all__ = ["clean_plugins"]

PAGE = (Path(__file__).parents[2] / "docs" / "plugins.md").read_text("utf-8")
SPECIFIED = {
    name: value
    for name, value in vars(spec).items()
    if inspect.isfunction(value) and hasattr(value, "bottega_spec")
}


@pytest.mark.parametrize("name", sorted(SPECIFIED))
def test_a_hook_says_when_it_fires_and_what_its_result_means(name: str) -> None:
    text = inspect.getdoc(SPECIFIED[name]) or ""
    assert re.search(r"^Fires: \w", text, re.MULTILINE)
    assert re.search(r"^Result: \w", text, re.MULTILINE)
    assert re.search(r"^Example:\n    \S", text, re.MULTILINE)


@pytest.mark.parametrize("name", sorted(SPECIFIED))
def test_a_hook_is_on_the_page(name: str) -> None:
    assert f"`{name}`" in PAGE or f"`{name}(" in PAGE


def test_every_kind_has_a_hook_and_every_hook_is_known() -> None:
    assert set(HOOKS) == set(get_args(OfferKind))
    assert set(SPECIFIED) == NAMES == {*HOOKS.values(), EVENT}


def test_the_example_of_the_page_works(clean_plugins: PluginManager) -> None:
    (source,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    module = ModuleType("example_of_the_page")
    sys.modules[module.__name__] = module  # where the types of its tool are looked up
    try:
        exec(compile(source, "docs/plugins.md", "exec"), vars(module))
        clean_plugins.register(module, "weather")
        context = FactoryContext(plugins=clean_plugins)
        made = clean_plugins.make("tool", "wind_chill", context)
    finally:
        del sys.modules[module.__name__]
    assert made(0.0, 20.0) == -5.2
    assert not clean_plugins.failures
