"""Hold a local model to the form of a reply: three parts, and citations of ids that exist.

The JSON schema of the request becomes a grammar (llguidance); at each step every token that
would leave it is made impossible. A model so held cannot cite what is not in the timeline and
cannot break its JSON. What it says within the strings stays its own, and is checked as ever.
llguidance is imported here and nowhere else.
"""

from collections.abc import Iterable
from importlib.util import find_spec
from typing import Any

from demeanor.explain.errors import MissingExtra
from demeanor.explain.reasoning.chat import Request

_NO_BRACKETS = r"[^\[\]\x00-\x1f]"  # an id in brackets would be a citation as well
# As `json.dumps` writes, which is what training rows hold: one form, no loops of white space.
_FORM = {"item_separator": ", ", "key_separator": ": ", "whitespace_flexible": False}


def cited_from(schema: Any, ids: Iterable[str]) -> Any:
    """`schema` with every list of cites drawn from `ids`, and no brackets in a claim's text."""
    known = tuple(dict.fromkeys(ids))
    if isinstance(schema, list):
        return [cited_from(part, known) for part in schema]
    if not isinstance(schema, dict):
        return schema
    made = {key: cited_from(value, known) for key, value in schema.items()}
    if {"text", "cites"} <= set(schema.get("properties", {})):
        most = schema["properties"]["text"].get("maxLength", 400)
        made["properties"]["text"] = {"type": "string", "pattern": f"^{_NO_BRACKETS}{{1,{most}}}$"}
        made["properties"]["cites"] = _cites(schema["properties"]["cites"], known)
    return made


def _cites(schema: dict[str, Any], known: tuple[str, ...]) -> dict[str, Any]:
    if not known:
        return {"type": "array", "maxItems": 0}
    return {**schema, "items": {"type": "string", "enum": list(known)}}


def ids_of(request: Request) -> tuple[str, ...]:
    """Those that the timeline shows: what its budget left out cannot be cited either."""
    shown = tuple(line.obs_id for line in request.timeline.lines if line.obs_id is not None)
    return shown or tuple(o.obs_id for o in request.observations)


class Holder:
    """Makes what holds one reply; the tokenizer is read once."""

    def __init__(self, tokenizer: Any, n_vocab: int, end_ids: list[int]) -> None:
        check_extra()
        from llguidance.hf import from_tokenizer

        self._tokens = from_tokenizer(tokenizer, n_vocab=n_vocab, eos_token=end_ids)

    def hold(self, request: Request, n_prompt: int) -> "HeldTo":
        from llguidance import LLMatcher

        schema = cited_from(request.schema, ids_of(request))
        grammar = LLMatcher.grammar_from_json_schema(schema, overrides=_FORM)
        return HeldTo(LLMatcher(self._tokens, grammar), n_prompt)


class HeldTo:
    """A logits processor of transformers, for one reply of one sequence."""

    def __init__(self, matcher: Any, n_prompt: int) -> None:
        if matcher.is_error():
            raise ValueError(f"the reply's schema makes no grammar: {matcher.get_error()}")
        self._matcher, self._read = matcher, n_prompt

    def __call__(self, input_ids: Any, scores: Any) -> Any:
        """scores: (1, vocabulary). Takes note of the tokens written since, then masks."""
        import torch

        written = input_ids[0, self._read :].tolist()
        self._read += len(written)
        self._matcher.consume_tokens(written)
        # One byte a token, 0 where it may not follow (once all is said, only an end mark may).
        allowed = torch.frombuffer(bytearray(self._matcher.compute_logit_bias()), dtype=torch.uint8)
        barred = torch.ones(scores.shape[-1], dtype=torch.bool)
        n = min(len(allowed), scores.shape[-1])
        barred[:n] = allowed[:n] == 0
        return scores.masked_fill(barred.to(scores.device), float("-inf"))


def check_extra() -> None:
    if find_spec("llguidance") is None:
        raise MissingExtra("Holding a reply to a grammar", "llguidance", "transformers")
