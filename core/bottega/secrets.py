"""Secrets: which texts are keys, tokens and passwords, and how they are masked.

Known are the values of environment variables whose names say that they are secret, and what was
registered. Besides them there are the shapes in which keys come: those of well-known services,
JSON Web Tokens, private keys, authorisation headers, passwords in URLs. What goes into a
conversation, an event, a store or on a screen goes through `mask`. A tool that needs a key takes it
from the environment or from its options, never from what a model says.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from bottega.messages import Citation, Json
    from bottega.model import RawCall, Reply

MASK = "***"
_WORDS = "KEY|APIKEY|TOKEN|SECRET|PASSWORD|PASSWD|PASSPHRASE|CREDENTIALS?|PAT"
_SECRET_NAME = re.compile(rf"(^|_|API|AUTH|ACCESS)({_WORDS})(_|\d*$)", re.IGNORECASE)
_PLACE_NAME = re.compile(r"_(FILE|PATH|DIR|FOLDER|NAME|ID|URL|HOST|USER|TYPE|TTL|LIMITS?)$", re.I)
_SHORTEST = 8
"""A shorter value is too likely to be an ordinary word."""
_SHORTEST_SHAPE = len("://:p@")

_SHAPES: tuple[tuple[str, re.Pattern[str], str], ...] = tuple(
    (hint, re.compile(pattern, re.DOTALL), shown)
    for hints, pattern, shown in (
        (
            ("PRIVATE KEY-----",),
            r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(-----END [A-Z ]*PRIVATE KEY-----|\Z)",
            MASK,
        ),
        (("sk-",), r"\bsk-(?=[\w-]*\d)[A-Za-z0-9_-]{16,}", MASK),
        (("gh",), r"\bgh[pousr]_[A-Za-z0-9]{20,}", MASK),
        (("github_pat_",), r"\bgithub_pat_\w{20,}", MASK),
        (("glpat-",), r"\bglpat-[\w-]{16,}", MASK),
        (("hf_",), r"\bhf_[A-Za-z0-9]{20,}", MASK),
        (("npm_",), r"\bnpm_[A-Za-z0-9]{30,}", MASK),
        (("xox",), r"\bxox[abeoprs]-[A-Za-z0-9-]{10,}", MASK),
        (("AKIA", "ASIA"), r"\b(AKIA|ASIA)[A-Z0-9]{16}\b", MASK),
        (("AIza",), r"\bAIza[\w-]{35}", MASK),
        (("_live_", "_test_"), r"\b[rs]k_(live|test)_[A-Za-z0-9]{16,}", MASK),
        (("eyJ",), r"\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]{4,}", MASK),
        (
            ("uthorization", "UTHORIZATION"),
            r"(?i)(authorization[\"']?\s*[:=]\s*[\"']?(?:basic|bearer|token|digest)\s+)[^\s\"',;]{6,}",
            rf"\g<1>{MASK}",
        ),
        (("earer", "EARER"), r"(?i)\b(bearer\s+)(?=[^\s\"']*\d)[\w.~+/=-]{16,}", rf"\g<1>{MASK}"),
        (("://",), r"(://[^\s/:@\"']*:)[^\s/@\"']+(?=@)", rf"\g<1>{MASK}"),
        (
            ("=",),
            r"(?i)([?&;](?:api_?key|access_?key|access_token|auth_token|refresh_token|id_token|token"
            r"|client_secret|secret|password|passwd|pwd|signature|sig|x-amz-signature)=)[^\s&#\"'<>]{6,}",
            rf"\g<1>{MASK}",
        ),
    )
    for hint in hints
)
"""A hint, which is looked for first as that costs little, the shape, and what is shown of it."""
_registered: set[str] = set()
_known: tuple[dict[bytes, bytes], tuple[str, ...]] | None = None
"""The environment as it was, and what is secret in it."""


def register(value: str) -> None:
    """Take a value as a secret from now on: a key that came from elsewhere than the environment."""
    global _known  # noqa: PLW0603  # worked out anew at the next look
    if len(value) >= _SHORTEST:
        _registered.add(value)
        _known = None


def mask(text: str) -> str:
    """Return the text with every secret in it masked; shapes keep what is not secret of them."""
    if len(text) < _SHORTEST_SHAPE:
        return text
    for value in _known_now():
        if value in text:
            text = text.replace(value, MASK)
    for hint, pattern, shown in _SHAPES:
        if hint in text:
            text = pattern.sub(shown, text)
    return text


def mask_json(value: Json) -> Json:
    """Return the JSON value with every text in it masked, names of fields as well."""
    if isinstance(value, str):
        return mask(value)
    if isinstance(value, list):
        return [mask_json(item) for item in value]  # pyright: ignore[reportUnknownVariableType]
    if isinstance(value, Mapping):
        fields = cast("Mapping[str, Json]", value)
        return {mask(name): mask_json(item) for name, item in fields.items()}
    return value


def mask_citation(citation: Citation) -> Citation:
    """Return the citation with what it quotes, and what is known of it, masked."""
    shown = mask(citation.quote)
    known = mask_json(citation.metadata) if citation.metadata else citation.metadata
    if shown == citation.quote and known == citation.metadata:
        return citation
    return replace(citation, quote=shown, metadata=known)


def mask_reply(reply: Reply) -> Reply:
    """Return what a model said, masked: a secret that it was told by mistake goes no further."""
    text, thought = mask(reply.text), mask(reply.thought)
    calls = tuple(map(_mask_call, reply.calls))
    if text == reply.text and thought == reply.thought and calls == reply.calls:
        return reply
    return replace(reply, text=text, thought=thought, calls=calls)


def _mask_call(call: RawCall) -> RawCall:
    arguments = mask(call.arguments)
    return call if arguments == call.arguments else replace(call, arguments=arguments)


def is_secret_name(name: str) -> bool:
    """Say whether what bears the name is a secret: `OPENAI_API_KEY`, `db_password`."""
    return bool(_SECRET_NAME.search(name)) and not _PLACE_NAME.search(name)


def _known_now() -> tuple[str, ...]:
    """Return all known secrets, worked out anew only when the environment has changed.

    `os.environ` decodes each of its variables at each look: that would take fifty microseconds.
    """
    global _known  # noqa: PLW0603  # replaced as a whole, so that threads see one or the other
    raw: dict[bytes, bytes] = vars(os.environ)["_data"]
    known = _known
    if known is None or known[0] != raw:
        known = _known = (dict(raw), _worked_out(raw))
    return known[1]


def _worked_out(settings: Mapping[bytes, bytes]) -> tuple[str, ...]:
    """Return all known secrets and how they may be written, the longest first."""
    named = ((os.fsdecode(name), os.fsdecode(value)) for name, value in settings.items())
    values = {value for name, value in named if is_secret_name(name)} | _registered
    found = {way for value in values if len(value) >= _SHORTEST for way in _ways(value)}
    return tuple(sorted(found, key=len, reverse=True))


def _ways(value: str) -> set[str]:
    """Return the value as text, in a URL, in JSON and in base64."""
    import base64
    from urllib.parse import quote

    data = value.encode("utf-8", "surrogateescape")
    plain = base64.b64encode(data).decode("ascii")
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return {value, quote(data, safe=""), escaped, plain, plain.rstrip("=")}
