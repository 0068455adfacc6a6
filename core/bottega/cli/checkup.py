"""What `bottega doctor` looks at, each thing a line: does it work here, and what to do if not."""

from __future__ import annotations

import asyncio
import os
import platform
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from bottega.errors import BottegaError, InputError, NotInstalledError, SandboxError
from bottega.home import state_folder
from bottega.offer import OfferKind
from bottega.plugin.context import FactoryContext
from bottega.plugin.extras import Library, libraries
from bottega.plugin.failure import describe
from bottega.plugin.making import needs_options
from bottega.plugin.manager import PluginManager
from bottega.plugin.pth import path_lines

State = Literal["ok", "missing", "broken", "note"]
"""`missing` is optional and absent; `broken` was promised."""

_MADE: tuple[OfferKind, ...] = (
    "agent",
    "dialect",
    "embedder",
    "engine",
    "middleware",
    "sandbox",
    "tool",
)
"""Kinds that can be made without a key, a file or a trace on disk."""
_DEVELOPMENT = "dev"
"""The extra for work on Bottega itself."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Check:
    """One line of the report."""

    area: str
    name: str
    state: State
    text: str = ""
    hint: str = ""


def check_all(plugins: PluginManager, folder: Path) -> Iterator[Check]:
    """Yield every check, in the order of the report."""
    yield from _python()
    yield from _libraries()
    yield from _plugins(plugins)
    yield from _offers(plugins, folder)
    yield from _settings(plugins)
    yield from _state(folder)
    yield from _path_lines(plugins)


def _python() -> Iterator[Check]:
    text = f"{platform.python_version()} on {platform.system()} {platform.machine()}"
    yield Check(area="python", name=sys.executable, state="ok", text=text)


def _libraries() -> Iterator[Check]:
    extras: dict[str, list[Library]] = defaultdict(list)
    for library in libraries("bottega"):
        extras[library.extra].append(library)
    for library in extras.pop("", []):
        if not library.usable:
            yield Check(
                area="library",
                name=library.name,
                state="broken",
                text=_version(library),
                hint="pip install -U bottega",
            )
    extras.pop(_DEVELOPMENT, None)
    for extra, members in sorted(extras.items()):
        absent = [library for library in members if not library.usable]
        yield Check(
            area="extra",
            name=extra,
            state="missing" if absent else "ok",
            text=", ".join(_version(library) for library in absent or members),
            hint=f"pip install 'bottega[{extra}]'" if absent else "",
        )


def _version(library: Library) -> str:
    if not library.installed:
        return f"{library.name} is not installed"
    older = "" if library.usable else f", older than {library.least}"
    return f"{library.name} {library.installed}{older}"


def _plugins(plugins: PluginManager) -> Iterator[Check]:
    for record in plugins.plugins:
        source = f"{record.distribution} {record.version}".strip()
        for failure in record.failures:
            yield Check(
                area="plugin",
                name=record.name,
                state="broken",
                text=f"{source}: {failure.error}",
                hint=failure.hint or f"or switch it off: BOTTEGA_DISABLE={record.name}",
            )
        if not record.failures:
            off = "switched off, " if record.state == "disabled" else ""
            yield Check(area="plugin", name=record.name, state="ok", text=off + source)
        for note in record.notes:
            yield Check(area="plugin", name=record.name, state="note", text=note)
    for text in plugins.warnings:
        yield Check(area="plugin", name="settings", state="note", text=text)


def _offers(plugins: PluginManager, folder: Path) -> Iterator[Check]:
    """Make what can be made without being told more, so that what is promised is tried."""
    context = FactoryContext(plugins=plugins, folder=folder)
    for kind in _MADE:
        left: list[str] = []
        for name, registered in plugins.offers(kind).items():
            if needs_options(registered):
                left.append(name)
            else:
                yield _tried(kind, name, context)
        if left:
            text = "not tried: made with the options that a graph gives"
            yield Check(area=kind, name=", ".join(left), state="note", text=text)
    others = [kind for kind in get_args(OfferKind) if kind not in _MADE and plugins.offers(kind)]
    text = "not tried: made with a key, a file or a run at hand"
    yield Check(area="offer", name=", ".join(others), state="note", text=text)


def _tried(kind: OfferKind, name: str, context: FactoryContext) -> Check:
    try:
        return Check(area=kind, name=name, state="ok", text=_try(kind, name, context))
    except (NotInstalledError, SandboxError) as error:
        return Check(area=kind, name=name, state="missing", text=error.message, hint=error.hint)
    except InputError as error:
        return Check(area=kind, name=name, state="note", text=error.message, hint=error.hint)
    except BottegaError as error:
        return Check(area=kind, name=name, state="broken", text=error.message, hint=error.hint)
    except Exception as error:  # noqa: BLE001  # a doctor reports the patient's fits
        return Check(area=kind, name=name, state="broken", text=describe(error))


def _try(kind: OfferKind, name: str, context: FactoryContext) -> str:
    made = context.make(kind, name)
    if kind == "sandbox":
        made.check()
        return "holds hostile code" if made.boundary else "no boundary: for trusted code only"
    if kind == "tool" and hasattr(made, "ready"):  # one that needs a program of the machine
        return str(made.ready())
    if kind != "embedder":
        return "can be made"
    vectors = asyncio.run(made.embed(["Is there a doctor in the house?"]))
    return f"{made.name}: {vectors.shape[1]} dimensions"


def _settings(plugins: PluginManager) -> Iterator[Check]:
    for name, registered in plugins.offers("model").items():
        for variable, purpose in registered.offer.settings.items():
            state: State = "ok" if os.environ.get(variable) else "missing"
            text = "set" if state == "ok" else f"not set; for {name}: {purpose}"
            yield Check(area="setting", name=variable, state=state, text=text)


def _state(folder: Path) -> Iterator[Check]:
    place = state_folder(folder)
    nearest = next(each for each in (place, *place.absolute().parents) if each.exists())
    try:
        with tempfile.TemporaryFile(dir=nearest):
            pass
    except OSError as error:
        text = f"{nearest} cannot be written: {error.strerror}"
        hint = "set BOTTEGA_HOME to a folder of yours"
        yield Check(area="state", name=str(place), state="broken", text=text, hint=hint)
    else:
        yield Check(area="state", name=str(place), state="ok", text="can be written")


def _path_lines(plugins: PluginManager) -> Iterator[Check]:
    sources = [record.distribution for record in plugins.plugins if record.distribution]
    for found in path_lines(sources):
        yield Check(
            area="pth",
            name=found.distribution,
            state="note" if found.editable else "broken",
            text=f"{found.file} runs at every start of Python: {found.line}",
            hint="" if found.editable else f"read it; pip uninstall {found.distribution} if unsure",
        )
