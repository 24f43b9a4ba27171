"""A run's card: what was asked of whom, what came out, what it does not show. Markdown."""

from collections.abc import Mapping
from typing import Any

from demeanor.eval.report import Report
from demeanor.eval.text import HEAD, rows

_MEANS = (
    "Labels say what observers perceive, not what anybody feels.",
    "A figure below the constant answer shows nothing about looking at the samples.",
    "An interval over samples of few people, or of few films, is too narrow.",
)


def card(report: Report, run: Mapping[str, Any]) -> str:
    parts = [
        f"# {run['title']}: {run['system']['model']}",
        _listed(
            {
                "Task": run["task"],
                "System": _system(run["system"]),
                "Data": _data(run["data"]),
                "Answered": _counts(run),
                "Claims": _claims(run["claims"]),
                "Signature": f"`{run['signature_line']}`",
                "Made with": _versions(run["versions"]),
                **({"Command": f"`{run['command']}`"} if run["command"] else {}),
            }
        ),
        "## Figures",
        _table(report),
        f"{report.n_scored} of {len(report.rows)} samples scored; 95% bootstrap over "
        f"{report.intervals_over}, {report.n_folds} folds.",
        "## What was dropped",
        _dropped(report),
        "## What the reader should know",
        "\n".join(f"- {_escaped(note)}" for note in (*report.notes, *_MEANS)),
        "## What this run does not show",
        "- Whether other samples of the same task would come out alike, beyond the interval.\n"
        f"- {_without(run['system'])}\n"
        "- Whether the explanations are true: `Claims` counts only whether each rests on what "
        "was observed.",
    ]
    return "\n\n".join(parts) + "\n"


def _listed(rows: Mapping[str, str]) -> str:
    return "\n".join(f"- **{name}**: {value}" for name, value in rows.items())


def _system(system: Mapping[str, Any]) -> str:
    parts = [
        system["model"],
        f"label set {system['labels']['name']}",
        f"asked {system['order']}",
        f"labels read by {system['extractor']}",
        *([f"face {system['face']}"] if system["face"] else []),
        *([f"emotion words masked ({system['mask']})"] if system["mask"] else []),
        *([f"without {', '.join(system['without'])}"] if system["without"] else []),
    ]
    return "; ".join(parts)


def _data(data: Mapping[str, Any]) -> str:
    splits = f", split {', '.join(data['splits'])}" if data["splits"] else ""
    groups = f" of {data['n_groups']} people or videos" if data["n_groups"] else ""
    hashed = data["sha256"][:12]
    return f"`{data['path'] or 'built in'}`: {data['n_samples']} samples{groups}{splits} ({hashed})"


def _counts(run: Mapping[str, Any]) -> str:
    counts = run["counts"]
    return (
        f"{counts['answered']} of {run['data']['n_samples']}; {counts['failed']} failed, "
        f"{counts['abstained']} without a label ({counts['unreadable']} of them unreadable)"
    )


def _claims(claims: Mapping[str, int]) -> str:
    total = sum(claims.values())
    return ", ".join(f"{n} {name}" for name, n in claims.items()) if total else "none were made"


def _versions(versions: Mapping[str, str | None]) -> str:
    return ", ".join(f"{name} {number}" for name, number in versions.items() if number)


def _table(report: Report) -> str:
    head = ["| " + " | ".join(HEAD) + " |", "|" + "---|" * len(HEAD)]
    return "\n".join([*head, *("| " + " | ".join(row) + " |" for row in rows(report))])


def _dropped(report: Report) -> str:
    lines = [f"- {n} samples: {reason}" for reason, n in report.skipped.items()]
    for which, unknown in (("gold", report.unknown_gold), ("said", report.unknown_predicted)):
        if unknown.n_unknown:
            most = ", ".join(f"{_escaped(label)} {n}" for label, n in unknown.labels[:10])
            lines.append(
                f"- {unknown.n_unknown} of {unknown.n_labels} {which} labels that the table or "
                f"set does not hold: {most}"
            )
    return "\n".join(lines) or "Nothing."


def _without(system: Mapping[str, Any]) -> str:
    if system["without"]:
        return "How the whole system does: a channel was left out."
    return "How much of it one channel alone would reach: `--ablate` asks that."


def _escaped(text: str) -> str:
    """A stranger's label cannot make a link, a table or HTML of our card."""
    for mark in "\\`*_[]<>|":
        text = text.replace(mark, f"\\{mark}")
    return " ".join(text.split())
