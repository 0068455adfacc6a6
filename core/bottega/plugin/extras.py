"""What a distribution needs, by its own metadata: which of it is installed, and what is missing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_REQUIREMENT = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:\[[^]]*\])?\s*([^;]*)(?:;(.*))?$")
_EXTRA = re.compile(r"""extra\s*==\s*['"]([^'"]+)['"]""")
_LEAST = re.compile(r">=\s*(\d+(?:\.\d+)*)")


@dataclass(frozen=True, kw_only=True, slots=True)
class Library:
    """One library that a distribution needs, or wants for one of its extras."""

    name: str
    extra: str
    """Empty for what is needed always."""
    least: str
    """The oldest version that will do; empty for any."""
    installed: str
    """The version here; empty when it is not installed."""

    @property
    def usable(self) -> bool:
        """Whether it is here, and not too old."""
        return bool(self.installed) and _numbers(self.installed) >= _numbers(self.least)


def libraries(distribution: str) -> Iterator[Library]:
    """Yield what the distribution needs. Yields nothing when it is not installed."""
    from importlib.metadata import PackageNotFoundError, requires

    try:
        lines = requires(distribution) or []
    except PackageNotFoundError:
        return
    for line in lines:
        match = _REQUIREMENT.match(line)
        if match is None:
            continue
        name, versions, marker = match.groups(default="")
        extra, least = _EXTRA.search(marker), _LEAST.search(versions)
        yield Library(
            name=name,
            extra=extra.group(1) if extra else "",
            least=least.group(1) if least else "",
            installed=_installed(name),
        )


def _installed(name: str) -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version.partition("+")[0])[:3])
