"""Attempts to get out of a sandbox, or to harm what is around it, as hostile code would make them.

Each is the source of one step. It says ESCAPED when it has got what it must not get; what it does
to the host is looked at from outside. The words in capitals that begin with CANARY stand for things
of the host: a secret file, a folder, a process, a port, sockets, a variable.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Family = Literal[
    "python", "read", "write", "network", "process", "kernel", "resources", "protocol", "source"
]


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """One step of hostile code."""

    name: str
    family: Family
    code: str
    slow: bool = False
    """It lasts until its time is up."""


_RAW = """
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
def raw(x86_64, aarch64, *arguments):
    number = x86_64 if os.uname().machine == "x86_64" else aarch64
    return libc.syscall(number, *arguments)
"""
"""A way to the kernel that no library bars."""

_LINE = """
import os, struct
def lines():
    found = []
    for fd in range(3, 256):
        try:
            os.fstat(fd)
        except OSError:
            continue
        found.append(fd)
    return found
def say(body, size=None):
    for fd in lines():
        try:
            os.write(fd, struct.pack("!I", len(body) if size is None else size) + body)
        except OSError:
            pass
"""
"""A way to the pipe on which the sandbox talks to the host."""


def _python() -> list[tuple[str, str]]:
    touch = "open(CANARY_FILE, 'a').write('x')"
    return [
        (
            "subclasses",
            "for c in ().__class__.__bases__[0].__subclasses__():\n"
            "    if c.__name__ == '_wrap_close':\n"
            "        g = c.__init__.__globals__\n"
            "        g['system']('echo x >> ' + CANARY_FILE)\n"
            "        g['popen']('cat ' + CANARY_FILE).read()",
        ),
        ("builtins by globals", f"f = print.__self__\nf.{touch}\nprint('ESCAPED')"),
        (
            "frames",
            "import sys\nf = sys._getframe()\nwhile f.f_back: f = f.f_back\n"
            "f.f_globals['CANARY'] = 1\nprint(f.f_globals['os'].environ[CANARY_VARIABLE])",
        ),
        (
            "frame of a generator",
            "g = (g.gi_frame.f_back.f_back.f_globals for x in [1])\n"
            f"b = next(g)['__builtins__']\n{touch}\nprint('ESCAPED')",
        ),
        (
            "frame of a traceback",
            "try:\n    1/0\nexcept Exception as e:\n    f = e.__traceback__.tb_frame\n"
            "    while f.f_back: f = f.f_back\n"
            f"    f.f_globals['__builtins__'].{touch}\n    print('ESCAPED')",
        ),
        (
            "garbage collector",
            "import gc\nfor o in gc.get_objects():\n"
            "    if isinstance(o, dict) and CANARY_VARIABLE in o: print('ESCAPED', o)",
        ),
        (
            "code object",
            "def f(): pass\nf.__code__ = f.__code__.replace(co_code=b'\\x64\\x63' * 64)\nf()",
        ),
        (
            "closure of a tool",
            "c = echo.__closure__\nhost = c[0].cell_contents\n"
            "print(host._line._descriptor)\nhost._names['os'].kill(CANARY_PROCESS, 9)",
        ),
        (
            "rebound tool",
            "import builtins\nbuiltins.print = echo\necho = lambda **k: None\n"
            "globals()['__builtins__'] = {}",
        ),
        (
            "pickle",
            "import pickle, os\nclass P:\n    def __reduce__(self):\n"
            "        return os.system, ('echo x >> ' + CANARY_FILE,)\n"
            "try: echo(text=P())\nexcept Exception as e: print(e)\n"
            "echo(text=pickle.dumps(P()).hex())\nP()",
        ),
        (
            "repr that lies",
            "class R:\n    def __repr__(self): return 'x' * 50_000_000\nR()",
        ),
        (
            "repr that never ends",
            "class R:\n    def __repr__(self):\n        while True: pass\nR()",
        ),
        (
            "text of an error that never ends",
            "class E(Exception):\n    def __str__(self):\n        while True: pass\nraise E",
        ),
        (
            "import hook",
            "import sys\nclass F:\n    def find_spec(self, n, p, t=None):\n"
            "        raise BaseException('no more imports')\nsys.meta_path.insert(0, F())\n"
            "sys.modules['json'] = None",
        ),
        (
            "exit hooks",
            "import atexit, sys\n"
            "atexit.register(lambda: open(CANARY_FILE, 'a').write('x'))\nsys.exit(0)",
        ),
        (
            "trace function",
            "import sys, threading\ndef t(*a):\n    raise BaseException('traced')\n"
            "sys.setprofile(t)\nthreading.setprofile(t)\nsys.settrace(t)",
        ),
        (
            "recursion",
            "import sys\nsys.setrecursionlimit(10**9)\ndef f(): f()\nf()",
        ),
        (
            "null pointer",
            "import ctypes\nctypes.string_at(0)",
        ),
        (
            "memory of the interpreter",
            "import ctypes\nx = 1\nctypes.memset(id(x), 0x41, 64)\n"
            "ctypes.memset(id(None), 0x41, 16)",
        ),
        ("final answer rebound", "final_answer = lambda *a: print('ESCAPED')\nfinal_answer = None"),
    ]


def _read() -> list[tuple[str, str]]:
    read = "for p in PATHS:\n    try: print('ESCAPED', p, open(p, 'rb').read(64))\n"
    read += "    except OSError as e: print(type(e).__name__)"
    paths = {
        "secret file": "[CANARY_FILE]",
        "passwords": "['/etc/shadow', '/etc/passwd', '/root/.ssh/id_rsa', '/root/.netrc']",
        "environment of others": "['/proc/1/environ', '/proc/%d/environ' % CANARY_PROCESS]",
        "memory of others": "['/proc/1/mem', '/proc/self/mem', '/proc/%d/mem' % CANARY_PROCESS]",
        "root of another": "['/proc/1/root/etc/shadow', '/proc/%d/root/etc/shadow' % "
        "CANARY_PROCESS, '/proc/%d/cwd/secret' % CANARY_PROCESS]",
        "kernel's memory": "['/dev/mem', '/dev/kmem', '/proc/kcore', '/dev/port']",
        "devices": "['/dev/sda', '/dev/vda', '/dev/nvme0n1', '/dev/fuse', '/dev/kvm', '/dev/tty']",
        "kernel's log": "['/dev/kmsg', '/proc/kmsg', '/proc/kallsyms', '/proc/config.gz']",
        "system's tree": "['/sys/kernel/notes', '/sys/kernel/vmcoreinfo', '/proc/cmdline']",
    }
    found = [(name, read.replace("PATHS", listed)) for name, listed in paths.items()]
    return [
        *found,
        (
            "environment",
            "import os\nprint(dict(os.environ), os.environb)\n"
            "if CANARY_VARIABLE in os.environ: print('ESCAPED')",
        ),
        (
            "symbolic link",
            "import os\nos.symlink(CANARY_FILE, '/tmp/link')\nprint(open('/tmp/link').read())\n"
            "print('ESCAPED')",
        ),
        (
            "hard link",
            "import os\nos.link(CANARY_FILE, '/tmp/hard')\nprint('ESCAPED')",
        ),
        (
            "path by dots",
            "p = '/tmp/' + '../' * 40 + CANARY_FILE.lstrip('/')\nprint(open(p).read())\n"
            "print('ESCAPED')",
        ),
        (
            "inherited descriptors",
            "import os, stat\nfor fd in range(3, 1024):\n    try: mode = os.fstat(fd).st_mode\n"
            "    except OSError: continue\n"
            "    if not (stat.S_ISSOCK(mode) or stat.S_ISDIR(mode) or stat.S_ISREG(mode)):\n"
            "        print('ESCAPED', fd, oct(mode))\n"
            "    for p in ('..' + CANARY_FILE, '../../..' + CANARY_FILE, CANARY_FILE[1:]):\n"
            "        try: print('ESCAPED', os.open(p, os.O_RDONLY, dir_fd=fd))\n"
            "        except OSError: pass",
        ),
        (
            "file handles",
            _RAW + "import struct\n"
            "h = struct.pack('Ii', 8, 1) + bytes(8)\nb = ctypes.create_string_buffer(h, 128)\n"
            "fd = raw(304, 265, os.open('/', os.O_RDONLY), b, 0)\nif fd >= 0: print('ESCAPED')",
        ),
        (
            "other people's libraries",
            "import os\nfor p in ('/python/lib/python3.11/site-packages', '/root', '/home'):\n"
            "    try: found = os.listdir(p)\n    except OSError: continue\n"
            "    if found: print('ESCAPED', p, found[:5])\n"
            "import importlib.util\nif importlib.util.find_spec('bottega'): print('ESCAPED')",
        ),
    ]


def _write() -> list[tuple[str, str]]:
    write = "import os\nfor p in PATHS:\n    try:\n        with open(p, 'a') as f: f.write(TEXT)\n"
    write += "        print('ESCAPED', p)\n    except OSError as e: print(type(e).__name__)"
    paths = {
        "secret file": ("[CANARY_FILE]", "x"),
        "folder of the host": ("[CANARY_FOLDER + '/new', '/root/new', '/var/tmp/new']", "x"),
        "its own Python": (
            "['/python/lib/python3.11/os.py', '/runner.py', '/new', '/python/new', '/usr/new']",
            "x",
        ),
        "core pattern": ("['/proc/sys/kernel/core_pattern']", "|/tmp/evil"),
        "system request": ("['/proc/sysrq-trigger']", "h"),
        "kernel's settings": (
            "['/proc/sys/kernel/modprobe', '/proc/sys/vm/overcommit_memory']",
            "1",
        ),
        "release agent": (
            "['/sys/fs/cgroup/memory/release_agent', '/sys/fs/cgroup/release_agent', "
            "'/sys/fs/cgroup/cgroup.procs', '/sys/fs/cgroup/memory.max']",
            "0",
        ),
        "score of the killer": ("['/proc/self/oom_score_adj', '/proc/1/oom_score_adj']", "-1000"),
        "jobs of the system": (
            "['/etc/cron.d/x', '/etc/ld.so.preload', '/etc/profile.d/x', '/etc/passwd']",
            "x",
        ),
    }
    found = [
        (name, write.replace("PATHS", listed).replace("TEXT", repr(text)))
        for name, (listed, text) in paths.items()
    ]
    return [
        *found,
        (
            "mode, owner and times",
            "import os\nfor p in (CANARY_FILE, CANARY_FOLDER):\n"
            "    for f, a in ((os.chmod, (0o777,)), (os.chown, (1, 1)), (os.utime, ((1, 1),)),\n"
            "                 (os.setxattr, ('user.x', b'x'))):\n"
            "        try: f(p, *a)\n        except OSError as e: print(e.errno)\n"
            "        else: print('ESCAPED', f)",
        ),
        (
            "removal",
            "import os, shutil\nfor p in (CANARY_FILE, CANARY_FOLDER):\n"
            "    shutil.rmtree(p, ignore_errors=True)\n"
            "    try: os.remove(p)\n    except OSError as e: print(e.errno)",
        ),
    ]


def _network() -> list[tuple[str, str]]:
    connect = "import socket\ns = socket.socket(FAMILY, KIND, 0)\ns.settimeout(0.2)\n"
    connect += "s.connect(ADDRESS)\ns.send(b'hello')\nprint('ESCAPED')"
    ways = {
        "TCP": ("socket.AF_INET", "socket.SOCK_STREAM", "('127.0.0.1', CANARY_PORT)"),
        "TCP, version 6": ("socket.AF_INET6", "socket.SOCK_STREAM", "('::1', CANARY_PORT)"),
        "UDP": ("socket.AF_INET", "socket.SOCK_DGRAM", "('127.0.0.1', CANARY_PORT)"),
        "metadata": ("socket.AF_INET", "socket.SOCK_STREAM", "('169.254.169.254', 80)"),
        "abstract socket": ("socket.AF_UNIX", "socket.SOCK_STREAM", "'\\0' + CANARY_ABSTRACT"),
        "socket in the tree": ("socket.AF_UNIX", "socket.SOCK_STREAM", "CANARY_SOCKET"),
        "virtual machine's host": ("40", "socket.SOCK_STREAM", "(2, 5001)"),
    }
    found = [
        (name, connect.replace("FAMILY", a).replace("KIND", b).replace("ADDRESS", c))
        for name, (a, b, c) in ways.items()
    ]
    opened = "import socket\nsocket.socket(FAMILY)\nprint('ESCAPED')"
    kinds = {
        "raw packets": "17, socket.SOCK_RAW, 0x0300",
        "raw internet": "2, socket.SOCK_RAW, 1",
        "netlink": "16, socket.SOCK_RAW, 0",
        "kernel's ciphers": "38, socket.SOCK_SEQPACKET, 0",
        "bluetooth": "31, socket.SOCK_RAW, 1",
    }
    return [
        *found,
        *((name, opened.replace("FAMILY", kind)) for name, kind in kinds.items()),
        (
            "server of its own",
            "import socket\ns = socket.create_server(('0.0.0.0', 0))\nprint('ESCAPED', s)",
        ),
        (
            "request by library",
            "import urllib.request\n"
            "print(urllib.request.urlopen('http://127.0.0.1:%d' % CANARY_PORT, timeout=0.2))\n"
            "print('ESCAPED')",
        ),
        (
            "socket by raw call",
            _RAW + "if raw(41, 198, 2, 1, 0) >= 0: print('ESCAPED')\n"
            "if raw(53, 199, 2, 1, 0, (ctypes.c_int * 2)()) >= 0: print('ESCAPED')",
        ),
        (
            "descriptor by socket pair",
            "import socket, array, os\na, b = socket.socketpair()\n"
            "for fd in range(3, 64):\n"
            "    try: socket.send_fds(a, [b'x'], [fd])\n    except OSError: continue\n"
            "    _, fds, _, _ = socket.recv_fds(b, 1, 1)\n"
            "    try: print('ESCAPED', os.open(CANARY_FILE[1:], 0, dir_fd=fds[0]))\n"
            "    except OSError: pass",
        ),
    ]


def _process() -> list[tuple[str, str]]:
    signals = "import os, signal\nfor n in (9, 15, 19, 1, 2, 10):\n    try:\n"
    signals += "        os.kill(WHOM, n)\n    except OSError as e: print(e.errno)"
    return [
        ("signals to a process", signals.replace("WHOM", "CANARY_PROCESS")),
        ("signals to all", "import os\nos.kill(-1, 9)"),
        ("signals to the host", signals.replace("WHOM", "CANARY_HOST")),
        ("signals to the first", signals.replace("WHOM", "1")),
        ("signals to the group", "import os, signal\nos.killpg(0, signal.SIGTERM)"),
        ("exit", "import os\nos._exit(0)"),
        ("abort", "import os\nos.abort()"),
        ("own kill", "import os\nos.kill(os.getpid(), 9)"),
        ("own stop", "import os, signal\nos.kill(os.getpid(), signal.SIGSTOP)"),
        ("another program", "import os\nos.execv('/bin/sh', ['sh', '-c', 'sleep 60'])"),
        (
            "another Python",
            "import os, sys\nos.execv(sys.executable, [sys.executable, '-c', 'while True: pass'])",
        ),
        (
            "daemon",
            "import os, time\nif os.fork() == 0:\n    os.setsid()\n    if os.fork() == 0:\n"
            "        time.sleep(600)\n    os._exit(0)",
        ),
        (
            "deaf daemon",
            "import os, time, signal\nif os.fork() == 0:\n    os.setsid()\n"
            "    for n in range(1, 65):\n        try: signal.signal(n, signal.SIG_IGN)\n"
            "        except (OSError, ValueError): pass\n"
            "    while True: time.sleep(1)",
        ),
        (
            "thread that goes on",
            "import threading, time\n"
            "def go():\n    while True:\n        try: echo(text='late')\n"
            "        except BaseException: pass\n        time.sleep(0.01)\n"
            "threading.Thread(target=go, daemon=True).start()",
        ),
        (
            "child that goes on",
            "import subprocess, sys\n"
            "p = subprocess.Popen([sys.executable, '-c', 'while True: pass'])",
        ),
        (
            "stopped child",
            "import os, signal, time\np = os.fork()\nif p == 0: time.sleep(600)\n"
            "os.kill(p, signal.SIGSTOP)",
        ),
        (
            "trace of another",
            _RAW + "for request in (16, 0x4206):\n"
            "    if raw(101, 117, request, CANARY_PROCESS, 0, 0) == 0: print('ESCAPED')\n"
            "p = os.fork()\nif p == 0:\n    import time; time.sleep(9)\n"
            "if raw(101, 117, 16, p, 0, 0) == 0: print('ESCAPED')",
        ),
        (
            "memory of another",
            _RAW + "b = ctypes.create_string_buffer(8)\n"
            "v = (ctypes.c_size_t * 2)(ctypes.addressof(b), 8)\n"
            "for pid in (CANARY_PROCESS, 1, os.getpid()):\n"
            "    if raw(310, 270, pid, v, 1, v, 1, 0) >= 0: print('ESCAPED')\n"
            "    if raw(311, 271, pid, v, 1, v, 1, 0) >= 0: print('ESCAPED')",
        ),
        (
            "descriptor of another",
            _RAW + "for pid in (CANARY_PROCESS, 1):\n    fd = raw(434, 434, pid, 0)\n"
            "    if fd >= 0 and raw(438, 438, fd, 0, 0) >= 0: print('ESCAPED')",
        ),
        (
            "user",
            _RAW + "for user in (0, 65534, 1000):\n    try: os.setresuid(user, user, user)\n"
            "    except OSError as e: print(e.errno)\n    else: print('ESCAPED', user)\n"
            "try: os.setgroups([0])\nexcept OSError as e: print(e.errno)\n"
            "else: print('ESCAPED')\nif os.getuid() == 0: print('ESCAPED')",
        ),
        (
            "capabilities",
            _RAW + "h = (ctypes.c_uint32 * 2)(0x20080522, 0)\nd = (ctypes.c_uint32 * 6)()\n"
            "raw(125, 90, h, d)\nif any(d[n] for n in (0, 1, 3, 4)): print('ESCAPED', list(d))\n"
            "full = (ctypes.c_uint32 * 6)(*[0xFFFFFFFF] * 6)\n"
            "if raw(126, 91, h, full) == 0: print('ESCAPED')\n"
            "if raw(157, 167, 47, 2, 21, 0, 0) == 0: print('ESCAPED')",
        ),
        (
            "program of another user",
            "import os, subprocess\nfor p in ('/bin/su', '/usr/bin/sudo', '/usr/bin/passwd', "
            "'/bin/mount', '/usr/bin/bwrap'):\n"
            "    if os.path.exists(p): print('ESCAPED', p)",
        ),
    ]


def _kernel() -> list[tuple[str, str]]:
    calls = {
        "rings of requests": "raw(425, 425, 8, ctypes.create_string_buffer(256)), "
        "raw(426, 426, 0, 0, 0, 0), raw(427, 427, 0, 0, 0)",
        "namespaces": "*(raw(272, 97, flag) for flag in (0x10000000, 0x20000, 0x40000000, "
        "0x20000000, 0x8000000, 0x4000000, 0x2000000, 0x10020000))",
        "namespaces by clone": "*(raw(56, 220, flag | 17, 0, 0, 0, 0) for flag in "
        "(0x10000000, 0x20000000, 0x40000000))",
        "namespaces by new clone": "raw(435, 435, (ctypes.c_uint64 * 11)(0x10000000), 88)",
        "namespace of another": "*(raw(308, 268, fd, 0) for fd in range(8))",
        "mount": "raw(165, 40, b'none', b'/tmp', b'tmpfs', 0, 0), "
        "raw(165, 40, b'/', b'/tmp', 0, 4096, 0)",
        "remount": "raw(165, 40, 0, b'/', 0, 4128, 0), raw(165, 40, 0, b'/python', 0, 4128, 0)",
        "unmount": "raw(166, 39, b'/tmp', 2), raw(166, 39, b'/python', 2)",
        "new mount calls": "raw(430, 430, b'tmpfs', 0), raw(428, 428, -100, b'/', 1), "
        "raw(429, 429, 0, b'', -100, b'/tmp', 4), raw(442, 442, -100, b'/', 0, 0, 0)",
        "root": "raw(161, 51, b'/tmp'), raw(155, 41, b'/tmp', b'/tmp')",
        "device file": "raw(259, 33, -100, b'/tmp/mem', 0o20666, 0x101), "
        "raw(259, 33, -100, b'/tmp/disk', 0o60666, 0xFE00)",
        "keys": "raw(248, 217, b'user', b'a', b'b', 1, -3), raw(250, 219, 0, -3, 1), "
        "raw(249, 218, b'user', b'a', 0, -3)",
        "programs in the kernel": "raw(321, 280, 0, ctypes.create_string_buffer(128), 128), "
        "raw(321, 280, 5, ctypes.create_string_buffer(128), 128)",
        "performance counters": "raw(298, 241, ctypes.create_string_buffer(128), 0, -1, -1, 0)",
        "another kernel": "raw(246, 104, 0, 0, 0, 0), raw(320, 294, 0, 0, 0, 0, 0)",
        "restart": "raw(169, 142, 0xFEE1DEAD, 672274793, 0x89ABCDEF, 0), "
        "raw(169, 142, 0xFEE1DEAD, 672274793, 0, 0)",
        "modules": "raw(175, 105, b'x', 1, b''), raw(313, 273, 0, b'', 0), raw(176, 106, b'x', 0)",
        "clock": "raw(227, 112, 0, (ctypes.c_long * 2)(0, 0)), raw(164, 170, 0, 0), "
        "raw(159, 171, (ctypes.c_long * 32)(0x8000))",
        "name of the machine": "raw(170, 161, b'owned', 5), raw(171, 162, b'owned', 5)",
        "faults of memory": "raw(323, 282, 0), raw(323, 282, 1)",
        "memory as a file": "raw(319, 279, b'x', 0), raw(447, 447, 0)",
        "shared memory": "raw(29, 194, 1, 4096, 0o1666), raw(68, 186, 1, 0o1666), "
        "raw(64, 190, 1, 1, 0o1666)",
        "watches on files": "raw(294, 26, 0), raw(300, 262, 0, 0)",
        "log of the kernel": "raw(103, 116, 3, ctypes.create_string_buffer(64), 64), "
        "raw(103, 116, 5, 0, 0)",
        "swap and accounting": "raw(167, 224, b'/tmp', 0), raw(163, 89, b'/tmp/x'), "
        "raw(179, 60, 0, 0, 0, 0)",
        "ports of the machine": "raw(172, -1, 3), raw(173, -1, 0, 1024, 1)",
        "terminal's input": "*(raw(16, 29, fd, 0x5412, ctypes.byref(ctypes.c_char(b'x'))) "
        "for fd in (0, 1, 2, 3, 7, 8, 9))",
        "terminal's clipboard": "*(raw(16, 29, fd, 0x541C, ctypes.byref(ctypes.c_char(b'\\3'))) "
        "for fd in (0, 1, 2, 3))",
        "weaker filter": "raw(157, 167, 22, 0, 0, 0, 0), raw(157, 167, 38, 0, 0, 0, 0), "
        "raw(317, 277, 0, 0, 0)",
        "other kinds of calls": "raw(0x40000000 + 165, -1, b'none', b'/tmp', b'tmpfs', 0, 0), "
        "raw(0x40000000 + 101, -1, 0, 0, 0, 0)",
        "affairs of others": "raw(302, 261, CANARY_PROCESS, 7, (ctypes.c_ulong * 2)(1, 1), 0), "
        "raw(312, 272, 1, 2, 0, 0, 0), raw(251, 30, 1, CANARY_PROCESS, 0)",
        "locked memory": "raw(151, 230, 3), raw(149, 228, 0, 4096)",
    }
    head = _RAW + "if [r for r in (CALLS,) if r >= 0]: print('ESCAPED')"
    code = {name: head.replace("CALLS", tried) for name, tried in calls.items()}
    # a child of a clone that went through would say it too, and once is enough
    return list(code.items())


def _resources() -> list[tuple[str, str, bool]]:
    return [
        ("spin", "while True: pass", True),
        ("spin in C", "sum(range(10**12))", True),
        ("regular expression", "import re\nre.match(r'(a+)+$', 'a' * 64 + 'b')", True),
        ("large power", "x = 7 ** (7 ** 11)", True),
        (
            "deaf spin",
            "import signal\nfor n in range(1, 65):\n    try: signal.signal(n, signal.SIG_IGN)\n"
            "    except (OSError, ValueError): pass\n"
            "def f():\n    while True:\n        try:\n            while True: x = 1\n"
            "        except BaseException: continue\n"
            "while True:\n    try: f()\n    except BaseException: pass",
            True,
        ),
        ("sleep", "import time\ntime.sleep(600)", True),
        (
            "wait on nothing",
            "import threading\nthreading.Lock().acquire() or 1\n"
            "l = threading.Lock(); l.acquire(); l.acquire()",
            True,
        ),
        ("fork bomb", "import os\nwhile True:\n    try: os.fork()\n    except OSError: pass", True),
        (
            "100 forks",
            "import os, time\nfor _ in range(100):\n    if os.fork() == 0: time.sleep(60)",
            False,
        ),
        (
            "thread bomb",
            "import threading, time\n"
            "while True: threading.Thread(target=time.sleep, args=(60,), daemon=True).start()",
            False,
        ),
        ("2 GiB", "x = bytearray(2 << 30)", False),
        ("2 GiB by pieces", "x = []\nwhile True: x.append(b'x' * (8 << 20))", False),
        (
            "2 GiB in children",
            "import os, time\nfor _ in range(16):\n    if os.fork() == 0:\n"
            "        x = b'x' * (128 << 20)\n        time.sleep(60)\nwhile True: os.wait()",
            True,
        ),
        (
            "1 GiB on disk",
            "with open('/tmp/big', 'wb') as f:\n"
            "    for _ in range(1024): f.write(bytes(1 << 20))\nprint('ESCAPED')",
            False,
        ),
        (
            "1 GiB in a hole",
            "f = open('/tmp/hole', 'wb')\nf.truncate(1 << 40)\n"
            "import os\nos.posix_fallocate(f.fileno(), 0, 1 << 30)\nprint('ESCAPED')",
            False,
        ),
        (
            "many files",
            "n = 0\nwhile True:\n    open('/tmp/%d' % n, 'w').close()\n    n += 1",
            True,
        ),
        ("flood", "s = 'x' * 65535\nfor _ in range(200_000_000 // 65536): print(s)", False),
        (
            "flood of errors",
            "import os\nb = bytes(65536)\nfor _ in range(3000): os.write(2, b)",
            False,
        ),
        ("descriptors", "f = []\nwhile True: f.append(open('/dev/null'))", False),
        ("waits on files", "import select\nf = []\nwhile True: f.append(select.epoll())", False),
        (
            "flood of calls",
            "n = 0\nfor n in range(10**6): echo(text=str(n))\nprint('ESCAPED')",
            False,
        ),
        (
            "flood of calls that goes on",
            "n = 0\nwhile True:\n    try: echo(text='x')\n    except BaseException: pass",
            False,
        ),
        (
            "timers",
            "import signal, time\nsignal.signal(signal.SIGALRM, lambda *a: time.sleep(9))\n"
            "signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)\nwhile True: pass",
            True,
        ),
        (
            "limits raised",
            "import resource\nfor n in ('AS', 'NOFILE', 'CORE', 'NPROC'):\n    try:\n"
            "        resource.setrlimit(getattr(resource, 'RLIMIT_' + n), (-1, -1))\n"
            "        if n != 'NPROC': print('ESCAPED', n)\n"
            "    except (ValueError, OSError) as e: print(e)",
            False,
        ),
        (
            "priority",
            "import os\ntry: os.nice(-20)\nexcept OSError: print('no')\nelse: print('ESCAPED')",
            False,
        ),
    ]


def _protocol() -> list[tuple[str, str]]:
    bodies = {
        "faked end": 'b\'{"done": {"value": "faked"}}\'',
        "faked call": 'b\'{"call": "launch", "positional": [], "named": {}}\'',
        "faked greeting": 'b\'{"ready": "again"}\'',
        "not JSON": "b'\\xff\\x00\\xfe'",
        "deep JSON": "b'[' * 1_000_000",
        "not a number": 'b\'{"done": {"value": NaN}}\'',
        "long number": "b'{\"done\": ' + b'9' * 1_000_000 + b'}'",
        "wrong shape": 'b\'{"done": [1], "call": {}, "positional": "x"}\'',
        "wrong kinds": 'b\'{"done": {"value": {"a": 1}, "error": [], "limit": 5}}\'',
        "faked limit": 'b\'{"done": {"limit": "__class__", "error": "x"}}\'',
        "nothing": "b''",
    }
    return [
        *((name, f"{_LINE}\nsay({body})\nwhile True: pass") for name, body in bodies.items()),
        ("many faked ends", _LINE + "for _ in range(1000): say(b'{\"done\": {}}')"),
        ("huge frame", _LINE + "say(b'x' * 100, size=0xFFFFFFFF)\nimport time; time.sleep(9)"),
        ("frame that never ends", _LINE + "say(b'x', size=10_000_000)\nwhile True: pass"),
        ("large text", _LINE + "say(b'{\"done\": {\"value\": \"' + b'x' * 8_000_000 + b'\"}}')"),
        ("line closed", _LINE + "for fd in lines(): os.close(fd)"),
        ("line crossed", _LINE + "for fd in lines(): os.dup2(1, fd)"),
        (
            "line shut",
            _LINE + "import socket\nfor fd in lines():\n"
            "    socket.socket(fileno=fd).shutdown(socket.SHUT_RDWR)",
        ),
        (
            "answers eaten",
            _LINE + "import threading\nfd = lines()[0]\n"
            "def eat():\n    while True: os.read(fd, 1)\n"
            "threading.Thread(target=eat, daemon=True).start()\necho(text='x')",
        ),
        (
            "call from a child",
            "import os\nif os.fork() == 0:\n    try: echo(text='x')\n"
            "    except Exception as e: print(e)\n    os._exit(0)\nos.wait()",
        ),
        ("end from a child", "import os\nif os.fork() == 0:\n    raise SystemExit\n"),
        ("large call", "echo(text='x' * 20_000_000)"),
        ("call of what is none", "echo(text=object())"),
        ("call of itself", "x = []\nx.append(x)\necho(text=x)"),
    ]


def _source() -> list[tuple[str, str]]:
    return [
        ("null", "x = 'a\0b'\n"),
        ("lone surrogate", "x = '\ud800'"),
        ("huge", "x = 1\n" * 150_000),
        ("beyond all measure", "x = 1\n" * 500_000),
        ("deep parentheses", "(" * 5_000 + ")" * 5_000),
        ("deep minus", "-" * 200_000 + "1"),
        ("deep blocks", "".join(" " * n + "if 1:\n" for n in range(200)) + " " * 200 + "x"),
        ("long chain", "x = " + " + ".join(["1"] * 40_000)),
        ("deep attributes", "x" + ".a" * 100_000),
        ("long number", "x = " + "9" * 900_000),
        ("no code at all", ""),
        ("bytes", "\ufeff\u202ex = 1\r\n\x0c"),
    ]


def attempts() -> list[Attempt]:
    """Return all of them."""
    families: dict[Family, list[tuple[str, str]]] = {
        "python": _python(),
        "read": _read(),
        "write": _write(),
        "network": _network(),
        "process": _process(),
        "kernel": _kernel(),
        "protocol": _protocol(),
        "source": _source(),
    }
    found = [
        Attempt(name=name, family=family, code=code)
        for family, members in families.items()
        for name, code in members
    ]
    return found + [
        Attempt(name=name, family="resources", code=code, slow=slow)
        for name, code, slow in _resources()
    ]
