"""ReAct in plain text: Thought, Action, Action Input, Observation, Final Answer.

For models without native tool calls. After Yao et al., "ReAct: Synergizing Reasoning and Acting in
Language Models" (2022), https://arxiv.org/abs/2210.03629. The reader forgives what models really
write: bold markers, code fences, other capitals, an invented observation, Python instead of JSON.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Sequence
from dataclasses import replace

from bottega.dialect import BadCall, Turn
from bottega.errors import ToolArgumentError
from bottega.messages import Json, Message, Text, ToolCall, ToolResult, assistant, system
from bottega.model import Reply, Request, Sampling, ToolSpec
from bottega.signature import parse_arguments

PROMPT = """\
You solve the task step by step. In each step write exactly this and then stop:

Thought: what you know and what is missing
Action: the name of one tool
Action Input: the arguments, as one JSON object

You are then shown "Observation:" with the result. Never write an observation yourself. When you
know the answer, or know that it cannot be found, write instead:

Thought: why this is the answer
Final Answer: the answer

The tools:
{tools}"""

NO_TOOLS = "There are none: write the Final Answer."
STOP = "\nObservation:"
MISSING = (
    "Your reply had neither an Action nor a Final Answer. "
    'Write "Action: <tool>" with "Action Input: <JSON object>", or "Final Answer: <answer>".'
)

_MARKER = re.compile(
    r"^[ \t>*_#`-]*"
    r"(?P<name>thought|action[ \t_-]*input|action|observation|final[ \t_-]*answer)"
    r"[ \t*_`]*:[ \t*_`]*",
    re.IGNORECASE | re.MULTILINE,
)
_FENCE = re.compile(r"^```[\w-]*\s*\n?|\n?```\s*$")
_CALL_FORM = re.compile(r"^\s*(?P<name>[\w.-]+)\s*\((?P<inside>.*)\)\s*$", re.DOTALL)


class React:
    """Act by writing Thought, Action and Action Input; answer by Final Answer."""

    name = "react"

    def request(
        self, messages: Sequence[Message], tools: Sequence[ToolSpec], sampling: Sampling
    ) -> Request:
        """Say how to act in the system message; stop the model before it invents a result."""
        prompt = PROMPT.format(tools="\n".join(map(_describe, tools)) or NO_TOOLS)
        first, rest = _split_system(messages)
        both = "\n\n".join(text for text in (first, prompt) if text)
        stop = (*sampling.stop, STOP)
        return Request(messages=(system(both), *rest), sampling=replace(sampling, stop=stop))

    def read(self, reply: Reply) -> Turn:
        """Read the first action or final answer, whichever comes first."""
        sections = _sections(reply.text)
        thought = next((body for name, body in sections if name == "thought"), reply.thought)
        for index, (name, body) in enumerate(sections):
            if name == "finalanswer" and body:
                return Turn(thought=thought, answer=body)
            if name == "action" and body:
                return replace(_read_action(body, _input_after(sections, index)), thought=thought)
        if not sections and reply.text.strip():
            return Turn(thought=reply.thought, answer=reply.text.strip())
        return Turn(thought=thought, problem=MISSING)

    def replied(self, reply: Reply, turn: Turn) -> Message:
        """Keep what the model wrote up to the observation that it may have invented."""
        end = next((m.start() for m in _MARKER.finditer(reply.text) if _is_result(m)), None)
        return assistant(reply.text[:end].rstrip())

    def observed(self, results: Sequence[ToolResult]) -> Message:
        """Write the results as observations."""
        text = "\n".join(f"Observation: {result.content}" for result in results)
        return Message(role="user", parts=(Text(text=text), *results))


def _describe(tool: ToolSpec) -> str:
    schema = json.dumps(tool.parameters, ensure_ascii=False, separators=(",", ":"))
    return f"- {tool.name}: {tool.description}\n  arguments: {schema}"


def _split_system(messages: Sequence[Message]) -> tuple[str, Sequence[Message]]:
    if messages and messages[0].role == "system":
        return messages[0].text, messages[1:]
    return "", messages


def _name(marker: re.Match[str]) -> str:
    return re.sub(r"[ \t_-]", "", marker["name"]).lower()


def _is_result(marker: re.Match[str]) -> bool:
    return _name(marker) == "observation"


def _sections(text: str) -> list[tuple[str, str]]:
    """Cut the text at its markers, up to the first observation, which the model made up."""
    markers = list(_MARKER.finditer(text))
    ends = [*(marker.start() for marker in markers), len(text)][1:]
    sections: list[tuple[str, str]] = []
    for marker, end in zip(markers, ends, strict=True):
        if _is_result(marker):
            break
        sections.append((_name(marker), text[marker.end() : end].strip()))
    return sections


def _input_after(sections: Sequence[tuple[str, str]], index: int) -> str | None:
    following = sections[index + 1 : index + 2]
    return following[0][1] if following and following[0][0] == "actioninput" else None


def _read_action(body: str, text: str | None) -> Turn:
    """Read `tool` with its input on the next lines, or `tool(...)` on one."""
    name = body.splitlines()[0].strip(" \t`*_\"'[]")
    if text is None:
        call = _CALL_FORM.match(_unfence(body))
        if call:
            name = call["name"]
        text = (call["inside"] or "{}") if call else body.partition("\n")[2]
    try:
        arguments = _read_arguments(str(text))
    except ToolArgumentError as error:
        return Turn(bad_calls=(BadCall(id="", name=name, problem=error.message),))
    return Turn(calls=(ToolCall(id="", name=name, arguments=arguments),))


def _unfence(text: str) -> str:
    return _FENCE.sub("", _FENCE.sub("", text.strip())).strip()


def _read_arguments(text: str) -> dict[str, Json]:
    cleaned = _unfence(text)
    try:
        return parse_arguments(cleaned or "{}")
    except ToolArgumentError:
        arguments = _as_python(cleaned)
        if arguments is None:
            raise
        return arguments


def _as_python(text: str) -> dict[str, Json] | None:
    """Read a Python dict, or keyword arguments, of plain values; models often write these."""
    for source in (text, f"dict({text})"):
        try:
            tree = ast.parse(source, mode="eval").body
            value = _literal(tree)
            if isinstance(value, dict):
                return parse_arguments(json.dumps(value, allow_nan=False))
        except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError, ToolArgumentError):
            continue
    return None


def _literal(tree: ast.expr) -> Json:
    if isinstance(tree, ast.Call) and isinstance(tree.func, ast.Name) and tree.func.id == "dict":
        if tree.args or any(keyword.arg is None for keyword in tree.keywords):
            raise ValueError
        return {str(keyword.arg): ast.literal_eval(keyword.value) for keyword in tree.keywords}
    return ast.literal_eval(tree)
