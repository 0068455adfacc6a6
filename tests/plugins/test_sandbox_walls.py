"""What the walls of the process sandbox are made of, where this machine cannot show it."""

from __future__ import annotations

import errno
import os
import struct
from pathlib import Path

import pytest

from bottega.errors import SandboxError
from bottega_plugins.sandbox.process import cgroup
from bottega_plugins.sandbox.process.cgroup import Group, Places, find_places
from bottega_plugins.sandbox.process.seccomp import assemble
from bottega_plugins.sandbox.process.wire import HEADER, ProtocolError, take

ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
ALLOW, KILL, FAIL = 0x7FFF0000, 0x80000000, 0x00050000


def decided(program: bytes, architecture: int, number: int, *arguments: int) -> int:
    """Run the filter as the kernel does: classic BPF over `struct seccomp_data`."""
    given = list(arguments) + [0] * (6 - len(arguments))
    data = struct.pack("=iIQ6Q", number, architecture, 0, *given)
    steps = [struct.unpack_from("=HBBI", program, at) for at in range(0, len(program), 8)]
    accumulator = at = 0
    while True:
        code, if_true, if_false, value = steps[at]
        at += 1
        if code == 0x20:
            (accumulator,) = struct.unpack_from("=I", data, value)
        elif code == 0x06:
            return int(value)
        else:
            met = {
                0x15: accumulator == value,
                0x25: accumulator > value,
                0x45: bool(accumulator & value),
            }[code]
            at += if_true if met else if_false


@pytest.mark.parametrize(
    ("machine", "number", "arguments", "decision"),
    [
        ("x86_64", 0, (), ALLOW),  # read
        ("aarch64", 63, (), ALLOW),
        ("x86_64", 425, (), FAIL | errno.EPERM),  # io_uring_setup
        ("aarch64", 425, (), FAIL | errno.EPERM),
        ("x86_64", 101, (), FAIL | errno.EPERM),  # ptrace
        ("aarch64", 117, (), FAIL | errno.EPERM),
        ("x86_64", 165, (), FAIL | errno.EPERM),  # mount
        ("aarch64", 40, (), FAIL | errno.EPERM),
        ("x86_64", 272, (), FAIL | errno.EPERM),  # unshare
        ("aarch64", 97, (), FAIL | errno.EPERM),
        ("x86_64", 56, (0x11,), ALLOW),  # clone, as fork does it
        ("x86_64", 56, (0x10000011,), FAIL | errno.EPERM),  # with a namespace of users
        ("aarch64", 220, (0x003D0F00,), ALLOW),  # clone, as threads are made
        ("aarch64", 220, (0x40000011,), FAIL | errno.EPERM),
        ("x86_64", 435, (), FAIL | errno.ENOSYS),  # clone3: then clone is taken
        ("aarch64", 435, (), FAIL | errno.ENOSYS),
        ("x86_64", 41, (2, 1), FAIL | errno.EAFNOSUPPORT),  # socket
        ("aarch64", 198, (1, 1), FAIL | errno.EAFNOSUPPORT),
        ("x86_64", 53, (1, 1), ALLOW),  # socketpair
        ("x86_64", 53, (2, 1), FAIL | errno.EPERM),
        ("aarch64", 199, (1, 1), ALLOW),
        ("x86_64", 16, (0, 0x5412), FAIL | errno.EPERM),  # ioctl TIOCSTI
        ("x86_64", 16, (0, 0xFFFFFFFF00005412), FAIL | errno.EPERM),
        ("aarch64", 29, (0, 0x5401), ALLOW),
        ("x86_64", 157, (15,), ALLOW),  # prctl PR_SET_NAME
        ("aarch64", 167, (22,), FAIL | errno.EPERM),  # PR_SET_SECCOMP
        ("x86_64", 302, (0,), ALLOW),  # prlimit64 of itself
        ("x86_64", 302, (77,), FAIL | errno.EPERM),
        ("aarch64", 140, (0, 0), ALLOW),  # setpriority of itself
        ("aarch64", 140, (0, 77), FAIL | errno.EPERM),
        ("x86_64", 100_000, (), FAIL | errno.ENOSYS),
        ("x86_64", 0x40000000, (), FAIL | errno.ENOSYS),  # read, in the ABI x32
    ],
)
def test_the_filter_decides(
    machine: str, number: int, arguments: tuple[int, ...], decision: int
) -> None:
    assert decided(assemble(machine), ARCHITECTURES[machine], number, *arguments) == decision


@pytest.mark.parametrize("machine", ARCHITECTURES)
def test_calls_of_another_architecture_are_fatal(machine: str) -> None:
    assert decided(assemble(machine), 0x40000003, 11) == KILL  # i386


@pytest.mark.parametrize(("machine", "number"), [("x86_64", 90), ("aarch64", 53)])
def test_modes_of_files_may_be_left_out(machine: str, number: int) -> None:
    audit = ARCHITECTURES[machine]
    assert decided(assemble(machine), audit, number) == ALLOW
    without = assemble(machine, attributes=False)
    assert decided(without, audit, number) == FAIL | errno.EPERM


def test_an_unknown_machine_is_refused() -> None:
    with pytest.raises(SandboxError, match="no filter of system calls is written for s390x"):
        assemble("s390x")


def test_a_group_of_version_2(tmp_path: Path) -> None:
    """The folder stands for a hierarchy of version 2 with delegation, which may not be here."""
    (tmp_path / "memory.events").touch()
    places = Places(memory=tmp_path, pids=tmp_path, unified=True)
    group = Group.make(places, memory=64 << 20, processes=10)
    (folder,) = group.folders
    assert (folder / "memory.max").read_text() == str(64 << 20)
    assert (folder / "pids.max").read_text() == "12"
    assert group.doors == (str(folder / "cgroup.procs"),)
    assert group.members() == set()
    (folder / "cgroup.procs").write_text("12\n34\n")
    (folder / "memory.events").write_text("low 0\noom 1\noom_kill 1\n")
    assert group.members() == {12, 34}
    assert group.out_of_memory()


@pytest.mark.parametrize("delegated", ["own", "parent", "nowhere"])
def test_where_groups_of_version_2_are_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, delegated: str
) -> None:
    own = tmp_path / "user.slice" / "shell.scope"
    own.mkdir(parents=True)
    for folder in (own, own.parent, tmp_path):
        (folder / "cgroup.procs").touch()
        (folder / "cgroup.subtree_control").write_text("cpu\n")
    folder = {"own": own, "parent": own.parent, "nowhere": None}[delegated]
    if folder is not None:
        (folder / "cgroup.subtree_control").write_text("cpu memory pids\n")
    monkeypatch.setattr(cgroup, "_mounts", lambda: iter([("cgroup2", str(tmp_path), "rw")]))
    monkeypatch.setattr(cgroup, "_memberships", lambda: {"": "/user.slice/shell.scope"})
    found = find_places()
    assert found == (folder and Places(memory=folder, pids=folder, unified=True))


def test_groups_of_another_namespace_of_processes_are_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    group = tmp_path / "bottega-4194999-1"
    group.mkdir()
    (group / "cgroup.procs").write_text("0\n4194998\n")  # as the kernel shows those not of ours
    (tmp_path / "cgroup.procs").touch()
    (tmp_path / "cgroup.subtree_control").write_text("memory pids\n")
    monkeypatch.setattr(cgroup, "_mounts", lambda: iter([("cgroup2", str(tmp_path), "rw")]))
    monkeypatch.setattr(cgroup, "_memberships", lambda: {"": "/"})
    killed: list[int] = []
    monkeypatch.setattr(os, "kill", lambda process, _: killed.append(process))
    find_places()
    assert killed == []
    assert group.exists()


@pytest.mark.parametrize("number", [b"1e999", b"-1e999", b"NaN", b"Infinity"])
def test_a_number_that_is_none_comes_through_no_frame(number: bytes) -> None:
    body = b'{"call": "pay", "positional": [%s], "named": {}}' % number
    with pytest.raises(ProtocolError, match="no JSON"):
        take(bytearray(HEADER.pack(len(body)) + body))


def test_groups_of_hosts_that_died_are_swept_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "cgroup.procs").touch()
    (tmp_path / "cgroup.subtree_control").write_text("memory pids\n")
    for name in ("bottega-4194999-1", "bottega-1-1", "other"):
        (tmp_path / name).mkdir()
    monkeypatch.setattr(cgroup, "_mounts", lambda: iter([("cgroup2", str(tmp_path), "rw")]))
    monkeypatch.setattr(cgroup, "_memberships", lambda: {"": "/"})
    find_places()
    assert sorted(each.name for each in tmp_path.iterdir() if each.is_dir()) == [
        "bottega-1-1",
        "other",
    ]
