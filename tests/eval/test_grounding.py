"""What explanations rest on, and whether the conclusion hangs on it."""

import dataclasses
import math

import pytest
from drawn_results import result

from demeanor.eval.grounding import Deletion, deletion_faithfulness, grounding, mentioned_overlap
from demeanor.explain.records import Evidence, Grounding

G, M, U = Grounding.GROUNDED, Grounding.MISPLACED, Grounding.UNSUPPORTED


@pytest.fixture
def explained():
    (drawn, *_) = result().explanations

    def make(*verdicts, abstained=False):
        evidence = tuple(Evidence("said", (), None, verdict) for verdict in verdicts)
        return dataclasses.replace(drawn, evidence=evidence, abstained=abstained)

    return make


def test_shares_of_claims_and_of_explanations(explained):
    found = grounding([explained(G, G, M, U), explained(U), explained(abstained=True), explained()])
    assert (found.grounded, found.misplaced, found.unsupported) == (0.4, 0.2, 0.4)
    assert found.per_explanation == 0.25  # .5 and 0
    assert (found.n_claims, found.n_scored) == (5, 2)
    assert found.skipped == {"abstained": 1, "no claims": 1}


def test_without_claims_nothing_is_known():
    found = grounding([])
    assert math.isnan(found.grounded)
    assert math.isnan(found.per_explanation)


def test_deleting_what_is_cited_beside_deleting_as_much_else():
    found = deletion_faithfulness(
        [
            Deletion("joy", "anger", "joy"),
            Deletion("joy", None, "joy"),  # it abstains then: the conclusion is gone
            Deletion("joy", "joy", "anger"),
            Deletion("joy", "joy", "joy"),
            Deletion(None, "joy", "joy"),  # had no conclusion to lose
        ]
    )
    assert found.changed_without_cited == 0.5
    assert found.changed_without_others == 0.25
    assert (found.difference, found.n) == (0.25, 4)
    assert math.isnan(deletion_faithfulness([]).difference)


def test_units_named_beside_units_measured():
    said = {"a": ["AU12", "AU6"], "b": ["AU4"], "c": ["AU1"]}
    measured = {"a": ["AU12"], "b": ["AU4", "AU7"]}
    assert mentioned_overlap(said, measured) == pytest.approx(2 * 2 / (3 + 3))
    assert math.isnan(mentioned_overlap({}, measured))
