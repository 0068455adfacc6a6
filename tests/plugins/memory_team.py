"""A graph with a memory, scripted models in it, and the plugins that it needs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import bottega.builtin
import bottega_agents.plugin
import bottega_plugins.embedders
import bottega_plugins.memory
import bottega_tools.plugin
from bottega import Graph, hookimpl
from bottega.messages import Message
from bottega.offer import Offer
from bottega.plugin.manager import PluginManager
from bottega.testing import ScriptedModel

GRAPH = """
name: keeper
model: scripted
memory: {memory}
nodes:
  clerk: {{kind: specialist, tools: [ask_user], memory: {{{use}}}}}
edges: [start -> clerk, clerk -> end]
"""


class Scripted:
    """Offers one model and nothing else."""

    def __init__(self, model: ScriptedModel) -> None:
        self.model = model

    @hookimpl
    def bottega_models(self) -> list[Offer]:
        return [Offer(name="scripted", summary="Scripted.", factory=lambda context: self.model)]


def plugins(model: ScriptedModel) -> PluginManager:
    manager = PluginManager()
    manager.register(bottega.builtin, "core")
    manager.register(bottega_agents.plugin, "agents")
    manager.register(bottega_tools.plugin, "tools")
    manager.register(bottega_plugins.embedders, "embedders")
    manager.register(bottega_plugins.memory, "memory")
    manager.register(Scripted(model), "scripted")
    return manager


def graph(
    folder: Path, *script: Any, use: str = "facts: true", memory: str = "sqlite", **options: Any
) -> tuple[Graph, ScriptedModel]:
    """Write the graph into the folder and read it."""
    model = ScriptedModel(*script)
    file = folder / "keeper.yaml"
    file.write_text(GRAPH.format(use=use, memory=memory))
    made = Graph.from_yaml(file, plugins=plugins(model), **options)
    return made, model


def told(message: Message) -> dict[str, Any]:
    """Return what a reminder quotes."""
    data: dict[str, Any] = json.loads(message.text.partition("\n")[2])
    return data
