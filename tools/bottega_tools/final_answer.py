"""The tool by which an agent says that it is done."""

from __future__ import annotations

from bottega.errors import ToolError
from bottega.tools import Output, tool


@tool(effects="none", timeout=5.0)
async def final_answer(answer: str) -> Output:
    """Give the final answer to the task. Your work ends with this call.

    Args:
        answer: the complete answer, as the person who asked should read it; passages that it rests
            on by their keys in square brackets.
    """
    if not answer.strip():
        raise ToolError("the answer is empty", hint="say what you found, or that you cannot tell")
    return Output(content=answer, final=True)


final_answer.always = True
