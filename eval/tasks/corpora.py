"""Tasks whose gold labels come from the official file of a corpus.

What is scored of it (which split, which classes, which rule) is the protocol that the literature
reports; where protocols differ, the note says which this is.
"""

from functools import partial

from demeanor.eval.tasks import Task
from demeanor.eval.tasks.kinds import (
    Source,
    closed,
    hit_rate,
    levels,
    preference,
    sentiment,
    several,
    texts,
    unit_name,
    word_sets,
)
from demeanor.eval.tasks.units import BP4D_UNITS, DISFA_UNITS, read_intensities, read_presence
from demeanor.explain.corpora.frames import LEVELS
from demeanor.explain.corpora.items import Item
from demeanor.explain.corpora.labels import label_set
from demeanor.explain.corpora.talk import NO_AGREEMENT

_STATIC = ("accuracy", "UAR", "macro F1", "WAF")
_DYNAMIC = ("WAR", "UAR", "macro F1", "WAF")
_WAF = ("WAF", "accuracy", "UAR", "macro F1")
_MICRO = ("UF1", "UAR", "accuracy")
_FOLDS = "The official five folds are scored one by one: their mean is the published figure."
_LOSO = (
    "Counts are pooled over subjects. A system that was trained answers for each subject with a "
    "model that has not seen it (eval.micro_expressions.leave_one_out gives the folds)."
)
_JUDGED = (
    "Shared words, not shared clues: the published overlap came from a judge that is withdrawn; "
    "see `demeanor eval judge`."
)
# MEGC 2019, as eval.micro_expressions has it; a class that it leaves out is left out here.
_MEGC = {
    **dict.fromkeys(("disgust", "repression", "anger", "contempt", "fear", "sadness"), "negative"),
    "happiness": "positive",
    **dict.fromkeys(("others", "other"), None),
}
_AFFECTNET7 = {"contempt": None}
# 4-way IEMOCAP: excited counts as happy, everything else is left out.
_IEMOCAP4 = {
    "excited": "happy",
    **dict.fromkeys(("frustrated", "fear", "surprise", "disgust", "other", NO_AGREEMENT), None),
}
# CD6ME's twelve units (tvaranka/meb, "cross").
CD6ME_UNITS = tuple(f"AU{n}" for n in (1, 2, 4, 5, 6, 7, 9, 10, 12, 14, 15, 17))
# Those of Aff-Wild2's AU_Set.
AFFWILD2_UNITS = tuple(f"AU{n}" for n in (1, 2, 4, 6, 7, 10, 12, 15, 23, 24, 25, 26))


def _of_session_5(item: Item) -> bool:
    return bool(item.extra["session"] == "Ses05")


def _units(item: Item) -> list[str] | None:
    return None if item.extra["aus"] is None else list(item.extra["aus"])


def _text(item: Item) -> str | None:
    return item.text


_PICTURES = (
    closed("rafdb", "RAF-DB basic, test", Source("rafdb", ("test",)), "rafdb7", _STATIC),
    closed(
        "rafdb-compound",
        "RAF-DB compound, test",
        Source("rafdb-compound", ("test",)),
        "rafdb_compound11",
        _STATIC,
        "Papers report the mean recall (UAR) beside accuracy.",
    ),
    closed(
        "affectnet8",
        "AffectNet, validation, 8 classes",
        Source("affectnet", ("valid",)),
        "affectnet8",
        _STATIC,
        "The test part was never handed out: validation is what papers report.",
    ),
    closed(
        "affectnet7",
        "AffectNet, validation, 7 classes",
        Source("affectnet", ("valid",), mapping=_AFFECTNET7),
        "affectnet7",
        _STATIC,
        "Contempt is left out. Validation is what papers report.",
    ),
    closed(
        "affectnet-kaggle",
        "AffectNet of Kaggle, 8 classes",
        Source("affectnet-kaggle"),
        "affectnet8",
        _STATIC,
        "Its own pictures and labels: figures are not those of AffectNet's validation.",
    ),
    closed("fer2013", "FER2013, private test", Source("fer2013", ("test",)), "fer2013", _STATIC),
    closed(
        "ferplus",
        "FER+, private test, label of most votes",
        Source("ferplus", ("test",)),
        "ferplus8",
        _STATIC,
        "Pictures without a majority are not scored.",
    ),
)
_FILMS = (
    closed("dfew", "DFEW, one fold", Source("dfew", ("test",)), "dfew7", _DYNAMIC, _FOLDS),
    closed(
        "mafw", "MAFW, one fold, 11 classes", Source("mafw", ("test",)), "mafw11", _DYNAMIC, _FOLDS
    ),
    closed("ferv39k", "FERV39k, test", Source("ferv39k", ("test",)), "ferv39k7", _DYNAMIC),
    closed(
        "ferv39k-gpt4v",
        "FERV39k, test, as the GPT-4V benchmark scores clips",
        Source("ferv39k", ("test",)),
        "ferv39k7",
        ("WAR", "UAR"),
        drop_unknown=True,
    ),
)
_TALK = (
    closed("meld-7", "MELD, test, 7 classes", Source("meld", ("test",)), "meld7", _WAF),
    closed(
        "iemocap-4",
        "IEMOCAP, session 5, 4 classes",
        Source("iemocap", keep=_of_session_5, mapping=_IEMOCAP4),
        "iemocap4",
        _DYNAMIC,
        "Excited counts as happy.",
    ),
    closed(
        "iemocap-6",
        "IEMOCAP, session 5, 6 classes",
        Source("iemocap", keep=_of_session_5),
        "iemocap6",
        _WAF,
        "Turns of other classes, and those without agreement, are not scored.",
    ),
    several(
        "goemotions",
        "GoEmotions, 28 labels, several a comment",
        Source("goemotions"),
        label_set("goemotions28").labels,
        note="Comments are written, not spoken.",
    ),
    texts("smile", "SMILE, test: why did people laugh?", Source("smile", ("test",)), _JUDGED),
)
# MER-UniBench: with ovmerdplus, meld and cmumosi these are the nine; eval/unibench.py has the mean.
_UNIBENCH = (
    hit_rate(
        "mer2023", "MER2023, MER-MULTI: is gold among the words? (MER-UniBench)", Source("mer")
    ),
    hit_rate(
        "mer2024",
        "MER2024, MER-SEMI: is gold among the words? (MER-UniBench)",
        Source("mer"),
        "The released gold names clips otherwise than the released predictions do.",
    ),
    hit_rate(
        "iemocap",
        "IEMOCAP, session 5: is gold among the words? (MER-UniBench)",
        Source("iemocap", keep=_of_session_5, mapping=_IEMOCAP4),
    ),
    sentiment(
        "cmumosei",
        "CMU-MOSEI, test: sentiment where gold is not 0 (MER-UniBench)",
        Source("sentiment", ("test",)),
    ),
    sentiment(
        "sims",
        "CH-SIMS, test: sentiment where gold is not 0 (MER-UniBench)",
        Source("sentiment", ("test",)),
    ),
    sentiment(
        "simsv2",
        "CH-SIMS v2, test: sentiment where gold is not 0 (MER-UniBench)",
        Source("sentiment", ("test",)),
    ),
)
_LEVEL_OF = "Papers report the mean absolute error and r; RMSE stands for the first here."
_SENTIMENT_LEVELS = tuple(
    levels(f"{name}-level", f"{title}, test: the level itself", Source("sentiment", ("test",)),
           ("sentiment",), note=_LEVEL_OF)
    for name, title in (("cmumosi", "CMU-MOSI"), ("cmumosei", "CMU-MOSEI"), ("sims", "CH-SIMS"))
)  # fmt: skip
_MER = (
    closed("mer2023-multi", "MER2023, MER-MULTI: one of six", Source("mer"), "mer6", _WAF,
           "Without the challenge's second part (less a quarter of the valence's squared error)."),
    closed("mer2024-semi", "MER2024, MER-SEMI: one of six", Source("mer"), "mer6", _WAF),
    closed("mer2025-semi", "MER2025, track 1: one of six", Source("mer"), "mer6", _WAF),
    closed("mer2026-cross", "MER2026, track 1: the listener, one of six", Source("mer"), "mer6",
           _WAF, "Asked here, a system is asked about whoever is seen longest."),
    word_sets("mer2025-fg", "MER2025, track 2: open words", Source("open-labels"),
              "The challenge ranks by the mean of levels 1 and 2."),
    word_sets("mer2026-fg", "MER2026, track 2: open words", Source("open-labels"),
              "The challenge ranks by level 1, with tables v2026."),
    preference("mer2026-prefer", "MER2026, track 3: which of two texts?", Source("mer-prefer"),
               "A judge that takes the longer text scores about 80."),
    preference("mer2026-prefer-3", "MER2026, track 3: which of two texts, or neither?",
               Source("mer-prefer"), "Ties are a class of their own.", 3),
    texts("mer2025-des", "MER2025, track 3: descriptions", Source("emer-v2", gold=_text),
          f"The challenge has people judge. {_JUDGED}"),
    hit_rate("emer-v1", "EMER-V1: is gold among the words?", Source("emer-v1")),
    texts("emer-v1-clues", "EMER-V1: clues", Source("emer-v1", gold=_text), _JUDGED),
    texts("emer-v2-clues", "EMER-V2: clues", Source("emer-v2", gold=_text), _JUDGED),
)  # fmt: skip
_MICRO_TASKS = (
    *(
        closed(name, f"{title}: its own classes, each subject left out",
               Source(name, is_whole=False), labels, _MICRO, _LOSO)
        for name, title, labels in (
            ("casme2", "CASME II", "casme2"),
            ("samm", "SAMM", "samm8"),
            ("smic", "SMIC-HS", "smic3"),
            ("casme3", "CAS(ME)3", "casme3"),
        )
    ),
    closed(
        "megc",
        "CASME II, SAMM and SMIC: three classes, each subject left out (MEGC 2019)",
        Source("megc", mapping=_MEGC, is_whole=False),
        "megc3",
        _MICRO,
        _LOSO,
    ),
    several(
        "cd6me",
        "Six micro-expression sets: action units, each set left out (CD6ME)",
        Source("cd6me", gold=_units),
        CD6ME_UNITS,
        unit_name,
        "Counts are pooled over the six sets; where a table leaves a unit open nothing is scored. "
        "A system that was trained answers for each set with a model that has not seen it.",
    ),
)  # fmt: skip
_FRAMES = (
    levels("veatic", "VEATIC: valence and arousal", Source("veatic"), LEVELS,
           note="All frames that the folder has; papers score the last part of each video."),
    levels("recola", "RECOLA, development: valence and arousal", Source("recola", ("dev",)), LEVELS,
           note="Papers shift and smooth predictions; these are scored as they are."),
    levels("affwild2-va", "Aff-Wild2: valence and arousal", Source("affwild2-va"), LEVELS),
    closed("affwild2-expr", "Aff-Wild2: expressions", Source("affwild2-expr", is_whole=False),
           "affwild2_8", ("macro F1", "accuracy", "UAR")),
    several("affwild2-au", "Aff-Wild2: action units", Source("affwild2-au"), AFFWILD2_UNITS,
            unit_name),
    closed("cexpr", "C-EXPR-DB: compound expressions", Source("cexpr", is_whole=False), "cexpr7",
           ("macro F1", "accuracy", "UAR"), "Frames without one are not scored."),
    closed("bah", "BAH, test: ambivalence or hesitancy in a clip?", Source("bah", ("test",)),
           "bah2", ("WAF", "macro F1", "accuracy")),
)  # fmt: skip
# Probes, after work that asks a language model for one step at a time: units, label, reasons.
_PROBES = (
    closed("probe-expression", "Probe: one of seven from ExpLLM's pictures", Source("expllm"),
           "rafdb7", _STATIC),
    texts("probe-reasoning", "Probe: ExpLLM's description of a face",
          Source("expllm", gold=_text), _JUDGED),
)  # fmt: skip

# Files of codes are read by eval/facs_codes.py: DISFA's folder, BP4D's tables, and others' own.
_DISFA = Source(reader=partial(read_presence, DISFA_UNITS), wants="DISFA's ActionUnit_Labels")
_BP4D = Source(reader=partial(read_presence, BP4D_UNITS), wants="BP4D's AU_OCC")
_UNITS = (
    several("disfa-au", "DISFA: twelve units, present from intensity 2", _DISFA, DISFA_UNITS,
            unit_name, "Papers score eight of these: see the figures of single units."),
    several("bp4d-au", "BP4D: twelve units, present or not", _BP4D, BP4D_UNITS, unit_name),
    levels("disfa-intensity", "DISFA: intensities of twelve units",
           Source(reader=partial(read_intensities, DISFA_UNITS), wants=_DISFA.wants), DISFA_UNITS,
           "ICC"),
    several("probe-au", "Probe: which of DISFA's units does a model name in a frame?", _DISFA,
            DISFA_UNITS, unit_name, "Answers are units (AU12), not their names in words."),
)  # fmt: skip
TASKS: tuple[Task, ...] = (
    *(*_MER, *_UNIBENCH, *_PICTURES, *_FILMS, *_TALK, *_SENTIMENT_LEVELS),
    *(*_MICRO_TASKS, *_UNITS, *_FRAMES, *_PROBES),
)
