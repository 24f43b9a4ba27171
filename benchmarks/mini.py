"""What demeanor-mini can and cannot do, beside the rules, a linear model and a constant.

    python -m benchmarks.mini --model DIR [--shared ../shared] [--only drawn faces …] [--docs]

Everything it is measured on was kept from it: drawn clips of other seeds, people of fold 0,
comments of other splits and GoEmotions' dev file, ExpLLM's rows, EMER's texts. --docs writes the
tables into docs/mini.md.
"""

import argparse
import os
import random
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from tokenizers import Tokenizer

from benchmarks.eval import median, timed
from benchmarks.eval_runs import emer_run, with_runs
from benchmarks.perception.tables import markdown
from demeanor.data_engine.config import load_config
from demeanor.data_engine.mini.lessons import known_sets
from demeanor.data_engine.mini.make import BACKENDS, comments_or_ours, read_pictures
from demeanor.data_engine.mini.pictures import CLASSES, Classes, Picture
from demeanor.data_engine.perceive import Perceiver
from demeanor.data_engine.simulate.clips import Scenario, draw_clip
from demeanor.data_engine.simulate.labelling import scores
from demeanor.data_engine.sources import read_source
from demeanor.data_engine.split import TRAIN, VALIDATION, Shares
from demeanor.data_engine.tasks import Case, carrying, case_of, drawn_question
from demeanor.data_engine.words import comments
from demeanor.eval.calibration import calibration
from demeanor.eval.classification import accuracy, mean_recall
from demeanor.eval.grounding import grounding
from demeanor.eval.masking import mask_of
from demeanor.eval.resampling import by_group, intervals, paired
from demeanor.eval.tables import load_table
from demeanor.eval.tasks import Setting
from demeanor.eval.tasks.asked import ASKED
from demeanor.eval.text import number, span
from demeanor.explain.corpora.labels import label_set
from demeanor.explain.corpora.texts import read_goemotions
from demeanor.explain.demo import demo_clip
from demeanor.explain.pipeline import measure, reason
from demeanor.explain.reasoning.chain import explain_person
from demeanor.explain.reasoning.chat import ChatModel, Request
from demeanor.explain.reasoning.claims import read_cites
from demeanor.explain.reasoning.mini import Mini
from demeanor.explain.reasoning.prototype import Prototype
from demeanor.explain.reasoning.short_form import SAID, ask_reasons, renamed, short_form
from demeanor.explain.records import Channel, Explanation, LabelSet, Observation, Timeline
from demeanor.explain.result import Result
from demeanor.explain.settings import TimelineSettings
from demeanor.explain.store import save_result
from demeanor.explain.vocabulary import MOVEMENTS, VOICE_WORDS

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs" / "mini.md"
SEED = 990_001  # of drawn clips that nobody learnt from
SETTINGS = TimelineSettings(max_tokens=1500)
FIVE = LabelSet("five", CLASSES, {c: c for c in CLASSES}, "of the labelled pictures")
RAFDB = label_set("rafdb7")
CODES = (*MOVEMENTS, *VOICE_WORDS)
N_LINEAR = 3000  # drawn clips that the linear model is fitted on
_WORD = r"[\w']+|[!?]"
_MEDIA = (".mp4", ".mov", ".jpg", ".flac")
_CLAIMS = (
    "explains", "claims", "grounded", "misplaced", "unsupported", "ids not shown", "unreadable",
    "problems",
)  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """One sample: what is asked, and what would be right."""

    request: Request
    gold: str
    group: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Answered:
    label: str | None
    confidence: float | None
    explanation: Explanation | None = None


Answer = Callable[[Request], Answered]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--shared", type=Path, default=ROOT.parent / "shared")
    parser.add_argument("--model", type=Path, required=True, help="OUT/model of data_engine.mini")
    parser.add_argument("--only", nargs="*", choices=SECTIONS, default=list(SECTIONS))
    parser.add_argument("--samples", type=int, default=300, help="of drawn clips and texts")
    parser.add_argument("--docs", action="store_true")
    args = parser.parse_args()
    os.environ.setdefault("DEMEANOR_MODELS", str(args.shared / "data" / "models"))
    for name in args.only:
        text = SECTIONS[name](args)
        print(f"{text}\n", flush=True)
        if args.docs:
            marks = (
                f"<!-- {name}: python -m benchmarks.mini --docs -->",
                f"<!-- end of {name} -->",
            )
            page = DOCS.read_text("utf-8")
            DOCS.write_text(with_runs(page, f"{marks[0]}\n{text}\n{marks[1]}", *marks), "utf-8")


# Systems ----------------------------------------------------------------------------------------


def systems(args: argparse.Namespace) -> dict[str, Answer]:
    """Reasons for a label found before, free and held to their form; reasons that find the label;
    and the label alone."""
    free, held = Mini(args.model, held=False), Mini(args.model)
    reasons_first = Mini(args.model, label_first=False)
    return {
        "prototype": partial(reasons, Prototype()),
        "mini, free": partial(reasons, free),
        "mini, held": partial(reasons, held),
        "mini, reasons first": partial(reasons, reasons_first),
        "mini, label alone": partial(label_alone, held),
    }


def reasons(model: ChatModel, request: Request) -> Answered:
    found = explain_person(request, model)
    return Answered(found.best_fit, found.confidence, found)


def label_alone(model: Mini, request: Request) -> Answered:
    shares = model.label_shares(request)
    best = max(shares, key=lambda name: shares[name])
    return Answered(best, shares[best])


def linear(classes: Classes, request: Request) -> Answered:
    shares = classes.shares(request.observations)
    best = max(shares, key=lambda name: shares[name])
    return Answered(best, shares[best])


# Figures ----------------------------------------------------------------------------------------


def confusion(
    asked: Sequence[Asked], said: Sequence[Answered], labels: Sequence[str]
) -> np.ndarray:
    """(samples, labels, labels + 1): gold by answer; the last column holds what is no label."""
    found = np.zeros((len(asked), len(labels), len(labels) + 1))
    for n, (a, s) in enumerate(zip(asked, said, strict=True)):
        column = labels.index(s.label) if s.label in labels else len(labels)
        found[n, labels.index(a.gold), column] = 1
    return found


def figures(sums: np.ndarray) -> np.ndarray:
    """(..., 2): accuracy and mean recall, of (..., labels, labels + 1) sums."""
    return np.stack([accuracy(sums), mean_recall(sums)], axis=-1)


def compared(
    asked: Sequence[Asked],
    answers: dict[str, Answer],
    labels: Sequence[str],
    against: Sequence[str],
) -> str:
    groups = [a.group for a in asked]
    rows, kept, claims = [], {}, []
    for name, answer in answers.items():
        said = [answer(a.request) for a in asked]
        counts = by_group(confusion(asked, said, labels), groups)
        kept[name] = counts
        both = figures(counts.sum(axis=0))
        spans = intervals(counts, figures)
        told = [f"{v:.3f}{span_text(s)}" for v, s in zip(both, spans, strict=True)]
        sure = [(s, a) for s, a in zip(said, asked, strict=True) if s.confidence is not None]
        fit = calibration([s.confidence for s, _ in sure], [s.label == a.gold for s, a in sure])
        rows.append((name, *told, f"{fit.ece:.3f}", f"{len(said) - len(sure)}"))
        found = [s.explanation for s in said if s.explanation]
        if found:
            claims.append(claim_row(name, found, [a.request.observations for a in asked]))
    commonest = Counter(a.gold for a in asked).most_common(1)[0][1] / len(asked)
    rows.append(("the commonest label", f"{commonest:.3f}", f"{1 / len(labels):.3f}", "–", "–"))
    parts = [markdown(("answers", "accuracy", "UAR", "ECE", "no confidence"), rows)]
    if claims:
        parts.append(markdown(_CLAIMS, claims))
    for mine, other in product(("mini, held", "mini, label alone"), against):
        if other in kept and mine in kept:
            found = paired(kept[other], kept[mine], figures, ("accuracy", "UAR"))
            parts.append(
                f"{mine}, less {other} (paired): "
                + "; ".join(f"{d.name} {d.difference:+.3f}{span_text(d.interval)}" for d in found)
            )
    return "\n\n".join(parts)


def claim_row(
    name: str, found: Sequence[Explanation], seen: Sequence[Sequence[Observation]]
) -> tuple[str, ...]:
    share = grounding(found)
    strange = 0
    for explanation, observations in zip(found, seen, strict=True):
        known = {o.obs_id for o in observations}
        strange += sum(i not in known for i in read_cites(explanation.raw_reply))
    unread = sum(e.abstained_reason == "the model's reply could not be read" for e in found)
    problems = Counter(p.split(":")[0][:40] for e in found for p in e.problems)
    common = "; ".join(f"{p} {n}" for p, n in problems.most_common(2)) or "none"
    return (
        name, str(share.n_claims), f"{share.grounded:.3f}", f"{share.misplaced:.3f}",
        f"{share.unsupported:.3f}", str(strange), f"{unread} of {len(found)}", common,
    )  # fmt: skip


def span_text(span: tuple[float, float] | None) -> str:
    return f" [{span[0]:.3f}, {span[1]:.3f}]" if span else ""


# Drawn clips ------------------------------------------------------------------------------------


def cases(
    args: argparse.Namespace, n: int, weights: dict[Scenario, float] | None = None
) -> list[Case]:
    say = comments_or_ours(args.shared / "data" / "goemotions", VALIDATION)
    return [case_of(draw_clip(SEED, k, weights, say), SETTINGS) for k in range(n)]


def drawn(args: argparse.Namespace) -> str:
    answers = {**systems(args), "linear": linear_of_drawn(args)}
    asked, lively = (
        asked_of(cases(args, n, weights))
        for n, weights in ((args.samples, None), (args.samples // 2, {Scenario.LIVELY: 1.0}))
    )
    against = ("prototype", "linear")
    return (
        f"### Drawn clips\n\n{len(asked)} clips of people and comments that it did not learn from, "
        "asked for the labels of rafdb7. Right is what the observations support by the tables "
        f"that clips are drawn from (posterior.py), which mini was taught. *linear*: a logistic "
        f"regression on level and presence of every movement and sound of {N_LINEAR} clips; it "
        f"has no words.\n\n{compared(asked, answers, RAFDB.labels, against)}\n\n"
        f"Lively ones ({len(lively)}: 6 to 18 seconds, the same movements again and again):\n\n"
        + compared(lively, answers, RAFDB.labels, against)
    )


def asked_of(found: Sequence[Case]) -> list[Asked]:
    asked = []
    for case in found:
        if not case.weighed.abstains:
            shares = scores(case.weighed, RAFDB)
            request = replace(case.request(RAFDB), max_tokens=600)
            asked.append(Asked(request, max(shares, key=lambda n: shares[n]), case.clip.subject))
    return asked


# Real clips -------------------------------------------------------------------------------------


def clips(args: argparse.Namespace) -> str:
    """Nobody knows what is right there: whether claims say what was measured."""
    folder = args.shared / "data" / "clips"
    files = [f for f in sorted(folder.iterdir()) if f.suffix in _MEDIA]
    results = [measure(file, face=backend) for file in files for backend in BACKENDS]
    rows = []
    for name, model in (
        ("prototype", Prototype()),
        ("mini, free", Mini(args.model, held=False)),
        ("mini, held", Mini(args.model)),
    ):
        found = [(e, r) for r in results for e in reason(r, model, RAFDB).explanations]
        known = [r.observations for _, r in found]
        rows.append(claim_row(name, [e for e, _ in found], known))
    return (
        f"### Real clips\n\n{len(files)} clips and pictures as `mesh` and as `landmarker` measure "
        "them, whoever was seen longest. No label of them is known.\n\n" + markdown(_CLAIMS, rows)
    )


def linear_of_drawn(args: argparse.Namespace) -> Answer:
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    say = comments_or_ours(args.shared / "data" / "goemotions")
    x, y = [], []
    for k in range(N_LINEAR):
        case = case_of(draw_clip(0, k, say=say), SETTINGS)
        if not case.weighed.abstains:
            found = scores(case.weighed, RAFDB)
            x.append(levels(case.seen.observations))
            y.append(max(found, key=lambda n: found[n]))
    fit = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=1000)).fit(x, y)

    def answer(request: Request) -> Answered:
        shares = fit.predict_proba([levels(request.observations)])[0]
        return Answered(str(fit.classes_[shares.argmax()]), float(shares.max()))

    return answer


def levels(observations: Sequence[Observation]) -> np.ndarray:
    """(2 * codes,): the highest level of each movement and sound, and whether it is there."""
    found = np.zeros((len(CODES), 2))
    for o in observations:
        if o.peak is not None and o.code in CODES:
            row = found[CODES.index(o.code)]
            row[:] = max(row[0], o.peak) if row[1] else o.peak, 1.0
    return found.ravel()


# Faces ------------------------------------------------------------------------------------------


def faces(args: argparse.Namespace) -> str:
    parts = ["### Faces of people whom it did not learn from"]
    for backend in BACKENDS:
        folder = args.shared / "data" / "faces"
        told = partial(print, file=sys.stderr)
        held = read_pictures(folder, backend, held_out=True, tell=told)
        fitted = Classes(read_pictures(folder, backend, held_out=False, tell=told))
        asked = [Asked(picture_request(p), p.label, p.identity) for p in held]
        known = ("prototype", "mini, label alone")  # its reasons go with that label
        answers = {name: answer for name, answer in systems(args).items() if name in known}
        answers["linear"] = partial(linear, fitted)
        people = len({p.identity for p in held})
        parts.append(
            f"`{backend}`: {len(asked)} pictures of {people} people (fold 0), five classes. "
            "*linear*: a softmax regression on the same observations, fitted on the other folds; "
            "mini learnt from what it says of them.\n\n"
            + compared(asked, answers, CLASSES, ("prototype", "linear"))
        )
    return "\n\n".join(parts)


def picture_request(picture: Picture) -> Request:
    text = Timeline("p1", "", (), 0, 0)
    return Request("picture", "p1", text, picture.observations, picture.gaps, FIVE, 600, 0)


def rafdb(args: argparse.Namespace) -> str:
    """ExpLLM's rows: 24 values of another program for RAF-DB's pictures."""
    config = load_config(
        "expllm", [f"source.path={args.shared / 'data' / 'expcot_rafdb'}", "source.lossy=true"]
    )
    perceiver, asked = Perceiver(config.perception), []
    for sample in read_source(config.source).samples:
        if sample.item.gold in RAFDB.labels:
            seen = perceiver.perceive(sample)
            asked.append(Asked(seen.request(RAFDB, 600, 0), str(sample.item.gold)))
    answers = systems(args)
    some = few(asked, args.samples)
    whole = {k: v for k, v in answers.items() if k in ("prototype", "mini, label alone")}
    return (
        "### Another corpus, another front end\n\n"
        f"{len(asked)} of ExpLLM's rows of RAF-DB: FEAFA's 24 values as FACS units, never "
        "learnt from. Linear models that are fitted there reach .65 accuracy and .45 UAR "
        f"(shared notes).\n\n{compared(asked, whole, RAFDB.labels, ())}\n\n"
        f"With reasons, {len(some)} of them:\n\n"
        + compared(some, answers, RAFDB.labels, ("prototype",))
    )


# Words ------------------------------------------------------------------------------------------


def words(args: argparse.Namespace) -> str:
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression

    folder, model = args.shared / "data" / "goemotions", Mini(args.model)
    split = comments(folder, Shares())
    train = split[TRAIN]
    dev, chosen_on = (
        few(items, 10 * args.samples)
        for items in (list(read_goemotions(folder / "dev.tsv")), split[VALIDATION])
    )
    bag = TfidfVectorizer(min_df=2, sublinear_tf=True, token_pattern=_WORD)
    counts = bag.fit_transform([i.text or "" for i in train])
    rows, gaps = [], []
    for name, labels in (
        ("28 labels", known_sets()["goemotions28"]),
        ("7", known_sets()["ekman7"]),
    ):
        chosen = LabelSet("goemotions28" if len(labels) > 7 else "ekman7", labels, {}, "")
        every = golds(train, labels)
        models = [
            LogisticRegression(C=3, class_weight="balanced", solver="liblinear").fit(counts, column)
            for column in every.T
        ]
        gold, gold_in = (golds(items, labels) for items in (dev, chosen_on))
        by_mini, by_bag = (
            [answer([i.text or "" for i in items]) for items in (dev, chosen_on)]
            for answer in (partial(word_shares, model, chosen), partial(bag_shares, bag, models))
        )
        told = [marked(gold, said, gold_in, said_in) for said, said_in in (by_mini, by_bag)]
        rows.append((name, "mini", *f1_told(gold, by_mini[0], told[0])))
        rows.append((name, "bag of words", *f1_told(gold, by_bag[0], told[1])))
        (gap,) = paired(told[1], told[0], macro_f1, ("macro-F1",))
        gaps.append(f"{name}: macro-F1 {gap.difference:+.3f}{span_text(gap.interval)}")
    return (
        f"### Words\n\n{len(dev)} comments of GoEmotions' dev file. Macro-F1: with a threshold for "
        f"each label, chosen on {len(chosen_on)} comments of the training file that neither learnt "
        "from, and with one of .5. Bag of words: a logistic regression for each label, classes "
        "balanced, fitted on the comments that mini learnt from.\n\n"
        + markdown(("labels", "answers", "macro-F1", "at .5", "first label right"), rows)
        + f"\n\nmini, less bag of words (paired): {'; '.join(gaps)}"
    )


def word_shares(model: Mini, labels: LabelSet, texts: Sequence[str]) -> np.ndarray:
    """(texts, labels)"""
    return np.array([list(model.word_shares(text, labels).values()) for text in texts])


def bag_shares(bag: Any, models: Sequence[Any], texts: Sequence[str]) -> np.ndarray:
    """(texts, labels)"""
    counts = bag.transform(texts)
    return np.column_stack([m.predict_proba(counts)[:, 1] for m in models])


def few(items: Sequence[Any], n: int) -> Sequence[Any]:
    return items[:: max(1, len(items) // n)]


def best_cut(gold: np.ndarray, said: np.ndarray) -> float:
    """Of the scores as they lie, since what answers may be sure or not."""
    cuts = np.quantile(said, np.linspace(0.5, 1.0, 201))
    return float(max(cuts, key=lambda t: f1(gold, said > t)))


def golds(items: Sequence[Any], labels: Sequence[str]) -> np.ndarray:
    from demeanor.data_engine.words import COARSE_OF

    found = np.zeros((len(items), len(labels)), bool)
    for n, item in enumerate(items):
        for name in item.gold:
            found[n, labels.index(name if name in labels else COARSE_OF[name])] = True
    return found


def marked(
    gold: np.ndarray, said: np.ndarray, gold_in: np.ndarray, said_in: np.ndarray
) -> np.ndarray:
    """(texts, labels, 3): told rightly, right, told; with a threshold for each label, chosen on
    the second pair."""
    cuts = [best_cut(g, s) for g, s in zip(gold_in.T, said_in.T, strict=True)]
    told = said > np.array(cuts)
    return np.stack([gold & told, gold, told], axis=-1).astype(float)


def macro_f1(sums: np.ndarray) -> np.ndarray:
    """(..., 1), of (..., labels, 3) sums."""
    both, right, told = np.moveaxis(sums, -1, 0)
    return (2 * both / np.maximum(right + told, 1)).mean(axis=-1, keepdims=True)


def f1_told(gold: np.ndarray, said: np.ndarray, counts: np.ndarray) -> tuple[str, ...]:
    chosen = float(macro_f1(counts.sum(axis=0))[0])
    half = np.mean([f1(g, s > 0.5) for g, s in zip(gold.T, said.T, strict=True)])
    top = gold[np.arange(len(gold)), said.argmax(axis=1)].mean()
    return f"{chosen:.3f}", f"{half:.3f}", f"{top:.3f}"


def f1(gold: np.ndarray, said: np.ndarray) -> float:
    both = 2 * (gold & said).sum()
    return float(both / (gold.sum() + said.sum())) if both else 0.0


# Written clues ----------------------------------------------------------------------------------


def clues(args: argparse.Namespace) -> str:
    """EMER's texts with emotion words hidden, as words that were said."""
    items = ASKED["emer"].read(args.shared / "data" / "emer", None)
    mask = mask_of(load_table("d1"), [label for item in items for label in item.gold])
    raw = args.shared / "knowledge" / "ov_mer" / "raw"
    rows = []
    for version, table in (("d1", load_table("d1")), ("v2026", load_table("v2026", raw))):
        with TemporaryDirectory() as out:
            for name, chat in (("prototype", Prototype()), ("mini, held", Mini(args.model))):
                report = emer_run(items, chat, mask, Setting(table), Path(out)).report
                constant = report.baseline
                beside = number(constant.scores[0].value) if constant else "–"
                score = report.scores[0]
                n = f"{report.n_scored} of {len(report.rows)}"
                rows.append((version, name, number(score.value), span(score), beside, n))
    return (
        f"### Written clues\n\n{len(items)} texts of EMER-V2, emotion words hidden ({mask.name}), "
        "EW-F L1 against their open labels. Neither was made for such texts: mini reads the "
        "movements and sounds that one names and what it quotes, which was chosen with these "
        "texts in view.\n\n"
        + markdown(("table", "what answers", "EW-F L1", "95%", "constant", "scored"), rows)
    )


# Questions and evidence taken away --------------------------------------------------------------


def questions(args: argparse.Namespace) -> str:
    model, draw = Mini(args.model), random.Random(SEED)
    counts: Counter[str] = Counter()
    right: Counter[str] = Counter()
    for case in cases(args, 4 * args.samples):
        found = drawn_question(case, draw)
        if found is None or found.kind == "unmeasured" or sum(counts.values()) >= args.samples:
            continue
        counts[found.kind] += 1
        seen = case.seen
        said = model.answer(seen.person, seen.observations, seen.not_measured, found.question)
        right[found.kind] += same_facts(found.answer, said)
    rows = [(kind, str(n), f"{right[kind] / n:.2f}") for kind, n in sorted(counts.items())]
    total = sum(counts.values())
    rows.append(("all", str(total), f"{sum(right.values()) / total:.2f}"))
    return (
        "### Follow-up questions, answered by the model itself\n\nRight: the same ids, units, "
        "letters and yes or no, and every number within .2 of what a query finds. The page answers "
        "from the query, not from this.\n\n" + markdown(("kind", "asked", "right"), rows)
    )


def same_facts(wanted: str, said: str) -> bool:
    one, other = facts(wanted), facts(said)
    if one[0] != other[0] or len(one[1]) != len(other[1]):
        return False
    return all(abs(a - b) <= 0.2 for a, b in zip(one[1], other[1], strict=True))


def facts(text: str) -> tuple[set[str], list[float]]:
    names = set(re.findall(r"\b[fvs]\d+\b|AU\d+|\b[A-E]\b", text))
    names |= {"no"} if re.search(r"\b(no|not)\b", text, re.I) else set()
    plain = re.sub(r"\b[fvs]\d+\b|AU\d+|\(.*?\d{4}\)", "", text)
    return names, sorted(float(n) for n in re.findall(r"\d+(?:\.\d+)?", plain))


def taken_away(args: argparse.Namespace) -> str:
    model = Mini(args.model)
    changed: list[bool] = []
    agreed: list[bool] = []
    for case in cases(args, 2 * args.samples):
        if case.weighed.abstains or not (taken := carrying(case)):
            continue
        less = case.without(taken)
        before, after = (
            explain_person(replace(c.request(RAFDB), max_tokens=600), model) for c in (case, less)
        )
        wanted = [scores(c.weighed, RAFDB) for c in (case, less)]
        best = [max(w, key=lambda n: w[n]) for w in wanted]
        if best[0] != best[1]:
            changed.append(before.best_fit != after.best_fit)
            agreed.append(after.best_fit == best[1])
        if len(changed) >= args.samples // 2:
            break
    bare = []
    for case in cases(args, args.samples // 3):
        for channel in Channel:
            case = case.lacking(channel)
        bare.append(explain_person(replace(case.request(RAFDB), max_tokens=600), model).abstained)
    rows = [
        ("the label changes when what carried it is taken away", len(changed), np.mean(changed)),
        ("and becomes what is left", len(agreed), np.mean(agreed)),
        ("abstains when nothing is left", len(bare), np.mean(bare)),
    ]
    return "### Evidence taken away\n\n" + markdown(
        ("mini, held", "clips", "share"), [(a, str(n), f"{v:.2f}") for a, n, v in rows]
    )


# Speed ------------------------------------------------------------------------------------------


_FIRST = """
import sys
from pathlib import Path
from demeanor.explain.corpora.labels import label_set
from demeanor.explain.pipeline import load_chat, reason
from demeanor.explain.store import load_result
chat = load_chat("mini:" + sys.argv[2])
reason(load_result(Path(sys.argv[1])), chat, label_set("rafdb7"))
"""


def speed(args: argparse.Namespace) -> str:
    """The demo clip's observations explained by a fresh process, and warm beside `generate`."""
    result, model = measure(demo_clip()), Mini(args.model)
    with TemporaryDirectory() as folder:
        file = save_result(result, Path(folder) / "result.json")
        line = [sys.executable, "-c", _FIRST, str(file), str(args.model)]
        fresh = np.array([timed(partial(subprocess.run, line, check=True)) for _ in range(7)])
    ids, n_tokens = written_by(args.model, model, result)
    generated = plain_generate(args, ids, n_tokens)
    pairs = []
    explained = partial(reason, result, model, RAFDB)
    for turn in range(9):
        if turn % 2:
            pairs.append((timed(explained), timed(generated)))
        else:
            pairs.append((timed(generated), timed(explained))[::-1])
    ours, plain = np.array(pairs[1:]).T  # the first for the caches
    to_300 = 300 / n_tokens
    rows = [
        ("a fresh process: Python, loading, all of it, s", *median(fresh)),
        ("the same, reckoned for 300 tokens, s", *median(fresh + ours.mean() * (to_300 - 1))),
        ("warm, s", *median(ours)),
        ("the same, reckoned for 300 tokens, s", *median(ours * to_300)),
        ("warm, tokens a second", *median(n_tokens / ours)),
        ("transformers' `generate`, warm, tokens a second", *median(n_tokens / plain)),
        ("warm, times as fast as `generate`", *median(plain / ours)),
    ]
    return (
        f"### Speed\n\nThe demo clip's observations ({len(ids)} tokens with the question) "
        f"explained in {n_tokens} tokens, two processor cores; {len(fresh)} fresh processes, "
        f"{len(ours)} interleaved pairs of `reason` and a plain `generate` of as many tokens; "
        "median and 95% interval.\n\n" + markdown(("", "median", "95%"), rows)
    )


def written_by(folder: Path, model: Mini, result: Result) -> tuple[list[int], int]:
    """What the model is shown of the demo clip, as tokens, and how many its reply has."""
    own = [o for o in result.observations if o.person in ("p1", None)]
    seen, _ = renamed("p1", own)
    shown = short_form("p1", seen, result.measurement.not_measured)
    tokens = Tokenizer.from_file(str(folder / "tokenizer.json"))
    reply = reason(result, model, RAFDB).explanations[0].raw_reply
    ids = tokens.encode(shown).ids + tokens.encode(ask_reasons(["rafdb7"])).ids
    return ids, len(tokens.encode(re.sub("“[^”]*”", SAID, reply)).ids)


def plain_generate(args: argparse.Namespace, ids: list[int], n: int) -> Callable[[], Any]:
    import torch
    from transformers import LlamaForCausalLM

    model = LlamaForCausalLM.from_pretrained(args.model, dtype=torch.float32).eval()

    @torch.inference_mode()
    def generate() -> None:
        model.generate(torch.tensor([ids]), max_new_tokens=n, min_new_tokens=n, do_sample=False)

    return generate


SECTIONS: dict[str, Callable[[argparse.Namespace], str]] = {
    "drawn": drawn,
    "clips": clips,
    "faces": faces,
    "rafdb": rafdb,
    "words": words,
    "clues": clues,
    "questions": questions,
    "taken": taken_away,
    "speed": speed,
}

if __name__ == "__main__":
    main()
