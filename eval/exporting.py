"""A run as one HTML page, and the parts of it that the viewer shows too.

Texts of strangers (ids, labels, replies, reasons) are escaped by the template engine wherever they
stand; no page has a script or a link to elsewhere, and its policy forbids both.
"""

from collections.abc import Mapping
from importlib.resources import files
from typing import Any

import jinja2

from demeanor.eval import viewing
from demeanor.eval.text import N_SCORES
from demeanor.eval.viewing import Viewed


def to_html(run: Viewed) -> str:
    """The same bytes for the same run."""
    return _filled(
        "run.html",
        run=run,
        counts=viewing.outcome_counts(run),
        scores=viewing.score_rows(run),
        n_first=N_SCORES,
        judged=viewing.judged_rows(run),
        samples=viewing.sample_rows(run),
        claims={name: viewing.claim_rows(answer) for name, answer in run.answers.items()},
        confusion=viewing.confusion(run),
        pairs=viewing.confused_pairs(run),
        dropped=viewing.dropped(run),
    )


def confusion_html(run: Viewed) -> str:
    """Gold by answer as a table; empty where the task has no closed set."""
    found = viewing.confusion(run)
    return "" if found is None else _filled("confusion.html", confusion=found)


def answer_html(answer: Mapping[str, Any]) -> str:
    """What was claimed, on what, and what the model read and wrote."""
    claims = viewing.claim_rows(answer)
    return _filled("answer.html", answer=answer, claims=claims, styled=True)


def _filled(name: str, **values: Any) -> str:
    return _environment().get_template(name).render(**values)


def _environment() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.FunctionLoader(_text),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _text(name: str) -> str:
    return files("demeanor.eval").joinpath("page", name).read_text("utf-8")
