"""A session about one clip as a file: explanation, questions and answers, corrections.

Names, transcripts, replies and questions are strangers' texts: escaped by the template engine, in
a page whose policy forbids every script and every address.
"""

import base64
import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import Any

import jinja2
from markupsafe import Markup

from demeanor.explain import pictures
from demeanor.explain.errors import DemeanorError
from demeanor.explain.records import Explanation
from demeanor.explain.report import (
    clip_facts,
    html_report,
    markdown_report,
    markdown_text,
    page_environment,
    span_of,
)
from demeanor.explain.result import Result
from demeanor.explain.store import result_text, to_plain
from demeanor.explain.textualization.phrases import clause
from demeanor.explain.vocabulary import NOT_VALIDATED
from demeanor.serve.corrections import Correction, curation
from demeanor.serve.sessions import Session, Turn

CAUTION = (
    "A label says how an observer might describe what is shown; it does not say what somebody "
    f"feels. Intensities are {NOT_VALIDATED}. No decision about a person may rest on this alone."
)
_TITLES = {
    "observations": "Key observations",
    "interpretation": "How they combine",
    "conclusion": "Conclusion",
}


class Form(StrEnum):
    HTML = "html"
    JSON = "json"
    MD = "md"
    ROWS = "rows"


class ReportForm(StrEnum):
    HTML = "html"
    MD = "md"
    JSON = "json"


_TYPES = {
    "html": "text/html; charset=utf-8",
    "json": "application/json",
    "md": "text/markdown; charset=utf-8",
    "rows": "application/zip",
}


@dataclass(frozen=True, slots=True)
class Exported:
    data: bytes
    media_type: str
    file_name: str  # ours: no part of it is a stranger's


@dataclass(frozen=True, slots=True, eq=False)
class Told:
    """All that a session holds about one clip. `result` bears the clip's name, no path."""

    session: Session
    clip_id: str
    result: Result
    notice: str | None
    turns: Sequence[Turn]
    corrections: Sequence[Correction]


def export(told: Told, form: Form) -> Exported:
    if form is Form.ROWS:
        data = curation(told.result, told.corrections)
    elif form is Form.JSON:
        data = _json(told).encode()
    else:
        data = _filled(f"session.{form.value}", _content(told)).encode()
    suffix = "zip" if form is Form.ROWS else form.value
    return Exported(data, _TYPES[form.value], f"session-{told.clip_id[:12]}.{suffix}")


def report(result: Result, playable: Result, clip_id: str, form: ReportForm) -> Exported:
    """The files of explain/report.py. `playable` knows where the clip lies, `result` its name."""
    if form is ReportForm.JSON:
        text = result_text(result)
    elif form is ReportForm.MD:
        text = markdown_report(result)
    else:
        text = _with_pictures(result, playable)
    return Exported(text.encode(), _TYPES[form.value], f"report-{clip_id[:12]}.{form.value}")


def _with_pictures(result: Result, playable: Result) -> str:
    cited = frozenset(c for e in result.explanations for v in e.evidence for c in v.cites)
    measured = playable.measurement
    if measured.clip.width_px is None:
        return html_report(result)
    try:
        wanted = pictures.moments(measured, result.observations, cited)
        shown = pictures.take(measured, wanted, blur=False)
        return html_report(result, shown, portraits=pictures.portraits(measured, blur=False))
    except DemeanorError:
        return html_report(result, notes=("There are no pictures: the clip cannot be read.",))


def _json(told: Told) -> str:
    data = {
        "session": {
            "purpose": told.session.purpose.value,
            "cue_only": told.session.purpose.cue_only,
            "created_s": told.session.created_s,
        },
        "clip_id": told.clip_id,
        "notice": told.notice,
        "result": json.loads(result_text(told.result)),
        "turns": [to_plain(turn) for turn in told.turns],
        "corrections": [c.as_dict() for c in told.corrections],
    }
    return json.dumps(data, ensure_ascii=False, indent=1) + "\n"


def _content(told: Told) -> dict[str, Any]:
    result = told.result
    return {
        "name": result.measurement.clip.path.name,
        "facts": clip_facts(result),
        "purpose": told.session.purpose.value,
        "caution": CAUTION,
        "notice": told.notice,
        "explanations": [_explained(e) for e in result.explanations],
        "observations": [
            {"obs_id": o.obs_id, "person": o.person, "during": span_of(o.span), "what": clause(o)}
            for o in result.observations
        ],
        "turns": told.turns,
        "corrections": [{**asdict(c), "when": _when(c.said_s)} for c in told.corrections],
        "css": _css(),
        "css_sha256": base64.b64encode(hashlib.sha256(_css().encode()).digest()).decode(),
    }


def _explained(e: Explanation) -> dict[str, Any]:
    texts = (e.observations_part, e.interpretation, e.conclusion)
    labels = ", ".join(e.labels) or str(e.best_fit)
    sure = "" if e.confidence is None else f" (confidence {e.confidence:.2f})"
    return {
        "person": e.person,
        "model": e.provenance.model,
        "answer": f"no label: {e.abstained_reason}"
        if e.abstained
        else f"appears to show {labels}{sure}",
        "parts": [
            {"title": title, "text": text, "claims": [v for v in e.evidence if v.part == part]}
            for (part, title), text in zip(_TITLES.items(), texts, strict=True)
        ],
    }


def _when(said_s: float) -> str:
    return datetime.fromtimestamp(said_s, UTC).strftime("%Y-%m-%d %H:%M UTC")


def _filled(template: str, content: dict[str, Any]) -> str:
    page = _environment(template.endswith(".html")).get_template(template)
    return page.render(**content)


@cache
def _environment(escape: bool) -> jinja2.Environment:
    environment = page_environment(_text, escape)
    environment.filters["md"] = markdown_text
    return environment


@cache
def _css() -> Markup:
    return Markup(_text("session.css"))  # noqa: S704  our own file


def _text(name: str) -> str:
    return files("demeanor.serve").joinpath(name).read_text("utf-8")
