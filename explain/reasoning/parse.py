"""Read a model's reply: JSON, or the plain three-part text.

What cannot be read is said in `problems` and left empty; it is never guessed at. A number out
of its range is a problem and None, not the nearest number that would fit. A label outside the
closed set stays among the open labels.
"""

import json
import math
import re
from dataclasses import dataclass, replace
from typing import Any

from demeanor.explain.reasoning.claims import with_cites
from demeanor.explain.records import LabelScore, LabelSet

MAX_LABELS = 12  # an open set longer than this is a word list, not an answer
MAX_LABEL_CHARS = 60
MAX_CLAIMS = 12  # of a part
MAX_CLAIM_CHARS = 400  # without maxLength a held model may never close its string
_KEYS = {"observations", "interpretation", "conclusion", "labels", "best_fit", "abstained"}
_ID = re.compile(r"[fvs]\d+")


@dataclass(frozen=True, slots=True)
class Parts:
    """A reply, read. `readable` is False when no answer could be found in it."""

    observations: str = ""
    interpretation: str = ""
    conclusion: str = ""
    labels: tuple[str, ...] = ()
    best_fit: str | None = None
    confidence: float | None = None
    alternatives: tuple[LabelScore, ...] = ()
    valence: float | None = None
    arousal: float | None = None
    abstained: bool = False
    abstained_reason: str | None = None
    problems: tuple[str, ...] = ()
    readable: bool = True


def parse(reply: str, label_set: LabelSet) -> Parts:
    """The parts of a reply. An unreadable one abstains, with what was missing in `problems`."""
    answer = _after_thinking(reply)
    if answer is None:
        return _unreadable(Parts(), ["the reply ends inside its thinking"])
    if (data := _find_json(answer)) is not None:
        return _from_fields(data, label_set)
    fields = _text_fields(answer)
    if not fields and "{" in answer:
        return _unreadable(Parts(), ["the reply holds a JSON object that is broken or cut short"])
    return _from_fields(fields, label_set)


def reply_schema(label_set: LabelSet) -> dict[str, Any]:
    """JSON schema of a reply. Reasons stand before labels: a model writes in this order."""
    claims = {
        "type": "array",
        "maxItems": MAX_CLAIMS,
        "items": _object(
            {
                "text": {"type": "string", "maxLength": MAX_CLAIM_CHARS},
                "cites": {
                    "type": "array",
                    "maxItems": 12,
                    "items": {"type": "string", "maxLength": 8},
                },
            }
        ),
    }
    label = {"type": "string", "maxLength": MAX_LABEL_CHARS}
    known = {"type": "string", "enum": list(label_set.labels)}
    share = {"type": "number", "minimum": 0, "maximum": 1}
    bipolar = {"type": ["number", "null"], "minimum": -1, "maximum": 1}
    return _object(
        {
            "observations": claims,
            "interpretation": claims,
            "conclusion": claims["items"],
            "labels": {"type": "array", "maxItems": MAX_LABELS, "items": label},
            "best_fit": {"anyOf": [known, {"type": "null"}]},
            "confidence": {"anyOf": [share, {"type": "null"}]},
            "alternatives": {
                "type": "array",
                "maxItems": len(label_set.labels),
                "items": _object({"label": known, "confidence": share}),
            },
            "valence": bipolar,
            "arousal": bipolar,
            "abstained": {"type": "boolean"},
            "abstained_reason": {"type": ["string", "null"], "maxLength": MAX_CLAIM_CHARS},
        }
    )


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


# --- from a dict of fields to parts ------------------------------------------------------------


def _from_fields(fields: dict[str, Any], label_set: LabelSet) -> Parts:
    problems: list[str] = []
    abstained = _abstained(fields.get("abstained"), problems)
    parts = Parts(
        observations=_claims(fields, "observations", "\n", problems),
        interpretation=_claims(fields, "interpretation", " ", problems),
        conclusion=_claims(fields, "conclusion", " ", problems),
    )
    if abstained:
        return _abstention(parts, fields, problems)
    for part in ("observations", "interpretation", "conclusion"):
        if not getattr(parts, part):
            problems.append(f"the part {part} is missing or empty")
    labels = _labels(fields.get("labels"), label_set, problems)
    best_fit, labels = _best_fit(fields.get("best_fit"), labels, label_set, problems)
    if not labels:
        problems.append("no labels were given")
        return _unreadable(parts, problems)
    if not (parts.observations or parts.interpretation or parts.conclusion):
        problems.append("labels were given without reasons")
        return _unreadable(parts, problems)
    return replace(
        parts,
        labels=labels,
        best_fit=best_fit,
        confidence=_number(fields, "confidence", 0.0, problems),
        alternatives=_alternatives(fields.get("alternatives"), best_fit, label_set, problems),
        valence=_number(fields, "valence", -1.0, problems),
        arousal=_number(fields, "arousal", -1.0, problems),
        problems=tuple(problems),
    )


def _unreadable(parts: Parts, problems: list[str]) -> Parts:
    reason = "the model's reply could not be read"
    return _abstaining(replace(parts, readable=False), reason, problems)


def _abstention(parts: Parts, fields: dict[str, Any], problems: list[str]) -> Parts:
    if fields.get("labels") or fields.get("best_fit"):
        problems.append("the reply abstains and yet gives labels; they are left out")
    reason = fields.get("abstained_reason")
    if not isinstance(reason, str) or not reason.strip():
        problems.append("the reply abstains without a reason")
        reason = "the model gave no reason"
    return _abstaining(parts, reason.strip(), problems)


def _abstaining(parts: Parts, reason: str, problems: list[str]) -> Parts:
    return replace(parts, abstained=True, abstained_reason=reason, problems=tuple(problems))


def _claims(fields: dict[str, Any], part: str, joint: str, problems: list[str]) -> str:
    value = fields.get(part)
    entries = value if isinstance(value, list) else [value]
    texts = [text for entry in entries if (text := _claim(entry, part, problems))]
    if joint == "\n" and isinstance(value, list):
        texts = [f"- {text}" for text in texts]
    return joint.join(texts)


def _claim(entry: Any, part: str, problems: list[str]) -> str:
    """One claim with its citations in brackets, whichever way the model gave them."""
    if entry is None:
        return ""
    if isinstance(entry, str):
        return entry.strip()
    if not isinstance(entry, dict) or not isinstance(entry.get("text"), str):
        problems.append(f"{part}: wanted a text with cites, found {_short(entry)}")
        return ""
    text = " ".join(entry["text"].split())
    return with_cites(text, _ids(entry.get("cites"), part, problems)) if text else ""


def _ids(cites: Any, part: str, problems: list[str]) -> list[str]:
    ids = []
    for cite in cites if isinstance(cites, list) else []:
        found = _ID.fullmatch(str(cite).strip(" []").lower())
        if found:
            ids.append(found[0])
        else:
            problems.append(f"{part}: {_short(cite)} is not an observation id")
    return ids


def _abstained(value: Any, problems: list[str]) -> bool:
    if value is None or isinstance(value, bool):
        return bool(value)
    word = str(value).strip().lower().rstrip(".")
    if word.split(" ")[0] in ("yes", "true"):
        return True
    if word.split(" ")[0] not in ("no", "false", "none", ""):
        problems.append(f"abstained: wanted yes or no, found {_short(value)}")
    return False


def _labels(value: Any, label_set: LabelSet, problems: list[str]) -> tuple[str, ...]:
    entries = re.split(r"[,;|/]", value) if isinstance(value, str) else value or []
    if not isinstance(entries, list):
        problems.append(f"labels: wanted a list, found {_short(entries)}")
        return ()
    found: dict[str, str] = {}
    for entry in entries:
        label = entry.strip(" .*\"'“”`[]") if isinstance(entry, str) else ""
        if not label or len(label) > MAX_LABEL_CHARS or not label.isprintable():
            if entry != "":
                problems.append(f"labels: {_short(entry)} is not a label")
            continue
        found.setdefault(_key(label), _in_set(label, label_set) or label)
    if len(found) > MAX_LABELS:
        problems.append(f"labels: {len(found)} were given; kept the first {MAX_LABELS}")
    return tuple(found.values())[:MAX_LABELS]


def _best_fit(
    value: Any, labels: tuple[str, ...], label_set: LabelSet, problems: list[str]
) -> tuple[str | None, tuple[str, ...]]:
    """The label of the closed set, and the open labels with it or with what stood in its place."""
    given = _labels([value] if isinstance(value, str) else [], label_set, problems)
    if not given:
        problems.append("no best fit was given")
        return None, labels
    known = _in_set(given[0], label_set)
    if known is None:
        problems.append(f"best fit {_short(value)} is not in {label_set.name}")
    if _key(given[0]) not in map(_key, labels):
        labels = (*labels, given[0])
    return known, labels


def _alternatives(
    value: Any, best_fit: str | None, label_set: LabelSet, problems: list[str]
) -> tuple[LabelScore, ...]:
    scores: dict[str, float] = {}
    for entry in value if isinstance(value, list) else []:
        fields = entry if isinstance(entry, dict) else {"label": entry}
        label = _in_set(str(fields.get("label", "")), label_set)
        if label is None:
            problems.append(f"alternatives: {_short(fields.get('label'))} is not in the label set")
            continue
        confidence = _number(fields, "confidence", 0.0, problems)
        if confidence is not None and label != best_fit:
            scores.setdefault(label, confidence)
    ordered = sorted(scores.items(), key=lambda item: -item[1])
    return tuple(LabelScore(label, confidence) for label, confidence in ordered)


def _number(fields: dict[str, Any], name: str, low: float, problems: list[str]) -> float | None:
    """A number from `low` to 1, from 0.8 or "0.8" or "80 %"; None and a problem otherwise."""
    value = fields.get(name)
    if value is None or value == "":
        return None
    number = _as_float(value)
    if number is None or not low <= number <= 1.0:
        problems.append(f"{name}: wanted a number from {low:g} to 1, found {_short(value)}")
        return None
    return number


def _as_float(value: Any) -> float | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return float(value) if math.isfinite(value) else None
    match = re.fullmatch(r"\s*([+\-−]?\d+(?:\.\d+)?)\s*(%?)\.?\s*", str(value))
    if match is None:
        return None
    return float(match[1].replace("−", "-")) / (100.0 if match[2] else 1.0)


def _in_set(label: str, label_set: LabelSet) -> str | None:
    return next((known for known in label_set.labels if _key(known) == _key(label)), None)


def _key(label: str) -> str:
    return " ".join(re.split(r"[\s_-]+", label.strip().casefold()))


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}…"


# --- from a reply to a dict of fields ----------------------------------------------------------


def _after_thinking(reply: str) -> str | None:
    """What follows the model's thinking; None when it never stopped thinking."""
    if "</think>" in reply:
        return reply.rsplit("</think>", 1)[1].strip()
    return None if reply.lstrip().startswith("<think>") else reply.strip()


def _find_json(answer: str) -> dict[str, Any] | None:
    """The first JSON object in the reply that looks like ours, fenced or not."""
    decoder, start = json.JSONDecoder(), answer.find("{")
    while start >= 0:
        try:
            data, end = decoder.raw_decode(answer, start)
        except (ValueError, RecursionError):
            end = start + 1
        else:
            if isinstance(data, dict) and _KEYS & set(data):
                return data
        start = answer.find("{", end)
    return None


_PARTS = {
    "observations": r"key\s+observations?",
    "interpretation": r"(?:overall\s+)?(?:emotional\s+)?interpretation",
    "conclusion": r"conclusion",
}
_LINES = {
    "labels": r"labels?",
    "best_fit": r"best[\s_-]*fit",
    "confidence": r"confidence",
    "alternatives": r"alternatives?",
    "valence": r"valence",
    "arousal": r"arousal",
    "abstained": r"abstain(?:ed|s)?",
    "abstained_reason": r"(?:abstained[\s_]+)?reason",
}
_FIELD = re.compile(
    r"^[\s#*>-]*(?:\d[.)]\s*)?(?:"
    + "|".join(f"(?P<{name}>{pattern})" for name, pattern in (_PARTS | _LINES).items())
    + r")[\s*]*(?::[\s*]*(?P<rest>.*)|$)",
    re.IGNORECASE,
)


def _text_fields(answer: str) -> dict[str, Any]:
    """Fields of the three-part text form. A heading that comes twice counts once: the first."""
    fields: dict[str, Any] = {}
    current: str | None = None
    for line in answer.splitlines():
        match = _FIELD.match(line)
        if match is None:
            if current in _PARTS:
                fields[current] += f"\n{line}"
            continue
        current = _heading(match)
        if current in fields:
            current = None
            continue
        fields[current] = (match["rest"] or "").strip()
    if isinstance(fields.get("alternatives"), str):
        fields["alternatives"] = _text_alternatives(fields["alternatives"])
    return {
        name: value.strip() if isinstance(value, str) else value for name, value in fields.items()
    }


def _heading(match: re.Match[str]) -> str:
    return next(name for name in (_PARTS | _LINES) if match[name] is not None)


def _text_alternatives(text: str) -> list[dict[str, str]]:
    """From "sadness 0.2, fear (10 %)"; a label without a number keeps none."""
    entries = [
        re.split(r"[\s:(]+(?=\d)", entry.strip(" .)"), maxsplit=1) for entry in text.split(",")
    ]
    return [
        {"label": entry[0], "confidence": entry[1].strip(" )") if len(entry) > 1 else ""}
        for entry in entries
        if entry[0] and entry[0].lower() != "none"
    ]
