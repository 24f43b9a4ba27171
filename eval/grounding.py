"""Whether explanations rest on what they cite, and whether the conclusion hangs on it.

Both say how an explanation is made, and not whether its label is right.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from demeanor.explain.records import Explanation, Grounding


@dataclass(frozen=True, slots=True)
class Grounded:
    """Shares of claims; NaN without claims."""

    grounded: float
    misplaced: float
    unsupported: float
    per_explanation: float  # mean of each explanation's own share: long ones do not outweigh short
    n_claims: int
    n_scored: int
    skipped: dict[str, int]  # reason -> explanations


def grounding(explanations: Iterable[Explanation]) -> Grounded:
    """An explanation that abstained, or claims nothing, has no share: it is counted as skipped."""
    counts: Counter[Grounding] = Counter()
    skipped: Counter[str] = Counter()
    shares = []
    for explanation in explanations:
        share = explanation.grounded_share
        if share is None:
            skipped["abstained" if explanation.abstained else "no claims"] += 1
            continue
        counts.update(evidence.grounding for evidence in explanation.evidence)
        shares.append(share)
    n = counts.total()
    one = {verdict: counts[verdict] / n if n else float("nan") for verdict in Grounding}
    return Grounded(
        one[Grounding.GROUNDED],
        one[Grounding.MISPLACED],
        one[Grounding.UNSUPPORTED],
        float(np.mean(shares)) if shares else float("nan"),
        n,
        len(shares),
        dict(sorted(skipped.items())),
    )


@dataclass(frozen=True, slots=True)
class Deletion:
    """What one explanation concluded, and what it concludes when evidence is taken away.

    None: it abstained then.
    """

    with_all: str | None
    without_cited: str | None  # without what it cites
    without_others: str | None  # without as many observations that it does not cite


@dataclass(frozen=True, slots=True)
class Faithfulness:
    """Shares; NaN without samples. Faithful is a high first figure beside a low second one."""

    changed_without_cited: float
    changed_without_others: float
    difference: float
    n: int


def deletion_faithfulness(deletions: Sequence[Deletion]) -> Faithfulness:
    """How often the conclusion changes when what is cited is deleted, against as much else.

    Who abstained from the start is left out: there is no conclusion to lose. Running the reasoner
    without observations is the caller's work.
    """
    given = [d for d in deletions if d.with_all is not None]
    if not given:
        return Faithfulness(float("nan"), float("nan"), float("nan"), 0)
    cited = sum(d.without_cited != d.with_all for d in given) / len(given)
    others = sum(d.without_others != d.with_all for d in given) / len(given)
    return Faithfulness(cited, others, cited - others, len(given))


def mentioned_overlap(
    said: Mapping[str, Iterable[str]], measured: Mapping[str, Iterable[str]]
) -> float:
    """F1 of units a text names against units that were measured, over clips; NaN for no clip.

    Counts are pooled, as for action units elsewhere.
    """
    hits = n_said = n_measured = 0
    for clip in said.keys() & measured.keys():
        a, b = set(said[clip]), set(measured[clip])
        hits, n_said, n_measured = hits + len(a & b), n_said + len(a), n_measured + len(b)
    return 2 * hits / (n_said + n_measured) if n_said + n_measured else float("nan")
