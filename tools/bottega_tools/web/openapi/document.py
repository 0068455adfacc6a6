"""An OpenAPI document in memory: references are followed, within bounds, and schemas collected."""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false
# A document is JSON, whose parts are of any type.

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from bottega.errors import InputError
from bottega.escape import one_line
from bottega.messages import Json
from bottega_tools.web.visible import visible

_MOST_HOPS = 20
_MOST_DEFINITIONS = 200
_LARGEST_DEFINITIONS = 40_000
"""Characters of the schemas that one tool's arguments refer to; those beyond are left open."""
_DEEPEST = 40
_NAMED = ("properties", "patternProperties", "$defs", "definitions")
_UNTOLD = ("example", "examples", "externalDocs", "xml", "discriminator", "deprecated")
"""Words of a schema that models need not read."""


class OpenApiDocument:
    """A document, and what its references mean."""

    def __init__(self, data: Mapping[str, Json], source: str) -> None:
        self.data = data
        self.source = source
        """What messages call it."""

    def follow(self, found: Any) -> dict[str, Any]:
        """Return the object itself where this is a reference to one. Raises InputError."""
        for _ in range(_MOST_HOPS):
            if not isinstance(found, Mapping):
                raise self.wrong(f"expected an object, got {one_line(repr(found), 60)}")
            reference = found.get("$ref")
            if not isinstance(reference, str):
                return dict(found)
            found = self._at(reference)
        raise self.wrong("its references lead round in a circle")

    def schema(self, found: Any, collected: dict[str, Json]) -> Json:
        """Return a schema whose references point into `$defs`; what they mean is collected.

        Recursive schemas stay so. Beyond the limits what is referred to may be anything.
        """
        seen: dict[str, str] = {}
        made = self._copied(found, seen, 0)
        done = 0
        while done < len(seen):
            name, reference = list(seen.items())[done]
            done += 1
            if name not in collected:
                collected[name] = {}
                meant = self._copied(self._at(reference), seen, 0)
                if len(json.dumps([collected, meant], default=str)) <= _LARGEST_DEFINITIONS:
                    collected[name] = meant
        return made

    def _copied(self, found: Any, seen: dict[str, str], depth: int) -> Json:
        """Copy a schema without what models need not read; the references in it are noted."""
        if isinstance(found, list):
            return [self._copied(item, seen, depth + 1) for item in found]
        if not isinstance(found, Mapping):
            return visible(found) if isinstance(found, str) else found
        if depth > _DEEPEST:
            return {}
        reference = found.get("$ref")
        if isinstance(reference, str):
            name = _definition(reference)
            if name not in seen and len(seen) >= _MOST_DEFINITIONS:
                return {}
            seen[name] = reference
            return {"$ref": f"#/$defs/{name}"}
        made: dict[str, Json] = {}
        for key, value in found.items():
            if key in _NAMED and isinstance(value, Mapping):
                schemas = value.items()
                made[key] = {str(k): self._copied(v, seen, depth + 1) for k, v in schemas}
            elif key not in _UNTOLD and not str(key).startswith("x-"):
                made[str(key)] = self._copied(value, seen, depth + 1)
        return made

    def wrong(self, problem: str) -> InputError:
        """Return what to say of a document with a fault."""
        return InputError(f"{self.source}: {problem}")

    def _at(self, reference: str) -> Any:
        """Return what a JSON pointer (RFC 6901) points at."""
        if not reference.startswith("#/"):
            raise self.wrong(
                f"it refers to {one_line(reference, 100)!r}, which is outside of the document"
            )
        found: Any = self.data
        for part in reference[2:].split("/"):
            key = unquote(part).replace("~1", "/").replace("~0", "~")
            if isinstance(found, list) and key.isdecimal() and int(key) < len(found):
                found = found[int(key)]
            elif isinstance(found, Mapping) and key in found:
                found = found[key]
            else:
                raise self.wrong(f"it refers to {one_line(reference, 100)!r}, which is not there")
        return found


def _definition(reference: str) -> str:
    return "".join(letter if letter.isalnum() else "_" for letter in reference[2:])[-80:]
