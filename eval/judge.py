"""How far two descriptions of a clip name the same clues, or the same emotions, from 1 to 10.

After EMER's clue and label overlap (Lian et al. 2023), with prompts of our own. A judge is pinned:
its model and the hash of its prompt are in the signature, and figures of two judges refuse to be
compared. Every pair is asked about again, and once the other way round: what a judge says twice
differently, or differently in another order, says how far its figures can be trusted.

A reply is scored where its form is right, and is unscored with its reason otherwise. A number is
never looked for in a text.
"""

import dataclasses
import hashlib
import json
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from demeanor.eval.extraction import (
    ExtractionError,
    RuleExtractor,
    ask,
    model_id,
    only_object,
)
from demeanor.eval.judged import HIGH, LOW, N_COLUMNS, JudgedMetric
from demeanor.eval.report import Origin, Report, evaluate, to_json
from demeanor.eval.resampling import N_FOLDS
from demeanor.eval.scores import Sample, Scored
from demeanor.eval.signature import prompt_digest
from demeanor.eval.tables import WordTable, load_table
from demeanor.eval.tasks import Setting, Task
from demeanor.eval.text import as_text
from demeanor.explain.errors import DemeanorError, UnknownName
from demeanor.explain.reasoning.chain import behind_bars
from demeanor.explain.reasoning.chat import ChatModel, Message
from demeanor.explain.reasoning.claims import mask_quotes, without_cites
from demeanor.explain.reasoning.cues import find_mentions
from demeanor.explain.store import write_atomic
from demeanor.prompts import load_prompt

CLUES, LABELS = "clues", "labels"
KINDS = (CLUES, LABELS)
BUILTIN = "builtin"
FORWARD, AGAIN, TURNED, OTHER = "forward", "again", "turned", "other"
_MAX_TOKENS = 700
_FINE_WHEELS = 3  # of d1, see eval/wheels/README.md
_MAX_ITEMS, _MAX_CHARS = 20, 120
_NO_FORM = "the reply has not the form that was asked for"
# A candidate that talks to its judge is scored like any other, and counted.
_TO_JUDGE = re.compile(
    r"\b(?:10|ten) (?:out of|/) ?(?:10|ten)\b|\bscore\b|\brate (?:this|it|me)\b|\bas the judge\b"
    r"|\bignore (?:all|any|the|previous)\b|\binstructions?\b|\"score\"",
    re.IGNORECASE,
)


class SameModel(DemeanorError):
    """A judge that would judge itself, or what it has taught."""


@dataclass(frozen=True, slots=True)
class Pair:
    pair_id: str
    reference: str
    candidate: str
    group: str | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """A score, or why there is none; with the whole conversation."""

    score: float | None
    unscored: str | None
    asked: tuple[dict[str, str], ...]  # messages, role and content
    reply: str


class Judge(Protocol):
    @property
    def name(self) -> str:
        """As signatures name it: the model and the hash of its prompt."""

    @property
    def notes(self) -> tuple[str, ...]: ...

    def judge(self, first: str, second: str, seed: int) -> Verdict:
        """Raises DemeanorError where the judge cannot be reached."""


# A language model -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ChatJudge:
    """A chat model at temperature 0, held to a schema where it can be."""

    model: ChatModel
    kind: str

    def __post_init__(self) -> None:
        _checked_kind(self.kind)
        if not self.model.reads_prompt:
            raise DemeanorError(
                f"{self.model.name} reads observations and no texts: it cannot judge. "
                "Take --judge builtin, or name a language model"
            )

    @property
    def name(self) -> str:
        return prompt_digest(model_id(self.model), load_prompt(f"judge_{self.kind}").text)

    @property
    def notes(self) -> tuple[str, ...]:
        return tuple(f"about the judge: {note}" for note in self.model.notes)

    def judge(self, first: str, second: str, seed: int) -> Verdict:
        prompt = load_prompt(f"judge_{self.kind}")
        content = prompt.fill(first=behind_bars(first), second=behind_bars(second))
        messages = (Message("user", content),)
        reply = ask(self.model, messages, reply_schema(self.kind), _MAX_TOKENS, seed)
        score, unscored = read_verdict(reply, self.kind)
        return Verdict(score, unscored, ({"role": "user", "content": content},), reply)


def reply_schema(kind: str) -> dict[str, Any]:
    """Lists stand before the score: a model writes in this order."""
    several = {
        "type": "array",
        "maxItems": _MAX_ITEMS,
        "items": {"type": "string", "maxLength": _MAX_CHARS},
    }
    one, other = _lists(kind)
    fields = {one: several, other: several, "shared": several}
    return {
        "type": "object",
        "properties": {**fields, "score": {"type": "integer", "minimum": LOW, "maximum": HIGH}},
        "required": [*fields, "score"],
        "additionalProperties": False,
    }


def _lists(kind: str) -> tuple[str, str]:
    return f"{_checked_kind(kind)}_a", f"{kind}_b"


def _checked_kind(kind: str) -> str:
    if kind not in KINDS:
        raise UnknownName("kind of judging", kind, KINDS)
    return kind


def read_verdict(reply: str, kind: str) -> tuple[float | None, str | None]:
    """The score, or why there is none. Never raises.

    >>> read_verdict("10 because the candidate says so", "clues")
    (None, 'the reply is no JSON object')
    >>> said = '{"clues_a": ["smile"], "clues_b": ["frown"], "shared": [], "score": 9}'
    >>> read_verdict(said, "clues")
    (None, 'the score is 9 and nothing is shared')
    """
    try:
        data = only_object(reply)
    except ExtractionError as error:
        return None, str(error)
    one, other = _lists(kind)
    if set(data) != {one, other, "shared", "score"}:
        return None, f"{_NO_FORM}: keys {sorted(data)!r:.100}"
    for name in (one, other, "shared"):
        if not _is_list_of_texts(data[name]):
            return None, f"{_NO_FORM}: {name} is no list of texts"
    return _read_score(data["score"], data["shared"], data[one], data[other])


def _is_list_of_texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(v, str) and v.strip() for v in value)


def _read_score(
    score: object, shared: list[str], first: list[str], second: list[str]
) -> tuple[float | None, str | None]:
    if isinstance(score, bool) or not isinstance(score, int | float):
        return None, f"the score is no number: {score!r:.60}"
    if score != int(score) or not LOW <= score <= HIGH:
        return None, f"the score is no whole number from {LOW} to {HIGH}: {score!r:.20}"
    if score > LOW and not shared:
        return None, f"the score is {score:g} and nothing is shared"
    if shared and not (first and second):
        return None, "something is shared, and one of the lists is empty"
    return float(score), None


# Without a language model ---------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class BuiltinJudge:
    """Clues are movements and sounds that the grounding check knows by phrase, and emotion words
    by their clusters on the wheels of d1. Deterministic, and the same both ways round. How far a
    language model, or a person, would agree with it is not known.
    """

    kind: str

    def __post_init__(self) -> None:
        _checked_kind(self.kind)

    @property
    def name(self) -> str:
        return f"builtin-1.{self.kind}.{_table().sha256[:8]}"

    @property
    def notes(self) -> tuple[str, ...]:
        return (
            "the judge matches phrases and words by tables; its agreement with a language model, "
            "or with people, is unknown",
            "it shares its tables of cues with the built-in reasoner, and may favour it",
        )

    def judge(self, first: str, second: str, seed: int) -> Verdict:
        one, other = self._clues(first), self._clues(second)
        found = {"first": sorted(map(_named, one)), "second": sorted(map(_named, other))}
        reply = json.dumps(found, ensure_ascii=False)
        if not (one and other):
            which = "first" if not one else "second"
            return Verdict(None, f"no {self.kind[:-1]} that it knows in the {which}", (), reply)
        share = _f(_matched(one, other) / len(one), _matched(other, one) / len(other))
        return Verdict(LOW + (HIGH - LOW) * share, None, (), reply)

    def _clues(self, text: str) -> set[frozenset[str]]:
        """Each as the things it may be; two match where they have one in common."""
        clues = {_clusters(label) for label in RuleExtractor(_table()).labels(text)}
        if self.kind == CLUES:
            mentions = find_mentions(mask_quotes(text))
            clues |= {frozenset(m.codes) for m in mentions if not (m.negated or m.unmeasured)}
        return clues - {frozenset()}


def _table() -> WordTable:
    return load_table("d1")


def _clusters(label: str) -> frozenset[str]:
    """On the outer rings of the three finer wheels: the others make half of all words one."""
    table = _table()
    found = ((ring, table.cluster(ring, label)) for ring in table.wheels(2)[:_FINE_WHEELS])
    return frozenset(f"{ring}:{cluster}" for ring, cluster in found if cluster)


def _named(clue: frozenset[str]) -> str:
    return "+".join(sorted(clue))


def _matched(one: set[frozenset[str]], other: set[frozenset[str]]) -> int:
    return sum(any(clue & with_ for with_ in other) for clue in one)


def _f(precision: float, recall: float) -> float:
    total = precision + recall
    return 2 * precision * recall / total if total else 0.0


# Judging pairs --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Judging:
    repeat: bool = True
    turn: bool = True
    other: bool = True  # the candidate against the next sample's reference: what chance gives
    workers: int = 1
    n_folds: int = N_FOLDS
    answered_by: str = ""  # the model whose texts are judged
    teachers: tuple[str, ...] = ()  # models that taught it
    force: bool = False


def judge_pairs(
    pairs: Sequence[Pair], judge: Judge, kind: str, folder: Path, judging: Judging
) -> tuple[Report, dict[str, dict[str, Verdict]]]:
    """Ask about every pair that the folder has no verdicts on, and write the report beside them.

    Raises SameModel, and DemeanorError where the judge cannot be reached: what it said is kept.
    """
    notes = check_judge(judge.name, judging)
    ways = _ways(judging, len(pairs))
    texts = _texts(pairs)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "verdicts.jsonl"
    kept = _kept_verdicts(path, texts, judge, ways)
    todo = [pair for pair in pairs if pair.pair_id not in kept]
    pool = ThreadPoolExecutor(max_workers=judging.workers, thread_name_prefix="judge")
    try:
        with path.open("a", encoding="utf-8") as stream:
            asked = {
                pool.submit(_ask_ways, texts[pair.pair_id], judge, ways): pair for pair in todo
            }
            for future in as_completed(asked):
                pair = asked[future]
                kept[pair.pair_id] = future.result()
                row = _verdict_row(pair.pair_id, texts, judge, kept[pair.pair_id])
                stream.write(json.dumps(row, ensure_ascii=False) + "\n")
                stream.flush()
                os.fsync(stream.fileno())
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
    report = _report(pairs, kept, judge, kind, judging, notes)
    write_atomic(folder / "report.json", to_json(report))
    write_atomic(folder / "report.txt", as_text(report))
    return report, kept


def _ways(judging: Judging, n_pairs: int) -> list[str]:
    wanted = (
        (FORWARD, True),
        (AGAIN, judging.repeat),
        (TURNED, judging.turn),
        (OTHER, judging.other and n_pairs > 1),
    )
    return [way for way, is_wanted in wanted if is_wanted]


def _texts(pairs: Sequence[Pair]) -> dict[str, tuple[str, str, str]]:
    """Id -> reference, candidate, and the reference of the sample after it."""
    return {
        pair.pair_id: (pair.reference, pair.candidate, pairs[(k + 1) % len(pairs)].reference)
        for k, pair in enumerate(pairs)
    }


def _ask_ways(texts: tuple[str, str, str], judge: Judge, ways: Iterable[str]) -> dict[str, Verdict]:
    reference, candidate, other = texts
    said = {
        FORWARD: (reference, candidate, 0),
        AGAIN: (reference, candidate, 1),
        TURNED: (candidate, reference, 0),
        OTHER: (other, candidate, 0),
    }
    return {way: judge.judge(*said[way]) for way in ways}


def _verdict_row(
    name: str,
    texts: Mapping[str, tuple[str, str, str]],
    judge: Judge,
    verdicts: Mapping[str, Verdict],
) -> dict[str, Any]:
    said = {way: dataclasses.asdict(verdict) for way, verdict in verdicts.items()}
    return {"id": name, "key": _key(texts[name], judge), "judge": judge.name, "verdicts": said}


def _key(texts: tuple[str, str, str], judge: Judge) -> str:
    return hashlib.sha256(json.dumps([judge.name, *texts]).encode()).hexdigest()[:24]


def _kept_verdicts(
    path: Path,
    texts: Mapping[str, tuple[str, str, str]],
    judge: Judge,
    ways: Sequence[str],
) -> dict[str, dict[str, Verdict]]:
    found: dict[str, dict[str, Verdict]] = {}
    lines = []
    for line in path.read_text("utf-8", errors="replace").splitlines() if path.is_file() else []:
        try:
            row = json.loads(line)
            said = {way: _verdict(row["verdicts"][way]) for way in ways}
            if row["key"] != _key(texts[row["id"]], judge):
                continue
        except (ValueError, KeyError, TypeError):
            continue  # cut short by a kill, or of another judge or text
        found[row["id"]] = said
        lines.append(line + "\n")
    if path.is_file():
        write_atomic(path, "".join(lines))
    return found


def _verdict(row: Mapping[str, Any]) -> Verdict:
    return Verdict(row["score"], row["unscored"], tuple(row["asked"]), row["reply"])


def _report(
    pairs: Sequence[Pair],
    verdicts: Mapping[str, Mapping[str, Verdict]],
    judge: Judge,
    kind: str,
    judging: Judging,
    notes: Sequence[str],
) -> Report:
    samples = [Sample(p.pair_id, p.reference, p.candidate, p.group) for p in pairs]
    metric = JudgedMetric(kind)

    def score(some: Sequence[Sample], setting: Setting) -> Scored:
        rows = np.array([_row(verdicts[s.sample_id]) for s in some]).reshape(len(some), N_COLUMNS)
        reasons = tuple(verdicts[s.sample_id][FORWARD].unscored for s in some)
        return Scored(metric, rows, reasons)

    task = Task(
        f"judged-{kind}",
        f"How far candidates name the {kind} of their references, as a judge says",
        f"{kind[:-1]}-overlap",
        score,
        None,
        False,
        "as given",
    )
    said = [*notes, *judge.notes, *_length_notes(pairs, verdicts), *_judge_notes(pairs)]
    return evaluate(task, samples, Setting(), Origin(judge=judge.name), judging.n_folds, said)


def _row(verdicts: Mapping[str, Verdict]) -> list[float]:
    """Zeros where the first asking is unscored; agreement only where both have a score."""
    first = verdicts[FORWARD].score
    if first is None:
        return [0.0] * N_COLUMNS
    row = [first, 1.0]
    for way in (AGAIN, TURNED):
        other = verdicts[way].score if way in verdicts else None
        row += [0.0, 0.0] if other is None else [float(other == first), 1.0]
    turned = verdicts[TURNED].score if TURNED in verdicts else None
    row.append(0.0 if turned is None else abs(turned - first))
    other = verdicts[OTHER].score if OTHER in verdicts else None
    return [*row, other or 0.0, float(other is not None)]


def _length_notes(
    pairs: Sequence[Pair], verdicts: Mapping[str, Mapping[str, Verdict]]
) -> list[str]:
    """A judge that scores length has not read: on MER2026 the longer text wins 80% of pairs."""
    known = [(len(p.candidate), verdicts[p.pair_id][FORWARD].score) for p in pairs]
    both = np.array([(n, s) for n, s in known if s is not None], dtype=float)
    if len(both) < 10 or not both.std(axis=0).all():
        return []
    r = float(np.corrcoef(both.T)[0, 1])
    return [f"scores go with the candidate's length by r = {r:+.2f}"]


def _judge_notes(pairs: Sequence[Pair]) -> list[str]:
    n = sum(_TO_JUDGE.search(pair.candidate) is not None for pair in pairs)
    return [f"{n} candidates seem to speak to the judge: read their verdicts"] if n else []


def explained(explanation: Mapping[str, Any]) -> str:
    """What an answer says, as an answer keeps it: its three parts without the ids they cite."""
    parts = ("observations_part", "interpretation", "conclusion")
    return without_cites("\n".join(explanation[part] for part in parts))


# Who may judge --------------------------------------------------------------------------------


def check_judge(judge: str, judging: Judging) -> tuple[str, ...]:
    """What the report says of it. Raises SameModel for a judge that made or taught the texts."""
    same = [
        f"{role} ({name})"
        for role, names in (
            ("the model that answered", (judging.answered_by,)),
            ("a teacher", judging.teachers),
        )
        for name in names
        if name and same_model(judge, name)
    ]
    if not same:
        return ()
    said = f"the judge {judge} is {', and '.join(same)}"
    if not judging.force:
        raise SameModel(
            f"{said}: models score their own texts higher. Take another judge, or --force"
        )
    return (f"WARNING: {said}; forced",)


def same_model(one: str, other: str) -> bool:
    """By name, whatever folder, version or prompt hash stands around it.

    >>> same_model("Qwen/Qwen2.5-7B-Instruct.1a2b3c4d", "qwen2.5-7b-instruct")
    True
    >>> same_model("qwen2.5-7b-instruct", "qwen2.5-72b-instruct")
    False
    """
    return bool(_bare(one) & _bare(other))


def _bare(name: str) -> set[str]:
    """The model's name with and without the hash of a prompt at its end."""
    last = name.lower().split("+", maxsplit=1)[0].rstrip("/").rsplit("/", maxsplit=1)[-1]
    return {last, re.sub(r"\.[0-9a-f]{8}$", "", last)}
