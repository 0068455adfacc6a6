"""OpenAPI documents as tools, against a real server that says back what it was sent."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import pytest
from web_server import Page, Seen, WebServer, page, redirect, serving

import bottega_tools.plugin
from bottega.agent import Agent
from bottega.calling import call_tool
from bottega.errors import BottegaError, InputError, ToolArgumentError, ToolError
from bottega.permissions import Permissions
from bottega.plugin.context import FactoryContext
from bottega.plugin.manager import PluginManager
from bottega.testing import Call, ScriptedModel
from bottega.tools import Output, Tool, ToolContext
from bottega.toolset import Toolset

PETS = """
openapi: 3.1.0
info: {title: Pets, version: 2024-01-01}
servers: [{url: "http://{host}/v1", variables: {host: {default: 127.0.0.1:1}}}]
security: [{key: []}]
paths:
  /pets:
    parameters: [{$ref: "#/components/parameters/Trace"}]
    get:
      operationId: pets.list
      summary: List the pets.
      description: "All of them.\\u200b"
      parameters:
        - {name: tag, in: query, description: wanted, schema: {$ref: '#/components/schemas/Tags'}}
        - {name: box, in: query, explode: false, schema: {type: array, items: {type: integer}}}
        - {name: near, in: query, style: deepObject, schema: {type: object}}
        - {name: where, in: query, content: {application/json: {schema: {type: object}}}}
        - {name: limit, in: query, required: true, schema: {type: integer, maximum: 50}}
        - {name: Authorization, in: header, schema: {type: string}}
        - {name: session, in: cookie, schema: {type: string}}
    post:
      operationId: pets.add
      requestBody:
        required: true
        content: {application/json: {schema: {$ref: "#/components/schemas/Pet"}}}
  /pets/{id}:
    get:
      security: []
      parameters:
        - {name: id, in: path, required: true, schema: {type: string}}
        - {name: id, in: query, schema: {type: string}}
    put:
      operationId: pets.list
      deprecated: true
      parameters: [{name: id, in: path, required: true, schema: {type: string}}]
      requestBody: {content: {application/x-www-form-urlencoded: {schema: {type: object}}}}
    delete:
      operationId: drop
      security: [{other: []}]
      parameters: [{name: id, in: path, required: true, schema: {type: string}}]
components:
  parameters:
    Trace: {name: X-Trace, in: header, schema: {type: string}}
  securitySchemes:
    key: {type: apiKey, in: query, name: appid}
    other: {type: http, scheme: basic}
    token: {type: http, scheme: bearer}
  schemas:
    Tags: {type: array, items: {type: string}}
    Pet:
      type: object
      required: [name]
      example: {name: never shown}
      properties:
        name: {type: string, x-order: 1}
        example: {type: string}
        parent: {$ref: "#/components/schemas/Pet"}
"""
KEY = "k3y-0123456789"


@pytest.fixture(scope="module")
def shared() -> Iterator[WebServer]:
    with serving() as server:
        yield server


@pytest.fixture
def server(shared: WebServer, monkeypatch: pytest.MonkeyPatch) -> WebServer:
    shared.pages.clear()
    shared.seen.clear()
    monkeypatch.setenv("PETS_CREDENTIAL", KEY)
    return shared


def toolset(folder: Path, text: str, **options: object) -> Toolset:
    (folder / "api.yaml").write_text(text)
    plugins = PluginManager()
    plugins.register(bottega_tools.plugin, "tools")
    context = FactoryContext(plugins=plugins, folder=folder)
    made: Toolset = plugins.make("tool", "openapi", context, source="api.yaml", **options)
    return made


@pytest.fixture
def pets(server: WebServer, tmp_path: Path) -> dict[str, Tool]:
    given = {"base_url": f"{server.url}/v2", "credentials": {"key": "PETS_CREDENTIAL"}}
    return {tool.name: tool for tool in toolset(tmp_path, PETS, **given).tools}


def call(tool: Tool, **arguments: object) -> Output:
    allowed = Permissions.of(tool.permissions)
    return asyncio.run(call_tool(tool, tool.validate(arguments), ToolContext(allowed=allowed)))


def problem(tool: Tool, **arguments: object) -> str:
    with pytest.raises(ToolError) as caught:
        call(tool, **arguments)
    assert KEY not in str(caught.value)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_every_operation_is_a_tool(pets: dict[str, Tool], server: WebServer) -> None:
    assert {name: tool.effects for name, tool in pets.items()} == {
        "pets_list": "none",
        "pets_add": "once",
        "get_pets_id": "none",
        "pets_list_2": "idempotent",
        "drop": "idempotent",
    }
    assert {tool.permissions for tool in pets.values()} == {frozenset({f"network:{server.at}"})}
    assert {tool.trust for tool in pets.values()} == {"untrusted"}
    assert pets["pets_list"].spec.description == "List the pets.\n\nAll of them."
    assert pets["pets_list_2"].spec.description == "PUT /pets/{id}\n\nDeprecated."


def test_arguments_are_those_of_the_document(pets: dict[str, Tool]) -> None:
    schema = pets["pets_list"].spec.parameters
    assert set(schema["properties"]) == {
        "X-Trace",
        "tag",
        "box",
        "near",
        "where",
        "limit",
        "session",
    }
    assert schema["required"] == ["limit"]
    assert schema["properties"]["tag"]["description"] == "wanted"
    schema = pets["pets_add"].spec.parameters
    (name,) = schema["$defs"]
    assert schema["properties"]["body"] == {"$ref": f"#/$defs/{name}"}
    assert schema["$defs"][name]["properties"] == {
        "name": {"type": "string"},
        "example": {"type": "string"},
        "parent": {"$ref": f"#/$defs/{name}"},
    }
    assert "never shown" not in json.dumps(schema)
    assert set(pets["get_pets_id"].spec.parameters["properties"]) == {"id", "id_query"}
    for tool in pets.values():
        assert "appid" not in json.dumps(tool.spec.parameters)


def test_parameters_go_where_they_belong(pets: dict[str, Tool], server: WebServer) -> None:
    server.pages["/v2/pets"] = page('{"pets":[]}', "application/json")
    arguments = {"tag": ["a b", "c&d"], "box": [1, 2], "near": {"x": 1}, "where": {"y": [True]}}
    output = call(pets["pets_list"], limit="5", session="s;1", **arguments, **{"X-Trace": "t"})
    assert output.content == '{\n "pets": []\n}'
    (seen,) = server.seen
    assert unquote(seen.path) == (
        '/v2/pets?tag=a b&tag=c&d&box=1,2&near[x]=1&where={"y": [true]}&limit=5&appid=' + KEY
    )
    assert seen.path.count("&") == 6
    assert seen.headers["X-Trace"] == "t"
    assert seen.headers["Cookie"] == "session=s%3B1"
    assert "Authorization" not in seen.headers


def test_bodies_are_sent(pets: dict[str, Tool], server: WebServer) -> None:
    server.pages["/v2/pets"] = Page(b"", 201)
    output = call(pets["pets_add"], body={"name": "ü", "parent": {"name": "p"}})
    assert output.content == "done (status 201)"
    assert json.loads(server.seen[0].body) == {"name": "ü", "parent": {"name": "p"}}
    assert server.seen[0].headers["Content-Type"] == "application/json"
    server.pages["/v2/pets/7"] = Page(b"", 204)
    call(pets["pets_list_2"], id="7", body={"a": "b c", "n": 1})
    assert server.seen[1].body == b"a=b+c&n=1"


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("pets_list", {}),
        ("pets_list", {"limit": 51}),
        ("pets_list", {"limit": 1, "appid": "mine"}),
        ("pets_add", {"body": {}}),
        ("pets_add", {"body": {"name": "a", "parent": {"name": 1}}}),
        ("pets_add", {}),
    ],
)
def test_what_does_not_fit_is_not_sent(
    pets: dict[str, Tool], server: WebServer, name: str, arguments: dict[str, object]
) -> None:
    with pytest.raises(ToolArgumentError):
        call(pets[name], **arguments)
    assert server.seen == []


@pytest.mark.parametrize("value", ["../admin", "a/b", "a?b=c#d", "%2e%2e", "ä", "a;b"])
def test_a_value_stays_in_its_part_of_the_path(
    pets: dict[str, Tool], server: WebServer, value: str
) -> None:
    problem(pets["get_pets_id"], id=value, id_query="q")
    path, _, query = server.seen[0].path.partition("?")
    assert path.startswith("/v2/pets/")
    assert path.count("/") == 3
    assert unquote(path[len("/v2/pets/") :]) == value
    assert query == "id=q"


@pytest.mark.parametrize("value", ["", ".", ".."])
def test_a_value_cannot_leave_its_part_of_the_path(
    pets: dict[str, Tool], server: WebServer, value: str
) -> None:
    assert "cannot be" in problem(pets["get_pets_id"], id=value)
    assert server.seen == []


def test_keys_are_masked_and_needed(pets: dict[str, Tool], server: WebServer) -> None:
    server.pages["/v2/pets"] = lambda seen: page(f"you sent {seen.path}", "text/plain")
    assert call(pets["pets_list"], limit=1).content == "you sent /v2/pets?limit=1&appid=***"
    assert problem(pets["drop"], id="1") == (
        "drop needs the credential other, which was not given (a person names a variable for it in "
        "the option credentials)"
    )
    server.pages["/v2/pets"] = lambda seen: Page(f"bad {seen.path}".encode(), 422)
    assert "pets_list failed with status 422: bad /v2/pets?limit=1&appid=***" in problem(
        pets["pets_list"], limit=1
    )
    assert KEY not in repr(pets["pets_list"].__dict__)


def test_a_redirect_takes_no_key_along_and_leads_nowhere_else(
    pets: dict[str, Tool], server: WebServer
) -> None:
    with serving() as other:
        server.pages["/v2/pets"] = redirect(f"{other.url}/x")
        assert "denied: network of '127.0.0.1'" in problem(pets["pets_list"], limit=1)
        assert other.seen == []


def echo_authorization(seen: Seen) -> Page:
    return page(seen.headers.get("Authorization", "none").partition(" ")[0], "text/plain")


@pytest.mark.parametrize(("scheme", "sent"), [("other", "Basic"), ("token", "Bearer")])
def test_schemes_of_http(server: WebServer, tmp_path: Path, scheme: str, sent: str) -> None:
    text = PETS.replace("[{other: []}]", f"[{{{scheme}: []}}]")
    options = {"base_url": server.url, "credentials": {scheme: "PETS_CREDENTIAL"}, "only": "drop"}
    (tool,) = toolset(tmp_path, text, prefix="zoo", **options).tools
    assert tool.name == "zoo_drop"
    server.pages["/pets/1"] = echo_authorization
    assert call(tool, id="1").content == sent


def test_a_document_comes_from_a_server(server: WebServer, tmp_path: Path) -> None:
    document = {"openapi": "3.0.3", "servers": [{"url": "/v3"}], "paths": {"/a": {"get": {}}}}
    server.pages["/api.json"] = page(json.dumps(document), "application/json")
    plugins = PluginManager()
    plugins.register(bottega_tools.plugin, "tools")
    context = FactoryContext(plugins=plugins)
    found = plugins.make("tool", f"openapi:{server.url}/api.json", context, allow=server.at)
    (tool,) = found.tools
    server.pages["/v3/a"] = page("here", "text/plain")
    assert call(tool).content == "here"
    near = plugins.make("tool", f"openapi:{server.url}/api.json", context)
    with pytest.raises(InputError, match="is refused: it is this machine"):
        _ = near.tools
    document["servers"] = [{"url": "https://evil.example/"}]
    document["components"] = {"securitySchemes": {"k": {"type": "http", "scheme": "bearer"}}}
    server.pages["/api.json"] = page(json.dumps(document), "application/json")
    given = {"credentials": {"k": "PETS_CREDENTIAL"}, "allow": server.at}
    elsewhere = plugins.make("tool", f"openapi:{server.url}/api.json", context, **given)
    with pytest.raises(InputError, match=r"names a server elsewhere, https://evil\.example"):
        _ = elsewhere.tools


def bad(**fields: object) -> str:
    operation = {"operationId": "a", **fields}
    servers = [{"url": "https://example.org"}]
    return json.dumps({"openapi": "3.1.0", "servers": servers, "paths": {"/a": {"get": operation}}})


def deep(levels: int) -> str:
    return '{"openapi":"3.1.0","paths":' + '{"a":' * levels + "1" + "}" * levels + "}"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "it is none"),
        ("[]", "it is none"),
        ("swagger: '2.0'", "it is of Swagger 2 (versions 3.0 and 3.1 are read; convert it first)"),
        ("openapi: 4.0.0", "it is of the version '4.0.0'"),
        ("{", "cannot be read"),
        ("a: b: c", "cannot be read"),
        ("a: &x [1]\nb: *x", "it has YAML aliases, which are not read"),
        (deep(100_000), "is nested too deep"),
        ("openapi: 3.1.0\npaths: 1", "its paths are no object"),
        ("openapi: 3.1.0\npaths: {/a: 1}", "expected an object, got 1"),
        ("openapi: 3.1.0\npaths: {/a: {get: {}}}", "names no server (say where with base_url)"),
        (bad(parameters=[{"$ref": "#/nowhere"}]), "refers to '#/nowhere', which is not there"),
        (bad(parameters=[{"$ref": "other.yaml#/a"}]), "which is outside of the document"),
        (bad(parameters=[{"$ref": "#/paths/~1a/get/parameters/0"}]), "lead round in a circle"),
        (bad(requestBody={"content": {"image/png": {}}}), "a body of the type 'image/png' cannot"),
        (
            bad(parameters=[{"name": "q", "in": "query", "schema": {"pattern": "("}}]),
            "the schema of its arguments cannot be used",
        ),
    ],
    ids=lambda text: repr(text[:24]),
)
def test_a_bad_document_is_told_in_a_line(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(BottegaError) as caught:
        _ = toolset(tmp_path, text).tools
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 500


def test_schemas_that_explode_are_bounded(tmp_path: Path) -> None:
    schemas = {
        f"s{n}": {"properties": {f"p{m}": {"$ref": f"#/components/schemas/s{(n * 7 + m) % 400}"}
                                 for m in range(20)}}
        for n in range(400)
    }  # fmt: skip
    document = json.loads(bad(requestBody={"content": {"application/json": {
        "schema": {"$ref": "#/components/schemas/s0"}}}}))  # fmt: skip
    document["components"] = {"schemas": schemas}
    (tool,) = toolset(tmp_path, json.dumps(document)).tools
    assert len(json.dumps(tool.spec.parameters)) < 64_000


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"only": ["pets_lits"]}, "has no tool 'pets_lits' (did you mean 'pets_list'?)"),
        (
            {"credentials": {"kee": "PETS_CREDENTIAL"}},
            "no security scheme 'kee' (did you mean 'key",
        ),
        ({"credentials": {"key": "NO_SUCH_VARIABLE"}}, "the variable NO_SUCH_VARIABLE is not set"),
        ({"base_url": "ftp://x"}, "is of the scheme ftp"),
    ],
)
def test_options_are_checked(
    server: WebServer, tmp_path: Path, options: dict[str, object], said: str
) -> None:
    with pytest.raises(InputError) as caught:
        _ = toolset(tmp_path, PETS, **options).tools
    assert said in str(caught.value)


def test_an_agent_uses_them(server: WebServer, tmp_path: Path) -> None:
    server.pages["/v2/pets"] = page('{"pets":["Rex"]}', "application/json")
    given = {"base_url": f"{server.url}/v2", "credentials": {"key": "PETS_CREDENTIAL"}}
    model = ScriptedModel(Call(name="pets_list", arguments={"limit": 3}), "Rex")
    agent = Agent("clerk", model=model, tools=[toolset(tmp_path, PETS, **given)])
    result = agent.run("Which pets are there?")
    assert result.answer == "Rex"
    assert KEY not in repr(result.events)
    assert KEY in server.seen[0].path
