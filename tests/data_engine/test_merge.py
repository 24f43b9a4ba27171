"""What agrees, and what does not. The models themselves: tests/training/test_merge.py."""

import json

import pytest

from demeanor.data_engine.merge import Agreement, Said, compare, weights_of


def said(tokens, leads=(), log_probabilities=None):
    leads = leads or [1.0] * len(tokens)
    return Said(tuple(tokens), tuple(leads), tuple(log_probabilities or [-0.5] * len(tokens)))


#  before    1  2  3 | lead of the third .02 or 1.0
#  after     1  2  4
@pytest.mark.parametrize(
    ("before", "after", "wanted"),
    [
        (said([1, 2, 3]), said([1, 2, 3]), (1, 0, 0)),
        (said([1, 2, 3], [1, 1, 0.02]), said([1, 2, 4]), (0, 1, 0)),
        (said([1, 2, 3], [1, 0.02, 1]), said([1, 2, 4]), (0, 0, 1)),
        (said([1, 2, 3], [1, 1, 1]), said([1, 2]), (0, 0, 1)),  # one has ended
        (said([1, 2], [1, 0.02]), said([1, 2, 3]), (0, 1, 0)),
    ],
)
def test_answers_part_by_rounding_only_where_the_model_was_undecided(before, after, wanted):
    found = compare([before], [after])
    assert (found.same, found.ties, found.different) == wanted


def test_drift_is_the_mean_change_over_the_tokens_that_both_say():
    before = said([1, 2, 3], log_probabilities=[-1.0, -2.0, -3.0])
    after = said([1, 2, 9], log_probabilities=[-1.1, -2.3, -9.0])
    assert compare([before], [after]).drift == pytest.approx(0.2)


@pytest.mark.parametrize(
    ("found", "holds"),
    [
        (Agreement(16, 0, 0, 0.001), True),
        (Agreement(12, 4, 0, 0.001), True),
        (Agreement(11, 5, 0, 0.001), False),  # whatever hangs on rounding says nothing
        (Agreement(15, 0, 1, 0.001), False),
        (Agreement(16, 0, 0, 0.06), False),  # the same words, of another model
        (Agreement(0, 0, 0, 0.0), False),
    ],
)
def test_what_is_kept(found, holds):
    assert found.holds is holds


def test_an_adapter_tells_what_it_was_tuned_on(tmp_path):
    assert weights_of(tmp_path).quantize == "none"
    (tmp_path / "demeanor.json").write_text(json.dumps({"quantize": "nf4", "compute": "float32"}))
    found = weights_of(tmp_path)
    assert (found.quantize, found.compute) == ("nf4", "float32")
