"""smolagents tools as Bottega tools: instances, classes, collections, and files as `save` writes.

Importing this imports nothing of smolagents: who has such a tool has imported it.
"""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bottega.errors import InputError, ToolError
from bottega.messages import Image
from bottega.schema_tool import SchemaTool
from bottega.toolset import Tools

if TYPE_CHECKING:
    from bottega.messages import Json
    from bottega.tools import Tool, ToolContext
    from bottega.toolset import Toolset

_MEDIA = ("image", "audio")
_PATH = {"image": "the path of an image file", "audio": "the path of an audio file"}
LARGEST_CODE = 1_000_000
"""Characters of a tool's file."""
MOST_PIXELS = 50_000_000


def from_smolagents(thing: Any, **declared: Any) -> Tool | Toolset:
    """Return the tool as a Bottega tool, and a `ToolCollection` as a toolset.

    The keyword arguments are fields of `bottega.Tool`: effects, permissions, timeout. Raises
    InputError for a class that cannot be made without arguments, and for what is no tool.
    """
    if isinstance(thing, type):
        thing = _made(thing)
    if hasattr(thing, "forward") and hasattr(thing, "inputs"):
        return _tool(thing, declared)
    if hasattr(thing, "tools"):
        return Tools(type(thing).__name__, [_tool(each, declared) for each in thing.tools])
    raise InputError(f"a {type(thing).__name__} of smolagents is no tool")


def load_smolagents(folder: Path | str, **declared: Any) -> Tool:
    """Run the `tool.py` in a folder, as `Tool.save` wrote it, and return its tool.

    It is code, and runs with all that this process may do: load only what you would run. Raises
    InputError for a folder without such a file, and for code that does not give a tool.
    """
    smol: Any = import_module("smolagents")  # it has no types
    file = Path(folder) / "tool.py" if Path(folder).is_dir() else Path(folder)
    try:
        code = file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"{file} cannot be read: {error}", hint="name the folder of a tool"
        ) from error
    if len(code) > LARGEST_CODE:
        raise InputError(f"{file} has {len(code):,} characters, too many for a tool")
    try:
        made = smol.Tool.from_code(code)
    except Exception as error:
        missing = _missing(file.parent / "requirements.txt")
        hint = f"it asks for: {', '.join(missing)}" if missing else ""
        raise InputError(f"{file} gives no tool: {error}", hint=hint) from error
    return _tool(made, declared)


def _made(kind: type) -> Any:
    try:
        return kind()
    except TypeError as error:
        raise InputError(
            f"{kind.__name__} cannot be made: {error}", hint="give an instance"
        ) from error


def _tool(thing: Any, declared: Mapping[str, Any]) -> Tool:
    media = {
        name: kind for name, item in thing.inputs.items() for kind in _MEDIA if item["type"] == kind
    }
    permissions = frozenset(declared.get("permissions", ()))
    if media:
        permissions |= {"files:read"}

    def call(arguments: dict[str, Json], context: ToolContext) -> Any:
        given: dict[str, Any] = dict(arguments)
        for name in media.keys() & given.keys():
            given[name] = _opened(given[name], media[name], context)
        return _result(thing(**given, sanitize_inputs_outputs=True))

    fields = {**declared, "permissions": permissions}
    made = SchemaTool(thing.name, thing.description, _schema(thing.inputs), call, **fields)
    made.run.__module__ = type(thing).__module__  # not of this house: held to what its node allows
    return made


def _schema(inputs: Mapping[str, Mapping[str, Any]]) -> dict[str, Json]:
    """Return smolagents' `inputs` as JSON Schema."""
    properties = {name: _property(item) for name, item in inputs.items()}
    required = [name for name, item in inputs.items() if not item.get("nullable")]
    return {"type": "object", "properties": properties, "required": required}


def _property(item: Mapping[str, Any]) -> dict[str, Json]:
    made = {key: value for key, value in item.items() if key not in ("type", "nullable")}
    kinds = [item["type"]] if isinstance(item["type"], str) else list(item["type"])
    about = [_PATH[kind] for kind in kinds if kind in _PATH]
    if about:
        made["description"] = f"{made.get('description', '')} ({' or '.join(about)})".strip()
    if "any" in kinds:
        return made
    names = list(dict.fromkeys("string" if kind in _MEDIA else kind for kind in kinds))
    if item.get("nullable") and "null" not in names:
        names.append("null")
        if "enum" in made:
            made["enum"] = [*made["enum"], None]
    made["type"] = names[0] if len(names) == 1 else names
    return made


def _opened(path: Json, kind: str, context: ToolContext) -> Any:
    """Open the file that the model named, where the call may read it."""
    if not isinstance(path, str):
        return path
    if not context.allowed.read(path):
        raise ToolError(f"{path} may not be read", hint="allow: [files:read:PATH]")
    if kind == "audio":
        return path
    import PIL.Image

    try:
        with PIL.Image.open(path) as image:
            if image.width * image.height > MOST_PIXELS:
                raise ToolError(f"{path} has {image.width} x {image.height} pixels, too many")
            image.load()
            return image
    except OSError as error:
        raise ToolError(f"{path} is no image that can be read: {error}") from error


def _result(value: Any) -> Any:
    """Return what a tool gave: smolagents' own types unpacked, pictures as images."""
    kind = type(value).__name__
    if kind == "AgentText":
        return str(value)
    if kind == "AgentAudio":
        return f"[audio of {value.samplerate} Hz, not shown]"
    raw = value.to_raw() if kind == "AgentImage" else value
    if hasattr(raw, "save") and hasattr(raw, "getbands"):  # a PIL image, without importing PIL
        buffer = io.BytesIO()
        raw.convert("RGBA" if "A" in raw.getbands() else "RGB").save(buffer, "PNG")
        return Image(media_type="image/png", data=buffer.getvalue())
    return value


def _missing(requirements: Path) -> list[str]:
    """Return the packages that a tool asks for and that are not installed."""
    try:
        lines = requirements.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return []
    names = [match[0] for line in lines if (match := re.match(r"[A-Za-z0-9._-]+", line.strip()))]
    return [name for name in names if not _is_installed(name)]


def _is_installed(name: str) -> bool:
    try:
        version(name)
    except PackageNotFoundError:
        return False
    return True
