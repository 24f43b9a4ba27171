"""Tracks for drawing: few points, gaps kept, peaks kept."""

import numpy as np
from drawn_results import result, smile
from drawn_results import track as drawn

from demeanor.serve.tracks import MAX_POINTS, thinned, track_rows


def test_a_short_track_is_left_as_it_is_with_its_gap_and_why() -> None:
    row = next(r for r in track_rows(result()) if r["name"] == "AU12")
    assert len(row["t_s"]) == 41
    assert row["values"][25] is None  # 2.5 s: the face is lost
    assert row["values"][19] == 3.0
    assert row["reason"] == "the face is not seen"
    assert (row["unit"], row["channel"], row["person"]) == ("FACS 0-5", "face", "p1")
    assert row["what"] == "lip corner puller"


def test_where_the_face_is_is_no_cue() -> None:
    assert "face_px" not in {row["name"] for row in track_rows(result())}


def test_of_a_long_track_one_frame_s_peak_stays_and_so_does_the_gap() -> None:
    values = np.zeros(10_000, np.float32)
    values[4321] = 5.0
    values[8000:9000] = np.nan
    kept = thinned(values, MAX_POINTS)
    assert len(kept) == MAX_POINTS
    assert 4321 in kept
    assert (np.diff(kept) > 0).all()
    assert np.isnan(values[kept]).sum() == 40  # a tenth of 400
    assert list(thinned(np.full(1000, np.nan), 4)) == [0, 250, 500, 750]


def test_what_is_not_measured_is_null_and_never_zero() -> None:
    lost = drawn("AU4", [np.nan] * 3)
    (row,) = track_rows(result(tracks=(lost,)))
    assert row["values"] == [None, None, None]
    assert smile().name == "AU12"
