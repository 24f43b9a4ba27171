import json

import numpy as np
import pytest

from demeanor.explain.demo.face_model import fetch_face_model, load_face_model
from demeanor.explain.errors import ModelFileError, UnknownName

# Three vertices. mouthSmile_L lifts the third by 2 cm, _R the second by 1 cm;
# identity 0 moves all to the left by 1 cm.
N = 3
DELTAS = {"mouthSmile_L": (2, 2.0), "mouthSmile_R": (1, 1.0), "jawOpen": (0, -1.0)}


def _arrays():
    expressions = np.zeros((len(DELTAS), N, 3), np.float16)
    for row, (vertex, up_cm) in enumerate(DELTAS.values()):
        expressions[row, vertex, 1] = up_cm
    return {
        "neutral": np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0]], np.float32),
        "uv": np.zeros((1, 2), np.float16),
        "triangles": np.array([[0, 1, 2]], np.int32),
        "triangles_uv": np.zeros((1, 3), np.int32),
        "part": np.zeros(1, np.int16),
        "part_names": np.array(["M_Face"]),
        "expression_names": np.array(list(DELTAS)),
        "expressions": expressions,
        "identities": np.array([[[1, 0, 0]] * N, [[0, 0, 1]] * N], np.float16),
        "landmarks68": np.zeros(68, np.int32),
    }


@pytest.fixture
def save(tmp_path):
    def save(**changes):
        path = tmp_path / "face.npz"
        arrays = {k: v for k, v in {**_arrays(), **changes}.items() if v is not None}
        np.savez(path, **arrays)
        return path

    return save


def test_a_shape_is_neutral_plus_weight_times_delta(save):
    model = load_face_model(save())
    shape = model.shape({"mouthSmile_L": 0.5, "jawOpen": 1.0})
    np.testing.assert_allclose(shape, [[0, -1, 0], [1, 0, 0], [0, 2, 0]])
    np.testing.assert_array_equal(model.shape({}), model.neutral)


def test_a_name_without_side_moves_both_sides(save):
    shape = load_face_model(save()).shape({"mouthSmile": 1.0})
    np.testing.assert_allclose(shape, [[0, 0, 0], [1, 1, 0], [0, 3, 0]])


def test_identity_coefficients_add_their_deltas(save):
    shape = load_face_model(save()).shape({}, np.array([2.0, -1.0]))
    np.testing.assert_allclose(shape, [[2, 0, -1], [3, 0, -1], [2, 1, -1]])


def test_too_many_identity_coefficients_are_refused(save):
    with pytest.raises(ValueError, match="up to 2 coefficients"):
        load_face_model(save()).shape({}, np.zeros(3))


def test_an_unknown_expression_is_an_error(save):
    with pytest.raises(UnknownName, match="'smirk'"):
        load_face_model(save()).shape({"smirk": 1.0})


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"expressions": None}, "no expressions"),
        ({"neutral": np.zeros(4)}, "neutral of shape"),
        ({"expressions": np.zeros((2, N, 3))}, "expressions of shape"),
        ({"identities": np.zeros((2, N + 1, 3))}, "identities of shape"),
        ({"triangles": np.array([[0, 1, N]])}, "triangles that point outside"),
    ],
)
def test_another_layout_is_named(save, changes, found):
    with pytest.raises(ModelFileError, match=found):
        load_face_model(save(**changes))


def test_pickled_arrays_are_refused(save):
    with pytest.raises(ModelFileError, match="does not read"):
        load_face_model(save(part_names=np.array([{"any": "object"}], dtype=object)))


def test_a_missing_file_and_a_text_file_say_what_to_do(tmp_path):
    with pytest.raises(ModelFileError, match="fetch_face_model"):
        load_face_model(tmp_path / "none.npz")
    (tmp_path / "text.npz").write_text("no face here")
    with pytest.raises(ModelFileError, match="fetch_face_model"):
        load_face_model(tmp_path / "text.npz")


# --- packing the kit's own files, here tiny ---------------------------------------------------


def _obj(lift_cm=0.0):
    return (
        f"v 0 0 0\nv 1 0 0\nv 0 {1 + lift_cm} 0\nvt 0 0\nusemtl kit:M_Face\nf 1/1 2/1 3/1\n"
    ).encode()


def _kit(name):
    if name == "vertex_indices.json":
        return json.dumps({"expressions": ["jawOpen"], "idx_to_landmark_verts": [0] * 68}).encode()
    return _obj({"jawOpen.obj": 0.5, "identity003.obj": 0.25}.get(name, 0.0))


def test_the_kit_is_packed_once_and_reads_like_any_model(tmp_path):
    path = fetch_face_model(tmp_path / "cache", _kit)
    model = load_face_model(path)
    assert model.part_names == ("M_Face",)
    assert model.expression_names == (
        "PupilDilate_L",
        "PupilDilate_R",
        "cheekRaiser_L",
        "cheekRaiser_R",
        "jawOpen",
    )
    np.testing.assert_allclose(model.shape({"jawOpen": 1.0})[2], [0, 1.5, 0])
    assert model.identities[3, 2].tolist() == [0, 0.25, 0]
    assert [p.name for p in path.parent.iterdir()] == ["ict_face.npz"]  # nothing half-written
    assert fetch_face_model(tmp_path / "cache", _never) == path


def _never(name):
    raise AssertionError(f"{name} was fetched although the packed file is here")


def test_files_of_two_versions_are_not_mixed(tmp_path):
    def mixed(name):
        return _obj() + b"v 9 9 9\n" if name == "jawOpen.obj" else _kit(name)

    with pytest.raises(ModelFileError, match=r"jawOpen\.obj: wanted 3 vertices"):
        fetch_face_model(tmp_path, mixed)
    assert not list(tmp_path.iterdir())


def test_a_changed_kit_is_said(tmp_path):
    with pytest.raises(ModelFileError, match="idx_to_landmark_verts"):
        fetch_face_model(tmp_path, lambda name: b"{}")


# --- the real model -----------------------------------------------------------------------------


#  what is moved          landmark          where to (x left, y up)
MOVES = [
    ("mouthSmile", 54, 0, +1),  # left corner of the mouth: outward
    ("mouthSmile", 54, 1, +1),  # and up
    ("jawOpen", 8, 1, -1),  # chin: down
    ("browInnerUp", 22, 1, +1),  # inner end of the left brow: up
    ("browOuterUp", 26, 1, +1),
    ("eyeBlink", 43, 1, -1),  # left upper lid: down
    ("eyeWide", 43, 1, +1),
]


@pytest.mark.parametrize(("name", "landmark", "axis", "sign"), MOVES)
def test_expressions_move_the_points_they_are_named_for(shared, name, landmark, axis, sign):
    model = load_face_model(shared / "data/face_model/ict_face.npz")
    vertex = model.landmarks68[landmark]
    moved_cm = (model.shape({name: 1.0}) - model.neutral)[vertex, axis]
    assert sign * moved_cm > 0.1
