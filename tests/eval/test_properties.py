"""What no score may depend on, and what it must: for any labels whatever."""

import math
import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from demeanor.eval.ew import clusters, score_hits, score_sets
from demeanor.eval.resampling import by_group
from demeanor.eval.scores import Sample
from demeanor.eval.tables import load_table

TABLE = load_table("d1")
SMALL = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)
KNOWN = sorted(TABLE.groupings["W2L1"])
WORDS = st.sampled_from([*KNOWN[::37], "angry", "happy", "sad", "serious", "florbish", "not happy"])
LABELS = st.lists(WORDS, max_size=5)
PAIRS = st.lists(st.tuples(LABELS, st.none() | LABELS), min_size=1, max_size=8)


def scored(pairs, score=score_sets):
    made = [Sample(str(k), gold, said) for k, (gold, said) in enumerate(pairs)]
    return score(made, TABLE)


def same(a, b):
    return a.values == pytest.approx(b.values, nan_ok=True)


@SMALL
@given(PAIRS, st.randoms(use_true_random=False))
def test_order_of_samples_and_of_labels_changes_nothing(pairs, rng):
    def shuffled(labels):
        return None if labels is None else rng.sample(labels, len(labels))

    turned = [(shuffled(gold), shuffled(said)) for gold, said in rng.sample(pairs, len(pairs))]
    assert same(scored(pairs), scored(turned))


@SMALL
@given(PAIRS, st.integers(0, 5), st.sampled_from([str.upper, str.title, "  {} ".format]))
def test_duplicates_case_and_spaces_change_nothing(pairs, n, write):
    def rewritten(labels):
        return None if labels is None else [write(label) for label in [*labels, *labels[:n]]]

    turned = [(rewritten(gold), rewritten(said)) for gold, said in pairs]
    assert same(scored(pairs), scored(turned))


@SMALL
@given(PAIRS)
def test_a_list_and_its_text_score_the_same(pairs):
    texts = [(str(gold), None if said is None else ", ".join(said)) for gold, said in pairs]
    assert same(scored(pairs), scored(texts))


@SMALL
@given(PAIRS, WORDS, st.integers(0, 7))
def test_a_wrong_label_never_raises_f(pairs, word, at):
    """Wrong on a wheel: it has a cluster there, and no gold label of the sample has that one."""
    at %= len(pairs)
    gold, said = pairs[at]
    more = [*pairs[:at], (gold, [*(said or []), word]), *pairs[at + 1 :]]
    before, after = scored([*pairs[:at], (gold, said or []), *pairs[at + 1 :]]), scored(more)
    for name, grouping in TABLE.groupings.items():
        wrong = clusters([TABLE.read(word)], grouping) - clusters(map(TABLE.read, gold), grouping)
        if wrong and not math.isnan(before.values[f"{name} F"]):
            assert after.values[f"{name} F"] <= before.values[f"{name} F"] + 1e-9


@SMALL
@given(st.lists(LABELS, min_size=1, max_size=8))
def test_gold_against_itself_is_100_or_not_known(golds):
    values = scored([(gold, gold) for gold in golds]).values.values()
    assert all(math.isnan(value) or value == pytest.approx(100.0) for value in values)


@SMALL
@given(PAIRS)
def test_empty_gold_is_skipped_and_changes_nothing(pairs):
    more = scored([*pairs, ([], ["angry"])])
    assert same(scored(pairs), more)
    assert more.reasons[-1] is not None


@SMALL
@given(PAIRS, st.sampled_from(["angry", "happy", "sad"]))
def test_no_prediction_changes_nothing_and_an_empty_one_lowers_recall(pairs, gold):
    assert same(scored(pairs), scored([*pairs, ([gold], None)]))
    values, lower = scored(pairs).values, scored([*pairs, ([gold], [])]).values
    if not math.isnan(values["EW-R L1"]):
        assert lower["EW-R L1"] <= values["EW-R L1"] + 1e-9


@SMALL
@given(PAIRS, WORDS)
def test_a_longer_answer_never_misses_what_a_shorter_one_hit(pairs, word):
    single = [(gold[:1], said) for gold, said in pairs]
    longer = [(gold, None if said is None else [*said, word]) for gold, said in single]
    before, after = scored(single, score_hits).values, scored(longer, score_hits).values
    for name, value in before.items():
        assert math.isnan(value) or after[name] >= value


@SMALL
@given(PAIRS, st.integers(0, 2**16))
def test_sums_over_groups_are_sums_over_samples(pairs, seed):
    rows = scored(pairs).rows
    rng = random.Random(seed)
    groups = [rng.choice(["a", "b", None]) for _ in pairs]
    assert by_group(rows, groups).sum(axis=0) == pytest.approx(rows.sum(axis=0))
