"""Ask a model again when asking again can help: backoff with jitter, within the run's deadline.

Whether an error is worth another try is for the one who raised it to say (`retryable`). Falling
back to another model is another middleware's business.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, TypeVar

from bottega.errors import InputError, ModelError, ModelReplyError
from bottega.middleware import Middleware, ModelHandler
from bottega.model import Delta, End, Request, Restart

T = TypeVar("T")


class Retry(Middleware):
    """Retry model calls, with exponential backoff and full jitter.

    Waits are in seconds. A server's own wish to wait is honoured. It never waits past the request's
    deadline, nor longer than `total_wait` over all attempts of one call: then, and when the
    attempts are spent, the last error is raised at once and says how many attempts were made.
    Deltas that were passed on before a failure are taken back by a `Restart`.

    Source: https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
    """

    def __init__(
        self,
        attempts: int = 4,
        first_wait: float = 0.5,
        max_wait: float = 20.0,
        total_wait: float = 60.0,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        given: list[Any] = [attempts, first_wait, max_wait, total_wait]
        numbers = all(isinstance(value, int | float) for value in given)
        if not numbers or attempts < 1 or min(given) < 0:
            raise InputError(
                "Retry needs at least one attempt, and waits of zero or more seconds",
                hint=f"got {attempts=}, {first_wait=}, {max_wait=}, {total_wait=}",
            )
        self._attempts = attempts
        self._first_wait = first_wait
        self._max_wait = max_wait
        self._total_wait = total_wait
        self._jitter = jitter

    async def around_model(self, request: Request, next: ModelHandler) -> AsyncIterator[Delta]:
        """Pass the request on, again and again if need be. Raises ModelError."""
        attempt, waited = 0, 0.0
        while True:
            attempt += 1
            said = ended = False
            deltas = next(request)
            try:
                async for delta in deltas:
                    said, ended = True, isinstance(delta, End)
                    yield delta
                if ended:
                    return
                raise _cut()
            except ModelError as error:
                if ended:  # the reply is whole and the consumer has it
                    raise
                wait = self._wait(error, attempt)
                problem = self._problem(error, attempt, wait, waited, request.deadline)
                if problem is not None:
                    _note(error, attempt, problem)
                    raise
                reason = error.message
            finally:
                close = getattr(deltas, "aclose", None)
                if close is not None:
                    await close()
            if said:
                yield Restart(reason=reason)
            await asyncio.sleep(wait)
            waited += wait

    async def call(self, attempt: Callable[[], Awaitable[T]], deadline: float | None = None) -> T:
        """Await something that may raise ModelError, again and again if need be."""
        number, waited = 0, 0.0
        while True:
            number += 1
            try:
                return await attempt()
            except ModelError as error:
                wait = self._wait(error, number)
                problem = self._problem(error, number, wait, waited, deadline)
                if problem is not None:
                    _note(error, number, problem)
                    raise
            await asyncio.sleep(wait)
            waited += wait

    def _wait(self, error: ModelError, attempt: int) -> float:
        """Return the seconds to wait before the next attempt."""
        longest = min(self._max_wait, self._first_wait * 2.0 ** min(attempt - 1, 60))
        asked: float | None = getattr(error, "retry_after", None)
        return max(asked or 0.0, longest * self._jitter())

    def _problem(
        self,
        error: ModelError,
        attempt: int,
        wait: float,
        waited: float,
        deadline: float | None,
    ) -> str | None:
        """Say why there is no further attempt; None when there is one."""
        if not error.retryable:
            return ""
        if attempt >= self._attempts:
            return ""
        if deadline is not None and time.monotonic() + wait >= deadline:
            return f"waiting {wait:,.1f} s more would pass the run's deadline"
        if waited + wait > self._total_wait:
            return f"waiting {wait:,.1f} s more would pass the {self._total_wait:g} s for retries"
        return None


def _cut() -> ModelReplyError:
    return ModelReplyError("the model's stream was cut before its end", retryable=True)


def _note(error: ModelError, attempts: int, problem: str) -> None:
    """Let the error tell what was tried; an error that a first attempt settled stays as it is."""
    error.attempts = attempts
    if attempts == 1 and not problem:
        return
    note = f"; gave up after {attempts} attempt{'s' if attempts > 1 else ''}"
    note += f": {problem}" if problem else ""
    if not error.message.endswith(note):
        error.message += note
