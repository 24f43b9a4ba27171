"""What a face shows follows the published proportions; what is measured of it, the front end."""

import random
from dataclasses import replace

import pytest

from demeanor.data_engine.simulate import face
from demeanor.data_engine.simulate.face import Movement, Shown, View, events, movements
from demeanor.data_engine.simulate.tables import EXCLUDE, Unit, patterns, units
from demeanor.explain.perception.events import WITH_SPEECH
from demeanor.explain.records import Kind, Side, Span

DU = "Du, Tao & Martinez 2014"
LISTED = [e for e, rows in patterns().items() if rows[0].has_proportions]
CLEAN = Unit(1.0, 0.0, 1e-9, 1e-9, 0.0, 0.9, True)  # measures what is there


@pytest.fixture
def clean(monkeypatch):
    """A front end without noise, units that fire along, or false alarms."""
    known = dict.fromkeys(units("landmarker"), CLEAN)
    monkeypatch.setattr(face, "units", lambda backend: known)
    monkeypatch.setattr(face, "cross_talk", lambda backend: {})
    monkeypatch.setattr(face, "_idle", lambda view, draw: [])
    monkeypatch.setattr(face, "_blinks", lambda view, draw: [])
    monkeypatch.setattr(face, "_turns", lambda view, draw: [])


@pytest.mark.parametrize("emotion", LISTED)
def test_units_are_shown_by_the_published_share_of_people(emotion):
    draw, n = random.Random(f"shares {emotion}"), 1500
    shown = Shown(emotion, Span(0, 0), 3.0, only=DU)
    counts: dict[str, int] = {}
    for _ in range(n):
        for movement in movements(shown, draw):
            counts[movement.code] = counts.get(movement.code, 0) + 1
    pattern = next(p for p in patterns()[emotion] if p.has_proportions)
    for code, share in pattern.shares:
        entailed = code == "AU25"  # a dropped jaw parts the lips as well
        if not entailed and not _is_excluded(code, pattern):
            assert counts[code] / n == pytest.approx(share, abs=0.04), code


def _is_excluded(code, pattern):
    """Units that FACS does not score beside another of the same pattern come out rarer."""
    own = {c for c, _ in pattern.shares}
    return any(code in pair and set(pair) <= own for pair in EXCLUDE)


def test_nothing_that_facs_excludes_is_shown_together():
    draw = random.Random(3)
    for emotion in patterns():
        for _ in range(60):
            codes = {m.code for m in movements(Shown(emotion, Span(0, 2), 3.0), draw)}
            assert not [pair for pair in EXCLUDE if set(pair) <= codes], emotion


def test_a_one_sided_pattern_is_on_one_side_throughout():
    shown = Shown("contempt", Span(0, 2), 4.0, only="Matsumoto et al. 2008")
    sides = {m.side for m in movements(shown, random.Random(1))}
    assert len(sides) == 1 and None not in sides


def test_units_of_one_expression_lie_together_in_time():
    found = movements(Shown("surprise", Span(2.0, 4.0), 3.0), random.Random(5))
    assert all(abs(m.span.start_s - 2.0) < 0.5 and m.span.contains(m.apex_s) for m in found)


# What is measured ---------------------------------------------------------------------------


def test_without_noise_the_event_is_the_movement(clean):
    moved = Movement("AU12", None, 3.0, Span(1.0, 3.0), 2.0)
    (event,) = events([moved], View("landmarker", 5.0), random.Random(0))
    assert (event.code, event.kind, event.peak) == ("AU12", Kind.EVENT, 3.0)
    assert event.change_from_usual == 3.0
    assert event.span.start_s == pytest.approx(1.0, abs=0.3)


def test_below_b_nothing_is_reported(clean):
    moved = Movement("AU12", None, 1.4, Span(1.0, 3.0), 2.0)
    assert events([moved], View("landmarker", 5.0), random.Random(0)) == []


def test_a_held_level_is_added_to_the_peak_and_not_to_the_change(clean):
    view = View("landmarker", 5.0, rest={"AU4": 1.8})
    moved = Movement("AU4", None, 2.0, Span(1.0, 3.0), 2.0)
    held, event = sorted(
        events([moved], view, random.Random(0)), key=lambda e: e.kind, reverse=True
    )
    assert (held.kind, held.peak, held.change_from_usual) == (Kind.STATE, 1.8, 0.0)
    assert (event.peak, event.change_from_usual) == (3.8, 2.0)


def test_a_picture_has_one_moment_and_no_usual(clean):
    moved = Movement("AU12", None, 3.0, Span(0, 0), 0.0)
    found = events([moved], View("landmarker", 0.0), random.Random(11))
    smile = next(e for e in found if e.code == "AU12")
    assert (smile.kind, smile.span, smile.change_from_usual) == (Kind.STATE, Span(0, 0), None)
    assert smile.change_from_population == 3.0
    assert all(e.span == Span(0, 0) for e in found)


#  time_s   0    1    2    3    4
#  talks         |---------|
#  AU12           ||               (0.4 s: a lip of a sound)
#  AU15           |-------|        (1.6 s: held)
def test_of_a_talking_mouth_only_what_is_held_counts(clean):
    view = View("landmarker", 5.0, talks=(Span(1.0, 3.0),))
    short = Movement("AU12", None, 3.0, Span(1.2, 1.6), 1.4)
    held = Movement("AU15", None, 3.0, Span(1.2, 2.8), 2.0)
    (event,) = events([short, held], view, random.Random(0))
    assert event.code == "AU15"
    assert event.caveats == (WITH_SPEECH,)


def test_what_is_covered_is_not_measured(clean):
    view = View("landmarker", 5.0, hidden=frozenset({"AU12"}))
    moved = Movement("AU12", None, 3.0, Span(1.0, 3.0), 2.0)
    assert events([moved], view, random.Random(0)) == []


def test_a_side_is_told_where_it_leads_by_b(clean):
    moved = Movement("AU12", Side.LEFT, 4.0, Span(1.0, 3.0), 2.0)
    (event,) = events([moved], View("landmarker", 5.0), random.Random(0))
    assert event.side is Side.LEFT


def test_a_stretched_mouth_is_one_event_of_the_jaw(clean):
    moved = Movement("AU27", None, 3.0, Span(1.0, 3.0), 2.0)
    (event,) = events([moved], View("landmarker", 5.0), random.Random(0))
    assert event.code == "AU26" and event.peak > 4.5


def test_closed_eyes_are_a_blink_while_they_are_short(clean):
    view = View("landmarker", 5.0)
    long = Movement("AU43", None, 4.0, Span(1.0, 3.0), 2.0)
    short = replace(long, span=Span(1.0, 1.3), apex_s=1.15)
    assert [e.code for e in events([long], view, random.Random(0))] == ["AU43"]
    assert [e.code for e in events([short], view, random.Random(0))] == ["AU45"]


@pytest.mark.parametrize(
    ("backend", "code", "published"),  # docs/perception.md: percent of renders that reach B
    [
        ("landmarker", "AU12", 60),
        ("landmarker", "AU17", 66),
        ("mesh", "AU10", 41),
        ("mesh", "AU26", 73),
    ],
)
def test_units_are_found_as_often_as_on_renders(backend, code, published):
    draw, unit, n = random.Random(2), units(backend)[code], 4000
    hits = sum(
        draw.gauss(unit.gain * draw.uniform(0, 5) - unit.offset, unit.noise) >= 1.5
        for _ in range(n)
    )
    assert 100 * hits / n == pytest.approx(published, abs=3)


def test_faces_at_rest_raise_the_published_false_alarms():
    n, view = 1500, View("landmarker", 0.0)
    draw = random.Random(8)
    counts: dict[str, int] = {}
    for _ in range(n):
        for event in events([], view, draw):
            counts[event.code] = counts.get(event.code, 0) + 1
    for code in ("AU4", "AU12", "AU15", "AU24"):
        alarm = units("landmarker")[code].false_alarm
        assert counts.get(code, 0) / n == pytest.approx(alarm, abs=0.02), code
