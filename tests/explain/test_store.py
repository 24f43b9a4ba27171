import dataclasses
import gzip
import json

import jsonschema
import numpy as np
import pytest
from drawn_measurement import drawn_explanation, drawn_measurement, drawn_result
from hypothesis import given
from hypothesis import strategies as st

from demeanor.explain.errors import DemeanorError
from demeanor.explain.records import Measurement, NotMeasured, Span, Usual
from demeanor.explain.store import (
    SCHEMA_VERSION,
    from_plain,
    json_schema,
    load_gzip,
    load_result,
    save_gzip,
    save_result,
    to_plain,
    write_atomic,
)


def plain(path):
    return json.loads(path.read_text("utf-8"))


# Round trips ----------------------------------------------------------------------------------


def test_a_result_comes_back_byte_for_byte(tmp_path):
    once = save_result(drawn_result(), tmp_path / "a.json")
    twice = save_result(load_result(once), tmp_path / "b.json")
    assert once.read_bytes() == twice.read_bytes()


def test_records_come_back_equal_with_their_enums_and_none(tmp_path):
    result = drawn_result()
    found = load_result(save_result(result, tmp_path / "a.json"))
    assert found.observations == result.observations
    assert found.timelines == result.timelines
    assert found.explanations == result.explanations
    for name in ("clip", "people", "utterances", "usual", "events", "not_measured", "settings"):
        assert getattr(found.measurement, name) == getattr(result.measurement, name)


def test_tracks_come_back_with_nan_and_share_their_times(tmp_path):
    result = drawn_result()
    path = save_result(result, tmp_path / "a.json")
    found = load_result(path).measurement.tracks
    for one, other in zip(result.measurement.tracks, found, strict=True):
        np.testing.assert_array_equal(one.times_s, other.times_s)
        np.testing.assert_array_equal(one.values, other.values)
        assert (one.values.dtype, one.times_s.dtype) == (other.values.dtype, other.times_s.dtype)
        assert (one.name, one.unit, one.missing) == (other.name, other.unit, other.missing)
    assert found[0].times_s is found[1].times_s
    kept = plain(path)["measurement"]["tracks"]
    assert kept["times_s"] == [[0.0, 0.04, 0.08, 0.12], [0.0, 0.04]]
    assert kept["tracks"][0]["values"] == [0.0, 1.5, None, 5.0]


def test_a_number_that_is_not_known_comes_back_as_nan(tmp_path):
    """A face of unknown width, as imported measurements have it."""
    person = dataclasses.replace(drawn_measurement().people[0], face_px=float("nan"))
    measurement = dataclasses.replace(drawn_measurement(), people=(person,))
    path = save_result(drawn_result(measurement), tmp_path / "a.json")
    assert plain(path)["measurement"]["people"][0]["face_px"] is None
    assert np.isnan(load_result(path).measurement.people[0].face_px)
    jsonschema.validate(plain(path), json_schema())


def test_a_result_without_people_tracks_and_words(tmp_path):
    bare = dataclasses.replace(
        drawn_measurement(events=(), words=()), people=(), tracks=(), usual=()
    )
    path = save_result(drawn_result(bare, explanations=()), tmp_path / "a.json")
    assert load_result(path).measurement.tracks == ()
    assert load_result(path).cue_only
    jsonschema.validate(plain(path), json_schema())


def test_a_measurement_comes_back_from_gzip(tmp_path):
    measurement = drawn_measurement()
    path = save_gzip(measurement, tmp_path / "m.json.gz")
    assert to_plain(load_gzip(Measurement, path)) == to_plain(measurement)
    assert save_gzip(measurement, tmp_path / "n.json.gz").read_bytes() == path.read_bytes()


def test_words_of_any_script_and_sign_survive(tmp_path):
    claim = 'ü "quoted" \\ </script> \u2028 \U0001f600'
    explanation = drawn_explanation(conclusion=claim)
    path = save_result(drawn_result(explanations=(explanation,)), tmp_path / "a.json")
    assert load_result(path).explanations[0].conclusion == claim


@given(
    st.builds(
        NotMeasured,
        st.text(),
        st.text(),
        st.none() | st.floats(0, 1e6).map(lambda start_s: Span(start_s, start_s + 1)),
        st.none() | st.text(),
    )
)
def test_any_record_survives_json(record):
    assert from_plain(NotMeasured, json.loads(json.dumps(to_plain(record)))) == record


def test_none_and_nan_are_told_apart_where_a_field_may_be_none():
    usual = Usual("p1", "AU12", None, None, None, 0.0, drawn_measurement().usual[0].unit)
    assert from_plain(Usual, to_plain(usual)) == usual


# The schema -----------------------------------------------------------------------------------


def test_the_schema_fits_what_is_written(tmp_path):
    data = plain(save_result(drawn_result(), tmp_path / "a.json"))
    jsonschema.Draft202012Validator.check_schema(json_schema())
    jsonschema.validate(data, json_schema())
    assert data["schema_version"] == SCHEMA_VERSION


@pytest.mark.parametrize(
    "spoil",
    [
        lambda d: d.pop("observations"),
        lambda d: d.update(surprise=1),
        lambda d: d["observations"][0].update(channel="smell"),
        lambda d: d["measurement"]["clip"].update(path=7),
        lambda d: d["measurement"]["people"][0].update(box=[0, 1]),
        lambda d: d["explanations"][0].update(confidence="high"),
    ],
)
def test_the_schema_refuses_what_is_not_a_result(tmp_path, spoil):
    data = plain(save_result(drawn_result(), tmp_path / "a.json"))
    spoil(data)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(data, json_schema())


# What is no result ----------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["", "{", "[]", "7", '"text"', "null", "{}", '{"a": 1}', "\x00"])
def test_a_file_that_is_no_result_is_named(tmp_path, text):
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(DemeanorError, match=r"a\.json: wanted a result\.json of Demeanor"):
        load_result(tmp_path / "a.json")


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(DemeanorError, match=r"a\.json: "):
        load_result(tmp_path / "a.json")


def test_another_schema_version_is_refused_with_a_remedy(tmp_path):
    path = save_result(drawn_result(), tmp_path / "a.json")
    path.write_text(
        path.read_text("utf-8").replace('"schema_version": "1"', '"schema_version": "0"')
    )
    with pytest.raises(DemeanorError, match=r"wanted schema version 1, found '0'\. Explain"):
        load_result(path)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda d: d.update(measurement=None),
        lambda d: d.update(measurement=[]),
        lambda d: d.update(observations={"f1": 1}),
        lambda d: d.update(explanations=3),
        lambda d: d["observations"][0].update(channel="smell"),
        lambda d: d["observations"][0].update(span=[0, 1]),
        lambda d: d["observations"][0]["span"].update(start_s=99.0),
        lambda d: d["observations"][0].pop("peak"),
        lambda d: d["observations"][0].update(colour="red"),
        lambda d: d["measurement"].update(tracks=7),
        lambda d: d["measurement"].update(settings=[]),
        lambda d: d["measurement"]["tracks"]["tracks"][0].update(times_s=99),
        lambda d: d["measurement"]["tracks"]["tracks"][0]["values"].pop(),
        lambda d: d["measurement"]["tracks"]["tracks"][0]["values"].append("loud"),
        lambda d: d["measurement"]["clip"].update(path=None),
    ],
)
def test_a_spoilt_result_is_named(tmp_path, spoil):
    path = save_result(drawn_result(), tmp_path / "a.json")
    data = plain(path)
    spoil(data)
    path.write_text(json.dumps(data))
    with pytest.raises(DemeanorError, match=r"a\.json: not a valid Result"):
        load_result(path)


@pytest.mark.parametrize(
    "data",
    [b"", b"no gzip", gzip.compress(b"{"), gzip.compress(b"[]"), gzip.compress(b"\xff\xfe")],
    ids=["empty", "no gzip", "half JSON", "a list", "no text"],
)
def test_a_gzip_that_is_no_measurement_is_named(tmp_path, data):
    (tmp_path / "m.json.gz").write_bytes(data)
    with pytest.raises(DemeanorError, match=r"m\.json\.gz: "):
        load_gzip(Measurement, tmp_path / "m.json.gz")


@pytest.mark.parametrize("at", [20, 40, 200, -1])
def test_a_gzip_with_a_flipped_bit_or_cut_short_is_named(tmp_path, at):
    path = save_gzip(drawn_measurement(), tmp_path / "m.json.gz")
    data = bytearray(path.read_bytes())
    data[at] ^= 16
    for broken in (bytes(data), bytes(data[:at])):
        path.write_bytes(broken)
        with pytest.raises(DemeanorError, match=r"m\.json\.gz: "):
            load_gzip(Measurement, path)


# Writing --------------------------------------------------------------------------------------


def test_a_file_is_put_in_place_in_one_step(tmp_path):
    path = write_atomic(tmp_path / "new" / "a.txt", "one")
    assert write_atomic(path, b"two") == path
    assert path.read_text() == "two"
    assert [p.name for p in path.parent.iterdir()] == ["a.txt"]


def test_a_write_that_fails_leaves_the_old_file_and_no_part(tmp_path, monkeypatch):
    path = write_atomic(tmp_path / "a.txt", "old")

    def full(self, target):
        raise OSError("no space left")

    monkeypatch.setattr("pathlib.Path.replace", full)
    with pytest.raises(OSError, match="no space left"):
        write_atomic(path, "new")
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]
