"""The rules through the task machinery: on written clues, on faces, on the demo clip.

    python -m benchmarks.eval_runs [--shared ../shared] [--out runs] [--docs]

Everything goes through `demeanor eval`'s own run folders, so that a second call takes up what a
first one left. With --docs the figures go into docs/evaluation.md, between its two marks.
"""

import argparse
import csv
import os
from pathlib import Path

import cv2

from benchmarks.perception.measured import CLASSES
from benchmarks.perception.tables import markdown
from demeanor.eval.ablation import Compared, ablate, headline_difference
from demeanor.eval.answering import CLOSED, OPEN, System
from demeanor.eval.extraction import RuleExtractor
from demeanor.eval.judge import KINDS, BuiltinJudge, Judging, Pair, explained, judge_pairs
from demeanor.eval.leakage import check
from demeanor.eval.masking import Mask, mask_of
from demeanor.eval.report import Origin, Report, evaluate
from demeanor.eval.runs import Options, Run, folder_of, run
from demeanor.eval.scores import Sample
from demeanor.eval.tables import WordTable, load_table
from demeanor.eval.tasks import Setting
from demeanor.eval.tasks.asked import ASKED
from demeanor.eval.text import number, span
from demeanor.explain.corpora.items import HELD, Item
from demeanor.explain.corpora.labels import label_set
from demeanor.explain.near_pictures import MAX_BITS
from demeanor.explain.pipeline import load_chat, load_front
from demeanor.explain.reasoning.chat import ChatModel

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs" / "evaluation.md"
BEGIN, END = "<!-- runs: python -m benchmarks.eval_runs --docs -->", "<!-- end of runs -->"
LABELS = label_set("rafdb7")
BACKENDS = ("mesh", "landmarker")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--shared", type=Path, default=ROOT.parent / "shared")
    parser.add_argument("--out", type=Path, default=ROOT / "runs")
    parser.add_argument("--docs", action="store_true", help="write docs/evaluation.md")
    args = parser.parse_args()
    os.environ.setdefault("DEMEANOR_MODELS", str(args.shared / "data" / "models"))
    tables = {
        "d1": load_table("d1"),
        "v2026": load_table("v2026", args.shared / "knowledge" / "ov_mer" / "raw"),
    }
    parts = [
        "## What the rules score",
        "The rule-based `prototype`, run by `python -m benchmarks.eval_runs`; each row is a run "
        "folder with its card. What\ndemeanor-mini scores stands in [mini.md](mini.md).",
        emer(args.shared / "data" / "emer", tables, args.out),
        faces(args.shared / "data" / "faces", args.out),
        clips(tables["d1"], args.out),
    ]
    text = "\n\n".join([BEGIN, *parts, END])
    print(text)
    if args.docs:
        DOCS.write_text(with_runs(DOCS.read_text(), text))


def with_runs(page: str, text: str, begin: str = BEGIN, end: str = END) -> str:
    """The page with this in place of what stood between the marks, or at its end."""
    before, mark, rest = page.partition(begin)
    after = rest.partition(end)[2] if mark else "\n"
    return f"{before.rstrip()}\n\n{text}{after}"


def kept(page: str, old: str) -> str:
    """A page made anew, with what the old one had between the marks."""
    _, mark, rest = old.partition(BEGIN)
    inside, end, _ = rest.partition(END)
    return with_runs(page, mark + inside + end) if end else page


# Written clues --------------------------------------------------------------------------------


def emer(folder: Path, tables: dict[str, WordTable], out: Path) -> str:
    """Masked and unmasked, under both tables; beside them the words of the unmasked text."""
    asked = ASKED["emer"]
    items = asked.read(folder, None)
    mask = mask_of(load_table("d1"), [label for item in items for label in item.gold])
    rows, apart = [], []
    for version, table in tables.items():
        setting = Setting(table)
        masked, unmasked = (
            emer_run(items, load_chat("prototype"), hidden, setting, out) for hidden in (mask, None)
        )
        words = _words_of(items, table, setting)
        for name, report in (
            ("prototype, emotion words masked", masked.report),
            ("prototype, unmasked", unmasked.report),
            ("no reasoner: words found in the unmasked text", words),
        ):
            constant = report.baseline
            beside = number(constant.scores[0].value) if constant else "–"
            score = report.scores[0]
            n = f"{report.n_scored} of {len(report.rows)}"
            rows.append((version, name, number(score.value), span(score), beside, n))
        found = headline_difference(masked.report, unmasked.report)
        if found and found.interval:
            low, high = found.interval
            apart.append(f"{version} {found.difference:+.2f} [{low:+.2f}, {high:+.2f}]")
    apart_text = "; ".join(apart)
    answers = masked.answers.values()
    neutral = sum(answer.predicted == ["neutral"] for answer in answers)
    return "\n\n".join(
        [
            "### EMER's written clues",
            f"{len(items)} texts of EMER-V2, EW-F L1 against their open labels. The texts are "
            f"people's, checked by hand, and hold the answer: with the emotion words of d1, of the "
            f"gold labels and of the reasoner's own list hidden ({mask.name}: "
            f"{hidden_share(items, mask):.1%} of the words), what is left are movements, sounds "
            "and what was said.",
            markdown(("table", "what answers", "EW-F L1", "95%", "constant", "scored"), rows),
            f"Unmasking adds {apart_text} (paired). Masked, {neutral} of {len(items)} answers are "
            "*neutral*, which wheels of v2026 do not hold: the rules need patterns of several "
            "movements, and a text names one or two. A figure below the constant answer shows no "
            "understanding of the text; it is the floor that language models are held against.",
            clue_channels(items, mask, tables["d1"], out),
            judged(items, masked, unmasked),
        ]
    )


def clue_channels(items: tuple[Item, ...], mask: Mask, table: WordTable, out: Path) -> str:
    """What of the masked texts helps: movements named, changes of voice named, or the rest."""
    system = System(load_chat("prototype"), LABELS, OPEN, mask=mask)
    task = ASKED["emer"].task
    found = ablate(task, items, system, Setting(table), out, Options(workers=2))
    rows = []
    for name, made, apart in zip(found.names, found.runs, found.differences, strict=True):
        score = made.report.scores[0]
        between = ("–", "–", "–")
        if apart is not None and apart.interval is not None:
            low, high = apart.interval
            between = (f"{apart.difference:+.2f}", f"{low:+.2f} to {high:+.2f}", f"{apart.p:.4f}")
        rows.append((name, number(score.value), span(score), *between))
    head = ("channels", "EW-F L1 (d1)", "95%", "less all", "95%", "p")
    return "\n\n".join(
        [
            "The masked texts by channel (`demeanor eval emer --ablate`). *face*: movements that a "
            "sentence names; *voice*: changes of the voice that it names; *words*: the sentences "
            "themselves, quotations among them. Paired over samples.",
            markdown(head, rows),
        ]
    )


def judged(items: tuple[Item, ...], masked: Run, unmasked: Run) -> str:
    """The built-in judge on the reasoner's explanations beside the texts they were made from."""
    texts = {item.item_id: item.text or "" for item in items}
    rows = []
    for name, done in (("masked", masked), ("unmasked", unmasked)):
        pairs = [
            Pair(key, texts[key], explained(answer.explanation))
            for key, answer in done.answers.items()
            if answer.explanation
        ]
        for kind in KINDS:
            judge = BuiltinJudge(kind)
            folder = done.folder / f"judge-{kind}-builtin"
            report, _ = judge_pairs(pairs, judge, kind, folder, Judging())
            overlap, other, *_ = report.scores
            n = f"{report.n_scored} of {len(report.rows)}"
            cells = (number(overlap.value), span(overlap), number(other.value), n)
            rows.append((f"{kind}, {name}", *cells))
    return "\n\n".join(
        [
            "How far the explanations name what the whole text names, 1 to 10, as the built-in "
            "judge says (`demeanor eval judge RUN --references rows.jsonl`). *other*: beside the "
            "text of another sample, which is what chance gives: only the distance from it says "
            "anything. The judge shares its tables of cues with the reasoner; how far a language "
            "model or a person would agree with it is unknown.",
            markdown(("what", "overlap", "95%", "other", "scored"), rows),
        ]
    )


def emer_run(
    items: tuple[Item, ...], chat: ChatModel, mask: Mask | None, setting: Setting, out: Path
) -> Run:
    system = System(chat, LABELS, OPEN, mask=mask)
    return _run("emer", items, system, setting, out)


def _run(name: str, items: tuple[Item, ...], system: System, setting: Setting, out: Path) -> Run:
    task = ASKED[name].scored_with(system.labels)
    folder = folder_of(out, task, system, items, setting)
    return run(task, items, system, setting, folder, Options(workers=2))


def _words_of(items: tuple[Item, ...], table: WordTable, setting: Setting) -> Report:
    rule = RuleExtractor(table)
    samples = [Sample(i.item_id, i.gold, rule.labels(i.text or "")) for i in items]
    return evaluate(ASKED["emer"].task, samples, setting, Origin(extractor=rule.name))


def hidden_share(items: tuple[Item, ...], mask: Mask) -> float:
    """Of all words."""
    hidden = sum(mask.hide(item.text or "").count("____") for item in items)
    return hidden / sum(len((item.text or "").split()) for item in items)


# Faces ----------------------------------------------------------------------------------------


def faces(folder: Path, out: Path) -> str:
    asked = ASKED["faces"]
    everybody = asked.read(_manifest(folder, out / "faces.csv"), None)
    checked = check(everybody)
    items = tuple(item for item in everybody if item.split == HELD)
    runs = {backend: _faces_run(items, backend, out) for backend in BACKENDS}
    people = len({item.subject for item in items})
    leaks = ", ".join(f"{kind}: {n}" for kind, n in checked.kinds.items()) or "nothing is shared"
    failed = sum(len(done.failures) for done in runs.values())
    return "\n\n".join(
        [
            "### Faces",
            f"{len(items)} pictures of {people} people whom no weight of perception was fitted to "
            f"(fold 0; 350 x 350 pixels, five classes), one picture an answer: no own usual, no "
            f"voice, no words. {failed} could not be answered. The labels are students' and "
            "noisy. How far an intensity counts in the reasoner was chosen on other people, an "
            "earlier choice with these in view (docs/perception.md).",
            markdown(("score", *_face_head(), "constant"), _face_rows(runs)),
            _backends_apart(runs),
            f"Fold 0 against the other folds: {leaks} ({checked.n_pictures} pictures compared; a "
            f"copy is what differs in at most {MAX_BITS} of 256 bits).",
        ]
    )


def _faces_run(items: tuple[Item, ...], backend: str, out: Path) -> Run:
    system = System(load_chat("prototype"), LABELS, CLOSED, front=load_front(backend))
    return _run("faces", items, system, Setting(), out)


def _face_head() -> list[str]:
    return [cell for backend in BACKENDS for cell in (f"{backend}, %", "95%, by people")]


def _face_rows(runs: dict[str, Run]) -> list[tuple[str, ...]]:
    first = next(iter(runs.values())).report
    rows = []
    for k, score in enumerate(first.scores):
        if score.value != score.value:  # a class that gold does not have
            continue
        both = [done.report.scores[k] for done in runs.values()]
        constant = first.baseline.scores[k] if first.baseline else None
        cells = [cell for s in both for cell in (number(s.value), span(s))]
        rows.append((score.name, *cells, number(constant.value if constant else None)))
    return rows


def _backends_apart(runs: dict[str, Run]) -> str:
    one, other = (done.report for done in runs.values())
    found = headline_difference(one, other)
    if found is None or found.interval is None:
        return "The two backends share too few samples to be compared."
    low, high = found.interval
    return (
        f"{BACKENDS[1]} less {BACKENDS[0]}, {found.name}, paired over people: "
        f"{found.difference:+.2f} [{low:+.2f}, {high:+.2f}], p {found.p:.4f}."
    )


def _manifest(folder: Path, path: Path) -> Path:
    """The pictures that SOURCE.md calls fit: of one size, of five classes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with (folder / "labels.csv").open() as read, path.open("w", newline="") as write:
        rows = csv.writer(write)
        rows.writerow(("id", "path", "label", "subject"))
        for row in csv.DictReader(read):
            image = folder / "images" / row["image"]
            if row["label"] in CLASSES and _is_square(image):
                rows.writerow((row["image"], image.resolve(), row["label"], row["identity"]))
    return path


def _is_square(image: Path) -> bool:
    picture = cv2.imread(str(image))
    return picture is not None and picture.shape[:2] == (350, 350)


# The demo clip --------------------------------------------------------------------------------


def clips(table: WordTable, out: Path) -> str:
    asked = ASKED["clips"]
    items = asked.read(None, None)
    system = System(load_chat("prototype"), LABELS, OPEN, front=load_front(BACKENDS[0]))
    found = ablate(asked.task, items, system, Setting(table), out, Options())
    said = found.runs[0].answers["demo"].predicted
    return "\n\n".join(
        [
            "### The demo clip, by channel",
            f"One rendered clip: it shows the machinery, and no figure of it says anything about "
            f"clips. Its script renders *surprise* and *happiness*; the reasoner says "
            f"*{', '.join(said)}*.",
            markdown(("channels", "EW-F L1 (d1)", "said"), _channel_rows(found)),
        ]
    )


def _channel_rows(found: Compared) -> list[tuple[str, str, str]]:
    return [
        (
            name,
            number(made.report.scores[0].value),
            ", ".join(made.answers["demo"].predicted) or "no label: it abstains",
        )
        for name, made in zip(found.names, found.runs, strict=True)
    ]


if __name__ == "__main__":
    main()
