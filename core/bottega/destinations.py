"""Where on the internet an address is, and what a person lets tools reach all the same.

Refused is what is not the public internet: this machine, its network, the services by which clouds
hand out keys, and every IPv6 form in which such an IPv4 address can be wrapped. Names are not
looked up here: whoever connects asks about every address that a name stands for, and about the one
that it is connected to.

Sources: IANA's registries of special-purpose IPv4 and IPv6 addresses (RFC 6890); RFC 4291 (mapped),
6052 (NAT64), 3056 (6to4), 4380 (Teredo), 5214 (ISATAP).
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bottega.errors import InputError
from bottega.hostnames import HostError, IPAddress, read_host

if TYPE_CHECKING:
    from bottega.addresses import Address

_Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_METADATA = frozenset(
    ipaddress.ip_address(text)
    for text in (
        "169.254.169.254",  # AWS, Azure, Google, OpenStack, DigitalOcean
        "169.254.170.2",  # AWS containers
        "169.254.170.23",
        "100.100.100.200",  # Alibaba
        "168.63.129.16",  # Azure's host, a public address
        "192.0.0.192",  # Oracle
        "fd00:ec2::254",
        "fd00:ec2::23",
        "fd20:ce::254",  # Google
    )
)
_SPECIAL = tuple(
    (ipaddress.ip_network(network), what)
    for network, what in (
        ("0.0.0.0/8", "this machine"),
        ("127.0.0.0/8", "this machine"),
        ("10.0.0.0/8", "a private network"),
        ("172.16.0.0/12", "a private network"),
        ("192.168.0.0/16", "a private network"),
        ("100.64.0.0/10", "a network shared behind a provider's NAT"),
        ("169.254.0.0/16", "the local link"),
        ("192.0.0.0/24", "a reserved network"),
        ("192.0.2.0/24", "a network for documentation"),
        ("198.51.100.0/24", "a network for documentation"),
        ("203.0.113.0/24", "a network for documentation"),
        ("192.88.99.0/24", "a reserved network"),
        ("198.18.0.0/15", "a network for benchmarks"),
        ("224.0.0.0/4", "a multicast group"),
        ("240.0.0.0/4", "a reserved network"),
        ("::/128", "this machine"),
        ("::1/128", "this machine"),
        ("64:ff9b:1::/48", "a private network"),
        ("100::/64", "a reserved network"),
        ("2001:2::/48", "a network for benchmarks"),
        ("2001:10::/28", "a reserved network"),
        ("2001:20::/28", "a reserved network"),
        ("2001:db8::/32", "a network for documentation"),
        ("3fff::/20", "a network for documentation"),
        ("5f00::/16", "a reserved network"),
        ("fc00::/7", "a private network"),
        ("fe80::/10", "the local link"),
        ("fec0::/10", "a private network"),
        ("ff00::/8", "a multicast group"),
    )
)
_PUBLIC_V6 = ipaddress.IPv6Network("2000::/3")
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_LOW_32 = 0xFFFF_FFFF
_LOCAL_NAMES = (
    "localhost", "local", "internal", "intranet", "lan", "home.arpa", "localdomain",
    "ip6-localhost", "ip6-loopback", "metadata", "metadata.goog", "instance-data",
)  # fmt: skip
"""Names, and ends of names, that stand for this machine, its network or a cloud's metadata."""


def refusal(ip: IPAddress) -> str:
    """Say what the address is, where it is not of the public internet; nothing where it is."""
    if ip in _METADATA:
        return "a cloud's metadata service"
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.scope_id:
            return "the local link"
        wrapped = _wrapped(ip)
        inner = next((why for four in wrapped if (why := refusal(four))), "")
        if inner or ip.ipv4_mapped or ip in _NAT64:
            return inner
    for network, what in _SPECIAL:
        if ip in network:
            return what
    if isinstance(ip, ipaddress.IPv6Address) and ip not in _PUBLIC_V6:
        return "a reserved network"
    return ""


def local_name(host: str) -> bool:
    """Whether the name stands for something near by its mere spelling."""
    return any(host == name or host.endswith(f".{name}") for name in _LOCAL_NAMES)


def _wrapped(ip: ipaddress.IPv6Address) -> list[ipaddress.IPv4Address]:
    """Return the IPv4 addresses to which the address may be unwrapped on its way."""
    found: list[ipaddress.IPv4Address] = []
    bits = int(ip)
    last = ipaddress.IPv4Address(bits & _LOW_32)
    head = bits >> 32
    if (bits > 1 and head in (0, 0xFFFF, 0xFFFF_0000)) or ip in _NAT64:
        found.append(last)
    if ip.sixtofour is not None:
        found.append(ip.sixtofour)
    if ip.teredo is not None:
        found.extend(ip.teredo)
    if head & 0xFDFF_FFFF == 0x5EFE:  # ISATAP
        found.append(last)
    return found


@dataclass(frozen=True, kw_only=True, slots=True)
class Allowed:
    """What a person lets a tool reach although it is not of the public internet."""

    hosts: frozenset[tuple[str, int]] = frozenset()
    """Hosts as URLs name them, each with its port; 0 is any port."""
    networks: tuple[_Network, ...] = ()

    @classmethod
    def read(cls, entries: Iterable[str]) -> Allowed:
        """Read `host`, `host:port`, `[address]:port` and `10.0.0.0/8`. Raises InputError."""
        hosts: set[tuple[str, int]] = set()
        networks: list[_Network] = []
        for entry in entries:
            try:
                if "/" in entry:
                    networks.append(ipaddress.ip_network(entry))
                else:
                    hosts.add(_host_and_port(entry))
            except (HostError, ValueError):
                raise InputError(
                    f"allow: {entry!r} is no host",
                    hint="write host, host:port, [IPv6]:port or a network such as 10.0.0.0/8",
                ) from None
        return cls(hosts=frozenset(hosts), networks=tuple(networks))

    def __or__(self, other: Allowed) -> Allowed:
        return Allowed(hosts=self.hosts | other.hosts, networks=self.networks + other.networks)

    def names(self, address: Address) -> bool:
        """Whether the URL's own host is let through, whatever it stands for."""
        return (address.host, 0) in self.hosts or (address.host, address.port) in self.hosts

    def has(self, ip: IPAddress) -> bool:
        """Whether the address lies in a network that is let through."""
        return any(ip in network for network in self.networks)


def _host_and_port(entry: str) -> tuple[str, int]:
    host, port = entry, 0
    if entry.count(":") > 1 and not entry.startswith("["):
        host = f"[{entry}]"  # an IPv6 address by itself
    elif ":" in entry and not entry.endswith("]"):
        host, _, digits = entry.rpartition(":")
        port = int(digits)
        if not 0 < port < 65536:
            raise ValueError(digits)
    return read_host(host)[0], port
