"""Cut a text into claims, and read what each one cites.

A claim is a sentence or a bullet. What stands in quotation marks was said by a stranger: it is
masked before anything is read from a claim, so that quoted text can neither cite nor end one.
"""

import re
from dataclasses import dataclass

_QUOTE = re.compile(r'“[^“”\n]*”|"[^"\n]*"|«[^«»\n]*»|„[^„“”\n]*[“”]')
_ID = r"[fvsFVS]\d+"
_CITES = re.compile(rf"\[\s*{_ID}(?:(?:\s*[,;–-]\s*|\s+and\s+|\s+){_ID})*\s*\]")
_RANGE = re.compile(r"([fvs])(\d+)\s*[–-]\s*\1(\d+)")
_BULLET = re.compile(r"^\s*(?:[-*•]|\d{1,2}[.)])\s+")
_HEADING = re.compile(r"^(?:#+\s.*|[^.!?\[\]]{1,40}:)$")
_CITED_AFTER = rf"(?:\s*{_CITES.pattern})*"
_END = re.compile(
    rf"[.!?…]+[)”\"’]*{_CITED_AFTER}\s+(?=[^\sa-z0-9])(?!{_CITES.pattern})|[。！？]{_CITED_AFTER}"
)
_NO_END = re.compile(r"\b(?:e\.g|i\.e|et al|vs|cf|approx|Dr|Mr|Mrs|Ms|No|Fig|St)\.\s*$")
MAX_RANGE = 50  # "[f1-f999999]" is a mistake, not a list to write out


@dataclass(frozen=True, slots=True)
class Claim:
    text: str
    masked: str  # the same, letters inside quotation marks replaced; as long as `text`
    cites: tuple[str, ...]
    quotes: tuple[str, ...]


def split_claims(text: str) -> list[Claim]:
    """The claims of a part, in order; headings and empty lines are none."""
    return [read_claim(sentence) for line in _lines(text) for sentence in sentences(line)]


def read_claim(text: str) -> Claim:
    masked = mask_quotes(text)
    quotes = tuple(match[0][1:-1] for match in _QUOTE.finditer(text))
    return Claim(text, masked, read_cites(masked), quotes)


def read_cites(masked: str) -> tuple[str, ...]:
    """Ids in square brackets, each once, in order: [f3, v1], [f1-f3]."""
    found: dict[str, None] = {}
    for match in _CITES.finditer(masked):
        for obs_id in re.findall(_ID.lower(), _RANGE.sub(_written_out, match[0].lower())):
            found[obs_id] = None
    return tuple(found)


def without_cites(text: str) -> str:
    return re.sub(r"\s+([.!?,;])", r"\1", _CITES.sub("", text)).strip()


def sentences(line: str) -> list[str]:
    masked, found, start = mask_quotes(line), [], 0
    for end in _END.finditer(masked):
        if not _NO_END.search(masked[start : end.end()]):
            found.append(line[start : end.end()].strip())
            start = end.end()
    return [
        sentence for sentence in (*found, line[start:].strip()) if any(map(str.isalnum, sentence))
    ]


def with_cites(text: str, cites: list[str]) -> str:
    """`text` with `cites` in every sentence that has none of its own, before its full stop."""
    if not cites:
        return text
    return " ".join(_cited(sentence, cites) for sentence in sentences(text))


def mask_quotes(text: str) -> str:
    return _QUOTE.sub(lambda match: "“" + "_" * (len(match[0]) - 2) + "”", text)


def _cited(sentence: str, cites: list[str]) -> str:
    if read_cites(mask_quotes(sentence)):
        return sentence
    body = sentence.rstrip(".!?…")
    return f"{body} [{', '.join(cites)}]{sentence[len(body) :] or '.'}"


def _written_out(match: re.Match[str]) -> str:
    letter, first, last = match[1], int(match[2]), int(match[3])
    if not first <= last <= first + MAX_RANGE:
        return match[0]
    return ", ".join(f"{letter}{n}" for n in range(first, last + 1))


def _lines(text: str) -> list[str]:
    lines = [_BULLET.sub("", line).replace("**", "").strip() for line in text.splitlines()]
    return [line for line in lines if line and not _HEADING.match(line)]
