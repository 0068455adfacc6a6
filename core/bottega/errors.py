"""Every error that Bottega raises on purpose.

    BottegaError
    ├── InputError            a person's mistake: bad file, bad option, bad graph        exit 2
    │   ├── BusyError         somebody else is at work on the run, or has ended it
    │   ├── GraphError        a graph file; carries every finding, not only the first
    │   ├── NotInstalledError an optional library is missing; the hint is the pip command
    │   └── SandboxError      this machine cannot give the isolation that is asked for
    ├── PluginError           a plugin that cannot be loaded, or an offer that cannot be made
    │   └── UnknownNameError  nothing of that kind is registered under that name          exit 2
    ├── ModelError            a model server failed; `retryable` says whether to try again
    │   ├── ModelAuthError        401, 403
    │   ├── ModelRateLimitError   429; `retry_after` in seconds where the server gave one
    │   ├── ModelTimeoutError     no answer in time
    │   ├── ModelUnreachableError no connection, or it was cut
    │   ├── ModelReplyError       an answer that cannot be used: not JSON, cut, empty
    │   └── ContextLengthError    the request is longer than the model reads
    ├── ToolError             a tool says what went wrong; becomes an observation
    │   └── ToolArgumentError the call does not fit the tool's schema
    ├── ReplyFormatError      the model's reply cannot be read as an action
    ├── BudgetExceeded        a limit of the run is spent                                 exit 3
    │   └── StuckError        the same was done too often, and nothing new came of it
    └── StorageError          the store on disk is missing, locked, damaged or of another version

A programming error is none of these: it propagates with its traceback.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches


class BottegaError(Exception):
    """An expected failure: one clear line, and what to do about it."""

    exit_code: int = 1
    """What the command line exits with when this error ends a run."""

    def __init__(self, message: str, *, hint: str = "", retryable: bool = False) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        """What the reader can do; empty when there is nothing useful to say."""
        self.retryable = retryable
        """Whether the same call may succeed when it is simply made again."""

    def __str__(self) -> str:
        return f"{self.message} ({self.hint})" if self.hint else self.message


class InputError(BottegaError):
    """What a person gave cannot be used."""

    exit_code = 2


class BusyError(InputError):
    """The run is in other hands, or was, and is over."""

    def __init__(self, message: str, *, hint: str = "", told: bool = False) -> None:
        super().__init__(message, hint=hint)
        self.told = told
        """Whether what a person said is written down for whoever is at work on the run."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """One thing wrong with a file, and where."""

    message: str
    hint: str = ""
    file: str = ""
    line: int = 0
    """Counted from 1; 0 when the finding is about the file as a whole."""
    column: int = 0
    """Counted from 1."""

    def __str__(self) -> str:
        place = ":".join(str(part) for part in (self.file, self.line, self.column) if part)
        text = f"{self.message}; {self.hint}" if self.hint else self.message
        return f"{place}: {text}" if place else text


class GraphError(InputError):
    """A graph file cannot be used; every finding is there, not only the first."""

    def __init__(self, findings: Iterable[Finding]) -> None:
        self.findings = tuple(findings)
        super().__init__("\n".join(str(finding) for finding in self.findings))


class NotInstalledError(InputError):
    """An optional library is missing."""

    def __init__(self, library: str, extra: str, *, distribution: str = "bottega") -> None:
        super().__init__(f"{library} is not installed: pip install '{distribution}[{extra}]'")
        self.library = library
        self.extra = extra


class SandboxError(InputError):
    """The isolation that is asked for cannot be had here: nothing runs without it."""


class PluginError(BottegaError):
    """A plugin broke a rule of the house."""


class UnknownNameError(PluginError):
    """Nothing is registered under the name asked for."""

    exit_code = 2

    def __init__(self, kind: str, name: str, known: Iterable[str], *, where: str = "") -> None:
        self.kind = kind
        self.name = name
        self.known = tuple(sorted(known))
        prefix = f"{where}: " if where else ""
        super().__init__(f"{prefix}unknown {kind} {name!r}", hint=suggest(name, self.known))


class ModelError(BottegaError):
    """A model, or the way to it, failed."""

    attempts: int = 1
    """How many times the call was made before this error was given up to the caller."""


class ModelAuthError(ModelError):
    """The server refused the key."""


class ModelRateLimitError(ModelError):
    """The server asks to slow down."""

    retry_after: float | None = None
    """Seconds to wait, where the server named them."""

    def __init__(self, message: str, *, retry_after: float | None = None, hint: str = "") -> None:
        super().__init__(message, hint=hint, retryable=True)
        self.retry_after = retry_after


class ModelTimeoutError(ModelError):
    """The model did not answer in time."""


class ModelUnreachableError(ModelError):
    """No connection could be made, or it was cut."""


class ModelReplyError(ModelError):
    """The server answered, but not with something that can be used."""


class ContextLengthError(ModelError):
    """The request holds more tokens than the model reads."""


class ToolError(BottegaError):
    """Raise this in a tool: its message is what the model gets to read."""


class ToolArgumentError(ToolError):
    """The call's arguments do not fit the tool's schema."""


class ReplyFormatError(BottegaError):
    """The model's reply cannot be read as an action; the message is said back to the model."""


class BudgetExceeded(BottegaError):
    """A limit of the run is spent."""

    exit_code = 3
    limit: str = ""
    allowed: float = 0.0
    spent: float = 0.0

    def __init__(self, limit: str, allowed: float, spent: float, *, why: str = "") -> None:
        unit = "US dollars" if limit == "money" else limit
        told = f"the limit of {decimal(allowed)} {unit} is reached ({decimal(spent)} used)"
        super().__init__(f"{told}: {why}" if why else told)
        self.limit = limit
        self.allowed = allowed
        self.spent = spent


class StuckError(BudgetExceeded):
    """The same was done again and again; the message says by whom, what and how often."""

    def __init__(self, told: str, allowed: int, times: int) -> None:
        super().__init__("repeats", allowed, times)
        self.message = f"{told} (limit: {allowed} repeats)"


class StorageError(BottegaError):
    """The store on disk cannot be used as it is."""


def decimal(number: float) -> str:
    """Return a number as people write it: `1,000`, `0.00001`."""
    text = f"{number:,.10f}".rstrip("0").rstrip(".")
    return text if text != "0" or not number else f"{number:g}"


def suggest(name: str, known: Iterable[str]) -> str:
    """Return "did you mean 'x'?" or the known names, whichever helps more."""
    names = sorted(known)
    close = get_close_matches(name, names, n=1, cutoff=0.6)
    if close:
        return f"did you mean {close[0]!r}?"
    if not names:
        return "none is registered"
    shown = ", ".join(names[:12]) + (", ..." if len(names) > 12 else "")
    return f"known: {shown}"
