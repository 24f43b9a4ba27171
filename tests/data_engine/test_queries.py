"""Answers are looked up. The picture is the clip; the answers were worked out by hand.

time_s   0    1    2    3    4    5    6    7    8
AU12          |--C 3.0--|              |-D 4.0-|
AU4                 |-B 2.0-| left
AU2      |------ held at 1.8 -------------------|
voice              |- pitch up 3 -|
words              | "Oh, really?" |
"""

import random

import pytest
from drawn_observations import au, gap, held, left, pitch, said

from demeanor.data_engine import queries
from demeanor.data_engine.queries import Seen
from demeanor.explain.records import NotMeasured, Span

CLIP = (
    held("f1", 2, 1.8, (0.0, 8.0), change_from_usual=0.0),
    au("f2", 12, 3.0, (1.0, 3.0)),
    left("f3", 4, 2.0, (2.2, 4.0)),
    au("f4", 12, 4.0, (6.0, 7.5)),
    pitch("v1", 3.0, (2.0, 5.0)),
    said("s1", "Oh, really?", (2.0, 5.0)),
)
GAPS = (
    gap("AU23", "no face with a known AU23 was at hand to measure it on"),
    NotMeasured("voice", "the sound ends at 5.00 s", Span(5.0, 8.0)),
)
SEEN = Seen(CLIP, GAPS, "p1", 8.0)


@pytest.fixture
def draw():
    return random.Random(0)


def test_when(draw):
    asked = queries.when(SEEN, "AU12", draw)
    assert "from 1.0 to 3.0 s [f2] and from 6.0 to 7.5 s [f4]" in _lower(asked)
    assert asked.cites == ("f2", "f4")
    assert queries.when(SEEN, "AU9", draw).answer == "AU9 was not observed."


def test_how_strong(draw):
    asked = queries.strength(SEEN, "AU12", draw)
    assert asked.cites == ("f4",)
    assert "D" in asked.answer and ("4.0" in asked.answer or "strong" in asked.answer)
    assert queries.strength(SEEN, "AU9", draw) is None


def test_how_often_and_how_long(draw):
    assert "twice" in _lower(queries.often(SEEN, "AU12", draw))
    assert "3.5 s" in queries.long(SEEN, "AU12", draw).answer  # 2.0 and 1.5
    assert queries.often(Seen(CLIP, GAPS, "p1", 0.0), "AU12", draw) is None


def test_shown_absent_and_not_measured_are_three_answers(draw):
    assert queries.present(SEEN, "AU12", draw).answer.startswith("Yes")
    assert queries.present(SEEN, "AU9", draw).answer.startswith("No")
    unknown = queries.present(SEEN, "AU23", draw)
    assert "measured" in unknown.answer and "no face with a known AU23" in unknown.answer
    hidden = Seen(CLIP[4:], (gap("face", "no face was seen"),), None, 8.0)
    assert "no face was seen" in queries.present(hidden, "AU9", draw).answer


def test_a_level_that_is_held_is_no_movement(draw):
    assert queries.present(SEEN, "AU2", draw).answer.startswith("No")
    assert queries.usual(SEEN, draw).cites == ("f1",)
    assert "1.8" in queries.usual(SEEN, draw).answer


def test_which_side(draw):
    assert "left" in queries.side(SEEN, "AU4", draw).answer
    assert queries.side(SEEN, "AU12", draw).answer.startswith("No")


def test_first_and_strongest(draw):
    assert queries.first(SEEN, draw).cites == ("f2",)
    assert queries.strongest(SEEN, draw).cites == ("f4",)
    assert queries.first(Seen((), (), "p1", 8.0), draw) is None


def test_what_is_there_at_a_time(draw):
    assert queries.at(SEEN, 2.5, draw).cites == ("f2", "s1", "v1", "f3")
    asked = queries.at(SEEN, 5.5, draw)
    assert asked.cites == () and "Nothing was observed at 5.5 s" in asked.answer


def test_stronger_and_earlier(draw):
    smile, frown, later = CLIP[1], CLIP[2], CLIP[3]
    assert "AU12" in queries.compare(smile, frown, draw).answer.split("is")[0] + (
        queries.compare(smile, frown, draw).answer
    )
    assert queries.compare(smile, frown, draw).cites == ("f2", "f3")
    assert queries.order(later, frown, draw).cites == ("f3", "f4")
    assert queries.compare(smile, later, draw) is None  # the same unit


def test_nearly_equal_is_said_to_be_so(draw):
    one, other = au("f1", 1, 2.1), au("f2", 4, 2.0)
    assert "about equal" in queries.compare(one, other, draw).answer
    assert "together" in queries.order(one, other, draw).answer


def test_voice_words_and_gaps(draw):
    assert queries.voice(SEEN, draw).cites == ("v1",)
    assert "3.0 semitones" in queries.voice(SEEN, draw).answer
    assert '"Oh, really?" from 2.0 to 5.0 s [s1]' in queries.said(SEEN, draw).answer
    listed = queries.unmeasured(SEEN, draw).answer
    assert "AU23" in listed and "from 5.0 to 8.0 s" in listed
    mute = Seen((), (gap("voice", "the video has no sound"), gap("words", "no sound")), "p1", 8.0)
    assert "the video has no sound" in queries.voice(mute, draw).answer
    assert "no sound" in queries.said(mute, draw).answer


def test_every_wording_can_be_filled():
    """Many draws of every question: an empty slot would raise."""
    draw, kinds = random.Random(1), set()
    for _ in range(600):
        asked = queries.drawn_question(SEEN, draw)
        if asked is not None:
            kinds.add(asked.kind)
            assert "$" not in asked.question + asked.answer
            assert set(asked.cites) <= {o.obs_id for o in CLIP}
    assert len(kinds) >= 14


def _lower(asked):
    return asked.answer[0].lower() + asked.answer[1:]
