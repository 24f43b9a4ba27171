"""Every task of a corpus on a tiny file of its official form, and what each protocol leaves out."""

import json
from dataclasses import replace

import pytest
from corpus_files import FILES, bp4d, codes, micro

from demeanor.eval.report import evaluate, load, to_json
from demeanor.eval.scores import Sample
from demeanor.eval.tables import load_table
from demeanor.eval.tasks import Setting, task, tasks
from demeanor.eval.tasks.corpora import TASKS
from demeanor.eval.tasks.gold import gold_of, read_samples
from demeanor.eval.tasks.kinds import in_set
from demeanor.explain.corpora.items import CorpusError

# Task -> corpus whose file it reads, and how many of that file's samples are scored.
READS = {
    "mer2023-multi": ("mer", 3), "mer2024-semi": ("mer", 3), "mer2025-semi": ("mer", 3),
    "mer2026-cross": ("mer", 3), "mer2025-fg": ("open-labels", 2), "mer2026-fg": ("open-labels", 2),
    "mer2026-prefer-3": ("mer-prefer", 3), "mer2026-prefer": ("mer-prefer", 2),
    "mer2025-des": ("emer-v2", 2), "emer-v1": ("emer-v1", 2),
    "emer-v1-clues": ("emer-v1", 2), "emer-v2-clues": ("emer-v2", 2), "mer2023": ("mer", 3),
    "mer2024": ("mer", 3), "iemocap": ("iemocap", 3), "cmumosei": ("sentiment", 2),
    "sims": ("sentiment", 2), "simsv2": ("sentiment", 2), "rafdb": ("rafdb", 3),
    "rafdb-compound": ("rafdb-compound", 3), "affectnet8": ("affectnet", 2),
    "affectnet7": ("affectnet", 2), "affectnet-kaggle": ("affectnet-kaggle", 2),
    "fer2013": ("fer2013", 2), "ferplus": ("ferplus", 2), "dfew": ("dfew", 2), "mafw": ("mafw", 2),
    "ferv39k": ("ferv39k", 2), "ferv39k-gpt4v": ("ferv39k", 2), "meld-7": ("meld", 3),
    "iemocap-4": ("iemocap", 3), "iemocap-6": ("iemocap", 4), "goemotions": ("goemotions", 2),
    "smile": ("smile", 1), "cmumosi-level": ("sentiment", 3), "cmumosei-level": ("sentiment", 3),
    "sims-level": ("sentiment", 3), "casme2": ("casme2", 3), "samm": ("samm", 3),
    "smic": ("smic", 3), "casme3": ("casme3", 3), "megc": ("megc", 9), "cd6me": ("cd6me", 18),
    "veatic": ("veatic", 3), "recola": ("recola", 3), "affwild2-va": ("affwild2-va", 3),
    "affwild2-expr": ("affwild2-expr", 2), "affwild2-au": ("affwild2-au", 2), "cexpr": ("cexpr", 2),
    "bah": ("bah", 2), "probe-expression": ("expllm", 2), "probe-reasoning": ("expllm", 2),
    "ovmerd": ("open-labels", 2), "ovmerdplus": ("open-labels", 2), "meld": ("meld", 3),
    "cmumosi": ("sentiment", 2),
}  # fmt: skip
WHOLE = {"ccc": 1.0, "icc": 1.0}  # other headlines are percent


def said(sample: Sample) -> object:
    """The gold label as an answer; of sentiments, the word."""
    if isinstance(sample.gold, float):
        return "positive" if sample.gold > 0 else "negative"
    return sample.gold


def answered(known, golds):
    says = (lambda s: s.gold) if known.metric.startswith("ccc") else said
    return [replace(sample, predicted=says(sample)) for sample in golds]


@pytest.mark.parametrize("name", sorted(READS))
def test_gold_against_itself_is_whole(name, tmp_path):
    known, (corpus, n_scored) = task(name), READS[name]
    samples = answered(known, gold_of(known, FILES[corpus](tmp_path)))
    report = evaluate(known, samples, Setting(load_table("d1")), n_folds=10)
    assert report.n_scored == n_scored
    assert report.scores[0].value == pytest.approx(WHOLE.get(known.metric.split(".")[0], 100.0))
    path = tmp_path / "report.json"
    path.write_text(to_json(report))
    assert load(path).scores[0].value == pytest.approx(report.scores[0].value)


def test_every_task_of_a_corpus_is_tried():
    by_codes = {"disfa-au", "bp4d-au", "disfa-intensity", "probe-au"}
    assert {t.name for t in TASKS} <= READS.keys() | by_codes
    assert len({t.name for t in tasks().values()}) == len(tasks())


def test_every_task_says_what_it_needs():
    assert all(known.needs and known.read for known in TASKS)
    assert task("rafdb").needs == "its folder (EmoLabel, Image)"


# Reading --------------------------------------------------------------------------------------


def test_predictions_beside_the_corpus_itself(tmp_path):
    corpus = FILES["rafdb"](tmp_path)
    rows = [{"id": "test_0000.jpg", "pred": "Happy"}, {"id": "stray", "pred": "sad"}]
    path = tmp_path / "p.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)))
    read = read_samples(task("rafdb"), path, corpus)
    assert [s.gold for s in read.samples] == ["happiness", "sadness", "anger"]
    assert [s.predicted for s in read.samples] == ["Happy", None, None]
    assert read.without_gold == ("stray",)
    report = evaluate(task("rafdb"), read.samples, Setting(), n_folds=10)
    assert report.scores[0].value == 100.0 and report.skipped == {"no prediction": 2}


def test_our_own_form_of_gold_is_still_read(tmp_path):
    (tmp_path / "g.csv").write_text("id,gt\na,anger\n")
    (tmp_path / "p.csv").write_text("id,pred\na,angry\n")
    read = read_samples(task("rafdb"), tmp_path / "p.csv", tmp_path / "g.csv")
    assert [(s.gold, s.predicted) for s in read.samples] == [("anger", "angry")]


def test_a_file_without_the_part_that_is_scored(tmp_path):
    (tmp_path / "list_patition_label.txt").write_text("train_00001.jpg 5\n")
    with pytest.raises(CorpusError, match="wanted samples of test that this task scores"):
        gold_of(task("rafdb"), tmp_path / "list_patition_label.txt")


@pytest.mark.parametrize(
    ("answer", "read"),
    [
        ("Happy", "happiness"), (["anger", "sad"], "anger"), ("sad.", "sad."), ("glad", "glad"),
        ("", ""), ("fearful", "fear"),
    ],
)  # fmt: skip
def test_one_word_has_two_forms_and_a_synonym_is_another_word(answer, read):
    assert in_set(answer, ["happiness", "anger", "fear"]) == read


# Protocols ------------------------------------------------------------------------------------


def test_iemocap_four_ways_is_session_five_with_excited_as_happy(tmp_path):
    golds = gold_of(task("iemocap-4"), FILES["iemocap"](tmp_path))
    assert [s.gold for s in golds] == ["happy", "happy", "sad"]
    assert {s.group for s in golds} == {"Ses05F"}


def test_megc_makes_three_classes_and_keeps_subjects_apart(tmp_path):
    golds = gold_of(task("megc"), FILES["megc"](tmp_path))
    assert {s.gold for s in golds} == {"positive", "negative", "surprise"}
    assert len({s.group for s in golds}) == 9


def test_megc_leaves_others_out(tmp_path):
    folder = FILES["megc"](tmp_path)
    micro(folder, "casme2", ("others", "repression", "happiness"))
    golds = [s for s in gold_of(task("megc"), folder) if s.sample_id.startswith("casme2")]
    assert [s.gold for s in golds] == ["negative", "positive"]


#  by hand: of three answers one is outside the set; dropped: 2 of 2, not dropped: 2 of 3
def test_ferv39k_keeps_or_drops_answers_outside_the_set():
    made = [Sample("a", "happy", "happy"), Sample("b", "sad", "sad"), Sample("c", "sad", "glum")]
    assert task("ferv39k").score(made, Setting()).values["WAR"] == pytest.approx(200 / 3)
    assert task("ferv39k-gpt4v").score(made, Setting()).values["WAR"] == 100.0


def test_disfa_counts_a_unit_from_two_on(tmp_path):
    weak = gold_of(task("disfa-au"), codes(tmp_path / "weak", "SN001", "1"))
    assert [len(s.gold) for s in weak] == [12, 0, 12]  # 0 and 1 only: presence was coded
    folder = codes(tmp_path / "strong", "SN001", "3")
    (folder / "SN001_au4.txt").write_text("1,1\n2,0\n3,2\n")
    strong = gold_of(task("disfa-au"), folder)
    assert [len(s.gold) for s in strong] == [11, 0, 12]
    report = task("disfa-au").score([replace(s, predicted=s.gold) for s in strong], Setting())
    assert report.values["macro F1"] == 100.0


def test_disfa_intensities(tmp_path):
    golds = gold_of(task("disfa-intensity"), codes(tmp_path, "SN001", "3"))
    assert golds[0].gold == [3.0] * 12 and golds[0].group == "SN001"
    half = [replace(s, predicted=[v / 2 for v in s.gold]) for s in golds]
    values = task("disfa-intensity").score(half, Setting()).values
    #  variances 2 and 0.5, covariance 1: ICC(3,1) is 2 / 2.5
    assert values["mean ICC"] == pytest.approx(0.8)


def test_bp4d_frames_that_are_not_coded_are_not_scored(tmp_path):
    golds = gold_of(task("bp4d-au"), bp4d(tmp_path))
    assert [s.gold and len(s.gold) for s in golds] == [12, [], None]
    assert golds[0].group == "F001"


def test_constants(tmp_path):
    golds = [Sample(str(k), [v, None], [v, 0.0]) for k, v in enumerate((0.0, 1.0))]
    constant = task("veatic").constant(golds, Setting())
    assert constant.said == ("valence=0.5000", "arousal=0.0000")
    texts = [Sample("a", "x y z", "x"), Sample("b", "x", "x"), Sample("c", "x y", "x")]
    assert task("smile").constant(texts, Setting()).said == "x y"
    pairs = [Sample("a", "a2", "a1"), Sample("b", "same", "a1"), Sample("c", "a2", "a1")]
    assert task("mer2026-prefer").constant(pairs, Setting()).said == "a2"


#  gold  said  turned  longer text
#  a1    a1    a2      a1
#  a2    a1    a1      a2
#  a2    a2    (none)  a1
def test_preferences_are_scored_both_ways_round_and_beside_the_longer_text(tmp_path):
    gold = tmp_path / "track3_emoprefer.csv"
    gold.write_text("name,a1,a2,preference\nx,long text,no,a1\ny,no,long text,a2\nz,long,no,a2\n")
    rows = [("x", "a1", "a2"), ("y", "a1", "a1"), ("z", "a2", None)]
    said = tmp_path / "p.jsonl"
    said.write_text("\n".join(json.dumps({"id": i, "pred": p, "swapped": s}) for i, p, s in rows))
    known = task("mer2026-prefer")
    report = evaluate(known, read_samples(known, said, gold).samples, Setting(), n_folds=10)
    values = {score.name: score.value for score in report.scores}
    assert values["accuracy 2-class"] == pytest.approx(200 / 3)
    assert values["swap consistency"] == 50.0
    assert report.baseline.said == "the longer text"
    longer = {score.name: score.value for score in report.baseline.scores}
    assert longer["accuracy 2-class"] == pytest.approx(200 / 3)
    assert longer["swap consistency"] != longer["swap consistency"]  # a rule is not asked twice
