"""What the register holds, read back: a row that is not what was written is told, never used.

A store is a file that others can change, and that a disk can damage. What is valid JSON is not
valid yet: fields and their types are looked at here, once, so that nobody fails on them later.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields
from typing import Any, cast, get_args

from bottega.budget import Budget
from bottega.errors import InputError, StorageError
from bottega.escape import one_line
from bottega.messages import Json
from bottega.questions import Question, QuestionKind, Ruling, Verdict
from bottega.runs import DAMAGED, RESUMABLE, Run

_Fits = Callable[[Any], bool]
_HINT = "put a copy of the store in its place, or give the run up: bottega runs drop {}"
_LATEST = 1e11
"""Seconds since the epoch that are still a date."""


def run_of(row: tuple[Any, ...]) -> Run:
    """Return the run of a row of the register. Raises StorageError for what is none."""
    run_id, thread, name, task, origin, status, reason, created, ended = row
    texts = {"thread": thread, "name": name, "task": task, "status": status, "reason": reason}
    for what, text in texts.items():
        _require(_is_text(text), run_id, what)
    _require(_is_time(created), run_id, "beginning")
    _require(ended is None or _is_time(ended), run_id, "end")
    return Run(
        run_id=str(run_id),
        origin=_origin(run_id, origin),
        created=created,
        ended=ended,
        **texts,
    )


def listed_run(row: tuple[Any, ...]) -> Run:
    """Return the run of a row, or as much of it as can be shown beside others."""
    try:
        return run_of(row)
    except StorageError as error:
        run_id, thread, name, task, _, status, _, created, ended = row
        thread, name, task = (part if _is_text(part) else "" for part in (thread, name, task))
        return Run(
            run_id=str(run_id),
            thread=thread,
            name=name,
            task=task,
            status=DAMAGED if status in RESUMABLE or not _is_text(status) else status,
            reason=error.message,
            created=created if _is_time(created) else 0.0,
            ended=ended if _is_time(ended) else None,
        )


def question_of(run_id: str, name: object, text: object) -> Question:
    """Return a question of the run. Raises StorageError for what is none."""
    what = f"question {name!r}"
    data = _object(run_id, what, text)
    _fields(run_id, what, data, _QUESTION)
    _require(data.get("id") == name, run_id, what)
    return Question.from_json(data)


def ruling_of(run_id: str, name: object, text: object) -> Ruling:
    """Return what was said to a question of the run. Raises StorageError for what is none."""
    what = f"ruling on question {name!r}"
    data = _object(run_id, what, text)
    _fields(run_id, what, data, _RULING)
    _require("verdict" in data, run_id, what)
    return Ruling.from_json(data)


def _origin(run_id: object, text: object) -> Mapping[str, str]:
    """Return where a run comes from; its limits and its fork can be read afterwards."""
    origin = _object(run_id, "origin", text)
    _fields(run_id, "origin", origin, dict.fromkeys(origin, _is_text))
    limits = _object(run_id, "limits", origin.get("limits", "{}"))
    _fields(run_id, "limits", limits, _LIMITS)
    try:
        Budget(**limits)
    except InputError as error:
        raise _unreadable(run_id, "limits", error.message) from error
    if "fork" in origin:
        fork = _object(run_id, "fork", origin["fork"])
        _fields(run_id, "fork", fork, _FORK)
        _require(_FORK.keys() - fork.keys() <= _OPTIONAL, run_id, "fork")
        for name, ruling in cast("Mapping[str, Json]", fork.get("rulings", {})).items():
            ruling_of(str(run_id), name, json.dumps(ruling))
    return cast("Mapping[str, str]", origin)


def _object(run_id: object, what: str, text: object) -> dict[str, Any]:
    try:
        data = json.loads(text) if isinstance(text, str) else None
    except (ValueError, RecursionError) as error:
        raise _unreadable(run_id, what, str(error)) from error
    if not isinstance(data, dict):
        raise _unreadable(run_id, what, "it is no JSON object")
    return cast("dict[str, Any]", data)


def _fields(run_id: object, what: str, data: Mapping[str, Any], shape: Mapping[str, _Fits]) -> None:
    for name, value in data.items():
        fits = shape.get(name)
        if fits is None:
            raise _unreadable(run_id, what, f"it has no field {one_line(name, 40)!r}")
        if not fits(value):
            raise _unreadable(run_id, what, f"its field {one_line(name, 40)!r} is of another type")


def _require(fits: bool, run_id: object, what: str) -> None:
    if not fits:
        raise _unreadable(run_id, what, "it is not what was written")


def _unreadable(run_id: object, what: str, why: str) -> StorageError:
    name = one_line(str(run_id), 60)
    return StorageError(f"the {what} of run {name} cannot be read: {why}", hint=_HINT.format(name))


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _is_time(value: object) -> bool:
    return _is_number(value) and -_LATEST < cast("float", value) < _LATEST


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_limit(value: object) -> bool:
    return value is None or _is_number(value)


def _is_object(value: object) -> bool:
    return isinstance(value, dict)


def _is_texts(value: object) -> bool:
    return isinstance(value, list) and all(map(_is_text, cast("Iterable[object]", value)))


def _is_anything(value: object) -> bool:
    return True


_QUESTION: Mapping[str, _Fits] = {
    "id": _is_text,
    "kind": lambda value: value in get_args(QuestionKind),
    "text": _is_text,
    "node": _is_text,
    "tool": _is_text,
    "value": _is_anything,
    "options": _is_texts,
}
_RULING: Mapping[str, _Fits] = {
    "verdict": lambda value: value in get_args(Verdict),
    "text": _is_text,
    "value": _is_anything,
    "seal": _is_text,
}
_LIMITS: Mapping[str, _Fits] = {limit.name: _is_limit for limit in fields(Budget)}
_FORK: Mapping[str, _Fits] = {
    "run": _is_text,
    "visit": _is_text,
    "node": _is_text,
    "log": _is_count,
    "entry": _is_count,
    "at": _is_count,
    "instead": _is_object,
    "rulings": _is_object,
    "prompt": lambda value: value is None or isinstance(value, str),
}
_OPTIONAL = {"instead", "rulings", "prompt"}
