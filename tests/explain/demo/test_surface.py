import numpy as np
import pytest

from demeanor.explain.demo.render import rotation
from demeanor.explain.demo.surface import (
    inside_polygon,
    noise,
    polyline_distance,
    rounded,
    smoothstep,
    vertex_normals,
)


def test_smoothstep_rises_and_falls():
    np.testing.assert_allclose(smoothstep(0, 2, [-1, 0, 0.5, 1, 2, 3]), [0, 0, 0.15625, 0.5, 1, 1])
    np.testing.assert_allclose(smoothstep(2, 0, [0, 1, 2]), [1, 0.5, 0])


#   (0,2) o
#         |       distance of p and q, and how far along the line their nearest points lie
#   (0,0) o-----o (2,0)
def test_distance_to_a_corner_and_a_stretch():
    line = np.array([[0.0, 2.0], [0.0, 0.0], [2.0, 0.0]])
    distance, along = polyline_distance(np.array([[1.0, -1.0], [-3.0, 1.0], [5.0, 4.0]]), line)
    np.testing.assert_allclose(distance, [1, 3, 5])
    np.testing.assert_allclose(along, [0.75, 0.25, 1.0])


def test_inside_of_a_square():
    square = np.array([[0.0, 0.0], [2.0, 0.0], [2.0, 2.0], [0.0, 2.0]])
    points = np.array([[1.0, 1.0, 9.0], [3.5, 1.0, 9.0], [-50.0, 0.0, 9.0]])
    np.testing.assert_allclose(inside_polygon(points, square), [1, 0, 0], atol=1e-6)


def test_a_rounded_ring_passes_through_its_points():
    ring = np.array([[0.0, 0.0], [2.0, 0.0], [2.0, 2.0], [0.0, 2.0]])
    smooth = rounded(ring)
    np.testing.assert_allclose(smooth[::4], ring)
    np.testing.assert_allclose(smooth[2], [1.0, -0.25])  # half-way: it bulges outward


def test_normals_of_a_flat_square_point_to_the_viewer():
    points = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0], [9, 9, 9]], float)
    normals = vertex_normals(points, np.array([[0, 1, 2], [0, 2, 3]]))
    np.testing.assert_allclose(normals[:4], [[0, 0, 1]] * 4)
    np.testing.assert_allclose(normals[4], 0)  # belongs to no triangle


def test_noise_depends_on_its_seed_alone():
    points = np.random.default_rng(0).uniform(-5, 5, (50, 3)).astype(np.float32)
    first = noise(points, (1, 1, 1), 1)
    np.testing.assert_array_equal(first, noise(points, (1, 1, 1), 1))
    assert not np.array_equal(first, noise(points, (1, 1, 1), 2))
    assert np.abs(first).max() <= 1


#  axes: x to the person's left, y up, z to the viewer
@pytest.mark.parametrize(
    ("angles_deg", "point", "goes_to"),
    [
        ((90, 0, 0), (0, 0, 1), (1, 0, 0)),  # yaw: the nose goes to the own left
        ((0, 90, 0), (0, 0, 1), (0, 1, 0)),  # pitch: the nose goes up
        ((0, 0, 90), (0, 1, 0), (1, 0, 0)),  # roll: the crown goes to the own left shoulder
    ],
)
def test_signs_of_the_head_angles(angles_deg, point, goes_to):
    np.testing.assert_allclose(rotation(*angles_deg) @ np.array(point), goes_to, atol=1e-6)
