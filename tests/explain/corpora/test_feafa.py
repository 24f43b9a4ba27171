from demeanor.explain.corpora.expllm import UNITS
from demeanor.explain.corpora.feafa import FACS, MEASURED, NOT_AMONG, measurement
from demeanor.explain.textualization.observations import observe
from demeanor.explain.vocabulary import ACTION_UNITS


def test_every_value_has_its_place_and_every_code_is_one_of_ours():
    assert tuple(FACS) == UNITS
    assert set(ACTION_UNITS) >= MEASURED and not MEASURED & set(NOT_AMONG)
    assert {"AU6", "AU15", "AU25"} <= set(NOT_AMONG)


def test_values_are_fifths_of_an_intensity_sides_apart_and_traces_are_left_out():
    shown = {**dict.fromkeys(UNITS, 0.0), "left_brow_raise": 0.6, "jaw_drop": 0.09}
    found = observe(measurement("a.jpg", shown))
    assert [(o.obs_id, o.name, o.peak) for o in found] == [("f1", "AU1L", 3.0), ("f2", "AU2L", 3.0)]
    gaps = measurement("a.jpg", shown).not_measured
    assert {"AU6", "voice", "words"} <= {gap.what for gap in gaps}


def test_a_picture_is_known_by_its_name_and_values():
    zero = dict.fromkeys(UNITS, 0.0)
    ids = {measurement(n, v).clip.clip_id for n in "ab" for v in (zero, {**zero, "jaw_drop": 0.5})}
    assert len(ids) == 4
