"""Who writes the three parts, who reads them without the label, and who judges.

The label is shown to the teacher for one thing: to be argued for, or refused. The observations
were made before anybody knew it. The blind reader sees the key observations and the
interpretation, neither the conclusion nor any label (after ExpLLM's engine, Lan et al. 2024).
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from demeanor.data_engine import grammar
from demeanor.data_engine.replies import Asker, Reply
from demeanor.explain.errors import DemeanorError
from demeanor.explain.reasoning.chain import behind_bars
from demeanor.explain.reasoning.chat import Message, Request
from demeanor.explain.reasoning.claims import split_claims, without_cites
from demeanor.explain.reasoning.cues import find_mentions
from demeanor.explain.reasoning.parse import Parts, parse, reply_schema
from demeanor.explain.reasoning.prose import abstention
from demeanor.explain.reasoning.weigh import label_scores, read_signs
from demeanor.explain.records import Channel, Observation
from demeanor.prompts import load_prompt

# The offline teacher refuses below this share of the best label's confidence: half as likely is
# a weaker case, a tenth is none; ours.
LEAST_SHARE = 0.5
_REPLY_SHOWN = 2000  # characters of an earlier try that the teacher is shown again
_READ_TOKENS, _JUDGE_TOKENS = 200, 400


@dataclass(frozen=True, slots=True)
class Try:
    """One text of the teacher that was not taken, and why."""

    reply: str
    inferred: str | None  # what the blind reader took it for; None: it was not asked, or no label
    problems: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Draft:
    parts: Parts
    raw: str
    refused: str | None  # why the cues do not support the label
    n_read: int = 0
    n_written: int = 0


@dataclass(frozen=True, slots=True)
class Reading:
    """The blind reader's answer. label None: the text gave it no reason for any."""

    label: str | None
    reason: str
    n_read: int = 0
    n_written: int = 0


class Teacher(Protocol):
    @property
    def name(self) -> str: ...

    @property
    def adapter(self) -> str | None: ...

    @property
    def prompts(self) -> tuple[str, ...]: ...

    @property
    def notes(self) -> tuple[str, ...]: ...

    def write(self, request: Request, labels: tuple[str, ...], tries: Sequence[Try]) -> Draft: ...


class BlindReader(Protocol):
    @property
    def name(self) -> str: ...

    @property
    def prompts(self) -> tuple[str, ...]: ...

    def read(self, request: Request, parts: Parts) -> Reading: ...


# Offline --------------------------------------------------------------------------------------


class GrammarTeacher:
    """The prototype's reading, argued for a label in many ways. Deterministic by seed."""

    name = "prototype with a varied grammar 1"
    adapter = None
    prompts: tuple[str, ...] = ()
    notes = (
        "rules from published tables; weights set by hand, not fitted and not validated",
        "it argues only where its own reading gives the label at least half of the best one's",
    )

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def write(self, request: Request, labels: tuple[str, ...], tries: Sequence[Try]) -> Draft:
        """The first text may leave things out; after one that was misread, everything is told."""
        reading, label = read_signs(request), labels[0]
        if reading.abstains:
            reason = str(abstention(reading.unread, reading.gaps)["abstained_reason"])
            return Draft(Parts(abstained=True, abstained_reason=reason), "", reason)
        if not grammar.supported(reading, request.label_set, label, LEAST_SHARE):
            reason = f"the cues do not support {label}: nothing that is listed for it stands out"
            return Draft(Parts(abstained=True, abstained_reason=reason), "", reason)
        seed = self.seed + len(tries)
        in_full = bool(tries) and tries[-1].inferred is not None
        raw = json.dumps(
            grammar.write(request, reading, label, seed, in_full=in_full), ensure_ascii=False
        )
        return Draft(parse(raw, request.label_set), raw, None)


class RuleReader:
    """The prototype, given only those observations that the text names where it cites them."""

    name = "prototype on what the key observations name 1"
    prompts: tuple[str, ...] = ()

    def read(self, request: Request, parts: Parts) -> Reading:
        told = tuple(o for o in request.observations if o.obs_id in _named(request, parts))
        scores = label_scores(read_signs(replace(request, observations=told)), request.label_set)
        label = max(scores, key=lambda name: scores[name])
        return Reading(label, f"from {len(told)} named cues, at {scores[label]:.2f}")


def _named(request: Request, parts: Parts) -> set[str]:
    by_id = {o.obs_id: o for o in request.observations}
    return {
        o.obs_id
        for claim in split_claims(parts.observations)
        for o in (by_id[cite] for cite in claim.cites if cite in by_id)
        if _is_told(o, claim.masked, bool(claim.quotes))
    }


def _is_told(observation: Observation, masked: str, has_quote: bool) -> bool:
    if observation.channel is Channel.SPEECH:
        return has_quote
    return any(m.shown_by(observation) and not m.negated for m in find_mentions(masked))


# Chat models ----------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class ChatTeacher:
    asker: Asker
    max_tokens: int
    prompts = ("teach", "teach_again")

    @property
    def name(self) -> str:
        return self.asker.name

    @property
    def adapter(self) -> str | None:
        return self.asker.model.adapter

    @property
    def notes(self) -> tuple[str, ...]:
        return self.asker.model.notes

    def write(self, request: Request, labels: tuple[str, ...], tries: Sequence[Try]) -> Draft:
        """One conversation: what was tried before, and what was wrong with it, stays in it."""
        messages = [Message("user", _teaching(request, labels))]
        for earlier in tries:
            problems = behind_bars("\n".join(earlier.problems))
            messages.append(Message("assistant", earlier.reply[:_REPLY_SHOWN] or "(empty)"))
            messages.append(Message("user", load_prompt("teach_again").fill(problems=problems)))
        schema = reply_schema(request.label_set)
        reply = self.asker.ask(request, messages, schema, self.max_tokens)
        parts = parse(reply.text, request.label_set)
        refused = parts.abstained_reason if parts.abstained and parts.readable else None
        return Draft(parts, reply.text, refused, reply.n_read, reply.n_written)


def _teaching(request: Request, labels: tuple[str, ...]) -> str:
    return load_prompt("teach").fill(
        person=request.person or "nobody in particular; voice and words only",
        timeline=behind_bars(request.timeline.text),
        label_set=request.label_set.name,
        labels=", ".join(request.label_set.labels),
        label=", ".join(labels),
    )


@dataclass(frozen=True, eq=False)
class ChatReader:
    asker: Asker
    prompts = ("blind_read",)

    @property
    def name(self) -> str:
        return self.asker.name

    def read(self, request: Request, parts: Parts) -> Reading:
        text = "\n".join(without_cites(t) for t in (parts.observations, parts.interpretation))
        prompt = load_prompt("blind_read").fill(
            text=behind_bars(text),
            label_set=request.label_set.name,
            labels=", ".join(request.label_set.labels),
        )
        known = {"type": "string", "enum": list(request.label_set.labels)}
        fields = {
            "reason": {"type": "string", "maxLength": 300},
            "best_fit": {"anyOf": [known, {"type": "null"}]},
        }
        reply = self.asker.ask(request, [Message("user", prompt)], _object(fields), _READ_TOKENS)
        data = _only_object(reply)
        label = data.get("best_fit")
        if label is not None and label not in request.label_set.labels:
            label = None
        reason = data.get("reason") or "its reply could not be read"
        return Reading(label, str(reason)[:300], reply.n_read, reply.n_written)


@dataclass(frozen=True, eq=False)
class ChatJudge:
    """Another model, asked whether a row may be learnt from. Never the teacher."""

    asker: Asker
    prompts = ("judge_row",)

    @property
    def name(self) -> str:
        return self.asker.name

    def problems(self, request: Request, text: str) -> tuple[tuple[str, ...] | None, Reply]:
        """None where its reply cannot be read: it is no verdict either way."""
        prompt = load_prompt("judge_row").fill(
            timeline=behind_bars(request.timeline.text), text=behind_bars(text)
        )
        problem = {"type": "string", "maxLength": 300}
        fields = {
            "problems": {"type": "array", "maxItems": 8, "items": problem},
            "keep": {"type": "boolean"},
        }
        reply = self.asker.ask(request, [Message("user", prompt)], _object(fields), _JUDGE_TOKENS)
        data = _only_object(reply)
        found, keep = data.get("problems"), data.get("keep")
        if not isinstance(found, list) or not isinstance(keep, bool):
            return None, reply
        told = tuple(str(problem)[:300] for problem in found)
        return (() if keep else told or ("the judge gave no reason",)), reply


def refuse_same(teacher: str, judge: str) -> None:
    """Raises DemeanorError where the judge would judge its own work."""
    if teacher == judge:
        raise DemeanorError(
            f"the judge ({judge}) is the teacher: it would judge its own work. Name another model "
            "with judge.chat"
        )


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _only_object(reply: Reply) -> dict[str, Any]:
    """The JSON object that the reply is, perhaps fenced; {} for anything else."""
    text = reply.text.rsplit("</think>", 1)[-1].strip()
    text = text.removeprefix("```json").removeprefix("```").removesuffix("```").strip()
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return data if isinstance(data, dict) else {}
