"""JSON of what the API says. Engine and API share a machine, so the tracks of a measurement, which
are most of a result and never change, are turned into text once."""

from dataclasses import replace
from functools import lru_cache
from typing import Any

import orjson

from demeanor.explain.records import CueTrack
from demeanor.explain.result import Result
from demeanor.explain.store import result_plain, to_plain

_MEASUREMENTS = 8  # whose tracks are kept as text: as many as the desk keeps in memory


def packed(data: Any) -> bytes:
    """Plain data as JSON; a number that is none (NaN) is null."""
    return orjson.dumps(data)


def result_packable(result: Result) -> dict[str, Any]:
    """What a result.json holds, for `packed` alone: the tracks are text already."""
    bare = replace(result, measurement=replace(result.measurement, tracks=()))
    plain = result_plain(bare)
    plain["measurement"]["tracks"] = _tracks(result.measurement.tracks)
    return plain


@lru_cache(_MEASUREMENTS)
def _tracks(tracks: tuple[CueTrack, ...]) -> orjson.Fragment:
    """Compared by identity: a measurement that was read again is packed again."""
    return orjson.Fragment(packed(to_plain(tracks)))
