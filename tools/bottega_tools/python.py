"""The tool `python`, as a graph names it: code in a sandbox, beside an agent's other tools.

    tools: [{python: {sandbox: process, seconds: 5}}]

How code is run is `bottega.code`; an agent that acts by code alone speaks the dialect `code`.
"""

from __future__ import annotations

from bottega.code.choice import DEFAULT_SANDBOX, Sandboxes, limits_of, python_in
from bottega.code.python import Python
from bottega.plugin.context import FactoryContext


def python(  # each is an option in the graph file
    context: FactoryContext,
    *,
    sandbox: Sandboxes = DEFAULT_SANDBOX,
    seconds: float | None = None,
    memory: int | None = None,
    calls: int | None = None,
    trusted: bool = False,
) -> Python:
    """Make the tool; `memory` is in MiB, `seconds` and `calls` are for each call of it.

    Raises SandboxError where the machine cannot give the sandbox, and for one that is no boundary
    unless the code is `trusted`.
    """
    limits = limits_of(seconds, memory, calls)
    return python_in(context, sandbox, limits, trusted=trusted)
