"""ExpLLM's 1,534 descriptions held against the 24 values they were written from.

    python benchmarks/data_engine/expllm_claims.py ../shared/data/expcot_rafdb [--docs]

First the checker itself: a hundred sentences, drawn with a seed and read by hand before it saw any
of them (claims_read_by_hand.csv; a sentence is named by its hash, its text stays with the corpus).
Then all sentences that name a part of the face. --docs writes the tables into docs/data_engine.md.
"""

import csv
import hashlib
import math
import random
import re
import sys
from collections import Counter
from pathlib import Path

from demeanor.data_engine.au_claims import (
    Against,
    Sentence,
    Support,
    check_sentence,
    face_sentences,
)
from demeanor.explain.corpora.expllm import read_expllm
from demeanor.explain.corpora.items import Item

SEED, N_READ = 20261121, 100
BY_HAND = Path(__file__).with_name("claims_read_by_hand.csv")
DOCS = Path(__file__).resolve().parents[2] / "docs" / "data_engine.md"
BEGIN, END = "<!-- expllm:begin -->", "<!-- expllm:end -->"
Row = tuple[Item, int, Sentence]


def all_sentences(items: list[Item]) -> list[Row]:
    return [(i, n, s) for i in items for n, s in enumerate(face_sentences(i.text or ""))]


def drawn(rows: list[Row]) -> list[Row]:
    """The sentences that were read: the same as when they were drawn, or it stops."""
    pool = [(i.item_id, n, s.part, s.text) for i, n, s in rows]
    by_place = {(i.item_id, n): (i, n, s) for i, n, s in rows}
    return [by_place[key[:2]] for key in sorted(random.Random(SEED).sample(pool, N_READ))]


def read_by_hand(rows: list[Row]) -> list[Support]:
    with BY_HAND.open(encoding="utf-8", newline="") as stream:
        kept = {(r["item_id"], int(r["sentence"])): r for r in csv.DictReader(stream)}
    found = []
    for item, number, sentence in rows:
        row = kept[item.item_id, number]
        digest = hashlib.sha256(sentence.text.encode()).hexdigest()[:12]
        if digest != row["sentence_sha256"]:
            raise SystemExit(f"{item.item_id}: sentence {number} is not the one that was read")
        found.append(Support(row["verdict"]))
    return found


def verdict(row: Row) -> Support:
    item, _, sentence = row
    return check_sentence(sentence.text, item.extra["au"])[0]


def share(part: int, whole: int) -> str:
    """With Wilson's 95% interval: of ten sentences a share says little."""
    if not whole:
        return "none"
    p, z = part / whole, 1.96
    middle = (p + z * z / (2 * whole)) / (1 + z * z / whole)
    half = z * math.sqrt(p * (1 - p) / whole + z * z / (4 * whole**2)) / (1 + z * z / whole)
    return f"{p:.2f} [{max(0.0, middle - half):.2f}, {min(1.0, middle + half):.2f}], {part}/{whole}"


def checker_table(hand: list[Support], made: list[Support]) -> list[str]:
    lines = ["| verdict | precision | recall |", "|---|---|---|"]
    for kind in Support:
        both = sum(h is m is kind for h, m in zip(hand, made, strict=True))
        n_made, n_hand = made.count(kind), hand.count(kind)
        lines.append(f"| {kind} | {share(both, n_made)} | {share(both, n_hand)} |")
    agree = sum(h is m for h, m in zip(hand, made, strict=True))
    return [*lines, "", f"Agreement over all four: {share(agree, len(hand))}."]


def corpus_table(rows: list[Row]) -> list[str]:
    counts: dict[str, Counter[Support]] = {}
    for row in rows:
        for group in (row[2].part, f"label {row[0].gold}", "all"):
            counts.setdefault(group, Counter())[verdict(row)] += 1
    head = " | ".join(Support)
    lines = [f"| sentences | n | {head} | unsupported of those that can be checked |"]
    lines.append("|---|---:|---:|---:|---:|---:|---:|")
    for group, found in sorted(counts.items(), key=lambda item: -item[1].total()):
        cells = " | ".join(str(found[kind]) for kind in Support)
        told = found[Support.SUPPORTED] + found[Support.UNSUPPORTED]
        ratio = f"{found[Support.UNSUPPORTED] / told:.1%}" if told else "–"
        lines.append(f"| {group} | {found.total()} | {cells} | {ratio} |")
    return lines


def against_table(rows: list[Row]) -> list[str]:
    """Statements, of which a sentence may have several."""
    found: Counter[Against] = Counter()
    for item, _, sentence in rows:
        _, statements = check_sentence(sentence.text, item.extra["au"])
        found.update(s.against for s in statements if s.against)
    lines = ["| how the values speak against a statement | statements |", "|---|---:|"]
    return [*lines, *(f"| {kind} | {n} |" for kind, n in found.most_common())]


def rows_with(rows: list[Row]) -> str:
    bad = {row[0].item_id for row in rows if verdict(row) is Support.UNSUPPORTED}
    n = len({row[0].item_id for row in rows})
    return f"{len(bad)} of {n} descriptions hold at least one such sentence ({len(bad) / n:.0%})."


def report(folder: Path) -> str:
    items = list(read_expllm(folder))
    rows = all_sentences(items)
    read = drawn(rows)
    parts = [
        *checker_table(read_by_hand(read), [verdict(row) for row in read]),
        "",
        *corpus_table(rows),
        "",
        rows_with(rows),
        "",
        *against_table(rows),
    ]
    return "\n".join(parts)


def main(arguments: list[str]) -> None:
    text = report(Path(arguments[0]))
    print(text)
    if "--docs" in arguments:
        page = DOCS.read_text("utf-8")
        between = re.compile(rf"{BEGIN}.*?{END}", re.DOTALL)
        DOCS.write_text(between.sub(lambda _: f"{BEGIN}\n{text}\n{END}", page), "utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
