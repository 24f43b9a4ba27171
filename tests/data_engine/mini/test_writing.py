"""Accounts for demeanor-mini: said in the order of the line that they are copied from."""

import pytest
from drawn_observations import SEVEN, au, held, pitch, said

from demeanor.data_engine.mini.writing import brief
from demeanor.data_engine.simulate.clips import draw_clip
from demeanor.data_engine.tasks import case_of
from demeanor.explain.reasoning.ground import ground
from demeanor.explain.reasoning.parse import parse
from demeanor.explain.reasoning.short_form import as_text, filled, seen, short_form
from demeanor.explain.records import Grounding, Span
from demeanor.explain.settings import TimelineSettings


@pytest.mark.parametrize(
    "observation, told",
    [
        (
            au("f1", 12, 2.9, (0.2, 3.7)),
            "[f1] AU12 C 2.9, 0.2-3.7 s: lip corners pulled up and back",
        ),
        (au("f2", 4, 1.6, (0.0, 0.0)), "[f2] AU4 B 1.6: brows lowered or drawn together"),
        (
            held("f3", 4, 2.0),
            "[f3] AU4 B 2.0, 0.0-5.0 s: brows lowered or drawn together; held all along, so it "
            "counts less",
        ),
        (pitch("v1", 4.0), "[v1] pitch higher +4.0 st, 1.0-3.0 s"),
        (said("s1", "well, yes", (0.5, 1.5)), "[s1] 0.5-1.5 s: <said>"),
    ],
)
def test_a_line_is_said_again_behind_its_id(observation, told):
    assert seen(observation) == told


def test_a_mouth_that_talks_counts_less():
    told = seen(au("f1", 12, 2.9, (1.0, 2.0)), [Span(0.5, 2.5)])
    assert told.endswith("; within talking, so it counts less")


def test_a_claim_begins_as_its_line_does():
    """Everything before the clause stands in the short form, letter by letter."""
    smile = au("f1", 12, 2.9, (0.2, 3.7))
    assert short_form("p1", [smile], ()).startswith(seen(smile).split(":")[0])
    words = said("s1", "well, yes", (0.5, 1.5))
    assert filled(seen(words), [words]) == "[s1] 0.5-1.5 s: “well, yes”"
    assert short_form("p1", [words], ()) == "[s1] 0.5-1.5 s: “ well, yes”"


def test_claims_are_grounded_as_those_of_other_teachers_are():
    verdicts = []
    for number in range(150):
        case = case_of(draw_clip(21, number), TimelineSettings(max_tokens=1500))
        reply = brief(case.request(SEVEN), case.weighed)
        found = parse(filled(as_text(reply), case.seen.observations), SEVEN)
        assert found.problems == ()
        seen_by = (case.seen.observations, case.seen.not_measured, case.seen.person)
        verdicts += [e.grounding for e in ground(found, *seen_by)]
    assert len(verdicts) > 1000
    assert verdicts.count(Grounding.GROUNDED) / len(verdicts) > 0.998


def test_units_of_a_pattern_stand_behind_the_ids_that_show_them():
    case = next(
        c
        for n in range(50)
        if (c := case_of(draw_clip(21, n), TimelineSettings(max_tokens=1500))).weighed.moments
        and c.weighed.moments[0].is_expression
    )
    told = [c["text"] for c in brief(case.request(SEVEN), case.weighed)["interpretation"]]
    by_id = {o.obs_id: o.code for o in case.seen.observations}
    assert any(f"[{i}] {code}" in text for text in told for i, code in by_id.items())
