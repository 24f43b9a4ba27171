"""For each corpus a tiny file of its official form, made here: what a task has to read."""

import json
from collections.abc import Callable
from pathlib import Path

import openpyxl

from demeanor.explain.corpora.expllm import UNITS
from demeanor.explain.corpora.frames import COMPOUND

LEVELS = [(0.1, -0.5), (0.4, 0.2), (-0.3, 0.9)]


def write(path: Path, *lines: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([*lines, ""]), encoding="utf-8")
    return path


def kaggle(folder: Path) -> Path:
    rows = ["0,a/1.jpg,happy,0.9", "1,a/2.jpg,sad,0.8"]
    return write(folder / "labels.csv", ",pth,label,relFCs", *rows)


def fer2013(folder: Path) -> Path:
    rows = ["0,1 2,Training", "3,1 2,PrivateTest", "4,1 2,PrivateTest"]
    return write(folder / "fer2013.csv", "emotion,pixels,Usage", *rows)


def sheet(path: Path, *rows: tuple) -> Path:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    book.save(path)
    return path


def rafdb(folder: Path, labels=(4, 5, 6)) -> Path:
    lines = [f"test_{k:04}.jpg {label}" for k, label in enumerate(labels)]
    write(folder / "EmoLabel/list_patition_label.txt", "train_00001.jpg 1", *lines)
    return folder


def affectnet(folder: Path) -> Path:
    head = "subDirectory_filePath,face_x,face_y,face_width,face_height,facial_landmarks,expression"
    rows = [f"1/{k}.jpg,1,1,1,1,1;1,{label},0,0" for k, label in enumerate((1, 2, 10))]
    return write(folder / "validation.csv", f"{head},valence,arousal", *rows)


def ferplus(folder: Path) -> Path:
    head = (
        "Usage,Image name,neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,unknown,NF"
    )
    rows = [
        "PrivateTest,fer0000000.png,0,9,1,0,0,0,0,0,0,0",
        "PrivateTest,fer0000001.png,9,0,0,0,1,0,0,0,0,0",
    ]
    return write(
        folder / "fer2013new.csv", head, "Training,fer0000002.png,9,0,0,0,0,0,0,0,1,0", *rows
    )


def meld(folder: Path) -> Path:
    head = "Sr No.,Utterance,Speaker,Emotion,Sentiment,Dialogue_ID,Utterance_ID,Season,Episode"
    rows = [
        f"{k},Oh.,Ross,{label},x,0,{k},1,1" for k, label in enumerate(("anger", "joy", "sadness"))
    ]
    return write(folder / "test_sent_emo.csv", head, *rows)


def iemocap(folder: Path) -> Path:
    for session, codes in (("1", ["ang"]), ("5", ["hap", "exc", "sad", "fru", "xxx"])):
        dialogue = f"Ses0{session}F_impro01"
        turns = [
            f"[{k}.0 - {k}.9]\t{dialogue}_F00{k}\t{code}\t[2.5000, 2.5000, 2.5000]"
            for k, code in enumerate(codes)
        ]
        write(folder / f"Session{session}/dialog/EmoEvaluation/{dialogue}.txt", "% head", *turns)
    return folder


def sentiment(folder: Path) -> Path:
    rows = [f"v{k},1,words,{level},{split}" for k, (level, split) in enumerate(
        [(-1.6, "test"), (2.0, "test"), (0.0, "test"), (1.0, "train")])]  # fmt: skip
    return write(folder / "label.csv", "video_id,clip_id,text,label,mode", *rows)


def micro(folder: Path, name: str, labels=("happiness", "disgust", "surprise")) -> Path:
    heads = {
        "casme": ("Subject", "Filename", "OnsetF", "ApexF1", "OffsetF", "AU", "Emotion"),
        "smic": ("Subject", "Filename", "OnsetF", "ApexF", "OffsetF", "nothing", "Emotion"),
        "4dme": ("sub_ID", "fold_name", "Onset", "Apex", "Offset", "AUs", "Emotion"),
        "casme3": ("Subject", "Filename", "Onset", "Apex", "Offset", "AU", "emotion"),
        "samm": (
            "Subject",
            "Filename",
            "Onset Frame",
            "Apex Frame",
            "Offset Frame",
            "Action Units",
            "Estimated Emotion",
        ),
    }
    other = (
        "Subject",
        "Filename",
        "OnsetFrame",
        "ApexFrame",
        "OffsetFrame",
        "Action Units",
        "Estimated Emotion",
    )
    rows = [(k + 1, f"c{k}", 1, 2, 3, f"4+{12 + k}", label) for k, label in enumerate(labels)]
    return sheet(folder / f"{name}.xlsx", heads.get(name, other), *rows)


def several_sets(folder: Path, *names: str) -> Path:
    for name in names:
        polarities = ("positive", "negative", "surprise")
        micro(folder, name, polarities if name == "smic" else ("happiness", "anger", "surprise"))
    return folder


def codes(folder: Path, name: str, value: str) -> Path:
    """DISFA: a file a unit, three frames; in the second nothing is there."""
    from demeanor.eval.tasks.units import DISFA_UNITS

    for unit in DISFA_UNITS:
        write(folder / f"SN001_{unit.lower()}.txt", f"1,{value}", "2,0", f"3,{value}")
    return folder


def bp4d(folder: Path) -> Path:
    from demeanor.eval.tasks.units import BP4D_UNITS

    head = ",".join(["0", *(unit[2:] for unit in BP4D_UNITS)])
    n = len(BP4D_UNITS)
    return write(
        folder / "F001_T1.csv", head, "1" + ",1" * n, "2" + ",0" * n, "3" + ",9" * n
    ).parent


def tracks(folder: Path) -> Path:
    for k, level in enumerate(("valence", "arousal")):
        write(folder / f"0_{level}.csv", *(str(pair[k]) for pair in LEVELS))
        arff = (f"'dev_1',{n}.0,{pair[k]}" for n, pair in enumerate(LEVELS))
        write(folder / level / "dev_1.arff", "@relation x", "@data", *arff)
    return folder


def expllm(folder: Path) -> Path:
    rows = [
        {"id": f"test_{k}", "label": label, "au": dict.fromkeys(UNITS, 0.0), "description": text}
        for k, (label, text) in enumerate([("Anger", "Brows lowered."), ("Fear", "Eyes wide.")])
    ]
    return write(folder / "rows.jsonl", *map(json.dumps, rows))


def smile(folder: Path) -> Path:
    write(folder / "GT_laughter_reason.json", json.dumps({"1_8": "She mocks him.", "7": "A pun."}))
    write(folder / "data_split.json", json.dumps({"train": ["7"], "test": ["1_8"]}))
    return folder


def goemotions(folder: Path) -> Path:
    write(folder / "labels.txt", "admiration", "amusement", "anger")
    return write(folder / "dev.tsv", "Nice.\t0,1\ta", "Bah.\t2\tb")


OPENSET = ("name,openset", "a,\"['happy', 'sad']\"", "b,angry")
MER = ("name,discrete", "a,happy", "b,sad", "c,angry")
EMER1 = ("names,emotions,subtitles,reasons", "a,happy,Hi.,He smiles.", "b,angry,No.,He shouts.")
EMER2 = ("name,chinese,english", "a,在,She frowns at him.", "b,在,He looks away.")
PREFER = ("name,a1,a2,preference", "a,Sad.,Glad.,a2", "b,Calm.,Sad.,a1", "c,Calm.,Sad.,same")

AFFWILD2 = {
    "va": ("valence,arousal", *(f"{v},{a}" for v, a in LEVELS), "-5,-5"),
    "expr": ("Neutral,Anger,Disgust,Fear,Happiness,Sadness,Surprise,Other", "4", "1", "-1"),
    "au": ("AU1,AU12", "0,1", "1,1", "-1,0"),
}
CEXPR = (",".join(COMPOUND), "1,0,0,0,0,0,0", "0,1,0,0,0,0,0", ",,,,,,")

# Corpus -> its file, in a folder.
FILES: dict[str, Callable[[Path], Path]] = {
    "rafdb": rafdb,
    "rafdb-compound": rafdb,
    "affectnet": affectnet,
    "affectnet-kaggle": kaggle,
    "fer2013": fer2013,
    "ferplus": ferplus,
    "dfew": lambda f: write(f / "test(single-labeled)/set_1.csv", "video_name,label", "1,1", "2,4"),
    "mafw": lambda f: write(f / "set_1/test.txt", "1.mp4 anger", "2.mp4 anxiety"),
    "ferv39k": lambda f: write(f / "test_All.csv", "Action/Happy/0267 Happy", "War/Sad/1 Sad"),
    "meld": meld,
    "iemocap": iemocap,
    "sentiment": sentiment,
    "mer": lambda f: write(f / "label-disdim.csv", *MER),
    "open-labels": lambda f: write(f / "check-openset.csv", *OPENSET),
    "emer-v1": lambda f: write(f / "gt-eng.csv", *EMER1),
    "emer-v2": lambda f: write(f / "final-EMER-reason.csv", *EMER2),
    "mer-prefer": lambda f: write(f / "track3_emoprefer.csv", *PREFER),
    "casme2": lambda f: micro(f, "casme2"),
    "samm": lambda f: micro(f, "samm"),
    "smic": lambda f: micro(f, "smic", ("positive", "negative", "surprise")),
    "casme3": lambda f: micro(f, "casme3"),
    "megc": lambda f: several_sets(f, "casme2", "samm", "smic"),
    "cd6me": lambda f: several_sets(f, "casme", "casme2", "samm", "mmew", "4dme", "casme3"),
    "veatic": tracks,
    "recola": tracks,
    "affwild2-va": lambda f: write(f / "v.txt", *AFFWILD2["va"]).parent,
    "affwild2-expr": lambda f: write(f / "v.txt", *AFFWILD2["expr"]).parent,
    "affwild2-au": lambda f: write(f / "v.txt", *AFFWILD2["au"]).parent,
    "cexpr": lambda f: write(f / "v.csv", *CEXPR).parent,
    "bah": lambda f: write(f / "test.txt", "Videos/8/V/a.mp4,1,Well, no.", "Videos/9/V/b.mp4,0,Y"),
    "goemotions": goemotions,
    "smile": smile,
    "expllm": expllm,
}  # fmt: skip
