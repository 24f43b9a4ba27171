"""`demeanor build` of a mixture: drawn clips with every task, words, and rows of other builds.

One file with weights. Rows are made in chunks, each a function of the configuration and its
number: any process may make any chunk, a run that was killed makes those that are missing, and
the same configuration gives the same bytes.
"""

import hashlib
import json
import random
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass, field, fields, replace
from functools import cache
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import demeanor.explain
from demeanor.data_engine import tasks
from demeanor.data_engine.check import run_checks
from demeanor.data_engine.config import change_data, read_data, typed_section
from demeanor.data_engine.records import ExpCoTExample, Task, to_line
from demeanor.data_engine.simulate import words as sentences
from demeanor.data_engine.simulate.clips import CLIPS_PER_PERSON, draw_clip
from demeanor.data_engine.split import Shares, plain_line, plain_rows, split_of
from demeanor.data_engine.tasks import Case, Maker, case_of
from demeanor.data_engine.words import spoken, word_rows
from demeanor.explain.errors import SettingsError
from demeanor.explain.pipeline import code_hash
from demeanor.explain.records import Grounding
from demeanor.explain.settings import TimelineSettings
from demeanor.explain.store import to_plain, write_atomic

SCHEMA = "demeanor-mixture-1"
ROWS, MANIFEST, PARTS, CARD = "rows.jsonl", "manifest.json", "parts", "card.md"
_MOST_WORDS = 450  # of an answer, as the checks ask
_OTHERS = 1_000_000  # numbers of clips that others are compared with: never rows of their own
Tell = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class TaskShares:
    """How often each task is drawn for a clip. ExpLLM (Lan et al. 2024) mixes labels and
    reasons 3:1; here the label alone, sets of words and short answers are some half of the rows."""

    exp_cot: float = 3.0
    label: float = 2.5
    open_labels: float = 1.0
    follow_up: float = 3.0
    conflict: float = 1.0
    compare: float = 0.7
    counterfactual: float = 0.5
    missing: float = 0.6
    abstain: float = 0.15

    def by_task(self) -> dict[Task, float]:
        return {Task(name.replace("_", "-")): share for name, share in self._named()}

    def _named(self) -> Iterator[tuple[str, float]]:
        for f in fields(self):
            name = {"missing": "missing-modality"}.get(f.name, f.name)
            yield name, getattr(self, f.name)


@dataclass(frozen=True, slots=True)
class MixtureSection:
    rows: int = 200_000  # about drawn clips
    rows_per_clip: int = 3
    chunk: int = 1500  # rows of drawn clips, or of words, in a part
    processes: int = 2
    parts: tuple[str, ...] = ()  # files or folders of other rows; "PATH x 3": their weight
    check_every: int = 20  # of how many rows one gets all checks; every claim is grounded anyway


@dataclass(frozen=True, slots=True)
class SimulateSection:
    max_tokens: int = 1000  # of a timeline
    comments_percent: float = 50.0  # of telling words that are comments of people, where there are
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class WordsSection:
    path: Path | None = None  # folder of GoEmotions
    rows: int = 0  # about words alone
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Mixture:
    name: str = "mixture"
    seed: int = 0
    mixture: MixtureSection = field(default_factory=MixtureSection)
    tasks: TaskShares = field(default_factory=TaskShares)
    simulate: SimulateSection = field(default_factory=SimulateSection)
    words: WordsSection = field(default_factory=WordsSection)
    split: Shares = field(default_factory=Shares)

    def __post_init__(self) -> None:
        if self.mixture.rows_per_clip < 1 or self.mixture.chunk < self.mixture.rows_per_clip:
            raise SettingsError(
                "mixture: wanted one row a clip or more, and a chunk of one clip or more, found "
                f"{self.mixture.rows_per_clip} and {self.mixture.chunk}"
            )
        if self.words.rows and self.words.path is None:
            raise SettingsError(
                f"words: wanted words.path for {self.words.rows} rows, found none. Name the "
                "folder of GoEmotions, or set words.rows=0"
            )

    @property
    def key(self) -> str:
        """Of what the rows follow from: neither the number of processes nor where things lie."""
        return _key(self)

    @property
    def other_rows(self) -> tuple[tuple[str, float], ...]:
        """Files of rows with their weights."""
        found = []
        for text in self.mixture.parts:
            path, sign, weight = text.rpartition(" x ")
            found.append((path.strip(), _weight(text, weight)) if sign else (text.strip(), 1.0))
        return tuple(found)

    @property
    def folder_name(self) -> str:
        return f"{re.sub(r'[^A-Za-z0-9.]+', '-', self.name)[:40]}-{self.key[:8]}"


def is_mixture(name_or_path: str | Path) -> bool:
    return "mixture" in read_data(name_or_path)


def load_mixture(name_or_path: str | Path, changes: Sequence[str] = ()) -> Mixture:
    """Raises SettingsError for unknown keys and wrong types."""
    data = read_data(name_or_path)
    for change in changes:
        change_data(data, change)
    made: Mixture = typed_section("mixture config", Mixture, data)
    return made


@cache
def _key(config: Mixture) -> str:
    own = replace(config, mixture=replace(config.mixture, processes=1, parts=()))
    nowhere = Path() if config.words.path else None
    own = replace(own, words=replace(config.words, path=nowhere))
    files = [f"{_content(Path(path))} x {weight:g}" for path, weight in config.other_rows]
    files += [_content(config.words.path / "train.tsv")] if config.words.path else []
    plain = json.dumps([to_plain(own), files, own_code()], sort_keys=True)
    return hashlib.sha256(plain.encode()).hexdigest()[:16]


def _weight(text: str, weight: str) -> float:
    try:
        return float(weight)
    except ValueError as error:
        raise SettingsError(
            f"mixture.parts: {text!r}: wanted PATH or PATH x NUMBER, found {weight!r}"
        ) from error


def _content(path: Path) -> str:
    file = path / ROWS if path.is_dir() else path
    try:
        with file.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise SettingsError(f"{file}: wanted rows or comments, found nothing ({error})") from error


@cache
def own_code() -> str:
    """Rows of other code are other rows."""
    folder = Path(__file__).parent
    digest = hashlib.sha256()
    for file in sorted([*folder.glob("*.*"), *(folder / "simulate").glob("*.*")]):
        if file.suffix in (".py", ".yaml", ".csv"):
            digest.update(file.read_bytes())
    digest.update((code_hash("reasoning") + code_hash("textualization")).encode())
    return digest.hexdigest()


# --- chunks --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Chunk:
    """One part of the file. `start`, `stop`: clips, or comments."""

    kind: str  # clips, words
    number: int
    start: int
    stop: int

    @property
    def name(self) -> str:
        return f"{self.kind}-{self.number:05d}.jsonl"


def chunks(config: Mixture) -> list[Chunk]:
    """All chunks that are made here, in the order of the file."""
    size = config.mixture
    per_chunk = size.chunk // size.rows_per_clip
    n_clips = -(-size.rows // size.rows_per_clip)
    return [
        *_cut("clips", n_clips, per_chunk),
        *_cut("words", config.words.rows, size.chunk),
    ]


def _cut(kind: str, n: int, size: int) -> Iterator[Chunk]:
    for number, start in enumerate(range(0, n, size)):
        yield Chunk(kind, number, start, min(n, start + size))


def make_chunk(config: Mixture, chunk: Chunk, folder: Path) -> dict[str, int]:
    """Write one part; returns what was counted. The same chunk is always the same bytes."""
    counts: Counter[str] = Counter()
    rows = list(_kept(config, _rows(config, chunk), counts))
    write_atomic(folder / chunk.name, "".join(map(to_line, rows)))
    write_atomic(folder / f"{chunk.name}.counts", json.dumps(counts, sort_keys=True) + "\n")
    return dict(counts)


def _rows(config: Mixture, chunk: Chunk) -> Iterator[ExpCoTExample]:
    if chunk.kind == "clips":
        for number in range(chunk.start, chunk.stop):
            yield from clip_rows(config, number)
        return
    own = config.words
    assert own.path is not None  # noqa: S101 a config with rows of words has their path
    yield from word_rows(
        own.path, config.split, config.seed, config.key, own.weight, chunk.start, chunk.stop
    )


def _kept(
    config: Mixture, rows: Iterator[ExpCoTExample], counts: Counter[str]
) -> Iterator[ExpCoTExample]:
    """Rows without a claim that its observations do not bear out; one in so many fully checked."""
    for row in rows:
        counts["made"] += 1
        if (why := _wrong(row)) is not None:
            counts[f"rejected: {why}"] += 1
            continue
        if counts["made"] % config.mixture.check_every == 0:
            row = replace(row, checks=run_checks(row))
            counts["checked"] += 1
            for failed in row.failed:
                counts[f"fails {failed.name}"] += 1
            if row.failed:
                continue
        counts[f"task {row.task}"] += 1
        counts[f"split {row.split}"] += 1
        counts["rows"] += 1
        yield row


def _wrong(row: ExpCoTExample) -> str | None:
    if any(e.grounding is not Grounding.GROUNDED for e in row.evidence):
        return "a claim is not grounded"
    return "too long" if len(row.answer.split()) > _MOST_WORDS * 2 else None


# --- rows of a clip ------------------------------------------------------------------------------


def clip_rows(config: Mixture, number: int) -> Iterator[ExpCoTExample]:
    """The rows of one drawn clip: tasks by their shares, each at most once."""
    split = clip_split(config, number)
    case = case_of(draw_clip(config.seed, number, say=_say(config, split)), _timeline(config))
    draw = random.Random(f"{config.seed} tasks {number}")  # noqa: S311 drawn with a seed
    maker = Maker(config.seed, config.key, dict.fromkeys(Task, config.simulate.weight))
    made = (
        row for task in _order(config, draw) for row in _task_rows(config, maker, task, case, draw)
    )
    for row in islice(made, config.mixture.rows_per_clip):
        yield replace(row, split=split)


def clip_split(config: Mixture, number: int) -> str:
    """By the person who is drawn, as `demeanor data split` would."""
    subject = f"sim-{config.seed}-{number // CLIPS_PER_PERSON}"
    return split_of(f"subject {tasks.CORPUS}/{subject}", config.split)


def _timeline(config: Mixture) -> TimelineSettings:
    return TimelineSettings(max_tokens=config.simulate.max_tokens)


def _order(config: Mixture, draw: random.Random) -> Iterator[Task]:
    """All tasks, drawn by their shares without putting back; the label alone is always possible."""
    shares = config.tasks.by_task()
    shares = {task: share for task, share in shares.items() if share > 0}
    while shares:
        task = draw.choices(tuple(shares), tuple(shares.values()))[0]
        del shares[task]
        yield task


def _task_rows(
    config: Mixture, maker: Maker, task: Task, case: Case, draw: random.Random
) -> Sequence[ExpCoTExample]:
    if task is Task.COUNTERFACTUAL:
        return tuple(tasks.counterfactual(maker, case, draw))
    if task is Task.COMPARE:
        number = _OTHERS + draw.randrange(_OTHERS)
        other = case_of(draw_clip(config.seed, number), _timeline(config))
        return (tasks.compared(maker, case, other, draw),)
    row = _MAKERS[task](maker, case, draw)
    return () if row is None else (row,)


_MAKERS: Mapping[Task, Callable[[Maker, Case, random.Random], ExpCoTExample | None]] = {
    Task.EXP_COT: tasks.explained,
    Task.LABEL: tasks.labelled,
    Task.OPEN_LABELS: tasks.open_set,
    Task.FOLLOW_UP: tasks.followed_up,
    Task.CONFLICT: tasks.conflicting,
    Task.MISSING: tasks.missing,
    Task.ABSTAIN: tasks.abstaining,
}


def _say(config: Mixture, split: str) -> Callable[[str, random.Random], tuple[str, str] | None]:
    """Comments of people of the same split now and then, else sentences of ours."""
    folder = config.words.path
    if folder is None or not config.simulate.comments_percent:
        return sentences.said
    written = spoken(folder, config.split, split)

    def say(emotion: str, draw: random.Random) -> tuple[str, str] | None:
        if draw.random() < config.simulate.comments_percent / 100:
            found = written.say(emotion, draw)
            if found is not None:
                return found
        return sentences.said(emotion, draw)

    return say


# --- a whole mixture -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Mixed:
    folder: Path
    manifest: dict[str, Any]
    n_resumed: int  # parts that were there already


def mix(config: Mixture, out: Path, tell: Tell = lambda done, n: None) -> Mixed:
    """Make what is missing, then put all parts into one file. The manifest comes last: where it
    is, the mixture is complete."""
    folder = out / config.folder_name
    done = _done(folder, config)
    if done is not None:
        return Mixed(folder, done, len(chunks(config)))
    parts = folder / PARTS
    parts.mkdir(parents=True, exist_ok=True)
    wanted = chunks(config)
    todo = [c for c in wanted if not (parts / f"{c.name}.counts").is_file()]
    for number, _ in enumerate(_made(config, todo, parts), start=1):
        tell(len(wanted) - len(todo) + number, len(wanted))
    counts = _joined(config, folder, [parts / c.name for c in wanted])
    manifest = _manifest(config, folder, counts)
    write_atomic(folder / CARD, _card(manifest))
    text = json.dumps(manifest, ensure_ascii=False, indent=1, allow_nan=False)
    write_atomic(folder / MANIFEST, text + "\n")
    for file in sorted(parts.iterdir()):
        file.unlink()
    parts.rmdir()
    return Mixed(folder, manifest, len(wanted) - len(todo))


def _done(folder: Path, config: Mixture) -> dict[str, Any] | None:
    try:
        manifest: dict[str, Any] = json.loads((folder / MANIFEST).read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return manifest if manifest.get("key") == config.key and (folder / ROWS).is_file() else None


def _made(config: Mixture, todo: Sequence[Chunk], parts: Path) -> Iterator[None]:
    n = min(config.mixture.processes, len(todo))
    if n <= 1:
        for chunk in todo:
            make_chunk(config, chunk, parts)
            yield
        return
    with ProcessPoolExecutor(n, mp_context=get_context("spawn")) as pool:
        for future in as_completed([pool.submit(make_chunk, config, c, parts) for c in todo]):
            future.result()
            yield


def _joined(config: Mixture, folder: Path, parts: Sequence[Path]) -> Counter[str]:
    """All parts, then the rows of others with their weights, in one file put in place at once."""
    counts: Counter[str] = Counter()
    part = folder / f".{ROWS}.part"
    with part.open("w", encoding="utf-8", newline="\n") as stream:
        for file in parts:
            stream.write(file.read_text("utf-8"))
            counts.update(json.loads(Path(f"{file}.counts").read_text("utf-8")))
        for path, weight in config.other_rows:
            for line in _weighed(Path(path), weight, config.split, counts):
                stream.write(line)
    part.replace(folder / ROWS)
    return counts


def _weighed(path: Path, weight: float, shares: Shares, counts: Counter[str]) -> Iterator[str]:
    """Rows of another build: with its weight, and a split where they have none."""
    from demeanor.data_engine.split import assign, groups_of

    rows = list(plain_rows(path / ROWS if path.is_dir() else path))
    groups = assign((r for r in rows if not r["split"]), shares).groups
    for row in rows:
        row["weight"] = weight * row["weight"]
        row["split"] = row["split"] or groups[groups_of(row)[0]]
        counts["rows"] += 1
        counts[f"task {row['task']}"] += 1
        counts[f"split {row['split']}"] += 1
        counts[f"from {row['origin']['corpus']}"] += 1
        yield plain_line(row)


def _manifest(config: Mixture, folder: Path, counts: Mapping[str, int]) -> dict[str, Any]:
    plain = to_plain(asdict(config))
    plain["words"]["path"] = "goemotions" if config.words.path else None
    plain["mixture"]["parts"] = [f"{Path(p).name} x {w:g}" for p, w in config.other_rows]
    return {
        "schema": SCHEMA,
        "key": config.key,
        "version": demeanor.explain.__version__,
        "config": plain,
        "counts": dict(sorted(counts.items())),
        "files": {ROWS: _content(folder / ROWS)},
    }


def _card(manifest: Mapping[str, Any]) -> str:
    config, counts = manifest["config"], manifest["counts"]
    rows = "\n".join(f"| {name} | {n} |" for name, n in counts.items())
    return f"""# {config["name"]}

{counts.get("rows", 0)} rows, seed {config["seed"]}, key `{manifest["key"]}`.

- Drawn clips: simulated by Demeanor (Apache-2.0) from published tables; nobody was filmed.
- Words: {config["words"]["path"] or "our own sentences only"}{
        " (GoEmotions, Demszky et al. 2020, CC BY 4.0)" if config["words"]["path"] else ""
    }.
- Rows of other builds: {", ".join(config["mixture"]["parts"]) or "none"}.
- Labels say what the observations support, not what anybody felt.

| counted | n |
|---|---:|
{rows}
"""
