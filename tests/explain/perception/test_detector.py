"""The detector's arithmetic, with a model that answers what the test drew."""

import numpy as np
import pytest

from demeanor.explain.perception.detector import (
    FaceBox,
    FaceDetector,
    anchor_centres,
    iou,
    letterbox,
    suppress,
)


class DrawnModel:
    """Says the same of every picture: no faces but at the given anchors."""

    input_shape = (1, 128, 128, 3)

    def __init__(self, faces):
        self.boxes = np.zeros((1, 896, 16), np.float32)
        self.scores = np.full((1, 896, 1), -100.0, np.float32)
        for anchor, (raw, logit) in faces.items():
            self.boxes[0, anchor], self.scores[0, anchor] = raw, logit

    def __call__(self, x):
        self.seen = x
        return [self.boxes, self.scores]


def face(left, top, right, bottom, score=0.9):
    return FaceBox(left, top, right, bottom, ((left, top), (right, top)), score)


@pytest.mark.parametrize(
    ("a", "b", "share"),
    [
        ((0, 0, 2, 2), (0, 0, 2, 2), 1.0),
        ((0, 0, 2, 2), (1, 0, 3, 2), 2 / 6),
        ((0, 0, 2, 2), (2, 0, 4, 2), 0.0),  # edge to edge
        ((0, 0, 0, 0), (0, 0, 0, 0), 0.0),  # no area
    ],
)
def test_iou(a, b, share):
    assert iou(a, b) == iou(b, a) == pytest.approx(share)


def test_anchors_lie_in_the_middle_of_their_cells():
    near, far = anchor_centres(128), anchor_centres(192)
    assert (near.shape, far.shape) == ((896, 2), (2304, 2))
    assert near[0].tolist() == near[1].tolist() == [0.5 / 16, 0.5 / 16]
    assert near[512].tolist() == [0.5 / 8, 0.5 / 8]
    assert far[1].tolist() == pytest.approx([1.5 / 48, 0.5 / 48])


#  256 x 128 becomes 128 x 64 in the middle of a black square, so 32 rows lie above it
def test_a_wide_picture_is_fitted_into_the_square():
    square, scale, left, top = letterbox(np.full((128, 256, 3), 200, np.uint8), 128)
    assert (scale, left, top) == (0.5, 0, 32)
    assert square[31].max() == 0
    assert square[32:96].min() == 200
    assert square[96].max() == 0


#  Anchor 272 has its centre at 68, 68 of the square. A box of 32 about it: 52 to 84.
#  In the picture: x (52 - 0) / .5 = 104 to 168, y (52 - 32) / .5 = 40 to 104.
def test_a_box_comes_back_in_pixels_of_the_picture():
    raw = [0, 0, 32, 32, -8, -4, 8, -4] + [0] * 8
    detect = FaceDetector(DrawnModel({272: (raw, 2.0)}))
    (found,) = detect(np.zeros((128, 256, 3), np.uint8), 0.5)
    assert found.box == pytest.approx((104, 40, 168, 104))
    assert found.eyes[0] == pytest.approx((120, 64))
    assert found.eyes[1] == pytest.approx((152, 64))
    assert found.score == pytest.approx(1 / (1 + np.exp(-2)))
    assert found.width == pytest.approx(64)


def test_faces_below_the_score_are_left_out_and_logits_may_be_huge():
    raw = [0, 0, 32, 32] + [0] * 12
    detect = FaceDetector(DrawnModel({0: (raw, -1.0), 272: (raw, 1e9)}))
    assert [f.score for f in detect(np.zeros((64, 64, 3), np.uint8), 0.5)] == [1.0]


def test_the_model_sees_colours_from_minus_1_to_1():
    model = DrawnModel({})
    FaceDetector(model)(np.full((9, 9, 3), 255, np.uint8), 0.5)
    assert (model.seen.shape, model.seen.min(), model.seen.max()) == ((1, 128, 128, 3), 1.0, 1.0)


def test_of_overlapping_boxes_the_best_stays():
    worse, best = face(0, 0, 10, 10, 0.7), face(1, 0, 11, 10, 0.9)
    apart = face(30, 0, 40, 10, 0.6)
    assert suppress([worse, best, apart]) == [best, apart]
