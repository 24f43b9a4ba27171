import dataclasses
import itertools

import pytest
from drawn_measurement import HUMAN, drawn_event, drawn_measurement, drawn_words

from demeanor.explain.records import Channel, Kind, Side, Source, SourceKind, Span, Unit
from demeanor.explain.textualization.observations import observe


def ids(observations):
    return [(o.obs_id, o.code) for o in observations]


def voice(code, span):
    return drawn_event(code, 3.0, span, person=None, channel=Channel.VOICE, unit=Unit.SEMITONE)


def test_ids_count_per_channel_in_time_order_over_all_people():
    events = (
        drawn_event("AU12", 3.0, (2.0, 3.0)),
        drawn_event("AU4", 2.0, (1.0, 3.0), person="p2"),
        voice("jitterLocal", (0.5, 1.0)),
        drawn_event("AU1", 2.0, (1.0, 2.0)),
    )
    words = (drawn_words("second", (3.0, 4.0)), drawn_words("first", (0.0, 1.0)))
    found = observe(drawn_measurement(events, words))
    assert ids(found) == [
        ("f1", "AU1"),  # begins with AU4, ends before it
        ("f2", "AU4"),
        ("f3", "AU12"),
        ("v1", "jitterLocal"),
        ("s1", "words"),
        ("s2", "words"),
    ]
    assert [o.quote for o in found[-2:]] == ["first", "second"]


def test_ids_do_not_depend_on_the_order_events_were_found_in():
    events = (
        drawn_event("AU1", 2.0, (1.0, 2.0), side=Side.LEFT),
        drawn_event("AU1", 2.0, (1.0, 2.0), side=Side.RIGHT),
        drawn_event("AU1", 2.0, (1.0, 2.0), person="p2"),
        drawn_event("AU4", 2.0, (1.0, 2.0)),
    )
    texts = {
        tuple((o.obs_id, o.person, o.name) for o in observe(drawn_measurement(order, ())))
        for order in itertools.permutations(events)
    }
    assert texts == {
        (("f1", "p1", "AU1L"), ("f2", "p1", "AU1R"), ("f3", "p1", "AU4"), ("f4", "p2", "AU1"))
    }


def test_an_observation_keeps_everything_of_its_event():
    event = drawn_event("AU12", 3.2, side=Side.LEFT, caveats=("a hand is near",))
    (found,) = observe(drawn_measurement((event,), ()))
    for field in dataclasses.fields(event):
        assert getattr(found, field.name) == getattr(event, field.name)
    assert found.quote is None


def test_words_are_quoted_as_they_are_and_belong_to_nobody_in_particular():
    text = ' "Oh"\n really? '
    (found,) = observe(drawn_measurement((), (drawn_words(text, (1.0, 2.0)),)))
    assert (found.quote, found.person, found.kind) == (text, None, Kind.WORDS)
    assert (found.span, found.apex_s, found.peak) == (Span(1.0, 2.0), 1.0, None)


@pytest.mark.parametrize(
    ("source", "reliability"),
    [(HUMAN, 1.0), (Source(SourceKind.MACHINE, "whisper", "1"), 0.7)],
)
def test_words_a_machine_wrote_are_less_reliable(source, reliability):
    words = dataclasses.replace(drawn_words("hello"), source=source)
    (found,) = observe(drawn_measurement((), (words,)))
    assert found.reliability == reliability


def test_nothing_found_is_nothing_observed():
    assert observe(drawn_measurement((), ())) == ()
