"""A pytest fixture: a plugin manager that knows the core's own plugin and nothing else.

from bottega.testing import clean_plugins  # in a test file, or in conftest.py

def test_mine(clean_plugins):
clean_plugins.register(my_plugin, "mine")
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bottega.plugin.manager import PluginManager, replace_default


@pytest.fixture
def clean_plugins() -> Iterator[PluginManager]:
    """Give a manager with `bottega.builtin` alone.

    Until the test ends it stands in the place of the process's own, and what is installed in the
    environment is not looked at: a test sees what it registers.
    """
    from bottega import builtin

    manager = PluginManager()
    manager.register(builtin, "core")
    before = replace_default(manager)
    yield manager
    replace_default(before)
