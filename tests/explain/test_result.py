import dataclasses

import numpy as np
import pandas as pd
import pytest
from drawn_measurement import drawn_explanation, drawn_measurement, drawn_result


def test_an_observation_is_found_by_its_id():
    result = drawn_result()
    assert result.observation("f2").code == "AU12"
    assert result.observation("f99") is None


def test_without_an_explanation_a_result_is_cues_only():
    assert drawn_result(explanations=()).cue_only
    assert not drawn_result().cue_only


#  AU12 of p1 at four moments, a level of nobody's voice at two
def test_a_table_has_a_row_per_moment_and_person_and_nan_where_nothing_was_measured():
    table = drawn_result().to_frame()
    assert list(table.columns) == ["person", "time_s", "AU12", "AU1L", "loudness"]
    face = table[table["person"] == "p1"]
    assert face["time_s"].tolist() == [0.0, 0.04, 0.08, 0.12]
    np.testing.assert_array_equal(face["AU12"], [0.0, 1.5, np.nan, 5.0])
    voice = table[table["person"].isna()]
    np.testing.assert_array_equal(voice["loudness"], np.array([-30.5, np.nan], np.float32))
    assert voice["AU12"].isna().all()


def test_a_table_of_nothing_is_empty():
    bare = dataclasses.replace(drawn_measurement(), tracks=(), people=())
    assert isinstance(drawn_result(bare).to_frame(), pd.DataFrame)
    assert drawn_result(bare).to_frame().empty


# In a notebook --------------------------------------------------------------------------------


def test_a_notebook_shows_labels_claims_and_what_is_not_grounded():
    page = drawn_result()._repr_html_()
    assert "appears to show <b>happiness</b>, confidence 0.80" in page
    assert "<li>The lip corners rise.</li>" in page
    assert "<li>The voice is loud. <b>UNSUPPORTED</b></li>" in page
    assert "scripted" in page


def test_a_notebook_shows_cues_without_any_emotion():
    page = drawn_result(explanations=())._repr_html_()
    assert "5 observations, 3 of the face" in page
    assert "no emotion was inferred" in page
    assert "not coder-validated" in page


def test_who_abstains_gives_no_label_and_no_confidence():
    explanation = drawn_explanation(
        labels=(), best_fit=None, confidence=None, abstained=True, person=None
    )
    page = drawn_result(explanations=(explanation,))._repr_html_()
    assert "nobody seen: appears to show <b>no label (abstained)</b> <small>" in page


@pytest.mark.parametrize("field", ["claim", "label", "name", "person"])
def test_nothing_in_a_result_becomes_markup(field):
    bad = "<script>alert(1)</script>"
    explanation, measurement = drawn_explanation(), drawn_measurement()
    if field == "claim":
        evidence = (dataclasses.replace(explanation.evidence[0], claim=bad),)
        explanation = dataclasses.replace(explanation, evidence=evidence)
    elif field == "label":
        explanation = dataclasses.replace(explanation, labels=(bad,))
    elif field == "person":
        explanation = dataclasses.replace(explanation, person=bad)
    else:
        clip = dataclasses.replace(
            measurement.clip, path=measurement.clip.path.with_name("<script>alert(1)<script>.mp4")
        )
        measurement = dataclasses.replace(measurement, clip=clip)
    page = drawn_result(measurement, (explanation,))._repr_html_()
    assert "<script" not in page
    assert "&lt;script&gt;alert(1)" in page
