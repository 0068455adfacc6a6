"""Whether a call is one of those that BFCL accepts, as its own checker compares them.

Source: bfcl_eval/eval_checker/ast_eval/ast_checker.py of https://github.com/ShishirPatil/gorilla
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from bottega.messages import Json

_IGNORED = re.compile(r"[ ,./\-_*^]")


def accepted(arguments: Mapping[str, Json], values: Mapping[str, list[Json]]) -> bool:
    """Say whether every argument has one of its values, and none is missing that is needed."""
    if not arguments.keys() <= values.keys():
        return False
    left_out = values.keys() - arguments.keys()
    return all("" in values[name] for name in left_out) and all(
        any(_same(given, one) for one in values[name]) for name, given in arguments.items()
    )


def _same(given: Json, wanted: Json) -> bool:
    if isinstance(wanted, str) and isinstance(given, str):
        return _plain(given) == _plain(wanted)
    if isinstance(wanted, dict) and isinstance(given, dict):
        return accepted(given, {k: v if isinstance(v, list) else [v] for k, v in wanted.items()})
    if isinstance(wanted, list) and isinstance(given, list):
        return _all_same(given, wanted)
    if isinstance(wanted, bool) or isinstance(given, bool):
        return wanted is given
    return bool(given == wanted)


def _all_same(given: Sequence[Json], wanted: Sequence[Json]) -> bool:
    pairs = zip(given, wanted, strict=False)
    return len(given) == len(wanted) and all(_same(a, b) for a, b in pairs)


def _plain(text: str) -> str:
    return _IGNORED.sub("", text).lower().replace("'", '"')
