"""What one visit to the web may take."""

from __future__ import annotations

from dataclasses import dataclass

from bottega.errors import InputError


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Bounds on one fetch, redirects included."""

    seconds: float = 30.0
    """From the look-up of the name to the last byte."""
    connect_seconds: float = 10.0
    """Until a connection stands, each time one is made."""
    header_seconds: float = 20.0
    """From the request to the end of the answer's headers, each time."""
    body: int = 5 << 20
    """Bytes of a body, unpacked."""
    redirects: int = 5

    @classmethod
    def of(cls, seconds: float = 30.0, megabytes: float = 5.0) -> Limits:
        """Return the limits that a person names. Raises InputError for one that cannot be."""
        if not 0 < seconds <= 600:
            raise InputError(f"seconds: {seconds!r} cannot be", hint="above 0, at most 600")
        if not 0 < megabytes <= 100:
            raise InputError(f"megabytes: {megabytes!r} cannot be", hint="above 0, at most 100")
        return cls(
            seconds=seconds,
            connect_seconds=min(cls.connect_seconds, seconds),
            header_seconds=min(cls.header_seconds, seconds),
            body=int(megabytes * (1 << 20)),
        )
