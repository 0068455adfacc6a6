"""Disks that are full, closed or limited: a clear line, and nothing half-written."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from workspace_tools import Tools

from bottega.errors import ToolError

ROOT = Path(__file__).parents[2]


@pytest.fixture
def small_disk(tmp_path):
    """A disk of 2 MB at the workspace."""
    folder = tmp_path / "workspace"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("no disk can be mounted here")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_leaves_the_old_file(small_disk, tmp_path):
    tools = Tools(tmp_path)
    tools("write_file", path="a.txt", text="old")
    for name, more in (
        ("write_file", {"text": "x" * 3_000_000, "overwrite": True}),
        ("edit_file", {"old": "old", "new": "x" * 3_000_000}),
    ):
        with pytest.raises(ToolError, match=r"'a\.txt' could not be written: the disk is full"):
            tools(name, path="a.txt", **more)
    with pytest.raises(ToolError, match="the disk is full"):
        tools("write_file", path="new.txt", text="x" * 3_000_000)
    assert (small_disk / "a.txt").read_text() == "old"
    assert [file.name for file in small_disk.iterdir()] == ["a.txt"]
    assert tools("write_file", path="b.txt", text="fits") == "b.txt holds 4 bytes"


def test_a_disk_that_cannot_be_written_to(small_disk, tmp_path):
    tools = Tools(tmp_path)
    tools("write_file", path="a.txt", text="old")
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    with pytest.raises(ToolError, match="lies on a disk that cannot be written to"):
        tools("write_file", path="a.txt", text="new", overwrite=True)
    with pytest.raises(ToolError, match="lies on a disk that cannot be written to"):
        tools("write_file", path="b/c.txt", text="new")
    assert "old" in tools("read_file", path="a.txt")


LIMITED = """
import os, resource, sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from bottega.errors import ToolError
from workspace_tools import Tools

folder = Path(sys.argv[1])
tools = Tools(folder)
tools("write_file", path="a.txt", text="old")
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    tools("write_file", path="a.txt", text="x" * 200_000, overwrite=True)
except ToolError as error:
    print(error)
if os.geteuid() == 0:
    os.chmod(folder, 0o755)
    os.setgroups([])
    os.setresgid(65534, 65534, 65534)
    os.setresuid(65534, 65534, 65534)
else:
    os.chmod(folder / "workspace", 0o555)
try:
    tools("write_file", path="b.txt", text="new")
except ToolError as error:
    print(error)
print(sorted(os.listdir(folder / "workspace")), (folder / "workspace/a.txt").read_text())
"""


def test_limits_of_the_user_and_folders_that_are_closed():
    with tempfile.TemporaryDirectory() as folder:  # pytest's own is for nobody but this user
        done = subprocess.run(
            [sys.executable, "-c", LIMITED, folder, str(Path(__file__).parent)],
            capture_output=True,
            text=True,
            check=False,
            cwd=ROOT,
        )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "'a.txt' could not be written: files may not become that large here",
        "'b.txt' may not be opened by this user",
        "['a.txt'] old",
    ]
