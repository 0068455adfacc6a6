"""Which error it is: a status, an error object, or a connection that broke.

Retrying is `bottega.retry`'s business; here is only decided whether it could help.
"""

from __future__ import annotations

import json
import math
import re
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from bottega.errors import (
    ContextLengthError,
    ModelAuthError,
    ModelError,
    ModelRateLimitError,
    ModelReplyError,
)
from bottega.messages import Json
from bottega_plugins.models.openai.redaction import Redactor
from bottega_plugins.models.openai.settings import API_KEY, BASE_URL, Settings
from bottega_plugins.models.openai.shapes import is_array, is_object

if TYPE_CHECKING:
    from bottega_plugins.models.openai.client import Answer

_TOO_LONG = re.compile(
    r"context.?(length|window|size)|maximum context|too many (input )?tokens|prompt is too long",
    re.IGNORECASE,
)
_TITLE = re.compile(r"<title[^>]{0,200}>([^<]{1,400})", re.IGNORECASE)
_SPENT = frozenset({"insufficient_quota", "billing_hard_limit_reached"})
_TRANSIENT = frozenset({408, 409, 425, 500, 502, 503, 504, 529})
_KINDS: Mapping[str, int] = {
    "invalid_api_key": 401,
    "authentication_error": 401,
    "permission_error": 403,
    "not_found_error": 404,
    "model_not_found": 404,
    "invalid_request_error": 400,
    "invalid_prompt": 400,
    "rate_limit_error": 429,
    "rate_limit_exceeded": 429,
    "requests": 429,
    "tokens": 429,
}
"""Types and codes of error objects, and the statuses that they stand for."""


class Failures:
    """Make the errors of one model on one server."""

    def __init__(self, model: str, settings: Settings, redactor: Redactor) -> None:
        self._model = model
        self._settings = settings
        self._redactor = redactor

    async def check(self, answer: Answer) -> None:
        """Raise ModelError unless the answer's body is a reply, and readable as it is."""
        if answer.status != 200:
            body = await answer.read_error()
            raise self.of_status(answer.status, answer.headers, body)
        packed = answer.headers.get("Content-Encoding", "identity").lower()
        if packed != "identity":
            raise ModelReplyError(
                f"{self._settings.address} compressed its reply "
                f"({self._redactor.excerpt(packed)}) though it was asked not to"
            )

    def of_status(self, status: int, headers: Mapping[str, str], body: bytes) -> ModelError:
        """Return the error for an answer other than 200."""
        if 300 <= status < 400:
            return self._redirect(status, headers.get("Location", ""))
        error = _error_object(body)
        said = self._said(error) if error else self._page(body)
        return self._make(status, error, said, headers)

    def of_object(self, error: Json) -> ModelError:
        """Return the error for an error object inside of a reply that began well."""
        fields = error if is_object(error) else {"message": error}
        code = str(fields.get("code"))
        status = int(code) if re.fullmatch("[45][0-9][0-9]", code) else 0
        for name in (code, fields.get("type")):
            status = status or _KINDS.get(str(name), 0)
        if not status and _TOO_LONG.search(str(fields.get("message"))[:2000]):
            status = 400
        return self._make(status or 500, fields, self._said(fields), {}, inside=True)

    def _make(
        self,
        status: int,
        error: Mapping[str, Json],
        said: str,
        headers: Mapping[str, str],
        *,
        inside: bool = False,
    ) -> ModelError:
        address = self._settings.address
        what = "an error within its reply" if inside else f"status {status}"
        message = f"{address} answered with {what}" + (f": {said}" if said else "")
        codes = {str(error.get("code")), str(error.get("type"))}
        if status in {401, 403}:
            return ModelAuthError(message, hint=self._key_hint())
        if status in {400, 413, 422} and (
            codes & {"context_length_exceeded", "exceed_context_size_error"}
            or _TOO_LONG.search(said)
        ):
            return ContextLengthError(message, hint="shorten the conversation or the documents")
        if codes & _SPENT:
            return ModelError(message, hint="the account's quota is spent: see its billing")
        wait = retry_after(headers)
        if status == 429 or (wait is not None and status >= 500):
            return ModelRateLimitError(message, retry_after=wait)
        if status == 404:
            return ModelError(
                message, hint=f"is {self._model!r} a model of that server, and {BASE_URL} right?"
            )
        return ModelError(message, retryable=status in _TRANSIENT or status > 500)

    def _redirect(self, status: int, location: str) -> ModelError:
        target = self._redactor.excerpt(location) or "nowhere"
        return ModelError(
            f"{self._settings.address} answered with status {status}, a redirect to {target}; "
            "redirects are not followed",
            hint=f"set {BASE_URL} to the server's own address",
        )

    def _key_hint(self) -> str:
        if self._settings.key:
            return f"check {API_KEY}"
        return f"no key was sent; {API_KEY} is sent to OpenAI, or to {BASE_URL} where that is set"

    def _said(self, error: Mapping[str, Json]) -> str:
        message = error.get("message") or error.get("detail") or error.get("code") or error
        text = message if isinstance(message, str) else json.dumps(message, default=str)
        return self._redactor.excerpt(text)

    def _page(self, body: bytes) -> str:
        """Return what a body without an error object says: a page's title, or its beginning."""
        text = body[:20_000].decode("utf-8", "backslashreplace")
        title = _TITLE.search(text) if text.lstrip().startswith("<") else None
        return self._redactor.excerpt(title[1] if title else text)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds that the server asks to wait: `retry-after-ms`, seconds, or a date."""
    exact = _number(headers.get("Retry-After-Ms", ""))
    if exact is not None:
        return exact / 1000
    given = headers.get("Retry-After", "").strip()
    seconds = _number(given)
    if seconds is not None or not given:
        return seconds
    try:
        at = parsedate_to_datetime(given).timestamp()
    except (ValueError, OverflowError):
        return None
    return max(0.0, at - time.time())


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return max(0.0, value) if math.isfinite(value) else None


def _error_object(body: bytes) -> dict[str, Json]:
    """Return the error object of a body, in any of the shapes servers give it; else empty."""
    try:
        value = json.loads(body.decode())
    except (ValueError, RecursionError):
        return {}
    if is_array(value) and value:
        value = value[0]
    if not is_object(value):
        return {}
    error = value.get("error", value)
    if is_object(error):
        return error
    return {"message": error} if error else value
