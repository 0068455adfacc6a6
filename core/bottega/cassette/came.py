"""What came of a call, as a cassette keeps it, and back: deltas, outputs, decisions, errors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from typing import Any

from bottega import errors
from bottega.errors import BottegaError
from bottega.messages import Citation, Json, citation_to_json, image_from_json, image_to_json
from bottega.model import CallDelta, Delta, End, Restart, TextDelta, ThoughtDelta, Tokens, Usage
from bottega.questions import PersonNeeded, Question
from bottega.tools import Output

_DELTAS: dict[str, type[Any]] = {
    "text": TextDelta,
    "thought": ThoughtDelta,
    "call": CallDelta,
    "restart": Restart,
    "end": End,
}
_NAMES = {kind: name for name, kind in _DELTAS.items()}
CUT: Json = {"cut": True}
"""The call was broken off from outside: by a limit, or with the run."""


def delta_to_json(delta: Delta) -> list[Json]:
    """Return a delta as its name and its fields; fields that say nothing are left out."""
    if isinstance(delta, TextDelta | ThoughtDelta):
        return [_NAMES[type(delta)], delta.text]
    plain = type(delta)(**_FIRST.get(type(delta), {}))
    told = {
        field.name: getattr(delta, field.name)
        for field in fields(delta)
        if getattr(delta, field.name) != getattr(plain, field.name)
    }
    if isinstance(delta, End):
        told |= {name: asdict(told[name]) for name in ("usage", "tokens") if told.get(name)}
        if "citations" in told:
            told["citations"] = [citation_to_json(item) for item in delta.citations]
    return [_NAMES[type(delta)], told]


_FIRST: dict[type[Any], dict[str, Any]] = {CallDelta: {"index": 0}, Restart: {"reason": ""}}


def delta_from_json(data: Sequence[Json]) -> Delta:
    """Read what `delta_to_json` wrote."""
    kind, told = _DELTAS[data[0]], data[1]
    if isinstance(told, str):
        return kind(text=told)  # type: ignore[no-any-return]
    if kind is End:
        told = {**told}
        if "usage" in told:
            told["usage"] = Usage(**told["usage"])
        if told.get("tokens"):
            told["tokens"] = Tokens(**{k: _tuple(v) for k, v in told["tokens"].items()})
        told["citations"] = tuple(Citation(**item) for item in told.get("citations", ()))
    return kind(**{**_FIRST.get(kind, {}), **told})  # type: ignore[no-any-return]


def _tuple(value: Json) -> Json:
    return value if isinstance(value, str) else tuple(value)


def output_to_json(output: Output) -> dict[str, Json]:
    """Return a tool's output; fields that say nothing are left out."""
    told: dict[str, Json] = {
        "content": output.content,
        "citations": [citation_to_json(item) for item in output.citations],
        "images": [image_to_json(item) for item in output.images],
        "final": output.final,
        "printed": output.printed,
        "secret": output.secret,
        "structured": output.structured,
    }
    return {name: value for name, value in told.items() if value or name == "content"}


def output_from_json(data: Mapping[str, Json]) -> Output:
    """Read what `output_to_json` wrote."""
    return Output(
        content=data["content"],
        citations=tuple(Citation(**item) for item in data.get("citations", ())),
        images=tuple(image_from_json(item) for item in data.get("images", ())),
        final=data.get("final", False),
        printed=data.get("printed", ""),
        secret=data.get("secret", False),
        structured=data.get("structured", False),
    )


def error_to_json(error: BottegaError) -> dict[str, Json]:
    """Return an error with those of its fields that are plain values."""
    told: dict[str, Json] = {"type": type(error).__name__}
    told |= {k: v for k, v in vars(error).items() if isinstance(v, str | int | float | bool)}
    if isinstance(error, PersonNeeded):
        told["question"] = error.question.to_json()
    return told


def error_from_json(data: Mapping[str, Json]) -> BottegaError:
    """Make the error again, of its own class where that is one of ours."""
    if "question" in data:
        return PersonNeeded(Question.from_json(data["question"]))
    kind = getattr(errors, data["type"], BottegaError)
    if not (isinstance(kind, type) and issubclass(kind, BottegaError)):
        kind = BottegaError
    error = kind.__new__(kind)
    BottegaError.__init__(
        error, data.get("message", ""), hint=data.get("hint", ""), retryable=bool(data["retryable"])
    )
    for name, value in data.items():
        if name not in ("type", "message", "hint", "retryable"):
            setattr(error, name, value)
    return error
