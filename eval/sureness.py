"""Whether the confidences of a run mean what they say: calibration, from its answers and rows."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from demeanor.eval.answering import Answer
from demeanor.eval.calibration import calibration, risk_coverage
from demeanor.eval.classification import ClassMetric
from demeanor.eval.report import Report


@dataclass(frozen=True, slots=True)
class Sureness:
    """Whether confidences mean what they say, over answers that name one label of a set."""

    ece: float  # percent
    brier: float
    risk: float  # area under risk and coverage, percent; abstentions are never given
    n: int

    def line(self) -> str:
        return (
            f"confidences of {self.n} answers: ECE {self.ece:.2f}, Brier {self.brier:.4f}, "
            f"area under risk and coverage {self.risk:.2f}"
        )


def sureness(report: Report, answers: Mapping[str, Answer]) -> Sureness | None:
    """None for open labels, which may be half right, and for a system that gives no confidence."""
    if not isinstance(report.metric, ClassMetric):
        return None
    pairs = [
        (_sure(answers[row.sample_id]), bool(np.trace(row.values[:, :-1])))
        for row in report.rows
        if row.reason is None and row.sample_id in answers
    ]
    known = [(sure, right) for sure, right in pairs if sure is not None]
    if not known:
        return None
    found = calibration([sure for sure, _ in known], [right for _, right in known])
    curve = risk_coverage([sure for sure, _ in pairs], [right for _, right in pairs])
    return Sureness(100.0 * found.ece, found.brier, 100.0 * curve.area, found.n)


def _sure(answer: Answer) -> float | None:
    """None for an abstention, and for what is no share."""
    sure = answer.confidence
    return sure if not answer.abstained and sure is not None and 0.0 <= sure <= 1.0 else None
