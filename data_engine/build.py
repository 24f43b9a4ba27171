"""A build: every sample of a source to a row, or to a reject with its reasons, in one folder.

    label-blind observations → teacher → blind reader → checks → row

Outcomes are kept one a line as they come (outcomes.jsonl), so that a build which was killed goes
on where it was; the other files are made of them when all samples are through, each in one step.
Two builds of the same samples with the same seed are the same bytes: nothing in them but run.log
tells a time or a place.
"""

import hashlib
import json
import re
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import IO, Any

import demeanor.explain
from demeanor.data_engine.check import means_one_of, run_checks
from demeanor.data_engine.config import BuildConfig
from demeanor.data_engine.perceive import Perceived, Perceiver, measures, perceive_at_once
from demeanor.data_engine.records import (
    SCHEMA,
    CheckResult,
    ExpCoTExample,
    Origin,
    Task,
    example_id,
    from_line,
    to_line,
)
from demeanor.data_engine.replies import Asker, Budget, BudgetSpent, ReplyCache
from demeanor.data_engine.sources import Sample, Source
from demeanor.data_engine.teach import (
    BlindReader,
    ChatJudge,
    ChatReader,
    ChatTeacher,
    Draft,
    GrammarTeacher,
    Reading,
    RuleReader,
    Teacher,
    Try,
    refuse_same,
)
from demeanor.explain import pipeline
from demeanor.explain.errors import DemeanorError
from demeanor.explain.reasoning.chain import messages_of
from demeanor.explain.reasoning.chat import Message, Request
from demeanor.explain.reasoning.claims import split_claims, without_cites
from demeanor.explain.reasoning.ground import ground
from demeanor.explain.reasoning.parse import Parts, parse
from demeanor.explain.records import Provenance
from demeanor.explain.store import to_plain, write_atomic
from demeanor.prompts import load_prompt

OUTCOMES, ROWS, REJECTS, FAILURES = (
    "outcomes.jsonl",
    "rows.jsonl",
    "rejects.jsonl",
    "failures.jsonl",
)
MANIFEST, CARD, LOG, REPLIES = "manifest.json", "card.md", "run.log", "replies"
ACCEPTED, REJECTED, REFUSED = "accepted", "rejected", "refused"
STOP_AFTER = 20  # failures without an outcome between them: the server is gone, not the sample
_PROTOTYPE = "prototype"
_BLIND = "blind-reader"
_OWN_CODE = ("build", "check", "grammar", "label_words", "perceive", "teach")
_OWN_DATA = ("grammar.yaml", "label_words.csv")
Tell = Callable[[str, int, int, int], None]  # stage, done, all, failed


class BuildStopped(DemeanorError):
    """No sample is answered any more; what was done is kept."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one sample. `tries` are the texts that were not taken."""

    item_id: str
    key: str
    status: str  # accepted, rejected, refused
    reasons: tuple[str, ...]
    tries: tuple[Try, ...]
    n_read: int
    n_written: int
    row: ExpCoTExample | None  # None: refused before a text was written


@dataclass(frozen=True, slots=True)
class Failure:
    """A sample that nothing could be made of. The same command tries it again."""

    item_id: str
    path: str
    kind: str
    reason: str


@dataclass(frozen=True, slots=True)
class Speed:
    """Of this call alone: what was kept from an earlier one took no time."""

    n_measured: int = 0
    measuring_s: float = 0.0
    n_built: int = 0
    building_s: float = 0.0

    @property
    def measuring_share(self) -> float | None:
        total_s = self.measuring_s + self.building_s
        return self.measuring_s / total_s if total_s > 0 else None

    @property
    def built_per_s(self) -> float | None:
        return self.n_built / self.building_s if self.building_s > 0 else None


@dataclass(frozen=True, slots=True, eq=False)
class Built:
    folder: Path
    manifest: dict[str, Any]
    outcomes: tuple[Outcome, ...]
    failures: tuple[Failure, ...]
    n_resumed: int
    speed: Speed
    stopped: str | None  # why it ended before all samples were through


@dataclass(eq=False)
class Engine:
    """Everything that a row depends on, but for its sample."""

    config: BuildConfig
    source: Source
    perceiver: Perceiver
    teacher: Teacher
    reader: BlindReader
    judge: ChatJudge | None
    budget: Budget
    parts: dict[str, Any] = field(default_factory=dict)  # for people, and for `key`
    key: str = ""

    def __post_init__(self) -> None:
        self.parts = self._parts()
        self.key = _digest(self.parts)

    def _parts(self) -> dict[str, Any]:
        config = to_plain(asdict(self.config))
        for section, name in (("source", "path"), ("source", "media"), ("teacher", "workers")):
            config[section].pop(name)
        config["perception"].pop("processes")
        config.pop("budget")  # where it stops, not what it makes
        measuring = any(measures(s) for s in self.source.samples)
        judge = self.judge
        names = {*self.teacher.prompts, *self.reader.prompts, *(judge.prompts if judge else ())}
        prompts = {name: load_prompt(name).sha256 for name in sorted({*names, *_ASKED})}
        return {
            "schema": SCHEMA,
            "version": demeanor.explain.__version__,
            "config": config,
            "teacher": self.teacher.name,
            "reader": self.reader.name,
            "judge": judge.name if judge else None,
            "label_set": to_plain(self.source.label_set),
            "perception": self.perceiver.as_dict(measuring),
            "prompts": prompts,
            "code": {"reasoning": pipeline.code_hash("reasoning"), "data_engine": own_code()},
        }

    def sample_key(self, sample: Sample) -> str:
        """Raises OSError where the sample's files are gone."""
        content = self.perceiver.content_key(sample)
        parts = [self.key, sample.item.item_id, sample.path, sample.labels, sample.item.split]
        return _digest([*parts, sample.subject, sample.item.video, content])


_ASKED = ("system", "explain")  # what every row asks, whoever wrote it


def load_engine(
    config: BuildConfig, source: Source, out: Path, say: Callable[[str], None] = lambda line: None
) -> Engine:
    """Raises DemeanorError where a model cannot be had, or a judge is the teacher."""
    perceiver = Perceiver(config.perception, say)
    budget, cache = Budget(config.budget), ReplyCache(out / REPLIES)
    teacher_config = config.teacher
    if teacher_config.chat == _PROTOTYPE:
        if source.is_open:
            raise DemeanorError(
                f"{source.corpus.name} has open words for gold; the prototype argues for labels "
                "of a closed set alone. Name a chat model with teacher.chat"
            )
        teacher: Teacher = GrammarTeacher(config.seed)
    else:
        model = pipeline.load_chat(teacher_config.chat, teacher_config.adapter, perceiver.settings)
        teacher = ChatTeacher(Asker(model, cache, budget), teacher_config.max_tokens)
    reader = _reader(config, teacher, perceiver, cache, budget)
    judge = None
    if config.judge.chat is not None:
        model = pipeline.load_chat(config.judge.chat, None, perceiver.settings)
        judge = ChatJudge(Asker(model, cache, budget))
        refuse_same(teacher.name, judge.name)
    return Engine(config, source, perceiver, teacher, reader, judge, budget)


def _reader(
    config: BuildConfig, teacher: Teacher, perceiver: Perceiver, cache: ReplyCache, budget: Budget
) -> BlindReader:
    named = config.reader.chat
    if named == _PROTOTYPE or (named is None and isinstance(teacher, GrammarTeacher)):
        return RuleReader()
    if named is None and isinstance(teacher, ChatTeacher):
        return ChatReader(teacher.asker)
    model = pipeline.load_chat(str(named), None, perceiver.settings)
    return ChatReader(Asker(model, cache, budget))


def folder_of(out: Path, engine: Engine) -> Path:
    """Named by what is built of what: the same command finds it again."""
    name = re.sub(r"[^A-Za-z0-9.]+", "-", engine.config.name).strip("-")[:40] or "build"
    return out / f"{name}-{_digest([engine.key, engine.source.sha256])[:8]}"


def own_code() -> str:
    folder = Path(__file__).parent
    digest = hashlib.sha256()
    for name in (*(f"{part}.py" for part in _OWN_CODE), *_OWN_DATA):
        digest.update((folder / name).read_bytes())
    return digest.hexdigest()


# One sample -----------------------------------------------------------------------------------


def make(engine: Engine, sample: Sample, key: str) -> Outcome:
    """Raises DemeanorError where the sample cannot be perceived or a model does not answer."""
    perceived = engine.perceiver.perceive(sample)
    request = perceived.request(
        engine.source.label_set, engine.config.teacher.max_tokens, engine.config.seed
    )
    tries: list[Try] = []
    read = written = 0
    row: ExpCoTExample | None = None
    for attempt in range(1, engine.config.teacher.attempts + 1):
        draft = engine.teacher.write(request, sample.labels, tries)
        read, written = read + draft.n_read, written + draft.n_written
        if draft.refused is not None:
            told = (Try(draft.raw, None, (draft.refused,)),)
            reasons = (draft.refused,)
            return Outcome(
                sample.item.item_id, key, REFUSED, reasons, (*tries, *told), read, written, row
            )
        row = row_of(engine, sample, perceived, request, draft, attempt)
        row, inferred, used = _examined(engine, request, row, draft)
        read, written = read + used[0], written + used[1]
        if not row.failed:
            return Outcome(sample.item.item_id, key, ACCEPTED, (), tuple(tries), read, written, row)
        problems = tuple(f"{c.name}: {c.reason}" for c in row.failed)
        tries.append(Try(draft.raw, inferred, problems))
        if not _worth_another(engine, row):
            break
    return Outcome(
        sample.item.item_id, key, REJECTED, tries[-1].problems, tuple(tries), read, written, row
    )


def _worth_another(engine: Engine, row: ExpCoTExample) -> bool:
    """A misread text is written again; one that fails a check, where that is asked for."""
    return engine.config.checks.again or all(c.name == _BLIND for c in row.failed)


def _examined(
    engine: Engine, request: Request, row: ExpCoTExample, draft: Draft
) -> tuple[ExpCoTExample, str | None, tuple[int, int]]:
    """The row with its checks; the blind reader is asked once the others have passed."""
    problems = "; ".join(draft.parts.problems)
    checks = [CheckResult("reply", not problems, problems or None)]
    checks += run_checks(row, engine.config.checks)
    inferred, read, written = None, 0, 0
    if not any(check.passed is False for check in checks):
        found = engine.reader.read(request, draft.parts)
        inferred, read, written = found.label, found.n_read, found.n_written
        checks.append(_agreement(found, row))
        if engine.judge is not None and checks[-1].passed:
            verdict, reply = engine.judge.problems(request, _text(draft.parts))
            read, written = read + reply.n_read, written + reply.n_written
            checks.append(_judged(verdict))
    return replace(row, checks=tuple(checks)), inferred, (read, written)


def _agreement(found: Reading, row: ExpCoTExample) -> CheckResult:
    """Open words agree where they mean what the reader found."""
    is_open = row.label_set is None and found.label is not None
    if found.label in row.labels or (is_open and means_one_of(str(found.label), row.labels)):
        return CheckResult(_BLIND, True)
    took = f"a reader without the label took it for {found.label or 'none'} ({found.reason})"
    return CheckResult(_BLIND, False, took)


def _judged(problems: tuple[str, ...] | None) -> CheckResult:
    if problems is None:
        return CheckResult("judge", None, "the judge's reply could not be read")
    return CheckResult("judge", not problems, "; ".join(problems) or None)


def row_of(
    engine: Engine,
    sample: Sample,
    perceived: Perceived,
    request: Request,
    draft: Draft,
    attempt: int,
) -> ExpCoTExample:
    """The row that the draft would be: the product's own question, and the answer in its form."""
    answer = canonical_answer(draft.parts)
    parts = parse(answer, request.label_set)
    labels = engine.source.label_set
    settings = {"build": engine.key, "labels": list(labels.labels)}
    return ExpCoTExample(
        example_id=example_id(perceived.clip_id, sample.path, Task.EXP_COT),
        clip_id=perceived.clip_id,
        task=Task.EXP_COT,
        messages=(*messages_of(request), Message("assistant", answer)),
        labels=sample.labels,
        label_set=None if engine.source.is_open else labels.name,
        observations=perceived.observations,
        not_measured=perceived.not_measured,
        evidence=ground(parts, request.observations, request.not_measured, request.person),
        checks=(),
        provenance=Provenance(
            model=engine.teacher.name,
            adapter=engine.teacher.adapter,
            prompt_sha256=_prompt_digest(engine.teacher.prompts),
            seed=engine.config.seed,
            settings=settings,
            version=demeanor.explain.__version__,
            notes=engine.teacher.notes,
        ),
        origin=Origin(
            engine.source.corpus.name,
            sample.item.item_id,
            sample.path,
            engine.config.source.licence,
            sample.subject,
            sample.item.video,
        ),
        split=sample.item.split,
        attempts=attempt,
        extra={"person": perceived.person},
    )


def canonical_answer(parts: Parts) -> str:
    """The reply as `demeanor explain` asks for it, whatever form the teacher gave it."""

    def claims(text: str) -> list[dict[str, Any]]:
        return [{"text": without_cites(c.text), "cites": list(c.cites)} for c in split_claims(text)]

    concluded = claims(parts.conclusion)
    data = {
        "observations": claims(parts.observations),
        "interpretation": claims(parts.interpretation),
        "conclusion": {
            "text": " ".join(c["text"] for c in concluded),
            "cites": list(dict.fromkeys(cite for c in concluded for cite in c["cites"])),
        },
        "labels": list(parts.labels),
        "best_fit": parts.best_fit,
        "confidence": parts.confidence,
        "alternatives": [
            {"label": a.label, "confidence": a.confidence} for a in parts.alternatives
        ],
        "valence": parts.valence,
        "arousal": parts.arousal,
        "abstained": parts.abstained,
        "abstained_reason": parts.abstained_reason,
    }
    return json.dumps(data, ensure_ascii=False)


def _text(parts: Parts) -> str:
    return "\n".join((parts.observations, parts.interpretation, parts.conclusion))


def _prompt_digest(names: Sequence[str]) -> str | None:
    if not names:
        return None
    joined = "\0".join(load_prompt(name).sha256 for name in names)
    return hashlib.sha256(joined.encode()).hexdigest()


# All samples ----------------------------------------------------------------------------------


def build(
    engine: Engine,
    folder: Path,
    tell: Tell = lambda stage, done, n, failed: None,
) -> Built:
    """Make what the folder does not hold yet, then write its files.

    Where nothing is answered any more, or the budget is spent, what there is gets written, and
    the result says that and why it is not all.
    """
    from demeanor.data_engine.card import write_files

    folder.mkdir(parents=True, exist_ok=True)
    samples = engine.source.samples
    with (folder / LOG).open("a", encoding="utf-8") as log:
        keys, gone = _keys(engine)
        kept = _kept(folder / OUTCOMES, keys)
        for outcome in kept.values():
            engine.budget.add(outcome.n_read, outcome.n_written)
        todo = [s for s in samples if s.item.item_id in keys and s.item.item_id not in kept]
        _log(log, f"start: {len(samples)} samples, {len(kept)} kept, {engine.teacher.name}")
        work = _Work(engine, folder, log, tell, len(samples), dict(kept), dict(gone))
        work.measure(todo)
        work.make_all(todo, keys)
        outcomes = tuple(
            work.outcomes[s.item.item_id] for s in samples if s.item.item_id in work.outcomes
        )
        failures = tuple(
            work.failures[s.item.item_id] for s in samples if s.item.item_id in work.failures
        )
        write_atomic(folder / OUTCOMES, "".join(map(outcome_line, outcomes)))
        manifest = write_files(engine, folder, outcomes, failures, work.stopped)
        _log(log, f"end: {len(outcomes)} outcomes, {len(failures)} failed, {_told(work.speed)}")
    return Built(folder, manifest, outcomes, failures, len(kept), work.speed, work.stopped)


def _keys(engine: Engine) -> tuple[dict[str, str], dict[str, Failure]]:
    keys, gone = {}, {}
    for sample in engine.source.samples:
        try:
            keys[sample.item.item_id] = engine.sample_key(sample)
        except OSError as error:
            gone[sample.item.item_id] = _failure(sample, error)
    return keys, gone


@dataclass(eq=False)
class _Work:
    """One call of `build`: what it has done so far."""

    engine: Engine
    folder: Path
    log: IO[str]
    tell: Tell
    n_samples: int
    outcomes: dict[str, Outcome]
    failures: dict[str, Failure]
    speed: Speed = field(default_factory=Speed)
    stopped: str | None = None
    n_in_a_row: int = 0

    def measure(self, todo: Sequence[Sample]) -> None:
        """Perception first, so that what follows reads its cache; a bad clip is a failure."""
        perceiver, start_s = self.engine.perceiver, time.perf_counter()
        missing = [s for s in todo if not perceiver.is_cached(s)]
        for number, (sample, error) in enumerate(self._perceived(missing), start=1):
            if error is not None:
                self.fail(sample, error)
            self.tell("measuring", number, len(missing), len(self.failures))
        took_s = time.perf_counter() - start_s if missing else 0.0
        self.speed = replace(self.speed, n_measured=len(missing), measuring_s=took_s)

    def _perceived(self, samples: Sequence[Sample]) -> Iterator[tuple[Sample, Exception | None]]:
        perceiver = self.engine.perceiver
        if perceiver.config.processes > 1 and len(samples) > 1:
            yield from perceive_at_once(perceiver.config, samples)
            return
        for sample in samples:
            try:
                perceiver.perceive(sample)
                yield sample, None
            except Exception as error:  # one clip's fault must not end the others
                yield sample, error

    def make_all(self, todo: Sequence[Sample], keys: dict[str, str]) -> None:
        todo = [s for s in todo if s.item.item_id not in self.failures]
        start_s, n_before = time.perf_counter(), len(self.outcomes)
        with (self.folder / OUTCOMES).open("a", encoding="utf-8") as stream:
            for sample, result in self._results(todo, keys):
                if isinstance(result, Outcome):
                    self.outcomes[sample.item.item_id], self.n_in_a_row = result, 0
                    stream.write(outcome_line(result))
                    stream.flush()  # a kill loses nothing of it; a power cut, perhaps a line
                elif isinstance(result, BudgetSpent):
                    self.stopped = str(result)
                else:
                    self.fail(sample, result)
                    self.n_in_a_row += 1
                if self.n_in_a_row >= STOP_AFTER:
                    self.stopped = (
                        f"{self.n_in_a_row} samples failed one after another, the last because: "
                        f"{result}"
                    )
                n_done = len(self.outcomes) + len(self.failures)
                self.tell("writing", n_done, self.n_samples, len(self.failures))
        took_s = time.perf_counter() - start_s
        n_built = len(self.outcomes) - n_before
        self.speed = replace(self.speed, n_built=n_built, building_s=took_s)

    def _results(
        self, todo: Sequence[Sample], keys: dict[str, str]
    ) -> Iterator[tuple[Sample, Outcome | Exception]]:
        workers = _workers(self.engine)
        if workers == 1:
            for sample in todo:
                if self.stopped:
                    return
                yield sample, _tried(self.engine, sample, keys[sample.item.item_id])
            return
        yield from self._at_once(todo, keys, workers)

    def _at_once(
        self, todo: Sequence[Sample], keys: dict[str, str], workers: int
    ) -> Iterator[tuple[Sample, Outcome | Exception]]:
        """Requests to an address, several at once; those under way are waited for at the end."""
        waiting = iter(todo)
        under_way: dict[Future[Outcome | Exception], Sample] = {}
        with ThreadPoolExecutor(max_workers=workers, thread_name_prefix="teach") as pool:
            while True:
                while not self.stopped and len(under_way) < 2 * workers:
                    sample = next(waiting, None)
                    if sample is None:
                        break
                    key = keys[sample.item.item_id]
                    under_way[pool.submit(_tried, self.engine, sample, key)] = sample
                if not under_way:
                    return
                for future in wait(under_way, return_when=FIRST_COMPLETED).done:
                    yield under_way.pop(future), future.result()

    def fail(self, sample: Sample, error: Exception) -> None:
        failure = _failure(sample, error)
        self.failures[sample.item.item_id] = failure
        _log(self.log, f"failed: {sample.item.item_id}: {failure.reason}")


def _tried(engine: Engine, sample: Sample, key: str) -> Outcome | Exception:
    try:
        return make(engine, sample, key)
    except Exception as error:  # one sample's fault must not end the others
        return error


def _failure(sample: Sample, error: Exception) -> Failure:
    kind, reason = type(error).__name__, str(error)
    if not isinstance(error, DemeanorError | OSError):
        reason = f"{kind}: {error}. A fault of Demeanor: please report it"
    return Failure(sample.item.item_id, sample.path, kind, reason)


def _workers(engine: Engine) -> int:
    """A model in this process, and rules, answer one at a time."""
    remote = "://" in engine.config.teacher.chat
    return max(1, engine.config.teacher.workers) if remote else 1


# What is kept ---------------------------------------------------------------------------------


def outcome_line(outcome: Outcome) -> str:
    data = to_plain(replace(outcome, row=None))
    text = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    row = to_line(outcome.row).rstrip("\n") if outcome.row else "null"
    return text.removesuffix('"row":null}') + f'"row":{row}}}\n'


def read_outcome(line: str) -> Outcome:
    """Raises DemeanorError or ValueError for anything else."""
    data = json.loads(line)
    row = data.pop("row")
    tries = tuple(Try(t["reply"], t["inferred"], tuple(t["problems"])) for t in data.pop("tries"))
    reasons = tuple(data.pop("reasons"))
    made = from_line(json.dumps(row)) if row else None
    return Outcome(**data, reasons=reasons, tries=tries, row=made)


def _kept(path: Path, keys: dict[str, str]) -> dict[str, Outcome]:
    """Outcomes of an earlier call that still hold; the file is left with those alone."""
    if not path.is_file():
        return {}
    found: dict[str, Outcome] = {}
    for line in path.read_text("utf-8", errors="replace").split("\n"):
        try:
            outcome = read_outcome(line)
        except (DemeanorError, ValueError, TypeError, KeyError, AttributeError):
            continue  # a kill cut it short
        if keys.get(outcome.item_id) == outcome.key:
            found[outcome.item_id] = outcome
    write_atomic(path, "".join(map(outcome_line, found.values())))
    return found


def _log(stream: IO[str], line: str) -> None:
    stream.write(f"{time.strftime('%Y-%m-%dT%H:%M:%S%z')} {' '.join(line.split())}\n")
    stream.flush()


def _told(speed: Speed) -> str:
    share = speed.measuring_share
    return (
        f"{speed.n_measured} measured in {speed.measuring_s:.1f} s, {speed.n_built} built in "
        f"{speed.building_s:.1f} s, perception {share or 0.0:.0%} of the time"
    )


def _digest(parts: Any) -> str:
    text = json.dumps(parts, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:24]
