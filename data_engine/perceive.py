"""What the teacher is shown of a sample: observations and timeline, without its label.

Clips and pictures are measured by `explain/pipeline.py` and cached by their content; tables of
other programs (.csv), earlier results (.json) and ExpLLM's 24 values are taken as they are. What
was observed is kept beside the measurement in a short form, so that a second build reads no tracks.
"""

import contextlib
import hashlib
import json
import multiprocessing
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from demeanor.data_engine.config import PerceptionConfig
from demeanor.data_engine.sources import Sample
from demeanor.explain import pipeline, store
from demeanor.explain.corpora import feafa
from demeanor.explain.errors import DemeanorError
from demeanor.explain.perception.imported import read_measurements
from demeanor.explain.perception.media import open_clip
from demeanor.explain.perception.subtitles import find_sidecar
from demeanor.explain.reasoning.chat import Request
from demeanor.explain.records import (
    LabelSet,
    Measurement,
    NotMeasured,
    Observation,
    Source,
    SourceKind,
    Timeline,
    Utterance,
)
from demeanor.explain.settings import Settings, load_settings
from demeanor.explain.textualization.observations import observe
from demeanor.explain.textualization.timeline import timeline

_TABLE, _RESULT = ".csv", ".json"


@dataclass(frozen=True, slots=True, eq=False)
class Perceived:
    """One person of one clip, as a reasoner may see them."""

    clip_id: str
    person: str | None
    observations: tuple[Observation, ...]
    not_measured: tuple[NotMeasured, ...]
    timeline: Timeline

    def request(self, labels: LabelSet, max_tokens: int, seed: int) -> Request:
        return Request(
            self.clip_id,
            self.person,
            self.timeline,
            self.observations,
            self.not_measured,
            labels,
            max_tokens,
            seed,
        )


class Perceiver:
    """Measures samples, one at a time: the face models are not made for two at once."""

    def __init__(
        self, config: PerceptionConfig, say: Callable[[str], None] = lambda line: None
    ) -> None:
        self.config, self._say = config, say
        self.settings: Settings = load_settings(config.settings)
        self._one_at_a_time = threading.Lock()
        self._places: dict[str, Path] = {}  # of what is kept, by sample: asked for twice

    @cached_property
    def front(self) -> pipeline.Front:
        c = self.config
        return pipeline.load_front(
            c.face, c.voice, c.asr, c.language, settings=self.settings, say=self._say
        )

    def as_dict(self, measures: bool) -> dict[str, Any]:
        """Everything that observations depend on, but for the sample."""
        made: dict[str, Any] = {
            "settings": self.settings.as_dict(),
            "textualization": pipeline.code_hash("textualization"),
        }
        if measures:
            front = self.front
            made |= {
                "face": f"{front.backend.name} {front.backend.version}",
                "voice": front.voice,
                "asr": f"{front.asr.name} {front.asr.version}" if front.asr else None,
                "perception": pipeline.code_hash("perception"),
            }
        return made

    def content_key(self, sample: Sample) -> str:
        """Of everything in the sample that observations are made of. Raises OSError."""
        item = sample.item
        parts: list[Any] = [item.said, item.extra.get("au")]
        if item.media is not None and "au" not in item.extra:
            words = item.transcript or find_sidecar(item.media)
            files = [item.media, *([words] if words else [])]
            parts += [hashlib.sha256(file.read_bytes()).hexdigest() for file in files]
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:24]

    def is_cached(self, sample: Sample) -> bool:
        if not measures(sample):
            return True
        try:
            return self._kept(sample).is_file()
        except (DemeanorError, OSError):
            return False

    def perceive(self, sample: Sample) -> Perceived:
        """Raises DemeanorError for a sample without a clip, and a clip that cannot be measured."""
        if not measures(sample):
            return self._perceived(self._ready_made(sample), sample)
        kept = self._kept(sample)
        if kept.is_file():
            with contextlib.suppress(DemeanorError):  # half a file, or of an older layout
                return store.load_gzip(Perceived, kept)
        with self._one_at_a_time:
            measured = self.front.measure(_media(sample), sample.item.transcript)
        perceived = self._perceived(measured, sample)
        with contextlib.suppress(OSError):  # a full or read-only disk costs time, no result
            store.save_gzip(perceived, kept)
        return perceived

    def _kept(self, sample: Sample) -> Path:
        if sample.item.item_id not in self._places:
            self._places[sample.item.item_id] = self._place(sample)
        return self._places[sample.item.item_id]

    def _place(self, sample: Sample) -> Path:
        media = _media(sample)
        clip = open_clip(media, self.settings.media)
        measured = self.front.cache_path(clip.clip_id, media, sample.item.transcript)
        parts = [measured.name, pipeline.code_hash("textualization"), sample.item.said]
        parts.append(store.SCHEMA_VERSION)
        name = hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:24]
        return measured.parent.with_name("observed") / f"{name}.json.gz"

    def _ready_made(self, sample: Sample) -> Measurement:
        values = sample.item.extra.get("au")
        if values is not None:
            return feafa.measurement(sample.item.item_id, values)
        media = _media(sample)
        if media.suffix.lower() == _RESULT:
            return store.load_result(media).measurement
        return read_measurements(media, None, self.settings)

    def _perceived(self, measured: Measurement, sample: Sample) -> Perceived:
        measured = _with_words(measured, sample.item.said)
        observations = observe(measured)
        person = pipeline.chosen_people(measured, None)[0]
        own = (person, None)
        return Perceived(
            measured.clip.clip_id,
            person,
            tuple(o for o in observations if o.person in own),
            tuple(n for n in measured.not_measured if n.person in own),
            timeline(measured, observations, person, self.settings.timeline),
        )


# Several at once -------------------------------------------------------------------------------

_own: list[Perceiver] = []  # of a child process


def perceive_at_once(
    config: PerceptionConfig, samples: Sequence[Sample], start_by: str = "spawn"
) -> Iterator[tuple[Sample, DemeanorError | None]]:
    """Fill the cache from several processes; what could not be perceived comes with its reason.

    A child ends when its parent is gone, so that a build which is killed leaves none behind.
    """
    context = multiprocessing.get_context(start_by)
    with ProcessPoolExecutor(
        config.processes, context, initializer=_start, initargs=(config,)
    ) as pool:
        under_way = {pool.submit(_perceive_one, sample): sample for sample in samples}
        for future in as_completed(under_way):
            why = future.result()
            yield under_way[future], DemeanorError(why) if why else None


def _start(config: PerceptionConfig) -> None:
    _own[:] = [Perceiver(config)]
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _perceive_one(sample: Sample) -> str | None:
    try:
        _own[0].perceive(sample)
    except Exception as error:  # exceptions of other packages need not come back whole
        is_known = isinstance(error, DemeanorError | OSError)
        return str(error) if is_known else f"{type(error).__name__}: {error}"
    return None


def measures(sample: Sample) -> bool:
    """Whether this sample has to be measured by us, or comes with its measurements."""
    media = sample.item.media
    ready = media is not None and media.suffix.lower() in (_TABLE, _RESULT)
    return "au" not in sample.item.extra and not ready


def _media(sample: Sample) -> Path:
    if sample.item.media is None:
        raise DemeanorError(
            f"{sample.item.item_id}: wanted a picture or a clip, found none. Name the folder of "
            "the corpus' files with source.media"
        )
    return sample.item.media


def _with_words(measured: Measurement, said: str | None) -> Measurement:
    """Words that the corpus has as text, without times of their own; a transcript goes before."""
    if not said or measured.utterances:
        return measured
    source = Source(SourceKind.HUMAN, "corpus", "1")
    words = Utterance(measured.clip.span, said, (), None, None, None, source)
    gaps = tuple(n for n in measured.not_measured if n.what != "words")
    return replace(measured, utterances=(words,), not_measured=gaps)
