import json
from dataclasses import replace

import pytest
from tuned_bases import few_rows

from demeanor.data_engine.drawn import drawn_prompts, drawn_rows
from demeanor.data_engine.records import RowError, Task, to_line
from demeanor.data_engine.tune_rows import CARD, label_first, read_mixture
from demeanor.data_engine.tuning import DataConfig, Mixed, StageConfig, View


@pytest.fixture
def written(tmp_path):
    def write(rows, name="rows.jsonl"):
        (tmp_path / name).write_text("".join(map(to_line, rows)))
        return tmp_path / name

    return write


def with_split(row, split=None, **origin):
    return replace(row, split=split, origin=replace(row.origin, **origin))


def test_drawn_rows_are_the_same_for_a_seed_and_their_prompts_hold_no_answer():
    assert list(drawn_rows(3)) == list(few_rows()[:3])
    assert list(drawn_rows(3, seed=1)) != list(few_rows()[:3])
    assert [m.role for m in drawn_prompts(1)[0]] == ["system", "user"]


def test_held_out_subjects_are_nobody_s_in_training_and_stay_when_rows_come():
    few = read_mixture(DataConfig(drawn=24, validation=0.25), 0)
    more = read_mixture(DataConfig(drawn=48, validation=0.25), 0)
    held = {row.group for row in few.validation}
    assert len(held) == 6
    assert not held & {row.group for row in few.train}
    assert held == {row.group for row in more.validation}
    assert len(few.train) + len(few.validation) == 24


def test_splits_that_rows_name_are_kept_and_test_rows_are_left_alone(written):
    splits = ["train", "train", "validation", "test", None]
    rows = [with_split(r, s) for r, s in zip(few_rows(), splits, strict=False)]
    found = read_mixture(DataConfig((Mixed(written(rows)),)), 0)
    assert [row.example_id for row in found.train] == [rows[k].example_id for k in (0, 1, 4)]
    assert [row.example_id for row in found.validation] == [rows[2].example_id]
    assert found.n_test == 1


@pytest.mark.parametrize("shared", ["subject", "video"])
def test_one_person_on_both_sides_is_refused(written, shared):
    rows = [with_split(few_rows()[0], "train", **{shared: "x"})]
    rows.append(with_split(few_rows()[1], "validation", **{shared: "x"}))
    with pytest.raises(RowError, match=f"1 {shared}s are in train and in validation, x among"):
        read_mixture(DataConfig((Mixed(written(rows)),)), 0)


def test_weights_of_sources_and_rows_say_how_often_a_row_is_seen(written):
    rows = list(few_rows())
    one, two = written(rows[:6], "one.jsonl"), written(rows[6:], "two.jsonl")
    config = DataConfig((Mixed(one, 2.0), Mixed(two, 0.5)), validation=0.1)
    mixture = read_mixture(config, 0)
    seen = [row.example_id for row in mixture.repeated(StageConfig(), 0)]
    firsts = {row.example_id for row in rows[:6]}
    assert all(seen.count(i) == 2 for i in set(seen) & firsts)
    assert all(seen.count(i) == 1 for i in set(seen) - firsts)
    assert 0 < len(set(seen) - firsts) < 6
    assert mixture.repeated(StageConfig(), 0) == mixture.repeated(StageConfig(), 0)


def test_the_hash_follows_rows_and_weights_and_the_card_is_remembered(written, tmp_path):
    path = written(few_rows())
    first = read_mixture(DataConfig((Mixed(path),)), 0)
    assert first.cards == (("rows.jsonl", "no card"),)
    (tmp_path / CARD).write_text("a card")
    second = read_mixture(DataConfig((Mixed(path, 2.0),)), 0)
    assert len(second.cards[0][1]) == 64
    assert first.sha256 != second.sha256


def test_rows_without_an_answer_and_too_few_subjects_are_refused(written):
    question = replace(few_rows()[0], messages=few_rows()[0].messages[:2])
    with pytest.raises(RowError, match="wanted an answer at its end"):
        read_mixture(DataConfig((Mixed(written([question])),)), 0)
    with pytest.raises(RowError, match="found 0 and 1 of 1"):
        read_mixture(DataConfig((Mixed(written(few_rows()[:1])),)), 0)


def test_label_first_asks_about_the_same_timeline_for_the_label_alone():
    row = few_rows()[0]
    asked = label_first(row)
    assert asked.task is Task.LABEL
    assert [m.role for m in asked.messages] == ["system", "user", "assistant"]
    lines = [line for line in row.messages[1].content.splitlines() if line.startswith("| ")]
    assert "\n".join(lines) in asked.messages[1].content
    assert "Give no reasons now" in asked.messages[1].content
    assert json.loads(asked.answer)["best_fit"] == row.labels[0]


def test_a_stage_sees_its_tasks_alone():
    mixture = read_mixture(DataConfig(drawn=24), 0)
    assert mixture.repeated(StageConfig(tasks=(Task.FOLLOW_UP,)), 0) == []
    labels = mixture.held_out(StageConfig(view=View.LABELS))
    assert {row.task for row in labels} == {Task.LABEL}
    abstained = replace(few_rows()[0], task=Task.ABSTAIN, labels=())
    assert label_first(abstained) is None
