import pytest

from demeanor.prompts import load_prompt

SLOTS = {
    "system": set(),
    "explain": {"person", "timeline", "labels", "label_set"},
    "retry": {"problems"},
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
