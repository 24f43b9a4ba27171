"""Our units beside codes: drawn tracks and drawn codes, whose agreement is plain to see."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from demeanor.eval.compare_facs import Options, compare, paired
from demeanor.eval.facs_codes import Coded, CodesError, Coding, Frames
from demeanor.explain.records import (
    Channel,
    Clip,
    CueTrack,
    Event,
    Kind,
    Measurement,
    NotMeasured,
    Person,
    Side,
    Source,
    SourceKind,
    Span,
    Unit,
)

DRAWN = Source(SourceKind.MACHINE, "drawn", "1")
NAN = float("nan")
FPS = 10.0


def track(code, levels, side=None, unit=Unit.FACS_INTENSITY):
    times_s = np.arange(len(levels)) / FPS
    values = np.array(levels, np.float32)
    return CueTrack("p1", Channel.FACE, code, side, unit, times_s, values, (), DRAWN)


def event(code, start_s, end_s):
    return Event(
        *("p1", Channel.FACE, code, None, Kind.EVENT, Span(start_s, end_s), start_s, 4.0),
        *(Unit.FACS_INTENSITY, None, None, 0.9, (), DRAWN),
    )


def measured(*tracks, name="clip", events=(), missing=(), fps=FPS):
    n = max((len(t.values) for t in tracks), default=0)
    span = Span(0.0, n / FPS)
    clip = Clip("a" * 16, "b" * 12, span, Path(f"{name}.mp4"), span.end_s, fps, None)
    person = Person("p1", (span,), n, 100.0, (0, 0, 1, 1), 0.0)
    return Measurement(clip, (person,), tracks, (), (), tuple(events), tuple(missing), {})


def by_frame(values, first=0, name="clip", **more):
    units = {"AU12": values, **more}
    frames = np.arange(first, first + len(values)).astype(float)
    return Coding(name, {u: Frames(frames, np.array(v, float), False) for u, v in units.items()})


def one(measurement, coding, options=None):
    """The agreement on the only unit that was compared."""
    (found,) = compare([measurement], [coding], options or Options()).units
    return found


#  frame   0    1    2    3    4    5
#  ours   0.0  1.4  1.6  3.0  4.0  0.0     B begins at 1.5
#  coder   0    2    B=2  3    5    0
def test_figures_of_one_clip_by_hand():
    found = one(measured(track("AU12", [0, 1.4, 1.6, 3, 4, 0])), by_frame([0, 2, 2, 3, 5, 0]))
    assert (found.unit, found.n_frames, found.n_clips) == ("AU12", 6, 1)
    assert (found.base_rate, found.our_rate) == pytest.approx((4 / 6, 3 / 6))
    assert found.f1.value == pytest.approx(2 * 3 / (2 * 3 + 1))
    assert found.kappa.value == pytest.approx((5 / 6 - 1 / 2) / (1 / 2))  # by chance: 1/3 + 1/6
    assert found.mean_error.value == pytest.approx(-2 / 6, abs=1e-6)  # -.6, -.4, 0, -1 … of 6
    assert found.mean_absolute_error.value == pytest.approx(2 / 6, abs=1e-6)
    assert found.event_f1.value == 1.0
    assert found.n_events == 1
    assert found.f1.low is None
    assert found.intervals_over is None


def test_moments_that_either_has_not_are_left_out_and_counted():
    ours = track("AU12", [0, NAN, 3, 3, 0])
    found = one(measured(ours), by_frame([0, 3, NAN, 3, 0, 3, 3]))
    assert found.n_frames == 3
    assert found.left_out == {"outside the clip": 2, "not coded": 1, "not measured": 1}
    assert found.f1.value == 1.0


@pytest.mark.parametrize(("first", "options"), [(1, {}), (0, {}), (200, {"first_frame": 200})])
def test_frames_count_from_0_or_from_1_or_as_said(first, options):
    ours = measured(track("AU12", [0, 0, 4, 4, 0, 0]))
    found = one(ours, by_frame([0, 0, 4, 4, 0, 0], first), Options(**options))
    assert found.icc.value == pytest.approx(1.0)


#  coder's 5 frames a second over our 10: every second frame of ours
def test_frames_of_another_rate_find_the_nearest_of_ours():
    ours = measured(track("AU12", [0, 9, 2, 9, 4, 9]))
    found = one(ours, by_frame([0, 2, 4]), Options(fps=5.0))
    assert found.n_frames == 3
    assert found.mean_absolute_error.value == pytest.approx(0.0)


def test_frames_without_any_rate_are_refused_with_the_flag():
    ours = measured(track("AU12", [0, 1]), fps=None)
    with pytest.raises(CodesError, match="--fps 25"):
        one(ours, by_frame([0, 1]))


def test_codes_by_time():
    times_s = np.array([0.0, 0.2, 0.4, 7.0])
    coding = Coding("clip", {"AU12": Frames(times_s, np.array([0, 2, 4, 5.0]), True)})
    found = one(measured(track("AU12", [0, 9, 2, 9, 4, 9])), coding)
    assert found.mean_absolute_error.value == pytest.approx(0.0)
    assert found.left_out == {"outside the clip": 1}


def test_presence_alone_gives_no_figure_of_intensity():
    found = one(measured(track("AU12", [0, 1, 3, 0])), by_frame([0, 0, 1, 0]))
    assert found.f1.value == 1.0  # ours is present from B on: 1 is not
    assert found.icc.value is None
    assert found.pearson.value is None
    assert found.mean_error.value is None


def test_a_probability_is_ranked_and_never_read_as_letters():
    ours = track("AU12", [0.0, 0.4, 0.6, 0.9], unit=Unit.PROBABILITY)
    found = one(measured(ours), by_frame([0, 1, 2, 5]))
    assert found.f1.value == 1.0  # from .5 on
    assert found.spearman.value == pytest.approx(1.0)
    assert found.icc.value is None
    assert found.mean_error.value is None


@pytest.mark.parametrize(("level", "n_coded"), [("A", 3), ("B", 2), ("D", 1)])
def test_present_from_the_level_that_was_asked_for(level, n_coded):
    ours = measured(track("AU12", [0, 1, 2, 4]))
    found = one(ours, by_frame([0, 1, 2, 4]), Options(level=level))
    assert found.base_rate == pytest.approx(n_coded / 4)
    assert found.f1.value == 1.0


# Events ---------------------------------------------------------------------------------------


#  time    0.0                0.5                 1.0
#  ours     .  .  .  4  4  4  .  .  .  .
#  coder             |-- 12C ---|                        0.2 to 0.6
def test_events_are_compared_at_every_frame_of_ours():
    ours = measured(track("AU12", [0, 0, 0, 4, 4, 4, 0, 0, 0, 0]))
    coding = Coding("clip", {"AU12": (Coded(Span(0.2, 0.6), 3.0),)})
    found = one(ours, coding)
    assert found.n_frames == 10
    assert found.base_rate == pytest.approx(0.4)
    assert found.f1.value == pytest.approx(2 * 3 / (2 * 3 + 1))
    assert found.event_f1.value == 1.0


def test_an_event_without_a_letter_counts_as_present_and_not_as_an_intensity():
    ours = measured(track("AU12", [0, 4, 4, 0]), track("AU6", [0, 0, 0, 3]))
    events = {"AU12": (Coded(Span(0.1, 0.3), None),), "AU6": (Coded(Span(0.3, 0.4), 3.0),)}
    (six, twelve) = compare([ours], [Coding("clip", events)], Options()).units
    assert (six.unit, six.icc.value) == ("AU6", pytest.approx(1.0))
    assert twelve.f1.value == 1.0
    assert twelve.icc.value is None  # what is left is 0 all along


def test_who_codes_events_codes_every_one_in_all_clips():
    ours = [measured(track("AU12", [0, 4, 0, 0]), name=name) for name in ("a", "b")]
    codes = [
        Coding("a", {"AU12": (Coded(Span(0.1, 0.2), 4.0),)}),
        Coding("b", {"AU6": (Coded(Span(0.1, 0.2), 4.0),)}),
    ]
    found = {u.unit: u for u in compare(ours, codes, Options()).units}
    assert found["AU12"].n_frames == 8
    assert found["AU12"].our_rate == 2 * found["AU12"].base_rate


#  ours     . 4 4 . . . . 4 . .         the first is found, 0.9 begins 0.1 late, 0.5 is missed
#  coder    . 4 . . . 4 . . . 4
@pytest.mark.parametrize(("tolerance_s", "f1"), [(0.0, 2 / 5), (0.15, 4 / 5)])
def test_events_match_within_the_tolerance(tolerance_s, f1):
    ours = measured(track("AU12", [0, 4, 4, 0, 0, 0, 0, 4, 0, 0]))
    coding = by_frame([0, 4, 0, 0, 0, 4, 0, 0, 0, 4])
    found = one(ours, coding, Options(tolerance_s=tolerance_s))
    assert found.n_events == 3
    assert found.event_f1.value == pytest.approx(f1)


# Units that need a word -----------------------------------------------------------------------


def test_a_blink_is_no_closed_eye():
    ours = measured(track("AU43", [0, 4, 0, 4, 4, 4]), events=[event("AU45", 0.1, 0.1)])
    coding = by_frame([0] * 6, AU45=[0, 1, 0, 0, 0, 0], AU43=[0, 0, 0, 1, 1, 1])
    found = {u.unit: u for u in compare([ours], [coding], Options()).units}
    assert set(found) == {"AU43", "AU45"}
    assert found["AU43"].f1.value == 1.0
    assert found["AU45"].f1.value == 1.0


def test_turns_of_the_head_come_from_events_and_are_known_where_the_pose_is():
    pose = track("pose_yaw", [0, 30, 30, NAN], unit=Unit.DEGREE)
    ours = measured(pose, events=[event("AU51", 0.1, 0.2)])
    coding = by_frame([0] * 4, AU51=[0, 1, 1, 1])
    (found,) = compare([ours], [coding], Options()).units
    assert (found.unit, found.n_frames, found.f1.value) == ("AU51", 3, 1.0)
    assert found.left_out == {"not measured": 1}


def test_sides_are_compared_with_sides_and_the_stronger_is_the_whole():
    left, right = track("AU14", [0, 4, 0, 0], Side.LEFT), track("AU14", [0, 0, 3, 0], Side.RIGHT)
    frames = np.arange(4.0)
    coded = {"AU14L": [0, 4, 0, 0], "AU14R": [0, 0, 3, 0]}
    coding = Coding(
        "clip", {u: Frames(frames, np.array(v, float), False) for u, v in coded.items()}
    )
    found = {u.unit: u for u in compare([measured(left, right)], [coding], Options()).units}
    assert set(found) == {"AU14", "AU14L", "AU14R"}
    assert all(u.icc.value == pytest.approx(1.0) for u in found.values())
    assert found["AU14"].base_rate == 0.5


def test_a_side_that_we_do_not_tell_apart_is_said():
    coding = Coding("clip", {"AU12L": Frames(np.arange(3.0), np.array([0, 3, 0.0]), False)})
    done = compare([measured(track("AU12", [0, 3, 0]))], [coding], Options())
    assert [u.unit for u in done.units] == ["AU12"]
    assert done.not_measured == {"AU12L": "its sides are not told apart here"}


def test_what_we_do_not_measure_is_listed_with_the_reason():
    missing = [NotMeasured("AU9, AU23", "need the skin's texture")]
    coding = by_frame([0, 3], AU9=[0, 3], AU99=[0, 3], AU20=[0, 3])
    done = compare([measured(track("AU12", [0, 3]), missing=missing)], [coding], Options())
    assert done.not_measured == {
        "AU9": "need the skin's texture",
        "AU20": "not measured by this backend",
        "AU99": "no unit that we know",
    }


def test_a_clip_without_a_face():
    nobody = replace(measured(track("AU12", [0, 3])), people=())
    done = compare([nobody], [by_frame([0, 3])], Options())
    assert (done.units, done.not_measured) == ((), {"AU12": "no face was seen"})


# Several clips --------------------------------------------------------------------------------


def many(n, n_frames=40):
    rng = np.random.default_rng(0)
    ours, codes = [], []
    for k in range(n):
        truth = np.repeat(rng.integers(0, 6, n_frames // 5), 5).astype(float)
        seen = np.clip(truth + rng.normal(0, 0.5, n_frames), 0, 5)
        ours.append(measured(track("AU12", seen), name=f"Left{k:03}_comp"))
        codes.append(by_frame(truth, name=f"{k:03}"))
    return ours, codes


@pytest.mark.parametrize(("n", "n_frames", "over"), [(6, 40, "clips"), (2, 200, "blocks of 5 s")])
def test_intervals_are_over_clips_where_there_are_enough_else_over_blocks(n, n_frames, over):
    done = compare(*many(n, n_frames), Options())
    (found,) = done.units
    assert len(done.clips) == n
    assert found.intervals_over == over
    for figure in (found.f1, found.event_f1, found.kappa, found.icc, found.mean_error):
        assert figure.low <= figure.value <= figure.high
    assert found.icc.value > 0.9


def test_clips_and_codes_are_paired_by_name_and_the_rest_is_named():
    ours, codes = many(3)
    done = compare(ours[:2], codes[1:], Options())
    assert done.clips == (("Left001_comp.mp4", "001"),)
    assert done.without_codes == ("Left000_comp.mp4",)
    assert done.without_result == ("002",)


def test_one_clip_and_one_coding_belong_together_whatever_they_are_called():
    (pair,) = paired([measured(name="a")], [by_frame([0], name="b")])
    assert pair[1].clip == "b"


def test_codes_of_no_clip_at_all_are_refused():
    ours, codes = many(3)
    with pytest.raises(CodesError, match=r"002.*Rename"):
        compare(ours[:2], codes[2:], Options())
