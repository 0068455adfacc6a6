"""Holding a call to its permissions, where the tool runs in this process.

An audit hook of Python (PEP 578) looks at what the code under way opens, connects to and starts. It
is installed with the first call that is to be held, and cannot be removed; before that it costs
nothing. Tasks and threads that the call starts are held as it is.

It holds code that is careless or steered by its input. Code that is hostile is another matter: it
shares this process, and what shares a process can undo whatever Python says. For that there is
`isolation="process"`, where the kernel holds it (`bottega.isolation`), and consent before a
stranger's plugin is used at all (`bottega.consent`). Which events mean what is
`bottega.audit_event`.
"""

from __future__ import annotations

import _posixsubprocess
import _thread
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext, suppress
from contextvars import ContextVar
from functools import partial
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

if TYPE_CHECKING:
    from bottega.permissions import Permissions
    from bottega.tools import Tool, ToolContext

P = ParamSpec("P")
R = TypeVar("R")

_OURS = ("bottega.", "bottega_tools.", "bottega_plugins.", "bottega_agents.")
_installed = threading.Event()
_install_lock = threading.Lock()


class Guard:
    """What one call may use."""

    def __init__(self, tool: str, allowed: Permissions) -> None:
        self.tool = tool
        self.allowed = allowed
        self.addresses: dict[str, str] = {}
        """Addresses that names were resolved to, and the name of each."""

    def hold(self, function: Callable[[], Any]) -> Callable[[], Any]:
        """Return the function, held; what it returns to be awaited or iterated is held too."""

        def call() -> Any:
            from bottega.rendering import is_settled, render

            with under(self):
                value = function()
                if is_settled(value):
                    return render(value)
            return self._settled(value)

        return call

    async def _settled(self, value: Any) -> Any:
        from bottega.rendering import render, settle

        _carry_guards()
        with under(self):
            return render(await settle(value))


_guard: ContextVar[Guard | None] = ContextVar("bottega_guard", default=None)


def held(function: Callable[[], Any], tool: Tool, context: ToolContext) -> Callable[[], Any]:
    """Return the function, held to the permissions of the call; as it is for a tool of this house.

    Those ask `ToolContext.allowed` themselves, unless they say `confined`.
    """
    if not tool.confined and _is_of_the_house(tool):
        return function
    _install()
    return Guard(tool.name or type(tool).__name__, context.allowed).hold(function)


class under(AbstractContextManager[None]):  # noqa: N801  # read as a word: `with under(guard)`
    """Hold the code of the block, and all that it starts, to the guard."""

    __slots__ = ("_token", "_value")

    def __init__(self, guard: Guard | None) -> None:
        self._value = guard

    def __enter__(self) -> None:
        self._token = _guard.set(self._value)

    def __exit__(self, *raised: object) -> None:
        with suppress(ValueError):  # closed from elsewhere: there is nothing to go back to
            _guard.reset(self._token)


def free() -> AbstractContextManager[None]:
    """Hold nothing in the block: the framework itself is at work on behalf of a call."""
    return under(None) if _guard.get() is not None else _FREE


_FREE = nullcontext()


def _is_of_the_house(tool: Tool) -> bool:
    module = getattr(tool.run, "__module__", None) or ""
    return module.startswith(_OURS)


def _install() -> None:
    if _installed.is_set():
        return
    with _install_lock:
        if not _installed.is_set():
            from bottega.audit_event import CHECKS

            for name in ("_start_new_thread", "_start_joinable_thread"):  # before 3.12 no event
                if hasattr(threading, name):
                    setattr(threading, name, _carrying(getattr(threading, name)))
            _posixsubprocess.fork_exec = _checking(_posixsubprocess.fork_exec)
            _thread.start_new_thread = threading._start_new_thread  # type: ignore[attr-defined]
            sys.addaudithook(partial(_watch, checks=CHECKS))
            _installed.set()


def _carrying(start: Callable[..., R]) -> Callable[..., R]:
    """Return the function that starts a thread; what runs in it is held as whoever starts it."""

    def carrying(function: Callable[..., Any], /, *args: Any, **options: Any) -> R:
        guard = _guard.get()
        carried = function if guard is None else partial(_with_guard, guard, function)
        return start(carried, *args, **options)

    return carrying


def _watch(
    event: str, args: tuple[Any, ...], checks: dict[str, Callable[[Guard, tuple[Any, ...]], None]]
) -> None:
    check = checks.get(event)
    if check is None:
        return
    guard = _guard.get()
    if guard is None:
        return
    with under(None):  # what the check itself does is not looked at
        check(guard, args)


def _checking(start: Callable[..., R]) -> Callable[..., R]:
    """Return the function that starts programs, checked: `multiprocessing` makes no event of it."""

    def checking(arguments: Any, /, *rest: Any) -> R:
        from bottega.audit_event import CHECKS

        _watch("subprocess.Popen", tuple(arguments[:1]), CHECKS)
        return start(arguments, *rest)

    return checking


class _Carrying(ThreadPoolExecutor):
    """The threads of an event loop; each function is held as whoever handed it in is."""

    def submit(self, fn: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> Future[R]:
        guard = _guard.get()
        with free():
            return super().submit(_with_guard, guard, fn, *args, **kwargs)


def _with_guard(
    guard: Guard | None, function: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs
) -> R:
    with under(guard):
        return function(*args, **kwargs)


def _carry_guards() -> None:
    """Let functions that the loop runs in threads (`run_in_executor`) be held as their caller."""
    import asyncio

    loop = asyncio.get_running_loop()
    before: Any = getattr(loop, "_default_executor", None)
    if isinstance(before, _Carrying):
        return
    loop.set_default_executor(_Carrying(thread_name_prefix="asyncio"))
    if before is not None:
        before.shutdown(wait=False)
