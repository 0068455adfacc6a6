"""The file tools over a workspace of a test's own, called as an agent calls them."""

from __future__ import annotations

import asyncio
from pathlib import Path

from bottega.calling import call_tool
from bottega.plugin.context import FactoryContext
from bottega.plugin.manager import PluginManager
from bottega.tools import Output, Tool, ToolContext
from bottega_tools import plugin


class Tools:
    """Tools by name, made as a graph in the folder makes them."""

    def __init__(self, folder: Path, **options: object) -> None:
        plugins = PluginManager()
        plugins.register(plugin, "tools")
        self._context = FactoryContext(plugins=plugins, folder=folder)
        self._options = options

    def tool(self, name: str) -> Tool:
        made: Tool = self._context.make("tool", name, **self._options)
        return made

    def output(
        self, name: str, context: ToolContext | None = None, /, **arguments: object
    ) -> Output:
        tool = self.tool(name)
        checked = tool.validate(arguments)
        return asyncio.run(call_tool(tool, checked, context or ToolContext()))

    def __call__(self, name: str, /, **arguments: object) -> str:
        return self.output(name, **arguments).content
