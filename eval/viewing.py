"""What is shown of run folders: boards, samples, confusions, what was dropped, claims; as HTML.

Everything here is plain data out of the files of a run (docs/evaluation.md, "What lies in a run
folder"); the page that shows it (`serve/viewer.py`) only lays it out. Nothing is scored again.
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import jinja2

from demeanor.eval.classification import OUTSIDE, ClassMetric
from demeanor.eval.report import Comparison, Saved, compare, load
from demeanor.eval.runs import ANSWERS, FAILURES, PREDICTIONS, REPORT, RUN, SCHEMA
from demeanor.eval.text import number, span
from demeanor.eval.words import read_labels
from demeanor.explain.errors import DemeanorError

_N_PAIRS = 30  # of what was said for what, where labels are open
Row = dict[str, Any]


class RunFolderError(DemeanorError):
    """A folder that holds no whole run."""


@dataclass(frozen=True, slots=True, eq=False)
class Viewed:
    """One run as its files say it."""

    folder: Path
    about: Mapping[str, Any]  # run.json
    report: Mapping[str, Any]  # report.json as it stands
    saved: Saved  # the same, with its metric and rows
    said: Mapping[str, Mapping[str, Any]]  # predictions.jsonl by id: gt, pred, group
    answers: Mapping[str, Mapping[str, Any]]  # answers.jsonl by id
    failures: tuple[Mapping[str, Any], ...]

    @property
    def name(self) -> str:
        return self.folder.name

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
    return Viewed(
        folder,
        about,
        _json(folder / REPORT),
        load(folder / REPORT),
        {row["id"]: row for row in _lines(folder / PREDICTIONS)},
        {row["item_id"]: row for row in _lines(folder / ANSWERS)},
        tuple(_lines(folder / FAILURES)),
    )


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise RunFolderError(f"{path}: cannot be read; is the run finished? ({error})") from error


def _lines(path: Path) -> list[Row]:
    try:
        return [json.loads(line) for line in path.read_text("utf-8").splitlines() if line.strip()]
    except (OSError, ValueError) as error:
        raise RunFolderError(f"{path}: cannot be read; is the run finished? ({error})") from error


# Boards ---------------------------------------------------------------------------------------


def boards(runs: Iterable[Viewed]) -> dict[str, list[Row]]:
    """Signature line -> rows, best first. Runs of different signatures never stand together."""
    found: dict[str, list[Viewed]] = {}
    for run in runs:
        found.setdefault(run.about["signature_line"], []).append(run)
    return {line: [_board_row(run) for run in _ranked(same)] for line, same in found.items()}


def _ranked(runs: Sequence[Viewed]) -> list[Viewed]:
    """NaN (nothing was scored) is last."""
    return sorted(runs, key=lambda run: (_value(run) != _value(run), -_value(run), run.name))


def _value(run: Viewed) -> float:
    return run.saved.scores[0].value


def _board_row(run: Viewed) -> Row:
    head = run.saved.scores[0]
    baseline = run.report["baseline"]
    constant = baseline["scores"][0]["value"] if baseline else None
    return {
        "run": run.name,
        "model": run.about["system"]["model"],
        "how": run.how,
        head.name: number(head.value),
        "95% interval": span(head),
        "constant answer": number(constant),
        "scored": f"{run.report['n_scored']} of {run.report['n_samples']}",
    }


def score_rows(run: Viewed) -> list[Row]:
    baseline = run.report["baseline"]
    constants = {s["name"]: s["value"] for s in baseline["scores"]} if baseline else {}
    return [
        {
            "score": score.name,
            "value": number(score.value),
            "95% interval": span(score),
            "constant answer": number(constants.get(score.name)),
        }
        for score in run.saved.scores
    ]


# One run --------------------------------------------------------------------------------------


def sample_rows(run: Viewed) -> list[Row]:
    """In the order of the samples, those without an answer among them."""
    failed = {failure["item_id"]: failure["reason"] for failure in run.failures}
    return [_sample_row(run, name, failed.get(name)) for name in run.saved.rows]


def _sample_row(run: Viewed, name: str, failure: str | None) -> Row:
    said = run.said.get(name, {})
    answer = run.answers.get(name, {})
    counts = Counter(claim["grounding"] for claim in claim_rows(answer))
    return {
        "id": name,
        "gold": _shown(said.get("gt")),
        "said": _shown(said.get("pred")),
        "best fit": answer.get("best_fit") or "–",
        "confidence": number(answer.get("confidence")),
        "not scored because": failure or run.saved.rows[name].reason or "",
        "claims backed": f"{counts['GROUNDED']} of {counts.total()}" if counts else "–",
    }


def _shown(value: Any) -> str:
    if value is None:
        return "–"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def claim_rows(answer: Mapping[str, Any]) -> list[Row]:
    """What an answer claims, what each claim cites, and whether that backs it."""
    evidence = (answer.get("explanation") or {}).get("evidence", [])
    return [
        {
            "part": claim["part"],
            "claim": claim["claim"],
            "cites": ", ".join(claim["cites"]) or "–",
            "grounding": claim["grounding"],
            "why": claim["reason"] or "",
        }
        for claim in evidence
    ]


def confusion(run: Viewed) -> tuple[tuple[str, ...], tuple[str, ...], list[list[int]]] | None:
    """(gold labels, answers, counts) of a task with a closed set; None for others."""
    metric = run.saved.metric
    if not isinstance(metric, ClassMetric):
        return None
    total = sum(row.values for row in run.saved.rows.values() if row.reason is None)
    if isinstance(total, int):
        return None
    counts = [[int(n) for n in row] for row in total.tolist()]
    return metric.labels, (*metric.labels, OUTSIDE), counts


def confused_pairs(run: Viewed) -> list[Row]:
    """What was said where gold says what, the commonest first: for open labels."""
    pairs: Counter[tuple[str, str]] = Counter()
    for row in run.said.values():
        if row["pred"] is not None:
            pairs.update(
                (gold, said) for gold in read_labels(row["gt"]) for said in read_labels(row["pred"])
            )
    ranked = sorted(pairs.items(), key=lambda pair: (-pair[1], pair[0]))[:_N_PAIRS]
    return [{"gold": gold, "said": said, "samples": n} for (gold, said), n in ranked]


def dropped(run: Viewed) -> list[Row]:
    """Everything that does not count, or counts as nothing: how often, and why."""
    counts = run.about["counts"]
    unknown = run.report["unknown_labels"]
    rows = [
        *((f"sample not scored: {reason}", n) for reason, n in run.report["skipped"].items()),
        ("answer that abstains", counts["abstained"]),
        ("reply that could not be read", counts["unreadable"]),
        *((f"failed: {kind}", n) for kind, n in _by_kind(run.failures)),
        *(
            (f"label that no table knows, {side}: {label}", n)
            for side, found in unknown.items()
            for label, n in found["labels"]
        ),
    ]
    return [{"what": what, "times": n} for what, n in rows if n]


def _by_kind(failures: Iterable[Mapping[str, Any]]) -> list[tuple[str, int]]:
    return sorted(Counter(failure["kind"] for failure in failures).items())


# Two runs -------------------------------------------------------------------------------------


def beside(first: Viewed, second: Viewed, force: bool = False) -> tuple[Comparison, list[Row]]:
    """The figures compared, and every sample's two answers, those that differ first.

    Raises NotComparable for different signatures, unless forced.
    """
    compared = compare(first.saved, second.saved, force)
    names = [name for name in first.said if name in second.said]
    rows = [
        {
            "id": name,
            "gold": _shown(first.said[name]["gt"]),
            first.name: _shown(first.said[name]["pred"]),
            f"{second.name} ": _shown(second.said[name]["pred"]),  # two folders of one name
        }
        for name in names
    ]
    return compared, sorted(rows, key=_answers_agree)


def _answers_agree(row: Row) -> bool:
    first, second = list(row.values())[2:]
    return bool(first == second)


def difference_rows(compared: Comparison) -> list[Row]:
    return [
        {
            "score": row.name,
            "first": number(row.first),
            "second": number(row.second),
            "difference": f"{row.difference:+.2f}",
            "95% interval": "–"
            if row.interval is None
            else "{:+.2f} to {:+.2f}".format(*row.interval),
            "p": "–" if row.p is None else f"{row.p:.4f}",
        }
        for row in compared.differences
    ]


# HTML -----------------------------------------------------------------------------------------


def to_html(run: Viewed) -> str:
    """One page without scripts or links to elsewhere; the same bytes for the same run."""
    text = files("demeanor.eval").joinpath("page/run.html").read_text("utf-8")
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.from_string(text).render(
        run=run,
        scores=score_rows(run),
        samples=sample_rows(run),
        claims={name: claim_rows(answer) for name, answer in run.answers.items()},
        confusion=confusion(run),
        pairs=confused_pairs(run),
        dropped=dropped(run),
    )
