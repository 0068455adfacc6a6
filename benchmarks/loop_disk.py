"""What durable runs take of the disk, beside the bare minimum and beside LangGraph's own way.

A step says a sentence, calls a tool with an argument and reads 800 characters: that is its content.
The ways to keep it:

    bottega     a graph of one agent, durable, in its store
    langgraph   the same agent as LangGraph has it: a super-step for the model, one for the tools,
                the messages in the state, with its own checkpointer
    log         an append-only table in SQLite: one row a reply, one a result, each committed

Files are measured when everything is closed, tables of PostgreSQL with their indexes.
"""

from __future__ import annotations

import asyncio
import json
import operator
import sqlite3
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Annotated, Any, TypedDict
from uuid import uuid4

from loop_timing import DONE
from loop_ways import Plugin, graph_of

from bottega.model import CallDelta, End, TextDelta, Usage
from bottega.tools import tool

LENGTHS = (10, 50, 200)
MANY = 20
"""Runs in one store."""
ONE = """
name: one
model: "reader:{steps}"
nodes:
  reader: {{kind: specialist, instructions: You read., tools: [look]}}
edges: [start -> reader, reader -> end]
limits: {{steps: 1000}}
"""
TASK = "Read all the entries and say when you are done."
SENTENCE = "I should look at number {} because of the words in the one before it."
Keep = Callable[[int, str], Awaitable[None]]
"""Carries out a run of so many steps and keeps it at an address."""


def entry(number: int) -> str:
    """Return 800 characters that differ from entry to entry."""
    words = (f"{number * 31 + at:x} lorem ipsum dolor" for at in range(60))
    return f"entry {number}: {' '.join(words)}"[:800]


def content(steps: int) -> int:
    """Return the bytes of what is said in such a run."""
    each = (
        len(SENTENCE.format(n)) + len(json.dumps({"number": n})) + len(entry(n))
        for n in range(1, steps)
    )
    return len(TASK) + sum(each) + len(DONE)


class Reader:
    """Ask for one entry after the other, then answer."""

    name = "reader"

    def __init__(self, steps: int) -> None:
        self._steps = steps

    async def respond(self, request: Any) -> Any:
        number = len(request.messages) // 2
        if number < self._steps:
            yield TextDelta(text=SENTENCE.format(number))
            arguments = json.dumps({"number": number})
            yield CallDelta(index=0, id=f"c{number}", name="look", arguments=arguments)
            yield End(finish="tool_calls", usage=Usage(input_tokens=1, output_tokens=1))
        else:
            yield TextDelta(text=DONE)
            yield End(usage=Usage(input_tokens=1, output_tokens=1))


@tool(effects="none")
async def look(number: int) -> str:
    """Look at an entry.

    Args:
        number: which one.
    """
    return entry(number)


def durable(steps: int, store: Path | str | None) -> Any:
    """Return a graph that keeps its runs there."""
    models = {"reader": lambda context: Reader(int(context.argument))}
    return graph_of(ONE.format(steps=steps), Plugin(models, (look,)), store)


async def bottega(steps: int, address: str) -> None:
    """Keep a run in a store of Bottega's."""
    graph = durable(steps, address)
    if not steps:
        return await _nothing(address)
    result = await graph.arun(TASK)
    assert result.answer == DONE, result
    return None


async def _nothing(address: str) -> None:
    """Make an empty store."""
    from bottega.plugin.manager import default_plugins
    from bottega_agents.storage.stores import use_store

    async with use_store(Path(address) if "://" not in address else address, default_plugins()):
        pass


class Messages(TypedDict):
    """LangGraph's state."""

    messages: Annotated[list[Any], operator.add]


def super_steps(steps: int, saver: Any) -> Any:
    """Return the agent as a graph with a super-step for each model call and each tool call."""
    from langchain_core.messages import AIMessage, ToolMessage
    from langgraph.graph import END, START, StateGraph

    def ask(state: Messages) -> Messages:
        number = (len(state["messages"]) + 1) // 2
        if number >= steps:
            return {"messages": [AIMessage(DONE)]}
        call = {"name": "look", "args": {"number": number}, "id": f"c{number}"}
        return {"messages": [AIMessage(SENTENCE.format(number), tool_calls=[call])]}

    def act(state: Messages) -> Messages:
        (call,) = state["messages"][-1].tool_calls
        return {"messages": [ToolMessage(entry(call["args"]["number"]), tool_call_id=call["id"])]}

    builder = StateGraph(Messages)
    builder.add_node("ask", ask)
    builder.add_node("act", act)
    builder.add_edge(START, "ask")
    builder.add_conditional_edges(
        "ask", lambda state: "act" if state["messages"][-1].tool_calls else END, ["act", END]
    )
    builder.add_edge("act", "ask")
    return builder.compile(checkpointer=saver)


async def langgraph(steps: int, address: str) -> None:
    """Keep a run with LangGraph's own checkpointers, as they come."""
    from langchain_core.messages import HumanMessage
    from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver
    from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

    saver = AsyncPostgresSaver if "://" in address else AsyncSqliteSaver
    async with saver.from_conn_string(address) as kept:
        await kept.setup()
        if steps:
            config = {"configurable": {"thread_id": uuid4().hex}, "recursion_limit": 10_000}
            graph = super_steps(steps, kept)
            state = await graph.ainvoke(
                {"messages": [HumanMessage(TASK)]}, config, durability="sync"
            )
            assert state["messages"][-1].content == DONE


class Log:
    """An append-only table in SQLite, set up as our store is."""

    def __init__(self, file: str) -> None:
        self._connection = sqlite3.connect(file, isolation_level=None)
        self._connection.execute("PRAGMA journal_mode=WAL").fetchall()
        self._connection.execute("PRAGMA synchronous=NORMAL")
        self._connection.execute("CREATE TABLE IF NOT EXISTS log (id INTEGER PRIMARY KEY, entry)")

    def add(self, **fields: Any) -> None:
        """Add a row, committed when this returns."""
        text = json.dumps(fields)
        self._connection.execute("INSERT INTO log (entry) VALUES (?)", (text,))

    def close(self) -> None:
        """Close the file."""
        self._connection.close()


async def log(steps: int, address: str) -> None:
    """Keep what is said, and nothing else."""
    with closing(Log(address)) as kept:
        if steps:
            kept.add(task=TASK)
        for number in range(1, steps):
            kept.add(text=SENTENCE.format(number), call=f"c{number}", arguments={"number": number})
            kept.add(call=f"c{number}", content=entry(number))
        if steps:
            kept.add(answer=DONE)


def file_size(address: str) -> int:
    """Return the bytes of a database's files."""
    from bottega_agents.storage.stores import close_stores

    close_stores()
    folder = Path(address).parent
    return sum(file.stat().st_size for file in folder.glob(f"{Path(address).name}*"))


def table_size(url: str) -> int:
    """Return the bytes of all tables and indexes."""
    import psycopg

    with psycopg.connect(url, autocommit=True) as connection:
        found = connection.execute(
            "SELECT sum(pg_total_relation_size(oid)) FROM pg_class WHERE relkind = 'r' "
            "AND relnamespace = 'public'::regnamespace"
        ).fetchone()
    return int(found[0] or 0) if found else 0


def quotients(sizes: Mapping[int, int]) -> dict[str, Any]:
    """Return bytes on disk a byte of content: as it is, and beyond what is there in any case.

    `beyond_empty` leaves out what a store without runs takes, `beyond_one_step` what a store takes
    with a run that answers at once: from there on each table has its first page.
    """
    first, said = sizes[1], content(1)
    rows = {
        str(steps): {
            "bytes": sizes[steps],
            "content_bytes": content(steps),
            "plain": round(sizes[steps] / content(steps), 2),
            "beyond_empty": round((sizes[steps] - sizes[0]) / content(steps), 2),
            "beyond_one_step": round((sizes[steps] - first) / (content(steps) - said), 2),
        }
        for steps in LENGTHS
    }
    return {"empty_bytes": sizes[0], "one_step_bytes": first, **rows}


async def sizes(keep: Keep, new: Callable[[str], str], size: Callable[[str], int]) -> Any:
    """Keep runs of each length in stores of their own, and some in one store together."""
    found: dict[int, int] = {}
    for steps in (0, 1, *LENGTHS):
        address = new(f"{keep.__name__}{steps}")
        await keep(steps, address)
        found[steps] = size(address)
    address = new(f"{keep.__name__}_many")
    for _ in range(MANY):
        await keep(LENGTHS[0], address)
    together = round(size(address) / (MANY * content(LENGTHS[0])), 2)
    print(f"{keep.__name__}: {found}", file=sys.stderr)
    return {**quotients(found), f"plain_of_{MANY}_runs_of_{LENGTHS[0]}": together}


async def bytes_kept(postgres: bool) -> dict[str, Any]:
    """Measure all ways in SQLite, and in PostgreSQL where it is installed."""
    with tempfile.TemporaryDirectory() as folder:
        ways = {"bottega": bottega, "langgraph": langgraph, "append_only_log": log}

        def new(name: str) -> str:
            return str(Path(folder) / f"{name}.db")

        found = {"sqlite": {name: await sizes(keep, new, file_size) for name, keep in ways.items()}}
    if postgres:
        sys.path.append(str(Path(__file__).parents[1] / "tests"))
        from postgres_server import binaries, shared_server

        if binaries() is None:
            print("PostgreSQL left out: it is not installed", file=sys.stderr)
            return found
        make = shared_server().database
        del ways["append_only_log"]
        found["postgres"] = {
            name: await sizes(keep, make, table_size) for name, keep in ways.items()
        }
    return found


def main(postgres: bool) -> dict[str, Any]:
    """Measure in this process."""
    began = time.perf_counter()
    found = asyncio.run(bytes_kept(postgres))
    print(f"disk: {time.perf_counter() - began:.0f} s", file=sys.stderr)
    return found
