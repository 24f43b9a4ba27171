"""What the simulator draws, beside what it was made from.

    python -m benchmarks.simulate            tables into docs/data_engine.md, and on the screen
    python -m benchmarks.simulate --fit      noise of the front end anew, from docs/perception.md

`--fit` writes data_engine/simulate/front_end.csv and cross_talk.csv. For each unit a line
(measured = gain x true - offset, plus noise) that has the published level at E, the published
rank correlation, and the published share of renders in which the unit reaches B.
"""

import csv
import math
import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "docs" / "perception.md"
TABLES = ROOT / "data_engine" / "simulate"
BACKENDS = ("mesh", "landmarker")
B = 1.5  # where the letter begins
AT_E = 4.5  # mean true level of renders with a weight above .8
SPREAD = 5 / math.sqrt(12)  # standard deviation of weights drawn evenly from 0 to E


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


if __name__ == "__main__":
    if "--fit" in sys.argv:
        fit()
