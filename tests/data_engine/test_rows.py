import json

import pytest
from drawn_observations import au
from scripted_chat import good_reply

from demeanor.data_engine.records import RowError, to_line
from demeanor.data_engine.rows import Form, alpaca, export, read_rows, sharegpt, stats
from demeanor.explain.reasoning.chat import Message


@pytest.fixture
def rows(draw_row):
    made = [draw_row([au("f1", 12, 3.0)], good_reply(), split=s) for s in ("train", "train", None)]
    more = (*made[1].messages, Message("user", "How strong?"), Message("assistant", "C."))
    return [made[0], draw_row([au("f1", 12, 3.0)], good_reply(), messages=more, split="train"),
            made[2]]  # fmt: skip


def test_messages_are_the_rows_themselves_a_file_a_split(rows, tmp_path):
    written = export(rows, Form.MESSAGES, tmp_path, "mine")
    names = [path.name for path in written]
    assert names == ["mine.jsonl", "mine-train.jsonl", "card.md"]
    assert list(read_rows(tmp_path / "mine-train.jsonl")) == rows[:2]
    card = (tmp_path / "card.md").read_text()
    assert "3 rows about 1 clips" in card and "CC0-1.0" in card and "| exp-cot | 3 |" in card


def test_sharegpt_has_the_system_apart_and_turns_in_turn(rows):
    made = sharegpt(rows[1])
    assert [turn["from"] for turn in made["conversations"]] == ["human", "gpt", "human", "gpt"]
    assert made["system"].startswith("You explain")
    assert made["conversations"][3]["value"] == "C."


def test_alpaca_has_the_last_question_and_what_came_before(rows):
    made = alpaca(rows[1])
    assert (made["instruction"], made["output"], made["input"]) == ("How strong?", "C.", "")
    ((asked, answered),) = made["history"]
    assert asked.startswith("The person to explain") and json.loads(answered)["labels"]
    with pytest.raises(RowError, match="a question before each answer"):
        alpaca(replace_last(rows[0]))


def replace_last(row):
    from dataclasses import replace

    return replace(row, messages=row.messages[:-1])


@pytest.mark.parametrize(
    ("form", "formatting", "column"),
    [(Form.SHAREGPT, "sharegpt", "messages"), (Form.ALPACA, "alpaca", "prompt")],
)
def test_dataset_info_names_files_and_columns_that_are_there(
    rows, tmp_path, form, formatting, column
):
    (tmp_path / "dataset_info.json").write_text('{"theirs": {"file_name": "x.json"}}')
    export(rows, form, tmp_path, "mine")
    info = json.loads((tmp_path / "dataset_info.json").read_text())
    assert set(info) == {"theirs", "mine", "mine-train"}
    entry = info["mine-train"]
    data = json.loads((tmp_path / entry["file_name"]).read_text())
    assert entry["formatting"] == formatting and len(data) == 2
    assert entry["columns"][column] in data[0]
    assert set(entry["columns"].values()) <= set(data[0])


def test_parquet_holds_the_whole_row_and_is_the_same_bytes_twice(rows, tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    for name in ("one", "two"):
        export(rows, Form.PARQUET, tmp_path / name)
    one, two = ((tmp_path / n / "demeanor-train.parquet").read_bytes() for n in ("one", "two"))
    assert one == two
    table = parquet.read_table(tmp_path / "one/demeanor-train.parquet").to_pylist()
    assert [row["row"] + "\n" for row in table] == [to_line(row) for row in rows[:2]]
    assert table[0]["labels"] == ["happiness"] and table[0]["video"] is None
    assert table[0]["messages"][0]["role"] == "system"


def test_nothing_is_no_export(tmp_path):
    with pytest.raises(RowError, match="found none"):
        export([], Form.MESSAGES, tmp_path)


def test_a_line_that_is_no_row_is_named(rows, tmp_path):
    (tmp_path / "rows.jsonl").write_text(to_line(rows[0]) + "\n{}\n")
    with pytest.raises(RowError, match="line 3"):
        list(read_rows(tmp_path))


def test_stats_count_everything_once(rows):
    found = stats(rows)
    assert (found["rows"], found["clips"], found["groups"]) == (3, 1, 0)
    assert found["splits"] == {"train": 2, "none": 1} and found["labels"] == {"happiness": 3}
    assert found["weight"] == 3.0
    assert stats([])["answer_words"] is None
