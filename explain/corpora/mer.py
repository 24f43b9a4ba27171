"""The MER challenges and what grew around them: OV-MERD, EMER, MER-Prefer, MERR."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from demeanor.explain.corpora.files import (
    Row,
    csv_rows,
    each_once,
    files_in,
    read_json,
    same_names,
)
from demeanor.explain.corpora.items import CorpusError, Item

# MERTools writes the sixth as "surprise" in its label files; its README and mer6 say "surprised".
MER6 = same_names("neutral", "angry", "happy", "sad", "worried", "surprised", surprise="surprised")
CHOICES = ("a1", "a2", "same")
_NAME = ["name", "names"]
_PARTS = re.compile(r"['\",;\n]")


def read_mer(path: Path, media: Path | None = None) -> Iterator[Item]:
    """One of six emotions: label-disdim.csv (MER2024), track1_train_disdim.csv (MER2025),
    track1_train.csv (MER2026), and their test files.

        name,discrete
        sample_00000007,happy

    (columns read by MERTools' toolkit/preprocess; `disdim` files have a level `valence` too).
    """
    rows = csv_rows(path, {"name": _NAME, "label": ["discrete"]}, {"valence": ["valence"]})
    return each_once(path, (_mer(row, media) for row in rows))


def _mer(row: Row, media: Path | None) -> Item:
    extra = {"valence": row.number_in("valence")} if row.maybe("valence") else {}
    label = row.named("label", MER6)
    return Item(row.text("name"), label, media=_clip(media, row.text("name")), extra=extra)


def read_open_labels(path: Path, media: Path | None = None) -> Iterator[Item]:
    """Sets of open words: OV-MERD (check-openset.csv, track2_train_ovmerd.csv), OV-MERD+,
    track2_train_human.csv, track2_train_mercaptionplus.csv.

        name,openset
        sample_00000007,"['excited', 'joyful', 'happy']"

    (MERTools, MER2024/ov_store/check-openset.csv; other files have a plain comma list).
    """
    rows = csv_rows(path, {"name": _NAME, "labels": ["openset"]})
    return each_once(
        path,
        (
            Item(
                row.text("name"),
                list(open_labels(row.maybe("labels") or "")),
                media=_clip(media, row.text("name")),
            )
            for row in rows
        ),
    )


def open_labels(text: str) -> tuple[str, ...]:
    """
    >>> open_labels("['looking forward to', 'joyful']")
    ('looking forward to', 'joyful')
    """
    parts = _PARTS.split(text.strip().removeprefix("[").removesuffix("]"))
    return tuple(part.strip() for part in parts if part.strip())


def read_descriptions(path: Path, media: Path | None = None) -> Iterator[Item]:
    """What a clip shows, written out: EMER-V2 (final-EMER-reason.csv), track3 files of MER2025.

        name,chinese,english
        sample_00000007,在视频中，…,"In the video, we see a lady using a phone …"

    (AffectGPT, EMER/dataset-v2; files with one language have a column `reason`). No labels: those
    of OV-MERD have the same names.
    """
    wanted = {"name": _NAME, "text": ["english", "reason", "reasons", "description"]}
    return each_once(
        path,
        (
            Item(
                row.text("name"),
                [],
                media=_clip(media, row.text("name")),
                text=row.text("text"),
                extra={"chinese": row.maybe("chinese")},
            )
            for row in csv_rows(path, wanted, {"chinese": ["chinese"]})
        ),
    )


def read_emer_v1(path: Path, media: Path | None = None) -> Iterator[Item]:
    """EMER-V1: gt-eng.csv or gt-chi.csv, a hundred clips.

        names,emotions,subtitles,reasons
        sample_00000680,happy,"Last night, I forgot to thank you properly.","In the video, he …"

    (AffectGPT, instruction-dataset/EmoReason/gt-eng.csv). Labels in that file are MER's six with
    "surprise"; the words of the Chinese file are kept as they are.
    """
    wanted = {"name": _NAME, "label": ["emotions"], "text": ["reasons"]}
    return each_once(
        path,
        (
            Item(
                row.text("name"),
                list(open_labels(row.text("label"))),
                media=_clip(media, row.text("name")),
                text=row.text("text"),
                said=row.maybe("words"),
            )
            for row in csv_rows(path, wanted, {"words": ["subtitles"]})
        ),
    )


def read_preferences(path: Path, media: Path | None = None) -> Iterator[Item]:
    """MER-Prefer: track3_emoprefer.csv, track3_emopreferv2.csv (MER2026).

        name,a1,a2,preference

    (columns seen in public readers of these files). Gold is a1, a2 or same; both texts in `extra`.
    One clip may be in several pairs: a pair is named name#2 from its second time on.
    """
    wanted = {"name": _NAME, "a1": ["a1"], "a2": ["a2"], "choice": ["preference"]}
    return each_once(path, _preferences(csv_rows(path, wanted), media))


def _preferences(rows: Iterator[Row], media: Path | None) -> Iterator[Item]:
    times: dict[str, int] = {}
    for row in rows:
        name = row.text("name")
        times[name] = times.get(name, 0) + 1
        yield Item(
            name if times[name] == 1 else f"{name}#{times[name]}",
            row.named("choice", same_names(*CHOICES)),
            media=_clip(media, name),
            video=name,
            extra={"a1": row.text("a1"), "a2": row.text("a2")},
        )


# MERR -----------------------------------------------------------------------------------------


def read_merr(path: Path, media: Path | None = None) -> Iterator[Item]:
    """MERR as Emotion-LLaMA has it: MERR_coarse_grained.json, MERR_fine_grained.json; MER-Factory
    exports the same, and keeps a *_merr_data.json for each clip, of which a folder may be named.

        {"sample_00000007": {"AU_list": ["AU06", "AU12"], "visual_prior_list": ["cheek raiser"],
          "audio_prior_list": "…", "peak_index": "43", "peak_AU_list": ["AU12"],
          "pseu_emotion": "happy", "text": "…", "smp_reason_caption": "…"}}

    (fields seen in MER-Factory's export.py and in public readers; coarse files have `caption`). The
    emotion was assigned by a machine; where a file has none, gold is None.
    """
    if path.is_dir():
        files = files_in(path, "**/*_merr_data.json", "MERR files of MER-Factory")
        return each_once(path, (_merr_factory(file, media) for file in files))
    data = read_json(path)
    if not isinstance(data, dict) or not data:
        raise CorpusError(f"{path}: wanted an object of samples by name, found {data!r:.60}")
    return each_once(path, (_merr(path, name, value, media) for name, value in data.items()))


def _merr(path: Path, name: str, value: Any, media: Path | None) -> Item:
    if not isinstance(value, dict):
        raise CorpusError(f"{path}: {name}: wanted an object, found {value!r:.60}")
    text = value.get("smp_reason_caption") or value.get("caption")
    if not text:
        found = ", ".join(value)
        raise CorpusError(f"{path}: {name}: wanted smp_reason_caption or caption, found {found}")
    kept = ("AU_list", "visual_prior_list", "audio_prior_list", "peak_index", "peak_AU_list")
    return Item(
        name,
        value.get("pseu_emotion") or None,
        media=_clip(media, name),
        text=str(text),
        said=value.get("text") or None,
        extra={key: value[key] for key in kept if key in value},
    )


def _merr_factory(file: Path, media: Path | None) -> Item:
    """One clip of MER-Factory: what it saw at the peak, and a summary."""
    data = read_json(file)
    if not isinstance(data, Mapping) or not data.get("final_summary"):
        raise CorpusError(f"{file}: wanted an object with final_summary, found {data!r:.60}")
    peak = data.get("overall_peak_frame_info") or {}
    name = file.stem.removesuffix("_merr_data")
    return Item(
        name,
        None,
        media=_clip(media, name),
        text=str(data["final_summary"]),
        extra={
            "peak_index": peak.get("frame_number"),
            "peak_AU_list": list(peak.get("top_aus_intensities") or {}),
            "described": data.get("coarse_descriptions_at_peak") or {},
        },
    )


def _clip(media: Path | None, name: str) -> Path | None:
    return media / f"{name}.mp4" if media else None
