"""A tool whose argument `to` names one of certain nodes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from bottega.errors import ToolArgumentError, suggest
from bottega.messages import Json
from bottega.tools import Tool

if TYPE_CHECKING:
    from bottega.model import ToolSpec


class AddressedTool(Tool):
    """A tool with the names of the nodes that `to` may be, and what each of them does."""

    effects = "none"
    """What it does lies in the run's own state, where it is done once."""

    def __init__(self, names: Sequence[str], peers: Mapping[str, str]) -> None:
        self.names = tuple(names)
        self._peers = peers

    @cached_property
    def spec(self) -> ToolSpec:
        """What models are told: with the names."""
        plain = super().spec
        told = (f"{name}: {self._peers.get(name, '')}".rstrip(": ") for name in self.names)
        properties: dict[str, Json] = dict(plain.parameters["properties"])
        properties["to"] = {**properties["to"], "enum": list(self.names)}
        return replace(
            plain,
            description=f"{plain.description} {'; '.join(told)}",
            parameters={**plain.parameters, "properties": properties},
        )

    def validate(self, arguments: Mapping[str, Json]) -> dict[str, Any]:
        """Return the arguments. Raises ToolArgumentError for a node that is not among them."""
        found = super().validate(arguments)
        if found["to"] not in self.names:
            hint = suggest(found["to"], self.names)
            raise ToolArgumentError(f"{self.name}: there is no {found['to']!r} here", hint=hint)
        return found
