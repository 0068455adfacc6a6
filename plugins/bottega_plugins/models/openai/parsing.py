"""A JSON object out of the bytes of a reply, or an error that says what it is instead."""

from __future__ import annotations

import json
from collections.abc import Mapping

from bottega.errors import ModelReplyError
from bottega.messages import Json
from bottega_plugins.models.openai.redaction import Redactor
from bottega_plugins.models.openai.shapes import is_object


def parsed(data: bytes, redactor: Redactor) -> Mapping[str, Json]:
    """Return the object. Raises ModelReplyError."""
    try:
        value = json.loads(data.decode())
    except UnicodeDecodeError as error:
        reason = f"not valid UTF-8 at byte {error.start} ({error.reason})"
    except (ValueError, RecursionError) as error:
        reason = f"not valid JSON ({error})" if isinstance(error, ValueError) else "too deep"
    else:
        if is_object(value):
            return value
        reason = f"of type {type(value).__name__}, not an object"
    raise ModelReplyError(
        f"the server's reply is {reason}: {redactor.excerpt_bytes(data)}", retryable=True
    )
