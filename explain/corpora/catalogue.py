"""Every corpus that we read, by name: what a user has to name, and what comes of it."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from demeanor.explain.corpora import (
    expllm,
    films,
    frames,
    mer,
    micro,
    pictures,
    press_faces,
    talk,
    texts,
)
from demeanor.explain.corpora.items import Item, read_described, read_labelled
from demeanor.explain.errors import UnknownName

OPEN, LEVEL, LEVELS, TEXT, UNITS = "open words", "a level", "levels", "a text", "action units"


@dataclass(frozen=True, slots=True)
class Corpus:
    name: str
    title: str
    wants: str  # the file or folder that a user names
    gold: str  # the label set by name, or what it is instead
    read: Callable[..., Iterator[Item]]  # (path, media): media is the folder of pictures or clips


def _folder(path: Path, media: Path | None = None) -> Iterator[Item]:
    return iter(read_labelled(path))


def _described(path: Path, media: Path | None = None) -> Iterator[Item]:
    return iter(read_described(path))


_ALL = (
    Corpus("folder", "anybody's files", "a CSV path,label… or a folder a label", "any", _folder),
    Corpus(
        "press-faces",
        "muxspace/facial_expressions by its rules",
        "its folder (labels.csv, images)",
        "rafdb7",
        press_faces.read_faces,
    ),
    Corpus("described", "written clues", "JSON lines id, description, labels", OPEN, _described),
    Corpus("rafdb", "RAF-DB basic", "its folder (EmoLabel, Image)", "rafdb7", pictures.read_rafdb),
    Corpus(
        "rafdb-compound",
        "RAF-DB compound",
        "its folder (EmoLabel, Image)",
        "rafdb_compound11",
        pictures.read_rafdb_compound,
    ),
    Corpus(
        "affectnet",
        "AffectNet",
        "training.csv or validation.csv",
        "affectnet8",
        pictures.read_affectnet,
    ),
    Corpus(
        "affectnet-kaggle",
        "AffectNet of Kaggle",
        "labels.csv (pth, label)",
        "affectnet8",
        pictures.read_affectnet_kaggle,
    ),
    Corpus("fer2013", "FER2013", "fer2013.csv", "fer2013", pictures.read_fer2013),
    Corpus(
        "ferplus",
        "FER+, label of most votes",
        "fer2013new.csv",
        "ferplus8",
        partial(pictures.read_ferplus, lossy=True),
    ),
    Corpus(
        "expllm",
        "ExpLLM",
        "its JSON (file_name, emo, au, description)",
        "rafdb7",
        expllm.read_expllm,
    ),
    Corpus("dfew", "DFEW", "test(single-labeled)/set_K.csv", "dfew7", films.read_dfew),
    Corpus("mafw", "MAFW, single labels", "no_caption/set_K/test.txt", "mafw11", films.read_mafw),
    Corpus(
        "ferv39k", "FERV39k", "4_setups/All_scenes/test_All.csv", "ferv39k7", films.read_ferv39k
    ),
    Corpus("meld", "MELD", "test_sent_emo.csv", "meld7", talk.read_meld),
    Corpus("iemocap", "IEMOCAP", "IEMOCAP_full_release", "iemocap6", talk.read_iemocap),
    Corpus(
        "sentiment",
        "CMU-MOSI, CMU-MOSEI, CH-SIMS",
        "label.csv (video_id, clip_id, text, label, mode)",
        LEVEL,
        talk.read_sentiment,
    ),
    Corpus("mer", "MER2023 to MER2026, six emotions", "a CSV name,discrete", "mer6", mer.read_mer),
    Corpus(
        "open-labels",
        "OV-MERD, OV-MERD+, Human-OV, MER-Caption+",
        "a CSV name,openset",
        OPEN,
        mer.read_open_labels,
    ),
    Corpus("emer-v1", "EMER-V1", "gt-eng.csv", OPEN, mer.read_emer_v1),
    Corpus("emer-v2", "EMER-V2", "final-EMER-reason.csv", TEXT, mer.read_descriptions),
    Corpus(
        "mer-prefer", "MER-Prefer", "track3_emoprefer.csv", "a1, a2, same", mer.read_preferences
    ),
    Corpus("merr", "MERR", "MERR_*_grained.json, or MER-Factory's folder", "mer6", mer.read_merr),
    Corpus("casme", "CASME", "its .xlsx", "casme2", micro.read_casme),
    Corpus("casme2", "CASME II", "CASME2-coding-20140508.xlsx", "casme2", micro.read_casme2),
    Corpus("samm", "SAMM", "SAMM_Micro_FACS_Codes_v2.xlsx", "samm8", micro.read_samm),
    Corpus("smic", "SMIC-HS", "SMIC-HS-E_annotation.xlsx", "smic3", micro.read_smic),
    Corpus(
        "casme3",
        "CAS(ME)3, part A",
        "cas(me)3_part_A_ME_label_JpgIndex_v2.xlsx",
        "casme3",
        micro.read_casme3,
    ),
    Corpus(
        "megc", "CASME II, SAMM and SMIC", "a folder of their .xlsx", "megc3", micro.read_composite
    ),
    Corpus(
        "cd6me",
        "CASME, CASME II, SAMM, MMEW, 4DME and CAS(ME)3",
        "a folder of their .xlsx",
        UNITS,
        micro.read_cross,
    ),
    Corpus("veatic", "VEATIC", "rating_averaged", LEVELS, frames.read_veatic),
    Corpus("recola", "RECOLA (AVEC 2016)", "ratings_gold_standard", LEVELS, frames.read_recola),
    Corpus("affwild2-va", "Aff-Wild2, levels", "VA_Set/…_Set", LEVELS, frames.read_affwild2_levels),
    Corpus(
        "affwild2-expr",
        "Aff-Wild2, expressions",
        "EXPR_Set/…_Set",
        "affwild2_8",
        frames.read_affwild2_expressions,
    ),
    Corpus("affwild2-au", "Aff-Wild2, units", "AU_Set/…_Set", UNITS, frames.read_affwild2_units),
    Corpus("cexpr", "C-EXPR-DB", "its folder annotation", "cexpr7", frames.read_cexpr),
    Corpus("bah", "BAH", "video-level split, test.txt", "bah2", frames.read_bah),
    Corpus(
        "goemotions", "GoEmotions", "dev.tsv, labels.txt beside it", OPEN, texts.read_goemotions
    ),
    Corpus("smile", "SMILE", "its folder annotations", TEXT, texts.read_smile),
)
CORPORA: Mapping[str, Corpus] = {corpus.name: corpus for corpus in _ALL}


def corpus(name: str) -> Corpus:
    """Raises UnknownName."""
    if name not in CORPORA:
        raise UnknownName("corpus", name, CORPORA)
    return CORPORA[name]
