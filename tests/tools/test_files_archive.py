"""Archives that climb out, link out or burst: refused as a whole, before anything is written."""

from __future__ import annotations

import bz2
import gzip
import io
import stat
import struct
import tarfile
import zipfile
from pathlib import Path

import pytest
from workspace_tools import Tools

from bottega.errors import ToolError
from bottega.permissions import Permissions
from bottega.tools import ToolContext

OUTSIDE = "../../outside.txt"


@pytest.fixture
def tools(tmp_path):
    (tmp_path / "workspace").mkdir()
    return Tools(tmp_path)


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "workspace"


def zipped(*entries, method=zipfile.ZIP_DEFLATED):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, data in entries:
            archive.writestr(name, data)
    return buffer.getvalue()


def zip_link():
    info = zipfile.ZipInfo("link")
    info.create_system = 3
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    return zipped((info, "/etc"), ("link/passwd", "x"))


def tarred(*entries):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, data, more in entries:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            for key, value in more.items():
                setattr(info, key, value)
            archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def tar_of(name, data=b"x", **more):
    return tarred((name, data, more))


def unpacked(folder: Path):
    """Return what there is beside the archive."""
    return sorted(
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and path.name != "archive"
    )


@pytest.mark.parametrize(
    "data",
    [
        zipped(("a/one.txt", "1"), ("two.txt", "22"), ("a/", "")),
        tarred(("a/one.txt", b"1", {}), ("two.txt", b"22", {})),
        gzip.compress(tarred(("a/one.txt", b"1", {}), ("./two.txt", b"22", {}))),
        bz2.compress(tarred(("a/one.txt", b"1", {}), ("two.txt", b"22", {}))),
    ],
    ids=["zip", "tar", "tar.gz", "tar.bz2"],
)
def test_an_archive_is_unpacked(tools, folder, data):
    (folder / "archive").write_bytes(data)
    told = tools("unpack_archive", path="archive", into="new/here")
    assert told == "2 files unpacked\nnew/here/a/one.txt  1\nnew/here/two.txt  2"
    assert (folder / "new/here/a/one.txt").read_text() == "1"
    assert unpacked(folder) == ["new/here/a/one.txt", "new/here/two.txt"]
    assert tools("unpack_archive", path="archive", into="new/here") == told  # made again


def test_files_that_are_there_are_replaced_only_when_that_is_said(tools, folder):
    (folder / "archive").write_bytes(zipped(("a.txt", "new"), ("b.txt", "new")))
    (folder / "b.txt").write_text("old")
    with pytest.raises(ToolError, match=r"'b\.txt' exists already"):
        tools("unpack_archive", path="archive", into=".")
    assert unpacked(folder) == ["b.txt"]
    tools("unpack_archive", path="archive", into=".", overwrite=True)
    assert (folder / "b.txt").read_text() == "new"


def lying_zip():
    """A ZIP that says of a large member that it is small."""
    data = bytearray(zipped(("a.txt", b"\0" * 5_000_000)))
    for sign, place in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        at = data.find(sign)
        data[at + place : at + place + 4] = struct.pack("<I", 10)
    return bytes(data)


def many_names():
    data = bytearray(zipped(("a.txt", "x")))
    at = data.rfind(b"PK\x05\x06")
    data[at + 12 : at + 16] = struct.pack("<I", 100_000_000)
    return bytes(data)


def header_bomb():
    """A tar whose extended header says that it is a gigabyte of text."""
    info = tarfile.TarInfo("x")
    info.type = tarfile.XHDTYPE
    info.size = 1 << 30
    return gzip.compress(info.tobuf(tarfile.USTAR_FORMAT) + b"\0" * 30_000_000)


# what is large is made by its own test: every worker collects all of them
HOSTILE = {
    "zip-slip": (zipped(("ok.txt", "x"), (OUTSIDE, "x")), "leads upwards"),
    "zip-absolute": (zipped(("/tmp/x", "x")), "root of a machine"),
    "zip-backslash": (zipped(("..\\x", "x")), "backslash"),
    "zip-drive": (zipped(("C:/x", "x")), "root of a machine"),
    "zip-nul": (zipped(("aX.txt", "x")).replace(b"aX", b"a\0"), "control character"),
    "zip-link": (zip_link(), "'link', which is no regular file"),
    "zip-state": (zipped((".bottega/bottega.db", "x")), "Bottega's own"),
    "zip-twice": (zipped(("a.txt", "1"), ("A.TXT", "2")), "holds 'A.TXT' twice"),
    "zip-folder": (zipped(("../up/", "")), "leads upwards"),
    "zip-bomb": (lambda: zipped(("a.txt", b"\0" * 30_000_000)), "unpacks to too much"),
    "zip-bombs": (
        lambda: zipped(*((f"{n}", b"\0" * 3_000_000) for n in range(9))),
        "unpacks to too much",
    ),
    "zip-lie": (lying_zip, "too much|damaged|cannot be read"),
    "zip-names": (many_names, "more than 2,000 files"),
    "zip-many": (lambda: zipped(*((f"{n}", "") for n in range(2_001))), "more than 2,000 files"),
    "zip-lzma": (zipped(("a", "x" * 99), method=zipfile.ZIP_LZMA), "a way that is not read"),
    "zip-cut": (zipped(("a.txt", "x" * 999))[:-30], "damaged"),
    "tar-slip": (tarred(("ok.txt", b"x", {}), (OUTSIDE, b"x", {})), "leads upwards"),
    "tar-absolute": (tar_of("/tmp/x"), "root of a machine"),
    "tar-link": (tar_of("l", b"", type=tarfile.SYMTYPE, linkname="/etc"), "no regular file"),
    "tar-hard": (tar_of("l", b"", type=tarfile.LNKTYPE, linkname="../x"), "no regular file"),
    "tar-pipe": (tar_of("p", b"", type=tarfile.FIFOTYPE), "no regular file"),
    "tar-device": (tar_of("d", b"", type=tarfile.CHRTYPE, devmajor=1, devminor=5), "no regular"),
    "tar-folder": (tar_of("../d", b"", type=tarfile.DIRTYPE), "leads upwards"),
    "tar-cut": (tar_of("a.txt", b"x" * 5_000)[:2_000], "damaged"),
    "tar-bomb": (lambda: gzip.compress(tar_of("a", b"\0" * 30_000_000)), "unpacks to too much"),
    "tar-header": (header_bomb, "unpacks to too much"),
    "gzip-bomb": (lambda: gzip.compress(b"\1" * 30_000_000), "damaged|too much"),
    "bz2-bomb": (lambda: bz2.compress(tar_of("a", b"\0" * 30_000_000)), "unpacks to too much"),
    "gzip-junk": (b"\x1f\x8b" + b"junk" * 50, "damaged|cannot be read"),
    "text": (b"just a text, long enough to be one" * 50, "damaged"),
    "large": (lambda: tar_of("a", b"\1" * 10_000_001), "at most 10,000,000"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_archive_is_refused_as_a_whole(tools, folder, tmp_path, name):
    data, problem = HOSTILE[name]
    (folder / "archive").write_bytes(data() if callable(data) else data)
    with pytest.raises(ToolError, match=problem):
        tools("unpack_archive", path="archive", into="here")
    assert unpacked(folder) == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["workspace"]


def test_an_encrypted_archive_is_refused(tools, folder):
    data = bytearray(zipped(("a.txt", "x")))
    for sign, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.find(sign) + place] |= 1
    (folder / "archive").write_bytes(data)
    with pytest.raises(ToolError, match="the archive is encrypted"):
        tools("unpack_archive", path="archive", into="here")


def test_a_node_may_allow_a_part_of_the_workspace(tools, folder):
    (folder / "archive").write_bytes(zipped(("a.txt", "x")))
    allowed = Permissions.of([f"files:read:{folder}", f"files:write:{folder}/here"])
    context = ToolContext(allowed=allowed)
    tools.output("unpack_archive", context, path="archive", into="here")
    with pytest.raises(ToolError, match="denied"):
        tools.output("unpack_archive", context, path="archive", into=".")
