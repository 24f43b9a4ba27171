"""Train, validation and test: by person and source video, stable when rows are added.

Rows of one subject, or of one video, stay together, and so do subjects that share a video. Which
split a group goes to follows from a hash of its name, so that it is the same in every run; what
an earlier split decided stays decided. Rows that would tie two splits together, and rows of
training that nearly repeat a text or a picture of another split, are put aside with the reason.

Rows are read as plain JSON: a split of a million rows needs no records.
"""

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

from demeanor.data_engine.records import RowError
from demeanor.explain.corpora.items import Item
from demeanor.explain.corpora.near import near_texts
from demeanor.explain.errors import DemeanorError, SettingsError
from demeanor.explain.near_pictures import SIDE, near_pairs, picture_hash
from demeanor.explain.perception.media import open_clip
from demeanor.explain.settings import load_settings
from demeanor.explain.store import write_atomic

TRAIN, VALIDATION, TEST = "train", "validation", "test"
ROWS, ASIDE, GROUPS, REPORT = "rows.jsonl", "aside.jsonl", "splits.json", "leaks.json"
SUBJECT, VIDEO, CLIP, TEXT, PICTURE = (
    "the same subject",
    "the same source video",
    "the same clip",
    "nearly the same text",
    "nearly the same picture",
)
MAX_OVERLAP = 0.4  # Jaccard of runs of five words; as the evaluation's own check
MIN_WORDS = 8  # a shorter text is not told apart from small talk
DRAWN = "simulated"  # whose sentences are ours: every split has them, and the card says so
_NAMES = {  # under which corpora keep their splits; "fitted" people may go anywhere
    TRAIN: TRAIN,
    **dict.fromkeys((VALIDATION, "val", "valid", "dev"), VALIDATION),
    **dict.fromkeys((TEST, "held-out"), TEST),
}
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Shares:
    """What is not train: shares of groups, not of rows."""

    validation: float = 0.05
    test: float = 0.05

    def __post_init__(self) -> None:
        if min(self.validation, self.test) < 0 or self.validation + self.test >= 1:
            raise SettingsError(
                "split: wanted validation and test of 0 or more that leave something to train "
                f"on, found {self.validation} and {self.test}"
            )


@dataclass(frozen=True, slots=True)
class Leak:
    """What rows of two splits share, or a row and a sample of an evaluation set."""

    kind: str
    what: str
    first: str
    second: str
    splits: tuple[str, str]


@dataclass(frozen=True, slots=True)
class Assigned:
    """Splits by group, and the rows that were put aside with the reason."""

    groups: dict[str, str]
    aside: dict[str, str]  # example_id: why
    leaks: tuple[Leak, ...] = field(default=())


def split_of(group: str, shares: Shares) -> str:
    """By the group's name alone: the same in every run, whatever else there is.

    >>> split_of("person 1", Shares()), split_of("person 5", Shares(0.3, 0.3))
    ('train', 'test')
    """
    number = int.from_bytes(hashlib.sha256(f"demeanor split {group}".encode()).digest()[:8], "big")
    place = number / 2**64
    if place < shares.validation:
        return VALIDATION
    return TEST if place < shares.validation + shares.test else TRAIN


def own_split(row: Row) -> str | None:
    """The split that a row has already, by any of its usual names; None: it is to be split."""
    return _NAMES.get(str(row.get("split")))


def groups_of(row: Row) -> tuple[str, ...]:
    """Names of what a row may share with others: its subject, its video, else its clip alone."""
    origin = row["origin"]
    corpus = origin["corpus"]
    found = [f"{kind} {corpus}/{origin[kind]}" for kind in ("subject", "video") if origin[kind]]
    return tuple(found) or (f"clip {row['clip_id']}",)


def assign(
    rows: Iterable[Row], shares: Shares | None = None, earlier: Mapping[str, str] | None = None
) -> Assigned:
    """A split for every group. Groups that a row ties together go where the earlier one went, or
    where a row of theirs is already (a corpus has its own test set), else where the first of
    their names goes."""
    shares = shares or Shares()
    groups, aside = dict(earlier or {}), {}
    parents: dict[str, str] = {}
    several = []
    for row in rows:
        example_id, names = row["example_id"], groups_of(row)
        several.append((example_id, names))
        known = {groups[n] for n in (_root(parents, m) for m in names) if n in groups}
        if (own := own_split(row)) is not None:
            known.add(own)
        if len(known) > 1:
            aside[example_id] = f"ties together {' and '.join(sorted(known))}: {', '.join(names)}"
            continue
        _join(parents, groups, names)
        groups.update({_root(parents, names[0]): split for split in known})
    for name in sorted({_root(parents, n) for _, names in several for n in names}):
        groups.setdefault(name, split_of(name, shares))
    every = {n: groups[_root(parents, n)] for _, names in several for n in names}
    return Assigned({**dict(earlier or {}), **every}, aside)


def _root(parents: dict[str, str], name: str) -> str:
    while parents.get(name, name) != name:
        name = parents[name]
    return name


def _join(parents: dict[str, str], groups: dict[str, str], names: Sequence[str]) -> None:
    """The root is the group that has a split already, else the first by name."""
    roots = sorted({_root(parents, n) for n in names}, key=lambda n: (n not in groups, n))
    for name in (*names, *roots):
        parents[name] = roots[0]


# Near copies ----------------------------------------------------------------------------------


def text_of(row: Row) -> str:
    """What people said or wrote in a row: words of the clip, or the text it is about. Sentences
    that we drew are left out, since every split has them."""
    if row["origin"]["corpus"] == DRAWN and not row["extra"].get("comments"):
        return ""
    said = [o["quote"] for o in row["observations"] if o.get("quote")]
    text = " ".join(dict.fromkeys(said)) or row["extra"].get("text", "")
    return text if len(text.split()) >= MIN_WORDS else ""


def near_copies(rows: Sequence[Row], split: Callable[[Row], str]) -> list[Leak]:
    """Texts of different splits that nearly repeat each other; one row stands for its clip."""
    firsts: dict[str, Row] = {}
    for row in rows:
        firsts.setdefault(f"{row['clip_id']} {split(row)}", row)
    texts = {key: text for key, row in firsts.items() if (text := text_of(row))}
    found = []
    for one, other, share in near_texts(texts, MAX_OVERLAP):
        a, b = firsts[one], firsts[other]
        if split(a) != split(b):
            found.append(_leak(TEXT, f"{share:.0%} of their runs of words are shared", a, b, split))
    return found


@dataclass(frozen=True, slots=True, eq=False)
class Pictures:
    """What the pictures of rows look like, by clip_id, and the files that none was found for."""

    hashes: Mapping[str, np.ndarray]
    not_looked_at: tuple[str, ...] = ()


def picture_hashes(rows: Sequence[Row], media: Path) -> Pictures:
    """`media`: where the rows' paths begin.

    A file that is not there, and one without a picture, is named. Raises SettingsError where none
    is there: the folder is a wrong one.
    """
    named = ((row["clip_id"], row["origin"].get("path")) for row in rows)
    paths = {clip_id: path for clip_id, path in named if path}
    found: dict[str, np.ndarray] = {}
    missed = []
    for clip_id, path in paths.items():
        bits = _looked_at(media / path)
        if bits is None:
            missed.append(path)
        else:
            found[clip_id] = bits
    if paths and not any((media / path).is_file() for path in paths.values()):
        raise SettingsError(
            f"--media {media}: none of {len(paths)} files of the rows is there, such as "
            f"{next(iter(paths.values()))}. Name the folder that the build had as source.path"
        )
    return Pictures(found, tuple(missed))


def sample_hashes(items: Sequence[Item]) -> Pictures:
    """The same of an evaluation set's samples, by item_id. Texts have no picture to miss."""
    found: dict[str, np.ndarray] = {}
    missed = []
    for item in items:
        if item.media is not None:
            bits = _looked_at(item.media)
            if bits is None:
                missed.append(item.item_id)
            else:
                found[item.item_id] = bits
    return Pictures(found, tuple(missed))


def _looked_at(file: Path) -> np.ndarray | None:
    try:
        return picture_hash(file) if file.is_file() else None
    except (DemeanorError, OSError):
        return None


def near_pictures(
    rows: Sequence[Row], hashes: Mapping[str, np.ndarray], split: Callable[[Row], str]
) -> list[Leak]:
    """Pictures of different splits that nearly repeat each other; one row stands for its clip."""
    firsts: dict[str, dict[str, Row]] = defaultdict(dict)
    for row in rows:
        if row["clip_id"] in hashes:
            firsts[split(row)].setdefault(row["clip_id"], row)
    found = []
    for one, other in combinations(sorted(firsts), 2):
        a, b = (list(firsts[name].values()) for name in (one, other))
        stacks = [np.stack([hashes[row["clip_id"]] for row in rows]) for rows in (a, b)]
        for i, j, bits in near_pairs(*stacks):
            what = f"{bits} of {SIDE * SIDE} bits differ"
            found.append(_leak(PICTURE, what, a[i], b[j], split))
    return found


def _leak(kind: str, what: str, one: Row, other: Row, split: Callable[[Row], str]) -> Leak:
    return Leak(kind, what, one["example_id"], other["example_id"], (split(one), split(other)))


# The report -----------------------------------------------------------------------------------


def leaks_between(
    rows: Sequence[Row], hashes: Mapping[str, np.ndarray] | None = None
) -> list[Leak]:
    """Everything that rows of different splits share. Rows without a split are passed over."""
    own = [row for row in rows if row.get("split")]
    found = [
        *_shared(own, SUBJECT, lambda row: _keyed(row, "subject")),
        *_shared(own, VIDEO, lambda row: _keyed(row, "video")),
        *_shared(own, CLIP, lambda row: row["clip_id"]),
    ]
    return [*found, *near_copies(own, _split), *near_pictures(own, hashes or {}, _split)]


def _keyed(row: Row, name: str) -> str | None:
    value = row["origin"][name]
    return f"{row['origin']['corpus']}/{value}" if value else None


def _shared(rows: Iterable[Row], kind: str, of: Callable[[Row], str | None]) -> Iterator[Leak]:
    by_value: dict[str, dict[str, Row]] = defaultdict(dict)
    for row in rows:
        if (value := of(row)) is not None:
            by_value[value].setdefault(row["split"], row)
    for value, by_split in sorted(by_value.items()):
        names = sorted(by_split)
        for k, one in enumerate(names):
            for other in names[k + 1 :]:
                yield _leak(kind, value, by_split[one], by_split[other], lambda r: r["split"])


def leaks_against(
    rows: Sequence[Row],
    items: Sequence[Item],
    name: str,
    hashes: Mapping[str, np.ndarray] | None = None,
    theirs: Mapping[str, np.ndarray] | None = None,
    clips: Mapping[str, Item] | None = None,
) -> list[Leak]:
    """What rows share with the samples of an evaluation set, whatever their split.

    hashes, theirs: what pictures look like, by clip_id and by item_id; clips: `by_content` of the
    samples, where it is known already.
    """

    def leak(kind: str, what: str, row: Row, item: Item) -> Leak:
        return Leak(kind, what, row["example_id"], item.item_id, (row.get("split") or "", name))

    subjects = {item.subject: item for item in items if item.subject}
    videos = {item.video: item for item in items if item.video}
    if clips is None:
        clips, _ = by_content(items)
    found: list[Leak] = []
    seen: set[tuple[str, str]] = set()
    for row in rows:
        origin = row["origin"]
        for kind, value, known in (
            (SUBJECT, origin["subject"], subjects),
            (VIDEO, origin["video"], videos),
            (CLIP, row["clip_id"], clips),
        ):
            if value and value in known and (kind, value) not in seen:
                seen.add((kind, value))
                found.append(leak(kind, str(value), row, known[value]))
    return [
        *found,
        *_texts_against(rows, items, leak),
        *_pictures_against(rows, items, hashes or {}, theirs or {}, leak),
    ]


def by_content(items: Sequence[Item]) -> tuple[dict[str, Item], tuple[str, ...]]:
    """Samples by clip_id: a file is the same clip under any name. And those that cannot be opened,
    which match nothing."""
    media = load_settings().media
    found: dict[str, Item] = {}
    unread: list[str] = []
    for item in items:
        if item.media is not None:
            try:
                found[open_clip(item.media, media).clip_id] = item
            except (DemeanorError, OSError):
                unread.append(item.item_id)
    return found, tuple(unread)


def _texts_against(
    rows: Sequence[Row], items: Sequence[Item], leak: Callable[..., Leak]
) -> Iterator[Leak]:
    own: dict[str, Row] = {}
    for row in rows:
        if text_of(row):
            own.setdefault(f"row {row['clip_id']}", row)
    theirs = {f"sample {item.item_id}": item for item in items if item.text or item.said}
    texts = {key: text_of(row) for key, row in own.items()}
    texts |= {key: item.text or item.said or "" for key, item in theirs.items()}
    for one, other, share in near_texts(texts, MAX_OVERLAP):
        if one in own and other in theirs:
            what = f"{share:.0%} of their runs of words are shared"
            yield leak(TEXT, what, own[one], theirs[other])


def _pictures_against(
    rows: Sequence[Row],
    items: Sequence[Item],
    hashes: Mapping[str, np.ndarray],
    theirs: Mapping[str, np.ndarray],
    leak: Callable[..., Leak],
) -> Iterator[Leak]:
    own = {row["clip_id"]: row for row in rows if row["clip_id"] in hashes}
    samples = [item for item in items if item.item_id in theirs]
    if not own or not samples:
        return
    stacks = (
        np.stack([hashes[clip_id] for clip_id in own]),
        np.stack([theirs[item.item_id] for item in samples]),
    )
    first = list(own.values())
    for i, j, n_bits in near_pairs(*stacks):
        yield leak(PICTURE, f"{n_bits} of {SIDE * SIDE} bits differ", first[i], samples[j])


# Files ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Done:
    folder: Path
    counts: dict[str, int]  # rows by split, and those put aside
    leaks: tuple[Leak, ...]  # left between splits, or shared with evaluation sets
    not_looked_at: tuple[str, ...]  # files and samples that could not be compared

    @property
    def kinds(self) -> dict[str, int]:
        return dict(Counter(leak.kind for leak in self.leaks))


def split_file(
    path: Path,
    out: Path,
    shares: Shares | None = None,
    against: Mapping[str, Sequence[Item]] | None = None,
    drop: bool = False,
    media: Path | None = None,
) -> Done:
    """Split the rows of a file or a build's folder into `out`, beside what an earlier split there
    decided. drop: rows that share something with an evaluation set are put aside. media: where
    the rows' paths begin, to look at their pictures as well. Raises RowError, SettingsError.
    """
    rows = list(plain_rows(path / ROWS if path.is_dir() else path))
    assigned = assign(rows, shares, _earlier(out / GROUPS))
    for row in rows:
        row["split"] = assigned.groups[groups_of(row)[0]]
    aside = dict(assigned.aside)
    pictures = picture_hashes(rows, media) if media else Pictures({})
    hashes, missed = pictures.hashes, list(pictures.not_looked_at)
    kept = [r for r in rows if r["example_id"] not in aside]
    for leak in (*near_copies(kept, _split), *near_pictures(kept, hashes, _split)):
        aside.update(_out_of_train(rows, leak))
    kept = [r for r in rows if r["example_id"] not in aside]
    leaks = leaks_between(kept, hashes)
    for name, items in (against or {}).items():
        theirs = sample_hashes(items) if hashes else Pictures({})
        clips, unread = by_content(items)
        missed += [f"{name}: {i}" for i in dict.fromkeys((*unread, *theirs.not_looked_at))]
        shared = leaks_against(kept, items, name, hashes, theirs.hashes, clips)
        if drop:
            aside.update(_sharing(kept, shared))
            kept = [r for r in kept if r["example_id"] not in aside]
        else:
            leaks += shared
    _write(out, kept, [{**r, "split": None} for r in rows if r["example_id"] in aside])
    write_atomic(out / GROUPS, json.dumps(assigned.groups, indent=0, sort_keys=True) + "\n")
    counts = dict(Counter(row["split"] for row in kept)) | {"aside": len(aside)}
    report = {
        "counts": counts,
        "aside": aside,
        "leaks": [asdict(leak) for leak in leaks],
        "not_looked_at": missed,
    }
    write_atomic(out / REPORT, json.dumps(report, ensure_ascii=False, indent=1) + "\n")
    return Done(out, counts, tuple(leaks), tuple(missed))


def _split(row: Row) -> str:
    return str(row["split"])


def _out_of_train(rows: Sequence[Row], leak: Leak) -> Iterator[tuple[str, str]]:
    """All rows of the clip that nearly repeats another split's: of train where there is one, else
    of validation."""
    by_id = {row["example_id"]: row for row in rows}
    pair = (by_id[leak.first], by_id[leak.second])
    loser = min(pair, key=lambda row: (TRAIN, VALIDATION, TEST).index(row["split"]))
    other = next(row for row in pair if row is not loser)
    for row in rows:
        if row["clip_id"] == loser["clip_id"]:
            yield row["example_id"], f"nearly repeats {other['example_id']} ({other['split']})"


def _sharing(rows: Sequence[Row], leaks: Sequence[Leak]) -> Iterator[tuple[str, str]]:
    """All rows that share what one of the leaks names, with the sample that they share it with."""
    by_id = {row["example_id"]: row for row in rows}
    for leak in leaks:
        clip_id = by_id[leak.first]["clip_id"]
        for row in rows:
            origin = row["origin"]
            same = {SUBJECT: origin["subject"] == leak.what, VIDEO: origin["video"] == leak.what}
            if same.get(leak.kind, row["clip_id"] == clip_id):
                yield row["example_id"], f"{leak.kind}: {leak.second} ({leak.splits[1]})"


def plain_rows(file: Path) -> Iterator[Row]:
    """Rows as JSON has them. Raises RowError with the line's number."""
    try:
        with file.open(encoding="utf-8", newline="\n") as stream:
            for number, line in enumerate(stream, start=1):
                if line.strip():
                    yield _row(file, number, line)
    except OSError as error:
        raise RowError(f"{file}: wanted rows, found nothing to read ({error})") from error


def _row(file: Path, number: int, line: str) -> Row:
    try:
        row: Row = json.loads(line)
        row["origin"]["subject"], row["clip_id"], row["example_id"], row["observations"]
    except (ValueError, KeyError, TypeError) as error:
        raise RowError(f"{file}: line {number}: wanted a row, found {line[:60]!r}") from error
    return row


def plain_line(row: Row) -> str:
    """The canonical line (records.to_line) of a row that was read as plain JSON."""
    return json.dumps(row, ensure_ascii=False, allow_nan=False, separators=(",", ":")) + "\n"


def _earlier(file: Path) -> dict[str, str]:
    if not file.is_file():
        return {}
    try:
        groups: dict[str, str] = json.loads(file.read_text("utf-8"))
    except ValueError as error:
        raise RowError(
            f"{file}: wanted the groups of an earlier split, found something else ({error}). "
            "Name another folder"
        ) from error
    return groups


def _write(out: Path, kept: Sequence[Row], aside: Sequence[Row]) -> None:
    write_atomic(out / ROWS, "".join(map(plain_line, kept)))
    write_atomic(out / ASIDE, "".join(map(plain_line, aside)))
