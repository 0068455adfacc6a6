"""Cassettes: a run recorded, to be told again offline, byte for byte."""

from __future__ import annotations

from bottega.cassette.cassette import Cassette, Mode
from bottega.cassette.divergence import CassetteError

__all__ = ["Cassette", "CassetteError", "Mode"]
