"""What a build leaves beside its rows: rejects, the manifest, and a card for people.

All of it is made of the outcomes alone, so that the same outcomes give the same files.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import demeanor.explain
from demeanor.data_engine.records import CheckResult, ExpCoTExample, to_line
from demeanor.explain.store import to_plain, write_atomic

if TYPE_CHECKING:
    from demeanor.data_engine.build import Engine, Failure, Outcome

SCHEMA = "demeanor-build-1"
REJECT_SCHEMA = "demeanor-reject-1"
_PACKAGES = ("numpy", "opencv-python-headless", "ai-edge-litert", "torch", "transformers")
_MEANS = (
    "Labels say what observers perceived, not what anybody felt.",
    "Rows that passed the checks are consistent with what was measured; what was measured may be "
    "wrong, and a label may be too.",
    "Accepted rows are those that teacher and blind reader could agree on: easier than the source, "
    "and unlike it in their labels. Compare both columns below before training on them.",
)


def write_files(
    engine: "Engine",
    folder: Path,
    outcomes: "Sequence[Outcome]",
    failures: "Sequence[Failure]",
    stopped: str | None,
) -> dict[str, Any]:
    """rows, rejects, failures, card, and at last the manifest, which has the others' hashes."""
    from demeanor.data_engine.build import ACCEPTED, CARD, FAILURES, MANIFEST, REJECTS, ROWS

    rows = [o.row for o in outcomes if o.status == ACCEPTED and o.row is not None]
    paths = {sample.item.item_id: sample.path for sample in engine.source.samples}
    rejects = [_reject(o, paths[o.item_id]) for o in outcomes if o.status != ACCEPTED]
    files = {
        ROWS: "".join(map(to_line, rows)),
        REJECTS: "".join(map(_line, rejects)),
        FAILURES: "".join(_line(asdict(f)) for f in failures),
    }
    manifest = _manifest(engine, outcomes, failures, stopped)
    files[CARD] = card(manifest)
    for name, text in files.items():
        write_atomic(folder / name, text)
    manifest["files"] = {name: _sha256(text) for name, text in files.items()}
    text = json.dumps(manifest, ensure_ascii=False, indent=1, allow_nan=False)
    write_atomic(folder / MANIFEST, text + "\n")
    return manifest


def _reject(outcome: "Outcome", path: str) -> dict[str, Any]:
    """The last text as a row with its checks, and the whole history."""
    row = outcome.row
    return {
        "schema": REJECT_SCHEMA,
        "example_id": row.example_id if row else None,
        "item_id": outcome.item_id,
        "path": path,
        "status": outcome.status,
        "reasons": list(outcome.reasons),
        "tries": [to_plain(t) for t in outcome.tries],
        "row": json.loads(to_line(row)) if row else None,
    }


def _line(row: Mapping[str, Any]) -> str:
    return json.dumps(row, ensure_ascii=False, allow_nan=False, separators=(",", ":")) + "\n"


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


# Manifest -------------------------------------------------------------------------------------


def _manifest(
    engine: "Engine",
    outcomes: "Sequence[Outcome]",
    failures: "Sequence[Failure]",
    stopped: str | None,
) -> dict[str, Any]:
    source = engine.source
    gold = {sample.item.item_id: sample for sample in source.samples}
    statuses = Counter(o.status for o in outcomes)
    rows = [o.row for o in outcomes if o.row is not None]
    budget = engine.budget
    return {
        "schema": SCHEMA,
        "name": engine.config.name,
        "complete": stopped is None and not failures and len(outcomes) == len(source.samples),
        "stopped": stopped,
        "key": engine.key,
        "seed": engine.config.seed,
        "made_with": engine.parts,
        "teacher_notes": list(engine.teacher.notes),
        "source": {
            "corpus": source.corpus.name,
            "title": source.corpus.title,
            "licence": engine.config.source.licence,
            "samples": len(source.samples),
            "sha256": source.sha256,
            "left_out": dict(source.left_out),
        },
        "counts": {
            "samples": len(source.samples),
            **{name: statuses[name] for name in ("accepted", "rejected", "refused")},
            "failed": len(failures),
            "second_attempts": sum(bool(o.tries) and o.status == "accepted" for o in outcomes),
        },
        "labels": _by(outcomes, lambda o: ", ".join(gold[o.item_id].labels)),
        "splits": _by(outcomes, lambda o: gold[o.item_id].item.split or "none"),
        "groups": len({s.subject or s.item.video for s in source.samples} - {None}),
        "checks": check_counts(row.checks for row in rows),
        "counted": counted(row.checks for row in rows),
        "reasons": dict(_reasons(outcomes).most_common(20)),
        "tokens": {"read": budget.n_read, "written": budget.n_written, "estimated": True},
        "usd": round(budget.usd, 6),
        "versions": versions(),
    }


def _by(outcomes: "Sequence[Outcome]", group: Any) -> dict[str, dict[str, int]]:
    """Accepted, rejected and refused by `group`, most samples first."""
    found: dict[str, Counter[str]] = {}
    for outcome in outcomes:
        found.setdefault(group(outcome), Counter())[outcome.status] += 1
    ordered = sorted(found.items(), key=lambda item: (-item[1].total(), item[0]))
    return {name: dict(sorted(counts.items())) for name, counts in ordered}


def check_counts(checks: Iterable[Sequence[CheckResult]]) -> dict[str, dict[str, int]]:
    """Passed, failed and not applicable, by check, over the last text of every sample."""
    found: dict[str, Counter[str]] = {}
    for row in checks:
        for result in row:
            name = {True: "passed", False: "failed", None: "nothing to check"}[result.passed]
            found.setdefault(result.name, Counter())[name] += 1
    return {name: dict(sorted(counts.items())) for name, counts in found.items()}


def counted(checks: Iterable[Sequence[CheckResult]]) -> dict[str, int]:
    total: Counter[str] = Counter()
    for row in checks:
        for result in row:
            total.update(result.counts)
    return dict(sorted(total.items()))


def _reasons(outcomes: "Sequence[Outcome]") -> Counter[str]:
    """Why samples are no rows: the checks' names, and refusals."""
    found: Counter[str] = Counter()
    for outcome in outcomes:
        if outcome.status == "refused":
            found["refused by the teacher"] += 1
        elif outcome.status == "rejected":
            found.update({reason.split(":", 1)[0] for reason in outcome.reasons})
    return found


def versions() -> dict[str, str | None]:
    found: dict[str, str | None] = {"demeanor": demeanor.explain.__version__}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = None
    return found


# Card -----------------------------------------------------------------------------------------


def card(manifest: Mapping[str, Any]) -> str:
    source, counts, made = manifest["source"], manifest["counts"], manifest["made_with"]
    left_out = "; ".join(f"{n} ({why})" for why, n in source["left_out"].items()) or "nothing"
    head = {
        "Source": f"{source['title']} (`{source['corpus']}`), {source['samples']} samples of "
        f"{manifest['groups']} people or recordings",
        "Licence of the source": source["licence"] or "not named: see `source.licence`",
        "Left out by the reader": left_out,
        "Teacher": made["teacher"],
        "Blind reader": made["reader"],
        "Judge": made["judge"] or "none",
        "Label set": f"{made['label_set']['name']} ({', '.join(made['label_set']['labels'])})",
        "Seed": str(manifest["seed"]),
        "Tokens (estimated)": f"{manifest['tokens']['read']} read, "
        f"{manifest['tokens']['written']} written, ${manifest['usd']:g}",
        "Complete": "yes" if manifest["complete"] else f"no: {manifest['stopped'] or 'see below'}",
    }
    notes = [*_MEANS, *(f"About the teacher: {note}." for note in manifest["teacher_notes"])]
    parts = [
        f"# Exp-CoT rows: {manifest['name']}",
        "\n".join(f"- **{name}**: {value}" for name, value in head.items()),
        "## Rows",
        f"{counts['accepted']} accepted ({counts['second_attempts']} of them not at first), "
        f"{counts['rejected']} rejected, {counts['refused']} refused by the teacher, "
        f"{counts['failed']} failed (asked again by the same command).",
        _table("label", manifest["labels"]),
        _table("split", manifest["splits"]),
        "## Checks",
        "Of the last text of each sample, taken or not.",
        _check_table(manifest["checks"]),
        "\n".join(f"- {name}: {n}" for name, n in manifest["counted"].items()),
        "## Why samples are no rows",
        "\n".join(f"- {name}: {n}" for name, n in manifest["reasons"].items()) or "- none",
        "## What the reader should know",
        "\n".join(f"- {note}" for note in notes),
        "## Prompts",
        "\n".join(f"- {name}: `{sha}`" for name, sha in made["prompts"].items()),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _table(title: str, groups: Mapping[str, Mapping[str, int]]) -> str:
    names = ("accepted", "rejected", "refused")
    lines = [f"| {title} | {' | '.join(names)} |", "|---|---:|---:|---:|"]
    for group, counts in groups.items():
        lines.append(f"| {group} | {' | '.join(str(counts.get(name, 0)) for name in names)} |")
    return "\n".join(lines)


def _check_table(checks: Mapping[str, Mapping[str, int]]) -> str:
    names = ("passed", "failed", "nothing to check")
    lines = [f"| check | {' | '.join(names)} |", "|---|---:|---:|---:|"]
    for check, counts in checks.items():
        lines.append(f"| {check} | {' | '.join(str(counts.get(name, 0)) for name in names)} |")
    return "\n".join(lines)


def rows_card(rows: Sequence[ExpCoTExample], title: str) -> str:
    """A card of any rows, whoever made them: what `demeanor data export` writes beside parquet."""
    tasks = Counter(row.task.value for row in rows)
    labels = Counter(", ".join(row.labels) or "none" for row in rows)
    splits = Counter(row.split or "none" for row in rows)
    licences = Counter((row.origin.corpus, row.origin.licence or "not named") for row in rows)
    teachers = Counter((row.provenance.model, row.provenance.seed) for row in rows)
    prompts = Counter(row.provenance.prompt_sha256 or "no prompt" for row in rows)
    parts = [
        f"# {title}",
        f"{len(rows)} rows about {len({row.clip_id for row in rows})} clips.",
        "## Sources and licences",
        "\n".join(f"- {name}, {licence}: {n}" for (name, licence), n in licences.most_common()),
        *(
            _counted(name, found)
            for name, found in (("task", tasks), ("label", labels), ("split", splits))
        ),
        "## Checks",
        _check_table(check_counts(row.checks for row in rows)),
        "## Made by",
        "\n".join(f"- {name}, seed {seed}: {n}" for (name, seed), n in teachers.most_common()),
        "## Prompts of the teacher",
        "\n".join(f"- `{sha}`: {n}" for sha, n in prompts.most_common()),
        "## What the reader should know",
        "\n".join(f"- {note}" for note in _MEANS),
    ]
    return "\n\n".join(parts) + "\n"


def _counted(name: str, found: Mapping[str, int]) -> str:
    ordered = sorted(found.items(), key=lambda item: (-item[1], item[0]))
    return "\n".join([f"| {name} | rows |", "|---|---:|", *(f"| {k} | {n} |" for k, n in ordered)])
