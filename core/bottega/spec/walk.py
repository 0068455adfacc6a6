"""Walks over a graph given as the names that each name leads to; no recursion."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

Pair = tuple[str, str]


def reached(begin: Iterable[str], onward: Mapping[str, Iterable[str]]) -> set[str]:
    """Return every name that can be reached, those at the beginning included."""
    seen: set[str] = set()
    todo = list(begin)
    while todo:
        name = todo.pop()
        if name not in seen:
            seen.add(name)
            todo.extend(onward.get(name, ()))
    return seen


def distances(begin: str, onward: Mapping[str, Iterable[str]]) -> dict[str, int]:
    """Return the fewest steps from a name to every name that can be reached."""
    found = {begin: 0}
    todo = [begin]
    for name in todo:  # grows while it is read: breadth first
        for target in onward.get(name, ()):
            if target not in found:
                found[target] = found[name] + 1
                todo.append(target)
    return found


def backward(edges: Collection[Pair], begin: str, names: Iterable[str]) -> set[Pair]:
    """Return the edges of cycles that lead to a node no further from `begin` than the one before.

    Without them there is no cycle. Of nodes that are equally far on, those named first go first.
    """
    onward: dict[str, list[str]] = {begin: []}
    for source, target in edges:
        onward.setdefault(source, []).append(target)
    depths, far = distances(begin, onward), len(onward) + 1
    order = {name: (depths.get(name, far), number) for number, name in enumerate(names)}
    inner = [pair for pair in edges if pair[0] in order and pair[1] in order]
    leading_up = [pair for pair in inner if order[pair[1]] <= order[pair[0]]]
    after = {target: reached([target], onward) for _, target in leading_up}
    return {(source, target) for source, target in leading_up if source in after[target]}


def cycles(onward: Mapping[str, Iterable[str]]) -> list[list[str]]:
    """Return one cycle, its first name also last, for each edge that closes one.

    Depth first, so not every cycle there is; none is returned only when there is none.
    """
    found: list[list[str]] = []
    done: set[str] = set()
    for begin in onward:
        if begin not in done:
            _walk(begin, onward, done, found)
    return found


def _walk(
    begin: str, onward: Mapping[str, Iterable[str]], done: set[str], found: list[list[str]]
) -> None:
    path = {begin: 0}  # name to position; a dict keeps the order
    stack = [(begin, iter(onward[begin]))]
    while stack:
        name, targets = stack[-1]
        target = next(targets, None)
        if target is None:
            stack.pop()
            del path[name]
            done.add(name)
        elif target in path:
            found.append([*list(path)[path[target] :], target])
        elif target not in done:
            path[target] = len(path)
            stack.append((target, iter(onward.get(target, ()))))
