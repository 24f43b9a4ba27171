"""What was said, where somebody has already written it down: .srt, .vtt, .txt, subtitle streams.

The text is data from a stranger. Control characters and marks that turn the reading direction
are removed, lengths are capped and reported; everything else is kept as written, since escaping
is the business of whoever renders it.
"""

import html
import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from demeanor.explain.errors import TranscriptError
from demeanor.explain.records import NotMeasured, Source, SourceKind, Span, Utterance

SUFFIXES = (".srt", ".vtt", ".txt")  # in this order beside a clip: with times first
LANGUAGES_IN_NAMES = (
    *("en", "zh", "es", "de", "fr", "it", "pt", "ja", "ko", "ru"),
    *("ar", "hi", "nl", "pl", "tr", "sv"),
)  # clip.en.srt: looked for one by one, since listing a large folder for each clip is slow
MAX_FILE_BYTES = 5_000_000  # the subtitles of a long film are a tenth of this
MAX_UTTERANCE_CHARS = 2_000  # two minutes of fast speech
MAX_TOTAL_CHARS = 200_000  # two hours of speech are some 100 000

_STAMP = r"(?:(\d{1,3}):)?(\d{1,2}):(\d{1,2})(?:[.,](\d{1,3}))?"
_TIMING = re.compile(rf"\s*{_STAMP}\s*-->\s*{_STAMP}(?:\s.*)?")
_VOICE_TAG = re.compile(r"<v(?:\.[^\s>]*)?\s+([^>]{1,80})>", re.IGNORECASE)
_TAG = re.compile(
    r"</?(?:b|i|u|s|c|v|font|ruby|rt|lang)(?:[.\s][^<>]*)?>|<\d[\d:.]*>", re.IGNORECASE
)
_ASS_OVERRIDE = re.compile(r"\{\\[^{}]*\}")
_ASS_EVENT = re.compile(r"\A(?:Dialogue:\s*)?\d+,\d+,[^,]*,[^,]*,\d+,\d+,\d+,[^,]*,")
_LABEL = re.compile(r"\s*(?:-\s*)?([^\W\d_][^:\n]{0,29}):(?=\s|$)\s*")
_DIRECTION_MARKS = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e")
_DIRECTION_ISOLATES = frozenset("\u2066\u2067\u2068\u2069\ufeff")


@dataclass(frozen=True, slots=True)
class Transcript:
    utterances: tuple[Utterance, ...]  # in time order
    not_measured: tuple[NotMeasured, ...]  # what was cut, dropped or doubtful


@dataclass(frozen=True, slots=True)
class _Cue:
    start_s: float
    end_s: float
    text: str


def find_sidecar(clip_path: Path) -> Path | None:
    """The transcript beside a clip: clip.srt, clip.vtt, clip.txt or, say, clip.en.srt."""
    for suffix in SUFFIXES:
        for language in ("", *(f".{code}" for code in LANGUAGES_IN_NAMES)):
            path = clip_path.with_name(f"{clip_path.stem}{language}{suffix}")
            if path.is_file():
                return path
    return None


def read_transcript(path: Path, duration_s: float, start_s: float = 0.0) -> Transcript:
    """The words in `path`, with times from the start of the clip.

    `start_s` is where in its file the clip begins. Plain text has no times: it becomes one
    utterance over the whole clip. Raises TranscriptError naming file and line.
    """
    text, guessed = _decode(path)
    suffix = path.suffix.lower()
    source = Source(SourceKind.HUMAN, "transcript", suffix.lstrip("."))
    if suffix == ".txt":
        cues = [_Cue(0.0, duration_s, text)] if text.strip() else []
    else:
        cues = [_Cue(c.start_s - start_s, c.end_s - start_s, c.text) for c in _parse(path, text)]
    if not cues:
        raise TranscriptError(f"{path}: holds no words. Remove it, or give another transcript.")
    language = None if suffix == ".txt" else _language(path)
    found = _transcript(cues, duration_s, language, source)
    return Transcript(found.utterances, (*guessed, *found.not_measured))


def utterances_from_cues(
    cues: Iterable[tuple[float, float, str]], duration_s: float, language: str | None = None
) -> Transcript:
    """The words of an embedded subtitle stream: (start_s, end_s, text) of each entry."""
    source = Source(SourceKind.HUMAN, "transcript", "embedded")
    written = [_Cue(start_s, end_s, _ASS_EVENT.sub("", t)) for start_s, end_s, t in cues]
    return _transcript(written, duration_s, language, source)


def _language(path: Path) -> str | None:
    """ "en" for clip.en.srt or clip.en-GB.srt."""
    code = Path(path.stem).suffix.lstrip(".").split("-")[0].lower()
    return code if code in LANGUAGES_IN_NAMES else None


# --- bytes to text ---------------------------------------------------------------------------


def _decode(path: Path) -> tuple[str, tuple[NotMeasured, ...]]:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise TranscriptError(
            f"{path}: cannot be read ({error.strerror}). Check the name and the permissions."
        ) from error
    if len(data) > MAX_FILE_BYTES:
        raise TranscriptError(
            f"{path}: {len(data)} bytes are more than a transcript has "
            f"(at most {MAX_FILE_BYTES}). Is it another file?"
        )
    text, guessed = _decode_bytes(data)
    if "\0" in text:
        raise TranscriptError(f"{path}: is no text. Wanted .srt, .vtt or .txt.")
    return text.replace("\r\n", "\n").replace("\r", "\n"), guessed


def _decode_bytes(data: bytes) -> tuple[str, tuple[NotMeasured, ...]]:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", errors="replace"), ()
    if b"\0" in data[:2]:  # UTF-16 that does not say so, beginning with a Latin letter
        return data.decode("utf-16-be" if data[0] == 0 else "utf-16-le", errors="replace"), ()
    try:
        return data.decode("utf-8-sig"), ()
    except UnicodeDecodeError:
        doubt = NotMeasured(
            "accents in the transcript", "it is not UTF-8 and was read as Latin-1 (Windows-1252)"
        )
        return data.decode("cp1252", errors="replace"), (doubt,)


# --- text to cues ----------------------------------------------------------------------------


def _parse(path: Path, text: str) -> Iterator[_Cue]:
    """Cues of an .srt or a .vtt, in the order of the file."""
    timing: tuple[float, float] | None = None
    said: list[str] = []
    skipping = False  # within NOTE, STYLE and the like, up to the next empty line
    after_blank = last_began_block = True
    for number, line in enumerate(text.split("\n"), start=1):
        if _is_timing(line, inside_text=bool(said) and not after_blank):
            if timing is not None:
                if said and not after_blank and (last_began_block or said[-1].strip().isdigit()):
                    said.pop()  # the number or the name of the next cue
                yield _Cue(*timing, "\n".join(said))
            timing, said, skipping = _read_timing(path, number, line), [], False
        elif not line.strip():
            skipping = False
        elif skipping or (after_blank and _is_vtt_block(line)):
            skipping = True
        elif timing is not None:
            said.append(line)
            last_began_block = after_blank
        elif not (line.strip().isdigit() or _is_cue_name(path, text, number)):
            raise TranscriptError(
                f"{path}, line {number}: wanted a number or a time (00:00:01,000 --> ...), "
                f"found {line.strip()[:40]!r}. Is it an .srt or a .vtt?"
            )
        after_blank = not line.strip()
    if timing is not None:
        yield _Cue(*timing, "\n".join(said))


def _is_timing(line: str, inside_text: bool) -> bool:
    """An arrow makes a time line, except in what somebody says ("home --> work")."""
    return "-->" in line and (not inside_text or line.lstrip()[:1].isdigit())


def _is_vtt_block(line: str) -> bool:
    return re.match(r"\s*(WEBVTT|NOTE|STYLE|REGION)\b", line) is not None


def _is_cue_name(path: Path, text: str, number: int) -> bool:
    """In a .vtt any line may name the cue whose time follows."""
    lines = text.split("\n")[number : number + 1]
    return path.suffix.lower() == ".vtt" and bool(lines) and "-->" in lines[0]


def _read_timing(path: Path, number: int, line: str) -> tuple[float, float]:
    match = _TIMING.fullmatch(line)
    if match is None:
        raise TranscriptError(
            f"{path}, line {number}: wanted 00:00:01,000 --> 00:00:02,000, "
            f"found {line.strip()[:60]!r}. Correct the line."
        )
    parts = match.groups()
    start_s, end_s = _seconds(parts[:4]), _seconds(parts[4:])
    if end_s < start_s:
        raise TranscriptError(
            f"{path}, line {number}: ends ({end_s:g} s) before it starts ({start_s:g} s). "
            "Correct the line."
        )
    return start_s, end_s


def _seconds(parts: tuple[str | None, ...]) -> float:
    hours, minutes, seconds, fraction = parts
    whole_s = int(hours or 0) * 3600 + int(minutes or 0) * 60 + int(seconds or 0)
    return whole_s + int((fraction or "0").ljust(3, "0")) / 1000


# --- cues to utterances ----------------------------------------------------------------------


def _transcript(
    cues: list[_Cue], duration_s: float, language: str | None, source: Source
) -> Transcript:
    inside = [c for c in cues if c.start_s < duration_s and c.end_s >= 0.0]
    notes = list(_outside(cues, duration_s))
    utterances: list[Utterance] = []
    n_chars = n_cut = 0
    for cue in sorted(inside, key=lambda c: (c.start_s, c.end_s)):
        span = Span(max(0.0, cue.start_s), min(duration_s, cue.end_s))
        for speaker, said in _turns(cue.text):
            room = max(0, min(MAX_UTTERANCE_CHARS, MAX_TOTAL_CHARS - n_chars))
            kept = said[:room].rstrip()
            n_cut += len(said) - len(kept)
            n_chars += len(kept)
            if kept:
                utterances.append(Utterance(span, kept, (), speaker, language, None, source))
    if n_cut:
        notes.append(
            NotMeasured(
                "words",
                f"{n_cut} characters of the transcript were left out "
                f"(at most {MAX_UTTERANCE_CHARS} in one utterance, {MAX_TOTAL_CHARS} in all)",
            )
        )
    return Transcript(tuple(utterances), tuple(notes))


def _outside(cues: list[_Cue], duration_s: float) -> Iterator[NotMeasured]:
    late = [c for c in cues if c.start_s >= duration_s]
    if late:
        first_s = min(c.start_s for c in late)
        yield NotMeasured(
            "words",
            f"{len(late)} of {len(cues)} subtitles lie after the end of the clip "
            f"(the first at {first_s:.1f} s of {duration_s:.1f} s): is it the transcript of "
            "this clip?",
        )
    if late and len(late) == len(cues):
        yield NotMeasured("words", "no subtitle lies within the clip")


def _turns(text: str) -> Iterator[tuple[str | None, str]]:
    """(speaker, words) of each who speaks in a cue: <v Anna> and ANNA: begin a turn."""
    speaker: str | None = None
    said: list[str] = []
    for piece in _VOICE_TAG.sub(r"\n<v \1>\n", text.replace("\\N", "\n")).split("\n"):
        tag = _VOICE_TAG.fullmatch(piece.strip())
        name, rest = (tag.group(1), "") if tag else _label(piece)
        if name is not None:
            if words := clean(" ".join(said)):
                yield speaker, words
            speaker, said = clean(name) or None, []
        said.append(rest)
    if words := clean(" ".join(said)):
        yield speaker, words


def _label(line: str) -> tuple[str | None, str]:
    """ "ANNA: yes" is said by ANNA. Only capitals: "Note: this" is nobody's name."""
    match = _LABEL.match(line)
    if match is None or match.group(1) != match.group(1).upper():
        return None, line
    if match.group(1) == match.group(1).lower():  # a script without capitals cannot tell
        return None, line
    return match.group(1), line[match.end() :]


def clean(text: str) -> str:
    """`text` without formatting tags, entities, control characters and direction marks."""
    plain = _TAG.sub("", _ASS_OVERRIDE.sub("", text)).replace("\\n", " ").replace("\\h", " ")
    shown = "".join(_shown(character) for character in html.unescape(plain))
    return " ".join(shown.split())


def _shown(character: str) -> str:
    """Nothing for what cannot be seen; joiners stay, since some scripts need them."""
    if character in _DIRECTION_MARKS or character in _DIRECTION_ISOLATES:
        return ""
    if "\U000e0000" <= character <= "\U000e007f":  # tags: unseen letters that a model reads
        return ""
    if character.isspace():
        return " "
    return "" if unicodedata.category(character) in ("Cc", "Cs") else character
