import multiprocessing
from dataclasses import replace

import pytest
from drawn_build import write_corpus
from drawn_measurement import drawn_measurement

from demeanor.data_engine import perceive as module
from demeanor.data_engine.config import PerceptionConfig, SourceConfig
from demeanor.data_engine.perceive import Perceiver, measures, perceive_at_once
from demeanor.data_engine.sources import Sample, read_source
from demeanor.explain import pipeline
from demeanor.explain.corpora.items import Item
from demeanor.explain.demo import demo_clip
from demeanor.explain.errors import DemeanorError


def sample(path, **changes):
    return Sample(replace(Item(path.name, "anger", path), **changes), path.name, ("anger",))


@pytest.fixture
def perceiver(tmp_path, monkeypatch):
    """Measures the demo clip, whatever it is asked about; `measured` says how often."""
    monkeypatch.setattr(pipeline, "user_cache_path", lambda name: tmp_path / "cache" / name)
    made = Perceiver(PerceptionConfig(face="mesh"))
    made.measured = []

    def measure(front, path, transcript=None, progress=None):
        made.measured.append(path)
        return drawn_measurement()

    monkeypatch.setattr(pipeline.Front, "measure", measure)
    return made


def test_what_was_observed_is_kept_and_read_again(perceiver):
    clip = sample(demo_clip())
    assert not perceiver.is_cached(clip)
    first = perceiver.perceive(clip)
    assert perceiver.is_cached(clip)
    again = perceiver.perceive(clip)
    assert (again.observations, again.timeline) == (first.observations, first.timeline)
    assert len(perceiver.measured) == 1
    assert all(o.person in (first.person, None) for o in first.observations)


def test_half_a_file_in_the_cache_is_measured_anew(perceiver):
    clip = sample(demo_clip())
    first = perceiver.perceive(clip)
    kept = perceiver._kept(clip)
    kept.write_bytes(kept.read_bytes()[:50])
    assert perceiver.perceive(clip).observations == first.observations


def test_words_of_the_corpus_stand_in_where_there_is_no_transcript():
    spoken = drawn_measurement()
    silent = replace(spoken, utterances=())
    found = module._with_words(silent, "I am here")
    assert [u.text for u in found.utterances] == ["I am here"]
    assert not any(gap.what == "words" for gap in found.not_measured)
    assert module._with_words(spoken, "other").utterances == spoken.utterances


def test_the_content_decides_and_not_the_name(tmp_path, perceiver):
    for name, data in (("a.jpg", b"1"), ("b.jpg", b"1"), ("c.jpg", b"2")):
        (tmp_path / name).write_bytes(data)
    keys = [perceiver.content_key(sample(tmp_path / n)) for n in ("a.jpg", "b.jpg", "c.jpg")]
    assert keys[0] == keys[1] != keys[2]
    (tmp_path / "a.srt").write_text("1\n00:00:00,000 --> 00:00:01,000\nhello\n")
    assert perceiver.content_key(sample(tmp_path / "a.jpg")) != keys[0]


def test_a_sample_without_a_clip_is_told_where_to_name_it(perceiver):
    bare = Sample(Item("x", "anger"), "x", ("anger",))
    with pytest.raises(DemeanorError, match=r"source\.media"):
        perceiver.perceive(bare)
    assert not perceiver.is_cached(bare)


def test_values_of_others_are_taken_as_they_are(tmp_path):
    source = read_source(SourceConfig("expllm", write_corpus(tmp_path)))
    found = [Perceiver(PerceptionConfig()).perceive(s) for s in source.samples]
    assert not any(map(measures, source.samples))
    assert {o.code for o in found[0].observations} == {"AU1", "AU2", "AU5", "AU26"}
    assert found[1].observations == ()


class Drawn(Perceiver):
    """In a child process: finds nothing in the first, and no clip in the second."""

    def perceive(self, sample):
        if sample.item.item_id == "b.jpg":
            raise ValueError("broken")
        if sample.item.item_id == "c.jpg":
            raise DemeanorError("no clip")


def test_several_processes_tell_what_could_not_be_perceived(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "Perceiver", Drawn)
    samples = [sample(tmp_path / name) for name in ("a.jpg", "b.jpg", "c.jpg")]
    config = PerceptionConfig(processes=2)
    found = {s.path: e and str(e) for s, e in perceive_at_once(config, samples, "fork")}
    assert found == {"a.jpg": None, "b.jpg": "ValueError: broken", "c.jpg": "no clip"}
    assert multiprocessing.active_children() == []
