"""A knowledge base inside LangChain chains and smolagents agents, with the real libraries."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hash_embedder import HashEmbedder
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.runnables import RunnableLambda, RunnablePassthrough
from smolagents import CodeAgent, ToolCallingAgent
from smolagents.models import (
    ChatMessage,
    ChatMessageToolCall,
    ChatMessageToolCallFunction,
    MessageRole,
    Model,
)
from tiny_pdf import simple_pdf

from bottega.errors import InputError
from bottega_plugins.knowledge.adapters.langchain import KnowledgeRetriever
from bottega_plugins.knowledge.adapters.smolagents import KnowledgeTool
from bottega_plugins.knowledge.documents.document import Document
from bottega_plugins.knowledge.knowledge_base import KnowledgeBase
from bottega_plugins.knowledge.search.search import Search

COMETS = "# Comets\n\nA comet is a ball of ice and dust. Its tail points away from the sun.\n"
OTTERS = "# Otters\n\nAn otter hunts at dusk. Its fur keeps the water out.\n"


@pytest.fixture
def base(tmp_path: Path) -> KnowledgeBase:
    made = KnowledgeBase.open(tmp_path / "index", HashEmbedder())
    made.add(
        [
            Document(source="comets.md", content=COMETS, metadata={"kind": "sky"}),
            Document(source="otters.md", content=OTTERS, metadata={"kind": "animal"}),
        ]
    )
    return made


def test_documents_tell_their_place(base: KnowledgeBase) -> None:
    (found,) = KnowledgeRetriever(knowledge=base, k=1).invoke("the tail of a comet")
    expected = base.search("the tail of a comet", 1)[0]
    assert found.id == expected.key
    assert found.page_content == expected.quote
    assert "tail points away" in found.page_content
    told = dict(found.metadata)
    assert COMETS[told["start"] : told["end"]] == found.page_content
    assert {name: told[name] for name in ("source", "title", "heading", "line", "key")} == {
        "source": "comets.md",
        "title": "Comets",
        "heading": expected.heading,
        "line": expected.line,
        "key": expected.key,
    }
    assert told["score"] == expected.score
    assert told["kind"] == "sky"
    assert "page" not in told


def test_pages_are_told_where_there_are_some(base: KnowledgeBase) -> None:
    base.add(("guide.pdf", simple_pdf([["Comets come back."], ["Otters swim in rivers."]])))
    retriever = KnowledgeRetriever(knowledge=base, k=1, filters={"format": "pdf"})
    (found,) = retriever.invoke("rivers")
    assert (found.metadata["page"], found.metadata["pages"]) == (2, 2)
    shown = KnowledgeTool(base).forward("Otters swim in rivers")
    assert "[guide.pdf:p2:1-1] guide.pdf\nOtters swim in rivers." in shown
    assert "page" not in shown


def test_metadata_of_a_document_and_of_its_place_do_not_hide_each_other(
    base: KnowledgeBase,
) -> None:
    told = {"score": 7, "start": "May", "kind": "bird"}
    base.add(Document(source="owls.md", content="An owl hoots.", metadata=told))
    (found,) = KnowledgeRetriever(knowledge=base, k=1, filters={"score": 7}).invoke("owl")
    assert found.metadata["document.score"] == 7
    assert found.metadata["document.start"] == "May"
    assert found.metadata["start"] == 0
    assert found.metadata["score"] == base.search("owl", 1, {"score": 7})[0].score
    assert found.metadata["kind"] == "bird"


def test_k_and_filters_of_the_retriever_and_of_the_call(base: KnowledgeBase) -> None:
    retriever = KnowledgeRetriever(knowledge=base, k=2, filters={"kind": "animal"})
    sources = [found.metadata["source"] for found in retriever.invoke("comet")]
    assert set(sources) == {"otters.md"}
    sky = retriever.invoke("otter", k=1, filters={"kind": "sky"})
    assert [found.metadata["source"] for found in sky] == ["comets.md"]
    words = KnowledgeRetriever(knowledge=base, search=Search(mode="words"))
    assert words.invoke("otter")[0].metadata["source"] == "otters.md"


def test_a_chain_answers_from_what_was_found(base: KnowledgeBase) -> None:
    """Only the model is missing: what would be sent to it comes back."""
    retriever = KnowledgeRetriever(knowledge=base, k=1)
    prompt = ChatPromptTemplate.from_template("Context: {context}\nQuestion: {question}")
    context = retriever | RunnableLambda(lambda found: found[0].page_content)
    echo = RunnableLambda(lambda value: value.to_messages()[0])
    sources = {"context": context, "question": RunnablePassthrough()}
    chain = sources | prompt | echo | StrOutputParser()
    question = "When does an otter hunt?"
    expected = f"Context: {base.search(question, 1)[0].quote}\nQuestion: {question}"
    assert chain.invoke(question) == expected
    assert asyncio.run(chain.ainvoke(question)) == expected
    assert chain.batch([question] * 3) == [expected] * 3


def test_it_also_works_inside_a_running_loop(base: KnowledgeBase) -> None:
    retriever = KnowledgeRetriever(knowledge=base)

    async def both() -> None:
        assert retriever.invoke("comet") == await retriever.ainvoke("comet")

    asyncio.run(both())


def test_errors_are_ours(base: KnowledgeBase) -> None:
    retriever = KnowledgeRetriever(knowledge=base)
    with pytest.raises(InputError, match="the query is empty"):
        retriever.invoke(" ")
    with pytest.raises(InputError, match="k is 0"):
        asyncio.run(retriever.ainvoke("comet", k=0))
    with pytest.raises(ValueError, match="greater than or equal to 1"):
        KnowledgeRetriever(knowledge=base, k=0)


class Scripted(Model):  # type: ignore[misc, unused-ignore]
    """Plays replies, and keeps what it was shown."""

    def __init__(self, *replies: ChatMessage) -> None:
        super().__init__(model_id="scripted")
        self.replies = list(replies)
        self.shown: list[str] = []

    def generate(self, messages: Sequence[Any], **options: Any) -> ChatMessage:
        self.shown.append(str(messages[-1]))
        return self.replies.pop(0)


def said(text: str) -> ChatMessage:
    return ChatMessage(role=MessageRole.ASSISTANT, content=text)


def calling(name: str, arguments: dict[str, Any]) -> ChatMessage:
    function = ChatMessageToolCallFunction(name=name, arguments=arguments)
    call = ChatMessageToolCall(id="1", type="function", function=function)
    return ChatMessage(role=MessageRole.ASSISTANT, content="", tool_calls=[call])


def test_a_tool_calling_agent_searches_and_cites(base: KnowledgeBase) -> None:
    tool = KnowledgeTool(base)
    key = base.search("comet tail", 1)[0].key
    model = Scripted(
        calling("search_knowledge", {"query": "comet tail", "k": 1}),
        calling("final_answer", {"answer": f"Away from the sun [{key}] [made-up.md:1-2]."}),
    )
    agent = ToolCallingAgent(tools=[tool], model=model, verbosity_level=0)
    answer = agent.run("Where does the tail of a comet point?")
    assert f"[{key}] Comets" in model.shown[1]
    assert "points away from the sun" in model.shown[1]
    (cited,) = tool.cited(answer)
    assert (cited.source, cited.key) == ("comets.md", key)


def test_a_code_agent_searches(base: KnowledgeBase) -> None:
    tool = KnowledgeTool(base, filters={"kind": "animal"})
    code = 'final_answer(search_knowledge("comet", k=3))'
    model = Scripted(said(f"<code>\n{code}\n</code>"))
    agent = CodeAgent(tools=[tool], model=model, verbosity_level=0)
    answer = agent.run("Find it.")
    assert "An otter hunts at dusk." in answer
    assert "comet" not in answer
    assert {citation.source for citation in tool.cited(answer)} == {"otters.md"}


def test_an_agent_reads_what_went_wrong(base: KnowledgeBase) -> None:
    model = Scripted(
        calling("search_knowledge", {"query": " "}),
        calling("final_answer", {"answer": "none"}),
    )
    agent = ToolCallingAgent(tools=[KnowledgeTool(base)], model=model, verbosity_level=0)
    assert agent.run("Search for nothing.") == "none"
    assert "the query is empty" in model.shown[1]


def test_the_tool_says_when_there_is_nothing(base: KnowledgeBase) -> None:
    tool = KnowledgeTool(base, search=Search(mode="words"))
    assert tool("zeppelin") == "nothing found"
    assert tool.cited("[comets.md:1-3]") == ()


def test_a_tool_that_cannot_be_exported_says_so(base: KnowledgeBase, tmp_path: Path) -> None:
    tool = KnowledgeTool(base)
    agent = ToolCallingAgent(tools=[tool], model=Scripted(), verbosity_level=0)
    for export in (
        tool.to_dict,
        lambda: tool.save(tmp_path / "out"),
        lambda: tool.push_to_hub("a/b"),
        agent.to_dict,
        lambda: agent.save(tmp_path / "agent"),
    ):
        with pytest.raises(InputError, match="it searches an index on this machine") as caught:
            export()
        assert "KnowledgeBase.open(PATH)" in caught.value.hint
    assert not (tmp_path / "out").exists()


def test_frameworks_are_imported_by_their_adapters_alone() -> None:
    code = (
        "import sys, bottega_plugins.knowledge.adapters, bottega_plugins.knowledge.knowledge_base\n"
        "print([n for n in ('langchain_core', 'smolagents') if n in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert run.stdout == "[]\n"
