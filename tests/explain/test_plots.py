"""Inline SVG: where things are drawn, gaps, bands, and how few points a long line needs."""

import xml.etree.ElementTree as ET
from dataclasses import replace

import numpy as np
import pytest
from drawn_results import LOST, TIMES_S, observation, observations, said, smile, track

from demeanor.explain import plots
from demeanor.explain.records import Kind, Span, Unit, Usual

FOUR_S = plots.TimeScale(4.0)


def drawn(svg):
    return ET.fromstring(str(svg))  # noqa: S314  our own drawing


def by_class(root, name):
    return [e for e in root.iter() if name in e.get("class", "").split()]


def test_time_is_drawn_from_left_to_right():
    assert FOUR_S.x(0.0) == plots.LEFT
    assert FOUR_S.x(2.0) == (plots.LEFT + plots.RIGHT) / 2
    assert FOUR_S.x(9.0) == plots.RIGHT  # nothing is drawn beyond the edge


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [(0, 4, [0, 1, 2, 3, 4]), (0, 14.4, [0, 5, 10]), (-20, 20, [-20, -10, 0, 10, 20])],
)
def test_ticks_are_round_numbers(low, high, ticks):
    assert plots.nice_ticks(low, high, 4) == ticks


def test_a_short_line_keeps_every_point_and_breaks_at_the_gap():
    runs = plots.decimate(smile().times_s, smile().values)
    assert [len(run) for run in runs] == [25, 11]
    assert runs[0][19] == (1.9, 3.0)


def test_ten_minutes_are_drawn_with_few_points_and_no_peak_is_lost():
    times_s = np.arange(18_000) / 30
    values = np.zeros(18_000, np.float32)
    values[7] = 4.5  # one frame
    values[9_000:9_600] = np.nan
    runs = plots.decimate(times_s, values)
    assert sum(map(len, runs)) <= plots.MAX_POINTS
    assert len(runs) == 2
    assert (times_s[7], 4.5) in runs[0]


def test_a_gap_is_hatched_and_says_why():
    root = drawn(plots.track_plot(smile(), None, (), FOUR_S, "AU12"))
    (gap,) = by_class(root, "gap")
    assert float(gap.get("x")) == pytest.approx(FOUR_S.x(2.5), abs=0.1)
    titles = [e.text for e in root.iter() if e.tag.endswith("title")]
    assert titles == [f"not measured 2.50–3.00 s: {LOST}"]
    (line,) = by_class(root, "line")
    assert line.get("d").count("M") == 2


def test_a_gap_without_a_reason_is_told_too():
    bare = replace(smile(), missing=())
    assert plots.gaps_of(bare, 200) == [(Span(2.5, 3.0), "no reason was kept")]


def test_gaps_that_no_screen_could_part_are_drawn_as_one():
    many = tuple((Span(i * 0.002, i * 0.002 + 0.001), LOST) for i in range(500))
    assert len(plots.gaps_of(replace(smile(), missing=many), 200)) == 2  # with the unstated one


def test_an_event_is_a_band_that_links_to_its_observation():
    shown = observations()[0]
    root = drawn(plots.track_plot(smile(), None, (shown,), FOUR_S, "AU12"))
    (band,) = by_class(root, "band")
    assert (band.get("href"), band.get("data-obs")) == ("#o-f1", "f1")
    (box,) = by_class(root, "event")
    assert float(box.get("x")) == pytest.approx(FOUR_S.x(1.5), abs=0.1)
    assert float(box.get("width")) == pytest.approx(FOUR_S.x(2.4) - FOUR_S.x(1.5), abs=0.1)


def test_ids_never_overwrite_one_another():
    close = [observation(f"f{i}", "AU12", (1.0 + i * 0.02, 1.01 + i * 0.02)) for i in range(9)]
    held = observation("f99", "AU12", (0.0, 4.0), kind=Kind.STATE)
    late = observation("f98", "AU12", (3.95, 4.0))
    root = drawn(plots.track_plot(smile(), None, (*close, late, held), FOUR_S, "AU12"))
    names = [e.text for e in by_class(root, "id") if e.text]
    assert names == ["f99 throughout", "f0", "f5"]  # f98 would reach into "f99 throughout"
    assert len(by_class(root, "band")) == 11  # and yet every event is drawn


def test_the_usual_level_is_dashed_where_it_is_known():
    known = Usual("p1", "AU12", None, 1.0, 0.1, 0.0, Unit.FACS_INTENSITY)
    root = drawn(plots.track_plot(smile(), known, (), FOUR_S, "AU12"))
    assert len(by_class(root, "usual")) == 1
    unknown = replace(known, own=None)
    root = drawn(plots.track_plot(smile(), unknown, (), FOUR_S, "AU12"))
    assert by_class(root, "usual") == []


def test_pitch_is_told_in_hertz():
    wide = track("F0semitoneFrom27.5Hz", np.linspace(24, 36, 41), None, Unit.SEMITONE)
    assert [text for _, text in plots.value_scale(wide).ticks] == [
        "125 Hz",
        "150 Hz",
        "200 Hz",
    ]


def test_one_moment_of_silence_does_not_flatten_a_voice():
    level = np.linspace(-39, -21, 101)
    level[0] = -150.0
    loud = track("equivalentSoundLevel_dBp", [0.0], None, Unit.DECIBEL)
    scale = plots.value_scale(replace(loud, times_s=np.arange(101.0), values=level))
    assert (scale.low, scale.high) == (-40.0, -20.0)  # ticks every five


def test_nothing_measured_draws_axes_and_no_line():
    empty = track("HNRdBACF", np.full(41, np.nan), None, Unit.DECIBEL)
    (line,) = by_class(drawn(plots.track_plot(empty, None, (), FOUR_S, "hnr")), "line")
    assert line.get("d") == ""


def test_a_lone_sample_is_drawn_as_a_dot():
    values = np.full(41, np.nan)
    values[20] = 2.0
    root = drawn(plots.track_plot(track("AU12", values), None, (), FOUR_S, "AU12"))
    assert by_class(root, "line")[0].get("d").endswith("h0")


def test_words_stand_where_they_were_said():
    utterance = said('<b>"&')
    root = drawn(plots.words_lane((utterance,), observations('<b>"&'), FOUR_S))
    assert [e.text for e in by_class(root, "word")] == ["one", "two"]
    (band,) = by_class(root, "band")
    assert band.get("data-obs") == "s1"
    assert band[0].text == 's1: <b>"&'  # escaped in the markup, itself again when read


@pytest.mark.parametrize(
    ("text", "n", "cut"), [("abc", 3, "abc"), ("abcdef", 5, "abcd…"), ("abcdef", 3, "")]
)
def test_text_is_cut_where_it_would_not_fit(text, n, cut):
    assert plots.cut(text, n) == cut


def test_bars_of_a_picture():
    assert 'width="120.0"' in plots.intensity_bar(3.0)  # 40 units for each of five
    assert "3.0 of 5 (C)" in plots.intensity_bar(3.0)
    assert 'class="gap"' in plots.intensity_bar(None)


def test_the_affect_circle_has_pleasant_right_and_activated_up():
    (dot,) = by_class(drawn(plots.circumplex(1.0, 0.5)), "dot")
    assert (float(dot.get("cx")), float(dot.get("cy"))) == (142.0, 49.0)


def test_times_are_shared_by_all_plots():
    svg = plots.track_plot(smile(), None, (), FOUR_S, "AU12")
    assert drawn(svg).get("data-t1") == "4.000"
    assert len(by_class(drawn(plots.time_axis(FOUR_S)), "tick")) == len(FOUR_S.ticks_s) + 1
    assert TIMES_S[-1] == 4.0


def test_valence_and_arousal_keep_their_scale_however_little_they_move():
    near_zero = track("valence", np.linspace(-0.1, 0.2, 41), unit=Unit.RATIO)
    scale = plots.value_scale(near_zero)
    assert (scale.low, scale.high) == (-1.0, 1.0)
    assert [text for _, text in scale.ticks] == ["−1", "0", "1"]
