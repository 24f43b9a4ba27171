"""People who speak: MELD, IEMOCAP, and the sentiment sets CMU-MOSI, CMU-MOSEI, CH-SIMS."""

import re
from collections.abc import Iterator
from pathlib import Path

from demeanor.explain.corpora.files import (
    Row,
    csv_rows,
    each_once,
    files_in,
    read_text,
    same_names,
)
from demeanor.explain.corpora.items import Item

MELD = same_names("neutral", "surprise", "fear", "sadness", "joy", "disgust", "anger")
NO_AGREEMENT = "no agreement"
# Codes of IEMOCAP's EmoEvaluation files (Busso et al. 2008).
IEMOCAP = {
    "ang": "angry",
    "hap": "happy",
    "exc": "excited",
    "sad": "sad",
    "neu": "neutral",
    "fru": "frustrated",
    "fea": "fear",
    "sur": "surprise",
    "dis": "disgust",
    "oth": "other",
    "xxx": NO_AGREEMENT,
}
_TURN = re.compile(
    r"\[(?P<start>[\d.]+) - (?P<end>[\d.]+)\]\s+(?P<id>Ses\d\d[FM]_\w+)\s+(?P<code>\w+)"
    r"\s+\[(?P<v>[\d.]+), (?P<a>[\d.]+), (?P<d>[\d.]+)\]"
)
_WORDS = re.compile(r"(?P<id>Ses\d\d[FM]_\w+) \[[\d.-]+\]: (?P<words>.*)")


def read_meld(path: Path, media: Path | None = None) -> Iterator[Item]:
    """MELD's train_, dev_ or test_sent_emo.csv.

        Sr No.,Utterance,Speaker,Emotion,Sentiment,Dialogue_ID,Utterance_ID,Season,Episode,…
        1,Why do all youre coffee mugs have numbers on the bottom?,Mark,surprise,positive,0,0,3,19,…

    Ids begin with the split, as in MER-UniBench: test_dia0_utt0. A sample's video is its episode.
    """
    wanted = {
        "words": ["Utterance"],
        "label": ["Emotion"],
        "dialogue": ["Dialogue_ID"],
        "turn": ["Utterance_ID"],
    }
    optional = {
        "speaker": ["Speaker"],
        "sentiment": ["Sentiment"],
        "season": ["Season"],
        "episode": ["Episode"],
    }
    split = path.stem.split("_")[0]
    return each_once(path, (_meld(row, split, media) for row in csv_rows(path, wanted, optional)))


def _meld(row: Row, split: str, media: Path | None) -> Item:
    name = f"dia{row.text('dialogue')}_utt{row.text('turn')}"
    episode = f"season {row.maybe('season')} episode {row.maybe('episode')}"
    return Item(
        f"{split}_{name}",
        row.named("label", MELD),
        media=media / f"{name}.mp4" if media else None,
        subject=row.maybe("speaker"),
        video=episode if row.maybe("season") else None,
        split=split,
        said=row.maybe("words"),
        extra={"sentiment": row.maybe("sentiment")},
    )


def read_iemocap(path: Path, media: Path | None = None) -> Iterator[Item]:
    """IEMOCAP_full_release, or one file of a dialog/EmoEvaluation in it.

        [6.2901 - 8.2357]	Ses01F_impro01_F000	neu	[2.5000, 2.5000, 2.5000]

    The last three are valence, activation, dominance, 1 to 5. xxx is kept as "no agreement". Words
    come from dialog/transcriptions, where that is there.
    """
    files = files_in(path, "Session*/dialog/EmoEvaluation/*.txt", "IEMOCAP_full_release")
    return each_once(path, (item for file in files for item in _iemocap(file, media)))


def _iemocap(file: Path, media: Path | None) -> Iterator[Item]:
    spoken = file.parent.parent / "transcriptions" / file.name
    matches = _WORDS.finditer(read_text(spoken)) if spoken.is_file() else ()
    words = {match["id"]: match["words"].strip() for match in matches}
    for number, line in enumerate(read_text(file).splitlines(), start=1):
        if not line.startswith("["):
            continue
        match = _TURN.match(line)
        row = Row(file, number, {"label": match["code"]} if match else {})
        if match is None:
            raise row.error("[start - end] turn label [v, a, d]", line)
        turn = match["id"]
        # Ses01F_impro01_M003: session 1; who speaks is the last letter, not the first.
        speaker = f"{turn[:5]}{turn.rsplit('_', 1)[1][0]}"
        yield Item(
            turn,
            row.named("label", IEMOCAP),
            media=media / f"{turn}.wav" if media else None,
            subject=speaker,
            video=file.stem,
            said=words.get(turn),
            extra={
                "session": turn[:5],
                "start_s": float(match["start"]),
                "end_s": float(match["end"]),
                "valence": float(match["v"]),
                "activation": float(match["a"]),
                "dominance": float(match["d"]),
            },
        )


def read_sentiment(path: Path, media: Path | None = None) -> Iterator[Item]:
    """label.csv of CMU-MOSI, CMU-MOSEI or CH-SIMS in the form that MMSA hands out.

        video_id,clip_id,text,label,label_T,label_A,label_V,annotation,mode

    (heading seen in public readers; MOSEI has the columns in another order). The label is a level:
    -3 to 3, for SIMS -1 to 1. Ids are video_clip, as in MER-UniBench.
    """
    wanted = {"video": ["video_id"], "clip": ["clip_id"], "level": ["label"]}
    optional = {"words": ["text"], "split": ["mode"]}
    return each_once(path, (_sentiment(row, media) for row in csv_rows(path, wanted, optional)))


def _sentiment(row: Row, media: Path | None) -> Item:
    video, clip = row.text("video"), row.text("clip")
    return Item(
        f"{video}_{clip}",
        row.number_in("level"),
        media=media / video / f"{clip}.mp4" if media else None,
        video=video,
        split=row.maybe("split"),
        said=row.maybe("words"),
    )
