"""The function documents and reference calls of BFCL, ToolAlpaca and tau2, as they are stored.

Only reading; what is measured on them is `bfcl.py`. A record keeps its own names.
"""

from __future__ import annotations

import ast
import gzip
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bottega.messages import Json

CATEGORIES = (
    "simple_python",
    "live_simple",
    "multiple",
    "live_multiple",
    "parallel",
    "parallel_multiple",
    "irrelevance",
)
APIS: Mapping[str, str] = {
    "GorillaFileSystem": "gorilla_file_system",
    "MathAPI": "math_api",
    "MessageAPI": "message_api",
    "TwitterAPI": "posting_api",
    "TicketAPI": "ticket_api",
    "TradingBot": "trading_bot",
    "TravelAPI": "travel_booking",
    "VehicleControlAPI": "vehicle_control",
}


@dataclass(frozen=True, kw_only=True)
class Function:
    """A function document."""

    name: str
    description: str
    parameters: Json


@dataclass(frozen=True, kw_only=True)
class Record:
    """A question with its functions, and the calls that answer it."""

    id: str
    question: str
    functions: tuple[Function, ...]
    calls: tuple[tuple[str, Mapping[str, list[Json]]], ...]
    """Each a function's name and the accepted values of each argument."""


def lines(path: Path) -> Iterator[Any]:
    """Yield the records of a gzipped file of JSON lines."""
    with gzip.open(path, "rt", encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)


def records(folder: Path, category: str) -> list[Record]:
    """Read one category of BFCL."""
    return [_record(item) for item in lines(folder / f"bfcl_{category}.jsonl.gz")]


def _record(item: Mapping[str, Any]) -> Record:
    said = [message["content"] for turn in item["question"] for message in turn]
    return Record(
        id=item["id"],
        question="\n".join(said),
        functions=tuple(map(_function, item["function"])),
        calls=tuple(
            (name, values) for call in item.get("ground_truth", ()) for name, values in call.items()
        ),
    )


def _function(item: Mapping[str, Any]) -> Function:
    return Function(
        name=item["name"], description=item["description"], parameters=item["parameters"]
    )


def arguments(accepted: Mapping[str, list[Json]]) -> dict[str, Json]:
    """Return arguments that are accepted: the first value of each, where "" is none."""
    return {name: _first(values) for name, values in accepted.items() if _given(values)}


def _given(values: list[Json]) -> list[Json]:
    return [value for value in values if value != ""]


def _first(values: list[Json]) -> Json:
    value = _given(values)[0]
    if isinstance(value, dict):  # its values are lists of accepted values in turn
        return {k: _first(v) if isinstance(v, list) else v for k, v in value.items() if _kept(v)}
    if isinstance(value, list):
        return [_first([v]) if isinstance(v, dict) else v for v in value]
    return value


def _kept(value: Json) -> bool:
    return not isinstance(value, list) or bool(_given(value))


def api_functions(folder: Path) -> dict[str, list[Function]]:
    """Read the documents of the multi-turn simulators, by their own class names."""
    with gzip.open(folder / "bfcl_multi_turn_func_doc.json.gz", "rt") as file:
        found: dict[str, list[Any]] = json.load(file)
    return {name: [_function(item) for item in items] for name, items in found.items()}


def multi_turn_calls(folder: Path, category: str) -> Iterator[tuple[str, str, dict[str, Json]]]:
    """Yield each reference call: the record's id, the function's name, the arguments by name.

    Arguments by position are named `0`, `1`, ... : the document says what they are.
    """
    for item in lines(folder / f"bfcl_{category}.jsonl.gz"):
        for turn in item["ground_truth"]:
            for text in turn:
                call = ast.parse(text, mode="eval").body
                assert isinstance(call, ast.Call)
                assert isinstance(call.func, ast.Name)
                named = {word.arg or "": ast.literal_eval(word.value) for word in call.keywords}
                placed = {str(i): ast.literal_eval(a) for i, a in enumerate(call.args)}
                yield item["id"], call.func.id, {**placed, **named}


def alpaca_functions(item: Mapping[str, Any]) -> list[Function]:
    """Read the functions of one ToolAlpaca record: text, with the parameters as JSON in it."""
    found: list[Function] = []
    for name, text in item["function_description"].items():
        if name == "components":
            continue
        match = re.search(r"^Parameters: (\{.*\})$", text, re.MULTILINE)
        said: dict[str, str] = json.loads(match[1]) if match else {}
        properties = {key: _alpaca_type(value) for key, value in said.items()}
        required = [key for key, value in said.items() if value.startswith("Required")]
        schema = {"type": "object", "properties": properties, "required": required}
        described = text.partition("\nParameters:")[0]
        found.append(Function(name=name, description=described, parameters=schema))
    return found


def _alpaca_type(text: str) -> dict[str, Json]:
    bare = text.removeprefix("Required.").strip()
    word = re.match(r"[A-Za-z]+", bare)
    return {"type": word[0].lower() if word else "any", "description": text}


def tau2_functions(folder: Path) -> list[Function]:
    """Read the tools of one domain of tau2, whose types are Python annotations."""
    found: list[Function] = []
    for item in lines(folder / "tools.jsonl.gz"):
        properties = {one["name"]: annotation(one["type"]) for one in item["parameters"]}
        needed = [one["name"] for one in item["parameters"] if one["required"]]
        schema = {"type": "object", "properties": properties, "required": needed}
        found.append(
            Function(name=item["name"], description=item["description"], parameters=schema)
        )
    return found


def annotation(text: str) -> Json:
    """Return the JSON Schema of a Python annotation, as far as tau2 uses them."""
    text = text.strip()
    for outer in ("Optional", "typing.Optional"):
        if text.startswith(f"{outer}["):
            return {"anyOf": [annotation(text[len(outer) + 1 : -1]), {"type": "null"}]}
    if text.startswith("Literal["):
        return {"enum": list(ast.literal_eval(f"[{text[8:-1]}]"))}
    if " | " in text:
        return {"anyOf": [annotation(part) for part in text.split(" | ")]}
    if text.startswith(("List[", "list[")):
        return {"type": "array", "items": annotation(text[5:-1])}
    if text.startswith(("Dict[", "dict[")):
        return {"type": "object"}
    return {"type": text}
