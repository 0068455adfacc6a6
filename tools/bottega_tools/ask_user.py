"""The tool by which an agent asks the person in front of the run."""

from __future__ import annotations

from bottega.errors import ToolError
from bottega.tools import ToolContext, tool

MAX_QUESTION = 2_000


@tool(effects="once", trust="trusted", timeout=None)
async def ask_user(  # noqa: D417  # the context is not the model's to give
    question: str, context: ToolContext
) -> str:
    """Ask the person in front of you one question and wait for the answer.

    Use it only for what nobody but that person can know or decide.

    Args:
        question: one clear question, with what the person needs to know to answer it.
    """
    if not question.strip():
        raise ToolError("the question is empty")
    if len(question) > MAX_QUESTION:
        raise ToolError(f"the question is longer than {MAX_QUESTION:,} characters: ask it shorter")
    if context.ask is None:
        raise ToolError(
            "nobody is there to answer: the run has no person in front of it",
            hint="decide with what you have, and say in your answer what you had to assume",
        )
    reply = (await context.ask(question)).strip()
    return reply or "(the person gave no answer)"


ask_user.attended = True
ask_user.always = True
