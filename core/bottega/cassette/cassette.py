"""A cassette: open it, run agents, and what they did is recorded, or played again.

    with Cassette("research.jsonl"):
        result = graph.run("What changed in PEP 701?")

Where the file is not there it is recorded, where it is, it is played: offline, nothing is called,
and the run's events are the recorded ones byte for byte, times and ids included.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Literal

from bottega.cassette.file import load, save
from bottega.cassette.offline import offline
from bottega.cassette.player import Player
from bottega.cassette.recorder import Recorder
from bottega.cassette.taped import Around, Taped
from bottega.chance import DRAWS
from bottega.errors import InputError
from bottega.messages import Json
from bottega.tape import TAPE, TapedRun

Mode = Literal["auto", "record", "replay"]


class Cassette:
    """A context manager that listens to the runs that begin in it; it may be opened again.

    A block that ends with an exception leaves no recording. Raises CassetteError where the runs
    leave their recording, and for a file that was cut short or changed, with the line.
    """

    def __init__(self, file: str | Path, mode: Mode = "auto") -> None:
        """Take the file, and whether to record, to replay, or to replay where there is a file."""
        self.file = Path(file)
        self.mode: Mode = mode
        self._around: Around | None = None
        self._runs = 0
        self._open = ExitStack()

    @property
    def replays(self) -> bool:
        """Whether the cassette is played, not recorded; settled when it is opened."""
        if self._around is not None:
            return self._around.deck.replays
        return self.mode == "replay" or (self.mode == "auto" and self.file.exists())

    def __enter__(self) -> Cassette:
        if TAPE.get() is not None:
            raise InputError("a cassette is open already", hint="close it first")
        self._runs = 0
        if self.replays:
            deck: Recorder | Player = Player(self.file, load(self.file))
            self._open.enter_context(offline())
        else:
            deck = Recorder()
        self._around = Around(deck)
        tape, draws = TAPE.set(self), DRAWS.set(deck.draw)
        self._open.callback(DRAWS.reset, draws)
        self._open.callback(TAPE.reset, tape)
        return self

    def drop(self) -> None:
        """Keep nothing of what was recorded, and ask for nothing more of what is played."""
        self._around = None

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._open.close()
        around, self._around = self._around, None
        if error is not None or around is None:
            return
        if isinstance(around.deck, Recorder):
            save(self.file, around.deck.lines())
        else:
            around.deck.finish()

    async def turn(self) -> None:
        """Let parallel branches go on in the order in which they were recorded."""
        if self._around is not None and isinstance(self._around.deck, Player):
            await self._around.deck.turn()

    async def call(self, kind: str, asked: Json, make: Callable[[], Awaitable[Json]]) -> Json:
        """Make a call, or tell what came of it when it was recorded."""
        assert self._around is not None
        return await self._around.call(kind, asked, make)

    def run(self) -> TapedRun:
        """Listen to a run that begins."""
        assert self._around is not None
        self._runs += 1
        return Taped(self._around, self._runs)
