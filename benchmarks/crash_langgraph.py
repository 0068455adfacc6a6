"""Plain LangGraph's side of `crash.py`: the same runs, as its documentation has them written.

`sync` and `async` are a `StateGraph` with a super-step for each call, under that durability; `task`
is the functional API, each call a `@task`, durability `sync`. LangGraph has no register of runs: a
worker that starts goes on with every thread that has no answer yet. A run counts as accepted with
the first thing that its stream says.
"""

from __future__ import annotations

import asyncio
import importlib
import operator
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import Annotated, Any, TypedDict, cast

from crash_client import Client
from crash_tally import receipt
from crash_worker import AT_ONCE, WARM, Setting
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
from langgraph.func import entrypoint, task
from langgraph.graph import END, START, StateGraph

LANE = "agent"
_THREADS = "SELECT DISTINCT thread_id FROM checkpoints"


class State(TypedDict):
    """The state of a run: what the effects came to."""

    run: str
    turn: int
    results: Annotated[list[str], operator.add]
    answer: str


@asynccontextmanager
async def open_saver(store: str) -> AsyncGenerator[Any, None]:
    """Open LangGraph's own saver for the store."""
    if "://" not in store:
        async with AsyncSqliteSaver.from_conn_string(store) as saver:
            yield saver
        return
    from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver
    from psycopg.rows import dict_row
    from psycopg_pool import AsyncConnectionPool

    options = {"autocommit": True, "prepare_threshold": 0, "row_factory": dict_row}
    pool: Any = AsyncConnectionPool(store, max_size=AT_ONCE, open=False, kwargs=options)
    async with pool:
        yield AsyncPostgresSaver(pool)


def super_steps(client: Client, steps: int, saver: Any) -> Any:
    """Return a graph with a super-step for each call."""

    async def model(state: State) -> dict[str, Any]:
        done = state["results"]
        turn = len(done) + 1
        await client.model(state["run"], LANE, turn)
        return {"turn": turn, "answer": " ".join(done) if turn > steps else ""}

    async def act(state: State) -> dict[str, Any]:
        return {"results": [await client.effect(state["run"], LANE, len(state["results"]) + 1)]}

    def then(state: State) -> str:
        return END if state["answer"] else "act"

    graph: Any = StateGraph(State)
    graph.add_node("model", model)
    graph.add_node("act", act)
    graph.add_edge(START, "model")
    graph.add_conditional_edges("model", then, ["act", END])
    graph.add_edge("act", "model")
    return graph.compile(checkpointer=saver)


def tasks(client: Client, steps: int, saver: Any) -> Any:
    """Return a workflow whose calls are tasks."""

    @task
    async def model(run: str, turn: int) -> int:
        await client.model(run, LANE, turn)
        return turn

    @task
    async def act(run: str, step: int) -> str:
        return await client.effect(run, LANE, step)

    @entrypoint(checkpointer=saver)
    async def workflow(given: dict[str, str]) -> Any:
        results: list[str] = []
        while await model(given["run"], len(results) + 1) <= steps:
            results.append(await act(given["run"], len(results) + 1))
        return {"answer": " ".join(results)}

    return cast("Any", workflow)


def config(run: str) -> Any:
    """Return what names a run to LangGraph."""
    return {"configurable": {"thread_id": run}, "recursion_limit": 1000}


class LangGraph:
    """LangGraph on a store."""

    def __init__(self, setting: Setting, store: str) -> None:
        self._setting = setting
        self._store = store
        self._graph: Any = None
        self._saver: Any = None
        self._free = asyncio.Semaphore(AT_ONCE)

    def warm(self) -> None:
        """Import what a run needs."""
        self._compiled(Client("", points=False), None)
        for module in ("psycopg_pool", "langgraph.checkpoint.postgres.aio", *WARM):
            importlib.import_module(module)

    def _compiled(self, client: Client, saver: Any) -> Any:
        make = tasks if self._setting.mode == "task" else super_steps
        return make(client, self._setting.steps, saver)

    @asynccontextmanager
    async def opened(self, client: Client) -> AsyncGenerator[None, None]:
        """Open the store for as long as a worker lives."""
        async with open_saver(self._store) as self._saver:
            await self._saver.setup()
            client.around(self._saver, "aput", "aput_writes")
            self._graph = self._compiled(client, self._saver)
            yield

    async def recover(self, client: Client) -> int:
        """Go on with what has something to do; return how many runs still have."""
        broken_off = await self._unfinished()
        await asyncio.gather(*(self._stream(client, run, None) for run in broken_off))
        return len(await self._unfinished())

    async def _unfinished(self) -> list[str]:
        if isinstance(self._saver, AsyncSqliteSaver):
            rows: Any = await (await self._saver.conn.execute(_THREADS)).fetchall()
            runs = [row[0] for row in rows]
        else:
            async with self._saver.conn.connection() as connection:
                rows = await (await connection.execute(_THREADS)).fetchall()
            runs = [row["thread_id"] for row in rows]
        # `next` of a state is empty, too, where a step has run and its checkpoint was not written
        return [run for run in runs if not await self._answer(run)]

    async def _answer(self, run: str) -> str:
        values: dict[str, str] = (await self._graph.aget_state(config(run))).values or {}
        return values.get("answer", "")

    async def begin(self, client: Client, run: str) -> None:
        """Carry out a new run, unless the store knows it: then it is gone on with anyway."""
        if await self._saver.aget_tuple(config(run)) is not None:
            client.note("accepted", run=run)
            return
        given: dict[str, Any] = {"run": run}
        if self._setting.mode != "task":
            given |= {"turn": 0, "results": [], "answer": ""}
        await self._stream(client, run, given)

    async def _stream(self, client: Client, run: str, given: dict[str, Any] | None) -> None:
        durability: Any = "async" if self._setting.mode == "async" else "sync"
        modes: Sequence[Any] = ["checkpoints", "updates"]
        async with self._free:
            stream = self._graph.astream(
                given, config(run), stream_mode=modes, durability=durability
            )
            accepted = False
            async for mode, chunk in stream:
                if not accepted:
                    client.note("accepted", run=run)
                    accepted = True
                if mode == "updates":
                    self._tell(client, run, chunk)
                await client.point("told")

    def _tell(self, client: Client, run: str, chunk: dict[str, Any]) -> None:
        """Tell what a chunk of the stream says is over."""
        steps = {receipt(run, step): step for step in range(1, self._setting.steps + 1)}
        for node, update in chunk.items():  # of a task what it returned, of a node a dictionary
            values = cast("dict[str, Any]", update) if isinstance(update, dict) else {}
            if values.get("answer"):
                client.note("ended", run=run, answer=values["answer"])
            if node == "model":
                client.finished(run, LANE, int(values.get("turn", update)), "model")
            elif node == "act":
                (got,) = values.get("results", (update,))
                client.finished(run, LANE, steps[got], "effect")

    async def stored(self, run: str) -> tuple[str, str]:
        """Return the status and the answer that the store has of a run."""
        answer = await self._answer(run)
        return ("done" if answer else "", answer)
