"""Clips made from arrays, read back: true times, upright pictures, and losses that are told."""

import dataclasses
import os
from itertools import pairwise

import clips
import numpy as np
import pytest
from clips import BLUE, GREEN, GREY, RED

from demeanor.explain.errors import ClipError, NotMedia, TooLong
from demeanor.explain.perception.media import (
    SAMPLE_RATE_HZ,
    Cue,
    Frame,
    Losses,
    Sound,
    find_media,
    frames_at,
    open_clip,
    read,
)
from demeanor.explain.settings import load_settings

SETTINGS = load_settings().media


class Contents:
    """Everything in a clip, sorted by kind."""

    def __init__(self, path, settings=SETTINGS):
        self.clip, self.losses = open_clip(path, SETTINGS), Losses()
        items = list(read(self.clip, settings, self.losses))
        self.frames = [i for i in items if isinstance(i, Frame)]
        self.cues = [i for i in items if isinstance(i, Cue)]
        sounds = [i.samples for i in items if isinstance(i, Sound)]
        self.sound = np.concatenate(sounds) if sounds else np.zeros(0, np.float32)
        self.times_s = [frame.time_s for frame in self.frames]
        self.said = {n.what: n.reason for n in self.losses.not_measured(self.clip)}


def loud(sound, from_s, to_s):
    """Root mean square of a stretch."""
    part = sound[int(from_s * SAMPLE_RATE_HZ) : int(to_s * SAMPLE_RATE_HZ)]
    return float(np.sqrt((part**2).mean()))


# Times ----------------------------------------------------------------------------------------


def test_a_steady_clip(tmp_path):
    found = Contents(clips.write(tmp_path / "a.mp4", clips.grey(10)))
    clip = found.clip
    assert (clip.duration_s, clip.fps, clip.width_px, clip.height_px) == (0.4, 25.0, 64, 48)
    assert clip.sample_rate_hz is None
    assert found.times_s == pytest.approx([n / 25 for n in range(10)])
    assert found.said == {}


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_variable_frame_rates_keep_their_true_times(tmp_path, suffix):
    times_s = [0.0, 0.04, 0.5, 0.51, 2.0]
    found = Contents(clips.write(tmp_path / f"vfr{suffix}", clips.grey(5), times_s=times_s))
    assert found.times_s == pytest.approx(times_s)


@pytest.mark.parametrize("suffix", [".ts", ".mkv", ".avi", ".mov"])
def test_time_0_is_where_the_file_begins_and_only_grows(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    if suffix == ".avi":  # has no time stamps but frame numbers, and wants them from 0
        clips.write(path, clips.grey(10))
    else:
        clips.write(path, clips.grey(10), times_s=[5 + n / 25 for n in range(10)])
    found = Contents(path)
    assert found.times_s[0] == 0.0
    assert all(a < b for a, b in pairwise(found.times_s))
    assert len(found.frames) == 10


def test_two_readings_are_the_same(tmp_path):
    path = clips.write(tmp_path / "a.mp4", clips.noise(5), sound=clips.tone(0.2))
    one, two = Contents(path), Contents(path)
    assert np.array_equal(one.sound, two.sound)
    assert all(
        np.array_equal(a.picture.rgb, b.picture.rgb)
        for a, b in zip(one.frames, two.frames, strict=True)
    )
    assert one.clip == two.clip


def test_the_id_is_of_the_content_not_of_the_name(tmp_path):
    path = clips.write(tmp_path / "a.mp4", clips.grey(3))
    other = tmp_path / "b.mp4"
    other.write_bytes(path.read_bytes())
    assert open_clip(path, SETTINGS).clip_id == open_clip(other, SETTINGS).clip_id
    assert open_clip(other, SETTINGS).folder_name.startswith("b-")


# Pictures -------------------------------------------------------------------------------------


def corners(rgb):
    """Colours near the four corners: top left, top right, bottom left, bottom right."""
    return [rgb[y, x].astype(int) for y in (5, -6) for x in (5, -6)]


#  RED  GREEN   a player turns it clockwise    BLUE  RED
#  BLUE GREY    by 90 degrees                  GREY  GREEN
@pytest.mark.parametrize(
    ("clockwise_deg", "colours", "size"),
    [
        (90, [BLUE, RED, GREY, GREEN], (48, 64)),
        (180, [GREY, BLUE, GREEN, RED], (64, 48)),
        (270, [GREEN, GREY, RED, BLUE], (48, 64)),
    ],
)
def test_a_picture_taken_sideways_is_turned_upright(tmp_path, clockwise_deg, colours, size):
    path = clips.write(tmp_path / "a.mp4", [clips.quadrants()] * 3)
    found = Contents(clips.turned(path, clockwise_deg))
    assert (found.clip.width_px, found.clip.height_px) == size
    for frame in found.frames:
        assert frame.picture.rgb.shape[:2] == size[::-1]
        for colour, wanted in zip(corners(frame.picture.rgb), colours, strict=True):
            assert np.abs(colour - wanted).max() < 12


@pytest.mark.parametrize("size", [(64, 48), (63, 47), (2, 2)])
def test_colours_survive_even_and_odd_sizes(tmp_path, size):
    path = clips.write(tmp_path / "a.mkv", [np.full((*size[::-1], 3), RED, np.uint8)], codec="ffv1")
    (frame,) = Contents(path).frames
    assert frame.picture.rgb.shape == (*size[::-1], 3)
    assert np.abs(frame.picture.rgb.astype(int) - RED).max() < 6


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".bmp", ".webp", ".tiff"])
def test_a_picture_lasts_no_time(tmp_path, suffix):
    found = Contents(clips.picture(tmp_path / f"a{suffix}", clips.quadrants()))
    assert (found.clip.duration_s, found.clip.fps, found.times_s) == (0.0, None, [0.0])
    assert np.abs(corners(found.frames[0].picture.rgb)[0] - RED).max() < 30
    assert found.said == {}


def test_a_picture_named_like_a_pattern_is_that_picture_alone(tmp_path):
    clips.picture(tmp_path / "a001.png", clips.quadrants((32, 32)))
    found = Contents(clips.picture(tmp_path / "a%03d.png", clips.quadrants()))
    assert [frame.picture.rgb.shape for frame in found.frames] == [(48, 64, 3)]


def test_one_frame_is_a_clip(tmp_path):
    found = Contents(clips.write(tmp_path / "a.mp4", clips.grey(1)))
    assert (found.clip.duration_s, found.times_s, found.said) == (0.04, [0.0], {})


# Sound ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", [".wav", ".flac", ".m4a", ".mka"])
def test_sound_alone(tmp_path, suffix):
    found = Contents(clips.write(tmp_path / f"a{suffix}", sound=clips.tone(1.024)))
    assert (found.clip.width_px, found.clip.fps, found.frames) == (None, None, [])
    assert found.clip.sample_rate_hz == 16000
    assert len(found.sound) / SAMPLE_RATE_HZ == pytest.approx(1.024, abs=0.07)
    assert loud(found.sound, 0.2, 0.8) == pytest.approx(0.3 / 2**0.5, abs=0.01)


#  time_s  0.0      1.024        2.0      3.024
#  file    |--tone--|    hole    |--tone--|
@pytest.mark.parametrize("suffix", [".mkv", ".mp4"])
def test_a_hole_in_the_sound_is_filled_and_told(tmp_path, suffix):
    tone = clips.tone(1.024)
    path = clips.write(tmp_path / f"a{suffix}", clips.grey(75), sound=[(0.0, tone), (2.0, tone)])
    found = Contents(path)
    assert len(found.sound) / SAMPLE_RATE_HZ == pytest.approx(3.024, abs=0.07)
    assert loud(found.sound, 1.2, 1.9) == pytest.approx(0.0, abs=1e-3)
    assert loud(found.sound, 2.2, 2.9) == pytest.approx(0.3 / 2**0.5, abs=0.01)
    assert found.said == {"part of the sound": "0.98 s are missing in the file"}


@pytest.mark.parametrize("suffix", [".mkv", ".mp4"])
def test_sound_that_starts_late_is_in_its_place(tmp_path, suffix):
    sound = [(1.0, clips.tone(1.024))]
    found = Contents(clips.write(tmp_path / f"a{suffix}", clips.grey(75), sound=sound))
    assert loud(found.sound, 0.0, 0.9) == pytest.approx(0.0, abs=1e-3)
    assert loud(found.sound, 1.1, 1.9) == pytest.approx(0.3 / 2**0.5, abs=0.01)
    assert found.said == {}  # it was not lost: the file has none there


def test_a_cover_picture_is_no_video(tmp_path):
    found = Contents(clips.with_cover(tmp_path / "a.mp3", clips.tone(1.024)))
    assert (found.clip.width_px, found.frames) == (None, [])
    assert loud(found.sound, 0.2, 0.8) == pytest.approx(0.3 / 2**0.5, abs=0.02)


def test_subtitles_in_the_file(tmp_path):
    entries = [(0.5, 1.0, "Hello"), (1.5, 2.0, "you & me")]
    found = Contents(clips.write(tmp_path / "a.mp4", clips.grey(75), subtitles=entries))
    assert found.cues == [Cue(*entry) for entry in entries]
    assert len(found.frames) == 75


# Damage ---------------------------------------------------------------------------------------


@pytest.fixture
def whole(tmp_path):
    return clips.write(tmp_path / "a.mp4", clips.noise(50), sound=clips.tone(2.0))


def test_a_file_that_breaks_off_says_where(whole):
    found = Contents(clips.truncated(whole, 0.6))
    assert found.clip.duration_s == 2.0
    assert 0.8 < found.losses.ended_early_s < 1.5
    (end,) = [n for n in found.losses.not_measured(found.clip) if n.what == "the end of the clip"]
    assert end.span.start_s == found.losses.ended_early_s
    assert end.span.end_s == 2.0
    assert "of 2.00 s" in end.reason


def test_a_file_that_breaks_off_before_its_index_is_refused(tmp_path):
    path = clips.write(tmp_path / "a.mp4", clips.noise(50), options={})  # index at the end
    with pytest.raises(NotMedia, match=r"a\.mp4: it cannot be read .* copied whole"):
        open_clip(clips.truncated(path, 0.6), SETTINGS)


def test_damaged_frames_are_counted(whole):
    index_end = whole.read_bytes().index(b"mdat")
    found = Contents(clips.bit_flipped(whole, 40, seed=1, after=index_end + 8))
    n_lost = found.losses.broken_frames + found.losses.damaged_frames
    assert n_lost > 0
    assert found.said["part of the picture"].startswith(f"{n_lost} of ")


@pytest.mark.parametrize("seed", range(12))
def test_flipped_bits_end_in_a_result_or_in_an_error_that_names_the_clip(whole, seed):
    clips.bit_flipped(whole, 30, seed)
    try:
        found = Contents(whole)
    except ClipError as error:
        assert "a.mp4" in str(error)
    else:
        assert all(time_s >= 0 for time_s in found.times_s)
        assert all(a < b for a, b in pairwise(found.times_s))
        assert found.frames or found.sound.size


def test_nothing_that_can_be_decoded_is_an_error(tmp_path):
    path = clips.write(tmp_path / "a.mov", clips.grey(3), codec="png")
    data = path.read_bytes()
    path.write_bytes(data.replace(b"\x89PNG\r\n\x1a\n", b"\x00" * 8))
    with pytest.raises(ClipError, match=r"a\.mov: nothing in it could be decoded"):
        Contents(path)


def test_sound_without_a_sample_is_an_error(tmp_path):
    path = clips.write(tmp_path / "a.wav", sound=np.zeros(0, np.float32))
    with pytest.raises(ClipError, match=r"a\.wav: "):
        Contents(path)


# What is no clip ------------------------------------------------------------------------------


def test_an_empty_file(tmp_path):
    (tmp_path / "a.mp4").touch()
    with pytest.raises(NotMedia, match=r"a\.mp4: the file is empty"):
        open_clip(tmp_path / "a.mp4", SETTINGS)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(ClipError, match=r"a\.mp4: no such file"):
        open_clip(tmp_path / "a.mp4", SETTINGS)


NO_CLIPS = {
    "text.mp4": "just some words\n" * 100,
    "list.m3u8": "#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:1,\nseen.mp4\n#EXT-X-ENDLIST\n",
    "list.mp4": "ffconcat version 1.0\nfile seen.mp4\n",
    "words.srt": "1\n00:00:00,000 --> 00:00:01,000\nHello\n",
    "page.mp4": "<html><body>Not found</body></html>",
}


@pytest.mark.parametrize("name", NO_CLIPS)
def test_text_and_lists_of_other_files_are_refused(tmp_path, name):
    clips.write(tmp_path / "seen.mp4", clips.grey(3))
    (tmp_path / name).write_text(NO_CLIPS[name])
    with pytest.raises(NotMedia, match=name):
        open_clip(tmp_path / name, SETTINGS)


def test_too_long_is_refused_with_its_length(tmp_path):
    path = clips.write(tmp_path / "a.mp4", clips.grey(25), fps=5)
    with pytest.raises(TooLong, match="it lasts 5 s, the limit is 4 s"):
        open_clip(path, dataclasses.replace(SETTINGS, max_duration_s=4.0))


def test_frames_too_large_are_refused(tmp_path):
    path = clips.write(tmp_path / "a.mp4", clips.grey(1))
    with pytest.raises(ClipError, match="64 x 48 pixels"):
        open_clip(path, dataclasses.replace(SETTINGS, max_pixels=64 * 48 - 1))


@pytest.mark.parametrize("stream", ["picture", "sound"])
def test_what_lies_beyond_the_limit_is_left_out_though_the_file_claims_less(tmp_path, stream):
    if stream == "picture":
        path = clips.write(tmp_path / "a.mkv", clips.grey(3), times_s=[0.0, 0.5, 3000.0])
    else:
        sound = [(0.0, clips.tone(0.512)), (3000.0, clips.tone(0.512))]
        path = clips.write(tmp_path / "a.mkv", sound=sound)
    found = Contents(path, dataclasses.replace(SETTINGS, max_duration_s=2.0))
    assert found.losses.ended_early_s == 2.0
    assert len(found.sound) / SAMPLE_RATE_HZ < 2.0
    assert all(time_s <= 2.0 for time_s in found.times_s)


# Names ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    ["a b#?%.mp4", "-lead.mp4", "http:x.mp4", "a%03d.mp4", "ü\n.mp4", "*.mp4", "pipe:.mp4"],
)
def test_a_name_is_a_name_whatever_its_characters(tmp_path, name):
    clips.write(tmp_path / "a.mp4", clips.grey(2)).rename(tmp_path / name)
    assert len(Contents(tmp_path / name).frames) == 2


def test_a_name_with_a_leading_dash_may_be_given_without_its_folder(tmp_path, monkeypatch):
    clips.write(tmp_path / "a.mp4", clips.grey(2)).rename(tmp_path / "-i.mp4")
    monkeypatch.chdir(tmp_path)
    assert open_clip(find_media(tmp_path)[0].relative_to(tmp_path), SETTINGS).fps == 25


def test_a_name_that_is_no_utf8(tmp_path):
    path = tmp_path / os.fsdecode(b"\xff.mp4")
    clips.write(tmp_path / "a.mp4", clips.grey(2)).rename(path)
    assert len(Contents(path).frames) == 2


def test_media_are_found_by_suffix_in_either_case_and_in_a_fixed_order(tmp_path):
    for name in ("b.MP4", "a.mp4", "sub/c.Jpg", "notes.txt", "a.srt", "sub/d.WAV"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    found = [path.relative_to(tmp_path).as_posix() for path in find_media(tmp_path)]
    assert found == ["a.mp4", "b.MP4", "sub/c.Jpg", "sub/d.WAV"]


# Looking again --------------------------------------------------------------------------------


#  frames at   0.0  .04  .5  .51              2.0 (the last, shown to the end)
#  asked for   0.0  .04  .5  .51   1.0  1.9   2.0  2.03
@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_the_frame_that_was_shown_at_a_time_is_found_again(tmp_path, suffix):
    times_s = [0.0, 0.04, 0.5, 0.51, 2.0]
    clip = Contents(clips.write(tmp_path / f"a{suffix}", clips.grey(5), times_s=times_s)).clip
    asked_s = [0.0, 0.04, 0.5, 0.51, 1.0, 1.9, 2.0, 2.03]
    found = {time_s: frame.time_s for time_s, frame in frames_at(clip, asked_s)}
    assert list(found) == asked_s
    assert list(found.values()) == pytest.approx([0.0, 0.04, 0.5, 0.51, 0.51, 0.51, 2.0, 2.0])


def test_a_frame_found_again_is_the_one_that_was_read(tmp_path):
    found = Contents(clips.write(tmp_path / "a.mp4", clips.noise(20)))
    for time_s, frame in frames_at(found.clip, found.times_s[::-3]):
        assert np.array_equal(frame.picture.rgb, found.frames[round(time_s * 25)].picture.rgb)


def test_a_picture_is_found_again_and_sound_has_none(tmp_path):
    picture = Contents(clips.picture(tmp_path / "a.png", clips.quadrants())).clip
    assert [frame.picture.rgb.shape for _, frame in frames_at(picture, [0.0])] == [(48, 64, 3)]
    sound = Contents(clips.write(tmp_path / "a.wav", sound=clips.tone(0.5))).clip
    assert list(frames_at(sound, [0.0])) == []
