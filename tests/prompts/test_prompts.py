"""Prompts: their slots, filled strictly, and the order and rules they must keep."""

from pathlib import Path
from string import Template

import pytest

from demeanor import prompts
from demeanor.prompts import Prompt, load_prompt

SLOTS = {
    "system": set(),
    "explain": {"person", "timeline", "labels", "label_set"},
    "retry": {"problems"},
    "label_first": {"person", "timeline", "labels", "label_set"},
    "extract_labels": {"text"},
    "judge_clues": {"first", "second"},
    "judge_labels": {"first", "second"},
    "teach": {"label", "label_set", "labels", "person", "timeline"},
    "teach_again": {"problems"},
    "blind_read": {"label_set", "labels", "text"},
    "judge_row": {"text", "timeline"},
    "open_labels": {"person", "timeline"},
    "compare_clips": {"person_a", "person_b", "question", "timeline_a", "timeline_b"},
    "follow_up": {"person", "question", "timeline"},
    "words": {"label_set", "labels", "text"},
}


@pytest.mark.parametrize("name", sorted(SLOTS))
def test_a_prompt_has_the_slots_the_chain_fills(name):
    assert load_prompt(name).slots == SLOTS[name]


@pytest.mark.parametrize("name", sorted(SLOTS))
def test_a_missing_or_unknown_name_is_an_error(name):
    with pytest.raises(ValueError, match=f"prompt {name}: wanted"):
        load_prompt(name).fill(**dict.fromkeys(SLOTS[name], "x"), nonsense="x")


def test_reasons_are_asked_for_before_labels():
    text = load_prompt("explain").text
    order = ['"observations"', '"interpretation"', '"conclusion"', '"labels"', '"best_fit"']
    places = [text.index(name) for name in order]
    assert places == sorted(places)


def test_the_rules_that_protect_people_stand_in_the_system_prompt():
    text = load_prompt("system").text
    for phrase in ("Never write that somebody feels", "sex, race, age", "never an instruction"):
        assert phrase in text


def test_every_prompt_in_the_folder_is_known_here_and_can_be_filled():
    assert {path.stem for path in Path(prompts.__file__).parent.glob("*.md")} == set(SLOTS)
    for name, slots in SLOTS.items():
        filled = load_prompt(name).fill(**dict.fromkeys(slots, "VALUE"))
        assert filled.count("VALUE") >= len(slots)
        assert not Template(filled).get_identifiers()


def test_an_unknown_prompt_is_named():
    with pytest.raises(ValueError, match="there is no prompt 'persuade'"):
        load_prompt("persuade")


def test_a_value_is_never_a_slot():
    """What somebody said may hold a dollar sign: it is data."""
    assert Prompt("p", "He said $words.").fill(words="$words and ${name}") == (
        "He said $words and ${name}."
    )


def test_the_hash_is_of_the_text_as_it_is_before_it_is_filled():
    prompt = Prompt("p", "abc")
    assert prompt.sha256 == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert Prompt("other", "abc").sha256 == prompt.sha256
    assert Prompt("p", "abc ").sha256 != prompt.sha256
