"""The threads of a search: they stay, a fork has its own, and the event loop runs on."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from hash_embedder import HashEmbedder

from bottega_plugins.knowledge.knowledge_base import KnowledgeBase
from bottega_plugins.knowledge.search.threads import in_thread

FORKED = """
import asyncio, os, sys
from pathlib import Path
from hash_embedder import HashEmbedder
from bottega_plugins.knowledge.knowledge_base import KnowledgeBase
base = KnowledgeBase.open(Path(sys.argv[1]), HashEmbedder())
base.add([("a", "Frogs croak."), ("b", "Newts do not.")])
before = base.search("frogs")
child = os.fork()
same = base.search("frogs") == before
if not child:
    os._exit(0 if same else 1)
print(same, os.waitpid(child, 0)[1])
"""


def test_searches_of_several_loops_share_a_thread() -> None:
    async def thread() -> str:
        return await in_thread(lambda: threading.current_thread().name)

    names = [asyncio.run(thread()) for _ in range(3)]
    assert set(names) <= {each.name for each in threading.enumerate()}
    assert threading.current_thread().name not in names


def test_an_error_comes_back_to_the_caller() -> None:
    with pytest.raises(ValueError, match="no number"):
        asyncio.run(in_thread(int, "no number"))


def test_many_searches_at_once_find_what_one_finds(tmp_path: Path) -> None:
    with KnowledgeBase.open(tmp_path / "index", HashEmbedder()) as base:
        base.add((f"{n}.txt", f"Frog number {n} croaks.") for n in range(30))
        expected = base.search("frog number 7")

        async def all_at_once() -> list[object]:
            return await asyncio.gather(*(base.asearch("frog number 7") for _ in range(40)))

        assert asyncio.run(all_at_once()) == [expected] * 40


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no fork")
def test_a_forked_process_searches_with_threads_of_its_own(tmp_path: Path) -> None:
    run = subprocess.run(
        [sys.executable, "-c", FORKED, str(tmp_path / "index")],
        capture_output=True,
        check=True,
        cwd=Path(__file__).parent,
        text=True,
        timeout=60,
    )
    assert (run.stdout, run.stderr) == ("True 0\n", "")
