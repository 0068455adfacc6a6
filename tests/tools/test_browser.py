"""The browser's tools, in real headless Chromium against local pages."""

from __future__ import annotations

import asyncio
import io
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from browsing import Browsing, Pages, serving
from PIL import Image as Picture

from bottega import Agent, Graph
from bottega.addresses import read_url
from bottega.errors import InputError, NotInstalledError, ToolError
from bottega.events import Observation
from bottega.guard import Guard
from bottega.testing import ScriptedModel, call
from bottega_tools.browser import gate
from bottega_tools.browser.options import find_chromium
from bottega_tools.browser.toolset import BrowserTools, make_browser


def _chromium() -> str:
    pytest.importorskip("playwright")
    try:
        return find_chromium()
    except InputError:
        return ""


pytestmark = [
    pytest.mark.xdist_group("browser"),
    pytest.mark.skipif(not _chromium(), reason="there is no Chromium on this machine"),
]


@pytest.fixture(scope="module")
def pages() -> Iterator[Pages]:
    with serving() as found:
        yield found


@pytest.fixture(scope="module")
def other() -> Iterator[Pages]:
    """A server that the browser may not reach."""
    with serving() as found:
        yield found


@pytest.fixture(scope="module")
def browse(pages: Pages) -> Iterator[Browsing]:
    toolset = make_browser(allow=[f"127.0.0.1:{pages.server_port}"], seconds=30, megabytes=1)
    browsing = Browsing(toolset)
    yield browsing
    browsing.close()


@pytest.fixture(scope="module")
def hasty(pages: Pages) -> Iterator[Browsing]:
    """A browser that waits for no page longer than a moment, and asks a resolver that lies."""
    answers = iter(["93.184.215.14"])

    async def look_up(host: str, port: int) -> list[str]:
        return [next(answers, "127.0.0.1")]

    made = make_browser(allow=[f"127.0.0.1:{pages.server_port}"], seconds=0.5)
    browsing = Browsing(BrowserTools(replace(made._options, lookup=look_up)))
    yield browsing
    browsing.close()


def number(text: str, what: str) -> int:
    """Return the number of the element that is told so."""
    found = re.search(rf"\[(\d+) {what}", text)
    assert found, text
    return int(found[1])


def test_a_page_is_read_as_text_with_numbers(browse: Browsing, pages: Pages) -> None:
    text = browse("navigate", url=pages.address + "/").content
    assert text.startswith(f"Page: Shop\nURL: {pages.address}/\n")
    for part in (
        "# Welcome",
        "Hello there, see the [1 link",
        '"next page" -> /two]',
        'text "Query" = "old"]',
        'select "Colour" = "red", of: "red" | "green"]',
        'checkbox "I agree"]',
        'text "Word" = "•••"]',
        'button "Off" disabled]',
        "Fruit | Price |",
        "Pear | 2 |",
        "- one\n- two",
        'file input "File": files are refused]',
        "A plain div",
        'button "In a frame"]',
        "In the shadow",
    ):
        assert part in text
    assert "hunter2" not in text


def test_numbers_stay_and_are_never_given_twice(browse: Browsing, pages: Pages) -> None:
    first = browse("navigate", url=pages.address + "/").content
    again = browse("snapshot").content
    assert re.findall(r"\[(\d+) ", first) == re.findall(r"\[(\d+) ", again)
    later = browse("navigate", url=pages.address + "/moving").content
    assert number(later, "button") > max(map(int, re.findall(r"\[(\d+) ", first)))
    assert "is not on this page" in browse.refused("click", element=number(first, "link"))


def test_a_form_is_filled_in_and_sent(browse: Browsing, pages: Pages) -> None:
    text = browse("navigate", url=pages.address + "/").content
    browse("type", element=number(text, 'text "Query"'), text="two words")
    browse("select_option", element=number(text, 'select "Colour"'), options=["green"])
    browse("type", element=number(text, 'date "Day"'), text="2026-01-31")
    filled = browse("click", element=number(text, 'checkbox "I agree"')).content
    assert 'checkbox "I agree" checked]' in filled
    assert 'text "Query" = "two words"]' in filled
    sent = browse("click", element=number(text, 'button "Go"')).content
    assert "/two?q=two+words&colour=green&agree=on&day=2026-01-31" in sent
    assert "# Welcome" in browse("navigate_back").content


def test_enter_sends_a_form_too(browse: Browsing, pages: Pages) -> None:
    text = browse("navigate", url=pages.address + "/").content
    sent = browse("type", element=number(text, 'text "Query"'), text="x", submit=True).content
    assert "/two?q=x" in sent
    browse("navigate_back")
    field = number(browse("snapshot").content, 'text "Query"')
    browse("type", element=field, text="y")
    assert "/two?q=y" in browse("press_key", key="Enter").content


@pytest.mark.parametrize(
    ("what", "name", "arguments", "problem"),
    [
        ('button "Off"', "click", {}, "is disabled"),
        ('button "Go"', "type", {"text": "x"}, "is no field that takes text"),
        ('text "Fixed"', "type", {"text": "x"}, "can only be read"),
        ('date "Day"', "type", {"text": "soon"}, 'does not take "soon" as a date'),
        ("select", "select_option", {"options": ["blue"]}, 'no option "blue"; it has "red"'),
        ("select", "select_option", {"options": ["red", "green"]}, "takes one option only"),
        ("link", "select_option", {"options": ["red"]}, "is no select"),
    ],
)
def test_what_cannot_be_done_is_told(
    browse: Browsing, pages: Pages, what: str, name: str, arguments: dict[str, Any], problem: str
) -> None:
    text = browse("navigate", url=pages.address + "/").content
    assert problem in browse.refused(name, element=number(text, what), **arguments)


def test_bad_arguments_are_told(browse: Browsing, pages: Pages) -> None:
    browse("navigate", url=pages.address + "/")
    assert "is not on this page" in browse.refused("click", element=0)
    assert "there is no key 'Foo'" in browse.refused("press_key", key="Foo")
    assert "no option is named" in browse.refused("select_option", element=1, options=[])
    assert "longer than 20,000" in browse.refused("type", element=1, text="x" * 20_001)
    assert "is empty" in browse.refused("wait_for", text=" ")


def test_elements_that_went_or_are_covered(browse: Browsing, pages: Pages) -> None:
    text = browse("navigate", url=pages.address + "/moving").content
    first, beneath = number(text, 'button "First"'), number(text, 'button "Beneath"')
    browse("click", element=number(text, 'button "Remove the first"'))
    assert "is gone from the page" in browse.refused("click", element=first)
    assert 'is covered by <div> "A cover"' in browse.refused("click", element=beneath)


def test_frames_and_plain_elements_are_clicked(browse: Browsing, pages: Pages) -> None:
    text = browse("navigate", url=pages.address + "/").content
    assert "Page: clicked" in browse("click", element=number(text, "clickable")).content
    framed = browse("click", element=number(text, 'button "In a frame"')).content
    assert "Page: framed" in framed


def test_what_cannot_be_seen_is_left_out(browse: Browsing, pages: Pages) -> None:
    text = browse("navigate", url=pages.address + "/hidden").content
    assert "secret" not in text
    assert "characters that cannot be seen on the page are left out" in text
    for part in (
        "You can see this.",
        '"Shown"',
        "Tags here.",
        "Seen after all.",
        "White on black.",
    ):
        assert part in text
    assert "Page: Plain page" in text


def test_what_a_page_wants_of_a_person_is_refused(browse: Browsing, pages: Pages) -> None:
    text = browse("navigate", url=pages.address + "/").content
    alert = browse("click", element=number(text, 'button "Alert"')).content
    assert "Note: a dialog was dismissed: 'hi there'" in alert
    window = browse("click", element=number(text, 'button "Window"')).content
    assert f"Note: a window was refused: {pages.address}/two" in window
    assert "is a file to download, which is refused" in browse.refused(
        "navigate", url=pages.address + "/file"
    )


def test_a_late_text_is_waited_for(browse: Browsing, pages: Pages) -> None:
    browse("navigate", url=pages.address + "/late")
    assert "Here at last" in browse("wait_for", text="here at LAST", seconds=5).content
    assert "did not appear" in browse.refused("wait_for", text="never", seconds=0.1)


def test_pictures_show_the_page(browse: Browsing, pages: Pages) -> None:
    browse("navigate", url=pages.address + "/moving")
    output = browse("take_screenshot")
    picture = Picture.open(io.BytesIO(output.images[0].data)).convert("RGB")
    assert picture.size == (1280, 800)
    assert output.images[0].media_type == "image/png"
    assert (255, 0, 0) in {colour for _, colour in picture.getcolors(1 << 20) or ()}
    browse("navigate", url=pages.address + "/huge")
    whole = Picture.open(io.BytesIO(browse("take_screenshot", full_page=True).images[0].data))
    assert whole.size == (1280, 4_000)


def test_a_long_page_is_paged_through(browse: Browsing, pages: Pages) -> None:
    text = browse("navigate", url=pages.address + "/huge").content
    more = re.search(r"browser_snapshot\(start=(\d+)\)", text)
    assert more
    assert len(text) < 13_000
    rest = browse("snapshot", start=int(more[1])).content
    assert rest.count("Line") > 100
    assert "(nothing more)" in browse("snapshot", start=10_000_000).content
    down = browse("scroll", pages=2).content
    assert "Page: Huge" in down


def test_an_empty_page_is_told(browse: Browsing, pages: Pages) -> None:
    text = browse("navigate", url=pages.address + "/empty").content
    assert "Page: (no title)" in text
    assert "(nothing can be seen on the page)" in text


def test_a_page_cannot_change_what_is_read(browse: Browsing, pages: Pages) -> None:
    text = browse("navigate", url=pages.address + "/tampered").content
    assert "Honest text" in text
    assert "SYSTEM" not in text


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        ("/round", "too many redirects"),
        ("/alerts", "one dialog after the other"),
    ],
)
def test_a_page_that_does_not_end_is_ended(
    browse: Browsing, pages: Pages, path: str, problem: str
) -> None:
    assert problem in browse.refused("navigate", url=pages.address + path)
    assert "# Welcome" in browse("navigate", url=pages.address + "/").content


def test_a_page_without_end_is_cut(browse: Browsing, pages: Pages) -> None:
    text = browse("navigate", url=pages.address + "/endless").content
    assert "Note: not loaded: the page loads more than 1 MB" in text


def test_a_page_that_spins_is_closed(hasty: Browsing, pages: Pages) -> None:
    said = hasty.refused("navigate", url=pages.address + "/slow")
    assert "did not come within 0.5 s" in said
    said = hasty.refused("navigate", url=pages.address + "/spin")
    assert "does not answer and was closed" in said or "did not come within" in said
    assert "no page is open" in hasty.refused("snapshot")


def test_a_page_that_crashes_is_told(browse: Browsing, pages: Pages) -> None:
    browse("navigate", url=pages.address + "/")
    visit = browse.run(browse.toolset._chromium.visit(("r", "n")))

    async def crash() -> None:
        cdp = await visit.context.new_cdp_session(visit._page)
        with pytest.raises(Exception, match=r".*"):
            await asyncio.wait_for(cdp.send("Page.crash"), 1)

    browse.run(crash())
    said = browse.refused("snapshot")
    assert "crashed" in said or "no page is open" in said
    text = browse("navigate", url=pages.address + "/").content
    assert "# Welcome" in text
    browse.run(browse.toolset.aclose())
    assert "no page is open" in browse.refused("click", element=number(text, "link"))
    later = browse("navigate", url=pages.address + "/").content
    assert number(later, "link") > number(text, "button")


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("file:///etc/passwd", "is of the scheme file"),
        ("chrome://crash", "is of the scheme chrome"),
        ("javascript:alert(1)", "begins with no scheme"),
        ("data:text/html,x", "begins with no scheme"),
        ("view-source:http://example.org", "is of the scheme view-source"),
        ("example.org", "begins with no scheme"),
        ("http://user:pw@example.org/", "holds a user name or password"),
        ("http://localhost/", "is this machine or its network"),
        ("http://169.254.169.254/latest", "is a cloud's metadata service"),
        ("http://[::1]/", "is this machine"),
        ("http://0x7f.1/", "is this machine"),
        ("http://10.0.0.1/", "is a private network"),
        ("http://nowhere.invalid/", "no address is known for the host"),
        ("", "begins with no scheme"),
    ],
)
def test_where_nobody_may_go_is_refused(browse: Browsing, url: str, problem: str) -> None:
    assert problem in browse.refused("navigate", url=url)


def test_a_page_leads_nowhere_it_may_not(browse: Browsing, pages: Pages, other: Pages) -> None:
    pages.leads_to = other.address
    said = browse.refused("navigate", url=pages.address + "/away")
    assert f"{other.address} is refused: it is this machine" in said
    text = browse("navigate", url=pages.address + "/inner").content
    assert "Pictures" in text
    browse("wait_for", text="Pictures")
    assert f"{other.address} is refused" in text + browse("snapshot").content
    assert other.asked == []


@pytest.mark.parametrize(
    ("path", "noted"),
    [
        ("/refresh", ""),
        ("/leading", ""),
        ("/leaving", ""),
        ("/frames", "http://169.254.169.254 is refused: it is a cloud's metadata service"),
        ("/socket", "is refused: it is this machine"),
        ("/place", ""),
    ],
)
def test_a_page_gets_no_further_by_itself(
    browse: Browsing, pages: Pages, path: str, noted: str
) -> None:
    text = browse("navigate", url=pages.address + path).content
    if path in ("/socket", "/place"):
        browse("wait_for", text="stays refused")
    if noted and noted not in text:
        text += browse("snapshot").content
    assert f"URL: {pages.address}{path}" in text
    assert "stays" in text
    assert noted in text
    assert "root:" not in text


def test_a_resolver_that_changes_its_mind_gains_nothing(hasty: Browsing, other: Pages) -> None:
    said = hasty.refused("navigate", url=f"http://rebind.example:{other.server_port}/")
    assert "rebind.example" in said
    assert "(127.0.0.1) is this machine" in said
    assert other.asked == []


def test_a_resolver_that_never_answers_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    async def look_up(host: str, port: int) -> list[str]:
        await asyncio.Event().wait()
        return []

    monkeypatch.setattr(gate, "_SECONDS", 0.01)
    with pytest.raises(ToolError, match=r"no address of the host 'slow\.example' came in time"):
        asyncio.run(gate.Gate(Guard(lookup=look_up), 1).check(read_url("http://slow.example/")))


def test_nodes_have_pages_and_cookies_of_their_own(browse: Browsing, pages: Pages) -> None:
    browse("navigate", url=pages.address + "/")
    with pytest.raises(Exception, match="no page is open"):
        browse("snapshot", node="another")
    assert "Two" in browse("navigate", node="another", url=pages.address + "/two").content
    assert "Page: Shop" in browse("snapshot").content


def test_a_graph_drives_the_browser(tmp_path: Path, pages: Pages) -> None:
    model = ScriptedModel(
        call("browser_navigate", url=pages.address + "/"),
        call("browser_take_screenshot"),
        call("browser_navigate", url="http://example.org/"),
        "It is a shop.",
    )
    graph = tmp_path / "graph.yaml"
    graph.write_text(
        "name: g\nmodel: embedded\nnodes:\n  one:\n    kind: specialist\n    tools:\n"
        f"      - browser: {{allow: ['127.0.0.1:{pages.server_port}']}}\n"
        "edges: [start -> one, one -> end]\n"
    )
    tools = Graph.from_yaml(graph)
    assert tools.spec.node("one").tools[0].name == "browser"
    toolset = make_browser(allow=[f"127.0.0.1:{pages.server_port}"])
    may = frozenset({"network:127.0.0.1"})
    agent = Agent(model=model, tools=[toolset], folder=tmp_path, allow=may)
    result = agent.run("look at the shop")
    seen = [event for event in result.events if isinstance(event, Observation)]
    assert result.answer == "It is a shop."
    assert "# Welcome" in seen[0].content
    assert "example.org" in seen[2].content
    assert seen[2].is_error
    assert model.requests[2].messages[-1].results[0].images[0].data.startswith(b"\x89PNG")
    assert toolset._chromium._browser is None  # it went with the run


HOST = """
import asyncio, sys
from bottega.calling import call_tool
from bottega.tools import ToolContext
from bottega_tools.browser.toolset import BrowserTools, make_browser

async def main(url):
    tools = {tool.spec.name: tool for tool in make_browser(allow=["127.0.0.1"]).tools}
    await call_tool(tools["browser_navigate"], {"url": url}, ToolContext())
    print("open", flush=True)
    await asyncio.sleep(60)

asyncio.run(main(sys.argv[1]))
"""


def test_chromium_ends_with_a_host_that_is_killed(pages: Pages) -> None:
    host = subprocess.Popen(
        [sys.executable, "-c", HOST, pages.address + "/"], stdout=subprocess.PIPE, text=True
    )
    assert host.stdout is not None
    assert host.stdout.readline() == "open\n"
    family = _descendants(host.pid)
    assert len(family) > 2
    host.send_signal(signal.SIGKILL)
    host.wait()
    host.stdout.close()
    end = time.monotonic() + 20
    while any(map(_runs, family)) and time.monotonic() < end:
        time.sleep(0.02)
    assert [_name(pid) for pid in family if _runs(pid)] == []


def _descendants(pid: int) -> list[int]:
    threads = Path(f"/proc/{pid}/task").iterdir()
    found = [int(child) for one in threads for child in (one / "children").read_text().split()]
    return [*found, *(one for child in found for one in _descendants(child))]


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def _name(pid: int) -> str:
    return f"{pid} {Path(f'/proc/{pid}/comm').read_text().strip()}"


def test_the_tools_keep_the_rules(browse: Browsing, pages: Pages) -> None:
    tool = next(tool for tool in browse.toolset.tools if tool.spec.name == "browser_navigate")
    assert tool.trust == "untrusted"
    assert tool.permissions == {"network"}
    names = [tool.spec.name for tool in browse.toolset.tools]
    assert len(names) == 10
    assert all(name.startswith("browser_") for name in names)


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"seconds": 0}, "seconds must be from 0 to 120"),
        ({"megabytes": 2_000}, "megabytes must be"),
        ({"width": 10}, "width and height"),
        ({"allow": ["not a host"]}, "is no host"),
        ({"executable": "/no/such"}, "is no program"),
        ({"executable": "/"}, "is no program"),
    ],
)
def test_options_that_cannot_be_are_refused(options: dict[str, Any], problem: str) -> None:
    with pytest.raises(InputError, match=problem):
        _ = make_browser(**options).tools


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has no sandbox in Chromium")
def test_a_sandbox_that_cannot_be_had_is_refused() -> None:
    with pytest.raises(InputError, match="no sandbox of its own when it is run by root"):
        _ = make_browser(sandbox=True).tools


def test_without_playwright_one_line_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bottega_tools.browser.toolset.find_spec", lambda name: None)
    with pytest.raises(NotInstalledError, match=r"playwright is not installed") as caught:
        _ = make_browser().tools
    assert "bottega[browser]" in str(caught.value)


def test_without_a_chromium_one_line_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(InputError, match="no Chromium is found") as caught:
        _ = make_browser().tools
    assert "apt-get install chromium" in caught.value.hint
