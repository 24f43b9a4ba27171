"""A whole measurement drawn by hand: every record type, with NaN, None and every enum in use."""

from dataclasses import replace
from pathlib import Path

import numpy as np
from drawn_observations import DRAWN

from demeanor.explain.records import (
    Channel,
    Clip,
    CueTrack,
    Event,
    Evidence,
    Explanation,
    Grounding,
    Kind,
    LabelScore,
    Measurement,
    NotMeasured,
    Person,
    Provenance,
    Side,
    Source,
    SourceKind,
    Span,
    Unit,
    Usual,
    Utterance,
    Word,
)
from demeanor.explain.result import Result
from demeanor.explain.settings import load_settings
from demeanor.explain.textualization.observations import observe
from demeanor.explain.textualization.timeline import timeline

NAN = float("nan")
TIMES_S = np.array([0.0, 0.04, 0.08, 0.12])
HUMAN = Source(SourceKind.HUMAN, "transcript clip.srt", "1")


def drawn_clip(duration_s=5.0):
    return Clip(
        "0123456789abcdef",
        "abcdefabcdef",
        Span(0.0, duration_s),
        Path("clips/talk.mp4"),
        duration_s,
        25.0,
        None,
        640,
        480,
    )


def drawn_track(code, values, *, person="p1", side=None, unit=Unit.FACS_INTENSITY, missing=()):
    values = np.array(values, np.float32)
    return CueTrack(
        person, Channel.FACE, code, side, unit, TIMES_S[: len(values)], values, missing, DRAWN
    )


def drawn_event(code, peak, span=(1.0, 3.0), **changes):
    start_s, end_s = span
    event = Event(
        person="p1",
        channel=Channel.FACE,
        code=code,
        side=None,
        kind=Kind.EVENT,
        span=Span(start_s, end_s),
        apex_s=(start_s + end_s) / 2,
        peak=peak,
        unit=Unit.FACS_INTENSITY,
        change_from_usual=peak - 0.3,
        change_from_population=peak,
        reliability=0.9,
        caveats=(),
        source=DRAWN,
    )
    return replace(event, **changes)


def drawn_words(text, span=(1.0, 2.0), language="en"):
    word = Word(Span(span[0], span[0] + 0.5), text.split()[0] if text.split() else "", None)
    return Utterance(Span(*span), text, (word,), None, language, None, HUMAN)


def drawn_measurement(events=None, words=None, not_measured=(), duration_s=5.0):
    if events is None:
        events = (
            drawn_event("AU12", 3.2),
            drawn_event("AU1", 2.0, (2.0, 2.5), side=Side.LEFT, caveats=("a hand is near",)),
            drawn_event("AU6", 1.7, (0.0, 5.0), kind=Kind.STATE, change_from_usual=0.0),
            drawn_event(
                "F0semitoneFrom27.5Hz",
                40.0,
                (1.0, 2.0),
                person=None,
                channel=Channel.VOICE,
                unit=Unit.SEMITONE,
                change_from_usual=3.0,
                change_from_population=None,
            ),
        )
    gap = (Span(0.08, 0.12), "the face is not seen")
    person = Person("p1", (Span(0.0, 5.0),), 125, 180.5, (0.1, 0.2, 0.4, 0.8), 2.04)
    return Measurement(
        clip=drawn_clip(duration_s),
        people=(person,),
        tracks=(
            drawn_track("AU12", [0.0, 1.5, NAN, 5.0], missing=(gap,)),
            drawn_track("AU1", [0.25, 0.5, 1.0, NAN], side=Side.LEFT),
            drawn_track("loudness", [-30.5, NAN], person=None, unit=Unit.DECIBEL),
        ),
        utterances=(drawn_words("Oh, really?"),) if words is None else tuple(words),
        usual=(Usual("p1", "AU12", None, 0.3, 0.1, 0.0, Unit.FACS_INTENSITY),),
        events=tuple(events),
        not_measured=(NotMeasured("AU4", "need the skin's texture"), *not_measured),
        settings={"thresholds": load_settings().as_dict(), "words_from": None},
    )


def drawn_explanation(**changes):
    claim = Evidence("The lip corners rise.", ("f2",), Span(1.0, 3.0), Grounding.GROUNDED)
    worse = Evidence("The voice is loud.", ("v9",), None, Grounding.UNSUPPORTED, "there is no v9")
    explanation = Explanation(
        clip_id="abcdefabcdef",
        person="p1",
        observations_part="The lip corners rise [f2].",
        interpretation="Nothing conflicts with it.",
        conclusion="The person appears happy.",
        evidence=(claim, worse),
        labels=("happiness",),
        label_set="rafdb7",
        best_fit="happiness",
        confidence=0.8,
        alternatives=(LabelScore("surprise", 0.1),),
        valence=0.6,
        arousal=None,
        abstained=False,
        abstained_reason=None,
        provenance=Provenance("scripted", None, "ab" * 32, 0, {"max_tokens": 10}, "0.1.0", ("n",)),
        raw_reply='{"labels": ["happiness"]}',
    )
    return replace(explanation, **changes)


def drawn_result(measurement=None, explanations=None):
    measurement = measurement or drawn_measurement()
    observations = observe(measurement)
    text = timeline(measurement, observations, "p1", load_settings().timeline)
    explanations = (drawn_explanation(),) if explanations is None else explanations
    return Result(measurement, observations, (text,), explanations)
