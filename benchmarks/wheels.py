"""Makes eval/wheels/words.csv and forms.csv from wheels.csv, added.csv, WordNet and LemmInflect.

    python -m benchmarks.wheels --wordnet /usr/share/wordnet

WordNet 3.0 is in Debian's package wordnet-base; LemmInflect comes with the extra `benchmarks`. The
rules are in eval/wheels/README.md. Nothing here was tuned on scores.
"""

import argparse
import csv
import heapq
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

WHEELS = Path(__file__).resolve().parents[1] / "eval" / "wheels"
_FILES = {"n": "noun", "v": "verb", "a": "adj", "r": "adv"}
_FEELING = 12  # WordNet's file of nouns that denote feelings
_FARTHEST = 2.5  # steps; further off, words have little to do with where they started
_SENSES = 3  # of a word that count; rarer ones cost more
_RARER = 0.5  # steps for each sense that is commoner
_KIND = "kind of"
# What may be walked along, and how far that is. A word of the same family is nearest, one that is
# like it is farthest. Kinds only downwards: fury is anger, but not all that is a feeling is anger.
# No opposites, and no attributes, which tie happy with unhappy.
_STEPS = {
    "+": (0.5, "derived"),
    "\\": (0.5, "derived"),
    "<": (0.5, "derived"),
    "~": (1.0, _KIND),
    "$": (1.0, "verb group"),
    "&": (1.5, "similar"),
}
_SYNONYM = (1.0, "synonym")
_PARTICIPLE = (0.5, "participle")  # worried, of worry: WordNet does not say so
_PARTICIPLES_OF = 2  # senses of the verb, and of the adjective, that are tied so
_TAGS = {"n": "NOUN", "v": "VERB", "a": "ADJ", "r": "ADV"}


@dataclass(frozen=True, slots=True)
class Sense:
    """One word in one meaning."""

    pos: str
    offset: int
    number: int  # of the word in its synset, from 0


@dataclass(slots=True)
class Synset:
    file: int
    words: tuple[str, ...]
    pointers: list[tuple[str, int, str, int, int]]  # symbol, offset, pos, from word, to word


@dataclass(slots=True)
class WordNet:
    synsets: dict[tuple[str, int], Synset] = field(default_factory=dict)
    senses: dict[tuple[str, str], list[int]] = field(default_factory=dict)  # (word, pos) -> offsets
    participles: dict[Sense, list[Sense]] = field(default_factory=lambda: defaultdict(list))

    def rank(self, word: str, pos: str, offset: int) -> int:
        """0 for the commonest sense."""
        offsets = self.senses.get((word, pos), [])
        return offsets.index(offset) if offset in offsets else len(offsets)

    def steps(self, sense: Sense) -> Iterator[tuple[Sense, float, str]]:
        """Where one can go from here. Number 0 of a pointer stands for the synset as a whole."""
        synset = self.synsets[sense.pos, sense.offset]
        for number in range(len(synset.words)):
            if number != sense.number:
                yield Sense(sense.pos, sense.offset, number), *_SYNONYM
        for symbol, offset, pos, from_word, to_word in synset.pointers:
            if symbol in _STEPS and from_word in (0, sense.number + 1):
                yield Sense(pos, offset, max(to_word - 1, 0)), *_STEPS[symbol]
        for other in self.participles.get(sense, ()):
            yield other, *_PARTICIPLE

    def first_senses(self, word: str, pos: str, n: int) -> Iterator[Sense]:
        for offset in self.senses.get((word, pos), [])[:n]:
            words = self.synsets[pos, offset].words
            if word in words:
                yield Sense(pos, offset, words.index(word))


def read_wordnet(folder: Path) -> WordNet:
    net = WordNet()
    for pos, name in _FILES.items():
        for line in (folder / f"data.{name}").read_text("utf-8").splitlines():
            if not line.startswith(" "):
                offset, synset = _synset(line)
                net.synsets[pos, offset] = synset
        for line in (folder / f"index.{name}").read_text("utf-8").splitlines():
            if not line.startswith(" "):
                cells = line.split()
                n_senses = int(cells[2])
                net.senses[_plain(cells[0]), pos] = list(map(int, cells[-n_senses:]))
    _tie_participles(net)
    return net


def _tie_participles(net: WordNet) -> None:
    from lemminflect import getAllLemmas

    for word in [word for word, pos in net.senses if pos == "a"]:
        for verb in getAllLemmas(word, "VERB").get("VERB", ()):
            if verb == word:
                continue
            for one in net.first_senses(word, "a", _PARTICIPLES_OF):
                for other in net.first_senses(verb, "v", _PARTICIPLES_OF):
                    net.participles[one].append(other)
                    net.participles[other].append(one)


def _synset(line: str) -> tuple[int, Synset]:
    cells = line.split(" | ")[0].split()
    n_words = int(cells[3], 16)
    words = tuple(_plain(cells[4 + 2 * k]) for k in range(n_words))
    at = 4 + 2 * n_words
    pointers = []
    for k in range(int(cells[at])):
        symbol, offset, pos, ends = cells[at + 1 + 4 * k : at + 5 + 4 * k]
        ends_at = int(ends[:2], 16), int(ends[2:], 16)
        pointers.append((symbol, int(offset), pos.replace("s", "a"), *ends_at))
    return int(cells[0]), Synset(int(cells[1]), words, pointers)


def _plain(word: str) -> str:
    """WordNet marks where an adjective may stand: afraid(p)."""
    return word.split("(")[0].replace("_", " ")


# From the wheels outwards ---------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Found:
    steps: float
    label: str  # the wheel's word
    path: str


def seeds(net: WordNet, word: str) -> list[Sense]:
    """The meanings in which a wheel names a word: feelings; where it has none, the commonest."""
    for pos in ("n", "a", "v"):
        offsets = net.senses.get((word, pos), [])
        feelings = [o for o in offsets if net.synsets[pos, o].file == _FEELING]
        if chosen := feelings[:_SENSES] or offsets[:1]:
            tied = {o: net.synsets[pos, o].words for o in chosen}
            return [Sense(pos, o, words.index(word)) for o, words in tied.items() if word in words]
    return []


def reach(net: WordNet, labels: Iterable[str]) -> dict[str, Found]:
    """Every word within reach of a wheel's words, with the nearest; ties go by the alphabet."""
    best: dict[Sense, Found] = {}
    order = count()
    queue = []
    for label in sorted(set(labels)):
        for sense in seeds(net, label):
            heapq.heappush(queue, (0.0, label, next(order), sense, label))
    while queue:
        steps, label, _, sense, path = heapq.heappop(queue)
        if sense in best:
            continue
        best[sense] = Found(steps, label, path)
        for other, cost, how in net.steps(sense):
            if steps + cost <= _FARTHEST and other not in best:
                word = net.synsets[other.pos, other.offset].words[other.number]
                entry = (steps + cost, label, next(order), other, f"{path} > {word} ({how})")
                if how != _KIND or _is_kind(net, sense, other, path):
                    heapq.heappush(queue, entry)
    return _by_word(net, best)


def _is_kind(net: WordNet, sense: Sense, other: Sense, path: str) -> bool:
    """Kinds are followed among feelings. Where a wheel's own word is none (criticism is a kind of
    disapproval) they are followed from that word, as long as nothing but kinds was."""
    if other.pos != "n":
        return False
    feeling = net.synsets[other.pos, other.offset].file == _FEELING
    return feeling or path.count(">") == path.count(_KIND)


def _by_word(net: WordNet, best: dict[Sense, Found]) -> dict[str, Found]:
    words: dict[str, Found] = {}
    for sense, found in best.items():
        word = net.synsets[sense.pos, sense.offset].words[sense.number]
        rank = net.rank(word.lower(), sense.pos, sense.offset)
        if rank >= _SENSES or not word.islower():
            continue
        far = Found(found.steps + _RARER * rank, found.label, found.path)
        if far.steps <= _FARTHEST and (word not in words or _nearer(far, words[word])):
            words[word] = far
    return words


def _nearer(a: Found, b: Found) -> bool:
    return (a.steps, a.label) < (b.steps, b.label)


# Files ----------------------------------------------------------------------------------------


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--wordnet", type=Path, default=Path("/usr/share/wordnet"))
    args = parser.parse_args()
    net = read_wordnet(args.wordnet)
    wheels = read_wheels()
    reached = {wheel: reach(net, labels) for wheel, labels in wheels.items()}
    for wheel, labels in wheels.items():
        reached[wheel] |= {label: Found(0.0, label, label) for label in labels}
    words = sorted({word for found in reached.values() for word in found})
    write("words.csv", ("word", *wheels, "path"), (_row(word, reached) for word in words))
    known = {*words, *added_words()}
    write("forms.csv", ("form", "words"), _forms(net, known))
    write("opposites.csv", ("word", "opposite"), _opposites(net, known))


def read_wheels() -> dict[str, list[str]]:
    wheels: dict[str, list[str]] = defaultdict(list)
    with (WHEELS / "wheels.csv").open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            wheels[row["wheel"]].append(row["word"])
    return dict(wheels)


def added_words() -> list[str]:
    """Words that a person tied to another, with the source beside each."""
    with (WHEELS / "added.csv").open(encoding="utf-8", newline="") as stream:
        return [row["word"] for row in csv.DictReader(stream)]


def _row(word: str, reached: dict[str, dict[str, Found]]) -> tuple[str, ...]:
    """The label on each wheel, and the shortest of the ways there."""
    found = [labels.get(word) for labels in reached.values()]
    nearest = min((f for f in found if f is not None), key=lambda f: (f.steps, f.label))
    return (word, *(f.label if f else "" for f in found), nearest.path)


def _forms(net: WordNet, known: set[str]) -> Iterator[tuple[str, str]]:
    """Inflected forms that are not words of their own, with all words they are forms of."""
    from lemminflect import getAllInflections

    forms: dict[str, set[str]] = defaultdict(set)
    for word in known:
        for pos, tag in _TAGS.items():
            if (word, pos) in net.senses:
                for several in getAllInflections(word, tag).values():
                    for form in set(several) - known:
                        forms[form].add(word)
    for form in sorted(forms):
        yield form, "|".join(sorted(forms[form]))


def _opposites(net: WordNet, known: set[str]) -> Iterator[tuple[str, str]]:
    """What "not happy" may stand for: WordNet's antonyms of adjectives."""
    found: dict[str, str] = {}
    for word in sorted(known):
        for offset in net.senses.get((word, "a"), [])[:_SENSES]:
            synset = net.synsets["a", offset]
            number = synset.words.index(word) + 1 if word in synset.words else -1
            for symbol, other, pos, from_word, to_word in synset.pointers:
                if symbol == "!" and from_word == number:
                    opposite = net.synsets[pos, other].words[to_word - 1]
                    if opposite in known:
                        found.setdefault(word, opposite)
    yield from sorted(found.items())


def write(name: str, head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> None:
    path = WHEELS / name
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(head)
        writer.writerows(rows)
    print(path)


if __name__ == "__main__":
    main()
