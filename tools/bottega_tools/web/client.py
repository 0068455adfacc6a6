"""Fetching over the web, redirects included, every step of the way guarded and bounded."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from urllib.parse import urljoin

from bottega.addresses import Address, read_url
from bottega.destinations import Allowed
from bottega.errors import InputError, ToolError
from bottega.guard import Guard
from bottega.tools import ToolContext
from bottega_tools.web.exchange import exchange
from bottega_tools.web.limits import Limits
from bottega_tools.web.messages import Request, Response

_REDIRECTS = (301, 302, 303, 307, 308)
_EVERYWHERE = frozenset(("accept", "accept-language", "user-agent"))
"""Headers that go along to another origin; any other may be a key, a cookie or personal."""


class WebClient:
    """Fetch what a guard admits.

    With a proxy the guard judges names and addresses as they are written; what a name stands for
    is looked up by the proxy, and only the proxy can say no to it.
    """

    def __init__(
        self,
        guard: Guard | None = None,
        limits: Limits | None = None,
        proxy: Address | None = None,
    ) -> None:
        self.guard = guard or Guard()
        self.limits = limits or Limits()
        self.proxy = proxy

    def reaching(self, address: Address) -> WebClient:
        """Return a client that gets to this server as well, wherever it is: a person named it."""
        named = Allowed(hosts=frozenset({(address.host, address.port)}))
        return WebClient(self.guard.extended(named), self.limits, self.proxy)

    async def fetch(self, request: Request, context: ToolContext) -> Response:
        """Return the answer at the end of all redirects, whatever its status. Raises ToolError."""
        seconds = self.limits.seconds
        late = f"within {seconds:g} s"
        left = seconds if context.deadline is None else context.deadline - time.monotonic()
        if left < seconds:
            seconds, late = left, "before the time of the run was up"
        try:
            async with asyncio.timeout(seconds):
                return await self._followed(request, context)
        except TimeoutError:
            message = f"{request.address.origin} gave no whole answer {late}"
            raise ToolError(message, retryable=True) from None

    async def _followed(self, request: Request, context: ToolContext) -> Response:
        for _ in range(self.limits.redirects + 1):
            by_name = self.proxy is not None
            ips = await self.guard.admit(request.address, context.allowed, by_name=by_name)
            response = await exchange(request, ips, self.limits, self.proxy)
            further = redirected(request, response)
            if further is None:
                return response
            request = further
        raise ToolError(
            f"{request.address.origin} redirects more than {self.limits.redirects} times"
        )


def redirected(request: Request, response: Response) -> Request | None:
    """Return the request that the answer asks for in place of this one; None where it is final.

    Raises ToolError for a step from https to http, to what is no URL, or with a body to elsewhere.
    Follows https://fetch.spec.whatwg.org/#http-redirect-fetch.
    """
    location = response.headers.get("Location", "")
    if response.status not in _REDIRECTS or not location:
        return None
    here = request.address
    try:
        there = read_url(urljoin(here.url, location))
    except (InputError, ValueError) as error:
        problem = error.message if isinstance(error, InputError) else "it is no URL"
        raise ToolError(f"{here.origin} redirects to what is refused: {problem}") from None
    if here.scheme == "https" and there.scheme == "http":
        raise ToolError(
            f"{here.origin} redirects from https to http, where anyone could listen: {there.origin}"
        )
    method, body, headers = request.method, request.body, dict(request.headers)
    to_get = response.status == 303 and method not in ("GET", "HEAD")
    if to_get or (response.status in (301, 302) and method == "POST"):
        method, body = "GET", b""
        headers = {name: headers[name] for name in headers if name.lower() != "content-type"}
    if there.origin != here.origin:
        if method not in ("GET", "HEAD"):
            raise ToolError(
                f"{here.origin} redirects a {method} to {there.origin}",
                hint="ask there directly, if that is wanted",
            )
        headers = {name: headers[name] for name in headers if name.lower() in _EVERYWHERE}
    return replace(request, address=there, method=method, body=body, headers=headers)
