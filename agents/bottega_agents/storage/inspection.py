"""Telling a damaged store from a mistake in a program, once something has failed.

Data of a wrong shape fails wherever it is first used, with whatever error that makes. Looking at
all of it beforehand would cost every run; so it is looked at when a run has failed that way.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, cast, get_origin, get_type_hints

from bottega.errors import BottegaError, StorageError
from bottega.history import OPENING
from bottega.messages import Json, message_from_json, result_from_json
from bottega.replies import reply_from_json
from bottega_agents.graph.state import State
from bottega_agents.storage.log import Row, decode

if TYPE_CHECKING:
    from langchain_core.runnables import RunnableConfig

_PARTS = ("channel_values", "channel_versions", "versions_seen")
_ENTRIES = (
    "SELECT j.number, j.key, j.value, j.crc FROM bottega_logs AS l "
    "JOIN bottega_journal AS j ON j.log = l.log WHERE l.thread = ?"
)
_WRONG = (KeyError, TypeError, ValueError, AttributeError, IndexError)


@asynccontextmanager
async def inspected(saver: Any, config: RunnableConfig) -> AsyncGenerator[None, None]:
    """Raise StorageError for what fails in the block because the thread's data is damaged."""
    try:
        yield
    except BottegaError:
        raise
    except Exception as error:
        damage = await damage_in(saver, config) if saver is not None else ""
        if damage:
            raise StorageError(
                f"the stored run is damaged, or was tampered with: {damage}",
                hint="put a copy of the store in its place, or start the run anew",
            ) from error
        raise


async def damage_in(saver: Any, config: RunnableConfig) -> str:
    """Say what is wrong with the thread that the configuration names; nothing when all is well."""
    thread = str(config.get("configurable", {})["thread_id"])
    place: RunnableConfig = {"configurable": {"thread_id": thread, "checkpoint_ns": ""}}
    try:
        found = await saver.aget_tuple(place)
        if found is None:
            return ""
        return _checkpoint(found) or await _journals(saver, thread)
    except StorageError as error:
        return error.message
    except _WRONG as error:
        return f"a checkpoint cannot be read: {error!r}"


def _checkpoint(found: Any) -> str:
    checkpoint = _mapping(found.checkpoint)
    if not isinstance(checkpoint.get("id"), str):
        return "a checkpoint is none"
    for part in _PARTS:
        if not isinstance(checkpoint.get(part), dict):
            return f"a checkpoint has no {part}"
    pending = [(channel, value) for _, channel, value in found.pending_writes or ()]
    return _state([*checkpoint["channel_values"].items(), *pending])


def _state(values: Iterable[tuple[str, Any]]) -> str:
    hints = get_type_hints(State)
    for name, value in values:
        hint = hints.get(name)
        kind = get_origin(hint) or hint
        wanted = (int, float) if kind is float else kind
        if isinstance(wanted, type | tuple) and value is not None and not isinstance(value, wanted):
            return f"{name!r} in the state is {type(value).__name__}"
        if name == "transcripts":
            wrong = [node for node, item in _mapping(value).items() if not _is_transcript(item)]
            if wrong:
                return f"the conversation of {wrong[0]!r} is none"
    return ""


def _is_transcript(item: Any) -> bool:
    one = _mapping(item)
    known = isinstance(one.get("run"), str) and isinstance(one.get("step"), int)
    found = isinstance(_mapping(one.get("ref")).get("task"), str)
    return known and (found or isinstance(one.get("messages"), list))


def _mapping(value: Any) -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", value) if isinstance(value, dict) else {}


async def _journals(saver: Any, thread: str) -> str:
    database = getattr(saver, "database", None)
    if database is None:
        return ""
    for found in await database.do(_ENTRIES, thread):
        row = Row(*found)
        try:
            _readable(row.key, decode(row, thread))
        except _WRONG as error:
            return f"entry {row.key!r} of the journal of {thread} cannot be read: {error!r}"
    return ""


def _readable(key: str, value: Json) -> None:
    """Read an entry as those do who need it. Raises what they would raise."""
    if key == OPENING:
        for item in value["messages"]:
            message_from_json(item)
    elif key.endswith("/reply"):
        reply_from_json(value)
    elif "/result/" in key:
        result_from_json(value["result"])
