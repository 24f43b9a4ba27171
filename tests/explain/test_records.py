from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from demeanor.explain.records import (
    Channel,
    Clip,
    CueTrack,
    Evidence,
    Explanation,
    Grounding,
    Measurement,
    Provenance,
    Side,
    Source,
    SourceKind,
    Span,
    Unit,
)

DRAWN = Source(SourceKind.MACHINE, "drawn", "1")
moments = st.floats(0, 1e4, allow_nan=False)
spans = st.tuples(moments, moments).map(lambda pair: Span(min(pair), max(pair)))


def track(code="AU12", side=None, person="p1", n=2):
    times_s, values = np.arange(float(n)), np.zeros(n, np.float32)
    return CueTrack(
        person, Channel.FACE, code, side, Unit.FACS_INTENSITY, times_s, values, (), DRAWN
    )


# Spans ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("start_s", "end_s"), [(1.0, 0.9), (0.0, float("nan"))])
def test_a_span_cannot_end_before_it_starts(start_s, end_s):
    with pytest.raises(ValueError, match="cannot end"):
        Span(start_s, end_s)


#  time_s   0    1    2    3    4
#  a        |---------|
#  b             |--------------|
#  c                  |---------|
def test_overlap():
    a, b, c = Span(0, 2), Span(1, 4), Span(2, 4)
    assert a.overlap_s(b) == b.overlap_s(a) == 1.0
    assert a.overlap_s(c) == 0.0  # they only touch
    assert b.overlap_s(c) == 2.0
    assert a.meets(b) and a.meets(c) and c.meets(a)
    assert not Span(0.0, 0.5).meets(Span(0.6, 0.6))


def test_a_moment_is_a_span_and_slack_widens_one():
    moment = Span(1.0, 1.0)
    assert moment.duration_s == 0
    assert moment.contains(1.0)
    assert not moment.contains(1.1)
    assert moment.contains(1.1, slack_s=0.2)


@given(spans, spans)
def test_overlap_is_the_same_both_ways_and_no_longer_than_either(a, b):
    assert a.overlap_s(b) == b.overlap_s(a)
    assert 0 <= a.overlap_s(b) <= min(a.duration_s, b.duration_s)


# Names ----------------------------------------------------------------------------------------


def test_a_track_is_printed_with_its_side():
    assert track("AU12").name == "AU12"
    assert track("AU12", Side.LEFT).name == "AU12L"


def test_a_track_needs_a_time_for_each_value():
    with pytest.raises(ValueError, match=r"AU12: .* times for"):
        CueTrack(
            None,
            Channel.FACE,
            "AU12",
            None,
            Unit.NONE,
            np.zeros(3),
            np.zeros(2),
            (),
            DRAWN,
        )


def test_a_track_is_found_by_person_code_and_side():
    tracks = (track("AU12"), track("AU12", Side.LEFT), track("AU12", person="p2"))
    found = Measurement(None, (), tracks, (), (), (), (), {})
    assert found.track("p1", "AU12") is tracks[0]
    assert found.track("p1", "AU12", Side.LEFT) is tracks[1]
    assert found.track("p2", "AU12") is tracks[2]
    assert found.track("p1", "AU4") is None


def test_two_files_of_one_name_get_two_folders():
    def clip(clip_id):
        return Clip("m", clip_id, Span(0, 1), Path("x/take.1.mp4"), 1.0, 25.0, None)

    assert clip("aa").folder_name == "take.1-aa"
    assert clip("aa").folder_name != clip("bb").folder_name


# Grounding ------------------------------------------------------------------------------------


def explanation(*groundings):
    evidence = tuple(Evidence("c", ("f1",), None, g) for g in groundings)
    made = Provenance("m", None, None, None, {}, "0")
    return Explanation(
        clip_id="c",
        person="p1",
        observations_part="",
        interpretation="",
        conclusion="",
        evidence=evidence,
        labels=(),
        label_set="rafdb7",
        best_fit=None,
        confidence=None,
        alternatives=(),
        valence=None,
        arousal=None,
        abstained=True,
        abstained_reason="drawn",
        provenance=made,
        raw_reply="",
    )


def test_the_share_of_grounded_claims_is_unknown_without_claims():
    good, moved, bad = Grounding
    assert explanation(good, moved, bad, good).grounded_share == 0.5
    assert explanation(bad).grounded_share == 0.0
    assert explanation().grounded_share is None
