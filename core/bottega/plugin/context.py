"""What the factory of an offer gets to know."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bottega.offer import OfferKind
    from bottega.plugin.manager import PluginManager


@dataclass(frozen=True, kw_only=True)
class FactoryContext:
    """Where a thing is made, and by what name it was asked for."""

    plugins: PluginManager
    folder: Path = field(default_factory=Path.cwd)
    """Relative paths in a graph are relative to this: the folder of the graph file."""
    home: Path | None = None
    """Where state is kept; None for `BOTTEGA_HOME`, or `.bottega` beside the graph."""
    argument: str = ""
    """What stood after the colon of the name: `gpt-5-mini` of `openai:gpt-5-mini`."""

    @property
    def state_folder(self) -> Path:
        """The folder for state on disk; not created yet."""
        from bottega.home import state_folder

        return self.home or state_folder(self.folder)

    def make(self, kind: OfferKind, name: str, /, **options: Any) -> Any:
        """Make another registered thing, for the same graph. Raises UnknownNameError."""
        return self.plugins.make(kind, name, self, **options)
