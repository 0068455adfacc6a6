"""How a tool is found again in another process: by the names under which it can be imported."""

from __future__ import annotations

import importlib
import inspect
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce
from typing import Any, cast

from bottega.errors import InputError
from bottega.tools import FunctionTool, Tool

_KNOWN = ("signature", "spec", "confined")
_HINT = "move it to the top level of a module that can be imported, or drop isolation='process'"


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """A function or a class of tools, by name."""

    module: str
    path: str
    """What it is called in the module: `search`, or `Files.search`."""

    def load(self) -> Tool:
        """Import it and return it as a tool."""
        module: Any = importlib.import_module(self.module)
        found = reduce(getattr, self.path.split("."), module)
        if isinstance(found, Tool):
            return found
        if isinstance(found, type) and issubclass(found, Tool):
            return found()
        return FunctionTool(cast("Callable[..., Any]", found))


def find_target(tool: Tool) -> Target:
    """Name the tool. Raises InputError, saying why, when another process could not import it."""
    run = tool.run
    if getattr(run, "__self__", None) is tool:
        return _named(type(tool), _checked_class(tool))
    return _named(run, tool.name)


def _checked_class(tool: Tool) -> str:
    """Refuse instances that hold what another process cannot know."""
    name = type(tool).__name__
    held = [key for key in vars(tool) if key not in _KNOWN and key[0] != "_"]
    if held:
        raise InputError(
            f"{name} cannot run in a process of its own: it holds {', '.join(sorted(held))}",
            hint="such a tool is made anew in each process, so keep its settings in the class",
        )
    return name


def _named(named: Callable[..., Any] | type, name: str) -> Target:
    path: str = getattr(named, "__qualname__", "")
    module: str | None = getattr(named, "__module__", None)
    if not path or not module or not (inspect.isfunction(named) or isinstance(named, type)):
        raise _refusal(name, f"a {type(named).__name__} has no name to import it by")
    if "<" in path:
        inside = "a lambda" if "<lambda>" in path else "made inside a function"
        raise _refusal(name, f"it is {inside}, which cannot be imported")
    if module == "__main__":
        spec = getattr(sys.modules["__main__"], "__spec__", None)
        if spec is None or not spec.name or spec.name.endswith("__main__"):
            raise _refusal(name, "it is in the script that was started, which cannot be imported")
        module = str(spec.name)
    return Target(module=module, path=path)


def _refusal(name: str, reason: str) -> InputError:
    return InputError(f"{name} cannot run in a process of its own: {reason}", hint=_HINT)
