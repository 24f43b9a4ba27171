"""A word table small enough to work out by hand."""

import pytest

from demeanor.eval.scores import Sample
from demeanor.eval.tables import WordTable

ANGER, JOY, SADNESS = "anger", "joy", "sadness"
INNER = {"angry": ANGER, "furious": ANGER, "annoyed": ANGER, "happy": JOY, "glad": JOY}
OUTER = {"angry": "rage", "furious": "rage", "annoyed": "irritation", "happy": JOY, "glad": JOY}


@pytest.fixture(scope="session")
def small_table():
    """Two wheels; `sad` is on the first alone."""
    groupings = {
        "W1L1": {**INNER, "sad": SADNESS},
        "W1L2": {**OUTER, "sad": SADNESS},
        "W2L1": INNER,
        "W2L2": OUTER,
    }
    return WordTable("small", "ab" * 32, groupings)


@pytest.fixture
def samples():
    """Samples from pairs of gold and predicted."""

    def make(*pairs, groups=None):
        return [
            Sample(f"s{k}", gold, said, groups[k] if groups else None)
            for k, (gold, said) in enumerate(pairs)
        ]

    return make
