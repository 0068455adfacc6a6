"""Order in which plugins are registered: as they come, but after what they require."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence


def arrange(
    requires: Mapping[str, Sequence[str]], absent: Mapping[str, str]
) -> tuple[list[str], dict[str, str]]:
    """Return the names in order, and for each that cannot be placed the reason.

    `requires` maps each plugin to those that must come before it, in the order of preference;
    `absent` says of plugins that are known but not there why: "is switched off".
    """
    placed: list[str] = []
    reasons: dict[str, str] = {}
    waiting = dict(requires)
    while waiting:
        ready = next((name for name in waiting if _all_in(waiting[name], placed)), None)
        if ready is not None:
            placed.append(ready)
            del waiting[ready]
            continue
        there = {*placed, *waiting}
        unmet = {
            name: _missing(needed, there, {**absent, **dict.fromkeys(reasons, "failed")})
            for name, needed in waiting.items()
            if not _all_in(needed, there)
        } or _circle(waiting)
        reasons |= unmet
        for name in unmet:
            del waiting[name]
    return placed, reasons


def _all_in(needed: Sequence[str], there: Container[str]) -> bool:
    return all(name in there for name in needed)


def _missing(needed: Sequence[str], there: set[str], absent: Mapping[str, str]) -> str:
    name = next(each for each in needed if each not in there)
    return f"it requires plugin {name!r}, which {absent.get(name, 'is not installed')}"


def _circle(waiting: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Return the plugins of one circle of requirements; there is one, as all of them wait."""
    path = [next(iter(waiting))]
    while path[-1] not in path[:-1]:
        path.append(next(each for each in waiting[path[-1]] if each in waiting))
    circle = path[path.index(path[-1]) :]
    shown = " -> ".join(circle)
    return dict.fromkeys(circle, f"plugins require each other in a circle: {shown}")
