"""Rows and builds drawn by hand: no clip is decoded, and a build takes a few milliseconds."""

import hashlib
import json
from dataclasses import replace

import pytest
from drawn_observations import au, gap, pitch, said

from demeanor.data_engine.build import Engine, row_of
from demeanor.data_engine.config import BuildConfig, SourceConfig
from demeanor.data_engine.perceive import Perceived, Perceiver
from demeanor.data_engine.replies import Budget
from demeanor.data_engine.sources import Sample, Source
from demeanor.data_engine.teach import Draft, GrammarTeacher, RuleReader
from demeanor.explain.corpora.catalogue import corpus
from demeanor.explain.corpora.items import Item
from demeanor.explain.corpora.labels import label_set
from demeanor.explain.reasoning.parse import parse
from demeanor.explain.records import Clip, Measurement, Person, Span
from demeanor.explain.textualization.timeline import timeline

SPAN = Span(0.0, 4.0)
SHOWN = {  # by the first word of a drawn file
    "smile": (au("f1", 6, 3.1), au("f2", 12, 3.6)),
    "smile-said": (au("f1", 6, 3.1), au("f2", 12, 3.6), said("s1", "I am so happy today")),
    "brows": (au("f1", 1, 3.4), au("f2", 2, 3.2), au("f3", 5, 3.1), au("f4", 26, 3.0)),
    "frown": (au("f1", 4, 3.5), au("f2", 5, 3.1), au("f3", 7, 3.2), au("f4", 24, 3.0)),
    "slight": (au("f1", 12, 1.6), au("f2", 4, 1.6)),
    "voice": (au("f1", 6, 3.1), au("f2", 12, 3.6), pitch("v1", 3.0)),
    "nothing": (),
}


class DrawnPerceiver(Perceiver):
    """Shows what the sample's file has for its first word. Nothing is measured."""

    def as_dict(self, measures):
        return {"drawn": 1}

    def is_cached(self, sample):
        return True

    def perceive(self, sample):
        data = sample.item.media.read_bytes()
        clip_id = hashlib.sha256(data).hexdigest()[:12]
        observations = SHOWN[data.decode().split()[0]]
        gaps = tuple(gap(w) for w in ("voice", "words") if not _has(observations, w))
        return perceived(clip_id, observations, (*gaps, gap("AU11", "it cannot be told")))


def _has(observations, what):
    channel = {"voice": "voice", "words": "speech"}[what]
    return any(o.channel == channel for o in observations)


def perceived(clip_id, observations, gaps=()):
    clip = Clip(clip_id, clip_id, SPAN, None, SPAN.duration_s, 25.0, None)
    person = Person("p1", (SPAN,), 100, 90.0, (0.2, 0.2, 0.8, 0.8), 2.0)
    measured = Measurement(clip, (person,), (), (), (), (), gaps, {})
    settings = Perceiver(BuildConfig().perception).settings.timeline
    text = timeline(measured, observations, "p1", settings)
    return Perceived(clip_id, "p1", observations, gaps, text)


def sample_of(root, path, label, subject=None, split=None):
    item = Item(path, label, root / path, subject=subject, split=split)
    return Sample(item, path, (label,))


@pytest.fixture
def drawn_samples(tmp_path):
    """Writes files below a corpus folder; {"a/x.jpg": ("smile 1", "happiness")} to samples."""

    def make(files, split=None):
        root = tmp_path / "corpus"
        found = []
        for path, (content, label) in files.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(content)
            found.append(sample_of(root, path, label, subject=path.split("/")[0], split=split))
        return tuple(found)

    return make


@pytest.fixture
def drawn_engine():
    """An engine over drawn samples; the prototype teaches and reads unless others are given."""

    def make(samples, teacher=None, reader=None, judge=None, config=None):
        config = config or BuildConfig(source=SourceConfig(corpus="folder", licence="CC0-1.0"))
        source = Source(corpus("folder"), tuple(samples), label_set("rafdb7"), False, {})
        return Engine(
            config,
            source,
            DrawnPerceiver(config.perception),
            teacher or GrammarTeacher(config.seed),
            reader or RuleReader(),
            judge,
            Budget(config.budget),
        )

    return make


@pytest.fixture
def draw_row(drawn_engine, tmp_path):
    """A row about observations whose answer is a reply of ours, with what is changed in it."""

    def make(observations, answer, label="happiness", gaps=(), labels="rafdb7", **changes):
        (tmp_path / "clip.txt").write_text("drawn")
        sample = sample_of(tmp_path, "clip.txt", label)
        engine = drawn_engine([sample])
        shown = perceived("c1", tuple(observations), tuple(gaps))
        request = shown.request(label_set(labels), 800, 0)
        raw = answer if isinstance(answer, str) else json.dumps(answer)
        draft = Draft(parse(raw, request.label_set), raw, None)
        return replace(row_of(engine, sample, shown, request, draft, 1), **changes)

    return make
