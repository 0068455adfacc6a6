"""No path leads out of the workspace: not by how it is written, by links, or by a race."""

from __future__ import annotations

import ctypes
import itertools
import os
import socket
import threading

import pytest
from workspace_tools import Tools

from bottega.errors import ToolError
from bottega_tools.files import beneath

SECRET = "the secret outside"


@pytest.fixture(params=["openat2", "walk"])
def tools(tmp_path, request, monkeypatch):
    """Both ways of opening: the kernel's, and folder by folder where it has none."""
    if request.param == "walk":
        monkeypatch.setattr(beneath, "has_openat2", lambda: False)
    elif not beneath.has_openat2():
        pytest.skip("this kernel has no openat2")
    (tmp_path / "workspace").mkdir()
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/secret.txt").write_text(SECRET)
    return Tools(tmp_path)


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "workspace"


def refused(tools, path, problem):
    """Try every tool on the path."""
    for name, more in (
        ("read_file", {}),
        ("write_file", {"text": "x", "overwrite": True}),
        ("edit_file", {"old": "secret", "new": "x"}),
    ):
        with pytest.raises(ToolError, match=problem) as caught:
            tools(name, path=path, **more)
        assert SECRET not in str(caught.value)
        assert len(str(caught.value)) < 300


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        ("../outside/secret.txt", "leads upwards"),
        ("a/../../outside/secret.txt", "leads upwards"),
        ("./../outside/secret.txt", "leads upwards"),
        ("..", "leads upwards"),
        ("/etc/passwd", "root of a machine"),
        ("//etc/passwd", "root of a machine"),
        ("~/.ssh/id_rsa", "root of a machine"),
        ("~root/.bashrc", "root of a machine"),
        ("C:\\Windows\\win.ini", "root of a machine"),
        ("c:/windows/win.ini", "root of a machine"),
        ("..\\outside\\secret.txt", "backslash"),
        ("\\\\server\\share", "backslash"),
        ("/proc/self/environ", "root of a machine"),
        ("/dev/zero", "root of a machine"),
        ("a\0b", "control character"),
        ("a\nb", "control character"),
        ("a\x1b[2Jb", "control character"),
        ("\ud800", "not valid Unicode"),
        ("x" * 300, "300 bytes; at most 255"),
        ("ü" * 128, "256 bytes; at most 255"),
        ("a/" * 3_000, "at most 4,000"),
        ("a/" * 200, "200 folders deep"),
        ("secret.txt.", "ends with a space or a dot"),
        ("secret.txt ", "ends with a space or a dot"),
        ("a /b", "ends with a space or a dot"),
        (".. /outside", "ends with a space or a dot"),
        ("...", "ends with a space or a dot"),
        (".bottega/bottega.db", "Bottega's own"),
        (".Bottega/bottega.db", "Bottega's own"),
        ("bottega.lock", "Bottega's own"),
        (".bottega-new-0", "Bottega's own"),
    ],
    ids=lambda text: repr(text[:20]),
)
def test_paths_that_are_none(tools, path, problem):
    refused(tools, path, problem)


def test_other_dots_of_print_are_names_like_any_other(tools):
    for path in ("\u2025/outside/secret.txt", "%2e%2e/outside/secret.txt", "..;/secret.txt"):
        with pytest.raises(ToolError, match="does not exist"):
            tools("read_file", path=path)


@pytest.mark.parametrize(
    ("target", "path"),
    [
        ("/etc/passwd", "link"),
        ("../outside/secret.txt", "link"),
        ("../outside", "link/secret.txt"),
        ("..", "link/outside/secret.txt"),
        ("/", "link/etc/passwd"),
        ("/proc/self", "link/environ"),
        ("/proc/self/root", "link/etc/passwd"),
        ("/proc/self/cwd", "link/x"),
        ("/dev/zero", "link"),
        ("link", "link"),
        ("nowhere", "link"),
        ("inside", "link/file.txt"),
    ],
)
def test_links_are_not_followed(tools, folder, target, path):
    (folder / "inside").mkdir()
    (folder / "inside/file.txt").write_text("x")
    (folder / "link").symlink_to(target)
    refused(tools, path, r"symbolic link|no folder|no regular file")
    assert (folder / "link").readlink().as_posix() == target
    assert not (folder.parent / "nowhere").exists()


def test_listing_and_searching_do_not_follow_links(tools, folder):
    (folder / "out").symlink_to("../outside")
    (folder / "file").symlink_to("../outside/secret.txt")
    (folder / "loop").symlink_to(".")
    assert tools("list_files").splitlines() == ["file  (link)", "loop  (link)", "out  (link)"]
    assert tools("search_files", text="secret") == "[nothing found in 0 files]"
    for path in ("out", "loop"):
        with pytest.raises(ToolError, match=r"symbolic link|no folder"):
            tools("list_files", path=path)


def test_hard_links_are_left_alone(tools, folder, tmp_path):
    os.link(tmp_path / "outside/secret.txt", folder / "hard")
    refused(tools, "hard", "is a hard link")
    assert "secret" not in tools("search_files", text="secret the")
    assert (tmp_path / "outside/secret.txt").read_text() == SECRET


def test_pipes_sockets_and_devices_are_not_opened(tools, folder, monkeypatch):
    os.mkfifo(folder / "pipe")
    monkeypatch.chdir(folder)  # a socket's path is short
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket")
    for name in ("pipe", "socket"):
        refused(tools, name, "no regular file")
    assert tools("list_files").splitlines() == ["pipe  (special)", "socket  (special)"]
    assert tools("search_files", text="x") == "[nothing found in 0 files]"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root makes devices")
def test_a_device_in_the_workspace_is_not_opened(tools, folder):
    try:
        os.mknod(folder / "zero", 0o666 | 0o020000, os.makedev(1, 5))
    except OSError:
        pytest.skip("no devices can be made here")
    refused(tools, "zero", "no regular file")


SWAPS = 10_000
_HERE, _EXCHANGE = -100, 2
"""AT_FDCWD and RENAME_EXCHANGE: both names change hands in one moment."""


def swapping(one, other, enough):
    """Swap two names again and again, in a thread that is started, until it is enough."""
    names = (_HERE, os.fsencode(one), _HERE, os.fsencode(other), _EXCHANGE)
    rename = ctypes.CDLL(None, use_errno=True).renameat2

    def swap():
        for done in itertools.count():
            if done >= SWAPS and enough.is_set():
                return
            assert rename(*names) == 0

    thread = threading.Thread(target=swap)
    thread.start()
    return thread


def test_a_folder_that_is_swapped_for_a_link_leads_nowhere(tools, folder, tmp_path):
    """The race: one thread swaps a folder for a link out of the workspace, again and again."""
    outside = tmp_path / "outside"
    (folder / "a").mkdir()
    (folder / "a/secret.txt").write_text("inside")
    (folder / "link").symlink_to(outside)
    workspace = tools.tool("read_file")._workspace
    outcomes: set[str] = set()

    def attempt(work):
        try:
            outcomes.add(work())
        except ToolError as error:
            outcomes.add(error.message)

    def read():
        with workspace.reading("a/secret.txt") as file:
            return file.read().decode()

    def listed():
        with workspace.folder("a") as fd, os.scandir(fd) as entries:
            return str(sorted(entry.name for entry in entries if entry.name != "deep"))

    enough = threading.Event()
    thread = swapping(folder / "a", folder / "link", enough)
    while thread.is_alive():
        if {"inside", "written"} <= outcomes and len(outcomes) > 3:
            enough.set()  # the folder was really there at times, and at times it was not
        attempt(read)
        attempt(lambda: workspace.write("a/new.txt", b"x") or "written")
        attempt(lambda: workspace.write("a/deep/new.txt", b"x") or "written")
        attempt(listed)
    thread.join()
    assert SECRET not in outcomes
    assert [file.name for file in outside.iterdir()] == ["secret.txt"]
    assert (outside / "secret.txt").read_text() == SECRET
