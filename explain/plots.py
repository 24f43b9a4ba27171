"""Draw the report's pictures as inline SVG: tracks over time, words, bars, the affect circle.

Nothing is loaded and no script is needed. Text reaches the markup through `Markup.format`, which
escapes it. Colours and line styles are in page/report.css, by class. A time is drawn at the same
place in every plot, so that what happened together stands under one another.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup

from demeanor.explain.records import CueTrack, Kind, Observation, Span, Unit, Usual, Utterance
from demeanor.explain.vocabulary import INTENSITY_LETTERS, intensity_letter

MAX_POINTS = 1200  # of a drawn line: more cannot be told apart on a screen
WIDTH, LEFT, RIGHT = 900.0, 40.0, 890.0  # of the drawing and of its time axis, in SVG units
_HEIGHT, _TOP, _BOTTOM = 84.0, 16.0, 78.0  # of a track; ids stand above _TOP
_CHAR = 6.4  # width of a character at the plots' font size: where text would not fit it is cut
_MAX_INTENSITY = 5.0
_HERTZ_TICKS = (60, 80, 100, 125, 150, 175, 200, 250, 300, 400, 500, 600)
_PITCH = "F0semitoneFrom27.5Hz"
_BIPOLAR = {"valence", "arousal"}


@dataclass(frozen=True, slots=True)
class TimeScale:
    """Where a time of the clip is drawn."""

    duration_s: float

    def x(self, time_s: float) -> float:
        share = time_s / self.duration_s if self.duration_s > 0 else 0.0
        return LEFT + (RIGHT - LEFT) * min(1.0, max(0.0, share))

    @property
    def ticks_s(self) -> list[float]:
        return nice_ticks(0.0, self.duration_s, 10)


@dataclass(frozen=True, slots=True)
class ValueScale:
    """Where a value is drawn: `low` at the bottom, `high` at the top."""

    low: float
    high: float
    ticks: tuple[tuple[float, str], ...]

    def y(self, value: float) -> float:
        share = (value - self.low) / (self.high - self.low)
        return _BOTTOM - (_BOTTOM - _TOP) * min(1.0, max(0.0, share))


def nice_ticks(low: float, high: float, n_most: int) -> list[float]:
    """At most `n_most` + 1 round numbers from `low` to `high`: steps of 1, 2 or 5 times ten."""
    if not high > low:
        return [low]
    rough = (high - low) / n_most
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(s * power for s in (1, 2, 5, 10) if s * power >= rough * (1 - 1e-9))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(i * step, 10) for i in range(first, last + 1)]


def decimate(
    times_s: np.ndarray, values: np.ndarray, max_points: int = MAX_POINTS
) -> list[list[tuple[float, float]]]:
    """Runs of (time, value) to draw as lines, together at most `max_points` points.

    Of each stretch its lowest and its highest value are kept, so that no peak is lost. Where a
    stretch holds nothing that was measured, the line is broken.
    """
    n_buckets = len(times_s) if len(times_s) <= max_points else max_points // 2
    runs: list[list[tuple[float, float]]] = [[]]
    for bucket in np.array_split(np.arange(len(times_s)), max(1, n_buckets)):
        known = bucket[~np.isnan(values[bucket])]
        if len(known) == 0:
            runs.append([])
            continue
        ends = {int(known[values[known].argmin()]), int(known[values[known].argmax()])}
        runs[-1] += [(float(times_s[i]), float(values[i])) for i in sorted(ends)]
    return [run for run in runs if run]


# Plots over time ---------------------------------------------------------------------------


def track_plot(
    track: CueTrack,
    usual: Usual | None,
    observations: Sequence[Observation],
    scale: TimeScale,
    label: str,
) -> Markup:
    """One cue over time: gaps hatched, events as labelled bands, the usual level dashed."""
    values = value_scale(track)
    parts = [_grid(scale, values), _gaps(track, scale)]
    parts += _marks(observations, scale, _BOTTOM)
    if usual is not None and usual.own is not None and values.low <= usual.own <= values.high:
        parts.append(_usual_line(usual.own, values))
    parts.append(_line(track, scale, values))
    return _svg(parts, _HEIGHT, label, scale)


def value_scale(track: CueTrack) -> ValueScale:
    """The axis of a track: 0-5 with FACS letters, Hz for pitch, -1 to 1, else round numbers.

    Of voices a fiftieth at either end is drawn at the edge: digital silence is far below any
    sound, and would flatten all the rest.
    """
    if track.unit is Unit.FACS_INTENSITY:
        ticks = tuple((float(i), letter) for i, letter in enumerate(INTENSITY_LETTERS))
        return ValueScale(0.0, _MAX_INTENSITY, ticks)
    if track.code in _BIPOLAR:
        return ValueScale(-1.0, 1.0, ((-1.0, "−1"), (0.0, "0"), (1.0, "1")))
    seen = track.values[~np.isnan(track.values)].astype(float)
    if len(seen) == 0:
        return ValueScale(0.0, 1.0, ())
    if track.unit is Unit.DEGREE:
        reach = max(20.0, float(np.abs(seen).max()))
        return _rounded(-reach, reach)
    low, high = (float(q) for q in np.quantile(seen, [0.02, 0.98]))
    if high - low < 1e-6:
        low, high = low - 1.0, high + 1.0
    return _pitch_scale(low, high) if track.code == _PITCH else _rounded(low, high)


def _rounded(low: float, high: float) -> ValueScale:
    ticks = nice_ticks(low, high, 4)
    step = ticks[1] - ticks[0] if len(ticks) > 1 else high - low
    low, high = step * math.floor(low / step), step * math.ceil(high / step)
    return ValueScale(
        low, high, tuple((t, f"{t:g}".replace("-", "−")) for t in nice_ticks(low, high, 4))
    )


def _pitch_scale(low: float, high: float) -> ValueScale:
    """Semitones, told in Hz; marks too close to the one below are left out."""
    low, high = low - 1.0, high + 1.0
    ticks: list[tuple[float, str]] = []
    for hz in _HERTZ_TICKS:
        place = 12 * math.log2(hz / 27.5)
        apart = not ticks or place - ticks[-1][0] > (high - low) / 5
        if low <= place <= high and apart:
            ticks.append((place, f"{hz} Hz"))
    return ValueScale(low, high, tuple(ticks))


def time_axis(scale: TimeScale) -> Markup:
    marks = [
        _el(
            '<text class="tick" x="{x}" y="13" text-anchor="middle">{t}</text>',
            x=scale.x(t),
            t=f"{t:g}",
        )
        for t in scale.ticks_s
    ]
    unit = _el('<text class="tick" x="{x}" y="13" text-anchor="end">s</text>', x=LEFT - 12)
    return _svg([*marks, unit], 18, "time axis, seconds from the start of the clip", None)


def words_lane(
    utterances: Sequence[Utterance], observations: Sequence[Observation], scale: TimeScale
) -> Markup:
    """What was said where: single words where they have times, else whole utterances."""
    ids = {(o.span, o.quote): o.obs_id for o in observations}
    parts, free_x = [_grid(scale, None, _TOP, 52)], 0.0
    for utterance in utterances:
        obs_id, x = ids.get((utterance.span, utterance.text), ""), scale.x(utterance.span.start_s)
        named = x >= free_x
        free_x = x + _text_width(obs_id) if named else free_x
        parts.append(_spoken(utterance, obs_id, named, scale))
    return _svg(parts, 60, "words over time", scale)


def pauses_lane(observations: Sequence[Observation], scale: TimeScale) -> Markup:
    """Silences that stand out, in a lane of their own: over a curve they would hide it."""
    bottom = 36.0
    parts = [_grid(scale, None, _TOP, bottom), *_marks(observations, scale, bottom)]
    return _svg(parts, bottom + 6, "pauses over time", scale)


def _spoken(utterance: Utterance, obs_id: str, named: bool, scale: TimeScale) -> Markup:
    pieces = utterance.words or (utterance,)
    marks = Markup("").join(_piece(piece.span, piece.text, scale) for piece in pieces)
    name = _el(
        '<text class="id" x="{x}" y="{y}">{t}</text>',
        x=scale.x(utterance.span.start_s) + 1,
        y=_TOP - 4,
        t=obs_id if named else "",
    )
    title = f"{obs_id}: {utterance.text}" if obs_id else utterance.text
    return _linked(obs_id, "band words", title, name + marks)


def _piece(span: Span, text: str, scale: TimeScale) -> Markup:
    x, width = scale.x(span.start_s), scale.x(span.end_s) - scale.x(span.start_s)
    box = _el(
        '<rect class="event" x="{x}" y="{y}" width="{w}" height="26" rx="3"/>',
        x=x,
        y=_TOP + 4,
        w=max(width - 1, 1.5),
    )
    shown = cut(" ".join(text.split()), int((width - 4) / _CHAR))
    if not shown:
        return box
    return box + _el('<text class="word" x="{x}" y="{y}">{t}</text>', x=x + 3, y=_TOP + 21, t=shown)


def cut(text: str, n_chars: int) -> str:
    """As much of `text` as fits, with an ellipsis; "" where not even three letters would."""
    if len(text) <= n_chars:
        return text
    return text[: n_chars - 1] + "…" if n_chars >= 4 else ""


def _grid(
    scale: TimeScale, values: ValueScale | None, top: float = _TOP, bottom: float = _BOTTOM
) -> Markup:
    parts = [
        _el(
            '<line class="grid" x1="{x}" x2="{x}" y1="{a}" y2="{b}"/>',
            x=scale.x(t),
            a=top,
            b=bottom,
        )
        for t in scale.ticks_s
    ]
    for value, text in values.ticks if values else ():
        zero = " zero" if value == 0 else ""
        parts.append(
            _el(
                '<line class="grid{zero}" x1="{a}" x2="{b}" y1="{y}" y2="{y}"/>'
                '<text class="tick" x="{t}" y="{ty}" text-anchor="end">{text}</text>',
                zero=zero,
                a=LEFT,
                b=RIGHT,
                y=values.y(value) if values else 0.0,
                t=LEFT - 5,
                ty=(values.y(value) if values else 0.0) + 3.5,
                text=text,
            )
        )
    return Markup("").join(parts)


def _gaps(track: CueTrack, scale: TimeScale) -> Markup:
    parts = []
    for span, reason in gaps_of(track, (RIGHT - LEFT) / max(scale.duration_s, 1e-9)):
        x, width = scale.x(span.start_s), scale.x(span.end_s) - scale.x(span.start_s)
        title = f"not measured {span.start_s:.2f}–{span.end_s:.2f} s: {reason}"
        text = cut(f"not measured: {reason}", int((width - 12) / _CHAR))
        said = (
            _el('<text class="why" x="{x}" y="{y}">{t}</text>', x=x + 6, y=_BOTTOM - 6, t=text)
            if text and width > 150
            else Markup("")
        )
        box = _el(
            '<rect class="gap" x="{x}" y="{y}" width="{w}" height="{h}"/>',
            x=x,
            y=_TOP,
            w=max(width, 1.0),
            h=_BOTTOM - _TOP,
        )
        parts.append(_el("<g><title>{title}</title>", title=title) + box + said + Markup("</g>"))
    return Markup("").join(parts)


def gaps_of(track: CueTrack, px_per_s: float) -> list[tuple[Span, str]]:
    """Where the track was not measured and why; gaps closer than a pixel are drawn as one.

    Values that are missing without a stated reason are told too: a gap is never left blank.
    """
    stated = [*track.missing, *_unstated(track)]
    merged: list[tuple[Span, str]] = []
    for span, reason in sorted(stated, key=lambda gap: gap[0]):
        last, why = merged[-1] if merged else (None, "")
        if last is not None and why == reason and (span.start_s - last.end_s) * px_per_s < 1:
            merged[-1] = (Span(last.start_s, max(last.end_s, span.end_s)), reason)
        else:
            merged.append((span, reason))
    return merged


def _unstated(track: CueTrack) -> list[tuple[Span, str]]:
    times_s = track.times_s
    open_ = np.isnan(track.values)
    for span, _ in track.missing:
        open_ &= ~((times_s >= span.start_s - 1e-6) & (times_s <= span.end_s + 1e-6))
    edges = np.flatnonzero(np.diff(np.concatenate([[0], open_.astype(int), [0]])))
    last = len(times_s) - 1
    return [
        (Span(float(times_s[a]), float(times_s[min(b, last)])), "no reason was kept")
        for a, b in zip(edges[::2], edges[1::2], strict=True)
    ]


def _marks(observations: Sequence[Observation], scale: TimeScale, bottom: float) -> list[Markup]:
    """Bands of events, and bars of what holds throughout, whose ids stand at the upper right.

    An id is left out, and only its title stays, where it would overwrite another.
    """
    parts, right_x, free_x = [], RIGHT, 0.0
    for o in (o for o in observations if o.kind is Kind.STATE):
        text = f"{o.obs_id} throughout"
        parts.append(_state(o, text, right_x, scale, bottom))
        right_x -= _text_width(text)
    for o in sorted((o for o in observations if o.kind is not Kind.STATE), key=lambda o: o.span):
        x = scale.x(o.span.start_s)
        fits = free_x <= x <= right_x - _text_width(o.obs_id)
        free_x = x + _text_width(o.obs_id) if fits else free_x
        parts.append(_band(o, fits, scale, bottom))
    return parts


def _text_width(text: str) -> float:
    return _CHAR * (len(text) + 1)


def _band(o: Observation, named: bool, scale: TimeScale, bottom: float) -> Markup:
    x, x_end = scale.x(o.span.start_s), scale.x(o.span.end_s)
    band = _el(
        '<rect class="event" x="{x}" y="{y}" width="{w}" height="{h}"/>'
        '<line class="apex" x1="{a}" x2="{a}" y1="{y}" y2="{b}"/>'
        '<text class="id" x="{x}" y="{ty}">{name}</text>',
        x=x,
        y=_TOP,
        w=max(x_end - x, 1.5),
        h=bottom - _TOP,
        a=scale.x(o.apex_s),
        b=bottom,
        ty=_TOP - 4,
        name=o.obs_id if named else "",
    )
    title = f"{o.obs_id}: {o.span.start_s:.2f}–{o.span.end_s:.2f} s, apex {o.apex_s:.2f} s"
    return _linked(o.obs_id, "band", title, band)


def _state(o: Observation, text: str, right_x: float, scale: TimeScale, bottom: float) -> Markup:
    x, x_end = scale.x(o.span.start_s), scale.x(o.span.end_s)
    bar = _el(
        '<rect class="event" x="{x}" y="{y}" width="{w}" height="4"/>'
        '<text class="id" x="{t}" y="{ty}" text-anchor="end">{text}</text>',
        x=x,
        y=bottom + 1,
        w=max(x_end - x, 1.5),
        t=right_x,
        ty=_TOP - 4,
        text=text,
    )
    title = f"{o.obs_id}: throughout {o.span.start_s:.2f}–{o.span.end_s:.2f} s"
    return _linked(o.obs_id, "band state", title, bar)


def _usual_line(own: float, values: ValueScale) -> Markup:
    return _el(
        '<line class="usual" x1="{a}" x2="{b}" y1="{y}" y2="{y}">'
        "<title>usual for this person in this clip: {own}</title></line>",
        a=LEFT,
        b=RIGHT,
        y=values.y(own),
        own=own,
    )


def _line(track: CueTrack, scale: TimeScale, values: ValueScale) -> Markup:
    path = " ".join(
        "M"
        + "L".join(f"{scale.x(t):.1f} {values.y(v):.1f}" for t, v in run)
        # a lone sample is a dot: a line of no length with round ends
        + ("h0" if len(run) == 1 else "")
        for run in decimate(track.times_s, track.values)
    )
    kind = "gaze" if track.code.startswith("gaze") else str(track.channel)
    return _el('<path class="line {kind}" d="{path}"/>', kind=kind, path=path)


# Without time ------------------------------------------------------------------------------


def intensity_bar(value: float | None) -> Markup:
    """An intensity of a picture on the 0-5 axis; None: not measured, and drawn as a hatch."""
    unit = 40.0
    marks = Markup("").join(
        _el('<line class="grid" x1="{x}" x2="{x}" y1="2" y2="16"/>', x=1 + i * unit)
        for i in range(6)
    )
    if value is None:
        body, label = (
            Markup('<rect class="gap" x="1" y="4" width="200" height="10"/>'),
            "not measured",
        )
    else:
        body = _el(
            '<rect class="bar" x="1" y="4" width="{w}" height="10"/>', w=max(1, value * unit)
        )
        label = f"{value:.1f} of 5 ({intensity_letter(value)})"
    return _figure("0 0 204 18", "bar", label, marks + body)


def share_bar(share: float, label: str) -> Markup:
    """A number from 0 to 1 as a bar."""
    body = _el(
        '<rect class="track" x="0" y="0" width="200" height="10" rx="5"/>'
        '<rect class="bar" x="0" y="0" width="{w}" height="10" rx="5"/>',
        w=max(3.0, 200 * min(1.0, max(0.0, share))),
    )
    return _figure("0 0 200 10", "share", label, body)


def circumplex(valence: float, arousal: float) -> Markup:
    """Valence to the right, arousal upwards, both -1 to 1 (Russell's circle)."""
    body = _el(
        '<circle class="ring" cx="90" cy="75" r="52"/>'
        '<line class="grid" x1="38" x2="142" y1="75" y2="75"/>'
        '<line class="grid" x1="90" x2="90" y1="23" y2="127"/>'
        '<text class="tick" x="90" y="15" text-anchor="middle">activated</text>'
        '<text class="tick" x="90" y="143" text-anchor="middle">calm</text>'
        '<text class="tick" x="34" y="78" text-anchor="end">unpleasant</text>'
        '<text class="tick" x="146" y="78">pleasant</text>'
        '<circle class="dot" cx="{x}" cy="{y}" r="5.5"/>',
        x=90 + 52 * min(1.0, max(-1.0, valence)),
        y=75 - 52 * min(1.0, max(-1.0, arousal)),
    )
    label = f"valence {valence:+.2f}, arousal {arousal:+.2f}, each from -1 to 1"
    return _figure("-34 0 248 150", "circumplex", label, body)


# Markup ------------------------------------------------------------------------------------


def _el(template: str, **values: object) -> Markup:
    """`template` filled in: numbers to a tenth of a unit, text escaped."""
    plain = {k: f"{v:.1f}" if isinstance(v, float) else v for k, v in values.items()}
    return Markup(template).format(**plain)  # noqa: S704  templates are literals of this module


def _linked(obs_id: str, css: str, title: str, body: Markup) -> Markup:
    inside = _el("<title>{title}</title>", title=title) + body
    if not obs_id:
        return _el('<g class="{css}">', css=css) + inside + Markup("</g>")
    head = _el('<a class="{css}" href="#o-{id}" data-obs="{id}">', css=css, id=obs_id)
    return head + inside + Markup("</a>")


def _svg(parts: Iterable[Markup], height: float, label: str, scale: TimeScale | None) -> Markup:
    """A drawing on the time axis; the script reads data-* to place the playhead."""
    head = _el(
        '<svg viewBox="0 0 {w} {h}" class="plot" role="group" aria-label="{label}"',
        w=WIDTH,
        h=height,
        label=label,
    )
    if scale is not None:
        end = f"{scale.duration_s:.3f}"
        head += _el(' data-x0="{a}" data-x1="{b}" data-t1="{t}"', a=LEFT, b=RIGHT, t=end)
    return head + Markup(">") + Markup("").join(parts) + Markup("</svg>")


def _figure(view_box: str, css: str, label: str, body: Markup) -> Markup:
    head = '<svg viewBox="{box}" class="{css}" role="img" aria-label="{label}">'
    return _el(head, box=view_box, css=css, label=label) + body + Markup("</svg>")
