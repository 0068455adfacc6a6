"""One node of a graph file: the keys of every node, and its kind's own options as they are."""

from __future__ import annotations

import re

from bottega.errors import InputError
from bottega.messages import Json
from bottega.model import Sampling
from bottega.offering import MOST
from bottega.permissions import parse
from bottega.spec.document import Entry, Items, Node, Scalar, Table
from bottega.spec.fields import Range, Reader, plain
from bottega.spec.findings import Findings, clip
from bottega.spec.limits import node_limits
from bottega.spec.memory import read_context, read_memory
from bottega.spec.model import END, START, Mark, NodeSpec

SAMPLING = {
    "temperature": Range(least=0, most=2, whole=False),
    "top_p": Range(least=0, most=1, whole=False),
    "top_k": Range(least=1, most=1_000_000),
    "beams": Range(least=1, most=64),
    "max_tokens": Range(least=1, most=10_000_000),
    "seed": Range(least=-(2**63), most=2**63 - 1),
}
OFFER = Range(least=1, most=MOST)
"""Tools that a node's model is told of at a time."""
NODE_KEYS = (
    "kind",
    "description",
    "instructions",
    "model",
    "decider",
    "dialect",
    "tools",
    "middleware",
    "sampling",
    "allow",
    "limits",
    "context",
    "memory",
    "offer",
)
"""What every node may have; a node's other keys are options of its kind."""

NODE_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")


def read_node(entry: Entry, reader: Reader) -> NodeSpec:
    """Return as much of the node as can be read, so that edges to it still find it."""
    check_node_name(entry.key, entry.mark, reader.findings)
    hint = f"write `{clip(entry.key)[1:-1]}: {{kind: specialist}}`"
    table = reader.table(entry.value, f"node {clip(entry.key)}", hint)
    if table is None:
        return NodeSpec(name=entry.key, kind="", marks={"": entry.mark})
    fields = {one.key: one.value for one in table.entries}
    if "kind" not in fields:
        message = f"node {clip(entry.key)} has no kind"
        reader.findings.add(entry.mark, message, "for example `kind: specialist`")
    return NodeSpec(
        name=entry.key,
        kind=_text(fields, "kind", reader),
        description=_text(fields, "description", reader),
        instructions=_text(fields, "instructions", reader),
        model=reader.reference(fields.get("model"), "model"),
        decider=reader.reference(fields.get("decider"), "decider"),
        dialect=reader.reference(fields.get("dialect"), "dialect"),
        tools=reader.references(fields.get("tools"), "tools", with_options=True) or (),
        middleware=reader.references(fields.get("middleware"), "middleware"),
        sampling=_sampling(fields.get("sampling"), reader),
        allow=_allow(fields.get("allow"), reader),
        limits=node_limits(fields.get("limits"), reader),
        context=read_context(fields.get("context"), reader),
        memory=read_memory(fields.get("memory"), reader),
        offer=_offer(fields.get("offer"), reader),
        options=_options(table, reader),
        marks={"": entry.mark} | _marks(table),
    )


def check_node_name(name: str, mark: Mark, findings: Findings) -> None:
    """Add a finding when a node cannot have that name."""
    if name.lower() in {START, END}:
        message = f"a node cannot be named {clip(name)}: edges use that word"
        findings.add(mark, message, "take another name")
    elif not NODE_NAME.fullmatch(name):
        hint = "a name is a lower-case letter, then up to 63 letters, digits and `_`"
        findings.add(mark, f"{clip(name)} cannot name a node", hint)


def _options(table: Table, reader: Reader) -> dict[str, Json]:
    options: dict[str, Json] = {}
    for entry in table.entries:
        if entry.key == "include":
            reader.unknown(entry, "a node", NODE_KEYS)
        elif entry.key not in NODE_KEYS:
            options[entry.key] = plain(entry.value)
    return options


def _marks(table: Table) -> dict[str, Mark]:
    """Say where a node's keys stand (`tools`), their values (`tools=`) and items (`tools.0`)."""
    marks: dict[str, Mark] = {}
    for entry in table.entries:
        marks[entry.key] = entry.mark
        marks[f"{entry.key}="] = entry.value.mark
        if isinstance(entry.value, Items):
            marks |= {f"{entry.key}.{n}": item.mark for n, item in enumerate(entry.value.items)}
    return marks


def _text(fields: dict[str, Node], key: str, reader: Reader) -> str:
    if key not in fields:
        return ""
    expected = "the name of a kind of agent" if key == "kind" else "text"
    return reader.text(fields[key], key, expected) or ""


def _sampling(node: Node | None, reader: Reader) -> Sampling | None:
    if node is None:
        return None
    table = reader.table(node, "sampling", "for example `sampling: {temperature: 0}`")
    if table is None:
        return None
    fields = reader.fields(table, "`sampling`", (*SAMPLING, "stop"))
    numbers = reader.numbers(fields, "sampling", SAMPLING)
    return Sampling(**numbers, stop=_stop(fields.get("stop"), reader))


def _stop(node: Node | None, reader: Reader) -> tuple[str, ...]:
    if node is None:
        return ()
    if isinstance(node, Scalar) and isinstance(node.value, str) and node.value:
        return (node.value,)
    return reader.texts(node, "sampling.stop", "text") or ()


def _offer(node: Node | None, reader: Reader) -> int | None:
    return None if node is None else reader.whole(node, "offer", OFFER)


def _allow(node: Node | None, reader: Reader) -> tuple[str, ...] | None:
    if node is None:
        return None
    allowed = reader.texts(node, "allow", "permission")
    for text in allowed or ():
        try:
            parse(text)
        except InputError as error:
            reader.findings.add(node.mark, f"allow: {error.message}", error.hint)
    return allowed
