"""Keys for an API as its document wants them: from the environment, never from the model."""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false
# A document is JSON, whose parts are of any type.

from __future__ import annotations

import base64
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bottega.errors import InputError, ToolError, suggest
from bottega.messages import Json
from bottega_tools.web.openapi.document import OpenApiDocument


@dataclass(frozen=True, kw_only=True)
class Credential:
    """One key, and where it goes."""

    place: str
    """`header`, `query` or `cookie`."""
    name: str
    value: str = field(repr=False)


class Credentials:
    """The keys that a person gave, by the names of the document's security schemes."""

    def __init__(self, document: OpenApiDocument, variables: Mapping[str, str]) -> None:
        """Read the variables. Raises InputError for an unknown scheme, and an unset variable."""
        components: Any = document.data.get("components") or {}
        schemes: Mapping[str, Any] = components.get("securitySchemes") or {}
        self._found: dict[str, Credential] = {}
        for name, variable in variables.items():
            if name not in schemes:
                hint = suggest(name, schemes)
                raise InputError(f"{document.source} has no security scheme {name!r}", hint=hint)
            value = os.environ.get(variable, "").strip()
            if not value or not value.isascii() or not value.isprintable():
                raise InputError(f"credentials: the variable {variable} is not set, or no key")
            self._found[name] = _credential(document.follow(schemes[name]), value)

    @property
    def values(self) -> tuple[str, ...]:
        """What must never be shown."""
        found = [each.value for each in self._found.values()]
        return tuple(found + [value.partition(" ")[2] for value in found if " " in value])

    def names(self) -> set[tuple[str, str]]:
        """Return the places and names that are not the model's to fill."""
        return {(each.place, each.name.lower()) for each in self._found.values()}

    def chosen(self, security: Sequence[Mapping[str, Json]], name: str) -> list[Credential]:
        """Return the keys of the first way in for which all are there. Raises ToolError."""
        for way in security:
            if all(scheme in self._found for scheme in way):
                return [self._found[scheme] for scheme in way]
        if not security:
            return []
        wanted = " or ".join(" and ".join(way) for way in security)
        raise ToolError(
            f"{name} needs the credential {wanted}, which was not given",
            hint="a person names a variable for it in the option credentials",
        )


def _credential(scheme: Mapping[str, Any], value: str) -> Credential:
    kind = scheme.get("type")
    if kind == "apiKey":
        return Credential(place=str(scheme.get("in")), name=str(scheme.get("name")), value=value)
    if kind == "http" and str(scheme.get("scheme")).lower() == "basic":
        value = f"Basic {base64.b64encode(value.encode()).decode()}"
    else:
        value = f"Bearer {value}"
    return Credential(place="header", name="Authorization", value=value)
