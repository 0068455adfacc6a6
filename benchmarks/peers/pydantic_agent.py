"""pydantic-ai's `Agent`, with its `FunctionModel` that asks for one call a step."""

from __future__ import annotations

import asyncio

from loop_timing import DONE, peer
from pydantic_ai import Agent
from pydantic_ai.messages import ModelMessage, ModelResponse, TextPart, ToolCallPart
from pydantic_ai.models.function import AgentInfo, FunctionModel
from pydantic_ai.usage import UsageLimits

_agents: dict[tuple[int, float], Agent[None, str]] = {}


def made(steps: int, delay: float) -> Agent[None, str]:
    """Make an agent of one tool."""

    async def respond(messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:
        if delay:
            await asyncio.sleep(delay)
        left = steps - len(messages) // 2 - 1
        if left > 0:
            call = ToolCallPart("add", {"a": left, "b": 1}, tool_call_id=f"c{left}")
            return ModelResponse(parts=[call])
        return ModelResponse(parts=[TextPart(DONE)])

    agent = Agent(FunctionModel(respond), system_prompt="You add.")

    @agent.tool_plain
    async def add(a: int, b: int) -> int:
        """Add two numbers."""
        return a + b

    return agent


async def run(steps: int, delay: float) -> str:
    """Run the agent, which is made once for all its runs."""
    if (steps, delay) not in _agents:
        _agents[steps, delay] = made(steps, delay)
    limits = UsageLimits(request_limit=None)
    return (await _agents[steps, delay].run("go", usage_limits=limits)).output


if __name__ == "__main__":
    peer(run)
