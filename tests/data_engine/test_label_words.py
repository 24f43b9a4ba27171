import pytest

from demeanor.data_engine.label_words import find_label_words
from demeanor.explain.corpora.labels import COARSE, known_label_sets, label_set


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("a happily raised cheek", "happiness"),
        ("Angrily lowered brows", "angry"),
        ("a startled look", "surprise"),
        ("sadder than before", "sad"),
        ("worried brows", "worried"),
        ("a DISGUSTED nose", "disgust"),
        ("looks confused", "confusion"),
        ("happily surprised", "happily surprised"),
        ("a sneer", "contempt"),
    ],
)
def test_a_label_is_found_in_its_forms_and_synonyms(text, label):
    assert find_label_words(text, (label,)).said


@pytest.mark.parametrize(
    "text",
    [
        "lip corners pulled up and back, clear (C, 3.0)",
        "+1.2 from neutral faces of other people",
        "head lowered, sadly-named file",
    ],
)
def test_movements_and_what_they_are_compared_with_are_no_labels(text):
    assert not find_label_words(text, ("neutral", "happiness")).said


def test_quoted_speech_is_excepted_and_counted():
    found = find_label_words('“so happy”; glad, and "happy happy"', ("happiness",))
    assert found.said == ("glad",)
    assert found.quoted == ("happy", "happy", "happy")


@pytest.mark.parametrize("name", known_label_sets())
def test_every_shipped_label_finds_itself(name):
    for label in label_set(name).labels:
        text = f"It appears {label} here"
        if len(label) > 4 or label in COARSE:
            assert find_label_words(text, (label,)).said, label


def test_no_label_finds_nothing():
    assert find_label_words("happy", ()).said == ()
