"""Documents as a caller gives them: one or many, at once or as they come, as objects or tuples."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import fields, replace
from typing import Any, cast

from bottega.errors import InputError, suggest
from bottega.messages import Json
from bottega_plugins.knowledge.documents.document import Document
from bottega_plugins.knowledge.documents.facts import OWN_FIELDS

GivenDocument = Document | tuple[str, str | bytes] | Mapping[str, Json]
"""A document, a source with its content, or a mapping with the fields of `Document`."""
GivenDocuments = GivenDocument | Iterable[GivenDocument] | AsyncIterable[GivenDocument]

_FIELDS = tuple(each.name for each in fields(Document))


async def documents_of(given: GivenDocuments) -> AsyncIterator[Document]:
    """Yield the documents, one by one, those of a list when all of it is known to be in order.

    Raises InputError for what is none.
    """
    if isinstance(given, AsyncIterable):
        async for each in given:
            yield _document(each)
    elif _is_one(given):
        yield _document(given)
    elif isinstance(given, list | tuple):
        for each in [_document(each) for each in cast("Sequence[GivenDocument]", given)]:
            yield each
    elif hasattr(given, "__iter__") and not isinstance(given, str | bytes):
        for each in cast("Iterable[GivenDocument]", given):
            yield _document(each)
    else:
        raise _unfit(given)


def sources_of(given: str | Iterable[str]) -> list[str]:
    """Return one source or several as a list. Raises InputError for what is none."""
    if isinstance(given, str):
        return [given]
    listed = list(given) if isinstance(cast("object", given), Iterable) else [cast("Any", given)]
    for each in listed:
        if not isinstance(each, str):
            raise InputError(f"the sources must be texts, not {each!r:.80}")
    return listed


def _is_one(given: object) -> bool:
    if isinstance(given, tuple):  # several documents may come in a tuple as well
        return isinstance(next(iter(cast("Sequence[Any]", given)), None), str)
    return isinstance(given, Document | Mapping)


def _document(given: object) -> Document:
    if isinstance(given, Document):
        return _checked(given)
    if isinstance(given, Mapping):
        return _checked(_from_fields(cast("Mapping[str, Any]", given)))
    if isinstance(given, tuple):
        return _checked(_from_pair(cast("Sequence[Any]", given)))
    raise _unfit(given)


def _from_pair(given: Sequence[Any]) -> Document:
    if len(given) != 2:
        raise InputError(f"a document is a pair of source and text, not {len(given)} things")
    return Document(source=given[0], content=given[1])


def _from_fields(given: Mapping[str, Any]) -> Document:
    for name in given:
        if name not in _FIELDS:
            raise InputError(f"a document has no field {name!r}", hint=suggest(name, _FIELDS))
    for name in ("source", "content"):
        if name not in given:
            raise InputError(f"a document without {name!r}", hint=f"fields: {', '.join(_FIELDS)}")
    return Document(**given)


def _checked(document: Document) -> Document:
    source = cast("Any", document.source)
    if not isinstance(source, str) or not source.strip():
        raise InputError(f"the source of a document must be a text, not {source!r:.80}")
    try:
        source.encode()
    except UnicodeEncodeError:
        raise InputError(f"the source {source!r:.80} is no valid text") from None
    content = cast("Any", document.content)
    if not isinstance(content, str | bytes):
        raise InputError(
            f"the content of {source!r} must be a text or bytes, not {type(content).__name__}"
        )
    for name in ("title", "format"):
        _require_text(source, name, getattr(document, name))
    _require_metadata(source, document.metadata)
    return _without_own_fields(document)


def _without_own_fields(document: Document) -> Document:
    """Return the document with nothing in its metadata that its own fields would hide.

    A title there becomes that of the document, unless it has one.
    """
    metadata = dict(document.metadata)
    title = document.title or metadata.get("title", "")
    told = {"source": document.source, "title": title, "format": document.format}
    for name in OWN_FIELDS:
        if name in metadata and metadata.pop(name) != told.get(name):
            raise InputError(
                f"the metadata of {document.source!r} has the field {name!r}, which is reserved",
                hint=f"give it another name; reserved: {', '.join(OWN_FIELDS)}",
            )
    _require_text(document.source, "title", title)
    return replace(document, title=title, metadata=metadata)


def _require_text(source: str, name: str, given: object) -> None:
    if not isinstance(given, str):
        raise InputError(f"the {name} of {source!r} must be a text, not {type(given).__name__}")


def _require_metadata(source: str, given: object) -> None:
    if not isinstance(given, Mapping):
        kind = type(given).__name__
        raise InputError(f"the metadata of {source!r} must be a mapping, not {kind}")
    waiting: list[Any] = [cast("object", given)]
    seen: set[int] = set()  # what holds itself is told of later, as no JSON
    while waiting:
        held = waiting.pop()
        if id(held) in seen:
            continue
        if isinstance(held, Mapping):
            seen.add(id(cast("object", held)))
            inner = cast("Mapping[object, Any]", held)
            for key in inner:
                if not isinstance(key, str):
                    what = f"{key!r:.80}, which is no text but {type(key).__name__}"
                    raise InputError(f"the metadata of {source!r} has the field {what}")
            waiting += inner.values()
        elif isinstance(held, list | tuple):
            seen.add(id(cast("object", held)))
            waiting += cast("Sequence[Any]", held)


def _unfit(given: object) -> InputError:
    return InputError(
        f"a document cannot be made of {type(given).__name__}",
        hint="give Document(source=..., content=...), (source, text) or a mapping of such fields",
    )
