"""The way to the server: one POST, its answer read piece by piece under one deadline.

Knows HTTP and time; what the bytes mean is `reply`, who asks again is `bottega.retry`.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass

import aiohttp
import yarl

from bottega.errors import ModelError, ModelReplyError, ModelTimeoutError, ModelUnreachableError
from bottega_plugins.models.openai.redaction import Redactor
from bottega_plugins.models.openai.sessions import Sessions
from bottega_plugins.models.openai.settings import BASE_URL, Settings

_ERROR_BODY = 64_000
"""Most bytes that are read of an answer other than 200."""
_ERROR_SECONDS = 5.0
_TAIL_SECONDS = 0.05
"""How long a server may take to end a stream whose end it has announced, to keep the connection."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Clock:
    """When the time of one call is up; in `time.monotonic()`."""

    at: float
    of_caller: bool
    """The caller's deadline comes first; asking again cannot help then."""

    @classmethod
    def start(cls, timeout: float, deadline: float | None) -> Clock:
        own = time.monotonic() + timeout
        if deadline is not None and deadline < own:
            return cls(at=deadline, of_caller=True)
        return cls(at=own, of_caller=False)

    def left(self) -> float:
        return self.at - time.monotonic()


class Client:
    """Send requests to one server."""

    def __init__(self, settings: Settings, redactor: Redactor) -> None:
        self._settings = settings
        self._redactor = redactor
        self._url = yarl.URL(settings.endpoint)
        self._headers = {
            "Accept": "text/event-stream, application/json",
            "Accept-Encoding": "identity",  # nothing that unpacks to more than was sent
            "Content-Type": "application/json",
            "User-Agent": "bottega",
            **({"Authorization": f"Bearer {settings.key}"} if settings.key else {}),
            **settings.headers,
        }
        self._sessions = Sessions(self._open)

    def _open(self) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers=self._headers,
            timeout=aiohttp.ClientTimeout(total=None, connect=self._settings.connect_timeout),
            auto_decompress=False,
            trust_env=not self._settings.loopback,  # proxies, as every other client has them
        )

    async def post(self, body: bytes, deadline: float | None) -> Answer:
        """Send a body; return once the answer's headers are there. Raises ModelError."""
        clock = Clock.start(self._settings.timeout, deadline)
        session = await self._sessions.get()
        try:
            async with asyncio.timeout(clock.left()):
                response = await session.post(self._url, data=body, allow_redirects=False)
        except aiohttp.ServerTimeoutError:
            seconds = self._settings.connect_timeout
            raise self._unreachable(f"no connection within {seconds:g} s") from None
        except TimeoutError:
            raise _late(self._settings, clock) from None
        except aiohttp.ClientHttpProxyError as error:
            raise self._unreachable(f"its proxy answered with status {error.status}") from None
        except aiohttp.ClientResponseError as error:
            reason = self._redactor.excerpt(error.message)
            raise ModelReplyError(
                f"{self._settings.address} does not speak HTTP: {reason}", retryable=True
            ) from None
        except (aiohttp.ClientError, OSError) as error:
            secure = not isinstance(error, aiohttp.ClientSSLError)
            raise self._unreachable(self._reason(error), retryable=secure) from None
        return Answer(response, clock, self._settings, self._redactor)

    async def aclose(self) -> None:
        """Close the running loop's connections."""
        await self._sessions.aclose()

    def _unreachable(self, reason: str, *, retryable: bool = True) -> ModelUnreachableError:
        return ModelUnreachableError(
            f"cannot reach {self._settings.address}: {reason}",
            hint=f"is the server running, and {BASE_URL} right?",
            retryable=retryable,
        )

    def _reason(self, error: Exception) -> str:
        if isinstance(error, aiohttp.ServerDisconnectedError):
            return "it closed the connection without an answer"
        inner = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
        return self._redactor.excerpt(_system_reason(inner))


class Answer:
    """What the server answers; close it, or the connection stays taken."""

    def __init__(
        self,
        response: aiohttp.ClientResponse,
        clock: Clock,
        settings: Settings,
        redactor: Redactor,
    ) -> None:
        self._response = response
        self._clock = clock
        self._settings = settings
        self._redactor = redactor

    @property
    def status(self) -> int:
        """The HTTP status."""
        return self._response.status

    @property
    def headers(self) -> Mapping[str, str]:
        """Read without regard to case."""
        return self._response.headers

    async def read(self) -> bytes:
        """Return what has come, empty at the end. Raises ModelError."""
        left = self._clock.left()
        idle = self._settings.idle_timeout
        if left <= 0:  # what is there already would be returned without a look at the clock
            raise _late(self._settings, self._clock)
        try:
            async with asyncio.timeout(min(left, idle)):
                return await self._response.content.readany()
        except TimeoutError:
            if left <= idle:
                raise _late(self._settings, self._clock) from None
            raise ModelTimeoutError(
                f"{self._settings.address} fell silent for {idle:g} s in the middle of its reply",
                retryable=True,
            ) from None
        except aiohttp.ClientPayloadError as error:
            raise self._broken(error.__cause__ or error) from None
        except (aiohttp.ClientError, OSError) as error:
            raise self._broken(error) from None

    async def read_error(self) -> bytes:
        """Return the beginning of the body, as far as it comes soon. Never raises ModelError."""
        pieces: list[bytes] = []
        try:
            async with asyncio.timeout(_ERROR_SECONDS):
                while sum(map(len, pieces)) < _ERROR_BODY and (piece := await self.read()):
                    pieces.append(piece)
        except (ModelError, TimeoutError):
            pass  # the status says enough
        return b"".join(pieces)[:_ERROR_BODY]

    async def finish(self) -> None:
        """Wait a moment for the end of the body: then the connection can serve the next call."""
        try:
            async with asyncio.timeout(_TAIL_SECONDS):
                while not self._response.content.at_eof() and await self.read():
                    pass
        except (ModelError, TimeoutError):
            pass  # the reply is whole; only the connection is lost

    def close(self) -> None:
        """Hand the connection back, or cut it when the server is still sending."""
        if self._response.content.at_eof():
            self._response.release()
        else:
            self._response.close()

    def _broken(self, error: BaseException) -> ModelError:
        address = self._settings.address
        if isinstance(error, ConnectionError):
            return ModelUnreachableError(
                f"{address} broke the connection in the middle of its reply: "
                f"{self._redactor.excerpt(_system_reason(error))}",
                retryable=True,
            )
        return ModelReplyError(
            f"the reply of {address} was cut: {self._redactor.excerpt(str(error))}", retryable=True
        )


def _system_reason(error: BaseException) -> str:
    """Return the system's own words, such as `Connection refused`; asyncio's say less."""
    if isinstance(error, OSError) and error.errno and error.errno > 0:
        return os.strerror(error.errno)
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) or type(error).__name__


def _late(settings: Settings, clock: Clock) -> ModelTimeoutError:
    if clock.of_caller:
        return ModelTimeoutError(f"{settings.address} did not answer before the run's time was up")
    return ModelTimeoutError(
        f"{settings.address} gave no whole reply within {settings.timeout:g} s", retryable=True
    )
