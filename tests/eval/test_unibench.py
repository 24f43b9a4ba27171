"""The mean of nine: which reports it takes, and what it makes of them."""

from dataclasses import replace

import pytest

from demeanor.eval.report import evaluate, load, to_json
from demeanor.eval.scores import Sample
from demeanor.eval.signature import NotComparable
from demeanor.eval.tasks import Setting, task
from demeanor.eval.unibench import SETS, UniBenchError, combine

POLAR = ("cmumosi", "cmumosei", "sims", "simsv2")


def made(name, n_right):
    """Eight samples of which the first so many are right."""
    if name in POLAR:
        return [Sample(str(k), 1.0, "positive" if k < n_right else "negative") for k in range(8)]
    return [Sample(str(k), ["angry"], ["furious"] if k < n_right else ["happy"]) for k in range(8)]


@pytest.fixture
def reports(small_table, tmp_path):
    def save(n_right, table=small_table):
        found = []
        for name in SETS:
            report = evaluate(task(name), made(name, n_right), Setting(table), n_folds=10)
            path = tmp_path / f"{name}.json"
            path.write_text(to_json(report))
            found.append(load(path))
        return found

    return save


#  six of eight right: five sets 75 (hits, sets), four of polarity: all gold is positive, so the
#  weighted F1 is that of one class, 2 * 6 / (2 * 6 + 0 + 2) = 85.71
def test_the_mean_of_nine_by_hand(reports):
    found = combine(reports(6), n_folds=200)
    assert found.mean.value == pytest.approx((5 * 75 + 4 * 100 * 12 / 14) / 9)
    low, high = found.mean.interval
    assert low < found.mean.value < high
    assert set(found.sets) == set(SETS) and set(found.n_scored.values()) == {8}


def test_all_right_is_a_hundred(reports):
    found = combine(reports(8), n_folds=50)
    assert (found.mean.value, found.mean.interval) == (100.0, (100.0, 100.0))


def test_one_missing_or_twice(reports):
    nine = reports(8)
    with pytest.raises(UniBenchError, match=r"wanted one report each of .*missing: ovmerdplus"):
        combine(nine[:-1])
    with pytest.raises(UniBenchError, match="missing: none; found cmumosei"):
        combine([*nine, nine[0]])


def test_other_tables_are_refused(reports, small_table):
    nine, other = reports(8), reports(8, replace(small_table, version="other"))
    with pytest.raises(NotComparable, match="tables: mer2023 small"):
        combine([*nine[:-1], other[-1]])
