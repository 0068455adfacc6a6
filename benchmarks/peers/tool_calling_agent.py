"""smolagents' `ToolCallingAgent`; its runs block, so each of those at once has a thread.

As it comes it tells of every step; what it tells goes into memory, as the events of the others do.
With `--quiet` it tells nothing.
"""

from __future__ import annotations

import asyncio
import io
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from loop_timing import DONE, peer
from rich.console import Console
from smolagents import AgentLogger, LogLevel, Model, ToolCallingAgent, tool
from smolagents.models import (
    ChatMessage,
    ChatMessageToolCall,
    ChatMessageToolCallFunction,
    MessageRole,
)

_threads = ThreadPoolExecutor(1000)


class Counter(Model):
    """Ask for `add` until the steps are used up, then for `final_answer`."""

    def __init__(self, steps: int, delay: float) -> None:
        super().__init__(model_id="counter")
        self._left, self._delay = steps, delay

    def generate(self, messages: Any, *_: Any, **__: Any) -> ChatMessage:
        if self._delay:
            time.sleep(self._delay)
        self._left -= 1
        name = "add" if self._left > 0 else "final_answer"
        arguments = {"a": self._left, "b": 1} if self._left > 0 else {"answer": DONE}
        function = ChatMessageToolCallFunction(name=name, arguments=arguments)
        call = ChatMessageToolCall(id=f"c{self._left}", type="function", function=function)
        return ChatMessage(role=MessageRole.ASSISTANT, content="", tool_calls=[call])


@tool
def add(a: int, b: int) -> int:
    """Add two numbers.

    Args:
        a: the first.
        b: the second.
    """
    return a + b


async def run(steps: int, delay: float, *, level: LogLevel) -> str:
    """Run an agent of its own: an agent keeps the conversation that it is in."""

    def blocking() -> str:
        logger = AgentLogger(level=level, console=Console(file=io.StringIO(), width=100))
        model = Counter(steps, delay)
        agent = ToolCallingAgent(tools=[add], model=model, max_steps=steps + 1, logger=logger)
        return str(agent.run("go"))

    return await asyncio.get_running_loop().run_in_executor(_threads, blocking)


if __name__ == "__main__":
    quiet = "--quiet" in sys.argv
    if quiet:
        sys.argv.remove("--quiet")
    peer(partial(run, level=LogLevel.OFF if quiet else LogLevel.INFO))
