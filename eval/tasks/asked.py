"""Tasks whose samples we ask a system about ourselves: texts, pictures, clips.

`faces` and `clips` take anybody's pictures and clips; `emer` the written clues of EMER; those of
corpora take the official file and the folder of its media.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from demeanor.eval.classification import commonest_label, score_classes
from demeanor.eval.scores import Sample, Scored
from demeanor.eval.tasks import Asking, Constant, Setting, Task, task
from demeanor.eval.tasks.released import MAY_SEE, constant_label_set, score_label_sets
from demeanor.eval.words import PREPROCESSING
from demeanor.explain.corpora.items import CorpusError, Item, read_described, read_labelled
from demeanor.explain.corpora.labels import label_set
from demeanor.explain.demo import demo_clip
from demeanor.explain.records import LabelSet

# What the demo clip's script renders (explain/demo/script.yaml): its makers' word, nobody's face.
_DEMO_LABELS = ["surprise", "happiness"]


@dataclass(frozen=True, slots=True)
class Asked:
    """How a task's samples are found, and what of an answer is scored."""

    task: Task
    read: Callable[[Path | None, Path | None], tuple[Item, ...]]  # --data, --media
    labels: str  # label set asked for, unless the user names another
    is_open: bool  # the open labels are scored; else the best fit of the label set
    has_media: bool
    is_fixed: bool = False  # the benchmark's label set, and no other

    def scored_with(self, labels: LabelSet) -> Task:
        """The task for this label set: figures over other labels are other figures."""
        if self.is_open or self.is_fixed:
            return self.task
        return replace(self.task, metric=f"{self.task.metric}.{labels.name}")


def _emer(data: Path | None, media: Path | None) -> tuple[Item, ...]:
    if data is None:
        raise CorpusError("emer needs --data: a folder with rows.jsonl (id, description, labels)")
    return read_described(data)


def _faces(data: Path | None, media: Path | None) -> tuple[Item, ...]:
    if data is None:
        raise CorpusError("faces needs --data: a CSV of path,label, or a folder for each label")
    return read_labelled(data)


def _clips(data: Path | None, media: Path | None) -> tuple[Item, ...]:
    if data is not None:
        return read_labelled(data, several=True)
    clip = demo_clip()
    return (Item("demo", _DEMO_LABELS, clip, transcript=clip.with_name("demo.srt"), video="demo"),)


def _classes(samples: Sequence[Sample], setting: Setting) -> Scored:
    labels = label_set(setting.labels).labels
    return score_classes(samples, labels, ("UAR", "accuracy", "macro F1", "WAF"))


def _commonest(samples: Sequence[Sample], setting: Setting) -> Constant:
    said = commonest_label(samples, label_set(setting.labels).labels)
    return Constant(said, f"the commonest, {MAY_SEE}")


ASKED: Mapping[str, Asked] = {
    "emer": Asked(
        Task(
            "emer",
            "EMER: written clues of clips, open labels (emotion words masked unless said)",
            "ew-f",
            score_label_sets,
            constant_label_set,
            True,
            PREPROCESSING,
            needs="a folder with rows.jsonl (id, description, labels)",
        ),
        _emer,
        "rafdb7",
        is_open=True,
        has_media=False,
    ),
    "faces": Asked(
        Task(
            "faces",
            "Labelled faces: one label of a closed set",
            "uar",
            _classes,
            _commonest,
            False,
            "first label|lower|strip",
            "UAR over the classes that gold has; an answer outside the set is wrong.",
            needs="a CSV of path,label, or a folder for each label",
        ),
        _faces,
        "rafdb7",
        is_open=False,
        has_media=True,
    ),
    "clips": Asked(
        Task(
            "clips",
            "Clips with open labels (none named: the demo clip)",
            "ew-f",
            score_label_sets,
            constant_label_set,
            True,
            PREPROCESSING,
            needs="nothing, or a CSV of path,label with lists of labels",
        ),
        _clips,
        "rafdb7",
        is_open=True,
        has_media=True,
    ),
}
TASKS = tuple(asked.task for asked in ASKED.values())


# Corpora --------------------------------------------------------------------------------------


def asked_about(name: str) -> Asked:
    """Raises UnknownName, and CorpusError for a task that nobody can be asked about."""
    if name in ASKED:
        return ASKED[name]
    known = task(name)
    if known.asking is None:
        raise CorpusError(
            f"{name}: its samples are no whole pictures or clips, or its gold no labels, so a "
            "system is not asked here. Score its predictions with --predictions"
        )
    read = partial(_of_corpus, known, known.asking)
    return Asked(known, read, known.asking.labels, known.asking.is_open, True, True)


def _of_corpus(
    known: Task, asking: Asking, data: Path | None, media: Path | None
) -> tuple[Item, ...]:
    if data is None:
        raise CorpusError(f"{known.name} needs --data: {known.needs}")
    items = tuple(asking.read(data, media))
    if lacking := [item.item_id for item in items if item.media is None]:
        raise CorpusError(
            f"{known.name} needs --media, the folder of its pictures or clips: found no file for "
            f"{lacking[0]}"
        )
    return items
