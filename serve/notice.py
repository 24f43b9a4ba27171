"""What a session's purpose means for what is done, and the notice to the people filmed.

Facts and their sources: `notice.md`. It is a draft that whoever films completes, no legal advice.
"""

from importlib.resources import files
from string import Template

from demeanor.serve.sessions import Purpose

CUE_ONLY = (
    "No emotion was inferred: with the purpose “{purpose}” only cues are measured. Inferring the "
    "emotions of people at work or in education is prohibited in the EU, except for medical or "
    "safety reasons (AI Act, Regulation (EU) 2024/1689, Article 5(1)(f))."
)
_WHO = {
    Purpose.RESEARCH: "The recording is looked at for research.",
    Purpose.PERSONAL: "The recording is looked at for personal use.",
    Purpose.ACCESSIBILITY: "The recording is looked at to describe it to somebody who cannot see "
    "or hear it.",
    Purpose.WORKPLACE: "The recording was made at work.",
    Purpose.EDUCATION: "The recording was made in education.",
}
_EXPLAINED = (
    "From these it reasons to words for what you appear to show, each with the moments that it "
    "rests on. Such a word says how an observer might describe what is seen and heard; it does not "
    "say what you feel."
)
_CUES = "That is all: no emotion is inferred from them."
_HERE = (
    "It stays on the computer of whoever uses the program and is removed there, with what was "
    "measured, when a session is over (after {hours:g} hours without use)."
)


def cue_only_notice(purpose: Purpose) -> str:
    return CUE_ONLY.format(purpose=purpose.value)


def notice(purpose: Purpose, lasts_s: float) -> str:
    """As Markdown, for the people in a recording."""
    text = files("demeanor.serve").joinpath("notice.md").read_text("utf-8")
    return Template(text).substitute(
        who_uses_it=_WHO[purpose],
        what_follows=_CUES if purpose.cue_only else _EXPLAINED,
        where_it_stays=_HERE.format(hours=lasts_s / 3600),
    )
