"""What a document is called, so that a query that names it finds it."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from bottega_plugins.knowledge.index.fields import storable
from bottega_plugins.knowledge.index.record import DocumentInfo
from bottega_plugins.knowledge.words import plain_words

_FILLING_ZEROS = re.compile(r"\b0+(?=\d)")


def names_of(info: DocumentInfo) -> set[str]:
    """Return its title and its file's name as `plain_words` makes them.

    The name has no ending and no zeros that fill numbers up: `pep-0572.rst` is called "pep 572".
    """
    file = _FILLING_ZEROS.sub("", plain_words(PurePosixPath(info.source).stem))
    return {storable(name) for name in (plain_words(info.title), file) if name}
