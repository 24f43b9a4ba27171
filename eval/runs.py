"""A run: a system asked about every sample, in a folder that the same command takes up again.

What lies in the folder is described in docs/evaluation.md. Answers are kept one a line as they
come, so that a run which was killed loses at most the answers under way; the other files are
written when all samples are through, and then anew in one step.
"""

import dataclasses
import hashlib
import json
import os
import platform
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import IO, Any

import demeanor.explain
from demeanor.eval.answering import Answer, System
from demeanor.eval.report import Origin, Report, evaluate, to_json
from demeanor.eval.resampling import N_FOLDS
from demeanor.eval.scores import Sample
from demeanor.eval.sureness import sureness
from demeanor.eval.tasks import Setting, Task
from demeanor.eval.text import as_text
from demeanor.explain.corpora.items import Item
from demeanor.explain.errors import DemeanorError
from demeanor.explain.store import write_atomic

SCHEMA = "demeanor-run-1"
ANSWERS, FAILURES, PREDICTIONS = "answers.jsonl", "failures.jsonl", "predictions.jsonl"
RUN, REPORT, TEXT, CARD, LOG = "run.json", "report.json", "report.txt", "card.md", "run.log"
STOP_AFTER = 20  # failures without an answer between them: the server is gone, not the sample
_PACKAGES = ("numpy", "opencv-python-headless", "ai-edge-litert", "torch", "transformers", "openai")
_UNREADABLE = "the model's reply could not be read"
Tell = Callable[[int, int, int], None]  # done, all, failed


class RunStopped(DemeanorError):
    """Nothing is answered any more; what was answered is kept."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A sample without an answer, and why. It is asked about again by the same command."""

    item_id: str
    kind: str  # the exception's name
    reason: str


@dataclass(frozen=True, slots=True)
class Options:
    workers: int = 1
    n_folds: int = N_FOLDS
    command: str = ""  # to be found on the card
    data: str = ""
    notes: tuple[str, ...] = ()  # what a reader of the figures should know


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    folder: Path
    report: Report
    answers: Mapping[str, Answer]
    failures: tuple[Failure, ...]
    n_resumed: int  # answers of an earlier run of the same command

    @property
    def samples_failed(self) -> bool:
        return bool(self.failures)


def folder_of(
    out: Path, task: Task, system: System, items: Sequence[Item], setting: Setting
) -> Path:
    """Named by what is asked of whom about what: the same command finds it again."""
    table = setting.table.sha256 if setting.table else ""
    parts = [system.key, items_digest(items), table, setting.level, setting.labels]
    digest = hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:8]
    model = re.sub(r"[^A-Za-z0-9.]+", "-", system.name).strip("-")[:40]
    return out / f"{task.name}-{model}-{digest}"


def items_digest(items: Sequence[Item]) -> str:
    rows = [[i.item_id, i.gold, i.text, i.media and i.media.name, i.group] for i in items]
    return hashlib.sha256(json.dumps(rows, ensure_ascii=False).encode()).hexdigest()


def run(
    task: Task,
    items: Sequence[Item],
    system: System,
    setting: Setting,
    folder: Path,
    options: Options | None = None,
    tell: Tell = lambda done, n, failed: None,
) -> Run:
    """Ask about every sample that the folder has no answer for, then score all of them.

    Raises RunStopped where nothing is answered any more. Whoever interrupts it keeps the answers.
    """
    options = options or Options()
    folder.mkdir(parents=True, exist_ok=True)
    kept = _kept(folder / ANSWERS, items, system)
    with (folder / LOG).open("a", encoding="utf-8") as log:
        _log(log, f"start: {len(items)} samples, {len(kept)} answered before, {system.name}")
        answers, failures = _ask_all(items, kept, system, folder, options.workers, tell, log)
        report = _scored(task, items, answers, system, setting, options)
        _log(log, f"end: {len(answers)} answered, {len(failures)} failed")
    made = Run(folder, report, answers, failures, len(kept))
    _write(made, task, items, system, setting, options)
    return made


# Asking ---------------------------------------------------------------------------------------


def _kept(path: Path, items: Sequence[Item], system: System) -> dict[str, Answer]:
    """Answers of an earlier run that still hold; the file is left with those alone."""
    wanted = {item.item_id: item for item in items}
    found: dict[str, Answer] = {}
    for row in _rows(path):
        item = wanted.get(row.get("item_id", ""))
        if item is None or not _still_holds(item, row, system):
            continue
        found[item.item_id] = Answer(**{**row, "problems": tuple(row["problems"])})
    if path.is_file():
        write_atomic(path, "".join(_line(dataclasses.asdict(a)) for a in found.values()))
    return found


def _still_holds(item: Item, row: Mapping[str, Any], system: System) -> bool:
    names = {field.name for field in dataclasses.fields(Answer)}
    try:
        return set(row) == names and row["key"] == system.item_key(item)
    except OSError:
        return False  # the file is gone: asking says so


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    """What can be read; a line that a kill cut short cannot."""
    if not path.is_file():
        return
    for line in path.read_text("utf-8", errors="replace").splitlines():
        try:
            row = json.loads(line)
        except ValueError:
            continue
        if isinstance(row, dict):
            yield row


def _ask_all(
    items: Sequence[Item],
    kept: Mapping[str, Answer],
    system: System,
    folder: Path,
    workers: int,
    tell: Tell,
    log: IO[str],
) -> tuple[dict[str, Answer], tuple[Failure, ...]]:
    answers, failures, in_a_row = dict(kept), dict[str, Failure](), 0
    todo = iter([item for item in items if item.item_id not in kept])
    pool = ThreadPoolExecutor(max_workers=workers, thread_name_prefix="ask")
    under_way: dict[Future[Answer], Item] = {}
    try:
        with (folder / ANSWERS).open("a", encoding="utf-8") as stream:
            while True:
                for item in todo:
                    under_way[pool.submit(system.answer, item)] = item
                    if len(under_way) >= 2 * workers:
                        break
                if not under_way:
                    break
                done = wait(under_way, return_when=FIRST_COMPLETED).done
                for future in [f for f in under_way if f in done]:  # as they were asked
                    item = under_way.pop(future)
                    result = _outcome(item, future)
                    if isinstance(result, Answer):
                        answers[item.item_id], in_a_row = result, 0
                        _append(stream, dataclasses.asdict(result))
                    else:
                        failures[item.item_id], in_a_row = result, in_a_row + 1
                        _log(log, f"failed: {item.item_id}: {result.reason}")
                    tell(len(answers) + len(failures), len(items), len(failures))
                if in_a_row >= STOP_AFTER:
                    raise RunStopped(_stopped(list(failures.values()), folder))
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
        ordered = [failures[i.item_id] for i in items if i.item_id in failures]
        lines = "".join(_line(dataclasses.asdict(f)) for f in ordered)
        write_atomic(folder / FAILURES, lines)
    return {i.item_id: answers[i.item_id] for i in items if i.item_id in answers}, tuple(ordered)


def _stopped(failures: Sequence[Failure], folder: Path) -> str:
    return (
        f"{STOP_AFTER} samples failed one after another, the last because: {failures[-1].reason} "
        f"What was answered is kept in {folder}; the same command goes on from there"
    )


def _outcome(item: Item, future: Future[Answer]) -> Answer | Failure:
    try:
        return future.result()
    except (DemeanorError, OSError) as error:
        return Failure(item.item_id, type(error).__name__, str(error))
    except Exception as error:  # one sample's fault must not end the others
        kind = type(error).__name__
        return Failure(
            item.item_id, kind, f"{kind}: {error}. A fault of Demeanor: please report it"
        )


def _append(stream: IO[str], row: Mapping[str, Any]) -> None:
    """On the disk before the next sample is asked about."""
    stream.write(_line(row))
    stream.flush()
    os.fsync(stream.fileno())


def _line(row: Mapping[str, Any]) -> str:
    return json.dumps(row, ensure_ascii=False) + "\n"


def _log(stream: IO[str], line: str) -> None:
    stream.write(f"{time.strftime('%Y-%m-%dT%H:%M:%S%z')} {' '.join(line.split())}\n")
    stream.flush()


# Scoring and writing --------------------------------------------------------------------------


def samples_of(items: Sequence[Item], answers: Mapping[str, Answer]) -> list[Sample]:
    """A sample without an answer has no prediction, which is not an empty one."""
    found = []
    for item in items:
        answer = answers.get(item.item_id)
        said = None if answer is None else answer.predicted
        found.append(Sample(item.item_id, item.gold, said, item.group))
    return found


def _scored(
    task: Task,
    items: Sequence[Item],
    answers: Mapping[str, Answer],
    system: System,
    setting: Setting,
    options: Options,
) -> Report:
    notes = [*options.notes, *system_notes(system), *answer_notes(list(answers.values()))]
    samples = samples_of(items, answers)
    origin = Origin(extractor=system.extractor_name)
    report = evaluate(task, samples, setting, origin, options.n_folds, notes)
    sure = sureness(report, answers)
    return dataclasses.replace(report, notes=(*report.notes, *([sure.line()] if sure else [])))


def system_notes(system: System) -> list[str]:
    notes = [f"system: {system.name}, label set {system.labels.name}, {system.order}"]
    if system.mask:
        notes.append(f"emotion words were masked ({system.mask.name})")
    if system.without:
        notes.append(f"left out: {', '.join(system.as_dict()['without'])}")
    return [*notes, *(f"about the reasoner: {note}" for note in system.model.notes)]


def answer_notes(answers: Sequence[Answer]) -> list[str]:
    unreadable = sum(a.abstained_reason == _UNREADABLE for a in answers)
    abstained = sum(a.abstained for a in answers) - unreadable
    notes = []
    if abstained:
        notes.append(f"{abstained} answers abstain: they count as answers without a label")
    if unreadable:
        notes.append(f"{unreadable} replies could not be read: answers without a label")
    return notes


def _write(
    made: Run,
    task: Task,
    items: Sequence[Item],
    system: System,
    setting: Setting,
    options: Options,
) -> None:
    from demeanor.eval.card import card

    predictions = [
        {"id": s.sample_id, "gt": s.gold, "pred": s.predicted, "group": s.group}
        for s in samples_of(items, made.answers)
    ]
    data = run_json(made, task, items, system, setting, options)
    folder = made.folder
    write_atomic(folder / PREDICTIONS, "".join(map(_line, predictions)))
    write_atomic(folder / REPORT, to_json(made.report))
    write_atomic(folder / TEXT, as_text(made.report))
    write_atomic(folder / RUN, json.dumps(data, ensure_ascii=False, indent=1) + "\n")
    write_atomic(folder / CARD, card(made.report, data))


def run_json(
    made: Run,
    task: Task,
    items: Sequence[Item],
    system: System,
    setting: Setting,
    options: Options,
) -> dict[str, Any]:
    """The same for the same run, whenever it was made: times are in the log."""
    answers = list(made.answers.values())
    sure = sureness(made.report, made.answers)
    splits = sorted({item.split for item in items if item.split})
    return {
        "schema": SCHEMA,
        "task": task.name,
        "title": task.title,
        "signature": made.report.signature.as_dict(),
        "signature_line": made.report.signature.line(),
        "system": system.as_dict(),
        "system_key": system.key,
        "model_notes": list(system.model.notes),
        "command": options.command,
        "data": {
            "path": options.data,
            "sha256": items_digest(items),
            "n_samples": len(items),
            "n_groups": len({item.group for item in items if item.group}),
            "splits": splits,
        },
        "setting": {
            "tables": setting.table.version if setting.table else None,
            "level": setting.level,
            "labels": setting.labels,
        },
        "counts": {
            "answered": len(answers),
            "failed": len(made.failures),
            "abstained": sum(a.abstained for a in answers),
            "unreadable": sum(a.abstained_reason == _UNREADABLE for a in answers),
        },
        "claims": claim_counts(answers),
        "confidence": None if sure is None else dataclasses.asdict(sure),
        "versions": versions(),
        "files": [ANSWERS, FAILURES, PREDICTIONS, REPORT, TEXT, CARD, LOG],
    }


def claim_counts(answers: Sequence[Answer]) -> dict[str, int]:
    """Claims by their grounding, over all answers."""
    counts = dict.fromkeys(("GROUNDED", "MISPLACED", "UNSUPPORTED"), 0)
    for answer in answers:
        for claim in (answer.explanation or {}).get("evidence", []):
            counts[claim["grounding"]] += 1
    return counts


def versions() -> dict[str, str | None]:
    found: dict[str, str | None] = {
        "demeanor": demeanor.explain.__version__,
        "python": platform.python_version(),
    }
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = None
    return found
