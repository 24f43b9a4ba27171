"""Predictions beside gold labels: in the same file, in one of ours, or in the corpus itself."""

from pathlib import Path

from demeanor.eval.predictions import Predictions, read_answers, read_predictions
from demeanor.eval.scores import Sample
from demeanor.eval.tasks import Task
from demeanor.explain.corpora.files import read_text


def read_samples(task: Task, predictions: Path, gold: Path | None) -> Predictions:
    """Raises PredictionsError, and CorpusError for a file that is not of the corpus' form."""
    if task.read is None or gold is None or is_ours(gold):
        return read_predictions(predictions, gold)
    return read_answers(predictions, gold_of(task, gold))


def gold_of(task: Task, path: Path) -> list[Sample]:
    """Samples of the official file, without a prediction. A group is a subject, else a video."""
    if task.read is None:
        raise ValueError(f"{task.name} has no reader of a corpus")
    return [Sample(i.item_id, i.gold, None, i.group, dict(i.extra)) for i in task.read(path)]


def is_ours(path: Path) -> bool:
    """JSON lines or npz, or a CSV whose heading has id and gt."""
    if path.suffix in (".jsonl", ".npz"):
        return path.suffix == ".npz" or '"gt"' in read_text(path)[:2000]
    if path.suffix != ".csv" or not path.is_file():
        return False
    head = read_text(path).split("\n", 1)[0]
    return {"id", "gt"} <= {cell.strip().lower() for cell in head.split(",")}
