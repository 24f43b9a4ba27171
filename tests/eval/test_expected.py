"""Every released score that has an exact expected value, to four decimals, in one test."""

import json

import pytest

from demeanor.eval.classification import score_classes, score_sentiment
from demeanor.eval.ew import score_hits, score_sets
from demeanor.eval.scores import Sample
from demeanor.eval.tables import OFFICIAL, load_table
from demeanor.explain.corpora.labels import label_set

WHEELS = [f"W{k}L1" for k in range(1, 6)]


@pytest.fixture(scope="module")
def released(shared):
    def read(name):
        lines = (shared / "data" / "eval" / f"{name}.jsonl").read_text().splitlines()
        return [Sample(row["id"], row["gt"], row["pred"]) for row in map(json.loads, lines)]

    return read


@pytest.fixture(scope="module")
def official(shared):
    pytest.importorskip("openpyxl")
    return {v: load_table(v, shared / "knowledge" / "ov_mer" / "raw") for v in OFFICIAL}


def sentiment(samples, expected):
    scored = score_sentiment(samples)
    yield "WAF", scored.values["WAF"], expected["waf"]
    yield "accuracy", scored.values["accuracy"], expected["acc"]
    yield "n", scored.n_scored, expected["n"]


def ranked(samples, rows):
    static = rows[0]["dataset"] == "RAF-DB"
    labels = label_set("rafdb7" if static else "dfew7").labels
    scored = score_classes(samples, labels, ("accuracy", "WAR", "UAR"), drop_unknown=not static)
    for row in rows:
        name = {"ACC": "accuracy"}.get(row["metric"], row["metric"])
        yield name, scored.values[name], row["computed"]
        yield f"{name} as published", round(scored.values[name], 2), row["published"]
        yield "n", scored.n_scored, row["n"]


def hits(samples, expected, table):
    scored = score_hits(samples, table)
    yield "hit rate", scored.values["hit rate"], expected["hit"]
    n_scored = scored.rows[..., 1].sum(axis=0)
    for k, wheel in enumerate(WHEELS):
        yield wheel, scored.values[f"{wheel} hit rate"], expected["per_wheel"][k]
        yield f"{wheel} n", n_scored[k], expected["n"][k]


def sets(samples, expected, table):
    values = score_sets(samples, table).values
    for name, wanted in expected.items():
        if name == "per_wheel_L1_F":
            names = [f"{wheel} F" for wheel in WHEELS]
        elif name.endswith("_FPR"):
            names = [f"EW-{part} {name[:2]}" for part in "FPR"]
        else:
            names = [f"{name} {part}" for part in "FPR"]
        yield from ((n, values[n], one) for n, one in zip(names, wanted, strict=True))


def test_every_expected_value_comes_out_to_four_decimals(shared, released, official):
    files = json.loads((shared / "data" / "eval" / "expected.json").read_text())["files"]
    found = []
    for name, expected in files.items():
        samples = released(name)
        if name.startswith("cmumosi"):
            rows = list(sentiment(samples, expected))
        elif name.startswith("gpt4v"):
            rows = list(ranked(samples, expected))
        else:
            score = hits if name.startswith("meld") else sets
            rows = [
                (f"{table} {what}", value, wanted)
                for table, values in expected.items()
                for what, value, wanted in score(samples, values, official[table])
            ]
        found += [(f"{name}: {what}", value, wanted) for what, value, wanted in rows]
    wrong = [row for row in found if abs(row[1] - row[2]) > 0.5e-4]
    assert wrong == []
    assert (len(files), len(found)) == (16, 510)
