"""Transcripts as they come: other encodings, broken times, hostile text."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from demeanor.explain.errors import TranscriptError
from demeanor.explain.perception import subtitles
from demeanor.explain.perception.subtitles import (
    clean,
    find_sidecar,
    read_transcript,
    utterances_from_cues,
)
from demeanor.explain.records import Span, Utterance

SRT = """1
00:00:01,000 --> 00:00:02,500
Hello there.

2
00:00:03,000 --> 00:00:04,000
Two
lines.
"""


@pytest.fixture
def written(tmp_path: Path):
    def write(name: str, text: str, encoding: str = "utf-8") -> Path:
        path = tmp_path / name
        path.write_bytes(text.encode(encoding))
        return path

    return write


def said(path: Path, duration_s: float = 10.0) -> list[tuple[Span, str]]:
    return [(u.span, u.text) for u in read_transcript(path, duration_s).utterances]


def texts(utterances: tuple[Utterance, ...]) -> list[tuple[str | None, str]]:
    return [(u.speaker, u.text) for u in utterances]


def test_srt_gives_spans_in_seconds(written):
    path = written("clip.srt", SRT)
    assert said(path) == [(Span(1.0, 2.5), "Hello there."), (Span(3.0, 4.0), "Two lines.")]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_encodings_read_the_same(written, encoding):
    path = written("clip.srt", SRT.replace("Hello", "Grüß Gott"), encoding)
    transcript = read_transcript(path, 10.0)
    assert transcript.utterances[0].text == "Grüß Gott there."
    assert transcript.not_measured == ()


def test_latin_1_is_read_and_declared(written):
    path = written("clip.srt", SRT.replace("Hello", "Grüß Gott"), "latin-1")
    transcript = read_transcript(path, 10.0)
    assert transcript.utterances[0].text == "Grüß Gott there."
    assert "Latin-1" in transcript.not_measured[0].reason


def test_windows_line_ends_and_no_last_newline(written):
    assert len(said(written("clip.srt", SRT.strip().replace("\n", "\r\n")))) == 2


@pytest.mark.parametrize(
    ("stamp", "start_s"),
    [("00:00:01,5", 1.5), ("00:01.500", 1.5), ("1:00:01.500", 3601.5), ("01:02", 62.0)],
)
def test_stamps_with_comma_or_point_and_without_hours(written, stamp, start_s):
    path = written("clip.vtt", f"WEBVTT\n\n{stamp} --> 02:00:00.000 align:start\nHi\n")
    assert read_transcript(path, 9000.0).utterances[0].span == Span(start_s, 7200.0)


def test_vtt_header_notes_styles_and_cue_names_are_not_said(written):
    path = written(
        "clip.vtt",
        "WEBVTT - title\nKind: captions\n\nSTYLE\n::cue { color: red }\n\n"
        "NOTE\nnobody says this\n\n"
        "intro\n00:01.000 --> 00:02.000\n42\n\n00:03.000 --> 00:04.000\nFine.\n\n"
        "outro\n00:05.000 --> 00:06.000\nBye.\n",
    )
    assert [text for _, text in said(path)] == ["42", "Fine.", "Bye."]


def test_an_arrow_in_what_is_said_is_text(written):
    path = written("clip.srt", "1\n00:01,0 --> 00:02,0\nI go\nhome --> work\n")
    assert said(path) == [(Span(1.0, 2.0), "I go home --> work")]


def test_an_empty_line_within_a_cue_does_not_end_it(written):
    path = written("clip.srt", "1\n00:01,0 --> 00:02,0\nOne\n\ntwo\n\n2\n00:03,0 --> 00:04,0\nX")
    assert [text for _, text in said(path)] == ["One two", "X"]


def test_cues_are_sorted_and_may_overlap():
    found = utterances_from_cues([(3, 5, "b"), (1, 4, "a"), (3, 4, "c")], 10.0)
    assert [u.text for u in found.utterances] == ["a", "c", "b"]


def test_cues_after_the_end_are_reported_and_the_last_is_cut():
    found = utterances_from_cues([(1, 3, "a"), (2.5, 9, "b"), (4, 5, "c")], 3.0)
    assert [(u.text, u.span) for u in found.utterances] == [
        ("a", Span(1, 3)),
        ("b", Span(2.5, 3)),
    ]
    assert "1 of 3 subtitles" in found.not_measured[0].reason


def test_times_count_from_the_start_of_the_clip(written):
    path = written("clip.srt", SRT)
    found = read_transcript(path, 5.0, start_s=2.0).utterances
    assert [u.span for u in found] == [Span(0.0, 0.5), Span(1.0, 2.0)]


def test_plain_text_is_one_utterance_without_words_or_language(written):
    (only,) = read_transcript(written("clip.txt", "I am\nhere.\n"), 4.0).utterances
    assert (only.span, only.text) == (Span(0.0, 4.0), "I am here.")
    assert (only.words, only.language) == ((), None)


def test_language_is_read_from_the_name(written):
    assert read_transcript(written("clip.de.srt", SRT), 10.0).utterances[0].language == "de"
    assert read_transcript(written("clip.v2.srt", SRT), 10.0).utterances[0].language is None


def test_speakers_are_kept():
    found = utterances_from_cues(
        [
            (0, 1, "<v Anna Lee>Hello</v>"),
            (1, 2, "ANNA: yes\nreally\nBEN: no"),
            (2, 3, "- ÉVA: oui"),
            (3, 4, "Note: this is nobody"),
            (4, 5, "at 10:30 sharp"),
            (5, 6, "你好: 世界"),
        ],
        10.0,
    )
    assert texts(found.utterances) == [
        ("Anna Lee", "Hello"),
        ("ANNA", "yes really"),
        ("BEN", "no"),
        ("ÉVA", "oui"),
        (None, "Note: this is nobody"),
        (None, "at 10:30 sharp"),
        (None, "你好: 世界"),
    ]


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("<i>so</i> <font color='red'>red</font>", "so red"),
        ("{\\an8}{\\i1}up\\Nhere", "up\\Nhere"),
        ("<00:00:01.000><c.loud>now</c>", "now"),
        ("a &lt;b&gt; &amp; c", "a <b> & c"),
        ("</script><script>alert(1)</script>", "</script><script>alert(1)</script>"),
        ("1 < 2 and 3 > 2", "1 < 2 and 3 > 2"),
        ("x\u202egnp\u2066y\u200f", "xgnpy"),
        ("&#8238;a&#x1b;[31mb\x07", "a[31mb"),
        ("hid\U000e0068\U000e0069den", "hidden"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("a\u2028b\tc", "a b c"),
    ],
)
def test_what_is_removed_and_what_is_kept(raw, shown):
    assert clean(raw) == shown


def test_an_ass_line_of_a_subtitle_stream_loses_its_fields():
    found = utterances_from_cues([(0, 1, "0,0,Default,Anna,0,0,0,,Well, {\\b1}yes\\Nor no")], 5.0)
    assert texts(found.utterances) == [(None, "Well, yes or no")]


def test_counting_aloud_is_no_ass_line():
    found = utterances_from_cues([(0, 1, "1, 2, 3, 4, 5, 6, 7, 8, 9")], 5.0)
    assert found.utterances[0].text == "1, 2, 3, 4, 5, 6, 7, 8, 9"


def test_length_is_capped_and_the_cut_is_told(monkeypatch):
    monkeypatch.setattr(subtitles, "MAX_UTTERANCE_CHARS", 5)
    monkeypatch.setattr(subtitles, "MAX_TOTAL_CHARS", 8)
    found = utterances_from_cues([(0, 1, "abcdefg"), (1, 2, "hijkl"), (2, 3, "mn")], 5.0)
    assert [u.text for u in found.utterances] == ["abcde", "hij"]
    assert found.not_measured[0].reason.startswith("6 characters")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("1\n00:00:01,000 -> 00:00:02,000\nHi\n", "line 2"),
        ("1\n00:00:0x,000 --> 00:00:02,000\nHi\n", "line 2"),
        ("1\n00:00:03,000 --> 00:00:02,000\nHi\n", "line 2"),
        ("<html>\n", "line 1"),
    ],
)
def test_a_broken_file_is_named_with_its_line(written, text, line):
    path = written("clip.srt", text)
    with pytest.raises(TranscriptError, match=line) as caught:
        read_transcript(path, 5.0)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("name", ["clip.srt", "clip.vtt", "clip.txt"])
def test_an_empty_file_is_an_error(written, name):
    with pytest.raises(TranscriptError, match="holds no words"):
        read_transcript(written(name, "WEBVTT\n" if name.endswith("vtt") else "\n"), 5.0)


def test_a_missing_or_binary_file_is_an_error(tmp_path):
    with pytest.raises(TranscriptError, match="cannot be read"):
        read_transcript(tmp_path / "none.srt", 5.0)
    (tmp_path / "film.srt").write_bytes(b"RIFF\x10\0\0\0AVI ")
    with pytest.raises(TranscriptError, match="is no text"):
        read_transcript(tmp_path / "film.srt", 5.0)


def test_a_huge_file_is_refused(written, monkeypatch):
    monkeypatch.setattr(subtitles, "MAX_FILE_BYTES", 10)
    with pytest.raises(TranscriptError, match="more than a transcript"):
        read_transcript(written("clip.srt", SRT), 5.0)


def test_sidecars_are_found_in_order(written, tmp_path):
    clip = tmp_path / "a.b [1].mp4"
    assert find_sidecar(clip) is None
    for name in ("a.b [1].txt", "a.b [1].vtt", "a.b [1].en.srt", "a.b [1].srt"):
        path = written(name, SRT)
        assert find_sidecar(clip) == path


LINES = st.lists(
    st.sampled_from(
        [
            "",
            "1",
            "2",
            "WEBVTT",
            "NOTE x",
            "ANNA: hi",
            "<v Ben>yo",
            "{\\an8}up",
            "a --> b",
            "--> 5",
            "00:01,000 --> 00:02,000",
            "00:03.5 --> 01:00:04",
            "9:9 --> 9:8",
            "&#0;&lt;",
            "\u202e",
        ]
    )
    | st.text(max_size=12),
    max_size=12,
)


@given(lines=LINES, suffix=st.sampled_from([".srt", ".vtt", ".txt"]))
@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_file_gives_clean_utterances_in_order_or_an_error_that_names_it(
    tmp_path, lines, suffix
):
    path = tmp_path / f"clip{suffix}"
    path.write_bytes("\n".join(lines).encode("utf-8", "surrogatepass"))
    try:
        found = read_transcript(path, 60.0).utterances
    except TranscriptError as error:
        assert str(path) in str(error)
        return
    assert [u.span.start_s for u in found] == sorted(u.span.start_s for u in found)
    for utterance in found:
        assert 0.0 <= utterance.span.start_s <= utterance.span.end_s <= 60.0
        assert utterance.text == " ".join(utterance.text.split()) != ""
        assert not any(c in utterance.text for c in "\x00\u202e\ufeff\x1b")
