"""Taking up the runs of a team that was made by hand; see `bottega.recovery` for graph files."""

from __future__ import annotations

from contextlib import aclosing
from pathlib import Path

from bottega.budget import Budget
from bottega.engine import Engine, Job, Team
from bottega.recovery import AT_ONCE, Recovered, abandoned, take_up
from bottega.result import Result
from bottega.runs import Run
from bottega_agents.storage.stores import use_store


async def recover_team(
    engine: Engine, team: Team, store: Path | str, *, at_once: int = AT_ONCE
) -> list[Recovered]:
    """Go on with every run of the team that nobody carries out, and wait for their ends.

    Runs are told apart by the name of the team's graph. Several processes may do it at once. Raises
    StorageError.
    """

    async def resume(run: Run) -> Result:
        job = Job(task="", limits=Budget(), run_id=run.run_id, store=store, resume=True)
        async with aclosing(engine.stream(team, job)) as events:
            return Result.from_events([event async for event in events])

    async with use_store(store) as (_, kept):
        runs = [run for run in await abandoned(kept) if run.name == team.spec.name]
        return await take_up(runs, resume, at_once)
