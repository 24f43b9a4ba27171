"""From a clip to a result: the cache, who is explained, and words that a model cannot read."""

import dataclasses
import gzip
import subprocess
import sys

import clips
import numpy as np
import pytest
from drawn_measurement import drawn_measurement, drawn_words
from scripted_chat import ScriptedChat, good_reply
from scripted_face import ScriptedFace

from demeanor.explain import pipeline
from demeanor.explain.corpora.labels import label_set
from demeanor.explain.errors import DemeanorError, NotMedia, UnknownName
from demeanor.explain.perception.models import face_backend
from demeanor.explain.pipeline import Front, chosen_people, neutral_options, observed, reason
from demeanor.explain.records import Person, Span
from demeanor.explain.settings import load_settings
from demeanor.explain.store import to_plain

SETTINGS = load_settings()
SEVEN = label_set("rafdb7")


@pytest.fixture(autouse=True)
def own_cache(monkeypatch, tmp_path):
    monkeypatch.setattr(pipeline, "user_cache_path", lambda name: tmp_path / "cache" / name)


@pytest.fixture
def clip(tmp_path):
    frames = [np.full((160, 160, 3), 100, np.uint8)] * 10
    return clips.write(tmp_path / "a.mp4", frames, subtitles=[(0.1, 0.3, "Hello")])


def kept():
    return sorted(pipeline.cache_folder().glob("*"))


# The cache ------------------------------------------------------------------------------------


def test_what_was_measured_is_taken_from_the_cache_and_is_the_same(clip):
    front = Front(ScriptedFace(), SETTINGS)
    fresh = front.measure(clip)
    n_frames = front.backend.n_frames
    again = front.measure(clip)
    assert front.backend.n_frames == n_frames == 10  # nothing was measured twice
    assert to_plain(again) == to_plain(fresh)
    assert len(kept()) == 1


def test_rest_shown_elsewhere_is_measured_anew(clip, tmp_path):
    rest = clips.write(tmp_path / "rest.mp4", [np.full((160, 160, 3), 100, np.uint8)] * 5)
    for where in (None, neutral_options("0.1"), neutral_options(0.2), neutral_options(clip=rest)):
        front = Front(ScriptedFace(), SETTINGS, neutral=where)
        front.measure(clip)
        assert front.backend.n_frames >= 10  # nothing came from the cache
    assert len(kept()) == 4
    clips.write(rest, [np.full((160, 160, 3), 120, np.uint8)] * 5)  # another file of that name
    Front(ScriptedFace(), SETTINGS, neutral=neutral_options(clip=rest)).measure(clip)
    assert len(kept()) == 5


def test_without_the_cache_nothing_is_kept(clip):
    front = Front(ScriptedFace(), SETTINGS, cache=False)
    front.measure(clip)
    front.measure(clip)
    assert front.backend.n_frames == 20
    assert kept() == []


@pytest.mark.parametrize(
    "data",
    [b"", b"half", gzip.compress(b"{}"), gzip.compress(b'{"clip": 1}')],
    ids=["empty", "no gzip", "no record", "another layout"],
)
def test_a_broken_cache_file_is_measured_anew(clip, data):
    front = Front(ScriptedFace(), SETTINGS)
    fresh = front.measure(clip)
    kept()[0].write_bytes(data)
    assert to_plain(front.measure(clip)) == to_plain(fresh)
    assert front.backend.n_frames == 20
    front.measure(clip)
    assert front.backend.n_frames == 20  # and kept again


def test_a_cache_file_with_a_flipped_bit_is_measured_anew(clip):
    front = Front(ScriptedFace(), SETTINGS)
    fresh = front.measure(clip)
    clips.bit_flipped(kept()[0], 20, seed=0, after=20)
    assert to_plain(front.measure(clip)) == to_plain(fresh)


def test_the_same_content_under_another_name_gets_that_name(clip):
    front = Front(ScriptedFace(), SETTINGS)
    front.measure(clip)
    other = clip.rename(clip.with_name("b.mp4"))
    assert front.measure(other).clip.path == other
    assert front.backend.n_frames == 10


def test_other_settings_other_models_and_other_words_are_measured_apart(clip):
    Front(ScriptedFace(), SETTINGS).measure(clip)
    events = dataclasses.replace(SETTINGS.events, enter=3.0)
    Front(ScriptedFace(), dataclasses.replace(SETTINGS, events=events)).measure(clip)
    Front(ScriptedFace(version="other"), SETTINGS).measure(clip)
    clip.with_suffix(".srt").write_text("1\n00:00:00,000 --> 00:00:00,300\nBeside\n")
    said = Front(ScriptedFace(), SETTINGS).measure(clip).utterances
    assert [u.text for u in said] == ["Beside"]
    assert len(kept()) == 4


def test_a_cache_that_cannot_be_written_costs_nothing_but_time(clip):
    pipeline.cache_folder().parent.mkdir(parents=True)
    pipeline.cache_folder().touch()  # a file where the folder should be
    assert Front(ScriptedFace(), SETTINGS).measure(clip).people


def test_a_transcript_that_is_not_there_is_named(clip, tmp_path):
    with pytest.raises(DemeanorError, match=r"none\.srt"):
        Front(ScriptedFace(), SETTINGS).measure(clip, tmp_path / "none.srt")


def test_what_is_no_clip_is_refused_before_anything_else(tmp_path):
    (tmp_path / "a.mp4").write_text("words")
    with pytest.raises(NotMedia, match=r"a\.mp4"):
        Front(ScriptedFace(), SETTINGS).measure(tmp_path / "a.mp4")
    assert kept() == []


# Who is explained -----------------------------------------------------------------------------


def with_people(*names):
    people = tuple(Person(name, (Span(0, 1),), 25, 100.0, (0, 0, 1, 1), 0.0) for name in names)
    return dataclasses.replace(drawn_measurement(), people=people)


@pytest.mark.parametrize(
    ("seen", "asked", "chosen"),
    [
        (["p1", "p2"], None, ["p1"]),  # whoever was seen longest
        (["p1", "p2"], "p2", ["p2"]),
        (["p1", "p2"], "all", ["p1", "p2"]),
        ([], None, [None]),  # the voice and the words are explained all the same
        ([], "all", [None]),
    ],
)
def test_chosen_people(seen, asked, chosen):
    assert list(chosen_people(with_people(*seen), asked)) == chosen


def test_an_unknown_person_is_told_who_there_is():
    with pytest.raises(UnknownName, match=r"no person in talk\.mp4 'p3'. Known: all, p1, p2"):
        chosen_people(with_people("p1", "p2"), "p3")


# Reasoning ------------------------------------------------------------------------------------


def speaking(*languages):
    chat = ScriptedChat(*[good_reply()] * 9)
    chat.languages = frozenset(languages)
    return chat


def test_each_person_is_asked_about_with_the_own_observations(clip):
    chat = speaking()
    result = reason(observed(with_people("p1", "p2")), chat, SEVEN, "all", SETTINGS)
    assert [request.person for request in chat.asked] == ["p1", "p2"]
    assert {o.person for o in chat.asked[0].observations} == {"p1", None}
    assert {o.person for o in chat.asked[1].observations} == {None}
    assert [t.person for t in result.timelines] == ["p1", "p2"]
    assert [e.person for e in result.explanations] == ["p1", "p2"]


def test_words_the_model_cannot_read_are_left_out_and_declared_and_ids_stay():
    words = (
        drawn_words("Oh, really?", (0.0, 1.0)),
        drawn_words("你真的这么想吗", (1.0, 2.0), language="zh"),
        drawn_words("Well.", (2.0, 3.0)),
    )
    chat = speaking("en")
    result = reason(observed(drawn_measurement(words=words)), chat, SEVEN, None, SETTINGS)
    (request,) = chat.asked
    quotes = {o.obs_id: o.quote for o in request.observations if o.quote}
    assert quotes == {"s1": "Oh, really?", "s3": "Well."}
    assert "你" not in request.timeline.text
    assert "Not measured: meaning of the words" in request.timeline.text
    (gap,) = [n for n in request.not_measured if n.what == "meaning of the words"]
    assert gap.reason == "1 utterances are in zh; this reasoner reads en"
    assert gap in result.measurement.not_measured
    assert result.observation("s2").quote == "你真的这么想吗"  # kept in the result


def test_the_same_word_in_a_language_that_can_be_read_stays():
    words = (
        drawn_words("OK", (0.0, 1.0), language="zh"),
        drawn_words("OK", (2.0, 3.0), language="en"),
    )
    chat = speaking("en")
    reason(observed(drawn_measurement(words=words)), chat, SEVEN, None, SETTINGS)
    assert [o.obs_id for o in chat.asked[0].observations if o.quote] == ["s2"]


def test_a_model_that_reads_anything_gets_everything():
    words = (drawn_words("你真的这么想吗", language="zh"),)
    chat = speaking()
    result = reason(observed(drawn_measurement(words=words)), chat, SEVEN, None, SETTINGS)
    assert [o.quote for o in chat.asked[0].observations if o.quote] == ["你真的这么想吗"]
    assert result.measurement.not_measured == drawn_measurement().not_measured


def test_reasoning_leaves_what_was_measured_alone():
    before = observed(drawn_measurement())
    after = reason(before, speaking(), SEVEN, None, SETTINGS)
    assert before.explanations == ()
    assert after.observations == before.observations
    assert after.measurement.tracks is before.measurement.tracks


# All of it ------------------------------------------------------------------------------------


def test_a_clip_is_explained_by_the_prototype(clip, monkeypatch):
    monkeypatch.setattr(pipeline, "any_backend", lambda name, say: ScriptedFace())
    result = pipeline.explain(clip, chat="prototype")
    (explanation,) = result.explanations
    assert explanation.person == "p1"
    assert explanation.clip_id == result.measurement.clip.clip_id
    assert explanation.provenance.model.startswith("prototype")
    assert explanation.labels or explanation.abstained
    assert pipeline.measure(clip).cue_only


def test_the_real_backend_finds_no_face_in_grey_frames(clip):
    measurement = Front(face_backend("mesh"), SETTINGS).measure(clip)
    assert [n.reason for n in measurement.not_measured if n.what == "face"] == ["no face was seen"]
    assert list(chosen_people(measurement, None)) == [None]


HEAVY = ("torch", "transformers", "langchain_core", "ai_edge_litert", "av", "cv2", "pandas")


def test_importing_the_package_loads_nothing_heavy():
    code = "import sys, demeanor.explain; print([m for m in sys.argv[1:] if m in sys.modules])"
    command = [sys.executable, "-c", code, *HEAVY]
    done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603
    assert done.stdout.strip() == "[]"


def test_the_package_offers_explain_and_measure_and_no_other_name():
    import demeanor.explain

    assert demeanor.explain.explain is pipeline.explain
    assert demeanor.explain.measure is pipeline.measure
    with pytest.raises(AttributeError, match="no attribute 'feel'"):
        _ = demeanor.explain.feel
