"""Reading an OpenAPI document, from a file or over the guarded way from a URL: JSON or YAML."""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false
# A document is JSON, whose parts are of any type.

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from bottega.addresses import read_url
from bottega.errors import InputError, NotInstalledError, ToolError
from bottega.escape import one_line
from bottega.messages import Json
from bottega.tools import ToolContext
from bottega_tools.web.client import WebClient
from bottega_tools.web.messages import Request
from bottega_tools.web.reading import decode
from bottega_tools.web.unpacking import size

MOST_BYTES = 10 << 20


def is_url(source: str) -> bool:
    """Whether the document is on the web, and not a file."""
    return source.lower().startswith(("http://", "https://"))


def read_source(source: str, folder: Path, client: WebClient) -> Mapping[str, Json]:
    """Return the document. Raises InputError where it cannot be read or is none of OpenAPI 3."""
    text = _fetched(source, client) if is_url(source) else _read(Path(folder, source))
    found = _parsed(text, source)
    version = str(found.get("openapi", "")) if isinstance(found, dict) else ""
    if not version.startswith(("3.0", "3.1")):
        older = isinstance(found, dict) and "swagger" in found
        what = "of Swagger 2" if older else f"of the version {version!r}" if version else "none"
        raise InputError(
            f"{source} is no OpenAPI document that can be used: it is {what}",
            hint="versions 3.0 and 3.1 are read" + ("; convert it first" if older else ""),
        )
    return dict(found)


def _read(path: Path) -> str:
    try:
        if path.stat().st_size > MOST_BYTES:
            raise InputError(f"{path} is larger than {size(MOST_BYTES)}")
        return path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise InputError(f"{path} is not UTF-8") from None


def _fetched(source: str, client: WebClient) -> str:
    """Fetch in a loop of its own: whoever asks for a toolset's tools may be in one already."""

    async def fetch() -> str:
        request = Request(address=read_url(source), headers={"Accept": "application/json, */*"})
        response = await client.fetch(request, ToolContext())
        if response.status != 200:
            raise ToolError(f"{response.address.shown} answered with status {response.status}")
        return decode(response)

    try:
        with ThreadPoolExecutor(1) as pool:
            return pool.submit(asyncio.run, fetch()).result()
    except ToolError as error:
        raise InputError(error.message, hint=error.hint) from None


def _parsed(text: str, source: str) -> Any:
    try:
        if text.lstrip()[:1] == "{":
            return json.loads(text)
        return _yaml(text)
    except RecursionError:
        raise InputError(f"{source} is nested too deep") from None
    except ValueError as error:
        raise InputError(f"{source} cannot be read: {one_line(str(error), 200)}") from None


def _yaml(text: str) -> Any:
    """Read YAML as JSON would have it: no dates, no aliases by which a small file grows large."""
    try:
        import yaml
    except ImportError:  # of the core, though
        raise NotInstalledError("pyyaml", "web") from None
    fast: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

    class Loader(fast):  # type: ignore[misc]  # its kind is known at run time
        """Knows no dates."""

        yaml_implicit_resolvers = {  # noqa: RUF012  # as PyYAML has it
            first: [each for each in resolvers if each[0] != "tag:yaml.org,2002:timestamp"]
            for first, resolvers in fast.yaml_implicit_resolvers.items()
        }

    try:
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, Loader=fast)):
            raise ValueError("it has YAML aliases, which are not read")
        return yaml.load(text, Loader=Loader)  # noqa: S506  # a safe loader
    except yaml.YAMLError as error:
        raise ValueError(str(error)) from None
