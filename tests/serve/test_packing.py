"""A result goes over the wire as it is written to a file."""

import json
from dataclasses import replace

from demeanor.explain.pipeline import observed
from demeanor.explain.store import result_plain, result_text
from demeanor.serve.packing import packed, result_packable


def test_a_packed_result_is_what_a_file_holds(demo_measurement) -> None:
    result = observed(demo_measurement)
    assert json.loads(packed(result_packable(result))) == json.loads(result_text(result))


def test_no_track_and_another_measurement_s_tracks(demo_measurement) -> None:
    for tracks in ((), demo_measurement.tracks[:1], demo_measurement.tracks):
        result = observed(replace(demo_measurement, tracks=tracks))
        found = json.loads(packed(result_packable(result)))
        assert found["measurement"]["tracks"] == result_plain(result)["measurement"]["tracks"]


def test_what_is_no_number_is_null() -> None:
    assert packed({"took_s": float("nan"), "all": [float("inf"), 1.5]}) == (
        b'{"took_s":null,"all":[null,1.5]}'
    )
