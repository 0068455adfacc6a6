"""Who may be spoken to: every address behind a URL is checked, and only these are connected to.

A name is looked up once for each request, all answers are checked, and the connection goes to the
answers that were checked: what the name stands for a moment later does not matter (DNS rebinding).
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable, Sequence
from functools import partial

from bottega.addresses import BAD_PORTS, Address
from bottega.destinations import Allowed, local_name, refusal
from bottega.errors import ToolError
from bottega.hostnames import IPAddress
from bottega.permissions import Permissions
from bottega.threads import Call

Lookup = Callable[[str, int], Awaitable[Sequence[str]]]
"""Return the addresses that a name stands for. Raises OSError where there is none."""

_MOST_ANSWERS = 32


async def look_up(host: str, port: int) -> Sequence[str]:
    """Ask the system's resolver, in a thread that nobody waits for when it hangs."""
    ask = partial(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
    call = Call(ask, lambda: None)
    call.start()
    try:
        found, problem = await call.future
    except asyncio.CancelledError:
        call.abandon()
        raise
    if problem is not None:
        raise problem
    return [str(entry[4][0]) for entry in found]


class Guard:
    """Say where a tool may go."""

    def __init__(self, allowed: Allowed | None = None, lookup: Lookup | None = None) -> None:
        self.allowed = allowed or Allowed()
        """What is let through although it is not of the public internet."""
        self._lookup = lookup or look_up

    def extended(self, allowed: Allowed) -> Guard:
        """Return a guard that lets this through as well."""
        return Guard(self.allowed | allowed, self._lookup)

    async def admit(
        self, address: Address, permissions: Permissions, *, by_name: bool = False
    ) -> tuple[IPAddress, ...]:
        """Return the addresses that may be connected to. Raises ToolError where there is none.

        `by_name` looks no name up: somebody else will, and there is no address then.
        """
        permissions.check_host(address.host, address.port)
        named = self.allowed.names(address)
        if not named:
            self._check_spelling(address)
        found: tuple[IPAddress, ...] = () if address.ip is None else (address.ip,)
        if not found and not by_name:
            found = await self._found(address)
        for ip in found:
            why = "" if named or self.allowed.has(ip) else refusal(ip)
            if why:
                raise _refused(address, ip, why)
        return found

    def _check_spelling(self, address: Address) -> None:
        if address.port in BAD_PORTS:
            raise ToolError(
                f"{address.origin} is refused: port {address.port} is that of another service",
                hint="web servers listen elsewhere",
            )
        if address.ip is None and local_name(address.host):
            raise _refused(address, None, "this machine or its network")

    async def _found(self, address: Address) -> tuple[IPAddress, ...]:
        try:
            answers = await self._lookup(address.host, address.port)
            found = tuple(dict.fromkeys(map(ipaddress.ip_address, answers)))[:_MOST_ANSWERS]
        except (OSError, UnicodeError, ValueError):
            found = ()
        if not found:
            raise ToolError(
                f"no address is known for the host {address.host!r}",
                hint="is it spelt right, and is there a network?",
            )
        return found


def _refused(address: Address, ip: IPAddress | None, why: str) -> ToolError:
    is_named = ip is not None and address.ip is None
    where = f"{address.host} ({ip}) is {why}" if is_named else f"it is {why}"
    return ToolError(
        f"{address.origin} is refused: {where}",
        hint="tools reach the public internet; a person can let more through with the option allow",
    )
