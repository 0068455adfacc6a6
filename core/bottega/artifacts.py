"""Results that are too long to be shown as a whole: kept, so that an agent can page through them.

A run that is kept on disk has them in files beside its store, `artifacts/RUN/ID`, for their owner
alone; any other run has them in memory. They go with the run. Names are random: an agent can read
what it was told of. The tool that reads them is `bottega.paging`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from bottega import chance
from bottega.errors import ToolError
from bottega.home import state_folder

FOLDER = "artifacts"
"""Beside the store."""
LARGEST_RUN = 64_000_000
"""Bytes of all artifacts of a run; what would be more is not kept."""
SHOWN = 20_000
"""Characters of a result that are shown at once, where its tool says nothing else."""
READ_ARTIFACT = "read_artifact"
_CUT = re.compile(rf'\n\[cut here after .*: {READ_ARTIFACT}\(id="([\w-]+)", start=\d+\)\]$')
_NAME = re.compile(r"(secret-)?[0-9a-f]{16}")
_RUN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,200}")
_PRIVATE_FILE, _PRIVATE_FOLDER = 0o600, 0o700


def artifact_folder(store: Path | str, graph: str = "") -> Path:
    """Return where runs in that store have their artifacts: a server holds none of them."""
    if isinstance(store, Path):
        return store.parent / FOLDER
    return state_folder(Path(graph).parent if graph else Path.cwd()) / FOLDER


@dataclass(slots=True)
class Artifacts:
    """What is kept for one run."""

    run_id: str = ""
    folder: Path | None = None
    """The folder for all runs; None keeps what there is in memory."""
    begun: bool = False
    """Something is kept, so that agents are to be told how to read it."""
    _texts: dict[str, str] = field(default_factory=dict[str, str])
    _room: int = LARGEST_RUN

    @classmethod
    def beside(cls, folder: Path, run_id: str) -> Artifacts:
        """Return those of a run on disk, with what there is of it."""
        if not _RUN.fullmatch(run_id):  # there is no such run; whoever looks it up will say so
            return cls()
        kept = [file.stat().st_size for file in _files(folder / run_id)]
        found = cls(run_id, folder, begun=bool(kept))
        found._room -= sum(kept)
        return found

    def shown(self, text: str, limit: int, *, secret: bool = False) -> str:
        """Return as much of the text as is shown, and a note on how to read the rest."""
        if len(text) <= limit:
            return text
        name = self._keep(text, secret=secret)
        note = f"{limit:,} of {len(text):,} characters"
        if name is None:
            return f"{text[:limit]}\n[cut here after {note}; there was no room to keep the rest]"
        more = f'{READ_ARTIFACT}(id="{name}", start={limit + 1})'
        return f"{text[:limit]}\n[cut here after {note}; to read on: {more}]"

    def read(self, name: str) -> str:
        """Return the whole. Raises ToolError where there is nothing of that name."""
        unknown = ToolError(f"there is no artifact {name[:40]!r}", hint="ids stand in the notes")
        if not _NAME.fullmatch(name):
            raise unknown
        if name in self._texts:
            return self._texts[name]
        for file in self._places(name):
            try:
                return file.read_bytes().decode("utf-8", "surrogatepass")
            except FileNotFoundError:
                continue
            except (OSError, UnicodeDecodeError):
                raise ToolError(f"the artifact {name} can no longer be read") from None
        raise unknown

    def whole(self, shown: str) -> str:
        """Return what a result was before it was cut; the result itself where it was not."""
        cut = _CUT.search(shown, max(0, len(shown) - 200))
        if cut is None:
            return shown
        try:
            return self.read(cut[1])
        except ToolError:
            return shown

    def _keep(self, text: str, *, secret: bool) -> str | None:
        """Keep the text; return its name, or None where there is no room for it."""
        data = text.encode("utf-8", "surrogatepass")
        name = f"{'secret-' if secret else ''}{chance.new_id()[:16]}"
        if len(data) > self._room:
            return None
        if self.folder is None:
            self._texts[name] = text
        elif not _written(self.folder / self.run_id, name, data):
            return None
        self._room -= len(data)
        self.begun = True
        return name

    def _places(self, name: str) -> Iterable[Path]:
        """Yield where it may lie: an earlier run of the conversation may have kept it."""
        if self.folder is not None:
            yield self.folder / self.run_id / name
            yield from self.folder.glob(f"*/{name}")


def is_secret(name: object) -> bool:
    """Say whether an artifact was made of secrets."""
    return isinstance(name, str) and name.startswith("secret-")


def forget_artifacts(folder: Path, runs: Sequence[str]) -> None:
    """Remove what is kept for the runs."""
    import shutil

    for run_id in runs:
        if _RUN.fullmatch(run_id):
            shutil.rmtree(folder / run_id, ignore_errors=True)


def _files(folder: Path) -> list[Path]:
    return list(folder.iterdir()) if folder.is_dir() else []


def _written(folder: Path, name: str, data: bytes) -> bool:
    """Write a file for its owner alone; say whether all of it could be written."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        folder.mkdir(mode=_PRIVATE_FOLDER, parents=True, exist_ok=True)
        with open(os.open(folder / name, flags, _PRIVATE_FILE), "wb") as file:  # noqa: PTH123  # a descriptor
            file.write(data)
    except OSError:
        with suppress(OSError):
            (folder / name).unlink()
        return False
    return True
