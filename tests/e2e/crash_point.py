"""A program that runs a team and kills itself at a chosen moment, and how a test starts it.

    python PROGRAM FOLDER RUN_ID run|resume CRASH_POINT

The program says what its crash points are called; `never` is none. It prints the events as lines of
JSON.
"""

import asyncio
import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from bottega import Budget
from bottega.engine import Job, Team


@dataclass(frozen=True, kw_only=True)
class CrashPoint:
    """What the program was started with: when it is to die, and what it is to run."""

    folder: Path
    run_id: str
    resume: bool
    point: str

    @classmethod
    def of_arguments(cls) -> "CrashPoint":
        folder, run_id, mode, point = sys.argv[1:]
        return cls(folder=Path(folder), run_id=run_id, resume=mode == "resume", point=point)

    def at(self, point: str) -> None:
        """Kill the process if this is the moment."""
        if point == self.point:
            os.kill(os.getpid(), signal.SIGKILL)

    def log(self, file: str, line: object) -> None:
        """Leave a line that outlives the process."""
        with (self.folder / file).open("a") as lines:
            lines.write(f"{line}\n")

    def run(self, team: Team) -> None:
        """Run the team, or go on with its run."""
        asyncio.run(self._run(team))

    async def _run(self, team: Team) -> None:
        from bottega_agents.engine import LangGraphEngine

        job = Job(
            task="note them",
            limits=Budget(),
            run_id=self.run_id,
            store=self.folder / "bottega.db",
            resume=self.resume,
        )
        async for event in LangGraphEngine().stream(team, job):
            print(event.dumps(), flush=True)


def runs(program: str):
    """Return what starts the program on the run `r`: it gives the process and its events."""

    def run(folder, mode, crash):
        done = subprocess.run(
            [sys.executable, Path(__file__).with_name(program), folder, "r", mode, crash],
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )
        return done, [json.loads(line) for line in done.stdout.splitlines()]

    return run
