"""A report as plain lines: for files, for terminals, and for cards."""

from collections.abc import Sequence

from demeanor.eval.report import Report
from demeanor.eval.scores import Score, Unknown

N_SCORES = 12  # in the text: the headline and its kin; JSON has all
_N_UNKNOWN = 10
HEAD = ("score", "value", "95% interval", "constant answer")


def as_text(report: Report) -> str:
    """The same bytes for the same report."""
    lines = [report.title, "", *columns([HEAD, *rows(report)]), "", *said(report)]
    return "\n".join(lines) + "\n"


def rows(report: Report) -> list[tuple[str, ...]]:
    constant = {s.name: s.value for s in report.baseline.scores} if report.baseline else {}
    return [
        (score.name, number(score.value), span(score), number(constant.get(score.name)))
        for score in report.scores[:N_SCORES]
    ]


def columns(table: Sequence[Sequence[str]]) -> list[str]:
    """Cells below one another, the first column to the left and the others to the right."""
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    return [
        "  ".join(
            cell.ljust(width) if k == 0 else cell.rjust(width)
            for k, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in table
    ]


def said(report: Report) -> list[str]:
    lines = [
        f"{report.n_scored} of {len(report.rows)} samples scored; intervals: bootstrap over "
        f"{report.intervals_over}, {report.n_folds} folds.",
        *(f"skipped: {n} ({reason})" for reason, n in report.skipped.items()),
        *_unknown("gold", report.unknown_gold),
        *_unknown("predicted", report.unknown_predicted),
    ]
    if report.baseline:
        lines.append(f"constant answer: {report.baseline.said} ({report.baseline.how})")
    if len(report.scores) > N_SCORES:
        lines.append(f"{len(report.scores) - N_SCORES} more figures with --json")
    return [*lines, *report.notes, f"signature: {report.signature.line()}"]


def _unknown(which: str, unknown: Unknown) -> list[str]:
    if not unknown.n_unknown:
        return []
    share = unknown.n_unknown / unknown.n_labels
    listed = ", ".join(f"{label} {n}" for label, n in unknown.labels[:_N_UNKNOWN])
    more = ", …" if len(unknown.labels) > _N_UNKNOWN else ""
    return [
        f"unknown labels, {which}: {unknown.n_unknown} of {unknown.n_labels} ({share:.1%}): "
        f"{listed}{more}"
    ]


def number(value: float | None) -> str:
    return "–" if value is None or value != value else f"{value:.2f}"


def span(score: Score) -> str:
    return "–" if score.interval is None else "{:.2f} to {:.2f}".format(*score.interval)
