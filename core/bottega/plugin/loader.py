"""Import of installed plugins, so that whatever one does, the others load.

What is checked of its hooks is `bottega.plugin.hooks`; when its hooks are called is
`bottega.plugin.catalogue`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial
from typing import Any

from bottega.errors import PluginError
from bottega.escape import one_line
from bottega.plugin.entry import Entry
from bottega.plugin.failure import PluginFailure, describe
from bottega.plugin.isolation import Outcome, isolated
from bottega.plugin.patches import Patches
from bottega.plugin.record import Loaded
from bottega.plugin.spec import API_VERSION

NAME = re.compile(r"[a-z][a-z0-9_-]*", re.ASCII)
"""What plugins and offers may be called."""


def load(entries: Sequence[Entry], *, seconds: float) -> list[Loaded | PluginFailure]:
    """Import the plugins and check what each says of itself; each has its own time."""
    found: dict[Entry, Loaded | PluginFailure] = {}
    for entry in entries:
        try:
            check_name("plugin", entry.name)
        except PluginError as error:
            found[entry] = entry.source.failure(error.message, error.hint)
    sound = [entry for entry in entries if entry not in found]
    outcomes = isolated([(each.name, partial(_import, each)) for each in sound], seconds=seconds)
    for entry, outcome in zip(sound, outcomes, strict=True):
        try:
            found[entry] = _checked(entry, outcome, seconds)
        except PluginError as error:
            found[entry] = entry.source.failure(error.message, error.hint)
    return [found[entry] for entry in entries]


def _import(entry: Entry) -> tuple[Any, tuple[str, ...]]:
    """Return the plugin, and what it replaced of others while it was imported."""
    patches = Patches()
    plugin = entry.point.load()
    return plugin, patches.found()


def _checked(entry: Entry, outcome: Outcome[tuple[Any, tuple[str, ...]]], seconds: float) -> Loaded:
    if outcome.error is not None:
        raise PluginError(
            f"import failed: {describe(outcome.error)}", hint=_import_hint(entry, outcome.error)
        )
    if outcome.value is None:
        raise PluginError(
            f"its import is not over after {seconds:g} s",
            hint="a plugin module imports quickly; what takes long belongs in a factory",
        )
    plugin, patched = outcome.value
    _check_api(plugin)
    return Loaded(
        source=entry.source,
        module=plugin,
        requires=requirements(plugin),
        notes=_notes(outcome, patched),
    )


def check_name(what: str, name: object) -> None:
    """Raise PluginError unless the name is one that can be typed and told from every other."""
    if not isinstance(name, str):
        raise PluginError(f"the {what} name is {describe_value(name)}, expected text")
    strange = [f"U+{ord(char):04X}" for char in name if ord(char) > 126]
    if strange:
        raise PluginError(
            f"the {what} name {name!a} is not ASCII: {', '.join(strange[:4])}",
            hint="a letter of another script can look like an ASCII one",
        )
    if len(name) > 100 or not NAME.fullmatch(name):
        raise PluginError(
            f"{name[:100]!r} is no {what} name",
            hint="a name is lower-case ASCII letters, digits, _ and -, and begins with a letter",
        )


def requirements(plugin: object) -> tuple[str, ...]:
    """Return the plugins that must be loaded before this one. Raises PluginError."""
    value = _attribute(plugin, "bottega_requires", ())
    if type(value) not in (tuple, list) or not all(isinstance(name, str) for name in value):
        raise PluginError(
            f"bottega_requires is {describe_value(value)}, expected a tuple of plugin names"
        )
    return tuple(value)


def describe_value(value: Any) -> str:
    """Return the value's type, and the value itself where that is safe to show."""
    shown = f" {ascii(value)[:80]}" if isinstance(value, (str, int, float, bool)) else ""
    return f"{type(value).__name__}{shown}"


def _check_api(plugin: object) -> None:
    version = _attribute(plugin, "bottega_api", API_VERSION)
    if type(version) is not int or version != API_VERSION:
        newer = isinstance(version, int) and version > API_VERSION
        raise PluginError(
            f"it is written for version {describe_value(version)} of the hooks, "
            f"this Bottega has version {API_VERSION}",
            hint="update Bottega" if newer else "update the plugin",
        )


def _attribute(plugin: object, name: str, default: Any) -> Any:
    try:
        return getattr(plugin, name, default)
    except Exception as error:
        raise PluginError(f"{name} cannot be read: {describe(error)}") from error


def _import_hint(entry: Entry, error: BaseException) -> str:
    if isinstance(error, ModuleNotFoundError) and error.name:
        library = error.name.partition(".")[0]
        if library == entry.point.value.partition(":")[0].partition(".")[0]:
            return f"its distribution names {entry.point.value!r} as its plugin"
        return f"{library} is not installed where Bottega runs"
    if isinstance(error, (SystemExit, KeyboardInterrupt)):
        return "a plugin must not end the process"
    return ""


def _notes(outcome: Outcome[Any], patched: tuple[str, ...]) -> tuple[str, ...]:
    notes: list[str] = []
    if outcome.printed:
        notes.append(f"printed {outcome.printed} characters while it was imported; not shown")
    if outcome.threads:
        shown = one_line(", ".join(outcome.threads), 120)
        notes.append(f"left {len(outcome.threads)} threads running: {shown}")
    if patched:
        notes.append(f"replaced {', '.join(patched)}")
    return tuple(notes)
