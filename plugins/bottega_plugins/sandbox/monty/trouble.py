"""An error of the interpreter, as the model reads it: a short traceback with its own lines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

from bottega.sandbox import Stopped
from bottega_plugins.sandbox.monty.lacking import lacking
from bottega_plugins.sandbox.monty.last_value import NAME

_MOST_FRAMES = 5
_LONGEST_LINE = 200
_LONGEST_TEXT = 2_000
_TIME = "time limit exceeded"
_MEMORY = ("memory limit exceeded", "exceeded its memory limit")


@dataclass(frozen=True, kw_only=True, slots=True)
class Trouble:
    """Why a step did not come to its end."""

    text: str = ""
    stopped: Stopped = ""
    lacking: str = ""

    @staticmethod
    def of(error: Any, code: str) -> Trouble:
        """Read a `pydantic_monty.MontyError`."""
        from pydantic_monty import MontyCrashedError

        kind, message = type(error.exception()).__name__, _cut(str(error), _LONGEST_TEXT)
        if isinstance(error, MontyCrashedError):
            return Trouble(stopped=_crashed(message, timed_out=error.timed_out))
        message = message.removeprefix(f"{kind}: ")
        if kind == "TimeoutError" and _TIME in message:
            return Trouble(stopped="seconds")
        if kind == "MemoryError" and any(one in message for one in _MEMORY):
            return Trouble(stopped="memory")
        lines = [*_frames(error, code), f"{kind}: {message}" if message else kind]
        return Trouble(text="\n".join(lines), lacking=lacking(kind, message))


def _crashed(message: str, *, timed_out: bool) -> Stopped:
    if timed_out or "time" in message:
        return "seconds"
    return "memory" if "memory" in message else "died"


def _frames(error: Any, code: str) -> list[str]:
    """Return where in the code it happened, the innermost place last."""
    if not hasattr(error, "traceback"):
        return []
    frames = cast("Sequence[Any]", error.traceback())
    newest = max((_number(frame.filename) for frame in frames), default=0)
    lines = code.split("\n")
    told: list[str] = []
    for frame in frames[-_MOST_FRAMES:]:
        own, line = str(frame.filename).endswith(f"-{newest}>"), int(frame.line)
        source = lines[line - 1] if own and line <= len(lines) else str(frame.source_line or "")
        named = frame.function_name not in (None, "<module>")
        within = f" in {frame.function_name}" if named else ""
        source = _cut(source.replace(f"{NAME} = (", "").strip(), _LONGEST_LINE)
        told.append(f"line {line}{within}: {source}")
    return ["Traceback:", *told] if told else []


def _number(filename: str) -> int:
    digits = filename.rpartition("-")[2].rstrip(">")
    return int(digits) if digits.isdigit() else 0


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else f"{text[:limit]} ..."
