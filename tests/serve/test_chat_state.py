"""What the page says and offers, without Streamlit: nothing of a stranger becomes markup."""

import json

import pytest
from drawn_api import LIMITS, SCRIPT, without_smile
from drawn_results import evidence, explanation, observations, result
from hypothesis import given
from hypothesis import strategies as st

from demeanor.explain.records import Grounding, LabelScore, NotMeasured, Person, Span
from demeanor.serve import chat_state
from demeanor.serve.chat_state import Change, Difference, Progress
from demeanor.serve.sessions import Purpose


def kinds(blocks):
    return [block["kind"] for block in blocks]


def claims(blocks, title):
    return next(b for b in blocks if b["kind"] == "claims" and b["title"] == title)


# Before a clip is chosen ----------------------------------------------------------------------


def test_the_purposes_are_those_of_the_server_and_as_strict():
    ours = {p.value: p.cue_only for p in chat_state.PURPOSES}
    assert ours == {p.value: p.cue_only for p in Purpose}
    assert chat_state.purpose("of a newer server").cue_only


def test_limits_are_told_with_the_common_types_first():
    assert chat_state.limits_line(LIMITS) == (
        "MP4, WAV, JPG and others · at most 2 MB · at most 10 min long"
    )
    assert chat_state.limits_line({}) == ""


def test_a_file_that_is_too_large_is_refused_before_it_is_sent_on():
    assert chat_state.too_large("a.mp4", 2_000_000, LIMITS) is None
    assert chat_state.too_large("a.mp4", 10**12, {}) is None
    told = chat_state.too_large("a.mp4", 3_000_000, LIMITS)
    assert told == "a.mp4 has 3 MB; an upload may have 2 MB. Cut the clip and try again."


@pytest.mark.parametrize(
    ("seconds", "told"), [(14.5, "14.5 s"), (90, "90 s"), (600, "10 min"), (7200, "2 h")]
)
def test_lengths_are_told_as_people_say_them(seconds, told):
    assert chat_state.length(seconds) == told


def test_nothing_that_is_said_claims_that_somebody_feels():
    said = " ".join((chat_state.WHAT_IT_IS, *(p.why for p in chat_state.PURPOSES)))
    assert "does not say what anybody feels" in said
    assert said.count("feel") == 1


# While somebody waits -------------------------------------------------------------------------


def test_a_stage_has_one_line_which_changes_in_its_place():
    told = Progress()
    for data in (
        {"name": "media", "done": True, "found": "4 s", "took_s": 0.25},
        {"name": "face", "done": False, "found": "1.0 of 4.0 s"},
        {"name": "voice", "done": True, "found": "2 events", "took_s": None},
        {"name": "face", "done": True, "found": "1 person", "took_s": 2},
    ):
        told = told.with_stage(data)
    assert [(line.name, line.found) for line in told.lines] == [
        ("media", "4 s"),
        ("face", "1 person"),
        ("voice", "2 events"),
    ]
    text = told.as_html()
    assert "<small>2.0 s</small>" in text
    assert text.count("<small></small>") == 1  # the voice has no time of its own


def test_what_strangers_wrote_is_escaped_in_the_lines():
    told = Progress().with_stage({"name": SCRIPT, "found": SCRIPT}).with_words({"delta": SCRIPT})
    assert "<script" not in told.as_html()
    assert "&lt;script&gt;" in told.as_html()


# The explanation ------------------------------------------------------------------------------


def test_the_answer_comes_first_and_the_reasoning_is_folded():
    blocks = chat_state.explanation_blocks(result(), "p1")
    assert kinds(blocks)[:3] == ["lead", "quiet", "answer"]
    assert "estimated, not coder-validated" in blocks[1]["text"]
    assert "not a language model" in blocks[1]["text"]
    folded = {b["title"]: b["open"] for b in blocks if b["kind"] == "claims"}
    assert folded == {"Key observations": False, "How they combine": False, "Conclusion": True}


def test_what_is_not_backed_is_marked_and_counted():
    part = claims(chat_state.explanation_blocks(result(), "p1"), "How they combine")
    assert part["doubtful"] == 2
    assert [claim["status"] for claim in part["claims"]] == ["", "UNSUPPORTED", "MISPLACED"]
    assert part["claims"][1]["unknown"] == ["f9"]
    assert part["claims"][1]["reason"] == "there is no observation f9"
    assert part["claims"][0]["cites"] == ["f1", "f2"]


def test_a_reply_without_claims_is_shown_as_it_was_said():
    told = explanation(evidence=(), observations_part="", interpretation="So it is.")
    blocks = chat_state.explanation_blocks(result(explanations=(told,)), "p1")
    assert claims(blocks, "How they combine")["text"] == "So it is."
    assert claims(blocks, "Key observations")["text"] == chat_state.NOTHING_SAID


def test_no_label_and_a_reply_that_could_not_be_read_are_said():
    told = explanation(
        abstained=True, abstained_reason="too little is seen", labels=(), best_fit=None,
        confidence=None, alternatives=(), problems=("no conclusion",),
    )  # fmt: skip
    blocks = chat_state.explanation_blocks(result(explanations=(told,)), "p1")
    notes = [b["text"] for b in blocks if b["kind"] == "note"]
    assert notes == ["no conclusion"]
    assert "too little is seen" in blocks[0]["text"]
    assert next(b for b in blocks if b["kind"] == "answer")["labels"] == []


def test_where_only_cues_were_measured_observations_stand_without_a_conclusion():
    blocks = chat_state.explanation_blocks(result(explanations=()), "p1")
    assert kinds(blocks) == ["lead", "quiet", "claims"]
    assert [c["cites"] for c in blocks[2]["claims"]] == [["f1"], ["f2"], ["v1"], ["s1"]]
    assert "no emotion was inferred" in blocks[0]["text"]


def test_a_person_who_was_not_asked_about_has_no_explanation_of_another():
    blocks = chat_state.explanation_blocks(result(), "p2")
    assert kinds(blocks) == ["note"]


def test_gaps_name_whose_they_are_where_there_are_several_people():
    rows = (NotMeasured("AU4", "dark glasses", Span(1.0, 2.0), "p1"), NotMeasured("words", "none"))
    one = chat_state.not_measured(result(not_measured=rows), "p1")
    assert [(b["what"], b["when"]) for b in one] == [
        ("AU4", "1.00–2.00 s"),
        ("words", "the whole clip"),
    ]
    people = tuple(Person(p, (Span(0.0, 4.0),), 40, 60.0, (0, 0, 1, 1), 2.0) for p in ("p1", "p2"))
    two = chat_state.not_measured(result(not_measured=rows, people=people), "p1")
    assert two[0]["what"] == "AU4 of p1"
    assert [b["what"] for b in chat_state.not_measured(result(not_measured=rows), "p2")] == [
        "words"
    ]


# Talk -----------------------------------------------------------------------------------------


def test_citations_in_a_sentence_become_chips_where_they_stand():
    found = chat_state.pieces("Raised [f3, f4] and lowered [f5].", ["f3", "f4"])
    assert found == ["Raised", {"id": "f3"}, {"id": "f4"}, " and lowered [f5]."]


def test_ids_that_are_not_in_the_sentence_stand_beside_it():
    block = chat_state.turn_block({"role": "assistant", "text": "Twice.", "cites": ["f1", "f2"]})
    assert (block["pieces"], block["cites"]) == (["Twice."], ["f1", "f2"])
    block = chat_state.turn_block({"role": "assistant", "text": "Yes [f1].", "cites": ["f1"]})
    assert block["cites"] == []
    block = chat_state.turn_block({"role": "assistant", "text": "[f1] It is.", "cites": ["f1"]})
    assert (block["pieces"], block["cites"]) == (["It is."], ["f1"])
    block = chat_state.turn_block({"role": "user", "text": "[f1] is what?"})
    assert block["pieces"] == ["[f1] is what?"]


@given(st.text(), st.lists(st.sampled_from(["f1", "v2", "s3"])))
def test_no_word_of_a_text_is_lost(text, cites):
    told = "".join(p for p in chat_state.pieces(text, cites) if isinstance(p, str))
    if not cites:
        assert told == text
    assert len(told) <= len(text)


# What if, and two clips -----------------------------------------------------------------------


def test_what_the_conclusion_cites_is_offered_first():
    assert list(chat_state.switchable(result(), "p1")) == ["f1", "f2", "v1", "s1"]
    assert list(chat_state.switchable(result(), "p2")) == ["v1", "s1"]


def test_the_difference_of_two_conclusions_by_hand():
    found = chat_state.difference(explanation(), without_smile().explanations[0])
    assert found == Difference(
        ("happiness",),
        ("neutral",),
        "neutral",
        (
            Change("happiness", 0.6, 0.1),
            Change("neutral", 0.3, 0.8),
            Change("surprise", 0.1, None),
        ),
    )
    assert found.sentence == (
        "No longer shown: happiness; now also: neutral; neutral now fits best; "
        "happiness 0.60 → 0.10."
    )


def test_no_number_is_made_up_for_what_was_not_told():
    assert Change("joy", None, 0.72).sentence == "joy now 0.72"
    assert Change("joy", 0.4, None).sentence == "joy was 0.40 and is not told any more"
    assert "stays the same" in chat_state.difference(explanation(), explanation()).sentence
    assert chat_state.difference(None, explanation()) == Difference()


def test_a_conclusion_beside_another_is_short():
    blocks = chat_state.conclusion_blocks(result(), "p1", "With all of them")
    assert kinds(blocks) == ["heading", "lead", "answer", "claims"]
    assert len(blocks[3]["claims"]) == 1
    bare = chat_state.conclusion_blocks(result(explanations=()), "p1", "Measured")
    assert kinds(bare) == ["heading", "lead"]


def test_many_ids_are_counted_instead_of_named():
    assert chat_state.without_line(["f1", "f2"]) == "Without f1, f2"
    assert chat_state.without_line([f"f{n}" for n in range(37)]) == "Without 37 observations"


# Corrections ----------------------------------------------------------------------------------


def test_a_label_is_corrected_within_its_set_and_a_claim_in_words():
    found = chat_state.targets(result(), "p1", ("happiness", "neutral"))
    assert found[0].choices == ("neutral",)
    assert found[0].correction("neutral", " seen twice ", "p1") == {
        "label": "happiness",
        "was": "happiness",
        "now": "neutral",
        "note": "seen twice",
        "person": "p1",
    }
    assert found[2].fields == {"evidence_index": 1}
    assert found[2].was == "AU12 goes with happiness [f1, f2]."
    assert len(found) == 1 + 5
    assert chat_state.targets(result(explanations=()), "p1", ()) == []


def test_a_correction_that_was_kept_is_told_on_one_line():
    told = chat_state.correction_line({"kind": "label", "was": "a", "now": "b", "note": "c"})
    assert told == "label: a → b (c)"


# The player -----------------------------------------------------------------------------------


def test_the_player_is_told_people_with_addresses_and_plain_data():
    clip = {
        "clip_id": "demo",
        "name": SCRIPT,
        "kind": "video",
        "media_url": "/media?key=k",
        "thumbnail_url": "/thumbnail?key=k",
    }
    data = chat_state.player_data(clip, result(SCRIPT), "p1", ("f1",), lambda p: f"http://h{p}")
    assert data["src"] == "http://h/media?key=k"
    assert data["people"][0]["thumbnail"] == "http://h/thumbnail?key=k&person=p1"
    assert data["timeline"]["words"][0]["text"] == SCRIPT  # as it is: the script shows it as text
    assert json.loads(json.dumps(data, allow_nan=False))["timeline"]["off"] == ["f1"]


def test_words_of_strangers_lose_their_markup_where_markdown_is_read():
    assert chat_state.plain("![x](http://y) <b>") == r"\!\[x\]\(http\://y\) \<b\>"


def test_an_alert_is_text_whatever_an_error_holds():
    told = chat_state.alert(f"{SCRIPT} is no clip")
    assert "<script" not in told
    assert told.startswith('<p class="dm-alert" role="alert">')


def test_who_is_shown_first():
    assert chat_state.first_person(result()) == "p1"
    assert chat_state.first_person(result(explanations=())) == "p1"
    assert chat_state.first_person(result(explanations=(), people=())) is None
    assert chat_state.first_person(result(explanations=(explanation("p2"),))) == "p2"


def test_titles_are_told_for_every_observation():
    assert set(chat_state.titles(result())) == {o.obs_id for o in observations()}


def test_scores_begin_with_the_best():
    told = explanation(
        evidence=(evidence("x", grounding=Grounding.UNSUPPORTED),),
        alternatives=(LabelScore("b", 0.25),),
    )
    (block,) = chat_state.answer_blocks(told)
    assert block["scores"] == [
        {"label": "happiness", "confidence": 0.6},
        {"label": "b", "confidence": 0.25},
    ]
