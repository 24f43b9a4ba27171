"""demeanor-mini, the model in the box: a small LLaMA made for this task alone.

It reads the short form of a timeline (short_form.py), not the prompt of large models, and writes
the plain three-part text. Seven things are not left to it: where nothing was observed there is no
label, it cannot name an observation that it was not shown, nor leave a part out, what it says of
the observation that it names is put in, what is there of a pattern that it names is looked up, its
best fit is one of the labels that were asked for, and its conclusion goes with that. What ships
lies in mini_model, with its card; other weights are asked by the name of their folder
(docs/mini.md).
"""

import hashlib
import json
import math
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any

from demeanor.explain.errors import ChatError, ModelFileError
from demeanor.explain.reasoning.chat import Request
from demeanor.explain.reasoning.listed import (
    concluded,
    looked_up,
    once,
    recited,
    runner_up,
    stands_out,
    unit_of,
    worn,
)
from demeanor.explain.reasoning.prose import abstention, listed
from demeanor.explain.reasoning.short_form import (
    BEST_FIT,
    CONFIDENCE,
    END,
    NONE,
    as_text,
    ask,
    ask_label,
    ask_reasons,
    filled,
    in_order,
    of_words,
    renamed,
    shares_text,
    short_form,
    shown_of,
    with_names,
)
from demeanor.explain.reasoning.signs import speech_spans, unmeasured_codes
from demeanor.explain.records import LabelSet, NotMeasured, Observation
from demeanor.explain.threads import one_thread
from demeanor.explain.vocabulary import MOVEMENTS

_SETS, _MADE, _TOKENIZER = "label_sets.json", "demeanor.json", "tokenizer.json"
_MOST_TOKENS = 600  # of a reply: an explanation has about 200
_N_OTHERS = 3  # labels named beside the best fit
_AHEAD = 14  # tokens that are guessed and read at once
_LOOKED_UP_BEHIND = ("] ", "\n- ", ":", "Conclusion: ", "Conclusion: [")
_UNITS = frozenset(code for code in MOVEMENTS if code.startswith("AU"))
_NOTHING = "No facial movement"
_PARTS = ("Key observations:", "Interpretation:", "Conclusion:", "Labels:")
_Look = Callable[[str, str], str | None]


class Mini:
    """Deterministic: the likeliest token, always."""

    name = "demeanor-mini"
    adapter = None
    languages = frozenset({"en"})
    structured = True  # held to its form here, not by a schema
    reads_prompt = False

    def __init__(self, folder: Path, *, held: bool = True, label_first: bool = True) -> None:
        """held=False lets it write what it likes, label_first=False lets its reasons find the
        label: to measure what either does."""
        self._folder, self._held, self._label_first = folder, held, label_first
        made = json.loads(self._file(_MADE).read_text("utf-8"))
        self._made = str(made["version"])
        self._sets: Mapping[str, list[str]] = json.loads(self._file(_SETS).read_text("utf-8"))
        self.notes = (
            f"a model of {made['weights'] / 1e6:.1f} million weights, made from scratch on drawn "
            "clips, measured pictures and written comments (docs/mini.md); no large model",
            "reads its own short form of the timeline, and English words only",
        )

    @cached_property
    def version(self) -> str:
        """With a digest of the files: weights that were made anew are another model."""
        digest = hashlib.sha256()
        for file in sorted(self._folder.iterdir()):
            if file.suffix in (".json", ".safetensors"):
                digest.update(file.read_bytes())
        return f"{self._made} {digest.hexdigest()[:8]}"

    def load(self) -> None:
        """Weights and tokens, which the first reply would wait for otherwise."""
        self._barred("")

    def reply(self, request: Request) -> str:
        if self._held and not shown_of(request.person, request.observations):
            return _abstained(request)
        seen, names = renamed(request.person, request.observations)
        shown = short_form(request.person, seen, request.not_measured)
        own = shown_of(request.person, seen)
        shares = self._first_look(shown, request.label_set) if self._label_first else {}
        reading = next(iter(shares.items()), None)
        question = ask_reasons(self._shown_set(request.label_set), reading)
        labels, most = request.label_set.labels, request.max_tokens
        told = _told(names, seen)
        look = _look(request.person, seen, request.not_measured, shares)
        return self._written(shown, question, labels, most, told, look, request.say, shares, own)

    def answer(
        self,
        person: str | None,
        observations: Sequence[Observation],
        gaps: Sequence[NotMeasured],
        question: str,
    ) -> str:
        """A follow-up question about one person, in the model's own words."""
        seen, names = renamed(person, observations)
        asked = with_names(question, {own: mine for mine, own in names.items()})
        shown = short_form(person, seen, gaps)
        look = _look(person, seen, gaps, {})
        return self._written(shown, ask(asked), (), 160, _told(names, seen), look)

    def label_shares(self, request: Request) -> dict[str, float]:
        """Without reasons: how likely each label of the set is to be its answer."""
        seen, _ = renamed(request.person, request.observations)
        shown = short_form(request.person, seen, request.not_measured)
        return self._shares(shown, request.label_set)

    def word_shares(self, text: str, labels: LabelSet) -> dict[str, float]:
        """The same for words that stand alone."""
        return self._shares(of_words(text), labels)

    # --- tokens ----------------------------------------------------------------------------------

    @cached_property
    def _model(self) -> Any:
        from demeanor.explain.reasoning.llama import SmallLlama

        return SmallLlama(self._file("config.json").parent)

    @cached_property
    def _tokens(self) -> Any:
        from tokenizers import Tokenizer

        return Tokenizer.from_file(str(self._file(_TOKENIZER)))

    def _file(self, name: str) -> Path:
        found = self._folder / name
        if not found.is_file():
            raise ModelFileError(
                f"{found} is missing: wanted a folder that `python -m demeanor.data_engine.mini` "
                "made (OUT/model)"
            )
        return found

    def _shown_set(self, labels: LabelSet) -> Sequence[str]:
        """By its name where the model learnt it so."""
        known = self._sets.get(labels.name)
        return (labels.name,) if known == list(labels.labels) else labels.labels

    def _ids(self, text: str) -> list[int]:
        return list(self._tokens.encode(text).ids)

    def _read(self, ids: Sequence[int], room: int) -> tuple[Any, Any]:
        from demeanor.explain.reasoning.llama import Reading

        if len(ids) + room > self._model.positions:
            raise ChatError(
                f"{self.name} reads {self._model.positions} tokens; this timeline has {len(ids)} "
                f"and the reply may have {room}. Take a shorter clip, or --chat prototype"
            )
        reading = Reading(self._model)
        return reading, reading.read(ids)[-1]

    @one_thread()
    def _written(
        self,
        shown: str,
        question: str,
        labels: Sequence[str],
        most: int,
        told: Callable[[str], str],
        look: _Look,
        say: Callable[[str], None] | None = None,
        shares: Mapping[str, float] | None = None,
        seen: Sequence[Observation] = (),
    ) -> str:
        most, ids = min(most, _MOST_TOKENS), self._ids(shown) + self._ids(question)
        following = Following(*self._read(ids, most), ids, self._model.positions)
        barred = self._barred(shown) if self._held else None
        end = self._tokens.token_to_id(END)
        written: list[int] = []
        text = ""
        while len(written) < most:
            logits = following.logits
            if barred is not None:
                out = barred | self._out_of_turn(written, seen) if labels else barred
                logits = logits.masked_fill(out, -math.inf)
            token = int(logits.argmax())
            if token == end:
                break
            written.append(token)
            following.take(token)
            if self._held and labels:
                for token in self._forced(written, following, labels, shares, look):
                    written.append(token)
                    following.take(token)
            if say is not None:
                before, text = text, told(self._once(written, shares))
                if text.endswith("\ufffd"):  # a character that is not whole yet
                    text = before
                say(text[len(before) :])
        return told(self._once(written, shares))

    def _once(self, written: Sequence[int], shares: Mapping[str, float] | None) -> str:
        text = self._text(written)
        return once(text, shares) if self._held else text

    def _forced(
        self,
        written: Sequence[int],
        following: "Following",
        labels: Sequence[str],
        shares: Mapping[str, float] | None,
        look: _Look,
    ) -> Iterator[int]:
        """What is not left to it: the label, with its shares, what stands behind an id, and what
        is there of a pattern. Whoever goes through it has each token read before the next."""
        if written[-1] == self._tokens.token_to_id(BEST_FIT):
            if not shares:
                label = self._likeliest(*following.settled(), labels)
                yield from [*label, self._tokens.token_to_id(CONFIDENCE)]
                return
            (best, sure), *others = shares.items()
            yield from [*self._ids(best), *self._ids(shares_text(sure, others[:_N_OTHERS]))]
        elif written[-1] in self._looked_up_behind:
            goes_on = str(self._tokens.id_to_token(int(following.logits.argmax())))
            found = look(self._text(written), goes_on)
            yield from self._ids((found or "").removesuffix("."))
            if found and found.endswith("."):
                others = ~self._stops | self._too_early(written)
                yield int(following.logits.masked_fill(others, -math.inf).argmax())
                yield from self._forced(written, following, labels, shares, look)

    def _text(self, written: Sequence[int]) -> str:
        return str(self._tokens.decode(written, skip_special_tokens=True))

    def _barred(self, shown: str) -> Any:
        """(vocabulary,) bool: ids of observations that are not in what was shown."""
        known = {line.partition("]")[0].removeprefix("[") for line in shown.splitlines()}
        return self._tokens_of({obs_id for _, obs_id in self._obs_ids} - known)

    def _out_of_turn(self, written: Sequence[int], seen: Sequence[Observation]) -> Any:
        """(vocabulary,) bool: tokens that leave out a part, and, where a line begins, ids of what
        was told."""
        out = self._too_early(written)
        if self._text(written[-1:]).endswith("\n- ["):
            out = out | self._tokens_of(worn(self._text(written), seen))
        return out

    def _tokens_of(self, obs_ids: Collection[str]) -> Any:
        """(vocabulary,) bool: tokens that name one of them."""
        import torch

        named = torch.zeros(self._model.n_tokens, dtype=torch.bool)
        for token, obs_id in self._obs_ids:
            named[token] = obs_id in obs_ids
        return named

    @cached_property
    def _obs_ids(self) -> list[tuple[int, str]]:
        """Tokens `f3` and `f3] ` with the id that they name."""
        vocabulary = self._tokens.get_vocab(with_added_tokens=True)
        named = {n: t.removesuffix("] ") for t, n in vocabulary.items()}
        return [(n, t) for n, t in named.items() if t[:1] in "fvs" and t[1:].isdigit()]

    @cached_property
    def _stops(self) -> Any:
        """(vocabulary,) bool: tokens that end a sentence, or a line with it."""
        import torch

        texts = (self._text([token]) for token in range(self._model.n_tokens))
        return torch.tensor([text == "." or text.startswith(".\n") for text in texts])

    @cached_property
    def _opened(self) -> dict[int, list[int]]:
        """The parts, counted from 1, that a token opens."""
        texts = {n: self._text([n]) for n in range(self._model.n_tokens)}
        found = {
            n: [k for k, part in enumerate(_PARTS, start=1) if part in text]
            for n, text in texts.items()
        }
        return {n: parts for n, parts in found.items() if parts}

    def _too_early(self, written: Iterable[int]) -> Any:
        """(vocabulary,) bool: tokens that leave out a part of a reply that is so far."""
        return self._early[max((p for n in written for p in self._opened.get(n, ())), default=0)]

    @cached_property
    def _early(self) -> Any:
        """(parts + 1, vocabulary) bool, by the last part that was opened."""
        import torch

        early = torch.zeros(len(_PARTS) + 1, self._model.n_tokens, dtype=torch.bool)
        for token, parts in self._opened.items():
            early[: min(parts) - 1, token] = True
        return early

    @cached_property
    def _looked_up_behind(self) -> frozenset[int]:
        """Tokens `f3] `, of lines and a conclusion that begin, and the colon: for `_look`."""
        vocabulary = self._tokens.get_vocab(with_added_tokens=True)
        found = {token: self._text([n]) for token, n in vocabulary.items()}
        return frozenset(
            n for token, n in vocabulary.items() if found[token].endswith(_LOOKED_UP_BEHIND)
        )

    def _likeliest(self, reading: Any, logits: Any, labels: Sequence[str]) -> list[int]:
        scored = list(self._scored(reading, logits, labels))
        return max(scored, key=lambda pair: pair[1])[0]

    def _scored(
        self, reading: Any, logits: Any, labels: Sequence[str]
    ) -> Iterator[tuple[list[int], float]]:
        """Each label's tokens with the logarithm of how likely they are next."""
        first, at = logits.log_softmax(-1), reading.n_read
        for label in labels:
            ids = self._ids(label)
            score = float(first[ids[0]])
            if len(ids) > 1:
                following = reading.read(ids[:-1]).log_softmax(-1)
                score += sum(float(following[k, token]) for k, token in enumerate(ids[1:]))
                reading.cut(at)
            yield ids, score

    def _first_look(self, shown: str, labels: LabelSet) -> dict[str, float]:
        """Labels by how likely they are without reasons; empty where none can be read."""
        own = tuple(name for name in labels.labels if name != NONE)
        if not own:
            return {}
        shares = self._shares(shown, replace(labels, labels=(*own, NONE)), self._shown_set(labels))
        if shares.pop(NONE) > max(shares.values()):
            return {}
        total = sum(shares.values())
        ranked = sorted(shares, key=lambda name: -shares[name])
        return {name: shares[name] / total for name in ranked}

    @one_thread()
    def _shares(
        self, shown: str, labels: LabelSet, asked: Sequence[str] | None = None
    ) -> dict[str, float]:
        ids = self._ids(shown) + self._ids(ask_label(asked or self._shown_set(labels)))
        reading, logits = self._read(ids, 16)
        scored = [score for _, score in self._scored(reading, logits, labels.labels)]
        top = max(scored)
        sizes = [math.exp(score - top) for score in scored]
        return {name: size / sum(sizes) for name, size in zip(labels.labels, sizes, strict=True)}


class Following:
    """Logits of what comes next. Most of a reply stood in the timeline before: what came behind the
    same two tokens there is guessed and read in the same pass, and dropped where it was wrong. The
    reply is the same as without guesses (Saxena 2023, prompt lookup decoding)."""

    def __init__(self, reading: Any, logits: Any, ids: Sequence[int], positions: int) -> None:
        self._reading, self._rows, self._guessed = reading, [logits], deque[int]()
        self._ids, self._before = list(ids), reading.n_read - len(ids)
        self._positions = positions
        self._seen = {pair: n for n, pair in enumerate(pairwise(ids), start=2)}

    @property
    def logits(self) -> Any:
        return self._rows[0]

    def take(self, token: int) -> None:
        pair = (self._ids[-1], token) if self._ids else None
        self._ids.append(token)
        stood = self._seen.get(pair) if pair else None
        if pair:
            self._seen[pair] = len(self._ids)
        if self._guessed and self._guessed[0] == token:
            self._guessed.popleft()
            self._rows.pop(0)
            return
        n_read = self._before + len(self._ids) - 1
        self._reading.cut(n_read)
        room = min(_AHEAD, self._positions - n_read - 1)
        guessed = self._ids[stood : stood + room] if stood else []
        self._rows = list(self._reading.read([token, *guessed]))
        self._guessed = deque(guessed)

    def settled(self) -> tuple[Any, Any]:
        """The reading with nothing guessed in it, and the logits of what comes next."""
        self._reading.cut(self._before + len(self._ids))
        self._rows, self._guessed = self._rows[:1], deque()
        return self._reading, self.logits


def _abstained(request: Request) -> str:
    """Nothing was observed: no model is needed to say so."""
    own = [g for g in request.not_measured if g.person in (request.person, None)]
    text = as_text(abstention((), own))
    if request.say is not None:
        request.say(text)
    return text


def _told(names: Mapping[str, str], seen: Sequence[Observation]) -> Callable[[str], str]:
    """What it writes, with what was said in place of its mark, under the observations' own ids."""
    return lambda text: with_names(filled(text, seen), names)


def _look(
    person: str | None,
    seen: Iterable[Observation],
    gaps: Iterable[NotMeasured],
    shares: Mapping[str, float],
) -> _Look:
    """What a reply goes on with where that is looked up, and not left to the token that it would
    go on with: what is there of a pattern, of all that was measured and not only of the lines
    shown; a key observation; the unit behind an id; the units that are not measured; and, of the
    labels' shares, the next best reading and what is concluded. A full stop ends it."""
    own = [o for o in seen if o.person in (person, None)]
    unmeasured = unmeasured_codes([g for g in gaps if g.person in (person, None)])
    speech = list(speech_spans(own))

    def look(reply: str, goes_on: str) -> str | None:
        if reply.endswith(":"):
            found = looked_up(reply, own, unmeasured)
            return f" {found}" if found else concluded(reply, shares)
        told = (
            recited(reply, own, speech)
            or (stands_out(reply, own, speech) if goes_on.startswith(_NOTHING) else None)
            or concluded(reply, shares)
            or runner_up(reply, goes_on, shares)
        )
        if told or goes_on not in _UNITS:
            return told
        if reply.endswith("\n- "):
            return f"{listed(in_order(unmeasured))} could not be measured" if unmeasured else None
        return unit_of(reply, own)

    return look
