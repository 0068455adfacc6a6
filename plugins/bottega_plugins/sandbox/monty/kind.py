"""The pool of workers, and the sessions that it opens."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from bottega.errors import SandboxError
from bottega.sandbox import CodeLimits
from bottega_plugins.sandbox.monty.rest import rest

if TYPE_CHECKING:
    from pydantic_monty import AsyncMonty

    from bottega.model import ToolSpec
    from bottega_plugins.sandbox.monty.session import MontySession

MOST_SESSIONS = 256
"""Sessions at once; each has a worker of 13 MiB to itself."""
GRACE = 0.5
"""Seconds after its limit at which a worker that does not stop is killed."""
INSTALL = "pip install 'bottega[sandbox]'"


class Monty:
    """Opens sessions in workers, which stay warm from one session to the next."""

    name = "monty"
    boundary = True

    def __init__(self) -> None:
        self._pool: AsyncMonty | None = None

    def check(self) -> None:
        """Raise SandboxError where the interpreter is not installed or has no worker."""
        try:
            import pydantic_monty._binary as binary

            binary.find_monty_binary()
        except (ImportError, FileNotFoundError) as error:
            raise SandboxError("monty is not installed", hint=INSTALL) from error

    async def open(
        self, tools: Sequence[ToolSpec] = (), limits: CodeLimits | None = None
    ) -> MontySession:
        """Open a session with these tools as functions. Raises SandboxError."""
        from bottega_plugins.sandbox.monty.session import MontySession

        session = MontySession(await self._started(), tools, limits or CodeLimits())
        await session.begin()
        return session

    async def _started(self) -> AsyncMonty:
        if self._pool is None:
            self.check()
            from pydantic_monty import AsyncMonty

            pool = AsyncMonty(
                min_processes=1,
                max_processes=MOST_SESSIONS,
                checkout_timeout=10.0,
                feed_duration_limit_grace=GRACE,
                turn_duration_limit_grace=GRACE,
            )
            self._pool = await pool.__aenter__()
        return self._pool

    async def aclose(self) -> None:
        """End the workers; the next session starts new ones."""
        pool, self._pool = self._pool, None
        if pool is not None:
            await pool.__aexit__(None, None, None)
            rest.begin()
