import numpy as np
import pytest

from demeanor.explain.demo.obj import read_obj
from demeanor.explain.errors import ModelFileError

#   4 --- 3     one square of two materials:
#   |   / |     `skin` a quad (two triangles), `eye` a triangle that counts from the end
#   1 --- 2
SQUARE = """
# a comment
v 0 0 0
v 1 0 0
v 1 1 0
v 0 1 0
vt 0.0 0.0
vt 1.0 0.0
vt 1.0 1.0
vn 0 0 1
usemtl skin
f 1/1/1 2/2/1 3/3/1 4/1/1
usemtl eye
f -4 -3 -2
usemtl skin
f 1 3 4
"""


def test_a_quad_becomes_two_triangles_and_a_material_may_return():
    mesh = read_obj(SQUARE, "square.obj")
    assert mesh.triangles.tolist() == [[0, 1, 2], [0, 2, 3], [0, 1, 2], [0, 2, 3]]
    assert mesh.triangles_uv[:2].tolist() == [[0, 1, 2], [0, 2, 0]]
    assert mesh.part_names == ("skin", "eye")
    assert mesh.part.tolist() == [0, 0, 1, 0]
    np.testing.assert_array_equal(mesh.uv, [[0, 0], [1, 0], [1, 1]])


@pytest.mark.parametrize("line", ["v 1 2", "v 1 2 x", "f 1 2", "f 1 2 9", "f 1 2 0", "f 1 2 -9"])
def test_an_unreadable_line_is_named(line):
    with pytest.raises(ModelFileError, match=r"bad\.obj, line 4: not readable"):
        read_obj("v 0 0 0\nv 1 0 0\nv 0 1 0\n" + line, "bad.obj")


def test_text_that_is_no_mesh_is_refused():
    with pytest.raises(ModelFileError, match="found no vertices"):
        read_obj("<html>not found</html>", "page.obj")
