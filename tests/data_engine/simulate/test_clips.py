"""A clip is a function of its number; its text is the product's own, and names no emotion."""

import re
from collections import Counter

import pytest
from emotion_words import EMOTION_WORDS

from demeanor.data_engine.simulate.clips import CLIPS_PER_PERSON, WEIGHTS, Scenario, draw_clip
from demeanor.explain.pipeline import observed
from demeanor.explain.reasoning.chat import Request
from demeanor.explain.reasoning.prototype import Prototype
from demeanor.explain.records import Channel, Kind, Unit
from demeanor.explain.settings import load_settings
from demeanor.explain.store import from_plain, to_plain
from demeanor.explain.textualization.timeline import timeline

N = 240
SETTINGS = load_settings().timeline


@pytest.fixture(scope="module")
def clips():
    return [draw_clip(5, number) for number in range(N)]


def text_of(clip):
    people = clip.measurement.people
    result = observed(clip.measurement)
    person = people[0].person if people else None
    return timeline(clip.measurement, result.observations, person, SETTINGS), result.observations


def emotion_words_of(text):
    """Outside of what is quoted."""
    plain = re.sub(r'"(?:[^"\\]|\\.)*"', "", text.text).lower().replace("neutral faces", "")
    return set(re.findall(r"[a-z]+", plain)) & EMOTION_WORDS


def test_the_same_number_is_the_same_clip(clips):
    for number in (0, 17, 200):
        again = draw_clip(5, number)
        assert to_plain(again.measurement) == to_plain(clips[number].measurement)
        assert again.truth == clips[number].truth
    assert to_plain(draw_clip(6, 0).measurement) != to_plain(clips[0].measurement)


def test_clips_have_names_of_their_own(clips):
    assert len({c.measurement.clip.clip_id for c in clips}) == N


def test_a_person_keeps_face_and_voice_from_clip_to_clip(clips):
    """What is held in two clips of one person, looked at with the same backend, is the same."""
    assert len({c.subject for c in clips}) == N / CLIPS_PER_PERSON
    held: dict[tuple[str, str], set[frozenset[str]]] = {}
    for clip in clips:
        covered = any("AU" in g.what and g.person for g in clip.measurement.not_measured)
        if clip.measurement.clip.duration_s == 0 or not clip.measurement.people or covered:
            continue
        codes = frozenset(
            e.code
            for e in clip.measurement.events
            if e.person == "p1" and e.kind is Kind.STATE and e.unit is Unit.FACS_INTENSITY
        )
        key = (clip.subject, clip.measurement.settings["face_backend"]["name"])
        held.setdefault(key, set()).add(codes)
    assert all(len(found) == 1 for found in held.values())
    assert len({found for several in held.values() for found in several}) > 10


def test_scenarios_come_as_often_as_they_are_meant_to(clips):
    counts = Counter(c.truth.scenario for c in clips)
    for scenario, share in WEIGHTS.items():
        assert counts[scenario] / N == pytest.approx(share, abs=0.06), scenario


def test_no_line_of_a_timeline_names_an_emotion_quoted_speech_apart(clips):
    for clip in clips:
        text, _ = text_of(clip)
        assert not (found := emotion_words_of(text)), (found, clip.number)


def test_nothing_is_observed_of_what_is_said_to_be_unmeasured(clips):
    for clip in clips:
        _, observations = text_of(clip)
        gaps = {g.what for g in clip.measurement.not_measured if g.span is None}
        hidden = {c for what in gaps for c in re.findall(r"AU\d+", what)}
        own = [o for o in observations if o.person in ("p1", None)]
        assert not hidden & {o.code for o in own}, clip.number
        if "voice" in gaps:
            assert not [o for o in observations if o.channel is Channel.VOICE]
        if "words" in gaps:
            assert not [o for o in observations if o.channel is Channel.SPEECH]


def test_spans_lie_within_the_clip(clips):
    for clip in clips:
        whole = clip.measurement.clip.duration_s
        for event in clip.measurement.events:
            assert 0 <= event.span.start_s <= event.apex_s <= event.span.end_s
            assert event.span.end_s <= whole + 0.5, (clip.number, event)


def test_every_utterance_has_its_meaning(clips):
    for clip in clips:
        assert len(clip.truth.words) == len(clip.measurement.utterances)


def test_a_measurement_survives_its_file(clips):
    plain = to_plain(clips[3].measurement)
    kind = type(clips[3].measurement)
    assert to_plain(from_plain(kind, plain)) == plain


def test_the_second_face_is_not_the_first_ones_evidence(clips):
    two = [c for c in clips if c.truth.scenario is Scenario.TWO_PEOPLE]
    assert two
    for clip in two:
        text, observations = text_of(clip)
        others = {o.obs_id for o in observations if o.person == "p2"}
        assert not others & {line.obs_id for line in text.lines}


def test_the_product_reads_drawn_clips_like_any_other(clips, seven):
    """The prototype's own chain: no special case for what was drawn."""
    replies = []
    for clip in clips[:40]:
        text, observations = text_of(clip)
        request = Request(
            clip.measurement.clip.clip_id,
            text.person,
            text,
            tuple(o for o in observations if o.person in (text.person, None)),
            clip.measurement.not_measured,
            seven,
            500,
            0,
        )
        replies.append(Prototype().reply(request))
    assert len(set(replies)) > 30


@pytest.fixture(scope="module")
def seven():
    from drawn_observations import SEVEN

    return SEVEN


def test_a_lively_clip_shows_the_same_again_and_much_beside_it():
    drawn = [draw_clip(9, number, {Scenario.LIVELY: 1.0}) for number in range(40)]
    codes = [[e.code for e in c.measurement.events if e.channel is Channel.FACE] for c in drawn]
    again = [len(found) - len(set(found)) for found in codes]
    assert sorted(again)[len(again) // 2] >= 5
    told = {e.code for c in drawn for e in c.measurement.events}
    assert {"gaze_away", "music_share", "noise_share", "HNRdBACF"} <= told
    assert any(code.startswith("hand_") for code in told)
    for clip in drawn:
        assert clip.measurement.clip.duration_s >= 6.0
        text, _ = text_of(clip)
        assert not emotion_words_of(text)
