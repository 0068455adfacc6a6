"""What is known of a plugin, or a part of one, that does not work."""

from __future__ import annotations

from dataclasses import dataclass

from bottega.errors import BottegaError
from bottega.escape import one_line


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """Where a plugin comes from."""

    plugin: str
    """The entry point's name."""
    distribution: str = ""
    """What pip calls it; empty for a plugin that was registered by hand."""
    version: str = ""

    def failure(self, error: str, hint: str = "") -> PluginFailure:
        """Return a failure of this plugin."""
        return PluginFailure(
            plugin=self.plugin,
            distribution=self.distribution,
            version=self.version,
            error=error,
            hint=hint,
        )

    def __str__(self) -> str:
        if not self.distribution:
            return f"plugin {self.plugin!r}"
        return f"plugin {self.plugin!r} ({self.distribution} {self.version})"


@dataclass(frozen=True, kw_only=True, slots=True)
class PluginFailure:
    """One thing wrong with one plugin; the other plugins work."""

    plugin: str
    distribution: str
    version: str
    error: str
    """What went wrong, on one line."""
    hint: str = ""
    """What the reader, or the plugin's author, can do."""

    @property
    def source(self) -> Source:
        """Whose it is."""
        return Source(plugin=self.plugin, distribution=self.distribution, version=self.version)

    def __str__(self) -> str:
        hint = f"; {self.hint}" if self.hint else ""
        return f"{self.source}: {self.error}{hint}"


def describe(error: BaseException) -> str:
    """Say on one line what an exception of a stranger says, whatever it is."""
    if isinstance(error, BottegaError):
        return one_line(error.message)
    name = type(error).__name__
    try:
        text = str(error)
    except Exception as broken:  # noqa: BLE001  # a stranger's __str__ may raise anything
        text = f"(its message cannot be shown: {type(broken).__name__})"
    if isinstance(error, SyntaxError) and error.filename:
        text = f"{error.msg} in {error.filename}:{error.lineno}"
    return one_line(f"{name}: {text}" if text else name)
