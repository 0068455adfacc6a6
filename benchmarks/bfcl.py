"""What BFCL's function documents and questions come to here.

    python benchmarks/bfcl.py documents|retrieval|calls DATA

`documents`: every function document (BFCL's, its multi-turn simulators', ToolAlpaca's, tau2's)
becomes a tool, and every reference call is validated by its tool; those that are not are listed.
`retrieval`: how often all tools that a question of `live_multiple` needs are among the first 5, out
of its own functions and out of those of all questions. `calls`: how often the embedded model makes
the call that is accepted (`simple_python`), and none where none fits (`irrelevance`).

DATA is a folder with `bfcl_*.jsonl.gz`, as it is described in `docs/many-tools.md`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from bfcl_data import (
    APIS,
    CATEGORIES,
    Function,
    alpaca_functions,
    api_functions,
    arguments,
    lines,
    multi_turn_calls,
    records,
    tau2_functions,
)
from bfcl_match import accepted

from bottega.errors import BottegaError
from bottega.messages import Json, user
from bottega.model import Request, ToolSpec, collect
from bottega.schema_tool import SchemaTool
from bottega.tool_index import ToolIndex
from bottega.tool_name import clean_name


class Tally:
    """What was tried, and what went wrong."""

    def __init__(self, what: str) -> None:
        self.what = what
        self.tried = 0
        self.wrong: list[str] = []

    def note(self, place: str, work: Callable[[], object]) -> None:
        """Try something; an error of ours is noted with its place."""
        self.tried += 1
        try:
            work()
        except BottegaError as error:
            self.wrong.append(f"{place}: {error.message[:160]}")

    def show(self) -> None:
        """Print how many came out right, and what did not."""
        right = self.tried - len(self.wrong)
        print(f"{self.what}: {right:,} of {self.tried:,} ({right / max(1, self.tried):.2%})")
        for line in self.wrong:
            print(f"    {line}")


def as_tool(function: Function) -> SchemaTool:
    return SchemaTool(
        function.name, function.description, function.parameters, lambda given, context: None
    )


def documents(folder: Path) -> None:
    made, called = Tally("documents that become tools"), Tally("reference calls that validate")
    for category in CATEGORIES:
        for record in records(folder, category):
            tools = _tools(made, record.id, record.functions)
            for name, values in record.calls:
                _check(called, record.id, tools.get(name), arguments(values))
    _multi_turn(folder, made, called)
    for item in lines(folder / "toolalpaca.jsonl.gz"):
        tools = _tools(made, item["id"], alpaca_functions(item))
        for call in item["golden_answer"]:
            given = _object(call["Action_Input"])
            if call["Action"] in tools and given is not None:
                _check(called, f"ToolAlpaca {item['id']}", tools[call["Action"]], given)
    for path in sorted(folder.glob("tau2_*/tasks.jsonl.gz")):
        tools = _tools(made, "tau2", tau2_functions(path.parent))
        for item in lines(path):
            for action in item["evaluation_criteria"].get("actions") or ():
                if action["name"] in tools:
                    _check(called, f"tau2 {item['id']}", tools[action["name"]], action["arguments"])
    made.show()
    called.show()


def _object(text: object) -> dict[str, Json] | None:
    """Return the object that a text is; some of ToolAlpaca's are notes for people."""
    try:
        found = json.loads(text) if isinstance(text, str) else text
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _multi_turn(folder: Path, made: Tally, called: Tally) -> None:
    tools: dict[str, SchemaTool] = {}
    for api, functions in api_functions(folder).items():
        found = _tools(made, api, functions)
        if api in APIS.values():
            tools.update(found)
    for category in ("multi_turn_base", "multi_turn_miss_func"):
        for place, name, given in multi_turn_calls(folder, category):
            tool = tools.get(name)
            names = list(tool.spec.parameters["properties"]) if tool else []
            by_name = {names[int(k)] if k.isdigit() else k: v for k, v in given.items()}
            _check(called, place, tool, by_name)


def _tools(made: Tally, place: str, functions: Iterable[Function]) -> dict[str, SchemaTool]:
    tools: dict[str, SchemaTool] = {}

    def make(function: Function) -> None:
        tools[function.name] = as_tool(function)

    for function in functions:
        made.note(f"{place} {function.name}", lambda function=function: make(function))
    return tools


def _check(called: Tally, place: str, tool: SchemaTool | None, given: dict[str, Json]) -> None:
    if tool is None:
        called.tried += 1
        called.wrong.append(f"{place}: there is no document of its function")
        return
    called.note(f"{place} {tool.original}", lambda: tool.validate(given))


async def retrieval(folder: Path) -> None:
    from bottega_plugins.embedders.minilm_onnx import minilm

    questions = records(folder, "live_multiple")
    everything: dict[str, ToolSpec] = {}
    for record in questions:
        for function in record.functions:
            spec = as_tool(function).spec
            everything.setdefault(clean_name(function.name), spec)
    embedder = minilm()
    whole = ToolIndex(list(everything.values()), embedder)
    began = time.perf_counter()
    await whole.search("warm up")
    took = time.perf_counter() - began
    own = union = by_words = 0
    words_alone = ToolIndex(list(everything.values()))
    several = [record for record in questions if len(record.functions) > 5]
    for record in questions:
        wanted = {clean_name(name) for name, _ in record.calls}
        union += wanted <= await _first(whole, record.question)
        by_words += wanted <= await _first(words_alone, record.question)
        if record in several:
            theirs = ToolIndex([as_tool(one).spec for one in record.functions], embedder)
            own += wanted <= await _first(theirs, record.question)
    few = len(questions) - len(several)
    print(f"questions: {len(questions)}; tools of all together: {len(everything)}")
    print(f"indexed in {took:.1f} s")
    print(f"recall@5 of its own functions: {(own + few) / len(questions):.2%}")
    print(f"    of the {len(several)} questions with more than 5: {own / len(several):.2%}")
    print(f"recall@5 of all functions: {union / len(questions):.2%}")
    print(f"    by words alone: {by_words / len(questions):.2%}")


async def _first(index: ToolIndex, question: str) -> set[str]:
    return {one.spec.name for one in await index.search(question, k=5)}


async def calls(folder: Path) -> None:
    from bottega_plugins.embedders.minilm_onnx import minilm
    from bottega_plugins.models.embedded.model import EmbeddedModel

    model = EmbeddedModel(minilm())
    questions = records(folder, "simple_python")
    right = made = 0
    for record in questions:
        tools = [as_tool(one).spec for one in record.functions]
        found = await _calls(model, record.question, tools)
        name, values = record.calls[0]
        made += bool(found)
        right += (
            len(found) == 1 and found[0][0] == clean_name(name) and accepted(found[0][1], values)
        )
    print(f"simple_python: {right} of {len(questions)} right ({right / len(questions):.1%})")
    print(f"    a call was made for {made}")
    others = records(folder, "irrelevance")
    quiet = 0
    for record in others:
        tools = [as_tool(one).spec for one in record.functions]
        quiet += not await _calls(model, record.question, tools)
    print(f"irrelevance: {quiet} of {len(others)} left alone ({quiet / len(others):.1%})")


async def _calls(
    model: object, question: str, tools: Sequence[ToolSpec]
) -> list[tuple[str, dict[str, Json]]]:
    from bottega_plugins.models.embedded.model import EmbeddedModel

    assert isinstance(model, EmbeddedModel)
    request = Request(messages=(user(question),), tools=tuple(tools))
    reply = await collect(model.respond(request))
    return [(call.name, json.loads(call.arguments)) for call in reply.calls]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("documents", "retrieval", "calls"))
    parser.add_argument("data", type=Path)
    given = parser.parse_args()
    if given.what == "documents":
        documents(given.data)
    else:
        asyncio.run({"retrieval": retrieval, "calls": calls}[given.what](given.data))


if __name__ == "__main__":
    main()
