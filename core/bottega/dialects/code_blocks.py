"""Finding the code in what a model wrote: fences, tags, labels, or no mark at all.

Never raises, whatever the text. Which of it is run, and what is said where there is none, is
`bottega.dialects.code`'s business.
"""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast

from bottega.code.source import LONGEST, is_clearly_code
from bottega.messages import Json

_PYTHON = {"", "py", "python", "python3", "py3", "ipython", "ipython3", "code", "tool_code", "none"}
_FENCE = re.compile(r"^[ \t>]*(?P<mark>`{3,}|~{3,})[ \t]*(?P<info>[^`\n]*)$")
_OPEN_TAG = re.compile(r"<code(?:\s[^<>]*)?>", re.IGNORECASE)
_CLOSE_TAG = re.compile(r"</code\s*>?|<end_code>?", re.IGNORECASE)
_END_CODE = re.compile(r"\s*(?:<end_code>?|</code\s*>?)\s*$", re.IGNORECASE)
_OBSERVED = re.compile(r"^[ \t>*_#]*observations?[ \t*_]*:", re.IGNORECASE)
_LABEL = re.compile(r"^[ \t>*_#]*(?:code|python)[ \t*_]*:[ \t*_]*(?P<rest>.*)$", re.IGNORECASE)
_THOUGHT = re.compile(r"^[ \t>*_#]*thoughts?[ \t*_]*:[ \t*_]*", re.IGNORECASE)
_PROMPT = re.compile(r"^(?:>>>|\.\.\.)(?: |$)")
_MOST_STARTS = 32
"""Lines at which bare code at the end of a text is looked for."""
_LONGEST_BARE = 16_000
"""Characters of a text in which that is done: each try reads it anew."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """What was found in a text."""

    code: str = ""
    """Empty where there is none."""
    thought: str = ""
    """What stood before it."""
    end: int = 0
    """Where in the text the last of it ends: what follows was made up."""


@dataclass(slots=True)
class _Block:
    start: int
    """First character of its opening mark."""
    end: int
    language: str
    code: str


def find_code(text: str) -> Found:
    """Return the blocks of Python in the text, joined in order, and what was said before them."""
    blocks = _sensible(list(_blocks(text)))
    if blocks:
        code = "\n\n".join(filter(None, (_clean(block.code) for block in blocks)))
        thought = _thought(text[: blocks[0].start])
        return Found(code=code, thought=thought, end=blocks[-1].end)
    return _in_json(text) or _bare(text)


def _in_json(text: str) -> Found | None:
    """Read what models write that are held to JSON: `{"thought": ..., "code": ...}`."""
    if not text.lstrip().startswith("{") or len(text) > LONGEST:
        return None
    try:
        read: Json = json.loads(text)
    except (ValueError, RecursionError):
        return None
    reply = cast("dict[str, Json]", read) if isinstance(read, dict) else {}
    code = reply.get("code")
    if not isinstance(code, str) or not code.strip():
        return None
    inner = find_code(code) if "```" in code or "<code" in code else None
    thought = str(reply.get("thought") or "").strip()
    return Found(code=inner.code if inner else _clean(code), thought=thought, end=len(text))


def _sensible(blocks: list[_Block]) -> list[_Block]:
    """Keep blocks of Python; those without a language only where they are not plainly output."""
    named = [block for block in blocks if block.language in _PYTHON - {"", "none"}]
    if not named:
        return [block for block in blocks if block.language in _PYTHON and block.code.strip()]
    return [
        block
        for block in blocks
        if block in named or (block.language in _PYTHON and is_clearly_code(_clean(block.code)))
    ]


def _blocks(text: str) -> Iterator[_Block]:
    """Yield what stands in fences and tags, up to the first observation, which was made up."""
    at = 0
    while at < len(text):
        stop = text.find("\n", at)
        stop = len(text) if stop < 0 else stop
        line = text[at:stop].rstrip("\r")
        fence, tag = _FENCE.match(line), _OPEN_TAG.search(line)
        if fence:
            block = _fenced(text, at, min(stop + 1, len(text)), fence)
        elif tag and _is_marked(text, line, at + tag.start(), at + tag.end()):
            block = _tagged(text, at + tag.start(), at + tag.end())
        elif _OBSERVED.match(line):
            return
        else:
            at = stop + 1
            continue
        yield block
        at = max(block.end, at + 1)


def _is_marked(text: str, line: str, start: int, begin: int) -> bool:
    """Say whether a tag marks code: one within a line may only be spoken of."""
    return line.lstrip(" \t>*").lower().startswith("<code") or is_clearly_code(
        _clean(_tagged(text, start, begin).code)
    )


def _fenced(text: str, start: int, begin: int, fence: re.Match[str]) -> _Block:
    """Read on to the closing fence, to a tag that models end code with, or to the end."""
    mark = fence["mark"]
    info = fence["info"].strip().lower()
    closing = re.compile(
        rf"^[ \t>]*(?:{re.escape(mark[0])}{{{len(mark)},}}[ \t]*\r?(?:<end_code>.*)?$|<end_code>?)",
        re.MULTILINE | re.IGNORECASE,
    )
    found = closing.search(text, begin)
    end = found.start() if found else len(text)
    language = re.split(r"[\s{,:]", info, maxsplit=1)[0] if info else ""
    return _Block(start, found.end() if found else len(text), language, text[begin:end])


def _tagged(text: str, start: int, begin: int) -> _Block:
    found = _CLOSE_TAG.search(text, begin)
    end = found.start() if found else len(text)
    return _Block(start, found.end() if found else len(text), "python", text[begin:end])


def _clean(code: str) -> str:
    """Take off what is no code: prompts of a console, marks of an end, a common indent."""
    code = code.replace("\r\n", "\n").replace("\r", "\n")
    lines = _END_CODE.sub("", code).split("\n")
    full = [line for line in lines if line.strip()]
    if full and _FENCE.match(full[0]):  # a fence within a tag
        lines = lines[lines.index(full[0]) + 1 :]
        lines = [line for line in lines if not _FENCE.match(line) or line.strip("`~ \t")]
        full = [line for line in lines if line.strip()]
    if full and all(_PROMPT.match(line) for line in full):
        lines = [line[4:] for line in lines]
    text = "\n".join(lines)
    if full and full[0][:1] in " \t":
        text = textwrap.dedent(text)
    return text.strip("\n").rstrip()


def _thought(text: str) -> str:
    """Return what was said, without the labels that stand before it and before the code."""
    lines = text.replace("\r", "").strip().split("\n")
    label = _LABEL.match(lines[-1])
    if label and not label["rest"].strip(" *_`"):
        lines.pop()
    return _THOUGHT.sub("", "\n".join(lines).strip())


def _bare(text: str) -> Found:
    """Find code without a mark: after a label, or the end of the text where it plainly is code."""
    kept = _before_observation(text)
    lines = kept.replace("\r", "").split("\n")
    for number, line in enumerate(lines):
        label = _LABEL.match(line)
        if label:
            code = _clean("\n".join([label["rest"], *lines[number + 1 :]]))
            if is_clearly_code(code):
                return _found_bare(code, lines[:number], kept)
    if len(kept) > _LONGEST_BARE:
        code = _clean(kept)
        return _found_bare(code, [], kept) if is_clearly_code(code) else Found()
    starts = [n for n, line in enumerate(lines) if line.strip() and line[:1] not in " \t"]
    for number in starts[: _MOST_STARTS // 2] + starts[_MOST_STARTS // 2 :][-_MOST_STARTS // 2 :]:
        code = _clean("\n".join(lines[number:]))
        if is_clearly_code(code):
            return _found_bare(code, lines[:number], kept)
    return Found()


def _found_bare(code: str, before: list[str], kept: str) -> Found:
    return Found(code=code, thought=_thought("\n".join(before)), end=len(kept))


def _before_observation(text: str) -> str:
    at = 0
    for line in text.split("\n"):
        if _OBSERVED.match(line):
            return text[:at]
        at += len(line) + 1
    return text
