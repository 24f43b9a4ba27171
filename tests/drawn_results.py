"""Whole results drawn by hand, for tests of everything that shows or exports them.

time_s   0 … 1.0 … 2.0 … 2.5  3.0 … 4.0
AU12     0    0     3    nan   0     0      f1 from 1.5 to 2.4; the face is lost until 3.0
AU1      2 throughout                       f2, a state
"""

from dataclasses import replace
from pathlib import Path

import numpy as np

from demeanor.explain.records import (
    Channel,
    Clip,
    CueTrack,
    Evidence,
    Explanation,
    Grounding,
    Kind,
    LabelScore,
    Measurement,
    NotMeasured,
    Observation,
    Person,
    Provenance,
    Source,
    SourceKind,
    Span,
    Timeline,
    Unit,
    Usual,
    Utterance,
    Word,
)
from demeanor.explain.result import Result

SOURCE = Source(SourceKind.MACHINE, "drawn", "1")
LOST = "the face is not seen"
TIMES_S = np.round(np.arange(41) * 0.1, 3)


def track(code, values, person="p1", unit=Unit.FACS_INTENSITY, channel=Channel.FACE, missing=()):
    values = np.asarray(values, np.float32)
    return CueTrack(
        person, channel, code, None, unit, TIMES_S[: len(values)], values, missing, SOURCE
    )


def smile():
    values = np.zeros(41, np.float32)
    values[15:25] = [1, 1, 2, 2, 3, 3, 3, 2, 2, 1]
    values[25:30] = np.nan
    return track("AU12", values, missing=((Span(2.5, 3.0), LOST),))


def tracks(person="p1"):
    own = [
        smile(),
        track("AU1", np.full(41, 2.0)),
        track("AU43", np.full(41, 0.5)),
        track("pose_yaw", np.full(41, 10.0), unit=Unit.DEGREE),
        track("pose_pitch", np.full(41, -20.0), unit=Unit.DEGREE),
        track("pose_roll", np.full(41, 5.0), unit=Unit.DEGREE),
        track("gaze_yaw", np.full(41, 4.0), unit=Unit.DEGREE),
        track("gaze_pitch", np.full(41, 0.0), unit=Unit.DEGREE),
        track("face_px", np.full(41, 60.0), unit=Unit.NONE),
    ]
    return tuple(replace(t, person=person) for t in own)


def pitch():
    values = np.full(41, 24.0, np.float32)
    return track("F0semitoneFrom27.5Hz", values, None, Unit.SEMITONE, Channel.VOICE)


def observation(obs_id, code, span, **changes):
    fields = {
        "obs_id": obs_id,
        "person": "p1",
        "channel": Channel.FACE,
        "code": code,
        "side": None,
        "kind": Kind.EVENT,
        "span": Span(*span),
        "apex_s": (span[0] + span[1]) / 2,
        "peak": 3.0,
        "unit": Unit.FACS_INTENSITY,
        "change_from_usual": 3.0,
        "change_from_population": 3.0,
        "reliability": 0.9,
        "caveats": (),
        "source": SOURCE,
    }
    return Observation(**{**fields, **changes})


def said(text, span=(0.5, 1.5)):
    human = Source(SourceKind.HUMAN, "transcript", "drawn.srt")
    middle = (span[0] + span[1]) / 2
    words = (Word(Span(span[0], middle), "one"), Word(Span(middle, span[1]), "two"))
    return Utterance(Span(*span), text, words, None, "en", None, human)


def observations(text="one two"):
    held = {"kind": Kind.STATE, "peak": 2.0, "change_from_usual": 0.0}
    voice = {
        "person": None,
        "channel": Channel.VOICE,
        "unit": Unit.SEMITONE,
        "peak": 27.0,
        "change_from_usual": -3.0,
        "change_from_population": None,
    }
    words = {
        "person": None,
        "channel": Channel.SPEECH,
        "kind": Kind.WORDS,
        "unit": Unit.NONE,
        "peak": None,
        "change_from_usual": None,
        "change_from_population": None,
        "quote": text,
    }
    return (
        observation("f1", "AU12", (1.5, 2.4), caveats=("the mouth moves with speech here",)),
        observation("f2", "AU1", (0.0, 4.0), **held),
        observation("v1", "F0semitoneFrom27.5Hz", (1.0, 2.0), **voice),
        observation("s1", "words", (0.5, 1.5), **words),
    )


def evidence(claim, *cites, grounding=Grounding.GROUNDED, reason=None, part="interpretation"):
    return Evidence(claim, cites, None, grounding, reason, part)


def explanation(person="p1", **changes):
    claims = (
        evidence("Lip corners are pulled up (AU12) [f1].", "f1", part="observations"),
        evidence("AU12 goes with happiness [f1, f2].", "f1", "f2"),
        evidence(
            "The chin trembles [f9].",
            "f9",
            grounding=Grounding.UNSUPPORTED,
            reason="there is no observation f9",
        ),
        evidence(
            "The pitch rises [v1].", "v1", grounding=Grounding.MISPLACED, reason="v1 says lower"
        ),
        evidence("The person appears to show happiness [f1].", "f1", part="conclusion"),
    )
    fields = {
        "clip_id": "c1",
        "person": person,
        "observations_part": "- Lip corners are pulled up (AU12) [f1].",
        "interpretation": "AU12 goes with happiness.",
        "conclusion": "The person appears to show happiness.",
        "evidence": claims,
        "labels": ("happiness",),
        "label_set": "rafdb7",
        "best_fit": "happiness",
        "confidence": 0.6,
        "alternatives": (LabelScore("neutral", 0.3), LabelScore("surprise", 0.1)),
        "valence": 0.8,
        "arousal": 0.25,
        "abstained": False,
        "abstained_reason": None,
        "provenance": Provenance(
            "prototype 1",
            None,
            None,
            0,
            {"label_set": {"name": "rafdb7", "labels": list("abcdefg")}},
            "0.1.0",
            ("weights set by hand",),
        ),
        "raw_reply": "{}",
    }
    return Explanation(**{**fields, **changes})


def clip(path=Path("drawn.mp4"), **changes):
    fields = {
        "media_id": "0123456789abcdef",
        "clip_id": "0123456789ab",
        "span": Span(0.0, 4.0),
        "path": path,
        "duration_s": 4.0,
        "fps": 10.0,
        "sample_rate_hz": 16000,
        "width_px": 160,
        "height_px": 120,
    }
    return Clip(**{**fields, **changes})


def result(text="one two", *, explanations=None, path=Path("drawn.mp4"), **changes):
    person = Person("p1", (Span(0.0, 2.5), Span(3.0, 4.0)), 36, 60.0, (0.3, 0.2, 0.7, 0.8), 2.0)
    fields = {
        "clip": clip(path),
        "people": (person,),
        "tracks": (*tracks(), pitch()),
        "utterances": (said(text),),
        "usual": (Usual("p1", "AU12", None, 0.0, 0.1, 0.0, Unit.FACS_INTENSITY),),
        "events": (),
        "not_measured": (NotMeasured("AU14", "needs the skin's texture"),),
        "settings": {
            "thresholds": {"events": {"enter": 1.5}},
            "face_backend": {"name": "mesh", "version": "1"},
            "words_from": "transcript drawn.srt",
        },
    }
    shown = changes.pop("observations", observations(text))
    measurement = Measurement(**{**fields, **changes})
    told = (explanation(),) if explanations is None else explanations
    return Result(measurement, shown, (Timeline("p1", "", (), 0, 0),), told)


def picture():
    """One moment: AU12 at 3, and AU5 that could not be measured."""
    moment = Span(0.0, 0.0)
    lid = track("AU5", [np.nan], missing=((moment, "the eyes are closed"),))
    seen = observation(
        "f1", "AU12", (0.0, 0.0), kind=Kind.STATE, change_from_usual=None, apex_s=0.0
    )
    still = clip(Path("drawn.jpg"), duration_s=0.0, span=moment, fps=None, sample_rate_hz=None)
    return result(
        clip=still,
        tracks=(track("AU12", [3.0]), lid, track("pose_yaw", [-12.0], unit=Unit.DEGREE)),
        people=(Person("p1", (moment,), 1, 60.0, (0.3, 0.2, 0.7, 0.8), 0.0),),
        utterances=(),
        usual=(),
        observations=(seen,),
    )


def sound_only():
    shown = tuple(o for o in observations() if o.person is None)
    return result(
        clip=clip(Path("drawn.wav"), fps=None, width_px=None, height_px=None),
        tracks=(pitch(),),
        people=(),
        observations=shown,
        explanations=(explanation(None),),
        not_measured=(NotMeasured("face", "the clip has no picture"),),
    )
