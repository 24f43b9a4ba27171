"""The packaged clip is what its script says."""

import re

import av
import pytest

from demeanor.explain.demo import demo_clip, demo_truth
from demeanor.explain.demo.script import Intent, load_script


@pytest.fixture(scope="module")
def script():
    return load_script()


def test_pictures_and_sound_last_as_long_as_the_script(script):
    with av.open(str(demo_clip())) as container:
        video, audio = container.streams.video[0], container.streams.audio[0]
        assert (video.width, video.height) == (script.size_px, script.size_px)
        assert video.average_rate == script.fps
        assert audio.channels == 1
        assert container.duration / av.time_base == pytest.approx(script.duration_s, abs=0.1)
        assert "SYNTHETIC" in container.metadata["title"]
        assert "ICT-FaceKit (MIT" in container.metadata["comment"]
        n_frames = sum(1 for _ in container.decode(video))
    assert n_frames == len(script.times_s)


def test_the_clip_is_small_and_can_be_streamed():
    data = demo_clip().read_bytes()
    assert len(data) < 1_000_000
    assert data.index(b"moov") < data.index(b"mdat")  # the index comes first


def test_the_truth_is_that_of_the_shipped_script(script):
    known = demo_truth()
    assert known.facts["script_sha256"] == script.sha256
    scripted = {(e.code, e.apex_s, e.intensity) for e in known.events if e.kind is Intent.SCRIPTED}
    assert scripted == {(e.au, e.apex_s, e.intensity) for e in script.expressions}
    assert len(known.times_s) == len(script.times_s)
    assert [text for _, text in known.utterances] == [line.text for line in script.speech]


def test_speech_keeps_clear_of_the_apexes_and_moves_the_lips_little(script):
    known = demo_truth()
    spans = [span for span, _ in known.utterances]
    for event in known.events:
        if event.kind is Intent.INCIDENTAL:
            assert event.intensity <= 2
        elif event.code != "AU45":
            assert not any(span.contains(event.apex_s, slack_s=0.2) for span in spans)


def test_subtitles_say_what_is_said_and_when():
    text = demo_clip().with_suffix(".srt").read_text("utf-8")
    found = re.findall(r"(\d\d):(\d\d):(\d\d),(\d{3}) --> \S+\n(.+)", text)
    starts_s = [int(h) * 3600 + int(m) * 60 + int(s) + int(ms) / 1000 for h, m, s, ms, _ in found]
    known = demo_truth().utterances
    assert [line for *_, line in found] == [text for _, text in known]
    assert starts_s == pytest.approx([span.start_s for span, _ in known], abs=0.001)
