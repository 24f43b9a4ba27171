"""Windows cut from the planes of a frame show what windows of the converted frame show."""

import av
import cv2
import numpy as np
import pytest

from demeanor.explain.perception.face import Roi
from demeanor.explain.perception.media import picture_of
from demeanor.explain.perception.picture import Picture, YuvPicture


def scene(width=320, height=240):
    """Soft colours in every direction, so that neighbouring samples differ by little."""
    y, x = np.mgrid[0:height, 0:width] / [[[height]], [[width]]]
    waves = [np.sin(9 * x + 2 * y), np.cos(7 * y - 3 * x), np.sin(5 * x * y + 1)]
    return (127 + 90 * np.stack(waves, axis=-1)).astype(np.uint8)


def in_planes(rgb):
    height, width = rgb.shape[:2]
    i420 = cv2.cvtColor(rgb, cv2.COLOR_RGB2YUV_I420)
    colours = i420[height:].reshape(2, height // 2, width // 2)
    return YuvPicture([i420[:height], *colours])


WINDOWS = [
    Roi(160, 120, 150, 0.0),
    Roi(160.5, 119.3, 150, 0.4),
    Roi(160, 120, 30, -0.2),  # smaller than the model wants: scaled up
    Roi(20, 20, 100, 0.3),  # half of it beyond the edge
]


@pytest.mark.parametrize("size_px", [64, 192])
@pytest.mark.parametrize("roi", WINDOWS)
def test_a_window_of_the_planes_is_the_window_of_the_picture(roi, size_px):
    picture = in_planes(scene())
    matrix = roi.to_crop(size_px)
    found = picture.window(matrix, size_px)
    wanted = Picture(picture.rgb).window(matrix, size_px)
    assert found.shape == (size_px, size_px, 3)
    assert found.dtype == np.float32
    assert 0 <= found.min() <= found.max() <= 1
    off = np.abs(found - wanted) * 255
    assert off.mean() < 1.5
    assert np.quantile(off, 0.99) < 12  # at the edge of the picture the colours end a pixel apart


def test_beyond_the_edge_it_is_black():
    matrix = Roi(-500, 120, 100, 0.0).to_crop(64)
    for picture in (in_planes(scene()), Picture(scene())):
        assert picture.window(matrix, 64).max() == 0


def test_a_mirroring_window_is_mirrored():
    picture, matrix = in_planes(scene()), WINDOWS[1].to_crop(64)
    mirrored = np.array([[-1.0, 0, 63], [0, 1, 0]]) @ np.vstack([matrix, [0, 0, 1]])
    off = np.abs(picture.window(mirrored, 64) - picture.window(matrix, 64)[:, ::-1])
    assert off.mean() * 255 < 1


@pytest.mark.parametrize("quarters", [1, 2, 3, -1])
def test_turned_in_planes_as_in_colour(quarters):
    picture = in_planes(scene())
    assert np.array_equal(picture.turned(quarters).rgb, np.rot90(picture.rgb, quarters))
    plain = Picture(scene())
    assert np.array_equal(plain.turned(quarters).rgb, np.rot90(scene(), quarters))


@pytest.mark.parametrize("size", [(318, 240), (64, 48), (63, 47), (320, 239)])
def test_a_decoded_frame_keeps_its_colours(size):
    """318: rows in the decoder's memory are longer than the picture is wide."""
    rgb = scene(*size)
    frame = av.VideoFrame.from_ndarray(rgb, format="rgb24").reformat(format="yuv420p")
    found = picture_of(frame).rgb
    assert found.shape == rgb.shape
    assert np.abs(found.astype(int) - rgb).mean() < 4


def test_planes_stay_in_the_memory_of_the_decoder():
    frame = av.VideoFrame.from_ndarray(scene(), format="rgb24").reformat(format="yuv420p")
    picture = picture_of(frame)
    before = picture.rgb.copy()
    del frame
    assert isinstance(picture, YuvPicture)
    assert np.array_equal(YuvPicture(picture._planes).rgb, before)


def test_a_thumbnail_of_the_planes_is_that_of_the_picture():
    picture = in_planes(scene())
    small = picture.thumbnail(24)
    assert small.shape == (24, 24)
    luma = (Picture(picture.rgb).thumbnail(24) * (219 / 255) + 16).astype(float)  # studio range
    np.testing.assert_allclose(small, luma, atol=4)


def test_a_thumbnail_of_a_tiny_picture():
    assert Picture(np.full((4, 4, 3), 90, np.uint8)).thumbnail(24).mean() == 90
