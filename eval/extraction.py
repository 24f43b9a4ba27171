"""Labels out of free text: by rule, or by a chat model held to a JSON schema at temperature 0.

Which one was used, and with which table or prompt, stands in the signature: on OV-MERD another
way of reading the same descriptions moved published figures by up to 2.5 points.
"""

import json
import re
from dataclasses import dataclass
from typing import Any, Protocol

from demeanor.eval.signature import prompt_digest
from demeanor.eval.tables import WordTable
from demeanor.explain.corpora.labels import label_set
from demeanor.explain.errors import DemeanorError
from demeanor.explain.reasoning.chain import behind_bars
from demeanor.explain.reasoning.chat import ChatModel, Message, Request
from demeanor.explain.records import Timeline
from demeanor.prompts import load_prompt

MAX_LABELS = 8
_MAX_CHARS = 40
_LONGEST = 3  # words in a label of a table
_WINDOW = 6  # words before a label in which its clause may deny it
_TOKEN = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
_PART = re.compile(r"[.!?;:,\n]|\b(?:but|though|although|while|however|yet)\b", re.IGNORECASE)
_NO = frozenset(
    "no not never without hardly neither nor none absence lack lacks lacking free isn't wasn't"
    " doesn't don't didn't aren't weren't cannot can't devoid".split()
)
_NOT_NO = ("only", "just", "merely")  # "not only angry"
# In the tables by another sense, or too common in sentences to be anybody's label.
_NOT_LABELS = frozenset(
    "see seen like want wants wanted wanting know known knows understand understanding long longer"
    " past low dark number matter matters future okay wearing leaning crossed bed neck floor kick"
    " emotion emotions emotional feeling feelings feel feels sense intense intensity attention kind"
    " care involving involved involve receive received receiving pressure rest accept despite"
    " engaged engaging engages content contents positive negative expression seems appear appears"
    " inclination lowering drooping held pictures wild predicted question".split()
)


class ExtractionError(DemeanorError):
    """A model's reply that is no list of labels."""


class Extractor(Protocol):
    @property
    def name(self) -> str:
        """As signatures name it: with the hash of the table or of the prompt."""

    def labels(self, text: str) -> list[str]: ...


@dataclass(frozen=True, slots=True)
class RuleExtractor:
    """The words of a table that stand in the text and are not denied there, in order."""

    table: WordTable

    @property
    def name(self) -> str:
        return f"rule-1.{self.table.version}.{self.table.sha256[:8]}"

    def labels(self, text: str) -> list[str]:
        """
        >>> from demeanor.eval.tables import load_table
        >>> rule = RuleExtractor(load_table("d1"))
        >>> rule.labels("She looks relaxed, not angry, and without any sign of worry; a bit sad.")
        ['relaxed', 'sad']
        """
        found = [label for part in _PART.split(text) for label in self._in_clause(part)]
        return list(dict.fromkeys(found))[:MAX_LABELS]

    def _in_clause(self, clause: str) -> list[str]:
        words = [word.lower().replace("’", "'") for word in _TOKEN.findall(clause)]
        found, at = [], 0
        while at < len(words):
            n = self._length_at(words, at)
            if n and not _denied(words[max(0, at - _WINDOW) : at]):
                found.append(" ".join(words[at : at + n]))
            at += n or 1
        return found

    def _length_at(self, words: list[str], at: int) -> int:
        """How many words here are one label of the table; 0 for none."""
        for n in range(min(_LONGEST, len(words) - at), 0, -1):
            label = " ".join(words[at : at + n])
            is_word = n > 1 or (words[at] not in _NOT_LABELS and words[at] not in _NO)
            if is_word and words[at] not in _NO and label in _words(self.table):
                return n
        return 0


def _words(table: WordTable) -> frozenset[str]:
    found = _KNOWN.get(table.sha256)
    if found is None:
        found = frozenset(word for grouping in table.groupings.values() for word in grouping)
        _KNOWN[table.sha256] = found
    return found


_KNOWN: dict[str, frozenset[str]] = {}


def _denied(before: list[str]) -> bool:
    return any(
        word in _NO and not (k + 1 < len(before) and before[k + 1] in _NOT_NO)
        for k, word in enumerate(before)
    )


@dataclass(frozen=True, slots=True)
class ChatExtractor:
    """A chat model asked for the labels of a text. Raises ExtractionError for any other reply."""

    model: ChatModel

    def __post_init__(self) -> None:
        if not self.model.reads_prompt:
            raise DemeanorError(
                f"{self.model.name} reads observations and no prompts: it cannot extract labels. "
                "Take --extract rule, or name a language model"
            )

    @property
    def name(self) -> str:
        return prompt_digest(model_id(self.model), load_prompt("extract_labels").text)

    def labels(self, text: str) -> list[str]:
        prompt = load_prompt("extract_labels").fill(text=behind_bars(text))
        schema = {
            "type": "object",
            "properties": {
                "labels": {
                    "type": "array",
                    "maxItems": MAX_LABELS,
                    "items": {"type": "string", "maxLength": _MAX_CHARS},
                }
            },
            "required": ["labels"],
            "additionalProperties": False,
        }
        return read_reply(ask(self.model, (Message("user", prompt),), schema, 200))


def read_reply(reply: str) -> list[str]:
    """Strictly one object with a list of short texts. Raises ExtractionError."""
    data = only_object(reply)
    labels = data.get("labels")
    if set(data) != {"labels"} or not isinstance(labels, list):
        raise ExtractionError(f'wanted {{"labels": […]}}, found {reply[:80]!r}')
    if not all(isinstance(label, str) and len(label) <= _MAX_CHARS for label in labels):
        raise ExtractionError(f"wanted short texts as labels, found {reply[:80]!r}")
    return [label.strip().lower() for label in labels if label.strip()][:MAX_LABELS]


# What judges use too --------------------------------------------------------------------------


def model_id(model: ChatModel) -> str:
    return " ".join(filter(None, (model.name, model.version, model.adapter))).replace(" ", "+")


def ask(
    model: ChatModel,
    messages: tuple[Message, ...],
    schema: dict[str, Any],
    max_tokens: int,
    seed: int = 0,
) -> str:
    """A chat model's reply to messages of ours, held to the schema where it can be."""
    request = Request(
        clip_id="",
        person=None,
        timeline=Timeline(None, "", (), 0, 0),
        observations=(),
        not_measured=(),
        label_set=label_set("rafdb7"),  # not in these messages; the record wants one
        max_tokens=max_tokens,
        seed=seed,
        messages=messages,
        schema=schema if model.structured else None,
    )
    return model.reply(request)


def only_object(reply: str) -> dict[str, Any]:
    """The one JSON object that a reply is, fenced or after its thinking. Raises ExtractionError
    for nothing, for text around it, for two objects, and for a key that is given twice.
    """
    text = reply.rsplit("</think>", 1)[-1].strip()
    fenced = re.fullmatch(r"```(?:json)?\s*(.*?)\s*```", text, re.DOTALL)
    text = fenced[1] if fenced else text
    if not text:
        raise ExtractionError("the reply is empty")
    if not text.startswith("{"):
        raise ExtractionError("the reply is no JSON object")
    try:
        data = json.loads(text, object_pairs_hook=_each_once, parse_constant=_refused)
    except json.JSONDecodeError as error:
        after = " (there is more after the first object)" if error.msg == "Extra data" else ""
        raise ExtractionError(f"the reply is not one JSON object{after}") from error
    except RecursionError as error:
        raise ExtractionError("the reply is not one JSON object") from error
    if not isinstance(data, dict):
        raise ExtractionError("the reply is no JSON object")
    return data


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len({key for key, _ in pairs}) < len(pairs):
        raise ExtractionError("the reply gives one key twice")
    return dict(pairs)


def _refused(name: str) -> None:
    raise ExtractionError(f"the reply holds {name}, which is no number")
