"""Fixtures that tests of several plugins, or of one in several files, share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from index_nursery import Nursery


@pytest.fixture(scope="module")
def nursery() -> Iterator[Nursery]:
    """Run tasks over indexes in processes of their own."""
    from index_nursery import Nursery

    with Nursery() as made:
        yield made


@pytest.fixture
def fruit(tmp_path: Path) -> Path:
    """Plant a folder of documents on fruit."""
    from orchard import planted

    return planted(tmp_path)
