import dataclasses

import numpy as np
import pytest

from demeanor.explain.demo.script import (
    AU_WEIGHTS,
    Expression,
    Intent,
    Pulse,
    Script,
    Spoken,
    TruthEvent,
    head_at,
    load_script,
    parse_script,
    truth,
    weights_of,
)
from demeanor.explain.errors import SettingsError, UnknownName
from demeanor.explain.records import Span

SMALL = """
duration_s: 1.0
fps: 10
size_px: 64
seed: 0
expressions:
  - {au: AU12, onset_s: 0.2, apex_s: 0.4, offset_s: 0.8, intensity: 5}
"""


#  time_s   0.2   0.3   0.4   0.5   0.6   0.7   0.8
#  level     0    .5     1   .85   .5    .15    0      rise in 0.2 s, fall in 0.4 s
@pytest.mark.parametrize(
    ("time_s", "level"),
    [(0.1, 0), (0.2, 0), (0.3, 0.5), (0.4, 1), (0.5, 0.853553), (0.6, 0.5), (0.8, 0), (0.9, 0)],
)
def test_a_pulse_rises_to_one_apex_and_falls(time_s, level):
    assert Pulse(0.2, 0.4, 0.8).level(time_s) == pytest.approx(level, abs=1e-6)


def test_frame_weights_and_events_of_a_small_script():
    known = truth(parse_script(SMALL))
    expected = [0, 0, 0, 0.5, 1, 0.853553, 0.5, 0.146447, 0, 0]
    np.testing.assert_allclose(known.weights["mouthSmile"], expected, atol=1e-6)
    np.testing.assert_allclose(known.times_s, np.arange(10) / 10)
    assert known.events == (TruthEvent("AU12", 0.2, 0.4, 0.8, 5, Intent.SCRIPTED),)
    assert not known.head_deg.any()


def test_weight_is_a_fifth_of_the_intensity():
    assert weights_of({"AU1": 4, "AU6": 2.5}) == pytest.approx(
        {"browInnerUp": 0.8, "cheekRaiser": 0.5, "eyeSquint": 0.15}
    )


def test_a_dropped_jaw_parts_the_lips_by_itself():
    assert weights_of({"AU25": 4, "AU26": 4}) == pytest.approx({"jawOpen": 0.8})
    apart = weights_of({"AU25": 4, "AU26": 1})  # AU25 adds what is missing: 3 of 5
    assert apart["mouthLowerDown"] == pytest.approx(0.6 * AU_WEIGHTS["AU25"]["mouthLowerDown"])


def test_speech_drops_the_jaw_only_where_the_script_does_not():
    assert weights_of({"AU26": 3}, lips=1)["jawOpen"] == pytest.approx(0.6)
    assert weights_of({"AU26": 0}, lips=1)["jawOpen"] == pytest.approx(0.2)


#  frame      0    1    2    3    4    5 ...   a line from 0.1 to 0.4 s, loudest at 0.2 s
#  loudness   0   .5    1   .5    0    0
def test_lips_of_speech_are_incidental_truth():
    loudness = np.array([0, 0.5, 1, 0.5, 0, 0, 0, 0, 0, 0])
    said = Spoken("oh", Span(0.1, 0.4), 1.5, loudness)
    known = truth(parse_script(SMALL), [said])
    incidental = [e for e in known.events if e.kind is Intent.INCIDENTAL]
    assert incidental == [
        TruthEvent("AU25", 0.1, 0.2, 0.4, 1.5, Intent.INCIDENTAL),
        TruthEvent("AU26", 0.1, 0.2, 0.4, 1.5, Intent.INCIDENTAL),
    ]
    np.testing.assert_allclose(known.weights["jawOpen"], 0.3 * loudness)
    assert known.utterances == ((Span(0.1, 0.4), "oh"),)
    assert known.of("AU25") == ()  # nothing of it was scripted


def test_head_moves_add_up():
    text = SMALL + (
        "head:\n"
        "  - {onset_s: 0.0, apex_s: 0.5, offset_s: 1.0, yaw_deg: 8}\n"
        "  - {onset_s: 0.4, apex_s: 0.5, offset_s: 0.6, yaw_deg: -2, pitch_deg: 3}\n"
    )
    script = parse_script(text)
    assert head_at(script, 0.5) == pytest.approx((6.0, 3.0, 0.0))
    assert head_at(script, 0.25) == pytest.approx((4.0, 0.0, 0.0))


def test_rest_is_added_to_every_picture_and_is_no_event():
    known = truth(parse_script(SMALL + "rest: {mouthSmile: 0.2, eyeBlink: 0.1}\n"))
    np.testing.assert_allclose(known.weights["eyeBlink"], 0.1)
    expected = [0.2, 0.2, 0.2, 0.7, 1, 1, 0.7, 0.346447, 0.2, 0.2]  # never above 1
    np.testing.assert_allclose(known.weights["mouthSmile"], expected, atol=1e-6)
    assert [e.code for e in known.events] == ["AU12"]


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("apex_s: 0.4", "apex_s: 0.1", r"expressions\[0\]: wanted 0 <= onset_s < apex_s"),
        ("apex_s: 0.4", "apex_s: 0.9", "apex_s < offset_s"),
        ("intensity: 5", "intensity: 6", "intensity: wanted 0 to 5"),
        ("intensity: 5", "strength: 5", r"unknown keys \['strength'\]"),
        ("intensity: 5", "intensity: strong", r"expressions\[0\]"),
        ("onset_s: 0.2, ", "", "onset_s"),
        ("duration_s: 1.0", "duration_s: 0.7", "ends after the clip"),
        ("seed: 0", "seed: 0\nrest: {jawOpen: 0.9}", "rest: jawOpen: wanted 0 to 0.3"),
        ("fps: 10", "fps: 0", "fps: wanted 1 to 120"),
        ("size_px: 64", "size_px: 65", "wanted an even number"),
        ("duration_s: 1.0", "duration_s: .nan", "duration_s: wanted"),
        ("seed: 0", "sead: 0", r"unknown keys \['sead'\]"),
        ("expressions:\n", "expressions: 3\nhead:\n", "wanted a list"),
        ("expressions:\n", "expressions: [\n", "not readable as YAML"),
    ],
)
def test_what_is_wrong_in_a_script_is_said(before, after, said):
    assert before in SMALL
    with pytest.raises(SettingsError, match=said):
        parse_script(SMALL.replace(before, after))


def test_an_action_unit_that_cannot_be_shown_is_an_error():
    with pytest.raises(UnknownName, match="'AU99'"):
        parse_script(SMALL.replace("AU12", "AU99"))


def test_loud_lips_are_refused():
    with pytest.raises(SettingsError, match="lips: wanted 0 to 2"):
        parse_script(SMALL + "speech: [{text: oh, start_s: 0.1, lips: 3}]")


def test_a_missing_script_is_named(tmp_path):
    with pytest.raises(SettingsError, match=r"none\.yaml does not exist"):
        load_script(tmp_path / "none.yaml")


@pytest.fixture(scope="module")
def shipped() -> Script:
    return load_script()


def test_every_apex_of_the_shipped_script_is_a_picture(shipped):
    frames = np.array([e.apex_s for e in shipped.expressions]) * shipped.fps
    np.testing.assert_allclose(frames, np.round(frames), atol=1e-6)


def test_blinks_of_the_shipped_script_are_short_and_apart(shipped):
    blinks = [e for e in shipped.expressions if e.au == "AU45"]
    others = [e.apex_s for e in shipped.expressions if e.au != "AU45"]
    assert len(blinks) >= 3
    for blink in blinks:
        assert 0.15 <= blink.offset_s - blink.onset_s <= 0.25
        assert not any(blink.onset_s <= apex_s <= blink.offset_s for apex_s in others)


def test_shipped_head_stays_within_twelve_degrees(shipped):
    assert np.abs(truth(shipped).head_deg).max() <= 12


def test_hash_changes_with_the_text():
    first, second = parse_script(SMALL), parse_script(SMALL + "# a remark\n")
    assert first.sha256 != second.sha256
    assert dataclasses.replace(second, sha256=first.sha256) == first


def test_an_expression_needs_its_order():
    with pytest.raises(SettingsError, match=r"found 0\.3, 0\.3, 0\.5"):
        Expression(0.3, 0.3, 0.5, "AU12", 3)
