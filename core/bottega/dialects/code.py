"""Acting by Python: tools are functions, state stays between steps, `final_answer` is the end.

After Wang et al., "Executable Code Actions Elicit Better LLM Agents" (2024),
https://arxiv.org/abs/2402.01030, and smolagents' CodeAgent. A reply is one call of the tool
`python`, which the dialect brings; how its code is found in the reply is
`bottega.dialects.code_blocks`, where it runs `bottega.code`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from bottega.code.callers import FINAL_ANSWER
from bottega.code.functions import as_functions, written
from bottega.code.python import Python
from bottega.dialect import Turn
from bottega.dialects.code_blocks import find_code
from bottega.messages import Message, Text, ToolCall, ToolResult, assistant, system
from bottega.model import Reply, Request, Sampling, ToolSpec
from bottega.tools import Tool

PROMPT = """\
You solve the task step by step by writing Python. In each step write exactly this and then stop:

Thought: what you know and what is missing
```python
the code
```

You are then shown "Observation:" with what the code printed, the value of its last expression, or
its error. Never write an observation yourself. What you define stays for the next step. These
functions are there already; call them directly, without import or await, and print what you want to
see:

```python
{functions}
```

What a function returns that is not plain text is a value: a list, a dict, a number. When you know
the answer, or know that it cannot be found, call final_answer with it."""

STOP = "\nObservation:"
MISSING = (
    "Your reply had no code. Write one block that begins with ```python and ends with ```; "
    'to answer, write final_answer("the answer") in it.'
)
_ANSWER = re.compile(r"^[ \t>*_#]*final[ \t_-]*answer[ \t*_`]*:[ \t*_`]*", re.I | re.MULTILINE)


class Code:
    """Act by writing Python; answer by calling `final_answer` in it."""

    name = "code"

    def __init__(self, python: Python) -> None:
        """Take the tool that runs the code."""
        self._python = python
        self._name = python.spec.name

    @property
    def brings(self) -> tuple[Tool, ...]:
        """The tool that runs the code."""
        return (self._python,)

    def request(
        self, messages: Sequence[Message], tools: Sequence[ToolSpec], sampling: Sampling
    ) -> Request:
        """Show the tools as functions in the system message; stop before a result is invented."""
        functions = as_functions(tool for tool in tools if tool.name != self._name)
        functions.setdefault(FINAL_ANSWER.name, FINAL_ANSWER)
        shown = "\n\n".join(written(name, spec) for name, spec in functions.items())
        prompt = PROMPT.replace("{functions}", shown)
        rest = list(messages)
        first = rest.pop(0).text if rest and rest[0].role == "system" else ""
        both = "\n\n".join(text for text in (first, prompt) if text)
        stop = (*sampling.stop, STOP)
        return Request(messages=(system(both), *rest), sampling=replace(sampling, stop=stop))

    def read(self, reply: Reply) -> Turn:
        """Read the code, as one call; a plain "Final Answer:" without code is taken, too."""
        found = find_code(reply.text)
        thought = "\n".join(part for part in (reply.thought.strip(), found.thought) if part)
        if found.code:
            call = ToolCall(id="", name=self._name, arguments={"code": found.code})
            return Turn(thought=thought, calls=(call,))
        answer = _ANSWER.search(reply.text)
        if answer and reply.text[answer.end() :].strip():
            return Turn(thought=thought, answer=reply.text[answer.end() :].strip())
        return Turn(thought=thought or reply.text.strip(), problem=MISSING)

    def replied(self, reply: Reply, turn: Turn) -> Message:
        """Keep what the model wrote up to the end of its code: what follows may be invented."""
        end = find_code(reply.text).end
        return assistant(reply.text[: end or None].rstrip())

    def observed(self, results: Sequence[ToolResult]) -> Message:
        """Write the results as observations."""
        text = "\n".join(f"Observation:\n{result.content}" for result in results)
        return Message(role="user", parts=(Text(text=text), *results))

    async def aclose(self) -> None:
        """Let go of the sandboxes' processes; they come back when needed."""
        await self._python.aclose()
