"""Calls in processes of their own: for tools that may hang in C, crash, exit or leave children.

    host (this process)
      └─ zygote        one per module of tools: has imported it, waits, forks
           └─ warden   one per call: watches, and ends every process the call has left behind
                └─ worker   calls the function

What goes between them is JSON, never pickle. A warm call costs some milliseconds, the first one of
a module the start of a Python. A module must not start threads when it is imported. Linux only.

This contains accidents: a hang, a crash, a leak, a flood of output, changed directories, variables
and signal handlers. It is not a sandbox: the code runs as the same user with the same files,
network and environment, and can do harm on purpose. Code that a model wrote belongs in a sandbox.
Where the node has an `allow`, or the tool is `confined`, the kernel holds the call to its
permissions (`bottega.isolation.hold`).
"""

from __future__ import annotations

from bottega.isolation.host import call_in_process
from bottega.isolation.target import Target, find_target

__all__ = ["Target", "call_in_process", "find_target"]
