import json

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from demeanor.explain.reasoning.parse import parse, reply_schema
from demeanor.explain.records import LabelScore, LabelSet

SET = LabelSet("test4", ("happiness", "anger", "happily surprised", "neutral"), {}, "made up")
GOOD = {
    "observations": [
        {"text": "The lip corners are pulled up. The cheeks are raised.", "cites": ["f1", "f2"]}
    ],
    "interpretation": [{"text": "Both come together [f1].", "cites": ["f1"]}],
    "conclusion": {"text": "The person appears happy.", "cites": ["f1"]},
    "labels": ["happiness", "relief"],
    "best_fit": "happiness",
    "confidence": 0.8,
    "alternatives": [
        {"label": "anger", "confidence": 0.05},
        {"label": "neutral", "confidence": 0.1},
    ],
    "valence": 0.7,
    "arousal": None,
    "abstained": False,
    "abstained_reason": None,
}
TEXT = """
**Key Observations:**
- The lip corners are pulled up [f1].
- The voice is louder [v1].

**Overall Emotional Interpretation:** Both come together [f1, v1].

### Conclusion
The person appears happy [f1].

Labels: happiness, Relief
Best fit: Happily_Surprised
Confidence: 80 %
Alternatives: anger 0.05, neutral (0.1)
Valence: −0.2
Abstained: no
"""


def reply(**changes):
    return json.dumps({**GOOD, **changes})


def test_a_good_reply_becomes_three_parts_with_citations_in_every_sentence():
    parts = parse(reply(), SET)
    assert parts.observations == (
        "- The lip corners are pulled up [f1, f2]. The cheeks are raised [f1, f2]."
    )
    assert parts.interpretation == "Both come together [f1]."
    assert parts.labels == ("happiness", "relief")
    assert (parts.best_fit, parts.confidence) == ("happiness", 0.8)
    assert parts.alternatives == (LabelScore("neutral", 0.1), LabelScore("anger", 0.05))
    assert (parts.valence, parts.arousal) == (0.7, None)
    assert parts.problems == () and parts.readable


@pytest.mark.parametrize(
    "wrapped",
    [
        "Here it is:\n```json\n{}\n```\nDone.",
        "<think>maybe {{\"labels\": [\"anger\"]}}</think>\n{}",
        "thinking without an opening tag</think>{}",
        "{{not json}} {}",
    ],
)  # fmt: skip
def test_json_is_found_in_what_models_put_around_it(wrapped):
    text = wrapped.replace("{{", "\0").replace("}}", "\1").replace("{}", reply())
    assert parse(text.replace("\0", "{").replace("\1", "}"), SET) == parse(reply(), SET)


def test_the_plain_three_part_text_is_read():
    parts = parse(TEXT, SET)
    assert parts.observations == (
        "- The lip corners are pulled up [f1].\n- The voice is louder [v1]."
    )
    assert parts.interpretation == "Both come together [f1, v1]."
    assert parts.conclusion == "The person appears happy [f1]."
    assert parts.labels == ("happiness", "Relief", "happily surprised")
    assert (parts.best_fit, parts.confidence, parts.valence) == ("happily surprised", 0.8, -0.2)
    assert [score.label for score in parts.alternatives] == ["neutral", "anger"]
    assert parts.problems == ()


def test_a_label_outside_the_set_stays_open_and_is_no_best_fit():
    parts = parse(reply(best_fit="serenity"), SET)
    assert parts.best_fit is None
    assert parts.labels == ("happiness", "relief", "serenity")
    assert parts.problems == ("best fit 'serenity' is not in test4",)


@pytest.mark.parametrize("value", [1.2, -0.1, 80, "very", True, float("nan"), float("inf")])
def test_a_number_out_of_range_is_a_problem_and_not_clipped(value):
    parts = parse(reply(confidence=value), SET)
    assert parts.confidence is None
    assert parts.problems[0].startswith("confidence: wanted a number from 0 to 1")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "no labels were given"),
        ("happy", "no labels were given"),
        ("<think>so the face", "the reply ends inside its thinking"),
        (reply()[:300], "the reply holds a JSON object that is broken or cut short"),
        ('{"labels": ["happiness"]}', "labels were given without reasons"),
        ("Labels: happiness\nBest fit: happiness", "labels were given without reasons"),
    ],
)
def test_an_unreadable_reply_abstains_and_says_what_was_missing(text, problem):
    parts = parse(text, SET)
    assert parts.abstained and not parts.readable
    assert parts.labels == () and parts.best_fit is None and parts.confidence is None
    assert problem in parts.problems


def test_an_abstention_keeps_its_reason_and_drops_labels_aloud():
    parts = parse(reply(abstained=True, abstained_reason="the face is hidden"), SET)
    assert parts.readable and parts.abstained
    assert parts.abstained_reason == "the face is hidden"
    assert parts.labels == ()
    assert parts.problems == ("the reply abstains and yet gives labels; they are left out",)


def test_citations_that_are_no_ids_are_said():
    parts = parse(reply(conclusion={"text": "Appears happy", "cites": ["x9", "[F1]"]}), SET)
    assert parts.conclusion == "Appears happy [f1]."
    assert parts.problems == ("conclusion: 'x9' is not an observation id",)


def test_the_schema_accepts_a_good_reply_and_writes_reasons_before_labels():
    schema = reply_schema(SET)
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(GOOD, schema)
    names = list(schema["properties"])
    assert names.index("conclusion") < names.index("labels") < names.index("best_fit")
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**GOOD, "best_fit": "serenity"}, schema)


def strings_of(schema):
    if isinstance(schema, dict):
        if "string" in schema.get("type", ()) and "enum" not in schema:
            yield schema
        for value in schema.values():
            yield from strings_of(value)


def test_every_free_string_of_the_schema_is_bounded():
    found = list(strings_of(reply_schema(SET)))
    assert len(found) >= 5
    assert all("maxLength" in string for string in found)


unhurried = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=8,
)


@unhurried
@given(st.dictionaries(st.sampled_from(sorted(GOOD)), json_values))
def test_no_json_whatever_breaks_the_parser(fields):
    parts = parse(json.dumps({**GOOD, **fields}), SET)
    assert parts.confidence is None or 0 <= parts.confidence <= 1
    assert parts.best_fit is None or parts.best_fit in SET.labels
    assert parts.abstained or parts.labels


@unhurried
@given(st.text(max_size=300))
def test_no_text_whatever_breaks_the_parser(text):
    assert parse(text, SET).abstained or parse(text, SET).labels


def test_the_descriptions_of_exp_cot_data_fall_into_their_three_parts(shared):
    path = shared / "data/expcot_rafdb/rows.jsonl"
    rows = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    assert len(rows) == 1534
    for row in rows:
        parts = parse(f"{row['description']}\n\nLabels: {row['label']}", SET)
        assert parts.observations and parts.interpretation and parts.conclusion
        assert parts.labels == (_spelt(row["label"]),)
        assert parts.problems == ("no best fit was given",)


def _spelt(label):
    return next((known for known in SET.labels if known == label.lower()), label)
