"""LangChain's `create_agent`, with a chat model of our own that asks for one call a step."""

from __future__ import annotations

import asyncio
from typing import Any

from langchain.agents import create_agent
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.tools import tool
from loop_timing import DONE, peer


class Counter(BaseChatModel):
    """Ask for `add` until the steps are used up, then answer."""

    steps: int
    delay: float

    @property
    def _llm_type(self) -> str:
        return "counter"

    def bind_tools(self, tools: Any, **options: Any) -> Any:
        return self

    def _generate(self, *arguments: Any, **options: Any) -> ChatResult:
        raise NotImplementedError

    async def _agenerate(self, messages: list[BaseMessage], *_: Any, **__: Any) -> ChatResult:
        if self.delay:
            await asyncio.sleep(self.delay)
        left = self.steps - len(messages) // 2  # system and user, then two a step
        call = {"name": "add", "args": {"a": left, "b": 1}, "id": f"c{left}"}
        message = AIMessage(content="", tool_calls=[call]) if left > 0 else AIMessage(content=DONE)
        return ChatResult(generations=[ChatGeneration(message=message)])


@tool
async def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


_agents: dict[tuple[int, float], Any] = {}


async def run(steps: int, delay: float) -> str:
    """Run the agent, which is made once for all its runs."""
    if (steps, delay) not in _agents:
        model = Counter(steps=steps, delay=delay)
        _agents[steps, delay] = create_agent(model, [add], system_prompt="You add.")
    start = {"messages": [{"role": "user", "content": "go"}]}
    state = await _agents[steps, delay].ainvoke(start, {"recursion_limit": 10_000})
    return str(state["messages"][-1].content)


if __name__ == "__main__":
    peer(run)
