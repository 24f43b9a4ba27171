"""Write what was found as files: one self-contained page, Markdown, JSON, tables, cues.

The page needs no network and no script: claims link to observations, plots are inline SVG. The
script only adds playing and lighting. Nothing from the clip or from a model reaches the markup
unescaped, and the page's own policy (CSP) forbids every script and style but its own.
"""

import base64
import hashlib
import json
import re
import shlex
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import jinja2
import numpy as np
from markupsafe import Markup

import demeanor.explain
from demeanor.explain import pictures, plots
from demeanor.explain.errors import DemeanorError
from demeanor.explain.exports import (
    summary_csv,
    summary_rows,
    tracks_csv,
    webvtt,
)
from demeanor.explain.pictures import Media, Picture, data_uri
from demeanor.explain.records import (
    Channel,
    Clip,
    CueTrack,
    Evidence,
    Explanation,
    Grounding,
    Kind,
    LabelScore,
    Observation,
    Person,
    Provenance,
    Span,
    Unit,
    Usual,
)
from demeanor.explain.result import Result
from demeanor.explain.store import save_result, write_atomic
from demeanor.explain.textualization.phrases import clause
from demeanor.explain.vocabulary import ACTION_UNITS, NOT_VALIDATED, intensity_letter

_CLOSE = 0.1  # a runner-up this near the best fit is named in the answer
MAX_EMBED_BYTES = 25_000_000  # base64 makes a third more of it; larger pages open slowly
THUMB = "thumb.jpg"  # beside the report, for the index page
_THUMB_PX = 120
_CITES = re.compile(r"\s*\[\s*[fvs]\d+(?:[\s,;–-]|and|[fvs]\d+)*\]", re.IGNORECASE)
_CITED = re.compile(rf"{_CITES.pattern}(?=\s*[.!?]?\s*$)", re.IGNORECASE)  # at the end
_PARTS = {
    "observations": "Key observations",
    "interpretation": "How they combine",
    "conclusion": "Conclusion",
}
_TRACK_OF = {  # events are named by direction, tracks by axis
    "AU45": "AU43",
    "AU51": "pose_yaw",
    "AU52": "pose_yaw",
    "AU53": "pose_pitch",
    "AU54": "pose_pitch",
    "AU55": "pose_roll",
    "AU56": "pose_roll",
    "AU61": "gaze_yaw",
    "AU62": "gaze_yaw",
    "AU63": "gaze_pitch",
    "AU64": "gaze_pitch",
    "F0semitoneFrom27.5Hz_pctlrange0-2": "F0semitoneFrom27.5Hz",
    "F0semitoneFrom27.5Hz_meanRisingSlope": "F0semitoneFrom27.5Hz",
    "F0semitoneFrom27.5Hz_meanFallingSlope": "F0semitoneFrom27.5Hz",
}
PAUSES = {"MeanUnvoicedSegmentLength", "speech_share"}  # have a lane of their own
_TRACK_NAMES = {
    "pose_yaw": ("head turn", "degrees; up: to the person's own left"),
    "pose_pitch": ("head up or down", "degrees; up: tipped back"),
    "pose_roll": ("head tilt", "degrees; up: to the own left shoulder"),
    "gaze_yaw": ("gaze sideways", "degrees; not validated"),
    "gaze_pitch": ("gaze up or down", "degrees; not validated"),
    "F0semitoneFrom27.5Hz": ("pitch", "of the voice"),
    "equivalentSoundLevel_dBp": ("level", "of the sound, dB below full scale"),
    "HNRdBACF": ("harmonics to noise", "dB; low: breathy or hoarse"),
    "jitterLocal": ("jitter", "ratio; unevenness of pitch"),
    "shimmerLocaldB": ("shimmer", "dB; unevenness of loudness"),
    "alphaRatioV": ("alpha ratio", "dB; brightness of the voice"),
    "loudnessPeaksPerSec": ("speech rate", "syllables a second, estimated"),
    "valence": ("valence", "unpleasant −1 to pleasant 1 *"),
    "arousal": ("arousal", "calm −1 to activated 1 *"),
}
MAPPED = {"valence", "arousal"}  # by a published mapping: plotted with its source, never cited
_PITCH = "F0semitoneFrom27.5Hz"
_UNITS = {Unit.RATIO: "", Unit.PER_SECOND: "per s", Unit.PER_MINUTE: "per min", Unit.NONE: ""}
NOT_PLOTTED = {"face_px", "face_x", "face_y"}  # where the face is: no cue
ALWAYS_PLOTTED = {*MAPPED, "F0semitoneFrom27.5Hz", "equivalentSoundLevel_dBp"}  # without events too


class Embed(StrEnum):
    """How much of the clip the page carries."""

    NONE = "none"  # no picture of anybody
    FRAMES = "frames"  # the moments at which movements peak
    VIDEO = "video"  # the clip too, where it is small and browsers play it


@dataclass(frozen=True, slots=True, eq=False)
class IndexEntry:
    """One clip of several: a result or an error."""

    path: Path
    folder: Path | None  # of its report, relative to the index; None where there is no report
    result: Result | None
    error: str | None


def write_report(
    result: Result,
    folder: Path,
    *,
    embed: Embed = Embed.FRAMES,
    blur: bool = False,
    max_embed_bytes: int = MAX_EMBED_BYTES,
) -> list[Path]:
    """Write report.html, report.md, result.json, tracks.csv, events.vtt, summary.csv.

    blur: faces cannot be recognised in any picture; the clip itself is then never embedded.
    Where pictures are wanted and the clip cannot be read any more, the page says so.
    """
    shown, notes, portraits = _pictures(result, embed, blur)
    media = _media(result, folder, embed, blur, max_embed_bytes)
    if media is not None and media.note:
        notes = (*notes, media.note)
    content = _content(result)
    page = _html(content, shown, media, notes, portraits)
    written = [
        write_atomic(folder / "report.html", page),
        write_atomic(folder / "report.md", _markdown(content)),
        save_result(result, folder / "result.json"),
        write_atomic(folder / "tracks.csv", tracks_csv(result)),
        write_atomic(folder / "events.vtt", webvtt(result)),
        write_atomic(folder / "summary.csv", summary_csv(summary_rows(result))),
    ]
    (folder / THUMB).unlink(missing_ok=True)  # of an earlier run that showed more
    if shown:
        written.append(write_atomic(folder / THUMB, pictures.smaller(shown[0], _THUMB_PX)))
    return written


def write_index(entries: Sequence[IndexEntry], folder: Path) -> Path:
    """Write index.html over several clips, with index.json and summary.csv beside it."""
    rows = [_index_row(entry, folder) for entry in entries]
    summaries = [row for e in entries if e.result for row in summary_rows(e.result)]
    write_atomic(folder / "summary.csv", summary_csv(summaries))
    data = {"generator": _generator(), "clips": [row.as_dict() for row in rows]}
    write_atomic(folder / "index.json", json.dumps(data, ensure_ascii=False, indent=1) + "\n")
    page = _page("index.html").render(
        rows=rows,
        totals=_totals(rows),
        generator=_generator(),
        csp=_csp(None, script=False),
        **_assets(),
    )
    return write_atomic(folder / "index.html", page)


def html_report(
    result: Result,
    shown: Sequence[Picture] = (),
    media: Media | None = None,
    notes: Sequence[str] = (),
    portraits: Mapping[str, str] | None = None,
) -> str:
    """The page as text. `notes` say what it does not show of the clip, and why; `portraits` has
    a small picture of each person, where there are several."""
    return _html(_content(result), shown, media, notes, portraits or {})


def markdown_report(result: Result) -> str:
    """The same as text, GitHub-flavoured, without pictures."""
    return _markdown(_content(result))


def _html(
    content: dict[str, Any],
    shown: Sequence[Picture],
    media: Media | None,
    notes: Sequence[str],
    portraits: Mapping[str, str],
) -> str:
    playable = media if media is not None and media.kind else None
    return _page("report.html").render(
        **content,
        pictures=shown,
        portraits=portraits,
        media=media,
        notes=notes,
        csp=_csp(playable, script=True),
        **_assets(),
    )


def _markdown(content: dict[str, Any]) -> str:
    return _page("report.md").render(**content).strip() + "\n"


# What is said ------------------------------------------------------------------------------


def _content(result: Result) -> dict[str, Any]:
    m = result.measurement
    sections = _sections(result)
    return {
        "clip": m.clip,
        "facts": clip_facts(result),
        "answers": [s.answer for s in sections if s.explanation] or [no_answer(result)],
        "makers": list(dict.fromkeys(maker(e.provenance) for e in result.explanations)),
        "sections": sections,
        "cue_only": result.cue_only,
        "n_people": len(m.people),
        "voice": _voice_plots(result),
        "axis": plots.time_axis(plots.TimeScale(m.clip.duration_s)),
        "is_picture": m.clip.duration_s == 0,
        "observations": _by_channel(result.observations),
        "cited": _cited(result),
        "not_measured": m.not_measured,
        "names": {t.name: ACTION_UNITS[t.code].name for t in m.tracks if t.code in ACTION_UNITS},
        "utterances": m.utterances,
        "timelines": result.timelines if result.explanations else (),
        "provenance": provenance_rows(result),
        "thresholds": _flat(m.settings.get("thresholds", {})),
        "command": command(result),
        "generator": _generator(),
        "not_validated": NOT_VALIDATED,
    }


@dataclass(frozen=True, slots=True, eq=False)
class Claim:
    """One claim as it is shown: the citations apart from the words."""

    key: str  # "c-p1-3": where other parts of the page can point
    number: int
    text: str
    cites: tuple[str, ...]
    unknown: tuple[str, ...]  # cited, but there is no such observation
    evidence: Evidence

    @property
    def quiet(self) -> bool:
        return self.evidence.grounding is Grounding.GROUNDED


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    title: str
    claims: tuple[Claim, ...]
    text: str  # shown where no claim could be read from it


@dataclass(frozen=True, slots=True, eq=False)
class Plot:
    name: str
    what: str
    svg: Markup
    mapped_by: str = ""  # the published mapping that a track of valence or arousal comes from


@dataclass(frozen=True, slots=True, eq=False)
class Bar:
    name: str
    what: str
    value: str
    svg: Markup


@dataclass(frozen=True, slots=True, eq=False)
class Section:
    """Everything about one person; of the voice alone where nobody is seen."""

    key: str
    title: str
    seen: str
    answer: str
    explanation: Explanation | None
    parts: tuple[Part, ...]
    grounded: str
    confidence_bar: Markup
    scores: tuple[LabelScore, ...]
    circle: Markup
    lively: tuple[Plot, ...]  # tracks in which something happens
    still: tuple[Plot, ...]
    bars: tuple[Bar, ...]  # of a picture


def _sections(result: Result) -> list[Section]:
    m = result.measurement
    by_person = {e.person: e for e in result.explanations}
    known = [p.person for p in m.people]
    others = [name for name in by_person if name not in known]
    return [_section(result, name, by_person.get(name)) for name in (*known, *others)]


def _section(result: Result, name: str | None, explanation: Explanation | None) -> Section:
    m = result.measurement
    person = next((p for p in m.people if p.person == name), None)
    tracks = [t for t in m.tracks if t.person == name and name is not None]
    still_picture = m.clip.duration_s == 0
    lively, still = ((), ()) if still_picture else _plots(result, tracks)
    e = explanation
    circle = (
        plots.circumplex(e.valence, e.arousal)
        if e and e.valence is not None and e.arousal is not None
        else Markup("")
    )
    bar = (
        plots.share_bar(e.confidence, f"confidence {e.confidence:.2f} of 1")
        if e and e.confidence is not None
        else Markup("")
    )
    return Section(
        key=name or "voice",
        title=title_of(result, name),
        seen=seen(person, m.clip) if person else "",
        answer=answer(result, e) if e else "",
        explanation=e,
        parts=parts_of(result, e) if e else (),
        grounded=grounded_line(e) if e else "",
        confidence_bar=bar,
        scores=scores_of(e) if e else (),
        circle=circle,
        lively=lively,
        still=still,
        bars=_bars(tracks) if still_picture else (),
    )


def title_of(result: Result, name: str | None) -> str:
    if name is None:
        return "What is heard"
    if len(result.measurement.people) > 1:
        return f"Person {name}"
    return "The person" if result.cue_only else "The explanation"


def seen(person: Person, clip: Clip) -> str:
    wide = "" if np.isnan(person.face_px) else f"about {person.face_px:.0f} pixels wide"
    if clip.duration_s == 0:
        return f"face {wide}"
    seen_s = sum(s.duration_s for s in person.spans)
    followed = f"face followed for {seen_s:.1f} of {clip.duration_s:.1f} s"
    return f"{followed}, {wide}" if wide else followed


def answer(result: Result, e: Explanation) -> str:
    """The conclusion in one or two plain sentences."""
    who = _who(result, e.person)
    if e.abstained or not e.labels:
        reason = f": {e.abstained_reason.rstrip('.')}" if e.abstained_reason else ""
        whom = f" for {who[0].lower() + who[1:]}" if e.person else ""
        return f"No label was given{whom}{reason}."
    shown = _listed(e.labels)
    verb = "appears neutral" if e.labels == ("neutral",) else f"appears to show {shown}"
    if e.best_fit is None or e.confidence is None:
        return f"{who} {verb}."
    others = [a for a in e.alternatives if e.confidence - a.confidence <= _CLOSE]
    close = _listed([f"{a.label} ({a.confidence:.2f})" for a in others]) if others else ""
    return (
        f"{who} {verb}. {_of_set(e)}, {e.best_fit} fits best (confidence {e.confidence:.2f} of 1)"
        + (
            f"; {close} comes close."
            if len(others) == 1
            else f"; close: {close}."
            if close
            else "."
        )
    )


def _of_set(e: Explanation) -> str:
    labels = (e.provenance.settings.get("label_set") or {}).get("labels")
    n = f"the {len(labels)} labels" if isinstance(labels, list | tuple) and labels else "the labels"
    return f"Of {n} of {e.label_set}"


def no_answer(result: Result) -> str:
    """What stands in the answer's place in cue-only mode."""
    counts = [
        (sum(o.channel is c for o in result.observations), word)
        for c, word in (
            (Channel.FACE, "of the face"),
            (Channel.VOICE, "of the voice"),
            (Channel.SPEECH, "of words"),
        )
    ]
    told = ", ".join(f"{n} {word}" for n, word in counts if n) or "none"
    return f"Measured only: no emotion was inferred. Observations: {told}."


def _who(result: Result, name: str | None) -> str:
    if name is None:
        return "The speaker" if result.measurement.clip.width_px is None else "Whoever is heard"
    return "The person" if len(result.measurement.people) == 1 else f"Person {name}"


def maker(provenance: Provenance) -> str:
    """Who reasoned, said so that nobody takes rules or a small model for a large one."""
    name = provenance.model.split(" ")[0]
    if name == "prototype":
        return "Reasoned by the built-in rule-based prototype, which is not a language model."
    if name == "demeanor-mini":
        return f"Reasoned by {provenance.model}, a small model of our own: no large language model."
    adapter = f" with the adapter {provenance.adapter}" if provenance.adapter else ""
    return f"Reasoned by the model {provenance.model}{adapter}."


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def grounded_line(e: Explanation) -> str:
    if not e.evidence:
        return "No claim was made."
    n = sum(c.grounding is Grounding.GROUNDED for c in e.evidence)
    return f"{n} of {len(e.evidence)} claims are backed by what they cite."


def scores_of(e: Explanation) -> tuple[LabelScore, ...]:
    first = (
        [LabelScore(e.best_fit, e.confidence)] if e.best_fit and e.confidence is not None else []
    )
    return (*first, *e.alternatives)


def claim_words(claim: str) -> str:
    """Without the citations at its end, nor those that stand before all of it and alone."""
    words = _CITED.sub("", claim).strip()
    alone = _CITES.match(words) and len(_CITES.findall(words)) == 1
    return (_CITES.sub("", words).strip() if alone else words) or claim


def parts_of(result: Result, e: Explanation) -> tuple[Part, ...]:
    known = {o.obs_id for o in result.observations}
    texts = {
        "observations": e.observations_part,
        "interpretation": e.interpretation,
        "conclusion": e.conclusion,
    }
    claims = [
        Claim(
            key=f"c-{e.person or 'voice'}-{n}",
            number=n,
            text=claim_words(evidence.claim) if evidence.cites else evidence.claim,
            cites=tuple(c for c in evidence.cites if c in known),
            unknown=tuple(c for c in evidence.cites if c not in known),
            evidence=evidence,
        )
        for n, evidence in enumerate(e.evidence, start=1)
    ]
    return tuple(
        Part(title, own, "" if own else texts[name])
        for name, title in _PARTS.items()
        for own in [tuple(c for c in claims if c.evidence.part == name)]
    )


def _cited(result: Result) -> dict[str, list[str]]:
    """For every observation the claims that rest on it."""
    found: dict[str, list[str]] = {}
    for e in result.explanations:
        for n, evidence in enumerate(e.evidence, start=1):
            for cite in evidence.cites:
                found.setdefault(cite, []).append(f"c-{e.person or 'voice'}-{n}")
    return found


def _by_channel(observations: Iterable[Observation]) -> list[tuple[str, list[Observation]]]:
    own = list(observations)
    groups = [(str(c).capitalize(), [o for o in own if o.channel is c]) for c in Channel]
    return [(name, found) for name, found in groups if found]


# Plots -------------------------------------------------------------------------------------


def _plots(result: Result, tracks: Sequence[CueTrack]) -> tuple[tuple[Plot, ...], tuple[Plot, ...]]:
    """Plots of the tracks with events, and of the others."""
    lively: list[Plot] = []
    still: list[Plot] = []
    for track in sorted(tracks, key=track_order):
        if track.code in NOT_PLOTTED:
            continue
        own = [o for o in result.observations if is_of(o, track)]
        (lively if own or track.code in ALWAYS_PLOTTED else still).append(_plot(result, track, own))
    return tuple(lively), tuple(still)


def is_of(o: Observation, track: CueTrack) -> bool:
    code = _TRACK_OF.get(o.code, o.code)
    heard = track.person is None and o.channel is Channel.VOICE  # one voice track for all speakers
    return (heard or o.person == track.person) and (code, o.side) == (track.code, track.side)


def _plot(result: Result, track: CueTrack, own: Sequence[Observation]) -> Plot:
    m = result.measurement
    name, what = track_names(track)
    svg = plots.track_plot(
        track,
        usual_of(m.usual, track),
        own,
        plots.TimeScale(m.clip.duration_s),
        f"{name} over time",
    )
    return Plot(name, what, svg, track.source.name if track.code in MAPPED else "")


def track_names(track: CueTrack) -> tuple[str, str]:
    unit = ACTION_UNITS.get(track.code)
    if unit is not None:
        return track.name, unit.name
    return _TRACK_NAMES.get(track.code, (track.name, str(track.unit)))


def usual_of(norms: Iterable[Usual], track: CueTrack) -> Usual | None:
    key = (track.person, track.code, track.side)
    return next((u for u in norms if (u.person, u.code, u.side) == key), None)


def track_order(track: CueTrack) -> tuple[int, str]:
    number = re.fullmatch(r"AU(\d+)", track.code)
    if number:
        return int(number[1]), track.side or ""
    names = list(_TRACK_NAMES)
    place = names.index(track.code) if track.code in names else len(names)
    return 100 + place, track.code


def _voice_plots(result: Result) -> dict[str, Any]:
    m = result.measurement
    if m.clip.duration_s == 0:
        return {"lively": (), "still": (), "words": None, "pauses": None}
    scale = plots.TimeScale(m.clip.duration_s)
    lively, still = _plots(result, [t for t in m.tracks if t.person is None])
    spoken = [o for o in result.observations if o.channel is Channel.SPEECH]
    words = plots.words_lane(m.utterances, spoken, scale) if m.utterances else None
    silent = [o for o in result.observations if o.code in PAUSES]
    pauses = plots.pauses_lane(silent, scale) if silent else None
    return {"lively": lively, "still": still, "words": words, "pauses": pauses}


def _bars(tracks: Sequence[CueTrack]) -> tuple[Bar, ...]:
    bars = []
    for track in sorted(tracks, key=track_order):
        if track.code in NOT_PLOTTED or len(track.values) == 0:
            continue
        value = float(track.values[0])
        name, what = track_names(track)
        missing = "; ".join(reason for _, reason in track.missing) or "no reason was kept"
        if track.unit is Unit.FACS_INTENSITY:
            known = None if np.isnan(value) else value
            svg = plots.intensity_bar(known)
            told = f"not measured: {missing}" if known is None else _amount(known, track.unit)
        else:
            svg = Markup("")
            shown = f"{value:+.0f}°" if track.unit is Unit.DEGREE else _amount(value, track.unit)
            told = f"not measured: {missing}" if np.isnan(value) else _minus(shown)
        bars.append(Bar(name, what, told, svg))
    return tuple(bars)


# Words for the templates -------------------------------------------------------------------


def _amount(value: float | None, unit: Unit) -> str:
    if value is None:
        return ""
    if unit is Unit.FACS_INTENSITY:
        return f"{value:.1f} ({intensity_letter(value)})"
    if unit is Unit.DEGREE:
        return f"{value:.0f}°"
    return _minus(f"{value:.3g} {_UNITS.get(unit, unit)}").strip()


def _minus(text: str) -> str:
    return text.replace("-", "−")


def size(o: Observation) -> str:
    if o.peak is None:
        return ""
    if o.code == _PITCH and o.unit is Unit.SEMITONE:
        return f"{27.5 * 2 ** (min(o.peak, 120.0) / 12):.0f} Hz"
    return _amount(o.peak, o.unit)


def change_of(o: Observation) -> str:
    """The change from this person's usual; a dash where there is none to compare with."""
    if o.kind is Kind.STATE and o.change_from_usual == 0.0:
        return "held all along"
    if o.change_from_usual is None:
        return "–"
    unit = "" if o.unit is Unit.FACS_INTENSITY else "°" if o.unit is Unit.DEGREE else f" {o.unit}"
    return _minus(f"{o.change_from_usual:+.1f}{unit}")


def span_of(span: Span | None) -> str:
    if span is None:
        return "the whole clip"
    if span.duration_s == 0:
        return f"{span.start_s:.2f} s"
    return f"{span.start_s:.2f}–{span.end_s:.2f} s"


def clip_facts(result: Result) -> str:
    """Length, size, rates and people on one line."""
    clip, n = result.measurement.clip, len(result.measurement.people)
    parts = ["picture" if clip.duration_s == 0 else f"{clip.duration_s:.1f} s"]
    if clip.width_px and clip.height_px:
        parts.append(f"{clip.width_px} × {clip.height_px} pixels")
    if clip.fps:
        parts.append(f"{clip.fps:.4g} frames a second")
    if clip.duration_s > 0:
        rate = clip.sample_rate_hz
        parts.append(f"sound at {rate / 1000:.4g} kHz" if rate else "no sound")
    if clip.width_px:
        parts.append("nobody seen" if n == 0 else "1 person" if n == 1 else f"{n} people")
    return " · ".join(parts)


def provenance_rows(result: Result) -> list[tuple[str, str]]:
    """What made this result: enough to run it again."""
    m = result.measurement
    backend = m.settings.get("face_backend") or {}
    rows = [
        ("Clip", f"{m.clip.path.name} (SHA-256 begins {m.clip.media_id})"),
        ("Demeanor", demeanor.explain.__version__),
        ("Face backend", " ".join(str(v) for v in backend.values()) or "none"),
        ("Words from", str(m.settings.get("words_from") or "nowhere")),
    ]
    rows += [
        (key.replace("_", " ").capitalize(), json.dumps(value, ensure_ascii=False))
        for key, value in m.settings.items()
        if key not in ("thresholds", "face_backend", "words_from")
    ]
    for e in result.explanations:
        p = e.provenance
        who = f" ({e.person})" if len(result.explanations) > 1 else ""
        rows += [
            (f"Reasoner{who}", p.model + (f" with adapter {p.adapter}" if p.adapter else "")),
            (f"Label set{who}", _label_set(e)),
            (f"Prompt{who}", f"SHA-256 {p.prompt_sha256}" if p.prompt_sha256 else "none was read"),
            (f"Seed{who}", "none" if p.seed is None else str(p.seed)),
            *((f"Note{who}", note) for note in p.notes),
            *((f"Problem with the reply{who}", problem) for problem in e.problems),
        ]
    return rows


def _label_set(e: Explanation) -> str:
    labels = (e.provenance.settings.get("label_set") or {}).get("labels") or ()
    return f"{e.label_set}: {', '.join(labels)}" if labels else e.label_set


def command(result: Result) -> str:
    """The command line that makes this result again."""
    m = result.measurement
    verb = "measure" if result.cue_only else "explain"
    parts = ["demeanor", verb, str(m.clip.path)]
    backend = (m.settings.get("face_backend") or {}).get("name")
    if backend in ("mesh", "landmarker"):
        parts += ["--face-backend", backend]
    for e in result.explanations[:1]:
        parts += ["--labels", e.label_set]
        parts += ["--chat", e.provenance.model.split(" ")[0]]
        parts += ["--adapter", e.provenance.adapter] if e.provenance.adapter else []
    if len(result.explanations) > 1:
        parts += ["--person", "all"]
    return shlex.join(parts)


def _flat(settings: dict[str, Any]) -> list[tuple[str, str]]:
    return [
        (f"{section}.{key}", str(value))
        for section, values in settings.items()
        for key, value in (values.items() if isinstance(values, dict) else [("", values)])
    ]


def _generator() -> str:
    return f"Demeanor {demeanor.explain.__version__}"


# Pictures and the clip ---------------------------------------------------------------------


def _pictures(
    result: Result, embed: Embed, blur: bool
) -> tuple[list[Picture], tuple[str, ...], dict[str, str]]:
    """Moments, notes on what is not shown, and a portrait of each of several people."""
    if embed is Embed.NONE:
        return [], ("This report was written without pictures (--embed none).",), {}
    if result.measurement.clip.width_px is None:  # sound, or measurements without a clip
        return [], (), {}
    cited = frozenset(c for e in result.explanations for v in e.evidence for c in v.cites)
    wanted = pictures.moments(result.measurement, result.observations, cited)
    try:
        shown = pictures.take(result.measurement, wanted, blur)
        portraits = pictures.portraits(result.measurement, blur)
    except DemeanorError as error:
        return [], (f"There are no pictures: {error}",), {}
    note = ("Faces are blurred in all pictures (--blur).",) if blur and shown else ()
    return shown, note, portraits


def _media(result: Result, folder: Path, embed: Embed, blur: bool, max_bytes: int) -> Media | None:
    if embed is not Embed.VIDEO or result.measurement.clip.duration_s == 0:
        return None
    if blur:
        note = "The clip is not embedded, since faces are to be blurred: pictures only."
        return Media(None, None, note)
    return pictures.media(result.measurement.clip, folder, max_bytes)


# The page ----------------------------------------------------------------------------------


def page_environment(text: Callable[[str], str], escape: bool) -> jinja2.Environment:
    """Of templates that `text` finds by name. escape: all but Markdown, which has its own."""
    return jinja2.Environment(
        loader=jinja2.FunctionLoader(text),
        autoescape=escape,  # noqa: S701  off for Markdown only
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


@cache
def _environment(escape: bool) -> jinja2.Environment:
    environment = page_environment(_text, escape)
    environment.globals["bar"] = lambda share, name: plots.share_bar(share, f"{name} {share:.2f}")
    environment.filters.update(
        clause=clause,
        size=size,
        change=change_of,
        minus=_minus,
        span=span_of,
        md=markdown_text,
        listed=_listed,
    )
    return environment


def _page(name: str) -> jinja2.Template:
    return _environment(name.endswith(".html")).get_template(name)


def _text(name: str) -> str:
    return files("demeanor.explain").joinpath("page", name).read_text("utf-8")


@cache
def _assets() -> dict[str, Markup]:
    """Our own style and script, as they stand in the page: their hashes are in its policy."""
    return {"css": Markup(_text("report.css")), "js": Markup(_text("report.js"))}  # noqa: S704


def _csp(media: Media | None, script: bool) -> str:
    """Only our own style and script; pictures from inside the page; a linked clip from disk."""
    rules = ["default-src 'none'", "img-src data:", f"style-src '{_sha256('css')}'"]
    if script:
        rules.append(f"script-src '{_sha256('js')}'")
    if media is not None:
        inside = str(media.src).startswith("data:")
        rules.append("media-src data:" if inside else "media-src 'self' file:")
    return "; ".join([*rules, "base-uri 'none'", "form-action 'none'"])


def _sha256(name: str) -> str:
    digest = hashlib.sha256(_assets()[name].encode()).digest()
    return f"sha256-{base64.b64encode(digest).decode()}"


_MD_MARKS = re.compile(r"([\\`*_{}\[\]<>#|~$@&])")


def markdown_text(value: object) -> str:
    """Text on one line that Markdown shows as it is: no markup, no links, no HTML."""
    text = _MD_MARKS.sub(r"\\\1", " ".join(str(value).split()))
    text = text.replace("\\<", "&lt;").replace("\\>", "&gt;").replace("\\&", "&amp;")
    text = text.replace("://", ":\\//").replace("www.", "www\\.")
    return re.sub(r"^(\d*)([-+=.)])", r"\1\\\2", text)


# Several clips -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class IndexRow:
    name: str
    link: str | None
    thumb: str | None
    facts: str
    n_people: int | None
    answers: tuple[tuple[str, str, float | None], ...]  # who, labels, confidence
    grounded_share: float | None
    warnings: tuple[str, ...]
    error: str | None
    entry: IndexEntry

    def as_dict(self) -> dict[str, Any]:
        explanations = self.entry.result.explanations if self.entry.result else ()
        return {
            "clip": str(self.entry.path),
            "folder": self.entry.folder.as_posix() if self.entry.folder else None,
            "error": self.error,
            "n_people": self.n_people,
            "warnings": list(self.warnings),
            "grounded_share": self.grounded_share,
            "people": [
                {
                    "person": e.person,
                    "labels": list(e.labels),
                    "label_set": e.label_set,
                    "best_fit": e.best_fit,
                    "confidence": e.confidence,
                    "abstained_reason": e.abstained_reason,
                }
                for e in explanations
            ],
        }


def _index_row(entry: IndexEntry, folder: Path) -> IndexRow:
    result = entry.result
    explanations = result.explanations if result else ()
    claims = [c for e in explanations for c in e.evidence]
    grounded = sum(c.grounding is Grounding.GROUNDED for c in claims)
    home = None if entry.folder is None else entry.folder
    return IndexRow(
        name=entry.path.name,
        link=pictures.quoted_path(home / "report.html") if home is not None and result else None,
        thumb=_thumb(folder / home) if home is not None else None,
        facts=clip_facts(result) if result else "",
        n_people=len(result.measurement.people) if result else None,
        answers=tuple(
            (e.person or "voice", ", ".join(e.labels) or "no label", e.confidence)
            for e in explanations
        ),
        grounded_share=grounded / len(claims) if claims else None,
        warnings=tuple(_warnings(result)) if result else (),
        error=entry.error,
        entry=entry,
    )


def _warnings(result: Result) -> list[str]:
    found = [f"{n.what}: {n.reason}" for n in result.measurement.not_measured if n.span is None]
    for e in result.explanations:
        bad = sum(c.grounding is not Grounding.GROUNDED for c in e.evidence)
        found += [f"{bad} claims are not backed by what they cite"] if bad else []
        found += [f"no label: {e.abstained_reason}"] if e.abstained_reason else []
        found += [f"reply: {problem}" for problem in e.problems]
    return found


def _thumb(folder: Path) -> str | None:
    path = folder / THUMB
    return data_uri(path.read_bytes(), "image/jpeg") if path.is_file() else None


def _totals(rows: Sequence[IndexRow]) -> dict[str, Any]:
    labels: dict[str, int] = {}
    claims = []
    for row in rows:
        for e in row.entry.result.explanations if row.entry.result else ():
            labels[e.best_fit or "no label"] = labels.get(e.best_fit or "no label", 0) + 1
            claims += [c.grounding is Grounding.GROUNDED for c in e.evidence]
    return {
        "n_clips": len(rows),
        "n_failed": sum(row.error is not None for row in rows),
        "labels": sorted(labels.items(), key=lambda item: (-item[1], item[0])),
        "n_claims": len(claims),
        "n_grounded": sum(claims),
    }
