"""The tools of an OpenAPI document: one for each operation, all on the guarded way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

from bottega.addresses import Address, read_url
from bottega.errors import InputError, ToolError
from bottega.escape import mask, one_line
from bottega.messages import Json
from bottega.schema_tool import SchemaTool
from bottega.tool_name import clean_name
from bottega.tools import Tool, ToolContext
from bottega.toolset import Choice
from bottega_tools.web.client import WebClient
from bottega_tools.web.openapi.credentials import Credentials
from bottega_tools.web.openapi.document import OpenApiDocument
from bottega_tools.web.openapi.operation import METHODS, Operation, operations
from bottega_tools.web.openapi.source import is_url, read_source
from bottega_tools.web.openapi.writing import write_request
from bottega_tools.web.web_api import body_text

_MOST_TOOLS = 1_000
_LONGEST_FAILURE = 600


@dataclass(frozen=True)
class OpenApi:
    """The operations of an OpenAPI document as tools; it is read when they are first asked for.

        Agent("clerk", model=..., tools=[OpenApi("petstore.yaml", credentials={"key": "PETS_KEY"})])

    What a tool may do twice follows from its method; keys come from the environment.
    """

    source: str
    """A file, JSON or YAML, or a URL."""
    _: KW_ONLY
    base_url: str = ""
    """Where the API is, in place of the server that the document names."""
    credentials: Mapping[str, str] = field(default_factory=dict[str, str])
    """For a security scheme of the document the environment variable that holds its key."""
    only: Sequence[str] = ()
    """The tools that are wanted, by name; empty for all."""
    prefix: str = ""
    """Put before each name with an underscore."""
    folder: Path = Path()
    """Where a relative file is looked for."""
    client: WebClient = field(default_factory=WebClient, compare=False)

    @property
    def name(self) -> str:
        """What messages call it."""
        return f"the OpenAPI document {self.source}"

    @cached_property
    def tools(self) -> Sequence[Tool]:
        """One tool for each operation. Raises InputError for a document that cannot be used."""
        data: Mapping[str, Json] = read_source(self.source, self.folder, self.client)
        document = OpenApiDocument(data, self.source)
        credentials = Credentials(document, self.credentials)
        made: dict[str, Tool] = {}
        for operation in operations(document):
            if len(made) == _MOST_TOOLS:
                raise document.wrong(f"it has more than {_MOST_TOOLS:,} operations")
            name = clean_name(operation.name, made)
            made[name] = self._tool(name, operation, credentials)
        return Choice(only=self.only, prefix=self.prefix).of(made.values(), self.name)

    def _tool(self, name: str, operation: Operation, credentials: Credentials) -> Tool:
        base = self._base(operation)
        kept = [
            each
            for each in operation.parameters
            if (each.place, each.name.lower()) not in credentials.names()
        ]
        operation = replace(operation, parameters=kept)
        call = _Call(replace(operation, name=name), base, credentials, self._client(base))
        return SchemaTool(
            name,
            operation.description,
            operation.arguments,
            call,
            effects=METHODS[operation.method.lower()],
            permissions=frozenset({f"network:{_scope(base)}"}),
            trust="untrusted",
            timeout=self.client.limits.seconds + 5.0,
        )

    def _base(self, operation: Operation) -> Address:
        """Return where the operation is. Raises InputError where nobody says."""
        if self.base_url:
            return read_url(self.base_url)
        url = operation.server
        if is_url(self.source):
            url = urljoin(self.source, url or "/")
        elif not is_url(url):
            raise InputError(f"{self.source} names no server", hint="say where with base_url")
        base = read_url(url)
        elsewhere = is_url(self.source) and read_url(self.source).origin != base.origin
        if self.credentials and elsewhere:
            raise InputError(
                f"{self.source} names a server elsewhere, {base.origin}, that would get your keys",
                hint="say with base_url that it is the right one",
            )
        return base

    def _client(self, base: Address) -> WebClient:
        """Return the client; a server that a person named is let through, wherever it is."""
        return self.client.reaching(base) if self.base_url else self.client


class _Call:
    """Carries out the calls of one tool."""

    def __init__(
        self, operation: Operation, base: Address, credentials: Credentials, client: WebClient
    ) -> None:
        self._operation = operation
        self._base = base
        self._credentials = credentials
        self._client = client

    async def __call__(self, arguments: dict[str, Any], context: ToolContext) -> str:
        keys = self._credentials.chosen(self._operation.security, self._operation.name)
        request = write_request(self._operation, self._base, arguments, keys)
        response = await self._client.fetch(request, context)
        text = self._masked(body_text(response))
        if response.status < 400:
            return text if response.body else f"done (status {response.status})"
        said = one_line(text, _LONGEST_FAILURE) if response.body else response.reason
        raise ToolError(
            f"{self._operation.name} failed with status {response.status}: {said}",
            retryable=response.status == 429 or response.status >= 500,
        )

    def _masked(self, text: str) -> str:
        for value in self._credentials.values:
            text = text.replace(value, "***")
        return mask(text)


def _scope(base: Address) -> str:
    host = f"[{base.host}]" if ":" in base.host else base.host
    return f"{host}:{base.port}"
