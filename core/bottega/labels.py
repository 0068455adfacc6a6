"""Labels: where what an agent has read came from, whether it may be trusted, whether it is secret.

Nothing is stored beside a conversation: its messages say what they are (`Text.trust`,
`ToolResult.trust`, `ToolResult.secret`), so that the labels come back with it after a crash, in the
next run of a thread and in a fork. What may follow from the labels is for a policy to say; the one
that comes with Bottega is the middleware `flow`.

    trusted     the person's words, the house's instructions, results of tools that declare it
    untrusted   all other results, errors, memory, other agents' words, notes on what was left out
    no source   what the model itself wrote, and what it is told is wrong with its own calls: it is
                as good as what had been read until then
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from bottega.messages import Message, Part, Text, ToolResult, Trust

if TYPE_CHECKING:
    from bottega.artifacts import Artifacts
    from bottega.run import RunContext
    from bottega.tools import Tool


@dataclass(frozen=True, kw_only=True, slots=True)
class Passage:
    """Something that the agent has read, with its labels."""

    text: str
    trust: Trust
    origin: str
    """Who said it: `the person`, `the instructions`, or the name of a tool or an agent."""
    secret: bool = False


@dataclass(frozen=True, kw_only=True, slots=True, eq=False, weakref_slot=True)
class Conversation:
    """One agent's conversation, as its tools' middleware sees it: live, not a copy."""

    messages: Sequence[Message] = ()
    """With the calls within its calls, where there are any (`bottega.heard`)."""
    task: str = ""
    """What the person asked of the whole run."""
    tools: Mapping[str, Tool] = field(default_factory=dict[str, "Tool"])

    artifacts: Artifacts | None = None
    """Where results are kept that were too long to be shown."""

    @staticmethod
    def of(
        messages: Sequence[Message], tools: Sequence[Tool], run: RunContext | None = None
    ) -> Conversation:
        """Return the conversation of an agent that has these tools."""
        return Conversation(
            messages=messages,
            task=run.task if run else "",
            tools={tool.spec.name: tool for tool in tools},
            artifacts=run.artifacts if run else None,
        )

    def content(self, result: ToolResult) -> str:
        """Return what a tool returned, as long as it was."""
        return self.artifacts.whole(result.content) if self.artifacts else result.content

    @property
    def tainted(self) -> bool:
        """Whether anything untrusted was read: a result, or the description of a tool."""
        return described_by_strangers(self.tools) or tainted(self.messages)

    def passages(self) -> list[Passage]:
        """Return all that was read, and the person's task."""
        asked = [Passage(text=self.task, trust="trusted", origin="the person")] if self.task else []
        return [*asked, *passages(self.messages)]


def described_by_strangers(tools: Mapping[str, Tool]) -> bool:
    """Say whether the description of any tool is a stranger's text that nobody has approved."""
    return any(tool.described == "untrusted" for tool in tools.values())


def passages(messages: Sequence[Message]) -> Iterator[Passage]:
    """Yield what the messages hold that was read, the model's own words left out."""
    for message in messages:
        if message.role == "assistant":
            continue
        parts: Sequence[Part] = message.parts
        if message.role != "tool" and message.results:  # a dialect that tells results as text
            parts = message.results
        for part in parts:
            found = _passage(message, part)
            if found is not None:
                yield found


def tainted(messages: Sequence[Message]) -> bool:
    """Say whether anything untrusted is among what was read."""
    return any(passage.trust == "untrusted" for passage in passages(messages))


def doubted(messages: Sequence[Message], *words: str) -> list[Message]:
    """Return messages of which only these words are trusted, where they are said to be a user's.

    What a message says around the words, as another agent's answer or a review, is not.
    """
    known = [word for word in words if word]
    return [_doubted(message, known) if _is_said(message) else message for message in messages]


def _is_said(message: Message) -> bool:
    return message.role == "user" and not message.results


def _doubted(message: Message, words: Sequence[str]) -> Message:
    parts: list[Part] = []
    for part in message.parts:
        parts += _split(part, words) if isinstance(part, Text) else [part]
    return replace(message, parts=tuple(parts)) if tuple(parts) != message.parts else message


def _split(part: Text, words: Sequence[str]) -> list[Text]:
    for word in words:
        before, found, after = part.text.partition(word)
        if found:
            around = (_strange(before), replace(part, text=found), _strange(after))
            return [text for text in around if text.text]
    return [_strange(part.text)]


def _strange(text: str) -> Text:
    return Text(text=text, trust="untrusted" if text.strip() else "trusted")


def _passage(message: Message, part: Part) -> Passage | None:
    if isinstance(part, ToolResult):
        return None if part.trust == "derived" else _result(part)
    if not isinstance(part, Text):
        return None
    known = {"system": "the instructions", "user": "the person"}
    by_person = part.trust == "trusted" and not message.name
    origin = known.get(message.role, "") if by_person else message.name or "another agent"
    return Passage(text=part.text, trust=part.trust, origin=origin)


def _result(result: ToolResult) -> Passage:
    trust: Trust = "untrusted" if result.is_error else result.trust
    return Passage(text=result.content, trust=trust, origin=result.name, secret=result.secret)
