"""python -m demeanor.data_engine.mini --goemotions DIR --faces DIR --out DIR [--minutes 60]"""

import argparse
import sys
from pathlib import Path

from demeanor.data_engine.mini.make import N_CLIPS, N_PICTURES, Wanted, make
from demeanor.data_engine.mini.train import Steps


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m demeanor.data_engine.mini")
    parser.add_argument("--goemotions", type=Path, required=True, help="train.tsv, labels.txt")
    parser.add_argument("--faces", type=Path, help="labelled pictures; without: drawn faces only")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--clips", type=int, default=N_CLIPS)
    parser.add_argument("--pictures", type=int, default=N_PICTURES)
    parser.add_argument("--word-turns", type=float, default=1.0, help="that comments are read")
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--steps", type=int, help="instead of the minutes: the same model again")
    parser.add_argument("--rate", type=float, default=Steps().rate, help="of learning, at its most")
    parser.add_argument("--begin", type=Path, help="a model made before, to go on with")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    steps = Steps(
        asked.minutes, asked.steps, rate=asked.rate, threads=asked.threads, seed=asked.seed,
        first=0.0 if asked.begin else Steps().first,
    )  # fmt: skip
    wanted = Wanted(
        asked.goemotions, asked.faces, asked.clips, asked.pictures, asked.word_turns,
        steps=steps, begin=asked.begin,
    )  # fmt: skip
    make(wanted, asked.out, lambda line: print(line, file=sys.stderr, flush=True))


if __name__ == "__main__":
    main()
