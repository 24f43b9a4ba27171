"""`demeanor eval TASK --chat …`, `leaks` and `judge`, through the command line."""

import json

import cv2
import numpy as np
import pytest
from scripted_chat import good_reply
from scripted_server import Server
from typer.testing import CliRunner

from demeanor.serve import running
from demeanor.serve.cli import app
from demeanor.serve.scoring import TASK_NAMES

TEXTS = [
    ("a", "She smiles broadly with raised cheeks and is happy.", ["happy"]),
    ("b", "He frowns with tightened lips, he is furious.", ["angry"]),
    ("c", "She cries and looks sad.", ["sad"]),
    ("d", "He smiles and thanks her, delighted.", ["grateful", "happy"]),
    ("e", "He looks down.", ["serious"]),
    ("f", "Her brows are raised, her jaw drops.", ["surprised"]),
]


def run(*args):
    done = CliRunner().invoke(app, ["eval", *map(str, args)])
    return done.exit_code, done.stdout, done.output


@pytest.fixture
def data(tmp_path):
    def write(**fields):
        rows = [
            {"id": i, "description": text, "labels": labels, **{k: v[n] for k, v in fields.items()}}
            for n, (i, text, labels) in enumerate(TEXTS)
        ]
        path = tmp_path / "rows.jsonl"
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        return path

    return write


def test_a_task_is_asked_scored_and_kept_in_a_folder(data, tmp_path):
    command = ("emer", "--data", data(), "-o", tmp_path / "runs")
    code, text, output = run(*command)
    assert code == 0
    for part in (
        "EW-F L1",
        "constant answer: ",
        "emotion words were masked",
        "signature: task:emer",
    ):
        assert part in text
    (folder,) = (tmp_path / "runs").iterdir()
    assert str(folder) in output
    assert "____" in (folder / "answers.jsonl").read_text()
    assert run(*command)[1] == text  # taken up again: the same bytes
    code, text, _ = run(*command, "--no-masked", "--json")
    data_out = json.loads(text)
    assert (code, data_out["n_scored"]) == (0, 5)
    assert len(list((tmp_path / "runs").iterdir())) == 2
    code, text, _ = run("emer", "--predictions", folder / "predictions.jsonl")
    assert (code, "5 of 6 samples scored" in text) == (0, True)


def test_failures_are_told_and_the_exit_code_is_1(tmp_path):
    (tmp_path / "t.csv").write_text("path,label\ngone.jpg,anger\n")
    command = ("faces", "--data", tmp_path / "t.csv", "-o", tmp_path / "runs")
    code, _, output = run(*command, "--face-backend", "mesh")
    assert code == 1
    assert "failed: gone.jpg: " in output
    (folder,) = (tmp_path / "runs").iterdir()
    assert json.loads((folder / "failures.jsonl").read_text())["item_id"] == "gone.jpg"


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ((), "emer needs --data"),
        (("--order", "both"), "no order of asking"),
        (("--order", "sideways"), "--order: wanted"),
        (("--without", "hands"), "wanted face, voice, words"),
        (("--split", "dev"), "there is no split 'dev'"),
        (("--chat", "nobody"), "there is no chat model 'nobody'"),
        (("--extract", "prototype"), "--extract rule"),
        (("--extract", "rule", "--order", "label-first"), "no order of asking"),
    ],
)
def test_what_cannot_be_run_is_said_before_anything_is_asked(data, tmp_path, args, said):
    given = ("--data", data()) if args else ()
    code, _, output = run("emer", *given, *args, "-o", tmp_path / "runs")
    assert code == 2
    assert said in output
    assert not (tmp_path / "runs").exists()


def test_splits_that_share_a_subject_are_refused_unless_allowed(data, tmp_path):
    path = data(subject=list("xxyyzz"), split=["train", "test", *["test"] * 4])
    command = ("emer", "--data", path, "-o", tmp_path / "runs")
    code, _, output = run(*command)
    assert code == 2
    assert "the same subject: x: b (test) and a (train)" in output
    code, text, _ = run(*command, "--allow-leaks")
    assert code == 0
    assert "WARNING: the splits share what they must not (the same subject 1)" in text
    assert "of 5 samples scored" in text  # the split called test


def test_people_to_whom_constants_were_fitted_are_named(data, tmp_path):
    path = data(split=["fitted"] * 6)
    _, text, _ = run("emer", "--data", path, "-o", tmp_path / "runs")
    assert "WARNING: constants of perception were fitted" in text


def test_clean_splits_are_said_to_be_clean(data, tmp_path):
    path = data(subject=list("uvwxyz"), split=[*["train"] * 2, *["test"] * 4])
    _, text, _ = run("emer", "--data", path, "-o", tmp_path / "runs")
    assert "4 texts compared; nothing is shared" not in text
    assert "6 texts compared; nothing is shared" in text


def test_leaks_of_a_file(data):
    path = data(subject=list("xxyyzz"), split=["train", "test", *["test"] * 4])
    code, text, _ = run("leaks", path)
    assert code == 1
    assert text.startswith("the same subject: x: b (test) and a (train)")
    code, text, _ = run("leaks", path, "--json")
    assert json.loads(text)["leaks"][0]["kind"] == "the same subject"
    assert run("leaks", data(split=[*["train"] * 3, *["test"] * 3]))[0] == 0
    code, _, output = run("leaks", data())
    assert (code, "wanted a column split" in output) == (2, True)


def test_prose_is_parted_for_the_prototype(data, tmp_path):
    code, text, _ = run("emer", "--data", data(), "--ablate", "-o", tmp_path / "runs")
    assert code == 0
    for part in ("all", "face only", "voice only", "words only", "less the first"):
        assert part in text
    assert len(list((tmp_path / "runs").iterdir())) == 4


def test_a_run_is_judged(data, tmp_path):
    path = data()
    run("emer", "--data", path, "--no-masked", "-o", tmp_path / "runs")
    (folder,) = (tmp_path / "runs").iterdir()
    code, text, output = run("judge", folder, "--references", path)
    assert code == 0
    assert "clue overlap, 1 to 10" in text
    (kept,) = folder.glob("judge-clues-builtin-1*")
    assert str(kept) in output
    assert (kept / "verdicts.jsonl").is_file()
    code, text, _ = run("judge", folder, "--references", path, "--kind", "labels", "--json")
    assert json.loads(text)["signature"]["metric"] == "label-overlap"
    code, _, output = run("judge", folder)
    assert (code, "--references" in output) == (2, True)


def test_pairs_of_a_file_are_judged(tmp_path):
    row = {"id": "a", "reference": "She smiles.", "candidate": "A smile."}
    (tmp_path / "p.jsonl").write_text(json.dumps(row))
    code, text, _ = run("judge", tmp_path / "p.jsonl", "-o", tmp_path / "out")
    assert (code, "10.00" in text) == (0, True)
    (tmp_path / "q.jsonl").write_text('{"id": "a", "reference": 3}')
    code, _, output = run("judge", tmp_path / "q.jsonl")
    assert (code, "wanted id, reference and candidate" in output) == (2, True)


def test_the_best_of_several_predictions_is_said_to_be_picked(tmp_path):
    for name, pred in (("one", "happy"), ("two", "sad")):
        rows = [{"id": f"s{k}", "gt": "happy", "pred": pred} for k in range(12)]
        (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows))
    some = [part for n in ("one", "two") for part in ("--predictions", tmp_path / f"{n}.jsonl")]
    code, text, _ = run("ovmerd", *some)
    assert code == 0
    assert "WARNING: one (100.00) is the best of 2" in text
    code, text, _ = run("ovmerd", *some, "--json")
    assert json.loads(text)["notes"][0].startswith("WARNING: one")


def test_labels_are_taken_out_of_the_free_text_of_others(tmp_path):
    said = ("She is happy, not sad.", "He looks furious.")
    rows = [{"id": str(k), "gt": ["happy", "angry"][k], "pred": said[k]} for k in (0, 1)]
    path = tmp_path / "free.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    code, text, _ = run("ovmerd", "--predictions", path, "--extract", "rule", "--json")
    report = json.loads(text)
    assert (code, report["scores"][0]["value"]) == (0, 100.0)
    assert report["signature"]["extractor"].startswith("rule-1.d1.")
    code, _, output = run("cmumosi", "--predictions", path, "--extract", "rule")
    assert (code, "one of a closed set" in output) == (2, True)


def test_names_that_are_known_without_loading_are_those_there_are():
    from demeanor.eval.tasks import tasks
    from demeanor.eval.tasks.asked import ASKED

    assert tuple(ASKED) == running.ASKED_NAMES
    assert set(TASK_NAMES) == set(tasks())


def test_a_corpus_is_asked_about_with_its_own_file_and_pictures(tmp_path):
    (tmp_path / "list_patition_label.txt").write_text("test_0001.jpg 4\ntrain_00001.jpg 5\n")
    grey = np.full((80, 80, 3), 128, np.uint8)
    assert cv2.imwrite(str(tmp_path / "test_0001_aligned.jpg"), grey)
    command = ("rafdb", "--data", tmp_path / "list_patition_label.txt", "-o", tmp_path / "runs")
    command = (*command, "--media", tmp_path, "--face-backend", "mesh")
    code, text, _ = run(*command)
    assert code == 0
    assert "1 of 1 samples scored" in text  # of the test part; nobody is seen: it abstains
    assert "1 answers abstain" in text
    assert "metric:accuracy.rafdb7" in text
    code, _, output = run(*command, "--labels", "affectnet8")
    assert (code, "rafdb asks for rafdb7" in output) == (2, True)


def test_tasks_that_nobody_can_be_asked_about_want_predictions():
    code, _, output = run("casme2")
    assert (code, "--predictions" in output) == (2, True)


# A language model behind an address -----------------------------------------------------------


def completion(content, status=200):
    if status != 200:
        return status, json.dumps({"error": {"message": "too busy", "type": "x", "code": None}})
    choice = {
        "index": 0,
        "finish_reason": "stop",
        "message": {"role": "assistant", "content": content},
    }
    body = {"id": "x", "object": "chat.completion", "created": 1, "model": "m"}
    return status, json.dumps({**body, "choices": [choice]})


@pytest.fixture
def serve():
    pytest.importorskip("langchain_openai")
    servers = []

    def start(*answers):
        servers.append(Server(*answers))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


@pytest.fixture
def no_retries(tmp_path):
    path = tmp_path / "settings.yaml"
    path.write_text("reasoning:\n  max_retries: 0\n")
    return path


def test_a_server_that_fails_now_and_then_is_asked_again_by_the_same_command(
    data, tmp_path, serve, no_retries
):
    reply = completion(good_reply(labels=["happy"]))
    server = serve(*[reply] * 3, completion("", 429), *[reply] * 2, reply)
    command = ("emer", "--chat", f"{server.address}#m", "--data", data())
    command = (*command, "--settings", no_retries, "-o", tmp_path / "runs")
    code, text, output = run(*command)
    assert (code, "skipped: 1 (no prediction)" in text) == (1, True)
    assert "too busy" in output
    code, text, _ = run(*command)
    assert (code, "skipped: 1 (no prediction)" in text) == (0, False)
    assert len(server.asked) == 7  # the six that were answered were asked about once
    prompts = {body["messages"][1]["content"] for _, _, body in server.asked}
    assert not any("furious" in prompt for prompt in prompts)


def test_both_orders_of_asking_are_compared(data, tmp_path, serve, no_retries):
    reasons = [completion(good_reply(labels=["happy"]))] * 6
    labels = [completion('{"labels": ["angry"], "best_fit": "anger"}')] * 6
    server = serve(*reasons, *labels)
    command = ("emer", "--chat", f"{server.address}#m", "--data", data(), "--order", "both")
    code, text, _ = run(*command, "--settings", no_retries, "-o", tmp_path / "runs")
    assert code == 0
    assert "reasons-first" in text
    assert "label-first" in text
    assert "The order of asking" in text
    asked = server.asked[-1][2]
    assert asked["response_format"]["json_schema"]["schema"]["required"] == ["labels", "best_fit"]


def test_the_answering_model_may_not_judge_itself(data, tmp_path, serve, no_retries):
    path, server = data(), serve(*[completion(good_reply(labels=["happy"]))] * 6)
    chat = f"{server.address}#org/m-1b"
    run("emer", "--chat", chat, "--data", path, "--settings", no_retries, "-o", tmp_path / "runs")
    (folder,) = (tmp_path / "runs").iterdir()
    code, _, output = run("judge", folder, "--references", path, "--judge", chat)
    assert (code, "score their own texts higher" in output) == (2, True)
