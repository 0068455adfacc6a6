"""The model `parrot`: no language model, but it goes through the same loop."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

from bottega.messages import Message
from bottega.model import CallDelta, Delta, End, Request, TextDelta, Usage


class Parrot:
    """Call the first tool with the task, then say what it answered."""

    def __init__(self, name: str) -> None:
        self.name = name

    async def respond(self, request: Request) -> AsyncIterator[Delta]:
        """Stream one reply."""
        last: Message = request.messages[-1]
        usage = Usage(input_tokens=1, output_tokens=1)
        if last.results:
            yield TextDelta(text=last.results[-1].content)
            yield End(usage=usage, model=self.name)
        elif request.tools:
            arguments = json.dumps({"text": last.text})
            yield CallDelta(index=0, id="1", name=request.tools[0].name, arguments=arguments)
            yield End(finish="tool_calls", usage=usage, model=self.name)
        else:
            yield TextDelta(text=last.text)
            yield End(usage=usage, model=self.name)
