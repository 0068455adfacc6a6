"""A step of code, told to the model: what it printed, its last value, its error, its end."""

from __future__ import annotations

from collections.abc import Sequence

from bottega.inner_calls import MadeCall
from bottega.sandbox import CodeLimits, CodeOutcome

NOTHING = "Done. Nothing was printed; print what you want to see."
KEPT = "What earlier steps defined is still there; what this one defined may be gone."
_LONGEST_CALLS = 20


def told(outcome: CodeOutcome) -> str:
    """Return what the model reads of a step: what it printed, and its value."""
    parts = [outcome.printed.rstrip("\n")]
    if outcome.dropped:
        parts.append(f"[{outcome.dropped:,} more characters were printed and are dropped]")
    if outcome.value:
        parts.append(f"Value: {outcome.value}")
    return "\n".join(part for part in parts if part) or NOTHING


def told_failure(outcome: CodeOutcome, limits: CodeLimits) -> str:
    """Return what the model reads of a step that failed or was stopped; empty for any other."""
    parts: list[str] = []
    if outcome.error:
        parts.append(outcome.error)
    if outcome.lacking:
        parts.append(f"This Python has not got {outcome.lacking}: write it another way.")
    if outcome.stopped:
        parts.append(f"{_stop(outcome, limits)} {KEPT}")
    if parts and (outcome.printed or outcome.value):
        parts.append(f"Printed before that:\n{told(outcome)}")
    return "\n".join(parts)


def _stop(outcome: CodeOutcome, limits: CodeLimits) -> str:
    said = {
        "seconds": f"it ran longer than {limits.seconds:g} s",
        "memory": f"it took more than {limits.memory >> 20} MiB of memory",
        "processes": f"it had more than {limits.processes} processes and threads",
        "disk": f"it wrote more than {limits.disk >> 20} MiB of files",
        "calls": f"it made more than {limits.calls} calls of tools",
        "died": "its process ended",
    }
    return f"Stopped: {said[outcome.stopped]}."


def unasked(calls: Sequence[MadeCall]) -> str:
    """Say which calls a step had made before a crash and did not make again."""
    if not calls:
        return ""
    listed = ", ".join(call.told() for call in calls[:_LONGEST_CALLS])
    return f"Before the process died this step had also called {listed}."
