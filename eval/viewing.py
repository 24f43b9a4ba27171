"""What is shown of run folders: boards, samples, confusions, what was dropped, claims, two runs.

Everything here is plain data out of the files of a run (docs/evaluation.md, "What lies in a run
folder"); `exporting.py` writes it as HTML, and the page in serve/ lays it out. Nothing is asked or
scored again; only a sample's own figure is read off its row.
"""

import json
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from demeanor.eval.classification import OUTSIDE, ClassMetric
from demeanor.eval.ew import HitMetric, SetMetric
from demeanor.eval.multilabel import LabelsMetric
from demeanor.eval.report import Comparison, ReportError, Saved, compare, load
from demeanor.eval.runs import ANSWERS, FAILURES, PREDICTIONS, REPORT, RUN, SCHEMA
from demeanor.eval.text import number, span
from demeanor.eval.words import read_labels
from demeanor.explain.errors import DemeanorError

_N_PAIRS = 30  # of what was said for what, where labels are open
_N_UNKNOWN = 20  # labels shown by name; the others are counted
_PERCENT = (ClassMetric, SetMetric, HitMetric, LabelsMetric)  # metrics whose headline is percent
_NEARLY = 1e-6  # of 100: sums of shares are not exact
_LINE = re.compile(r"^\[([a-z]\d+)\] (.*)$", re.MULTILINE)
NOTHING = "–"
Row = dict[str, Any]


class RunFolderError(DemeanorError):
    """A folder that holds no whole run."""


class Outcome(StrEnum):
    """What became of a sample. Open labels may be partly right."""

    RIGHT = "right"
    PARTLY = "partly right"
    WRONG = "wrong"
    ABSTAINED = "abstained"
    FAILED = "failed"
    NOT_SCORED = "not scored"
    SCORED = "scored"  # by a metric that has no figure of a single sample (CCC)


@dataclass(frozen=True, slots=True, eq=False)
class Viewed:
    """One run as its files say it."""

    folder: Path
    about: Mapping[str, Any]  # run.json
    report: Mapping[str, Any]  # report.json as it stands
    saved: Saved  # the same, with its metric and rows
    said: Mapping[str, Mapping[str, Any]]  # predictions.jsonl by id: gt, pred, group
    answers: Mapping[str, Mapping[str, Any]]  # answers.jsonl by id, in the order of the samples
    failures: Mapping[str, Mapping[str, Any]]  # failures.jsonl by id
    judged: Mapping[str, Saved]  # what judges said, by the name of their folder

    @property
    def name(self) -> str:
        return self.folder.name

    @property
    def model(self) -> str:
        return str(self.about["system"]["model"])

    @property
    def how(self) -> str:
        """What of the system's setting no signature says."""
        system = self.about["system"]
        parts = [system["order"]]
        if system["mask"]:
            parts.append("emotion words masked")
        if system["without"]:
            parts.append(f"without {', '.join(system['without'])}")
        return "; ".join(parts)


def find_runs(root: Path) -> list[Path]:
    """Folders with a run, below a folder or the folder itself, by name."""
    return sorted(path.parent for path in {*root.glob(RUN), *root.glob(f"*/{RUN}")})


def read_run(folder: Path) -> Viewed:
    """Raises RunFolderError, or ReportError for a report that is none."""
    about = _json(folder / RUN)
    if not isinstance(about, dict) or about.get("schema") != SCHEMA:
        raise RunFolderError(f"{folder / RUN}: wanted a run of schema {SCHEMA}, found another file")
    said = _by_id(folder / PREDICTIONS, "id")
    answers = _by_id(folder / ANSWERS, "item_id")
    return Viewed(
        folder,
        about,
        _json(folder / REPORT),
        load(folder / REPORT),
        said,
        {name: answers[name] for name in said if name in answers},
        _by_id(folder / FAILURES, "item_id"),
        {path.parent.name: load(path) for path in sorted(folder.glob(f"judge-*/{REPORT}"))},
    )


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise RunFolderError(f"{path}: cannot be read; is the run finished? ({error})") from error


def _by_id(path: Path, key: str) -> dict[str, Row]:
    try:
        rows = [json.loads(line) for line in path.read_text("utf-8").splitlines() if line.strip()]
        return {row[key]: row for row in rows}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RunFolderError(f"{path}: cannot be read; is the run finished? ({error})") from error


def read_runs(
    root: Path, read: Callable[[Path], Viewed] = read_run
) -> tuple[dict[str, Viewed], list[str]]:
    """Runs by name, and why others could not be read: one bad folder does not hide the rest."""
    runs, refused = {}, []
    for folder in find_runs(root):
        try:
            runs[folder.name] = read(folder)
        except (RunFolderError, ReportError) as error:
            refused.append(str(error))
    return runs, refused


# Boards ---------------------------------------------------------------------------------------


def boards(runs: Iterable[Viewed]) -> dict[str, list[Viewed]]:
    """Signature line -> runs, best first. Runs of different signatures never stand together."""
    found: dict[str, list[Viewed]] = {}
    for run in runs:
        found.setdefault(run.about["signature_line"], []).append(run)
    return {line: _ranked(same) for line, same in sorted(found.items())}


def _ranked(runs: Sequence[Viewed]) -> list[Viewed]:
    """NaN (nothing was scored) is last."""
    return sorted(runs, key=lambda run: (_value(run) != _value(run), -_value(run), run.name))


def _value(run: Viewed) -> float:
    return run.saved.scores[0].value


def constant_of(run: Viewed, score: str) -> float | None:
    """What not looking at the samples scores."""
    baseline = run.report["baseline"]
    values = {s["name"]: s["value"] for s in baseline["scores"]} if baseline else {}
    return values.get(score)


def board_rows(runs: Iterable[Viewed]) -> list[Row]:
    return [
        {
            "run": run.name,
            run.saved.scores[0].name: number(_value(run)),
            "95% interval": span(run.saved.scores[0]),
            "constant answer": number(constant_of(run, run.saved.scores[0].name)),
            "scored": f"{run.report['n_scored']} of {run.report['n_samples']}",
            "model": run.model,
            "how": run.how,
        }
        for run in runs
    ]


def interval_points(runs: Iterable[Viewed]) -> list[Row]:
    """What a drawing of a board needs; without runs of which nothing was scored."""
    points = []
    for run in runs:
        head = run.saved.scores[0]
        low, high = head.interval or (None, None)
        constant = constant_of(run, head.name)
        row = {"run": run.name, "value": head.value, "low": low, "high": high, "constant": constant}
        if head.value == head.value:
            points.append(row)
    return points


def score_rows(run: Viewed) -> list[Row]:
    return [
        {
            "score": score.name,
            "value": number(score.value),
            "95% interval": span(score),
            "constant answer": number(constant_of(run, score.name)),
        }
        for score in run.saved.scores
    ]


def judged_rows(run: Viewed) -> list[Row]:
    return [
        {
            "judged by": name,
            "score": score.name,
            "value": number(score.value),
            "95% interval": span(score),
        }
        for name, saved in run.judged.items()
        for score in saved.scores
    ]


# Samples --------------------------------------------------------------------------------------


def outcome(run: Viewed, name: str) -> Outcome:
    """A failure is no answer, and an abstention no wrong label: each is told before the figure."""
    if name in run.failures:
        return Outcome.FAILED
    if run.answers.get(name, {}).get("abstained"):
        return Outcome.ABSTAINED
    if run.saved.rows[name].reason is not None:
        return Outcome.NOT_SCORED
    figure = own_figure(run, name)
    if figure is None:
        return Outcome.SCORED
    if figure >= 100.0 - _NEARLY:
        return Outcome.RIGHT
    return Outcome.PARTLY if figure > _NEARLY else Outcome.WRONG


def own_figure(run: Viewed, name: str) -> float | None:
    """The headline over this sample alone, percent; None where that says nothing."""
    row, metric = run.saved.rows[name], run.saved.metric
    if row.reason is not None or not isinstance(metric, _PERCENT):
        return None
    figure = float(metric.figures(row.values)[0])
    return None if figure != figure else figure


def outcome_counts(run: Viewed) -> dict[Outcome, int]:
    """Those that occur, in the order of the enum."""
    counts = Counter(outcome(run, name) for name in run.saved.rows)
    return {kind: counts[kind] for kind in Outcome if counts[kind]}


def sample_rows(run: Viewed, wanted: Collection[Outcome] = tuple(Outcome)) -> list[Row]:
    """In the order of the samples, those without an answer among them."""
    rows = (_sample_row(run, name) for name in run.saved.rows)
    return [row for row in rows if row["outcome"] in wanted]


def _sample_row(run: Viewed, name: str) -> Row:
    said, answer = run.said.get(name, {}), run.answers.get(name, {})
    counts = Counter(claim["grounding"] for claim in claim_rows(answer))
    return {
        "id": name,
        "outcome": outcome(run, name).value,
        "gold": shown(said.get("gt")),
        "said": shown(said.get("pred")),
        run.saved.scores[0].name: number(own_figure(run, name)),
        "confidence": number(answer.get("confidence")),
        "claims backed": f"{counts['GROUNDED']} of {counts.total()}" if counts else NOTHING,
        "why": _why(run, name),
    }


def _why(run: Viewed, name: str) -> str:
    """Why there is no answer, no label or no figure."""
    if name in run.failures:
        return str(run.failures[name]["reason"])
    abstained = run.answers.get(name, {}).get("abstained_reason")
    return "; ".join(filter(None, (abstained, run.saved.rows[name].reason)))


def shown(value: Any) -> str:
    """None is no answer; an empty list is an answer without a label."""
    if value is None:
        return NOTHING
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "(no label)"
    return str(value)


def claim_rows(answer: Mapping[str, Any]) -> list[Row]:
    """What an answer claims, the lines that each claim cites, and whether they back it."""
    evidence = (answer.get("explanation") or {}).get("evidence", [])
    read = cited_lines(answer)
    return [
        {
            "part": claim["part"],
            "claim": claim["claim"],
            "cites": [(obs_id, read.get(obs_id, _missing(obs_id))) for obs_id in claim["cites"]],
            "grounding": claim["grounding"],
            "why": claim["reason"] or "",
        }
        for claim in evidence
    ]


def _missing(obs_id: str) -> str:
    return f"there is no observation {obs_id}"


def cited_lines(answer: Mapping[str, Any]) -> dict[str, str]:
    """Id -> what the model read there; observations that the token budget dropped say so."""
    dropped = "measured, and left out of the text that the model read"
    known = {o["obs_id"]: dropped for o in answer.get("observations", [])}
    lines = dict(_LINE.findall(answer.get("timeline", "")))
    return {obs_id: lines.get(obs_id, text) for obs_id, text in known.items()}


# Confusions and what was dropped --------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Confusion:
    golds: tuple[str, ...]
    answers: tuple[str, ...]  # the last: outside the set
    counts: tuple[tuple[int, ...], ...]  # a row a gold label

    def share(self, row: int, column: int) -> float:
        """Of the row; 0.0 where gold never says so."""
        return self.counts[row][column] / (sum(self.counts[row]) or 1)


def confusion(run: Viewed) -> Confusion | None:
    """Counts of a task with a closed set; None for others, and where nothing was scored."""
    metric = run.saved.metric
    if not isinstance(metric, ClassMetric):
        return None
    scored = [row.values for row in run.saved.rows.values() if row.reason is None]
    if not scored:
        return None
    counts = tuple(tuple(int(n) for n in row) for row in sum(scored[1:], scored[0]))
    return Confusion(metric.labels, (*metric.labels, OUTSIDE), counts)


def confused_pairs(run: Viewed) -> list[Row]:
    """Open labels: what was said where gold says something else, the commonest first.

    Words are compared as they stand: two that a table holds for one emotion are listed as well.
    """
    pairs: Counter[tuple[str, str]] = Counter()
    for row in run.said.values():
        if row["pred"] is not None:
            golds, said = read_labels(row["gt"]), read_labels(row["pred"])
            missed = [label for label in golds if label not in said]
            instead = [label for label in said if label not in golds] or ["(nothing else)"]
            pairs.update((gold, label) for gold in missed for label in instead)
    ranked = sorted(pairs.items(), key=lambda pair: (-pair[1], pair[0]))[:_N_PAIRS]
    return [{"gold": gold, "said": said, "samples": n} for (gold, said), n in ranked]


def dropped(run: Viewed) -> list[Row]:
    """Everything that does not count, or counts as nothing: how often, and why."""
    counts = run.about["counts"]
    kinds = sorted(Counter(failure["kind"] for failure in run.failures.values()).items())
    rows = [
        *(("sample not scored", reason, n) for reason, n in run.report["skipped"].items()),
        *(("no answer", kind, n) for kind, n in kinds),
        ("answer without a label", "it abstains", counts["abstained"] - counts["unreadable"]),
        ("answer without a label", "the reply could not be read", counts["unreadable"]),
        *_unknown_rows(run.report["unknown_labels"]),
    ]
    return [{"what": what, "why": why, "times": n} for what, why, n in rows if n]


def _unknown_rows(unknown: Mapping[str, Any]) -> list[tuple[str, str, int]]:
    """A row for gold and one for answers, with the commonest by name."""
    rows = []
    for side, found in unknown.items():
        labels = found["labels"]
        named = [f"{label} {n}" for label, n in labels[:_N_UNKNOWN]]
        rest = [f"{len(labels) - _N_UNKNOWN} others"] if len(labels) > _N_UNKNOWN else []
        times = sum(n for _, n in labels)
        rows.append((f"unknown label, {side}", ", ".join([*named, *rest]), times))
    return rows


# Two runs -------------------------------------------------------------------------------------


def beside(first: Viewed, second: Viewed, force: bool = False) -> Comparison:
    """Paired over what both scored. Raises NotComparable for different signatures, unless forced,
    and ReportError where nothing can be paired."""
    return compare(first.saved, second.saved, force)


def apart(first: Viewed, second: Viewed) -> list[Row]:
    """In what their signatures differ: why they refuse to be compared. Empty: in nothing."""
    differences = first.saved.signature.differences(second.saved.signature)
    return [
        {"of the signature": name, "first": _short(name, one), "second": _short(name, other)}
        for name, (one, other) in differences.items()
    ]


def _short(name: str, value: Any) -> str:
    """Of a hash its beginning, as signature lines have it."""
    text = NOTHING if value in (None, "") else str(value)
    return text[:8] if name.endswith("sha256") else text


def difference_rows(compared: Comparison) -> list[Row]:
    return [
        {
            "score": row.name,
            "first": number(row.first),
            "second": number(row.second),
            "difference": f"{row.difference:+.2f}",
            "95% interval": NOTHING
            if row.interval is None
            else "{:+.2f} to {:+.2f}".format(*row.interval),
            "p": NOTHING if row.p is None else f"{row.p:.4f}",
        }
        for row in compared.differences
    ]


def both_rows(first: Viewed, second: Viewed) -> list[Row]:
    """Every sample that both were asked about, those first where something else became of it."""
    rows = [
        {
            "id": name,
            "first": outcome(first, name).value,
            "second": outcome(second, name).value,
            "gold": shown(first.said[name]["gt"]),
            "first said": shown(first.said[name]["pred"]),
            "second said": shown(second.said[name]["pred"]),
        }
        for name in first.said
        if name in second.said
    ]
    return sorted(rows, key=_alike)


def _alike(row: Row) -> tuple[bool, bool]:
    return row["first"] == row["second"], row["first said"] == row["second said"]
