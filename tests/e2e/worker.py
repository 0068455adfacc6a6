"""A worker of the crew: the program of the tests on ownership.

    python worker.py FOLDER run|resume|recover

Works on the run `r` of the store in FOLDER (or BOTTEGA_STORE). At the first moment that begins as
PAUSE_AT it writes `paused` and waits for the file `go`. Exits as the command line would, with the
error on stderr.
"""

import asyncio
import os
import sys
import time
from pathlib import Path

from crew import Traces, crew, store_in

from bottega import Budget
from bottega.engine import Job
from bottega.errors import BottegaError
from bottega.result import Result
from bottega_agents.engine import LangGraphEngine
from bottega_agents.recovery import recover_team

FOLDER, MODE, PAUSE_AT = Path(sys.argv[1]), sys.argv[2], os.environ.get("PAUSE_AT", "")


def pause(moment: str) -> None:
    if PAUSE_AT and moment.startswith(PAUSE_AT) and not (FOLDER / "paused").exists():
        (FOLDER / "paused").touch()
        while not (FOLDER / "go").exists():
            time.sleep(0.02)


async def main() -> None:
    team, store = crew(Traces(FOLDER, pause)), store_in(FOLDER)
    if MODE == "recover":
        for found in await recover_team(LangGraphEngine(), team, store):
            print(found.run.run_id, found.status, found.problem or found.result.answer, flush=True)
        return
    job = Job(task="go", limits=Budget(), run_id="r", store=store, resume=MODE == "resume")
    events = [event async for event in LangGraphEngine().stream(team, job)]
    Result.from_events(events).raise_for_status()
    print(Result.from_events(events).answer)


try:
    asyncio.run(main())
except BottegaError as error:
    print(f"error: {error}", file=sys.stderr)
    sys.exit(error.exit_code)
