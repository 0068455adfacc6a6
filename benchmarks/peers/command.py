"""A coordinator with three specialists in LangGraph's `Command` pattern.

As its documentation has it, the coordinator's node asks a chat model whom to send to and returns
`Command(goto=...)`; each specialist's node runs an agent of `create_agent` and returns
`Command(goto="lead")` with its answer. With `--bare` the specialists' nodes are functions that call
model and tool themselves, without an agent's loop.
"""

from __future__ import annotations

import sys
from functools import cache, partial
from typing import Any

from create_agent import Counter, add
from langchain.agents import create_agent
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.types import Command
from loop_timing import DONE, peer

SPECIALISTS = ("anna", "bruno", "carla")


class Lead(Counter):
    """Name the specialists in turn, then answer."""

    async def _agenerate(self, messages: list[BaseMessage], *_: Any, **__: Any) -> ChatResult:
        asked = len(messages) - 1
        text = SPECIALISTS[asked] if asked < len(SPECIALISTS) else DONE
        return ChatResult(generations=[ChatGeneration(message=AIMessage(text))])


async def lead(state: MessagesState, *, model: Lead) -> Command[str]:
    """Ask the model whom to send to."""
    reply = await model.ainvoke(state["messages"])
    if reply.content in SPECIALISTS:
        return Command(goto=str(reply.content))
    return Command(goto=END, update={"messages": [reply]})


async def with_agent(state: MessagesState, *, agent: Any, name: str) -> Command[str]:
    """Let an agent work on the task."""
    result = await agent.ainvoke({"messages": [HumanMessage("add")]})
    report = HumanMessage(result["messages"][-1].content, name=name)
    return Command(goto="lead", update={"messages": [report]})


async def bare(state: MessagesState, *, model: Counter, name: str) -> Command[str]:
    """Ask the model and call the tool by hand."""
    messages: list[BaseMessage] = [SystemMessage("You add."), HumanMessage("add")]
    while (reply := await model.ainvoke(messages)).tool_calls:
        (call,) = reply.tool_calls
        value = await add.ainvoke(call["args"])
        messages += [reply, ToolMessage(str(value), tool_call_id=call["id"])]
    report = HumanMessage(reply.content, name=name)
    return Command(goto="lead", update={"messages": [report]})


@cache
def team(by_hand: bool) -> Any:
    """Compile the graph."""
    model = Counter(steps=2, delay=0.0)
    builder = StateGraph(MessagesState)
    builder.add_node("lead", partial(lead, model=Lead(steps=0, delay=0.0)))
    for name in SPECIALISTS:
        if by_hand:
            builder.add_node(name, partial(bare, model=model, name=name))
        else:
            agent = create_agent(model, [add], system_prompt="You add.")
            builder.add_node(name, partial(with_agent, agent=agent, name=name))
    builder.add_edge(START, "lead")
    return builder.compile()


async def run(steps: int, delay: float, *, by_hand: bool) -> str:
    """Run the team once."""
    state = await team(by_hand).ainvoke({"messages": [HumanMessage("go")]})
    assert len(state["messages"]) == 2 + len(SPECIALISTS)
    return str(state["messages"][-1].content)


if __name__ == "__main__":
    by_hand = "--bare" in sys.argv
    if by_hand:
        sys.argv.remove("--bare")
    peer(partial(run, by_hand=by_hand))
