"""What a person put right in an explanation, kept with what it was said about.

A correction never changes the explanation that it is about: it stands beside it, with the hash of
that result, the model that wrote it and the time. `curation` makes of all of them the folder that
`demeanor data curate` opens: the rows as they were, those that fail a check among the rejects,
and a decision for each whose mended answer passes.
"""

import hashlib
import io
import json
import zipfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from demeanor.data_engine import curate
from demeanor.data_engine.build import REJECTS, ROWS, canonical_answer
from demeanor.data_engine.check import read, run_checks
from demeanor.data_engine.records import ExpCoTExample, Origin, Task, example_id, to_line
from demeanor.explain.corpora.labels import label_set
from demeanor.explain.errors import DemeanorError, UnknownName
from demeanor.explain.reasoning.chain import RETRY_MARK, messages_of
from demeanor.explain.reasoning.chat import Message, Request
from demeanor.explain.reasoning.parse import Parts, parse
from demeanor.explain.records import Explanation, LabelSet
from demeanor.explain.result import Result
from demeanor.explain.store import to_plain

PARTS = ("observations", "interpretation", "conclusion")
MAX_CHARS = 2000  # of what is put in its place, and of the note
_CORPUS = "session"
_WHEN = (1980, 1, 1, 0, 0, 0)  # in the archive: the same corrections are the same bytes


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody wants put right: one claim by its number, one part, or a label."""

    now: str
    was: str | None = None
    note: str = ""
    person: str | None = None
    evidence_index: int | None = None
    part: str | None = None
    label: str | None = None

    @property
    def kind(self) -> str:
        named = {"claim": self.evidence_index, "part": self.part, "label": self.label}
        found = [kind for kind, value in named.items() if value is not None]
        if len(found) != 1:
            raise DemeanorError(
                "a correction names one of evidence_index, part and label; found "
                f"{len(found)} of them"
            )
        return found[0]


@dataclass(frozen=True, slots=True)
class Correction:
    kind: str  # claim, part, label
    person: str | None
    evidence_index: int | None
    part: str | None
    label: str | None
    was: str
    now: str
    note: str
    result_sha256: str  # of the explanation that it is about
    model: str
    said_s: float  # since 1970

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def corrected(result: Result, wanted: Wanted, said_s: float) -> Correction:
    """Checked against the explanation that it speaks of. Raises DemeanorError, UnknownName."""
    explained = _explanation(result, wanted.person)
    kind = wanted.kind
    for text in (wanted.now, wanted.note):
        if len(text) > MAX_CHARS:
            raise DemeanorError(f"a text of {len(text)} characters; at most {MAX_CHARS} are kept")
    was, part = _said(explained, kind, wanted)
    if wanted.was is not None and wanted.was.strip() != was.strip():
        raise DemeanorError(
            f"this is about {wanted.was[:80]!r}, and the explanation now says {was[:80]!r}. "
            "Read the result again"
        )
    if kind == "label":
        _known_label(explained, wanted.now)
    return Correction(
        kind,
        explained.person,
        wanted.evidence_index,
        part,
        wanted.label,
        was,
        wanted.now,
        wanted.note,
        sha256_of(explained),
        explained.provenance.model,
        said_s,
    )


def sha256_of(explained: Explanation) -> str:
    text = json.dumps(to_plain(explained), sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _explanation(result: Result, person: str | None) -> Explanation:
    if not result.explanations:
        raise DemeanorError("there is no explanation to correct: only cues were measured")
    if person is None:
        return result.explanations[0]
    for explained in result.explanations:
        if explained.person == person:
            return explained
    raise UnknownName("explained person", person, (str(e.person) for e in result.explanations))


def _said(explained: Explanation, kind: str, wanted: Wanted) -> tuple[str, str | None]:
    """What stands there now, and in which part."""
    if kind == "label":
        return explained.best_fit or "", None
    if kind == "part":
        if wanted.part not in PARTS:
            raise UnknownName("part of an explanation", str(wanted.part), PARTS)
        return _told(explained)[wanted.part], wanted.part
    number = wanted.evidence_index or 0
    if not 0 <= number < len(explained.evidence):
        raise DemeanorError(
            f"there is no claim {number}: this explanation has {len(explained.evidence)}, from 0"
        )
    return explained.evidence[number].claim, explained.evidence[number].part


def _known_label(explained: Explanation, label: str) -> None:
    known = _labels_of(explained).labels
    if label not in known:
        raise UnknownName(f"label in {explained.label_set}", label[:60], known)


def _labels_of(explained: Explanation) -> LabelSet:
    return label_set(explained.label_set)


def _told(explained: Explanation) -> dict[str, str]:
    texts = (explained.observations_part, explained.interpretation, explained.conclusion)
    return dict(zip(PARTS, texts, strict=True))


# For curation -----------------------------------------------------------------------------------


def curation(result: Result, corrections: Sequence[Correction]) -> bytes:
    """A ZIP of rows.jsonl, rejects.jsonl, curation.jsonl and corrections.json."""
    rows = [row_of(result, explained) for explained in result.explanations]
    decisions, told = [], []
    for explained, row in zip(result.explanations, rows, strict=True):
        sha256 = sha256_of(explained)
        own = [c for c in corrections if c.result_sha256 == sha256]
        mended, failed = _mended(row, own)
        told += [{**c.as_dict(), "example_id": row.example_id, "failed": failed} for c in own]
        if own and not failed:
            decisions.append(_decision(row, mended, own))
    of_others = [c for c in corrections if c.as_dict() not in [_bare(t) for t in told]]
    told += [{**c.as_dict(), "example_id": None, "failed": _OLDER} for c in of_others]
    return _zipped(
        {
            ROWS: "".join(to_line(row) for row in rows if not row.failed),
            REJECTS: "".join(_reject(row) for row in rows if row.failed),
            curate.DECISIONS: "".join(decisions),
            "corrections.json": json.dumps(told, ensure_ascii=False, indent=1) + "\n",
        }
    )


_OLDER = ["it is about an earlier explanation of this clip"]


def _bare(told: dict[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in told.items() if k not in ("example_id", "failed")}


def row_of(result: Result, explained: Explanation) -> ExpCoTExample:
    """The product's question about this person, and the answer that was given to it."""
    labels, measured = _labels_of(explained), result.measurement
    parts = _parts(explained, labels)
    mine = (explained.person, None)
    row = ExpCoTExample(
        example_id=example_id(explained.clip_id, str(explained.person), Task.EXP_COT),
        clip_id=explained.clip_id,
        task=Task.EXP_COT,
        messages=(
            *messages_of(_request(result, explained, labels)),
            Message("assistant", canonical_answer(parts)),
        ),
        labels=(explained.best_fit,) if explained.best_fit else (),
        label_set=labels.name,
        observations=tuple(o for o in result.observations if o.person in mine),
        not_measured=tuple(n for n in measured.not_measured if n.person in mine),
        evidence=explained.evidence,
        checks=(),
        provenance=explained.provenance,
        origin=Origin(_CORPUS, measured.clip.media_id),
        extra={"person": explained.person},
    )
    return replace(row, checks=run_checks(row))


def _parts(explained: Explanation, labels: LabelSet) -> Parts:
    return parse(explained.raw_reply.rsplit(RETRY_MARK, 1)[-1], labels)


def _request(result: Result, explained: Explanation, labels: LabelSet) -> Request:
    text = next(t for t in result.timelines if t.person == explained.person)
    return Request(explained.clip_id, explained.person, text, (), (), labels, 0, 0)


def _mended(
    row: ExpCoTExample, corrections: Sequence[Correction]
) -> tuple[ExpCoTExample, list[str]]:
    """The row with all of them in it, and why that cannot be taken; nothing where it can."""
    failed: list[str] = []
    told = asdict(curate.told(row))
    label: str | None = None
    for one in corrections:
        if one.kind == "label":
            label = one.now
        elif one.kind == "part":
            told[str(one.part)] = one.now
        elif one.was in told[str(one.part)]:
            told[str(one.part)] = told[str(one.part)].replace(one.was, one.now, 1)
        else:
            failed.append(f"the claim {one.was[:60]!r} is no longer there")
    mended = curate.mended(_labelled(row, label) if label else row, curate.Told(**told))
    return mended, failed + [f"{check.name}: {check.reason}" for check in mended.failed]


def _labelled(row: ExpCoTExample, label: str) -> ExpCoTExample:
    parts = replace(read(row).parts or Parts(), best_fit=label, labels=(label,))
    answer = Message("assistant", canonical_answer(parts))
    return replace(row, messages=(*row.messages[:-1], answer), labels=(label,))


def _reject(row: ExpCoTExample) -> str:
    reasons = [f"{check.name}: {check.reason}" for check in row.failed]
    data = {"reasons": reasons, "row": json.loads(to_line(row))}
    return json.dumps(data, ensure_ascii=False) + "\n"


def _decision(row: ExpCoTExample, mended: ExpCoTExample, own: Sequence[Correction]) -> str:
    data = {
        "example_id": row.example_id,
        "decision": curate.Decision.MEND.value,
        "answer": mended.answer,
        "note": "; ".join(c.note for c in own if c.note),
    }
    return json.dumps(data, ensure_ascii=False) + "\n"


def _zipped(files: dict[str, str]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(zipfile.ZipInfo(name, _WHEN), text)
    return packed.getvalue()
