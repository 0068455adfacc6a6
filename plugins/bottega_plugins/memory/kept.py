"""A memory in a database: facts and episodes, found through an index that is held in memory.

The index follows the database before every search: rows that other processes have added are read,
and when rows are gone it is made anew.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from bottega.embedder import Embedder, embed_query
from bottega.errors import InputError
from bottega.memory import Episode, Fact, Recalled, Relived
from bottega_plugins.memory.entries import cleaned, episode_of, fact_of, packed, plain, text_of
from bottega_plugins.memory.known import Known
from bottega_plugins.memory.rows import Database, Kind, Row, Rows
from bottega_plugins.memory.supersession import superseded
from bottega_plugins.memory.topic import with_newer

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bottega.decider import Decider

LEAST_FIT = 0.25
"""Score below which a fact has nothing to do with the query."""
LEAST_LIKE = 0.4
"""Score below which a past task is not similar."""
_BATCH = 256


class KeptMemory:
    """Facts and episodes, behind `bottega.memory.Memory`."""

    def __init__(self, open_database: Callable[[], Database], embedder: Embedder) -> None:
        """Take what opens the database, at first use and again after `aclose`."""
        self._open = open_database
        self._embedder = embedder
        self._database: Database | None = None
        self._known: dict[Kind, Known] = {}
        self._seen: dict[Kind, int | None] = {}
        """The database's version at which the index was last brought up to date."""

    async def remember(self, fact: Fact, judge: Decider | None = None) -> Fact:
        """Keep a fact; see `Memory.remember`. Raises InputError for one without words."""
        fact = cleaned(fact)
        [vector] = await self._embedder.embed([text_of(fact)])
        known = await self._following("fact")
        if (same := known.rows.get(fact.id) or known.same(fact)) is not None:
            return known.fact(same)
        if not fact.supersedes:
            found = known.like(vector, fact.user)
            old = await superseded(fact, found, judge)
            fact = replace(fact, supersedes=old.id if old else "")
        row = self._row(fact, vector)
        seq = await self._rows.add(row)
        if not seq:
            known = await self._following("fact", counted=True)
            return known.fact(known.rows[fact.id])
        if self._known.get("fact") is known:
            known.add([replace(row, seq=seq)], [vector])
        else:  # the index was made anew meanwhile: it may be without this row
            self._seen.pop("fact", None)
        return fact

    async def recall(self, query: str, k: int = 5, *, user: str = "") -> Sequence[Recalled]:
        """Return facts that bear on the query; see `Memory.recall`."""
        known, found = await self._search("fact", query, k, user, LEAST_FIT)
        recalled = [Recalled(fact=known.fact(row), score=score) for row, score in found]
        return with_newer(recalled, known.cosine)

    async def record(self, episode: Episode) -> None:
        """Keep an episode; see `Memory.record`."""
        task = plain(episode.task)
        [vector] = await self._embedder.embed([task])
        row = Row(
            id=episode.run,
            kind="episode",
            owner=episode.user,
            text=task,
            data=json.dumps(episode.to_json()),
            embedder=self._embedder.name,
            vector=packed(vector),
        )
        if not await self._rows.add(row):
            await self._rows.delete("episode", [episode.run])
            await self._rows.add(row)
        self._seen.pop("episode", None)

    async def similar(self, task: str, k: int = 3, *, user: str = "") -> Sequence[Relived]:
        """Return episodes of similar tasks; see `Memory.similar`."""
        _, found = await self._search("episode", task, k, user, LEAST_LIKE)
        return [Relived(episode=episode_of(row), score=score) for row, score in found]

    async def facts(self, user: str | None = None) -> Sequence[Fact]:
        """Return all facts of a user; see `Memory.facts`."""
        rows = await self._rows.of("fact", user)
        newer = {row.supersedes: row.id for row in rows if row.supersedes}
        return [fact_of(row, newer.get(row.id, "")) for row in rows]

    async def episodes(self, user: str | None = None) -> Sequence[Episode]:
        """Return all episodes of a user; see `Memory.episodes`."""
        return [episode_of(row) for row in await self._rows.of("episode", user)]

    async def forget(self, *, user: str | None = None, id: str | None = None) -> int:
        """Delete for good; see `Memory.forget`."""
        if (user is None) == (id is None):
            raise InputError("forget a user or one entry", hint="give `user` or `id`, not both")
        self._known.clear()
        self._seen.clear()
        if user is not None:
            count = await self._rows.delete_owner(user)
        else:
            count = await self._rows.delete("fact", await self._chain(id or ""))
            count += await self._rows.delete("episode", [id or ""])
            if not count:
                raise InputError(f"nothing is remembered under {id!r}", hint="see: bottega memory")
        if self._database is not None:
            await self._database.wipe()
        return count

    async def aclose(self) -> None:
        """Close the database; the next use opens it again."""
        if self._database is not None:
            self._database.close()
        self._database = None
        self._seen.clear()

    @property
    def _rows(self) -> Rows:
        if self._database is None:
            self._database = self._open()
        return Rows(self._database)

    async def _chain(self, name: str) -> list[str]:
        """Return a fact's id and those of all that it superseded, one after the other."""
        older = {row.id: row.supersedes for row in await self._rows.of("fact", None)}
        chain: list[str] = []
        while name in older and name not in chain:
            chain.append(name)
            name = older[name]
        return chain

    def _row(self, fact: Fact, vector: NDArray[np.float32]) -> Row:
        data = fact.to_json()
        for name in ("superseded_by", "supersedes", "id"):
            del data[name]
        return Row(
            id=fact.id,
            kind="fact",
            owner=fact.user,
            text=text_of(fact),
            data=json.dumps(data),
            supersedes=fact.supersedes,
            embedder=self._embedder.name,
            vector=packed(vector),
        )

    async def _search(
        self, kind: Kind, query: str, k: int, user: str, least: float
    ) -> tuple[Known, list[tuple[Row, float]]]:
        known = await self._following(kind)
        if not known.rows or not query.strip():
            return known, []
        query = plain(query)
        vector = await embed_query(self._embedder, query)
        found = known.ranking.search(vector, query, k, owner=user, least=least)
        return known, [(known.rows[name], score) for name, score in found]

    async def _following(self, kind: Kind, *, counted: bool = False) -> Known:
        """Return what is known of a kind, as the database has it now."""
        known = self._known.get(kind) or Known(self._embedder.dimension)
        rows = self._rows
        version = await rows.version()
        if version is not None and self._seen.get(kind) == version and not counted:
            return known
        count, last = await self._rows.extent(kind)
        if (count, last) != (len(known.rows), known.last):
            new = await self._rows.since(kind, known.last)
            if len(known.rows) + len(new) != count:  # rows are gone
                known = Known(self._embedder.dimension)
                new = await self._rows.since(kind, 0)
            known.add(new, await self._vectors(new))
        self._known[kind], self._seen[kind] = known, version
        return known

    async def _vectors(self, rows: Sequence[Row]) -> Sequence[NDArray[np.float32]]:
        """Return the rows' vectors, made anew and kept where another embedder made them."""
        name, size = self._embedder.name, self._embedder.dimension * 4
        vectors: dict[int, Any] = {}
        foreign = [row for row in rows if row.embedder != name or len(row.vector) != size]
        for start in range(0, len(foreign), _BATCH):
            some = foreign[start : start + _BATCH]
            made = await self._embedder.embed([row.text for row in some])
            vectors |= {row.seq: vector for row, vector in zip(some, made, strict=True)}
            await self._rows.embed((row.seq, name, packed(vectors[row.seq])) for row in some)
        return [
            vectors[row.seq] if row.seq in vectors else np.frombuffer(row.vector, dtype="<f4")
            for row in rows
        ]
