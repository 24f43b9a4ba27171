"""One sample to one answer: measured or described, reasoned about, its label read.

What an answer depends on is in its key, so that an answer of an earlier run is taken again where
nothing of that has changed, and asked for anew where something has.
"""

import hashlib
import json
import threading
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from functools import cached_property
from importlib.resources import files
from typing import Any

import demeanor.explain
from demeanor.eval.described import describe, request_of
from demeanor.eval.extraction import Extractor, ask, model_id, only_object
from demeanor.eval.masking import Mask
from demeanor.explain import pipeline, store
from demeanor.explain.corpora.items import Item
from demeanor.explain.errors import DemeanorError
from demeanor.explain.perception.subtitles import find_sidecar
from demeanor.explain.reasoning.chain import behind_bars, explain_person, with_prompt
from demeanor.explain.reasoning.chat import ChatModel, Message, Request
from demeanor.explain.records import Channel, Explanation, LabelSet, NotMeasured
from demeanor.explain.result import Result
from demeanor.explain.settings import Settings, load_settings
from demeanor.prompts import load_prompt

REASONS_FIRST, LABEL_FIRST = "reasons-first", "label-first"
ORDERS = (REASONS_FIRST, LABEL_FIRST)
OPEN, CLOSED = "labels", "best fit"  # what of an answer is scored
_LEFT_OUT = "left out of this run"
_WHAT = {Channel.FACE: "face", Channel.VOICE: "voice", Channel.SPEECH: "words"}
CHANNELS = {name: channel for channel, name in _WHAT.items()}
_PROMPTS = ("system", "explain", "retry", "label_first")
_OWN_CODE = ("answering", "described", "extraction", "masking")  # what it does decides answers too


@dataclass(frozen=True, slots=True)
class Answer:
    """What a system said about one sample. predicted [] is an answer without a label."""

    item_id: str
    key: str
    predicted: list[str]
    best_fit: str | None
    confidence: float | None
    abstained: bool
    abstained_reason: str | None
    problems: tuple[str, ...]  # what could not be read in the reply
    reply: str
    timeline: str
    observations: list[dict[str, Any]]
    explanation: dict[str, Any] | None  # None: labels were asked for without reasons


@dataclass(eq=False)
class System:
    """A reasoner with everything that its answers depend on, but for the sample."""

    model: ChatModel
    labels: LabelSet
    scored: str = CLOSED
    settings: Settings = field(default_factory=load_settings)
    front: pipeline.Front | None = None  # None: texts only
    mask: Mask | None = None  # of texts
    without: frozenset[Channel] = frozenset()
    order: str = REASONS_FIRST
    extractor: Extractor | None = None  # None: the labels that the answer itself gives

    def __post_init__(self) -> None:
        if self.order == LABEL_FIRST and not self.model.reads_prompt:
            raise DemeanorError(
                f"{self.model.name} has no order of asking: it reads no prompt. Orders are "
                "compared with models that do"
            )
        if self.order == LABEL_FIRST and self.extractor:
            raise DemeanorError(
                "labels that are asked for alone come as labels: nothing is left to extract"
            )
        self._measuring = threading.Lock()  # the face models are not made for two at once

    @property
    def name(self) -> str:
        return model_id(self.model)

    @property
    def extractor_name(self) -> str:
        if self.extractor:
            return self.extractor.name
        return "answer-labels-1" if self.scored == OPEN else "answer-best-fit-1"

    def as_dict(self) -> dict[str, Any]:
        """Everything that it depends on, for people and for `key`."""
        front = self.front
        return {
            "model": self.name,
            "labels": store.to_plain(self.labels),
            "scored": self.scored,
            "mask": self.mask.name if self.mask else None,
            "without": sorted(_WHAT[channel] for channel in self.without),
            "order": self.order,
            "extractor": self.extractor_name,
            "face": f"{front.backend.name} {front.backend.version}" if front else None,
            "voice": front.voice if front else None,
            "asr": f"{front.asr.name} {front.asr.version}" if front and front.asr else None,
            "settings": self.settings.as_dict(),
        }

    @cached_property
    def key(self) -> str:
        code = [pipeline.code_hash(part) for part in ("reasoning", "textualization")]
        measuring = pipeline.code_hash("perception") if self.front else None
        prompts = [load_prompt(name).sha256 for name in _PROMPTS]
        code += [_source(name) for name in _OWN_CODE]
        version = demeanor.explain.__version__
        return _digest([version, self.as_dict(), prompts, code, measuring])

    def answer(self, item: Item) -> Answer:
        """Raises DemeanorError (a clip that cannot be read, a model that does not answer)."""
        if item.media is not None:
            return self._about_media(item)
        return self._about_text(item)

    def item_key(self, item: Item) -> str:
        content = item.text or ""
        if item.media is not None:
            words = item.transcript or find_sidecar(item.media)
            contents = [item.media, *([words] if words else [])]
            content = "+".join(hashlib.sha256(file.read_bytes()).hexdigest() for file in contents)
        return _digest([self.key, item.item_id, content])

    def _about_media(self, item: Item) -> Answer:
        if self.front is None or item.media is None:
            raise DemeanorError(f"{item.item_id}: no face models are loaded for this run")
        with self._measuring:
            measured = pipeline.observed(self.front.measure(item.media, item.transcript))
        measured = without_channels(measured, self.without)
        if self.order == LABEL_FIRST:
            request = pipeline_request(measured, self)
            return self._labelled(item, request)
        result = pipeline.reason(measured, self.model, self.labels, None, self.settings)
        observations = [store.to_plain(o) for o in result.observations]
        return self._made(item, result.explanations[0], result.timelines[0].text, observations)

    def _about_text(self, item: Item) -> Answer:
        if self.without and self.model.reads_prompt:
            raise DemeanorError(
                "a written description mixes face, voice and words in one sentence: a language "
                "model cannot be shown one of them alone. --without goes with clips, or with mini "
                "and the prototype"
            )
        text = self.mask.hide(item.text or "") if self.mask else item.text or ""
        budget = self.settings.timeline.max_tokens
        described = describe(text, budget, self.mask is not None, self.without)
        request = request_of(item.item_id, described, self.labels, self.settings)
        if self.order == LABEL_FIRST:
            return self._labelled(item, request)
        explanation = explain_person(request, self.model, self.settings)
        observations = [store.to_plain(o) for o in described.observations]
        return self._made(item, explanation, described.timeline.text, observations)

    def _made(
        self,
        item: Item,
        explanation: Explanation,
        timeline: str,
        observations: list[dict[str, Any]],
    ) -> Answer:
        return Answer(
            item.item_id,
            self.item_key(item),
            self._read(explanation),
            explanation.best_fit,
            explanation.confidence,
            explanation.abstained,
            explanation.abstained_reason,
            explanation.problems,
            explanation.raw_reply,
            timeline,
            observations,
            store.to_plain(explanation),
        )

    def _read(self, explanation: Explanation) -> list[str]:
        if explanation.abstained:
            return []
        if self.extractor:
            parts = (explanation.interpretation, explanation.conclusion)
            return self.extractor.labels("\n".join(filter(None, parts)))
        if self.scored == OPEN:
            return list(explanation.labels)
        return [explanation.best_fit] if explanation.best_fit else []

    def _labelled(self, item: Item, request: Request) -> Answer:
        """Labels asked for before any reason is given."""
        ready = with_prompt(request, self.model)
        prompt = load_prompt("label_first").fill(
            person=request.person or "nobody in particular; voice and words only",
            timeline=behind_bars(request.timeline.text),
            label_set=self.labels.name,
            labels=", ".join(self.labels.labels),
        )
        messages = (ready.messages[0], Message("user", prompt))
        reply = ask(self.model, messages, _label_schema(self.labels), 200, request.seed)
        labels, best_fit, problems = _read_labels(reply, self.labels)
        predicted = labels if self.scored == OPEN else [best_fit] if best_fit else []
        return Answer(
            item.item_id,
            self.item_key(item),
            predicted,
            best_fit,
            None,
            not (labels or best_fit),
            "no label was given" if not (labels or best_fit) else None,
            problems,
            reply,
            request.timeline.text,
            [store.to_plain(o) for o in request.observations],
            None,
        )


def without_channels(measured: Result, channels: Collection[Channel]) -> Result:
    """The same measurement as if these had never been looked at; the model is told so."""
    if not channels:
        return measured
    m = measured.measurement
    people: list[str | None] = [p.person for p in m.people] or [None]
    missing = [
        NotMeasured(_WHAT[channel], _LEFT_OUT, None, person)
        for channel in Channel
        if channel in channels
        for person in (people if channel is Channel.FACE else [None])
    ]
    kept = tuple(o for o in measured.observations if o.channel not in channels)
    said = () if Channel.SPEECH in channels else m.utterances
    fewer = replace(m, utterances=said, not_measured=(*m.not_measured, *missing))
    return Result(fewer, kept, (), ())


def pipeline_request(measured: Result, system: System) -> Request:
    """What the pipeline asks about the person seen longest, without asking."""
    from demeanor.explain.textualization.timeline import timeline

    m = measured.measurement
    person = pipeline.chosen_people(m, None)[0]
    return Request(
        clip_id=m.clip.clip_id,
        person=person,
        timeline=timeline(m, measured.observations, person, system.settings.timeline),
        observations=tuple(o for o in measured.observations if o.person in (person, None)),
        not_measured=tuple(n for n in m.not_measured if n.person in (person, None)),
        label_set=system.labels,
        max_tokens=system.settings.reasoning.max_reply_tokens,
        seed=system.settings.reasoning.seed,
    )


def _label_schema(labels: LabelSet) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {
            "labels": {
                "type": "array",
                "maxItems": 8,
                "items": {"type": "string", "maxLength": 60},
            },
            "best_fit": {"anyOf": [{"enum": list(labels.labels)}, {"type": "null"}]},
        },
        "required": ["labels", "best_fit"],
        "additionalProperties": False,
    }


def _read_labels(reply: str, labels: LabelSet) -> tuple[list[str], str | None, tuple[str, ...]]:
    try:
        data = only_object(reply)
    except DemeanorError as error:
        return [], None, (str(error),)
    said, best = data.get("labels"), data.get("best_fit")
    if not isinstance(said, list) or not all(isinstance(label, str) for label in said):
        return [], None, ("labels: wanted a list of texts",)
    if best is not None and best not in labels.labels:
        return said, None, (f"best fit {best!r:.40} is not in {labels.name}",)
    return said, best, ()


def _source(name: str) -> str:
    return hashlib.sha256(files("demeanor.eval").joinpath(f"{name}.py").read_bytes()).hexdigest()


def _digest(parts: Any) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:24]
