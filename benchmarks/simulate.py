"""What the simulator draws, beside what it was made from.

    python -m benchmarks.simulate            tables into docs/data_engine.md, and on the screen
    python -m benchmarks.simulate --fit      noise of the front end anew, from docs/perception.md

`--fit` writes data_engine/simulate/front_end.csv and cross_talk.csv. For each unit a line
(measured = gain x true - offset, plus noise) that has the published level at E, the published
rank correlation, and the published share of renders in which the unit reaches B.
"""

import csv
import json
import math
import os
import random
import re
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.perception.tables import markdown
from demeanor.data_engine import mixture
from demeanor.data_engine.check import run_checks
from demeanor.data_engine.mixture import clip_rows, load_mixture, mix
from demeanor.data_engine.simulate.clips import draw_clip
from demeanor.data_engine.simulate.face import Shown, View, events, movements
from demeanor.data_engine.simulate.labelling import scores
from demeanor.data_engine.simulate.tables import EXCLUDE, coarse_names, patterns, units
from demeanor.data_engine.tasks import case_of
from demeanor.explain.corpora.labels import label_set
from demeanor.explain.reasoning.prototype import Prototype
from demeanor.explain.records import Span
from demeanor.explain.settings import load_settings

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "docs" / "perception.md"
TABLES = ROOT / "data_engine" / "simulate"
BACKENDS = ("mesh", "landmarker")
B = 1.5  # where the letter begins
AT_E = 4.5  # mean true level of renders with a weight above .8
SPREAD = 5 / math.sqrt(12)  # standard deviation of weights drawn evenly from 0 to E
PAGE = ROOT / "docs" / "data_engine.md"
BEGIN, END = "<!-- begin: python -m benchmarks.simulate -->", "<!-- end -->"
DU = "Du, Tao & Martinez 2014"
N_FACES, N_CLIPS, N_CHECKED, N_SPEED = 4000, 2500, 900, 12_000


def fit() -> None:
    """Noise of the front end, from the tables in docs/perception.md."""
    text = SOURCE.read_text("utf-8")
    units, talk = [], []
    for backend in BACKENDS:
        part = text.split(f"## Action units, backend `{backend}`")[1].split("\n## ")[0]
        followed, alarms, fires = list(_tables(part))[:3]
        alarm = {row["unit"]: float(row["percent"]) for row in alarms}
        reached = {row["shown"]: row for row in fires}
        for row in followed:
            code = row["unit"]
            hit = float(reached[code][code]) / 100 if code in reached else _reached(row)
            units.append([backend, code, *_line(row, hit), alarm[code]])
        for row in fires:
            for code, percent in row.items():
                if code not in ("shown", row["shown"]) and float(percent) >= 1:
                    talk.append([backend, row["shown"], code, percent])
    names = "backend code gain offset noise noise_unknown_rest false_alarm_percent".split()
    _write("front_end.csv", names, units)
    _write("cross_talk.csv", ["backend", "shown", "fires", "percent"], talk)


def _reached(row: dict[str, str]) -> float:
    """Of AU25 no share is published: that of a line through the origin."""
    return 1 - B / 5 / (float(row["level at E"]) / AT_E)


def _line(row: dict[str, str], hit: float) -> list[float]:
    """gain, offset, noise with the own rest known and without it."""
    known, unknown = float(row["rho neutral known"]), float(row["rho neutral unknown"])
    level = float(row["level at E"])
    low, high = -0.6, 1.5  # beyond, a line is no picture of what happens
    for _ in range(40):  # the offset at which as many renders reach B as were counted
        offset = (low + high) / 2
        gain = max(0.05, (level + offset) / AT_E)
        noise = _noise(gain, known)
        if _share_above(B, gain, offset, noise) > hit:
            low = offset
        else:
            high = offset
    return [round(v, 3) for v in (gain, offset, noise, _noise(gain, unknown))]


def _noise(gain: float, correlation: float) -> float:
    return gain * SPREAD * math.sqrt(1 / correlation**2 - 1)


def _share_above(level: float, gain: float, offset: float, noise: float) -> float:
    true = [(k + 0.5) / 40 for k in range(200)]
    above = [0.5 * math.erfc((level + offset - gain * t) / noise / math.sqrt(2)) for t in true]
    return sum(above) / len(above)


def _tables(text: str) -> Iterator[list[dict[str, str]]]:
    """The Markdown tables of a text, a dict a row."""
    for block in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE):
        rows = [[c.strip() for c in line.strip("|\n").split("|")] for line in block.splitlines()]
        yield [dict(zip(rows[0], row, strict=True)) for row in rows[2:]]


def _write(name: str, head: list[str], rows: list[list[object]]) -> None:
    with (TABLES / name).open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerows([head, *rows])
    print(TABLES / name)


# --- tables --------------------------------------------------------------------------------------


def proportions() -> Iterator[str]:
    """Shares of units as drawn, beside Du, Tao & Martinez 2014."""
    rows, apart = [], []
    for emotion, several in patterns().items():
        pattern = several[0]
        if not pattern.has_proportions:
            continue
        shown = _shares(emotion)
        own = {c for c, _ in pattern.shares}
        cells = []
        for code, share in pattern.shares:
            entailed = code == "AU25" and "AU26" in own
            excluded = any(code in pair and set(pair) <= own for pair in EXCLUDE)
            mark = "*" if entailed or excluded else ""
            if not mark:
                apart.append(abs(shown[code] - share))
            is_core = share == 0.85
            published = ">70" if is_core else f"{100 * share:.0f}"
            cells.append(f"{code[2:]}: {published} / {100 * shown[code]:.0f}{mark}")
        rows.append([emotion, ", ".join(cells)])
    yield "### Units by emotion: published / drawn, in percent"
    yield (
        f"{N_FACES} faces of each of the 21 emotions of {DU}. Core units are published as more "
        "than 70%, and drawn at 85%. *: a dropped jaw parts the lips too, or FACS excludes it "
        f"beside another unit. Largest difference: {100 * max(apart):.1f} points, over "
        f"{len(apart)} shares."
    )
    yield markdown(["emotion", "units"], rows)


def _shares(emotion: str) -> dict[str, float]:
    draw = random.Random(f"proportions {emotion}")
    counts: Counter[str] = Counter()
    for _ in range(N_FACES):
        shown = movements(Shown(emotion, Span(0, 0), 3.0, only=DU), draw)
        counts.update({m.code for m in shown})
    return defaultdict(float, {code: n / N_FACES for code, n in counts.items()})


def front_end() -> Iterator[str]:
    """Units found and alarms raised, beside docs/perception.md."""
    text = SOURCE.read_text("utf-8")
    rows = []
    for backend in BACKENDS:
        part = text.split(f"## Action units, backend `{backend}`")[1].split("\n## ")[0]
        _, false, fires = list(_tables(part))[:3]
        published = {row["unit"]: row["percent"] for row in false}
        reached = {row["shown"]: row[row["shown"]] for row in fires if row["shown"] in row}
        raised = _alarms(backend)
        for code in sorted(units(backend), key=lambda c: int(c[2:])):
            found = f"{100 * _found(backend, code):.0f}"
            alarms = f"{100 * raised[code]:.1f}"
            pair = [reached.get(code, "\u2013"), found, published[code], alarms]
            rows.append([backend, code, *pair])
    yield "### The front end: published / drawn, in percent"
    yield (
        "Of renders of one unit at even strengths from 0 to E, those that reach B; of neutral "
        "pictures, those on which the unit is reported (AU25 and AU26: with the lips of people who "
        "speak, see parameters.csv). A straight line with noise cannot meet "
        "every published triple of level, correlation and share: where it does not, the share "
        "found is off, mostly upwards."
    )
    head = ["backend", "unit", "found, published", "drawn", "alarms, published", "drawn"]
    yield markdown(head, rows)


def _found(backend: str, code: str) -> float:
    draw, unit = random.Random(f"found {backend} {code}"), units(backend)[code]
    hits = sum(
        draw.gauss(unit.gain * draw.uniform(0, 5) - unit.offset, unit.noise) >= B
        for _ in range(N_FACES)
    )
    return hits / N_FACES


def _alarms(backend: str) -> dict[str, float]:
    draw, counts = random.Random(f"alarms {backend}"), Counter[str]()
    for _ in range(N_FACES):
        counts.update({e.code for e in events([], View(backend, 0.0), draw)})
    return defaultdict(float, {code: n / N_FACES for code, n in counts.items()})


def readings() -> Iterator[str]:
    """How often the shares of the observations are right, and the prototype on the same clips."""
    settings, labels = load_settings().timeline, label_set("affectnet8")
    prototype, by_kind = Prototype(), defaultdict(list)
    for number in range(N_CLIPS):
        case = case_of(draw_clip(77, number), settings)
        truth = case.clip.truth.emotion
        family = set(coarse_names().get(truth, ())) or {truth}
        found = scores(case.weighed, labels)
        best = max(labels.labels, key=lambda name: found[name])
        rule = json.loads(prototype.reply(case.request(labels)))["best_fit"]
        top = case.weighed.emotion
        row = (top == truth, case.weighed.shares[top], best in family, rule in family)
        by_kind[case.clip.truth.scenario.value].append(row)
    every = [row for rows in by_kind.values() for row in rows]
    rows = [[kind, *_means(several)] for kind, several in sorted(by_kind.items())]
    rows.append(["all", *_means(every)])
    yield "### What the observations say, and what was drawn"
    yield (
        f"{N_CLIPS} clips. *Right*: the likeliest of {len(coarse_names()) + 1} states by "
        "posterior.py is the one that was drawn (in a conflict, the face's); *share*: what it is "
        "given. Then the best fit among the eight labels of affectnet8, by the same shares and by "
        "the prototype reasoner, right where it is a part of what was drawn: states without a "
        "coarse emotion (confusion, pain) count as wrong for both. The shares know what the words "
        "were drawn for, the prototype reads them. Expected calibration error of the shares, ten "
        f"bins: {_ece(every):.3f}."
    )
    yield markdown(["clips", "n", "right", "share", "of eight, shares", "prototype"], rows)


def _means(rows: Sequence[tuple[bool, float, bool, bool]]) -> list[str]:
    means = [sum(float(row[k]) for row in rows) / len(rows) for k in range(4)]
    return [str(len(rows)), *(f"{m:.2f}" for m in means)]


def _ece(rows: Sequence[tuple[bool, float, bool, bool]]) -> float:
    bins = defaultdict(list)
    for right, share, _, _ in rows:
        bins[min(9, int(10 * share))].append((right, share))
    gaps = (abs(sum(r for r, _ in b) - sum(s for _, s in b)) for b in bins.values())
    return sum(gaps) / len(rows)


def checked() -> Iterator[str]:
    """All checks on rows of every task."""
    config = load_mixture("simulate", ["seed=5"])
    made, failed, why = Counter[str](), Counter[str](), Counter[str]()
    quoted = 0
    for number in range(N_CHECKED // config.mixture.rows_per_clip):
        for row in clip_rows(config, number):
            made[row.task] += 1
            results = run_checks(row)
            quoted += sum(r.counts.get("label_words_quoted", 0) for r in results)
            bad = [r.name for r in results if r.passed is False]
            failed[row.task] += bool(bad)
            why.update(bad)
    rows = [[task, str(n), str(failed[task])] for task, n in made.most_common()]
    told = ", ".join(f"{name} {n}" for name, n in why.items()) or "none"
    yield "### Rows that fail a check"
    yield (
        f"All checks of `demeanor data check` on {sum(made.values())} rows as drawn, before any is "
        f"left out. By check: {told}. Label words inside quoted speech: {quoted}; outside: none, "
        "or the row fails."
    )
    yield markdown(["task", "rows", "failed"], rows)


def speed() -> Iterator[str]:
    config = load_mixture("simulate", [f"mixture.rows={N_SPEED}", "seed=3"])
    with tempfile.TemporaryDirectory() as folder:
        start_s, before = time.perf_counter(), os.times()
        done = mix(config, Path(folder))
        took_s, after = time.perf_counter() - start_s, os.times()
        cpu_s = sum(after[:4]) - sum(before[:4])
        n_bytes = (done.folder / mixture.ROWS).stat().st_size
    n = done.manifest["counts"]["rows"]
    yield "### Speed"
    yield (
        f"{n} rows in {took_s:.0f} s with two processes on two cores, start and joining included: "
        f"{n / took_s:.0f} a second, {n_bytes / n / 1000:.1f} kB a row; 200,000 rows take "
        f"{200_000 / n * took_s / 60:.1f} minutes at that rate. CPU time was {cpu_s:.0f} s, "
        f"{1000 * cpu_s / n:.1f} ms a row: on two cores with nothing else to do 200,000 rows take "
        f"{200_000 / n * cpu_s / 120:.1f} minutes (load of this machine: {os.getloadavg()[0]:.1f})."
    )


def write(parts: Sequence[str]) -> None:
    """The generated part of the page, between its marks."""
    made = "\n\n".join([BEGIN, *parts, END])
    text = PAGE.read_text("utf-8")
    if BEGIN not in text:
        raise SystemExit(f"{PAGE}: wanted the marks {BEGIN} and {END}, found none")
    before, rest = text.split(BEGIN, 1)
    PAGE.write_text(before + made + rest.split(END, 1)[1], "utf-8")
    print(PAGE)


def main() -> None:
    if "--fit" in sys.argv:
        fit()
        return
    parts = []
    for table in (proportions, front_end, readings, checked, speed):
        for part in table():
            print(part, flush=True)
            parts.append(part)
    write(parts)


if __name__ == "__main__":
    main()
